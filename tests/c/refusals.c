/* What a program gets wrong: NULL, bad UTF-8, unknown numbers, wrong sizes. Every call answers with
 * a status, nothing is written, and memory around an out-struct stays as it was. */
#include "check.h"

#define BAD_UTF8 "\xc3\x28"
#define NO_SUCH_ID "0190a6ae-0f5c-7d3c-9d57-4d0c6a8f2b11"

static jotrack_error *err;
static jotrack_engine *engine;

#define REFUSED(call) FAILS(JOTRACK_INVALID_ARGUMENT, call)

static void null_handles(void)
{
    jotrack_job_page *jobs = NULL;
    jotrack_attachment_page *files = NULL;
    jotrack_variant_page *texts = NULL;
    jotrack_change_page *changes = NULL;
    jotrack_attachment_writer *writer = NULL;
    jotrack_attachment_reader *reader = NULL;
    jotrack_subscription *subscription = NULL;
    const char *id = NO_SUCH_ID;
    char *text = NULL;
    char id_out[37];
    uint64_t number = 1;

    REFUSED(jotrack_engine_open(NULL, NULL, &err));
    REFUSED(jotrack_engine_health_json(NULL, &text, &err));
    REFUSED(jotrack_engine_health_json(engine, NULL, &err));
    REFUSED(jotrack_dispatch(NULL, 0, 0, NULL, &err));
    REFUSED(jotrack_set_wakeup(NULL, NULL, NULL, &err));
    REFUSED(jotrack_job_create(NULL, NULL, NULL, NULL, &err));
    REFUSED(jotrack_job_create(engine, NULL, NULL, NULL, &err));
    REFUSED(jotrack_job_update(engine, id, NULL, NULL, NULL, &err));
    REFUSED(jotrack_job_update_status(NULL, &id, 1, 1, 0, NULL, NULL, NULL, &err));
    REFUSED(jotrack_job_update_status(engine, NULL, 1, 1, 0, NULL, NULL, NULL, &err));
    REFUSED(jotrack_job_archive(NULL, &id, 1, 1, NULL, NULL, &err));
    REFUSED(jotrack_job_trash(NULL, &id, 1, NULL, NULL, &err));
    REFUSED(jotrack_job_restore(NULL, &id, 1, NULL, NULL, &err));
    REFUSED(jotrack_job_purge(NULL, &id, 1, NULL, NULL, &err));
    REFUSED(jotrack_job_get(NULL, id, &jobs, &err));
    REFUSED(jotrack_job_get(engine, NULL, &jobs, &err));
    REFUSED(jotrack_job_get(engine, id, NULL, &err));
    REFUSED(jotrack_job_list(NULL, NULL, NULL, 0, &jobs, &err));
    REFUSED(jotrack_job_list(engine, NULL, NULL, 0, NULL, &err));
    REFUSED(jotrack_attachment_list(NULL, &id, 1, 0, &files, &err));
    REFUSED(jotrack_attachment_list(engine, NULL, 1, 0, &files, &err));
    REFUSED(jotrack_attachment_list(engine, &id, 1, 0, NULL, &err));
    REFUSED(jotrack_attachment_activate(engine, NULL, NULL, NULL, &err));
    REFUSED(jotrack_attachment_trash(engine, NULL, NULL, NULL, &err));
    REFUSED(jotrack_attachment_restore(engine, NULL, NULL, NULL, &err));
    REFUSED(jotrack_attachment_purge(engine, NULL, NULL, NULL, &err));
    REFUSED(jotrack_attachment_writer_open(engine, NULL, &writer, &err));
    REFUSED(jotrack_attachment_writer_write(NULL, "x", 1, &err));
    REFUSED(jotrack_attachment_writer_commit(NULL, NULL, NULL, &err));
    REFUSED(jotrack_attachment_writer_stage(NULL, &text, &err));
    REFUSED(jotrack_attachment_reader_open(engine, NULL, NULL, &reader, &err));
    REFUSED(jotrack_attachment_reader_open(engine, id, NULL, NULL, &err));
    REFUSED(jotrack_attachment_reader_read(NULL, 0, id_out, 1, NULL, &err));
    REFUSED(jotrack_variant_get_many(engine, NULL, 1, 0, 1, &texts, &err));
    REFUSED(jotrack_variant_set(engine, id, 1, NULL, 1, NULL, NULL, &err));
    REFUSED(jotrack_coach_get(engine, NULL, NULL, NULL, &err));
    REFUSED(jotrack_coach_update(engine, id, NULL, NULL, NULL, NULL, &err));
    REFUSED(jotrack_match_get(engine, NULL, NULL, NULL, &err));
    REFUSED(jotrack_subscribe(engine, 0, NULL, NULL, &subscription, &err));
    REFUSED(jotrack_revision(engine, NULL, &err));
    REFUSED(jotrack_revision(NULL, &number, &err));
    CHECK(number == 0);
    REFUSED(jotrack_changes_since(engine, 0, 0, 0, NULL, &err));
    REFUSED(jotrack_changes_since(NULL, 0, 0, 0, &changes, &err));
    REFUSED(jotrack_graphql_execute(engine, NULL, &text, &err));
    REFUSED(jotrack_graphql_execute(engine, NULL, NULL, &err));
    REFUSED(jotrack_graphql_schema(NULL, &err));
    REFUSED(jotrack_node_id_format(JOTRACK_ENTITY_JOB, NULL, &text, &err));
    REFUSED(jotrack_node_id_parse(NULL, &number, id_out, sizeof id_out, &err));
    REFUSED(jotrack_node_id_parse("job_", NULL, id_out, sizeof id_out, &err));
    REFUSED(jotrack_node_id_parse("job_", &number, NULL, 37, &err));
    REFUSED(jotrack_node_id_parse("job_", &number, id_out, 36, &err));
    CHECK(jobs == NULL && files == NULL && texts == NULL && changes == NULL && writer == NULL
          && reader == NULL && subscription == NULL && text == NULL);
}

