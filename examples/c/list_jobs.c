/* Lists the jobs of a data folder; with a company and a title it adds one first.
 *
 *     list_jobs DATA_DIR [COMPANY TITLE]
 *
 *     cc -std=c99 list_jobs.c -o list_jobs $(pkg-config --cflags --libs jotrack)
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jotrack.h"

/* Tells a failed call and frees its story. */
static int failed(const char *what, jotrack_status status, jotrack_error *error)
{
    fprintf(stderr, "%s: %s: %s\n", what, jotrack_status_name(status), jotrack_error_message(error));
    if (status == JOTRACK_VALIDATION)
        fprintf(stderr, "%s\n", jotrack_error_details_json(error));
    jotrack_error_free(error);
    return 1;
}

/* A number that only a newer library knows must still print. */
static const char *status_text(int32_t status)
{
    static const char *const names[] = {
        "?",     "on radar", "applied",  "phone",     "onsite",
        "offer", "accepted", "rejected", "withdrawn", "ghosted",
    };

    return status > 0 && status < (int32_t)(sizeof names / sizeof *names) ? names[status] : "?";
}

static int add(jotrack_engine *engine, const char *company, const char *title)
{
    jotrack_job_input input;
    jotrack_error *error = NULL;
    jotrack_status status;

    memset(&input, 0, sizeof input);
    input.struct_size = sizeof input;
    input.fields = JOTRACK_JOB_FIELD_COMPANY | JOTRACK_JOB_FIELD_TITLE;
    input.company = company;
    input.title = title;
    status = jotrack_job_create(engine, &input, NULL, NULL, &error);
    return status == JOTRACK_OK ? 0 : failed("add", status, error);
}

static void print_job(const jotrack_job *job)
{
    char score[8] = "-";

    if (job->match_score >= 0)
        snprintf(score, sizeof score, "%.0f %%", job->match_score);
    printf("%-10s %6s  %.*s, %.*s\n", status_text(job->status), score, (int)job->title.len,
           job->title.data, (int)job->company.len, job->company.data);
}

/* Prints every page. The cursor belongs to the page, so it is copied before the page is freed. */
static int list(jotrack_engine *engine)
{
    jotrack_job_filter filter;
    char *after = NULL;
    uint64_t n = 0;

    memset(&filter, 0, sizeof filter);
    filter.struct_size = sizeof filter;
    filter.order = JOTRACK_ORDER_UPDATED;
    for (;;) {
        jotrack_job_page *page = NULL;
        jotrack_error *error = NULL;
        jotrack_page_info info;
        jotrack_job job;
        jotrack_status status;
        size_t i;

        status = jotrack_job_list(engine, &filter, after, 0, &page, &error);
        free(after);
        after = NULL;
        if (status != JOTRACK_OK)
            return failed("list", status, error);
        job.struct_size = sizeof job;
        for (i = 0; jotrack_job_page_get(page, i, &job); i++, n++)
            print_job(&job);
        info.struct_size = sizeof info;
        if (jotrack_job_page_info(page, &info) && info.next.data != NULL) {
            after = malloc(info.next.len + 1);
            if (after != NULL) {
                memcpy(after, info.next.data, info.next.len);
                after[info.next.len] = '\0';
            }
        }
        jotrack_job_page_free(page);
        if (after == NULL)
            break;
    }
    printf("%" PRIu64 " jobs\n", n);
    return 0;
}

int main(int argc, char **argv)
{
    jotrack_options options;
    jotrack_engine *engine = NULL;
    jotrack_error *error = NULL;
    jotrack_status status;
    int exit_code;

    if (argc != 2 && argc != 4) {
        fprintf(stderr, "usage: list_jobs DATA_DIR [COMPANY TITLE]\n");
        return 2;
    }
    jotrack_options_init(&options, sizeof options);
    options.data_dir = argv[1];
    status = jotrack_engine_open(&options, &engine, &error);
    if (status != JOTRACK_OK)
        return failed("open", status, error);
    exit_code = argc == 4 ? add(engine, argv[2], argv[3]) : 0;
    if (exit_code == 0)
        exit_code = list(engine);
    if (jotrack_engine_close(engine) != JOTRACK_OK)
        exit_code = 1;
    return exit_code;
}
