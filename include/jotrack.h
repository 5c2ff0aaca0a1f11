/*
 * jotrack.h - the JoTrack engine as a C library
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Typed functions for what a native user interface does in every frame, and GraphQL in the same
 * process for everything else (jotrack_graphql_execute; jotrack_graphql_schema prints the contract).
 *
 * A first program
 * ---------------
 *     jotrack_options options;
 *     jotrack_engine *engine = NULL;
 *     jotrack_error *error = NULL;
 *     jotrack_job_page *page = NULL;
 *     size_t i;
 *
 *     jotrack_options_init(&options, sizeof options);
 *     options.data_dir = "/home/me/.local/share/jotrack";
 *     if (jotrack_engine_open(&options, &engine, &error) != JOTRACK_OK) {
 *         fprintf(stderr, "%s\n", jotrack_error_message(error));
 *         jotrack_error_free(error);
 *         return 1;
 *     }
 *     if (jotrack_job_list(engine, NULL, NULL, 0, &page, NULL) == JOTRACK_OK) {
 *         for (i = 0; i < jotrack_job_page_len(page); i++) {
 *             jotrack_job job;
 *             job.struct_size = sizeof job;
 *             if (jotrack_job_page_get(page, i, &job))
 *                 printf("%.*s\n", (int)job.title.len, job.title.data);
 *         }
 *         jotrack_job_page_free(page);
 *     }
 *     jotrack_engine_close(engine);
 *
 * Errors
 * ------
 * A function that can fail returns a jotrack_status: 0 is success, every other number is a failure,
 * those that this header does not name included. Its last argument, jotrack_error **err, receives an
 * object with the story, which the caller frees; on success it receives NULL. Pass NULL when the
 * status is enough: then nothing is made. There is no "last error" kept anywhere.
 * Messages are English and meant for logs; show your own text, chosen by the status and, for
 * JOTRACK_VALIDATION, by the fields in jotrack_error_details_json.
 *
 * Text, ids, times, numbers
 * -------------------------
 * Text is UTF-8. Short text comes in NUL-terminated, long text and bytes as pointer and length. Text
 * that is not UTF-8 is JOTRACK_INVALID_ARGUMENT and never repaired. Text of rows goes out as
 * jotrack_str, JSON as an owned NUL-terminated char *. Ids are UUIDs in lower case, 36 characters;
 * the ids in GraphQL are others, see jotrack_node_id_format. Times are Unix milliseconds in UTC, 0 =
 * none. Enums cross as int32_t and sets as bits; a number that is not known is refused when it comes
 * in, and must be expected when it goes out, because the library may be newer than the program.
 *
 * Structs
 * -------
 * Every struct but jotrack_str begins with struct_size and only grows at its end. A struct that goes
 * in: set all of it to zero, then struct_size to its sizeof (jotrack_options_init does both). A
 * struct that comes out: set struct_size; the library fills as much as both sides know, never more,
 * and stores how much that was. So a program and a library of different versions work together.
 *
 * Ownership
 * ---------
 * R1  What comes through T **out belongs to the caller, who frees it with the function of its type
 *     (engine: jotrack_engine_close; writer: commit, stage or abort; char *: jotrack_string_free).
 *     Freeing NULL does nothing.
 * R2  A returned const pointer and every jotrack_str belong to the object they were read from and
 *     live as long as it does.
 * R3  Inputs are copied before a function returns, always.
 * R4  What a callback is given lives during that call.
 * R5  After a failure every out-argument is NULL or 0, and nothing is owed but *err.
 * R6  Never use free() or delete on memory of the library: it may have another heap.
 * R7  The user pointer of a subscription lives until jotrack_subscription_free returned; that of an
 *     operation until its on_done returned; those of the wakeup and of the log until the
 *     jotrack_engine_close of the last handle returned.
 * R8  A handle that was freed, that is of another kind or that never was the library's is told from a
 *     live one before it is followed. A function with a status then answers JOTRACK_MISUSE, if no
 *     other argument is refused first, any other what it answers for NULL, and what frees does
 *     nothing; so does jotrack_string_free. It is a net, not a licence: once a new handle of its kind
 *     has taken its address, a freed one is that.
 *
 * Threads
 * -------
 * T1  Engines, subscriptions and operations: any thread, at the same time, also while another
 *     thread closes or frees them.
 * T2  Pages, readers, writers and errors: one thread at a time; they may be handed on. Pages and
 *     errors own their data and outlive the engine; readers and writers then answer JOTRACK_CLOSED
 *     and are still to be freed.
 * T3  The last handle closes the engine. Calls that another thread is in then end as they would have
 *     or with JOTRACK_CLOSED; what comes after is a call on a handle that is gone, see R8.
 * T4  Callbacks come in order, never two at once per engine. No exception and no longjmp may leave
 *     one. A callback may call everything but jotrack_engine_close, jotrack_engine_suspend and
 *     jotrack_dispatch, which answer JOTRACK_MISUSE there.
 * T5  The wakeup callback runs on any thread and must not call the library.
 * T6  Calls block. A page takes well under a millisecond and may be read on the thread of the user
 *     interface; a mutation waits for the disk, and a file for as long as it is.
 *
 * Changes and callbacks
 * ---------------------
 * Read a page, keep the rev of its jotrack_page_info, subscribe. On JOTRACK_EVENT_CHANGED ask
 * jotrack_changes_since(rev) and read again what is on the screen; on JOTRACK_EVENT_RESYNC read
 * everything again. An event is a hint, the change log is the truth: events that wait for the same
 * subscription are merged, so a slow program loses nothing and the queue never overflows.
 * An analysis goes on after the call that began it: jotrack_analysis_start gives a jotrack_op, its
 * events come through the same queue, and on_done comes once and last. So do jotrack_graphql_start
 * and jotrack_graphql_subscribe, whose responses are the one thing that cannot be merged: 64 of a
 * subscription wait, then it ends with JOTRACK_LAGGED. Who would rather wait than be called uses
 * jotrack_op_wait.
 * With JOTRACK_DISPATCH_THREAD callbacks run on a thread of the engine. With JOTRACK_DISPATCH_HOST
 * they run only inside jotrack_dispatch, on the thread that calls it; jotrack_set_wakeup says when
 * it is time.
 *
 * Suspending
 * ----------
 * A mobile system ends an application that holds locks on files while it sleeps. Before it sleeps,
 * jotrack_engine_suspend ends all operations, writes everything down and closes the database; until
 * jotrack_engine_resume every call answers JOTRACK_SUSPENDED, but for resume, close, dispatch,
 * jotrack_op_wait, everything that frees, and what only reads pages and errors.
 *
 * Process
 * -------
 * A panic inside the library is caught and becomes JOTRACK_PANIC; the engine goes on. Nothing is
 * written to standard output or error, no environment variable is read, no signal handler is set.
 * After fork() a call that needs an engine is JOTRACK_MISUSE in the child, which may read and free
 * the pages, errors and texts that it was left, as far as no other thread was in the library then:
 * open the engine after forking. A child that was made past fork(), by clone(), is not told apart.
 * The library stays loaded once it is loaded. Do not open the engine's database with another copy of
 * SQLite in the same process: closing it would drop the locks of this one.
 */


#ifndef JOTRACK_H
#define JOTRACK_H

/* Generated by cbindgen from ffi/src. Do not edit. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Version of this header; jotrack_version_number() is that of the library that runs. */
#define JOTRACK_VERSION_MAJOR 0
#define JOTRACK_VERSION_MINOR 1
#define JOTRACK_VERSION_PATCH 0
/** major * 1000000 + minor * 1000 + patch. */
#define JOTRACK_VERSION_NUMBER 1000

/** The bit of an enum's number in a mask of such numbers. */
#define JOTRACK_BIT(number) (1u << (number))

#if defined(_WIN32) && !defined(JOTRACK_STATIC)
#define JOTRACK_API __declspec(dllimport)
#elif defined(__GNUC__) && !defined(_WIN32)
#define JOTRACK_API __attribute__((visibility("default")))
#else
#define JOTRACK_API
#endif

/**
 * Feature bit: the functions jotrack_graphql_ work.
 */
#define JOTRACK_FEATURE_GRAPHQL 1

/**
 * Entity bit: jobs.
 */
#define JOTRACK_ENTITY_JOB 1

/**
 * Entity bit: entries of the status history.
 */
#define JOTRACK_ENTITY_STATUS_CHANGE 2

/**
 * Entity bit: attachments.
 */
#define JOTRACK_ENTITY_ATTACHMENT 4

/**
 * Entity bit: texts of attachments.
 */
#define JOTRACK_ENTITY_ATTACHMENT_VARIANT 8

/**
 * Entity bit: coach states; the id of a change is the job's.
 */
#define JOTRACK_ENTITY_COACH_STATE 16

/**
 * Entity bit: analyses.
 */
#define JOTRACK_ENTITY_ANALYSIS 32

/**
 * Entity bit: settings and keys of the user; the id of a change is the user's.
 */
#define JOTRACK_ENTITY_ACCOUNT 64

/**
 * Open flag: the data is only read. Not in this version: JOTRACK_UNSUPPORTED.
 */
#define JOTRACK_OPEN_READ_ONLY 1

/**
 * Open flag: JOTRACK_NOT_FOUND where there is no database yet, instead of a new one. It needs
 * `data_dir` or `database`.
 */
#define JOTRACK_OPEN_NO_CREATE 2

/**
 * Open flag: no request leaves this machine. Not in this version: JOTRACK_UNSUPPORTED. Nothing is
 * sent anyway until the user allows it, see jotrack_ai_settings_update.
 */
#define JOTRACK_OPEN_NO_NETWORK 4

/**
 * Commit flag: everything was as asked for already; nothing was written.
 */
#define JOTRACK_COMMIT_UNCHANGED 1

/**
 * Commit flag: this idempotency key was used before; the first result is told again.
 */
#define JOTRACK_COMMIT_REPLAYED 2

/**
 * Commit flag: the name of the file and its content disagree about the type; the content was
 * believed.
 */
#define JOTRACK_COMMIT_TYPE_MISMATCH 4

/**
 * Bit of jotrack_job_input.fields: company.
 */
#define JOTRACK_JOB_FIELD_COMPANY 1

/**
 * Bit of jotrack_job_input.fields: title.
 */
#define JOTRACK_JOB_FIELD_TITLE 2

/**
 * Bit of jotrack_job_input.fields: location.
 */
#define JOTRACK_JOB_FIELD_LOCATION 4

/**
 * Bit of jotrack_job_input.fields: posting_url.
 */
#define JOTRACK_JOB_FIELD_POSTING_URL 8

/**
 * Bit of jotrack_job_input.fields: notes.
 */
#define JOTRACK_JOB_FIELD_NOTES 16

/**
 * Bit of jotrack_job_input.fields: status and status_at_ms.
 */
#define JOTRACK_JOB_FIELD_STATUS 32

/**
 * Bit of jotrack_job_input.fields: source.
 */
#define JOTRACK_JOB_FIELD_SOURCE 64

