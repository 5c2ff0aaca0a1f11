/* GraphQL that goes on after the call: responses, one end, cancelled, too slow a host. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "make.h"

static const char CHANGES[] = "subscription { changes { revision } }";
static const char COUNT[] = "{ jobs(first: 1) { totalCount } }";

static jotrack_error *err;

struct told {
    jotrack_engine *engine;
    jotrack_op *cancel_inside;
    int next;
    int late; /* responses behind the end */
    int errors;
    int done;
    jotrack_status status;
    int has_result;
    char last[200];
};

static void on_next(void *user, const char *json, size_t len)
{
    struct told *told = user;

    CHECK(strlen(json) == len);
    told->next++;
    told->late += told->done;
    told->errors += strstr(json, "\"errors\"") != NULL;
    snprintf(told->last, sizeof told->last, "%s", json);
    if (told->cancel_inside != NULL) {
        jotrack_op_cancel(told->cancel_inside);
        jotrack_op_cancel(told->cancel_inside);
    }
}

static void on_done(void *user, int32_t status, const char *json, size_t len,
                    const jotrack_error *error)
{
    struct told *told = user;

    CHECK(json == NULL ? len == 0 : strlen(json) == len);
    CHECK(jotrack_error_code(error) == status);
    told->done++;
    told->status = status;
    told->has_result = json != NULL;
    if (json != NULL)
        snprintf(told->last, sizeof told->last, "%s", json);
}

static void begin(struct told *told, jotrack_engine *engine)
{
    memset(told, 0, sizeof *told);
    told->engine = engine;
}

static void dispatch_until(struct told *told, const int *what)
{
    int rounds = 0;

    while (*what == 0) {
        OK(jotrack_dispatch(told->engine, 1000, 0, NULL, &err));
        CHECK(++rounds < 600);
    }
    if (what == &told->done) {
        OK(jotrack_dispatch(told->engine, 20, 0, NULL, &err));
        CHECK(told->done == 1 && told->late == 0);
    }
}

static void without_the_feature(jotrack_engine *engine)
{
    jotrack_graphql_request request;
    jotrack_op *op = NULL;
    struct told told;

    begin(&told, engine);
    ZERO(request);
    request.query = COUNT;
    FAILS(JOTRACK_UNSUPPORTED,
          jotrack_graphql_start(engine, &request, on_done, &told, &op, &err));
    FAILS(JOTRACK_UNSUPPORTED,
          jotrack_graphql_subscribe(engine, &request, on_next, on_done, &told, &op, &err));
    CHECK(op == NULL && told.done == 0);
}

static void starts(jotrack_engine *engine)
{
    jotrack_graphql_request request;
    jotrack_op *op = NULL;
    struct told told;
    char *json = NULL;

    ZERO(request);
    request.query = COUNT;
    begin(&told, engine);
    OK(jotrack_graphql_start(engine, &request, on_done, &told, &op, &err));
    CHECK(jotrack_op_id(op) == NULL);
    /* The end may be waited for before it is told, and after. */
    OK(jotrack_op_wait(op, -1, &json, &err));
    CHECK(told.done == 0 && strstr(json, "\"totalCount\":1") != NULL);
    jotrack_string_free(json);
    dispatch_until(&told, &told.done);
    CHECK(told.status == JOTRACK_OK && strstr(told.last, "\"totalCount\":1") != NULL);
    OK(jotrack_op_wait(op, 0, NULL, &err));
    jotrack_op_cancel(op);
    OK(jotrack_op_wait(op, 0, NULL, &err));
    jotrack_op_free(op);

    /* Without a handle, and a document that is refused: a response all the same. */
    begin(&told, engine);
    request.query = "{ nothing }";
    OK(jotrack_graphql_start(engine, &request, on_done, &told, NULL, &err));
    dispatch_until(&told, &told.done);
    CHECK(told.status == JOTRACK_OK && strstr(told.last, "\"errors\"") != NULL);
    begin(&told, engine);
    request.query = "{";
    OK(jotrack_graphql_start(engine, &request, on_done, &told, NULL, &err));
    dispatch_until(&told, &told.done);
    CHECK(told.status == JOTRACK_OK && strstr(told.last, "\"errors\"") != NULL);
}

