/* What the C programs of the suite share: one macro that counts, one that stops. */
#ifndef JOTRACK_TESTS_CHECK_H
#define JOTRACK_TESTS_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jotrack.h"

static int checks_done;

/* A failed check ends the program: what follows would only repeat it. */
#define CHECK(condition)                                                       \
    do {                                                                       \
        checks_done++;                                                         \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);    \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

/* A call that must succeed; its error is printed when it does not. `err` is in scope. */
#define OK(call)                                                               \
    do {                                                                       \
        checks_done++;                                                         \
        if ((call) != JOTRACK_OK) {                                            \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call,      \
                    jotrack_error_message(err));                               \
            exit(1);                                                           \
        }                                                                      \
        CHECK(err == NULL);                                                    \
    } while (0)

/* A call that must fail with `code`, in the status and in the error object. */
#define FAILS(code, call)                                                      \
    do {                                                                       \
        jotrack_status status_ = (call);                                       \
        checks_done++;                                                         \
        if (status_ != (code) || jotrack_error_code(err) != status_) {         \
            fprintf(stderr, "%s:%d: %s: %s instead of %s (%s)\n", __FILE__,    \
                    __LINE__, #call, jotrack_status_name(status_),             \
                    jotrack_status_name(code), jotrack_error_message(err));    \
            exit(1);                                                           \
        }                                                                      \
        jotrack_error_free(err);                                               \
        err = NULL;                                                            \
    } while (0)

#define TEXT_IS(text, expected)                                                \
    ((text).data != NULL && (text).len == strlen(expected)                     \
     && memcmp((text).data, expected, (text).len) == 0)

/* Closes an engine, which must succeed. */
#define CLOSES(engine)                                                         \
    do {                                                                       \
        jotrack_status status_ = jotrack_engine_close(engine);                 \
        checks_done++;                                                         \
        if (status_ != JOTRACK_OK) {                                           \
            fprintf(stderr, "%s:%d: close: %s\n", __FILE__, __LINE__,          \
                    jotrack_status_name(status_));                             \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

/* Makes a struct of zeros that says its size. */
#define ZERO(value)                                                            \
    do {                                                                       \
        memset(&(value), 0, sizeof(value));                                    \
        (value).struct_size = sizeof(value);                                   \
    } while (0)

static int finish(const char *name)
{
    printf("%s: %d checks\n", name, checks_done);
    return 0;
}

#endif
