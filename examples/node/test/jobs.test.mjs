// Jobs, files, their texts: what goes in comes out, and what is wrong is told.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test from 'node:test';

import * as jotrack from 'jotrack';
import { AttachmentKind, ChangeOp, CoachStep, Entity, JobOrder, JobStatus, Selection } from 'jotrack';

import { RESUME, collect, jobWithDocuments, lab } from './support.mjs';

const UNKNOWN = '0190a6ae-0f5c-7d3c-9d57-4d0c6a8f2b11';

test('a job comes out as it went in', async (t) => {
  const { engine } = await lab(t);
  const statusAt = new Date('2024-02-03T04:05:06.789Z');

  const made = await engine.jobs.create({
    company: 'Łódź Robotics',
    title: 'Ingénieure 🦀',
    location: 'Łódź',
    postingUrl: 'https://jobs.example.com/1',
    source: 'A friend',
    notes: 'First line\nSecond line 🦀',
    status: JobStatus.APPLIED,
    statusAt,
  });
  const job = await engine.jobs.get(made.id);

  assert.equal(job.company, 'Łódź Robotics');
  assert.equal(job.title, 'Ingénieure 🦀');
  assert.equal(job.postingUrl, 'https://jobs.example.com/1');
  assert.equal(job.notes, 'First line\nSecond line 🦀');
  assert.equal(job.status, JobStatus.APPLIED);
  assert.deepEqual(job.statusSince, statusAt);
  assert.equal(job.matchScore, null);
  assert.equal(await engine.changes.revision(), made.rev);

  await engine.jobs.update(made.id, { title: 'Other', location: null });
  const changed = await engine.jobs.get(made.id);
  assert.equal(changed.title, 'Other');
  assert.equal(changed.location, null);
  assert.equal(changed.source, 'A friend');
});

test('pages are read as the iteration reaches them', async (t) => {
  const { engine } = await lab(t);
  for (let n = 0; n < 7; n++) await engine.jobs.create({ company: `Company ${n}`, title: 'T' });

  const jobs = engine.jobs.list({ order: JobOrder.COMPANY }, { pageSize: 3 });
  const first = (await jobs.next()).value;
  await engine.jobs.create({ company: 'Company 9', title: 'T' });
  const rest = await collect(jobs);

  assert.equal(first.company, 'Company 0');
  assert.equal(rest.length, 7);
  assert.equal(rest.at(-1).company, 'Company 9');
  const page = await engine.jobs.page({ order: JobOrder.COMPANY }, { limit: 5 });
  const next = await engine.jobs.page({ order: JobOrder.COMPANY }, { limit: 5, after: page.next });
  assert.deepEqual([page.jobs.length, next.jobs.length, next.next], [5, 3, null]);
});

test('several jobs are changed at once, and what changed is told', async (t) => {
  const { engine } = await lab(t);
  const start = await engine.changes.revision();
  const many = Array.from({ length: 300 }, (_, n) => ({ company: `C ${n}`, title: 'T' }));
  const made = await Promise.all(many.map((job) => engine.jobs.create(job)));
  const ids = made.map(({ id }) => id);

  await engine.jobs.setStatus(ids.slice(0, 2), JobStatus.OFFER, { note: 'By phone' });
  await engine.jobs.archive(ids[2]);
  await engine.jobs.trash(ids.slice(3, 5));

  const offers = await collect(engine.jobs.list({ statuses: [JobStatus.OFFER] }));
  assert.deepEqual(new Set(offers.map(({ id }) => id)), new Set(ids.slice(0, 2)));
  const archived = await collect(engine.jobs.list({ archived: Selection.ONLY }));
  assert.deepEqual(archived.map(({ id }) => id), [ids[2]]);
  assert.equal((await collect(engine.jobs)).length, 297);
  const told = await engine.changes.since(start, Entity.JOB);
  const created = told.changes.filter(({ op }) => op === ChangeOp.CREATED);
  assert.equal(created.length, 300);
  assert.equal(told.rev, await engine.changes.revision());
  assert.equal((await engine.changes.since(2 ** 40)).reset, true);
  await engine.jobs.restore(ids[3]);
  await engine.jobs.purge(ids[4]);
});

test('errors carry a code and what a program can act on', async (t) => {
  const { engine } = await lab(t);
  const { id } = await engine.jobs.create({ company: 'A', title: 'B' });
  const { version } = await engine.jobs.get(id);
  await engine.jobs.update(id, { title: 'C' });
  const late = engine.jobs.update(id, { title: 'D' }, { expectedVersion: version });

  await assert.rejects(late, { code: 'CONFLICT', details: { currentVersion: version + 1, reason: 'VERSION', retryable: false } });
  await assert.rejects(engine.jobs.get(UNKNOWN), { name: 'JoTrackError', code: 'NOT_FOUND' });
  await assert.rejects(engine.jobs.get('no id'), { code: 'INVALID_ARGUMENT' });
  await assert.rejects(
    engine.jobs.create({ company: '', title: 'x'.repeat(201) }),
    ({ code, fields }) => code === 'VALIDATION' && fields.length === 2 && fields[1].limit === 200,
  );
  for (const company of ['A\0B', '\ud800', 7]) {
    await assert.rejects(async () => engine.jobs.create({ company, title: 'B' }));
  }
  const once = { idempotencyKey: 'one' };
  const first = await engine.jobs.create({ company: 'A', title: 'B' }, once);
  const again = await engine.jobs.create({ company: 'A', title: 'B' }, once);
  assert.deepEqual([again.id, again.replayed], [first.id, true]);
});

