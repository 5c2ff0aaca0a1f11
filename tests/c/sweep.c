/* The frame of the generated sweep: what calls get, and what is looked at behind each of them. */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "make.h"
#include "sweep.h"

enum { PLACES = 16, GUARD = 64, ROOM = 4096 + 512, FILL = 0xa5, OVERLONG = 1 << 20 };
enum { MINUTES = 10 };

/* What a call may write, with guards on both sides. */
static struct place {
    enum { FREE, IN, STRUCT, NUMBER, HANDLE, BYTES } kind;
    size_t size; /* as the header has it */
    size_t said; /* in struct_size */
    void (*freed_by)(void *);
    union {
        unsigned char bytes[GUARD + ROOM];
        long long aligned;
    } memory;
} places[PLACES];

static jotrack_error *err;
static jotrack_error *case_error;
static int error_is_asked;
static const char *function;
static const char *words;
static int problems;

static jotrack_engine *engine;
static char job[40], file[40];

/* A handle of each kind: those that live, and those that were freed. */
static struct handles {
    jotrack_engine *engine;
    jotrack_op *op;
    jotrack_error *error;
    jotrack_subscription *subscription;
    jotrack_attachment_reader *attachment_reader;
    jotrack_attachment_writer *attachment_writer;
    jotrack_job_page *job_page;
    jotrack_attachment_page *attachment_page;
    jotrack_variant_page *variant_page;
    jotrack_change_page *change_page;
    char *string;
} live, gone;

static void problem(const char *what, jotrack_status status)
{
    fprintf(stderr, "%s: %s: %s (%s)\n", function, words, what, jotrack_status_name(status));
    problems++;
}

/* Names the case that ended the program, with what a signal handler may call. */
static void died(int signal)
{
    const char *parts[4];
    size_t i;

    parts[0] = signal == SIGALRM ? "hangs: " : "crashes: ";
    parts[1] = function;
    parts[2] = ": ";
    parts[3] = words;
    for (i = 0; i < 4; i++)
        if (parts[i] == NULL || write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0)
            break;
    _exit(3);
}

static unsigned char *memory(int place)
{
    return places[place].memory.bytes + GUARD;
}

static struct place *take(int place, int kind, size_t size)
{
    CHECK(place >= 0 && place < PLACES && size <= ROOM && places[place].kind == FREE);
    memset(places[place].memory.bytes, FILL, sizeof places[place].memory);
    places[place].kind = kind;
    places[place].size = size;
    places[place].said = size;
    places[place].freed_by = NULL;
    return &places[place];
}

void begin_case(const char *of, const char *with)
{
    int i;

    for (i = 0; i < PLACES; i++)
        places[i].kind = FREE;
    error_is_asked = 0;
    function = of;
    words = with;
}

static int is_filled(const unsigned char *from, size_t len, int with)
{
    while (len-- > 0)
        if (*from++ != with)
            return 0;
    return 1;
}

static int is_senseless(size_t said)
{
    return said < sizeof(size_t) || said > 4096;
}

static void look_at(struct place *place, int failed, jotrack_status status)
{
    unsigned char *bytes = place->memory.bytes + GUARD;
    size_t written = place->said < place->size ? place->said : place->size;
    size_t stored = 0;

    if (place->kind == STRUCT) {
        memcpy(&stored, bytes, sizeof stored);
        if (is_senseless(place->said)) {
            if (stored != place->said)
                problem("a size that means nothing was changed", status);
            written = sizeof stored;
        } else {
            /* A call that was refused may not have looked at the struct at all. */
            if (stored != written && !(failed && stored == place->said))
                problem("the struct does not say how much was filled", status);
            if (failed && !is_filled(bytes + sizeof stored, written - sizeof stored, 0))
                problem("a struct of a call that failed is not zero", status);
        }
    }
    if (!is_filled(place->memory.bytes, GUARD, FILL)
        || !is_filled(bytes + written, ROOM - written, FILL))
        problem("memory around an argument was written", status);
    if ((place->kind == NUMBER || place->kind == HANDLE) && failed
        && !is_filled(bytes, place->size, 0))
        problem("an out-argument of a call that failed is not zero", status);
    if (place->kind == HANDLE && !failed) {
        void *handle;

        memcpy(&handle, bytes, sizeof handle);
        place->freed_by(handle);
    }
}

