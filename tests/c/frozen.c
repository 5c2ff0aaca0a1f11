/* Every number of the header, written a second time: a changed one does not compile. Numbers are
 * never changed and never used again; new ones are added here by hand. */
#include "jotrack.h"

#define FROZEN(name, number) _Static_assert((name) == (number), #name)

FROZEN(JOTRACK_FEATURE_GRAPHQL, 0x1);
FROZEN(JOTRACK_ENTITY_JOB, 0x1);
FROZEN(JOTRACK_ENTITY_STATUS_CHANGE, 0x2);
FROZEN(JOTRACK_ENTITY_ATTACHMENT, 0x4);
FROZEN(JOTRACK_ENTITY_ATTACHMENT_VARIANT, 0x8);
FROZEN(JOTRACK_ENTITY_COACH_STATE, 0x10);
FROZEN(JOTRACK_ENTITY_ANALYSIS, 0x20);
FROZEN(JOTRACK_ENTITY_ACCOUNT, 0x40);
FROZEN(JOTRACK_ANALYSIS_REFRESH, 0x1);
FROZEN(JOTRACK_ANALYSIS_BACKGROUND, 0x2);
FROZEN(JOTRACK_COMMIT_UNCHANGED, 0x1);
FROZEN(JOTRACK_COMMIT_REPLAYED, 0x2);
FROZEN(JOTRACK_COMMIT_TYPE_MISMATCH, 0x4);
FROZEN(JOTRACK_JOB_FIELD_COMPANY, 0x1);
FROZEN(JOTRACK_JOB_FIELD_TITLE, 0x2);
FROZEN(JOTRACK_JOB_FIELD_LOCATION, 0x4);
FROZEN(JOTRACK_JOB_FIELD_POSTING_URL, 0x8);
FROZEN(JOTRACK_JOB_FIELD_NOTES, 0x10);
FROZEN(JOTRACK_JOB_FIELD_STATUS, 0x20);
FROZEN(JOTRACK_JOB_FIELD_SOURCE, 0x40);
FROZEN(JOTRACK_OPEN_READ_ONLY, 0x1);
FROZEN(JOTRACK_OPEN_NO_CREATE, 0x2);
FROZEN(JOTRACK_OPEN_NO_NETWORK, 0x4);
FROZEN(JOTRACK_PAGE_MORE, 0x1);
FROZEN(JOTRACK_PAGE_RESET, 0x2);
FROZEN(JOTRACK_VARIANT_TRUNCATED, 0x1);

/* jotrack_status_code */
FROZEN(JOTRACK_OK, 0);
FROZEN(JOTRACK_INVALID_ARGUMENT, 1);
FROZEN(JOTRACK_MISUSE, 2);
FROZEN(JOTRACK_NOT_FOUND, 3);
FROZEN(JOTRACK_ALREADY_EXISTS, 4);
FROZEN(JOTRACK_CONFLICT, 5);
FROZEN(JOTRACK_VALIDATION, 6);
FROZEN(JOTRACK_UNAUTHENTICATED, 7);
FROZEN(JOTRACK_FORBIDDEN, 8);
FROZEN(JOTRACK_TOO_LARGE, 9);
FROZEN(JOTRACK_UNSUPPORTED, 10);
FROZEN(JOTRACK_QUOTA_EXCEEDED, 11);
FROZEN(JOTRACK_STEP_LOCKED, 12);
FROZEN(JOTRACK_ALREADY_FINISHED, 13);
FROZEN(JOTRACK_IDEMPOTENCY_MISMATCH, 14);
FROZEN(JOTRACK_UNSUPPORTED_TYPE, 15);
FROZEN(JOTRACK_CANCELLED, 20);
FROZEN(JOTRACK_TIMEOUT, 21);
FROZEN(JOTRACK_RATE_LIMITED, 22);
FROZEN(JOTRACK_BUSY, 23);
FROZEN(JOTRACK_END, 24);
FROZEN(JOTRACK_CLOSED, 25);
FROZEN(JOTRACK_LAGGED, 26);
FROZEN(JOTRACK_SUSPENDED, 27);
FROZEN(JOTRACK_IO, 40);
FROZEN(JOTRACK_STORAGE, 41);
FROZEN(JOTRACK_CORRUPT, 42);
FROZEN(JOTRACK_NETWORK, 43);
FROZEN(JOTRACK_AI_PROVIDER, 44);
FROZEN(JOTRACK_AI_REFUSED, 45);
FROZEN(JOTRACK_CRYPTO, 46);
FROZEN(JOTRACK_SCHEMA_TOO_NEW, 47);
FROZEN(JOTRACK_AI_NOT_CONFIGURED, 48);
FROZEN(JOTRACK_STORAGE_FULL, 49);
FROZEN(JOTRACK_KEY_UNAVAILABLE, 50);
FROZEN(JOTRACK_INTERNAL, 90);
FROZEN(JOTRACK_PANIC, 91);

