// Shows the jobs of a data folder as a board, one block per status, and keeps it up to date.
//
//     board DATA_DIR [--follow]
//
// Callbacks run on this thread, inside Engine::dispatch: the shape of a program with a main loop.
//
//     c++ -std=c++17 board.cpp -o board $(pkg-config --cflags --libs jotrack)
#include <chrono>
#include <cmath>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <jotrack.hpp>

namespace {

const char *title_of(std::int32_t status)
{
    static const char *const titles[] = {"other",  "on radar", "applied",  "phone screen",
                                         "onsite", "offer",    "accepted", "rejected",
                                         "withdrawn", "ghosted"};
    // A library that is newer than this program may know more.
    const bool known = status > 0 && status < static_cast<std::int32_t>(std::size(titles));
    return titles[known ? status : 0];
}

std::string card(const jotrack::Job &job)
{
    std::string line{job.title()};
    line.append(", ").append(job.company());
    if (job.match_score >= 0)
        line += " (" + std::to_string(std::lround(job.match_score)) + " %)";
    return line;
}

void draw(const jotrack::Engine &engine)
{
    std::map<std::int32_t, std::vector<std::string>> board;
    engine.for_each_job({}, [&](const jotrack::Job &job) {
        board[job.status].push_back(card(job));
    });
    for (const auto &[status, cards] : board) {
        std::cout << title_of(status) << '\n';
        for (const std::string &line : cards)
            std::cout << "  " << line << '\n';
    }
    std::cout.flush();
}

void follow(const jotrack::Engine &engine)
{
    bool changed = false;
    const auto subscription =
        engine.subscribe(JOTRACK_ENTITY_JOB, [&changed](const jotrack_event &event) {
            changed |= event.kind != JOTRACK_EVENT_STATE;
        });
    // Only now, so that no change falls between the first picture and the first event.
    draw(engine);
    for (;;) {
        engine.dispatch(std::chrono::milliseconds{-1});
        if (changed) {
            changed = false;
            std::cout << '\n';
            draw(engine);
        }
    }
}

} // namespace

int main(int argc, char **argv)
{
    const bool follows = argc == 3 && std::string_view{argv[2]} == "--follow";
    if (argc != 2 && !follows) {
        std::cerr << "usage: board DATA_DIR [--follow]\n";
        return 2;
    }
    try {
        const jotrack::Engine engine{argv[1], JOTRACK_DISPATCH_HOST};
        if (follows)
            follow(engine);
        else
            draw(engine);
    } catch (const std::exception &error) {
        std::cerr << "board: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
