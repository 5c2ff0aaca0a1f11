//! One upstream call for several processes on one database.

use std::fs;

use jotrack_core::{AnalysisState, Engine, Protocol, ResultSource};
use jotrack_tests::{
    Data,
    provider::{COMPANIES, FaultServer, Gate, Reply, Script, about, named_by_operator_at},
    siblings::{self, Siblings},
};

use super::{ended, start};

/// The test below, as the harness names it.
const NAME: &str = "ai_flights::processes::a_child_asks_for_an_analysis";
const PROCESSES: usize = 3;
const CALLERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_asks_for_an_analysis() {
    let Some(part) = siblings::part() else {
        assert!(NAME.ends_with("a_child_asks_for_an_analysis"));
        return;
    };
    let mut config = part.config();
    named_by_operator_at(fs::read_to_string(part.stage.join("url")).unwrap())(&mut config);
    let engine = Engine::open(config).await.unwrap();
    part.ready();
    let mut asked = Vec::new();
    for _ in 0..CALLERS {
        asked.push(start(&engine, &about("Acme")).await);
    }
    part.report("asked");
    let (mut answered, mut fresh) = (0, 0);
    for asked in asked {
        let analysis = ended(&engine, &asked).await;
        assert_eq!(analysis.state, AnalysisState::Succeeded);
        answered += usize::from(analysis.result.unwrap()["companies"][0]["name"] == "Globex");
        fresh += usize::from(analysis.source == Some(ResultSource::Fresh));
    }
    part.report(&format!("{answered} {}", usize::from(fresh > 0)));
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_ask_the_same_at_once_cause_one_call() {
    let data = Data::new().await;
    let gate = Gate::closed();
    let answer = Reply::answer(Protocol::Chat, COMPANIES).gate_first(&gate);
    let server = FaultServer::start(Script::always(answer)).await;
    fs::write(data.dir.path().join("url"), server.url()).unwrap();

    let mut children = Siblings::start(&data, NAME, "ask", PROCESSES).await;
    for asked in children.reports().await {
        assert_eq!(asked, "asked");
    }
    gate.open();
    let reports = children.reports().await;
    children.end().await;

    let mut fresh = 0;
    for report in &reports {
        let (answered, led) = report.split_once(' ').unwrap();
        assert_eq!(answered, CALLERS.to_string(), "{reports:?}");
        fresh += led.parse::<usize>().unwrap();
    }
    assert_eq!(server.count(), 1, "{reports:?}");
    assert_eq!(fresh, 1, "one process led the call: {reports:?}");
}
