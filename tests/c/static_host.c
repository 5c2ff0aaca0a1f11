/* A program with a function of SQLite's name of its own, and with a second library in Rust. */
#include <jotrack.h>

#include <stdio.h>
#include <string.h>

int sqlite3_libversion_number(void);
int other_panics(void);

int sqlite3_libversion_number(void) { return 7; }

static int fail(const char *what)
{
    fprintf(stderr, "static_host: %s\n", what);
    return 1;
}

int main(int argc, char **argv)
{
    jotrack_options options;
    jotrack_engine *engine = NULL;
    jotrack_job_page *page = NULL;
    jotrack_job_input input;
    jotrack_commit commit;

    if (argc != 2)
        return 2;
    if (!other_panics())
        return fail("the other library");
    jotrack_options_init(&options, sizeof options);
    options.data_dir = argv[1];
    if (jotrack_engine_open(&options, &engine, NULL) != JOTRACK_OK)
        return fail("open");
    memset(&input, 0, sizeof input);
    memset(&commit, 0, sizeof commit);
    input.struct_size = sizeof input;
    commit.struct_size = sizeof commit;
    input.fields = JOTRACK_JOB_FIELD_COMPANY | JOTRACK_JOB_FIELD_TITLE;
    input.company = "Fjordline";
    input.title = "Engineer";
    if (jotrack_job_create(engine, &input, NULL, &commit, NULL) != JOTRACK_OK)
        return fail("create");
    if (jotrack_job_list(engine, NULL, NULL, 0, &page, NULL) != JOTRACK_OK
        || jotrack_job_page_len(page) != 1)
        return fail("list");
    jotrack_job_page_free(page);
    if (jotrack_engine_close(engine) != JOTRACK_OK)
        return fail("close");
    if (!other_panics() || sqlite3_libversion_number() != 7)
        return fail("what belongs to the program");
    puts("static_host: ok");
    return 0;
}
