/* Suspended and opened again, waiting for an end, acting as another user, counters. */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"
#include "make.h"
#include "provider.h"

static const char UNKNOWN[] = "0190a6ae-0f5c-7d3c-9d57-4d0c6a8f2b11";
/* The owner of every database. */
static const char LOCAL_USER[] = "00000000-0000-7000-8000-000000000001";

static jotrack_error *err;

struct told {
    jotrack_engine *engine;
    jotrack_op *op;
    int changed;
    int suspended;
    int opened;
    int closing;
    int done;
    uint64_t last_rev;
    jotrack_status status;
    jotrack_status suspend_inside;
    jotrack_status wait_inside;
};

static void on_event(void *user, const jotrack_event *event)
{
    struct told *told = user;

    told->suspend_inside = jotrack_engine_suspend(told->engine, 0, NULL);
    if (event->kind != JOTRACK_EVENT_STATE) {
        told->changed++;
        told->last_rev = event->last_rev;
        return;
    }
    told->suspended += event->state == JOTRACK_STATE_SUSPENDED;
    told->opened += event->state == JOTRACK_STATE_OPEN;
    told->closing += event->state == JOTRACK_STATE_CLOSING;
}

static void on_done(void *user, int32_t status, const char *json, size_t len,
                    const jotrack_error *error)
{
    struct told *told = user;

    (void)json;
    (void)len;
    told->done++;
    told->status = status;
    CHECK(jotrack_error_code(error) == status);
    if (told->op != NULL)
        told->wait_inside = jotrack_op_wait(told->op, 0, NULL, NULL);
}

static void dispatch_until(jotrack_engine *engine, const int *told)
{
    int rounds = 0;

    while (*told == 0) {
        OK(jotrack_dispatch(engine, 1000, 0, NULL, &err));
        CHECK(++rounds < 60);
    }
}

/* Counts this process's open files that belong to a database. */
static int database_files(void)
{
    struct dirent *entry;
    DIR *dir = opendir("/proc/self/fd");
    char link[300], path[512];
    int found = 0;

    if (dir == NULL)
        return -1;
    while ((entry = readdir(dir)) != NULL) {
        ssize_t len;

        snprintf(link, sizeof link, "/proc/self/fd/%s", entry->d_name);
        len = readlink(link, path, sizeof path - 1);
        if (len < 0)
            continue;
        path[len] = '\0';
        found += strstr(path, "jotrack.db") != NULL;
    }
    closedir(dir);
    return found;
}

static jotrack_engine *open_at(const char *dir, const char *config)
{
    jotrack_options options;
    jotrack_engine *engine = NULL;

    jotrack_options_init(&options, sizeof options);
    options.data_dir = dir;
    options.config_json = config;
    options.dispatch = JOTRACK_DISPATCH_HOST;
    OK(jotrack_engine_open(&options, &engine, &err));
    return engine;
}

static void every_call_is_refused(jotrack_engine *engine, const char *job)
{
    jotrack_subscription *subscription = NULL;
    jotrack_job_page *page = NULL;
    jotrack_engine *other = NULL;
    jotrack_stats stats;
    struct told told;
    uint64_t rev = 7;

    memset(&told, 0, sizeof told);
    ZERO(stats);
    FAILS(JOTRACK_SUSPENDED, jotrack_job_get(engine, job, &page, &err));
    FAILS(JOTRACK_SUSPENDED, jotrack_job_list(engine, NULL, NULL, 0, &page, &err));
    FAILS(JOTRACK_SUSPENDED, jotrack_job_trash(engine, &job, 1, NULL, NULL, &err));
    FAILS(JOTRACK_SUSPENDED, jotrack_revision(engine, &rev, &err));
    CHECK(rev == 0 && page == NULL);
    FAILS(JOTRACK_SUSPENDED, jotrack_subscribe(engine, 0, on_event, &told, &subscription, &err));
    FAILS(JOTRACK_SUSPENDED, jotrack_engine_as_user(engine, LOCAL_USER, &other, &err));
    FAILS(JOTRACK_SUSPENDED, jotrack_engine_stats(engine, &stats, &err));
}

