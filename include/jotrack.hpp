// jotrack.hpp - C++17 over jotrack.h: handles that free themselves, exceptions, std::function
//
// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Read jotrack.h first: what it says about structs, threads and shutdown holds here. This layer
// adds only what C++ can do by itself:
//
//     jotrack::Engine engine{"/home/me/.local/share/jotrack"};
//     engine.create_job(jotrack::JobInput{}.company("Fjordline").title("Engineer"));
//     for (const jotrack::Job &job : engine.jobs())
//         std::cout << job.title() << '\n';
//
// Errors      Whatever fails throws jotrack::Error. Destructors throw nothing.
// Handles     Move-only; get() lends the C handle. What has no method here is one line as well:
//             jotrack::commit(jotrack_job_trash, engine.get(), ids, n, nullptr).
// Structs     Those that go in are the C structs with struct_size set and the rest zero. What their
//             pointers show must live during the call only. Text ends at its first NUL.
// Rows        The C struct, with a method for each text: job.title() beside job.status. The views
//             live as long as the page; data() is nullptr where there is no value.
// Callbacks   Kept until on_done or the end of the subscription, whatever handle you drop before.
//             Nothing can be thrown through the library, so an exception that leaves one is lost.
//             Do not destroy an Engine inside a callback.
#ifndef JOTRACK_HPP
#define JOTRACK_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jotrack.h"

namespace jotrack {

// A call that failed. what() is English and for logs; show your own text, chosen by code().
class Error : public std::runtime_error {
public:
    explicit Error(jotrack_status code, const jotrack_error *error = nullptr)
        : std::runtime_error(jotrack_status_name(code) + std::string(": ")
                             + jotrack_error_message(error)),
          code_(code), retry_after_(jotrack_error_retry_after_ms(error))
    {
        if (const char *json = jotrack_error_details_json(error))
            details_ = json;
    }

