// `engine.attachments`: files of jobs, streamed in and out.

import { failure } from './errors.mjs';
import { commitOut, writeIn } from './handle.mjs';
import { dateOut } from './jobs.mjs';
import {
  Lane,
  call,
  idsIn,
  later,
  mask,
  optionalIn,
  raw,
  struct,
  takePage,
  takeText,
  textIn,
  textOut,
  whenCollected,
} from './library.mjs';

/** How much of a file is read at a time. */
const CHUNK = 256 * 1024;

export class Attachments {
  #engine;

  /** @internal */
  constructor(engine) {
    this.#engine = engine;
  }

  /** Reads the files of up to 100 jobs at once, those in the trash left out. */
  async list(jobIds, kinds) {
    const page = [null];
    await this.#engine.handle.call('attachment_list', ...idsIn(jobIds), mask(kinds), page);
    return takePage('attachment', page[0], attachmentOut).rows;
  }

  /**
   * Attaches a file. `content` is a Uint8Array, or an iterable of them, such as a stream that
   * node:fs opened.
   */
  async add(jobId, kind, filename, content, options) {
    const bytes = content instanceof Uint8Array;
    const sizeHint = bytes ? content.byteLength : 0;
    const writer = await this.create(jobId, kind, filename, { sizeHint });
    try {
      for await (const chunk of bytes ? [content] : content) await writer.write(chunk);
      return await writer.commit(options);
    } finally {
      await writer.abort();
    }
  }

  /** Begins a file. Nothing is visible before its `commit`. */
  create(jobId, kind, filename, { sizeHint = 0 } = {}) {
    return AttachmentWriter.open(this.#engine, jobId, kind, filename, sizeHint);
  }

  /** Keeps a file for a mutation over GraphQL and returns its uploadId. */
  async stage(filename, content) {
    const writer = await AttachmentWriter.open(this.#engine, null, 0, filename, content.byteLength);
    try {
      await writer.write(content);
      return await writer.stage();
    } finally {
      await writer.abort();
    }
  }

  /** Opens a file for reading. */
  open(id) {
    return AttachmentReader.open(this.#engine, id);
  }

  /** Reads a whole file. */
  async read(id) {
    const reader = await this.open(id);
    const chunks = [];
    for await (const chunk of reader) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** Makes an earlier version the one that counts. */
  activate(id, options) {
    return this.#engine.handle.write('attachment_activate', [textIn(id)], options);
  }

  trash(id, options) {
    return this.#engine.handle.write('attachment_trash', [textIn(id)], options);
  }

  restore(id, options) {
    return this.#engine.handle.write('attachment_restore', [textIn(id)], options);
  }

  /** Deletes a file of the trash for good. */
  purge(id, options) {
    return this.#engine.handle.write('attachment_purge', [textIn(id)], options);
  }
}

/** A file being written. */
export class AttachmentWriter {
  #pointer;
  #keep;
  #lane = new Lane();

  /** @internal */
  static async open(engine, jobId, kind, filename, sizeHint) {
    const given = struct('jotrack_attachment_input', {
      job_id: optionalIn(jobId),
      filename: textIn(filename),
      size_hint: sizeHint,
      kind,
    });
    const out = [null];
    await engine.handle.call('attachment_writer_open', given, out);
    const made = new AttachmentWriter();
    const [pointer] = out;
    made.#pointer = pointer;
    made.#keep = whenCollected(made, () => later('attachment_writer_abort', pointer));
    return made;
  }

  /** Writes the next bytes. Limits are checked as the bytes come. */
  write(data) {
    return this.#lane.run(() => {
      if (!this.#pointer) throw failure('MISUSE', 'the file has ended');
      return call('attachment_writer_write', this.#pointer, data, data.byteLength);
    });
  }

  /** Attaches the file to its job, as the version that counts. Ends it, also when it fails. */
  commit(options) {
    return this.#lane.run(async () => {
      const commit = struct('jotrack_commit');
      await call('attachment_writer_commit', this.#take(), writeIn(options), commit);
      return commitOut(commit);
    });
  }

  /** Keeps the file for GraphQL, which takes the answer as uploadId for 24 hours. */
  stage() {
    return this.#lane.run(async () => {
      const owned = [null];
      await call('attachment_writer_stage', this.#take(), owned);
      return takeText(owned[0]);
    });
  }

  /** Gives the file up, unless it has ended. */
  abort() {
    return this.#lane.run(async () => {
      if (this.#pointer) await later('attachment_writer_abort', this.#take());
    });
  }

  [Symbol.asyncDispose]() {
    return this.abort();
  }

  #take() {
    const pointer = this.#pointer;
    if (!pointer) throw failure('MISUSE', 'the file has ended');
    this.#pointer = null;
    this.#keep();
    return pointer;
  }
}

/** A file open for reading. `for await` gives its content in pieces and closes it. */
export class AttachmentReader {
  #pointer;
  #keep;
  #lane = new Lane();

  /** @internal */
  static async open(engine, id) {
    const out = [null];
    await engine.handle.call('attachment_reader_open', textIn(id), null, out);
    const made = new AttachmentReader();
    const [pointer] = out;
    made.#pointer = pointer;
    made.#keep = whenCollected(made, () => later('attachment_reader_free', pointer));
    /** Bytes. */
    made.size = raw('attachment_reader_size')(pointer);
    return made;
  }

  /** Reads up to `length` bytes at `offset`; an empty buffer at the end and beyond it. */
  read(offset, length) {
    return this.#lane.run(async () => {
      if (!this.#pointer) throw failure('MISUSE', 'the file is closed');
      const buffer = Buffer.alloc(length);
      const n = [0];
      await call('attachment_reader_read', this.#pointer, offset, buffer, length, n);
      return buffer.subarray(0, n[0]);
    });
  }

  async *[Symbol.asyncIterator]() {
    try {
      for (let at = 0; ; ) {
        const chunk = await this.read(at, Math.max(Math.min(CHUNK, this.size - at), 1));
        if (chunk.byteLength === 0) return;
        at += chunk.byteLength;
        yield chunk;
      }
    } finally {
      await this.close();
    }
  }

  close() {
    return this.#lane.run(async () => {
      const pointer = this.#pointer;
      if (!pointer) return;
      this.#pointer = null;
      this.#keep();
      await later('attachment_reader_free', pointer);
    });
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }
}

const attachmentOut = (row) => ({
  id: textOut(row.id),
  jobId: textOut(row.job_id),
  filename: textOut(row.filename),
  mediaType: textOut(row.media_type),
  sha256: textOut(row.sha256),
  kind: row.kind,
  isActive: row.is_active !== 0,
  textState: row.text_state,
  textError: row.text_error || null,
  version: row.version,
  size: row.size,
  createdAt: dateOut(row.created_at_ms),
  trashedAt: dateOut(row.trashed_at_ms),
});
