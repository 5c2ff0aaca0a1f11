//! Data for benchmarks: one user's jobs, each with three files, their texts, a coach and a match,
//! written past the engine because ten thousand of them are wanted in seconds.

use std::path::Path;

use jotrack_core::{
    AttachmentId, AttachmentKind, CoachStatus, CompanyId, Config, Engine, JobId, JobStatus,
    LOCAL_USER, StorageConfig, Timestamp, VariantId, company_key,
};
use rusqlite::{Connection, Transaction, params};
use uuid::Uuid;

/// When the first job was entered.
const START_MS: i64 = 1_790_000_000_000;
const COMPANIES: usize = 400;
const FILES: [(AttachmentKind, &str); 3] = [
    (AttachmentKind::Resume, "resume.docx"),
    (AttachmentKind::Jd, "posting.pdf"),
    (AttachmentKind::CoverLetter, "letter.md"),
];

/// A résumé of about two kilobytes.
pub(crate) const RESUME: &str = include_str!("resume.txt");
/// A job description of about two kilobytes.
pub(crate) const POSTING: &str = include_str!("posting.txt");

const QUESTIONS: &str = r#"[{"id":"q1","category":"ACHIEVEMENT","question":"Which result of the last two years are you proudest of, and how was it measured?","rationale":"The posting asks for measured results.","targetSkill":null,"wordLimit":120},{"id":"q2","category":"SKILL","question":"Where have you run PostgreSQL in production, and what broke?","rationale":"It is named twice.","targetSkill":"PostgreSQL","wordLimit":150},{"id":"q3","category":"TEAM","question":"Whom have you helped to grow?","rationale":null,"targetSkill":null,"wordLimit":80},{"id":"q4","category":"MOTIVATION","question":"Why this company?","rationale":null,"targetSkill":null,"wordLimit":80}]"#;
const ANSWERS: &str = r#"{"q1":{"answer":"I cut the time of the nightly settlement from six hours to forty minutes; finance could close a day earlier.","skipped":false,"at":1790000000000},"q3":{"answer":null,"skipped":true,"at":1790000000000}}"#;
const SUMMARY: &str = r#"{"categories":[{"category":"TECHNICAL","score":71.5,"weight":0.5},{"category":"EXPERIENCE","score":64.0,"weight":0.3},{"category":"SOFT","score":80.0,"weight":0.2}],"strengths":["Shows Rust, which the description asks for.","Shows PostgreSQL, which the description asks for.","Names measured results."],"gaps":["Does not show Kubernetes.","Does not show Terraform."],"recommendation":"Add where you used Kubernetes."}"#;

/// Settings of an engine under measurement: no work of its own, and room for the data.
pub(crate) fn config(dir: &Path, statement_stats: bool) -> Config {
    let mut config = Config {
        background: false,
        storage: StorageConfig { statement_stats, ..StorageConfig::default() },
        ..Config::in_dir(dir)
    };
    config.limits.jobs = 10_000_000;
    config
}