/**
 * Page flag: there is more after the last row.
 */
#define JOTRACK_PAGE_MORE 1

/**
 * Page flag: the changes cannot be told one by one; read everything again.
 */
#define JOTRACK_PAGE_RESET 2

/**
 * Variant flag: the text is longer than the limit and was cut.
 */
#define JOTRACK_VARIANT_TRUNCATED 1

/**
 * Analysis flag: pass over kept answers. Refused within 30 seconds of the last call for the same.
 */
#define JOTRACK_ANALYSIS_REFRESH 1

/**
 * Analysis flag: queue it instead of running it now.
 */
#define JOTRACK_ANALYSIS_BACKGROUND 2

/**
 * What a call answers. 1-19: the caller's input, 20-39: the flow, 40-69: the world outside, 90-99:
 * bugs. A number is never used again. Any number that is not here is a failure too.
 *
 * @since 0.1
 */
typedef enum jotrack_status_code {
    /**
     * Success.
     */
    JOTRACK_OK = 0,
    /**
     * NULL, bad UTF-8, an unknown number, a wrong size or cursor: fix the program.
     */
    JOTRACK_INVALID_ARGUMENT = 1,
    /**
     * Wrong thread or state, or a forked child: fix the program.
     */
    JOTRACK_MISUSE = 2,
    /**
     * No such object, or another user's: the same answer for both.
     */
    JOTRACK_NOT_FOUND = 3,
    /**
     * It exists already.
     */
    JOTRACK_ALREADY_EXISTS = 4,
    /**
     * The data is not in the state that the call needs: read again, then decide. `reason` in the
     * details says what is in the way: VERSION (the expected version is not the current one),
     * JOB_IN_TRASH, NOT_IN_TRASH, NO_TEXT (a document without a text), NO_RESUME, VERSION_LOCKED,
     * VERSION_TRASHED, LAST_HISTORY_ROW, CHANGED_SINCE.
     */
    JOTRACK_CONFLICT = 5,
    /**
     * Fields break rules; `fields` in the details.
     */
    JOTRACK_VALIDATION = 6,
    /**
     * Sign in first.
     */
    JOTRACK_UNAUTHENTICATED = 7,
    /**
     * Not allowed.
     */
    JOTRACK_FORBIDDEN = 8,
    /**
     * Over a byte limit; `limit` in the details.
     */
    JOTRACK_TOO_LARGE = 9,
    /**
     * Not built into this library.
     */
    JOTRACK_UNSUPPORTED = 10,
    /**
     * An allowance is used up; `scope`, `limit`, `remaining` in the details.
     */
    JOTRACK_QUOTA_EXCEEDED = 11,
    /**
     * A coach step is locked; `missing` in the details.
     */
    JOTRACK_STEP_LOCKED = 12,
    /**
     * It has ended already.
     */
    JOTRACK_ALREADY_FINISHED = 13,
    /**
     * The idempotency key was used with other input: fix the program.
     */
    JOTRACK_IDEMPOTENCY_MISMATCH = 14,
    /**
     * The type of the file is not accepted; `detected`, `extension` in the details.
     */
    JOTRACK_UNSUPPORTED_TYPE = 15,
    /**
     * Cancelled by the caller.
     */
    JOTRACK_CANCELLED = 20,
    /**
     * It took too long; try again.
     */
    JOTRACK_TIMEOUT = 21,
    /**
     * Wait as long as jotrack_error_retry_after_ms says.
     */
    JOTRACK_RATE_LIMITED = 22,
    /**
     * A queue is full, or another thread dispatches; back off.
     */
    JOTRACK_BUSY = 23,
    /**
     * Reserved.
     */
    JOTRACK_END = 24,
    /**
     * The engine is closed; drop the handle.
     */
    JOTRACK_CLOSED = 25,
    /**
     * A subscription fell behind and ended; subscribe again from the last revision.
     */
    JOTRACK_LAGGED = 26,
    /**
     * The engine is suspended.
     */
    JOTRACK_SUSPENDED = 27,
    /**
     * A file could not be read or written.
     */
    JOTRACK_IO = 40,
    /**
     * The database failed; try again.
     */
    JOTRACK_STORAGE = 41,
    /**
     * The database file is damaged; offer to restore a backup.
     */
    JOTRACK_CORRUPT = 42,
    /**
     * The network failed; try again later.
     */
    JOTRACK_NETWORK = 43,
    /**
     * The model provider failed.
     */
    JOTRACK_AI_PROVIDER = 44,
    /**
     * The model provider refused.
     */
    JOTRACK_AI_REFUSED = 45,
    /**
     * A sealed value cannot be opened; never overwrite it.
     */
    JOTRACK_CRYPTO = 46,
    /**
     * Written by a newer version; update the program.
     */
    JOTRACK_SCHEMA_TOO_NEW = 47,
    /**
     * No model provider is set up.
     */
    JOTRACK_AI_NOT_CONFIGURED = 48,
    /**
     * The disk is full; reading goes on.
     */
    JOTRACK_STORAGE_FULL = 49,
    /**
     * The key is missing, wrong or worn out.
     */
    JOTRACK_KEY_UNAVAILABLE = 50,
    /**
     * A bug; report it.
     */
    JOTRACK_INTERNAL = 90,
    /**
     * A bug that was caught at the border; the engine goes on. Report it.
     */
    JOTRACK_PANIC = 91,
} jotrack_status_code;

/**
 * Where a job application stands. Any status may follow any other.
 *
 * @since 0.1
 */
typedef enum jotrack_job_status {
    /**
     * Found, not applied yet.
     */
    JOTRACK_JOB_ON_RADAR = 1,
    /**
     * Applied.
     */
    JOTRACK_JOB_APPLIED = 2,
    /**
     * First talk.
     */
    JOTRACK_JOB_PHONE_SCREEN = 3,
    /**
     * Interviews.
     */
    JOTRACK_JOB_ONSITE = 4,
    /**
     * An offer was made.
     */
    JOTRACK_JOB_OFFER = 5,
    /**
     * The offer was accepted.
     */
    JOTRACK_JOB_ACCEPTED = 6,
    /**
     * The employer said no.
     */
    JOTRACK_JOB_REJECTED = 7,
    /**
     * The applicant said no.
     */
    JOTRACK_JOB_WITHDRAWN = 8,
    /**
     * Nobody answered.
     */
    JOTRACK_JOB_GHOSTED = 9,
} jotrack_job_status;

/**
 * How far the coach has come with a job; derived, never set by a host.
 *
 * @since 0.1
 */
typedef enum jotrack_coach_status {
    /**
     * Nothing done.
     */
    JOTRACK_COACH_NOT_STARTED = 1,
    /**
     * The profile is being gathered.
     */
    JOTRACK_COACH_PROFILE_BUILDING = 2,
    /**
     * The résumé is final.
     */
    JOTRACK_COACH_RESUME_READY = 3,
    /**
     * Applied.
     */
    JOTRACK_COACH_APPLIED = 4,
    /**
     * Preparing for interviews.
     */
    JOTRACK_COACH_INTERVIEW_PREP = 5,
} jotrack_coach_status;

/**
 * A step of the coach. A mask of steps uses bit 1 << number.
 *
 * @since 0.1
 */
typedef enum jotrack_coach_step {
    /**
     * Questions about the applicant.
     */
    JOTRACK_STEP_DISCOVERY = 1,
    /**
     * Score against the job description.
     */
    JOTRACK_STEP_SCORE = 2,
    /**
     * The résumé.
     */
    JOTRACK_STEP_RESUME = 3,
    /**
     * The cover letter.
     */
    JOTRACK_STEP_COVER_LETTER = 4,
    /**
     * Ready to apply.
     */
    JOTRACK_STEP_READY = 5,
    /**
     * Talk with a recruiter.
     */
    JOTRACK_STEP_RECRUITER = 6,
    /**
     * Talk with the hiring manager.
     */
    JOTRACK_STEP_HIRING_MANAGER = 7,
    /**
     * Talk with future colleagues.
     */
    JOTRACK_STEP_PEER = 8,
} jotrack_coach_step;

/**
 * What a file of a job is. A mask of kinds uses bit 1 << number; mask 0 = all.
 *
 * @since 0.1
 */
typedef enum jotrack_attachment_kind {
    /**
     * A résumé.
     */
    JOTRACK_ATTACHMENT_RESUME = 1,
    /**
     * A job description.
     */
    JOTRACK_ATTACHMENT_JD = 2,
    /**
     * A cover letter.
     */
    JOTRACK_ATTACHMENT_COVER_LETTER = 3,
    /**
     * Anything else.
     */
    JOTRACK_ATTACHMENT_OTHER = 4,
} jotrack_attachment_kind;

/**
 * A text form of an attachment.
 *
 * @since 0.1
 */
typedef enum jotrack_variant_name {
    /**
     * As read from the file.
     */
    JOTRACK_VARIANT_RAW = 1,
    /**
     * Put in order by a model.
     */
    JOTRACK_VARIANT_AI_NORMALIZED = 2,
} jotrack_variant_name;

/**
 * Whether the text of an attachment can be read.
 *
 * @since 0.1
 */
typedef enum jotrack_text_state {
    /**
     * A type that has no text.
     */
    JOTRACK_TEXT_NONE = 1,
    /**
     * Not read yet.
     */
    JOTRACK_TEXT_PENDING = 2,
    /**
     * Read.
     */
    JOTRACK_TEXT_READY = 3,
    /**
     * Read, but hardly any text in it: an image only, for example.
     */
    JOTRACK_TEXT_EMPTY = 4,
    /**
     * It cannot be read; jotrack_attachment.text_error says why.
     */
    JOTRACK_TEXT_FAILED = 5,
} jotrack_text_state;

/**
 * Why a text could not be read.
 *
 * @since 0.1
 */
typedef enum jotrack_text_error {
    /**
     * The file is broken.
     */
    JOTRACK_TEXT_ERROR_CORRUPT = 1,
    /**
     * The file is encrypted.
     */
    JOTRACK_TEXT_ERROR_ENCRYPTED = 2,
    /**
     * The file asks for too much work or memory.
     */
    JOTRACK_TEXT_ERROR_TOO_COMPLEX = 3,
    /**
     * Reading took too long.
     */
    JOTRACK_TEXT_ERROR_TIMEOUT = 4,
} jotrack_text_error;

/**
 * The band of a match score.
 *
 * @since 0.1
 */
typedef enum jotrack_score_band {
    /**
     * Up to 50.
     */
    JOTRACK_BAND_POOR = 1,
    /**
     * Up to 75.
     */
    JOTRACK_BAND_GOOD = 2,
    /**
     * Above 75.
     */
    JOTRACK_BAND_EXCELLENT = 3,
} jotrack_score_band;

/**
 * How a job list is sorted.
 *
 * @since 0.1
 */
