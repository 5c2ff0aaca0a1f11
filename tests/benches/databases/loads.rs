//! Many callers at once: how many calls a database answers, and what each costs then.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jotrack_core::{Engine, JobFilter, PageRequest};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{
    meter::{self, Ask, Figures, micros},
    operations,
    servers::{ServerCpu, Servers},
    sites::Site,
};

pub(crate) const TITLE: &str = "callers at once";
/// Each database gets so many turns of this length.
const ROUNDS: u32 = 4;
const TURN: Duration = Duration::from_millis(750);
/// Jobs that a caller has to list.
const JOBS: u64 = 20;

/// How many call, on behalf of how many users.
#[derive(Debug, Clone, Copy)]
struct Crowd {
    callers: usize,
    users: usize,
}

/// Who calls: one alone, many that share nothing, many that write in each other's way.
const CROWDS: [Crowd; 3] = [
    Crowd { callers: 1, users: 1 },
    Crowd { callers: 32, users: 32 },
    Crowd { callers: 32, users: 1 },
];

/// Measures creations and lists, and prints what that gave.
pub(crate) fn print(runtime: &Runtime, servers: Option<&Servers>) {
    println!("\n{TITLE}; each database new and empty, {ROUNDS} turns of {TURN:?} each, in turns");
    println!(
        "{:48} {:>8} {:>8} {:>8} | {:>8} {:>8} {:>8} | {:>6} {:>6}",
        "", "a second", "p50 us", "p99 us", "client", "server", "pooler", "trips", "calls"
    );
    CROWDS.iter().for_each(|crowd| measure(runtime, servers, *crowd));
}

/// One caller: asks, and remembers how often.
struct Caller {
    engine: Engine,
    create: Ask,
    list: Ask,
    next: Arc<AtomicU64>,
}

fn measure(runtime: &Runtime, servers: Option<&Servers>, crowd: Crowd) {
    let sites = Site::empty(runtime, servers);
    let all: Vec<Vec<Caller>> =
        sites.iter().map(|site| runtime.block_on(crowd.callers(&site.engine))).collect();
    let Crowd { callers, users } = crowd;
    let of = format!("{callers} of {users} {}", if users == 1 { "user" } else { "users" });
    for (what, pick) in [
        ("jobs created", (|caller| &caller.create) as fn(&Caller) -> &Ask),
        ("lists of 20", |caller| &caller.list),
    ] {
        let mut totals: Vec<_> = sites.iter().map(|_| Total::default()).collect();
        let rounds = if meter::is_bench() { ROUNDS } else { 1 };
        for _ in 0..rounds {
            for ((site, callers), total) in sites.iter().zip(&all).zip(&mut totals) {
                runtime.block_on(total.turn(site, callers, pick));
            }
        }
        for (site, total) in sites.iter().zip(totals) {
            total.print(&format!("{what}, {of}, {}", site.way.name()));
        }
    }
    for (site, callers) in sites.iter().zip(&all) {
        runtime.block_on(assert_all_there(callers));
        runtime.block_on(site.close());
    }
}

impl Crowd {
    async fn callers(self, engine: &Engine) -> Vec<Caller> {
        let mut users = Vec::new();
        for _ in 0..self.users {
            users.push(engine.create_user("U").await.unwrap());
        }
        let counters: Vec<_> = users.iter().map(|_| Arc::new(AtomicU64::new(JOBS))).collect();
        let mut callers = Vec::new();
        for i in 0..self.callers {
            let engine = engine.as_user(users[i % users.len()]).await.unwrap();
            let caller = Caller {
                create: operations::create(&engine),
                list: operations::list(&engine, PageRequest::first(20)),
                next: Arc::clone(&counters[i % users.len()]),
                engine,
            };
            if i < users.len() {
                for n in 0..JOBS {
                    (caller.create)(n).await;
                }
            }
            callers.push(caller);
        }
        callers
    }
}

#[derive(Default)]
struct Total {
    calls: Vec<Duration>,
    wall: Duration,
    client: Duration,
    servers: ServerCpu,
    trips: u64,
}

impl Total {
    async fn turn(&mut self, site: &Site<'_>, callers: &[Caller], pick: fn(&Caller) -> &Ask) {
        let span = if meter::is_bench() { TURN } else { Duration::ZERO };
        let spent = || site.servers.map(Servers::spent).unwrap_or_default();
        let (servers, trips) = (spent(), site.engine.round_trips());
        let (began, cpu) = (Instant::now(), meter::process_cpu());
        let mut tasks = JoinSet::new();
        for caller in callers {
            let (ask, next) = (Arc::clone(pick(caller)), Arc::clone(&caller.next));
            let writes = Arc::ptr_eq(&ask, &caller.create);
            tasks.spawn(async move {
                let mut calls = Vec::new();
                while calls.is_empty() || began.elapsed() < span {
                    let n = if writes { next.fetch_add(1, Ordering::Relaxed) } else { 0 };
                    let asked = Instant::now();
                    let answer = ask(n).await;
                    calls.push(asked.elapsed());
                    assert_eq!(answer.rows, if writes { 1 } else { 20 });
                }
                calls
            });
        }
        self.calls.extend(tasks.join_all().await.into_iter().flatten());
        self.wall += began.elapsed();
        self.client += meter::process_cpu() - cpu;
        self.trips += site.engine.round_trips() - trips;
        self.servers.add(spent().since(servers));
    }

    fn print(self, name: &str) {
        let Self { calls, wall, client, servers, trips } = self;
        let trips = trips as f64 / calls.len() as f64;
        let figures = Figures::of(calls, client, servers);
        println!(
            "{name:48} {:>8.0} {:>8.0} {:>8.0} | {:>8.1} {:>8.1} {:>8.1} | {trips:>6.2} {:>6}",
            figures.runs as f64 / wall.as_secs_f64(),
            micros(figures.p50),
            micros(figures.p99),
            micros(figures.client),
            micros(figures.server),
            micros(figures.pooler),
            figures.runs,
        );
    }
}

/// What was acknowledged is there.
async fn assert_all_there(callers: &[Caller]) {
    for caller in callers {
        let snapshot = caller.engine.snapshot().await.unwrap();
        let there = snapshot.count_jobs(&JobFilter::default()).await.unwrap();
        assert_eq!(there, Some(caller.next.load(Ordering::Relaxed)));
    }
}
