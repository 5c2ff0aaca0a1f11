/* A whole life of a data folder: every kind of object is made, read, changed and removed. */
#include "check.h"

static const char RESUME[] =
    "Mara Lindqvist\nSenior Backend Engineer\n\n"
    "Eight years of Rust, PostgreSQL and Kubernetes. Led the move of a payment platform to Rust,\n"
    "ran Docker and Kubernetes in production, mentored four engineers, wrote Python tooling.\n";
static const char POSTING[] =
    "Backend Engineer\n\nRequirements: Rust, PostgreSQL and Kubernetes are required.\n"
    "Must have experience with Docker. Nice to have: Python, Terraform.\n";

static jotrack_error *err;

static void library(void)
{
    CHECK(jotrack_version_number() == JOTRACK_VERSION_NUMBER);
    CHECK(strcmp(jotrack_version_string(), "0.1.0") == 0);
    CHECK(strcmp(jotrack_status_name(JOTRACK_OK), "OK") == 0);
    CHECK(strcmp(jotrack_status_name(JOTRACK_STEP_LOCKED), "STEP_LOCKED") == 0);
    CHECK(strcmp(jotrack_status_name(-77), "UNKNOWN") == 0);
    CHECK((jotrack_features() & ~(uint64_t)JOTRACK_FEATURE_GRAPHQL) == 0);
    jotrack_string_free(NULL);
}

static jotrack_engine *open_engine(const char *data_dir)
{
    jotrack_engine *engine = NULL;
    jotrack_options options;

    jotrack_options_init(&options, sizeof options);
    CHECK(options.struct_size == sizeof options && options.data_dir == NULL);
    options.data_dir = data_dir;
    options.dispatch = JOTRACK_DISPATCH_HOST;
    options.config_json = "{\"trash_days\": 7}";
    OK(jotrack_engine_open(&options, &engine, &err));
    CHECK(engine != NULL);
    return engine;
}

static void health(jotrack_engine *engine)
{
    char *json = NULL;

    OK(jotrack_engine_health_json(engine, &json, &err));
    CHECK(strstr(json, "\"ok\":true") != NULL);
    jotrack_string_free(json);
}

/* Reads one job into `row`; the caller frees the page that owns its texts. */
static jotrack_job_page *get(jotrack_engine *engine, const char *id, jotrack_job *row)
{
    jotrack_job_page *page = NULL;

    OK(jotrack_job_get(engine, id, &page, &err));
    CHECK(jotrack_job_page_len(page) == 1);
    ZERO(*row);
    CHECK(jotrack_job_page_get(page, 0, row));
    return page;
}

static void create(jotrack_engine *engine, const char *company, const char *title, char id[40])
{
    jotrack_job_input input;
    jotrack_commit commit;

    ZERO(input);
    ZERO(commit);
    input.fields = JOTRACK_JOB_FIELD_COMPANY | JOTRACK_JOB_FIELD_TITLE;
    input.company = company;
    input.title = title;
    OK(jotrack_job_create(engine, &input, NULL, &commit, &err));
    CHECK(commit.rev > 0 && commit.flags == 0 && strlen(commit.id) == 36);
    memcpy(id, commit.id, 40);
}

