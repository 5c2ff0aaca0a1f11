//! Any command, right or wrong; numbers pick its subject among what exists.

use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use super::{
    commands::{Arg, Command, attach, on},
    texts,
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
