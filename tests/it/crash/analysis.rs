//! A process dies in the middle of a call to a provider: another one takes the run over.

use std::{fs, path::Path};

use jotrack_core::{
    AiProvider, AnalysisId, AnalysisState, Clock, Config, Engine, ManualClock, Protocol, Tier,
    UsageResource,
};
use jotrack_tests::{
    options,
    provider::{FaultServer, Gate, Reply, Script, about},
};

use super::child::{self, ack, next};

/// More than every lease of the dead process: of the run, the key and the reserved call.
const LATER_MS: i64 = 61_000;

fn config(dir: &Path, url: String) -> Config {
    let mut config = Config { background: false, ..Config::in_dir(dir) };
    config.ai.provider = AiProvider::OpenAiCompatible;
    config.ai.base_url = Some(url);
    config.ai.model = Some("test-model".to_owned());
    config.ai.local_tier = Tier::Free;
    config
}

/// What the child does: it asks, says so, and waits.
pub(super) async fn ask(stage: &Path) {
    let url = fs::read_to_string(stage.join("url")).unwrap();
    let engine = Engine::open(config(&stage.join("data"), url)).await.unwrap();
    let id = engine.start_analysis(&about("Acme"), &options()).await.unwrap().analysis.id;
    ack(format_args!("{id}"));
    let mut events = engine.analysis_events(id, None).await.unwrap();
    while events.next().await.unwrap().is_some() {}
}

#[tokio::test]
async fn a_run_of_a_killed_process_is_taken_over_and_counted_once() {
    let gate = Gate::closed();
    let answer = Reply::answer(Protocol::Chat, r#"{"companies":[]}"#);
    let replies = [answer.clone().gate(200, &gate), answer];
    let server = FaultServer::start(Script::queue(replies)).await;
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("url"), server.url()).unwrap();
    let mut asking = child::start("analyse", dir.path());
    let id: AnalysisId = next(&mut asking).await.unwrap().parse().unwrap();
    // It has shown text already.
    server.until_sent(0, 200).await;
    asking.kill();
    assert_eq!(asking.end().await.code, None);

    let clock = ManualClock::new(Clock::System.now());
    let mut config = config(&dir.path().join("data"), server.url());
    config.clock = Clock::Manual(clock.clone());
    let engine = Engine::open(config).await.unwrap();
    engine.run_due_tasks().await.unwrap();
    let held = engine.analysis(id).await.unwrap();
    assert_eq!((held.state, server.count()), (AnalysisState::Running, 1), "the lease holds");

    clock.advance_ms(LATER_MS);
    engine.run_due_tasks().await.unwrap();
    let taken = engine.analysis(id).await.unwrap();
    assert_eq!((taken.state, server.count()), (AnalysisState::Succeeded, 2), "{:?}", taken.error);
    // The epochs of the dead process lie below those of the one that took over.
    assert!(taken.last_sequence >= 2 * 16 * 10_000_000, "{}", taken.last_sequence);
    let usage = engine.usage().await.unwrap();
    let calls = usage.windows.iter().find(|it| it.resource == UsageResource::AiCalls).unwrap();
    assert_eq!(calls.state.used, 1, "the call of the dead process was given back");
    engine.close().await.unwrap();
}
