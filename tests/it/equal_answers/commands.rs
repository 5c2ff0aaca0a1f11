//! Commands to an engine, right ones and wrong ones; numbers pick their subject among what exists.

use std::fmt;

use jotrack_core::{CoachEvent, DAY_MS, DiscoveryQuestion, JobId, UploadInput, WriteOptions};
use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value, json};

use super::{
    pair::Side,
    texts::{self, Text},
};

const JOB: &str = "job { id title status statusSince version company { id name key } url location source
    notes createdAt updatedAt appliedAt appliedResume { id } archivedAt trashedAt purgeAt isStale
    timeInStatusSeconds attachmentCount matchScore { value band } skillMatchPercentage
    coach { status progress nextStep version updatedAt }
    attachments(includeTrashed: true, first: 50) { totalCount nodes { id kind version isActive filename
        textState textError trashedAt sha256 size variants { id name wordCount version source } } }
    statusHistory(first: 50) { nodes { id from to at recordedAt leftAt note } } }";
pub(super) const JOBS: &str =
    "jobs { id title status version archivedAt trashedAt purgeAt updatedAt
    statusHistory(first: 3) { nodes { id to at } } }";
const ERRORS: &str = "revision userErrors { __typename message code path
    ... on InvalidInputError { limit } ... on NotFoundError { id }
    ... on VersionMismatchError { currentVersion } ... on ConflictError { reason }
    ... on StepLockedError { missing } ... on TooLargeError { limit }
    ... on UnsupportedTypeError { detected extension }
    ... on QuotaExceededError { scope limit remaining } }";
pub(super) const STATUSES: [&str; 9] = [
    "ON_RADAR",
    "APPLIED",
    "PHONE_SCREEN",
    "ONSITE",
    "OFFER",
    "ACCEPTED",
    "REJECTED",
    "WITHDRAWN",
    "GHOSTED",
];
const STEPS: [&str; 4] = ["DISCOVERY", "SCORE", "RESUME", "READY"];

