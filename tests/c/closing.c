/* One thread closes an engine while others dispatch, suspend and resume it, and wake each other:
 * callbacks still come one at a time, ends come once, and nothing of the engine is left behind.
 *
 * closing FOLDER ROUNDS */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>

#include "check.h"
#include "usage.h"

enum { OPERATIONS = 30 };

static jotrack_error *err;

/* What callbacks write to, and what is freed as soon as close returned. */
struct seen {
    pthread_mutex_t lock;
    int inside, ends, wakes, failures;
};

struct side {
    jotrack_engine *engine;
    jotrack_status ended;
};

static int is_over(jotrack_status status)
{
    return status == JOTRACK_MISUSE || status == JOTRACK_CLOSED;
}

static void on_end(void *user, int32_t status, const char *json, size_t len,
                   const jotrack_error *error)
{
    struct seen *seen = user;

    (void)json, (void)len;
    seen->failures += seen->inside++ != 0;
    seen->ends++;
    /* It is the library's, and stays that. */
    jotrack_error_free((jotrack_error *)error);
    seen->failures += jotrack_error_code(error) != status;
    seen->inside--;
}

static void on_wakeup(void *user)
{
    struct seen *seen = user;

    pthread_mutex_lock(&seen->lock);
    seen->wakes++;
    pthread_mutex_unlock(&seen->lock);
}

static void *dispatch(void *user)
{
    struct side *side = user;

    do
        side->ended = jotrack_dispatch(side->engine, -1, 1, NULL, NULL);
    while (side->ended == JOTRACK_OK || side->ended == JOTRACK_BUSY);
    return NULL;
}

static void *suspend(void *user)
{
    struct side *side = user;

    do {
        side->ended = jotrack_engine_suspend(side->engine, 1000, NULL);
        if (side->ended == JOTRACK_OK)
            side->ended = jotrack_engine_resume(side->engine, NULL);
    } while (side->ended == JOTRACK_OK || side->ended == JOTRACK_TIMEOUT);
    return NULL;
}

/* `with_suspend`: an engine that comes and goes meanwhile, which refuses what comes in between. */
static void closes(const char *folder, int with_suspend)
{
    struct seen *seen = calloc(1, sizeof *seen);
    struct side dispatcher, suspender;
    jotrack_engine *engine;
    jotrack_options options;
    jotrack_graphql_request request;
    pthread_t threads[2];
    int i, started = 0;

    CHECK(seen != NULL && pthread_mutex_init(&seen->lock, NULL) == 0);
    jotrack_options_init(&options, sizeof options);
    options.data_dir = folder;
    options.dispatch = JOTRACK_DISPATCH_HOST;
    OK(jotrack_engine_open(&options, &engine, &err));
    OK(jotrack_set_wakeup(engine, on_wakeup, seen, &err));
    ZERO(request);
    request.query = "{ viewer { id } }";
    dispatcher.engine = suspender.engine = engine;
    CHECK(pthread_create(&threads[0], NULL, dispatch, &dispatcher) == 0);
    if (with_suspend)
        CHECK(pthread_create(&threads[1], NULL, suspend, &suspender) == 0);
    for (i = 0; i < OPERATIONS; i++) {
        jotrack_status status = jotrack_graphql_start(engine, &request, on_end, seen, NULL, NULL);

        CHECK(status == JOTRACK_OK || (with_suspend && status == JOTRACK_SUSPENDED));
        started += status == JOTRACK_OK;
    }
    CLOSES(engine);
    /* Nobody is in a callback any more, so what callbacks write to may go. */
    CHECK(seen->ends == started && seen->inside == 0 && seen->failures == 0);
    pthread_mutex_destroy(&seen->lock);
    free(seen);
    for (i = 0; i < 1 + with_suspend; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(is_over(dispatcher.ended) && (!with_suspend || is_over(suspender.ended)));
}

int main(int argc, char **argv)
{
    struct usage before;
    int round;

    CHECK(argc == 3);
    /* The first engine of a process leaves what all share. */
    closes(argv[1], 0);
    before = measure();
    for (round = 0; round < atoi(argv[2]); round++)
        closes(argv[1], round % 2);
    nothing_stays("closing", before, 0);
    return finish("closing");
}
