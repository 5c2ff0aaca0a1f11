//! The key vault: keys of AI providers, the master key that seals them, and its rotation.

use std::{collections::BTreeSet, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jotrack_core::{
    AiProvider, AiSettings, AiSettingsPatch, ChangeOp, Config, DAY_MS, Engine, EntityKind,
    ErrorCode, KeySource, KeysStatus, Patch,
};
use jotrack_tests::{Lab, START, code, files, key, options, paths};

const CANARY: &str = "sk-canary-5d1f0a9b7c3e";

async fn set(engine: &Engine, provider: AiProvider, secret: &str) {
    engine.set_provider_key(provider, secret, None, &options()).await.unwrap();
}

/// Returns the rows under each key, the current key first.
fn rows(status: &KeysStatus) -> Vec<u64> {
    status.keys.iter().map(|key| key.rows).collect()
}

fn given(keys: &[[u8; 32]]) -> KeySource {
    KeySource::Given(keys.iter().map(|key| STANDARD.encode(key).into()).collect())
}

async fn open(lab: &Lab, master_key: KeySource) -> Engine {
    Engine::open(Config { master_key, ..lab.config() }).await.unwrap()
}

fn key_file(lab: &Lab) -> String {
    std::fs::read_to_string(lab.dir.path().join("master.key")).unwrap()
}

/// Returns everything the database holds, as bytes and as text.
async fn everything(lab: &Lab) -> Vec<u8> {
    let mut all = Vec::new();
    for file in files(lab.dir.path()) {
        if file.file_name().is_some_and(|name| name != "master.key") {
            all.extend(std::fs::read(file).unwrap());
        }
    }
    if let Some(database) = &lab.database {
        let db = database.connect().await;
        let tables = "SELECT relname::text FROM pg_stat_user_tables";
        for table in db.query(tables, &[]).await.unwrap() {
            let rows = format!("SELECT t::text FROM {} t", table.get::<_, String>(0));
            for row in db.query(&rows, &[]).await.unwrap() {
                all.extend(row.get::<_, Option<String>>(0).unwrap_or_default().into_bytes());
            }
        }
    }
    all
}

fn holds(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_key_is_listed_by_its_end_and_its_fingerprint_and_replaced_as_a_whole() {
    let lab = Lab::new().await;
    let url = Some("https://models.example/v1/");
    let compatible = AiProvider::OpenAiCompatible;

    set(&lab.engine, AiProvider::Anthropic, " sk-ant-0123456789\n").await;
    lab.engine.set_provider_key(compatible, "short-one", url, &options()).await.unwrap();

    let known = lab.engine.provider_keys().await.unwrap();
    assert_eq!(
        known.iter().map(|key| key.provider).collect::<Vec<_>>(),
        [AiProvider::Anthropic, compatible]
    );
    assert_eq!((known[0].last4.as_str(), known[1].last4.as_str()), ("6789", "****"));
    assert_eq!(known[0].base_url, None);
    assert_eq!(known[1].base_url.as_deref(), Some("https://models.example/v1"));
    assert_eq!((known[0].created_at, known[0].last_used_at), (START, None));
    assert_eq!(known[0].fingerprint.len(), 8);

    lab.clock.advance_ms(1_000);
    set(&lab.engine, AiProvider::Anthropic, "sk-ant-another-one").await;
    let after = lab.engine.provider_keys().await.unwrap();
    assert_eq!((after[0].last4.as_str(), after[0].created_at), ("-one", START.plus_ms(1_000)));
    assert_ne!(after[0].fingerprint, known[0].fingerprint);
    assert_eq!(after[1], known[1], "saving one key leaves the others alone");

    set(&lab.engine, AiProvider::Anthropic, "sk-ant-0123456789").await;
    let back = lab.engine.provider_keys().await.unwrap();
    assert_eq!(back[0].fingerprint, known[0].fingerprint, "the same key is told again");
    lab.assert_healthy().await;
}

#[tokio::test]
async fn a_removed_key_is_gone_and_cannot_be_removed_again() {
    let lab = Lab::new().await;
    set(&lab.engine, AiProvider::OpenAi, "sk-0123456789").await;
    let remove = async |provider| lab.engine.delete_provider_key(provider, &options()).await;

    assert_eq!(code(remove(AiProvider::Anthropic).await), ErrorCode::NotFound);
    assert_eq!(remove(AiProvider::OpenAi).await.unwrap().value, AiProvider::OpenAi);

    assert!(lab.engine.provider_keys().await.unwrap().is_empty());
    assert_eq!(code(remove(AiProvider::OpenAi).await), ErrorCode::NotFound);
}

#[tokio::test]
async fn wrong_input_is_refused_by_field_and_writes_nothing() {
    let lab = Lab::new().await;
    let (fine, long) = ("sk-0123456789", "x".repeat(1_025));
    let long_url = format!("https://models.example/{}", "x".repeat(2_048));
    let openai = AiProvider::OpenAi;
    let cases: [(AiProvider, &str, Option<&str>, &[&str]); 16] = [
        (AiProvider::Local, fine, None, &["provider"]),
        (openai, "short", None, &["secret"]),
        (openai, &long, None, &["secret"]),
        (openai, "sk with spaces", None, &["secret"]),
        (openai, "sk-schlüssel", None, &["secret"]),
        (openai, "sk-two\nlines-", None, &["secret"]),
        (AiProvider::OpenAiCompatible, fine, None, &["baseUrl"]),
        (AiProvider::OpenAiCompatible, fine, Some("  "), &["baseUrl"]),
        (openai, fine, Some("http://models.example"), &["baseUrl"]),
        (openai, fine, Some("https://127.0.0.1/v1"), &["baseUrl"]),
        (openai, fine, Some("https://[::1]/v1"), &["baseUrl"]),
        (openai, fine, Some("https://localhost/v1"), &["baseUrl"]),
        (openai, fine, Some("https://me:pw@models.example"), &["baseUrl"]),
        (openai, fine, Some("https://models.example/?key=1"), &["baseUrl"]),
        (openai, fine, Some(&long_url), &["baseUrl"]),
        (AiProvider::Local, "", Some("ftp://x"), &["provider", "secret", "baseUrl"]),
    ];

    for (provider, secret, url, fields) in cases {
        let refused = lab.engine.set_provider_key(provider, secret, url, &options()).await;
        assert_eq!(paths(refused), fields, "{provider} {secret} {url:?}");
    }

    assert_eq!(lab.engine.revision().await.unwrap(), 0);
    assert!(!lab.dir.path().join("master.key").exists(), "nothing was sealed");
}

#[tokio::test]
async fn an_idempotency_key_knows_the_secret_again_without_keeping_it() {
    let lab = Lab::new().await;
    let set = async |secret| {
        lab.engine.set_provider_key(AiProvider::OpenAi, secret, None, &key("k")).await
    };

    let first = set("sk-0123456789").await.unwrap();
    let again = set("sk-0123456789").await.unwrap();
    let other = set("sk-9876543210").await;

    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!((again.value, again.revision), (first.value, first.revision));
    assert_eq!(code(other), ErrorCode::IdempotencyMismatch);
}

#[tokio::test]
async fn a_change_is_told_to_the_user_it_belongs_to() {
    let lab = Lab::new().await;
    let other = lab.engine.as_user(lab.engine.create_user("Ada").await.unwrap()).await.unwrap();

    set(&lab.engine, AiProvider::OpenAi, "sk-0123456789").await;
    let patch = AiSettingsPatch { network_enabled: Some(true), ..AiSettingsPatch::default() };
    lab.engine.update_ai_settings(patch, &options()).await.unwrap();
    lab.engine.delete_provider_key(AiProvider::OpenAi, &options()).await.unwrap();

    let changes = lab.engine.changes_since(0, 100, &[]).await.unwrap().changes;
    assert_eq!(changes.len(), 3);
    for change in changes {
        assert_eq!((change.entity, change.op), (EntityKind::Account, ChangeOp::Updated));
        assert_eq!(change.id, lab.engine.user_id().as_uuid());
    }
    assert_eq!(other.revision().await.unwrap(), 0);
}

#[tokio::test]
async fn users_have_keys_of_their_own_that_go_with_them() {
    let lab = Lab::new().await;
    let other = lab.engine.as_user(lab.engine.create_user("Gone").await.unwrap()).await.unwrap();
    set(&lab.engine, AiProvider::OpenAi, "sk-0123456789").await;
    set(&other, AiProvider::Anthropic, "sk-9876543210").await;
    let patch = AiSettingsPatch { network_enabled: Some(true), ..AiSettingsPatch::default() };
    other.update_ai_settings(patch, &options()).await.unwrap();

    let foreign = other.delete_provider_key(AiProvider::OpenAi, &options()).await;
    assert_eq!(code(foreign), ErrorCode::NotFound);
    assert_eq!(other.provider_keys().await.unwrap().len(), 1);
    assert!(!lab.engine.ai_settings().await.unwrap().network_enabled);
    assert_eq!(rows(&lab.engine.keys_status().await.unwrap()), [3]);

    let pragma = if lab.database.is_some() { "" } else { "PRAGMA foreign_keys = ON;" };
    let gone = "DELETE FROM users WHERE display_name = 'Gone'";
    lab.execute(&format!("{pragma} {gone}")).await;

    assert_eq!(rows(&lab.engine.keys_status().await.unwrap()), [2]);
    assert!(other.provider_keys().await.unwrap().is_empty());
    assert_eq!(other.ai_settings().await.unwrap(), AiSettings::default());
}

#[tokio::test]
async fn neither_a_secret_nor_the_master_key_is_in_the_data_or_in_an_error() {
    let lab = Lab::new().await;
    let url = Some("https://models.example/v1");
    let provider = AiProvider::OpenAiCompatible;

    lab.engine.set_provider_key(provider, CANARY, url, &key("k")).await.unwrap();
    let refused = [
        lab.engine.set_provider_key(AiProvider::Local, CANARY, None, &options()).await,
        lab.engine.set_provider_key(provider, &format!("{CANARY} x"), url, &options()).await,
        lab.engine.set_provider_key(provider, "another-one", url, &key("k")).await,
    ];
    let status = lab.engine.keys_status().await.unwrap();
    lab.engine.rotate_keys(|_| {}).await.unwrap();
    let shown = format!("{status:?} {:?}", lab.engine.provider_keys().await.unwrap());
    lab.engine.close().await.unwrap();

    let all = everything(&lab).await;
    assert!(holds(&all, b"models.example"), "the search finds what is there");
    assert!(!holds(&all, CANARY.as_bytes()));
    assert!(!holds(&all, hex(CANARY.as_bytes()).as_bytes()));
    assert_eq!(key_file(&lab).lines().count(), 2);
    for line in key_file(&lab).lines() {
        let bytes = STANDARD.decode(line).unwrap();
        for form in [line.as_bytes(), &bytes, hex(&bytes).as_bytes()] {
            assert!(!holds(&all, form));
        }
    }
    for error in refused.map(Result::unwrap_err) {
        let shown = format!("{error} {error:?} {}", error.chain());
        assert!(!shown.contains(CANARY), "{shown}");
    }
    assert!(!shown.contains(CANARY) && !shown.contains(key_file(&lab).lines().next().unwrap()));
}

#[tokio::test]
async fn settings_begin_without_the_network_and_change_field_by_field() {
    let lab = Lab::new().await;
    let update = async |patch| lab.engine.update_ai_settings(patch, &options()).await;
    let empty = AiSettingsPatch::default;
    assert_eq!(lab.engine.ai_settings().await.unwrap(), AiSettings::default());

    let nothing = update(empty()).await.unwrap();
    let (network, model) = tokio::join!(
        update(AiSettingsPatch { network_enabled: Some(true), ..empty() }),
        update(AiSettingsPatch { model: Patch::Set(" m-1 ".into()), ..empty() }),
    );
    network.unwrap();
    model.unwrap();
    let provider = Patch::Set(AiProvider::OpenAi);
    update(AiSettingsPatch { provider, ..empty() }).await.unwrap();

    assert_eq!(nothing.revision, None);
    let settings = lab.engine.ai_settings().await.unwrap();
    let (provider, model) = (Some(AiProvider::OpenAi), Some("m-1".to_owned()));
    assert_eq!(settings, AiSettings { network_enabled: true, provider, model });

    for wrong in ["x".repeat(201), "two\nlines".to_owned()] {
        let refused = update(AiSettingsPatch { model: Patch::Set(wrong), ..empty() }).await;
        assert_eq!(paths(refused), ["model"]);
    }
    let cleared = AiSettingsPatch {
        network_enabled: Some(false),
        provider: Patch::Clear,
        model: Patch::Set(String::new()),
    };
    update(cleared).await.unwrap();
    assert_eq!(lab.engine.ai_settings().await.unwrap(), AiSettings::default());
}

#[tokio::test]
async fn engines_that_race_for_the_first_key_agree_on_one() {
    let lab = Lab::new().await;
    let others = [open(&lab, KeySource::Folder).await, open(&lab, KeySource::Folder).await];

    let (a, b, c) = tokio::join!(
        set(&lab.engine, AiProvider::OpenAi, "sk-0123456789"),
        set(&others[0], AiProvider::Anthropic, "sk-0123456789"),
        set(&others[1], AiProvider::OpenAi, "sk-9876543210"),
    );
    let ((), (), ()) = (a, b, c);

    let status = lab.engine.keys_status().await.unwrap();
    assert_eq!((status.ok, rows(&status)), (true, vec![3]));
    assert_eq!(status.keys[0].created_at, Some(START));
    assert_eq!(key_file(&lab).lines().count(), 1);
    for other in others {
        other.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_rotation_makes_a_key_and_moves_everything_to_it() {
    let lab = Lab::new().await;
    set(&lab.engine, AiProvider::OpenAi, "sk-0123456789").await;
    let before = lab.engine.keys_status().await.unwrap();
    let fingerprint = lab.engine.provider_keys().await.unwrap()[0].fingerprint.clone();

    let mut told = Vec::new();
    let report = lab.engine.rotate_keys(|progress| told.push(progress)).await.unwrap();

    assert_eq!((report.made, report.rewrapped, report.remaining, report.damaged), (true, 2, 0, 0));
    assert_eq!(report.removable, [before.current.clone().unwrap()]);
    assert_eq!((told.last().unwrap().done, told.last().unwrap().total), (2, 2));
    let after = lab.engine.keys_status().await.unwrap();
    assert_eq!((after.ok, rows(&after), after.keys[0].wraps), (true, vec![2, 0], 2));
    assert_eq!(after.current, report.current);
    assert_ne!(after.current, before.current);

    // The old key may go now.
    let first = key_file(&lab).lines().next().unwrap().to_owned();
    std::fs::write(lab.dir.path().join("master.key"), first).unwrap();
    let again = open(&lab, KeySource::Folder).await;
    set(&again, AiProvider::Anthropic, "sk-0123456789").await;
    assert_eq!(again.provider_keys().await.unwrap()[0].fingerprint, fingerprint);
    assert!(again.keys_status().await.unwrap().ok);
    again.close().await.unwrap();
}

#[tokio::test]
async fn a_killed_rotation_is_finished_by_the_next_one() {
    let lab = Lab::new().await;
    let mut running = tokio::task::JoinSet::new();
    for n in 0..520 {
        let engine = lab.engine.clone();
        running.spawn(async move {
            let user = engine.create_user(&format!("U{n}")).await.unwrap();
            set(&engine.as_user(user).await.unwrap(), AiProvider::OpenAi, "sk-0123456789").await;
        });
    }
    running.join_all().await;

    let dying = lab.engine.clone();
    let killed = tokio::spawn(async move {
        // The first batch is the root secret, the second one 500 keys.
        let mut batches = 0;
        let stop = |_| {
            batches += 1;
            assert!(batches < 2, "killed, as the test wants it");
        };
        dying.rotate_keys(stop).await
    });
    assert!(killed.await.unwrap_err().is_panic());
    let between = open(&lab, KeySource::Folder).await;
    assert_eq!(rows(&between.keys_status().await.unwrap()), [501, 20]);
    set(&between, AiProvider::Anthropic, "sk-while-between").await;

    let report = between.rotate_keys(|_| {}).await.unwrap();

    assert_eq!((report.made, report.rewrapped, report.remaining), (false, 20, 0));
    assert_eq!(report.removable.len(), 1);
    assert_eq!(rows(&between.keys_status().await.unwrap()), [522, 0]);
    assert_eq!(key_file(&lab).lines().count(), 2);
    between.close().await.unwrap();
}

#[tokio::test]
async fn a_damaged_value_is_told_and_does_not_stop_a_rotation() {
    let lab = Lab::new().await;
    set(&lab.engine, AiProvider::OpenAi, "sk-0123456789").await;
    lab.execute("UPDATE provider_key SET sealed = (SELECT sealed FROM root_secret)").await;

    let report = lab.engine.rotate_keys(|_| {}).await.unwrap();

    assert_eq!((report.rewrapped, report.damaged, report.remaining), (1, 1, 1));
    assert!(report.removable.is_empty(), "its key is still needed");
}

#[tokio::test]
async fn keys_of_the_operator_are_rotated_by_deploying_the_new_one_first() {
    let (old, new) = ([1; 32], [2; 32]);
    let lab = Lab::with(|config| config.master_key = given(&[old])).await;
    set(&lab.engine, AiProvider::OpenAi, "sk-0123456789").await;

    let both = open(&lab, given(&[new, old])).await;
    let report = both.rotate_keys(|_| {}).await.unwrap();
    both.close().await.unwrap();

    assert_eq!((report.made, report.rewrapped, report.remaining), (false, 2, 0));
    let alone = open(&lab, given(&[new])).await;
    set(&alone, AiProvider::OpenAi, "sk-9876543210").await;
    let status = alone.keys_status().await.unwrap();
    assert_eq!((status.ok, status.source, rows(&status)), (true, "given", vec![2, 0]));
    assert!(!lab.dir.path().join("master.key").exists());
    alone.close().await.unwrap();
}

#[tokio::test]
async fn a_wrong_master_key_opens_and_overwrites_nothing() {
    let lab = Lab::with(|config| config.master_key = given(&[[1; 32]])).await;
    set(&lab.engine, AiProvider::OpenAi, "sk-0123456789").await;
    let before = lab.engine.provider_keys().await.unwrap();
    let counts = rows(&lab.engine.keys_status().await.unwrap());

    let wrong = open(&lab, given(&[[3; 32]])).await;
    for secret in ["sk-0123456789", "sk-9876543210"] {
        let refused = wrong.set_provider_key(AiProvider::OpenAi, secret, None, &options()).await;
        assert_eq!(code(refused), ErrorCode::KeyUnavailable);
    }
    assert_eq!(code(wrong.rotate_keys(|_| {}).await), ErrorCode::KeyUnavailable);
    let status = wrong.keys_status().await.unwrap();
    assert!(!status.ok && status.problem.is_some() && status.current.is_none(), "{status:?}");
    assert_eq!(wrong.provider_keys().await.unwrap(), before, "what needs no secret works");
    lab.clock.advance_ms(DAY_MS);
    assert!(wrong.health().await.ok);
    wrong.close().await.unwrap();

    let status = lab.engine.keys_status().await.unwrap();
    assert_eq!((status.ok, rows(&status)), (true, counts));
    assert_eq!(lab.engine.provider_keys().await.unwrap(), before);
}

#[tokio::test]
async fn a_missing_key_file_is_never_replaced_by_a_new_key() {
    let lab = Lab::new().await;
    set(&lab.engine, AiProvider::OpenAi, "sk-0123456789").await;
    let kept = key_file(&lab);
    std::fs::remove_file(lab.dir.path().join("master.key")).unwrap();

    let engine = open(&lab, KeySource::Folder).await;
    let provider = AiProvider::Anthropic;
    let refused = engine.set_provider_key(provider, "sk-9876543210", None, &options()).await;
    assert_eq!(code(refused), ErrorCode::KeyUnavailable);
    assert_eq!(code(engine.rotate_keys(|_| {}).await), ErrorCode::KeyUnavailable);
    assert!(!engine.keys_status().await.unwrap().ok);
    assert!(!lab.dir.path().join("master.key").exists());
    engine.delete_provider_key(AiProvider::OpenAi, &options()).await.unwrap();

    private_file(&lab.dir.path().join("master.key"), &kept);
    set(&engine, provider, "sk-9876543210").await;
    assert!(engine.keys_status().await.unwrap().ok);
    engine.close().await.unwrap();
}

#[tokio::test]
async fn a_rotation_without_a_key_that_something_needs_changes_nothing() {
    let lab = Lab::new().await;
    set(&lab.engine, AiProvider::OpenAi, "sk-0123456789").await;
    // The root secret has the new key, the provider's key a lost one.
    lab.execute("CREATE TABLE aside AS SELECT sealed FROM provider_key").await;
    lab.engine.rotate_keys(|_| {}).await.unwrap();
    lab.execute("UPDATE provider_key SET sealed = (SELECT sealed FROM aside)").await;
    lab.execute("DROP TABLE aside").await;
    let first = format!("{}\n", key_file(&lab).lines().next().unwrap());
    private_file(&lab.dir.path().join("master.key"), &first);

    let engine = open(&lab, KeySource::Folder).await;
    let refused = engine.rotate_keys(|_| {}).await;

    assert_eq!(code(refused), ErrorCode::KeyUnavailable);
    assert_eq!(key_file(&lab), first, "no further key was made");
    let status = engine.keys_status().await.unwrap();
    assert_eq!((status.ok, rows(&status)), (false, vec![1, 1]));
    let held: BTreeSet<_> = status.keys.iter().map(|key| key.held).collect();
    assert_eq!(held, BTreeSet::from([false, true]));
    engine.close().await.unwrap();
}

#[cfg(unix)]
fn private_file(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
