//! One row for each root field: its arguments, and what has to be there before.

use jotrack_core::WriteOptions;
use jotrack_tests::{
    Lab,
    client::{Graphql, text},
};
use serde_json::{Map, Value, json};

/// What a query answers about an object of somebody else.
pub(super) enum Foreign {
    /// It names no object.
    None,
    /// Null, alone or in a list.
    Null,
}

pub(super) struct Read {
    pub(super) field: &'static str,
    pub(super) document: &'static str,
    pub(super) foreign: Foreign,
}

pub(super) const QUERIES: &[Read] = &[
    Read {
        field: "node",
        document: "query($job: ID!) { node(id: $job) { id } }",
        foreign: Foreign::Null,
    },
    Read {
        field: "nodes",
        document: "query($job: ID!) { nodes(ids: [$job]) { id } }",
        foreign: Foreign::Null,
    },
    Read { field: "viewer", document: "{ viewer { id } }", foreign: Foreign::None },
    Read {
        field: "job",
        document: "query($job: ID!) { job(id: $job) { id } }",
        foreign: Foreign::Null,
    },
    Read {
        field: "analysis",
        document: "query($analysis: ID!) { analysis(id: $analysis) { id job { id } } }",
        foreign: Foreign::Null,
    },
    Read {
        field: "jobs",
        document: "{ jobs { nodes { id } totalCount } }",
        foreign: Foreign::None,
    },
    Read { field: "jobStats", document: "{ jobStats { total } }", foreign: Foreign::None },
    Read {
        field: "search",
        document: "{ search(query: \"acme\") { nodes { ... on Job { id } } } }",
        foreign: Foreign::None,
    },
    Read {
        field: "changes",
        document: "{ changes(since: 0) { changes { id } } }",
        foreign: Foreign::None,
    },
    Read {
        field: "rateLimit",
        document: "{ rateLimit { costLimit limit used remaining resetAt } }",
        foreign: Foreign::None,
    },
    Read { field: "serverInfo", document: "{ serverInfo { version } }", foreign: Foreign::None },
];

pub(super) const SUBSCRIPTIONS: &[&str] = &["changes", "analysisEvents"];

