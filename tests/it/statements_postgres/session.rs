//! A life of a data folder in which every statement of the catalogue runs.

use jotrack_core::{
    AiProvider, AiSettingsPatch, AnalysisKind, AnalysisRequest, AnalysisTarget, AttachmentFilter,
    AttachmentKind, CoachStatus, DAY_MS, Engine, EntityKind, JobFilter, JobId, JobOrder,
    JobOrderField, JobPatch, JobQuery, JobStatus, OrderDirection, PageRequest, Patch, PurgeFilter,
    ResultSource, StatusChangeInput, StatusChangePatch, UploadInput, VariantName, Window,
    ai::EventData,
};
use jotrack_tests::{
    Lab,
    client::Graphql,
    files, key, options,
    provider::{FaultServer, Gate},
};
use serde_json::json;
use uuid::Uuid;

/// Runs every statement at least once.
pub(super) async fn run(lab: &Lab, upstream: &Upstream) {
    let jobs = write_jobs(lab).await;
    write_files(lab, jobs[0]).await;
    lab.engine.apply_job(jobs[0], None, &options()).await.unwrap();
    lab.engine.reopen_job(jobs[0], &options()).await.unwrap();
    read(lab, &jobs).await;
    lab.engine.check().await.unwrap();
    lab.engine.rebuild_read_model().await.unwrap();
    let user = lab.engine.create_user("Ann").await.unwrap();
    lab.engine.as_user(user).await.unwrap();
    analyse(lab, jobs[0], upstream).await;
    seal(lab).await;
    count(lab).await;
    end(lab, &jobs).await;
}

/// What analyses need: somebody to ask, and another process.
pub(super) struct Upstream {
    pub(super) gate: Gate,
    pub(super) server: FaultServer,
    pub(super) other: Engine,
}

/// Analyses with every way that they can take.
async fn analyse(lab: &Lab, job: JobId, upstream: &Upstream) {
    let (engine, o) = (&lab.engine, &options());
    let local = AnalysisRequest {
        provider: Some(AiProvider::Local),
        ..AnalysisRequest::of_job(AnalysisKind::MatchScore, job)
    };
    let queued = AnalysisRequest { background: true, ..local.clone() };
    let queued = engine.start_analysis(&queued, o).await.unwrap();
    engine.run_due_tasks().await.unwrap();
    let found = engine.start_analysis(&local, o).await.unwrap();
    assert_eq!(found.analysis.id, queued.analysis.id);
    engine.analyses_of_job(job, &[], 3).await.unwrap();
    lab.paste(job, AttachmentKind::Resume, "I write Rust, SQL and Haskell.").await;
    engine.staleness(job, AnalysisKind::MatchScore).await.unwrap();
    engine.invalidate_analysis(found.analysis.id).await.unwrap();

    let about = |name: &str| {
        let target = AnalysisTarget::Company(name.to_owned());
        AnalysisRequest::new(AnalysisKind::CompanyEcosystem, target)
    };
    let first = engine.analyze(&about("Acme")).await.unwrap();
    lab.clock.advance_ms(60_000);
    engine.analyze(&AnalysisRequest { refresh: true, ..about("Acme") }).await.unwrap();
    let life_ms = first.expires_at.unwrap().as_ms() - first.created_at.as_ms();
    lab.clock.advance_ms(life_ms / 100 * 97);
    engine.start_analysis(&about("Acme"), o).await.unwrap();
    let slow = engine.start_analysis(&about("Slow"), o).await.unwrap();
    let joined = upstream.other.start_analysis(&about("Slow"), o).await.unwrap();
    assert_eq!(joined.source, ResultSource::Pooled);
    let mut events = upstream.other.analysis_events(joined.analysis.id, None).await.unwrap();
    while !matches!(events.next().await.unwrap().unwrap().data, EventData::Started { .. }) {}
    upstream.gate.open();
    let mut events = engine.analysis_events(slow.analysis.id, None).await.unwrap();
    while events.next().await.unwrap().is_some() {}
    // Last: the provider is left alone for as long as it asks.
    let later = engine.start_analysis(&about("Later"), o).await.unwrap();
    let mut events = engine.analysis_events(later.analysis.id, None).await.unwrap();
    while !matches!(events.next().await.unwrap().unwrap().data, EventData::Queued { .. }) {}
    engine.cancel_analysis(later.analysis.id).await.unwrap();
    engine.cache_stats().await.unwrap();
    engine.tokens_this_month().await.unwrap();
    engine.purge_answers(&PurgeFilter::default(), true).await.unwrap();
}

