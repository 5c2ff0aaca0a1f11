/* Engines come and go, and nothing of them stays: memory, descriptors and threads are counted. What
 * is alive when an engine closes ends once and is answered with JOTRACK_CLOSED from then on.
 *
 * lifecycle FOLDER CYCLES CALLS KIB: how often engines are opened, how many calls one engine gets,
 * and how much memory may grow meanwhile; 0 = not looked at, for tools that keep what is freed. */
#define _POSIX_C_SOURCE 200809L

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "make.h"
#include "usage.h"
#include "provider.h"

enum { THREADS = 8, WARM_UP = 100, CHILD_SECONDS = 60 };

static jotrack_error *err;
static char job[40], file[40];

static jotrack_engine *open_engine(const char *dir, const char *config, int32_t dispatch)
{
    jotrack_engine *engine = NULL;
    jotrack_options options;

    jotrack_options_init(&options, sizeof options);
    options.data_dir = dir;
    options.config_json = config;
    options.dispatch = dispatch;
    OK(jotrack_engine_open(&options, &engine, &err));
    return engine;
}

static jotrack_attachment_writer *open_writer(jotrack_engine *engine)
{
    jotrack_attachment_writer *writer = NULL;
    jotrack_attachment_input input;

    ZERO(input);
    input.job_id = job;
    input.filename = "notes.txt";
    input.kind = JOTRACK_ATTACHMENT_OTHER;
    OK(jotrack_attachment_writer_open(engine, &input, &writer, &err));
    return writer;
}

static void ignore_event(void *user, const jotrack_event *event)
{
    (void)user, (void)event;
}

/* ---- engines one after the other, in both ways of dispatch */

static void cycle(int i)
{
    jotrack_engine *engine =
        open_engine(NULL, NULL, i % 2 ? JOTRACK_DISPATCH_HOST : JOTRACK_DISPATCH_THREAD);
    jotrack_subscription *subscription = NULL;
    char id[40];

    if (i % 10 == 0) {
        OK(jotrack_subscribe(engine, 0, ignore_event, NULL, &subscription, &err));
        make_job(engine, "Engineer", id);
    }
    CLOSES(engine);
    jotrack_subscription_free(subscription);
}

static void engines_come_and_go(int cycles, long kib)
{
    struct usage before;
    time_t start;
    int i;

    for (i = 0; i < WARM_UP + cycles / 10; i++)
        cycle(i);
    before = measure();
    start = time(NULL);
    for (i = 0; i < cycles; i++)
        cycle(i);
    fprintf(stderr, "cycles: %d in %ld s\n", cycles, (long)(time(NULL) - start));
    nothing_stays("cycles", before, kib);
}

/* ---- many calls on one engine: objects, texts and errors are made and freed */

static void call(jotrack_engine *engine, int i)
{
    jotrack_job_page *page = NULL;
    uint64_t number = 0;
    char id[37];
    char *text = NULL;

    switch (i % 5) {
    case 0:
        OK(jotrack_job_get(engine, job, &page, &err));
        CHECK(jotrack_job_page_len(page) == 1);
        jotrack_job_page_free(page);
        break;
    case 1:
        OK(jotrack_node_id_format(JOTRACK_ENTITY_JOB, job, &text, &err));
        OK(jotrack_node_id_parse(text, &number, id, sizeof id, &err));
        CHECK(number == JOTRACK_ENTITY_JOB && strcmp(id, job) == 0);
        jotrack_string_free(text);
        break;
    case 2:
        FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_job_get(engine, "nobody", &page, &err));
        break;
    case 3:
        OK(jotrack_job_list(engine, NULL, NULL, 20, &page, &err));
        jotrack_job_page_free(page);
        break;
    default:
        OK(jotrack_revision(engine, &number, &err));
    }
}

static void calls_leave_nothing(int calls, long kib)
{
    /* Background work reads beside the calls and may open one more reader at any time. */
    static const char QUIET[] = "{\"background\": false}";
    jotrack_engine *engine = open_engine(NULL, QUIET, JOTRACK_DISPATCH_THREAD);
    struct usage before;
    int i;

    make_job(engine, "Engineer", job);
    for (i = 0; i < WARM_UP * 10; i++)
        call(engine, i);
    before = measure();
    for (i = 0; i < calls; i++)
        call(engine, i);
    nothing_stays("calls", before, kib);
    CLOSES(engine);
}

