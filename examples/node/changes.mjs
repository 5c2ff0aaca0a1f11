// What changed, and being told that something did.

import { EngineState, EventKind, PageFlag } from './abi.mjs';
import { forget, trampolines, waitFor } from './callbacks.mjs';
import { later, takePage, textOut } from './library.mjs';
import { Stream } from './stream.mjs';

/** `engine.changes`: the log of what changed. */
export class ChangeLog {
  #engine;

  /** @internal */
  constructor(engine) {
    this.#engine = engine;
  }

  /** The revision: it rises with every commit, those of other processes included. */
  async revision() {
    const out = [0];
    await this.#engine.handle.call('revision', out);
    return out[0];
  }

  /** All that changed after a revision. */
  async since(rev, entities = 0) {
    const found = { changes: [], rev, reset: false };
    for await (const page of this.pages(rev, entities)) {
      found.changes.push(...page.changes);
      found.rev = page.rev;
      found.reset ||= page.reset;
    }
    return found;
  }

  /** The same page by page, each read when it is asked for. */
  async *pages(rev, entities = 0, limit = 0) {
    for (let more = true; more; ) {
      const page = [null];
      await this.#engine.handle.call('changes_since', rev, entities, limit, page);
      const { rows, rev: next, flags } = takePage('change', page[0], changeOut);
      more = (flags & PageFlag.MORE) !== 0;
      rev = next;
      yield { changes: rows, rev, more, reset: (flags & PageFlag.RESET) !== 0 };
    }
  }
}

const changeOut = ({ rev, entity, op, id }) => ({ rev, entity, op, id: textOut(id) ?? '' });

/** Tells that something changed. Events that nobody has taken are merged, so nothing is lost. */
export class Subscription {
  #engine;
  #callback;
  #events = new Stream(merged);
  #pointer; // Of a promise: an event may come before the subscription is known here.
  #number;
  #closing;

  /** @internal */
  static async open(engine, { entities = 0, callback } = {}) {
    const made = new Subscription();
    made.#engine = engine;
    made.#callback = callback;
    made.#number = waitFor({ onChange: (event) => made.#told(event) });
    const out = [null];
    const { onChange } = trampolines();
    const opening = engine.handle.call('subscribe', entities, onChange, made.#number, out);
    made.#pointer = opening.then(() => out[0]);
    try {
      await made.#pointer;
    } catch (e) {
      forget(made.#number);
      throw e;
    }
    return made;
  }

  #told({ kind, state, entities, first_rev: firstRev, last_rev: lastRev }) {
    const event = { kind, state, entities, firstRev, lastRev };
    if (kind === EventKind.STATE && state === EngineState.CLOSING) this.close();
    else if (this.#callback) this.#callback(event);
    else this.#events.put(event);
  }

  [Symbol.asyncIterator]() {
    return this.#events[Symbol.asyncIterator]();
  }

  /** Ends it: once this has resolved no callback comes any more. */
  close() {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close() {
    this.#events.end();
    // On another thread: it waits for a callback that runs, and that waits for this thread.
    await later('subscription_free', await this.#pointer);
    forget(this.#number);
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }
}

/** Two events as one, or undefined where both must be told. @internal */
export function merged(first, second) {
  const kinds = [first.kind, second.kind];
  if (kinds.includes(EventKind.STATE)) return undefined;
  return {
    ...second,
    kind: kinds.includes(EventKind.RESYNC) ? EventKind.RESYNC : EventKind.CHANGED,
    entities: first.entities | second.entities,
    firstRev: Math.min(first.firstRev, second.firstRev),
    lastRev: Math.max(first.lastRev, second.lastRev),
  };
}
