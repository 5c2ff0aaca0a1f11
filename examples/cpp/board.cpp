// Shows the jobs of a data folder as a board, one block per status, and keeps it up to date.
//
//     board DATA_DIR [--follow]
//
// Callbacks run on this thread, inside jotrack_dispatch: the shape of a program with a main loop.
//
//     c++ -std=c++17 board.cpp -o board $(pkg-config --cflags --libs jotrack)
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "jotrack.h"

namespace {

template <auto Free> struct deleter {
    template <typename T> void operator()(T *object) const { Free(object); }
};
using engine_ptr = std::unique_ptr<jotrack_engine, deleter<jotrack_engine_close>>;
using page_ptr = std::unique_ptr<jotrack_job_page, deleter<jotrack_job_page_free>>;
using subscription_ptr = std::unique_ptr<jotrack_subscription, deleter<jotrack_subscription_free>>;
using error_ptr = std::unique_ptr<jotrack_error, deleter<jotrack_error_free>>;

// Turns a failed call into an exception that carries its message.
template <typename Call> void check(Call &&call)
{
    jotrack_error *raised = nullptr;
    const jotrack_status status = call(&raised);
    const error_ptr error{raised};
    if (status != JOTRACK_OK)
        throw std::runtime_error(std::string(jotrack_status_name(status)) + ": "
                                 + jotrack_error_message(error.get()));
}

template <typename T> T sized()
{
    T value{};
    value.struct_size = sizeof value;
    return value;
}

std::string text(const jotrack_str &value) { return {value.data, value.len}; }

engine_ptr open(const char *data_dir)
{
    jotrack_options options;
    jotrack_options_init(&options, sizeof options);
    options.data_dir = data_dir;
    options.dispatch = JOTRACK_DISPATCH_HOST;
    jotrack_engine *engine = nullptr;
    check([&](jotrack_error **err) { return jotrack_engine_open(&options, &engine, err); });
    return engine_ptr{engine};
}

std::string card(const jotrack_job &job)
{
    std::string line = text(job.title) + ", " + text(job.company);
    if (job.match_score >= 0)
        line += " (" + std::to_string(std::lround(job.match_score)) + " %)";
    return line;
}

std::map<std::int32_t, std::vector<std::string>> load(jotrack_engine *engine)
{
    std::map<std::int32_t, std::vector<std::string>> board;
    std::string after;
    do {
        jotrack_job_page *listed = nullptr;
        check([&](jotrack_error **err) {
            return jotrack_job_list(engine, nullptr, after.empty() ? nullptr : after.c_str(), 200,
                                    &listed, err);
        });
        const page_ptr page{listed};
        auto job = sized<jotrack_job>();
        for (std::size_t i = 0; jotrack_job_page_get(page.get(), i, &job); i++)
            board[job.status].push_back(card(job));
        auto info = sized<jotrack_page_info>();
        jotrack_job_page_info(page.get(), &info);
        after = info.next.data ? text(info.next) : std::string{};
    } while (!after.empty());
    return board;
}

void draw(jotrack_engine *engine)
{
    static const char *const titles[] = {"other",  "on radar", "applied",  "phone screen",
                                         "onsite", "offer",    "accepted", "rejected",
                                         "withdrawn", "ghosted"};
    for (const auto &[status, cards] : load(engine)) {
        const bool known = status > 0 && status < static_cast<std::int32_t>(std::size(titles));
        std::printf("%s\n", titles[known ? status : 0]);
        for (const auto &line : cards)
            std::printf("  %s\n", line.c_str());
    }
    std::fflush(stdout);
}

// Nothing may be thrown through the library, so a callback only takes a note.
void on_change(void *user, const jotrack_event *event)
{
    *static_cast<bool *>(user) |= event->kind != JOTRACK_EVENT_STATE;
}

void follow(jotrack_engine *engine)
{
    bool changed = false;
    jotrack_subscription *made = nullptr;
    check([&](jotrack_error **err) {
        return jotrack_subscribe(engine, JOTRACK_ENTITY_JOB, on_change, &changed, &made, err);
    });
    const subscription_ptr subscription{made};
    // Only now, so that no change falls between the first picture and the first event.
    draw(engine);
    for (;;) {
        check([&](jotrack_error **err) { return jotrack_dispatch(engine, -1, 0, nullptr, err); });
        if (changed) {
            changed = false;
            std::printf("\n");
            draw(engine);
        }
    }
}

} // namespace

int main(int argc, char **argv)
{
    const bool follows = argc == 3 && std::strcmp(argv[2], "--follow") == 0;
    if (argc != 2 && !follows) {
        std::fprintf(stderr, "usage: board DATA_DIR [--follow]\n");
        return 2;
    }
    try {
        const engine_ptr engine = open(argv[1]);
        if (follows)
            follow(engine.get());
        else
            draw(engine.get());
    } catch (const std::exception &error) {
        std::fprintf(stderr, "board: %s\n", error.what());
        return 1;
    }
    return 0;
}
