"""``engine.texts`` and ``engine.coach``: the texts of documents, and what is made of them."""

from __future__ import annotations

import ctypes
import json
from typing import TYPE_CHECKING, Any, Iterable, Optional

from . import _abi
from ._abi import AttachmentKind, CoachStatus, CoachStep, ScoreBand, VariantFlag, VariantName
from ._handle import commit_out, write_and_commit
from ._library import ids_in, mask, new, text_in, text_out
from ._page import Page
from .types import Coach, Commit, Match, Text

if TYPE_CHECKING:
    from .engine import Engine
    from .jobs import Ids


class Texts:
    """``engine.texts``."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def list(
        self,
        job_ids: "Ids",
        kinds: Iterable[AttachmentKind] = (),
        variant: VariantName = VariantName.RAW,
    ) -> "list[Text]":
        """Reads the texts of the active files of up to 200 jobs; a file without one has no row."""
        handle = self._engine.handle
        pointer = ctypes.c_void_p()
        handle.call(
            "variant_get_many", *ids_in(job_ids), mask(kinds), int(variant), ctypes.byref(pointer)
        )
        with Page(handle.library, "variant", pointer) as page:
            return [text_row_out(row) for row in page.rows(_abi.jotrack_variant)]

    def set(
        self,
        attachment_id: str,
        text: str,
        variant: VariantName = VariantName.RAW,
        *,
        expected_version: int = 0,
        idempotency_key: Optional[str] = None,
    ) -> Commit:
        """Sets a text by hand."""
        encoded = text.encode()
        return self._engine.handle.write(
            "variant_set",
            text_in(attachment_id),
            int(variant),
            encoded,
            len(encoded),
            key=idempotency_key,
            expected=expected_version,
        )


class CoachStates:
    """``engine.coach``."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def get(self, job_id: str) -> Coach:
        """Reads how far the coach has come with a job."""
        state = new(_abi.jotrack_coach)
        document = self._engine.handle.text("coach_get", text_in(job_id), ctypes.byref(state))
        return coach_out(state, json.loads(document))

    def update(
        self,
        job_id: str,
        patch: dict[str, Any],
        *,
        expected_version: int = 0,
        idempotency_key: Optional[str] = None,
    ) -> Commit:
        """Changes it; the keys of the patch stand at ``jotrack_coach_update``."""
        write, commit = write_and_commit(idempotency_key, expected_version)
        self._engine.handle.call(
            "coach_update",
            text_in(job_id),
            json.dumps(patch).encode(),
            ctypes.byref(write),
            ctypes.byref(commit),
            None,
        )
        return commit_out(commit)


def match(engine: "Engine", job_id: str) -> Optional[Match]:
    score = new(_abi.jotrack_match)
    document = engine.handle.text("match_get", text_in(job_id), ctypes.byref(score))
    if not score.has_score:
        return None
    return Match(score.value, ScoreBand(score.band), score.computed_at_ms, json.loads(document))


def text_row_out(row: _abi.jotrack_variant) -> Text:
    return Text(
        attachment_id=text_out(row.attachment_id) or "",
        job_id=text_out(row.job_id) or "",
        text=text_out(row.text) or "",
        kind=AttachmentKind(row.kind),
        variant=VariantName(row.variant),
        token_estimate=row.token_estimate,
        word_count=row.word_count,
        truncated=bool(row.flags & VariantFlag.TRUNCATED),
        created_at_ms=row.created_at_ms,
        version=row.version,
    )


def coach_out(state: _abi.jotrack_coach, document: dict[str, Any]) -> Coach:
    locked = range(state.locked.bit_length())
    return Coach(
        status=CoachStatus(state.status),
        progress=state.progress,
        next_step=CoachStep(state.next_step) if state.next_step else None,
        milestones=state.milestones,
        locked=frozenset(CoachStep(n) for n in locked if state.locked >> n & 1),
        version=state.version,
        updated_at_ms=state.updated_at_ms,
        document=document,
    )
