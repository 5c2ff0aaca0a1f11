use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::SecretString;

use super::{counting, kek};
use crate::{
    Config, Error, ErrorCode, KeySource,
    secret::{derive::Kek, master_key_is_valid, source::Source},
};

fn folder() -> (tempfile::TempDir, Source) {
    let dir = tempfile::tempdir().unwrap();
    let source = Source::new(&Config::in_dir(dir.path())).unwrap();
    (dir, source)
}

fn line(first: u8) -> String {
    STANDARD.encode(*counting(first))
}

#[cfg(unix)]
fn write(dir: &tempfile::TempDir, text: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    let path = dir.path().join("master.key");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn unavailable<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.code(), ErrorCode::KeyUnavailable);
    error.chain()
}

#[test]
fn a_key_is_32_bytes_of_padded_base64_and_never_made_to_fit() {
    let fine = line(0);

    assert!(master_key_is_valid(&fine));
    assert!(master_key_is_valid(&format!(" {fine}\r\n")));
    for wrong in [
        "",
        "secret",
        fine.trim_end_matches('='),
        fine.trim_start_matches("AAEC"),
        &format!("AAAA{fine}"),
        &fine.replace('A', "!"),
        &fine.replace("AAECAwQF", "AAECAw-_"),
    ] {
        assert!(!master_key_is_valid(wrong), "{wrong}");
    }
}

#[cfg(unix)]
#[test]
fn the_data_folder_gets_one_private_key_at_the_first_need() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, source) = folder();

    assert!(source.read().unwrap().is_none(), "looking makes nothing");
    let made = source.read_or_create().unwrap();
    let again = source.read_or_create().unwrap();

    let ids = |keks: &[Kek]| keks.iter().map(|kek| kek.id).collect::<Vec<_>>();
    assert_eq!(ids(&made), ids(&again));
    let path = dir.path().join("master.key");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(text.lines().count(), 1);
    assert!(master_key_is_valid(&text));
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_refused_in_the_data_folder_only() {
    let (dir, source) = folder();
    write(&dir, &line(0), 0o640);

    assert!(unavailable(source.read()).contains("600"));

    let mounted = KeySource::File(dir.path().join("master.key"));
    let mounted = Source::new(&Config { master_key: mounted, ..Config::default() }).unwrap();
    assert_eq!(mounted.read().unwrap().unwrap()[0].id, kek(0).id);
}

#[cfg(unix)]
#[test]
fn a_wrong_line_or_an_empty_file_is_refused_without_its_text() {
    let (dir, source) = folder();

    write(&dir, &format!("{}\nCANARY-no-key\n", line(0)), 0o600);
    let message = unavailable(source.read_or_create());
    assert!(message.contains("line 2") && !message.contains("CANARY"), "{message}");

    write(&dir, "\n", 0o600);
    assert!(unavailable(source.read_or_create()).contains("empty"));
}

#[cfg(unix)]
#[test]
fn a_new_key_becomes_the_first_line_and_the_old_ones_stay() {
    let (dir, source) = folder();
    write(&dir, &format!("{}\n\n{}\n", line(0), line(1)), 0o600);

    let after = source.add(kek(0).id).unwrap();
    let not_again = source.add(kek(0).id).unwrap();

    assert_eq!(after.len(), 3);
    assert_eq!((after[1].id, after[2].id), (kek(0).id, kek(1).id));
    assert_eq!(not_again.len(), 3, "another process was first");
    let text = std::fs::read_to_string(dir.path().join("master.key")).unwrap();
    assert!(text.ends_with(&format!("{}\n{}\n", line(0), line(1))));
}

#[test]
fn a_missing_file_of_the_operator_is_no_reason_to_make_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys");
    let master_key = KeySource::File(path.clone());
    let source = Source::new(&Config { master_key, ..Config::default() }).unwrap();

    unavailable(source.read());
    unavailable(source.read_or_create());

    assert!(!path.exists());
}

#[test]
fn a_database_that_outlives_the_engine_gets_no_passing_key() {
    let database = Some("kept.db".into());
    let source = Source::new(&Config { database, ..Config::default() }).unwrap();

    unavailable(source.read_or_create());
}

#[test]
fn wrong_given_keys_are_a_wrong_configuration() {
    for keys in [vec![], vec![SecretString::from("short")]] {
        let config = Config { master_key: KeySource::Given(keys), ..Config::default() };
        assert_eq!(config.check().unwrap_err().code(), ErrorCode::Validation);
    }
    let keys = vec![SecretString::from(line(0)), SecretString::from(line(1))];
    let config = Config { master_key: KeySource::Given(keys), ..Config::default() };
    config.check().unwrap();
    let ids = Source::new(&config).unwrap().read().unwrap().unwrap();
    assert_eq!((ids[0].id, ids[1].id), (kek(0).id, kek(1).id));
}