static void suspends(const char *dir)
{
    jotrack_engine *engine = open_at(dir, NULL);
    jotrack_subscription *subscription = NULL;
    jotrack_attachment_writer *writer = NULL;
    jotrack_attachment_reader *reader = NULL;
    jotrack_attachment_input input;
    jotrack_job_page *page = NULL;
    jotrack_commit commit;
    struct told told;
    char job[40], byte;
    uint64_t rev = 0;
    size_t n = 0;

    memset(&told, 0, sizeof told);
    told.engine = engine;
    make_job(engine, "Engineer", job);
    OK(jotrack_job_get(engine, job, &page, &err));
    OK(jotrack_subscribe(engine, 0, on_event, &told, &subscription, &err));
    ZERO(input);
    ZERO(commit);
    input.job_id = job;
    input.kind = JOTRACK_ATTACHMENT_OTHER;
    input.filename = "note.txt";
    OK(jotrack_attachment_writer_open(engine, &input, &writer, &err));
    OK(jotrack_attachment_writer_write(writer, "note", 4, &err));
    OK(jotrack_attachment_writer_commit(writer, NULL, &commit, &err));
    OK(jotrack_attachment_reader_open(engine, commit.id, NULL, &reader, &err));
    OK(jotrack_attachment_writer_open(engine, &input, &writer, &err));
    OK(jotrack_attachment_writer_write(writer, "lost", 4, &err));
    dispatch_until(engine, &told.changed);
    CHECK(told.suspend_inside == JOTRACK_MISUSE);
    CHECK(database_files() != 0);

    OK(jotrack_engine_suspend(engine, 2000, &err));
    OK(jotrack_engine_suspend(engine, 0, &err));
    CHECK(database_files() <= 0);
    every_call_is_refused(engine, job);
    FAILS(JOTRACK_SUSPENDED, jotrack_attachment_writer_write(writer, "more", 4, &err));
    FAILS(JOTRACK_SUSPENDED, jotrack_attachment_reader_read(reader, 0, &byte, 1, &n, &err));
    /* What reads pages and runs callbacks goes on. */
    CHECK(jotrack_job_page_len(page) == 1);
    jotrack_job_page_free(page);
    dispatch_until(engine, &told.suspended);

    OK(jotrack_engine_resume(engine, &err));
    OK(jotrack_engine_resume(engine, &err));
    dispatch_until(engine, &told.opened);
    FAILS(JOTRACK_CLOSED, jotrack_attachment_writer_commit(writer, NULL, NULL, &err));
    OK(jotrack_attachment_reader_read(reader, 1, &byte, 1, &n, &err));
    CHECK(n == 1 && byte == 'o');
    jotrack_attachment_reader_free(reader);
    OK(jotrack_job_get(engine, job, &page, &err));
    jotrack_job_page_free(page);
    /* A subscription goes on where it was. */
    told.changed = 0;
    make_job(engine, "Engineer", job);
    OK(jotrack_revision(engine, &rev, &err));
    while (told.last_rev < rev)
        OK(jotrack_dispatch(engine, 1000, 0, NULL, &err));

    /* Closed while it is suspended. */
    OK(jotrack_engine_suspend(engine, 2000, &err));
    CLOSES(engine);
    CHECK(told.closing == 1);
    jotrack_subscription_free(subscription);
}

