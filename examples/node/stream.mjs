// A queue from callbacks to whoever iterates.

export class Stream {
  #items = [];
  #ended = false;
  #waiting = [];
  #merge;

  /** `merge` may make one item of the last that nobody took and the next, or return undefined. */
  constructor(merge = () => undefined) {
    this.#merge = merge;
  }

  put(item) {
    const last = this.#items.at(-1);
    const merged = last === undefined ? undefined : this.#merge(last, item);
    if (merged !== undefined) this.#items.pop();
    this.#items.push(merged ?? item);
    this.#wake();
  }

  end() {
    this.#ended = true;
    this.#wake();
  }

  #wake() {
    for (const go of this.#waiting.splice(0)) go();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      while (this.#items.length > 0) yield this.#items.shift();
      if (this.#ended) return;
      await new Promise((go) => this.#waiting.push(go));
    }
  }
}
