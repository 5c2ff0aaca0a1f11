"""The handle of an engine: no call runs on it while it is closed, and none after that."""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
import weakref
from typing import Any, Callable, Optional

from . import _abi
from ._library import Library, optional_in
from .errors import Closed, error_of
from .types import Commit


class Handle:
    """An open engine.

    The library ends calls that closing meets; but a call that comes later could meet a new engine at
    the old one's address (R8 in the header). So calls are counted here, and closing waits for them.
    """

    def __init__(self, library: Library, pointer: int) -> None:
        self.library = library
        self._pointer: Optional[int] = pointer
        self._running = 0
        self._idle = threading.Condition()
        _open.add(self)

    @property
    def is_closed(self) -> bool:
        return self._pointer is None

    def call(self, name: str, *arguments: Any) -> None:
        """Calls a function of the engine, which comes first; raises when it fails."""
        with self._idle:
            pointer = self._pointer
            if pointer is None:
                raise Closed(_abi.StatusCode.CLOSED, "the engine is closed")
            self._running += 1
        try:
            self.library.call(name, pointer, *arguments)
        finally:
            with self._idle:
                self._running -= 1
                if self._running == 0:
                    self._idle.notify_all()

    def text(self, name: str, *arguments: Any) -> str:
        """Calls a function that ends with ``char **`` and ``jotrack_error **``."""
        owned = ctypes.c_void_p()
        self.call(name, *arguments, ctypes.byref(owned))
        return self.library.take_text(owned)

    def write(
        self, name: str, *arguments: Any, key: Optional[str] = None, expected: int = 0
    ) -> Commit:
        """Calls a function that ends with ``jotrack_write *`` and ``jotrack_commit *``."""
        write, commit = write_and_commit(key, expected)
        self.call(name, *arguments, ctypes.byref(write), ctypes.byref(commit))
        return commit_out(commit)

    def close(self) -> None:
        """Closes the engine; does nothing when that was done."""
        with self._idle:
            pointer, self._pointer = self._pointer, None
            if pointer is None:
                return
            try:
                while self._running > 0:
                    self._idle.wait()
            except BaseException:
                self._pointer = pointer
                raise
        status = self.library.raw("engine_close")(pointer)
        if status == _abi.StatusCode.MISUSE:
            # The library did nothing: a callback runs, or this is a forked child.
            self._pointer = pointer
        else:
            _open.discard(self)
        if status != 0:
            raise error_of(status, "closing the engine")

    def close_quietly(self) -> None:
        try:
            self.close()
        except Exception:  # Nobody is there to hear it.
            pass


_open: set[Handle] = set()


def _close_all() -> None:
    # Before the interpreter ends: a callback that comes later would find none.
    for handle in list(_open):
        handle.close_quietly()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    # Engines do not survive a fork, and calls that ran are not there to end.
    os.register_at_fork(after_in_child=_open.clear)


def when_collected(owner: object, function: Callable[..., object], *arguments: Any) -> Any:
    """Calls a function that may wait, on a thread of its own, once ``owner`` is collected.

    The collector may run anywhere, also inside a callback that the function would wait for.
    """
    finalizer = weakref.finalize(owner, _elsewhere, function, *arguments)
    finalizer.atexit = False
    return finalizer


def _elsewhere(function: Callable[..., object], *arguments: Any) -> None:
    try:
        threading.Thread(target=function, args=arguments, name="jotrack-collected").start()
    except RuntimeError:  # The interpreter ends and starts no more threads; engines are closed.
        pass


def write_and_commit(key: Optional[str], expected: int) -> tuple[Any, Any]:
    write = _abi.jotrack_write(
        struct_size=ctypes.sizeof(_abi.jotrack_write),
        idempotency_key=optional_in(key),
        expected_version=expected,
    )
    return write, _abi.jotrack_commit(struct_size=ctypes.sizeof(_abi.jotrack_commit))


def commit_out(commit: Any) -> Commit:
    flags = commit.flags
    return Commit(
        commit.id.decode(),
        commit.rev,
        bool(flags & _abi.CommitFlag.UNCHANGED),
        bool(flags & _abi.CommitFlag.REPLAYED),
        bool(flags & _abi.CommitFlag.TYPE_MISMATCH),
    )
