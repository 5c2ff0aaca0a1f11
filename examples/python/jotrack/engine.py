"""The engine: opened, used from any thread, closed."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
from typing import TYPE_CHECKING, Any, Optional, Union

from . import _abi, analyses, documents
from ._abi import Entity
from ._handle import Handle, when_collected
from ._library import library, optional_in, text_in
from ._managed import Managed
from .analyses import Analysis, OnEvent
from .attachments import Attachments
from .changes import EVERYTHING, ChangeLog, OnChange, Subscription
from .documents import CoachStates, Texts
from .jobs import Jobs
from .keys import Keys
from .types import Match

if TYPE_CHECKING:
    from types import TracebackType


class Engine(Managed):
    """An open engine. Every method may be called from any thread.

    A call reads from or writes to a disk and blocks that long; in asyncio, pass long ones to
    ``asyncio.to_thread``. Analyses and subscriptions need no thread there: use ``async for``.

    Close it, or use it in a ``with`` or ``async with``. One that is dropped is closed too.
    """

    def __init__(
        self,
        data_dir: "Union[str, os.PathLike[str], None]" = None,
        *,
        database: Optional[str] = None,
        config: Optional[dict[str, Any]] = None,
        worker_threads: int = 0,
        master_key: Optional[str] = None,
    ) -> None:
        """Opens the engine of a folder, which is made when it is missing.

        Without a folder everything is kept in a private one that is removed at the end. ``config``
        and ``master_key`` stand in the header at ``jotrack_options``.
        """
        loaded = library()
        options = _abi.jotrack_options()
        size = ctypes.sizeof(options)
        loaded.raw("options_init")(ctypes.byref(options), size)
        options.data_dir = None if data_dir is None else text_in(os.fspath(data_dir))
        options.database = optional_in(database)
        options.config_json = None if config is None else json.dumps(config).encode()
        options.worker_threads = worker_threads
        options.master_key = optional_in(master_key)
        # The engine's own thread calls back, and takes turns with Python's others. So nobody has to
        # call the engine for an event to come, whatever loop the program runs.
        options.dispatch = _abi.DispatchMode.THREAD
        pointer = ctypes.c_void_p()
        loaded.call("engine_open", ctypes.byref(options), ctypes.byref(pointer))
        assert pointer.value is not None
        #: For the modules of this package.
        self.handle = Handle(loaded, pointer.value)
        self._closed = when_collected(self, self.handle.close_quietly)

    # -------------------------------------------------------------- closing

    @property
    def closed(self) -> bool:
        return self.handle.is_closed

    def close(self) -> None:
        """Waits for calls that run, gives running work 5 seconds, tells every callback and closes.

        A second call does nothing. Not inside a callback, where it is ``Misuse``.
        """
        self.handle.close()
        self._closed.detach()

    async def aclose(self) -> None:
        """``close()`` for asyncio: the event loop goes on meanwhile."""
        await asyncio.to_thread(self.close)

    def _leave(self) -> None:
        self.close()

    async def __aenter__(self) -> "Engine":
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional["TracebackType"],
    ) -> None:
        await self.aclose()

    # -------------------------------------------------------------- what it holds

    @property
    def jobs(self) -> Jobs:
        return Jobs(self)

    @property
    def attachments(self) -> Attachments:
        return Attachments(self)

    @property
    def texts(self) -> Texts:
        return Texts(self)

    @property
    def coach(self) -> CoachStates:
        return CoachStates(self)

    @property
    def keys(self) -> Keys:
        return Keys(self)

    @property
    def changes(self) -> ChangeLog:
        return ChangeLog(self)

    def match(self, job_id: str) -> Optional[Match]:
        """How well the active résumé of a job matches its job description; None without both."""
        return documents.match(self, job_id)

    def health(self) -> dict[str, Any]:
        """How the engine is."""
        told: dict[str, Any] = json.loads(self.handle.text("engine_health_json"))
        return told

    # -------------------------------------------------------------- what goes on

    def analyse(
        self,
        kind: str,
        *,
        job_id: Optional[str] = None,
        company: Optional[str] = None,
        attachment_id: Optional[str] = None,
        persona: Optional[str] = None,
        params: Optional[dict[str, Any]] = None,
        provider: Optional[str] = None,
        model: Optional[str] = None,
        idempotency_key: Optional[str] = None,
        refresh: bool = False,
        background: bool = False,
        on_event: Optional[OnEvent] = None,
    ) -> Analysis:
        """Starts an analysis, joins one that is under way, or finds the answer that is kept.

        ``kind`` is a word of the schema's AnalysisKind, about exactly one of ``job_id``,
        ``company`` and ``attachment_id``. ``on_event`` is called on the engine's thread; without it
        iterate over what this returns. What is wrong with the request is raised here.
        """
        return analyses.start(
            self,
            kind,
            job_id=job_id,
            company=company,
            attachment_id=attachment_id,
            persona=persona,
            params=params,
            provider=provider,
            model=model,
            idempotency_key=idempotency_key,
            refresh=refresh,
            background=background,
            on_event=on_event,
        )

    def follow(
        self, analysis_id: str, after: int = 0, on_event: Optional[OnEvent] = None
    ) -> Analysis:
        """Follows an analysis from after the event ``after`` on, also one of an earlier process.

        Leaving its iteration early cancels the analysis itself.
        """
        return analyses.follow(self, analysis_id, after, on_event)

    def analysis(self, analysis_id: str) -> dict[str, Any]:
        """Reads an analysis, see ``jotrack_analysis_get``."""
        told: dict[str, Any] = json.loads(self.handle.text("analysis_get", text_in(analysis_id)))
        return told

    def cancel_analysis(self, analysis_id: str) -> None:
        """Cancels an analysis, whoever started it."""
        self.handle.call("analysis_cancel", text_in(analysis_id))

    def subscribe(
        self, entities: Entity = EVERYTHING, callback: Optional[OnChange] = None
    ) -> Subscription:
        """Subscribes to changes, those of other processes included. ``entities`` 0 = all.

        ``callback`` is called on the engine's thread; without it iterate over what this returns.
        """
        return Subscription(self, entities, callback)

    # -------------------------------------------------------------- GraphQL

    def graphql(
        self,
        query: str,
        variables: Optional[dict[str, Any]] = None,
        *,
        operation_name: Optional[str] = None,
        timeout_ms: int = 0,
    ) -> dict[str, Any]:
        """Executes a query or a mutation and returns the response: look at its ``errors``."""
        request = _abi.jotrack_graphql_request(
            struct_size=ctypes.sizeof(_abi.jotrack_graphql_request),
            query=text_in(query),
            operation_name=optional_in(operation_name),
            variables_json=None if variables is None else json.dumps(variables).encode(),
            timeout_ms=timeout_ms,
        )
        response: dict[str, Any] = json.loads(
            self.handle.text("graphql_execute", ctypes.byref(request))
        )
        return response

    def __repr__(self) -> str:
        return f"<Engine {'closed' if self.closed else 'open'}>"


def open(
    data_dir: "Union[str, os.PathLike[str], None]" = None,
    *,
    database: Optional[str] = None,
    config: Optional[dict[str, Any]] = None,
    worker_threads: int = 0,
    master_key: Optional[str] = None,
) -> Engine:
    """Opens an engine, see ``Engine``."""
    return Engine(
        data_dir,
        database=database,
        config=config,
        worker_threads=worker_threads,
        master_key=master_key,
    )


def version() -> str:
    """The version of the library that runs."""
    text: bytes = library().raw("version_string")()
    return text.decode()


def features() -> _abi.Feature:
    """What is built into the library that runs."""
    return _abi.Feature(library().raw("features")())


def schema() -> str:
    """The schema of GraphQL in the schema definition language."""
    owned = ctypes.c_void_p()
    library().call("graphql_schema", ctypes.byref(owned))
    return library().take_text(owned)


def node_id(entity: Entity, id: str) -> str:
    """The opaque id in GraphQL of an object."""
    owned = ctypes.c_void_p()
    library().call("node_id_format", int(entity), text_in(id), ctypes.byref(owned))
    return library().take_text(owned)


def parse_node_id(node: str) -> "tuple[Entity, str]":
    """What object an opaque id of GraphQL stands for."""
    entity = ctypes.c_uint64()
    id = ctypes.create_string_buffer(40)
    library().call("node_id_parse", text_in(node), ctypes.byref(entity), id, len(id))
    return Entity(entity.value), id.value.decode()
