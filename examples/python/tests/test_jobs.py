"""Jobs, their coach and their texts: what goes in comes out, and what is wrong is told."""

from __future__ import annotations

import jotrack
from jotrack import (
    AttachmentKind,
    CoachStep,
    Entity,
    JobFilter,
    JobOrder,
    JobStatus,
    ScoreBand,
    Selection,
    StatusCode,
    when,
)

from .support import Lab

UNKNOWN = "0190a6ae-0f5c-7d3c-9d57-4d0c6a8f2b11"


class JobsTest(Lab):
    def test_a_job_comes_out_as_it_went_in(self) -> None:
        made = self.engine.jobs.create(
            "Łódź Robotics",
            "Ingénieure 🦀",
            location="Łódź",
            posting_url="https://jobs.example.com/1",
            source="A friend",
            notes="First line\nSecond line",
            status=JobStatus.APPLIED,
            status_at_ms=1_700_000_000_000,
        )

        job = self.engine.jobs.get(made.id)

        self.assertEqual((job.company, job.title), ("Łódź Robotics", "Ingénieure 🦀"))
        self.assertEqual(job.location, "Łódź")
        self.assertEqual(job.posting_url, "https://jobs.example.com/1")
        self.assertEqual((job.source, job.notes), ("A friend", "First line\nSecond line"))
        self.assertEqual((job.status, job.status_since_ms), (JobStatus.APPLIED, 1_700_000_000_000))
        self.assertEqual(job.attachment_kinds, frozenset())
        self.assertIsNone(job.match_score)
        self.assertEqual(when(job.status_since_ms).year, 2023)  # type: ignore[union-attr]
        self.assertEqual(made.rev, self.engine.changes.revision())

    def test_a_change_keeps_what_it_does_not_name_and_clears_what_is_none(self) -> None:
        id = self.engine.jobs.create("A", "B", location="C", notes="D").id

        self.engine.jobs.update(id, title="E", location=None)
        again = self.engine.jobs.update(id, title="E")

        job = self.engine.jobs.get(id)
        self.assertEqual((job.company, job.title, job.notes), ("A", "E", "D"))
        self.assertIsNone(job.location)
        self.assertTrue(again.unchanged)

    def test_pages_are_read_as_the_iteration_reaches_them(self) -> None:
        for n in range(7):
            self.job(f"Company {n}")
        where = JobFilter(order=JobOrder.COMPANY)

        jobs = self.engine.jobs.list(where, page_size=3)
        first = next(jobs)
        # What is added behind the page that is held is found on the next one.
        self.job("Company 9")
        rest = list(jobs)

        self.assertEqual(first.company, "Company 0")
        self.assertEqual(len(rest), 7)
        self.assertEqual(rest[-1].company, "Company 9")
        page = self.engine.jobs.page(where, limit=5)
        self.assertEqual((len(page.jobs), page.rev), (5, self.engine.changes.revision()))
        self.assertEqual(len(self.engine.jobs.page(where, limit=5, after=page.next).jobs), 3)
        self.assertEqual(len(list(self.engine.jobs)), 8)

    def test_filters_and_lists_of_ids(self) -> None:
        ids = [self.job(f"Company {n}") for n in range(4)]

        self.engine.jobs.set_status(ids[:2], JobStatus.OFFER, note="By phone")
        self.engine.jobs.archive(ids[2])
        self.engine.jobs.trash(ids[3:])

        offers = self.engine.jobs.list(JobFilter(statuses=[JobStatus.OFFER]))
        self.assertEqual({job.id for job in offers}, set(ids[:2]))
        archived = self.engine.jobs.list(JobFilter(archived=Selection.ONLY))
        self.assertEqual([job.id for job in archived], [ids[2]])
        found = self.engine.jobs.list(JobFilter(company="Company 1"))
        self.assertEqual([job.id for job in found], ids[1:2])
        self.engine.jobs.restore(ids[3])
        self.engine.jobs.archive(ids[2], False)
        self.assertEqual(len(list(self.engine.jobs)), 4)
        self.engine.jobs.trash(ids)
        self.engine.jobs.purge(ids)
        self.assertEqual(list(self.engine.jobs.list(JobFilter(trashed=Selection.BOTH))), [])

    def test_errors_are_exceptions_by_their_code(self) -> None:
        id = self.job()
        seen = self.engine.jobs.get(id).version
        self.engine.jobs.update(id, title="Other")

        with self.assertRaises(jotrack.Conflict) as conflict:
            self.engine.jobs.update(id, title="Mine", expected_version=seen)
        with self.assertRaises(jotrack.ValidationError) as invalid:
            self.engine.jobs.create("", "x" * 201)
        with self.assertRaises(jotrack.NotFound) as missing:
            self.engine.jobs.get(UNKNOWN)
        with self.assertRaises(jotrack.InvalidArgument):
            self.engine.jobs.get("no id")
        with self.assertRaises(jotrack.Conflict) as rule:
            self.engine.jobs.purge(id)

        self.assertEqual(conflict.exception.current_version, seen + 1)
        fields = {field.path: field for field in invalid.exception.fields}
        self.assertEqual(set(fields), {("company",), ("title",)})
        self.assertEqual(fields["title",].limit, 200)
        self.assertEqual(missing.exception.code, StatusCode.NOT_FOUND)
        self.assertFalse(missing.exception.is_retryable)
        self.assertTrue(rule.exception.reason, rule.exception.details)
        self.assertTrue(str(missing.exception).startswith("NOT_FOUND: "))

    def test_text_that_c_would_cut_is_refused(self) -> None:
        with self.assertRaises(ValueError):
            self.engine.jobs.create("A\0B", "C")
        with self.assertRaises(ValueError):
            self.engine.jobs.create("\ud800", "C")
        self.assertEqual(list(self.engine.jobs), [])

    def test_a_repeated_key_gives_the_first_answer(self) -> None:
        first = self.engine.jobs.create("A", "B", idempotency_key="one")
        again = self.engine.jobs.create("A", "B", idempotency_key="one")

        self.assertEqual((again.id, again.replayed), (first.id, True))
        with self.assertRaises(jotrack.JoTrackError) as other:
            self.engine.jobs.create("A", "C", idempotency_key="one")
        self.assertEqual(other.exception.code, StatusCode.IDEMPOTENCY_MISMATCH)

    def test_coach_texts_and_score(self) -> None:
        id = self.job_with_documents()

        score = self.engine.match(id)
        texts = self.engine.texts.list([id], [AttachmentKind.RESUME])
        before = self.engine.coach.get(id)
        step = {"currentStep": "DISCOVERY"}
        self.engine.coach.update(id, step, expected_version=before.version)
        after = self.engine.coach.get(id)

        assert score is not None
        self.assertEqual(score.band, ScoreBand.GOOD)
        self.assertEqual(round(score.document["matchScore"]["value"]), round(score.value))
        self.assertEqual(len(texts), 1)
        self.assertIn("Mara Lindqvist", texts[0].text)
        self.assertEqual(before.next_step, CoachStep.DISCOVERY)
        self.assertIn(CoachStep.PEER, before.locked)
        self.assertGreater(after.version, before.version)
        self.assertEqual(after.document["currentStep"], "DISCOVERY")
        self.assertIsNone(self.engine.match(self.job()))
        self.engine.texts.set(texts[0].attachment_id, "Otherwise 🦀")
        texts = self.engine.texts.list(id, [AttachmentKind.RESUME])
        self.assertEqual(texts[0].text, "Otherwise 🦀")

    def test_graphql_and_its_ids(self) -> None:
        id = self.job("Fjordline")
        node = jotrack.node_id(Entity.JOB, id)

        told = self.engine.graphql(
            "query One($id: ID!) { node(id: $id) { ... on Job { title } } }", {"id": node}
        )
        wrong = self.engine.graphql("{ nothing }")

        self.assertEqual(told["data"]["node"]["title"], "Engineer")
        self.assertTrue(wrong["errors"])
        self.assertEqual(jotrack.parse_node_id(node), (Entity.JOB, id))
        self.assertIn("type Query", jotrack.schema())
        with self.assertRaises(jotrack.InvalidArgument):
            jotrack.parse_node_id("nothing")

    def test_keys_are_told_of_and_never_given_back(self) -> None:
        secret = "sk-test-of-python-0001"
        self.engine.keys.set("OPENAI", secret)
        keys = self.engine.keys.list()

        self.assertEqual([(key.provider, key.last4) for key in keys], [("OPENAI", "0001")])
        self.assertNotIn(secret, repr(keys))
        self.engine.keys.settings(network_enabled=True, provider="OPENAI", model="m")
        self.engine.keys.settings(network_enabled=False, provider=None, model=None)
        self.engine.keys.delete("OPENAI")
        self.assertEqual(self.engine.keys.list(), [])
        with self.assertRaises(jotrack.NotFound):
            self.engine.keys.delete("OPENAI")
