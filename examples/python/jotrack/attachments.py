"""``engine.attachments``: files of jobs, streamed in and out."""

from __future__ import annotations

import ctypes
import io
import os
import shutil
from typing import TYPE_CHECKING, Any, BinaryIO, Iterable, Optional, Union

from . import _abi
from ._abi import AttachmentKind, TextError, TextState
from ._handle import commit_out, when_collected, write_and_commit
from ._library import Library, ids_in, mask, new, optional_in, text_in, text_out
from ._page import Page
from .errors import Misuse
from .types import Attachment, Commit

if TYPE_CHECKING:
    from types import TracebackType

    from .engine import Engine
    from .jobs import Ids

#: How much of a file is copied at a time.
CHUNK = 256 * 1024


class Attachments:
    """``engine.attachments``."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def list(self, job_ids: "Ids", kinds: Iterable[AttachmentKind] = ()) -> "list[Attachment]":
        """Reads the files of up to 100 jobs at once, those in the trash left out."""
        handle = self._engine.handle
        pointer = ctypes.c_void_p()
        handle.call("attachment_list", *ids_in(job_ids), mask(kinds), ctypes.byref(pointer))
        with Page(handle.library, "attachment", pointer) as page:
            return [attachment_out(row) for row in page.rows(_abi.jotrack_attachment)]

    def add(
        self,
        job_id: str,
        kind: AttachmentKind,
        source: "Union[bytes, str, os.PathLike[str], BinaryIO]",
        filename: Optional[str] = None,
        *,
        idempotency_key: Optional[str] = None,
    ) -> Commit:
        """Attaches a file: a path, or bytes or an open file with ``filename``.

        A content that the job has already gives the existing attachment, ``unchanged``.
        """
        if isinstance(source, (str, os.PathLike)):
            with open(source, "rb") as file:
                name = filename or os.path.basename(os.fspath(source))
                return self.add(job_id, kind, file, name, idempotency_key=idempotency_key)
        if filename is None:
            raise ValueError("bytes and open files need a filename")
        size = len(source) if isinstance(source, bytes) else 0
        writer = self.create(
            job_id, kind, filename, size_hint=size, idempotency_key=idempotency_key
        )
        with writer:
            if isinstance(source, bytes):
                writer.write(source)
            else:
                shutil.copyfileobj(source, writer, CHUNK)
            return writer.commit()

    def create(
        self,
        job_id: str,
        kind: AttachmentKind,
        filename: str,
        *,
        size_hint: int = 0,
        idempotency_key: Optional[str] = None,
    ) -> "AttachmentWriter":
        """Begins a file. Leaving its ``with`` attaches it; an exception gives it up."""
        return AttachmentWriter(
            self._engine, job_id, int(kind), filename, size_hint, idempotency_key
        )

    def stage(self, source: bytes, filename: str) -> str:
        """Keeps a file for a mutation over GraphQL and returns its ``uploadId``."""
        writer = AttachmentWriter(self._engine, None, 0, filename, len(source), None)
        with writer:
            writer.write(source)
            return writer.stage()

    def open(self, id: str) -> io.BufferedReader:
        """Opens a file for reading; it can seek."""
        return io.BufferedReader(AttachmentReader(self._engine, id), CHUNK)

    def read(self, id: str) -> bytes:
        """Reads a whole file."""
        with AttachmentReader(self._engine, id) as reader:
            return reader.readall()

    def activate(self, id: str, *, idempotency_key: Optional[str] = None) -> Commit:
        """Makes an earlier version the one that counts."""
        return self._engine.handle.write("attachment_activate", text_in(id), key=idempotency_key)

    def trash(self, id: str, *, idempotency_key: Optional[str] = None) -> Commit:
        """Moves a file to the trash."""
        return self._engine.handle.write("attachment_trash", text_in(id), key=idempotency_key)

    def restore(self, id: str, *, idempotency_key: Optional[str] = None) -> Commit:
        """Takes a file back out of the trash."""
        return self._engine.handle.write("attachment_restore", text_in(id), key=idempotency_key)

    def purge(self, id: str, *, idempotency_key: Optional[str] = None) -> Commit:
        """Deletes a file of the trash for good."""
        return self._engine.handle.write("attachment_purge", text_in(id), key=idempotency_key)


class AttachmentWriter(io.RawIOBase):
    """A file being written. One thread at a time. Nothing is visible before ``commit``.

    ``close()`` without a ``commit`` gives the file up; leaving the ``with`` without an exception
    commits it.
    """

    def __init__(
        self,
        engine: "Engine",
        job_id: Optional[str],
        kind: int,
        filename: str,
        size_hint: int,
        idempotency_key: Optional[str],
    ) -> None:
        super().__init__()
        self._library: Library = engine.handle.library
        self._pointer: Optional[int] = None
        self._key = idempotency_key
        #: What ``commit`` answered.
        self.committed: Optional[Commit] = None
        given = new(_abi.jotrack_attachment_input)
        given.job_id = optional_in(job_id)
        given.filename = text_in(filename)
        given.size_hint = size_hint
        given.kind = kind
        pointer = ctypes.c_void_p()
        engine.handle.call("attachment_writer_open", ctypes.byref(given), ctypes.byref(pointer))
        self._pointer = pointer.value
        abort = self._library.raw("attachment_writer_abort")
        self._abort = when_collected(self, abort, pointer.value)

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        """Writes all of it. Limits are checked as the bytes come."""
        view = memoryview(data).cast("B")
        content = view.obj if isinstance(view.obj, bytes) and view.contiguous else bytes(view)
        if len(content) != view.nbytes:
            content = bytes(view)
        self._library.call("attachment_writer_write", self._owned(), content, view.nbytes)
        return view.nbytes

    def commit(self) -> Commit:
        """Attaches the file to its job, as the version that counts. Ends the writer, also when it
        fails."""
        write, commit = write_and_commit(self._key, 0)
        self._library.call(
            "attachment_writer_commit", self._taken(), ctypes.byref(write), ctypes.byref(commit)
        )
        self.committed = commit_out(commit)
        return self.committed

    def stage(self) -> str:
        """Keeps the file for GraphQL, which takes the answer as ``uploadId`` for 24 hours."""
        owned = ctypes.c_void_p()
        self._library.call("attachment_writer_stage", self._taken(), ctypes.byref(owned))
        return self._library.take_text(owned)

    def close(self) -> None:
        if self._pointer is not None:
            self._library.raw("attachment_writer_abort")(self._taken())
        super().close()

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional["TracebackType"],
    ) -> None:
        try:
            if kind is None and self._pointer is not None:
                self.commit()
        finally:
            self.close()

    def _owned(self) -> int:
        if self._pointer is None:
            raise Misuse(_abi.StatusCode.MISUSE, "the file has ended")
        return self._pointer

    def _taken(self) -> int:
        pointer = self._owned()
        self._pointer = None
        self._abort.detach()
        return pointer


class AttachmentReader(io.RawIOBase):
    """A file open for reading. One thread at a time."""

    def __init__(self, engine: "Engine", id: str) -> None:
        super().__init__()
        self._library: Library = engine.handle.library
        self._pointer: Optional[int] = None
        self._at = 0
        pointer = ctypes.c_void_p()
        engine.handle.call("attachment_reader_open", text_in(id), None, ctypes.byref(pointer))
        self._pointer = pointer.value
        free = self._library.raw("attachment_reader_free")
        self._free = when_collected(self, free, pointer.value)
        #: Bytes.
        self.size: int = self._library.raw("attachment_reader_size")(pointer.value)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if self._pointer is None:
            raise ValueError("I/O operation on closed file.")
        view = memoryview(buffer).cast("B")
        if view.nbytes == 0:
            return 0
        target = (ctypes.c_char * view.nbytes).from_buffer(view)
        n = ctypes.c_size_t()
        self._library.call(
            "attachment_reader_read", self._pointer, self._at, target, view.nbytes, ctypes.byref(n)
        )
        self._at += n.value
        return n.value

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError("before the beginning of the file")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        pointer, self._pointer = self._pointer, None
        if pointer is not None:
            self._free.detach()
            self._library.raw("attachment_reader_free")(pointer)
        super().close()


def attachment_out(row: _abi.jotrack_attachment) -> Attachment:
    return Attachment(
        id=text_out(row.id) or "",
        job_id=text_out(row.job_id) or "",
        filename=text_out(row.filename) or "",
        media_type=text_out(row.media_type) or "",
        sha256=text_out(row.sha256) or "",
        kind=AttachmentKind(row.kind),
        is_active=row.is_active != 0,
        text_state=TextState(row.text_state),
        text_error=TextError(row.text_error) if row.text_error else None,
        version=row.version,
        size=row.size,
        created_at_ms=row.created_at_ms,
        trashed_at_ms=row.trashed_at_ms or None,
    )
