//! Analyses against the documents as they are now, and what normalising a document leaves behind.

use jotrack_core::{
    AiProvider, Analysis, AnalysisKind, AnalysisRequest, AnalysisState, AnalysisTarget,
    AttachmentId, AttachmentKind, ErrorCode, JobId, JobPatch, Patch, Protocol, Staleness,
    StalenessPart, StalenessSeverity, VariantName, VariantSource,
};
use jotrack_tests::{
    Lab,
    client::Graphql,
    code, options,
    provider::{FaultServer, Gate, Reply, Script},
};
use serde_json::json;

use StalenessPart::{CoverLetter, Jd, Resume};
use StalenessSeverity::{Fresh, Major, Minor, NeverAnalyzed, NoVariants, VariantsFresh};

const KIND: AnalysisKind = AnalysisKind::MatchScore;
const JD: &str = "We want a Rust engineer. PostgreSQL is required.";

/// A text of a hundred different words, the first `others` of them not those of `text(0)`.
fn text(others: usize) -> String {
    let word = |n| if n < others { format!("other{n}") } else { format!("word{n}") };
    (0..100).map(word).collect::<Vec<_>>().join(" ")
}

/// A job with a résumé and a job description.
async fn ready(lab: &Lab) -> (JobId, AttachmentId) {
    let job = lab.job("Acme", "Engineer").await;
    lab.paste(job, AttachmentKind::Jd, JD).await;
    (job, lab.paste(job, AttachmentKind::Resume, &text(0)).await)
}

async fn analysed(lab: &Lab) -> (JobId, AttachmentId) {
    let (job, resume) = ready(lab).await;
    analyse(lab, job).await;
    (job, resume)
}

async fn analyse(lab: &Lab, job: JobId) -> Analysis {
    lab.clock.advance_ms(60_000);
    lab.engine.analyze(&AnalysisRequest::of_job(KIND, job)).await.unwrap()
}

async fn judged(lab: &Lab, job: JobId) -> Staleness {
    lab.engine.staleness(job, KIND).await.unwrap()
}

/// How bad it is, and what changed.
async fn now(lab: &Lab, job: JobId) -> (StalenessSeverity, Vec<StalenessPart>) {
    let Staleness { severity, changed, .. } = judged(lab, job).await;
    (severity, changed)
}

#[tokio::test]
async fn before_the_first_analysis_the_texts_decide() {
    let lab = Lab::new().await;
    let job = lab.job("Acme", "Engineer").await;
    assert_eq!(now(&lab, job).await, (NoVariants, vec![]));
    let resume = lab.paste(job, AttachmentKind::Resume, &text(0)).await;
    assert_eq!(now(&lab, job).await, (NoVariants, vec![]));
    let jd = lab.paste(job, AttachmentKind::Jd, JD).await;
    assert_eq!(now(&lab, job).await, (NeverAnalyzed, vec![]));
    normalise(&lab, resume).await;
    assert_eq!(now(&lab, job).await, (NeverAnalyzed, vec![]));
    normalise(&lab, jd).await;
    assert_eq!(now(&lab, job).await, (VariantsFresh, vec![]));
}

#[tokio::test]
async fn what_analyses_of_fit_do_not_read_changes_nothing() {
    let lab = Lab::new().await;
    let (job, resume) = analysed(&lab).await;
    assert_eq!(now(&lab, job).await, (Fresh, vec![]));
    lab.paste(job, AttachmentKind::Other, "A certificate of something else.").await;
    normalise(&lab, resume).await;
    let patch = JobPatch {
        notes: Patch::Set("Ask for the salary.".into()),
        location: Patch::Set("Bern".into()),
        ..JobPatch::default()
    };
    lab.engine.update_job(job, patch, &options()).await.unwrap();
    assert_eq!(now(&lab, job).await, (Fresh, vec![]));
}