typedef enum jotrack_job_order {
    /**
     * Newest first.
     */
    JOTRACK_ORDER_CREATED = 0,
    /**
     * Last changed first.
     */
    JOTRACK_ORDER_UPDATED = 1,
    /**
     * By company, A to Z.
     */
    JOTRACK_ORDER_COMPANY = 2,
    /**
     * By title, A to Z.
     */
    JOTRACK_ORDER_TITLE = 3,
    /**
     * By status, in the order of its numbers.
     */
    JOTRACK_ORDER_STATUS = 4,
} jotrack_job_order;

/**
 * Which half of the jobs a filter takes.
 *
 * @since 0.1
 */
typedef enum jotrack_selection {
    /**
     * Those that are not.
     */
    JOTRACK_SELECT_NO = 0,
    /**
     * Only those that are.
     */
    JOTRACK_SELECT_ONLY = 1,
    /**
     * Both.
     */
    JOTRACK_SELECT_BOTH = 2,
} jotrack_selection;

/**
 * What happened to an entity.
 *
 * @since 0.1
 */
typedef enum jotrack_change_op {
    /**
     * It is new.
     */
    JOTRACK_CHANGE_CREATED = 1,
    /**
     * It changed.
     */
    JOTRACK_CHANGE_UPDATED = 2,
    /**
     * It is gone.
     */
    JOTRACK_CHANGE_DELETED = 3,
} jotrack_change_op;

/**
 * What a subscription tells.
 *
 * @since 0.1
 */
typedef enum jotrack_event_kind {
    /**
     * Something changed: ask jotrack_changes_since, or read again what is on the screen.
     */
    JOTRACK_EVENT_CHANGED = 1,
    /**
     * The changes cannot be told one by one: read everything again.
     */
    JOTRACK_EVENT_RESYNC = 2,
    /**
     * The engine is in another state.
     */
    JOTRACK_EVENT_STATE = 3,
} jotrack_event_kind;

/**
 * The state of an engine.
 *
 * @since 0.1
 */
typedef enum jotrack_engine_state {
    /**
     * Ready.
     */
    JOTRACK_STATE_OPEN = 1,
    /**
     * Suspended by the host.
     */
    JOTRACK_STATE_SUSPENDED = 2,
    /**
     * Opened for reading only.
     */
    JOTRACK_STATE_READ_ONLY = 3,
    /**
     * Closing: the last event of a subscription.
     */
    JOTRACK_STATE_CLOSING = 4,
} jotrack_engine_state;

/**
 * Who runs the callbacks.
 *
 * @since 0.1
 */
typedef enum jotrack_dispatch_mode {
    /**
     * A thread of the engine.
     */
    JOTRACK_DISPATCH_THREAD = 0,
    /**
     * The host, in jotrack_dispatch.
     */
    JOTRACK_DISPATCH_HOST = 1,
} jotrack_dispatch_mode;

/**
 * How grave a line of the log is.
 *
 * @since 0.1
 */
typedef enum jotrack_log_level {
    /**
     * Something failed that should not.
     */
    JOTRACK_LOG_ERROR = 1,
    /**
     * Something failed that may fail, or needs attention.
     */
    JOTRACK_LOG_WARN = 2,
    /**
     * What an operator wants to know.
     */
    JOTRACK_LOG_INFO = 3,
    /**
     * For those who look for a mistake.
     */
    JOTRACK_LOG_DEBUG = 4,
    /**
     * Every step.
     */
    JOTRACK_LOG_TRACE = 5,
} jotrack_log_level;

/**
 * A page of attachments. It owns its rows: one thread at a time, valid after the engine is closed.
 * Freed with jotrack_attachment_page_free.
 *
 * @since 0.1
 */
typedef struct jotrack_attachment_page jotrack_attachment_page;

/**
 * A file open for reading. One thread at a time. Freed with jotrack_attachment_reader_free.
 *
 * @since 0.1
 */
typedef struct jotrack_attachment_reader jotrack_attachment_reader;

/**
 * A file being written. One thread at a time. Ended by jotrack_attachment_writer_commit,
 * jotrack_attachment_writer_stage or jotrack_attachment_writer_abort.
 *
 * @since 0.1
 */
typedef struct jotrack_attachment_writer jotrack_attachment_writer;

/**
 * A page of changes. It owns its rows: one thread at a time, valid after the engine is closed.
 * Freed with jotrack_change_page_free.
 *
 * @since 0.1
 */
typedef struct jotrack_change_page jotrack_change_page;

/**
 * An open engine. Any thread, concurrently. Several may live in one process, each with its own
 * data folder. Ended by jotrack_engine_close.
 *
 * @since 0.1
 */
typedef struct jotrack_engine jotrack_engine;

/**
 * The story of one failed call. Owned by the caller, who frees it with jotrack_error_free. One
 * thread at a time; it owns its data and stays valid after the engine is closed.
 *
 * @since 0.1
 */
typedef struct jotrack_error jotrack_error;

/**
 * A page of jobs. It owns its rows: one thread at a time, valid after the engine is closed. Freed
 * with jotrack_job_page_free.
 *
 * @since 0.1
 */
typedef struct jotrack_job_page jotrack_job_page;

/**
 * An operation. Any thread. Freed with jotrack_op_free, also after the engine is closed.
 *
 * @since 0.1
 */
typedef struct jotrack_op jotrack_op;

/**
 * A subscription. Any thread. Freed with jotrack_subscription_free, also after the engine is
 * closed.
 *
 * @since 0.1
 */
typedef struct jotrack_subscription jotrack_subscription;

/**
 * A page of texts. It owns its rows: one thread at a time, valid after the engine is closed. Freed
 * with jotrack_variant_page_free.
 *
 * @since 0.1
 */
typedef struct jotrack_variant_page jotrack_variant_page;

/**
 * Told one line of the log: how grave it is (jotrack_log_level), which part of the engine speaks,
 * and `len` bytes of English text with a NUL behind them. Both texts live during the call.
 *
 * Lines hold ids, numbers and names of files, never keys, prompts or texts of documents. They come
 * through the queue like every callback: in order, at most `queue_capacity` of them wait, and a
 * line behind some that found no room says how many. What is left when the engine closes is told
 * before jotrack_engine_close returns; what the end of the closing has to say is not. The rules of
 * jotrack_event_cb hold.
 *
 * @since 0.1
 */
typedef void (*jotrack_log_cb)(void *user,
                               int32_t level,
                               const char *target,
                               const char *message,
                               size_t len);

/**
 * How an engine is opened. Begin with jotrack_options_init.
 *
 * @since 0.1
 */
typedef struct jotrack_options {
    /**
     * sizeof(jotrack_options).
     */
    size_t struct_size;
    /**
     * Folder of the database and the files, made when missing; UTF-8 on every system. NULL keeps
     * everything in a private temporary folder that is removed at close.
     */
    const char *data_dir;
    /**
     * The database file; NULL = jotrack.db in the folder.
     */
    const char *database;
    /**
     * A JSON object with settings of the engine, or NULL. Keys: data_dir, database, extractor,
     * background, trash_days, stale_after_days, extra_skills, ai (object), requests (object),
     * storage (object), limits (object); an unknown key is JOTRACK_INVALID_ARGUMENT. The members of
     * this struct win.
     *
     * "extractor" is a program that reads text from PDF files in a process of its own, called as
     * `PROGRAM extract KIND`: the program jotrack is one. Without it PDF files are stored, and
     * their text cannot be read.
     */
    const char *config_json;
    /**
     * Who runs the callbacks: JOTRACK_DISPATCH_THREAD or JOTRACK_DISPATCH_HOST.
     */
    int32_t dispatch;
    /**
     * Threads for background work; 0 = 2, at most 64.
     */
    uint32_t worker_threads;
    /**
     * JOTRACK_OPEN_ bits.
     */
    uint64_t flags;
    /**
     * The key that seals provider keys and personal answers: 32 bytes in base64 with padding, or
     * several of them, one a line, the current one first. NULL = master.key in the data folder,
     * made when it is first needed. Keep it in the system's key store; what it sealed is lost
     * without it. A copy is kept until the engine is closed and its jotrack_op, reader and writer
     * handles are freed, then wiped.
     */
    const char *master_key;
    /**
     * Told what the engine has to say about its work, or NULL.
     */
    jotrack_log_cb log;
    /**
     * Handed back in each call of `log`; it must live until jotrack_engine_close returned.
     */
    void *log_user;
    /**
     * What `log` is told: jotrack_log_level and graver; 0 = JOTRACK_LOG_WARN.
     */
    int32_t log_level;
    /**
     * Most GraphQL responses, and most log lines, that wait for the host; 0 = 4096, else 64 to 1048576.
     */
    uint32_t queue_capacity;
} jotrack_options;

/**
 * 0 = success, anything else = failure: one of the `JOTRACK_` numbers of jotrack_status_code, or a
 * number that only a newer library knows, which is a failure too.
 *
 * @since 0.1
 */
typedef int32_t jotrack_status;

/**
 * Called when there is something to dispatch. It runs on any thread, must return at once and must
 * not call the library: post to the main loop (g_idle_add, a queued invokeMethod, dispatch_async,
 * PostMessage, uv_async_send) and call jotrack_dispatch from there.
 *
 * @since 0.1
 */
typedef void (*jotrack_wakeup_cb)(void *user);

/**
 * Counters of an engine, as its handle's user sees them. Set struct_size.
 *
 * @since 0.1
 */
typedef struct jotrack_stats {
    /**
     * sizeof(jotrack_stats).
     */
    size_t struct_size;
    /**
     * Present revision.
     */
    uint64_t rev;
    /**
     * Jobs of the user, archived ones included, without the trash.
     */
    uint64_t jobs;
    /**
     * Jobs of the user in the trash.
     */
    uint64_t jobs_trashed;
    /**
     * Bytes of the database file; 0 without a data folder.
     */
    uint64_t db_bytes;
    /**
     * Bytes of the log beside it, which is written into it by and by.
     */
    uint64_t wal_bytes;
    /**
     * Kept answers that the user can be given.
     */
    uint64_t cache_entries;
    /**
     * Bytes of them.
     */
    uint64_t cache_bytes;
    /**
     * How often they were given.
     */
    uint64_t cache_hits;
    /**
     * Tokens that the user sent to providers this month (UTC).
     */
    uint64_t tokens_in;
    /**
     * Tokens that came back this month.
     */
    uint64_t tokens_out;
    /**
     * Cost of the month in millionths of a US dollar; -1 when the price of a call is not known.
     */
    int64_t cost_micros;
    /**
     * Operations whose on_done has not been called.
     */
    uint64_t ops_running;
    /**
     * Subscriptions made with jotrack_subscribe.
     */
    uint64_t subscriptions;
    /**
     * Subscriptions and operations with something to tell, and lines of the log, that wait for a
     * callback to run.
     */
    uint64_t queue_len;
    /**
     * Lines of the log that found no room since the engine was opened.
     */
    uint64_t logs_dropped;
} jotrack_stats;

/**
 * The fields of a job to create or change. Zero the struct and set struct_size.
 *
 * A member counts only if its bit in `fields` is set. Bit clear: a change keeps the field, a new
 * job gets the default. Bit set and NULL: the field is cleared, where it may be empty.
 *
 * @since 0.1
 */
