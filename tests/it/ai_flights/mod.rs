//! One upstream call however many ask: joining, leaving, failing, cancelling, charging.

mod failures;
mod processes;
mod races;

use std::time::Duration;

use jotrack_core::{
    Analysis, AnalysisRequest, AnalysisState, Engine, ErrorCode, Protocol, ResultSource, Tier,
    WriteOptions,
    ai::{AnalysisEvent, EventData},
};
use jotrack_tests::{
    Lab, code, options,
    provider::{COMPANIES, FaultServer, Gate, Reply, Script, Transcript, about, named_by_operator},
};

async fn lab(script: Script) -> (Lab, FaultServer) {
    let server = FaultServer::start(script).await;
    (Lab::with(named_by_operator(&server)).await, server)
}

async fn ended(engine: &Engine, analysis: &Analysis) -> Analysis {
    let mut events = engine.analysis_events(analysis.id, None).await.unwrap();
    while events.next().await.unwrap().is_some() {}
    engine.analysis(analysis.id).await.unwrap()
}

async fn start(engine: &Engine, request: &AnalysisRequest) -> Analysis {
    engine.start_analysis(request, &options()).await.unwrap().analysis
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_ask_at_once_cause_one_call_and_all_are_answered() {
    let gate = Gate::closed();
    let reply = Reply::answer(Protocol::Chat, COMPANIES).gate_first(&gate);
    let (lab, server) = lab(Script::always(reply)).await;
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let engine = lab.engine.clone();
            tokio::spawn(async move { engine.analyze(&about("Acme")).await })
        })
        .collect();
    server.until_calls(1).await;
    gate.open();
    for asked in asked {
        let analysis = asked.await.unwrap().unwrap();
        assert_eq!(analysis.state, AnalysisState::Succeeded);
        let result = analysis.result.unwrap();
        assert_eq!(result["companies"][0]["name"], "Globex");
    }
    assert_eq!(server.count(), 1);
    lab.engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_caller_who_goes_does_not_end_the_call_of_the_others() {
    let gate = Gate::closed();
    let reply = Reply::answer(Protocol::Chat, COMPANIES).gate(60, &gate);
    let (lab, server) = lab(Script::always(reply)).await;
    let first = tokio::spawn({
        let engine = lab.engine.clone();
        async move { engine.analyze(&about("Acme")).await }
    });
    server.until_calls(1).await;
    let second = tokio::spawn({
        let engine = lab.engine.clone();
        async move { engine.analyze(&about("Acme")).await }
    });
    first.abort();
    drop(first.await);
    gate.open();
    assert_eq!(second.await.unwrap().unwrap().state, AnalysisState::Succeeded);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn an_answer_is_kept_and_given_again_without_a_call_or_a_second_row() {
    let (lab, server) = lab(Script::always(Reply::answer(Protocol::Chat, COMPANIES))).await;
    let first = start(&lab.engine, &about("Acme")).await;
    let first = ended(&lab.engine, &first).await;
    assert_eq!((first.state, first.source), (AnalysisState::Succeeded, Some(ResultSource::Fresh)));
    lab.clock.advance_ms(60_000);
    let again = lab.engine.start_analysis(&about("  ACME, Inc. "), &options()).await.unwrap();
    assert_eq!((again.source, again.analysis.id), (ResultSource::Shared, first.id));
    assert_eq!(again.analysis.result, first.result);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn another_user_gets_a_shared_answer_as_an_analysis_of_their_own() {
    let (lab, server) = lab(Script::always(Reply::answer(Protocol::Chat, COMPANIES))).await;
    let first = lab.engine.analyze(&about("Acme")).await.unwrap();
    let other = lab.engine.create_user("Ada Example").await.unwrap();
    let other = lab.engine.as_user(other).await.unwrap();
    let started = other.start_analysis(&about("Acme"), &options()).await.unwrap();
    assert_eq!(started.source, ResultSource::Shared);
    assert_ne!(started.analysis.id, first.id);
    assert_eq!(started.analysis.result, first.result);
    assert_eq!(started.analysis.cost_micros, Some(0));
    assert_eq!(code(lab.engine.analysis(started.analysis.id).await), ErrorCode::NotFound);
    let again = other.start_analysis(&about("Acme"), &options()).await.unwrap();
    assert_eq!(again.analysis.id, started.analysis.id, "the second hit writes nothing");
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_failure_in_passing_is_told_to_all_and_the_next_request_calls_again() {
    let replies = [
        Reply::error(Protocol::Chat, 500, "server_error"),
        Reply::answer(Protocol::Chat, COMPANIES),
    ];
    let (lab, server) = lab(Script::queue(replies)).await;
    let failed = start(&lab.engine, &about("Acme")).await;
    let failed = ended(&lab.engine, &failed).await;
    assert_eq!(failed.state, AnalysisState::Failed);
    let failure = failed.error.unwrap();
    assert_eq!((failure.class.as_str(), failure.retryable), ("server", true));
    let next = lab.engine.analyze(&about("Acme")).await.unwrap();
    assert_eq!(next.state, AnalysisState::Succeeded);
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn a_wrong_key_stands_for_a_moment_and_is_not_tried_again_at_once() {
    let (lab, server) = lab(Script::always(Reply::error(Protocol::Chat, 401, "auth"))).await;
    let first = lab.engine.analyze(&about("Acme")).await.unwrap_err();
    assert_eq!((first.code(), first.retryable()), (ErrorCode::AiProvider, false));
    let second = lab.engine.analyze(&about("Acme")).await.unwrap_err();
    assert_eq!(second.code(), ErrorCode::AiProvider);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn the_calls_of_a_plan_are_counted_and_hits_and_failures_are_not() {
    let server = FaultServer::start(Script::function(|call| {
        let fails = call.prompt().contains("Broken");
        if fails {
            Reply::error(Protocol::Chat, 500, "server_error")
        } else {
            Reply::answer(Protocol::Chat, COMPANIES)
        }
    }))
    .await;
    let configure = named_by_operator(&server);
    let lab = Lab::with(|config| {
        configure(config);
        config.ai.local_tier = Tier::Free;
    })
    .await;
    for n in 0..3 {
        lab.engine.analyze(&about(&format!("Broken {n}"))).await.unwrap_err();
    }
    for n in 0..10 {
        lab.engine.analyze(&about(&format!("Company {n}"))).await.unwrap();
        lab.engine.analyze(&about(&format!("Company {n}"))).await.unwrap();
    }
    let refused = lab.engine.start_analysis(&about("One more"), &options()).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::RateLimited);
    assert!(refused.retry_after_ms().unwrap() > 0);
    lab.engine.analyze(&about("Company 3")).await.expect("a kept answer costs nothing");
    lab.engine.start_analysis(&about("One more"), &options()).await.expect_err("still refused");
    assert_eq!(server.count(), 13);
    let stats = lab.engine.cache_stats().await.unwrap();
    assert_eq!((stats[0].entries, stats[0].hits), (10, 11));
}

#[tokio::test]
async fn cancelling_ends_the_call_and_the_provider_sees_it() {
    let gate = Gate::closed();
    let reply = Reply::answer(Protocol::Chat, COMPANIES).gate(120, &gate);
    let (lab, server) = lab(Script::always(reply)).await;
    let analysis = start(&lab.engine, &about("Acme")).await;
    server.until_sent(0, 100).await;
    let cancelled = lab.engine.cancel_analysis(analysis.id).await.unwrap();
    assert_eq!(cancelled.state, AnalysisState::Cancelled);
    let mut events = lab.engine.analysis_events(analysis.id, None).await.unwrap();
    let mut last = None;
    while let Some(event) = events.next().await.unwrap() {
        last = Some(event);
    }
    assert!(matches!(last.unwrap().data, EventData::Cancelled));
    server.until_ended(0).await;
    assert_eq!(code(lab.engine.cancel_analysis(analysis.id).await), ErrorCode::AlreadyFinished);
}

#[tokio::test]
async fn cancelling_one_of_two_leaves_the_call_to_the_other() {
    let gate = Gate::closed();
    let reply = Reply::answer(Protocol::Chat, COMPANIES).gate_first(&gate);
    let (lab, server) = lab(Script::always(reply)).await;
    let first = start(&lab.engine, &about("Acme")).await;
    let second = start(&lab.engine, &about("Acme")).await;
    assert_ne!(first.id, second.id);
    assert_eq!(second.source, Some(ResultSource::Pooled));
    lab.engine.cancel_analysis(first.id).await.unwrap();
    gate.open();
    let second = ended(&lab.engine, &second).await;
    assert_eq!(second.state, AnalysisState::Succeeded);
    let first = lab.engine.analysis(first.id).await.unwrap();
    assert_eq!(first.state, AnalysisState::Cancelled);
    assert_eq!(server.count(), 1);
}

fn text(events: &[AnalysisEvent]) -> String {
    let mut text = String::new();
    for event in events {
        match &event.data {
            EventData::Delta(piece) => text.push_str(piece),
            EventData::Reset(_) => text.clear(),
            _ => {}
        }
    }
    text
}

#[tokio::test]
async fn a_follower_who_comes_back_loses_and_repeats_nothing() {
    let gate = Gate::closed();
    let mut transcript = Transcript::start(Protocol::Chat);
    for piece in COMPANIES.as_bytes().chunks(7) {
        transcript = transcript.text(std::str::from_utf8(piece).unwrap());
    }
    let transcript = transcript.usage_and_stop(Transcript::natural(Protocol::Chat));
    let reply = Reply::events(&transcript).gate(800, &gate);
    let (lab, server) = lab(Script::always(reply)).await;
    let analysis = start(&lab.engine, &about("Acme")).await;
    server.until_sent(0, 800).await;
    let mut seen = Vec::new();
    let mut events = lab.engine.analysis_events(analysis.id, None).await.unwrap();
    while text(&seen).is_empty() {
        seen.push(events.next().await.unwrap().unwrap());
    }
    let cursor = events.cursor();
    drop(events);
    gate.open();
    let mut events = lab.engine.analysis_events(analysis.id, Some(cursor)).await.unwrap();
    while let Some(event) = events.next().await.unwrap() {
        assert!(event.sequence > cursor);
        seen.push(event);
    }
    assert_eq!(text(&seen), COMPANIES);
    assert!(matches!(seen.last().unwrap().data, EventData::Done));
    let mut past = lab.engine.analysis_events(analysis.id, Some(events.cursor())).await.unwrap();
    assert!(past.next().await.unwrap().is_none());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_taken_again_and_followers_drop_its_text() {
    let whole = Reply::answer(Protocol::Chat, COMPANIES);
    let cut = whole.clone().cut(whole.body_bytes() / 2);
    let server = FaultServer::start(Script::queue([cut, whole])).await;
    let configure = named_by_operator(&server);
    let lab = Lab::with(|config| {
        configure(config);
        config.ai.retries = 1;
    })
    .await;
    let analysis = start(&lab.engine, &about("Acme")).await;
    let mut events = lab.engine.analysis_events(analysis.id, None).await.unwrap();
    let mut seen = Vec::new();
    while let Some(event) = events.next().await.unwrap() {
        seen.push(event);
    }
    assert_eq!(text(&seen), COMPANIES);
    assert_eq!(server.count(), 2);
    let row = lab.engine.analysis(analysis.id).await.unwrap();
    assert_eq!(row.state, AnalysisState::Succeeded);
}

#[tokio::test]
async fn a_wrong_form_is_repaired_once_and_then_given_up() {
    let wrong = Reply::answer(Protocol::Chat, r#"{"companies":"none"}"#);
    let replies = [wrong.clone(), Reply::answer(Protocol::Chat, COMPANIES), wrong.clone(), wrong];
    let (lab, server) = lab(Script::queue(replies)).await;
    assert!(lab.engine.analyze(&about("Acme")).await.is_ok());
    assert_eq!(server.count(), 2);
    let error = lab.engine.analyze(&about("Globex")).await.unwrap_err();
    assert_eq!((error.code(), server.count()), (ErrorCode::AiProvider, 4));
    assert_eq!(lab.engine.cache_stats().await.unwrap()[0].entries, 1);
}

#[tokio::test]
async fn the_same_idempotency_key_gives_the_same_analysis() {
    let (lab, server) = lab(Script::always(Reply::answer(Protocol::Chat, COMPANIES))).await;
    let keyed =
        WriteOptions { idempotency_key: Some("once-and-only".into()), ..WriteOptions::default() };
    let first = lab.engine.start_analysis(&about("Acme"), &keyed).await.unwrap();
    let again = lab.engine.start_analysis(&about("Acme"), &keyed).await.unwrap();
    assert_eq!((again.analysis.id, again.replayed), (first.analysis.id, true));
    let other = lab.engine.start_analysis(&about("Globex"), &keyed).await;
    assert_eq!(code(other), ErrorCode::IdempotencyMismatch);
    ended(&lab.engine, &first.analysis).await;
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_refresh_calls_anew_but_not_twice_within_half_a_minute() {
    let (lab, server) = lab(Script::always(Reply::answer(Protocol::Chat, COMPANIES))).await;
    lab.engine.analyze(&about("Acme")).await.unwrap();
    let refresh = AnalysisRequest { refresh: true, ..about("Acme") };
    assert_eq!(code(lab.engine.analyze(&refresh).await), ErrorCode::RateLimited);
    lab.clock.advance_ms(31_000);
    let fresh = lab.engine.analyze(&refresh).await.unwrap();
    assert_eq!((fresh.source, server.count()), (Some(ResultSource::Fresh), 2));
    let kept = lab.engine.start_analysis(&about("Acme"), &options()).await.unwrap();
    assert_eq!(kept.analysis.id, fresh.id, "the newer answer is kept");
}

#[tokio::test]
async fn a_queued_analysis_is_worked_on_later() {
    let (lab, server) = lab(Script::always(Reply::answer(Protocol::Chat, COMPANIES))).await;
    let background = AnalysisRequest { background: true, ..about("Acme") };
    let queued = start(&lab.engine, &background).await;
    assert_eq!((queued.state, server.count()), (AnalysisState::Queued, 0));
    lab.engine.run_due_tasks().await.unwrap();
    let done = ended(&lab.engine, &queued).await;
    assert_eq!((done.state, server.count()), (AnalysisState::Succeeded, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_engines_on_one_database_make_one_call() {
    let gate = Gate::closed();
    let reply = Reply::answer(Protocol::Chat, COMPANIES).gate_first(&gate);
    let server = FaultServer::start(Script::always(reply)).await;
    let lab = Lab::with(named_by_operator(&server)).await;
    let mut config = lab.config();
    named_by_operator(&server)(&mut config);
    let second = Engine::open(config).await.unwrap();
    let first = start(&lab.engine, &about("Acme")).await;
    server.until_calls(1).await;
    let joined = start(&second, &about("Acme")).await;
    assert_eq!(joined.source, Some(ResultSource::Pooled));
    gate.open();
    let (first, joined) = (ended(&lab.engine, &first).await, ended(&second, &joined).await);
    assert_eq!(first.result, joined.result);
    assert_eq!(
        (joined.state, joined.source),
        (AnalysisState::Succeeded, Some(ResultSource::Pooled))
    );
    assert_eq!(server.count(), 1);
    second.close().await.unwrap();
}

#[tokio::test]
async fn closing_puts_what_is_under_way_back_into_the_queue() {
    let gate = Gate::closed();
    let replies = [
        Reply::answer(Protocol::Chat, COMPANIES).gate_first(&gate),
        Reply::answer(Protocol::Chat, COMPANIES),
    ];
    let server = FaultServer::start(Script::queue(replies)).await;
    let configure = named_by_operator(&server);
    let lab = Lab::with(|config| {
        configure(config);
        config.ai.drain_ms = 50;
    })
    .await;
    let analysis = start(&lab.engine, &about("Acme")).await;
    server.until_calls(1).await;
    lab.engine.close().await.unwrap();
    let mut config = lab.config();
    named_by_operator(&server)(&mut config);
    let next = Engine::open(config).await.unwrap();
    assert_eq!(next.analysis(analysis.id).await.unwrap().state, AnalysisState::Queued);
    next.run_due_tasks().await.unwrap();
    assert_eq!(next.analysis(analysis.id).await.unwrap().state, AnalysisState::Succeeded);
    assert_eq!(server.count(), 2);
    next.close().await.unwrap();
}

#[tokio::test]
async fn a_soft_expired_answer_is_given_and_made_anew_once() {
    let (lab, server) = lab(Script::always(Reply::answer(Protocol::Chat, COMPANIES))).await;
    let first = lab.engine.analyze(&about("Acme")).await.unwrap();
    let life_ms = first.expires_at.unwrap().as_ms() - first.finished_at.unwrap().as_ms();
    assert!((jotrack_core::DAY_MS * 665 / 100..=jotrack_core::DAY_MS * 7).contains(&life_ms));
    lab.clock.advance_ms(life_ms / 100 * 94);
    lab.engine.start_analysis(&about("Acme"), &options()).await.unwrap();
    lab.clock.advance_ms(life_ms / 50);
    for _ in 0..5 {
        let old = lab.engine.start_analysis(&about("Acme"), &options()).await.unwrap();
        assert_eq!(old.analysis.state, AnalysisState::Succeeded);
    }
    let most = Duration::from_secs(10);
    tokio::time::timeout(most, server.until_calls(2)).await.expect("it is refreshed");
    lab.engine.close().await.unwrap();
    assert!(server.count() <= 2, "once");
}

#[tokio::test]
async fn an_ended_answer_stands_in_for_one_that_cannot_be_had() {
    let replies =
        [Reply::answer(Protocol::Chat, COMPANIES), Reply::error(Protocol::Chat, 503, "overloaded")];
    let (lab, server) = lab(Script::queue(replies)).await;
    let first = lab.engine.analyze(&about("Acme")).await.unwrap();
    lab.clock.advance_ms(8 * jotrack_core::DAY_MS);
    let stale = lab.engine.analyze(&about("Acme")).await.unwrap();
    assert_eq!((stale.source, &stale.result), (Some(ResultSource::Stale), &first.result));
    assert_eq!(server.count(), 2);
}
