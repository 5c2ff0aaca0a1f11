// Finds the shared library, declares its functions, and turns failures into exceptions.

import koffi from 'koffi';

import { StatusCode, callbacks, functions, structs } from './abi.mjs';
import { JoTrackError, failure } from './errors.mjs';

/** Names the file of the shared library, before the system is asked. */
const VARIABLE = 'JOTRACK_LIBRARY';

// The system's names, the one with the version of the interface first.
const NAMES = {
  darwin: ['libjotrack.0.1.dylib', 'libjotrack.dylib'],
  win32: ['jotrack.dll'],
};
const ELSEWHERE = ['libjotrack.so.0.1', 'libjotrack.so'];

// A call runs on the stack that koffi gives it, and GraphQL needs more than koffi's 128 KiB. It can
// be set only before the first library is loaded, of whichever package: so it is set on import.
const STACK = 4 * 1024 * 1024;
const settings = koffi.config();
if (settings.async_stack_size < STACK) {
  try {
    koffi.config({ ...settings, async_stack_size: STACK });
  } catch (cause) {
    const told = 'import jotrack before other packages use koffi: it needs a larger stack';
    throw new Error(told, { cause });
  }
}

// koffi refuses a call when more than this many wait; those above are held back here.
const MOST_CALLS = 128;

/** @type {Map<string, any> | undefined} */
let declared;
/** Arguments of calls that run: koffi reads and writes buffers in their place. */
const running = new Set();
/** @type {(() => void)[]} */
const waiting = [];

function load() {
  const named = process.env[VARIABLE];
  const names = named ? [named] : (NAMES[process.platform] ?? ELSEWHERE);
  const reasons = [];
  for (const name of names) {
    try {
      return koffi.load(name);
    } catch (e) {
      reasons.push(`${name}: ${e instanceof Error ? e.message : e}`);
    }
  }
  throw new Error(`no library of JoTrack; ${VARIABLE} may name the file: ${reasons.join('; ')}`);
}

function declare() {
  const library = load();
  for (const callback of callbacks) koffi.proto(callback);
  for (const [name, members] of Object.entries(structs)) koffi.struct(name, members);
  const found = new Map();
  for (const text of functions) {
    const name = /jotrack_(\w+)\(/.exec(text)[1];
    try {
      found.set(name, library.func(text));
    } catch {
      // The library is older than this package; `raw` says so when it is called.
    }
  }
  return found;
}

/** The function as koffi has it; `name` is without `jotrack_`. */
export function raw(name) {
  declared ??= declare();
  const found = declared.get(name);
  if (!found) throw failure('UNSUPPORTED', `jotrack_${name}: the library is older`);
  return found;
}

/** Calls a function on another thread and returns what it returns. */
export async function later(name, ...args) {
  const { async: start } = raw(name);
  while (running.size >= MOST_CALLS) await new Promise((go) => waiting.push(go));
  running.add(args);
  try {
    return await new Promise((resolve, reject) => {
      start(...args, (error, result) => (error ? reject(error) : resolve(result)));
    });
  } finally {
    running.delete(args);
    waiting.shift()?.();
  }
}

/** Calls a function whose last parameter is `jotrack_error **`; throws when it fails. */
export async function call(name, ...args) {
  const error = [null];
  check(await later(name, ...args, error), error);
}

/** The same on this thread, for functions that touch no disk. */
export function callNow(name, ...args) {
  const error = [null];
  check(raw(name)(...args, error), error);
}

function check(status, error) {
  if (status === StatusCode.OK) return;
  try {
    throw story(status, error[0]);
  } finally {
    raw('error_free')(error[0]);
  }
}

/** What a borrowed error object tells. */
export function story(status, error) {
  if (!error) return new JoTrackError(status, raw('status_name')(status));
  const details = JSON.parse(raw('error_details_json')(error));
  const retryAfterMs = raw('error_retry_after_ms')(error);
  return new JoTrackError(status, raw('error_message')(error), details, retryAfterMs);
}

// ---------------------------------------------------------------- values across the border

/** A struct of zeros that knows its size, with members. */
export const struct = (name, members = {}) => {
  raw('version_number'); // Declares the structs.
  return { struct_size: koffi.sizeof(name), ...members };
};

export const decodeStruct = (pointer, name) => koffi.decode(pointer, name);

/** Text as the library takes it: C would end it at a NUL, and UTF-8 has no half characters. */
export function textIn(value) {
  if (typeof value !== 'string') throw new TypeError(`a text, not ${typeof value}`);
  if (value.includes('\0')) throw failure('INVALID_ARGUMENT', 'a NUL in a text');
  if (!value.isWellFormed()) throw failure('INVALID_ARGUMENT', 'half a character in a text');
  return value;
}

export const optionalIn = (value) => (value == null ? null : textIn(value));

/** One id or several, as the two arguments of a list. */
export const idsIn = (ids) => {
  const list = (typeof ids === 'string' ? [ids] : [...ids]).map(textIn);
  return [list, list.length];
};

/** The set of bits `1 << number`. */
export const mask = (numbers = []) => [...numbers].reduce((bits, n) => bits | (1 << n), 0);

/** The numbers of a set of bits. */
export const unmask = (bits) =>
  Array.from({ length: 31 }, (_, n) => n).filter((n) => bits & (1 << n));

/** Copies a borrowed text; null where there is no value. */
export const textOut = ({ data, len }) =>
  data == null ? null : len === 0 ? '' : koffi.decode.string(data, len);

/** Reads a text that the library handed out, and frees it. */
export function takeText(owned) {
  if (!owned) return '';
  try {
    return koffi.decode.string(owned);
  } finally {
    raw('string_free')(owned);
  }
}

/** Copies the rows of a page, and what is known of it, and frees it. */
export function takePage(kind, page, row) {
  try {
    const rows = [];
    const length = raw(`${kind}_page_len`)(page);
    for (let i = 0; i < length; i++) {
      const out = struct(`jotrack_${kind}`);
      raw(`${kind}_page_get`)(page, i, out);
      rows.push(row(out));
    }
    if (kind !== 'job' && kind !== 'change') return { rows };
    const info = struct('jotrack_page_info');
    raw(`${kind}_page_info`)(page, info);
    return { rows, rev: info.rev, next: textOut(info.next), flags: info.flags };
  } finally {
    raw(`${kind}_page_free`)(page);
  }
}

export const register = (callback, type) => {
  raw('version_number'); // Declares the types of callbacks.
  return koffi.register(callback, type);
};

// ---------------------------------------------------------------- what is forgotten

const collected = new FinalizationRegistry((free) => free());

/** Calls `free` when `owner` is collected; returns a function that calls it off. */
export function whenCollected(owner, free) {
  const token = {};
  collected.register(owner, free, token);
  return () => collected.unregister(token);
}

/** Does one thing after the other: for objects that belong to one thread at a time. */
export class Lane {
  #last = Promise.resolve();

  run(action) {
    const next = this.#last.then(action);
    this.#last = next.catch(() => {});
    return next;
  }
}
