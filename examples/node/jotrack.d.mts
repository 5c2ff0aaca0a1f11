// Types of the JoTrack package for Node. What each thing means stands in include/jotrack.h.

import {
  AttachmentKind,
  ChangeOp,
  CoachStatus,
  CoachStep,
  EngineState,
  Entity,
  EventKind,
  Feature,
  JobOrder,
  JobStatus,
  ScoreBand,
  Selection,
  TextError,
  TextState,
  VariantName,
} from './abi.mjs';

export {
  AttachmentKind,
  ChangeOp,
  CoachStatus,
  CoachStep,
  EngineState,
  Entity,
  EventKind,
  Feature,
  JobOrder,
  JobStatus,
  ScoreBand,
  Selection,
  TextError,
  TextState,
  VariantName,
};
export { StatusCode } from './abi.mjs';

/** A JSON object. */
export type Document = Record<string, any>;

/** A moment, or Unix milliseconds. */
export type Moment = Date | number;

export interface FieldProblem {
  path: string[];
  rule: string;
  message: string;
  limit?: number;
}

/** A call that failed. `message` is English and for logs: show a text chosen by `code`. */
export class JoTrackError extends Error {
  /** 'NOT_FOUND', 'CONFLICT', …; 'UNKNOWN_123' for a number that is not known here. */
  readonly code: string;
  readonly status: number;
  /** What a program can act on, see jotrack_error_details_json. */
  readonly details: Document;
  /** Milliseconds until the same call may succeed: 0 = now, -1 = not without a change. */
  readonly retryAfterMs: number;
  /** The fields that break rules, for VALIDATION. */
  get fields(): FieldProblem[];
}

export interface OpenOptions {
  database?: string;
  /** Settings, see jotrack_options.config_json. */
  config?: Document;
  workerThreads?: number;
  /** Base64, see jotrack_options.master_key. */
  masterKey?: string;
}

export interface WriteOptions {
  /** For 24 hours the same key with the same input gives the first result again. */
  idempotencyKey?: string;
  /** CONFLICT when it is not the current one. */
  expectedVersion?: number;
}

export interface Commit {
  /** Of the object; empty for a mutation of a list. */
  id: string;
  /** The revision it made; 0 when nothing was written. */
  rev: number;
  unchanged: boolean;
  replayed: boolean;
  typeMismatch: boolean;
}

export interface Job {
  id: string;
  company: string;
  title: string;
  location: string | null;
  postingUrl: string | null;
  source: string | null;
  /** Null in a list; `engine.jobs.get` has them. */
  notes: string | null;
  resumeAttachmentId: string | null;
  jdAttachmentId: string | null;
  status: JobStatus;
  coachStatus: CoachStatus;
  coachProgress: number;
  attachmentCount: number;
  attachmentKinds: AttachmentKind[];
  /** 0 to 100. */
  matchScore: number | null;
  /** For `expectedVersion`. */
  version: number;
  createdAt: Date;
  updatedAt: Date;
  statusSince: Date;
  appliedAt: Date | null;
  archivedAt: Date | null;
  trashedAt: Date | null;
  purgeAt: Date | null;
}

/** What is undefined stays or gets the default; null clears. */
export interface JobChange {
  company?: string;
  title?: string;
  location?: string | null;
  postingUrl?: string | null;
  source?: string | null;
  notes?: string | null;
  status?: JobStatus;
  statusAt?: Moment;
}

export interface NewJob extends JobChange {
  company: string;
  title: string;
}

export interface JobFilter {
  statuses?: Iterable<JobStatus>;
  coachStatuses?: Iterable<CoachStatus>;
  /** Words to find in the job and its documents. */
  text?: string;
  company?: string;
  createdFrom?: Moment;
  createdTo?: Moment;
  hasAttachment?: AttachmentKind;
  archived?: Selection;
  trashed?: Selection;
  order?: JobOrder;
}

export interface JobPage {
  jobs: Job[];
  /** Go on from here with `engine.changes.since`. */
  rev: number;
  next: string | null;
}

/** One id or several: all of them are changed, or none. */
export type Ids = string | Iterable<string>;

