//! A program with JoTrack inside: it keeps a search for work in a folder of its own, lets the engine
//! compare each résumé with its job description, and hears of every change.
//!
//! ```text
//! cargo run -p jotrack-examples --example embed
//! ```
#![expect(clippy::print_stdout, reason = "a program for people to look at")]

use jotrack_core::{
    AttachmentContent, AttachmentKind, Config, Engine, JobId, JobQuery, JobStatus, NewAttachment,
    NewJob, Result, StatusChangeInput, WriteOptions,
};

const RESUME: &str = "\
Mira Solberg, backend engineer.
Six years of Rust and PostgreSQL in production, Docker and Kubernetes for three.
Cut the latency of the ledger service by 40 percent and mentored two juniors.";

#[tokio::main]
async fn main() -> Result<()> {
    // Without a folder the data lives until `close`; `Config::in_dir("my-search")` keeps it.
    let engine = Engine::open(Config::default()).await?;
    let mut changes = engine.subscribe(None, &[]);
    let mut heard = changes.start().await?;

    let asked = "Required: Rust, PostgreSQL, Docker. Nice to have: GraphQL.";
    let robots =
        enter(&engine, "import-1", NewJob::new("Lindenhof Robotics", "Backend Engineer"), asked)
            .await?;
    let asked = "Required: Python, Apache Spark, Airflow. Nice to have: PostgreSQL.";
    enter(&engine, "import-2", NewJob::new("Fjordline", "Data Engineer"), asked).await?;
    let sent = StatusChangeInput {
        status: JobStatus::Applied,
        at: None,
        note: Some(String::from("Sent by mail")),
    };
    engine.set_jobs_status(&[robots], sent, &WriteOptions::default()).await?;

    println!("Jobs, newest first:");
    for job in engine.list_jobs(&JobQuery::default()).await?.items {
        let score = job.match_score.map_or(String::from("-"), |score| format!("{score:.0}"));
        println!("  {score:>3} of 100  {} at {}, {}", job.title, job.company, job.status);
    }
    let (_, skills) = engine.get_match(robots).await?;
    println!("What Lindenhof Robotics asks for:");
    for skill in skills.iter().flat_map(|report| &report.skills) {
        if skill.importance.is_some() {
            let found = if skill.resume_count > 0 { "found" } else { "missing" };
            println!("  {found:<8} {}", skill.skill);
        }
    }

    // A subscription loses nothing: first comes what happened since it was started, then the rest.
    let last = engine.revision().await?;
    println!("What a window of the program would have been told:");
    while heard < last {
        let batch = changes.next().await?;
        for change in &batch.changes {
            println!("  revision {:>2}: {} {}", change.revision, change.entity, change.op);
        }
        heard = batch.revision;
    }
    engine.close().await
}

/// Enters a job with both documents that a match needs; the engine compares them as they come in.
async fn enter(engine: &Engine, key: &str, job: NewJob, description: &str) -> Result<JobId> {
    // Every write is on the disk when it returns. With a key it may be repeated and counts once.
    let once = WriteOptions { idempotency_key: Some(key.to_owned()), ..WriteOptions::default() };
    let job = engine.create_job(job, &once).await?.value;
    attach(engine, job, AttachmentKind::Jd, "job.txt", description).await?;
    attach(engine, job, AttachmentKind::Resume, "resume.txt", RESUME).await?;
    Ok(job)
}

/// Keeps a pasted text as the active document of its kind.
async fn attach(
    engine: &Engine,
    job_id: JobId,
    kind: AttachmentKind,
    filename: &str,
    text: &str,
) -> Result<()> {
    let content = AttachmentContent::Text(text.to_owned());
    let new = NewAttachment { job_id, kind, filename: filename.to_owned(), content };
    engine.create_attachment(new, &WriteOptions::default()).await?;
    Ok(())
}
