"""Finds the shared library, declares its functions and turns failures into exceptions."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from functools import cache
from typing import Any, Iterable, NoReturn, Optional

from . import _abi
from .errors import JoTrackError, LibraryNotFound, Unsupported, error_of

#: Names the file of the shared library, before the system is asked.
VARIABLE = "JOTRACK_LIBRARY"

# The system's names, the one with the version of the interface first.
_NAMES = {
    "darwin": ("libjotrack.0.1.dylib", "libjotrack.dylib"),
    "win32": ("jotrack.dll",),
}
_ELSEWHERE = ("libjotrack.so.0.1", "libjotrack.so")


class Library:
    """The functions of a shared library."""

    def __init__(self, cdll: ctypes.CDLL) -> None:
        self._functions: dict[str, Any] = {}
        for name, (result, parameters) in _abi.FUNCTIONS.items():
            function = getattr(cdll, name, None)
            if function is not None:
                function.restype = result
                function.argtypes = parameters
                self._functions[name] = function

    def raw(self, name: str) -> Any:
        """The function as ctypes has it; ``name`` is without ``jotrack_``."""
        function = self._functions.get(f"jotrack_{name}")
        if function is None:
            code = _abi.StatusCode.UNSUPPORTED
            raise Unsupported(code, f"jotrack_{name}: the library is older than this package")
        return function

    def call(self, name: str, *arguments: Any) -> None:
        """Calls a function whose last parameter is ``jotrack_error **``; raises when it fails."""
        error = ctypes.c_void_p()
        status = self.raw(name)(*arguments, ctypes.byref(error))
        if status != 0:
            self.fail(status, error)

    def fail(self, status: int, error: ctypes.c_void_p) -> NoReturn:
        """Raises what an error object tells, and frees it."""
        try:
            failure = self.story(status, error.value)
        finally:
            self.raw("error_free")(error)
        raise failure

    def story(self, status: int, error: Optional[int]) -> JoTrackError:
        """What a borrowed error object tells."""
        if not error:
            return error_of(status, self.raw("status_name")(status).decode())
        message = self.raw("error_message")(error).decode()
        details = self.raw("error_details_json")(error).decode()
        return error_of(status, message, details, self.raw("error_retry_after_ms")(error))

    def take_text(self, owned: ctypes.c_void_p) -> str:
        """Reads a text that the library handed out, and frees it."""
        if not owned.value:
            return ""
        try:
            return ctypes.string_at(owned.value).decode()
        finally:
            self.raw("string_free")(owned)


@cache
def library() -> Library:
    """The library of this process: the file that ``JOTRACK_LIBRARY`` names, else the system's."""
    named = os.environ.get(VARIABLE)
    if named:
        return Library(_load(named))
    tried = list(_NAMES.get(sys.platform, _ELSEWHERE))
    found = ctypes.util.find_library("jotrack")
    for name in [*tried, *([found] if found else [])]:
        try:
            return Library(_load(name))
        except LibraryNotFound:
            pass
    raise LibraryNotFound(f"no {', '.join(tried)}; {VARIABLE} may name the file")


def _load(name: str) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(name)
    except OSError as e:
        raise LibraryNotFound(f"{name}: {e}") from e


# ---------------------------------------------------------------- values across the border


def text_in(value: str) -> bytes:
    """Text as the library takes it. C would end it at a NUL, so one inside is refused."""
    encoded = value.encode()
    if b"\0" in encoded:
        raise ValueError("a NUL in a text")
    return encoded


def optional_in(value: Optional[str]) -> Optional[bytes]:
    return None if value is None else text_in(value)


def ids_in(ids: Iterable[str]) -> tuple[Any, int]:
    """A list of ids and its length, as two arguments."""
    encoded = [text_in(one) for one in ([ids] if isinstance(ids, str) else ids)]
    return (ctypes.c_char_p * len(encoded))(*encoded), len(encoded)


def text_out(value: _abi.jotrack_str) -> Optional[str]:
    """Copies a borrowed text; None where there is no value."""
    if not value.data:
        return None
    return ctypes.string_at(value.data, value.len).decode()


def new(struct: Any) -> Any:
    """A struct of zeros that knows its size."""
    made = struct()
    made.struct_size = ctypes.sizeof(struct)
    return made


def mask(members: Iterable[int]) -> int:
    """The set of bits ``1 << member``."""
    bits = 0
    for member in members:
        bits |= 1 << int(member)
    return bits