static void jobs_one_by_one(jotrack_engine *engine, char id[40])
{
    static const char NOTES[] = "met at the fair";
    jotrack_job_input input;
    jotrack_write write;
    jotrack_commit commit;
    jotrack_commit again;
    jotrack_job row;
    jotrack_job_page *page;
    int64_t version;

    ZERO(input);
    ZERO(write);
    ZERO(commit);
    ZERO(again);
    input.fields = JOTRACK_JOB_FIELD_COMPANY | JOTRACK_JOB_FIELD_TITLE | JOTRACK_JOB_FIELD_LOCATION
        | JOTRACK_JOB_FIELD_POSTING_URL | JOTRACK_JOB_FIELD_NOTES | JOTRACK_JOB_FIELD_STATUS
        | JOTRACK_JOB_FIELD_SOURCE;
    input.company = "Nordlicht Systeme";
    input.title = "Backend Engineer";
    input.location = "Z\xc3\xbcrich";
    input.posting_url = "https://example.org/jobs/17";
    input.source = "fair";
    input.notes = NOTES;
    input.notes_len = 3; /* not terminated: "met" */
    input.status = JOTRACK_JOB_APPLIED;
    input.status_at_ms = INT64_C(1700000000000);
    write.idempotency_key = "create-1";
    OK(jotrack_job_create(engine, &input, &write, &commit, &err));
    OK(jotrack_job_create(engine, &input, &write, &again, &err));
    CHECK(strcmp(commit.id, again.id) == 0 && again.flags == JOTRACK_COMMIT_REPLAYED);
    input.title = "Another";
    FAILS(JOTRACK_IDEMPOTENCY_MISMATCH, jotrack_job_create(engine, &input, &write, &again, &err));
    CHECK(again.rev == 0 && again.id[0] == '\0');
    memcpy(id, commit.id, 40);

    page = get(engine, id, &row);
    CHECK(TEXT_IS(row.id, id) && TEXT_IS(row.company, "Nordlicht Systeme"));
    CHECK(TEXT_IS(row.location, "Z\xc3\xbcrich") && TEXT_IS(row.notes, "met"));
    CHECK(TEXT_IS(row.posting_url, "https://example.org/jobs/17") && TEXT_IS(row.source, "fair"));
    CHECK(row.status == JOTRACK_JOB_APPLIED && row.status_since_ms == INT64_C(1700000000000));
    CHECK(row.applied_at_ms == INT64_C(1700000000000) && row.archived_at_ms == 0);
    CHECK(row.attachment_count == 0 && row.match_score < 0 && row.resume_attachment_id.data == NULL);
    version = row.version;
    jotrack_job_page_free(page);

    ZERO(input);
    write.idempotency_key = NULL;
    write.expected_version = version;
    input.fields = JOTRACK_JOB_FIELD_LOCATION | JOTRACK_JOB_FIELD_TITLE;
    input.title = "Senior Backend Engineer"; /* location: NULL clears */
    OK(jotrack_job_update(engine, id, &input, &write, &commit, &err));
    page = get(engine, id, &row);
    CHECK(row.version > version && row.location.data == NULL && TEXT_IS(row.notes, "met"));
    CHECK(TEXT_IS(row.title, "Senior Backend Engineer"));
    jotrack_job_page_free(page);
    input.title = "Too late";
    FAILS(JOTRACK_CONFLICT, jotrack_job_update(engine, id, &input, &write, NULL, &err));

    write.expected_version = 0;
    input.title = "Senior Backend Engineer";
    OK(jotrack_job_update(engine, id, &input, &write, &commit, &err));
    CHECK(commit.rev == 0 && commit.flags == JOTRACK_COMMIT_UNCHANGED);
}