static void end_with(enum ends ends, int failed, jotrack_status status)
{
    int i;

    checks_done++;
    for (i = 0; i < PLACES; i++)
        if (places[i].kind != FREE && places[i].kind != IN)
            look_at(&places[i], failed, status);
    if (ends != ANYHOW && !failed)
        problem("should have failed", status);
}

void end_case(enum ends ends, jotrack_status status)
{
    int failed = status != JOTRACK_OK;

    if (status == JOTRACK_PANIC || status == JOTRACK_INTERNAL)
        problem(error_is_asked ? jotrack_error_message(case_error) : "a bug", status);
    if (status < 0 || status > JOTRACK_PANIC || strcmp(jotrack_status_name(status), "UNKNOWN") == 0)
        problem("a status that the header does not know", status);
    if (ends == REFUSED && failed && status != JOTRACK_INVALID_ARGUMENT && status != JOTRACK_MISUSE)
        problem("should have been refused as the fault of the caller", status);
    if (error_is_asked) {
        if (failed ? jotrack_error_code(case_error) != status : case_error != NULL)
            problem("the error object tells something else", status);
        if (failed && *jotrack_error_message(case_error) == '\0')
            problem("there is no message", status);
        if (failed && *jotrack_error_details_json(case_error) != '{')
            problem("there are no details", status);
        jotrack_error_free(case_error);
        case_error = NULL;
    }
    end_with(ends, failed, status);
}

void end_case_bool(enum ends ends, int result)
{
    end_with(ends, !result, JOTRACK_OK);
}

void end_case_same(enum ends ends, int same)
{
    if (ends == REFUSED && !same)
        problem("is not answered as NULL is", JOTRACK_OK);
    end_with(ANYHOW, 0, JOTRACK_OK);
}

void end_case_void(void)
{
    uint64_t revision;

    /* What frees one handle leaves the others alone. */
    if (jotrack_revision(live.engine, &revision, NULL) != JOTRACK_OK
        || jotrack_error_code(live.error) == JOTRACK_OK || jotrack_op_id(live.op) == NULL
        || jotrack_job_page_len(live.job_page) == 0
        || jotrack_attachment_page_len(live.attachment_page) == 0
        || jotrack_variant_page_len(live.variant_page) == 0
        || jotrack_change_page_len(live.change_page) == 0
        || jotrack_attachment_reader_size(live.attachment_reader) == 0)
        problem("a live handle is gone", JOTRACK_OK);
    end_with(ANYHOW, 0, JOTRACK_OK);
}

void *out_struct(int place, size_t size, size_t said)
{
    take(place, STRUCT, size)->said = said;
    memcpy(memory(place), &said, sizeof said);
    return memory(place);
}

void *out_number(int place, size_t size)
{
    take(place, NUMBER, size);
    return memory(place);
}

void *out_handle(int place, void (*freed_by)(void *))
{
    take(place, HANDLE, sizeof(void *))->freed_by = freed_by;
    return memory(place);
}

void *buffer(int place)
{
    take(place, BYTES, BUFFER);
    return memory(place);
}

jotrack_error **out_error(void)
{
    /* What it points to before the call is nothing that may be read. */
    case_error = (jotrack_error *)(void *)places;
    error_is_asked = 1;
    return &case_error;
}

