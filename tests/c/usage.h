/* What a process holds: memory, descriptors and threads. Needs _POSIX_C_SOURCE 200809L. */
#ifndef JOTRACK_TESTS_USAGE_H
#define JOTRACK_TESTS_USAGE_H

#include <dirent.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

struct usage {
    long kib;
    int descriptors;
    int threads;
};

static int entries(const char *folder)
{
    DIR *dir = opendir(folder);
    int n = 0;

    CHECK(dir != NULL);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

static struct usage measure(void)
{
    struct usage usage;
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");

    CHECK(statm != NULL && fscanf(statm, "%*d %ld", &pages) == 1);
    fclose(statm);
    usage.kib = pages * (sysconf(_SC_PAGESIZE) / 1024);
    usage.descriptors = entries("/proc/self/fd");
    usage.threads = entries("/proc/self/task");
    return usage;
}

/* A thread that was joined may be in the list for a moment longer. */
static void nothing_stays(const char *what, struct usage before, long kib)
{
    struct timespec moment = {0, 1000000};
    struct usage after = measure();
    int rounds = 0;

    while ((after.threads > before.threads || after.descriptors > before.descriptors)
           && rounds++ < 5000) {
        nanosleep(&moment, NULL);
        after = measure();
    }
    fprintf(stderr, "%s: %+ld KiB, %+d descriptors, %+d threads\n", what, after.kib - before.kib,
            after.descriptors - before.descriptors, after.threads - before.threads);
    CHECK(after.descriptors == before.descriptors);
    /* Fewer when a thread that had nothing to do for seconds has gone. */
    CHECK(after.threads <= before.threads);
    CHECK(kib == 0 || after.kib - before.kib < kib);
}

#endif