/// A mutation, what has to be done before it, its arguments, and what of its payload is read.
pub(super) struct Write {
    pub(super) field: &'static str,
    /// What brings a fresh job to where the mutation has something to change.
    pub(super) before: &'static [Step],
    /// Arguments without the key, with `$job`, `$ids`, `$attachment`, `$entry`, `$analysis` for the ids.
    pub(super) arguments: &'static str,
    selection: &'static str,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Archive,
    Trash,
    Status,
    Resume,
    SecondResume,
    TrashResume,
    Apply,
    Coach(CoachTo),
    Jd,
    /// An analysis that waits.
    Analysis,
    ProviderKey,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum CoachTo {
    Scored,
    Finalized,
}

const JOB: &str = "job { id }";
const JOBS: &str = "jobs { id }";
const FILE: &str = "attachment { id } job { id }";
const COACH: &str = "coach { status } job { id }";

pub(super) const MUTATIONS: &[Write] = &[
    Write {
        field: "jobCreate",
        before: &[],
        arguments: "input: {company: \"Umbra\", title: \"New\"}",
        selection: JOB,
    },
    Write {
        field: "jobUpdate",
        before: &[],
        arguments: "id: $job, patch: {title: \"New\"}",
        selection: JOB,
    },
    Write { field: "jobDuplicate", before: &[], arguments: "id: $job", selection: JOB },
    Write { field: "jobArchive", before: &[], arguments: "id: $job", selection: JOB },
    Write { field: "jobTrash", before: &[], arguments: "id: $job", selection: JOB },
    Write { field: "jobRestore", before: &[Step::Trash], arguments: "id: $job", selection: JOB },
    Write {
        field: "jobPurge",
        before: &[Step::Trash],
        arguments: "id: $job",
        selection: "deletedJobId",
    },
    Write {
        field: "jobsUpdateStatus",
        before: &[],
        arguments: "ids: $ids, status: APPLIED",
        selection: JOBS,
    },
    Write {
        field: "jobsArchive",
        before: &[Step::Archive],
        arguments: "ids: $ids, archived: false",
        selection: JOBS,
    },
    Write { field: "jobsTrash", before: &[], arguments: "ids: $ids", selection: JOBS },
    Write { field: "jobsRestore", before: &[Step::Trash], arguments: "ids: $ids", selection: JOBS },
    Write {
        field: "jobsPurge",
        before: &[Step::Trash],
        arguments: "ids: $ids",
        selection: "deletedJobIds",
    },
    Write {
        field: "statusChangeUpdate",
        before: &[Step::Status],
        arguments: "id: $entry, patch: {note: \"N\"}",
        selection: "statusChange { id } job { id }",
    },
    Write {
        field: "statusChangeDelete",
        before: &[Step::Status],
        arguments: "id: $entry",
        selection: "deletedStatusChangeId job { id }",
    },
    Write {
        field: "attachmentCreate",
        before: &[],
        arguments: "input: {jobId: $job, kind: JD, filename: \"a.txt\", content: {text: \"Wanted: a cook.\"}}",
        selection: FILE,
    },
    Write {
        field: "attachmentActivate",
        before: &[Step::Resume, Step::SecondResume],
        arguments: "id: $attachment",
        selection: FILE,
    },
    Write {
        field: "attachmentTrash",
        before: &[Step::Resume],
        arguments: "id: $attachment",
        selection: FILE,
    },
    Write {
        field: "attachmentRestore",
        before: &[Step::Resume, Step::TrashResume],
        arguments: "id: $attachment",
        selection: FILE,
    },
    Write {
        field: "attachmentPurge",
        before: &[Step::Resume, Step::TrashResume],
        arguments: "id: $attachment",
        selection: "deletedAttachmentId job { id }",
    },
    Write {
        field: "attachmentVariantSet",
        before: &[Step::Resume],
        arguments: "attachmentId: $attachment, name: RAW, text: \"Typed by hand.\"",
        selection: "variant { name text }",
    },
    Write {
        field: "coachStateUpdate",
        before: &[],
        arguments: "jobId: $job, patch: {profile: {skills: []}}",
        selection: COACH,
    },
    Write {
        field: "coachResumeFinalize",
        before: &[Step::Resume, Step::Coach(CoachTo::Scored)],
        arguments: "jobId: $job",
        selection: COACH,
    },
    Write {
        field: "coachCoverLetterSkip",
        before: &[Step::Resume, Step::Coach(CoachTo::Finalized)],
        arguments: "jobId: $job",
        selection: COACH,
    },
    Write {
        field: "coachApply",
        before: &[Step::Resume],
        arguments: "jobId: $job",
        selection: COACH,
    },
    Write {
        field: "coachReopen",
        before: &[Step::Resume, Step::Apply],
        arguments: "jobId: $job",
        selection: COACH,
    },
    Write {
        field: "providerKeySet",
        before: &[],
        arguments: "provider: OPENAI, secret: \"an-invented-key\"",
        selection: "providerKey { provider last4 }",
    },
    Write {
        field: PROVIDER_KEY_DELETE,
        before: &[Step::ProviderKey],
        arguments: "provider: ANTHROPIC",
        selection: "deletedProvider",
    },
    Write {
        field: "settingsUpdate",
        before: &[],
        arguments: "patch: {aiNetworkEnabled: true}",
        selection: "viewer { id }",
    },
];

/// The key of a provider is named by its provider: for a stranger there is none.
pub(super) const PROVIDER_KEY_DELETE: &str = "providerKeyDelete";

/// Mutations whose payload names no revision: what they do is told by `analysisEvents`, or is no
/// part of the change log.
pub(super) const ASIDE: &[Write] = &[
    Write {
        field: "analysisStart",
        before: &[Step::Resume, Step::Jd],
        arguments: "input: {kind: MATCH_SCORE, target: {jobId: $job}}",
        selection: "analysis { id kind }",
    },
    Write {
        field: "analysisCancel",
        before: &[Step::Resume, Step::Jd, Step::Analysis],
        arguments: "id: $analysis",
        selection: "analysis { id state }",
    },
    Write {
        field: "analysisInvalidate",
        before: &[Step::Resume, Step::Jd, Step::Analysis],
        arguments: "id: $analysis",
        selection: "analysis { id state }",
    },
    Write { field: "answersPurge", before: &[], arguments: "input: {}", selection: "purgedCount" },
];

/// Ids of one user's objects.
#[derive(Clone, Default)]
pub(super) struct Objects {
    pub(super) job: String,
    pub(super) attachment: String,
    pub(super) entry: String,
    pub(super) analysis: String,
}

impl Objects {
    /// Ids that look right and belong to nothing.
    pub(super) fn missing() -> Self {
        let id = |prefix: &str| format!("{prefix}_{}", "0123456789abcdef".repeat(2));
        let analysis = id("ana");
        Self { job: id("job"), attachment: id("att"), entry: id("stc"), analysis }
    }