static void subscribes(jotrack_engine *engine)
{
    jotrack_graphql_request request;
    jotrack_op *op = NULL;
    struct told told;
    uint32_t ran;
    int i;

    ZERO(request);
    request.query = CHANGES;
    begin(&told, engine);
    OK(jotrack_graphql_subscribe(engine, &request, on_next, on_done, &told, &op, &err));
    /* Committed right after: told, because the subscription stands when the call returns. */
    make_job(engine, "Engineer", NULL);
    dispatch_until(&told, &told.next);
    CHECK(strstr(told.last, "\"revision\"") != NULL && told.errors == 0);
    told.cancel_inside = op;
    make_job(engine, "Engineer", NULL);
    dispatch_until(&told, &told.done);
    CHECK(told.status == JOTRACK_CANCELLED && !told.has_result);
    FAILS(JOTRACK_CANCELLED, jotrack_op_wait(op, 0, NULL, &err));
    jotrack_op_free(op);

    /* A host that takes nothing: the subscription ends, behind what waits. */
    begin(&told, engine);
    OK(jotrack_graphql_subscribe(engine, &request, on_next, on_done, &told, &op, &err));
    for (i = 0; jotrack_op_wait(op, 10, NULL, NULL) == JOTRACK_TIMEOUT; i++) {
        CHECK(i < 6000);
        make_job(engine, "Engineer", NULL);
    }
    FAILS(JOTRACK_LAGGED, jotrack_op_wait(op, 0, NULL, &err));
    OK(jotrack_dispatch(engine, 0, 64, &ran, &err));
    CHECK(ran == 64 && told.next == 64 && told.done == 0);
    dispatch_until(&told, &told.done);
    CHECK(told.status == JOTRACK_LAGGED && told.next == 64);
    jotrack_op_free(op);

    begin(&told, engine);
    request.timeout_ms = 30;
    OK(jotrack_graphql_subscribe(engine, &request, on_next, on_done, &told, NULL, &err));
    dispatch_until(&told, &told.done);
    CHECK(told.status == JOTRACK_TIMEOUT && told.next == 0);
    request.timeout_ms = 0;

    /* Refused by the guard: one response, and an end of its own. */
    begin(&told, engine);
    request.query = "subscription { nothing }";
    OK(jotrack_graphql_subscribe(engine, &request, on_next, on_done, &told, NULL, &err));
    dispatch_until(&told, &told.done);
    CHECK(told.status == JOTRACK_OK && told.next == 1 && told.errors == 1);
}

static void refuses(jotrack_engine *engine)
{
    jotrack_graphql_request request;
    jotrack_op *op = NULL;
    struct told told;

    ZERO(request);
    begin(&told, engine);
    FAILS(JOTRACK_INVALID_ARGUMENT,
          jotrack_graphql_start(engine, NULL, on_done, &told, &op, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT,
          jotrack_graphql_start(engine, &request, on_done, &told, &op, &err));
    request.query = COUNT;
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_graphql_start(NULL, &request, on_done, &told, &op, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_graphql_start(engine, &request, NULL, &told, &op, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT,
          jotrack_graphql_subscribe(engine, &request, NULL, on_done, &told, &op, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT,
          jotrack_graphql_subscribe(engine, &request, on_next, NULL, &told, &op, &err));
    /* Each kind of operation has its function. */
    FAILS(JOTRACK_INVALID_ARGUMENT,
          jotrack_graphql_subscribe(engine, &request, on_next, on_done, &told, &op, &err));
    request.query = CHANGES;
    FAILS(JOTRACK_INVALID_ARGUMENT,
          jotrack_graphql_start(engine, &request, on_done, &told, &op, &err));
    request.variables_json = "[1]";
    FAILS(JOTRACK_INVALID_ARGUMENT,
          jotrack_graphql_subscribe(engine, &request, on_next, on_done, &told, &op, &err));
    OK(jotrack_dispatch(engine, 20, 0, NULL, &err));
    CHECK(op == NULL && told.done == 0 && told.next == 0);
}

static void ends_with_the_engine(const char *dir)
{
    jotrack_graphql_request request;
    jotrack_engine *engine = NULL;
    jotrack_op *op = NULL, *second = NULL;
    jotrack_options options;
    struct told told, other;

    jotrack_options_init(&options, sizeof options);
    options.data_dir = dir;
    options.dispatch = JOTRACK_DISPATCH_HOST;
    OK(jotrack_engine_open(&options, &engine, &err));
    ZERO(request);
    request.query = CHANGES;
    begin(&told, engine);
    begin(&other, engine);
    OK(jotrack_graphql_subscribe(engine, &request, on_next, on_done, &told, &op, &err));
    OK(jotrack_engine_suspend(engine, 2000, &err));
    FAILS(JOTRACK_SUSPENDED,
          jotrack_graphql_subscribe(engine, &request, on_next, on_done, &other, &second, &err));
    dispatch_until(&told, &told.done);
    CHECK(told.status == JOTRACK_SUSPENDED && told.next == 0);
    OK(jotrack_engine_resume(engine, &err));
    OK(jotrack_graphql_subscribe(engine, &request, on_next, on_done, &other, &second, &err));
    CLOSES(engine);
    CHECK(other.done == 1 && other.status == JOTRACK_CLOSED && other.errors == 0 && told.done == 1);
    jotrack_op_cancel(second);
    FAILS(JOTRACK_CLOSED, jotrack_op_wait(second, -1, NULL, &err));
    jotrack_op_free(second);
    jotrack_op_free(op);
}

int main(int argc, char **argv)
{
    jotrack_engine *engine = NULL;
    jotrack_options options;

    CHECK(argc == 2);
    jotrack_options_init(&options, sizeof options);
    options.dispatch = JOTRACK_DISPATCH_HOST;
    /* So that a slow host is overtaken quickly. */
    options.config_json = "{\"limits\": {\"subscription_pace_ms\": 1}}";
    OK(jotrack_engine_open(&options, &engine, &err));
    make_job(engine, "Engineer", NULL);
    if ((jotrack_features() & JOTRACK_FEATURE_GRAPHQL) == 0) {
        without_the_feature(engine);
        CLOSES(engine);
        return finish("graphql");
    }
    starts(engine);
    subscribes(engine);
    refuses(engine);
    CLOSES(engine);
    ends_with_the_engine(argv[1]);
    return finish("graphql");
}
