/* A job tracker for the terminal: lists, adds, attaches files, and analyses with a line that lives.
 *
 *     jotrack_shell [-c SETTINGS_JSON] DATA_DIR list [WORDS]
 *     jotrack_shell [-c SETTINGS_JSON] DATA_DIR add COMPANY TITLE
 *     jotrack_shell [-c SETTINGS_JSON] DATA_DIR attach JOB_ID resume|jd|letter|other FILE
 *     jotrack_shell [-c SETTINGS_JSON] DATA_DIR analyse JOB_ID KIND
 *
 *     cc -std=c99 jotrack_shell.c -o jotrack_shell $(pkg-config --cflags --libs jotrack)
 *
 * Ctrl-C cancels an analysis; once more ends the program. MATCH_SCORE needs no network; for other
 * kinds name a provider in the settings, see jotrack_options.config_json.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jotrack.h"

enum { DONE = 0, FAILED = 1, WRONG_USE = 2, INTERRUPTED = 130 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    interrupted = 1;
    signal(number, SIG_DFL); /* once more ends the program */
}

static int failed(const char *what, jotrack_status status, jotrack_error *error)
{
    fprintf(stderr, "%s: %s: %s\n", what, jotrack_status_name(status),
            jotrack_error_message(error));
    jotrack_error_free(error);
    return FAILED;
}

/* ---------------------------------------------------------------- list and add */

static const char *status_text(int32_t status)
{
    static const char *const names[] = {
        "?",     "on radar", "applied",  "phone",     "onsite",
        "offer", "accepted", "rejected", "withdrawn", "ghosted",
    };

    return status > 0 && status < (int32_t)(sizeof names / sizeof *names) ? names[status] : "?";
}

static void print_page(const jotrack_job_page *page)
{
    jotrack_job job;
    size_t i;

    job.struct_size = sizeof job;
    for (i = 0; jotrack_job_page_get(page, i, &job); i++) {
        printf("%.*s  %-9s  %.*s, %.*s", (int)job.id.len, job.id.data, status_text(job.status),
               (int)job.title.len, job.title.data, (int)job.company.len, job.company.data);
        if (job.attachment_count > 0)
            printf("  [%" PRId32 " files]", job.attachment_count);
        if (job.match_score >= 0)
            printf("  %.0f %%", job.match_score);
        putchar('\n');
    }
}

/* Returns the cursor of the next page in memory of its own, or NULL on the last one. */
static char *next_cursor(const jotrack_job_page *page)
{
    jotrack_page_info info;
    char *cursor;

    info.struct_size = sizeof info;
    if (!jotrack_job_page_info(page, &info) || info.next.data == NULL)
        return NULL;
    cursor = malloc(info.next.len + 1);
    if (cursor != NULL) {
        memcpy(cursor, info.next.data, info.next.len);
        cursor[info.next.len] = '\0';
    }
    return cursor;
}

static int list(jotrack_engine *engine, const char *words)
{
    jotrack_job_filter filter = {0};
    char *after = NULL;

    filter.struct_size = sizeof filter;
    filter.order = JOTRACK_ORDER_UPDATED;
    filter.text = words;
    do {
        jotrack_job_page *page = NULL;
        jotrack_error *error = NULL;
        jotrack_status status = jotrack_job_list(engine, &filter, after, 0, &page, &error);

        free(after);
        if (status != JOTRACK_OK)
            return failed("list", status, error);
        print_page(page);
        after = next_cursor(page);
        jotrack_job_page_free(page);
    } while (after != NULL);
    return DONE;
}

static int add(jotrack_engine *engine, const char *company, const char *title)
{
    jotrack_job_input input = {0};
    jotrack_commit commit;
    jotrack_error *error = NULL;
    jotrack_status status;

    input.struct_size = sizeof input;
    input.fields = JOTRACK_JOB_FIELD_COMPANY | JOTRACK_JOB_FIELD_TITLE;
    input.company = company;
    input.title = title;
    commit.struct_size = sizeof commit;
    status = jotrack_job_create(engine, &input, NULL, &commit, &error);
    if (status != JOTRACK_OK)
        return failed("add", status, error);
    printf("%s\n", commit.id);
    return DONE;
}

/* ---------------------------------------------------------------- attach */

