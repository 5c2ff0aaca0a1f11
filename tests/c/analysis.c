/* Analyses: events in order, one end and nothing behind it, whatever ends them; keys of providers. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"
#include "make.h"
#include "provider.h"

static const char RESUME[] =
    "Mara Lindqvist\nSenior Backend Engineer\n\n"
    "Eight years of Rust, PostgreSQL and Kubernetes. Led the move of a payment platform to Rust,\n"
    "ran Docker and Kubernetes in production, mentored four engineers, wrote Python tooling.\n";
static const char POSTING[] =
    "Backend Engineer\n\nRequirements: Rust, PostgreSQL and Kubernetes are required.\n"
    "Must have experience with Docker. Nice to have: Python, Terraform.\n";
/* Of 32 bytes that nothing else is sealed with. */
static const char MASTER_KEY[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
static const char SECRET[] = "sk-test-of-the-c-suite-0001";
static const char UNKNOWN[] = "0190a6ae-0f5c-7d3c-9d57-4d0c6a8f2b11";

static jotrack_error *err;

struct seen {
    jotrack_engine *engine;
    jotrack_op *cancel_inside;
    int events;
    int deltas;
    int done;
    int late; /* events behind the end */
    int unordered;
    jotrack_status status;
    int code; /* of the error object */
    uint64_t sequence;
    char last[24];
    char id[40];
    int has_result;
};

static uint64_t sequence_of(const char *json)
{
    const char *at = strstr(json, "\"sequence\":");

    CHECK(at != NULL);
    return strtoull(at + strlen("\"sequence\":"), NULL, 10);
}

static void on_event(void *user, const char *json, size_t len)
{
    static const char *const KINDS[] = {"QUEUED", "STARTED", "DELTA",    "RESET",
                                        "DONE",   "FAILED",  "CANCELLED"};
    struct seen *seen = user;
    uint64_t sequence = sequence_of(json);
    char member[40];
    size_t i;

    CHECK(strlen(json) == len);
    seen->events++;
    seen->late += seen->done;
    seen->unordered += seen->events > 1 && sequence <= seen->sequence;
    seen->sequence = sequence;
    for (i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        snprintf(member, sizeof member, "\"kind\":\"%s\"", KINDS[i]);
        if (strstr(json, member) != NULL)
            snprintf(seen->last, sizeof seen->last, "%s", KINDS[i]);
    }
    seen->deltas += strcmp(seen->last, "DELTA") == 0;
    if (seen->cancel_inside != NULL) {
        jotrack_op_cancel(seen->cancel_inside);
        jotrack_op_cancel(seen->cancel_inside);
    }
}

static void on_done(void *user, int32_t status, const char *json, size_t len,
                    const jotrack_error *error)
{
    struct seen *seen = user;

    seen->done++;
    seen->status = status;
    seen->code = jotrack_error_code(error);
    seen->has_result = json != NULL && strstr(json, "\"result\":{") != NULL;
    CHECK(json == NULL ? len == 0 : strlen(json) == len);
}

static void wait_for_end(struct seen *seen)
{
    int rounds = 0;

    while (seen->done == 0) {
        OK(jotrack_dispatch(seen->engine, 1000, 0, NULL, &err));
        CHECK(++rounds < 60000);
    }
    /* Nothing comes behind the end. */
    OK(jotrack_dispatch(seen->engine, 50, 0, NULL, &err));
    CHECK(seen->done == 1 && seen->late == 0 && seen->unordered == 0);
}

static void begin(struct seen *seen, jotrack_engine *engine)
{
    memset(seen, 0, sizeof *seen);
    seen->engine = engine;
}

/* The texts are read in the background; the score is there when both were. */
static void wait_for_texts(jotrack_engine *engine, const char *job)
{
    jotrack_match match;
    int rounds = 0;

    ZERO(match);
    while (match.has_score == 0) {
        OK(jotrack_dispatch(engine, 20, 0, NULL, &err));
        OK(jotrack_match_get(engine, job, &match, NULL, &err));
        CHECK(++rounds < 3000);
    }
}

static void local_match(jotrack_engine *engine, const char *job)
{
    jotrack_analysis_request request;
    jotrack_op *op = NULL;
    struct seen seen;
    char *json = NULL;
    char id[40];
    uint64_t last;

    ZERO(request);
    request.kind = "MATCH_SCORE";
    request.job_id = job;
    request.provider = "LOCAL";
    begin(&seen, engine);
    OK(jotrack_analysis_start(engine, &request, on_event, on_done, &seen, &op, &err));
    CHECK(op != NULL && strlen(jotrack_op_id(op)) == 36);
    memcpy(id, jotrack_op_id(op), 37);
    wait_for_end(&seen);
    CHECK(seen.status == JOTRACK_OK && seen.code == 0 && seen.has_result);
    CHECK(seen.events >= 1 && strcmp(seen.last, "DONE") == 0);
    last = seen.sequence;
    jotrack_op_cancel(op); /* too late, and no harm */
    jotrack_op_free(op);

    OK(jotrack_analysis_get(engine, id, &json, &err));
    CHECK(strstr(json, "\"state\":\"SUCCEEDED\"") != NULL && strstr(json, id) != NULL);
    CHECK(strstr(json, "\"overallScore\":") != NULL && strstr(json, "\"provider\":\"LOCAL\""));
    jotrack_string_free(json);
    FAILS(JOTRACK_ALREADY_FINISHED, jotrack_analysis_cancel(engine, id, &err));

    /* Once more: the kept answer, with nobody who wants the handle or the events. */
    begin(&seen, engine);
    OK(jotrack_analysis_start(engine, &request, NULL, on_done, &seen, NULL, &err));
    wait_for_end(&seen);
    CHECK(seen.status == JOTRACK_OK && seen.has_result && seen.events == 0);

    /* From the start, from a place in it, and from behind its end. */
    begin(&seen, engine);
    OK(jotrack_analysis_follow(engine, id, 0, on_event, on_done, &seen, &op, &err));
    wait_for_end(&seen);
    CHECK(seen.status == JOTRACK_OK && seen.has_result && strcmp(seen.last, "DONE") == 0);
    CHECK(strcmp(jotrack_op_id(op), id) == 0);
    jotrack_op_free(op);
    begin(&seen, engine);
    OK(jotrack_analysis_follow(engine, id, last, on_event, on_done, &seen, NULL, &err));
    wait_for_end(&seen);
    CHECK(seen.status == JOTRACK_OK && seen.events == 0);

    /* Let go of at once: the callbacks still come. */
    begin(&seen, engine);
    OK(jotrack_analysis_start(engine, &request, on_event, on_done, &seen, &op, &err));
    jotrack_op_free(op);
    wait_for_end(&seen);
    CHECK(seen.status == JOTRACK_OK && strcmp(seen.last, "DONE") == 0);
}

static void refusals(jotrack_engine *engine, const char *job, const char *bare)
{
    jotrack_analysis_request request, broken;
    jotrack_op *op = NULL;
    struct seen seen;
    char *json = NULL;

    begin(&seen, engine);
    ZERO(request);
    request.kind = "MATCH_SCORE";
    request.job_id = job;
#define STARTS_NOT(code)                                                                           \
    FAILS(code, jotrack_analysis_start(engine, &broken, on_event, on_done, &seen, &op, &err));     \
    CHECK(op == NULL);                                                                             \
    broken = request

    broken = request;
    broken.kind = NULL;
    STARTS_NOT(JOTRACK_INVALID_ARGUMENT);
    broken.kind = "MATCH_SCORES";
    STARTS_NOT(JOTRACK_INVALID_ARGUMENT);
    broken.job_id = NULL;
    STARTS_NOT(JOTRACK_INVALID_ARGUMENT);
    broken.company = "Fjordline";
    STARTS_NOT(JOTRACK_INVALID_ARGUMENT);
    broken.job_id = "job";
    STARTS_NOT(JOTRACK_INVALID_ARGUMENT);
    broken.params_json = "[1]";
    STARTS_NOT(JOTRACK_INVALID_ARGUMENT);
    broken.persona = "UNCLE";
    STARTS_NOT(JOTRACK_INVALID_ARGUMENT);
    broken.provider = "NOBODY";
    STARTS_NOT(JOTRACK_INVALID_ARGUMENT);
    broken.model = "\xff";
    STARTS_NOT(JOTRACK_INVALID_ARGUMENT);
    broken.flags = 0x80;
    STARTS_NOT(JOTRACK_INVALID_ARGUMENT);
    broken.reserved = 1;
    STARTS_NOT(JOTRACK_INVALID_ARGUMENT);
    broken.struct_size = 3;
    STARTS_NOT(JOTRACK_INVALID_ARGUMENT);
    broken.job_id = UNKNOWN;
    STARTS_NOT(JOTRACK_NOT_FOUND);
    broken.job_id = bare;
    broken.provider = "LOCAL";
    STARTS_NOT(JOTRACK_CONFLICT); /* a rule of state: NO_RESUME in the details */
    broken.params_json = "{\"no_such_input\": 1}";
    broken.provider = "LOCAL";
    STARTS_NOT(JOTRACK_VALIDATION);
    broken.provider = "LOCAL";
    broken.model = "a-model";
    STARTS_NOT(JOTRACK_VALIDATION);
    broken.provider = "ANTHROPIC";
    broken.model = "a-model";
    STARTS_NOT(JOTRACK_AI_NOT_CONFIGURED);
#undef STARTS_NOT
    FAILS(JOTRACK_INVALID_ARGUMENT,
          jotrack_analysis_start(NULL, &request, on_event, on_done, &seen, &op, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT,
          jotrack_analysis_start(engine, NULL, on_event, on_done, &seen, &op, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT,
          jotrack_analysis_start(engine, &request, on_event, NULL, &seen, &op, &err));
    FAILS(JOTRACK_NOT_FOUND,
          jotrack_analysis_follow(engine, UNKNOWN, 0, on_event, on_done, &seen, &op, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT,
          jotrack_analysis_follow(engine, "x", 0, on_event, on_done, &seen, &op, &err));
    FAILS(JOTRACK_NOT_FOUND, jotrack_analysis_get(engine, UNKNOWN, &json, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_analysis_get(engine, UNKNOWN, NULL, &err));
    FAILS(JOTRACK_NOT_FOUND, jotrack_analysis_cancel(engine, UNKNOWN, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_analysis_cancel(engine, NULL, &err));
    CHECK(op == NULL && json == NULL);
    jotrack_op_cancel(NULL);
    jotrack_op_free(NULL);
    CHECK(jotrack_op_id(NULL) == NULL);
    OK(jotrack_dispatch(engine, 50, 0, NULL, &err));
    CHECK(seen.events == 0 && seen.done == 0);
}

/* Asks without naming a provider, and returns whether it is `provider` that would have to answer. */
static int asks(jotrack_engine *engine, const char *provider)
{
    jotrack_analysis_request request;
    jotrack_op *op = NULL;
    struct seen seen;
    int named;

    begin(&seen, engine);
    ZERO(request);
    request.kind = "COMPANY_ECOSYSTEM";
    request.company = "Fjordline";
    CHECK(jotrack_analysis_start(engine, &request, on_event, on_done, &seen, &op, &err)
          == JOTRACK_AI_NOT_CONFIGURED);
    named = strstr(jotrack_error_details_json(err), provider) != NULL;
    jotrack_error_free(err);
    err = NULL;
    return named;
}

/* The user's choice counts once the network is allowed. */
static void consent(jotrack_engine *engine)
{
    static const char *const WRONG[] = {"[]",
                                        "{",
                                        "{\"network\": true}",
                                        "{\"networkEnabled\": null}",
                                        "{\"networkEnabled\": 1}",
                                        "{\"provider\": \"NOBODY\"}",
                                        "{\"provider\": true}",
                                        "{\"model\": 1}"};
    static const char CHOICE[] = "{\"provider\": \"ANTHROPIC\", \"model\": \"m\"}";
    static const char NOTHING[] = "{\"networkEnabled\": false, \"provider\": null, \"model\": null}";
    jotrack_commit commit;
    size_t i;

    ZERO(commit);
    for (i = 0; i < sizeof WRONG / sizeof *WRONG; i++)
        FAILS(JOTRACK_INVALID_ARGUMENT,
              jotrack_ai_settings_update(engine, WRONG[i], NULL, NULL, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_ai_settings_update(engine, NULL, NULL, NULL, &err));
    FAILS(JOTRACK_VALIDATION,
          jotrack_ai_settings_update(engine, "{\"model\": \"a\\nb\"}", NULL, NULL, &err));
    OK(jotrack_ai_settings_update(engine, CHOICE, NULL, &commit, &err));
    CHECK(commit.rev > 0 && !asks(engine, "ANTHROPIC"));
    OK(jotrack_ai_settings_update(engine, "{\"networkEnabled\": true}", NULL, NULL, &err));
    CHECK(asks(engine, "ANTHROPIC"));
    OK(jotrack_ai_settings_update(engine, NOTHING, NULL, NULL, &err));
    CHECK(!asks(engine, "ANTHROPIC"));
}

static void keys(jotrack_engine *engine)
{
    jotrack_commit commit;
    char *json = NULL;

    ZERO(commit);
    FAILS(JOTRACK_NOT_FOUND, jotrack_provider_key_delete(engine, "OPENAI", NULL, NULL, &err));
    OK(jotrack_provider_key_set(engine, "OPENAI", SECRET, NULL, NULL, &commit, &err));
    CHECK(commit.rev > 0);
    OK(jotrack_provider_keys(engine, &json, &err));
    CHECK(strstr(json, "\"provider\":\"OPENAI\"") != NULL && strstr(json, "\"last4\":\"0001\""));
    CHECK(strstr(json, SECRET) == NULL && strstr(json, "sk-test") == NULL);
    jotrack_string_free(json);
    FAILS(JOTRACK_INVALID_ARGUMENT,
          jotrack_provider_key_set(engine, "NOBODY", SECRET, NULL, NULL, NULL, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT,
          jotrack_provider_key_set(engine, "OPENAI", NULL, NULL, NULL, NULL, &err));
    FAILS(JOTRACK_VALIDATION,
          jotrack_provider_key_set(engine, "OPENAI", "short", NULL, NULL, NULL, &err));
    FAILS(JOTRACK_VALIDATION,
          jotrack_provider_key_set(engine, "LOCAL", SECRET, NULL, NULL, NULL, &err));
    OK(jotrack_provider_key_delete(engine, "OPENAI", NULL, &commit, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_provider_keys(engine, NULL, &err));
    OK(jotrack_provider_keys(engine, &json, &err));
    CHECK(strcmp(json, "[]") == 0);
    jotrack_string_free(json);
}

static jotrack_engine *open_engine(const char *dir, const char *config, const char *master_key)
{
    jotrack_engine *engine = NULL;
    jotrack_options options;

    jotrack_options_init(&options, sizeof options);
    options.data_dir = dir;
    options.config_json = config;
    options.dispatch = JOTRACK_DISPATCH_HOST;
    options.master_key = master_key;
    OK(jotrack_engine_open(&options, &engine, &err));
    return engine;
}

static void cancelled_and_closed(const char *dir, const char *job)
{
    jotrack_analysis_request request;
    jotrack_engine *engine;
    jotrack_op *op = NULL;
    jotrack_op *second = NULL;
    struct seen seen, other;
    char config[300], id[40];
    int port, rounds = 0;
    int server = listen_on_loopback(&port);
    pthread_t thread;

    CHECK(pthread_create(&thread, NULL, serve, &server) == 0);
    snprintf(config, sizeof config,
             "{\"ai\": {\"provider\": \"OPENAI_COMPATIBLE\", \"model\": \"none\","
             " \"base_url\": \"http://127.0.0.1:%d\", \"drain_ms\": 100}}",
             port);
    engine = open_engine(dir, config, MASTER_KEY);
    ZERO(request);
    request.kind = "COMPANY_ECOSYSTEM";
    request.job_id = job;

    /* Cancelled from inside the first event. */
    begin(&seen, engine);
    OK(jotrack_analysis_start(engine, &request, on_event, on_done, &seen, &op, &err));
    seen.cancel_inside = op;
    wait_for_end(&seen);
    CHECK(seen.status == JOTRACK_CANCELLED && seen.code == JOTRACK_CANCELLED && !seen.has_result);
    CHECK(strcmp(seen.last, "CANCELLED") == 0);
    jotrack_op_free(op);

    /* Cancelled by its id, with a second follower: both are told. */
    begin(&seen, engine);
    begin(&other, engine);
    OK(jotrack_analysis_start(engine, &request, on_event, on_done, &seen, &op, &err));
    memcpy(id, jotrack_op_id(op), 37);
    OK(jotrack_analysis_follow(engine, id, 0, on_event, on_done, &other, &second, &err));
    while (seen.deltas == 0) {
        OK(jotrack_dispatch(engine, 1000, 1, NULL, &err));
        CHECK(++rounds < 60000);
    }
    OK(jotrack_analysis_cancel(engine, id, &err));
    wait_for_end(&seen);
    wait_for_end(&other);
    CHECK(seen.status == JOTRACK_CANCELLED && other.status == JOTRACK_CANCELLED);
    jotrack_op_free(second);
    jotrack_op_free(op);

    /* The engine closes while it runs: one end, and the handle may be freed after it. */
    begin(&seen, engine);
    OK(jotrack_analysis_start(engine, &request, on_event, on_done, &seen, &op, &err));
    while (seen.events == 0) {
        OK(jotrack_dispatch(engine, 1000, 1, NULL, &err));
        CHECK(++rounds < 60000);
    }
    CHECK(seen.done == 0);
    CLOSES(engine);
    CHECK(seen.done == 1 && seen.late == 0);
    CHECK(seen.status == JOTRACK_CLOSED && seen.code == JOTRACK_CLOSED);
    jotrack_op_cancel(op);
    jotrack_op_free(op);
    CHECK(seen.done == 1);
    shutdown(server, SHUT_RDWR);
    CHECK(pthread_join(thread, NULL) == 0);
    close(server);
}

int main(int argc, char **argv)
{
    jotrack_engine *engine;
    jotrack_engine *none = NULL;
    jotrack_options options;
    char job[40], bare[40];

    CHECK(argc == 2);
    signal(SIGPIPE, SIG_IGN);
    engine = open_engine(argv[1], NULL, MASTER_KEY);
    make_job(engine, "Engineer", job);
    make_job(engine, "Engineer", bare);
    make_file(engine, job, JOTRACK_ATTACHMENT_RESUME, RESUME, NULL);
    make_file(engine, job, JOTRACK_ATTACHMENT_JD, POSTING, NULL);
    wait_for_texts(engine, job);
    local_match(engine, job);
    refusals(engine, job, bare);
    keys(engine);
    consent(engine);
    CLOSES(engine);

    cancelled_and_closed(argv[1], bare);

    jotrack_options_init(&options, sizeof options);
    options.master_key = "not a key";
    FAILS(JOTRACK_VALIDATION, jotrack_engine_open(&options, &none, &err));
    CHECK(none == NULL);
    return finish("analysis");
}