static void null_pages(void)
{
    jotrack_job job;
    jotrack_attachment file;
    jotrack_variant text;
    jotrack_change change;
    jotrack_page_info info;

    ZERO(job);
    ZERO(file);
    ZERO(text);
    ZERO(change);
    ZERO(info);
    CHECK(jotrack_job_page_len(NULL) == 0 && !jotrack_job_page_get(NULL, 0, &job));
    CHECK(!jotrack_job_page_get(NULL, 0, NULL) && !jotrack_job_page_info(NULL, &info));
    CHECK(jotrack_attachment_page_len(NULL) == 0 && !jotrack_attachment_page_get(NULL, 0, &file));
    CHECK(jotrack_variant_page_len(NULL) == 0 && !jotrack_variant_page_get(NULL, 0, &text));
    CHECK(jotrack_change_page_len(NULL) == 0 && !jotrack_change_page_get(NULL, 0, &change));
    CHECK(!jotrack_change_page_info(NULL, &info));
    CHECK(jotrack_attachment_reader_size(NULL) == 0);
    jotrack_job_page_free(NULL);
    jotrack_attachment_page_free(NULL);
    jotrack_variant_page_free(NULL);
    jotrack_change_page_free(NULL);
    jotrack_attachment_reader_free(NULL);
    jotrack_attachment_writer_abort(NULL);
    jotrack_subscription_free(NULL);
    jotrack_error_free(NULL);
    CHECK(jotrack_error_code(NULL) == 0 && jotrack_error_retry_after_ms(NULL) == -1);
    CHECK(*jotrack_error_message(NULL) == '\0');
    CHECK(strcmp(jotrack_error_details_json(NULL), "{}") == 0);
}