void *in_struct(int place, const char *name, size_t size, size_t said, int tail)
{
    void *value;

    take(place, IN, size);
    value = memory(place);
    memset(value, 0, ROOM - GUARD);
    if (strcmp(name, "jotrack_job_input") == 0) {
        jotrack_job_input *input = value;

        input->fields = JOTRACK_JOB_FIELD_COMPANY | JOTRACK_JOB_FIELD_TITLE
            | JOTRACK_JOB_FIELD_LOCATION | JOTRACK_JOB_FIELD_POSTING_URL | JOTRACK_JOB_FIELD_NOTES
            | JOTRACK_JOB_FIELD_SOURCE;
        if (strcmp(function, "jotrack_job_create") == 0)
            input->fields |= JOTRACK_JOB_FIELD_STATUS;
        input->company = input->title = "Fjordline";
        input->notes = "notes";
        input->notes_len = 5;
        input->status = JOTRACK_JOB_APPLIED;
    } else if (strcmp(name, "jotrack_attachment_input") == 0) {
        jotrack_attachment_input *input = value;

        input->job_id = job;
        input->filename = "resume.txt";
        input->kind = JOTRACK_ATTACHMENT_OTHER;
    } else if (strcmp(name, "jotrack_analysis_request") == 0) {
        jotrack_analysis_request *request = value;

        request->kind = "MATCH_SCORE";
        request->job_id = job;
        request->provider = "LOCAL";
    } else if (strcmp(name, "jotrack_graphql_request") == 0) {
        ((jotrack_graphql_request *)value)->query = "{ __typename }";
    }
    memcpy(value, &said, sizeof said);
    if (tail)
        memory(place)[size] = 1;
    return value;
}

/* Functions that take something away get something of their own. */
static int takes_away(void)
{
    return strstr(function, "_purge") != NULL || strstr(function, "_trash") != NULL
        || strstr(function, "_delete") != NULL;
}

const char *text(const char *argument)
{
    static char own[40];

    if (strstr(function, "_node_id_parse") != NULL)
        return "job_0190a6ae0f5c7d3c9d574d0c6a8f2b11";
    if (strcmp(argument, "attachment_id") == 0
        || (strcmp(argument, "id") == 0 && strstr(function, "_attachment_") != NULL)) {
        if (!takes_away())
            return file;
        make_file(engine, job, JOTRACK_ATTACHMENT_OTHER, "own", own);
        return own;
    }
    if (strstr(function, "_analysis_") != NULL && strcmp(argument, "id") == 0)
        return jotrack_op_id(live.op);
    if (strstr(argument, "id") != NULL) {
        if (!takes_away())
            return job;
        make_job(engine, "Engineer", own);
        return own;
    }
    if (strstr(argument, "json") != NULL)
        return "{}";
    if (strcmp(argument, "provider") == 0)
        return "ANTHROPIC";
    if (strcmp(argument, "derived") == 0 || strcmp(argument, "after") == 0
        || strcmp(argument, "base_url") == 0)
        return NULL;
    return "text";
}

const char *const *ids_with(const char *id)
{
    static const char *list[2];

    list[0] = list[1] = id;
    return list;
}

const char *const *ids(void)
{
    return ids_with(text("id"));
}

const char *overlong(void)
{
    static char *bytes;

    if (bytes == NULL) {
        bytes = malloc(OVERLONG + 1);
        CHECK(bytes != NULL);
        memset(bytes, 'a', OVERLONG);
        bytes[OVERLONG] = '\0';
    }
    return bytes;
}

#define KIND(kind)                                                                                 \
    jotrack_##kind *valid_jotrack_##kind(void)                                                     \
    {                                                                                              \
        return live.kind;                                                                          \
    }                                                                                              \
    void *gone_jotrack_##kind(void)                                                                \
    {                                                                                              \
        return gone.kind;                                                                          \
    }
KIND(engine)
KIND(error)
KIND(job_page)
KIND(attachment_page)
KIND(variant_page)
KIND(change_page)
KIND(attachment_writer)
KIND(attachment_reader)
KIND(op)
KIND(subscription)

void *gone_string(void)
{
    return gone.string;
}

void *foreign(void)
{
    static unsigned char bytes[ROOM];

    memset(bytes, FILL, sizeof bytes);
    return bytes;
}

jotrack_attachment_writer *fresh_jotrack_attachment_writer(void)
{
    jotrack_attachment_input input;
    jotrack_attachment_writer *fresh;

    ZERO(input);
    input.job_id = job;
    input.filename = "fresh.txt";
    input.kind = JOTRACK_ATTACHMENT_OTHER;
    OK(jotrack_attachment_writer_open(engine, &input, &fresh, &err));
    return fresh;
}