    jotrack_status code() const noexcept { return code_; }
    // A JSON object, see jotrack_error_details_json; empty when there is nothing to tell.
    const std::string &details() const noexcept { return details_; }
    // How long to wait before the next try; below zero: it fails again unless something changes.
    std::chrono::milliseconds retry_after() const noexcept { return retry_after_; }

private:
    jotrack_status code_;
    std::chrono::milliseconds retry_after_;
    std::string details_;
};

template <auto Free> struct Freed {
    template <typename T> void operator()(T *object) const noexcept { Free(object); }
};
template <typename T, auto Free> using Handle = std::unique_ptr<T, Freed<Free>>;

// Calls a function of jotrack.h whose last argument is the error; throws when it fails.
template <typename F, typename... Args> void call(F *function, Args... args)
{
    jotrack_error *raised = nullptr;
    const jotrack_status status = function(args..., &raised);
    const Handle<jotrack_error, jotrack_error_free> error{raised};
    if (status != JOTRACK_OK)
        throw Error(status, error.get());
}

// The same where the argument before the error receives an object that the caller then owns.
template <typename T, typename F, typename... Args> T *make(F *function, Args... args)
{
    T *made = nullptr;
    call(function, args..., &made);
    return made;
}

// The same where that is text.
template <typename F, typename... Args> std::string text(F *function, Args... args)
{
    const Handle<char, jotrack_string_free> made{make<char>(function, args...)};
    return made.get();
}

// The same where that argument is a jotrack_commit.
template <typename F, typename... Args> jotrack_commit commit(F *function, Args... args)
{
    jotrack_commit commit{};
    commit.struct_size = sizeof commit;
    call(function, args..., &commit);
    return commit;
}

inline std::string_view view(const jotrack_str &text) noexcept { return {text.data, text.len}; }

// A C struct that knows its size.
template <typename T> struct Sized : T {
    Sized() : T{} { this->struct_size = sizeof(T); }
};
using Options = Sized<jotrack_options>;
using Write = Sized<jotrack_write>;
using JobFilter = Sized<jotrack_job_filter>;
using AnalysisRequest = Sized<jotrack_analysis_request>;

// What is set is what is written. NULL clears a field that may be empty.
struct JobInput : Sized<jotrack_job_input> {
    using C = jotrack_job_input;
    JobInput &company(const char *v) { return set(JOTRACK_JOB_FIELD_COMPANY, &C::company, v); }
    JobInput &title(const char *v) { return set(JOTRACK_JOB_FIELD_TITLE, &C::title, v); }
    JobInput &location(const char *v) { return set(JOTRACK_JOB_FIELD_LOCATION, &C::location, v); }
    JobInput &url(const char *v) { return set(JOTRACK_JOB_FIELD_POSTING_URL, &C::posting_url, v); }
    JobInput &source(const char *v) { return set(JOTRACK_JOB_FIELD_SOURCE, &C::source, v); }
    JobInput &notes(std::string_view v)
    {
        notes_len = v.size();
        return set(JOTRACK_JOB_FIELD_NOTES, &C::notes, v.data());
    }
    JobInput &status(std::int32_t number, std::int64_t since_ms = 0)
    {
        status_at_ms = since_ms;
        return set(JOTRACK_JOB_FIELD_STATUS, &C::status, number);
    }

private:
    template <typename T> JobInput &set(std::uint64_t field, T C::*member, T value)
    {
        fields |= field;
        this->*member = value;
        return *this;
    }
};

struct Job : Sized<jotrack_job> {
    std::string_view id() const noexcept { return view(jotrack_job::id); }
    std::string_view company() const noexcept { return view(jotrack_job::company); }
    std::string_view title() const noexcept { return view(jotrack_job::title); }
    std::string_view location() const noexcept { return view(jotrack_job::location); }
    std::string_view posting_url() const noexcept { return view(jotrack_job::posting_url); }
    std::string_view source() const noexcept { return view(jotrack_job::source); }
    std::string_view notes() const noexcept { return view(jotrack_job::notes); }
    std::string_view resume_id() const noexcept { return view(resume_attachment_id); }
    std::string_view jd_id() const noexcept { return view(jd_attachment_id); }
};

struct Attachment : Sized<jotrack_attachment> {
    std::string_view id() const noexcept { return view(jotrack_attachment::id); }
    std::string_view job_id() const noexcept { return view(jotrack_attachment::job_id); }
    std::string_view filename() const noexcept { return view(jotrack_attachment::filename); }
    std::string_view media_type() const noexcept { return view(jotrack_attachment::media_type); }
    std::string_view sha256() const noexcept { return view(jotrack_attachment::sha256); }
};

struct Change : Sized<jotrack_change> {
    std::string_view id() const noexcept { return view(jotrack_change::id); }
};

struct PageInfo : Sized<jotrack_page_info> {
    // Cursor for the next page; empty on the last one.
    std::string_view next() const noexcept { return view(jotrack_page_info::next); }
};

// Rows that were read at one moment. They outlive the engine.
template <typename Row, typename C, auto Len, auto Get, auto Free, auto Info = nullptr> class Page {
public:
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Row;
        using difference_type = std::ptrdiff_t;
        using pointer = const Row *;
        using reference = const Row &;

        iterator() = default;
        iterator(const C *page, std::size_t at) : page_(page), at_(at) { Get(page_, at_, &row_); }
        reference operator*() const { return row_; }
        pointer operator->() const { return &row_; }
        iterator &operator++()
        {
            Get(page_, ++at_, &row_);
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator &a, const iterator &b) { return a.at_ == b.at_; }
        friend bool operator!=(const iterator &a, const iterator &b) { return a.at_ != b.at_; }

    private:
        const C *page_ = nullptr;
        std::size_t at_ = 0;
        Row row_;
    };

    explicit Page(C *page) : page_(page) {}
    const C *get() const noexcept { return page_.get(); }
    std::size_t size() const noexcept { return Len(get()); }
    bool empty() const noexcept { return size() == 0; }

    Row at(std::size_t i) const &
    {
        Row row;
        if (!Get(get(), i, &row))
            throw std::out_of_range("no such row");
        return row;
    }
    iterator begin() const & { return {get(), 0}; }
    iterator end() const & { return {get(), size()}; }
    // Where it goes on; attachments have no such thing.
    PageInfo info() const &
    {
        PageInfo info;
        Info(get(), &info);
        return info;
    }
    // Views into a page that is gone at the end of the line.
    Row at(std::size_t) const && = delete;
    iterator begin() const && = delete;
    iterator end() const && = delete;
    PageInfo info() const && = delete;

private:
    Handle<C, Free> page_;
};

using JobPage = Page<Job, jotrack_job_page, jotrack_job_page_len, jotrack_job_page_get,
                     jotrack_job_page_free, jotrack_job_page_info>;
using ChangePage = Page<Change, jotrack_change_page, jotrack_change_page_len,
                        jotrack_change_page_get, jotrack_change_page_free,
                        jotrack_change_page_info>;
using AttachmentPage = Page<Attachment, jotrack_attachment_page, jotrack_attachment_page_len,
                            jotrack_attachment_page_get, jotrack_attachment_page_free>;

// How an operation ended; lives during on_done only.
struct Outcome {
    jotrack_status status;
    std::string_view result_json;
    const jotrack_error *error;

    // Throws what the operation failed with.
    void check() const
    {
        if (status != JOTRACK_OK)
            throw Error(status, error);
    }
};