#[tokio::test]
async fn the_same_words_in_another_file_are_fresh() {
    let lab = Lab::new().await;
    let (job, first) = analysed(&lab).await;
    let copy = text(0).replace(' ', "\n") + "\n";
    let second = lab.attach(job, AttachmentKind::Resume, "renamed.txt", copy.as_bytes()).await;
    // Extraction may be on its way; by hand it is there at once.
    lab.engine.set_variant(second, VariantName::Raw, copy, &options()).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(now(&lab, job).await, (Fresh, vec![]));
}

#[tokio::test]
async fn how_much_of_the_resume_changed_decides() {
    let lab = Lab::new().await;
    let (job, _) = analysed(&lab).await;
    for (others, expected) in [(2, Fresh), (5, Minor), (50, Major)] {
        lab.paste(job, AttachmentKind::Resume, &text(others)).await;
        assert_eq!(now(&lab, job).await, (expected, vec![Resume]), "{others} words");
    }
}

#[tokio::test]
async fn activating_version_1_again_after_version_2_is_fresh_again() {
    let lab = Lab::new().await;
    let (job, first) = analysed(&lab).await;
    let second = lab.paste(job, AttachmentKind::Resume, &text(90)).await;
    assert_eq!(now(&lab, job).await, (Major, vec![Resume]));
    lab.engine.activate_attachment(first, &options()).await.unwrap();
    assert_eq!(now(&lab, job).await, (Fresh, vec![]));

    // The same when both were analysed: the kept answer about version 1 holds once more.
    lab.engine.activate_attachment(second, &options()).await.unwrap();
    analyse(&lab, job).await;
    lab.engine.activate_attachment(first, &options()).await.unwrap();
    assert_eq!(now(&lab, job).await, (Fresh, vec![]));
}

#[tokio::test]
async fn a_text_that_was_corrected_in_place_cannot_be_compared_any_more() {
    let lab = Lab::new().await;
    let (job, resume) = analysed(&lab).await;
    let set = async |text: String| {
        lab.engine.set_variant(resume, VariantName::Raw, text, &options()).await.unwrap();
    };
    set(text(1)).await;
    assert_eq!(now(&lab, job).await, (Major, vec![Resume]));
    set(text(0)).await;
    assert_eq!(now(&lab, job).await, (Fresh, vec![]));
}

#[tokio::test]
async fn another_company_or_title_is_minor() {
    let lab = Lab::new().await;
    let (job, _) = analysed(&lab).await;
    let update = async |patch| lab.engine.update_job(job, patch, &options()).await.unwrap();
    update(JobPatch { title: Patch::Set("Lead".into()), ..JobPatch::default() }).await;
    assert_eq!(now(&lab, job).await, (Minor, vec![StalenessPart::Job]));
    update(JobPatch { title: Patch::Set("Engineer".into()), ..JobPatch::default() }).await;
    assert_eq!(now(&lab, job).await, (Fresh, vec![]));
    update(JobPatch { company: Patch::Set("Globex".into()), ..JobPatch::default() }).await;
    assert_eq!(now(&lab, job).await, (Minor, vec![StalenessPart::Job]));
    lab.paste(job, AttachmentKind::Jd, &text(3)).await;
    assert_eq!(now(&lab, job).await, (Major, vec![Jd, StalenessPart::Job]));
}

#[tokio::test]
async fn cover_letter_change_is_minor() {
    let lab = Lab::new().await;
    let (job, _) = analysed(&lab).await;
    let first =
        lab.paste(job, AttachmentKind::CoverLetter, "Dear people, I would like this.").await;
    assert_eq!(now(&lab, job).await, (Minor, vec![CoverLetter]));
    // No match reads the letter: the same answer holds, and the asking is noted.
    lab.clock.advance_ms(60_000);
    for _ in 0..2 {
        analyse(&lab, job).await;
        assert_eq!(now(&lab, job).await, (Fresh, vec![]));
    }
    assert_eq!(lab.engine.analyses_of_job(job, &[], 10).await.unwrap().len(), 2);
    lab.engine.trash_attachment(first, &options()).await.unwrap();
    assert_eq!(now(&lab, job).await, (Fresh, vec![]), "as at the first analysis");
}

