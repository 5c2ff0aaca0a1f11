// Where the library calls back.
//
// The engine runs with JOTRACK_DISPATCH_THREAD: its own thread calls, koffi carries the call to the
// thread of JavaScript, and the engine's thread waits, which it may. JOTRACK_DISPATCH_HOST with a
// wakeup would be weaker here: the wakeup comes on any thread of the engine and must return at once,
// but koffi lets it wait for JavaScript, which may itself wait in a call for that thread.
//
// Two rules follow. What waits for callbacks (engine_close, subscription_free) is called on another
// thread, never on this one. And one C function is registered for each kind of callback, for ever,
// with a number as `user`: a function that is unregistered in its own last call would be gone before
// that call has returned.

import { decodeStruct, register } from './library.mjs';

const waiting = new Map();
let last = 0;
let pointers;
let keptAlive;

/** Keeps an object until `forget`, and Node running meanwhile; returns the number for `user`. */
export function waitFor(object) {
  waiting.set(++last, object);
  // koffi's callbacks do not keep Node from ending, but somebody waits for one.
  keptAlive ??= setInterval(() => {}, 2 ** 30);
  return last;
}

export function forget(number) {
  waiting.delete(number);
  if (waiting.size === 0) {
    clearInterval(keptAlive);
    keptAlive = undefined;
  }
}

/** The C functions. */
export function trampolines() {
  pointers ??= {
    onEvent: register((user, text) => tell(user, 'onEvent', text), 'jotrack_op_event_cb *'),
    onDone: register((user, status, text, _length, error) => {
      tell(user, 'onDone', status, text, error);
    }, 'jotrack_done_cb *'),
    onChange: register((user, event) => {
      tell(user, 'onChange', decodeStruct(event, 'jotrack_event'));
    }, 'jotrack_event_cb *'),
  };
  return pointers;
}

// Nothing may leave a callback: what a listener throws is reported as Node reports it elsewhere.
function tell(user, method, ...args) {
  try {
    waiting.get(Number(user))?.[method](...args);
  } catch (e) {
    queueMicrotask(() => {
      throw e;
    });
  }
}
