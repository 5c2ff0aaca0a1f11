use std::{path::Path, sync::Arc};

use secrecy::ExposeSecret;

use crate::{
    Clock, Config, Engine, ErrorCode, ManualClock, Timestamp, WriteOptions, enums::AiProvider,
    secret::SealedColumn,
};

async fn open(dir: &Path) -> Engine {
    let config = Config { background: false, ..Config::in_dir(dir) };
    Engine::open(config).await.unwrap()
}

/// Replaces the master key by another one.
fn swap_key(dir: &Path) {
    let other = tempfile::tempdir().unwrap();
    let source = crate::secret::source::Source::new(&Config::in_dir(other.path())).unwrap();
    source.read_or_create().unwrap();
    std::fs::copy(other.path().join("master.key"), dir.join("master.key")).unwrap();
}

#[tokio::test]
async fn an_engine_that_seals_nothing_makes_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;

    assert!(engine.provider_keys().await.unwrap().is_empty());
    assert!(engine.provider_secret(AiProvider::OpenAi).await.unwrap().is_none());
    let status = engine.keys_status().await.unwrap();
    engine.rotate_keys(|_| {}).await.unwrap();

    assert!(status.ok && status.current.is_none() && status.keys.is_empty(), "{status:?}");
    assert!(!dir.path().join("master.key").exists());
}

#[tokio::test]
async fn two_engines_that_race_for_a_data_key_agree() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (open(dir.path()).await, open(dir.path()).await);

    let (a, b) = tokio::join!(one.user_key(), two.user_key());
    let (a, b) = (a.unwrap(), b.unwrap());

    let sealed = a.seal(SealedColumn::AiRunOutput, b"r", b"said").unwrap();
    assert_eq!(b.open(SealedColumn::AiRunOutput, b"r", &sealed).unwrap(), b"said");
    assert_eq!(a.mac_key(), b.mac_key());
    let macs = tokio::join!(one.root_mac("jotrack/v1/x"), two.root_mac("jotrack/v1/x"));
    assert_eq!(macs.0.unwrap(), macs.1.unwrap());
}

#[tokio::test]
async fn each_user_has_a_data_key_and_a_removed_user_gets_none() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    let other = engine.create_user("Ada").await.unwrap();
    let other = engine.as_user(other).await.unwrap();
    let gone = Engine::acting_as(&engine.shared, crate::UserId::new(engine.now()));

    let (mine, theirs) = (engine.user_key().await.unwrap(), other.user_key().await.unwrap());

    assert_ne!(mine.mac_key(), theirs.mac_key());
    assert!(Arc::ptr_eq(&mine, &engine.user_key().await.unwrap()));
    assert_eq!(gone.user_key().await.unwrap_err().code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn purposes_have_keys_of_their_own_that_outlive_a_rotation() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await;
    let before = engine.root_mac("jotrack/v1/prompt-canary").await.unwrap();

    engine.rotate_keys(|_| {}).await.unwrap();

    let again = open(dir.path()).await;
    assert_eq!(again.root_mac("jotrack/v1/prompt-canary").await.unwrap(), before);
    assert_ne!(again.root_mac("jotrack/v1/key-fingerprint").await.unwrap(), before);
}

#[tokio::test]
async fn an_engine_in_memory_keeps_its_key_in_memory() {
    let engine = Engine::open(Config::default()).await.unwrap();
    let options = WriteOptions::default();
    engine.set_provider_key(AiProvider::OpenAi, "sk-0123456789", None, &options).await.unwrap();

    let secret = engine.provider_secret(AiProvider::OpenAi).await.unwrap().unwrap();

    assert_eq!(secret.secret.expose_secret(), "sk-0123456789");
    assert_eq!(engine.keys_status().await.unwrap().source, "memory");
    engine.close().await.unwrap();
}

