"""A queue from the engine's callback thread to whoever iterates, in a thread or in asyncio."""

from __future__ import annotations

import asyncio
from collections import deque
from threading import Event as Flag
from typing import AsyncIterator, Callable, Deque, Generic, Iterator, Optional, TypeVar

T = TypeVar("T")


class Stream(Generic[T]):
    """Items in order, then an end. One producer; each item goes to one consumer.

    Neither side holds a lock while the other may need it: the operations of a deque are atomic.
    """

    def __init__(self, merge: Optional[Callable[[T, T], Optional[T]]] = None) -> None:
        self._items: Deque[T] = deque()
        self._merge = merge
        self._ended = False
        self._wakers: list[Callable[[], object]] = []

    def put(self, item: T) -> None:
        """Adds an item, or merges it into the last one that nobody took."""
        if self._merge is not None:
            try:
                last = self._items.pop()
            except IndexError:
                pass
            else:
                merged = self._merge(last, item)
                if merged is None:
                    self._items.append(last)
                else:
                    item = merged
        self._items.append(item)
        self._wake()

    def end(self) -> None:
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        for wake in list(self._wakers):
            try:
                wake()
            except RuntimeError:  # The event loop is closed: nobody waits any more.
                pass

    def _ready(self) -> Iterator[T]:
        while True:
            try:
                yield self._items.popleft()
            except IndexError:
                return

    def __iter__(self) -> Iterator[T]:
        flag = Flag()
        self._wakers.append(flag.set)
        try:
            while True:
                flag.clear()
                ended = self._ended  # Before the items: what came earlier is among them.
                yield from self._ready()
                if ended:
                    return
                flag.wait()
        finally:
            self._wakers.remove(flag.set)

    async def __aiter__(self) -> AsyncIterator[T]:
        loop = asyncio.get_running_loop()
        flag = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(flag.set)

        self._wakers.append(wake)
        try:
            while True:
                flag.clear()
                ended = self._ended
                for item in self._ready():
                    yield item
                if ended:
                    return
                await flag.wait()
        finally:
            self._wakers.remove(wake)