static void bad_text(void)
{
    jotrack_job_page *jobs = NULL;
    jotrack_job_filter filter;
    jotrack_job_input input;
    jotrack_write write;
    const char *bad = BAD_UTF8;
    const char *shouted = "0190A6AE-0F5C-7D3C-9D57-4D0C6A8F2B11";
    char nul[3] = {'a', '\0', 'b'};

    ZERO(filter);
    ZERO(input);
    ZERO(write);
    REFUSED(jotrack_job_get(engine, bad, &jobs, &err));
    REFUSED(jotrack_job_get(engine, shouted, &jobs, &err));
    REFUSED(jotrack_job_list(engine, NULL, bad, 0, &jobs, &err));
    REFUSED(jotrack_job_list(engine, NULL, "no cursor", 0, &jobs, &err));
    filter.text = bad;
    REFUSED(jotrack_job_list(engine, &filter, NULL, 0, &jobs, &err));
    REFUSED(jotrack_job_trash(engine, &bad, 1, NULL, NULL, &err));
    input.fields = JOTRACK_JOB_FIELD_COMPANY | JOTRACK_JOB_FIELD_TITLE | JOTRACK_JOB_FIELD_NOTES;
    input.company = bad;
    input.title = "Engineer";
    REFUSED(jotrack_job_create(engine, &input, NULL, NULL, &err));
    input.company = "Fjordline";
    input.notes = bad;
    input.notes_len = 2;
    REFUSED(jotrack_job_create(engine, &input, NULL, NULL, &err));
    input.notes = nul; /* U+0000 is text, but not text that can be kept */
    input.notes_len = 3;
    FAILS(JOTRACK_VALIDATION, jotrack_job_create(engine, &input, NULL, NULL, &err));
    input.notes_len = 1;
    write.idempotency_key = bad;
    REFUSED(jotrack_job_create(engine, &input, &write, NULL, &err));
    write.idempotency_key = "";
    CHECK(jotrack_job_create(engine, &input, &write, NULL, &err) != JOTRACK_OK);
    jotrack_error_free(err);
    err = NULL;
    REFUSED(jotrack_coach_update(engine, NO_SUCH_ID, "{", NULL, NULL, NULL, &err));
    REFUSED(jotrack_coach_update(engine, NO_SUCH_ID, "[\"SCORE\"]", NULL, NULL, NULL, &err));
}

/* A broken field is named, with its rule, so that a form can show it. */
static void broken_fields(void)
{
    jotrack_job_input input;
    jotrack_commit commit;

    ZERO(input);
    ZERO(commit);
    input.fields = JOTRACK_JOB_FIELD_COMPANY | JOTRACK_JOB_FIELD_POSTING_URL;
    input.company = "Fjordline";
    input.posting_url = "javascript:alert(1)";
    CHECK(jotrack_job_create(engine, &input, NULL, &commit, &err) == JOTRACK_VALIDATION);
    CHECK(commit.rev == 0 && commit.id[0] == '\0');
    CHECK(strstr(jotrack_error_details_json(err), "\"path\":[\"title\"]") != NULL);
    CHECK(strstr(jotrack_error_details_json(err), "\"path\":[\"url\"]") != NULL);
    CHECK(strstr(jotrack_error_details_json(err), "\"retryable\":false") != NULL);
    CHECK(jotrack_error_retry_after_ms(err) == -1 && *jotrack_error_message(err) != '\0');
    jotrack_error_free(err);
    err = NULL;
    /* The caller need not want the story. */
    CHECK(jotrack_job_create(engine, &input, NULL, NULL, NULL) == JOTRACK_VALIDATION);
}