typedef struct jotrack_job_input {
    /**
     * sizeof(jotrack_job_input).
     */
    size_t struct_size;
    /**
     * JOTRACK_JOB_FIELD_ bits; an unknown bit is JOTRACK_INVALID_ARGUMENT.
     */
    uint64_t fields;
    /**
     * 1 to 200 characters. A new job needs it.
     */
    const char *company;
    /**
     * 1 to 200 characters. A new job needs it.
     */
    const char *title;
    /**
     * At most 200 characters.
     */
    const char *location;
    /**
     * An absolute http or https address; "url" in the details of an error.
     */
    const char *posting_url;
    /**
     * Where the posting was found.
     */
    const char *source;
    /**
     * At most 100000 characters; not NUL-terminated.
     */
    const char *notes;
    /**
     * Bytes at `notes`.
     */
    size_t notes_len;
    /**
     * Since when the job has its status: Unix ms; 0 = now. It may lie in the past.
     */
    int64_t status_at_ms;
    /**
     * jotrack_job_status; JOTRACK_JOB_ON_RADAR for a new job when not set.
     */
    int32_t status;
    /**
     * 0.
     */
    uint32_t reserved;
} jotrack_job_input;

/**
 * How a mutation is made safe to repeat and safe against others. Zero the struct and set
 * struct_size. Where a function takes one, NULL means all defaults.
 *
 * @since 0.1
 */
typedef struct jotrack_write {
    /**
     * sizeof(jotrack_write).
     */
    size_t struct_size;
    /**
     * 1 to 128 visible ASCII characters, or NULL. For 24 hours the same key with the same input
     * gives the first result again, and with other input JOTRACK_IDEMPOTENCY_MISMATCH.
     */
    const char *idempotency_key;
    /**
     * The version the caller has seen; JOTRACK_CONFLICT when it is not the current one. 0 = any.
     */
    int64_t expected_version;
} jotrack_write;

/**
 * What a mutation did. Set struct_size; the library fills the rest, on failure with zeros. Where a
 * function takes one, NULL means that the caller does not want to know.
 *
 * @since 0.1
 */
typedef struct jotrack_commit {
    /**
     * sizeof(jotrack_commit).
     */
    size_t struct_size;
    /**
     * Revision that the mutation made; 0 when nothing was written.
     */
    uint64_t rev;
    /**
     * JOTRACK_COMMIT_ bits.
     */
    uint32_t flags;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Id of the object, NUL-terminated; empty for a mutation of a list.
     */
    char id[40];
    /**
     * The version that the mutation gave to its only job, coach state or text, for the next
     * jotrack_write.expected_version. 0 = not told: nothing was written, what was written has no
     * versions (files, keys, settings) or was several, or others wrote too at the same time.
     */
    int64_t version;
} jotrack_commit;

/**
 * Which jobs to list, and in which order. Zero the struct and set struct_size: that alone selects
 * all live jobs, newest first.
 *
 * @since 0.1
 */
typedef struct jotrack_job_filter {
    /**
     * sizeof(jotrack_job_filter).
     */
    size_t struct_size;
    /**
     * Bits 1 << jotrack_job_status; 0 = all.
     */
    uint64_t statuses;
    /**
     * Bits 1 << jotrack_coach_status; 0 = all.
     */
    uint64_t coach_statuses;
    /**
     * Words to find in the job and its documents; NULL = no search.
     */
    const char *text;
    /**
     * Name of a company; NULL = all.
     */
    const char *company;
    /**
     * Created at or after, Unix ms; 0 = open.
     */
    int64_t created_from_ms;
    /**
     * Created before, Unix ms; 0 = open.
     */
    int64_t created_to_ms;
    /**
     * jotrack_attachment_kind of a file that the job must have; 0 = any.
     */
    int32_t has_attachment;
    /**
     * Archived jobs: jotrack_selection.
     */
    int32_t archived;
    /**
     * Jobs in the trash: jotrack_selection.
     */
    int32_t trashed;
    /**
     * jotrack_job_order.
     */
    int32_t order;
} jotrack_job_filter;

/**
 * Borrowed text, not NUL-terminated: `len` bytes of UTF-8 at `data`. `data` NULL = no value, which
 * differs from an empty text. It belongs to the object it was read from and lives as long (R2).
 * This struct is frozen.
 *
 * @since 0.1
 */
typedef struct jotrack_str {
    /**
     * First byte, or NULL.
     */
    const char *data;
    /**
     * Number of bytes.
     */
    size_t len;
} jotrack_str;

/**
 * A row of a job list. Set struct_size before jotrack_job_page_get. Texts belong to the page.
 *
 * @since 0.1
 */
typedef struct jotrack_job {
    /**
     * sizeof(jotrack_job).
     */
    size_t struct_size;
    /**
     * Id.
     */
    struct jotrack_str id;
    /**
     * Company.
     */
    struct jotrack_str company;
    /**
     * Position.
     */
    struct jotrack_str title;
    /**
     * Where the work is, or no value.
     */
    struct jotrack_str location;
    /**
     * Address of the posting, or no value.
     */
    struct jotrack_str posting_url;
    /**
     * Where the posting was found, or no value.
     */
    struct jotrack_str source;
    /**
     * Notes; no value in a list: jotrack_job_get has them.
     */
    struct jotrack_str notes;
    /**
     * The active résumé, or no value.
     */
    struct jotrack_str resume_attachment_id;
    /**
     * The active job description, or no value.
     */
    struct jotrack_str jd_attachment_id;
    /**
     * jotrack_job_status.
     */
    int32_t status;
    /**
     * jotrack_coach_status.
     */
    int32_t coach_status;
    /**
     * 0 to 100.
     */
    int32_t coach_progress;
    /**
     * Files outside the trash.
     */
    int32_t attachment_count;
    /**
     * Their kinds: bits 1 << jotrack_attachment_kind.
     */
    uint32_t attachment_kinds;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Match of the active résumé and job description, 0 to 100; -1 = none.
     */
    double match_score;
    /**
     * For jotrack_write.expected_version.
     */
    int64_t version;
    /**
     * Unix ms.
     */
    int64_t created_at_ms;
    /**
     * Unix ms.
     */
    int64_t updated_at_ms;
    /**
     * Unix ms.
     */
    int64_t status_since_ms;
    /**
     * Unix ms; 0 = not applied.
     */
    int64_t applied_at_ms;
    /**
     * Unix ms; 0 = not archived.
     */
    int64_t archived_at_ms;
    /**
     * Unix ms; 0 = not in the trash.
     */
    int64_t trashed_at_ms;
    /**
     * When the trash is emptied of it, Unix ms; 0 = not in the trash.
     */
    int64_t purge_at_ms;
} jotrack_job;

/**
 * What is known of a page as a whole. Set struct_size; texts belong to the page.
 *
 * @since 0.1
 */
typedef struct jotrack_page_info {
    /**
     * sizeof(jotrack_page_info).
     */
    size_t struct_size;
    /**
     * Revision that the page shows at least: go on from here with jotrack_changes_since.
     */
    uint64_t rev;
    /**
     * How many rows there are in all; -1 = not counted.
     */
    int64_t total;
    /**
     * Cursor for the next page; no value on the last one.
     */
    struct jotrack_str next;
    /**
     * JOTRACK_PAGE_ bits.
     */
    uint32_t flags;
    /**
     * 0.
     */
    uint32_t reserved;
} jotrack_page_info;

/**
 * A file of a job. Set struct_size before jotrack_attachment_page_get. Texts belong to the page.
 *
 * @since 0.1
 */
typedef struct jotrack_attachment {
    /**
     * sizeof(jotrack_attachment).
     */
    size_t struct_size;
    /**
     * Id.
     */
    struct jotrack_str id;
    /**
     * Its job.
     */
    struct jotrack_str job_id;
    /**
     * Name of the file, without a path.
     */
    struct jotrack_str filename;
    /**
     * What the content is, as found in its bytes.
     */
    struct jotrack_str media_type;
    /**
     * SHA-256 of the content, 64 hex digits.
     */
    struct jotrack_str sha256;
    /**
     * jotrack_attachment_kind.
     */
    int32_t kind;
    /**
     * 1: the one that counts among its job's files of this kind; 0: an earlier version.
     */
    int32_t is_active;
    /**
     * jotrack_text_state.
     */
    int32_t text_state;
    /**
     * jotrack_text_error; 0 unless the text failed.
     */
    int32_t text_error;
    /**
     * Number among the job's files of this kind, from 1.
     */
    int64_t version;
    /**
     * Bytes.
     */
    uint64_t size;
    /**
     * Unix ms.
     */
    int64_t created_at_ms;
    /**
     * Unix ms; 0 = not in the trash.
     */
    int64_t trashed_at_ms;
} jotrack_attachment;

/**
 * A file that is about to be written. Zero the struct and set struct_size.
 *
 * @since 0.1
 */
typedef struct jotrack_attachment_input {
    /**
     * sizeof(jotrack_attachment_input).
     */
    size_t struct_size;
    /**
     * Its job; NULL only when the writer ends with jotrack_attachment_writer_stage.
     */
    const char *job_id;
    /**
     * Name of the file, without a path.
     */
    const char *filename;
    /**
     * Bytes to come, so that a file that is too large is refused at once; 0 = not known.
     */
    uint64_t size_hint;
    /**
     * jotrack_attachment_kind; 0 only when the writer ends with jotrack_attachment_writer_stage.
     */
    int32_t kind;
    /**
     * 0.
     */
    uint32_t reserved;
} jotrack_attachment_input;

/**
 * A text of an attachment. Set struct_size before jotrack_variant_page_get. Texts belong to the
 * page.
 *
 * @since 0.1
 */
typedef struct jotrack_variant {
    /**
     * sizeof(jotrack_variant).
     */
    size_t struct_size;
    /**
     * The file it is the text of.
     */
    struct jotrack_str attachment_id;
    /**
     * The job of that file.
     */
    struct jotrack_str job_id;
    /**
     * The text.
     */
    struct jotrack_str text;
    /**
     * jotrack_attachment_kind of the file.
     */
    int32_t kind;
    /**
     * jotrack_variant_name.
     */
    int32_t variant;
    /**
     * About how many tokens a model would count.
     */
    int32_t token_estimate;
    /**
     * Words.
     */
    int32_t word_count;
    /**
     * JOTRACK_VARIANT_ bits.
     */
    uint32_t flags;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Unix ms.
     */
    int64_t created_at_ms;
    /**
     * For jotrack_write.expected_version.
     */
    int64_t version;
} jotrack_variant;

/**
 * How far the coach has come with a job. Set struct_size.
 *
 * @since 0.1
 */