void call_jotrack_wakeup_cb(void *user)
{
    (void)user;
}

void call_jotrack_op_event_cb(void *user, const char *json, size_t len)
{
    (void)user;
    (void)json;
    (void)len;
}

void call_jotrack_done_cb(void *user, int32_t status, const char *json, size_t len,
                          const jotrack_error *error)
{
    (void)user;
    (void)status;
    (void)json;
    (void)len;
    (void)error;
}

void call_jotrack_event_cb(void *user, const jotrack_event *event)
{
    (void)user;
    (void)event;
}

/* Makes a handle of each kind but the engine. */
static void make_handles(struct handles *made)
{
    const char *one[1];
    jotrack_analysis_request request;

    one[0] = job;
    OK(jotrack_job_list(engine, NULL, NULL, 0, &made->job_page, &err));
    OK(jotrack_attachment_list(engine, one, 1, 0, &made->attachment_page, &err));
    OK(jotrack_variant_get_many(engine, one, 1, 0, JOTRACK_VARIANT_RAW, &made->variant_page, &err));
    OK(jotrack_changes_since(engine, 0, 0, 0, &made->change_page, &err));
    OK(jotrack_attachment_reader_open(engine, file, NULL, &made->attachment_reader, &err));
    OK(jotrack_subscribe(engine, 0, call_jotrack_event_cb, NULL, &made->subscription, &err));
    CHECK(jotrack_job_get(engine, "nobody", NULL, &made->error) == JOTRACK_INVALID_ARGUMENT);
    made->attachment_writer = fresh_jotrack_attachment_writer();
    ZERO(request);
    request.kind = "MATCH_SCORE";
    request.job_id = job;
    request.provider = "LOCAL";
    OK(jotrack_analysis_start(engine, &request, NULL, call_jotrack_done_cb, NULL, &made->op, &err));
    OK(jotrack_engine_health_json(engine, &made->string, &err));
}

static void let_go(const struct handles *of)
{
    CLOSES(of->engine);
    jotrack_op_free(of->op);
    jotrack_subscription_free(of->subscription);
    jotrack_attachment_reader_free(of->attachment_reader);
    jotrack_attachment_writer_abort(of->attachment_writer);
    jotrack_job_page_free(of->job_page);
    jotrack_attachment_page_free(of->attachment_page);
    jotrack_variant_page_free(of->variant_page);
    jotrack_change_page_free(of->change_page);
    jotrack_error_free(of->error);
    jotrack_string_free(of->string);
}

static void prepare(const char *folder, int32_t dispatch)
{
    jotrack_options options;
    jotrack_match match;
    char other[40];
    int rounds = 0;

    jotrack_options_init(&options, sizeof options);
    options.data_dir = folder;
    options.dispatch = dispatch;
    OK(jotrack_engine_open(&options, &engine, &err));
    make_job(engine, "Engineer", job);
    make_file(engine, job, JOTRACK_ATTACHMENT_RESUME, "Mara Lindqvist\nEngineer\n\nRust, PostgreSQL.\n", file);
    make_file(engine, job, JOTRACK_ATTACHMENT_JD, "Engineer\n\nRequirements: Rust is required.\n", other);
    ZERO(match);
    while (match.has_score == 0) {
        OK(jotrack_match_get(engine, job, &match, NULL, &err));
        CHECK(nanosleep(&(struct timespec){0, 1000000}, NULL) == 0 && ++rounds < 60000);
    }
    live.engine = engine;
    make_handles(&live);
    CHECK(jotrack_job_page_len(live.job_page) == 1);
    OK(jotrack_engine_open(NULL, &gone.engine, &err));
    make_handles(&gone);
    let_go(&gone);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    prepare(argv[1], strcmp(argv[2], "host") == 0 ? JOTRACK_DISPATCH_HOST : JOTRACK_DISPATCH_THREAD);
    signal(SIGSEGV, died);
    signal(SIGBUS, died);
    signal(SIGABRT, died);
    signal(SIGALRM, died);
    alarm(MINUTES * 60);
    sweep();
    let_go(&live);
    CHECK(problems == 0);
    return finish("sweep");
}