static void operations_end(const char *dir, int port)
{
    jotrack_analysis_request request;
    jotrack_engine *engine;
    struct told told;
    char job[40], config[300];
    char *json = NULL;

    snprintf(config, sizeof config,
             "{\"ai\": {\"provider\": \"OPENAI_COMPATIBLE\", \"model\": \"none\", "
             "\"base_url\": \"http://127.0.0.1:%d\"}}", port);
    engine = open_at(dir, config);
    OK(jotrack_ai_settings_update(engine, "{\"networkEnabled\": true}", NULL, NULL, &err));
    make_job(engine, "Engineer", job);
    memset(&told, 0, sizeof told);
    told.engine = engine;
    ZERO(request);
    request.kind = "COMPANY_ECOSYSTEM";
    request.job_id = job;
    OK(jotrack_analysis_start(engine, &request, NULL, on_done, &told, &told.op, &err));
    FAILS(JOTRACK_TIMEOUT, jotrack_op_wait(told.op, 0, &json, &err));
    FAILS(JOTRACK_TIMEOUT, jotrack_op_wait(told.op, 20, &json, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_op_wait(told.op, -2, &json, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_op_wait(NULL, 0, &json, &err));
    OK(jotrack_engine_suspend(engine, 5000, &err));
    CHECK(told.done == 0);
    FAILS(JOTRACK_SUSPENDED, jotrack_op_wait(told.op, -1, &json, &err));
    FAILS(JOTRACK_SUSPENDED, jotrack_op_wait(told.op, 0, NULL, &err));
    CHECK(json == NULL);
    dispatch_until(engine, &told.done);
    CHECK(told.status == JOTRACK_SUSPENDED && told.wait_inside == JOTRACK_SUSPENDED);
    OK(jotrack_engine_resume(engine, &err));
    /* What was asked for is still there. */
    OK(jotrack_analysis_get(engine, jotrack_op_id(told.op), &json, &err));
    jotrack_string_free(json);
    CLOSES(engine);
    FAILS(JOTRACK_SUSPENDED, jotrack_op_wait(told.op, 0, NULL, &err));
    CHECK(told.done == 1);
    jotrack_op_free(told.op);
}

static void in_memory(void)
{
    jotrack_engine *engine = open_at(NULL, NULL);
    jotrack_job_page *page = NULL;
    char job[40];

    make_job(engine, "Engineer", job);
    OK(jotrack_engine_suspend(engine, 1000, &err));
    every_call_is_refused(engine, job);
    OK(jotrack_engine_resume(engine, &err));
    OK(jotrack_job_get(engine, job, &page, &err));
    jotrack_job_page_free(page);
    OK(jotrack_engine_suspend(engine, 1000, &err));
    CLOSES(engine);
}

static void users_and_counters(const char *dir)
{
    jotrack_engine *engine = open_at(dir, NULL);
    jotrack_engine *other = NULL, *none = NULL;
    jotrack_job_page *page = NULL;
    jotrack_stats stats, small;
    uint64_t rev = 0;
    char job[40];
    const char *ids[1];

    make_job(engine, "Engineer", job);
    ids[0] = job;
    OK(jotrack_job_trash(engine, ids, 1, NULL, NULL, &err));
    FAILS(JOTRACK_NOT_FOUND, jotrack_engine_as_user(engine, UNKNOWN, &none, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_engine_as_user(engine, "me", &none, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_engine_as_user(engine, LOCAL_USER, NULL, &err));
    CHECK(none == NULL);
    OK(jotrack_engine_as_user(engine, LOCAL_USER, &other, &err));
    ZERO(stats);
    OK(jotrack_engine_stats(other, &stats, &err));
    OK(jotrack_revision(engine, &rev, &err));
    /* The background may write too: the analysis of before goes on. */
    CHECK(stats.rev > 0 && stats.rev <= rev && stats.jobs >= 2 && stats.jobs_trashed == 1);
    CHECK(stats.db_bytes > 0 && stats.ops_running == 0 && stats.subscriptions == 0);
    CHECK(stats.logs_dropped == 0 && stats.queue_len == 0 && stats.cache_entries == 0);
    memset(&small, 0xff, sizeof small);
    small.struct_size = 16;
    OK(jotrack_engine_stats(engine, &small, &err));
    CHECK(small.struct_size == 16 && small.rev >= rev && small.jobs == UINT64_MAX);
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_engine_stats(engine, NULL, &err));

    /* The last handle closes the engine; suspending is for all of them. */
    OK(jotrack_engine_suspend(other, 1000, &err));
    FAILS(JOTRACK_SUSPENDED, jotrack_job_get(engine, job, &page, &err));
    OK(jotrack_engine_resume(engine, &err));
    CLOSES(engine);
    OK(jotrack_job_get(other, job, &page, &err));
    jotrack_job_page_free(page);
    CLOSES(other);
}

int main(int argc, char **argv)
{
    pthread_t thread;
    int port, server;
    jotrack_error **e = &err;

    CHECK(argc == 2);
    signal(SIGPIPE, SIG_IGN);
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_engine_suspend(NULL, 0, e));
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_engine_resume(NULL, e));
    server = listen_on_loopback(&port);
    CHECK(pthread_create(&thread, NULL, serve, &server) == 0);
    suspends(argv[1]);
    operations_end(argv[1], port);
    in_memory();
    users_and_counters(argv[1]);
    shutdown(server, SHUT_RDWR);
    CHECK(pthread_join(thread, NULL) == 0);
    close(server);
    return finish("state");
}
