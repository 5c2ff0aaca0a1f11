/* Asks for the match score of a job and shows how it goes on; Ctrl-C cancels it.
 *
 *     analyze DATA_DIR JOB_ID
 *
 *     cc -std=c99 analyze.c -o analyze $(pkg-config --cflags --libs jotrack)
 *
 * The engine answers this kind itself: no network and no key. For the others set a provider in
 * options.config_json; or, when the user agrees that texts are sent to it, a key with
 * jotrack_provider_key_set and then jotrack_ai_settings_update with
 * {"networkEnabled": true, "provider": "ANTHROPIC", "model": "..."}.
 */
#include <signal.h>
#include <stdio.h>

#include "jotrack.h"

struct run {
    int done;
    int32_t status;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

/* One line of JSON for each event: its kind, its place, and for DELTA the next piece of text. */
static void on_event(void *user, const char *event_json, size_t len)
{
    (void)user;
    fprintf(stderr, "%.*s\n", (int)len, event_json);
}

/* Comes once and last. The JSON and the error live until this returns. */
static void on_done(void *user, int32_t status, const char *result_json, size_t len,
                    const jotrack_error *error)
{
    struct run *run = user;

    if (status == JOTRACK_OK)
        printf("%.*s\n", (int)len, result_json);
    else
        fprintf(stderr, "%s: %s\n", jotrack_status_name(status), jotrack_error_message(error));
    run->status = status;
    run->done = 1;
}

static int failed(const char *what, jotrack_status status, jotrack_error *error)
{
    fprintf(stderr, "%s: %s: %s\n", what, jotrack_status_name(status), jotrack_error_message(error));
    jotrack_error_free(error);
    return 1;
}

int main(int argc, char **argv)
{
    jotrack_engine *engine = NULL;
    jotrack_error *error = NULL;
    jotrack_op *op = NULL;
    jotrack_options options;
    jotrack_analysis_request request = {0};
    struct run run = {0, JOTRACK_OK};
    jotrack_status status;

    if (argc != 3) {
        fprintf(stderr, "usage: analyze DATA_DIR JOB_ID\n");
        return 2;
    }
    jotrack_options_init(&options, sizeof options);
    options.data_dir = argv[1];
    /* Callbacks run inside jotrack_dispatch, on this thread: nothing here needs a lock. */
    options.dispatch = JOTRACK_DISPATCH_HOST;
    status = jotrack_engine_open(&options, &engine, &error);
    if (status != JOTRACK_OK)
        return failed("open", status, error);

    request.struct_size = sizeof request;
    request.kind = "MATCH_SCORE";
    request.job_id = argv[2];
    status = jotrack_analysis_start(engine, &request, on_event, on_done, &run, &op, &error);
    if (status != JOTRACK_OK) {
        jotrack_engine_close(engine);
        return failed("start", status, error);
    }
    signal(SIGINT, on_interrupt);
    while (!run.done && status == JOTRACK_OK) {
        status = jotrack_dispatch(engine, 100, 0, NULL, &error);
        if (interrupted)
            jotrack_op_cancel(op);
    }
    jotrack_op_free(op);
    if (status != JOTRACK_OK) {
        jotrack_engine_close(engine); /* `run` is told of the end here at the latest */
        return failed("dispatch", status, error);
    }
    status = jotrack_engine_close(engine);
    if (status != JOTRACK_OK)
        return failed("close", status, NULL);
    return run.status == JOTRACK_OK ? 0 : 1;
}