#[tokio::test]
async fn an_edit_during_a_run_stays_visible() {
    let gate = Gate::closed();
    let answer = json!({
        "suggestions": [{"section": "Experience", "current": "word1 word2",
            "suggested": "word1 word2 in Rust", "reasoning": "Names it."}],
        "missingKeywords": ["Kubernetes"], "estimatedNewScore": 80,
    })
    .to_string();
    let reply = Reply::answer(Protocol::Chat, &answer).gate_first(&gate);
    let server = FaultServer::start(Script::always(reply)).await;
    let url = server.url();
    let lab = Lab::with(|config| {
        config.ai.provider = AiProvider::OpenAiCompatible;
        config.ai.base_url = Some(url);
        config.ai.model = Some("test-model".to_owned());
        config.ai.retries = 0;
    })
    .await;
    let (job, _) = ready(&lab).await;
    let request = AnalysisRequest::of_job(AnalysisKind::ResumeImprove, job);
    let started = lab.engine.start_analysis(&request, &options()).await.unwrap().analysis;
    server.until_calls(1).await;
    lab.paste(job, AttachmentKind::Resume, &text(90)).await;
    gate.open();
    let mut events = lab.engine.analysis_events(started.id, None).await.unwrap();
    while events.next().await.unwrap().is_some() {}
    let ended = lab.engine.analysis(started.id).await.unwrap();
    let snapshot = lab.engine.snapshot().await.unwrap();
    let (id, judged) = snapshot.staleness_of([&ended]).await.unwrap().pop().unwrap();
    assert_eq!(ended.state, AnalysisState::Succeeded, "{:?}", ended.error);
    assert_eq!((id, judged.severity, &judged.changed), (ended.id, Major, &vec![Resume]));
    let of_job = lab.engine.staleness(job, AnalysisKind::ResumeImprove).await.unwrap();
    assert_eq!(of_job, judged);
}

#[tokio::test]
async fn many_jobs_take_no_more_statements_than_one_and_texts_only_when_they_differ() {
    let lab = Lab::new().await;
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.push(analysed(&lab).await.0);
    }
    let statements = async |jobs: &[JobId]| {
        let snapshot = lab.engine.snapshot().await.unwrap();
        let judged = snapshot.staleness(jobs, KIND).await.unwrap();
        assert_eq!(judged.len(), jobs.len());
        snapshot.statements()
    };
    assert_eq!((statements(&jobs[..1]).await, statements(&jobs).await), (3, 3));
    for job in &jobs {
        lab.paste(*job, AttachmentKind::Resume, &text(2)).await;
    }
    assert_eq!((statements(&jobs[..1]).await, statements(&jobs).await), (4, 4));
}

#[tokio::test]
async fn nothing_is_said_of_foreign_jobs_and_of_kinds_that_read_no_documents() {
    let lab = Lab::new().await;
    let (job, _) = analysed(&lab).await;
    let other = lab.engine.create_user("Ada Example").await.unwrap();
    let other = lab.engine.as_user(other).await.unwrap();
    assert_eq!(code(other.staleness(job, KIND).await), ErrorCode::NotFound);
    let refused = lab.engine.staleness(job, AnalysisKind::NotesSummary).await;
    assert_eq!(code(refused), ErrorCode::Validation);
}

#[tokio::test]
async fn clients_see_it_on_jobs_and_on_analyses() {
    let lab = Lab::new().await;
    let (job, resume) = analysed(&lab).await;
    normalise(&lab, resume).await;
    lab.paste(job, AttachmentKind::Resume, &text(5)).await;
    let document = "{ jobs { nodes {
        staleness { severity changed reason }
        letter: staleness(kind: COVER_LETTER) { severity changed }
        analyses { kind staleness { severity changed } }
    } } }";
    let answer = Graphql::of(&lab.engine).data(document, json!({})).await;
    let seen = &answer["jobs"]["nodes"][0];
    let minor = json!({"severity": "MINOR", "changed": ["RESUME"]});
    assert_eq!(seen["staleness"]["severity"], "MINOR");
    assert_eq!(seen["staleness"]["reason"], "the résumé has changed a little");
    assert_eq!(seen["letter"], json!({"severity": "NEVER_ANALYZED", "changed": []}));
    let analyses = json!([
        {"kind": "DOCUMENT_NORMALIZE", "staleness": null},
        {"kind": "MATCH_SCORE", "staleness": minor},
    ]);
    assert_eq!(seen["analyses"], analyses);
}