static void unknown_numbers(void)
{
    jotrack_job_page *jobs = NULL;
    jotrack_attachment_page *files = NULL;
    jotrack_attachment_writer *writer = NULL;
    jotrack_variant_page *texts = NULL;
    jotrack_change_page *changes = NULL;
    jotrack_job_filter filter;
    jotrack_job_input input;
    jotrack_attachment_input file;
    const char *id = NO_SUCH_ID;
    const char *many[201];
    char *text = NULL;
    uint64_t entity = 0;
    char back[37];
    size_t i;

    for (i = 0; i < 201; i++)
        many[i] = id;
    REFUSED(jotrack_job_update_status(engine, &id, 1, 0, 0, NULL, NULL, NULL, &err));
    REFUSED(jotrack_job_update_status(engine, &id, 1, 10, 0, NULL, NULL, NULL, &err));
    REFUSED(jotrack_job_archive(engine, &id, 1, 2, NULL, NULL, &err));
    REFUSED(jotrack_job_trash(engine, many, 101, NULL, NULL, &err));
    CHECK(jotrack_job_trash(engine, many, 0, NULL, NULL, &err) != JOTRACK_OK);
    jotrack_error_free(err);
    err = NULL;
    REFUSED(jotrack_job_list(engine, NULL, NULL, 201, &jobs, &err));
    ZERO(filter);
    filter.order = 5;
    REFUSED(jotrack_job_list(engine, &filter, NULL, 0, &jobs, &err));
    filter.order = 0;
    filter.archived = 3;
    REFUSED(jotrack_job_list(engine, &filter, NULL, 0, &jobs, &err));
    filter.archived = 0;
    filter.statuses = 1; /* bit 0 belongs to no status */
    REFUSED(jotrack_job_list(engine, &filter, NULL, 0, &jobs, &err));
    filter.statuses = 0;
    filter.has_attachment = 5;
    REFUSED(jotrack_job_list(engine, &filter, NULL, 0, &jobs, &err));
    ZERO(input);
    input.fields = UINT64_C(1) << 40;
    REFUSED(jotrack_job_create(engine, &input, NULL, NULL, &err));
    input.fields = JOTRACK_JOB_FIELD_STATUS;
    input.status = 99;
    REFUSED(jotrack_job_update(engine, id, &input, NULL, NULL, &err));
    REFUSED(jotrack_attachment_list(engine, &id, 1, 1u << 9, &files, &err));
    ZERO(file);
    file.job_id = id;
    file.filename = "resume.txt";
    file.kind = 7;
    REFUSED(jotrack_attachment_writer_open(engine, &file, &writer, &err));
    file.kind = 0;
    REFUSED(jotrack_attachment_writer_open(engine, &file, &writer, &err));
    REFUSED(jotrack_variant_get_many(engine, &id, 1, 0, 3, &texts, &err));
    REFUSED(jotrack_variant_get_many(engine, many, 201, 0, 1, &texts, &err));
    REFUSED(jotrack_variant_set(engine, id, 0, "x", 1, NULL, NULL, &err));
    REFUSED(jotrack_changes_since(engine, 0, UINT64_C(1) << 63, 0, &changes, &err));
    REFUSED(jotrack_changes_since(engine, 0, 0, 501, &changes, &err));
    REFUSED(jotrack_node_id_format(0, id, &text, &err));
    REFUSED(jotrack_node_id_format(3, id, &text, &err));
    REFUSED(jotrack_node_id_format(JOTRACK_ENTITY_COACH_STATE, id, &text, &err));
    REFUSED(jotrack_node_id_parse("job_xyz", &entity, back, sizeof back, &err));
    REFUSED(jotrack_node_id_parse(id, &entity, back, sizeof back, &err));
    CHECK(back[0] == '\0' && entity == 0);
}

static void unknown_ids(void)
{
    jotrack_job_page *jobs = NULL;
    jotrack_attachment_page *files = NULL;
    jotrack_attachment_reader *reader = NULL;
    jotrack_match match;
    jotrack_coach coach;
    const char *id = NO_SUCH_ID;

    ZERO(match);
    ZERO(coach);
    FAILS(JOTRACK_NOT_FOUND, jotrack_job_get(engine, id, &jobs, &err));
    FAILS(JOTRACK_NOT_FOUND, jotrack_job_trash(engine, &id, 1, NULL, NULL, &err));
    FAILS(JOTRACK_NOT_FOUND, jotrack_attachment_reader_open(engine, id, NULL, &reader, &err));
    FAILS(JOTRACK_NOT_FOUND, jotrack_attachment_activate(engine, id, NULL, NULL, &err));
    FAILS(JOTRACK_NOT_FOUND, jotrack_coach_get(engine, id, &coach, NULL, &err));
    FAILS(JOTRACK_NOT_FOUND, jotrack_match_get(engine, id, &match, NULL, &err));
    FAILS(JOTRACK_NOT_FOUND, jotrack_variant_set(engine, id, 1, "x", 1, NULL, NULL, &err));
    OK(jotrack_attachment_list(engine, &id, 1, 0, &files, &err));
    CHECK(jotrack_attachment_page_len(files) == 0);
    jotrack_attachment_page_free(files);
}