static void jobs_in_lists(jotrack_engine *engine, const char *first)
{
    char b[40], c[40];
    const char *ids[2];
    jotrack_job_filter filter;
    jotrack_page_info info;
    jotrack_commit commit;
    jotrack_job row;
    jotrack_job_page *page = NULL;
    char *next;
    size_t seen = 0;

    create(engine, "Aalto Works", "Data Engineer", b);
    create(engine, "Birch & Sons", "Platform Engineer", c);
    ids[0] = b;
    ids[1] = c;
    ZERO(commit);
    OK(jotrack_job_update_status(engine, ids, 2, JOTRACK_JOB_ONSITE, 0, "both called", NULL,
                                 &commit, &err));
    CHECK(commit.rev > 0 && commit.id[0] == '\0');

    ZERO(filter);
    filter.order = JOTRACK_ORDER_COMPANY;
    OK(jotrack_job_list(engine, &filter, NULL, 2, &page, &err));
    ZERO(info);
    CHECK(jotrack_job_page_info(page, &info));
    CHECK(info.flags == JOTRACK_PAGE_MORE && info.rev >= commit.rev && info.next.data != NULL);
    ZERO(row);
    CHECK(jotrack_job_page_get(page, 0, &row) && TEXT_IS(row.company, "Aalto Works"));
    CHECK(row.notes.data == NULL && row.status == JOTRACK_JOB_ONSITE);
    CHECK(!jotrack_job_page_get(page, 2, &row) && row.id.data == NULL);
    seen += jotrack_job_page_len(page);
    next = calloc(info.next.len + 1, 1);
    CHECK(next != NULL);
    memcpy(next, info.next.data, info.next.len);
    jotrack_job_page_free(page);
    OK(jotrack_job_list(engine, &filter, next, 2, &page, &err));
    CHECK(jotrack_job_page_info(page, &info) && info.flags == 0 && info.next.data == NULL);
    seen += jotrack_job_page_len(page);
    CHECK(seen == 3);
    jotrack_job_page_free(page);
    filter.order = JOTRACK_ORDER_TITLE; /* a cursor belongs to its order */
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_job_list(engine, &filter, next, 2, &page, &err));
    CHECK(page == NULL);
    free(next);

    ZERO(filter);
    filter.statuses = JOTRACK_BIT(JOTRACK_JOB_ONSITE);
    filter.text = "platform";
    OK(jotrack_job_list(engine, &filter, NULL, 0, &page, &err));
    CHECK(jotrack_job_page_len(page) == 1);
    jotrack_job_page_free(page);

    OK(jotrack_job_archive(engine, ids, 1, 1, NULL, NULL, &err));
    OK(jotrack_job_trash(engine, ids + 1, 1, NULL, NULL, &err));
    OK(jotrack_job_list(engine, NULL, NULL, 0, &page, &err));
    CHECK(jotrack_job_page_len(page) == 1);
    CHECK(jotrack_job_page_get(page, 0, &row) && TEXT_IS(row.id, first));
    jotrack_job_page_free(page);
    OK(jotrack_job_archive(engine, ids, 1, 0, NULL, NULL, &err));
    page = get(engine, c, &row);
    CHECK(row.purge_at_ms - row.trashed_at_ms == INT64_C(7) * 86400000);
    jotrack_job_page_free(page);
    OK(jotrack_job_restore(engine, ids + 1, 1, NULL, NULL, &err));
    OK(jotrack_job_trash(engine, ids, 2, NULL, NULL, &err));
    OK(jotrack_job_purge(engine, ids, 2, NULL, NULL, &err));
    FAILS(JOTRACK_NOT_FOUND, jotrack_job_get(engine, b, &page, &err));
}

static void attach(jotrack_engine *engine, const char *job, int32_t kind, const char *name,
                   const char *text, char id[40])
{
    jotrack_attachment_writer *writer = NULL;
    jotrack_attachment_input input;
    jotrack_commit commit;
    size_t half = strlen(text) / 2;

    ZERO(input);
    ZERO(commit);
    input.job_id = job;
    input.kind = kind;
    input.filename = name;
    input.size_hint = strlen(text);
    OK(jotrack_attachment_writer_open(engine, &input, &writer, &err));
    OK(jotrack_attachment_writer_write(writer, text, half, &err));
    OK(jotrack_attachment_writer_write(writer, NULL, 0, &err));
    OK(jotrack_attachment_writer_write(writer, text + half, strlen(text) - half, &err));
    OK(jotrack_attachment_writer_commit(writer, NULL, &commit, &err));
    CHECK(strlen(commit.id) == 36);
    memcpy(id, commit.id, 40);
}