#[tokio::test]
async fn a_provider_key_opens_for_a_call_and_its_use_is_noted_once_a_minute() {
    let dir = tempfile::tempdir().unwrap();
    let start = Timestamp::from_ms(1_800_000_000_000);
    let clock = ManualClock::new(start);
    let config = Config {
        background: false,
        clock: Clock::Manual(clock.clone()),
        ..Config::in_dir(dir.path())
    };
    let engine = Engine::open(config).await.unwrap();
    let (provider, options) = (AiProvider::OpenAiCompatible, WriteOptions::default());
    let url = Some("https://models.example/v1/");
    engine.set_provider_key(provider, "sk-0123456789abcd", url, &options).await.unwrap();

    for (wait_ms, noted) in [(0, start), (59_999, start), (1, start.plus_ms(60_000))] {
        clock.advance_ms(wait_ms);
        let secret = engine.provider_secret(provider).await.unwrap().unwrap();
        let known = engine.provider_keys().await.unwrap();
        assert_eq!(secret.secret.expose_secret(), "sk-0123456789abcd");
        assert_eq!(secret.base_url.as_deref(), Some("https://models.example/v1"));
        assert_eq!(secret.fingerprint, known[0].fingerprint);
        assert_eq!(known[0].last_used_at, Some(noted));
    }
    let shown = format!("{:?}", engine.provider_secret(provider).await.unwrap());
    assert!(!shown.contains("0123456789"), "{shown}");
}

#[tokio::test]
async fn a_wrong_or_missing_master_key_never_wipes_saved_keys() {
    let dir = tempfile::tempdir().unwrap();
    let (provider, options) = (AiProvider::Anthropic, WriteOptions::default());
    let engine = open(dir.path()).await;
    engine.set_provider_key(provider, "sk-0123456789", None, &options).await.unwrap();
    let mac = *engine.user_key().await.unwrap().mac_key();
    engine.close().await.unwrap();
    let (key, kept) = (dir.path().join("master.key"), dir.path().join("kept"));
    std::fs::copy(&key, &kept).unwrap();

    for wrong in [true, false] {
        if wrong {
            swap_key(dir.path())
        } else {
            std::fs::remove_file(&key).unwrap()
        }
        let engine = open(dir.path()).await;
        let code = |error: crate::Error| error.code();
        let refused = [
            engine.user_key().await.map(drop).map_err(code),
            engine.provider_secret(provider).await.map(drop).map_err(code),
            engine.root_mac("jotrack/v1/x").await.map(drop).map_err(code),
            engine.rotate_keys(|_| {}).await.map(drop).map_err(code),
            engine
                .set_provider_key(provider, "sk-another-one", None, &options)
                .await
                .map(drop)
                .map_err(code),
        ];
        assert_eq!(refused, [Err(ErrorCode::KeyUnavailable); 5], "wrong: {wrong}");
        let status = engine.keys_status().await.unwrap();
        assert!(!status.ok && status.problem.is_some(), "{status:?}");
        assert_eq!(engine.provider_keys().await.unwrap().len(), 1);
        assert!(engine.health().await.ok);
        engine.close().await.unwrap();
        assert!(wrong || !key.exists(), "no other key takes the place of a missing one");
    }

    std::fs::copy(&kept, &key).unwrap();
    let engine = open(dir.path()).await;
    let secret = engine.provider_secret(provider).await.unwrap().unwrap();
    assert_eq!(secret.secret.expose_secret(), "sk-0123456789");
    assert_eq!(*engine.user_key().await.unwrap().mac_key(), mac);
}

#[tokio::test]
async fn a_process_that_runs_finds_the_key_that_another_one_made() {
    let dir = tempfile::tempdir().unwrap();
    let (provider, options) = (AiProvider::Anthropic, WriteOptions::default());
    let (one, two) = (open(dir.path()).await, open(dir.path()).await);
    one.set_provider_key(provider, "sk-0123456789", None, &options).await.unwrap();
    two.provider_secret(provider).await.unwrap().unwrap();

    let report = one.rotate_keys(|_| {}).await.unwrap();

    let secret = two.provider_secret(provider).await.unwrap().unwrap();
    assert_eq!(secret.secret.expose_secret(), "sk-0123456789");
    two.set_provider_key(AiProvider::OpenAi, "sk-9876543210", None, &options).await.unwrap();
    let status = two.keys_status().await.unwrap();
    assert_eq!(status.current, report.current, "new seals take the new key");
    assert_eq!(status.keys.iter().map(|key| key.rows).collect::<Vec<_>>(), [3, 0]);
}
