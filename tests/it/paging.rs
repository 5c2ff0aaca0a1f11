//! Pages: every order, both ways, filters, and what is written meanwhile.

use jotrack_core::{
    DAY_MS, Job, JobFilter, JobId, JobOrder, JobOrderField, JobQuery, JobStatus, OrderDirection,
    PageRequest, StatusChangeInput, TimeRange, Timestamp,
};
use jotrack_tests::{Lab, START, options, paths};

async fn sample(lab: &Lab) -> Vec<JobId> {
    let mut ids = Vec::new();
    for n in 0..23_usize {
        let id = lab.job(&format!("Company {}", n % 4), &format!("Title {}", n % 5)).await;
        let status = JobStatus::ALL[n % JobStatus::ALL.len()];
        let input = StatusChangeInput { status, at: None, note: None };
        lab.engine.set_jobs_status(&[id], input, &options()).await.unwrap();
        ids.push(id);
    }
    lab.engine.archive_jobs(&ids[..3], &options()).await.unwrap();
    lab.engine.trash_jobs(&ids[2..5], &options()).await.unwrap();
    ids
}

async fn all_pages(
    lab: &Lab,
    filter: &JobFilter,
    order: JobOrder,
    size: u32,
    backwards: bool,
) -> Vec<Job> {
    let mut jobs: Vec<Job> = Vec::new();
    let mut cursor = None;
    for _ in 0..200 {
        let page = if backwards {
            PageRequest { last: Some(size), before: cursor, ..PageRequest::default() }
        } else {
            PageRequest { first: Some(size), after: cursor, ..PageRequest::default() }
        };
        let query = JobQuery { filter: filter.clone(), order, page };
        let page = lab.engine.list_jobs(&query).await.unwrap();
        if backwards {
            jobs.splice(0..0, page.items.iter().cloned());
            if !page.has_previous {
                return jobs;
            }
            cursor = page.start_cursor();
        } else {
            jobs.extend(page.items.iter().cloned());
            if !page.has_next {
                return jobs;
            }
            cursor = page.end_cursor();
        }
    }
    panic!("the list does not end");
}

#[tokio::test]
async fn every_order_pages_alike_in_both_directions_and_any_size() {
    let lab = Lab::new().await;
    sample(&lab).await;
    let filters = [
        JobFilter::default(),
        JobFilter { archived: None, trashed: None, ..JobFilter::default() },
        JobFilter {
            status: vec![JobStatus::Offer, JobStatus::OnRadar],
            archived: None,
            ..JobFilter::default()
        },
        JobFilter { company: Some("company 2".into()), archived: None, ..JobFilter::default() },
    ];
    for filter in &filters {
        for field in JobOrderField::ALL {
            for direction in OrderDirection::ALL {
                let order = JobOrder { field: *field, direction: *direction };
                let whole = all_pages(&lab, filter, order, 100, false).await;
                assert!(!whole.is_empty());
                for size in [1, 3, 7] {
                    let ids =
                        |jobs: Vec<Job>| jobs.into_iter().map(|job| job.id).collect::<Vec<_>>();
                    let forwards = ids(all_pages(&lab, filter, order, size, false).await);
                    let backwards = ids(all_pages(&lab, filter, order, size, true).await);
                    assert_eq!(forwards, ids(whole.clone()), "{order:?} {size}");
                    assert_eq!(backwards, forwards, "{order:?} {size}");
                }
            }
        }
    }
}

#[tokio::test]
async fn orders_are_what_they_say() {
    let lab = Lab::new().await;
    sample(&lab).await;
    let list = async |field, direction| {
        all_pages(&lab, &JobFilter::default(), JobOrder { field, direction }, 100, false).await
    };

    let by_title = list(JobOrderField::Title, OrderDirection::Asc).await;
    let by_status = list(JobOrderField::Status, OrderDirection::Asc).await;
    let newest = list(JobOrderField::CreatedAt, OrderDirection::Desc).await;

    assert!(by_title.is_sorted_by(|a, b| a.title <= b.title));
    assert!(by_status.is_sorted_by(|a, b| (a.status, b.created_at) <= (b.status, a.created_at)));
    assert!(newest.is_sorted_by(|a, b| a.created_at >= b.created_at));
}