export interface Jobs extends AsyncIterable<Job> {
  create(job: NewJob, options?: WriteOptions): Promise<Commit>;
  update(id: string, change: JobChange, options?: WriteOptions): Promise<Commit>;
  setStatus(
    ids: Ids,
    status: JobStatus,
    options?: WriteOptions & { at?: Moment; note?: string },
  ): Promise<Commit>;
  archive(ids: Ids, archived?: boolean, options?: WriteOptions): Promise<Commit>;
  trash(ids: Ids, options?: WriteOptions): Promise<Commit>;
  restore(ids: Ids, options?: WriteOptions): Promise<Commit>;
  /** Deletes jobs of the trash for good, with their files. */
  purge(ids: Ids, options?: WriteOptions): Promise<Commit>;
  get(id: string): Promise<Job>;
  page(filter?: JobFilter, options?: { after?: string | null; limit?: number }): Promise<JobPage>;
  /** The next page is read when the iteration reaches it. */
  list(filter?: JobFilter, options?: { pageSize?: number }): AsyncGenerator<Job, void, void>;
}

export interface Attachment {
  id: string;
  jobId: string;
  filename: string;
  mediaType: string;
  sha256: string;
  kind: AttachmentKind;
  isActive: boolean;
  textState: TextState;
  textError: TextError | null;
  version: number;
  size: number;
  createdAt: Date;
  trashedAt: Date | null;
}

export interface AttachmentWriter extends AsyncDisposable {
  write(data: Uint8Array): Promise<void>;
  /** Attaches the file. Ends it, also when it fails. */
  commit(options?: WriteOptions): Promise<Commit>;
  /** Keeps the file for GraphQL, which takes the answer as uploadId for 24 hours. */
  stage(): Promise<string>;
  /** Gives the file up, unless it has ended. */
  abort(): Promise<void>;
}

/** `for await` gives the content in pieces and closes it. */
export interface AttachmentReader extends AsyncIterable<Uint8Array>, AsyncDisposable {
  readonly size: number;
  /** An empty buffer at the end and beyond it. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface Attachments {
  list(jobIds: Ids, kinds?: Iterable<AttachmentKind>): Promise<Attachment[]>;
  add(
    jobId: string,
    kind: AttachmentKind,
    filename: string,
    content: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    options?: WriteOptions,
  ): Promise<Commit>;
  create(
    jobId: string,
    kind: AttachmentKind,
    filename: string,
    options?: { sizeHint?: number },
  ): Promise<AttachmentWriter>;
  stage(filename: string, content: Uint8Array): Promise<string>;
  open(id: string): Promise<AttachmentReader>;
  read(id: string): Promise<Uint8Array>;
  activate(id: string, options?: WriteOptions): Promise<Commit>;
  trash(id: string, options?: WriteOptions): Promise<Commit>;
  restore(id: string, options?: WriteOptions): Promise<Commit>;
  purge(id: string, options?: WriteOptions): Promise<Commit>;
}

export interface Text {
  attachmentId: string;
  jobId: string;
  text: string;
  kind: AttachmentKind;
  variant: VariantName;
  tokenEstimate: number;
  wordCount: number;
  truncated: boolean;
  createdAt: Date;
  version: number;
}

export interface Texts {
  list(jobIds: Ids, kinds?: Iterable<AttachmentKind>, variant?: VariantName): Promise<Text[]>;
  set(
    attachmentId: string,
    text: string,
    options?: WriteOptions & { variant?: VariantName },
  ): Promise<Commit>;
}

export interface Coach {
  status: CoachStatus;
  progress: number;
  nextStep: CoachStep | null;
  /** Bits, see jotrack_coach.milestones. */
  milestones: number;
  locked: CoachStep[];
  version: number;
  updatedAt: Date | null;
  document: Document;
}

export interface CoachStates {
  get(jobId: string): Promise<Coach>;
  update(
    jobId: string,
    patch: Document,
    options?: WriteOptions,
  ): Promise<Commit & { document: Document }>;
}

export interface Match {
  /** 0 to 100. */
  value: number;
  band: ScoreBand;
  computedAt: Date | null;
  document: Document;
}

export type Provider = 'ANTHROPIC' | 'OPENAI' | 'OPENAI_COMPATIBLE';

export interface ProviderKey {
  provider: Provider;
  last4: string;
  fingerprint: string;
  baseUrl?: string | null;
  createdAt: Date;
  lastUsedAt: Date | null;
}

export interface Keys {
  list(): Promise<ProviderKey[]>;
  set(
    provider: Provider,
    secret: string,
    options?: WriteOptions & { baseUrl?: string },
  ): Promise<Commit>;
  delete(provider: Provider, options?: WriteOptions): Promise<Commit>;
  settings(
    patch: {
      networkEnabled?: boolean;
      provider?: Provider | 'LOCAL' | null;
      model?: string | null;
    },
    options?: WriteOptions,
  ): Promise<Commit>;
}

export interface Change {
  rev: number;
  entity: Entity;
  op: ChangeOp;
  id: string;
}

