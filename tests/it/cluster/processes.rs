//! Two server processes on one database hear of each other's writes.

use std::collections::BTreeMap;

use jotrack_core::{ChangeOp, EntityKind, NewJob};
use jotrack_tests::{
    client::Socket,
    options,
    program::{Home, Running},
    services,
};
use serde_json::{Value, json};

use super::{Pooled, open};

/// Jobs that each process creates.
const JOBS: usize = 150;

const CREATE: &str = "mutation ($input: JobCreateInput!) { jobCreate(input: $input) {
    job { id } userErrors { message }
} }";
const CHANGES: &str =
    "subscription { changes(since: 0) { revision resync changes { revision entity id op } } }";

async fn serve(home: &Home, url: &str) -> (Running, String, String) {
    let args = ["serve", "--listen", "127.0.0.1:0", "--data", "data"];
    let mut command = home.command(&args);
    let mut server = Running::start(command.env("JOTRACK_DATABASE_URL", url));
    let link = server.line().await.expect("an address");
    let (address, token) = link.strip_prefix("http://").unwrap().split_once("/#token=").unwrap();
    (server, address.to_owned(), token.to_owned())
}

/// Creates jobs over a socket and returns their ids.
async fn create(address: String, token: String, name: &'static str) -> Vec<String> {
    let mut socket = Socket::begun_at(&address, &token).await;
    let mut ids = Vec::new();
    for n in 0..JOBS {
        let input = json!({"company": "Acme", "title": format!("{name} {n}")});
        socket.subscribe("w", CREATE, json!({"input": input})).await;
        let answer = socket.next("w").await;
        let id = answer["data"]["jobCreate"]["job"]["id"].as_str();
        ids.push(id.unwrap_or_else(|| panic!("{answer}")).to_owned());
        assert_eq!(socket.read().await["type"], "complete");
    }
    ids
}

/// Follows the changes until all these jobs were seen, and checks that revisions only rise.
async fn follow(socket: &mut Socket, wanted: usize) -> BTreeMap<String, usize> {
    let (mut seen, mut newest) = (BTreeMap::new(), 0);
    while seen.len() < wanted {
        let message = socket.next("s").await;
        let batch = &message["data"]["changes"];
        assert_eq!(batch["resync"], false, "{message}");
        for change in batch["changes"].as_array().unwrap() {
            let revision = number(&change["revision"]);
            assert!(revision > newest, "{revision} after {newest}");
            newest = revision;
            if change["entity"] == "JOB" {
                assert_eq!(change["op"], "CREATED");
                *seen.entry(change["id"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
    }
    seen
}

fn number(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_deliver_each_others_changes_in_order_none_lost_none_doubled() {
    let Some(postgres) = services::shared() else { return };
    let (home, database) = (Home::new(), postgres.database().await);
    let (first, a, token) = serve(&home, &database.url()).await;
    let (second, b, same) = serve(&home, &database.url()).await;
    assert_eq!(token, same, "two servers on one data folder have one token");
    let mut here = Socket::begun_at(&a, &token).await;
    let mut there = Socket::begun_at(&b, &token).await;
    for socket in [&mut here, &mut there] {
        socket.subscribe("s", CHANGES, json!({})).await;
    }

    let writers = tokio::join!(
        tokio::spawn(create(a, token.clone(), "first")),
        tokio::spawn(create(b, token, "second")),
    );
    let mut ids = writers.0.unwrap();
    ids.extend(writers.1.unwrap());
    let seen = tokio::join!(follow(&mut here, ids.len()), follow(&mut there, ids.len()));

    let once: BTreeMap<_, _> = ids.into_iter().map(|id| (id, 1)).collect();
    assert_eq!(seen.0, once);
    assert_eq!(seen.1, once);
    for server in [first, second] {
        server.terminate();
        server.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_misses_nothing_while_its_listening_connection_is_cut() {
    let Some(postgres) = services::shared() else { return };
    let database = postgres.database().await;
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let writer = open(here.path(), database.config()).await;
    let reader = open(there.path(), database.config()).await;
    let mut changes = reader.subscribe(Some(0), &[EntityKind::Job]);
    let client = database.connect().await;
    let mut wanted = Vec::new();
    let mut seen = Vec::new();

    for n in 0..20 {
        if n % 4 == 0 {
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE datname = current_database() AND query LIKE 'LISTEN%'";
            client.execute(cut, &[]).await.unwrap();
        }
        let job = NewJob::new("Acme", format!("{n}"));
        wanted.push(writer.create_job(job, &options()).await.unwrap().value.as_uuid());
        while seen.len() < wanted.len() {
            let batch = changes.next().await.unwrap();
            let created = batch.changes.iter().filter(|change| change.op == ChangeOp::Created);
            seen.extend(created.map(|change| change.id));
        }
    }

    assert_eq!(seen, wanted);
    writer.close().await.unwrap();
    reader.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_pooler_changes_of_others_are_looked_for() {
    let Some(postgres) = services::shared() else { return };
    // Kept to the end: the pooler ends with it.
    let pooled = Pooled::start(&postgres).await;
    let config =
        jotrack_core::PostgresConfig { direct_url: None, poll_ms: 20, ..pooled.config.clone() };
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let writer = open(here.path(), config.clone()).await;
    let reader = open(there.path(), config).await;
    let mut changes = reader.subscribe(Some(0), &[]);

    for n in 0..3 {
        let job = NewJob::new("Acme", format!("{n}"));
        let id = writer.create_job(job, &options()).await.unwrap().value.as_uuid();
        let batch = changes.next().await.unwrap();
        assert!(batch.changes.iter().any(|change| change.id == id), "{batch:?}");
    }

    // LISTEN would have stayed behind on a connection of the pool.
    let left = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    let left: i64 = pooled.database.connect().await.query_one(left, &[]).await.unwrap().get(0);
    assert_eq!(left, 0);
    writer.close().await.unwrap();
    reader.close().await.unwrap();
}