async fn normalise(lab: &Lab, attachment: AttachmentId) -> Analysis {
    lab.clock.advance_ms(60_000);
    lab.engine.analyze(&normalising(attachment)).await.unwrap()
}

fn normalising(attachment: AttachmentId) -> AnalysisRequest {
    let target = AnalysisTarget::Attachment(attachment);
    AnalysisRequest::new(AnalysisKind::DocumentNormalize, target)
}

/// Text, source and version of the normalised text.
async fn normalised(lab: &Lab, id: AttachmentId) -> Option<(String, VariantSource, i64)> {
    let texts = lab.engine.snapshot().await.unwrap().variants_of(&[id]).await.unwrap();
    let found = texts.into_iter().find(|text| text.name == VariantName::AiNormalized)?;
    Some((found.text, found.source, found.version))
}

#[tokio::test]
async fn normalising_adds_the_text_once() {
    let lab = Lab::new().await;
    let (_, resume) = ready(&lab).await;
    assert_eq!(normalised(&lab, resume).await, None);
    let analysis = normalise(&lab, resume).await;
    let first = normalised(&lab, resume).await.unwrap();
    let answer = analysis.result.unwrap()["text"].as_str().unwrap().to_owned();
    assert_eq!(first, (answer, VariantSource::Ai, 1));
    normalise(&lab, resume).await;
    let again = AnalysisRequest { refresh: true, ..normalising(resume) };
    lab.clock.advance_ms(60_000);
    lab.engine.analyze(&again).await.unwrap();
    assert_eq!(normalised(&lab, resume).await, Some(first));
    lab.assert_healthy().await;
}

#[tokio::test]
async fn a_normalised_text_that_was_corrected_by_hand_stays() {
    let lab = Lab::new().await;
    let (_, resume) = ready(&lab).await;
    let by_hand = "My own words.".to_owned();
    let name = VariantName::AiNormalized;
    lab.engine.set_variant(resume, name, by_hand.clone(), &options()).await.unwrap();
    normalise(&lab, resume).await;
    assert_eq!(normalised(&lab, resume).await, Some((by_hand, VariantSource::Manual, 1)));
}

#[tokio::test]
async fn a_kept_answer_is_for_every_attachment_with_that_text() {
    let lab = Lab::new().await;
    let (_, first) = ready(&lab).await;
    let (_, second) = ready(&lab).await;
    normalise(&lab, first).await;
    assert_eq!(normalised(&lab, second).await, None);
    normalise(&lab, second).await;
    assert!(normalised(&lab, second).await.is_some());
    let queued = AnalysisRequest { background: true, ..normalising(ready(&lab).await.1) };
    let AnalysisTarget::Attachment(third) = queued.target else { unreachable!() };
    lab.engine.analyze(&queued).await.unwrap();
    assert!(normalised(&lab, third).await.is_some());
}

#[tokio::test]
async fn of_many_analyses_the_newest_ten_are_looked_at() {
    let lab = Lab::new().await;
    let (job, first) = analysed(&lab).await;
    for n in 1..=10 {
        let words = format!("{} round{n}", text(0));
        lab.paste(job, AttachmentKind::Resume, &words).await;
        analyse(&lab, job).await;
    }
    assert_eq!(now(&lab, job).await, (Fresh, vec![]));
    lab.engine.activate_attachment(first, &options()).await.unwrap();
    assert_eq!(now(&lab, job).await, (Fresh, vec![Resume]), "compared with the newest");
}
