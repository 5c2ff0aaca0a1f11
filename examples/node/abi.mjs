// The declarations of include/jotrack.h for koffi, as they are. Written by
// examples/declarations.py: run it when the header has changed.

export const StatusCode = Object.freeze({
  OK: 0,
  INVALID_ARGUMENT: 1,
  MISUSE: 2,
  NOT_FOUND: 3,
  ALREADY_EXISTS: 4,
  CONFLICT: 5,
  VALIDATION: 6,
  UNAUTHENTICATED: 7,
  FORBIDDEN: 8,
  TOO_LARGE: 9,
  UNSUPPORTED: 10,
  QUOTA_EXCEEDED: 11,
  STEP_LOCKED: 12,
  ALREADY_FINISHED: 13,
  IDEMPOTENCY_MISMATCH: 14,
  UNSUPPORTED_TYPE: 15,
  CANCELLED: 20,
  TIMEOUT: 21,
  RATE_LIMITED: 22,
  BUSY: 23,
  END: 24,
  CLOSED: 25,
  LAGGED: 26,
  SUSPENDED: 27,
  IO: 40,
  STORAGE: 41,
  CORRUPT: 42,
  NETWORK: 43,
  AI_PROVIDER: 44,
  AI_REFUSED: 45,
  CRYPTO: 46,
  SCHEMA_TOO_NEW: 47,
  AI_NOT_CONFIGURED: 48,
  STORAGE_FULL: 49,
  KEY_UNAVAILABLE: 50,
  INTERNAL: 90,
  PANIC: 91,
});

export const JobStatus = Object.freeze({
  ON_RADAR: 1,
  APPLIED: 2,
  PHONE_SCREEN: 3,
  ONSITE: 4,
  OFFER: 5,
  ACCEPTED: 6,
  REJECTED: 7,
  WITHDRAWN: 8,
  GHOSTED: 9,
});

export const CoachStatus = Object.freeze({
  NOT_STARTED: 1,
  PROFILE_BUILDING: 2,
  RESUME_READY: 3,
  APPLIED: 4,
  INTERVIEW_PREP: 5,
});

export const CoachStep = Object.freeze({
  DISCOVERY: 1,
  SCORE: 2,
  RESUME: 3,
  COVER_LETTER: 4,
  READY: 5,
  RECRUITER: 6,
  HIRING_MANAGER: 7,
  PEER: 8,
});

export const AttachmentKind = Object.freeze({
  RESUME: 1,
  JD: 2,
  COVER_LETTER: 3,
  OTHER: 4,
});

export const VariantName = Object.freeze({
  RAW: 1,
  AI_NORMALIZED: 2,
});

export const TextState = Object.freeze({
  NONE: 1,
  PENDING: 2,
  READY: 3,
  EMPTY: 4,
  FAILED: 5,
});

export const TextError = Object.freeze({
  CORRUPT: 1,
  ENCRYPTED: 2,
  TOO_COMPLEX: 3,
  TIMEOUT: 4,
});

export const ScoreBand = Object.freeze({
  POOR: 1,
  GOOD: 2,
  EXCELLENT: 3,
});

export const JobOrder = Object.freeze({
  CREATED: 0,
  UPDATED: 1,
  COMPANY: 2,
  TITLE: 3,
  STATUS: 4,
});

export const Selection = Object.freeze({
  NO: 0,
  ONLY: 1,
  BOTH: 2,
});

export const ChangeOp = Object.freeze({
  CREATED: 1,
  UPDATED: 2,
  DELETED: 3,
});

export const EventKind = Object.freeze({
  CHANGED: 1,
  RESYNC: 2,
  STATE: 3,
});

export const EngineState = Object.freeze({
  OPEN: 1,
  SUSPENDED: 2,
  READ_ONLY: 3,
  CLOSING: 4,
});

export const DispatchMode = Object.freeze({
  THREAD: 0,
  HOST: 1,
});

export const LogLevel = Object.freeze({
  ERROR: 1,
  WARN: 2,
  INFO: 3,
  DEBUG: 4,
  TRACE: 5,
});

export const Feature = Object.freeze({
  GRAPHQL: 1,
});

export const Entity = Object.freeze({
  JOB: 1,
  STATUS_CHANGE: 2,
  ATTACHMENT: 4,
  ATTACHMENT_VARIANT: 8,
  COACH_STATE: 16,
  ANALYSIS: 32,
  ACCOUNT: 64,
});

export const OpenFlag = Object.freeze({
  READ_ONLY: 1,
  NO_CREATE: 2,
  NO_NETWORK: 4,
});

