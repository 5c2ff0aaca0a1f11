/* A library without GraphQL: the same symbols, and an answer to each of them. */
#include "jotrack.h"

#include <stdio.h>
#include <string.h>

static int fail(const char *what)
{
    fprintf(stderr, "slim: %s\n", what);
    return 1;
}

int main(int argc, char **argv)
{
    jotrack_options options;
    jotrack_engine *engine = NULL;
    jotrack_error *err = NULL;
    jotrack_job_page *page = NULL;
    jotrack_graphql_request request;
    char *json = NULL;

    if (argc != 2)
        return 2;
    if ((jotrack_features() & JOTRACK_FEATURE_GRAPHQL) != 0)
        return fail("this library has GraphQL");
    jotrack_options_init(&options, sizeof options);
    options.data_dir = argv[1];
    if (jotrack_engine_open(&options, &engine, NULL) != JOTRACK_OK)
        return fail("open");
    memset(&request, 0, sizeof request);
    request.struct_size = sizeof request;
    request.query = "{ __typename }";
    if (jotrack_graphql_execute(engine, &request, &json, &err) != JOTRACK_UNSUPPORTED
        || json != NULL || jotrack_error_code(err) != JOTRACK_UNSUPPORTED)
        return fail("execute");
    if (strstr(jotrack_error_message(err), "without GraphQL") == NULL)
        return fail("message");
    jotrack_error_free(err);
    if (jotrack_graphql_schema(&json, NULL) != JOTRACK_UNSUPPORTED || json != NULL)
        return fail("schema");
    if (jotrack_job_list(engine, NULL, NULL, 0, &page, NULL) != JOTRACK_OK)
        return fail("list");
    jotrack_job_page_free(page);
    if (jotrack_engine_close(engine) != JOTRACK_OK)
        return fail("close");
    puts("slim: ok");
    return 0;
}
