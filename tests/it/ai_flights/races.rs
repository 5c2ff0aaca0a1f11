//! What happens at the same time: cancelling, purging, asking twice, too many at once, other
//! processes.

use futures_util::future::join_all;
use jotrack_core::{
    AiProvider, AnalysisKind, AnalysisRequest, AnalysisState, Engine, ErrorCode, Protocol,
    ResultSource, Tier, WriteOptions, ai::EventData,
};
use jotrack_tests::{
    Lab, code, options,
    provider::{COMPANIES, FaultServer, Gate, Reply, Script, about, named_by_operator},
};

use super::{ended, lab, start};

#[tokio::test]
async fn a_follower_sees_the_end_of_what_is_cancelled_under_its_eyes() {
    let gate = Gate::closed();
    let whole = Reply::answer(Protocol::Chat, COMPANIES);
    let half = whole.body_bytes() / 2;
    let (lab, server) = lab(Script::always(whole.gate(half, &gate))).await;
    let analysis = start(&lab.engine, &about("Acme")).await;
    let mut events = lab.engine.analysis_events(analysis.id, None).await.unwrap();
    while !matches!(events.next().await.unwrap().unwrap().data, EventData::Delta(_)) {}
    lab.engine.cancel_analysis(analysis.id).await.unwrap();
    // More text would come.
    gate.open();
    let mut last = None;
    while let Some(event) = events.next().await.unwrap() {
        last = Some(event.data);
    }
    assert!(matches!(last, Some(EventData::Cancelled)), "{last:?}");
    assert_eq!(server.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_in_another_process_ends_the_call() {
    let gate = Gate::closed();
    let whole = Reply::answer(Protocol::Chat, COMPANIES);
    let half = whole.body_bytes() / 2;
    let server = FaultServer::start(Script::always(whole.gate(half, &gate))).await;
    let quick = |config: &mut jotrack_core::Config| {
        named_by_operator(&server)(config);
        config.ai.lease_ms = 3_000;
    };
    let lab = Lab::with(quick).await;
    let mut config = lab.config();
    quick(&mut config);
    let other = Engine::open(config).await.unwrap();
    let analysis = start(&lab.engine, &about("Acme")).await;
    let mut events = lab.engine.analysis_events(analysis.id, None).await.unwrap();
    while !matches!(events.next().await.unwrap().unwrap().data, EventData::Delta(_)) {}
    other.cancel_analysis(analysis.id).await.unwrap();
    server.until_ended(0).await;
    let mut last = None;
    while let Some(event) = events.next().await.unwrap() {
        last = Some(event);
    }
    let last = last.unwrap();
    assert!(matches!(last.data, EventData::Cancelled), "{last:?}");
    let mut again = lab.engine.analysis_events(analysis.id, Some(last.sequence)).await.unwrap();
    assert!(again.next().await.unwrap().is_none(), "nothing follows the end");
    other.close().await.unwrap();
}

#[tokio::test]
async fn purging_a_job_during_its_call_takes_nothing_from_the_others() {
    let gate = Gate::closed();
    let reply = Reply::answer(Protocol::Chat, COMPANIES).gate_first(&gate);
    let (lab, server) = lab(Script::always(reply)).await;
    let job = lab.job("Acme", "Engineer").await;
    let of_job = AnalysisRequest::of_job(AnalysisKind::CompanyEcosystem, job);
    let first = start(&lab.engine, &of_job).await;
    server.until_calls(1).await;
    let second = start(&lab.engine, &about("Acme")).await;
    lab.engine.trash_jobs(&[job], &options()).await.unwrap();
    lab.engine.purge_jobs(&[job], &options()).await.unwrap();
    gate.open();
    assert_eq!(ended(&lab.engine, &second).await.state, AnalysisState::Succeeded);
    assert_eq!(code(lab.engine.analysis(first.id).await), ErrorCode::NotFound);
    let kept = lab.engine.start_analysis(&about("Acme"), &options()).await.unwrap();
    assert_eq!((kept.source, server.count()), (ResultSource::Shared, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_idempotency_key_used_at_once_gives_one_analysis() {
    let (lab, server) = lab(Script::always(Reply::answer(Protocol::Chat, COMPANIES))).await;
    lab.engine.analyze(&about("Kept")).await.unwrap();
    for company in ["Kept", "Unknown"] {
        let keyed = WriteOptions {
            idempotency_key: Some(format!("the-key-of-{company}")),
            ..WriteOptions::default()
        };
        let asked = join_all((0..12).map(|_| {
            let (engine, keyed) = (lab.engine.clone(), keyed.clone());
            async move {
                let asked = async move { engine.start_analysis(&about(company), &keyed).await };
                tokio::spawn(asked).await.unwrap().unwrap()
            }
        }));
        let asked = asked.await;
        let first = asked[0].analysis.id;
        assert!(asked.iter().all(|started| started.analysis.id == first), "{company}");
        ended(&lab.engine, &asked[0].analysis).await;
    }
    assert_eq!(server.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_another_process_to_be_told_that_it_calls() {
    let gate = Gate::closed();
    let answer = Reply::answer(Protocol::Chat, COMPANIES).gate_first(&gate);
    let (lab, server) = lab(Script::always(answer)).await;
    let mut config = lab.config();
    named_by_operator(&server)(&mut config);
    let other = Engine::open(config).await.unwrap();
    let first = start(&lab.engine, &about("Acme")).await;
    server.until_calls(1).await;
    let queued = AnalysisRequest { background: true, ..about("Acme") };
    let queued = start(&other, &queued).await;
    let working = tokio::spawn({
        let other = other.clone();
        async move { other.run_due_tasks().await }
    });
    let mut events = other.analysis_events(queued.id, None).await.unwrap();
    while !matches!(events.next().await.unwrap().unwrap().data, EventData::Started { .. }) {}

    let joined = start(&other, &about("Acme")).await;

    gate.open();
    for (engine, analysis) in [(&lab.engine, &first), (&other, &queued), (&other, &joined)] {
        assert_eq!(ended(engine, analysis).await.state, AnalysisState::Succeeded);
    }
    working.await.unwrap().unwrap();
    assert_eq!(server.count(), 1);
    other.close().await.unwrap();
}

#[tokio::test]
async fn reporting_a_shared_answer_again_and_again_buys_no_calls() {
    let server = FaultServer::start(Script::always(Reply::answer(Protocol::Chat, COMPANIES))).await;
    let lab = Lab::with(|config| {
        named_by_operator(&server)(config);
        config.ai.local_tier = Tier::Free;
    })
    .await;
    let first = lab.engine.analyze(&about("Acme")).await.unwrap();
    for _ in 0..5 {
        lab.engine.invalidate_analysis(first.id).await.unwrap();
        lab.engine.analyze(&about("Acme")).await.unwrap();
        lab.clock.advance_ms(60_000);
    }
    lab.clock.advance_ms(3_600_000);
    lab.engine.invalidate_analysis(first.id).await.unwrap();
    lab.engine.analyze(&about("Acme")).await.unwrap();
    server.until_calls(2).await;
    // Whatever went on behind the answers is done then.
    lab.engine.close().await.unwrap();
    assert_eq!(server.count(), 2);
}

/// A provider that answers about the company "Slow" when the gate opens, and at once about others.
async fn slow_about_one() -> (FaultServer, Gate) {
    let gate = Gate::closed();
    let held = gate.clone();
    let script = Script::function(move |call| {
        let answer = Reply::answer(Protocol::Chat, COMPANIES);
        if call.prompt().contains("Slow") { answer.gate_first(&held) } else { answer }
    });
    (FaultServer::start(script).await, gate)
}

#[tokio::test]
async fn what_finds_no_room_waits_as_long_as_it_takes() {
    let (server, gate) = slow_about_one().await;
    let lab = Lab::with(|config| {
        named_by_operator(&server)(config);
        config.ai.flights = 1;
    })
    .await;
    let slow = start(&lab.engine, &about("Slow")).await;
    server.until_calls(1).await;
    let waits = start(&lab.engine, &about("Acme")).await;
    // Less than a lease in all: the clock moves, the sign of life does not.
    for _ in 0..8 {
        assert_eq!(lab.engine.analysis(waits.id).await.unwrap().state, AnalysisState::Queued);
        lab.clock.advance_ms(1_500);
        lab.engine.run_due_tasks().await.unwrap();
    }
    gate.open();
    ended(&lab.engine, &slow).await;
    lab.clock.advance_ms(1_500);
    lab.engine.run_due_tasks().await.unwrap();
    assert_eq!(lab.engine.analysis(waits.id).await.unwrap().state, AnalysisState::Succeeded);
}

#[tokio::test]
async fn a_slow_call_of_the_queue_holds_up_nobody() {
    let (server, gate) = slow_about_one().await;
    let lab = Lab::with(|config| {
        named_by_operator(&server)(config);
        config.ai.queue_workers = 2;
    })
    .await;
    let queued = |company: &str| AnalysisRequest { background: true, ..about(company) };
    start(&lab.engine, &queued("Slow")).await;
    let mut quick = Vec::new();
    for n in 0..4 {
        lab.clock.advance_ms(1);
        quick.push(start(&lab.engine, &queued(&format!("Quick {n}"))).await);
    }
    let working = tokio::spawn({
        let engine = lab.engine.clone();
        async move { engine.run_due_tasks().await }
    });
    for quick in &quick {
        assert_eq!(ended(&lab.engine, quick).await.state, AnalysisState::Succeeded);
    }
    gate.open();
    working.await.unwrap().unwrap();
    assert_eq!(server.count(), 5);
}

#[tokio::test]
async fn two_servers_with_models_of_one_name_have_answers_of_their_own() {
    let script = || Script::always(Reply::answer(Protocol::Chat, COMPANIES));
    let (first, second) = (FaultServer::start(script()).await, FaultServer::start(script()).await);
    let lab = Lab::with(named_by_operator(&first)).await;
    lab.engine.analyze(&about("Acme")).await.unwrap();
    let mut config = lab.config();
    named_by_operator(&second)(&mut config);
    let moved = Engine::open(config).await.unwrap();
    let fresh = moved.analyze(&about("Acme")).await.unwrap();
    assert_eq!((fresh.source, second.count()), (Some(ResultSource::Fresh), 1));
    assert_eq!(fresh.provider, AiProvider::OpenAiCompatible);
    moved.close().await.unwrap();
}
