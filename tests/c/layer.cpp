// The C++ layer: what it throws, keeps and lets go of.
#include <jotrack.hpp>

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace {

int checks = 0;

#define CHECK(fact)                                                                                \
    do {                                                                                           \
        if (!(fact)) {                                                                             \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #fact);                        \
            std::exit(1);                                                                          \
        }                                                                                          \
        checks++;                                                                                  \
    } while (0)

using namespace jotrack;
using namespace std::chrono_literals;

template <typename T>
constexpr bool moves_only =
    std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T>
    && !std::is_copy_constructible_v<T>;
static_assert(moves_only<Engine> && moves_only<JobPage> && moves_only<ChangePage>);
static_assert(moves_only<Op> && moves_only<Subscription>);
static_assert(std::is_same_v<std::iterator_traits<JobPage::iterator>::value_type, Job>);

// What a call threw.
template <typename Call> Error thrown(Call wrong)
{
    try {
        wrong();
    } catch (const Error &error) {
        return error;
    }
    return Error{JOTRACK_OK};
}

template <typename Done> void dispatch_until(const Engine &engine, Done done)
{
    for (int rounds = 0; !done(); rounds++) {
        CHECK(rounds < 6000);
        engine.dispatch(100ms);
    }
}

void errors(const Engine &engine)
{
    const Error missing = thrown([&] { engine.job("0190a6ae-0f5c-7d3c-9d57-4d0c6a8f2b11"); });
    CHECK(missing.code() == JOTRACK_NOT_FOUND);
    CHECK(std::string{missing.what()}.rfind("NOT_FOUND: ", 0) == 0);
    CHECK(missing.retry_after() == -1ms);

    const Error empty = thrown([&] { engine.create_job(JobInput{}.company("Fjordline").title("")); });
    CHECK(empty.code() == JOTRACK_VALIDATION);
    CHECK(empty.details().find("\"title\"") != std::string::npos);

    CHECK(thrown([] { Engine nowhere{"/dev/null/nowhere"}; }).code() != JOTRACK_OK);
    CHECK(thrown([&] { call(jotrack_job_trash, engine.get(), nullptr, 1u, nullptr, nullptr); }).code()
          == JOTRACK_INVALID_ARGUMENT);
}

void rows(const Engine &engine)
{
    CHECK(engine.jobs().empty());
    const std::string notes = "two\nlines";
    const std::string id = engine
                               .create_job(JobInput{}
                                               .company("Fjordline")
                                               .title("Ingeni\xc3\xb8r")
                                               .location("Bergen")
                                               .notes(notes)
                                               .status(JOTRACK_JOB_APPLIED))
                               .id;
    const jotrack_commit second = engine.create_job(JobInput{}.company("Solvang").title("Analyst"));
    CHECK(second.rev > 0);

    JobPage page = engine.jobs();
    CHECK(page.size() == 2 && std::distance(page.begin(), page.end()) == 2);
    JobPage moved = std::move(page);
    CHECK(moved.begin()->title() == "Analyst" && moved.at(1).id() == id);
    CHECK(moved.at(0).location().data() == nullptr && moved.at(1).location() == "Bergen");
    CHECK(moved.info().next().empty());
    try {
        moved.at(2);
        CHECK(false);
    } catch (const std::out_of_range &) {
        CHECK(true);
    }
    const JobPage one = engine.job(id);
    CHECK(one.at(0).notes() == notes && one.at(0).status == JOTRACK_JOB_APPLIED);

    engine.update_job(id, JobInput{}.location(nullptr).title("Engineer"));
    engine.update_status({id, second.id}, JOTRACK_JOB_OFFER, "both");
    const JobPage later = engine.job(id);
    CHECK(later.at(0).location().data() == nullptr && later.at(0).title() == "Engineer");
    CHECK(later.at(0).company() == "Fjordline" && later.at(0).status == JOTRACK_JOB_OFFER);
    // Another version is expected: nothing is written.
    Write write;
    write.expected_version = one.at(0).version;
    const JobInput other = JobInput{}.title("Other");
    CHECK(thrown([&] { engine.update_job(id, other, &write); }).code() == JOTRACK_CONFLICT);

    JobFilter filter;
    filter.company = "Solvang";
    int seen = 0;
    engine.for_each_job(filter, [&](const Job &job) { seen += job.company() == "Solvang"; });
    CHECK(seen == 1);
    // Page after page, each behind the other.
    const JobPage first = engine.jobs({}, {}, 1);
    const JobPage rest = engine.jobs({}, std::string{first.info().next()}, 1);
    CHECK(first.at(0).id() == second.id && rest.at(0).id() == id && rest.info().next().empty());

    CHECK(engine.attach(id, JOTRACK_ATTACHMENT_RESUME, "cv.txt", "Rust, SQL").id[0] != '\0');
    const AttachmentPage files = engine.attachments({id});
    CHECK(files.size() == 1 && files.begin()->filename() == "cv.txt" && files.at(0).size == 9);
    const ChangePage changes = engine.changes_since(0, JOTRACK_ENTITY_JOB);
    CHECK(!changes.empty() && changes.info().rev >= second.rev);
    for (const Change &change : changes)
        CHECK(change.entity == JOTRACK_ENTITY_JOB && change.id().size() == 36);
    const char *ids[] = {second.id};
    commit(jotrack_job_trash, engine.get(), ids, 1u, nullptr);
    CHECK(engine.jobs().size() == 1);
}

void graphql(const Engine &engine)
{
    if ((jotrack_features() & JOTRACK_FEATURE_GRAPHQL) != 0)
        CHECK(engine.graphql("{ __typename }").find("\"Query\"") != std::string::npos);
    else
        CHECK(thrown([&] { engine.graphql("{ __typename }"); }).code() == JOTRACK_UNSUPPORTED);
}

void operations(const Engine &engine)
{
    const std::string job = engine.create_job(JobInput{}.company("Nordlys").title("Developer")).id;
    engine.attach(job, JOTRACK_ATTACHMENT_RESUME, "cv.txt", "I wrote Rust and SQL for ten years.");
    engine.attach(job, JOTRACK_ATTACHMENT_JD, "jd.txt", "We need Rust and SQL, and Kubernetes.");
    Sized<jotrack_match> match;
    dispatch_until(engine, [&] {
        call(jotrack_match_get, engine.get(), job.c_str(), &match, nullptr);
        return match.has_score != 0;
    });
    AnalysisRequest request;
    request.kind = "MATCH_SCORE";
    request.job_id = job.c_str();
    request.provider = "LOCAL";

    // The handle is dropped at once; the callbacks live until the end, and then go.
    auto token = std::make_shared<int>(0);
    std::string result, last;
    engine.analyze(
        request, [&last, token](std::string_view event) { last = event; },
        [&result, token](const Outcome &outcome) {
            outcome.check();
            result = outcome.result_json;
        });
    dispatch_until(engine, [&] { return !result.empty(); });
    CHECK(result.find("\"result\":{") != std::string::npos);
    CHECK(last.find("\"DONE\"") != std::string::npos && token.use_count() == 1);

    // What is thrown in callbacks goes nowhere, and the engine goes on.
    bool ended = false;
    Op op = engine.analyze(
        request, [](std::string_view) { throw std::runtime_error("event"); },
        [&ended, token](const Outcome &) {
            ended = true;
            throw 1;
        });
    CHECK(op.id().size() == 36);
    dispatch_until(engine, [&] { return ended; });
    op.cancel();
    CHECK(token.use_count() == 1);

    request.job_id = "0190a6ae-0f5c-7d3c-9d57-4d0c6a8f2b11";
    const auto start = [&] { engine.analyze(request, {}, [token](const Outcome &) {}); };
    CHECK(thrown(start).code() == JOTRACK_NOT_FOUND && token.use_count() == 1);

    jotrack_error *const none = nullptr;
    const Outcome failed{JOTRACK_TIMEOUT, {}, none};
    CHECK(thrown([&] { failed.check(); }).code() == JOTRACK_TIMEOUT);
}

void subscriptions(const Engine &engine)
{
    auto token = std::make_shared<int>(0);
    int told = 0;
    std::optional<Subscription> ends_itself, stays;
    ends_itself.emplace(engine.subscribe(JOTRACK_ENTITY_JOB, [&, token](const jotrack_event &) {
        ends_itself.reset();
        told += token.use_count() > 1; // its own copy is still there
    }));
    stays.emplace(engine.subscribe(JOTRACK_ENTITY_JOB, [&, token](const jotrack_event &event) {
        told += event.kind == JOTRACK_EVENT_CHANGED;
        throw std::runtime_error("goes nowhere");
    }));
    CHECK(token.use_count() == 3);
    engine.create_job(JobInput{}.company("Fjordline").title("Baker"));
    dispatch_until(engine, [&] { return told >= 2; });
    CHECK(!ends_itself && token.use_count() == 2);

    *stays = engine.subscribe(0, [](const jotrack_event &) {});
    CHECK(token.use_count() == 1);
    stays.reset();
}

void wakeups()
{
    auto token = std::make_shared<int>(0);
    Options options; // no folder: the data is gone at the end
    options.dispatch = JOTRACK_DISPATCH_HOST;
    {
        Engine engine{options};
        engine.on_wakeup([token] { throw 1; });
        engine.on_wakeup([token] { ++*token; });
        const auto subscription = engine.subscribe(0, [](const jotrack_event &) {});
        engine.create_job(JobInput{}.company("Fjordline").title("Engineer"));
        dispatch_until(engine, [&] { return *token > 0; });
        Engine moved = std::move(engine);
        CHECK(engine.get() == nullptr && moved.get() != nullptr && token.use_count() == 3);
        moved = Engine{Options{}};
        CHECK(token.use_count() == 1);
        CHECK(moved.close() == JOTRACK_OK && moved.get() == nullptr);
        CHECK(thrown([&] { moved.jobs(); }).code() == JOTRACK_INVALID_ARGUMENT);
    }
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    {
        const Engine engine{argv[1], JOTRACK_DISPATCH_HOST};
        rows(engine);
        errors(engine);
        graphql(engine);
        operations(engine);
        subscriptions(engine);
    }
    wakeups();
    const Engine again{argv[1]};
    CHECK(again.jobs().size() == 3);
    std::printf("layer: %d checks\n", checks);
    return 0;
}