/* jotrack_job_status */
FROZEN(JOTRACK_JOB_ON_RADAR, 1);
FROZEN(JOTRACK_JOB_APPLIED, 2);
FROZEN(JOTRACK_JOB_PHONE_SCREEN, 3);
FROZEN(JOTRACK_JOB_ONSITE, 4);
FROZEN(JOTRACK_JOB_OFFER, 5);
FROZEN(JOTRACK_JOB_ACCEPTED, 6);
FROZEN(JOTRACK_JOB_REJECTED, 7);
FROZEN(JOTRACK_JOB_WITHDRAWN, 8);
FROZEN(JOTRACK_JOB_GHOSTED, 9);

/* jotrack_coach_status */
FROZEN(JOTRACK_COACH_NOT_STARTED, 1);
FROZEN(JOTRACK_COACH_PROFILE_BUILDING, 2);
FROZEN(JOTRACK_COACH_RESUME_READY, 3);
FROZEN(JOTRACK_COACH_APPLIED, 4);
FROZEN(JOTRACK_COACH_INTERVIEW_PREP, 5);

/* jotrack_coach_step */
FROZEN(JOTRACK_STEP_DISCOVERY, 1);
FROZEN(JOTRACK_STEP_SCORE, 2);
FROZEN(JOTRACK_STEP_RESUME, 3);
FROZEN(JOTRACK_STEP_COVER_LETTER, 4);
FROZEN(JOTRACK_STEP_READY, 5);
FROZEN(JOTRACK_STEP_RECRUITER, 6);
FROZEN(JOTRACK_STEP_HIRING_MANAGER, 7);
FROZEN(JOTRACK_STEP_PEER, 8);

/* jotrack_attachment_kind */
FROZEN(JOTRACK_ATTACHMENT_RESUME, 1);
FROZEN(JOTRACK_ATTACHMENT_JD, 2);
FROZEN(JOTRACK_ATTACHMENT_COVER_LETTER, 3);
FROZEN(JOTRACK_ATTACHMENT_OTHER, 4);

/* jotrack_variant_name */
FROZEN(JOTRACK_VARIANT_RAW, 1);
FROZEN(JOTRACK_VARIANT_AI_NORMALIZED, 2);

/* jotrack_text_state */
FROZEN(JOTRACK_TEXT_NONE, 1);
FROZEN(JOTRACK_TEXT_PENDING, 2);
FROZEN(JOTRACK_TEXT_READY, 3);
FROZEN(JOTRACK_TEXT_EMPTY, 4);
FROZEN(JOTRACK_TEXT_FAILED, 5);

/* jotrack_text_error */
FROZEN(JOTRACK_TEXT_ERROR_CORRUPT, 1);
FROZEN(JOTRACK_TEXT_ERROR_ENCRYPTED, 2);
FROZEN(JOTRACK_TEXT_ERROR_TOO_COMPLEX, 3);
FROZEN(JOTRACK_TEXT_ERROR_TIMEOUT, 4);

/* jotrack_score_band */
FROZEN(JOTRACK_BAND_POOR, 1);
FROZEN(JOTRACK_BAND_GOOD, 2);
FROZEN(JOTRACK_BAND_EXCELLENT, 3);

/* jotrack_job_order */
FROZEN(JOTRACK_ORDER_CREATED, 0);
FROZEN(JOTRACK_ORDER_UPDATED, 1);
FROZEN(JOTRACK_ORDER_COMPANY, 2);
FROZEN(JOTRACK_ORDER_TITLE, 3);
FROZEN(JOTRACK_ORDER_STATUS, 4);

/* jotrack_selection */
FROZEN(JOTRACK_SELECT_NO, 0);
FROZEN(JOTRACK_SELECT_ONLY, 1);
FROZEN(JOTRACK_SELECT_BOTH, 2);