static void read_back(jotrack_engine *engine, const char *id, const char *text)
{
    jotrack_attachment_reader *reader = NULL;
    char buf[64];
    uint64_t at = 0;
    size_t n = 99;

    OK(jotrack_attachment_reader_open(engine, id, NULL, &reader, &err));
    CHECK(jotrack_attachment_reader_size(reader) == strlen(text));
    while (n != 0) {
        OK(jotrack_attachment_reader_read(reader, at, buf, sizeof buf, &n, &err));
        CHECK(n <= sizeof buf && memcmp(buf, text + at, n) == 0);
        at += n;
    }
    CHECK(at == strlen(text));
    OK(jotrack_attachment_reader_read(reader, UINT64_MAX, buf, sizeof buf, &n, &err));
    CHECK(n == 0);
    OK(jotrack_attachment_reader_read(reader, 7, buf, 3, &n, &err));
    CHECK(n == 3 && memcmp(buf, text + 7, 3) == 0);
    jotrack_attachment_reader_free(reader);
    FAILS(JOTRACK_UNSUPPORTED,
          jotrack_attachment_reader_open(engine, id, "thumb@2x", &reader, &err));
    CHECK(reader == NULL);
}

static void files(jotrack_engine *engine, const char *job)
{
    char old[40], resume[40], posting[40];
    jotrack_attachment_writer *writer = NULL;
    jotrack_attachment_page *page = NULL;
    jotrack_attachment_input input;
    jotrack_attachment row;
    char *upload = NULL;

    attach(engine, job, JOTRACK_ATTACHMENT_RESUME, "first.txt", "Mara Lindqvist, an early draft",
           old);
    attach(engine, job, JOTRACK_ATTACHMENT_RESUME, "resume.txt", RESUME, resume);
    attach(engine, job, JOTRACK_ATTACHMENT_JD, "posting.md", POSTING, posting);
    read_back(engine, resume, RESUME);

    OK(jotrack_attachment_list(engine, &job, 1, JOTRACK_BIT(JOTRACK_ATTACHMENT_RESUME), &page,
                               &err));
    CHECK(jotrack_attachment_page_len(page) == 2);
    ZERO(row);
    CHECK(jotrack_attachment_page_get(page, 0, &row));
    CHECK(TEXT_IS(row.id, resume) && TEXT_IS(row.job_id, job) && row.is_active == 1);
    CHECK(row.version == 2 && TEXT_IS(row.filename, "resume.txt") && row.sha256.len == 64);
    CHECK(row.size == strlen(RESUME) && row.kind == JOTRACK_ATTACHMENT_RESUME);
    CHECK(TEXT_IS(row.media_type, "text/plain") && row.trashed_at_ms == 0);
    CHECK(jotrack_attachment_page_get(page, 1, &row) && row.is_active == 0);
    CHECK(!jotrack_attachment_page_get(page, 2, &row) && row.version == 0);
    jotrack_attachment_page_free(page);

    OK(jotrack_attachment_activate(engine, old, NULL, NULL, &err));
    OK(jotrack_attachment_activate(engine, resume, NULL, NULL, &err));
    OK(jotrack_attachment_trash(engine, old, NULL, NULL, &err));
    OK(jotrack_attachment_restore(engine, old, NULL, NULL, &err));
    OK(jotrack_attachment_trash(engine, old, NULL, NULL, &err));
    OK(jotrack_attachment_purge(engine, old, NULL, NULL, &err));
    OK(jotrack_attachment_list(engine, &job, 1, 0, &page, &err));
    CHECK(jotrack_attachment_page_len(page) == 2);
    jotrack_attachment_page_free(page);

    ZERO(input);
    input.filename = "letter.txt";
    OK(jotrack_attachment_writer_open(engine, &input, &writer, &err));
    OK(jotrack_attachment_writer_write(writer, "Dear all", 8, &err));
    OK(jotrack_attachment_writer_stage(writer, &upload, &err));
    CHECK(strncmp(upload, "upl_", 4) == 0);
    jotrack_string_free(upload);
    OK(jotrack_attachment_writer_open(engine, &input, &writer, &err));
    OK(jotrack_attachment_writer_write(writer, "Dear all", 8, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_attachment_writer_commit(writer, NULL, NULL, &err));
    OK(jotrack_attachment_writer_open(engine, &input, &writer, &err));
    OK(jotrack_attachment_writer_write(writer, "Dear", 4, &err));
    jotrack_attachment_writer_abort(writer);
}

static void count_event(void *user, const jotrack_event *event)
{
    CHECK(event->struct_size == sizeof *event);
    *(int *)user += event->kind == JOTRACK_EVENT_CHANGED;
}

/* The texts are read in the background: waits for the events of it, then for the score. */
static void matching(jotrack_engine *engine, const char *job)
{
    jotrack_subscription *subscription = NULL;
    jotrack_match match;
    jotrack_match short_match;
    char *json = NULL;
    int events = 0;
    int rounds;

    OK(jotrack_subscribe(engine, 0, count_event, &events, &subscription, &err));
    ZERO(match);
    for (rounds = 0; match.has_score == 0; rounds++) {
        CHECK(rounds < 100);
        OK(jotrack_match_get(engine, job, &match, NULL, &err));
        if (match.has_score == 0)
            OK(jotrack_dispatch(engine, 200, 0, NULL, &err));
    }
    CHECK(match.value > 0 && match.value <= 100 && match.computed_at_ms > 0);
    CHECK(match.band >= JOTRACK_BAND_POOR && match.band <= JOTRACK_BAND_EXCELLENT);
    OK(jotrack_match_get(engine, job, NULL, &json, &err));
    CHECK(strstr(json, "\"matchScore\":{") != NULL && strstr(json, "\"LOCAL\"") != NULL);
    CHECK(strstr(json, "\"Kubernetes\"") != NULL && strstr(json, "Terraform") != NULL);
    jotrack_string_free(json);

    /* An older program knows only the first member. */
    ZERO(short_match);
    short_match.struct_size = offsetof(jotrack_match, computed_at_ms);
    short_match.computed_at_ms = -5;
    OK(jotrack_match_get(engine, job, &short_match, NULL, &err));
    CHECK(short_match.value > 0 && short_match.computed_at_ms == -5);
    CHECK(short_match.struct_size == offsetof(jotrack_match, computed_at_ms));
    jotrack_subscription_free(subscription);
}

static void variants(jotrack_engine *engine, const char *job)
{
    jotrack_variant_page *page = NULL;
    jotrack_variant row;
    jotrack_commit commit;
    char attachment[40];

    OK(jotrack_variant_get_many(engine, &job, 1, JOTRACK_BIT(JOTRACK_ATTACHMENT_JD),
                                JOTRACK_VARIANT_RAW, &page, &err));
    CHECK(jotrack_variant_page_len(page) == 1);
    ZERO(row);
    CHECK(jotrack_variant_page_get(page, 0, &row));
    CHECK(row.kind == JOTRACK_ATTACHMENT_JD && row.variant == JOTRACK_VARIANT_RAW);
    CHECK(TEXT_IS(row.job_id, job) && row.word_count > 10 && row.token_estimate > 10);
    CHECK(row.text.len > 50 && strncmp(row.text.data, "Backend Engineer", 16) == 0);
    CHECK(row.attachment_id.len == 36);
    memcpy(attachment, row.attachment_id.data, 36);
    attachment[36] = '\0';
    CHECK(!jotrack_variant_page_get(page, 1, &row));
    jotrack_variant_page_free(page);

    ZERO(commit);
    OK(jotrack_variant_set(engine, attachment, JOTRACK_VARIANT_AI_NORMALIZED, POSTING, 16, NULL,
                           &commit, &err));
    CHECK(strlen(commit.id) == 36);
    OK(jotrack_variant_get_many(engine, &job, 1, 0, JOTRACK_VARIANT_AI_NORMALIZED, &page, &err));
    CHECK(jotrack_variant_page_len(page) == 1);
    CHECK(jotrack_variant_page_get(page, 0, &row) && TEXT_IS(row.text, "Backend Engineer"));
    jotrack_variant_page_free(page);
}

static void coach(jotrack_engine *engine, const char *job)
{
    jotrack_coach state;
    jotrack_write write;
    jotrack_commit commit;
    char *json = NULL;

    ZERO(state);
    ZERO(write);
    ZERO(commit);
    OK(jotrack_coach_get(engine, job, &state, &json, &err));
    CHECK(state.progress >= 0 && state.progress <= 100 && state.status >= JOTRACK_COACH_NOT_STARTED);
    CHECK((state.milestones & 0x40) != 0); /* the job was entered as applied */
    CHECK(strstr(json, "\"milestones\":[{") != NULL && strstr(json, "\"nextStep\"") != NULL);
    jotrack_string_free(json);
    OK(jotrack_coach_get(engine, job, NULL, NULL, &err));

    write.expected_version = state.version;
    OK(jotrack_coach_update(engine, job, "{\"currentStep\": \"DISCOVERY\"}", &write, &commit, &json,
                            &err));
    CHECK(strstr(json, "\"currentStep\":\"DISCOVERY\"") != NULL && strcmp(commit.id, job) == 0);
    jotrack_string_free(json);
    FAILS(JOTRACK_CONFLICT, jotrack_coach_update(engine, job, "{\"currentStep\": null}", &write,
                                                 NULL, &json, &err));
    CHECK(json == NULL);
    OK(jotrack_coach_update(engine, job, "{\"currentStep\": null}", NULL, NULL, NULL, &err));
    FAILS(JOTRACK_INVALID_ARGUMENT,
          jotrack_coach_update(engine, job, "{\"stpe\": 1}", NULL, NULL, NULL, &err));
}

static void changes(jotrack_engine *engine)
{
    jotrack_change_page *page = NULL;
    jotrack_page_info info;
    jotrack_change change;
    uint64_t revision = 0;
    uint64_t from = 0;
    size_t total = 0;
    size_t i;

    OK(jotrack_revision(engine, &revision, &err));
    CHECK(revision > 0);
    ZERO(info);
    ZERO(change);
    do {
        OK(jotrack_changes_since(engine, from, 0, 7, &page, &err));
        CHECK(jotrack_change_page_info(page, &info) && info.total == -1);
        for (i = 0; i < jotrack_change_page_len(page); i++) {
            CHECK(jotrack_change_page_get(page, i, &change));
            CHECK(change.rev > from && change.entity != 0 && change.id.len == 36);
            CHECK(change.op >= JOTRACK_CHANGE_CREATED && change.op <= JOTRACK_CHANGE_DELETED);
            total++;
        }
        CHECK(!jotrack_change_page_get(page, i, &change));
        from = info.rev;
        jotrack_change_page_free(page);
    } while ((info.flags & JOTRACK_PAGE_MORE) != 0);
    CHECK(total > 7 && from == revision && (info.flags & JOTRACK_PAGE_RESET) == 0);

    OK(jotrack_changes_since(engine, revision + 1000, 0, 0, &page, &err));
    CHECK(jotrack_change_page_info(page, &info) && (info.flags & JOTRACK_PAGE_RESET) != 0);
    CHECK(info.rev == revision);
    jotrack_change_page_free(page);
}

static void graphql(jotrack_engine *engine, const char *job)
{
    jotrack_graphql_request request;
    char *node_id = NULL;
    char *response = NULL;
    char variables[80];
    char back[37];
    uint64_t entity = 0;

    OK(jotrack_node_id_format(JOTRACK_ENTITY_JOB, job, &node_id, &err));
    CHECK(strlen(node_id) == 36 && strncmp(node_id, "job_", 4) == 0);
    OK(jotrack_node_id_parse(node_id, &entity, back, sizeof back, &err));
    CHECK(entity == JOTRACK_ENTITY_JOB && strcmp(back, job) == 0);

    ZERO(request);
    request.query = "query One($id: ID!) { job(id: $id) { title status matchScore { value } } }"
                    " query Other { jobStats { total } }";
    request.operation_name = "One";
    sprintf(variables, "{\"id\": \"%s\"}", node_id);
    request.variables_json = variables;
    jotrack_string_free(node_id);
    if ((jotrack_features() & JOTRACK_FEATURE_GRAPHQL) == 0) {
        FAILS(JOTRACK_UNSUPPORTED, jotrack_graphql_execute(engine, &request, &response, &err));
        FAILS(JOTRACK_UNSUPPORTED, jotrack_graphql_schema(&response, &err));
        return;
    }
    OK(jotrack_graphql_execute(engine, &request, &response, &err));
    CHECK(strstr(response, "\"title\":\"Senior Backend Engineer\"") != NULL);
    CHECK(strstr(response, "\"errors\"") == NULL);
    jotrack_string_free(response);

    request.query = "{ nothingLikeThis }";
    request.operation_name = NULL;
    request.variables_json = NULL;
    OK(jotrack_graphql_execute(engine, &request, &response, &err));
    CHECK(strstr(response, "\"errors\":[") != NULL);
    jotrack_string_free(response);
    request.variables_json = "[1]";
    FAILS(JOTRACK_INVALID_ARGUMENT, jotrack_graphql_execute(engine, &request, &response, &err));
    CHECK(response == NULL);

    OK(jotrack_graphql_schema(&response, &err));
    CHECK(strstr(response, "type Job ") != NULL);
    jotrack_string_free(response);
}

/* Pages outlive the engine; a writer left open answers CLOSED and is still freed. */
static void reopen(jotrack_engine *engine, const char *data_dir, const char *job)
{
    jotrack_attachment_writer *writer = NULL;
    jotrack_attachment_reader *reader = NULL;
    jotrack_attachment_input input;
    jotrack_attachment_page *list = NULL;
    jotrack_attachment file;
    jotrack_job_page *page;
    jotrack_job row;
    char attachment[40];
    char byte;
    size_t n = 9;

    OK(jotrack_attachment_list(engine, &job, 1, 0, &list, &err));
    ZERO(file);
    CHECK(jotrack_attachment_page_get(list, 0, &file));
    memcpy(attachment, file.id.data, 36);
    attachment[36] = '\0';
    jotrack_attachment_page_free(list);
    OK(jotrack_attachment_reader_open(engine, attachment, NULL, &reader, &err));
    ZERO(input);
    input.filename = "left-open.txt";
    OK(jotrack_attachment_writer_open(engine, &input, &writer, &err));
    page = get(engine, job, &row);
    CLOSES(engine);
    CHECK(TEXT_IS(row.title, "Senior Backend Engineer"));
    jotrack_job_page_free(page);
    FAILS(JOTRACK_CLOSED, jotrack_attachment_writer_write(writer, "x", 1, &err));
    FAILS(JOTRACK_CLOSED, jotrack_attachment_reader_read(reader, 0, &byte, 1, &n, &err));
    CHECK(n == 0);
    jotrack_attachment_writer_abort(writer);
    jotrack_attachment_reader_free(reader);

    engine = open_engine(data_dir);
    page = get(engine, job, &row);
    CHECK(TEXT_IS(row.title, "Senior Backend Engineer") && row.match_score > 0);
    CHECK(row.attachment_count == 2 && row.resume_attachment_id.len == 36);
    CHECK(row.attachment_kinds
          == (JOTRACK_BIT(JOTRACK_ATTACHMENT_RESUME) | JOTRACK_BIT(JOTRACK_ATTACHMENT_JD)));
    jotrack_job_page_free(page);
    CLOSES(engine);
    CLOSES(NULL);
}

int main(int argc, char **argv)
{
    jotrack_engine *engine;
    char job[40];

    CHECK(argc == 2);
    library();
    engine = open_engine(argv[1]);
    health(engine);
    jobs_one_by_one(engine, job);
    jobs_in_lists(engine, job);
    files(engine, job);
    matching(engine, job);
    variants(engine, job);
    coach(engine, job);
    changes(engine);
    graphql(engine, job);
    reopen(engine, argv[1], job);
    return finish("smoke");
}
