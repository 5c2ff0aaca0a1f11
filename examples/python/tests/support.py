"""What the tests share: an engine in a folder of its own, and a provider of models on loopback."""

from __future__ import annotations

import contextlib
import http.server
import json
import tempfile
import threading
import unittest
from typing import Any, Iterator, Optional

import jotrack
from jotrack import AttachmentKind, Entity, TextState

#: How long something may take on a busy machine.
PATIENCE = 120

RESUME = b"""Mara Lindqvist
Senior Backend Engineer

Eight years of Rust, PostgreSQL and Kubernetes. Led the move of a payment platform to Rust,
ran Docker and Kubernetes in production, mentored four engineers, wrote Python tooling.
"""
POSTING = b"""Backend Engineer

Requirements: Rust, PostgreSQL and Kubernetes are required.
Must have experience with Docker. Nice to have: Python, Terraform.
"""
#: A valid answer about the companies around a company.
COMPANIES = json.dumps(
    {
        "companies": [
            {
                "name": "Globex",
                "category": "COMPETITOR",
                "relevanceScore": 0.9,
                "reason": "Sells the same pumps",
                "confidence": 0.8,
            }
        ]
    }
)


class Lab(unittest.TestCase):
    """A test with an engine, which is closed at its end."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.engine = self.open()

    def open(self, **options: Any) -> jotrack.Engine:
        engine = jotrack.open(self.folder, **options)
        self.addCleanup(engine.close)
        return engine

    def job(self, company: str = "Fjordline", title: str = "Engineer") -> str:
        return self.engine.jobs.create(company, title).id

    def job_with_documents(self) -> str:
        """A job whose résumé and description are read."""
        job = self.job()
        with self.engine.subscribe(Entity.ATTACHMENT) as changes:
            self.engine.attachments.add(job, AttachmentKind.RESUME, RESUME, "cv.txt")
            self.engine.attachments.add(job, AttachmentKind.JD, POSTING, "posting.txt")
            for _ in changes:
                files = self.engine.attachments.list(job)
                if all(file.text_state == TextState.READY for file in files):
                    return job
        raise AssertionError("the engine closed")

    def lab_with_provider(self, provider: "Provider") -> jotrack.Engine:
        """An engine that asks a provider on loopback, in the same folder."""
        ai = {
            "provider": "OPENAI_COMPATIBLE",
            "model": "none",
            "base_url": provider.url,
            "retries": 0,
            "drain_ms": 100,
        }
        return self.open(config={"ai": ai})


class Provider:
    """A provider that streams an answer in pieces.

    It waits for ``go_on`` before each piece but the first; whoever hangs up earlier is counted.
    """

    def __init__(self, pieces: list[str]) -> None:
        self.pieces = pieces
        self.steps = threading.Semaphore(0)
        self.hung_up = threading.Event()
        self.calls = 0
        provider = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                provider.calls += 1
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                try:
                    self.stream()
                except OSError:
                    provider.hung_up.set()

            def stream(self) -> None:
                for index, piece in enumerate(provider.pieces):
                    while index > 0 and not provider.steps.acquire(timeout=0.05):
                        # A comment of the protocol: finds out whether anybody still listens.
                        self.wfile.write(b": waiting\n\n")
                    self.tell({"content": piece}, None)
                self.tell({}, "stop")
                self.wfile.write(b"data: [DONE]\n\n")

            def tell(self, delta: dict[str, str], reason: Optional[str]) -> None:
                choice = {"index": 0, "delta": delta, "finish_reason": reason}
                event = {"id": "c1", "model": "none", "choices": [choice]}
                self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    def go_on(self, pieces: int = 1) -> None:
        for _ in range(pieces):
            self.steps.release()

    @classmethod
    @contextlib.contextmanager
    def serve(cls, *pieces: str) -> Iterator["Provider"]:
        provider = cls(list(pieces))
        provider.thread.start()
        try:
            yield provider
        finally:
            provider.go_on(len(pieces) * max(provider.calls, 1))
            provider.server.shutdown()
            provider.server.server_close()
            provider.thread.join()