/// Fills a new data folder with that many jobs; with their words, when they shall be searched.
pub(crate) async fn fill(dir: &Path, jobs: usize, searchable: bool) {
    Engine::open(config(dir, false)).await.unwrap().close().await.unwrap();
    let mut db = Connection::open(dir.join("jotrack.db")).unwrap();
    db.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -65536").unwrap();
    let tx = db.transaction().unwrap();
    let companies = insert_companies(&tx);
    tx.execute(
        "INSERT INTO blob (hash, size, state, created_at) VALUES (zeroblob(32), 2000, 'LIVE', 1)",
        [],
    )
    .unwrap();
    for n in 0..jobs {
        insert_job(&tx, n, &companies, searchable);
    }
    tx.commit().unwrap();
    drop(db);

    let engine = Engine::open(config(dir, false)).await.unwrap();
    engine.rebuild_read_model().await.unwrap();
    engine.close().await.unwrap();
    let db = Connection::open(dir.join("jotrack.db")).unwrap();
    db.execute_batch("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
}

fn insert_companies(tx: &Transaction<'_>) -> Vec<(Uuid, String)> {
    let mut insert = tx
        .prepare("INSERT INTO companies (id, user_id, name, key, version, created_at, updated_at) VALUES (?, ?, ?, ?, 1, 1, 1)")
        .unwrap();
    let company = |n| {
        let id = CompanyId::new(Timestamp::from_ms(START_MS)).as_uuid();
        let name = format!("Invented Works {n:03} GmbH");
        insert.execute(params![blob(&id), user(), name, company_key(&name)]).unwrap();
        (id, name)
    };
    (0..COMPANIES).map(company).collect()
}

fn insert_job(tx: &Transaction<'_>, n: usize, companies: &[(Uuid, String)], searchable: bool) {
    let at = START_MS + i64::try_from(n).unwrap() * 60_000;
    let id = JobId::new(Timestamp::from_ms(at)).as_uuid();
    let (company, company_name) = &companies[n % companies.len()];
    let title = format!("Platform Engineer, Payments and Ledgers {n}");
    let status = JobStatus::ALL[n % JobStatus::ALL.len()];
    let coach =
        if n.is_multiple_of(2) { CoachStatus::ProfileBuilding } else { CoachStatus::NotStarted };
    tx.prepare_cached(
        "INSERT INTO jobs (id, user_id, company_id, title, title_key, posting_url, location, source, notes, status, status_since, coach_status, version, guard, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'Rotterdam', 'Referral', 'Asked for the team.', ?7, ?8, ?9, 1, 1, ?8, ?8)",
    )
    .unwrap()
    .execute(params![
        blob(&id),
        user(),
        blob(company),
        title,
        title.to_lowercase(),
        format!("https://jobs.example.com/openings/{n}"),
        status.as_str(),
        at,
        coach.as_str(),
    ])
    .unwrap();
    tx.prepare_cached("INSERT INTO status_history (id, user_id, job_id, to_status, changed_at, recorded_at) VALUES (?1, ?2, ?1, ?3, ?4, ?4)")
        .unwrap()
        .execute(params![blob(&id), user(), status.as_str(), at])
        .unwrap();
    let variants = FILES.map(|(kind, filename)| insert_file(tx, &id, at, n, kind, filename));
    if n.is_multiple_of(2) {
        tx.prepare_cached(
            "INSERT INTO coach_state (job_id, user_id, discovery_complete_at, profile_analyzed_at, cover_letter_skipped, questions, answers, progress, version, updated_at)
             VALUES (?1, ?2, ?3, ?3, 0, ?4, ?5, 29, 2, ?3)",
        )
        .unwrap()
        .execute(params![blob(&id), user(), at, QUESTIONS, ANSWERS])
        .unwrap();
    }
    tx.prepare_cached(
        "INSERT INTO job_match (job_id, user_id, resume_variant_id, jd_variant_id, value, summary, skills, analysis_version, computed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, '{\"percentage\":60,\"skills\":[]}', 1, ?7)",
    )
    .unwrap()
    .execute(params![
        blob(&id),
        user(),
        blob(&variants[0]),
        blob(&variants[1]),
        40.0 + f64::from(u32::try_from(n % 500).unwrap()) / 10.0,
        SUMMARY,
        at,
    ])
    .unwrap();
    if searchable {
        insert_words(tx, n, &title, company_name);
    }
}

fn insert_file(
    tx: &Transaction<'_>,
    job: &Uuid,
    at: i64,
    n: usize,
    kind: AttachmentKind,
    filename: &str,
) -> Uuid {
    let at = at + i64::from(kind.number());
    let id = AttachmentId::new(Timestamp::from_ms(at)).as_uuid();
    tx.prepare_cached(
        "INSERT INTO attachments (id, user_id, job_id, kind, version, is_active, filename, media_type, size, hash, source, text_state, created_at)
         VALUES (?, ?, ?, ?, 1, 1, ?, 'text/plain', 2000, zeroblob(32), 'UPLOAD', 'READY', ?)",
    )
    .unwrap()
    .execute(params![blob(&id), user(), blob(job), kind.as_str(), filename, at])
    .unwrap();
    let text = match kind {
        AttachmentKind::Jd => format!("Opening {n}\n{POSTING}"),
        _ => format!("Application {n}\n{RESUME}"),
    };
    let variant = VariantId::new(Timestamp::from_ms(at)).as_uuid();
    tx.prepare_cached(
        "INSERT INTO attachment_variants (id, user_id, attachment_id, name, text, word_count, token_estimate, truncated, source, extractor_version, version, created_at, updated_at)
         VALUES (?1, ?2, ?3, 'RAW', ?4, 300, 500, 0, 'EXTRACTED', 1, 1, ?5, ?5)",
    )
    .unwrap()
    .execute(params![blob(&variant), user(), blob(&id), text, at])
    .unwrap();
    variant
}

fn insert_words(tx: &Transaction<'_>, n: usize, title: &str, company: &str) {
    let body = format!("{} opening {n}", POSTING.to_lowercase());
    let owner = format!("u{}", LOCAL_USER.as_uuid().simple());
    tx.prepare_cached("INSERT INTO job_fts (rowid, owner, title, company, notes, body) VALUES (?, ?, ?, ?, 'asked for the team', ?)")
        .unwrap()
        .execute(params![tx.query_row("SELECT max(n) FROM jobs", [], |row| row.get::<_, i64>(0)).unwrap(), owner, title, company, body])
        .unwrap();
}

/// The owner of all data.
pub(crate) fn user() -> Vec<u8> {
    blob(&LOCAL_USER.as_uuid())
}

fn blob(id: &Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}