#[tokio::test]
async fn rows_that_come_meanwhile_neither_repeat_nor_hide_others() {
    let lab = Lab::new().await;
    let ids = sample(&lab).await;
    let first = lab
        .engine
        .list_jobs(&JobQuery { page: PageRequest::first(5), ..JobQuery::default() })
        .await
        .unwrap();
    lab.job("New", "One").await;
    lab.engine.trash_jobs(&[first.items[4].id], &options()).await.unwrap();

    let page = PageRequest::after(100, first.end_cursor().unwrap());
    let rest = lab.engine.list_jobs(&JobQuery { page, ..JobQuery::default() }).await.unwrap();

    let seen: Vec<_> = first.items.iter().chain(&rest.items).map(|job| job.id).collect();
    let mut expected: Vec<_> = ids[5..].to_vec();
    expected.reverse();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_cursor_of_another_filter_is_refused() {
    let lab = Lab::new().await;
    sample(&lab).await;
    let page = lab
        .engine
        .list_jobs(&JobQuery { page: PageRequest::first(2), ..JobQuery::default() })
        .await
        .unwrap();
    let filter = JobFilter { status: vec![JobStatus::Offer], ..JobFilter::default() };
    let after = PageRequest::after(2, page.end_cursor().unwrap());

    let refused =
        lab.engine.list_jobs(&JobQuery { filter, page: after, ..JobQuery::default() }).await;

    assert_eq!(paths(refused.map(|page| page.items)), ["after"]);
}

#[tokio::test]
async fn wrong_page_requests_are_refused_by_field() {
    let lab = Lab::new().await;
    let try_page = async |page| {
        let query = JobQuery { page, ..JobQuery::default() };
        paths(lab.engine.list_jobs(&query).await.map(|page| page.items))
    };
    let cursor = || Some(String::from("!!"));

    assert_eq!(try_page(PageRequest::first(0)).await, ["first"]);
    assert_eq!(try_page(PageRequest::first(201)).await, ["first"]);
    assert_eq!(
        try_page(PageRequest { first: Some(1), last: Some(1), ..Default::default() }).await,
        ["last"]
    );
    assert_eq!(
        try_page(PageRequest { after: cursor(), before: cursor(), ..Default::default() }).await,
        ["before"]
    );
    assert_eq!(
        try_page(PageRequest { last: Some(1), after: cursor(), ..Default::default() }).await,
        ["before"]
    );
    assert_eq!(try_page(PageRequest { after: cursor(), ..Default::default() }).await, ["after"]);
}

#[tokio::test]
async fn times_are_half_open_ranges_and_counts_come_from_counters() {
    let lab = Lab::new().await;
    for n in 0..6 {
        lab.clock.set(Timestamp::from_ms(START.as_ms() + n * DAY_MS - 1_000));
        lab.job("A", &format!("{n}")).await;
    }
    let day = |n: i64| Some(Timestamp::from_ms(START.as_ms() + n * DAY_MS));
    let created_at = TimeRange { from: day(1), to: day(3) };
    let filter = JobFilter { created_at, ..JobFilter::default() };

    for direction in OrderDirection::ALL {
        let order = JobOrder { field: JobOrderField::CreatedAt, direction: *direction };
        let titles: Vec<_> = all_pages(&lab, &filter, order, 1, false)
            .await
            .into_iter()
            .map(|job| job.title)
            .collect();
        let mut sorted = titles.clone();
        sorted.sort();
        assert_eq!(sorted, ["1", "2"]);
    }
    let snapshot = lab.engine.snapshot().await.unwrap();
    assert_eq!(snapshot.count_jobs(&JobFilter::default()).await.unwrap(), Some(6));
    assert_eq!(snapshot.count_jobs(&filter).await.unwrap(), None);
}

#[tokio::test]
async fn a_long_filtered_walk_ends_short_and_goes_on() {
    let lab = Lab::with(|config| config.limits.scan_rows = 300).await;
    for n in 0..450 {
        lab.clock.advance_ms(1);
        let company = if n == 10 { "Rare" } else { "Common" };
        lab.job(company, "T").await;
    }
    let filter = JobFilter { company: Some("Rare".into()), ..JobFilter::default() };
    let query =
        JobQuery { filter: filter.clone(), page: PageRequest::first(5), ..JobQuery::default() };

    let short = lab.engine.list_jobs(&query).await.unwrap();
    let found = all_pages(&lab, &filter, JobOrder::default(), 5, false).await;

    assert!(short.items.is_empty() && short.has_next && short.end_cursor().is_some());
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn stale_jobs_are_counted_from_their_status() {
    let lab = Lab::new().await;
    let old = lab.job("A", "old").await;
    lab.clock.advance_ms(10 * DAY_MS + 1_001);
    lab.job("A", "new").await;

    let stats = lab.engine.snapshot().await.unwrap().job_stats().await.unwrap();
    let filter = JobFilter { stale: Some(true), ..JobFilter::default() };
    let stale = all_pages(&lab, &filter, JobOrder::default(), 5, false).await;

    assert_eq!((stats.total, stats.stale, stats.archived, stats.trashed), (2, 1, 0, 0));
    assert_eq!(stale.iter().map(|job| job.id).collect::<Vec<_>>(), [old]);
}
