"""The life of an engine: closed once, at the right moment, whoever forgets it."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import threading
import unittest
from pathlib import Path

import jotrack
from jotrack._library import VARIABLE

from .support import PATIENCE, Lab

PACKAGE = Path(__file__).resolve().parents[1]


def python(source: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE), **variables}
    return subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        env=environment,
        timeout=PATIENCE,
    )


class EngineTest(Lab):
    def test_after_the_end_nothing_is_called(self) -> None:
        jobs = self.engine.jobs
        self.engine.close()
        self.engine.close()

        self.assertTrue(self.engine.closed)
        with self.assertRaises(jotrack.Closed):
            jobs.create("A", "B")
        with self.assertRaises(jotrack.Closed):
            self.engine.subscribe()
        with self.assertRaises(jotrack.Closed):
            self.engine.analyse("MATCH_SCORE", job_id="x")

    def test_closing_waits_for_calls_of_other_threads(self) -> None:
        begun = threading.Barrier(9)
        answers: list[str] = []

        def write() -> None:
            begun.wait()
            while True:
                try:
                    self.engine.jobs.create("A", "B")
                except jotrack.Closed:
                    answers.append("closed")
                    return

        threads = [threading.Thread(target=write) for _ in range(8)]
        for thread in threads:
            thread.start()
        begun.wait()
        self.engine.close()
        for thread in threads:
            thread.join(PATIENCE)

        self.assertEqual(answers, ["closed"] * 8)

    def test_a_dropped_engine_closes(self) -> None:
        engine = jotrack.open()
        handle = engine.handle
        del engine
        gc.collect()
        for thread in threading.enumerate():
            if thread.name == "jotrack-collected":
                thread.join(PATIENCE)

        self.assertTrue(handle.is_closed)

    def test_data_stays_and_a_private_folder_does_not(self) -> None:
        id = self.job("Fjordline")
        self.engine.close()

        with self.open() as again, jotrack.open() as other:
            self.assertEqual(again.jobs.get(id).company, "Fjordline")
            self.assertEqual(list(other.jobs), [])
            self.assertTrue(again.health()["ok"])

    def test_wrong_options_are_told(self) -> None:
        with self.assertRaises(jotrack.InvalidArgument):
            jotrack.open(config={"nothing": 1})
        with self.assertRaises(jotrack.ValidationError):
            jotrack.open(master_key="not a key")


class Process(unittest.TestCase):
    def test_a_process_ends_well_with_everything_open(self) -> None:
        ended = python(
            "import jotrack\n"
            "engine = jotrack.open()\n"
            "told = engine.subscribe(callback=lambda event: None)\n"
            "changes = engine.subscribe()\n"
            "for n in range(50):\n"
            "    engine.jobs.create('A', str(n))\n"
            "print(jotrack.version())\n"
        )

        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertEqual(ended.stdout.strip(), jotrack.__version__)

    @unittest.skipUnless(hasattr(os, "fork"), "no fork")
    def test_a_forked_child_is_refused_and_ends_well(self) -> None:
        ended = python(
            "import jotrack, os, sys\n"
            "engine = jotrack.open()\n"
            "if os.fork() == 0:\n"
            "    try:\n"
            "        engine.jobs.create('A', 'B')\n"
            "    except jotrack.Misuse:\n"
            "        sys.exit(7)\n"
            "    sys.exit(1)\n"
            "print(os.waitstatus_to_exitcode(os.wait()[1]))\n"
        )

        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, "7\n", ""))

    def test_a_missing_library_is_told_with_its_name(self) -> None:
        ended = python(
            "import jotrack\n"
            "try:\n"
            "    jotrack.open()\n"
            "except jotrack.LibraryNotFound as e:\n"
            "    print(e)\n",
            **{VARIABLE: "/nowhere/libjotrack.so"},
        )

        self.assertIn("/nowhere/libjotrack.so", ended.stdout)

    def test_the_start_of_the_readme_runs(self) -> None:
        readme = (PACKAGE / "README.md").read_text(encoding="utf-8")
        programs = re.findall(r"```python\n(.*?)```", readme, flags=re.S)

        ended = python(programs[0])

        self.assertEqual((ended.returncode, ended.stderr), (0, ""), ended)
        self.assertEqual(ended.stdout, "Engineer at Fjordline: APPLIED\n")
