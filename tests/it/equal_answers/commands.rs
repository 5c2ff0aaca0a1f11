//! Commands to an engine, and what each answers.

use std::fmt;

use jotrack_core::{CoachEvent, DAY_MS, DiscoveryQuestion, JobId, UploadInput, WriteOptions};
use serde_json::{Map, Value, json};

use super::{pair::Side, texts::Text};

const ERRORS: &str = "revision userErrors { __typename message code path
    ... on InvalidInputError { limit } ... on NotFoundError { id }
    ... on VersionMismatchError { currentVersion } ... on ConflictError { reason }
    ... on StepLockedError { missing } ... on TooLargeError { limit }
    ... on UnsupportedTypeError { detected extension }
    ... on QuotaExceededError { scope limit remaining } }";

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

pub(super) fn attach(job: usize, kind: Arg, file: &str, content: (&'static str, Arg)) -> Command {
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

    pub(super) fn maybe(self, name: &'static str, kind: &'static str, arg: Option<Arg>) -> Self {
        match arg {
            Some(arg) => self.with(name, kind, arg),
            None => self,
        }
    }
}
