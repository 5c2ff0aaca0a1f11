/* Eight threads use one engine at the same time; a subscription sees what they did. */
#include <pthread.h>

#include "check.h"

enum { THREADS = 8, ROUNDS = 25 };

static jotrack_engine *engine;

static void *work(void *user)
{
    int *failures = user;
    int round;

    for (round = 0; round < ROUNDS; round++) {
        jotrack_error *err = NULL;
        jotrack_job_page *page = NULL;
        jotrack_job_input input;
        jotrack_commit commit;
        jotrack_job row;

        ZERO(input);
        ZERO(commit);
        ZERO(row);
        input.fields = JOTRACK_JOB_FIELD_COMPANY | JOTRACK_JOB_FIELD_TITLE;
        input.company = "Fjordline";
        input.title = "Engineer";
        *failures += jotrack_job_create(engine, &input, NULL, &commit, &err) != JOTRACK_OK;
        *failures += jotrack_job_get(engine, commit.id, &page, &err) != JOTRACK_OK;
        *failures += !jotrack_job_page_get(page, 0, &row) || !TEXT_IS(row.id, commit.id);
        jotrack_job_page_free(page);
        *failures += jotrack_job_list(engine, NULL, NULL, 10, &page, &err) != JOTRACK_OK;
        *failures += jotrack_job_page_len(page) == 0;
        jotrack_job_page_free(page);
        /* Errors are made and freed at the same time, each on its own thread. */
        *failures += jotrack_job_get(engine, "nobody", &page, &err) != JOTRACK_INVALID_ARGUMENT;
        *failures += jotrack_error_code(err) != JOTRACK_INVALID_ARGUMENT;
        jotrack_error_free(err);
    }
    return NULL;
}

/* Runs on the callback thread: it only counts, and never on two threads at once. */
struct seen {
    int inside;
    int overlaps;
    int closing;
    uint64_t last_rev;
};

static void told(void *user, const jotrack_event *event)
{
    struct seen *seen = user;

    seen->overlaps += seen->inside++;
    if (event->kind == JOTRACK_EVENT_CHANGED && event->last_rev > seen->last_rev)
        seen->last_rev = event->last_rev;
    seen->closing += event->kind == JOTRACK_EVENT_STATE && event->state == JOTRACK_STATE_CLOSING;
    seen->inside--;
}

static void *subscribe_and_free(void *user)
{
    int *failures = user;
    int round;

    for (round = 0; round < ROUNDS; round++) {
        jotrack_subscription *subscription = NULL;
        struct seen *seen = calloc(1, sizeof *seen);

        *failures += jotrack_subscribe(engine, JOTRACK_ENTITY_JOB, told, seen, &subscription, NULL)
            != JOTRACK_OK;
        jotrack_subscription_free(subscription);
        free(seen); /* no callback may touch it any more */
    }
    return NULL;
}

int main(int argc, char **argv)
{
    jotrack_error *err = NULL;
    jotrack_options options;
    jotrack_subscription *subscription = NULL;
    jotrack_job_page *page = NULL;
    jotrack_page_info info;
    pthread_t threads[THREADS + 1];
    int failures[THREADS + 1] = {0};
    struct seen seen = {0, 0, 0, 0};
    uint64_t revision = 0;
    size_t jobs = 0;
    char after[512] = "";
    int i;

    CHECK(argc == 2);
    jotrack_options_init(&options, sizeof options);
    options.data_dir = argv[1];
    OK(jotrack_engine_open(&options, &engine, &err));
    OK(jotrack_subscribe(engine, 0, told, &seen, &subscription, &err));
    for (i = 0; i <= THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, i < THREADS ? work : subscribe_and_free,
                             &failures[i]) == 0);
    for (i = 0; i <= THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(failures[i] == 0);
    }

    ZERO(info);
    do {
        OK(jotrack_job_list(engine, NULL, after[0] ? after : NULL, 200, &page, &err));
        jobs += jotrack_job_page_len(page);
        CHECK(jotrack_job_page_info(page, &info) && info.next.len < sizeof after);
        if (info.next.data != NULL)
            memcpy(after, info.next.data, info.next.len);
        after[info.next.len] = '\0';
        jotrack_job_page_free(page);
    } while ((info.flags & JOTRACK_PAGE_MORE) != 0);
    CHECK(jobs == THREADS * ROUNDS);
    OK(jotrack_revision(engine, &revision, &err));
    FAILS(JOTRACK_MISUSE, jotrack_dispatch(engine, 0, 0, NULL, &err)); /* no host dispatch here */

    CLOSES(engine);
    CHECK(seen.overlaps == 0 && seen.closing == 1 && seen.last_rev <= revision);
    jotrack_subscription_free(subscription);
    return finish("threads");
}
