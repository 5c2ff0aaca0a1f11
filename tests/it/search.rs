//! Full-text search.

use jotrack_core::{AttachmentKind, Job, JobFilter, JobQuery, NewJob, PageRequest, Patch};
use jotrack_tests::{Lab, options, paths};

async fn titles(lab: &Lab, query: &str) -> Vec<String> {
    let found = lab
        .engine
        .snapshot()
        .await
        .unwrap()
        .search_jobs(query, &PageRequest::default(), false)
        .await;
    found.unwrap().items.into_iter().map(|hit| hit.job.title).collect()
}

async fn sample(lab: &Lab) {
    for (company, title, notes) in [
        ("Nordlys Systems", "C++ developer", "Full-stack role, pays well"),
        ("Acme", "Rust engineer", "Works with .NET too"),
        ("Acme", "Data analyst", "Says \"remote first\" in Zürich"),
    ] {
        lab.clock.advance_ms(1_000);
        let new = NewJob { notes: Some(notes.into()), ..NewJob::new(company, title) };
        lab.engine.create_job(new, &options()).await.unwrap();
    }
}

#[tokio::test]
async fn search_cpp_is_not_a_syntax_error() {
    let lab = Lab::new().await;
    sample(&lab).await;

    assert_eq!(titles(&lab, "c++").await, ["C++ developer"]);
    assert_eq!(titles(&lab, "full-stack").await, ["C++ developer"]);
    assert_eq!(titles(&lab, ".net").await, ["Rust engineer"]);
    assert_eq!(titles(&lab, "\"remote first\"").await, ["Data analyst"]);
    assert_eq!(titles(&lab, "zurich").await, ["Data analyst"]);
    assert_eq!(titles(&lab, "\"first remote\"").await, Vec::<String>::new());
}

#[tokio::test]
async fn no_input_is_a_syntax_error() {
    let lab = Lab::new().await;
    sample(&lab).await;
    for hostile in [
        "\"",
        "\"\"\"",
        "*",
        "(",
        ")",
        "a AND",
        "NOT",
        "OR OR",
        "NEAR(a b)",
        "owner:u0000",
        "{title}: x",
        "col : x",
        "^a",
        "a*b*",
        "'; DROP TABLE jobs; --",
        "\u{0}",
        "日本語",
        "-",
        "--",
        "a\"b",
        ":",
        "x:",
        "::",
    ] {
        let found = lab.engine.snapshot().await.unwrap();
        assert!(
            found.search_jobs(hostile, &PageRequest::default(), false).await.is_ok(),
            "{hostile:?}"
        );
        assert!(
            found.search_jobs(hostile, &PageRequest::default(), true).await.is_ok(),
            "{hostile:?}"
        );
    }
}

#[tokio::test]
async fn search_finds_company_and_document_text_and_skips_trash() {
    let lab = Lab::new().await;
    sample(&lab).await;
    let job = lab.job("Gamma", "Gardener").await;
    lab.paste(job, AttachmentKind::Jd, "We grow Chrysanthemums and pay in Kubernetes.").await;

    assert_eq!(titles(&lab, "company:acme").await, ["Data analyst", "Rust engineer"]);
    assert_eq!(titles(&lab, "acme -rust").await, ["Data analyst"]);
    assert_eq!(titles(&lab, "chrysanth").await, ["Gardener"]);
    assert_eq!(titles(&lab, "has:jd kubernetes").await, ["Gardener"]);
    lab.engine.trash_jobs(&[job], &options()).await.unwrap();
    assert_eq!(titles(&lab, "chrysanth").await, Vec::<String>::new());
    lab.engine.restore_jobs(&[job], &options()).await.unwrap();
    assert_eq!(titles(&lab, "chrysanth").await, ["Gardener"]);
}

#[tokio::test]
async fn the_index_follows_every_change_of_text() {
    let lab = Lab::new().await;
    let job = lab.job("Gamma", "Gardener").await;
    let first = lab.paste(job, AttachmentKind::Resume, "first version knows tulips").await;
    lab.paste(job, AttachmentKind::Resume, "second version knows roses").await;
    assert_eq!((titles(&lab, "tulips").await.len(), titles(&lab, "roses").await.len()), (0, 1));

    lab.engine.activate_attachment(first, &options()).await.unwrap();
    assert_eq!((titles(&lab, "tulips").await.len(), titles(&lab, "roses").await.len()), (1, 0));
    let patch =
        jotrack_core::JobPatch { title: Patch::Set("Florist".into()), ..Default::default() };
    lab.engine.update_job(job, patch, &options()).await.unwrap();

    assert_eq!(titles(&lab, "florist tulips").await, ["Florist"]);
    assert_eq!(titles(&lab, "gardener").await, Vec::<String>::new());
}

