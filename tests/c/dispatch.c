/* Callbacks on the program's own thread: when they run, what they may do, how it all ends. */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "make.h"

static jotrack_error *err;

struct told {
    jotrack_engine *engine;
    jotrack_subscription *subscription;
    int free_inside;
    int changed;
    int closing;
    uint64_t entities;
    uint64_t first_rev;
    uint64_t last_rev;
    jotrack_status close_inside;
    jotrack_status dispatch_inside;
    size_t jobs_inside;
};

static void on_event(void *user, const jotrack_event *event)
{
    struct told *told = user;
    jotrack_job_page *page = NULL;

    if (event->kind == JOTRACK_EVENT_STATE) {
        told->closing++;
        return;
    }
    told->changed++;
    told->entities |= event->entities;
    if (told->first_rev == 0)
        told->first_rev = event->first_rev;
    told->last_rev = event->last_rev;
    told->close_inside = jotrack_engine_close(told->engine);
    told->dispatch_inside = jotrack_dispatch(told->engine, 0, 0, NULL, NULL);
    if (jotrack_job_list(told->engine, NULL, NULL, 0, &page, NULL) == JOTRACK_OK)
        told->jobs_inside = jotrack_job_page_len(page);
    jotrack_job_page_free(page);
    if (told->free_inside) {
        jotrack_subscription_free(told->subscription);
        told->subscription = NULL;
    }
}

/* Runs on a thread of the engine: a pipe is how a real program wakes its loop. */
static void on_wakeup(void *user)
{
    const int *pipe_end = user;

    if (write(*pipe_end, "w", 1) != 1)
        abort();
}

/* The child tells what it was told and is killed: at an ordinary end a memory checker would look for
 * what its copies of the other threads' stacks held. */
static void forked_child_is_sent_away(jotrack_engine *engine)
{
    jotrack_status told[2] = {JOTRACK_OK, JOTRACK_OK};
    int ends[2];
    pid_t child;

    CHECK(pipe(ends) == 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        uint64_t revision = 1;

        told[0] = jotrack_revision(engine, &revision, NULL);
        told[1] = jotrack_engine_close(engine);
        if (write(ends[1], told, sizeof told) != (ssize_t)sizeof told)
            told[0] = JOTRACK_OK;
        kill(getpid(), SIGKILL);
    }
    CHECK(read(ends[0], told, sizeof told) == (ssize_t)sizeof told);
    CHECK(waitpid(child, NULL, 0) == child);
    CHECK(told[0] == JOTRACK_MISUSE && told[1] == JOTRACK_MISUSE);
    close(ends[0]);
    close(ends[1]);
}

int main(int argc, char **argv)
{
    jotrack_engine *engine = NULL;
    jotrack_options options;
    struct told first, second;
    uint32_t delivered = 9;
    uint64_t revision = 0;
    int ends[2];
    char byte;
    int i;

    CHECK(argc == 2);
    CHECK(pipe(ends) == 0);
    jotrack_options_init(&options, sizeof options);
    options.data_dir = argv[1];
    options.dispatch = JOTRACK_DISPATCH_HOST;
    options.worker_threads = 1;
    OK(jotrack_engine_open(&options, &engine, &err));
    forked_child_is_sent_away(engine);
    memset(&first, 0, sizeof first);
    memset(&second, 0, sizeof second);
    first.engine = second.engine = engine;
    second.free_inside = 1;
    OK(jotrack_set_wakeup(engine, on_wakeup, &ends[1], &err));
    OK(jotrack_subscribe(engine, 0, on_event, &first, &first.subscription, &err));
    OK(jotrack_subscribe(engine, JOTRACK_ENTITY_JOB, on_event, &second, &second.subscription, &err));
    OK(jotrack_dispatch(engine, 0, 0, &delivered, &err));
    CHECK(delivered == 0 && first.changed == 0);

    /* Nothing runs before the program says so, however much happens. */
    for (i = 0; i < 50; i++)
        make_job(engine, "Engineer", NULL);
    CHECK(read(ends[0], &byte, 1) == 1);
    CHECK(first.changed == 0);
    OK(jotrack_revision(engine, &revision, &err));
    while (first.last_rev < revision || second.changed == 0)
        OK(jotrack_dispatch(engine, 5000, 0, &delivered, &err));
    CHECK(first.changed >= 1 && first.changed <= 50);
    CHECK((first.entities & JOTRACK_ENTITY_JOB) != 0);
    CHECK(first.first_rev > 0 && first.first_rev <= first.last_rev);
    CHECK(first.close_inside == JOTRACK_MISUSE && first.dispatch_inside == JOTRACK_MISUSE);
    CHECK(first.jobs_inside > 0);
    CHECK(second.changed == 1 && second.subscription == NULL);

    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_dispatch(engine, -2, 0, &delivered, &err));
    OK(jotrack_set_wakeup(engine, NULL, NULL, &err));
    make_job(engine, "Last", NULL);

    /* What waits is told at close, on this thread, and then the end. */
    CLOSES(engine);
    CHECK(first.closing == 1 && second.closing == 0 && second.changed == 1);
    jotrack_subscription_free(first.subscription);
    jotrack_subscription_free(NULL);
    return finish("dispatch");
}
