use async_graphql::Value;
use jotrack_core::{CoachMilestone, JobId, QuotaScope, Timestamp, UnavailableKind, Violations};

use super::*;

#[test]
fn codes_on_the_wire_are_those_of_core() {
    for code in ErrorCode::ALL {
        let name = async_graphql::resolver_utils::enum_value(wire_code(*code)).to_string();

        assert_eq!(name, code.graphql_code(), "{}", code.name());
    }
}

#[test]
fn every_violation_is_reported_with_its_path_into_the_arguments() {
    let place = Place::input("patch");
    let violation = |path: &[&str], limit| Violation {
        path: owned(path),
        rule: "too_long",
        message: String::from("at most 5 characters"),
        limit,
    };
    let error = Error::Invalid(Violations(vec![
        violation(&["title"], Some(5)),
        violation(&["idempotencyKey"], None),
        violation(&["answers", "0", "answer"], None),
    ]));

    let errors = refusal(error, &place);

    let paths: Vec<_> = errors.iter().map(path_of).collect();
    assert_eq!(paths, ["patch.title", "idempotencyKey", "patch.answers.0.answer"]);
    assert!(matches!(&errors[0], UserError::InvalidInputError(e) if e.limit == Some(5)));
}

#[test]
fn an_unknown_id_is_found_among_the_arguments() {
    let (known, unknown) = (JobId::new(Timestamp::from_ms(1)), JobId::new(Timestamp::from_ms(2)));
    let ids = [ID(known.node_id()), ID(unknown.node_id())];
    let place = Place::many(&ids);

    let errors = refusal(Error::not_found("job", unknown), &place);

    let UserError::NotFoundError(error) = &errors[0] else { panic!("{errors:?}") };
    assert_eq!(error.path.as_deref(), Some(id_path(1).as_slice()));
    assert_eq!(error.id.as_ref(), Some(&ids[1]));
    assert_eq!(error.message, "job not found");
}

#[test]
fn a_position_counts_every_id_that_was_sent() {
    let id = |n| ID(JobId::new(Timestamp::from_ms(n)).node_id());
    let (first, second) = (id(1), id(2));
    let ids = [first.clone(), first, second.clone()];
    let place = Place::many(&ids);
    let violation = |rule| Violation {
        path: owned(&["ids", "1"]),
        rule,
        message: String::from("no"),
        limit: None,
    };
    let error = Error::Invalid(Violations(vec![violation("unknown"), violation("state")]));

    let errors = refusal(error, &place);

    assert!(matches!(
        &errors[0],
        UserError::NotFoundError(e) if e.id.as_ref() == Some(&second) && e.path == Some(id_path(2))
    ));
    assert!(matches!(&errors[1], UserError::InvalidInputError(e) if e.path == Some(id_path(2))));
}

#[test]
fn conflicts_keep_their_extras() {
    let user_error = |kind| refusal(Error::conflict(kind, "no"), &Place::input("")).remove(0);

    assert!(matches!(
        user_error(ConflictKind::Version { current: 9 }),
        UserError::VersionMismatchError(e) if e.current_version == 9
    ));
    assert!(matches!(
        user_error(ConflictKind::StepLocked { missing: vec![CoachMilestone::DiscoveryComplete] }),
        UserError::StepLockedError(e) if e.missing == [CoachMilestone::DiscoveryComplete]
    ));
    assert!(matches!(
        user_error(ConflictKind::VersionTrashed),
        UserError::ConflictError(e) if e.reason == ConflictReason::VersionDeleted
    ));
    assert!(matches!(
        user_error(ConflictKind::IdempotencyMismatch),
        UserError::OtherError(e) if e.code == WireCode::IdempotencyMismatch
    ));
}

#[test]
fn allowances_are_named() {
    let error = Error::Quota { scope: QuotaScope::JobBytes, limit: 100, remaining: 7 };

    let errors = refusal(error, &Place::input(""));

    assert!(matches!(&errors[0], UserError::QuotaExceededError(e) if e.remaining == ByteCount(7)));
}

#[test]
fn what_the_caller_cannot_fix_has_a_fixed_message_and_a_code() {
    let hidden = Error::bug("compute", "secret detail");
    let busy = Error::unavailable(UnavailableKind::Busy, "read");
    let lost = Error::unavailable(UnavailableKind::Interrupted, "write");

    for (error, code, retryable) in
        [(hidden, "INTERNAL", false), (busy, "UNAVAILABLE", true), (lost, "UNAVAILABLE", false)]
    {
        let Err(Stop::Failed(failure)) = settle::<()>(Err(error), &Place::input("")) else {
            panic!("{code} is the caller's")
        };
        let error = async_graphql::Error::from(failure);
        let extensions = error.extensions.unwrap();

        assert!(!error.message.contains("secret"), "{}", error.message);
        assert_eq!(extensions.get("code"), Some(&Value::from(code)));
        assert_eq!(extensions.get("retryable"), Some(&Value::from(retryable)));
    }
}

#[test]
fn waiting_times_are_rounded_up() {
    assert_eq!(seconds(1), 1);
    assert_eq!(seconds(1_000), 1);
    assert_eq!(seconds(1_001), 2);
    assert_eq!(seconds(0), 1);
}

fn path_of(error: &UserError) -> String {
    match error {
        UserError::InvalidInputError(error) => error.path.as_ref().unwrap().join("."),
        other => panic!("{other:?}"),
    }
}

fn refusal(error: Error, place: &Place<'_>) -> Vec<UserError> {
    match settle::<()>(Err(error), place) {
        Err(Stop::Refused(errors)) => errors,
        other => panic!("{other:?}"),
    }
}
