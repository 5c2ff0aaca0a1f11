"""Rows that the library owns until they were read."""

from __future__ import annotations

import ctypes
from typing import Iterator, TypeVar

from . import _abi
from ._library import Library, new
from ._managed import Managed

Row = TypeVar("Row", bound=ctypes.Structure)


class Page(Managed):
    """A page of one kind (``job``, ``change``, ...), given back at the end of ``with``."""

    def __init__(self, library: Library, kind: str, pointer: ctypes.c_void_p) -> None:
        self._raw = library.raw
        self._kind = kind
        self._pointer = pointer

    def _leave(self) -> None:
        self._raw(f"{self._kind}_page_free")(self._pointer)

    def rows(self, kind: type[Row]) -> Iterator[Row]:
        """Reads one row after the other into one struct: take what is wanted at once."""
        row = new(kind)
        for i in range(self._raw(f"{self._kind}_page_len")(self._pointer)):
            self._raw(f"{self._kind}_page_get")(self._pointer, i, ctypes.byref(row))
            yield row

    def info(self) -> _abi.jotrack_page_info:
        """Reads what is true of the whole page; its texts live as long as the page."""
        info: _abi.jotrack_page_info = new(_abi.jotrack_page_info)
        self._raw(f"{self._kind}_page_info")(self._pointer, ctypes.byref(info))
        return info