static int32_t kind_of(const char *word)
{
    static const char *const words[] = {"", "resume", "jd", "letter", "other"};
    int32_t kind;

    for (kind = JOTRACK_ATTACHMENT_RESUME; kind <= JOTRACK_ATTACHMENT_OTHER; kind++)
        if (strcmp(word, words[kind]) == 0)
            return kind;
    return 0;
}

/* Copies a file into the engine piece by piece: it may be larger than the memory. */
static int copy(jotrack_engine *engine, const jotrack_attachment_input *input, FILE *file,
                jotrack_commit *commit)
{
    static char piece[64 * 1024];
    jotrack_attachment_writer *writer = NULL;
    jotrack_error *error = NULL;
    jotrack_status status = jotrack_attachment_writer_open(engine, input, &writer, &error);
    size_t n;

    while (status == JOTRACK_OK && (n = fread(piece, 1, sizeof piece, file)) > 0)
        status = jotrack_attachment_writer_write(writer, piece, n, &error);
    if (status == JOTRACK_OK && ferror(file)) {
        fprintf(stderr, "attach: %s\n", strerror(errno));
        jotrack_attachment_writer_abort(writer);
        return FAILED;
    }
    if (status != JOTRACK_OK) {
        jotrack_attachment_writer_abort(writer);
        return failed("attach", status, error);
    }
    status = jotrack_attachment_writer_commit(writer, NULL, commit, &error);
    return status == JOTRACK_OK ? DONE : failed("attach", status, error);
}

static void on_change(void *changed, const jotrack_event *event)
{
    (void)event; /* a hint: what is true is read again */
    *(int *)changed = 1;
}

/* Tells the state of one file's text, 0 when it is gone. */
static int32_t text_state(jotrack_engine *engine, const char *job, const char *id)
{
    jotrack_attachment_page *page = NULL;
    jotrack_attachment file;
    int32_t state = 0;
    size_t i;

    if (jotrack_attachment_list(engine, &job, 1, 0, &page, NULL) != JOTRACK_OK)
        return 0;
    file.struct_size = sizeof file;
    for (i = 0; jotrack_attachment_page_get(page, i, &file); i++)
        if (file.id.len == strlen(id) && memcmp(file.id.data, id, file.id.len) == 0)
            state = file.text_state;
    jotrack_attachment_page_free(page);
    return state;
}

static int attach(jotrack_engine *engine, const char *job, const char *kind, const char *path)
{
    jotrack_attachment_input input = {0};
    jotrack_subscription *subscription = NULL;
    jotrack_commit commit;
    jotrack_error *error = NULL;
    jotrack_status status;
    const char *name = strrchr(path, '/');
    int changed = 0, code;
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        fprintf(stderr, "attach: %s: %s\n", path, strerror(errno));
        return FAILED;
    }
    input.struct_size = sizeof input;
    input.job_id = job;
    input.kind = kind_of(kind);
    input.filename = name == NULL ? path : name + 1;
    commit.struct_size = sizeof commit;
    status = jotrack_subscribe(engine, JOTRACK_ENTITY_ATTACHMENT, on_change, &changed,
                               &subscription, &error);
    if (status != JOTRACK_OK) {
        fclose(file);
        return failed("attach", status, error);
    }
    code = copy(engine, &input, file, &commit);
    fclose(file);
    /* Its text is read in the background, and an analysis needs it. */
    while (code == DONE && !interrupted
           && text_state(engine, job, commit.id) == JOTRACK_TEXT_PENDING) {
        changed = 0;
        while (!changed && !interrupted && status == JOTRACK_OK)
            status = jotrack_dispatch(engine, 100, 0, NULL, NULL);
    }
    jotrack_subscription_free(subscription);
    if (code == DONE)
        printf("%s\n", commit.id);
    return code;
}

/* ---------------------------------------------------------------- analyse */

struct run {
    int done;
    int live; /* the line is a terminal's and is written over itself */
    size_t bytes; /* of events with text */
    jotrack_status status;
    char kind[16];
};

/* Copies a member of a flat JSON object that is a plain word. */
static void member(const char *json, const char *name, char *word, size_t cap)
{
    const char *at = strstr(json, name);
    size_t n = 0;

    if (at != NULL)
        for (at += strlen(name); at[n] != '\0' && at[n] != '"' && n + 1 < cap; n++)
            word[n] = at[n];
    word[n] = '\0';
}