export const CommitFlag = Object.freeze({
  UNCHANGED: 1,
  REPLAYED: 2,
  TYPE_MISMATCH: 4,
});

export const JobField = Object.freeze({
  COMPANY: 1,
  TITLE: 2,
  LOCATION: 4,
  POSTING_URL: 8,
  NOTES: 16,
  STATUS: 32,
  SOURCE: 64,
});

export const PageFlag = Object.freeze({
  MORE: 1,
  RESET: 2,
});

export const VariantFlag = Object.freeze({
  TRUNCATED: 1,
});

export const AnalysisFlag = Object.freeze({
  REFRESH: 1,
  BACKGROUND: 2,
});

/** The members of every struct, in their order. */
export const structs = {
  jotrack_options: {
    struct_size: 'size_t',
    data_dir: 'const char *',
    database: 'const char *',
    config_json: 'const char *',
    dispatch: 'int32_t',
    worker_threads: 'uint32_t',
    flags: 'uint64_t',
    master_key: 'const char *',
    log: 'jotrack_log_cb *',
    log_user: 'void *',
    log_level: 'int32_t',
    queue_capacity: 'uint32_t',
  },
  jotrack_stats: {
    struct_size: 'size_t',
    rev: 'uint64_t',
    jobs: 'uint64_t',
    jobs_trashed: 'uint64_t',
    db_bytes: 'uint64_t',
    wal_bytes: 'uint64_t',
    cache_entries: 'uint64_t',
    cache_bytes: 'uint64_t',
    cache_hits: 'uint64_t',
    tokens_in: 'uint64_t',
    tokens_out: 'uint64_t',
    cost_micros: 'int64_t',
    ops_running: 'uint64_t',
    subscriptions: 'uint64_t',
    queue_len: 'uint64_t',
    logs_dropped: 'uint64_t',
  },
  jotrack_job_input: {
    struct_size: 'size_t',
    fields: 'uint64_t',
    company: 'const char *',
    title: 'const char *',
    location: 'const char *',
    posting_url: 'const char *',
    source: 'const char *',
    notes: 'const char *',
    notes_len: 'size_t',
    status_at_ms: 'int64_t',
    status: 'int32_t',
    reserved: 'uint32_t',
  },
  jotrack_write: {
    struct_size: 'size_t',
    idempotency_key: 'const char *',
    expected_version: 'int64_t',
  },
  jotrack_commit: {
    struct_size: 'size_t',
    rev: 'uint64_t',
    flags: 'uint32_t',
    reserved: 'uint32_t',
    id: 'char [40]',
    version: 'int64_t',
  },
  jotrack_job_filter: {
    struct_size: 'size_t',
    statuses: 'uint64_t',
    coach_statuses: 'uint64_t',
    text: 'const char *',
    company: 'const char *',
    created_from_ms: 'int64_t',
    created_to_ms: 'int64_t',
    has_attachment: 'int32_t',
    archived: 'int32_t',
    trashed: 'int32_t',
    order: 'int32_t',
  },
  jotrack_str: {
    data: 'void *',
    len: 'size_t',
  },
  jotrack_job: {
    struct_size: 'size_t',
    id: 'jotrack_str',
    company: 'jotrack_str',
    title: 'jotrack_str',
    location: 'jotrack_str',
    posting_url: 'jotrack_str',
    source: 'jotrack_str',
    notes: 'jotrack_str',
    resume_attachment_id: 'jotrack_str',
    jd_attachment_id: 'jotrack_str',
    status: 'int32_t',
    coach_status: 'int32_t',
    coach_progress: 'int32_t',
    attachment_count: 'int32_t',
    attachment_kinds: 'uint32_t',
    reserved: 'uint32_t',
    match_score: 'double',
    version: 'int64_t',
    created_at_ms: 'int64_t',
    updated_at_ms: 'int64_t',
    status_since_ms: 'int64_t',
    applied_at_ms: 'int64_t',
    archived_at_ms: 'int64_t',
    trashed_at_ms: 'int64_t',
    purge_at_ms: 'int64_t',
  },
  jotrack_page_info: {
    struct_size: 'size_t',
    rev: 'uint64_t',
    total: 'int64_t',
    next: 'jotrack_str',
    flags: 'uint32_t',
    reserved: 'uint32_t',
  },
  jotrack_attachment: {
    struct_size: 'size_t',
    id: 'jotrack_str',
    job_id: 'jotrack_str',
    filename: 'jotrack_str',
    media_type: 'jotrack_str',
    sha256: 'jotrack_str',
    kind: 'int32_t',
    is_active: 'int32_t',
    text_state: 'int32_t',
    text_error: 'int32_t',
    version: 'int64_t',
    size: 'uint64_t',
    created_at_ms: 'int64_t',
    trashed_at_ms: 'int64_t',
  },
  jotrack_attachment_input: {
    struct_size: 'size_t',
    job_id: 'const char *',
    filename: 'const char *',
    size_hint: 'uint64_t',
    kind: 'int32_t',
    reserved: 'uint32_t',
  },
  jotrack_variant: {
    struct_size: 'size_t',
    attachment_id: 'jotrack_str',
    job_id: 'jotrack_str',
    text: 'jotrack_str',
    kind: 'int32_t',
    variant: 'int32_t',
    token_estimate: 'int32_t',
    word_count: 'int32_t',
    flags: 'uint32_t',
    reserved: 'uint32_t',
    created_at_ms: 'int64_t',
    version: 'int64_t',
  },
  jotrack_coach: {
    struct_size: 'size_t',
    status: 'int32_t',
    progress: 'int32_t',
    next_step: 'int32_t',
    milestones: 'uint32_t',
    locked: 'uint32_t',
    reserved: 'uint32_t',
    version: 'int64_t',
    updated_at_ms: 'int64_t',
  },
  jotrack_match: {
    struct_size: 'size_t',
    value: 'double',
    computed_at_ms: 'int64_t',
    band: 'int32_t',
    has_score: 'int32_t',
  },
  jotrack_analysis_request: {
    struct_size: 'size_t',
    kind: 'const char *',
    job_id: 'const char *',
    company: 'const char *',
    attachment_id: 'const char *',
    persona: 'const char *',
    params_json: 'const char *',
    provider: 'const char *',
    model: 'const char *',
    idempotency_key: 'const char *',
    flags: 'uint32_t',
    reserved: 'uint32_t',
  },
  jotrack_event: {
    struct_size: 'size_t',
    kind: 'int32_t',
    state: 'int32_t',
    entities: 'uint64_t',
    first_rev: 'uint64_t',
    last_rev: 'uint64_t',
  },
  jotrack_change: {
    struct_size: 'size_t',
    rev: 'uint64_t',
    entity: 'uint64_t',
    op: 'int32_t',
    reserved: 'uint32_t',
    id: 'jotrack_str',
  },
  jotrack_graphql_request: {
    struct_size: 'size_t',
    query: 'const char *',
    operation_name: 'const char *',
    variables_json: 'const char *',
    timeout_ms: 'uint32_t',
    reserved: 'uint32_t',
  },
};

