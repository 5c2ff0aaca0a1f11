"""``engine.jobs``: the job applications."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Optional, Union

from . import _abi
from ._abi import AttachmentKind, CoachStatus, JobField, JobOrder, JobStatus, Selection
from ._library import Library, ids_in, mask, new, optional_in, text_in, text_out
from ._page import Page
from .types import Commit, Job, JobPage

if TYPE_CHECKING:
    from .engine import Engine

#: One id or several: all of them are changed, or none.
Ids = Union[str, Iterable[str]]


class Keep(Enum):
    """``KEEP`` leaves a field as it is; None clears it."""

    KEEP = "keep"

    def __repr__(self) -> str:
        return "KEEP"


KEEP = Keep.KEEP
Field = Union[str, None, Keep]


@dataclass(frozen=True)
class JobFilter:
    """Which jobs to list, and in which order; the default is all live jobs, newest first."""

    statuses: Iterable[JobStatus] = ()
    coach_statuses: Iterable[CoachStatus] = ()
    #: Words to find in the job and its documents.
    text: Optional[str] = None
    company: Optional[str] = None
    created_from_ms: int = 0
    created_to_ms: int = 0
    #: A kind of file that the job must have.
    has_attachment: Optional[AttachmentKind] = None
    archived: Selection = Selection.NO
    trashed: Selection = Selection.NO
    order: JobOrder = JobOrder.CREATED


class Jobs:
    """``engine.jobs``. Iterating over it gives all live jobs, newest first."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def __iter__(self) -> Iterator[Job]:
        return self.list()

    def list(self, where: Optional[JobFilter] = None, *, page_size: int = 0) -> Iterator[Job]:
        """Reads jobs; the next page is read when the iteration reaches it."""
        after: Optional[str] = None
        while True:
            page = self.page(where, after=after, limit=page_size)
            yield from page.jobs
            after = page.next
            if after is None:
                return

    def page(
        self,
        where: Optional[JobFilter] = None,
        *,
        after: Optional[str] = None,
        limit: int = 0,
    ) -> JobPage:
        """Reads one page. ``after`` is the ``next`` of the page before, ``limit`` at most 200."""
        page = ctypes.c_void_p()
        where_in = ctypes.byref(filter_in(where)) if where is not None else None
        self._engine.handle.call(
            "job_list", where_in, optional_in(after), limit, ctypes.byref(page)
        )
        return take_page(self._engine.handle.library, page)

    def get(self, id: str) -> Job:
        """Reads one job with its notes."""
        page = ctypes.c_void_p()
        self._engine.handle.call("job_get", text_in(id), ctypes.byref(page))
        return take_page(self._engine.handle.library, page).jobs[0]

    def create(
        self,
        company: str,
        title: str,
        *,
        location: Optional[str] = None,
        posting_url: Optional[str] = None,
        source: Optional[str] = None,
        notes: Optional[str] = None,
        status: Optional[JobStatus] = None,
        status_at_ms: int = 0,
        idempotency_key: Optional[str] = None,
    ) -> Commit:
        """Creates a job; ``id`` of the answer is its id."""
        given: dict[str, Optional[str]] = {
            "company": company,
            "title": title,
            "location": location,
            "posting_url": posting_url,
            "source": source,
            "notes": notes,
        }
        fields: dict[str, Optional[str]] = {k: v for k, v in given.items() if v is not None}
        job = job_in(fields, status, status_at_ms)
        return self._engine.handle.write("job_create", ctypes.byref(job), key=idempotency_key)

    def update(
        self,
        id: str,
        *,
        company: Field = KEEP,
        title: Field = KEEP,
        location: Field = KEEP,
        posting_url: Field = KEEP,
        source: Field = KEEP,
        notes: Field = KEEP,
        status: Union[JobStatus, Keep] = KEEP,
        status_at_ms: int = 0,
        expected_version: int = 0,
        idempotency_key: Optional[str] = None,
    ) -> Commit:
        """Changes fields of a job. With the version that was seen, a ``Conflict`` when it is not
        the current one any more."""
        given: dict[str, Field] = {
            "company": company,
            "title": title,
            "location": location,
            "posting_url": posting_url,
            "source": source,
            "notes": notes,
        }
        fields = {name: value for name, value in given.items() if not isinstance(value, Keep)}
        job = job_in(fields, None if isinstance(status, Keep) else status, status_at_ms)
        return self._engine.handle.write(
            "job_update",
            text_in(id),
            ctypes.byref(job),
            key=idempotency_key,
            expected=expected_version,
        )

    def set_status(
        self,
        ids: Ids,
        status: JobStatus,
        *,
        at_ms: int = 0,
        note: Optional[str] = None,
        idempotency_key: Optional[str] = None,
    ) -> Commit:
        """Moves jobs to a status. ``note`` is kept in the status history."""
        return self._engine.handle.write(
            "job_update_status",
            *ids_in(ids),
            int(status),
            at_ms,
            optional_in(note),
            key=idempotency_key,
        )

    def archive(
        self, ids: Ids, archived: bool = True, *, idempotency_key: Optional[str] = None
    ) -> Commit:
        """Archives jobs, or takes them back."""
        return self._engine.handle.write(
            "job_archive", *ids_in(ids), int(archived), key=idempotency_key
        )

    def trash(self, ids: Ids, *, idempotency_key: Optional[str] = None) -> Commit:
        """Moves jobs to the trash, from where they are purged after some days."""
        return self._engine.handle.write("job_trash", *ids_in(ids), key=idempotency_key)

    def restore(self, ids: Ids, *, idempotency_key: Optional[str] = None) -> Commit:
        """Takes jobs back out of the trash."""
        return self._engine.handle.write("job_restore", *ids_in(ids), key=idempotency_key)

    def purge(self, ids: Ids, *, idempotency_key: Optional[str] = None) -> Commit:
        """Deletes jobs of the trash for good, with their files."""
        return self._engine.handle.write("job_purge", *ids_in(ids), key=idempotency_key)


