use super::*;

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let file = file("listen = '127.0.0.1:1'\ntrash_days = 1\nstale_after_days = 1\n");
    let env = env(&[("JOTRACK_LISTEN", "127.0.0.1:2"), ("JOTRACK_TRASH_DAYS", "2")]);
    let flags = Flags { listen: Some("127.0.0.1:3".to_owned()), ..flags(&file) };

    let settings = Settings::load(&flags, &env).unwrap();

    assert_eq!(settings.listen, Some("127.0.0.1:3".parse().unwrap()));
    assert_eq!(settings.config.trash_days, 2);
    assert_eq!(settings.config.stale_after_days, 1);
}

#[test]
fn tables_of_the_file_and_variables_set_single_limits() {
    let file = file("[limits]\nfile_bytes = 10\nids = 3\n[storage]\nsynchronous = 'relaxed'\n");
    let env = env(&[("JOTRACK_LIMITS_FILE_BYTES", "20"), ("JOTRACK_STORAGE_READERS", "5")]);

    let config = Settings::load(&flags(&file), &env).unwrap().config;

    assert_eq!((config.limits.file_bytes, config.limits.ids), (20, 3));
    assert_eq!(config.storage.readers, 5);
    assert_eq!(config.storage.synchronous, jotrack_core::Synchronous::Relaxed);
    assert_eq!(config.limits.depth, jotrack_core::Limits::default().depth);
}

#[test]
fn errors_name_the_key_and_who_set_it() {
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 7] = [
        ("trahs_days = 1", &[], "`trahs_days`: no such setting"),
        ("[limits]\nfile_byte = 1", &[], "`limits.file_byte`: no such setting"),
        ("trash_days = 'ten'", &[], "`trash_days`: invalid type"),
        ("listen = '0.0.0.0:4000'", &[], "`listen`: 0.0.0.0 can be reached"),
        ("", &[("JOTRACK_LISTEN", "4000")], "JOTRACK_LISTEN: an address"),
        ("", &[("JOTRACK_LIMITS_IDS", "-1")], "JOTRACK_LIMITS_IDS: invalid value"),
        ("", &[("JOTRACK_LOG", "=,=")], "JOTRACK_LOG: no log filter"),
    ];
    for (text, variables, expected) in cases {
        let file = file(text);

        let failure = Settings::load(&flags(&file), &env(variables)).unwrap_err();

        let message = failure.message().unwrap();
        assert!(message.contains(expected), "{message}");
        if variables.is_empty() {
            assert!(message.contains(&file.path().display().to_string()), "{message}");
        }
    }
}

#[test]
fn broken_and_missing_files_are_refused_by_name() {
    let broken = file("trash_days = = 1");
    let missing = Flags { config: Some("/nonexistent/jotrack.toml".into()), ..Flags::default() };

    let broken = Settings::load(&flags(&broken), &env(&[])).unwrap_err().message().unwrap();
    let missing = Settings::load(&missing, &env(&[])).unwrap_err().message().unwrap();

    assert!(broken.contains("line 1"), "{broken}");
    assert!(missing.contains("/nonexistent/jotrack.toml"), "{missing}");
}

#[test]
fn paths_in_a_file_are_relative_to_it_and_others_are_not() {
    let file = file("data_dir = 'data'");
    let beside = file.path().parent().unwrap().join("data");

    let from_file = Settings::load(&flags(&file), &env(&[])).unwrap();
    let from_env = Settings::load(&Flags::default(), &env(&[("JOTRACK_DATA", "2024")])).unwrap();

    assert_eq!(from_file.config.data_dir, Some(beside));
    assert_eq!(from_env.config.data_dir, Some("2024".into()));
}

#[test]
fn database_is_named_by_a_path_or_an_sqlite_address() {
    let database = |url| {
        let env = env(&[("JOTRACK_DATABASE_URL", url)]);
        Settings::load(&Flags::default(), &env).map(|settings| settings.config.database)
    };

    assert_eq!(database("/srv/a.db").unwrap(), Some("/srv/a.db".into()));
    assert_eq!(database("sqlite:///srv/a.db").unwrap(), Some("/srv/a.db".into()));
    assert!(database("postgres://db/x").unwrap_err().message().unwrap().contains("SQLite"));
}

#[test]
fn variables_of_the_tests_are_ignored() {
    let settings = Settings::load(&Flags::default(), &env(&[("JOTRACK_TEST_SEED", "7")])).unwrap();

    assert_eq!(settings.listen, None);
}

#[test]
fn only_loopback_addresses_are_listened_on() {
    for good in ["127.0.0.1:4000", "127.9.9.9:1", "[::1]:0", "localhost:80"] {
        assert!(parse_listen(good).is_ok(), "{good}");
    }
    for bad in ["0.0.0.0:1", "[::]:1", "192.168.0.2:1", "example.com:1", "127.0.0.1", ""] {
        assert!(parse_listen(bad).is_err(), "{bad}");
    }
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    file
}

fn flags(file: &tempfile::NamedTempFile) -> Flags {
    Flags { config: Some(file.path().to_owned()), ..Flags::default() }
}

fn env(variables: &[(&str, &str)]) -> Environment {
    variables.iter().copied().collect()
}