typedef struct jotrack_coach {
    /**
     * sizeof(jotrack_coach).
     */
    size_t struct_size;
    /**
     * jotrack_coach_status.
     */
    int32_t status;
    /**
     * 0 to 100.
     */
    int32_t progress;
    /**
     * jotrack_coach_step to show next; 0 = all is done.
     */
    int32_t next_step;
    /**
     * Milestones reached: 0x1 DISCOVERY_COMPLETE, 0x2 PROFILE_ANALYZED, 0x4 SCORE_RECALCULATED,
     * 0x8 RESUME_GENERATED, 0x10 RESUME_FINALIZED, 0x20 COVER_LETTER_GENERATED, 0x40 APPLIED.
     */
    uint32_t milestones;
    /**
     * Steps that cannot be entered yet: bits 1 << jotrack_coach_step.
     */
    uint32_t locked;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * For jotrack_write.expected_version.
     */
    int64_t version;
    /**
     * Unix ms.
     */
    int64_t updated_at_ms;
} jotrack_coach;

/**
 * The match score of a job. Set struct_size.
 *
 * @since 0.1
 */
typedef struct jotrack_match {
    /**
     * sizeof(jotrack_match).
     */
    size_t struct_size;
    /**
     * 0 to 100.
     */
    double value;
    /**
     * Unix ms.
     */
    int64_t computed_at_ms;
    /**
     * jotrack_score_band.
     */
    int32_t band;
    /**
     * 1: there is a score; 0: the job lacks a résumé or a job description with text, and the other
     * members are 0.
     */
    int32_t has_score;
} jotrack_match;

/**
 * What an analysis is asked for. Zero the struct, set struct_size, `kind`, and exactly one of
 * `job_id`, `company` and `attachment_id`.
 *
 * @since 0.1
 */
typedef struct jotrack_analysis_request {
    /**
     * sizeof(jotrack_analysis_request).
     */
    size_t struct_size;
    /**
     * A word of the schema's AnalysisKind, such as "MATCH_SCORE".
     */
    const char *kind;
    /**
     * A job with its active documents, its notes, or its company.
     */
    const char *job_id;
    /**
     * A company by name: one line of at most 120 characters.
     */
    const char *company;
    /**
     * One version of a document.
     */
    const char *attachment_id;
    /**
     * "RECRUITER", "HIRING_MANAGER" or "PEER" for kinds about interviews; else NULL.
     */
    const char *persona;
    /**
     * A JSON object with further inputs of the kind, or NULL.
     */
    const char *params_json;
    /**
     * Who is to answer, "LOCAL", "ANTHROPIC", "OPENAI" or "OPENAI_COMPATIBLE"; NULL = the one of
     * the settings.
     */
    const char *provider;
    /**
     * With which model; NULL = the one of the settings.
     */
    const char *model;
    /**
     * 1 to 128 visible ASCII characters, or NULL: see jotrack_write.
     */
    const char *idempotency_key;
    /**
     * JOTRACK_ANALYSIS_ bits.
     */
    uint32_t flags;
    /**
     * 0.
     */
    uint32_t reserved;
} jotrack_analysis_request;

/**
 * Called with each event of an operation, in order, one callback at a time per engine. `event_json`
 * is `len` bytes of JSON with a NUL behind them and lives during the call. No exception and no
 * longjmp may leave it. It may call everything but jotrack_engine_close,
 * jotrack_engine_suspend and jotrack_dispatch.
 *
 * @since 0.1
 */
typedef void (*jotrack_op_event_cb)(void *user, const char *event_json, size_t len);

/**
 * Called once for every operation that started, after its last event: also after
 * jotrack_op_cancel, jotrack_op_free and jotrack_engine_close. `status` is JOTRACK_OK or why it
 * failed, `error` then has the story. `result_json` is `len` bytes of JSON with a NUL behind them,
 * or NULL. Both live during the call, and `user` is not used after it. The rules of
 * jotrack_op_event_cb hold.
 *
 * @since 0.1
 */
typedef void (*jotrack_done_cb)(void *user,
                                int32_t status,
                                const char *result_json,
                                size_t len,
                                const struct jotrack_error *error);

/**
 * What a subscription is told. A hint: what exactly changed is asked with jotrack_changes_since.
 *
 * @since 0.1
 */
typedef struct jotrack_event {
    /**
     * Size of the struct that the library knows: later members of a newer header are not there.
     */
    size_t struct_size;
    /**
     * JOTRACK_EVENT_CHANGED, JOTRACK_EVENT_RESYNC or JOTRACK_EVENT_STATE.
     */
    int32_t kind;
    /**
     * JOTRACK_STATE_OPEN; for JOTRACK_EVENT_STATE the new state: of several that waited the last.
     */
    int32_t state;
    /**
     * Bits of what changed; 0 with JOTRACK_EVENT_RESYNC when that is not known.
     */
    uint64_t entities;
    /**
     * First revision of the changes merged into this event.
     */
    uint64_t first_rev;
    /**
     * Last revision of them.
     */
    uint64_t last_rev;
} jotrack_event;

/**
 * Called with each event of a subscription, one at a time per engine. `event` lives during the
 * call. No exception and no longjmp may leave it. It may call everything but jotrack_engine_close,
 * jotrack_engine_suspend and jotrack_dispatch.
 *
 * @since 0.1
 */
typedef void (*jotrack_event_cb)(void *user, const struct jotrack_event *event);

/**
 * One change. Set struct_size; texts belong to the page.
 *
 * @since 0.1
 */
typedef struct jotrack_change {
    /**
     * sizeof(jotrack_change).
     */
    size_t struct_size;
    /**
     * Revision of the commit that made it.
     */
    uint64_t rev;
    /**
     * One JOTRACK_ENTITY_ bit.
     */
    uint64_t entity;
    /**
     * jotrack_change_op.
     */
    int32_t op;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Id of the object; of its job for JOTRACK_ENTITY_COACH_STATE.
     */
    struct jotrack_str id;
} jotrack_change;

/**
 * A GraphQL operation. Zero the struct and set struct_size.
 *
 * @since 0.1
 */
typedef struct jotrack_graphql_request {
    /**
     * sizeof(jotrack_graphql_request).
     */
    size_t struct_size;
    /**
     * The document.
     */
    const char *query;
    /**
     * Which operation of the document; NULL when there is one only.
     */
    const char *operation_name;
    /**
     * A JSON object with the variables, or NULL.
     */
    const char *variables_json;
    /**
     * Longest time it may take; 0 = the engine's setting.
     */
    uint32_t timeout_ms;
    /**
     * 0.
     */
    uint32_t reserved;
} jotrack_graphql_request;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Returns the version of the library that runs, as major * 1000000 + minor * 1000 + patch. Compare
 * with JOTRACK_VERSION_NUMBER, the version of the header that was compiled against.
 *
 * Any thread.
 *
 * @since 0.1
 */
JOTRACK_API uint32_t jotrack_version_number(void);

/**
 * Returns the version as text, for people. Static, never NULL.
 *
 * Any thread.
 *
 * @since 0.1
 */
JOTRACK_API const char *jotrack_version_string(void);

/**
 * Returns the name of a status, for logs: "NOT_FOUND" for JOTRACK_NOT_FOUND. Static, never NULL;
 * "UNKNOWN" for a number this version does not know.
 *
 * Any thread.
 *
 * @since 0.1
 */
JOTRACK_API const char *jotrack_status_name(int32_t status);

/**
 * Returns what is built into this library: JOTRACK_FEATURE_ bits. Every function is always there;
 * one whose feature is missing answers JOTRACK_UNSUPPORTED.
 *
 * Any thread.
 *
 * @since 0.1
 */
JOTRACK_API uint64_t jotrack_features(void);

/**
 * Frees a text that the library handed out through a `char **`. Never use free() on it: the
 * library may have a heap of its own. NULL does nothing.
 *
 * @since 0.1
 */
JOTRACK_API void jotrack_string_free(char *string);

/**
 * Returns the status of a failed call.
 *
 * `error` NULL gives 0.
 *
 * @since 0.1
 */
JOTRACK_API int32_t jotrack_error_code(const struct jotrack_error *error);

/**
 * Returns what went wrong, in English, for logs. Show texts of your own, chosen by the code.
 *
 * Never NULL; borrowed from `error`. `error` NULL gives "".
 *
 * @since 0.1
 */
JOTRACK_API const char *jotrack_error_message(const struct jotrack_error *error);

/**
 * Returns a JSON object with what a program can act on.
 *
 * Keys, absent ones omitted: `fields` (array of `{"path": [..], "rule", "message", "limit"}`, for
 * VALIDATION), `retryable`, `retryAfterMs`, `reason` and `currentVersion` (CONFLICT), `missing`
 * (STEP_LOCKED), `limit`, `remaining`, `scope`, `detected`, `extension`, `what`, `id`, `provider`.
 *
 * Never NULL; borrowed from `error`. `error` NULL gives "{}".
 *
 * @since 0.1
 */
JOTRACK_API const char *jotrack_error_details_json(const struct jotrack_error *error);

/**
 * Returns when the same call may succeed: milliseconds to wait, 0 = now, -1 = not without a change.
 *
 * `error` NULL gives -1.
 *
 * @since 0.1
 */
JOTRACK_API int64_t jotrack_error_retry_after_ms(const struct jotrack_error *error);

/**
 * Frees an error. NULL does nothing.
 *
 * @since 0.1
 */
JOTRACK_API void jotrack_error_free(struct jotrack_error *error);

/**
 * Fills `options` with the defaults: nothing is kept after close, callbacks run on a thread of the
 * engine.
 *
 * `size` is sizeof(jotrack_options). Nothing is written when `options` is NULL or when `size` is
 * smaller than the struct of version 0.1 or larger than 4096.
 *
 * @since 0.1
 */
JOTRACK_API void jotrack_options_init(struct jotrack_options *options, size_t size);

