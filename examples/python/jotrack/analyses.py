"""Analyses: started, followed as they stream, cancelled, read again."""

from __future__ import annotations

import asyncio
import concurrent.futures
import ctypes
import json
import weakref
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Generator, Iterator, Optional

from . import _abi, _callbacks
from ._library import new, optional_in, text_in
from ._managed import Managed
from ._stream import Stream
from .types import AnalysisEvent

if TYPE_CHECKING:
    from .engine import Engine

OnEvent = Callable[[AnalysisEvent], object]


class _State:
    """What the callbacks write and an ``Analysis`` reads. It lives until ``on_done``."""

    def __init__(self, engine: "Engine", on_event: Optional[OnEvent]) -> None:
        # Open until the end, also when nobody else holds it.
        self.engine: Optional["Engine"] = engine
        self.library = engine.handle.library
        self.listener = on_event
        self.failure: Optional[BaseException] = None
        self.events: Stream[AnalysisEvent] = Stream()
        self.future: "concurrent.futures.Future[dict[str, Any]]" = concurrent.futures.Future()
        # A future that runs cannot be cancelled by those who wait for it: only `cancel` cancels.
        self.future.set_running_or_notify_cancel()
        self.op: Optional[int] = None

    def on_event(self, text: bytes) -> None:
        data = json.loads(text)
        event = AnalysisEvent(
            data.get("kind", ""),
            data.get("sequence", 0),
            data.get("epoch", 0),
            data.get("text", ""),
            data,
        )
        if self.listener is None:
            self.events.put(event)
        elif self.failure is None:
            try:
                self.listener(event)
            except BaseException as e:
                self.failure = e
                self.cancel()

    def on_done(self, status: int, text: Optional[bytes], error: Optional[int]) -> None:
        if self.failure is not None:
            self.future.set_exception(self.failure)
        elif status != 0:
            self.future.set_exception(self.library.story(status, error))
        else:
            self.future.set_result(json.loads(text) if text else {})
        self.events.end()
        self.engine = None

    def cancel(self) -> None:
        # Before `start` returned there is no handle; whoever gets it looks at `failure`.
        if self.op is not None and not self.future.done():
            self.library.raw("op_cancel")(self.op)


class Analysis(Managed):
    """An analysis that runs, or has ended.

    Iterate over it, with ``for`` or ``async for``, for its events; leaving the loop early cancels
    it, and so does cancelling the task. ``result()`` or ``await`` gives its end. Dropping it
    cancels nothing: it goes on, and ``engine.follow`` finds it again by its ``id``.
    """

    def __init__(
        self,
        engine: "Engine",
        name: str,
        arguments: tuple[Any, ...],
        on_event: Optional[OnEvent],
    ) -> None:
        library = engine.handle.library
        self._state = _State(engine, on_event)
        number = _callbacks.wait_for(self._state)
        op = ctypes.c_void_p()
        try:
            engine.handle.call(
                name,
                *arguments,
                _callbacks.on_op_event,
                _callbacks.on_done,
                number,
                ctypes.byref(op),
            )
        except BaseException:
            _callbacks.forget(number)
            raise
        self._state.op = op.value
        if self._state.failure is not None:
            self._state.cancel()
        # Freed with the state, not with this object: the last callback may still cancel with it.
        finalizer = weakref.finalize(self._state, library.raw("op_free"), op.value)
        finalizer.atexit = False
        #: For ``engine.follow`` and ``engine.analysis``, also in a later process.
        self.id: str = library.raw("op_id")(op.value).decode()

    @property
    def done(self) -> bool:
        return self._state.future.done()

    def cancel(self) -> None:
        """Asks it to end; the end comes as ``Cancelled``, or as it would when it was quicker."""
        self._state.cancel()

    def result(self, timeout: Optional[float] = None) -> dict[str, Any]:
        """Waits for the end and returns the analysis, see ``jotrack_analysis_get``.

        Raises what it failed with, or ``TimeoutError`` after so many seconds, which cancels
        nothing. Not to be called in a callback: nothing comes while one runs.
        """
        try:
            return self._state.future.result(timeout)
        except concurrent.futures.TimeoutError:
            if self.done:
                raise
            raise TimeoutError(f"no end after {timeout} s") from None

    def __iter__(self) -> Iterator[AnalysisEvent]:
        try:
            yield from self._state.events
        finally:
            self.cancel()
        self.result()

    async def __aiter__(self) -> AsyncIterator[AnalysisEvent]:
        # Closed by hand: a generator that is dropped is closed later, by the event loop.
        events = self._state.events.__aiter__()
        try:
            async for event in events:
                yield event
        finally:
            self.cancel()
            await events.aclose()  # type: ignore[attr-defined]
        self.result()

    def __await__(self) -> Generator[Any, None, dict[str, Any]]:
        return self._wait().__await__()

    async def _wait(self) -> dict[str, Any]:
        try:
            return await asyncio.wrap_future(self._state.future)
        except asyncio.CancelledError:
            self.cancel()
            raise

    def _leave(self) -> None:
        self.cancel()

    def __repr__(self) -> str:
        return f"<Analysis {self.id} {'done' if self.done else 'running'}>"


def start(
    engine: "Engine",
    kind: str,
    *,
    job_id: Optional[str],
    company: Optional[str],
    attachment_id: Optional[str],
    persona: Optional[str],
    params: Optional[dict[str, Any]],
    provider: Optional[str],
    model: Optional[str],
    idempotency_key: Optional[str],
    refresh: bool,
    background: bool,
    on_event: Optional[OnEvent],
) -> Analysis:
    request = new(_abi.jotrack_analysis_request)
    request.kind = text_in(kind)
    request.job_id = optional_in(job_id)
    request.company = optional_in(company)
    request.attachment_id = optional_in(attachment_id)
    request.persona = optional_in(persona)
    request.params_json = None if params is None else json.dumps(params).encode()
    request.provider = optional_in(provider)
    request.model = optional_in(model)
    request.idempotency_key = optional_in(idempotency_key)
    if refresh:
        request.flags |= _abi.AnalysisFlag.REFRESH
    if background:
        request.flags |= _abi.AnalysisFlag.BACKGROUND
    return Analysis(engine, "analysis_start", (ctypes.byref(request),), on_event)


def follow(engine: "Engine", id: str, after: int, on_event: Optional[OnEvent]) -> Analysis:
    return Analysis(engine, "analysis_follow", (text_in(id), after), on_event)