/// A value of a variable.
#[derive(Debug, Clone)]
pub(super) enum Arg {
    /// An id of a kind, by number.
    Id(&'static str, usize),
    /// The newest id of a kind, the one before it, and so on, from 1.
    Last(&'static str, usize),
    /// Ids of jobs, by number.
    Jobs(Vec<usize>),
    /// An upload that was received, by number.
    Upload(usize),
    /// So many days from now.
    Days(i64),
    Text(Text),
    Json(Value),
    List(Vec<Arg>),
    /// What is another thing on SQLite than on PostgreSQL: a place in a list.
    Each(Value, Value),
    Object(Vec<(&'static str, Arg)>),
}

impl Arg {
    fn value(&self, side: &Side) -> Value {
        match self {
            Self::Id(kind, n) => json!(side.pick(kind, *n)),
            Self::Last(kind, back) => {
                json!(side.pick(kind, side.all(kind).len().saturating_sub(*back)))
            }
            Self::Jobs(numbers) => numbers.iter().map(|n| json!(side.pick("job", *n))).collect(),
            Self::Upload(n) => match side.uploads.len() {
                0 => json!("upl_00000000000000000000000000000007"),
                count => json!(side.uploads[n % count]),
            },
            Self::Days(days) => {
                json!(side.lab.engine.clock().now().plus_ms(days * DAY_MS).to_rfc3339())
            }
            Self::Text(text) => json!(text.written()),
            Self::Json(value) => value.clone(),
            Self::List(args) => args.iter().map(|arg| arg.value(side)).collect(),
            Self::Each(lite, pg) => {
                if side.lab.database.is_none() {
                    lite.clone()
                } else {
                    pg.clone()
                }
            }
            Self::Object(members) => {
                let members =
                    members.iter().map(|(name, arg)| ((*name).to_owned(), arg.value(side)));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }
}

/// Variables of a document.
#[derive(Debug, Clone, Default)]
pub(super) struct Step(pub(super) Vec<(&'static str, Arg)>);

impl Step {
    pub(super) fn variables(&self, side: &Side) -> Value {
        let variables = self.0.iter().map(|(name, arg)| ((*name).to_owned(), arg.value(side)));
        Value::Object(variables.collect())
    }
}

/// One command.
#[derive(Clone)]
pub(super) enum Command {
    /// A mutation: its field, and its arguments with their GraphQL types.
    Mutate {
        field: &'static str,
        payload: &'static str,
        args: Vec<(&'static str, &'static str, Arg)>,
    },
    /// The last mutation that had an idempotency key.
    Again,
    Receive {
        name: &'static str,
        text: Text,
    },
    Analysed {
        job: usize,
        event: u8,
    },
    Later {
        hours: u8,
    },
    Rebuild,
}

impl fmt::Debug for Command {
    /// Short: what is read is the same for every mutation of a kind.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mutate { field, payload: _, args } => write!(f, "{field}{args:?}"),
            Self::Again => f.write_str("Again"),
            Self::Receive { name, text } => write!(f, "Receive {name} {text:?}"),
            Self::Analysed { job, event } => write!(f, "Analysed {job} {event}"),
            Self::Later { hours } => write!(f, "Later {hours}"),
            Self::Rebuild => f.write_str("Rebuild"),
        }
    }
}

impl Command {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Mutate { field, .. } => field,
            Self::Again => "again",
            Self::Receive { .. } => "receive",
            Self::Analysed { .. } => "analysed",
            Self::Later { .. } => "later",
            Self::Rebuild => "rebuild",
        }
    }

    /// Tells whether an answer says that something was written.
    pub(super) fn wrote(&self, answer: &Value) -> bool {
        let payload = |field: &str| answer["data"][field]["revision"].is_number();
        match self {
            Self::Mutate { field, .. } => payload(field),
            Self::Again => answer["data"]
                .as_object()
                .is_some_and(|data| data.keys().any(|field| payload(field))),
            Self::Receive { .. } | Self::Analysed { .. } => answer[1].is_number(),
            Self::Later { .. } | Self::Rebuild => true,
        }
    }

    pub(super) async fn run(&self, side: &mut Side) -> Value {
        match self {
            Self::Mutate { field, payload, args } => {
                let (mut head, mut call) = (Vec::new(), Vec::new());
                let mut variables = Map::new();
                for (name, kind, arg) in args {
                    head.push(format!("${name}: {kind}"));
                    call.push(format!("{name}: ${name}"));
                    variables.insert((*name).to_owned(), arg.value(side));
                }
                let (head, call) = (head.join(", "), call.join(", "));
                let document =
                    format!("mutation({head}) {{ {field}({call}) {{ {payload} {ERRORS} }} }}");
                if variables.contains_key("idempotencyKey") {
                    side.keyed = Some((document.clone(), Value::Object(variables.clone())));
                }
                side.api.answer(&document, Value::Object(variables)).await
            }
            Self::Again => match side.keyed.clone() {
                Some((document, variables)) => side.api.answer(&document, variables).await,
                None => Value::Null,
            },
            Self::Receive { name, text } => receive(side, name, &text.written()).await,
            Self::Analysed { job, event } => {
                let job = JobId::from_node_id(&side.pick("job", *job)).unwrap();
                let options = WriteOptions::default();
                match side.lab.engine.record_coach_event(job, analysed(*event), &options).await {
                    Ok(written) => json!([written.value.node_id(), written.revision]),
                    Err(error) => json!([error.code().name(), error.to_string()]),
                }
            }
            Self::Later { hours } => {
                side.lab.clock.advance_ms(i64::from(*hours) * 3_600_000);
                json!(side.lab.engine.run_due_tasks().await.unwrap())
            }
            Self::Rebuild => {
                json!(side.lab.engine.rebuild_read_model().await.unwrap())
            }
        }
    }
}

async fn receive(side: &mut Side, name: &str, text: &str) -> Value {
    let input = UploadInput { filename: name.to_owned(), declared_bytes: None };
    let mut writer = match side.lab.engine.start_upload(input).await {
        Ok(writer) => writer,
        Err(error) => return json!([error.code().name(), error.to_string()]),
    };
    writer.write(text.as_bytes()).unwrap();
    match writer.finish().await {
        Ok(staged) => {
            side.uploads.push(staged.id.node_id());
            json!([staged.media_type, staged.size_bytes])
        }
        Err(error) => json!([error.code().name(), error.to_string()]),
    }
}

fn analysed(event: u8) -> CoachEvent {
    let question = |id: &str| DiscoveryQuestion {
        id: id.to_owned(),
        category: "Skills".into(),
        question: "Where did you use it?".into(),
        rationale: None,
        target_skill: Some("Rust".into()),
        word_limit: Some(100),
    };
    match event % 5 {
        0 => CoachEvent::Discovery(vec![question("a"), question("b")]),
        1 => CoachEvent::ProfileAnalyzed(json!({"skills": ["Rüst"], "n": 1.5})),
        2 => CoachEvent::ScoreRecalculated { before: 40.0, after: f64::from(event) / 3.0 },
        3 => CoachEvent::ResumeGenerated,
        _ => CoachEvent::CoverLetterGenerated,
    }
}

/// A mutation on one object.
pub(super) fn on(
    field: &'static str,
    payload: &'static str,
    id: &'static str,
    kind: &'static str,
    n: usize,
) -> Command {
    on_arg(field, payload, id, Arg::Id(kind, n))
}

pub(super) fn on_arg(
    field: &'static str,
    payload: &'static str,
    id: &'static str,
    arg: Arg,
) -> Command {
    Command::Mutate { field, payload, args: vec![(id, "ID!", arg)] }
}

/// Attaches a text to a job.
pub(super) fn paste(job: usize, kind: &str, text: Text) -> Command {
    attach(job, Arg::Json(json!(kind)), "pasted.txt", ("text", Arg::Text(text)))
}

fn attach(job: usize, kind: Arg, file: &str, content: (&'static str, Arg)) -> Command {
    const PAYLOAD: &str = "attachment { id isActive version textState } created warnings
        job { id updatedAt matchScore { value }
            attachments(first: 50, includeTrashed: true) { nodes { id isActive variants { id wordCount } } } }";
    let input = vec![
        ("jobId", Arg::Id("job", job)),
        ("kind", kind),
        ("filename", Arg::Json(json!(file))),
        ("content", Arg::Object(vec![content])),
    ];
    let args = vec![("input", "AttachmentCreateInput!", Arg::Object(input))];
    Command::Mutate { field: "attachmentCreate", payload: PAYLOAD, args }
}

impl Command {
    /// Adds an argument.
    pub(super) fn with(mut self, name: &'static str, kind: &'static str, arg: Arg) -> Self {
        if let Self::Mutate { args, .. } = &mut self {
            args.push((name, kind, arg));
        }
        self
    }

    fn maybe(self, name: &'static str, kind: &'static str, arg: Option<Arg>) -> Self {
        match arg {
            Some(arg) => self.with(name, kind, arg),
            None => self,
        }
    }
}

/// A subject: often one of a few, so that one command builds on another.
fn at() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0..3_usize, 1 => 0..60_usize]
}

fn days() -> impl Strategy<Value = Option<Arg>> {
    prop_oneof![
        3 => Just(None),
        4 => (-40..1_i64).prop_map(|days| Some(Arg::Days(days))),
        1 => select(&[2_i64, -20_000][..]).prop_map(|days| Some(Arg::Days(days))),
    ]
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = Arg> {
    select(words).prop_map(|word| Arg::Json(json!(word)))
}

/// A name, right or wrong.
fn name() -> impl Strategy<Value = Arg> {
    prop_oneof![
        30 => texts::words(5).prop_map(|text| Arg::Json(json!(text))),
        8 => select(&["Acme GmbH", "ACME", "acme inc.", "Zürich AG", "Zurich"][..]).prop_map(|text| Arg::Json(json!(text))),
        1 => select(&["", "  ", "a\u{0}b", "line\nbreak"][..]).prop_map(|text| Arg::Json(json!(text))),
        1 => Just(Arg::Json(json!("long ".repeat(50)))),
    ]
}

fn field() -> impl Strategy<Value = (&'static str, Arg)> {
    prop_oneof![
        name().prop_map(|name| ("company", name)),
        name().prop_map(|name| ("title", name)),
        name().prop_map(|name| ("location", name)),
        name().prop_map(|name| ("source", name)),
        texts::text().prop_map(|text| ("notes", Arg::Text(text))),
        select(
            &["https://acme.test/1", "https://acme.test/2", "https://zürich.test/ü", "no address"]
                [..]
        )
        .prop_map(|url| ("url", Arg::Json(json!(url)))),
        word(&STATUSES).prop_map(|status| ("status", status)),
        select(&["notes", "notes", "location", "location", "url", "source", "title"][..])
            .prop_map(|name| (name, Arg::Json(Value::Null))),
    ]
}

/// Distinct members: an object names each once.
fn fields() -> impl Strategy<Value = Vec<(&'static str, Arg)>> {
    proptest::collection::vec(field(), 0..4).prop_map(|mut fields| {
        fields.sort_by_key(|(name, _)| *name);
        fields.dedup_by_key(|(name, _)| *name);
        fields
    })
}

pub(super) fn create() -> impl Strategy<Value = Command> {
    (name(), name(), fields(), days()).prop_map(|(company, title, mut fields, days)| {
        fields.retain(|(name, arg)| {
            let is_null = matches!(arg, Arg::Json(Value::Null));
            !(["company", "title"].contains(name) || *name == "status" && is_null)
        });
        fields.extend([("company", company), ("title", title)]);
        fields.extend(days.map(|days| ("statusAt", days)));
        let args = vec![("input", "JobCreateInput!", Arg::Object(fields))];
        Command::Mutate { field: "jobCreate", payload: JOB, args }
    })
}

fn jobs() -> impl Strategy<Value = Arg> {
    prop_oneof![
        12 => proptest::collection::vec(at(), 1..5).prop_map(Arg::Jobs),
        1 => Just(Arg::Jobs(Vec::new())),
        1 => Just(Arg::Jobs((0..101).collect())),
    ]
}

fn bulk() -> impl Strategy<Value = Command> {
    const NAMES: [(&str, &str); 4] = [
        ("jobsArchive", JOBS),
        ("jobsTrash", JOBS),
        ("jobsRestore", JOBS),
        ("jobsPurge", "deletedJobIds"),
    ];
    let status = (jobs(), word(&STATUSES), days(), proptest::option::of(texts::words(3)));
    prop_oneof![
        (select(&NAMES[..]), jobs()).prop_map(|((field, payload), jobs)| {
            Command::Mutate { field, payload, args: vec![("ids", "[ID!]!", jobs)] }
        }),
        status.prop_map(|(jobs, status, days, note)| {
            let args = vec![("ids", "[ID!]!", jobs), ("status", "JobStatus!", status)];
            let command = Command::Mutate { field: "jobsUpdateStatus", payload: JOBS, args };
            let note = note.map(|note| Arg::Json(json!(note)));
            command.maybe("at", "DateTime", days).maybe("note", "String", note)
        }),
    ]
}

fn attachment() -> impl Strategy<Value = Command> {
    let kind = word(&["RESUME", "JD", "JD", "RESUME", "COVER_LETTER", "OTHER"]);
    let content = prop_oneof![
        5 => texts::text().prop_map(|text| ("text", Arg::Text(text))),
        2 => (0..20_usize).prop_map(|n| ("uploadId", Arg::Upload(n))),
    ];
    let file = select(&["a.txt", "résumé.txt", "../x", "", "a.pdf"][..]);
    (at(), kind, content, file)
        .prop_map(|(job, kind, content, file)| attach(job, kind, file, content))
}

fn file() -> impl Strategy<Value = Command> {
    const PAYLOAD: &str =
        "attachment { id isActive trashedAt } job { id matchScore { value } attachmentCount }";
    prop_oneof![
        2 => at().prop_map(|n| on("attachmentActivate", PAYLOAD, "id", "att", n)),
        2 => at().prop_map(|n| on("attachmentTrash", PAYLOAD, "id", "att", n)),
        1 => at().prop_map(|n| on("attachmentRestore", PAYLOAD, "id", "att", n)),
        1 => at().prop_map(|n| on("attachmentPurge", "deletedAttachmentId job { id attachmentCount }", "id", "att", n)),
        2 => (at(), word(&["RAW", "RAW", "AI_NORMALIZED"]), texts::text()).prop_map(|(n, name, text)| {
            on("attachmentVariantSet", "variant { id wordCount tokenEstimate version source }", "attachmentId", "att", n)
                .with("name", "VariantName!", name)
                .with("text", "String!", Arg::Text(text))
        }),
    ]
}

fn history() -> impl Strategy<Value = Command> {
    const PAYLOAD: &str = "job { id status statusSince appliedAt statusHistory(first: 50) { nodes { id from to at note } } }";
    let patch = (days(), proptest::option::of(texts::words(3))).prop_map(|(days, note)| {
        let mut patch: Vec<_> = days.map(|days| ("at", days)).into_iter().collect();
        patch.extend(note.map(|note| ("note", Arg::Json(json!(note)))));
        Arg::Object(patch)
    });
    prop_oneof![
        (at(), patch).prop_map(|(n, patch)| {
            on("statusChangeUpdate", PAYLOAD, "id", "stc", n).with(
                "patch",
                "StatusChangePatch!",
                patch,
            )
        }),
        at().prop_map(|n| on("statusChangeDelete", PAYLOAD, "id", "stc", n)),
    ]
}

fn coach() -> impl Strategy<Value = Command> {
    const PAYLOAD: &str = "coach { status progress nextStep locked outdated version profile discovery { id answer skipped }
        milestones { milestone completedAt } scoreBefore scoreAfter } job { id status coach { version } appliedResume { id } }";
    let answer = (select(&["a", "b", "zz"][..]), proptest::option::of(texts::words(4)));
    let answers = proptest::collection::vec(answer, 1..3).prop_map(|answers| {
        let answers = answers.into_iter().map(|(id, answer)| {
            let skipped = answer.is_none();
            json!({"questionId": id, "answer": answer, "skipped": skipped})
        });
        ("answers", Arg::Json(answers.collect()))
    });
    let step = word(&STEPS).prop_map(|step| ("currentStep", step));
    let profile = Just(("profile", Arg::Json(json!({"ü": [1, 2.5, null]}))));
    prop_oneof![
        (at(), 0..10_u8).prop_map(|(job, event)| Command::Analysed { job, event }),
        (at(), prop_oneof![3 => answers, 1 => step, 1 => profile]).prop_map(|(n, patch)| {
            on("coachStateUpdate", PAYLOAD, "jobId", "job", n).with(
                "patch",
                "CoachStatePatch!",
                Arg::Object(vec![patch]),
            )
        }),
        at().prop_map(|n| on("coachResumeFinalize", PAYLOAD, "jobId", "job", n)),
        at().prop_map(|n| on("coachCoverLetterSkip", PAYLOAD, "jobId", "job", n)),
        (at(), days())
            .prop_map(|(n, days)| on("coachApply", PAYLOAD, "jobId", "job", n)
                .maybe("at", "DateTime", days)),
        at().prop_map(|n| on("coachReopen", PAYLOAD, "jobId", "job", n)),
    ]
}

fn one_job() -> impl Strategy<Value = Command> {
    // An id of another kind is an id of nothing.
    let kind = prop_oneof![15 => Just("job"), 1 => Just("att")];
    prop_oneof![
        4 => (kind, at(), fields()).prop_map(|(kind, n, fields)| {
            on("jobUpdate", JOB, "id", kind, n).with("patch", "JobPatch!", Arg::Object(fields))
        }),
        1 => (at(), proptest::option::of(name())).prop_map(|(n, title)| on("jobDuplicate", JOB, "id", "job", n).maybe("title", "String", title)),
        1 => (at(), any::<bool>()).prop_map(|(n, archived)| on("jobArchive", JOB, "id", "job", n).with("archived", "Boolean!", Arg::Json(json!(archived)))),
        1 => at().prop_map(|n| on("jobTrash", JOB, "id", "job", n)),
        1 => at().prop_map(|n| on("jobRestore", JOB, "id", "job", n)),
        1 => at().prop_map(|n| on("jobPurge", "deletedJobId", "id", "job", n)),
    ]
}

/// Mutations that take an expected version.
const VERSIONED: [&str; 7] = [
    "jobUpdate",
    "attachmentVariantSet",
    "coachStateUpdate",
    "coachResumeFinalize",
    "coachCoverLetterSkip",
    "coachApply",
    "coachReopen",
];

/// Any command.
pub(super) fn command() -> impl Strategy<Value = Command> {
    let receive = (select(&["a.txt", "b.md", "c.pdf", "d"][..]), texts::text());
    let command = prop_oneof![
        3 => create(),
        8 => one_job(),
        3 => bulk(),
        14 => attachment(),
        6 => file(),
        4 => history(),
        6 => coach(),
        2 => receive.prop_map(|(name, text)| Command::Receive { name, text }),
        2 => (0..60_u8).prop_map(|hours| Command::Later { hours }),
        1 => Just(Command::Again),
        1 => Just(Command::Rebuild),
    ];
    let key = prop_oneof![6 => Just(None), 1 => (0..4_u8).prop_map(Some)];
    let version = prop_oneof![4 => Just(None), 1 => (0..4_i64).prop_map(Some)];
    (command, key, version).prop_map(|(command, key, version)| {
        let key = key.map(|key| Arg::Json(json!(format!("key {key}").replace(' ', "-"))));
        let takes_version =
            matches!(&command, Command::Mutate { field, .. } if VERSIONED.contains(field));
        let version = version.filter(|_| takes_version).map(|version| Arg::Json(json!(version)));
        command.maybe("idempotencyKey", "String", key).maybe("expectedVersion", "Int", version)
    })
}