/**
 * Opens an engine, making what is missing. It acts as the one local user.
 *
 * `options`: NULL = defaults. On success `*out` is a handle that
 * jotrack_engine_close ends.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_engine_open(const struct jotrack_options *options,
                                   struct jotrack_engine **out,
                                   struct jotrack_error **err);

/**
 * Closes a handle and frees it; the last handle on an engine closes the engine. NULL does nothing.
 *
 * Running work is given 5 seconds, then aborted. Callbacks that wait are run, and each
 * subscription is told JOTRACK_EVENT_STATE with JOTRACK_STATE_CLOSING as its last event, and the
 * jotrack_done_cb of each operation that has not ended is called, with JOTRACK_CLOSED unless it ends
 * otherwise in that time: with JOTRACK_DISPATCH_HOST on the calling thread, or on one that is in
 * jotrack_dispatch. It waits for a callback that runs elsewhere: hold no lock here that one takes.
 * Pages and errors stay valid; operations, subscriptions, readers and writers stay valid to be freed.
 *
 * Calls on other threads that it meets end as they would have, or with JOTRACK_CLOSED. Inside a
 * callback it is JOTRACK_MISUSE and does nothing; in a forked child too, and where another thread is
 * closing the handle or has closed it. Any other answer, JOTRACK_TIMEOUT if something was aborted,
 * leaves no handle.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_engine_close(struct jotrack_engine *engine);

/**
 * Tells how the engine is, as a JSON object: `{"ok": true, ...}`.
 *
 * `*out` is freed with jotrack_string_free.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_engine_health_json(struct jotrack_engine *engine,
                                          char **out,
                                          struct jotrack_error **err);

/**
 * Runs callbacks that wait, on the calling thread.
 *
 * `timeout_ms`: 0 = do not wait for the first one, -1 = wait for ever. `max`: most callbacks to
 * run; 0 = as many as wait at the beginning, so that callbacks which cause others cannot hold the
 * loop. `delivered` (may be NULL) is how many ran; 0 after the time has passed.
 *
 * JOTRACK_MISUSE with JOTRACK_DISPATCH_THREAD and inside a callback; JOTRACK_BUSY while another
 * thread dispatches.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_dispatch(struct jotrack_engine *engine,
                                int32_t timeout_ms,
                                uint32_t max,
                                uint32_t *delivered,
                                struct jotrack_error **err);

/**
 * Sets the function that is called when there is something to dispatch; NULL takes it away.
 *
 * It is called once when the queue was empty and no longer is, and at the end of a jotrack_dispatch
 * that left something behind. If something waits already it is called before this returns. One per
 * engine; a former one may still run once. `user` must live until the engine is closed.
 *
 * JOTRACK_MISUSE with JOTRACK_DISPATCH_THREAD.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_set_wakeup(struct jotrack_engine *engine,
                                  jotrack_wakeup_cb wakeup,
                                  void *user,
                                  struct jotrack_error **err);

/**
 * Makes a handle on the same engine that acts as another user of its data.
 *
 * `user_id`: JOTRACK_NOT_FOUND when there is no such user. The handles are counted: each is ended
 * with jotrack_engine_close, and the last one closes the engine. Options, callbacks, the queue and
 * suspending are those of the engine, whichever handle is used.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_engine_as_user(struct jotrack_engine *engine,
                                      const char *user_id,
                                      struct jotrack_engine **out,
                                      struct jotrack_error **err);

/**
 * Ends all operations, writes everything down and closes the database: no file of it is open and
 * no lock is held until jotrack_engine_resume.
 *
 * `timeout_ms`: how long to wait for calls that run on other threads. When it has passed the answer
 * is JOTRACK_TIMEOUT and nothing has changed, but that calls made meanwhile were refused. Then
 * operations end with JOTRACK_SUSPENDED. An analysis under way is written down and goes on after
 * jotrack_engine_resume, where jotrack_analysis_follow finds it. Subscriptions are told
 * JOTRACK_EVENT_STATE with JOTRACK_STATE_SUSPENDED and go on after resume without missing a change.
 * Writers that are open answer JOTRACK_SUSPENDED, and JOTRACK_CLOSED after resume: abort them.
 *
 * An engine without a data folder only ends its operations and refuses calls. Suspending a
 * suspended engine does nothing. JOTRACK_MISUSE inside a callback. Any other failure leaves the
 * engine suspended; what was saved before is saved.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_engine_suspend(struct jotrack_engine *engine,
                                      uint32_t timeout_ms,
                                      struct jotrack_error **err);

/**
 * Opens the database of a suspended engine again. An engine that is not suspended is left alone.
 *
 * Subscriptions are told JOTRACK_EVENT_STATE with JOTRACK_STATE_OPEN. A failure is one of
 * jotrack_engine_open and leaves the engine suspended: it may be tried again. JOTRACK_NOT_FOUND: the
 * database is another one, which does not know the user of a handle.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_engine_resume(struct jotrack_engine *engine,
                                     struct jotrack_error **err);

/**
 * Reads the counters. A few statements.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_engine_stats(struct jotrack_engine *engine,
                                    struct jotrack_stats *out,
                                    struct jotrack_error **err);

/**
 * Creates a job.
 *
 * `input` needs company and title. `write` and `commit` may be NULL; `commit->id` is the new job.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_job_create(struct jotrack_engine *engine,
                                  const struct jotrack_job_input *input,
                                  const struct jotrack_write *write,
                                  struct jotrack_commit *commit,
                                  struct jotrack_error **err);

/**
 * Changes fields of a job. An input that changes nothing writes nothing and keeps the version.
 *
 * `write` and `commit` may be NULL. JOTRACK_CONFLICT when `write->expected_version` is given and is
 * not the current version.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_job_update(struct jotrack_engine *engine,
                                  const char *id,
                                  const struct jotrack_job_input *input,
                                  const struct jotrack_write *write,
                                  struct jotrack_commit *commit,
                                  struct jotrack_error **err);

/**
 * Moves jobs to a status: all of them or none.
 *
 * `ids`: `n` ids, 1 to 100. `at_ms`: since when, Unix ms, 0 = now. `note` (may be NULL): kept in
 * the status history. `write` and `commit` may be NULL.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_job_update_status(struct jotrack_engine *engine,
                                         const char *const *ids,
                                         size_t n,
                                         int32_t status,
                                         int64_t at_ms,
                                         const char *note,
                                         const struct jotrack_write *write,
                                         struct jotrack_commit *commit,
                                         struct jotrack_error **err);

/**
 * Archives jobs, or takes them back: all of them or none. Archived jobs are left out of lists.
 *
 * `ids`: `n` ids, 1 to 100. `archived`: 1 or 0. `write` and `commit` may be NULL.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_job_archive(struct jotrack_engine *engine,
                                   const char *const *ids,
                                   size_t n,
                                   int32_t archived,
                                   const struct jotrack_write *write,
                                   struct jotrack_commit *commit,
                                   struct jotrack_error **err);

/**
 * Moves jobs to the trash, from where they are purged after some days: all of them or none.
 *
 * `ids`: `n` ids, 1 to 100. `write` and `commit` may be NULL.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_job_trash(struct jotrack_engine *engine,
                                 const char *const *ids,
                                 size_t n,
                                 const struct jotrack_write *write,
                                 struct jotrack_commit *commit,
                                 struct jotrack_error **err);

/**
 * Takes jobs back out of the trash: all of them or none.
 *
 * `ids`: `n` ids, 1 to 100. `write` and `commit` may be NULL.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_job_restore(struct jotrack_engine *engine,
                                   const char *const *ids,
                                   size_t n,
                                   const struct jotrack_write *write,
                                   struct jotrack_commit *commit,
                                   struct jotrack_error **err);

/**
 * Deletes jobs for good, with their files: all of them or none. Only from the trash.
 *
 * `ids`: `n` ids, 1 to 100. `write` and `commit` may be NULL.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_job_purge(struct jotrack_engine *engine,
                                 const char *const *ids,
                                 size_t n,
                                 const struct jotrack_write *write,
                                 struct jotrack_commit *commit,
                                 struct jotrack_error **err);

/**
 * Reads one job with its notes, as a page of one.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_job_get(struct jotrack_engine *engine,
                               const char *id,
                               struct jotrack_job_page **out,
                               struct jotrack_error **err);

/**
 * Reads a page of jobs.
 *
 * `filter`: NULL = all live jobs, newest first. `after`: NULL = from the beginning, else the cursor
 * of the page before; it is bound to filter and order. `limit`: 0 = 50, at most 200.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_job_list(struct jotrack_engine *engine,
                                const struct jotrack_job_filter *filter,
                                const char *after,
                                uint32_t limit,
                                struct jotrack_job_page **out,
                                struct jotrack_error **err);

/**
 * Returns the number of rows. `page` NULL gives 0.
 *
 * @since 0.1
 */
JOTRACK_API size_t jotrack_job_page_len(const struct jotrack_job_page *page);

/**
 * Fills `out` with row `i`; its texts belong to the page. False when there is no such row or when
 * `out` has no proper struct_size.
 *
 * @since 0.1
 */
JOTRACK_API
bool jotrack_job_page_get(const struct jotrack_job_page *page,
                          size_t i,
                          struct jotrack_job *out);

/**
 * Fills `out` with what is known of the page as a whole. False when `page` is NULL or `out` has no
 * proper struct_size.
 *
 * @since 0.1
 */
JOTRACK_API
bool jotrack_job_page_info(const struct jotrack_job_page *page,
                           struct jotrack_page_info *out);

/**
 * Frees a page and its rows. NULL does nothing.
 *
 * @since 0.1
 */
JOTRACK_API void jotrack_job_page_free(struct jotrack_job_page *page);

/**
 * Searches jobs, best first: title, company, notes and the texts of active documents. The trash is
 * left out.
 *
 * `query`: words that must all occur, the last one may be a beginning; `"a phrase"`, `-not`,
 * `company:`, `title:`, `status:`, `has:`, `is:stale`, `is:archived`, `after:2026-01-31`, `before:`.
 * JOTRACK_VALIDATION when it is empty, too long, excludes only or names an unknown status, kind or
 * date. `entities`: JOTRACK_ENTITY_JOB or 0; others are JOTRACK_UNSUPPORTED. `limit`: 0 = 50, at
 * most 200.
 *
 * `*out`: `{"hits": [{"id", "title", "company", "status", "score", "snippet"}], "more": bool}`. `id`
 * is that of a job, `status` a number of jotrack_job_status, `score` is higher for better hits,
 * `snippet` at most 160 characters around the first match in notes or documents, or null. Freed with
 * jotrack_string_free.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_search_json(struct jotrack_engine *engine,
                                   const char *query,
                                   uint64_t entities,
                                   uint32_t limit,
                                   char **out,
                                   struct jotrack_error **err);

/**
 * Reads the files of many jobs at once, those in the trash left out: in the order of `ids`, then by
 * kind, the newest version first.
 *
 * `ids`: `n` job ids, at most 100; unknown ones have no files. `kinds`: bits
 * 1 << jotrack_attachment_kind, 0 = all.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_attachment_list(struct jotrack_engine *engine,
                                       const char *const *ids,
                                       size_t n,
                                       uint32_t kinds,
                                       struct jotrack_attachment_page **out,
                                       struct jotrack_error **err);

/**
 * Returns the number of attachments. `page` NULL gives 0.
 *
 * @since 0.1
 */
JOTRACK_API size_t jotrack_attachment_page_len(const struct jotrack_attachment_page *page);

/**
 * Fills `out` with attachment `i`; its texts belong to the page. False when there is no such
 * attachment or when `out` has no proper struct_size.
 *
 * @since 0.1
 */
JOTRACK_API
bool jotrack_attachment_page_get(const struct jotrack_attachment_page *page,
                                 size_t i,
                                 struct jotrack_attachment *out);

/**
 * Frees a page of attachments. NULL does nothing.
 *
 * @since 0.1
 */
JOTRACK_API void jotrack_attachment_page_free(struct jotrack_attachment_page *page);

