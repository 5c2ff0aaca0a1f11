//! The floor of a list: its statement on a connection with the engine's settings, nothing around it.

use std::{cell::RefCell, path::Path};

use jotrack_core::{
    AttachmentId, CoachStatus, CompanyId, Job, JobId, JobStatus, LOCAL_USER, Timestamp, catalogue,
};
use rusqlite::{Connection, OpenFlags, Row, Statement, StatementStatus, config::DbConfig, params};
use uuid::Uuid;

/// A connection that reads as the engine's readers do.
pub(crate) fn connect(dir: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(dir.join("jotrack.db"), flags).unwrap();
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).unwrap();
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).unwrap();
    rusqlite::vtab::array::load_module(&db).unwrap();
    db.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA cache_size = -8192")
        .unwrap();
    db
}

/// The statement of the newest jobs, prepared once.
pub(crate) struct Bare(RefCell<Statement<'static>>);

impl Bare {
    pub(crate) fn open(dir: &Path) -> Self {
        let all = catalogue::statements();
        let list = all.iter().find(|stmt| stmt.name == "job_list_created_desc").unwrap();
        // A statement borrows its connection; both live as long as the process.
        let db: &'static Connection = Box::leak(Box::new(connect(dir)));
        Self(RefCell::new(db.prepare(list.sql).unwrap()))
    }

    /// Runs it and copies its rows into the engine's own struct.
    pub(crate) fn list(&self, rows: u32) -> Vec<Job> {
        let mut list = self.0.borrow_mut();
        let last_id = Uuid::max().into_bytes();
        let owner = LOCAL_USER.as_uuid().into_bytes();
        let newest = params![owner.as_slice(), 0, i64::MAX, last_id.as_slice(), rows + 1];
        let mut jobs: Vec<_> = list.query_map(newest, job).unwrap().map(Result::unwrap).collect();
        jobs.truncate(rows.try_into().unwrap());
        jobs
    }

    /// Returns how often it ran since the last call.
    pub(crate) fn runs(&self) -> u64 {
        self.0.borrow().reset_status(StatementStatus::Run).try_into().unwrap()
    }
}

fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let id = |i| row.get_ref(i).map(|it| Uuid::from_slice(it.as_blob().unwrap()).unwrap());
    let id_opt = |i| {
        row.get_ref(i)
            .map(|it| it.as_blob_or_null().unwrap().map(|it| Uuid::from_slice(it).unwrap()))
    };
    let time = |i| row.get(i).map(Timestamp::from_ms);
    let time_opt =
        |i| Ok::<_, rusqlite::Error>(row.get::<_, Option<_>>(i)?.map(Timestamp::from_ms));
    let word = |i| row.get_ref(i).map(|it| it.as_str().unwrap());
    Ok(Job {
        id: JobId::from_uuid(id(0)?),
        company_id: CompanyId::from_uuid(id(1)?),
        company: row.get(2)?,
        company_key: row.get(3)?,
        title: row.get(4)?,
        posting_url: row.get(5)?,
        location: row.get(6)?,
        source: row.get(7)?,
        status: JobStatus::parse(word(8)?).unwrap(),
        status_since: time(9)?,
        created_at: time(10)?,
        updated_at: time(11)?,
        applied_at: time_opt(12)?,
        applied_resume_id: id_opt(13)?.map(AttachmentId::from_uuid),
        archived_at: time_opt(14)?,
        trashed_at: time_opt(15)?,
        purge_at: time_opt(16)?,
        version: row.get(17)?,
        coach_status: CoachStatus::parse(word(18)?).unwrap(),
        coach_progress: row.get(19)?,
        match_score: row.get(20)?,
        attachment_count: row.get(21)?,
        attachment_kinds: row.get(22)?,
        resume_attachment_id: id_opt(23)?.map(AttachmentId::from_uuid),
        jd_attachment_id: id_opt(24)?.map(AttachmentId::from_uuid),
    })
}