/* An in-struct with a tail of a newer version. */
struct newer_filter {
    jotrack_job_filter known;
    uint64_t later;
};

/* Out-structs between guards: nothing outside struct_size may change. */
struct guarded {
    uint64_t before;
    jotrack_job row;
    uint64_t after;
};

static void struct_sizes(void)
{
    static const size_t senseless[] = {0, 1, sizeof(size_t) - 1, 5000, SIZE_MAX};
    struct newer_filter newer;
    struct guarded guarded;
    jotrack_job_page *jobs = NULL;
    jotrack_job_input input;
    jotrack_commit commit;
    jotrack_match match;
    size_t i;

    memset(&newer, 0, sizeof newer);
    newer.known.struct_size = sizeof newer;
    OK(jotrack_job_list(engine, &newer.known, NULL, 0, &jobs, &err));
    jotrack_job_page_free(jobs);
    newer.later = 1;
    REFUSED(jotrack_job_list(engine, &newer.known, NULL, 0, &jobs, &err));

    ZERO(input);
    ZERO(commit);
    input.fields = JOTRACK_JOB_FIELD_COMPANY | JOTRACK_JOB_FIELD_TITLE;
    input.company = "Fjordline";
    input.title = "Engineer";
    OK(jotrack_job_create(engine, &input, NULL, &commit, &err));
    OK(jotrack_job_list(engine, NULL, NULL, 0, &jobs, &err));
    CHECK(jotrack_job_page_len(jobs) == 1);
    memset(&guarded, 0x5a, sizeof guarded);
    for (i = sizeof(size_t); i <= sizeof guarded.row; i += 4) {
        const unsigned char *bytes = (const unsigned char *)&guarded.row;
        size_t at;

        memset(&guarded, 0x5a, sizeof guarded);
        guarded.row.struct_size = i;
        CHECK(jotrack_job_page_get(jobs, 0, &guarded.row));
        CHECK(guarded.row.struct_size == i);
        for (at = i; at < sizeof guarded.row; at++)
            CHECK(bytes[at] == 0x5a);
        CHECK(guarded.before == UINT64_C(0x5a5a5a5a5a5a5a5a) && guarded.after == guarded.before);
    }
    for (i = 0; i < sizeof senseless / sizeof *senseless; i++) {
        memset(&guarded, 0x5a, sizeof guarded);
        guarded.row.struct_size = senseless[i];
        CHECK(!jotrack_job_page_get(jobs, 0, &guarded.row));
        CHECK(guarded.row.struct_size == senseless[i] && guarded.row.status == 0x5a5a5a5a);
        memset(&match, 0x5a, sizeof match);
        match.struct_size = senseless[i];
        REFUSED(jotrack_match_get(engine, commit.id, &match, NULL, &err));
        CHECK(match.has_score == 0x5a5a5a5a);
        input.struct_size = senseless[i];
        REFUSED(jotrack_job_create(engine, &input, NULL, NULL, &err));
    }
    jotrack_job_page_free(jobs);
    OK(jotrack_job_list(engine, NULL, NULL, 0, &jobs, &err));
    CHECK(jotrack_job_page_len(jobs) == 1);
    jotrack_job_page_free(jobs);
}