export interface Changes {
  changes: Change[];
  /** Go on from here. */
  rev: number;
  /** They cannot be told one by one: read everything again, then go on from `rev`. */
  reset: boolean;
}

export interface ChangeLog {
  revision(): Promise<number>;
  since(rev: number, entities?: Entity): Promise<Changes>;
  pages(
    rev: number,
    entities?: Entity,
    limit?: number,
  ): AsyncGenerator<Changes & { more: boolean }, void, void>;
}

export interface ChangeEvent {
  kind: EventKind;
  state: EngineState;
  entities: Entity;
  firstRev: number;
  lastRev: number;
}

/** Keeps the process running until it is closed. */
export interface Subscription extends AsyncIterable<ChangeEvent>, AsyncDisposable {
  /** Once this has resolved no callback comes any more. */
  close(): Promise<void>;
}

export type AnalysisKind =
  | 'DOCUMENT_NORMALIZE'
  | 'MATCH_SCORE'
  | 'COMPANY_INTELLIGENCE'
  | 'COMPANY_ECOSYSTEM'
  | 'COMPANY_QUESTIONS'
  | 'PEOPLE_EXTRACT'
  | 'NOTES_SUMMARY'
  | 'COVER_LETTER'
  | 'RESUME_IMPROVE';

/** Exactly one of `jobId`, `company` and `attachmentId`. */
export interface AnalysisRequest {
  kind: AnalysisKind | (string & {});
  jobId?: string;
  company?: string;
  attachmentId?: string;
  persona?: 'RECRUITER' | 'HIRING_MANAGER' | 'PEER';
  params?: Document;
  provider?: Provider | 'LOCAL';
  model?: string;
  idempotencyKey?: string;
  refresh?: boolean;
  background?: boolean;
}

export interface AnalysisEvent {
  /** Expect kinds that are not named here. */
  kind: 'QUEUED' | 'STARTED' | 'DELTA' | 'RESET' | 'DONE' | 'FAILED' | 'CANCELLED' | (string & {});
  sequence: number;
  epoch: number;
  /** The next piece, for DELTA. */
  text: string;
  data: Document;
}

export interface AnalysisOptions {
  /** Cancels the analysis, which then rejects with the reason of the signal. */
  signal?: AbortSignal;
  /** Takes the events in the place of the iteration; what it throws cancels. */
  onEvent?: (event: AnalysisEvent) => void;
}

/** `for await` gives its events; leaving the loop early cancels it. */
export interface Analysis extends AsyncIterable<AnalysisEvent>, AsyncDisposable {
  /** The id, once the request is checked and stored; rejects with what is wrong with it. */
  readonly started: Promise<string>;
  readonly done: boolean;
  /** The analysis at its end, see jotrack_analysis_get; rejects with what it failed with. */
  readonly result: Promise<Document>;
  cancel(): void;
}

export interface Engine extends AsyncDisposable {
  readonly jobs: Jobs;
  readonly attachments: Attachments;
  readonly texts: Texts;
  readonly coach: CoachStates;
  readonly keys: Keys;
  readonly changes: ChangeLog;
  readonly closed: boolean;
  /** Waits for calls that run, gives running work 5 seconds, tells every callback and closes. */
  close(): Promise<void>;
  /** Null without both a résumé and a job description. */
  match(jobId: string): Promise<Match | null>;
  health(): Promise<Document>;
  analyse(request: AnalysisRequest, options?: AnalysisOptions): Analysis;
  /** From after the event `after` on, also one of an earlier process. */
  follow(id: string, options?: AnalysisOptions & { after?: number }): Analysis;
  analysis(id: string): Promise<Document>;
  cancelAnalysis(id: string): Promise<void>;
  subscribe(options?: {
    entities?: Entity;
    callback?: (event: ChangeEvent) => void;
  }): Promise<Subscription>;
  /** Look at the `errors` of the response. */
  graphql(
    query: string,
    variables?: Document,
    options?: { operationName?: string; timeoutMs?: number },
  ): Promise<{ data?: any; errors?: Document[]; extensions?: Document }>;
}

/** Opens the engine of a folder, which is made when it is missing; without one nothing is kept. */
export function open(dataDir?: string, options?: OpenOptions): Promise<Engine>;

/** The version of the library that runs. */
export function version(): string;

/** Bits of Feature. */
export function features(): Feature;

/** The schema of GraphQL in the schema definition language. */
export function schema(): string;

/** The opaque id in GraphQL of an object. */
export function nodeId(entity: Entity, id: string): string;
export function parseNodeId(node: string): { entity: Entity; id: string };
