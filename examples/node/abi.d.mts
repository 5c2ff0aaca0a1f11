// The numbers of include/jotrack.h. Written by examples/declarations.py. A newer library may
// tell others, so the types are those of any number.

export type StatusCode = number;
export declare const StatusCode: Readonly<{
  OK: 0;
  INVALID_ARGUMENT: 1;
  MISUSE: 2;
  NOT_FOUND: 3;
  ALREADY_EXISTS: 4;
  CONFLICT: 5;
  VALIDATION: 6;
  UNAUTHENTICATED: 7;
  FORBIDDEN: 8;
  TOO_LARGE: 9;
  UNSUPPORTED: 10;
  QUOTA_EXCEEDED: 11;
  STEP_LOCKED: 12;
  ALREADY_FINISHED: 13;
  IDEMPOTENCY_MISMATCH: 14;
  UNSUPPORTED_TYPE: 15;
  CANCELLED: 20;
  TIMEOUT: 21;
  RATE_LIMITED: 22;
  BUSY: 23;
  END: 24;
  CLOSED: 25;
  LAGGED: 26;
  SUSPENDED: 27;
  IO: 40;
  STORAGE: 41;
  CORRUPT: 42;
  NETWORK: 43;
  AI_PROVIDER: 44;
  AI_REFUSED: 45;
  CRYPTO: 46;
  SCHEMA_TOO_NEW: 47;
  AI_NOT_CONFIGURED: 48;
  STORAGE_FULL: 49;
  KEY_UNAVAILABLE: 50;
  INTERNAL: 90;
  PANIC: 91;
}>;

export type JobStatus = number;
export declare const JobStatus: Readonly<{
  ON_RADAR: 1;
  APPLIED: 2;
  PHONE_SCREEN: 3;
  ONSITE: 4;
  OFFER: 5;
  ACCEPTED: 6;
  REJECTED: 7;
  WITHDRAWN: 8;
  GHOSTED: 9;
}>;

export type CoachStatus = number;
export declare const CoachStatus: Readonly<{
  NOT_STARTED: 1;
  PROFILE_BUILDING: 2;
  RESUME_READY: 3;
  APPLIED: 4;
  INTERVIEW_PREP: 5;
}>;

export type CoachStep = number;
export declare const CoachStep: Readonly<{
  DISCOVERY: 1;
  SCORE: 2;
  RESUME: 3;
  COVER_LETTER: 4;
  READY: 5;
  RECRUITER: 6;
  HIRING_MANAGER: 7;
  PEER: 8;
}>;

export type AttachmentKind = number;
export declare const AttachmentKind: Readonly<{
  RESUME: 1;
  JD: 2;
  COVER_LETTER: 3;
  OTHER: 4;
}>;

export type VariantName = number;
export declare const VariantName: Readonly<{
  RAW: 1;
  AI_NORMALIZED: 2;
}>;

export type TextState = number;
export declare const TextState: Readonly<{
  NONE: 1;
  PENDING: 2;
  READY: 3;
  EMPTY: 4;
  FAILED: 5;
}>;

export type TextError = number;
export declare const TextError: Readonly<{
  CORRUPT: 1;
  ENCRYPTED: 2;
  TOO_COMPLEX: 3;
  TIMEOUT: 4;
}>;

export type ScoreBand = number;
export declare const ScoreBand: Readonly<{
  POOR: 1;
  GOOD: 2;
  EXCELLENT: 3;
}>;

export type JobOrder = number;
export declare const JobOrder: Readonly<{
  CREATED: 0;
  UPDATED: 1;
  COMPANY: 2;
  TITLE: 3;
  STATUS: 4;
}>;

export type Selection = number;
export declare const Selection: Readonly<{
  NO: 0;
  ONLY: 1;
  BOTH: 2;
}>;

export type ChangeOp = number;
export declare const ChangeOp: Readonly<{
  CREATED: 1;
  UPDATED: 2;
  DELETED: 3;
}>;

export type EventKind = number;
export declare const EventKind: Readonly<{
  CHANGED: 1;
  RESYNC: 2;
  STATE: 3;
}>;

export type EngineState = number;
export declare const EngineState: Readonly<{
  OPEN: 1;
  SUSPENDED: 2;
  READ_ONLY: 3;
  CLOSING: 4;
}>;

export type DispatchMode = number;
export declare const DispatchMode: Readonly<{
  THREAD: 0;
  HOST: 1;
}>;

export type LogLevel = number;
export declare const LogLevel: Readonly<{
  ERROR: 1;
  WARN: 2;
  INFO: 3;
  DEBUG: 4;
  TRACE: 5;
}>;

export type Feature = number;
export declare const Feature: Readonly<{
  GRAPHQL: 1;
}>;

export type Entity = number;
export declare const Entity: Readonly<{
  JOB: 1;
  STATUS_CHANGE: 2;
  ATTACHMENT: 4;
  ATTACHMENT_VARIANT: 8;
  COACH_STATE: 16;
  ANALYSIS: 32;
  ACCOUNT: 64;
}>;

export type OpenFlag = number;
export declare const OpenFlag: Readonly<{
  READ_ONLY: 1;
  NO_CREATE: 2;
  NO_NETWORK: 4;
}>;

export type CommitFlag = number;
export declare const CommitFlag: Readonly<{
  UNCHANGED: 1;
  REPLAYED: 2;
  TYPE_MISMATCH: 4;
}>;

export type JobField = number;
export declare const JobField: Readonly<{
  COMPANY: 1;
  TITLE: 2;
  LOCATION: 4;
  POSTING_URL: 8;
  NOTES: 16;
  STATUS: 32;
  SOURCE: 64;
}>;

export type PageFlag = number;
export declare const PageFlag: Readonly<{
  MORE: 1;
  RESET: 2;
}>;

export type VariantFlag = number;
export declare const VariantFlag: Readonly<{
  TRUNCATED: 1;
}>;

export type AnalysisFlag = number;
export declare const AnalysisFlag: Readonly<{
  REFRESH: 1;
  BACKGROUND: 2;
}>;