using OnEvent = std::function<void(std::string_view event_json)>;
using OnDone = std::function<void(const Outcome &)>;
using OnChange = std::function<void(const jotrack_event &)>;

// Something that goes on in the background. To drop it cancels nothing; the callbacks still come.
class Op {
public:
    explicit Op(jotrack_op *op) : op_(op) {}
    jotrack_op *get() const noexcept { return op_.get(); }
    std::string id() const { auto id = jotrack_op_id(get()); return id ? id : ""; } // of an analysis
    void cancel() const noexcept { jotrack_op_cancel(get()); }

    // Starts an operation by a function that takes two callbacks, `user` and an out-argument.
    template <typename F, typename... Args>
    static Op start(OnEvent on_event, OnDone on_done, F *function, Args... args)
    {
        std::unique_ptr<Running> running{new Running{std::move(on_event), std::move(on_done)}};
        Op op{make<jotrack_op>(function, args..., running->on_event ? &Running::event : nullptr,
                               &Running::done, static_cast<void *>(running.get()))};
        // From here on it belongs to on_done, which may have freed it already.
        static_cast<void>(running.release());
        return op;
    }

private:
    struct Running {
        OnEvent on_event;
        OnDone on_done;
        static void event(void *user, const char *json, std::size_t len) noexcept
        {
            try {
                static_cast<Running *>(user)->on_event({json, len});
            } catch (...) {}
        }
        static void done(void *user, std::int32_t status, const char *json, std::size_t len,
                         const jotrack_error *error) noexcept
        {
            const std::unique_ptr<Running> running{static_cast<Running *>(user)};
            try {
                if (running->on_done)
                    running->on_done({status, {json, len}, error});
            } catch (...) {}
        }
    };

    Handle<jotrack_op, jotrack_op_free> op_;
};

// Ends with its destruction, which waits for a running callback unless it happens inside of it.
class Subscription {
public:
    Subscription(jotrack_engine *engine, std::uint64_t entities, OnChange on_change)
        : handle_(nullptr, End{std::make_shared<State>()})
    {
        State *state = handle_.get_deleter().state.get();
        state->on_change = std::move(on_change);
        handle_.reset(make<jotrack_subscription>(jotrack_subscribe, engine, entities, &State::event,
                                                 static_cast<void *>(state)));
    }
    jotrack_subscription *get() const noexcept { return handle_.get(); }

private:
    struct State : std::enable_shared_from_this<State> {
        OnChange on_change;
        static void event(void *user, const jotrack_event *event) noexcept
        {
            // The callback may end the subscription, and must not lose its own function by that.
            const auto kept = static_cast<State *>(user)->shared_from_this();
            try {
                kept->on_change(*event);
            } catch (...) {}
        }
    };

    // Ends the subscription before the function goes.
    struct End {
        std::shared_ptr<State> state;
        void operator()(jotrack_subscription *handle) const { jotrack_subscription_free(handle); }
    };
    std::unique_ptr<jotrack_subscription, End> handle_;
};

// Closes at its end: cancels what runs and delivers every on_done, with JOTRACK_DISPATCH_HOST on the
// closing thread or on one that dispatches. No other thread may still use the object then.
class Engine {
public:
    using Ids = std::vector<std::string>;

    explicit Engine(const Options &options)
        : handle_(make<jotrack_engine>(jotrack_engine_open, c(options)))
    {}
    explicit Engine(const std::string &data_dir, std::int32_t dispatch = JOTRACK_DISPATCH_THREAD)
        : Engine(options(data_dir, dispatch))
    {}
    jotrack_engine *get() const noexcept { return handle_.get(); }

    // Says by its answer what the destructor cannot. The engine is gone then, unless this is
    // JOTRACK_MISUSE.
    jotrack_status close() noexcept
    {
        const jotrack_status status = jotrack_engine_close(get());
        if (status != JOTRACK_MISUSE)
            static_cast<void>(handle_.release());
        return status;
    }

    // Runs callbacks that wait, and counts them: JOTRACK_DISPATCH_HOST only. Below zero: for ever.
    std::uint32_t dispatch(std::chrono::milliseconds wait = {}, std::uint32_t max = 0) const
    {
        std::uint32_t delivered = 0;
        const auto ms = static_cast<std::int32_t>(wait.count() < 0 ? -1 : wait.count());
        call(jotrack_dispatch, get(), ms, max, &delivered);
        return delivered;
    }
    // Runs on any thread and must not call the library: post a message to the main loop.
    void on_wakeup(std::function<void()> wakeup)
    {
        // A former one may still run, so all of them are kept.
        auto &kept = handle_.get_deleter().wakeups;
        kept.push_back(std::move(wakeup));
        call(jotrack_set_wakeup, get(), &Engine::wake, static_cast<void *>(&kept.back()));
    }

