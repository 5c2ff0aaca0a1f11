// What the tests share: an engine in a folder of its own, and a provider of models on loopback.

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { AttachmentKind, Entity, TextState, open } from 'jotrack';

export const RESUME = `Mara Lindqvist
Senior Backend Engineer

Eight years of Rust, PostgreSQL and Kubernetes. Led the move of a payment platform to Rust,
ran Docker and Kubernetes in production, mentored four engineers, wrote Python tooling.
`;
export const POSTING = `Backend Engineer

Requirements: Rust, PostgreSQL and Kubernetes are required.
Must have experience with Docker. Nice to have: Python, Terraform.
`;
/** A valid answer about the companies around a company. */
export const COMPANIES = JSON.stringify({
  companies: [
    {
      name: 'Globex',
      category: 'COMPETITOR',
      relevanceScore: 0.9,
      reason: 'Sells the same pumps',
      confidence: 0.8,
    },
  ],
});

/** Opens an engine in a folder of its own; both go with the test. */
export async function lab(t, options) {
  const folder = await mkdtemp(join(tmpdir(), 'jotrack-node-'));
  const engine = await open(folder, options);
  t.after(async () => {
    await engine.close();
    await rm(folder, { recursive: true });
  });
  return { engine, folder };
}

/** Makes a job whose résumé and description are read. */
export async function jobWithDocuments(engine) {
  const { id } = await engine.jobs.create({ company: 'Fjordline', title: 'Engineer' });
  const changes = await engine.subscribe({ entities: Entity.ATTACHMENT });
  const files = engine.attachments;
  await files.add(id, AttachmentKind.RESUME, 'cv.txt', Buffer.from(RESUME));
  await files.add(id, AttachmentKind.JD, 'posting.txt', Buffer.from(POSTING));
  for await (const _ of changes) {
    const found = await files.list(id);
    if (found.every((file) => file.textState === TextState.READY)) break;
  }
  await changes.close();
  return id;
}

/**
 * Starts a provider that streams an answer in pieces: it waits for `goOn` before each but the
 * first. `hungUp` resolves when a caller does so before the end.
 */
export async function provider(t, ...pieces) {
  const gates = [];
  const made = { calls: 0, goOn: () => gates.shift()?.() };
  made.hungUp = new Promise((resolve) => (made.onHungUp = resolve));
  const server = createServer(async (request, response) => {
    made.calls++;
    response.on('close', () => response.writableFinished || made.onHungUp());
    for await (const _ of request);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const tell = (delta, reason) => {
      const choice = { index: 0, delta, finish_reason: reason };
      const event = { id: 'c1', model: 'none', choices: [choice] };
      response.write(`data: ${JSON.stringify(event)}\n\n`);
    };
    for (const [index, content] of pieces.entries()) {
      if (index > 0) await new Promise((go) => gates.push(go));
      tell({ content }, null);
    }
    tell({}, 'stop');
    response.end('data: [DONE]\n\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  made.config = {
    ai: {
      provider: 'OPENAI_COMPATIBLE',
      model: 'none',
      base_url: `http://127.0.0.1:${server.address().port}`,
      retries: 0,
      drain_ms: 100,
    },
  };
  return made;
}

export async function collect(items) {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}
