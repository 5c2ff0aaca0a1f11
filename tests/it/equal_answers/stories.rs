//! Commands that build on each other, which chance alone seldom brings together.

use proptest::{prelude::*, sample::select};
use serde_json::json;

use super::{
    choices,
    commands::{Arg, Command, on, on_arg, paste},
    texts::{self, Text},
};

/// Any commands: single ones, and whole stories.
pub(super) fn commands() -> impl Strategy<Value = Vec<Command>> {
    let one = choices::command().prop_map(|command| vec![command]);
    let some = prop_oneof![12 => one, 1 => trash(), 1 => versions(), 1 => coach(), 1 => course()];
    proptest::collection::vec(some, 1..50).prop_map(|some| some.concat())
}

/// Two jobs, and texts attached to them.
pub(super) fn texts(texts: &[(usize, &str, Text)]) -> Vec<Command> {
    let job = |title: &str| {
        let input = vec![("company", Arg::Json(json!("Acme"))), ("title", Arg::Json(json!(title)))];
        let args = vec![("input", "JobCreateInput!", Arg::Object(input))];
        Command::Mutate { field: "jobCreate", payload: "job { id }", args }
    };
    let pastes = texts.iter().map(|(n, kind, text)| paste(*n, kind, text.clone()));
    [job("Rust"), job("C++")].into_iter().chain(pastes).collect()
}

/// Leaves out some of the commands.
fn with_gaps(story: Vec<Command>) -> impl Strategy<Value = Vec<Command>> {
    proptest::collection::vec(0..8_u8, story.len()).prop_map(move |kept| {
        let kept = story.iter().zip(kept).filter(|(_, kept)| *kept > 0);
        kept.map(|(command, _)| command.clone()).collect()
    })
}

fn trash() -> impl Strategy<Value = Vec<Command>> {
    let bulk = |field, payload, job| {
        let args = vec![("ids", "[ID!]!", Arg::Jobs(vec![job]))];
        Command::Mutate { field, payload, args }
    };
    (0..5_usize, 0..4_u8, 0..200_u8).prop_flat_map(move |(job, end, hours)| {
        with_gaps(vec![
            on("jobTrash", "job { id trashedAt purgeAt }", "id", "job", job),
            Command::Later { hours },
            match end {
                0 => on("jobRestore", "job { id }", "id", "job", job),
                1 => on("jobPurge", "deletedJobId", "id", "job", job),
                2 => bulk("jobsRestore", choices::JOBS, job),
                _ => bulk("jobsPurge", "deletedJobIds", job),
            },
        ])
    })
}

fn versions() -> impl Strategy<Value = Vec<Command>> {
    let kind = || select(&["RESUME", "JD"][..]);
    let end = select(
        &[
            ("attachmentRestore", "attachment { id isActive }"),
            ("attachmentPurge", "deletedAttachmentId"),
        ][..],
    );
    let texts = (texts::text(), texts::text());
    (0..5_usize, kind(), texts, 1..3_usize, end).prop_flat_map(|(job, kind, (a, b), back, end)| {
        let last = |field, payload| on_arg(field, payload, "id", Arg::Last("att", back));
        with_gaps(vec![
            paste(job, kind, a),
            paste(job, kind, b),
            last("attachmentActivate", "attachment { id isActive } job { matchScore { value } }"),
            last("attachmentTrash", "attachment { id isActive trashedAt }"),
            last(end.0, end.1),
        ])
    })
}

fn coach() -> impl Strategy<Value = Vec<Command>> {
    const PAYLOAD: &str =
        "coach { status progress nextStep locked version } job { id status appliedResume { id } }";
    (0..5_usize, texts::text(), 0..200_u8).prop_flat_map(|(job, text, event)| {
        let analysed = |event| Command::Analysed { job, event };
        let step = |field| on(field, PAYLOAD, "jobId", "job", job);
        let answers =
            json!([{"questionId": "a", "answer": "At work"}, {"questionId": "b", "skipped": true}]);
        let patch = Arg::Object(vec![("answers", Arg::Json(answers))]);
        with_gaps(vec![
            analysed(0),
            step("coachStateUpdate").with("patch", "CoachStatePatch!", patch),
            analysed(1),
            analysed(event - event % 5 + 2),
            paste(job, "RESUME", text),
            step("coachResumeFinalize"),
            step("coachCoverLetterSkip"),
            step("coachApply"),
            step("coachReopen"),
        ])
    })
}

fn course() -> impl Strategy<Value = Vec<Command>> {
    let status = || select(&choices::STATUSES[..]);
    (0..5_usize, status(), status(), -9..0_i64).prop_flat_map(|(job, first, second, days)| {
        let moves = |status: &str, days| {
            let args = vec![
                ("ids", "[ID!]!", Arg::Jobs(vec![job])),
                ("status", "JobStatus!", Arg::Json(json!(status))),
                ("at", "DateTime", Arg::Days(days)),
            ];
            Command::Mutate { field: "jobsUpdateStatus", payload: choices::JOBS, args }
        };
        let payload = "job { id status statusSince statusHistory { nodes { id from to at } } }";
        with_gaps(vec![
            moves(first, days),
            moves(second, days + 1),
            on_arg("statusChangeDelete", payload, "id", Arg::Last("stc", 1)),
        ])
    })
}
