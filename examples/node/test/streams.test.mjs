// Analyses and changes as they stream; cancelled, closed and left in every way.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import * as jotrack from 'jotrack';
import { Entity, EventKind, open, version } from 'jotrack';

import { merged } from '../changes.mjs';
import { COMPANIES, collect, jobWithDocuments, lab, provider } from './support.mjs';

const HALF = COMPANIES.length / 2;
const PIECES = [COMPANIES.slice(0, HALF), COMPANIES.slice(HALF)];
const ABOUT = { kind: 'COMPANY_ECOSYSTEM', company: 'Fjordline' };
const HERE = new URL('..', import.meta.url);

test('a match is scored without a network', async (t) => {
  const { engine } = await lab(t);
  const jobId = await jobWithDocuments(engine);

  const analysis = engine.analyse({ kind: 'MATCH_SCORE', jobId, provider: 'LOCAL' });
  const events = await collect(analysis);
  const told = await analysis.result;

  assert.equal(events.at(-1).kind, 'DONE');
  assert.equal(told.state, 'SUCCEEDED');
  assert.equal(told.id, await analysis.started);
  assert.ok('overallScore' in told.result.matchScore);
  assert.deepEqual((await engine.analysis(told.id)).result, told.result);
  const again = await collect(engine.follow(told.id));
  assert.equal(again.at(-1).kind, 'DONE');
  assert.deepEqual(await collect(engine.follow(told.id, { after: again.at(-1).sequence })), []);
  await assert.rejects(engine.cancelAnalysis(told.id), { code: 'ALREADY_FINISHED' });
});

test('a wrong request is refused', async (t) => {
  const { engine } = await lab(t);

  await assert.rejects(engine.analyse({ kind: 'NOTHING', company: 'A' }).started, {
    code: 'INVALID_ARGUMENT',
  });
  await assert.rejects(collect(engine.analyse({ kind: 'MATCH_SCORE' })), {
    code: 'INVALID_ARGUMENT',
  });
  await assert.rejects(engine.analyse(ABOUT).result, { code: 'AI_NOT_CONFIGURED' });
});

test('text streams as it comes', async (t) => {
  const { config, goOn } = await provider(t, ...PIECES);
  const { engine } = await lab(t, { config });

  let text = '';
  let deltas = 0;
  const analysis = engine.analyse(ABOUT);
  for await (const event of analysis) {
    text += event.text;
    if (event.kind !== 'DELTA') continue;
    deltas++;
    goOn(); // The rest comes only now: what is here was streamed.
  }

  assert.equal(text, COMPANIES);
  assert.ok(deltas >= 2);
  assert.equal((await analysis.result).result.companies[0].name, 'Globex');
});

test('leaving the loop cancels', async (t) => {
  const { config, hungUp } = await provider(t, ...PIECES);
  const { engine } = await lab(t, { config });
  const analysis = engine.analyse(ABOUT);

  for await (const { kind } of analysis) if (kind === 'DELTA') break;

  await assert.rejects(analysis.result, { code: 'CANCELLED' });
  await hungUp;
});

test('a signal cancels, before and while it runs', async (t) => {
  const { config, hungUp, ...served } = await provider(t, ...PIECES);
  const { engine } = await lab(t, { config });
  const controller = new AbortController();
  const { signal } = controller;
  const reason = new Error('the window was closed');

  const analysis = engine.analyse(ABOUT, { signal });
  const watching = (async () => {
    for await (const { kind } of analysis) if (kind === 'DELTA') controller.abort(reason);
  })();

  await assert.rejects(watching, reason);
  await hungUp;
  const { calls } = served;
  await assert.rejects(engine.analyse(ABOUT, { signal }).result, reason);
  await assert.rejects(engine.analyse(ABOUT, { signal }).started, reason);
  assert.equal(served.calls, calls);
  // While it is being started there is no handle yet.
  const early = engine.analyse({ ...ABOUT, company: 'Globex' });
  early.cancel();
  await assert.rejects(early.result, { code: 'CANCELLED' });
});

test('an exception of a listener cancels and comes back', async (t) => {
  const { config } = await provider(t, ...PIECES);
  const { engine } = await lab(t, { config });
  const onEvent = () => {
    throw new RangeError('of the listener');
  };

  await assert.rejects(engine.analyse(ABOUT, { onEvent }).result, RangeError);
});

