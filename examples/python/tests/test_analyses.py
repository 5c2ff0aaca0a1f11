"""Analyses: streamed to a thread, to a callback and to asyncio; cancelled in every way."""

from __future__ import annotations

import asyncio
import threading
from typing import Optional

import jotrack
from jotrack import AnalysisEvent

from .support import COMPANIES, PATIENCE, Lab, Provider

HALF = len(COMPANIES) // 2
PIECES = (COMPANIES[:HALF], COMPANIES[HALF:])


class LocalAnalyses(Lab):
    def test_a_match_is_scored_without_a_network(self) -> None:
        job = self.job_with_documents()

        with self.engine.analyse("MATCH_SCORE", job_id=job, provider="LOCAL") as analysis:
            kinds = [event.kind for event in analysis]
            told = analysis.result()

        self.assertEqual(kinds[-1], "DONE")
        self.assertEqual((told["state"], told["id"]), ("SUCCEEDED", analysis.id))
        self.assertIn("overallScore", told["result"]["matchScore"])
        self.assertEqual(self.engine.analysis(analysis.id)["result"], told["result"])
        self.assertEqual([event.kind for event in analysis], [])
        followed = list(self.engine.follow(analysis.id))
        self.assertEqual([event.kind for event in followed][-1], "DONE")
        self.assertEqual(list(self.engine.follow(analysis.id, followed[-1].sequence)), [])
        with self.assertRaises(jotrack.JoTrackError) as late:
            self.engine.cancel_analysis(analysis.id)
        self.assertEqual(late.exception.code, jotrack.StatusCode.ALREADY_FINISHED)

    def test_a_wrong_request_is_refused_at_once(self) -> None:
        with self.assertRaises(jotrack.InvalidArgument):
            self.engine.analyse("NOTHING", company="Fjordline")
        with self.assertRaises(jotrack.InvalidArgument):
            self.engine.analyse("MATCH_SCORE")
        with self.assertRaises(jotrack.Conflict) as bare:
            self.engine.analyse("MATCH_SCORE", job_id=self.job(), provider="LOCAL")
        with self.assertRaises(jotrack.ProviderError):
            self.engine.analyse("COMPANY_ECOSYSTEM", company="Fjordline")
        self.assertTrue(bare.exception.reason)


class RemoteAnalyses(Lab):
    def test_text_streams_into_asyncio(self) -> None:
        async def run(provider: Provider, engine: jotrack.Engine) -> tuple[str, list[str], object]:
            analysis = engine.analyse("COMPANY_ECOSYSTEM", company="Fjordline")
            text, kinds = "", []
            async for event in analysis:
                kinds.append(event.kind)
                text += event.text
                if event.kind == "DELTA":
                    # The rest comes only now: what is here was streamed.
                    provider.go_on()
            return text, kinds, (await analysis)["result"]["companies"][0]["name"]

        with Provider.serve(*PIECES) as provider:
            engine = self.lab_with_provider(provider)
            text, kinds, name = asyncio.run(asyncio.wait_for(run(provider, engine), PATIENCE))

        self.assertEqual((text, name), (COMPANIES, "Globex"))
        self.assertEqual(kinds[-1], "DONE")
        self.assertGreaterEqual(kinds.count("DELTA"), 2)

    def test_text_streams_to_a_callback(self) -> None:
        with Provider.serve(*PIECES) as provider:
            engine = self.lab_with_provider(provider)
            events: list[AnalysisEvent] = []
            threads = set()

            def on_event(event: AnalysisEvent) -> None:
                events.append(event)
                threads.add(threading.current_thread())
                if event.kind == "DELTA":
                    provider.go_on()

            analysis = engine.analyse("COMPANY_ECOSYSTEM", company="Fjordline", on_event=on_event)
            told = analysis.result(PATIENCE)

        self.assertEqual(told["state"], "SUCCEEDED")
        self.assertEqual("".join(event.text for event in events), COMPANIES)
        self.assertNotIn(threading.main_thread(), threads)
        sequences = [event.sequence for event in events]
        self.assertEqual(sequences, sorted(set(sequences)))

    def test_leaving_the_loop_cancels(self) -> None:
        async def leave(engine: jotrack.Engine) -> jotrack.Analysis:
            analysis = engine.analyse("COMPANY_ECOSYSTEM", company="Fjordline")
            async for event in analysis:
                if event.kind == "DELTA":
                    break
            return analysis

        with Provider.serve(*PIECES) as provider:
            engine = self.lab_with_provider(provider)
            left = asyncio.run(asyncio.wait_for(leave(engine), PATIENCE))
            with self.assertRaises(jotrack.Cancelled):
                left.result(PATIENCE)
            self.assertTrue(provider.hung_up.wait(PATIENCE))
            for event in engine.analyse("COMPANY_ECOSYSTEM", company="Globex"):
                if event.kind == "DELTA":
                    break
            self.assertEqual(provider.calls, 2)

    def test_cancelling_the_task_cancels(self) -> None:
        async def run(engine: jotrack.Engine, awaiting: bool) -> Optional[jotrack.Analysis]:
            analysis = engine.analyse("COMPANY_ECOSYSTEM", company="Fjordline")
            begun = asyncio.Event()

            async def watch() -> None:
                async for event in analysis:
                    if event.kind == "DELTA":
                        begun.set()
                        if awaiting:
                            await analysis

            task = asyncio.create_task(watch())
            await begun.wait()
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            return analysis

        for awaiting in (False, True):
            with Provider.serve(*PIECES) as provider:
                engine = self.lab_with_provider(provider)
                analysis = asyncio.run(asyncio.wait_for(run(engine, awaiting), PATIENCE))
                assert analysis is not None
                with self.assertRaises(jotrack.Cancelled):
                    analysis.result(PATIENCE)
                self.assertTrue(provider.hung_up.wait(PATIENCE))

    def test_an_exception_of_a_callback_cancels_and_comes_back(self) -> None:
        def on_event(event: AnalysisEvent) -> None:
            raise ZeroDivisionError(event.kind)

        with Provider.serve(*PIECES) as provider:
            engine = self.lab_with_provider(provider)
            analysis = engine.analyse("COMPANY_ECOSYSTEM", company="Fjordline", on_event=on_event)
            with self.assertRaises(ZeroDivisionError):
                analysis.result(PATIENCE)

    def test_closing_the_engine_ends_what_runs(self) -> None:
        with Provider.serve(*PIECES) as provider:
            engine = self.lab_with_provider(provider)
            analysis = engine.analyse("COMPANY_ECOSYSTEM", company="Fjordline")
            with self.assertRaises(TimeoutError):
                analysis.result(0.01)
            engine.close()
            with self.assertRaises(jotrack.Closed):
                analysis.result(PATIENCE)
            analysis.cancel()
            with self.assertRaises(jotrack.Closed):
                list(analysis)