static void options(void)
{
    static const char *const broken[] = {
        "{", "[]", "{\"tresh_days\": 1}", "{\"limits\": {\"pages\": 1}}", "{\"trash_days\": \"x\"}",
    };
    jotrack_options options;
    jotrack_engine *other = NULL;
    size_t i;

    for (i = 0; i < sizeof broken / sizeof *broken; i++) {
        jotrack_options_init(&options, sizeof options);
        options.config_json = broken[i];
        REFUSED(jotrack_engine_open(&options, &other, &err));
        CHECK(other == NULL);
    }
    jotrack_options_init(&options, sizeof options);
    options.dispatch = 2;
    REFUSED(jotrack_engine_open(&options, &other, &err));
    jotrack_options_init(&options, sizeof options);
    options.flags = 8;
    REFUSED(jotrack_engine_open(&options, &other, &err));
    jotrack_options_init(&options, sizeof options);
    options.worker_threads = 65;
    REFUSED(jotrack_engine_open(&options, &other, &err));
    jotrack_options_init(&options, sizeof options);
    options.data_dir = BAD_UTF8;
    REFUSED(jotrack_engine_open(&options, &other, &err));
    options.struct_size = 0;
    REFUSED(jotrack_engine_open(&options, &other, &err));
    jotrack_options_init(&options, sizeof options);
    options.data_dir = "/dev/null/no-folder";
    FAILS(JOTRACK_IO, jotrack_engine_open(&options, &other, &err));
    jotrack_options_init(NULL, sizeof options);
    memset(&options, 0x5a, sizeof options);
    jotrack_options_init(&options, offsetof(jotrack_options, master_key) - 1);
    CHECK(options.dispatch == 0x5a5a5a5a);
    /* A program that was built before the struct grew. */
    jotrack_options_init(&options, offsetof(jotrack_options, master_key));
    CHECK(options.dispatch == 0 && options.struct_size == offsetof(jotrack_options, master_key));
    CHECK(memcmp(&options.master_key, "\x5a\x5a", 2) == 0);
    OK(jotrack_engine_open(&options, &other, &err));
    CLOSES(other);
    other = NULL;
}

/* Limits hold while the bytes come, not after. */
static void too_large(void)
{
    jotrack_options options;
    jotrack_engine *small = NULL;
    jotrack_attachment_writer *writer = NULL;
    jotrack_attachment_input file;
    jotrack_commit commit;
    jotrack_job_input input;
    char block[4096];

    jotrack_options_init(&options, sizeof options);
    options.config_json = "{\"limits\": {\"file_bytes\": 6000}, \"background\": false}";
    OK(jotrack_engine_open(&options, &small, &err)); /* in memory */
    ZERO(input);
    ZERO(commit);
    ZERO(file);
    input.fields = JOTRACK_JOB_FIELD_COMPANY | JOTRACK_JOB_FIELD_TITLE;
    input.company = "Fjordline";
    input.title = "Engineer";
    OK(jotrack_job_create(small, &input, NULL, &commit, &err));
    memset(block, 'a', sizeof block);
    file.job_id = commit.id;
    file.kind = JOTRACK_ATTACHMENT_OTHER;
    file.filename = "big.txt";
    OK(jotrack_attachment_writer_open(small, &file, &writer, &err));
    OK(jotrack_attachment_writer_write(writer, block, sizeof block, &err));
    FAILS(JOTRACK_TOO_LARGE, jotrack_attachment_writer_write(writer, block, sizeof block, &err));
    FAILS(JOTRACK_MISUSE, jotrack_attachment_writer_write(writer, "x", 1, &err));
    FAILS(JOTRACK_MISUSE, jotrack_attachment_writer_commit(writer, NULL, NULL, &err));
    file.size_hint = 6001;
    writer = NULL;
    FAILS(JOTRACK_TOO_LARGE, jotrack_attachment_writer_open(small, &file, &writer, &err));
    CHECK(writer == NULL);
    CLOSES(small);
}

int main(int argc, char **argv)
{
    jotrack_options opening;

    CHECK(argc == 2);
    jotrack_options_init(&opening, sizeof opening);
    opening.data_dir = argv[1];
    OK(jotrack_engine_open(&opening, &engine, &err));
    null_handles();
    null_pages();
    bad_text();
    broken_fields();
    unknown_numbers();
    unknown_ids();
    struct_sizes();
    options();
    too_large();
    FAILS(JOTRACK_MISUSE, jotrack_set_wakeup(engine, NULL, NULL, &err));
    CLOSES(engine);
    return finish("refusals");
}