test('a file comes out as it went in', async (t) => {
  const { engine, folder } = await lab(t);
  const { id: job } = await engine.jobs.create({ company: 'A', title: 'B' });
  const files = engine.attachments;
  const content = Buffer.from(randomBytes(350_000).toString('hex'));
  const path = join(folder, 'digits.txt');
  await writeFile(path, content);

  const { id } = await files.add(job, AttachmentKind.OTHER, 'digits.txt', createReadStream(path));
  const [file] = await files.list(job);

  assert.deepEqual([file.id, file.size, file.isActive], [id, content.byteLength, true]);
  assert.equal(file.sha256, createHash('sha256').update(content).digest('hex'));
  assert.deepEqual(await files.read(id), content);
  assert.deepEqual(Buffer.concat(await Readable.from(await files.open(id)).toArray()), content);
  const reader = await files.open(id);
  const parts = await Promise.all([3, 0, 700_000].map((at) => reader.read(at, 4)));
  assert.deepEqual(parts.map(String), [content.toString('latin1', 3, 7), content.toString('latin1', 0, 4), '']);
  await reader.close();
  await assert.rejects(reader.read(0, 1), { code: 'MISUSE' });
});

test('a file that is given up leaves nothing', async (t) => {
  const { engine } = await lab(t);
  const { id: job } = await engine.jobs.create({ company: 'A', title: 'B' });
  const files = engine.attachments;
  async function* broken() {
    yield Buffer.from('lost');
    throw new RangeError('the source broke');
  }

  await assert.rejects(files.add(job, AttachmentKind.OTHER, 'a.txt', broken()), RangeError);
  const writer = await files.create(job, AttachmentKind.OTHER, 'b.txt');
  await writer.write(Buffer.from('lost too'));
  await writer[Symbol.asyncDispose]();
  await assert.rejects(
    files.create(job, AttachmentKind.OTHER, 'c.txt', { sizeHint: 2 ** 40 }),
    { code: 'TOO_LARGE' },
  );

  assert.deepEqual(await files.list(job), []);
  await assert.rejects(writer.commit(), { code: 'MISUSE' });
  assert.ok(await files.stage('posting.txt', Buffer.from('Text of a posting')));
});

test('texts, coach and score', async (t) => {
  const { engine } = await lab(t);
  const id = await jobWithDocuments(engine);

  const score = await engine.match(id);
  const [text] = await engine.texts.list(id, [AttachmentKind.RESUME]);
  const before = await engine.coach.get(id);
  const after = await engine.coach.update(
    id,
    { currentStep: 'DISCOVERY' },
    { expectedVersion: before.version },
  );

  assert.ok(score.value > 50 && score.document.matchScore.value > 50);
  assert.equal(text.text, RESUME.trim());
  assert.ok(before.locked.includes(CoachStep.PEER));
  assert.equal(before.nextStep, CoachStep.DISCOVERY);
  assert.equal(after.document.currentStep, 'DISCOVERY');
  await engine.texts.set(text.attachmentId, 'Otherwise 🦀');
  const [set] = await engine.texts.list(id, [AttachmentKind.RESUME]);
  assert.equal(set.text, 'Otherwise 🦀');
});

test('GraphQL, its ids, and keys', async (t) => {
  const { engine } = await lab(t);
  const { id } = await engine.jobs.create({ company: 'A', title: 'Engineer' });
  const node = jotrack.nodeId(Entity.JOB, id);
  const query = 'query One($id: ID!) { node(id: $id) { ... on Job { title } } }';

  const told = await engine.graphql(query, { id: node });
  const wrong = await engine.graphql('{ nothing }');

  assert.equal(told.data.node.title, 'Engineer');
  assert.ok(wrong.errors.length > 0);
  assert.deepEqual(jotrack.parseNodeId(node), { entity: Entity.JOB, id });
  assert.match(jotrack.schema(), /type Query/);
  assert.throws(() => jotrack.parseNodeId('nothing'), { code: 'INVALID_ARGUMENT' });

  await engine.keys.set('OPENAI', 'sk-test-of-node-0001');
  const keys = await engine.keys.list();
  assert.deepEqual(keys.map(({ provider, last4 }) => [provider, last4]), [['OPENAI', '0001']]);
  assert.ok(!JSON.stringify(keys).includes('sk-test'));
  await engine.keys.settings({ networkEnabled: true, provider: 'OPENAI', model: 'm' });
  await engine.keys.settings({ networkEnabled: false, provider: null, model: null });
  await engine.keys.delete('OPENAI');
  await assert.rejects(engine.keys.delete('OPENAI'), { code: 'NOT_FOUND' });
});