#[tokio::test]
async fn nobody_finds_what_belongs_to_others() {
    let lab = Lab::new().await;
    sample(&lab).await;
    let user = lab.engine.create_user("Other").await.unwrap();
    let other = lab.engine.as_user(user).await.unwrap();
    let owner = format!("u{}", lab.engine.user_id().as_uuid().simple());

    for query in ["acme", owner.as_str(), "status:on_radar"] {
        let found = other
            .snapshot()
            .await
            .unwrap()
            .search_jobs(query, &PageRequest::default(), false)
            .await;
        assert!(found.unwrap().items.is_empty(), "{query}");
    }
    assert!(titles(&lab, &owner).await.is_empty());
}

#[tokio::test]
async fn pages_of_hits_go_on_in_both_orders() {
    let lab = Lab::new().await;
    for n in 0..25 {
        lab.job("Acme", &format!("Engineer {n}")).await;
    }
    for ranked in [false, true] {
        let mut seen = Vec::new();
        let mut request = PageRequest::first(4);
        loop {
            let page = lab
                .engine
                .snapshot()
                .await
                .unwrap()
                .search_jobs("engineer", &request, ranked)
                .await
                .unwrap();
            seen.extend(page.items.iter().map(|hit| hit.job.id));
            if !page.has_next {
                break;
            }
            request = PageRequest::after(4, page.end_cursor().unwrap());
        }
        let distinct: std::collections::HashSet<_> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (25, 25), "{ranked}");
    }
}

#[tokio::test]
async fn a_search_is_also_a_filter_of_the_list() {
    let lab = Lab::new().await;
    sample(&lab).await;
    let filter = JobFilter { search: Some("acme".into()), ..JobFilter::default() };

    let page = lab.engine.list_jobs(&JobQuery { filter, ..JobQuery::default() }).await.unwrap();

    let found: Vec<_> = page.items.iter().map(|job: &Job| job.title.as_str()).collect();
    assert_eq!(found, ["Data analyst", "Rust engineer"]);
}

#[tokio::test]
async fn snippets_show_the_match_and_bad_queries_are_refused() {
    let lab = Lab::new().await;
    sample(&lab).await;
    let snapshot = lab.engine.snapshot().await.unwrap();

    let hit = snapshot
        .search_jobs("remote", &PageRequest::default(), false)
        .await
        .unwrap()
        .items
        .pop()
        .unwrap();

    assert!(hit.snippet.unwrap().contains("remote first"));
    for bad in ["", "-rust", "status:nowhere", "after:soon", &"x".repeat(201)] {
        let refused = snapshot.search_jobs(bad, &PageRequest::default(), false).await;
        assert_eq!(paths(refused.map(|page| page.items)), ["query"], "{bad}");
    }
}

#[tokio::test]
async fn a_rare_hit_behind_many_others_is_reached_page_by_page() {
    let lab = Lab::with(|config| config.limits.scan_rows = 300).await;
    let status = jotrack_core::JobStatus::Offer;
    let new = NewJob { status, ..NewJob::new("Acme", "Engineer rare") };
    lab.engine.create_job(new, &options()).await.unwrap();
    for n in 0..450 {
        lab.job("Acme", &format!("Engineer {n}")).await;
    }
    for query in ["status:offer", "engineer status:offer"] {
        let mut request = PageRequest::first(5);
        let mut found = Vec::new();
        for _ in 0..10 {
            let page = lab
                .engine
                .snapshot()
                .await
                .unwrap()
                .search_jobs(query, &request, false)
                .await
                .unwrap();
            found.extend(page.items.iter().map(|hit| hit.job.title.clone()));
            if !page.has_next {
                break;
            }
            request = PageRequest::after(5, page.end_cursor().unwrap());
        }
        assert_eq!(found, ["Engineer rare"], "{query}");
    }
    let backwards = PageRequest { last: Some(5), ..PageRequest::default() };
    let refused = lab.engine.snapshot().await.unwrap().search_jobs("acme", &backwards, false).await;
    assert_eq!(paths(refused.map(|page| page.items)), ["last"]);
}