    pub(super) fn variables(&self, document: &str) -> Value {
        let all = [
            ("job", json!(self.job)),
            ("ids", json!([self.job])),
            ("attachment", json!(self.attachment)),
            ("entry", json!(self.entry)),
            ("analysis", json!(self.analysis)),
        ];
        let used = all.into_iter().filter(|(name, _)| document.contains(&format!("${name}")));
        Value::Object(used.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
    }

    /// Writes these ids as placeholders, so that answers about different objects can be compared.
    pub(super) fn masked(&self, answer: &Value) -> String {
        let masks = [
            (&self.job, "JOB"),
            (&self.attachment, "ATTACHMENT"),
            (&self.entry, "ENTRY"),
            (&self.analysis, "ANALYSIS"),
        ];
        masks
            .into_iter()
            .filter(|(id, _)| !id.is_empty())
            .fold(answer.to_string(), |text, (id, mask)| text.replace(id.as_str(), mask))
    }
}

impl Write {
    /// The document; `key` says whether it carries an idempotency key.
    fn document(&self, key: bool) -> String {
        let known = [
            ("job", "ID!"),
            ("ids", "[ID!]!"),
            ("attachment", "ID!"),
            ("entry", "ID!"),
            ("analysis", "ID!"),
        ];
        let declared = known
            .into_iter()
            .filter(|(name, _)| self.arguments.contains(&format!("${name}")))
            .map(|(name, kind)| format!("${name}: {kind} "))
            .collect::<String>();
        let declared = if key { format!("{declared}$key: String") } else { declared };
        let head = if declared.is_empty() { String::new() } else { format!("({declared})") };
        let key = if key { ", idempotencyKey: $key" } else { "" };
        let Self { field, arguments, selection, .. } = self;
        format!(
            "mutation{head} {{ {field}({arguments}{key}) {{ {selection} revision
            userErrors {{ __typename code message path ... on NotFoundError {{ id }} }} }} }}"
        )
    }

    pub(super) async fn run(&self, api: &Graphql, objects: &Objects, key: &str) -> Value {
        let document = self.document(true);
        let mut variables = objects.variables(&document);
        variables["key"] = json!(key);
        api.field(&document, variables).await
    }
}

/// Makes a job and takes the steps.
pub(super) async fn prepare(lab: &Lab, api: &Graphql, steps: &[Step]) -> Objects {
    lab.clock.advance_ms(1_000);
    let job = api.job("Acme", "Cook").await;
    let mut objects = Objects { job, ..Objects::default() };
    for step in steps {
        take(lab, api, &mut objects, *step).await;
    }
    if objects.attachment.is_empty() {
        objects.attachment = Objects::missing().attachment;
    }
    if objects.entry.is_empty() {
        objects.entry = Objects::missing().entry;
    }
    if objects.analysis.is_empty() {
        objects.analysis = Objects::missing().analysis;
    }
    objects
}