async fn seal(lab: &Lab) {
    let (engine, o) = (&lab.engine, &options());
    let (one, other) = (AiProvider::OpenAi, AiProvider::Anthropic);
    for provider in [one, other] {
        engine.set_provider_key(provider, "sk-0123456789", None, o).await.unwrap();
    }
    engine.rotate_keys(|_| {}).await.unwrap();
    engine.keys_status().await.unwrap();
    engine.delete_provider_key(other, o).await.unwrap();
    engine.provider_keys().await.unwrap();
    let patch = AiSettingsPatch { network_enabled: Some(true), ..AiSettingsPatch::default() };
    engine.update_ai_settings(patch, o).await.unwrap();
    // The key is looked at before a model is missed.
    let target = AnalysisTarget::Company("Acme".to_owned());
    let request = AnalysisRequest {
        provider: Some(one),
        ..AnalysisRequest::new(AnalysisKind::CompanyEcosystem, target)
    };
    engine.start_analysis(&request, o).await.unwrap_err();
}

/// Calls in a window, with every end that they can have.
async fn count(lab: &Lab) {
    let window = Window { limit: Some(3), span_ms: 1_000 };
    let quota = lab.engine.quota("calls", window).unwrap();
    let id = Uuid::from_u128(1);
    quota.take(id, Some(1_000)).await.unwrap();
    quota.take(Uuid::from_u128(2), None).await.unwrap();
    quota.extend(id, 1_000).await.unwrap();
    quota.settle(id).await.unwrap();
    quota.state().await.unwrap();
    quota.refund_after_output(id).await.unwrap();
    quota.refund(id).await.unwrap();
}

async fn write_jobs(lab: &Lab) -> Vec<JobId> {
    let (engine, o) = (&lab.engine, &options());
    let mut jobs = Vec::new();
    for n in 0..4 {
        jobs.push(lab.job("Acme", &format!("Rust engineer {n}")).await);
    }
    let note = JobPatch { notes: Patch::Set("C++ and SQL".into()), ..JobPatch::default() };
    engine.update_job(jobs[0], note, &key("note")).await.unwrap();
    lab.clock.advance_ms(1_000);
    let input = StatusChangeInput { status: JobStatus::PhoneScreen, at: None, note: None };
    engine.set_jobs_status(&jobs, input, o).await.unwrap();
    let history = engine.snapshot().await.unwrap().history(&[jobs[0]]).await.unwrap();
    let patch = StatusChangePatch { note: Patch::Set("by phone".into()), ..Default::default() };
    engine.update_status_change(history[1].id, patch, o).await.unwrap();
    engine.delete_status_change(history[1].id, o).await.unwrap();
    engine.duplicate_job(jobs[0], None, o).await.unwrap();
    engine.archive_jobs(&jobs[1..2], o).await.unwrap();
    jobs
}

async fn write_files(lab: &Lab, job: JobId) {
    let (engine, o) = (&lab.engine, &options());
    let first = lab.paste(job, AttachmentKind::Resume, "I write Rust.").await;
    let second = lab.paste(job, AttachmentKind::Resume, "I write Rust and SQL.").await;
    lab.paste(job, AttachmentKind::Jd, "Required: Rust, SQL.").await;
    engine.set_variant(second, VariantName::Raw, "I write Rust and C.".into(), o).await.unwrap();
    engine.activate_attachment(first, o).await.unwrap();
    engine.trash_attachment(second, o).await.unwrap();
    engine.restore_attachment(second, o).await.unwrap();
    engine.trash_attachment(second, o).await.unwrap();
    engine.purge_attachment(second, o).await.unwrap();
    lab.attach(job, AttachmentKind::Other, "a.txt", b"A text.").await;
    engine.run_due_tasks().await.unwrap();
    // A file that is gone is a task that fails.
    lab.attach(job, AttachmentKind::Other, "b.txt", b"Another text.").await;
    let is_large_enough =
        |path: &std::path::Path| std::fs::read(path).is_ok_and(|bytes| bytes == b"Another text.");
    for path in files(&lab.dir.path().join("blobs")).iter().filter(|path| is_large_enough(path)) {
        std::fs::remove_file(path).unwrap();
    }
    engine.run_due_tasks().await.unwrap();
    let input = UploadInput { filename: String::from("c.txt"), declared_bytes: None };
    let mut unused = engine.start_upload(input).await.unwrap();
    unused.write(b"nobody needs it").unwrap();
    unused.finish().await.unwrap();
}

