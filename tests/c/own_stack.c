/* Calls on a stack that the caller made: coroutines, fibers and some bindings (koffi for Node) call C
 * on stacks that are no thread's. */
#define _XOPEN_SOURCE 700

#include <ucontext.h>

#include "check.h"
#include "make.h"

#define STACK_BYTES (4 * 1024 * 1024)

static jotrack_error *err;
static jotrack_engine *engine;
static ucontext_t outside, inside;

static void calls(void)
{
    jotrack_graphql_request request;
    jotrack_job_page *page = NULL;
    char *json = NULL;

    make_job(engine, "Engineer", NULL);
    OK(jotrack_job_list(engine, NULL, NULL, 0, &page, &err));
    CHECK(jotrack_job_page_len(page) == 1);
    jotrack_job_page_free(page);

    /* The parser of GraphQL asks how much stack is left, and must not mistake another one for it. */
    ZERO(request);
    request.query = "{ jobs(first: 1) { nodes { title } } }";
    OK(jotrack_graphql_execute(engine, &request, &json, &err));
    CHECK(strstr(json, "\"title\":\"Engineer\"") != NULL && strstr(json, "errors") == NULL);
    jotrack_string_free(json);
    OK(jotrack_graphql_schema(&json, &err));
    CHECK(strstr(json, "type Query") != NULL);
    jotrack_string_free(json);
}

int main(int argc, char **argv)
{
    jotrack_options options;
    char *stack;

    CHECK(argc == 2);
    jotrack_options_init(&options, sizeof options);
    options.data_dir = argv[1];
    OK(jotrack_engine_open(&options, &engine, &err));
    stack = malloc(STACK_BYTES);
    CHECK(stack != NULL && getcontext(&inside) == 0);
    inside.uc_stack.ss_sp = stack;
    inside.uc_stack.ss_size = STACK_BYTES;
    inside.uc_link = &outside;
    makecontext(&inside, calls, 0);
    CHECK(swapcontext(&outside, &inside) == 0);
    free(stack);
    CLOSES(engine);
    return finish("own_stack");
}