/** The callbacks. */
export const callbacks = [
  'void jotrack_log_cb(void * user, int32_t level, const char * target, const char * message, size_t len)',
  'void jotrack_wakeup_cb(void * user)',
  'void jotrack_op_event_cb(void * user, const char * event_json, size_t len)',
  'void jotrack_done_cb(void * user, int32_t status, const char * result_json, size_t len, void * error)',
  'void jotrack_event_cb(void * user, void * event)',
];

/** The functions. */
export const functions = [
  'uint32_t jotrack_version_number(void)',
  'const char * jotrack_version_string(void)',
  'const char * jotrack_status_name(int32_t status)',
  'uint64_t jotrack_features(void)',
  'void jotrack_string_free(void * string)',
  'int32_t jotrack_error_code(void * error)',
  'const char * jotrack_error_message(void * error)',
  'const char * jotrack_error_details_json(void * error)',
  'int64_t jotrack_error_retry_after_ms(void * error)',
  'void jotrack_error_free(void * error)',
  'void jotrack_options_init(_Inout_ jotrack_options * options, size_t size)',
  'int32_t jotrack_engine_open(const jotrack_options * options, _Out_ void ** out, _Out_ void ** err)',
  'int32_t jotrack_engine_close(void * engine)',
  'int32_t jotrack_engine_health_json(void * engine, _Out_ void ** out, _Out_ void ** err)',
  'int32_t jotrack_dispatch(void * engine, int32_t timeout_ms, uint32_t max, _Out_ uint32_t * delivered, _Out_ void ** err)',
  'int32_t jotrack_set_wakeup(void * engine, jotrack_wakeup_cb * wakeup, void * user, _Out_ void ** err)',
  'int32_t jotrack_engine_as_user(void * engine, const char * user_id, _Out_ void ** out, _Out_ void ** err)',
  'int32_t jotrack_engine_suspend(void * engine, uint32_t timeout_ms, _Out_ void ** err)',
  'int32_t jotrack_engine_resume(void * engine, _Out_ void ** err)',
  'int32_t jotrack_engine_stats(void * engine, _Inout_ jotrack_stats * out, _Out_ void ** err)',
  'int32_t jotrack_job_create(void * engine, const jotrack_job_input * input, const jotrack_write * write, _Inout_ jotrack_commit * commit, _Out_ void ** err)',
  'int32_t jotrack_job_update(void * engine, const char * id, const jotrack_job_input * input, const jotrack_write * write, _Inout_ jotrack_commit * commit, _Out_ void ** err)',
  'int32_t jotrack_job_update_status(void * engine, const char ** ids, size_t n, int32_t status, int64_t at_ms, const char * note, const jotrack_write * write, _Inout_ jotrack_commit * commit, _Out_ void ** err)',
  'int32_t jotrack_job_archive(void * engine, const char ** ids, size_t n, int32_t archived, const jotrack_write * write, _Inout_ jotrack_commit * commit, _Out_ void ** err)',
  'int32_t jotrack_job_trash(void * engine, const char ** ids, size_t n, const jotrack_write * write, _Inout_ jotrack_commit * commit, _Out_ void ** err)',
  'int32_t jotrack_job_restore(void * engine, const char ** ids, size_t n, const jotrack_write * write, _Inout_ jotrack_commit * commit, _Out_ void ** err)',
  'int32_t jotrack_job_purge(void * engine, const char ** ids, size_t n, const jotrack_write * write, _Inout_ jotrack_commit * commit, _Out_ void ** err)',
  'int32_t jotrack_job_get(void * engine, const char * id, _Out_ void ** out, _Out_ void ** err)',
  'int32_t jotrack_job_list(void * engine, const jotrack_job_filter * filter, const char * after, uint32_t limit, _Out_ void ** out, _Out_ void ** err)',
  'size_t jotrack_job_page_len(void * page)',
  'bool jotrack_job_page_get(void * page, size_t i, _Inout_ jotrack_job * out)',
  'bool jotrack_job_page_info(void * page, _Inout_ jotrack_page_info * out)',
  'void jotrack_job_page_free(void * page)',
  'int32_t jotrack_search_json(void * engine, const char * query, uint64_t entities, uint32_t limit, _Out_ void ** out, _Out_ void ** err)',
  'int32_t jotrack_attachment_list(void * engine, const char ** ids, size_t n, uint32_t kinds, _Out_ void ** out, _Out_ void ** err)',
  'size_t jotrack_attachment_page_len(void * page)',
  'bool jotrack_attachment_page_get(void * page, size_t i, _Inout_ jotrack_attachment * out)',
  'void jotrack_attachment_page_free(void * page)',
  'int32_t jotrack_attachment_activate(void * engine, const char * id, const jotrack_write * write, _Inout_ jotrack_commit * commit, _Out_ void ** err)',
  'int32_t jotrack_attachment_trash(void * engine, const char * id, const jotrack_write * write, _Inout_ jotrack_commit * commit, _Out_ void ** err)',
  'int32_t jotrack_attachment_restore(void * engine, const char * id, const jotrack_write * write, _Inout_ jotrack_commit * commit, _Out_ void ** err)',
  'int32_t jotrack_attachment_purge(void * engine, const char * id, const jotrack_write * write, _Inout_ jotrack_commit * commit, _Out_ void ** err)',
  'int32_t jotrack_attachment_writer_open(void * engine, const jotrack_attachment_input * input, _Out_ void ** out, _Out_ void ** err)',
  'int32_t jotrack_attachment_writer_write(void * writer, void * data, size_t len, _Out_ void ** err)',
  'int32_t jotrack_attachment_writer_commit(void * writer, const jotrack_write * write, _Inout_ jotrack_commit * commit, _Out_ void ** err)',
  'int32_t jotrack_attachment_writer_stage(void * writer, _Out_ void ** upload_id, _Out_ void ** err)',
  'void jotrack_attachment_writer_abort(void * writer)',
  'int32_t jotrack_attachment_reader_open(void * engine, const char * id, const char * derived, _Out_ void ** out, _Out_ void ** err)',
  'uint64_t jotrack_attachment_reader_size(void * reader)',
  'int32_t jotrack_attachment_reader_read(void * reader, uint64_t offset, void * buf, size_t cap, _Out_ size_t * n, _Out_ void ** err)',
  'void jotrack_attachment_reader_free(void * reader)',
  'int32_t jotrack_variant_get_many(void * engine, const char ** ids, size_t n, uint32_t kinds, int32_t variant, _Out_ void ** out, _Out_ void ** err)',
  'size_t jotrack_variant_page_len(void * page)',
  'bool jotrack_variant_page_get(void * page, size_t i, _Inout_ jotrack_variant * out)',
  'void jotrack_variant_page_free(void * page)',
  'int32_t jotrack_variant_set(void * engine, const char * attachment_id, int32_t variant, const char * text, size_t len, const jotrack_write * write, _Inout_ jotrack_commit * commit, _Out_ void ** err)',
  'int32_t jotrack_coach_get(void * engine, const char * job_id, _Inout_ jotrack_coach * out, _Out_ void ** document_json, _Out_ void ** err)',
  'int32_t jotrack_coach_update(void * engine, const char * job_id, const char * patch_json, const jotrack_write * write, _Inout_ jotrack_commit * commit, _Out_ void ** document_json, _Out_ void ** err)',
  'int32_t jotrack_match_get(void * engine, const char * job_id, _Inout_ jotrack_match * out, _Out_ void ** document_json, _Out_ void ** err)',
  'const char * jotrack_op_id(void * op)',
  'void jotrack_op_cancel(void * op)',
  'int32_t jotrack_op_wait(void * op, int32_t timeout_ms, _Out_ void ** result_json, _Out_ void ** err)',
  'void jotrack_op_free(void * op)',
  'int32_t jotrack_analysis_start(void * engine, const jotrack_analysis_request * request, jotrack_op_event_cb * on_event, jotrack_done_cb * on_done, void * user, _Out_ void ** out, _Out_ void ** err)',
  'int32_t jotrack_analysis_follow(void * engine, const char * id, uint64_t after, jotrack_op_event_cb * on_event, jotrack_done_cb * on_done, void * user, _Out_ void ** out, _Out_ void ** err)',
  'int32_t jotrack_analysis_get(void * engine, const char * id, _Out_ void ** analysis_json, _Out_ void ** err)',
  'int32_t jotrack_analysis_cancel(void * engine, const char * id, _Out_ void ** err)',
  'int32_t jotrack_cache_stats_json(void * engine, _Out_ void ** out, _Out_ void ** err)',
  'int32_t jotrack_cache_invalidate(void * engine, const char * kind, const char * company, const char * key, _Out_ uint64_t * removed, _Out_ void ** err)',
  'int32_t jotrack_provider_key_set(void * engine, const char * provider, const char * secret, const char * base_url, const jotrack_write * write, _Inout_ jotrack_commit * commit, _Out_ void ** err)',
  'int32_t jotrack_provider_key_delete(void * engine, const char * provider, const jotrack_write * write, _Inout_ jotrack_commit * commit, _Out_ void ** err)',
  'int32_t jotrack_provider_keys(void * engine, _Out_ void ** keys_json, _Out_ void ** err)',
  'int32_t jotrack_ai_settings_update(void * engine, const char * patch_json, const jotrack_write * write, _Inout_ jotrack_commit * commit, _Out_ void ** err)',
  'int32_t jotrack_subscribe(void * engine, uint64_t entities, jotrack_event_cb * callback, void * user, _Out_ void ** out, _Out_ void ** err)',
  'void jotrack_subscription_free(void * subscription)',
  'int32_t jotrack_revision(void * engine, _Out_ uint64_t * out, _Out_ void ** err)',
  'int32_t jotrack_changes_since(void * engine, uint64_t rev, uint64_t entities, uint32_t limit, _Out_ void ** out, _Out_ void ** err)',
  'size_t jotrack_change_page_len(void * page)',
  'bool jotrack_change_page_get(void * page, size_t i, _Inout_ jotrack_change * out)',
  'bool jotrack_change_page_info(void * page, _Inout_ jotrack_page_info * out)',
  'void jotrack_change_page_free(void * page)',
  'int32_t jotrack_graphql_execute(void * engine, const jotrack_graphql_request * request, _Out_ void ** response_json, _Out_ void ** err)',
  'int32_t jotrack_graphql_start(void * engine, const jotrack_graphql_request * request, jotrack_done_cb * on_done, void * user, _Out_ void ** out, _Out_ void ** err)',
  'int32_t jotrack_graphql_subscribe(void * engine, const jotrack_graphql_request * request, jotrack_op_event_cb * on_next, jotrack_done_cb * on_done, void * user, _Out_ void ** out, _Out_ void ** err)',
  'int32_t jotrack_graphql_schema(_Out_ void ** sdl, _Out_ void ** err)',
  'int32_t jotrack_node_id_format(uint64_t entity, const char * id, _Out_ void ** out, _Out_ void ** err)',
  'int32_t jotrack_node_id_parse(const char * node_id, _Out_ uint64_t * entity, void * id, size_t cap, _Out_ void ** err)',
];
