// Analyses: started, followed as they stream, cancelled.

import { AnalysisFlag, StatusCode } from './abi.mjs';
import { forget, trampolines, waitFor } from './callbacks.mjs';
import { optionalIn, raw, story, struct, textIn } from './library.mjs';
import { Stream } from './stream.mjs';

/** What the callbacks write and an Analysis reads. */
class State {
  op = null;
  number;
  done = false;
  failure;
  cancelled = false;
  events = new Stream();
  result = Promise.withResolvers?.() ?? withResolvers();

  constructor(engine, listener, signal) {
    this.engine = engine; // Open until the end, also when nobody else holds it.
    this.listener = listener;
    this.signal = signal;
    // Whoever iterates hears of a failure there; one that nobody asks for is no crash.
    this.result.promise.catch(() => {});
    this.abort = () => this.cancel();
    signal?.addEventListener('abort', this.abort, { once: true });
  }

  onEvent(text) {
    const data = JSON.parse(text);
    const { kind, sequence, epoch, text: piece = '' } = data;
    const event = { kind, sequence, epoch, text: piece, data };
    if (!this.listener) {
      this.events.put(event);
    } else if (!this.failure) {
      try {
        this.listener(event);
      } catch (e) {
        this.failure = { reason: e };
        this.cancel();
      }
    }
  }

  onDone(status, text, error) {
    forget(this.number);
    if (this.failure) {
      this.end(() => this.result.reject(this.failure.reason));
    } else if (status === StatusCode.OK) {
      this.end(() => this.result.resolve(text === null ? {} : JSON.parse(text)));
    } else {
      const failure = story(status, error);
      const aborted = failure.code === 'CANCELLED' && this.signal?.aborted;
      this.end(() => this.result.reject(aborted ? this.signal.reason : failure));
    }
  }

  end(settle) {
    this.done = true;
    this.engine = null;
    this.signal?.removeEventListener('abort', this.abort);
    settle();
    this.events.end();
    this.free();
  }

  cancel() {
    this.cancelled = true;
    if (this.op !== null) raw('op_cancel')(this.op);
  }

  /** The handle goes when both its beginning and its end are known, whichever comes last. */
  free() {
    if (this.done && this.op !== null) {
      raw('op_free')(this.op);
      this.op = null;
    }
  }
}

/**
 * An analysis. `for await` gives its events; leaving the loop early cancels it. Dropping it cancels
 * nothing.
 */
export class Analysis {
  #state;

  /** @internal */
  constructor(engine, name, args, { signal, onEvent } = {}) {
    this.#state = new State(engine, onEvent, signal);
    /** The id, once the request is checked and stored; rejects with what is wrong with it. */
    this.started = this.#start(name, args);
    this.started.catch(() => {});
  }

  async #start(name, args) {
    const state = this.#state;
    try {
      state.signal?.throwIfAborted();
      state.number = waitFor(state);
      const op = [null];
      const { onEvent, onDone } = trampolines();
      await state.engine.handle.call(name, ...args(), onEvent, onDone, state.number, op);
      state.op = op[0];
      const id = raw('op_id')(state.op);
      if (state.cancelled) state.cancel();
      state.free();
      return id;
    } catch (e) {
      if (state.number !== undefined) forget(state.number);
      state.end(() => state.result.reject(e));
      throw e;
    }
  }

  get done() {
    return this.#state.done;
  }

  /** The analysis at its end, see jotrack_analysis_get; rejects with what it failed with. */
  get result() {
    return this.#state.result.promise;
  }

  /** Asks it to end; the end comes as CANCELLED, or as it would when it was quicker. */
  cancel() {
    if (!this.#state.done) this.#state.cancel();
  }

  async *[Symbol.asyncIterator]() {
    try {
      yield* this.#state.events;
    } finally {
      this.cancel();
    }
    await this.result;
  }

  async [Symbol.asyncDispose]() {
    this.cancel();
    await this.result.catch(() => {});
  }
}

export const start = (engine, request, options) =>
  new Analysis(engine, 'analysis_start', () => [requestIn(request)], options);

export const follow = (engine, id, { after = 0, ...options } = {}) =>
  new Analysis(engine, 'analysis_follow', () => [textIn(id), after], options);

function requestIn(request) {
  const { params, refresh, background } = request;
  return struct('jotrack_analysis_request', {
    kind: textIn(request.kind),
    job_id: optionalIn(request.jobId),
    company: optionalIn(request.company),
    attachment_id: optionalIn(request.attachmentId),
    persona: optionalIn(request.persona),
    params_json: params === undefined ? null : JSON.stringify(params),
    provider: optionalIn(request.provider),
    model: optionalIn(request.model),
    idempotency_key: optionalIn(request.idempotencyKey),
    flags: (refresh ? AnalysisFlag.REFRESH : 0) | (background ? AnalysisFlag.BACKGROUND : 0),
  });
}

function withResolvers() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}
