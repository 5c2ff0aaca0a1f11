"""What changed, and being told that something did."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, AsyncIterator, Callable, Iterator, Optional

from . import _abi, _callbacks
from ._abi import ChangeOp, EngineState, Entity, EventKind, PageFlag
from ._handle import Handle, when_collected
from ._library import text_out
from ._managed import Managed
from ._page import Page
from ._stream import Stream
from .errors import Closed
from .types import Change, Event

if TYPE_CHECKING:
    from .engine import Engine

OnChange = Callable[[Event], object]
#: As a set to be told about.
EVERYTHING = Entity(0)


@dataclass(frozen=True)
class Changes:
    """Changes, oldest first."""

    changes: list[Change]
    #: Go on from here.
    rev: int
    #: There is more after the last one.
    more: bool
    #: They cannot be told one by one: read everything again, then go on from ``rev``.
    reset: bool

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    def __len__(self) -> int:
        return len(self.changes)


class ChangeLog:
    """``engine.changes``: the log of what changed."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def revision(self) -> int:
        """The revision: it rises with every commit, those of other processes included."""
        rev = ctypes.c_uint64()
        self._engine.handle.call("revision", ctypes.byref(rev))
        return rev.value

    def since(self, rev: int, entities: Entity = EVERYTHING) -> Changes:
        """All that changed after a revision."""
        found: list[Change] = []
        reset = False
        for page in self.pages(rev, entities):
            found += page.changes
            rev, reset = page.rev, reset or page.reset
        return Changes(found, rev, False, reset)

    def pages(self, rev: int, entities: Entity = EVERYTHING, limit: int = 0) -> Iterator[Changes]:
        """The same page by page, each read when it is asked for."""
        more = True
        while more:
            page = self._page(rev, entities, limit)
            rev, more = page.rev, page.more
            yield page

    def _page(self, rev: int, entities: Entity, limit: int) -> Changes:
        handle = self._engine.handle
        pointer = ctypes.c_void_p()
        handle.call("changes_since", rev, int(entities), limit, ctypes.byref(pointer))
        with Page(handle.library, "change", pointer) as page:
            changes = [
                Change(row.rev, Entity(row.entity), ChangeOp(row.op), text_out(row.id) or "")
                for row in page.rows(_abi.jotrack_change)
            ]
            info = page.info()
        flags = info.flags
        return Changes(
            changes, info.rev, bool(flags & PageFlag.MORE), bool(flags & PageFlag.RESET)
        )


class _Listener:
    """What the callback writes and a ``Subscription`` reads."""

    def __init__(self, handle: Handle, callback: Optional[OnChange]) -> None:
        self.handle = handle
        self.callback = callback
        self.events: Stream[Event] = Stream(merged)

    def on_change(self, raw: _abi.jotrack_event) -> None:
        event = Event(
            EventKind(raw.kind),
            EngineState(raw.state),
            Entity(raw.entities),
            raw.first_rev,
            raw.last_rev,
        )
        if event.kind == EventKind.STATE and event.state == EngineState.CLOSING:
            self.events.end()
        elif self.callback is not None:
            try:
                self.callback(event)
            except Closed:
                if not self.handle.is_closed:
                    raise
        else:
            self.events.put(event)


class Subscription(Managed):
    """Tells that something changed: iterate over it with ``for`` or ``async for``.

    Events that nobody has taken are merged, so a slow program loses nothing and holds no queue. The
    iteration ends when the subscription or the engine is closed.
    """

    def __init__(self, engine: "Engine", entities: Entity, callback: Optional[OnChange]) -> None:
        handle = engine.handle
        self._engine = engine
        self._listener = _Listener(handle, callback)
        number = _callbacks.wait_for(self._listener)
        pointer = ctypes.c_void_p()
        try:
            handle.call(
                "subscribe", int(entities), _callbacks.on_change, number, ctypes.byref(pointer)
            )
        except BaseException:
            _callbacks.forget(number)
            raise
        self._free = when_collected(
            self, _free, handle.library.raw("subscription_free"), pointer.value, number
        )

    def close(self) -> None:
        """Ends it. Waits for a callback that runs on another thread; then none comes any more."""
        freed = self._free.detach()
        if freed is not None:
            _, _, (free, *arguments), _ = freed
            free(*arguments)
            self._listener.events.end()

    def __iter__(self) -> Iterator[Event]:
        return iter(self._listener.events)

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._listener.events.__aiter__()

    def _leave(self) -> None:
        self.close()


def _free(function: Callable[[Optional[int]], None], pointer: Optional[int], number: int) -> None:
    function(pointer)
    _callbacks.forget(number)


def merged(first: Event, second: Event) -> Optional[Event]:
    """Two events as one, or None where both must be told."""
    kinds = {first.kind, second.kind}
    if not kinds <= {EventKind.CHANGED, EventKind.RESYNC}:
        return None
    return replace(
        second,
        kind=EventKind.RESYNC if EventKind.RESYNC in kinds else EventKind.CHANGED,
        entities=first.entities | second.entities,
        first_rev=min(first.first_rev, second.first_rev),
        last_rev=max(first.last_rev, second.last_rev),
    )
