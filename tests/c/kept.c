/* Kept answers counted and removed, jobs found, versions told, files that are not whole. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

static const char RESUME[] =
    "Mara Lindqvist\nSenior Backend Engineer\n\n"
    "Eight years of Rust, PostgreSQL and Kubernetes. Led the move of a payment platform to Rust,\n"
    "ran Docker and Kubernetes in production, mentored four engineers, wrote Python tooling.\n";
static const char POSTING[] =
    "Backend Engineer\n\nRequirements: Rust, PostgreSQL and Kubernetes are required.\n"
    "Must have experience with Docker. Nice to have: Python, Terraform.\n";

static jotrack_error *err;

static void on_done(void *user, int32_t status, const char *json, size_t len,
                    const jotrack_error *error)
{
    (void)user;
    (void)json;
    (void)len;
    CHECK(status == JOTRACK_OK && error == NULL);
}

static void add_job(jotrack_engine *engine, const char *title, jotrack_commit *commit)
{
    jotrack_job_input input;

    ZERO(input);
    ZERO(*commit);
    input.fields = JOTRACK_JOB_FIELD_COMPANY | JOTRACK_JOB_FIELD_TITLE;
    input.company = "Fjordline";
    input.title = title;
    OK(jotrack_job_create(engine, &input, NULL, commit, &err));
}

static int64_t version_of(jotrack_engine *engine, const char *id)
{
    jotrack_job_page *page = NULL;
    jotrack_job job;

    ZERO(job);
    OK(jotrack_job_get(engine, id, &page, &err));
    CHECK(jotrack_job_page_get(page, 0, &job));
    jotrack_job_page_free(page);
    return job.version;
}

static void attach(jotrack_engine *engine, const char *job, int32_t kind, const char *text,
                   jotrack_commit *commit)
{
    jotrack_attachment_writer *writer = NULL;
    jotrack_attachment_input input;

    ZERO(input);
    ZERO(*commit);
    input.job_id = job;
    input.kind = kind;
    input.filename = "text.txt";
    OK(jotrack_attachment_writer_open(engine, &input, &writer, &err));
    OK(jotrack_attachment_writer_write(writer, text, strlen(text), &err));
    OK(jotrack_attachment_writer_commit(writer, NULL, commit, &err));
}

static void versions(jotrack_engine *engine)
{
    jotrack_job_input input;
    jotrack_commit commit, other, first;
    jotrack_coach coach;
    jotrack_write write;
    char job[40];
    const char *ids[2];
    int64_t version;

    add_job(engine, "Engineer", &commit);
    memcpy(job, commit.id, sizeof job);
    CHECK(commit.version == 1 && version_of(engine, job) == 1);
    ZERO(input);
    ZERO(write);
    input.fields = JOTRACK_JOB_FIELD_TITLE;
    input.title = "Senior Engineer";
    write.expected_version = commit.version;
    OK(jotrack_job_update(engine, job, &input, &write, &commit, &err));
    CHECK(commit.version == 2 && version_of(engine, job) == 2);
    /* The next one needs no reading in between. */
    input.title = "Staff Engineer";
    write.expected_version = commit.version;
    OK(jotrack_job_update(engine, job, &input, &write, &commit, &err));
    CHECK(commit.version == 3);
    input.title = "Principal Engineer";
    CHECK(jotrack_job_update(engine, job, &input, &write, &commit, &err) == JOTRACK_CONFLICT);
    CHECK(strstr(jotrack_error_details_json(err), "\"reason\":\"VERSION\"") != NULL);
    CHECK(strstr(jotrack_error_details_json(err), "\"currentVersion\":3") != NULL);
    jotrack_error_free(err);
    err = NULL;
    CHECK(commit.version == 0);
    input.title = "Staff Engineer";
    OK(jotrack_job_update(engine, job, &input, NULL, &commit, &err));
    CHECK(commit.flags == JOTRACK_COMMIT_UNCHANGED && commit.version == 0);

    /* A list of one has a version, a list of two has not. */
    add_job(engine, "Writer", &other);
    ids[0] = job;
    ids[1] = other.id;
    OK(jotrack_job_update_status(engine, ids, 1, JOTRACK_JOB_APPLIED, 0, NULL, NULL, &commit, &err));
    CHECK(commit.version == version_of(engine, job) && commit.version > 0);
    OK(jotrack_job_archive(engine, ids, 2, 1, NULL, &commit, &err));
    CHECK(commit.version == 0 && commit.rev > 0);
    /* A rule of state is a conflict with a reason, never "exists". */
    CHECK(jotrack_job_purge(engine, ids, 1, NULL, NULL, &err) == JOTRACK_CONFLICT);
    CHECK(strstr(jotrack_error_details_json(err), "\"reason\":\"NOT_IN_TRASH\"") != NULL);
    jotrack_error_free(err);
    err = NULL;

    OK(jotrack_coach_update(engine, job, "{\"currentStep\": \"DISCOVERY\"}", NULL, &commit, NULL,
                            &err));
    ZERO(coach);
    OK(jotrack_coach_get(engine, job, &coach, NULL, &err));
    CHECK(commit.version == coach.version && coach.version > 0);
    version = coach.version;
    write.expected_version = version;
    OK(jotrack_coach_update(engine, job, "{\"currentStep\": null}", &write, &commit, NULL, &err));
    CHECK(commit.version == version + 1);

    attach(engine, job, JOTRACK_ATTACHMENT_OTHER, RESUME, &first);
    CHECK(first.version == 0);
    ZERO(commit);
    OK(jotrack_variant_set(engine, first.id, JOTRACK_VARIANT_RAW, POSTING, strlen(POSTING), NULL,
                           &commit, &err));
    CHECK(commit.version >= 0 && commit.id[0] != '\0');
    /* An old program's struct ends before the version. */
    memset(&commit, 0x55, sizeof commit);
    commit.struct_size = offsetof(jotrack_commit, version);
    input.title = "Writer of code";
    OK(jotrack_job_update(engine, job, &input, NULL, &commit, &err));
    CHECK(commit.struct_size == 64 && commit.version == 0x5555555555555555);
}