static void draw(const struct run *run)
{
    if (run->live)
        fprintf(stderr, "\r\033[K%s ... %zu bytes", run->kind, run->bytes);
    else
        fprintf(stderr, "%s\n", run->kind);
    fflush(stderr);
}

static void on_event(void *user, const char *event_json, size_t len)
{
    struct run *run = user;

    member(event_json, "\"kind\":\"", run->kind, sizeof run->kind);
    if (strcmp(run->kind, "DELTA") == 0)
        run->bytes += len;
    else if (strcmp(run->kind, "RESET") == 0)
        run->bytes = 0;
    draw(run);
}

static void on_done(void *user, int32_t status, const char *result_json, size_t len,
                    const jotrack_error *error)
{
    struct run *run = user;

    if (run->live)
        fputs("\r\033[K", stderr);
    if (status == JOTRACK_OK)
        printf("%.*s\n", (int)len, result_json);
    else
        fprintf(stderr, "%s: %s\n", jotrack_status_name(status), jotrack_error_message(error));
    run->status = status;
    run->done = 1;
}

static int analyse(jotrack_engine *engine, const char *job, const char *kind)
{
    jotrack_analysis_request request = {0};
    struct run run = {0};
    jotrack_op *op = NULL;
    jotrack_error *error = NULL;
    jotrack_status status;

    run.live = isatty(STDERR_FILENO);
    request.struct_size = sizeof request;
    request.kind = kind;
    request.job_id = job;
    status = jotrack_analysis_start(engine, &request, on_event, on_done, &run, &op, &error);
    if (status != JOTRACK_OK)
        return failed("analyse", status, error);
    /* `run` must live until on_done returned, so nothing leaves this loop but its end. */
    while (!run.done && status == JOTRACK_OK) {
        status = jotrack_dispatch(engine, 100, 0, NULL, &error);
        if (interrupted)
            jotrack_op_cancel(op);
    }
    jotrack_op_free(op);
    if (status != JOTRACK_OK) {
        failed("analyse", status, error);
        exit(FAILED); /* a bug of this program; the engine may still hold `run` */
    }
    if (run.status == JOTRACK_CANCELLED)
        return INTERRUPTED;
    return run.status == JOTRACK_OK ? DONE : FAILED;
}

/* ---------------------------------------------------------------- the command line */

static int usage(void)
{
    fprintf(stderr, "usage: jotrack_shell [-c SETTINGS_JSON] DATA_DIR COMMAND\n"
                    "  list [WORDS]\n"
                    "  add COMPANY TITLE\n"
                    "  attach JOB_ID resume|jd|letter|other FILE\n"
                    "  analyse JOB_ID KIND\n");
    return WRONG_USE;
}

static int run(jotrack_engine *engine, int argc, char **argv)
{
    if (strcmp(argv[0], "list") == 0 && argc <= 2)
        return list(engine, argc == 2 ? argv[1] : NULL);
    if (strcmp(argv[0], "add") == 0 && argc == 3)
        return add(engine, argv[1], argv[2]);
    if (strcmp(argv[0], "attach") == 0 && argc == 4 && kind_of(argv[2]) != 0)
        return attach(engine, argv[1], argv[2], argv[3]);
    if (strcmp(argv[0], "analyse") == 0 && argc == 3)
        return analyse(engine, argv[1], argv[2]);
    return usage();
}

int main(int argc, char **argv)
{
    jotrack_options options;
    jotrack_engine *engine = NULL;
    jotrack_error *error = NULL;
    jotrack_status status;
    int code;

    jotrack_options_init(&options, sizeof options);
    if (argc > 2 && strcmp(argv[1], "-c") == 0) {
        options.config_json = argv[2];
        argv += 2;
        argc -= 2;
    }
    if (argc < 3)
        return usage();
    options.data_dir = argv[1];
    /* Callbacks run inside jotrack_dispatch, on this thread: nothing here needs a lock. */
    options.dispatch = JOTRACK_DISPATCH_HOST;
    status = jotrack_engine_open(&options, &engine, &error);
    if (status != JOTRACK_OK)
        return failed("open", status, error);
    signal(SIGINT, on_interrupt);
    code = run(engine, argc - 2, argv + 2);
    status = jotrack_engine_close(engine);
    if (status != JOTRACK_OK)
        return failed("close", status, NULL);
    return code;
}