/**
 * Makes an earlier version the one that counts.
 *
 * `write` and `commit` may be NULL.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_attachment_activate(struct jotrack_engine *engine,
                                           const char *id,
                                           const struct jotrack_write *write,
                                           struct jotrack_commit *commit,
                                           struct jotrack_error **err);

/**
 * Moves a file to the trash.
 *
 * `write` and `commit` may be NULL.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_attachment_trash(struct jotrack_engine *engine,
                                        const char *id,
                                        const struct jotrack_write *write,
                                        struct jotrack_commit *commit,
                                        struct jotrack_error **err);

/**
 * Takes a file back out of the trash.
 *
 * `write` and `commit` may be NULL.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_attachment_restore(struct jotrack_engine *engine,
                                          const char *id,
                                          const struct jotrack_write *write,
                                          struct jotrack_commit *commit,
                                          struct jotrack_error **err);

/**
 * Deletes a file for good. Only from the trash.
 *
 * `write` and `commit` may be NULL.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_attachment_purge(struct jotrack_engine *engine,
                                        const char *id,
                                        const struct jotrack_write *write,
                                        struct jotrack_commit *commit,
                                        struct jotrack_error **err);

/**
 * Begins a file. Nothing is visible before jotrack_attachment_writer_commit.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_attachment_writer_open(struct jotrack_engine *engine,
                                              const struct jotrack_attachment_input *input,
                                              struct jotrack_attachment_writer **out,
                                              struct jotrack_error **err);

/**
 * Writes the next `len` bytes. Limits are checked as the bytes come. After a failure bytes are
 * missing: jotrack_attachment_writer_commit and jotrack_attachment_writer_stage then answer
 * JOTRACK_MISUSE.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_attachment_writer_write(struct jotrack_attachment_writer *writer,
                                               const void *data,
                                               size_t len,
                                               struct jotrack_error **err);

/**
 * Ends the file and attaches it to its job, as the version that counts. Frees the writer, also on
 * failure.
 *
 * `write` and `commit` may be NULL; `commit->id` is the attachment. A content that the job has
 * already gives the existing attachment, with JOTRACK_COMMIT_UNCHANGED. The text is read in the
 * background: the attachment is told as updated when it is there.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_attachment_writer_commit(struct jotrack_attachment_writer *writer,
                                                const struct jotrack_write *write,
                                                struct jotrack_commit *commit,
                                                struct jotrack_error **err);

/**
 * Ends the file and keeps it for a mutation over GraphQL, which takes `*upload_id` as uploadId
 * within 24 hours. Frees the writer, also on failure.
 *
 * `*upload_id` is freed with jotrack_string_free.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_attachment_writer_stage(struct jotrack_attachment_writer *writer,
                                               char **upload_id,
                                               struct jotrack_error **err);

/**
 * Gives up a file and frees the writer. NULL does nothing.
 *
 * @since 0.1
 */
JOTRACK_API void jotrack_attachment_writer_abort(struct jotrack_attachment_writer *writer);

/**
 * Opens a file for reading.
 *
 * `derived`: NULL = the file itself; other forms are JOTRACK_UNSUPPORTED in this version.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_attachment_reader_open(struct jotrack_engine *engine,
                                              const char *id,
                                              const char *derived,
                                              struct jotrack_attachment_reader **out,
                                              struct jotrack_error **err);

/**
 * Returns the size of the file in bytes. `reader` NULL gives 0.
 *
 * @since 0.1
 */
JOTRACK_API uint64_t jotrack_attachment_reader_size(const struct jotrack_attachment_reader *reader);

/**
 * Reads at most `cap` bytes from `offset` on into `buf`. `*n` is how many were read: 0 at the end
 * of the file and beyond it.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_attachment_reader_read(struct jotrack_attachment_reader *reader,
                                              uint64_t offset,
                                              void *buf,
                                              size_t cap,
                                              size_t *n,
                                              struct jotrack_error **err);

/**
 * Frees a reader. NULL does nothing.
 *
 * @since 0.1
 */
JOTRACK_API void jotrack_attachment_reader_free(struct jotrack_attachment_reader *reader);

/**
 * Reads one form of the text of the active files of many jobs, in one statement.
 *
 * `ids`: `n` job ids, at most 200. `kinds`: bits 1 << jotrack_attachment_kind, 0 = all. `variant`:
 * jotrack_variant_name. Files without such a text have no row.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_variant_get_many(struct jotrack_engine *engine,
                                        const char *const *ids,
                                        size_t n,
                                        uint32_t kinds,
                                        int32_t variant,
                                        struct jotrack_variant_page **out,
                                        struct jotrack_error **err);

/**
 * Returns the number of texts. `page` NULL gives 0.
 *
 * @since 0.1
 */
JOTRACK_API size_t jotrack_variant_page_len(const struct jotrack_variant_page *page);

/**
 * Fills `out` with text `i`, which belongs to the page. False when there is no such text or when
 * `out` has no proper struct_size.
 *
 * @since 0.1
 */
JOTRACK_API
bool jotrack_variant_page_get(const struct jotrack_variant_page *page,
                              size_t i,
                              struct jotrack_variant *out);

/**
 * Frees a page of texts. NULL does nothing.
 *
 * @since 0.1
 */
JOTRACK_API void jotrack_variant_page_free(struct jotrack_variant_page *page);

/**
 * Sets a text of an attachment by hand.
 *
 * `variant`: jotrack_variant_name. `text`: `len` bytes, not NUL-terminated. `write` and `commit`
 * may be NULL; `commit->id` is the text's id.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_variant_set(struct jotrack_engine *engine,
                                   const char *attachment_id,
                                   int32_t variant,
                                   const char *text,
                                   size_t len,
                                   const struct jotrack_write *write,
                                   struct jotrack_commit *commit,
                                   struct jotrack_error **err);

/**
 * Reads the coach state of a job.
 *
 * `out` may be NULL. `document_json` (may be NULL): the whole state as a JSON object with the names
 * of the schema's CoachState; freed with jotrack_string_free.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_coach_get(struct jotrack_engine *engine,
                                 const char *job_id,
                                 struct jotrack_coach *out,
                                 char **document_json,
                                 struct jotrack_error **err);

/**
 * Changes the coach state of a job.
 *
 * `patch_json`: an object with any of `currentStep`, `answers`
 * (`[{"questionId", "answer", "skipped"}]`, merged by question) and `profile`; null clears bookmark and profile. An
 * unknown key is JOTRACK_INVALID_ARGUMENT. `write` and `commit` may be NULL; `commit->id` is the
 * job. `document_json` (may be NULL): the state after the change, as from jotrack_coach_get.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_coach_update(struct jotrack_engine *engine,
                                    const char *job_id,
                                    const char *patch_json,
                                    const struct jotrack_write *write,
                                    struct jotrack_commit *commit,
                                    char **document_json,
                                    struct jotrack_error **err);

/**
 * Reads how well the active résumé of a job matches its active job description.
 *
 * It is computed on this machine, without a network or a key: skills of both texts from a
 * dictionary, weighted by how much the description wants them. `out` may be NULL. `document_json`
 * (may be NULL): `{"matchScore": {..}, "skillMatchPercentage": n, "skills": [..]}` with the names of
 * the schema (MatchScore, SkillMatch); each skill carries the line that names it as `jdEvidence`
 * and `resumeEvidence`. `matchScore` is null without a score. Freed with jotrack_string_free.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_match_get(struct jotrack_engine *engine,
                                 const char *job_id,
                                 struct jotrack_match *out,
                                 char **document_json,
                                 struct jotrack_error **err);

/**
 * Returns the id of the analysis of an operation, for jotrack_analysis_get and for
 * jotrack_analysis_follow in a later process.
 *
 * Borrowed from `op`; `op` NULL and an operation of GraphQL give NULL.
 *
 * @since 0.1
 */
JOTRACK_API const char *jotrack_op_id(const struct jotrack_op *op);

/**
 * Asks an operation to end. It returns at once; the end comes as JOTRACK_CANCELLED, or as it would
 * have come when it was quicker. A second call and NULL do nothing.
 *
 * Of an analysis, others that wait for the same answer keep their call to the provider; when nobody
 * is left the call is ended. A GraphQL mutation that is cancelled may be done all the same: repeat
 * it with the same idempotency key to know.
 *
 * @since 0.1
 */
JOTRACK_API void jotrack_op_cancel(struct jotrack_op *op);

/**
 * Waits for the end of an operation, whether or not `on_done` was delivered by then, and may be
 * called again: also inside a callback, from several threads, and after the engine was closed.
 *
 * `timeout_ms`: 0 = do not wait, -1 = for ever; JOTRACK_TIMEOUT when it has passed. Any other answer
 * is the end of the operation, as `on_done` has it. `*result_json` (may be NULL) is the result, or
 * NULL when there is none; freed with jotrack_string_free.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_op_wait(struct jotrack_op *op,
                               int32_t timeout_ms,
                               char **result_json,
                               struct jotrack_error **err);

/**
 * Lets go of an operation and frees the handle. It goes on, and its callbacks still come: this
 * cancels nothing. NULL does nothing.
 *
 * @since 0.1
 */
JOTRACK_API void jotrack_op_free(struct jotrack_op *op);