def job_in(fields: dict[str, Optional[str]], status: Optional[int], at_ms: int) -> Any:
    job = new(_abi.jotrack_job_input)
    for name, value in fields.items():
        job.fields |= JobField[name.upper()]
        if name == "notes":
            # Its length goes with it, so a NUL does not end it.
            job.notes = None if value is None else value.encode()
            job.notes_len = 0 if value is None else len(value.encode())
        else:
            setattr(job, name, optional_in(value))
    if status is not None:
        job.fields |= JobField.STATUS
        job.status = int(status)
        job.status_at_ms = at_ms
    return job


def filter_in(where: JobFilter) -> Any:
    out = new(_abi.jotrack_job_filter)
    out.statuses = mask(where.statuses)
    out.coach_statuses = mask(where.coach_statuses)
    out.text = optional_in(where.text)
    out.company = optional_in(where.company)
    out.created_from_ms = where.created_from_ms
    out.created_to_ms = where.created_to_ms
    out.has_attachment = int(where.has_attachment or 0)
    out.archived = int(where.archived)
    out.trashed = int(where.trashed)
    out.order = int(where.order)
    return out


def take_page(library: Library, pointer: ctypes.c_void_p) -> JobPage:
    """Copies the rows of a page and frees it."""
    with Page(library, "job", pointer) as page:
        jobs = [job_out(row) for row in page.rows(_abi.jotrack_job)]
        info = page.info()
        total = None if info.total < 0 else info.total
        return JobPage(jobs, info.rev, total, text_out(info.next))


def job_out(row: _abi.jotrack_job) -> Job:
    return Job(
        id=text_out(row.id) or "",
        company=text_out(row.company) or "",
        title=text_out(row.title) or "",
        location=text_out(row.location),
        posting_url=text_out(row.posting_url),
        source=text_out(row.source),
        notes=text_out(row.notes),
        resume_attachment_id=text_out(row.resume_attachment_id),
        jd_attachment_id=text_out(row.jd_attachment_id),
        status=JobStatus(row.status),
        coach_status=CoachStatus(row.coach_status),
        coach_progress=row.coach_progress,
        attachment_count=row.attachment_count,
        attachment_kinds=kinds_out(row.attachment_kinds),
        match_score=None if row.match_score < 0 else row.match_score,
        version=row.version,
        created_at_ms=row.created_at_ms,
        updated_at_ms=row.updated_at_ms,
        status_since_ms=row.status_since_ms,
        applied_at_ms=row.applied_at_ms or None,
        archived_at_ms=row.archived_at_ms or None,
        trashed_at_ms=row.trashed_at_ms or None,
        purge_at_ms=row.purge_at_ms or None,
    )


def kinds_out(bits: int) -> "frozenset[AttachmentKind]":
    return frozenset(AttachmentKind(n) for n in range(bits.bit_length()) if bits >> n & 1)