    jotrack_commit create_job(const JobInput &input, const jotrack_write *write = nullptr) const
    {
        return commit(jotrack_job_create, get(), c(input), write);
    }
    jotrack_commit update_job(const std::string &id, const JobInput &input,
                              const jotrack_write *write = nullptr) const
    {
        return commit(jotrack_job_update, get(), id.c_str(), c(input), write);
    }
    jotrack_commit update_status(const Ids &ids, std::int32_t status,
                                 const char *note = nullptr) const
    {
        return commit(jotrack_job_update_status, get(), pointers(ids).data(), ids.size(), status,
                      std::int64_t{0}, note, nullptr);
    }

    // One job, with its notes.
    JobPage job(const std::string &id) const
    {
        return JobPage{make<jotrack_job_page>(jotrack_job_get, get(), id.c_str())};
    }
    // The page behind a cursor, which is empty for the first one; of 50 rows when limit is 0.
    JobPage jobs(const JobFilter &filter = {}, const std::string &after = {},
                 std::uint32_t limit = 0) const
    {
        const char *cursor = after.empty() ? nullptr : after.c_str();
        return JobPage{make<jotrack_job_page>(jotrack_job_list, get(), c(filter), cursor, limit)};
    }
    // All of them, page after page.
    template <typename Visit> void for_each_job(const JobFilter &filter, Visit visit) const
    {
        std::string after;
        do {
            const JobPage page = jobs(filter, after, 200);
            for (const Job &job : page)
                visit(job);
            after = page.info().next();
        } while (!after.empty());
    }

    AttachmentPage attachments(const Ids &jobs, std::uint32_t kinds = 0) const
    {
        return AttachmentPage{make<jotrack_attachment_page>(
            jotrack_attachment_list, get(), pointers(jobs).data(), jobs.size(), kinds)};
    }
    // A whole file at once; for a large one see jotrack_attachment_writer_write.
    jotrack_commit attach(const std::string &job_id, std::int32_t kind, const std::string &filename,
                          std::string_view bytes) const
    {
        Sized<jotrack_attachment_input> input;
        input.job_id = job_id.c_str();
        input.filename = filename.c_str();
        input.kind = kind;
        input.size_hint = bytes.size();
        Handle<jotrack_attachment_writer, jotrack_attachment_writer_abort> writer{
            make<jotrack_attachment_writer>(jotrack_attachment_writer_open, get(), c(input))};
        call(jotrack_attachment_writer_write, writer.get(), bytes.data(), bytes.size());
        return commit(jotrack_attachment_writer_commit, writer.release(), nullptr);
    }

    Op analyze(const AnalysisRequest &request, OnEvent on_event, OnDone on_done) const
    {
        return Op::start(std::move(on_event), std::move(on_done), jotrack_analysis_start, get(),
                         c(request));
    }

    // Entity bits; 0 = all.
    [[nodiscard]] Subscription subscribe(std::uint64_t entities, OnChange on_change) const
    {
        return Subscription{get(), entities, std::move(on_change)};
    }
    ChangePage changes_since(std::uint64_t rev, std::uint64_t entities = 0) const
    {
        return ChangePage{
            make<jotrack_change_page>(jotrack_changes_since, get(), rev, entities, 0u)};
    }

    // The response as JSON, which may hold errors only.
    std::string graphql(const std::string &query, const char *variables_json = nullptr) const
    {
        Sized<jotrack_graphql_request> request;
        request.query = query.c_str();
        request.variables_json = variables_json;
        return text(jotrack_graphql_execute, get(), c(request));
    }

private:
    static Options options(const std::string &data_dir, std::int32_t dispatch)
    {
        Options options;
        options.data_dir = data_dir.c_str();
        options.dispatch = dispatch;
        return options;
    }
    static void wake(void *user) noexcept
    {
        try {
            (*static_cast<std::function<void()> *>(user))();
        } catch (...) {}
    }
    // As the functions of jotrack.h take it.
    template <typename T> static const T *c(const Sized<T> &value) { return &value; }
    static std::vector<const char *> pointers(const Ids &ids)
    {
        std::vector<const char *> all;
        for (const std::string &id : ids)
            all.push_back(id.c_str());
        return all;
    }

    // Closes the engine before the functions go, whose addresses the library holds: hence a list.
    struct Close {
        std::list<std::function<void()>> wakeups;
        void operator()(jotrack_engine *engine) const { jotrack_engine_close(engine); }
    };
    std::unique_ptr<jotrack_engine, Close> handle_;
};

} // namespace jotrack

#endif
