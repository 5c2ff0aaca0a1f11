//! What a process does that the other tests of this module kill.

use std::{io::Write, path::Path};

use jotrack_core::{NewJob, PostgresConfig};
use jotrack_tests::{
    key,
    program::{self, Running},
};
use tokio::process::Command;

use super::disk;

/// The test below, as the harness names it.
const NAME: &str = "cluster::child::a_child_plays_the_role_it_is_given";
/// Where the child finds its database.
const URL: &str = "JOTRACK_TEST_CHILD_URL";
/// Stands before what a child reports: the harness writes to the same pipe.
const ACK: &str = "ack ";
/// Tasks that write at the same time.
const WRITERS: usize = 4;

/// The role that fills a disk.
pub(super) const FILL: &str = "fill the disk";

/// Starts a child that writes to a database; `stage` tells it from others.
pub(super) fn start(url: &str, stage: &Path) -> Running {
    Running::start(&mut command("write", url, stage))
}

/// Returns the command of a child.
pub(super) fn command(role: &str, url: &str, stage: &Path) -> Command {
    let mut command = program::player(NAME, role, stage);
    command.env(URL, url).arg("--test-threads=1");
    command
}

/// Waits for the title of a job that the child was told is saved, and its id.
pub(super) async fn next(child: &mut Running) -> Option<(String, String)> {
    let report = child.line_after(ACK).await?;
    report.split_once(' ').map(|(title, id)| (title.to_owned(), id.to_owned()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_plays_the_role_it_is_given() {
    let Some((role, stage)) = program::role() else {
        // Without a database there is nothing to play: the argument alone must arrive.
        assert!(std::env::var_os(URL).is_none());
        return;
    };
    println!();
    if role == FILL {
        return disk::fill(&stage).await;
    }
    let url = std::env::var_os(URL).unwrap().into_string().unwrap();
    let engine = super::open(
        &stage.join("data"),
        PostgresConfig { pool: WRITERS, ..PostgresConfig::at(url) },
    )
    .await;
    let name = stage.file_name().unwrap().to_string_lossy().into_owned();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let (engine, name) = (engine.clone(), name.clone());
        writers.spawn(async move {
            for n in 0.. {
                let title = format!("{name}-{writer}-{n}");
                let job = NewJob::new("Acme", &title);
                let written = engine.create_job(job, &key(&title)).await.unwrap();
                let line = format!("{ACK}{title} {}\n", written.value);
                let mut stdout = std::io::stdout().lock();
                stdout.write_all(line.as_bytes()).unwrap();
                stdout.flush().unwrap();
            }
        });
    }
    writers.join_all().await;
}
