// Errors: one class, told apart by `code`, the name of a status.

import { StatusCode } from './abi.mjs';

const NAMES = new Map(Object.entries(StatusCode).map(([name, number]) => [number, name]));

/** A call that failed. `message` is English and for logs: show a text chosen by `code`. */
export class JoTrackError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {Record<string, any>} [details]
   * @param {number} [retryAfterMs]
   */
  constructor(status, message, details = {}, retryAfterMs = -1) {
    super(message);
    this.name = 'JoTrackError';
    /** 'NOT_FOUND', 'CONFLICT', …; 'UNKNOWN_123' for a number that is not known here. */
    this.code = NAMES.get(status) ?? `UNKNOWN_${status}`;
    this.status = status;
    /** What a program can act on, see jotrack_error_details_json. */
    this.details = details;
    /** Milliseconds until the same call may succeed: 0 = now, -1 = not without a change. */
    this.retryAfterMs = retryAfterMs;
  }

  /** The fields that break rules, for VALIDATION. */
  get fields() {
    return this.details.fields ?? [];
  }
}

/** @param {keyof typeof StatusCode} code @param {string} message */
export const failure = (code, message) => new JoTrackError(StatusCode[code], message);