/* jotrack_change_op */
FROZEN(JOTRACK_CHANGE_CREATED, 1);
FROZEN(JOTRACK_CHANGE_UPDATED, 2);
FROZEN(JOTRACK_CHANGE_DELETED, 3);

/* jotrack_event_kind */
FROZEN(JOTRACK_EVENT_CHANGED, 1);
FROZEN(JOTRACK_EVENT_RESYNC, 2);
FROZEN(JOTRACK_EVENT_STATE, 3);

/* jotrack_engine_state */
FROZEN(JOTRACK_STATE_OPEN, 1);
FROZEN(JOTRACK_STATE_SUSPENDED, 2);
FROZEN(JOTRACK_STATE_READ_ONLY, 3);
FROZEN(JOTRACK_STATE_CLOSING, 4);

/* jotrack_dispatch_mode */
FROZEN(JOTRACK_DISPATCH_THREAD, 0);
FROZEN(JOTRACK_DISPATCH_HOST, 1);

/* jotrack_log_level */
FROZEN(JOTRACK_LOG_ERROR, 1);
FROZEN(JOTRACK_LOG_WARN, 2);
FROZEN(JOTRACK_LOG_INFO, 3);
FROZEN(JOTRACK_LOG_DEBUG, 4);
FROZEN(JOTRACK_LOG_TRACE, 5);