/**
 * Starts an analysis, joins one that is under way, or finds the answer that is kept, and tells how
 * it goes on.
 *
 * It returns when the request was checked and is stored; whatever is wrong with it is the status
 * here, and then no callback comes. `on_event` (may be NULL) is called with `{"sequence": n,
 * "epoch": n, "kind": "..", ..}`; kinds and what belongs to them: QUEUED (`runAt`, `reason`),
 * STARTED (`provider`, `model`), DELTA (`text`: the next piece, provisional until DONE), RESET
 * (`reason`: drop all text so far), and last DONE, FAILED (`error`) or CANCELLED. Pieces that wait
 * for a slow callback are joined, so none is lost. A kept answer has DONE only. Expect kinds that
 * are not named here.
 *
 * `on_done` is called once and last, with the analysis as JSON (see jotrack_analysis_get) and with
 * JOTRACK_OK, JOTRACK_CANCELLED, the provider's failure, or JOTRACK_CLOSED or
 * JOTRACK_SUSPENDED when the engine was closed or suspended before: what was stored by then is found again with jotrack_analysis_get. `user` is handed back in
 * each call and must live until `on_done` returned. Callbacks may come before this returns. `out`
 * (may be NULL) is freed with jotrack_op_free, which cancels nothing.
 * JOTRACK_BUSY with more than 1024 operations at a time.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_analysis_start(struct jotrack_engine *engine,
                                      const struct jotrack_analysis_request *request,
                                      jotrack_op_event_cb on_event,
                                      jotrack_done_cb on_done,
                                      void *user,
                                      struct jotrack_op **out,
                                      struct jotrack_error **err);

/**
 * Follows an analysis from after the event `after` on (0 = from its start), also one that an
 * earlier process started. Starts nothing; jotrack_op_cancel cancels the analysis.
 *
 * Every piece of text comes exactly once to a host that comes back with the `sequence` of the last
 * event it saw. Callbacks and `out` as for jotrack_analysis_start.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_analysis_follow(struct jotrack_engine *engine,
                                       const char *id,
                                       uint64_t after,
                                       jotrack_op_event_cb on_event,
                                       jotrack_done_cb on_done,
                                       void *user,
                                       struct jotrack_op **out,
                                       struct jotrack_error **err);

/**
 * Reads an analysis: `{"id", "kind", "state", "source", "provider", "model", "result", "error",
 * "usage", "costMicros", ..}` with the names and words of the schema, ids as in this header and
 * times as text.
 *
 * `*analysis_json` is freed with jotrack_string_free.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_analysis_get(struct jotrack_engine *engine,
                                    const char *id,
                                    char **analysis_json,
                                    struct jotrack_error **err);

/**
 * Cancels an analysis, whoever started it. Operations that follow it end with JOTRACK_CANCELLED.
 *
 * JOTRACK_NOT_FOUND; JOTRACK_ALREADY_FINISHED.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_analysis_cancel(struct jotrack_engine *engine,
                                       const char *id,
                                       struct jotrack_error **err);

/**
 * Counts the kept answers by kind, as a JSON array of `{"kind", "entries", "bytes", "hits",
 * "oldestAt"}`: those of the user and those for all users. Kinds without answers are absent.
 *
 * `kind` is a word of the schema's AnalysisKind, `oldestAt` Unix milliseconds; hits are written
 * down within seconds, or when the engine closes. `*out` is freed with jotrack_string_free.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_cache_stats_json(struct jotrack_engine *engine,
                                        char **out,
                                        struct jotrack_error **err);

/**
 * Removes kept answers of the user, so that the next analysis asks again.
 *
 * `kind` (a word of AnalysisKind), `company` (its name in any spelling) and `key` (`cacheKey` of an
 * analysis) narrow it down together; NULL = any. With NULL for all of them everything goes.
 * `removed` (may be NULL) is how many. Answers for all users and the analyses themselves stay.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_cache_invalidate(struct jotrack_engine *engine,
                                        const char *kind,
                                        const char *company,
                                        const char *key,
                                        uint64_t *removed,
                                        struct jotrack_error **err);

/**
 * Stores the user's own key of a provider, sealed with the master key, in the place of an earlier
 * one. Nothing gives it back. It is used once jotrack_ai_settings_update allowed the network.
 *
 * `provider`: "ANTHROPIC", "OPENAI" or "OPENAI_COMPATIBLE". `secret`: 8 to 1024 visible ASCII
 * characters; the library wipes its copies. `base_url`: the only address the key is sent to; NULL =
 * the provider's public one, required for "OPENAI_COMPATIBLE". JOTRACK_VALIDATION,
 * JOTRACK_KEY_UNAVAILABLE without a master key.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_provider_key_set(struct jotrack_engine *engine,
                                        const char *provider,
                                        const char *secret,
                                        const char *base_url,
                                        const struct jotrack_write *write,
                                        struct jotrack_commit *commit,
                                        struct jotrack_error **err);

/**
 * Removes the user's own key of a provider. Needs no master key. JOTRACK_NOT_FOUND when there is
 * none.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_provider_key_delete(struct jotrack_engine *engine,
                                           const char *provider,
                                           const struct jotrack_write *write,
                                           struct jotrack_commit *commit,
                                           struct jotrack_error **err);

/**
 * Lists the user's own keys as a JSON array of `{"provider", "last4", "fingerprint", "baseUrl",
 * "createdAt", "lastUsedAt"}`, without the keys. Needs no master key.
 *
 * `*keys_json` is freed with jotrack_string_free. Times are Unix milliseconds.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_provider_keys(struct jotrack_engine *engine,
                                     char **keys_json,
                                     struct jotrack_error **err);

/**
 * Changes whether and whom the user asks. Until the network is allowed no stored key is used: a host
 * asks its user first, because texts of jobs are sent to the provider from then on.
 *
 * `patch_json`: a JSON object; what it does not name stays. `"networkEnabled"`: true or false, false
 * at first. `"provider"`: a word of jotrack_provider_key_set or "LOCAL", for requests that name none;
 * null = the one of the options. `"model"`: a line of at most 200 characters; null = the usual one of
 * the options. A provider other than that of the options needs a model. JOTRACK_VALIDATION for a
 * wrong model, JOTRACK_INVALID_ARGUMENT for another member or type.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_ai_settings_update(struct jotrack_engine *engine,
                                          const char *patch_json,
                                          const struct jotrack_write *write,
                                          struct jotrack_commit *commit,
                                          struct jotrack_error **err);

/**
 * Subscribes to changes, those of other processes on the same data included.
 *
 * `entities`: JOTRACK_ENTITY_ bits, 0 = all. At most 20 events a second; what happens faster, or
 * while a callback runs, is merged into one event with a wider range. `user` is handed back in each
 * call and must live until jotrack_subscription_free returned. Every change committed after this
 * returns is told.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_subscribe(struct jotrack_engine *engine,
                                 uint64_t entities,
                                 jotrack_event_cb callback,
                                 void *user,
                                 struct jotrack_subscription **out,
                                 struct jotrack_error **err);

/**
 * Ends a subscription and frees it. NULL does nothing.
 *
 * From another thread it waits for a running callback; once it returned, the callback never runs
 * again: hold no lock here that the callback takes. Inside the callback it returns at once.
 *
 * @since 0.1
 */
JOTRACK_API void jotrack_subscription_free(struct jotrack_subscription *subscription);

/**
 * Reads the revision: it rises with every commit of this user's data, those of other processes
 * included.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_revision(struct jotrack_engine *engine,
                                uint64_t *out,
                                struct jotrack_error **err);

/**
 * Reads what changed after revision `rev`, oldest first.
 *
 * `entities`: JOTRACK_ENTITY_ bits, 0 = all. `limit`: 0 = 100, at most 500. Go on from the page's
 * `rev` while JOTRACK_PAGE_MORE is set. JOTRACK_PAGE_RESET: the log does not reach back that far,
 * or this is another database: read everything again, then go on from the page's `rev`.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_changes_since(struct jotrack_engine *engine,
                                     uint64_t rev,
                                     uint64_t entities,
                                     uint32_t limit,
                                     struct jotrack_change_page **out,
                                     struct jotrack_error **err);

/**
 * Returns the number of changes. `page` NULL gives 0.
 *
 * @since 0.1
 */
JOTRACK_API size_t jotrack_change_page_len(const struct jotrack_change_page *page);

/**
 * Fills `out` with change `i`; its text belongs to the page. False when there is no such change or
 * when `out` has no proper struct_size.
 *
 * @since 0.1
 */
JOTRACK_API
bool jotrack_change_page_get(const struct jotrack_change_page *page,
                             size_t i,
                             struct jotrack_change *out);

/**
 * Fills `out` with what is known of the page as a whole. False when `page` is NULL or `out` has no
 * proper struct_size.
 *
 * @since 0.1
 */
JOTRACK_API
bool jotrack_change_page_info(const struct jotrack_change_page *page,
                              struct jotrack_page_info *out);

/**
 * Frees a page of changes. NULL does nothing.
 *
 * @since 0.1
 */
JOTRACK_API void jotrack_change_page_free(struct jotrack_change_page *page);

/**
 * Executes a query or a mutation, with the schema, the masking and the limits of the server.
 *
 * JOTRACK_OK means that there is a response, which may consist of errors only: look at its
 * `errors` and at the `userErrors` of each mutation. Any other status means that there is none.
 * `*response_json` is freed with jotrack_string_free. Files go through the attachment writer;
 * `downloadUrl` is null here. JOTRACK_UNSUPPORTED without JOTRACK_FEATURE_GRAPHQL.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_graphql_execute(struct jotrack_engine *engine,
                                       const struct jotrack_graphql_request *request,
                                       char **response_json,
                                       struct jotrack_error **err);

/**
 * Starts a query or a mutation and returns; `on_done` has the response.
 *
 * `on_done` is called once, with JOTRACK_OK and the response as `result_json`, or with
 * JOTRACK_CANCELLED, JOTRACK_TIMEOUT, JOTRACK_CLOSED or JOTRACK_SUSPENDED: then it is not known
 * whether a mutation was done, repeat it with the same idempotency key. `user` is handed back and
 * must live until `on_done` returned. It may be called before this returns. `out` (may be NULL) is
 * for jotrack_op_cancel and jotrack_op_wait, and is freed with jotrack_op_free.
 * JOTRACK_BUSY with more than 1024 operations at a time; JOTRACK_UNSUPPORTED without
 * JOTRACK_FEATURE_GRAPHQL.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_graphql_start(struct jotrack_engine *engine,
                                     const struct jotrack_graphql_request *request,
                                     jotrack_done_cb on_done,
                                     void *user,
                                     struct jotrack_op **out,
                                     struct jotrack_error **err);

/**
 * Starts a GraphQL subscription and returns; `on_next` has each response.
 *
 * On SQLite everything that is committed after this returned is told; with the argument `since`
 * everything after a revision. `on_next` is called with one response at a time, as JSON. A document
 * that is refused is one response with `errors`. At most 64 responses wait for the host, and
 * `queue_capacity` of all subscriptions; when another one comes the subscription ends with
 * JOTRACK_LAGGED, after those that wait: subscribe again from the last revision seen.
 * `request->timeout_ms` ends it with JOTRACK_TIMEOUT.
 *
 * `on_done` is called once and last: with JOTRACK_OK when the subscription came to its own end, with
 * JOTRACK_CANCELLED after jotrack_op_cancel, with JOTRACK_CLOSED or JOTRACK_SUSPENDED. It has no
 * result. Everything else as for jotrack_graphql_start.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_graphql_subscribe(struct jotrack_engine *engine,
                                         const struct jotrack_graphql_request *request,
                                         jotrack_op_event_cb on_next,
                                         jotrack_done_cb on_done,
                                         void *user,
                                         struct jotrack_op **out,
                                         struct jotrack_error **err);

/**
 * Writes the schema in the schema definition language. Needs no engine.
 *
 * `*sdl` is freed with jotrack_string_free. JOTRACK_UNSUPPORTED without JOTRACK_FEATURE_GRAPHQL.
 * Any thread.
 *
 * @since 0.1
 */
JOTRACK_API jotrack_status jotrack_graphql_schema(char **sdl, struct jotrack_error **err);

/**
 * Turns an id of this header into the opaque id of the same object in GraphQL.
 *
 * `entity`: one JOTRACK_ENTITY_ bit, not JOTRACK_ENTITY_COACH_STATE, which has no id of its own.
 * `*out` is freed with jotrack_string_free. Any thread.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_node_id_format(uint64_t entity,
                                      const char *id,
                                      char **out,
                                      struct jotrack_error **err);

/**
 * Turns an opaque id of GraphQL into the id of the same object in this header.
 *
 * `*entity` becomes its JOTRACK_ENTITY_ bit. `id` takes the text with its NUL: `cap` is at least
 * 37. JOTRACK_INVALID_ARGUMENT for what is no such id, or one of an object that has no bit. Any
 * thread.
 *
 * @since 0.1
 */
JOTRACK_API
jotrack_status jotrack_node_id_parse(const char *node_id,
                                     uint64_t *entity,
                                     char *id,
                                     size_t cap,
                                     struct jotrack_error **err);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* JOTRACK_H */
