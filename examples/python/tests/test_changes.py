"""What changed, asked for and told."""

from __future__ import annotations

import asyncio
import gc
import threading

import jotrack
from jotrack import ChangeOp, Entity, EventKind
from jotrack._abi import EngineState
from jotrack.changes import merged
from jotrack.types import Event

from .support import PATIENCE, Lab


class ChangesTest(Lab):
    def test_changes_are_told_from_a_revision_on(self) -> None:
        start = self.engine.changes.revision()
        ids = [self.job(f"Company {n}") for n in range(5)]
        self.engine.jobs.trash(ids[0])

        all_of_them = self.engine.changes.since(start, Entity.JOB)
        pages = list(self.engine.changes.pages(start, Entity.JOB, limit=2))

        self.assertEqual([change.id for change in all_of_them][:5], ids)
        self.assertEqual(all_of_them.changes[0].op, ChangeOp.CREATED)
        self.assertEqual([change for page in pages for change in page], list(all_of_them))
        self.assertGreater(len(pages), 2)
        self.assertEqual(all_of_them.rev, self.engine.changes.revision())
        self.assertEqual(len(self.engine.changes.since(all_of_them.rev)), 0)
        self.assertTrue(self.engine.changes.since(1 << 40).reset)

    def test_a_subscription_is_iterated_in_a_thread(self) -> None:
        with self.engine.subscribe(Entity.JOB) as changes:
            id = self.job()
            event = next(iter(changes))

        self.assertEqual(event.kind, EventKind.CHANGED)
        self.assertIn(Entity.JOB, event.entities)
        told = self.engine.changes.since(event.first_rev - 1)
        self.assertEqual(told.changes[0].id, id)
        self.assertEqual(list(changes), [])  # It is closed.

    def test_a_subscription_is_iterated_in_asyncio(self) -> None:
        async def watch() -> int:
            with self.engine.subscribe(Entity.JOB) as changes:
                writing = asyncio.create_task(asyncio.to_thread(self.job))
                async for event in changes:
                    await writing
                    return event.last_rev
            return 0

        self.assertEqual(asyncio.run(watch()), self.engine.changes.revision())

    def test_closing_the_engine_ends_every_iteration(self) -> None:
        async def watch(changes: jotrack.Subscription) -> str:
            async for _ in changes:
                pass
            return "ended"

        async def both() -> tuple[str, str]:
            async with jotrack.open() as engine:
                one, two = engine.subscribe(), engine.subscribe()
                thread = asyncio.create_task(asyncio.to_thread(lambda: str(list(two))))
                task = asyncio.create_task(watch(one))
                await asyncio.sleep(0)
            return await task, await thread

        self.assertEqual(asyncio.run(asyncio.wait_for(both(), PATIENCE)), ("ended", "[]"))

    def test_a_callback_may_call_the_engine_but_not_close_it(self) -> None:
        told = threading.Event()
        found: list[object] = []

        def callback(event: Event) -> None:
            found.append(len(list(self.engine.jobs)))
            try:
                self.engine.close()
            except jotrack.Misuse as e:
                found.append(e.code.name)
            told.set()

        with self.engine.subscribe(Entity.JOB, callback):
            self.job()
            self.assertTrue(told.wait(PATIENCE))
        self.assertEqual(found[:2], [1, "MISUSE"])
        self.assertEqual(len(list(self.engine.jobs)), 1)

    def test_a_dropped_subscription_is_freed(self) -> None:
        told: list[Event] = []
        subscription = self.engine.subscribe(callback=told.append)
        self.job()
        del subscription
        gc.collect()
        for thread in threading.enumerate():
            if thread.name == "jotrack-collected":
                thread.join(PATIENCE)
        before = len(told)

        self.job()
        # What this one is told was told to the other before, if there still was one.
        with self.engine.subscribe() as changes:
            self.job()
            next(iter(changes))

        self.assertEqual(len(told), before)

    def test_events_that_wait_are_merged(self) -> None:
        def event(kind: EventKind, entities: Entity, first: int, last: int) -> Event:
            return Event(kind, EngineState.OPEN, entities, first, last)

        one = event(EventKind.CHANGED, Entity.JOB, 3, 4)
        two = event(EventKind.CHANGED, Entity.ATTACHMENT, 5, 9)
        lost = event(EventKind.RESYNC, Entity(0), 10, 12)
        state = event(EventKind.STATE, Entity(0), 0, 0)

        both = Entity.JOB | Entity.ATTACHMENT
        self.assertEqual(merged(one, two), event(EventKind.CHANGED, both, 3, 9))
        told = merged(two, lost)
        assert told is not None
        self.assertEqual((told.kind, told.last_rev), (EventKind.RESYNC, 12))
        self.assertIsNone(merged(one, state))