test('changes are told, and waiting ones are merged', async (t) => {
  const { engine } = await lab(t);
  const changes = await engine.subscribe({ entities: Entity.JOB });
  const told = [];
  const second = await engine.subscribe({ callback: (event) => told.push(event) });

  const { id } = await engine.jobs.create({ company: 'A', title: 'B' });
  for await (const event of changes) {
    assert.equal(event.kind, EventKind.CHANGED);
    const { changes: rows } = await engine.changes.since(event.firstRev - 1);
    assert.equal(rows[0].id, id);
    break;
  }
  await changes.close();
  await second[Symbol.asyncDispose]();
  await second.close();

  assert.deepEqual(await collect(changes), []);
  const one = { kind: EventKind.CHANGED, state: 1, entities: 1, firstRev: 3, lastRev: 4 };
  const two = { kind: EventKind.RESYNC, state: 1, entities: 4, firstRev: 5, lastRev: 9 };
  assert.deepEqual(merged(one, two), { ...two, entities: 5, firstRev: 3 });
  assert.equal(merged(one, { ...two, kind: EventKind.STATE }), undefined);
});

test('closing ends whatever waits, and nothing is called after it', async (t) => {
  const { config } = await provider(t, ...PIECES);
  const { engine } = await lab(t, { config });
  const analysis = engine.analyse(ABOUT);
  const watching = collect(await engine.subscribe());
  await analysis.started;
  const writes = Array.from({ length: 50 }, (_, n) =>
    engine.jobs.create({ company: 'A', title: `${n}` }),
  );

  const closing = engine.close();
  await Promise.all([closing, engine.close()]);

  assert.equal((await Promise.all(writes)).length, 50); // It waited for them.
  await watching;
  await assert.rejects(analysis.result, { code: 'CLOSED' });
  await assert.rejects(engine.jobs.create({ company: 'A', title: 'B' }), { code: 'CLOSED' });
  await assert.rejects(engine.analyse(ABOUT).result, { code: 'CLOSED' });
  analysis.cancel();
});

test('engines do not know each other', async (t) => {
  const [{ engine }, { engine: other }] = [await lab(t), await lab(t)];
  await engine.jobs.create({ company: 'A', title: 'B' });

  assert.equal((await collect(engine.jobs)).length, 1);
  assert.equal((await collect(other.jobs)).length, 0);
  assert.equal((await other.health()).ok, true);
  await assert.rejects(open(undefined, { config: { nothing: 1 } }), { code: 'INVALID_ARGUMENT' });
});

test('a process ends well with everything open, and waits for what it waits for', () => {
  const ended = node(`
    import { open, version } from 'jotrack';
    const engine = await open();
    await engine.subscribe({ callback() {} });
    for (let n = 0; n < 50; n++) await engine.jobs.create({ company: 'A', title: String(n) });
    const changes = await engine.subscribe();
    setTimeout(() => engine.jobs.create({ company: 'A', title: 'last' }), 50).unref();
    for await (const event of changes) break;
    console.log(version());
    process.exit(0);
  `);

  assert.deepEqual([ended.status, ended.stderr, ended.stdout], [0, '', `${version()}\n`]);
});

test('an engine that is dropped does not keep the process', () => {
  const ended = node(`
    import { open } from 'jotrack';
    const engine = await open();
    await engine.jobs.create({ company: 'A', title: 'B' });
    console.log('end');
  `);

  assert.deepEqual([ended.status, ended.stderr, ended.stdout], [0, '', 'end\n']);
});

test('a missing library is told with its name', () => {
  const ended = node(
    `import { open } from 'jotrack';
    await open().catch((e) => console.log(e.message));`,
    { JOTRACK_LIBRARY: '/nowhere/libjotrack.so' },
  );

  assert.match(ended.stdout, /\/nowhere\/libjotrack\.so/);
});

test('the types name all that there is, and nothing else', () => {
  const types = readFileSync(new URL('jotrack.d.mts', HERE), 'utf8');
  const declared = [...types.matchAll(/^export (?:function|class) (\w+)/gm)].map(([, name]) => name);
  const numbers = [...types.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, list]) =>
    list.split(',').map((name) => name.trim()),
  );

  const named = [...declared, ...numbers].filter(Boolean).sort();
  assert.deepEqual(named, Object.keys(jotrack).sort());
});

test('the start of the README runs', () => {
  const readme = readFileSync(new URL('README.md', HERE), 'utf8');
  const [, program] = /```js\n([^]*?)```/.exec(readme);

  const ended = node(program);

  assert.deepEqual([ended.status, ended.stderr], [0, '']);
  assert.equal(ended.stdout, 'Engineer at Fjordline\n');
});

function node(source, variables = {}) {
  return spawnSync(process.execPath, ['--input-type=module', '--eval', source], {
    cwd: HERE,
    encoding: 'utf8',
    env: { ...process.env, ...variables },
    timeout: 120_000,
  });
}