/* Layout: what a program compiled against 0.1 relies on. */
#define LAYOUT(type, member, offset) \
    _Static_assert(offsetof(type, member) == (offset), #type "." #member)

_Static_assert(sizeof(jotrack_status) == 4, "jotrack_status");

#if UINTPTR_MAX == UINT64_MAX
LAYOUT(jotrack_options, struct_size, 0);
LAYOUT(jotrack_options, data_dir, 8);
LAYOUT(jotrack_options, database, 16);
LAYOUT(jotrack_options, config_json, 24);
LAYOUT(jotrack_options, dispatch, 32);
LAYOUT(jotrack_options, worker_threads, 36);
LAYOUT(jotrack_options, flags, 40);
LAYOUT(jotrack_options, master_key, 48);
LAYOUT(jotrack_options, log, 56);
LAYOUT(jotrack_options, log_user, 64);
LAYOUT(jotrack_options, log_level, 72);
LAYOUT(jotrack_options, queue_capacity, 76);
_Static_assert(sizeof(jotrack_options) == 80, "jotrack_options");

LAYOUT(jotrack_analysis_request, struct_size, 0);
LAYOUT(jotrack_analysis_request, kind, 8);
LAYOUT(jotrack_analysis_request, job_id, 16);
LAYOUT(jotrack_analysis_request, company, 24);
LAYOUT(jotrack_analysis_request, attachment_id, 32);
LAYOUT(jotrack_analysis_request, persona, 40);
LAYOUT(jotrack_analysis_request, params_json, 48);
LAYOUT(jotrack_analysis_request, provider, 56);
LAYOUT(jotrack_analysis_request, model, 64);
LAYOUT(jotrack_analysis_request, idempotency_key, 72);
LAYOUT(jotrack_analysis_request, flags, 80);
LAYOUT(jotrack_analysis_request, reserved, 84);
_Static_assert(sizeof(jotrack_analysis_request) == 88, "jotrack_analysis_request");

LAYOUT(jotrack_job_input, struct_size, 0);
LAYOUT(jotrack_job_input, fields, 8);
LAYOUT(jotrack_job_input, company, 16);
LAYOUT(jotrack_job_input, title, 24);
LAYOUT(jotrack_job_input, location, 32);
LAYOUT(jotrack_job_input, posting_url, 40);
LAYOUT(jotrack_job_input, source, 48);
LAYOUT(jotrack_job_input, notes, 56);
LAYOUT(jotrack_job_input, notes_len, 64);
LAYOUT(jotrack_job_input, status_at_ms, 72);
LAYOUT(jotrack_job_input, status, 80);
LAYOUT(jotrack_job_input, reserved, 84);
_Static_assert(sizeof(jotrack_job_input) == 88, "jotrack_job_input");

LAYOUT(jotrack_write, struct_size, 0);
LAYOUT(jotrack_write, idempotency_key, 8);
LAYOUT(jotrack_write, expected_version, 16);
_Static_assert(sizeof(jotrack_write) == 24, "jotrack_write");

LAYOUT(jotrack_commit, struct_size, 0);
LAYOUT(jotrack_commit, rev, 8);
LAYOUT(jotrack_commit, flags, 16);
LAYOUT(jotrack_commit, reserved, 20);
LAYOUT(jotrack_commit, id, 24);
LAYOUT(jotrack_commit, version, 64);
_Static_assert(sizeof(jotrack_commit) == 72, "jotrack_commit");

LAYOUT(jotrack_stats, struct_size, 0);
LAYOUT(jotrack_stats, rev, 8);
LAYOUT(jotrack_stats, jobs, 16);
LAYOUT(jotrack_stats, jobs_trashed, 24);
LAYOUT(jotrack_stats, db_bytes, 32);
LAYOUT(jotrack_stats, wal_bytes, 40);
LAYOUT(jotrack_stats, cache_entries, 48);
LAYOUT(jotrack_stats, cache_bytes, 56);
LAYOUT(jotrack_stats, cache_hits, 64);
LAYOUT(jotrack_stats, tokens_in, 72);
LAYOUT(jotrack_stats, tokens_out, 80);
LAYOUT(jotrack_stats, cost_micros, 88);
LAYOUT(jotrack_stats, ops_running, 96);
LAYOUT(jotrack_stats, subscriptions, 104);
LAYOUT(jotrack_stats, queue_len, 112);
LAYOUT(jotrack_stats, logs_dropped, 120);
_Static_assert(sizeof(jotrack_stats) == 128, "jotrack_stats");

LAYOUT(jotrack_job_filter, struct_size, 0);
LAYOUT(jotrack_job_filter, statuses, 8);
LAYOUT(jotrack_job_filter, coach_statuses, 16);
LAYOUT(jotrack_job_filter, text, 24);
LAYOUT(jotrack_job_filter, company, 32);
LAYOUT(jotrack_job_filter, created_from_ms, 40);
LAYOUT(jotrack_job_filter, created_to_ms, 48);
LAYOUT(jotrack_job_filter, has_attachment, 56);
LAYOUT(jotrack_job_filter, archived, 60);
LAYOUT(jotrack_job_filter, trashed, 64);
LAYOUT(jotrack_job_filter, order, 68);
_Static_assert(sizeof(jotrack_job_filter) == 72, "jotrack_job_filter");

LAYOUT(jotrack_str, data, 0);
LAYOUT(jotrack_str, len, 8);
_Static_assert(sizeof(jotrack_str) == 16, "jotrack_str");

LAYOUT(jotrack_job, struct_size, 0);
LAYOUT(jotrack_job, id, 8);
LAYOUT(jotrack_job, company, 24);
LAYOUT(jotrack_job, title, 40);
LAYOUT(jotrack_job, location, 56);
LAYOUT(jotrack_job, posting_url, 72);
LAYOUT(jotrack_job, source, 88);
LAYOUT(jotrack_job, notes, 104);
LAYOUT(jotrack_job, resume_attachment_id, 120);
LAYOUT(jotrack_job, jd_attachment_id, 136);
LAYOUT(jotrack_job, status, 152);
LAYOUT(jotrack_job, coach_status, 156);
LAYOUT(jotrack_job, coach_progress, 160);
LAYOUT(jotrack_job, attachment_count, 164);
LAYOUT(jotrack_job, attachment_kinds, 168);
LAYOUT(jotrack_job, reserved, 172);
LAYOUT(jotrack_job, match_score, 176);
LAYOUT(jotrack_job, version, 184);
LAYOUT(jotrack_job, created_at_ms, 192);
LAYOUT(jotrack_job, updated_at_ms, 200);
LAYOUT(jotrack_job, status_since_ms, 208);
LAYOUT(jotrack_job, applied_at_ms, 216);
LAYOUT(jotrack_job, archived_at_ms, 224);
LAYOUT(jotrack_job, trashed_at_ms, 232);
LAYOUT(jotrack_job, purge_at_ms, 240);
_Static_assert(sizeof(jotrack_job) == 248, "jotrack_job");

LAYOUT(jotrack_page_info, struct_size, 0);
LAYOUT(jotrack_page_info, rev, 8);
LAYOUT(jotrack_page_info, total, 16);
LAYOUT(jotrack_page_info, next, 24);
LAYOUT(jotrack_page_info, flags, 40);
LAYOUT(jotrack_page_info, reserved, 44);
_Static_assert(sizeof(jotrack_page_info) == 48, "jotrack_page_info");

LAYOUT(jotrack_attachment, struct_size, 0);
LAYOUT(jotrack_attachment, id, 8);
LAYOUT(jotrack_attachment, job_id, 24);
LAYOUT(jotrack_attachment, filename, 40);
LAYOUT(jotrack_attachment, media_type, 56);
LAYOUT(jotrack_attachment, sha256, 72);
LAYOUT(jotrack_attachment, kind, 88);
LAYOUT(jotrack_attachment, is_active, 92);
LAYOUT(jotrack_attachment, text_state, 96);
LAYOUT(jotrack_attachment, text_error, 100);
LAYOUT(jotrack_attachment, version, 104);
LAYOUT(jotrack_attachment, size, 112);
LAYOUT(jotrack_attachment, created_at_ms, 120);
LAYOUT(jotrack_attachment, trashed_at_ms, 128);
_Static_assert(sizeof(jotrack_attachment) == 136, "jotrack_attachment");

LAYOUT(jotrack_attachment_input, struct_size, 0);
LAYOUT(jotrack_attachment_input, job_id, 8);
LAYOUT(jotrack_attachment_input, filename, 16);
LAYOUT(jotrack_attachment_input, size_hint, 24);
LAYOUT(jotrack_attachment_input, kind, 32);
LAYOUT(jotrack_attachment_input, reserved, 36);
_Static_assert(sizeof(jotrack_attachment_input) == 40, "jotrack_attachment_input");

LAYOUT(jotrack_variant, struct_size, 0);
LAYOUT(jotrack_variant, attachment_id, 8);
LAYOUT(jotrack_variant, job_id, 24);
LAYOUT(jotrack_variant, text, 40);
LAYOUT(jotrack_variant, kind, 56);
LAYOUT(jotrack_variant, variant, 60);
LAYOUT(jotrack_variant, token_estimate, 64);
LAYOUT(jotrack_variant, word_count, 68);
LAYOUT(jotrack_variant, flags, 72);
LAYOUT(jotrack_variant, reserved, 76);
LAYOUT(jotrack_variant, created_at_ms, 80);
LAYOUT(jotrack_variant, version, 88);
_Static_assert(sizeof(jotrack_variant) == 96, "jotrack_variant");

LAYOUT(jotrack_coach, struct_size, 0);
LAYOUT(jotrack_coach, status, 8);
LAYOUT(jotrack_coach, progress, 12);
LAYOUT(jotrack_coach, next_step, 16);
LAYOUT(jotrack_coach, milestones, 20);
LAYOUT(jotrack_coach, locked, 24);
LAYOUT(jotrack_coach, reserved, 28);
LAYOUT(jotrack_coach, version, 32);
LAYOUT(jotrack_coach, updated_at_ms, 40);
_Static_assert(sizeof(jotrack_coach) == 48, "jotrack_coach");

LAYOUT(jotrack_match, struct_size, 0);
LAYOUT(jotrack_match, value, 8);
LAYOUT(jotrack_match, computed_at_ms, 16);
LAYOUT(jotrack_match, band, 24);
LAYOUT(jotrack_match, has_score, 28);
_Static_assert(sizeof(jotrack_match) == 32, "jotrack_match");

LAYOUT(jotrack_event, struct_size, 0);
LAYOUT(jotrack_event, kind, 8);
LAYOUT(jotrack_event, state, 12);
LAYOUT(jotrack_event, entities, 16);
LAYOUT(jotrack_event, first_rev, 24);
LAYOUT(jotrack_event, last_rev, 32);
_Static_assert(sizeof(jotrack_event) == 40, "jotrack_event");

LAYOUT(jotrack_change, struct_size, 0);
LAYOUT(jotrack_change, rev, 8);
LAYOUT(jotrack_change, entity, 16);
LAYOUT(jotrack_change, op, 24);
LAYOUT(jotrack_change, reserved, 28);
LAYOUT(jotrack_change, id, 32);
_Static_assert(sizeof(jotrack_change) == 48, "jotrack_change");

LAYOUT(jotrack_graphql_request, struct_size, 0);
LAYOUT(jotrack_graphql_request, query, 8);
LAYOUT(jotrack_graphql_request, operation_name, 16);
LAYOUT(jotrack_graphql_request, variables_json, 24);
LAYOUT(jotrack_graphql_request, timeout_ms, 32);
LAYOUT(jotrack_graphql_request, reserved, 36);
_Static_assert(sizeof(jotrack_graphql_request) == 40, "jotrack_graphql_request");

#endif

int main(void)
{
    return 0;
}
