// `engine.jobs`: the job applications.

import { JobField } from './abi.mjs';
import { idsIn, mask, optionalIn, struct, takePage, textIn, textOut, unmask } from './library.mjs';

const FIELDS = {
  company: 'COMPANY',
  title: 'TITLE',
  location: 'LOCATION',
  postingUrl: 'POSTING_URL',
  source: 'SOURCE',
  notes: 'NOTES',
};

export class Jobs {
  #handle;

  /** @internal */
  constructor(engine) {
    this.#handle = engine.handle;
  }

  /** Creates a job; `id` of the answer is its id. */
  create(job, options) {
    return this.#handle.write('job_create', [jobIn(job)], options);
  }

  /** Changes fields: what is undefined stays, null clears. */
  update(id, change, options) {
    return this.#handle.write('job_update', [textIn(id), jobIn(change)], options);
  }

  /** Moves jobs to a status: all of them or none, as everything that takes several. */
  setStatus(ids, status, { at = 0, note, ...options } = {}) {
    const args = [...idsIn(ids), status, Number(at), optionalIn(note)];
    return this.#handle.write('job_update_status', args, options);
  }

  archive(ids, archived = true, options = {}) {
    return this.#handle.write('job_archive', [...idsIn(ids), archived ? 1 : 0], options);
  }

  trash(ids, options) {
    return this.#handle.write('job_trash', idsIn(ids), options);
  }

  restore(ids, options) {
    return this.#handle.write('job_restore', idsIn(ids), options);
  }

  /** Deletes jobs of the trash for good, with their files. */
  purge(ids, options) {
    return this.#handle.write('job_purge', idsIn(ids), options);
  }

  /** Reads one job with its notes. */
  async get(id) {
    const page = [null];
    await this.#handle.call('job_get', textIn(id), page);
    return takePage('job', page[0], jobOut).rows[0];
  }

  /** Reads one page. */
  async page(filter, { after, limit = 0 } = {}) {
    const page = [null];
    const where = filter ? filterIn(filter) : null;
    await this.#handle.call('job_list', where, optionalIn(after), limit, page);
    const { rows, rev, next } = takePage('job', page[0], jobOut);
    return { jobs: rows, rev, next };
  }

  /** Reads jobs; the next page is read when the iteration reaches it. */
  async *list(filter, { pageSize = 0 } = {}) {
    let after;
    do {
      const page = await this.page(filter, { after, limit: pageSize });
      yield* page.jobs;
      after = page.next;
    } while (after !== null);
  }

  [Symbol.asyncIterator]() {
    return this.list();
  }
}

function jobIn(job) {
  const members = { fields: 0 };
  for (const [name, field] of Object.entries(FIELDS)) {
    if (job[name] === undefined) continue;
    members.fields |= JobField[field];
    members[field.toLowerCase()] = optionalIn(job[name]);
  }
  if (job.notes) members.notes_len = Buffer.byteLength(job.notes);
  if (job.status !== undefined) {
    members.fields |= JobField.STATUS;
    members.status = job.status;
    members.status_at_ms = Number(job.statusAt ?? 0);
  }
  return struct('jotrack_job_input', members);
}

const filterIn = (filter) =>
  struct('jotrack_job_filter', {
    statuses: mask(filter.statuses),
    coach_statuses: mask(filter.coachStatuses),
    text: optionalIn(filter.text),
    company: optionalIn(filter.company),
    created_from_ms: Number(filter.createdFrom ?? 0),
    created_to_ms: Number(filter.createdTo ?? 0),
    has_attachment: filter.hasAttachment ?? 0,
    archived: filter.archived ?? 0,
    trashed: filter.trashed ?? 0,
    order: filter.order ?? 0,
  });

/** The moment of a time in Unix milliseconds; null where there is none. */
export const dateOut = (ms) => (ms ? new Date(ms) : null);

const jobOut = (row) => ({
  id: textOut(row.id),
  company: textOut(row.company),
  title: textOut(row.title),
  location: textOut(row.location),
  postingUrl: textOut(row.posting_url),
  source: textOut(row.source),
  notes: textOut(row.notes),
  resumeAttachmentId: textOut(row.resume_attachment_id),
  jdAttachmentId: textOut(row.jd_attachment_id),
  status: row.status,
  coachStatus: row.coach_status,
  coachProgress: row.coach_progress,
  attachmentCount: row.attachment_count,
  attachmentKinds: unmask(row.attachment_kinds),
  matchScore: row.match_score < 0 ? null : row.match_score,
  version: row.version,
  createdAt: dateOut(row.created_at_ms),
  updatedAt: dateOut(row.updated_at_ms),
  statusSince: dateOut(row.status_since_ms),
  appliedAt: dateOut(row.applied_at_ms),
  archivedAt: dateOut(row.archived_at_ms),
  trashedAt: dateOut(row.trashed_at_ms),
  purgeAt: dateOut(row.purge_at_ms),
});