async fn read(lab: &Lab, jobs: &[JobId]) {
    let snapshot = lab.engine.snapshot().await.unwrap();
    for direction in OrderDirection::ALL {
        for field in JobOrderField::ALL {
            let order = JobOrder { field: *field, direction: *direction };
            snapshot.list_jobs(&JobQuery { order, ..JobQuery::default() }).await.unwrap();
        }
        let order = JobOrder { field: JobOrderField::CreatedAt, direction: *direction };
        let status = JobFilter { status: vec![JobStatus::Applied], ..JobFilter::default() };
        let coach = JobFilter { coach_status: CoachStatus::ALL.to_vec(), ..JobFilter::default() };
        for filter in [status, coach] {
            let query = JobQuery { filter, order, page: PageRequest::first(10) };
            snapshot.list_jobs(&query).await.unwrap();
        }
    }
    for ranked in [true, false] {
        snapshot
            .search_jobs("\"rust engineer\" sql", &PageRequest::first(5), ranked)
            .await
            .unwrap();
    }
    snapshot.jobs(jobs).await.unwrap();
    snapshot.notes(jobs).await.unwrap();
    snapshot.user_row().await.unwrap();
    snapshot.count_jobs(&JobFilter::default()).await.unwrap();
    snapshot.job_stats().await.unwrap();
    snapshot.details(jobs).await.unwrap();
    snapshot.skills(jobs).await.unwrap();
    snapshot.history(jobs).await.unwrap();
    snapshot.documents(jobs, AttachmentKind::ALL, VariantName::ALL).await.unwrap();
    let of_kind = AttachmentFilter { kinds: vec![AttachmentKind::Jd], ..Default::default() };
    snapshot.attachments(jobs, &of_kind).await.unwrap();
    let all = snapshot.attachments(jobs, &AttachmentFilter::default()).await.unwrap();
    let ids: Vec<_> = all.iter().map(|attachment| attachment.id).collect();
    snapshot.attachments_by_id(&ids).await.unwrap();
    let variants = snapshot.variants_of(&ids).await.unwrap();
    let ids: Vec<_> = variants.iter().map(|variant| variant.id).collect();
    snapshot.variants_by_id(&ids).await.unwrap();
    lab.engine.changes_since(0, 100, &[EntityKind::Job]).await.unwrap();
}

/// The trash, the allowance of an upload and the log come to their ends.
async fn end(lab: &Lab, jobs: &[JobId]) {
    let (engine, o) = (&lab.engine, &options());
    engine.trash_jobs(&jobs[..3], o).await.unwrap();
    engine.restore_jobs(&jobs[2..3], o).await.unwrap();
    engine.purge_jobs(&jobs[..1], o).await.unwrap();
    lab.clock.advance_ms(40 * DAY_MS);
    engine.run_due_tasks().await.unwrap();
}

/// Reads lists, details and searches of a user whose jobs are known, as clients do.
pub(super) async fn read_pages(engine: &Engine, jobs: u32) {
    let graphql = Graphql::of(engine);
    let list = "query($order: JobOrder!, $filter: JobFilter, $after: String) {
        jobs(first: 7, after: $after, orderBy: $order, filter: $filter) {
            pageInfo { hasNextPage endCursor }
            nodes { id title company { name } coach { progress } matchScore { value }
                attachments { nodes { filename variants { wordCount } } } statusHistory { nodes { to } } } } }";
    for field in ["CREATED_AT", "UPDATED_AT", "TITLE", "COMPANY", "STATUS"] {
        for direction in ["ASC", "DESC"] {
            let order = json!({"field": field, "direction": direction});
            for filter in
                [json!({}), json!({"status": ["OFFER"]}), json!({"coachStatus": ["NOT_STARTED"]})]
            {
                let (mut after, mut seen) = (json!(null), 0);
                loop {
                    let variables = json!({"order": order, "filter": filter, "after": after});
                    let page = graphql.field(list, variables).await;
                    seen += page["nodes"].as_array().unwrap().len();
                    if page["pageInfo"]["hasNextPage"] == json!(false) {
                        break;
                    }
                    after = page["pageInfo"]["endCursor"].clone();
                }
                assert!(seen > 5 && seen <= usize::try_from(jobs).unwrap(), "{seen} by {order}");
            }
        }
    }
    let search =
        "query($words: String!, $ranked: Boolean!) { search(query: $words, ranked: $ranked) {
        edges { snippet node { ... on Job { id title } } } } }";
    for words in ["firm", "common", "\"common words\"", "-t5 comm"] {
        for ranked in [true, false] {
            let found = graphql.field(search, json!({"words": words, "ranked": ranked})).await;
            assert!(found["edges"].as_array().unwrap().len() > 5, "{words}: {found}");
        }
    }
    let page = engine.list_jobs(&JobQuery::default()).await.unwrap();
    let id = page.items[0].id.node_id();
    let detail =
        "query($id: ID!) { job(id: $id) { notes skills { skill } document(kind: JD) { text }
        coach { milestones { completedAt } } statusHistory { nodes { at } } } }";
    graphql.field(detail, json!({"id": id})).await;
    graphql.field("{ jobStats { total stale } }", json!({})).await;
    graphql.field("{ changes(since: 0) { changes { id node { id } } } }", json!({})).await;
}
