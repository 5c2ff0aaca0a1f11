"""What comes out of the engine: copies, which stay valid after it is closed.

Times are Unix milliseconds in UTC, as in the header; ``when`` makes a datetime of one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Optional

from ._abi import (
    AttachmentKind,
    ChangeOp,
    CoachStatus,
    CoachStep,
    EngineState,
    Entity,
    EventKind,
    JobStatus,
    ScoreBand,
    TextError,
    TextState,
    VariantName,
)


def when(ms: Optional[int]) -> Optional[datetime]:
    """The moment of a time in Unix milliseconds."""
    return None if ms is None else datetime.fromtimestamp(ms / 1000, tz=timezone.utc)


@dataclass(frozen=True)
class Commit:
    """What a mutation did."""

    #: Of the object; empty for a mutation of a list.
    id: str
    #: The revision it made; 0 when nothing was written.
    rev: int
    #: Everything was as asked for already.
    unchanged: bool = False
    #: The idempotency key was used before: the first result is told again.
    replayed: bool = False
    #: The name of the file and its content disagree about the type; the content was believed.
    type_mismatch: bool = False


@dataclass(frozen=True)
class Job:
    id: str
    company: str
    title: str
    location: Optional[str]
    posting_url: Optional[str]
    source: Optional[str]
    #: None in a list; ``engine.jobs.get`` has them.
    notes: Optional[str]
    #: The active résumé and job description.
    resume_attachment_id: Optional[str]
    jd_attachment_id: Optional[str]
    status: JobStatus
    coach_status: CoachStatus
    coach_progress: int
    attachment_count: int
    attachment_kinds: frozenset[AttachmentKind]
    #: 0 to 100.
    match_score: Optional[float]
    #: For ``expected_version``.
    version: int
    created_at_ms: int
    updated_at_ms: int
    status_since_ms: int
    applied_at_ms: Optional[int]
    archived_at_ms: Optional[int]
    trashed_at_ms: Optional[int]
    #: When the trash is emptied of it.
    purge_at_ms: Optional[int]


@dataclass(frozen=True)
class JobPage:
    """One page of jobs, for programs that page by hand."""

    jobs: list[Job]
    #: Go on from here with ``engine.changes.since``.
    rev: int
    #: How many there are in all; None when they were not counted.
    total: Optional[int]
    #: Cursor of the next page; None on the last one.
    next: Optional[str]


@dataclass(frozen=True)
class Attachment:
    id: str
    job_id: str
    filename: str
    #: What the content is, as found in its bytes.
    media_type: str
    sha256: str
    kind: AttachmentKind
    #: Whether it counts among its job's files of this kind.
    is_active: bool
    text_state: TextState
    text_error: Optional[TextError]
    version: int
    size: int
    created_at_ms: int
    trashed_at_ms: Optional[int]


@dataclass(frozen=True)
class Text:
    """A text of an attachment."""

    attachment_id: str
    job_id: str
    text: str
    kind: AttachmentKind
    variant: VariantName
    token_estimate: int
    word_count: int
    truncated: bool
    created_at_ms: int
    version: int


@dataclass(frozen=True)
class Coach:
    """How far the coach has come with a job."""

    status: CoachStatus
    progress: int
    #: None when all is done.
    next_step: Optional[CoachStep]
    #: Bits, see ``jotrack_coach.milestones``.
    milestones: int
    locked: frozenset[CoachStep]
    version: int
    updated_at_ms: int
    #: The whole state, with the names of the schema's CoachState.
    document: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Match:
    """How well the active résumé matches the active job description."""

    #: 0 to 100.
    value: float
    band: ScoreBand
    computed_at_ms: int
    #: The score with the skills behind it, see ``jotrack_match_get``.
    document: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Change:
    rev: int
    entity: Entity
    op: ChangeOp
    #: Of the object; of its job for a coach state.
    id: str


@dataclass(frozen=True)
class Event:
    """Something changed: ask ``engine.changes.since``, or for RESYNC read everything again."""

    kind: EventKind
    state: EngineState
    entities: Entity
    first_rev: int
    last_rev: int


@dataclass(frozen=True)
class AnalysisEvent:
    """A step of an analysis. Expect kinds that are not named in the header."""

    #: QUEUED, STARTED, DELTA, RESET, DONE, FAILED, CANCELLED, …
    kind: str
    sequence: int
    epoch: int
    #: The next piece, for DELTA.
    text: str
    #: The event as it was told.
    data: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class ProviderKey:
    """What may be known of a stored key."""

    provider: str
    last4: str
    fingerprint: str
    base_url: Optional[str]
    created_at_ms: int
    last_used_at_ms: Optional[int]
