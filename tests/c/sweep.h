/* What a generated sweep of calls is written with: see tests/it/abi_proof/sweep.rs. Every memory
 * that a call may write lies between guards, and begins with bytes that mean nothing. */
#ifndef JOTRACK_TESTS_SWEEP_H
#define JOTRACK_TESTS_SWEEP_H

#include "jotrack.h"

enum ends {
    ANYHOW,  /* with a status of the header, and everything that is promised for it */
    FAILED,  /* not with JOTRACK_OK, not with true */
    REFUSED  /* with JOTRACK_INVALID_ARGUMENT or JOTRACK_MISUSE, not with true */
};

/* Begins a case; all places are free again. */
void begin_case(const char *function, const char *words);
/* Ends it: by a status, by a bool, by whether the answer is that for NULL, or by nothing to look at
 * but the handles that live. */
void end_case(enum ends ends, jotrack_status status);
void end_case_bool(enum ends ends, int result);
void end_case_same(enum ends ends, int same);
void end_case_void(void);

/* A struct that goes in, filled as it should be, which says to have `said` bytes. A `tail` behind
 * what the header knows is not zero. */
void *in_struct(int place, const char *name, size_t size, size_t said, int tail);
/* A struct that comes out. */
void *out_struct(int place, size_t size, size_t said);
/* A number or a handle that comes out; the handle is freed by the end. */
void *out_number(int place, size_t size);
void *out_handle(int place, void (*freed_by)(void *));
/* Bytes that come out. */
void *buffer(int place);
jotrack_error **out_error(void);

enum { BUFFER = 64 };

/* Text as it should be for this argument of the function that is called, and ids. */
const char *text(const char *argument);
const char *const *ids(void);
const char *const *ids_with(const char *id);
/* Text that nobody expects. */
const char *overlong(void);
#define BAD_UTF8 "\xc3\x28"
#define CUT_UTF8 "ab\xf0\x9f"

/* Handles that live as long as the sweep, and one that is made anew for who takes it. */
jotrack_engine *valid_jotrack_engine(void);
jotrack_error *valid_jotrack_error(void);
jotrack_job_page *valid_jotrack_job_page(void);
jotrack_attachment_page *valid_jotrack_attachment_page(void);
jotrack_variant_page *valid_jotrack_variant_page(void);
jotrack_change_page *valid_jotrack_change_page(void);
jotrack_attachment_writer *valid_jotrack_attachment_writer(void);
jotrack_attachment_reader *valid_jotrack_attachment_reader(void);
jotrack_op *valid_jotrack_op(void);
jotrack_subscription *valid_jotrack_subscription(void);
jotrack_attachment_writer *fresh_jotrack_attachment_writer(void);
/* What was freed before the sweep, and memory that never was the library's. */
void *gone_jotrack_engine(void);
void *gone_jotrack_error(void);
void *gone_jotrack_job_page(void);
void *gone_jotrack_attachment_page(void);
void *gone_jotrack_variant_page(void);
void *gone_jotrack_change_page(void);
void *gone_jotrack_attachment_writer(void);
void *gone_jotrack_attachment_reader(void);
void *gone_jotrack_op(void);
void *gone_jotrack_subscription(void);
void *gone_string(void);
void *foreign(void);

/* Callbacks that do nothing. */
void call_jotrack_wakeup_cb(void *user);
void call_jotrack_op_event_cb(void *user, const char *json, size_t len);
void call_jotrack_done_cb(void *user, int32_t status, const char *json, size_t len,
                          const jotrack_error *error);
void call_jotrack_event_cb(void *user, const jotrack_event *event);

/* The generated part. */
void sweep(void);

#endif