/* ---- an engine closes under eight threads that call and stream */

struct seen {
    int events;
    int deltas;
    int done;
    int late;
    int failures; /* of callbacks; those of the thread are its own */
    jotrack_status status;
};

struct worker {
    jotrack_engine *engine;
    jotrack_op *op;
    jotrack_subscription *subscription;
    jotrack_attachment_reader *reader;
    jotrack_attachment_writer *writer;
    jotrack_job_page *page;
    jotrack_error *error;
    int number;
    int failures;
    jotrack_status called; /* the answer that ended its calls */
    struct seen seen;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int streaming, calling;

/* Adds to a number that another thread waits for. */
static void tell(int *number)
{
    pthread_mutex_lock(&lock);
    ++*number;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void wait_until(const int *number, int value)
{
    pthread_mutex_lock(&lock);
    while (*number < value)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void on_event(void *user, const char *json, size_t len)
{
    struct worker *worker = user;

    worker->seen.events++;
    worker->seen.late += worker->seen.done;
    worker->seen.failures += strlen(json) != len;
    worker->seen.failures += jotrack_engine_close(worker->engine) != JOTRACK_MISUSE;
    if (strstr(json, "\"kind\":\"DELTA\"") != NULL && worker->seen.deltas++ == 0)
        tell(&streaming);
}

static void on_done(void *user, int32_t status, const char *json, size_t len,
                    const jotrack_error *error)
{
    struct worker *worker = user;

    (void)json, (void)len;
    worker->seen.done++;
    worker->seen.status = status;
    worker->seen.failures += jotrack_error_code(error) != status;
    worker->seen.failures += jotrack_engine_close(worker->engine) != JOTRACK_MISUSE;
}

static void on_change(void *user, const jotrack_event *event)
{
    struct worker *worker = user;

    (void)event;
    worker->seen.failures += jotrack_engine_close(worker->engine) != JOTRACK_MISUSE;
    worker->seen.failures += jotrack_dispatch(worker->engine, 0, 0, NULL, NULL) != JOTRACK_MISUSE;
}

/* Calls on the engine, and on what outlives it, until it is closed under each of the calls. */
static void *work(void *user)
{
    struct worker *worker = user;
    jotrack_status called = JOTRACK_OK, read = JOTRACK_OK, written = JOTRACK_OK;
    char bytes[64];
    int calls = 0;
    size_t n;

    while (called == JOTRACK_OK || read == JOTRACK_OK || written == JOTRACK_OK) {
        jotrack_job_page *page = NULL;
        jotrack_job_input input;
        jotrack_job row;

        ZERO(input);
        ZERO(row);
        input.fields = JOTRACK_JOB_FIELD_COMPANY | JOTRACK_JOB_FIELD_TITLE;
        input.company = input.title = "Fjordline";
        if (called == JOTRACK_OK)
            called = jotrack_job_create(worker->engine, &input, NULL, NULL, NULL);
        if (called == JOTRACK_OK)
            called = jotrack_job_get(worker->engine, job, &page, NULL);
        jotrack_job_page_free(page);
        if (calls++ == 0)
            tell(&calling);
        if (read == JOTRACK_OK)
            read = jotrack_attachment_reader_read(worker->reader, 0, bytes, sizeof bytes, &n, NULL);
        if (written == JOTRACK_OK)
            written = jotrack_attachment_writer_write(worker->writer, "x", 1, NULL);
        worker->failures += strlen(jotrack_op_id(worker->op)) != 36;
        worker->failures += !jotrack_job_page_get(worker->page, 0, &row);
        worker->failures += *jotrack_error_message(worker->error) == '\0';
        /* Half of them cancel, over and over. */
        if (worker->number % 2 == 0)
            jotrack_op_cancel(worker->op);
        /* And some let go of their subscription while its last event is on its way. */
        if (worker->number % 3 == 0) {
            jotrack_subscription_free(worker->subscription);
            worker->subscription = NULL;
        }
    }
    worker->failures += read != JOTRACK_CLOSED || written != JOTRACK_CLOSED;
    worker->called = called;
    return NULL;
}

static void begin(struct worker *worker, jotrack_engine *engine, int number)
{
    jotrack_analysis_request request;
    char company[40];

    memset(worker, 0, sizeof *worker);
    worker->engine = engine;
    worker->number = number;
    snprintf(company, sizeof company, "Fjordline %d", number);
    ZERO(request);
    request.kind = "COMPANY_ECOSYSTEM";
    request.company = company;
    OK(jotrack_analysis_start(engine, &request, on_event, on_done, worker, &worker->op, &err));
    OK(jotrack_subscribe(engine, 0, on_change, worker, &worker->subscription, &err));
    OK(jotrack_attachment_reader_open(engine, file, NULL, &worker->reader, &err));
    worker->writer = open_writer(engine);
    OK(jotrack_job_get(engine, job, &worker->page, &err));
    CHECK(jotrack_job_get(engine, "x", NULL, &worker->error) == JOTRACK_INVALID_ARGUMENT);
}

/* What is left of a closed engine is answered, and freed. */
static void look_back(struct worker *worker, jotrack_status closed)
{
    jotrack_commit commit;
    jotrack_job row;
    char byte;
    size_t n = 9;

    CHECK(worker->failures == 0 && worker->seen.failures == 0);
    /* A call that the engine had no time to end is told so as well. */
    CHECK(worker->called == JOTRACK_CLOSED || worker->called == JOTRACK_MISUSE
          || closed == JOTRACK_TIMEOUT);
    CHECK(worker->seen.done == 1 && worker->seen.late == 0);
    CHECK(worker->seen.status == JOTRACK_CLOSED || worker->seen.status == JOTRACK_CANCELLED);
    ZERO(row);
    ZERO(commit);
    CHECK(jotrack_job_page_get(worker->page, 0, &row) && TEXT_IS(row.id, job));
    CHECK(strlen(jotrack_op_id(worker->op)) == 36);
    jotrack_op_cancel(worker->op);
    FAILS(JOTRACK_CLOSED,
          jotrack_attachment_reader_read(worker->reader, 0, &byte, 1, &n, &err));
    CHECK(n == 0 && jotrack_attachment_reader_size(worker->reader) > 0);
    FAILS(JOTRACK_CLOSED, jotrack_attachment_writer_write(worker->writer, "x", 1, &err));
    if (worker->number % 2 == 0)
        FAILS(JOTRACK_CLOSED,
              jotrack_attachment_writer_commit(worker->writer, NULL, &commit, &err));
    else
        jotrack_attachment_writer_abort(worker->writer);
    jotrack_attachment_reader_free(worker->reader);
    jotrack_subscription_free(worker->subscription);
    jotrack_job_page_free(worker->page);
    jotrack_error_free(worker->error);
    jotrack_op_free(worker->op);
}

/* ---- a forked child is sent away by whatever it holds, and takes no lock that a thread had */

static void forked_child_is_sent_away(jotrack_engine *engine, struct worker *worker)
{
    jotrack_graphql_request request;
    jotrack_commit commit;
    enum { TOLD = 10 };
    jotrack_status told_in_child[TOLD] = {0};
    int ends[2], i;
    pid_t child;

    ZERO(commit);
    ZERO(request);
    request.query = "{ __typename }";
    CHECK(pipe(ends) == 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        jotrack_job_page *page = NULL;
        jotrack_error *story = NULL;
        char *json = NULL;
        char byte;
        size_t n;

        alarm(CHILD_SECONDS);
        told_in_child[0] = jotrack_job_list(engine, NULL, NULL, 0, &page, &story);
        told_in_child[8] = jotrack_error_code(story);
        jotrack_error_free(story);
        /* What owns its data is the child's too, and is freed once. */
        told_in_child[9] = jotrack_error_code(worker->error);
        jotrack_error_free(worker->error);
        if (jotrack_job_page_len(worker->page) != 1 || jotrack_error_code(worker->error) != JOTRACK_OK)
            told_in_child[9] = JOTRACK_OK;
        told_in_child[1] = jotrack_graphql_execute(engine, &request, &json, NULL);
        told_in_child[2] = jotrack_attachment_reader_read(worker->reader, 0, &byte, 1, &n, NULL);
        told_in_child[3] = jotrack_attachment_writer_write(worker->writer, "x", 1, NULL);
        told_in_child[4] = jotrack_engine_health_json(engine, &json, NULL);
        told_in_child[5] = jotrack_analysis_cancel(engine, jotrack_op_id(worker->op), NULL);
        told_in_child[6] = jotrack_attachment_writer_commit(worker->writer, NULL, NULL, NULL);
        /* These say nothing, and leave alone what is the parent's. */
        jotrack_attachment_writer_abort(worker->writer);
        jotrack_op_cancel(worker->op);
        jotrack_op_free(worker->op);
        jotrack_subscription_free(worker->subscription);
        told_in_child[7] = jotrack_engine_close(engine);
        if (write(ends[1], told_in_child, sizeof told_in_child) < 0)
            abort();
        kill(getpid(), SIGKILL);
    }
    close(ends[1]);
    CHECK(read(ends[0], told_in_child, sizeof told_in_child) == (ssize_t)sizeof told_in_child);
    CHECK(waitpid(child, NULL, 0) == child);
    close(ends[0]);
    for (i = 0; i < TOLD - 1; i++)
        CHECK(told_in_child[i] == JOTRACK_MISUSE);
    CHECK(told_in_child[i] == JOTRACK_INVALID_ARGUMENT);
    /* The file that was begun is still there to be written and committed. */
    OK(jotrack_attachment_writer_write(worker->writer, "text", 4, &err));
    OK(jotrack_attachment_writer_commit(worker->writer, NULL, &commit, &err));
    CHECK(strlen(commit.id) == 36);
    worker->writer = open_writer(engine);
}

static void closes_under_load(const char *dir, int slow)
{
    jotrack_status closed;
    struct worker workers[THREADS];
    pthread_t threads[THREADS], provider;
    jotrack_engine *engine;
    jotrack_attachment_writer *writer;
    jotrack_commit commit;
    char config[300];
    int port, i;
    int server = listen_on_loopback(&port);

    CHECK(pthread_create(&provider, NULL, serve, &server) == 0);
    snprintf(config, sizeof config,
             "{\"ai\": {\"provider\": \"OPENAI_COMPATIBLE\", \"model\": \"none\","
             " \"base_url\": \"http://127.0.0.1:%d\", \"drain_ms\": 100}}",
             port);
    engine = open_engine(dir, config, JOTRACK_DISPATCH_THREAD);
    make_job(engine, "Engineer", job);
    ZERO(commit);
    writer = open_writer(engine);
    OK(jotrack_attachment_writer_write(writer, "text", 4, &err));
    OK(jotrack_attachment_writer_commit(writer, NULL, &commit, &err));
    memcpy(file, commit.id, sizeof file);
    for (i = 0; i < THREADS; i++)
        begin(&workers[i], engine, i);
    wait_until(&streaming, 1);
    forked_child_is_sent_away(engine, &workers[0]);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, &workers[i]) == 0);
    wait_until(&calling, THREADS);

    closed = jotrack_engine_close(engine);
    /* Under a tool the 5 seconds that work is given may be over; what is promised holds then too. */
    CHECK(closed == JOTRACK_OK || (slow && closed == JOTRACK_TIMEOUT));

    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        look_back(&workers[i], closed);
    }
    CHECK(shutdown(server, SHUT_RDWR) == 0 && pthread_join(provider, NULL) == 0);
    close(server);
}

int main(int argc, char **argv)
{
    long kib;

    CHECK(argc == 5);
#ifdef M_ARENA_MAX
    /* Each thread has one of several heaps of glibc: which keeps what was freed would be chance. */
    mallopt(M_ARENA_MAX, 1);
#endif
    signal(SIGPIPE, SIG_IGN);
    kib = atol(argv[4]);
    closes_under_load(argv[1], kib == 0);
    calls_leave_nothing(atoi(argv[3]), kib);
    engines_come_and_go(atoi(argv[2]), kib);
    return finish("lifecycle");
}
