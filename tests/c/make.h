/* Rows that a test needs and is not about. */
#ifndef JOTRACK_TESTS_MAKE_H
#define JOTRACK_TESTS_MAKE_H

#include "check.h"

/* Enters a job; `id` may be NULL. */
static inline void make_job(jotrack_engine *engine, const char *title, char *id)
{
    jotrack_error *err = NULL;
    jotrack_job_input input;
    jotrack_commit commit;

    ZERO(input);
    ZERO(commit);
    input.fields = JOTRACK_JOB_FIELD_COMPANY | JOTRACK_JOB_FIELD_TITLE;
    input.company = "Fjordline";
    input.title = title;
    OK(jotrack_job_create(engine, &input, NULL, &commit, &err));
    if (id != NULL)
        memcpy(id, commit.id, sizeof commit.id);
}

/* Attaches a text to a job; `id` may be NULL. */
static inline void make_file(jotrack_engine *engine, const char *job, int32_t kind,
                             const char *text, char *id)
{
    jotrack_error *err = NULL;
    jotrack_attachment_writer *writer = NULL;
    jotrack_attachment_input input;
    jotrack_commit commit;

    ZERO(input);
    ZERO(commit);
    input.job_id = job;
    input.kind = kind;
    input.filename = "text.txt";
    input.size_hint = strlen(text);
    OK(jotrack_attachment_writer_open(engine, &input, &writer, &err));
    OK(jotrack_attachment_writer_write(writer, text, strlen(text), &err));
    OK(jotrack_attachment_writer_commit(writer, NULL, &commit, &err));
    if (id != NULL)
        memcpy(id, commit.id, sizeof commit.id);
}

#endif