static void broken_writers(jotrack_engine *engine, const char *job)
{
    jotrack_attachment_writer *writer = NULL;
    jotrack_attachment_input input;
    jotrack_commit commit;
    char *upload = NULL;

    ZERO(input);
    ZERO(commit);
    input.job_id = job;
    input.kind = JOTRACK_ATTACHMENT_OTHER;
    input.filename = "half.txt";
    OK(jotrack_attachment_writer_open(engine, &input, &writer, &err));
    OK(jotrack_attachment_writer_write(writer, "begin", 5, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_attachment_writer_write(writer, NULL, 5, &err));
    FAILS(JOTRACK_MISUSE, jotrack_attachment_writer_write(writer, "end", 3, &err));
    FAILS(JOTRACK_MISUSE, jotrack_attachment_writer_commit(writer, NULL, &commit, &err));
    CHECK(commit.id[0] == '\0');
    OK(jotrack_attachment_writer_open(engine, &input, &writer, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_attachment_writer_write(writer, NULL, 1, &err));
    FAILS(JOTRACK_MISUSE, jotrack_attachment_writer_stage(writer, &upload, &err));
    CHECK(upload == NULL);
}

static void found(jotrack_engine *engine)
{
    jotrack_commit commit;
    char *json = NULL;

    add_job(engine, "Glassblower", &commit);
    OK(jotrack_search_json(engine, "glassbl", JOTRACK_ENTITY_JOB, 0, &json, &err));
    CHECK(strstr(json, commit.id) != NULL && strstr(json, "\"more\":false") != NULL);
    CHECK(strstr(json, "\"title\":\"Glassblower\"") != NULL);
    CHECK(strstr(json, "\"status\":1") != NULL && strstr(json, "\"score\":") != NULL);
    jotrack_string_free(json);
    add_job(engine, "Glassblower's help", &commit);
    OK(jotrack_search_json(engine, "glassblower", 0, 1, &json, &err));
    CHECK(strstr(json, "\"more\":true") != NULL);
    jotrack_string_free(json);
    OK(jotrack_search_json(engine, "nothing-like-it", 0, 10, &json, &err));
    CHECK(strcmp(json, "{\"hits\":[],\"more\":false}") == 0);
    jotrack_string_free(json);
    FAILS(JOTRACK_VALIDATION, jotrack_search_json(engine, "", 0, 0, &json, &err));
    FAILS(JOTRACK_VALIDATION, jotrack_search_json(engine, "status:lost", 0, 0, &json, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_search_json(engine, "a", 0, 100000, &json, &err));
    FAILS(JOTRACK_UNSUPPORTED,
          jotrack_search_json(engine, "a", JOTRACK_ENTITY_ATTACHMENT, 0, &json, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT,
          jotrack_search_json(engine, "a", UINT64_C(1) << 60, 0, &json, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_search_json(engine, NULL, 0, 0, &json, &err));
    CHECK(json == NULL);
}

static void kept(jotrack_engine *engine)
{
    jotrack_analysis_request request;
    jotrack_commit commit;
    jotrack_match match;
    jotrack_stats stats;
    jotrack_op *op = NULL;
    uint64_t removed = 7;
    char job[40];
    char *json = NULL;
    int rounds = 0;

    OK(jotrack_cache_stats_json(engine, &json, &err));
    CHECK(strcmp(json, "[]") == 0);
    jotrack_string_free(json);
    add_job(engine, "Engineer", &commit);
    memcpy(job, commit.id, sizeof job);
    attach(engine, job, JOTRACK_ATTACHMENT_RESUME, RESUME, &commit);
    attach(engine, job, JOTRACK_ATTACHMENT_JD, POSTING, &commit);
    ZERO(match);
    while (match.has_score == 0) {
        OK(jotrack_dispatch(engine, 20, 0, NULL, &err));
        OK(jotrack_match_get(engine, job, &match, NULL, &err));
        CHECK(++rounds < 3000);
    }
    ZERO(request);
    request.kind = "MATCH_SCORE";
    request.job_id = job;
    OK(jotrack_analysis_start(engine, &request, NULL, on_done, NULL, &op, &err));
    OK(jotrack_op_wait(op, -1, &json, &err));
    CHECK(strstr(json, "\"SUCCEEDED\"") != NULL);
    jotrack_string_free(json);
    jotrack_op_free(op);

    OK(jotrack_cache_stats_json(engine, &json, &err));
    CHECK(strstr(json, "\"kind\":\"MATCH_SCORE\"") != NULL && strstr(json, "\"entries\":1") != NULL);
    jotrack_string_free(json);
    ZERO(stats);
    OK(jotrack_engine_stats(engine, &stats, &err));
    CHECK(stats.cache_entries == 1 && stats.cache_bytes > 0);
    FAILS(JOTRACK_INVALID_ARGUMENT,
          jotrack_cache_invalidate(engine, "MATCH", NULL, NULL, &removed, &err));
    CHECK(removed == 0);
    OK(jotrack_cache_invalidate(engine, "COMPANY_ECOSYSTEM", NULL, NULL, &removed, &err));
    CHECK(removed == 0);
    OK(jotrack_cache_invalidate(engine, "MATCH_SCORE", NULL, NULL, &removed, &err));
    CHECK(removed == 1);
    OK(jotrack_cache_invalidate(engine, NULL, NULL, NULL, NULL, &err));
    OK(jotrack_cache_stats_json(engine, &json, &err));
    CHECK(strcmp(json, "[]") == 0);
    jotrack_string_free(json);
}

int main(int argc, char **argv)
{
    jotrack_engine *engine = NULL;
    jotrack_options options;
    jotrack_commit commit;

    CHECK(argc == 2);
    jotrack_options_init(&options, sizeof options);
    options.data_dir = argv[1];
    options.dispatch = JOTRACK_DISPATCH_HOST;
    OK(jotrack_engine_open(&options, &engine, &err));
    versions(engine);
    add_job(engine, "Engineer", &commit);
    broken_writers(engine, commit.id);
    found(engine);
    kept(engine);
    CLOSES(engine);
    return finish("kept");
}
