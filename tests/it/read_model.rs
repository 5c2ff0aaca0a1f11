//! The read model equals its rebuild after any sequence of commands.

use jotrack_core::{
    AttachmentKind, DAY_MS, Engine, JobId, JobPatch, JobStatus, NewJob, Patch, StatusChangeInput,
    VariantName,
};
use jotrack_tests::{Lab, options};
use proptest::prelude::*;

/// One command; numbers pick their subject among what exists.
#[derive(Debug, Clone)]
enum Command {
    Create(u8),
    Patch(usize, u8),
    Status(usize, u8, i8),
    Archive(usize, bool),
    Trash(usize),
    Restore(usize),
    Purge(usize),
    Duplicate(usize),
    Paste(usize, u8, u8),
    Activate(usize),
    TrashFile(usize),
    RestoreFile(usize),
    PurgeFile(usize),
    SetText(usize, u8),
    Apply(usize),
    Reopen(usize),
    Later(u8),
}

fn command() -> impl Strategy<Value = Command> {
    let at = 0..64_usize;
    prop_oneof![
        4 => any::<u8>().prop_map(Command::Create),
        2 => (at.clone(), any::<u8>()).prop_map(|(i, n)| Command::Patch(i, n)),
        4 => (at.clone(), 0..9_u8, any::<i8>()).prop_map(|(i, s, d)| Command::Status(i, s, d)),
        1 => (at.clone(), any::<bool>()).prop_map(|(i, b)| Command::Archive(i, b)),
        2 => at.clone().prop_map(Command::Trash),
        1 => at.clone().prop_map(Command::Restore),
        1 => at.clone().prop_map(Command::Purge),
        1 => at.clone().prop_map(Command::Duplicate),
        5 => (at.clone(), 0..4_u8, any::<u8>()).prop_map(|(i, k, n)| Command::Paste(i, k, n)),
        1 => at.clone().prop_map(Command::Activate),
        2 => at.clone().prop_map(Command::TrashFile),
        1 => at.clone().prop_map(Command::RestoreFile),
        1 => at.clone().prop_map(Command::PurgeFile),
        1 => (at.clone(), any::<u8>()).prop_map(|(i, n)| Command::SetText(i, n)),
        1 => at.clone().prop_map(Command::Apply),
        1 => at.prop_map(Command::Reopen),
        1 => any::<u8>().prop_map(Command::Later),
    ]
}

struct World {
    lab: Lab,
    jobs: Vec<JobId>,
    files: Vec<jotrack_core::AttachmentId>,
}

