// The C header from C++17: the way a C++ program would hold it.
#include "jotrack.h"

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

namespace {

struct close_engine {
    void operator()(jotrack_engine *engine) const { jotrack_engine_close(engine); }
};
struct free_page {
    void operator()(jotrack_job_page *page) const { jotrack_job_page_free(page); }
};
using engine_ptr = std::unique_ptr<jotrack_engine, close_engine>;
using page_ptr = std::unique_ptr<jotrack_job_page, free_page>;

template <typename T> T sized()
{
    static_assert(std::is_standard_layout_v<T> && std::is_trivially_copyable_v<T>);
    static_assert(offsetof(T, struct_size) == 0);
    T value{};
    value.struct_size = sizeof value;
    return value;
}

std::string_view view(const jotrack_str &text) { return {text.data, text.len}; }

int fail(const char *what)
{
    std::fprintf(stderr, "cpp17: %s\n", what);
    return 1;
}

} // namespace

int main(int argc, char **argv)
{
    static_assert(std::is_same_v<jotrack_status, std::int32_t>);
    if (argc != 2)
        return fail("usage");
    jotrack_options options;
    jotrack_options_init(&options, sizeof options);
    options.data_dir = argv[1];
    jotrack_engine *opened = nullptr;
    if (jotrack_engine_open(&options, &opened, nullptr) != JOTRACK_OK)
        return fail("open");
    const engine_ptr engine{opened};

    auto input = sized<jotrack_job_input>();
    auto commit = sized<jotrack_commit>();
    const std::string title = "Ingeni\xc3\xb8r";
    input.fields = JOTRACK_JOB_FIELD_COMPANY | JOTRACK_JOB_FIELD_TITLE;
    input.company = "Fjordline";
    input.title = title.c_str();
    if (jotrack_job_create(engine.get(), &input, nullptr, &commit, nullptr) != JOTRACK_OK)
        return fail("create");

    auto filter = sized<jotrack_job_filter>();
    filter.statuses = JOTRACK_BIT(JOTRACK_JOB_ON_RADAR);
    jotrack_job_page *listed = nullptr;
    if (jotrack_job_list(engine.get(), &filter, nullptr, 0, &listed, nullptr) != JOTRACK_OK)
        return fail("list");
    const page_ptr page{listed};
    auto row = sized<jotrack_job>();
    if (!jotrack_job_page_get(page.get(), 0, &row) || view(row.title) != title)
        return fail("row");
    if (view(row.id) != std::string_view{commit.id})
        return fail("id");
    std::puts("cpp17: ok");
    return 0;
}
