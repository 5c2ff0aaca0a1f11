//! Many callers in several processes at once.

use jotrack_core::{Engine, RequestKind, Window};
use jotrack_tests::{
    Data,
    siblings::{self, Siblings},
};
use tokio::task::JoinSet;

use super::{HOUR_MS, id};

/// The test below, as the harness names it.
const NAME: &str = "limits::processes::a_child_asks_when_it_is_told_to";
const PROCESSES: usize = 4;
const CALLERS: usize = 8;
/// Calls of each caller.
const CALLS: usize = 10;
const LIMIT: u32 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_asks_when_it_is_told_to() {
    let Some(part) = siblings::part() else {
        assert!(NAME.ends_with("a_child_asks_when_it_is_told_to"));
        return;
    };
    let mut config = part.config();
    config.requests.local = true;
    config.requests.in_database = true;
    config.requests.writes = Some(LIMIT);
    config.requests.window_ms = HOUR_MS;
    let engine = Engine::open(config).await.unwrap();
    part.ready();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (engine, role) = (engine.clone(), part.role.clone());
        callers.spawn(async move {
            let window = Window { limit: Some(LIMIT), span_ms: HOUR_MS };
            let quota = engine.quota("shared", window).unwrap();
            let mut admitted = 0;
            for _ in 0..CALLS {
                let is_admitted = if role == "calls" {
                    quota.take(id(), Some(60_000)).await.unwrap().is_admitted()
                } else {
                    engine.take_request(RequestKind::Write).await.is_ok()
                };
                admitted += u32::from(is_admitted);
            }
            admitted
        });
    }
    let admitted: u32 = callers.join_all().await.iter().sum();
    part.report(&admitted.to_string());
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_processes_together_never_go_over_a_limit() {
    for role in ["calls", "requests"] {
        let data = Data::new().await;
        let mut children = Siblings::start(&data, NAME, role, PROCESSES).await;
        let admitted = children.reports().await;
        children.end().await;
        println!("{role}: {admitted:?} of {} were let in", PROCESSES * CALLERS * CALLS);
        let sum: u32 = admitted.iter().map(|count| count.parse::<u32>().unwrap()).sum();
        assert_eq!(sum, LIMIT, "{role}: {admitted:?}");
    }
}
