"""Where the library calls back: one C function for each kind of callback, for ever.

A C function made by ctypes must outlive its last call, the return from it included, which an object
freed in its own ``on_done`` could not promise. So none is made for a single operation: the ``user``
pointer is a number, and the number stands for whoever waits.
"""

from __future__ import annotations

import ctypes
import itertools
import traceback
from typing import Any, Optional

from . import _abi

_numbers = itertools.count(1)
_waiting: dict[int, Any] = {}


def wait_for(waiting: Any) -> int:
    """Keeps an object until ``forget``, and returns the number to pass as ``user``."""
    number = next(_numbers)
    _waiting[number] = waiting
    return number


def forget(number: int) -> None:
    _waiting.pop(number, None)


def _on_op_event(user: int, text: int, length: int) -> None:
    try:
        operation = _waiting.get(user)
        if operation is not None:
            operation.on_event(ctypes.string_at(text, length))
    except BaseException:  # Nothing may leave a callback.
        traceback.print_exc()


def _on_done(
    user: int, status: int, text: Optional[int], length: int, error: Optional[int]
) -> None:
    try:
        operation = _waiting.pop(user, None)
        if operation is not None:
            operation.on_done(status, ctypes.string_at(text, length) if text else None, error)
    except BaseException:
        traceback.print_exc()


def _on_change(user: int, event: Any) -> None:
    try:
        subscription = _waiting.get(user)
        if subscription is not None:
            subscription.on_change(event.contents)
    except BaseException:
        traceback.print_exc()


on_op_event = _abi.jotrack_op_event_cb(_on_op_event)
on_done = _abi.jotrack_done_cb(_on_done)
on_change = _abi.jotrack_event_cb(_on_change)
