/* What an engine is opened with: kept, or refused, never passed over. */
#define _POSIX_C_SOURCE 200809L

#include <sys/stat.h>

#include "check.h"
#include "make.h"

static jotrack_error *err;

struct lines {
    jotrack_engine *engine;
    int count;
    int worst;
    int finest;
    int foreign;
    size_t jobs_inside;
};

static void on_line(void *user, int32_t level, const char *target, const char *message, size_t len)
{
    struct lines *lines = user;
    jotrack_job_page *page = NULL;

    CHECK(strlen(message) == len && len > 0);
    lines->count++;
    lines->worst = lines->worst == 0 || level < lines->worst ? level : lines->worst;
    lines->finest = level > lines->finest ? level : lines->finest;
    lines->foreign += strncmp(target, "jotrack", 7) != 0;
    /* The library may be called from here. */
    if (lines->engine != NULL
        && jotrack_job_list(lines->engine, NULL, NULL, 0, &page, NULL) == JOTRACK_OK) {
        lines->jobs_inside = jotrack_job_page_len(page);
        jotrack_job_page_free(page);
    }
}

static void flags(const char *dir)
{
    jotrack_engine *engine = NULL;
    jotrack_options options;
    struct stat found;

    jotrack_options_init(&options, sizeof options);
    options.data_dir = dir;
    options.flags = JOTRACK_OPEN_READ_ONLY;
    FAILS(JOTRACK_UNSUPPORTED, jotrack_engine_open(&options, &engine, &err));
    options.flags = JOTRACK_OPEN_NO_NETWORK;
    FAILS(JOTRACK_UNSUPPORTED, jotrack_engine_open(&options, &engine, &err));
    options.flags = 0x100;
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_engine_open(&options, &engine, &err));
    options.flags = JOTRACK_OPEN_NO_CREATE;
    FAILS(JOTRACK_NOT_FOUND, jotrack_engine_open(&options, &engine, &err));
    CHECK(engine == NULL && stat(dir, &found) != 0);
    options.data_dir = NULL;
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_engine_open(&options, &engine, &err));
    options.data_dir = dir;
    options.flags = 0;
    OK(jotrack_engine_open(&options, &engine, &err));
    CLOSES(engine);
    options.flags = JOTRACK_OPEN_NO_CREATE;
    OK(jotrack_engine_open(&options, &engine, &err));
    CLOSES(engine);
}

static void numbers(void)
{
    jotrack_engine *engine = NULL;
    jotrack_options options;

    jotrack_options_init(&options, sizeof options);
    CHECK(options.log == NULL && options.log_level == 0 && options.queue_capacity == 0);
    options.queue_capacity = 63;
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_engine_open(&options, &engine, &err));
    options.queue_capacity = 64;
    options.log_level = 6;
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_engine_open(&options, &engine, &err));
    options.log_level = -1;
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_engine_open(&options, &engine, &err));
    options.log_level = JOTRACK_LOG_TRACE;
    options.worker_threads = 65;
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_engine_open(&options, &engine, &err));
    options.worker_threads = 1;
    OK(jotrack_engine_open(&options, &engine, &err));
    make_job(engine, "Engineer", NULL);
    CLOSES(engine);
}

/* A struct of the first version, without the members that came later. */
static void older_struct(void)
{
    jotrack_engine *engine = NULL;
    jotrack_options options;

    memset(&options, 0xff, sizeof options);
    jotrack_options_init(&options, offsetof(jotrack_options, master_key));
    OK(jotrack_engine_open(&options, &engine, &err));
    CLOSES(engine);
}

static void logs(const char *dir)
{
    char job[40];
    jotrack_engine *engine = NULL, *quiet = NULL;
    jotrack_options options;
    struct lines lines, others;
    jotrack_stats stats;
    int rounds = 0;

    memset(&lines, 0, sizeof lines);
    memset(&others, 0, sizeof others);
    jotrack_options_init(&options, sizeof options);
    options.data_dir = dir;
    options.dispatch = JOTRACK_DISPATCH_HOST;
    options.queue_capacity = 64;
    options.log = on_line;
    options.log_user = &lines;
    options.log_level = JOTRACK_LOG_TRACE;
    OK(jotrack_engine_open(&options, &engine, &err));
    options.data_dir = NULL;
    options.log_user = &others;
    options.log_level = JOTRACK_LOG_ERROR;
    OK(jotrack_engine_open(&options, &quiet, &err));
    lines.engine = engine;
    /* The background work says at this level that it looks at its queue. */
    make_job(engine, "Engineer", job);
    make_file(engine, job, JOTRACK_ATTACHMENT_OTHER, "a note", NULL);
    while (lines.count == 0) {
        OK(jotrack_dispatch(engine, 100, 0, NULL, &err));
        CHECK(++rounds < 600);
    }
    CHECK(lines.finest == JOTRACK_LOG_TRACE && lines.foreign == 0 && lines.jobs_inside > 0);

    /* What still waits when the engine closes is told before it is closed. */
    ZERO(stats);
    make_file(engine, job, JOTRACK_ATTACHMENT_OTHER, "another", NULL);
    for (rounds = 0; stats.queue_len == 0; rounds++) {
        CHECK(rounds < 100000);
        OK(jotrack_engine_stats(engine, &stats, &err));
    }
    CHECK(stats.queue_len <= 64 && stats.logs_dropped == 0);
    lines.count = 0;
    lines.engine = NULL;
    CLOSES(engine);
    CHECK(lines.count > 0);
    make_job(quiet, "Engineer", NULL);
    CLOSES(quiet);
    CHECK(others.count == 0);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    flags(argv[1]);
    numbers();
    older_struct();
    logs(argv[1]);
    return finish("options");
}
