"""Files, streamed in and out."""

from __future__ import annotations

import gc
import hashlib
import io
import os
import shutil
from pathlib import Path

import jotrack
from jotrack import AttachmentKind

from .support import RESUME, Lab


class AttachmentsTest(Lab):
    def test_a_file_comes_out_as_it_went_in(self) -> None:
        job = self.job()
        content = os.urandom(350_000).hex().encode()

        made = self.engine.attachments.add(
            job, AttachmentKind.OTHER, io.BytesIO(content), "digits.txt"
        )

        (file,) = self.engine.attachments.list(job)
        self.assertEqual((file.id, file.size, file.is_active), (made.id, len(content), True))
        self.assertEqual(file.sha256, hashlib.sha256(content).hexdigest())
        self.assertEqual(self.engine.attachments.read(file.id), content)

    def test_reading_is_like_reading_any_file(self) -> None:
        job = self.job()
        path = Path(self.folder, "cv.txt")
        path.write_bytes(RESUME)
        id = self.engine.attachments.add(job, AttachmentKind.RESUME, path).id

        with self.engine.attachments.open(id) as file:
            self.assertEqual(file.readline(), b"Mara Lindqvist\n")
            file.seek(-8, io.SEEK_END)
            self.assertEqual(file.read(), b"tooling.\n"[-8:])
            file.seek(0)
            lines = list(io.TextIOWrapper(file, encoding="utf-8"))
            copied = io.BytesIO()
        with self.engine.attachments.open(id) as file:
            shutil.copyfileobj(file, copied, 7)

        self.assertEqual("".join(lines).encode(), RESUME)
        self.assertEqual(copied.getvalue(), RESUME)
        self.assertEqual(self.engine.attachments.list([job])[0].filename, "cv.txt")

    def test_leaving_the_with_attaches_and_an_exception_gives_up(self) -> None:
        job = self.job()

        with self.engine.attachments.create(job, AttachmentKind.OTHER, "a.txt") as writer:
            writer.write(b"one ")
            writer.write(bytearray(b"two "))
            writer.write(memoryview(b"--three--")[2:7])
        with self.assertRaises(ZeroDivisionError):
            with self.engine.attachments.create(job, AttachmentKind.OTHER, "b.txt") as other:
                other.write(b"lost")
                raise ZeroDivisionError
        dropped = self.engine.attachments.create(job, AttachmentKind.OTHER, "c.txt")
        dropped.write(b"lost too")
        del dropped
        gc.collect()

        self.assertIsNotNone(writer.committed)
        (file,) = self.engine.attachments.list(job)
        self.assertEqual(self.engine.attachments.read(file.id), b"one two three")
        with self.assertRaises(jotrack.Misuse):
            writer.commit()

    def test_limits_and_versions(self) -> None:
        job = self.job()
        attachments = self.engine.attachments
        first = attachments.add(job, AttachmentKind.RESUME, b"One", "cv.txt")
        second = attachments.add(job, AttachmentKind.RESUME, b"Two", "cv.txt")
        again = attachments.add(job, AttachmentKind.RESUME, b"Two", "cv.txt")

        with self.assertRaises(jotrack.TooLarge):
            attachments.create(job, AttachmentKind.RESUME, "x.txt", size_hint=1 << 40)
        attachments.activate(first.id)
        attachments.trash(second.id)

        self.assertEqual((again.id, again.unchanged), (second.id, True))
        self.assertEqual([(f.id, f.is_active) for f in attachments.list(job)], [(first.id, True)])
        attachments.restore(second.id)
        self.assertEqual(len(attachments.list(job, [AttachmentKind.RESUME])), 2)
        self.assertEqual(attachments.list(job, [AttachmentKind.JD]), [])
        attachments.trash(second.id)
        attachments.purge(second.id)
        with self.assertRaises(jotrack.NotFound):
            attachments.open(second.id)

    def test_a_staged_file_is_for_graphql(self) -> None:
        upload = self.engine.attachments.stage(b"Text of a posting", "posting.txt")

        self.assertTrue(upload)

    def test_a_reader_outlives_its_engine_and_then_says_so(self) -> None:
        id = self.engine.attachments.add(self.job(), AttachmentKind.OTHER, b"text", "a.txt").id
        file = self.engine.attachments.open(id)
        self.engine.close()

        with self.assertRaises(jotrack.Closed):
            file.read()
        file.close()
        with self.assertRaises(ValueError):
            file.read()
