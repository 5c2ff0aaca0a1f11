//! Data of earlier versions: it opens, nothing of it is lost, and no migration that ran somewhere
//! is ever another one.

use std::{collections::BTreeMap, fs, io::Read as _, path::Path};

use jotrack_core::{
    AttachmentFilter, Config, Engine, JobFilter, JobQuery, PageRequest, VariantName,
};
use jotrack_tests::{c::repository, options};
use sha2::{Digest, Sha256};

/// What has run on somebody's data, with its digest. A change of the schema is a new file; a line
/// here is added, never changed.
const RAN: [(&str, &str); 9] = [
    ("001_foundation.lite.sql", "a80ac040ed8a16fff44cbfee99f66151c3d5e72746a469a0e8db904d26f5347b"),
    ("001_foundation.pg.sql", "850549eb157dfb8de8b17540e06b1c1229836638483ad9d864465050c7296838"),
    ("002_purge_order.sql", "bb9bcb4e585c98e9a5864beee2e268b07d22549e34647ca301b54b9243c0603f"),
    ("003_keys.lite.sql", "fd14d1d42979c793c8e478b4c4355b23a9652bd53aca3ce1ea2318402372b8d9"),
    ("003_keys.pg.sql", "f7c8348bf3161ef294b23901db4d6cede6d08afb2a009b41f245aa661ae4da9b"),
    ("004_quotas.lite.sql", "b95a1c4fb5434e6340346e65ac981724fd088b46efef5693948c97a84a450d21"),
    ("004_quotas.pg.sql", "eace95126a19f907e5cd6aec77632ef2685fd54fe7847f40d881c0ebcaa9f296"),
    ("005_analyses.lite.sql", "736922f196f039e978ad2de425f6555dfd711eb74fad612679a57f12cde18ca2"),
    ("005_analyses.pg.sql", "3094fb997c6c9eb4639ca22567b9c8b0c2b4b579978e34f7bf782b3720fe2bf5"),
];

/// Schemas of which a data folder is kept, made by the program of their time.
const KEPT: usize = 1;

#[test]
fn no_migration_that_ran_was_edited() {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let found: BTreeMap<_, _> = fs::read_dir(repository("core/migrations"))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, hex(&Sha256::digest(fs::read(path).unwrap())))
        })
        .collect();

    let ran = RAN.map(|(name, digest)| (name.to_owned(), digest.to_owned()));
    assert_eq!(found, BTreeMap::from(ran));
}

/// Unpacks the data folder of a schema.
fn unpack(schema: usize, dir: &Path) {
    let file = repository(&format!("tests/it/golden/schema_{schema}.zip"));
    let mut folder = zip::ZipArchive::new(fs::File::open(file).unwrap()).unwrap();
    for i in 0..folder.len() {
        let mut member = folder.by_index(i).unwrap();
        let path = dir.join(member.enclosed_name().unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[tokio::test]
async fn data_of_every_earlier_schema_opens_whole_and_works_on() {
    for schema in 1..=KEPT {
        let dir = tempfile::tempdir().unwrap();
        unpack(schema, dir.path());
        // Twice: the second start finds the work done.
        for start in 0..2 {
            let config = Config { background: false, ..Config::in_dir(dir.path()) };
            let engine = Engine::open(config).await.unwrap_or_else(|e| panic!("{}", e.chain()));

            let jobs = engine.list_jobs(&JobQuery::default()).await.unwrap().items;
            let titles: Vec<_> = jobs.iter().map(|job| job.title.as_str()).collect();
            assert_eq!(titles.last(), Some(&"Στέλεχος Rust"), "schema {schema}");
            assert_eq!(titles.len(), 1 + start);
            let job = jobs.last().unwrap().id;
            let notes = engine.get_job(job).await.unwrap().1;
            assert_eq!(notes, "Full stack work with C++ and résumés.");
            holds_its_document_and_is_found(&engine, job).await;
            let report = engine.check().await.unwrap();
            assert!(report.is_healthy(), "{report:?}");

            if start == 0 {
                let filter = JobFilter { trashed: Some(true), ..JobFilter::default() };
                let query = JobQuery { filter, ..JobQuery::default() };
                let trash = engine.list_jobs(&query).await.unwrap().items;
                assert_eq!(
                    trash.iter().map(|job| job.title.as_str()).collect::<Vec<_>>(),
                    ["Data engineer"]
                );
                engine.restore_jobs(&[trash[0].id], &options()).await.unwrap();
            }
            engine.close().await.unwrap();
        }
    }
}

async fn holds_its_document_and_is_found(engine: &Engine, job: jotrack_core::JobId) {
    let snapshot = engine.snapshot().await.unwrap();
    let documents = snapshot.attachments(&[job], &AttachmentFilter::default()).await.unwrap();
    let texts = snapshot.variants_of(&[documents[0].id]).await.unwrap();
    assert_eq!(texts[0].name, VariantName::Raw);
    assert_eq!(texts[0].text, "Rust and SQL for seven years at Heron Works.");
    for words in ["\"full stack\"", "c++", "ΣΤΈΛΕΧΟΣ", "στελ", "resumes", "\"seven years\""]
    {
        let found = snapshot.search_jobs(words, &PageRequest::default(), false).await.unwrap();
        assert_eq!(found.items.iter().map(|hit| hit.job.id).collect::<Vec<_>>(), [job], "{words}");
    }
}
