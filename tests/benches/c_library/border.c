/* Times calls over the border of the C library: border FOLDER ROUNDS. Prints a line for each kind of
 * call: its name, and the median of its time in nanoseconds. */
#define _POSIX_C_SOURCE 200809L

#include <time.h>

#include "../../c/check.h"

static jotrack_error *err;
static jotrack_engine *engine;
static char job[40];
static size_t rows;

static void nothing(void)
{
    OK(jotrack_dispatch(engine, 0, 0, NULL, &err));
}

static void revision(void)
{
    uint64_t number;

    OK(jotrack_revision(engine, &number, &err));
}

static void one(void)
{
    jotrack_job_page *page;

    OK(jotrack_job_get(engine, job, &page, &err));
    jotrack_job_page_free(page);
}

/* The page is read to the end, as a list on a screen would. */
static void page(void)
{
    jotrack_job_page *page;
    jotrack_job row;
    size_t i;

    OK(jotrack_job_list(engine, NULL, NULL, 100, &page, &err));
    row.struct_size = sizeof row;
    for (i = 0; i < jotrack_job_page_len(page); i++)
        rows += jotrack_job_page_get(page, i, &row) && row.title.len > 0;
    jotrack_job_page_free(page);
}

static void graphql(void)
{
    jotrack_graphql_request request;
    char *json;

    ZERO(request);
    request.query = "{ jobs(first: 100) { nodes { id company { name } title status } } }";
    OK(jotrack_graphql_execute(engine, &request, &json, &err));
    CHECK(strstr(json, "\"errors\"") == NULL);
    jotrack_string_free(json);
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Short calls are timed by the hundred: the clock takes as long as they do. */
static void measure(const char *name, void (*call)(void), int rounds, int at_once)
{
    double *times = malloc((size_t)rounds * sizeof *times);
    int i, n;

    CHECK(times != NULL);
    for (i = 0; i < rounds / 10 + 1; i++)
        call();
    for (i = 0; i < rounds; i++) {
        double start = now();

        for (n = 0; n < at_once; n++)
            call();
        times[i] = (now() - start) / at_once;
    }
    qsort(times, (size_t)rounds, sizeof *times, by_size);
    printf("%s %.0f\n", name, times[rounds / 2]);
    free(times);
}

int main(int argc, char **argv)
{
    jotrack_options options;
    jotrack_job_page *first;
    jotrack_job row;
    int rounds;

    CHECK(argc == 3);
    rounds = atoi(argv[2]);
    jotrack_options_init(&options, sizeof options);
    options.data_dir = argv[1];
    options.dispatch = JOTRACK_DISPATCH_HOST;
    OK(jotrack_engine_open(&options, &engine, &err));
    OK(jotrack_job_list(engine, NULL, NULL, 1, &first, &err));
    ZERO(row);
    CHECK(jotrack_job_page_get(first, 0, &row) && row.id.len == 36);
    memcpy(job, row.id.data, 36);
    jotrack_job_page_free(first);

    measure("nothing", nothing, rounds, 100);
    measure("revision", revision, rounds, 10);
    measure("one", one, rounds, 1);
    measure("page", page, rounds, 1);
    CHECK(rows > 0);
    if ((jotrack_features() & JOTRACK_FEATURE_GRAPHQL) != 0)
        measure("graphql", graphql, rounds, 1);
    CLOSES(engine);
    return finish("border");
}
