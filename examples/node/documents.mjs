// `engine.texts`, `engine.coach` and `engine.keys`.

import { VariantFlag, VariantName } from './abi.mjs';
import { commitOut, writeIn } from './handle.mjs';
import { dateOut } from './jobs.mjs';
import { idsIn, mask, optionalIn, struct, takePage, takeText, textIn, textOut, unmask } from './library.mjs';

/** `engine.texts`: the texts of documents. */
export class Texts {
  #handle;

  /** @internal */
  constructor(engine) {
    this.#handle = engine.handle;
  }

  /** Reads the texts of the active files of up to 200 jobs; a file without one has no row. */
  async list(jobIds, kinds, variant = VariantName.RAW) {
    const page = [null];
    await this.#handle.call('variant_get_many', ...idsIn(jobIds), mask(kinds), variant, page);
    return takePage('variant', page[0], variantOut).rows;
  }

  /** Sets a text by hand. */
  set(attachmentId, text, { variant = VariantName.RAW, ...options } = {}) {
    const args = [textIn(attachmentId), variant, textIn(text), Buffer.byteLength(text)];
    return this.#handle.write('variant_set', args, options);
  }
}

const variantOut = (row) => ({
  attachmentId: textOut(row.attachment_id),
  jobId: textOut(row.job_id),
  text: textOut(row.text),
  kind: row.kind,
  variant: row.variant,
  tokenEstimate: row.token_estimate,
  wordCount: row.word_count,
  truncated: (row.flags & VariantFlag.TRUNCATED) !== 0,
  createdAt: dateOut(row.created_at_ms),
  version: row.version,
});

/** `engine.coach`: how far the coach has come with each job. */
export class CoachStates {
  #handle;

  /** @internal */
  constructor(engine) {
    this.#handle = engine.handle;
  }

  async get(jobId) {
    const state = struct('jotrack_coach');
    const document = await this.#handle.json('coach_get', textIn(jobId), state);
    return {
      status: state.status,
      progress: state.progress,
      nextStep: state.next_step || null,
      milestones: state.milestones,
      locked: unmask(state.locked),
      version: state.version,
      updatedAt: dateOut(state.updated_at_ms),
      document,
    };
  }

  /** Changes it; the keys of the patch stand at jotrack_coach_update. */
  async update(jobId, patch, options) {
    const commit = struct('jotrack_commit');
    const document = [null];
    const args = [textIn(jobId), JSON.stringify(patch), writeIn(options), commit, document];
    await this.#handle.call('coach_update', ...args);
    return { ...commitOut(commit), document: JSON.parse(takeText(document[0])) };
  }
}

/** `engine.keys`: the user's own keys of model providers. Nothing gives a key back. */
export class Keys {
  #handle;

  /** @internal */
  constructor(engine) {
    this.#handle = engine.handle;
  }

  /** What may be known of the stored keys. */
  async list() {
    const keys = await this.#handle.json('provider_keys');
    return keys.map(({ createdAt, lastUsedAt, ...key }) => ({
      ...key,
      createdAt: dateOut(createdAt),
      lastUsedAt: dateOut(lastUsedAt),
    }));
  }

  /** Stores a key, sealed. It is used once `settings` allowed the network. */
  set(provider, secret, { baseUrl, ...options } = {}) {
    const args = [textIn(provider), textIn(secret), optionalIn(baseUrl)];
    return this.#handle.write('provider_key_set', args, options);
  }

  delete(provider, options) {
    return this.#handle.write('provider_key_delete', [textIn(provider)], options);
  }

  /** Ask before you allow the network: texts of jobs are sent to the provider from then on. */
  settings({ networkEnabled, provider, model }, options) {
    const patch = JSON.stringify({ networkEnabled, provider, model });
    return this.#handle.write('ai_settings_update', [patch], options);
  }
}

/** @internal */
export async function match(handle, jobId) {
  const score = struct('jotrack_match');
  const document = await handle.json('match_get', textIn(jobId), score);
  if (!score.has_score) return null;
  const { value, band, computed_at_ms: computedAt } = score;
  return { value, band, computedAt: dateOut(computedAt), document };
}
