/* Two handles on one engine, each for a user of its own: neither sees what the other has.
 * Arguments: the data folder, and the id of a user in it who is not the local one. */
#include "check.h"
#include "make.h"

static int rows(jotrack_engine *engine)
{
    jotrack_error *err = NULL;
    jotrack_job_page *page = NULL;
    int count;

    OK(jotrack_job_list(engine, NULL, NULL, 0, &page, &err));
    count = (int)jotrack_job_page_len(page);
    jotrack_job_page_free(page);
    return count;
}

/* What a user was told. */
struct told {
    int times;
    uint64_t entities;
};

static void on_event(void *user, const jotrack_event *event)
{
    struct told *told = user;

    if (event->kind != JOTRACK_EVENT_CHANGED)
        return;
    told->times++;
    told->entities |= event->entities;
}

int main(int argc, char **argv)
{
    jotrack_error *err = NULL;
    jotrack_engine *owner, *guest, *third = NULL;
    jotrack_subscription *owners, *guests;
    jotrack_options options;
    jotrack_job_page *page = NULL;
    char job[40], others[40];
    const char *one[1];
    struct told owner_told = {0, 0}, guest_told = {0, 0};
    int rounds = 0;

    CHECK(argc == 3);
    jotrack_options_init(&options, sizeof options);
    options.data_dir = argv[1];
    options.dispatch = JOTRACK_DISPATCH_HOST;
    OK(jotrack_engine_open(&options, &owner, &err));
    OK(jotrack_engine_as_user(owner, argv[2], &guest, &err));
    OK(jotrack_subscribe(owner, 0, on_event, &owner_told, &owners, &err));
    OK(jotrack_subscribe(guest, 0, on_event, &guest_told, &guests, &err));

    make_job(owner, "Engineer", job);
    make_file(owner, job, JOTRACK_ATTACHMENT_RESUME, "Mara Lindqvist\nRust, PostgreSQL.\n", others);
    CHECK(rows(owner) == 1 && rows(guest) == 0);

    /* What is another user's is not there. */
    one[0] = job;
    FAILS(JOTRACK_NOT_FOUND, jotrack_job_get(guest, job, &page, &err));
    FAILS(JOTRACK_NOT_FOUND, jotrack_job_update_status(guest, one, 1, JOTRACK_JOB_APPLIED, 0, NULL, NULL,
                                                       NULL, &err));
    FAILS(JOTRACK_NOT_FOUND, jotrack_job_trash(guest, one, 1, NULL, NULL, &err));
    CHECK(page == NULL);

    /* Changes reach their owner and nobody else: also what is merged tells of no file. */
    while ((owner_told.entities & JOTRACK_ENTITY_ATTACHMENT) == 0 && ++rounds < 600)
        OK(jotrack_dispatch(owner, 100, 0, NULL, &err));
    CHECK((owner_told.entities & JOTRACK_ENTITY_ATTACHMENT) != 0 && guest_told.times == 0);
    make_job(guest, "Guest", others);
    while (guest_told.times == 0 && ++rounds < 600)
        OK(jotrack_dispatch(guest, 100, 0, NULL, &err));
    CHECK((guest_told.entities & JOTRACK_ENTITY_JOB) != 0);
    CHECK((guest_told.entities & JOTRACK_ENTITY_ATTACHMENT) == 0);
    CHECK(rows(guest) == 1 && rows(owner) == 1);
    FAILS(JOTRACK_NOT_FOUND, jotrack_job_get(owner, others, &page, &err));

    /* Suspending is of the engine, whichever handle asks. */
    OK(jotrack_engine_suspend(guest, 5000, &err));
    FAILS(JOTRACK_SUSPENDED, jotrack_job_get(owner, job, &page, &err));
    OK(jotrack_engine_resume(owner, &err));
    CHECK(rows(guest) == 1 && rows(owner) == 1);

    /* The engine lives as long as one of its handles, and a handle ends once. */
    CLOSES(owner);
    CHECK(jotrack_engine_close(owner) == JOTRACK_MISUSE);
    FAILS(JOTRACK_MISUSE, jotrack_engine_as_user(owner, argv[2], &third, &err));
    CHECK(third == NULL && rows(guest) == 1);
    jotrack_subscription_free(owners);
    jotrack_subscription_free(guests);
    CLOSES(guest);
    return finish("two_users");
}
