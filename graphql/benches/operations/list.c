/* Lists jobs through the C library. Reads lines "ROWS TIMES"; answers each with wall and CPU
 * nanoseconds, rows, and bytes of company and title of the last page. */
#define _POSIX_C_SOURCE 200809L

#include <jotrack.h>
#include <stdio.h>
#include <time.h>

static unsigned long long now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (unsigned long long)time.tv_sec * 1000000000ull + (unsigned long long)time.tv_nsec;
}

int main(int argc, char **argv)
{
    jotrack_options options;
    jotrack_engine *engine = NULL;
    unsigned rows, times;

    jotrack_options_init(&options, sizeof options);
    options.data_dir = argc > 1 ? argv[1] : NULL;
    options.config_json = "{\"background\": false}";
    if (jotrack_engine_open(&options, &engine, NULL) != JOTRACK_OK)
        return 1;
    while (scanf("%u %u", &rows, &times) == 2) {
        unsigned long long wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
        size_t found = 0, bytes = 0;
        for (unsigned n = 0; n < times; n++) {
            jotrack_job_page *page = NULL;
            if (jotrack_job_list(engine, NULL, NULL, rows, &page, NULL) != JOTRACK_OK)
                return 1;
            found = jotrack_job_page_len(page);
            bytes = 0;
            for (size_t i = 0; i < found; i++) {
                jotrack_job job;
                job.struct_size = sizeof job;
                if (jotrack_job_page_get(page, i, &job))
                    bytes += job.company.len + job.title.len;
            }
            jotrack_job_page_free(page);
        }
        printf("%llu %llu %zu %zu\n", now(CLOCK_MONOTONIC) - wall,
               now(CLOCK_PROCESS_CPUTIME_ID) - cpu, found, bytes);
        fflush(stdout);
    }
    return jotrack_engine_close(engine) == JOTRACK_OK ? 0 : 1;
}
