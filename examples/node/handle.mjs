// The handle of an engine: no call runs on it while it is closed, and none after that.

import { CommitFlag, StatusCode } from './abi.mjs';
import { JoTrackError, failure } from './errors.mjs';
import { call, later, optionalIn, struct, takeText } from './library.mjs';

export class Handle {
  #pointer;
  #running = 0;
  #idle = () => {};
  #closing;

  constructor(pointer) {
    this.#pointer = pointer;
  }

  get closed() {
    return this.#closing !== undefined;
  }

  /** Calls a function of the engine, which comes first. */
  async call(name, ...args) {
    if (this.closed) throw failure('CLOSED', 'the engine is closed');
    this.#running++;
    try {
      await call(name, this.#pointer, ...args);
    } finally {
      if (--this.#running === 0) this.#idle();
    }
  }

  /** Calls a function that ends with `char **` and `jotrack_error **`. */
  async text(name, ...args) {
    const owned = [null];
    await this.call(name, ...args, owned);
    return takeText(owned[0]);
  }

  async json(name, ...args) {
    return JSON.parse(await this.text(name, ...args));
  }

  /** Calls a function that ends with `jotrack_write *` and `jotrack_commit *`. */
  async write(name, args, options = {}) {
    const commit = struct('jotrack_commit');
    await this.call(name, ...args, writeIn(options), commit);
    return commitOut(commit);
  }

  /** Closes the engine once; whoever comes later waits for the same end. */
  close() {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close() {
    if (this.#running > 0) await new Promise((go) => (this.#idle = go));
    // On another thread: it waits for callbacks, and those wait for this thread.
    const status = await later('engine_close', this.#pointer);
    if (status !== StatusCode.OK) throw new JoTrackError(status, 'closing the engine');
  }
}

export const writeIn = ({ idempotencyKey, expectedVersion = 0 } = {}) =>
  struct('jotrack_write', {
    idempotency_key: optionalIn(idempotencyKey),
    expected_version: expectedVersion,
  });

export const commitOut = ({ id, rev, flags }) => ({
  id,
  rev,
  unchanged: (flags & CommitFlag.UNCHANGED) !== 0,
  replayed: (flags & CommitFlag.REPLAYED) !== 0,
  typeMismatch: (flags & CommitFlag.TYPE_MISMATCH) !== 0,
});