impl World {
    /// Runs a command; a refusal is as good as a success, the models must agree either way.
    async fn run(&mut self, command: Command) {
        let engine: &Engine = &self.lab.engine;
        let o = options();
        let job = |i: usize| self.jobs.get(i % self.jobs.len().max(1)).copied();
        let file = |i: usize| self.files.get(i % self.files.len().max(1)).copied();
        let skills = ["Rust and SQL", "Python, Docker", "nothing of note", "Kubernetes C++ Rust"];
        match command {
            Command::Create(n) => {
                let status = JobStatus::ALL[usize::from(n) % JobStatus::ALL.len()];
                let new = NewJob { status, ..NewJob::new(format!("C{}", n % 5), format!("T{n}")) };
                if let Ok(made) = engine.create_job(new, &o).await {
                    self.jobs.push(made.value);
                }
            }
            Command::Patch(i, n) => {
                if let Some(id) = job(i) {
                    let title = Patch::Set(format!("T{n}"));
                    let notes = if n % 2 == 0 { Patch::Clear } else { Patch::Set("Rust".into()) };
                    let company =
                        if n % 3 == 0 { Patch::Set(format!("C{}", n % 7)) } else { Patch::Keep };
                    drop(
                        engine
                            .update_job(
                                id,
                                JobPatch { title, notes, company, ..JobPatch::default() },
                                &o,
                            )
                            .await,
                    );
                }
            }
            Command::Status(i, s, days) => {
                if let Some(id) = job(i) {
                    let at = Some(engine.clock().now().plus_ms(-i64::from(days).abs() * DAY_MS));
                    let input = StatusChangeInput {
                        status: JobStatus::ALL[usize::from(s)],
                        at,
                        note: None,
                    };
                    drop(engine.set_jobs_status(&[id], input, &o).await);
                }
            }
            Command::Archive(i, true) => {
                if let Some(id) = job(i) {
                    drop(engine.archive_jobs(&[id], &o).await);
                }
            }
            Command::Archive(i, false) => {
                if let Some(id) = job(i) {
                    drop(engine.unarchive_jobs(&[id], &o).await);
                }
            }
            Command::Trash(i) => {
                if let Some(id) = job(i) {
                    drop(engine.trash_jobs(&[id], &o).await);
                }
            }
            Command::Restore(i) => {
                if let Some(id) = job(i) {
                    drop(engine.restore_jobs(&[id], &o).await);
                }
            }
            Command::Purge(i) => {
                if let Some(id) = job(i) {
                    drop(engine.purge_jobs(&[id], &o).await);
                }
            }
            Command::Duplicate(i) => {
                if let Some(id) = job(i)
                    && let Ok(made) = engine.duplicate_job(id, None, &o).await
                {
                    self.jobs.push(made.value);
                }
            }
            Command::Paste(i, k, n) => {
                if let Some(job_id) = job(i) {
                    let content = jotrack_core::AttachmentContent::Text(format!(
                        "{} {}",
                        skills[usize::from(n % 4)],
                        n % 9
                    ));
                    let kind = AttachmentKind::ALL[usize::from(k)];
                    let new = jotrack_core::NewAttachment {
                        job_id,
                        kind,
                        filename: "a.txt".into(),
                        content,
                    };
                    if let Ok(made) = engine.create_attachment(new, &o).await {
                        self.files.push(made.value.id);
                    }
                }
            }
            Command::Activate(i) => {
                if let Some(id) = file(i) {
                    drop(engine.activate_attachment(id, &o).await);
                }
            }
            Command::TrashFile(i) => {
                if let Some(id) = file(i) {
                    drop(engine.trash_attachment(id, &o).await);
                }
            }
            Command::RestoreFile(i) => {
                if let Some(id) = file(i) {
                    drop(engine.restore_attachment(id, &o).await);
                }
            }
            Command::PurgeFile(i) => {
                if let Some(id) = file(i) {
                    drop(engine.purge_attachment(id, &o).await);
                }
            }
            Command::SetText(i, n) => {
                if let Some(id) = file(i) {
                    drop(
                        engine
                            .set_variant(
                                id,
                                VariantName::Raw,
                                skills[usize::from(n % 4)].into(),
                                &o,
                            )
                            .await,
                    );
                }
            }
            Command::Apply(i) => {
                if let Some(id) = job(i) {
                    drop(engine.apply_job(id, None, &o).await);
                }
            }
            Command::Reopen(i) => {
                if let Some(id) = job(i) {
                    drop(engine.reopen_job(id, &o).await);
                }
            }
            Command::Later(hours) => {
                self.lab.clock.advance_ms(i64::from(hours) * 3_600_000);
                engine.run_due_tasks().await.unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_sequence_of_commands_leaves_the_read_model_equal_to_its_rebuild(
        commands in proptest::collection::vec(command(), 1..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let lab = Lab::with(|config| config.storage.synchronous = jotrack_core::Synchronous::Relaxed).await;
            let mut world = World { lab, jobs: Vec::new(), files: Vec::new() };
            for command in commands {
                world.lab.clock.advance_ms(7);
                world.run(command).await;
            }
            let report = world.lab.engine.check().await.unwrap();
            assert!(report.is_healthy(), "{report:?}");
            world.lab.engine.close().await.unwrap();
        });
    }
}

#[tokio::test]
async fn a_damaged_read_model_is_found_and_rebuilt() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    lab.job("A", "C").await;
    lab.execute(
        "UPDATE job_list SET title = 'wrong' WHERE title = 'B'; UPDATE job_count SET n = 7;",
    )
    .await;

    let found = lab.engine.check_read_model().await.unwrap();
    lab.engine.rebuild_read_model().await.unwrap();

    assert_eq!((found.differing, found.counters_differ), (vec![job], true));
    lab.assert_healthy().await;
    assert_eq!(lab.engine.get_job(job).await.unwrap().0.title, "B");
}