async fn take(lab: &Lab, api: &Graphql, objects: &mut Objects, step: Step) {
    lab.clock.advance_ms(1_000);
    let id = jotrack_core::JobId::from_node_id(&objects.job).unwrap();
    let on_job =
        |field: &str| format!("mutation($job: ID!) {{ {field}(id: $job) {{ revision }} }}");
    let job = json!({"job": objects.job});
    match step {
        Step::Archive => {
            api.field(&on_job("jobArchive"), job).await;
        }
        Step::Trash => {
            api.field(&on_job("jobTrash"), job).await;
        }
        Step::Status => {
            api.field("mutation($job: ID!) { jobsUpdateStatus(ids: [$job], status: APPLIED) { revision } }", job.clone()).await;
            let history = api
                .field("query($job: ID!) { job(id: $job) { statusHistory { nodes { id } } } }", job)
                .await;
            objects.entry = text(&history["statusHistory"]["nodes"][0]["id"]);
        }
        Step::Resume => {
            objects.attachment =
                api.paste(&objects.job, "RESUME", "Cooked in three invented kitchens.").await
        }
        Step::SecondResume => {
            api.paste(&objects.job, "RESUME", "Cooked in four invented kitchens.").await;
        }
        Step::TrashResume => {
            let trash = "mutation($id: ID!) { attachmentTrash(id: $id) { revision } }";
            api.field(trash, json!({"id": objects.attachment})).await;
        }
        Step::Apply => {
            let apply =
                "mutation($job: ID!) { coachApply(jobId: $job) { revision userErrors { code } } }";
            assert_ne!(api.field(apply, job).await["revision"], Value::Null);
        }
        Step::Jd => {
            api.paste(&objects.job, "JD", "We look for a cook with knives and patience.").await;
        }
        Step::Analysis => {
            let start = "mutation($job: ID!) { analysisStart(input: {kind: MATCH_SCORE,
                target: {jobId: $job}, background: true, refresh: true}) { analysis { id } } }";
            objects.analysis = text(&api.field(start, job).await["analysis"]["id"]);
        }
        Step::ProviderKey => {
            let set = "mutation { providerKeySet(provider: ANTHROPIC,
                secret: \"an-invented-key\") { revision } }";
            assert_ne!(api.field(set, json!({})).await["revision"], Value::Null);
        }
        Step::Coach(to) => coach(api.engine(), id, to).await,
    }
}

/// Reports what analyses would: no mutation of the schema does it.
async fn coach(engine: &jotrack_core::Engine, job: jotrack_core::JobId, to: CoachTo) {
    use jotrack_core::{AnswerInput, CoachEvent, CoachPatch};
    let options = WriteOptions::default();
    let question = json!({"id": "q1", "category": "Kitchen", "question": "Which?"});
    let questions = vec![serde_json::from_value(question).unwrap()];
    let answer = AnswerInput { question_id: "q1".to_owned(), answer: None, skipped: true };
    let patch = CoachPatch { answers: vec![answer], ..CoachPatch::default() };
    engine.record_coach_event(job, CoachEvent::Discovery(questions), &options).await.unwrap();
    engine.update_coach(job, patch, &options).await.unwrap();
    for event in [
        CoachEvent::ProfileAnalyzed(json!({})),
        CoachEvent::ScoreRecalculated { before: 40.0, after: 60.0 },
    ] {
        engine.record_coach_event(job, event, &options).await.unwrap();
    }
    if matches!(to, CoachTo::Finalized) {
        engine.finalize_resume(job, &options).await.unwrap();
    }
}
