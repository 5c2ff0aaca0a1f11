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
fn requests_and_the_owners_plan_are_set_by_file_and_variable() {
    let file = file("[requests]\nlocal = true\nwrites = 3\n[ai]\nfree_calls = 5\n");
    for (tier, expected) in [
        ("free", jotrack_core::Tier::Free),
        ("Pro", jotrack_core::Tier::Pro),
        ("ENTERPRISE", jotrack_core::Tier::Enterprise),
    ] {
        let env = env(&[("JOTRACK_LOCAL_TIER", tier), ("JOTRACK_REQUESTS_READS", "7")]);

        let config = Settings::load(&flags(&file), &env).unwrap().config;

        assert_eq!((config.ai.local_tier, config.ai.free_calls), (expected, 5));
        assert!(config.requests.local);
        assert_eq!((config.requests.writes, config.requests.reads), (Some(3), Some(7)));
    }
}

#[test]
fn errors_name_the_key_and_who_set_it() {
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 9] = [
        ("trahs_days = 1", &[], "`trahs_days`: no such setting"),
        ("[limits]\nfile_byte = 1", &[], "`limits.file_byte`: no such setting"),
        ("trash_days = 'ten'", &[], "`trash_days`: invalid type"),
        ("listen = '0.0.0.0:4000'", &[], "`listen`: 0.0.0.0 can be reached"),
        ("", &[("JOTRACK_LISTEN", "4000")], "JOTRACK_LISTEN: an address"),
        ("", &[("JOTRACK_LIMITS_IDS", "-1")], "JOTRACK_LIMITS_IDS: invalid value"),
        ("", &[("JOTRACK_LOCAL_TIER", "gold")], "JOTRACK_LOCAL_TIER: unknown variant `GOLD`"),
        ("[requests]\nwrite = 1", &[], "`requests.write`: no such setting"),
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
fn the_provider_is_named_by_the_file_and_by_variables() {
    let file = file(
        "[ai]\nprovider = 'OpenAI'\nmodel = 'small'\nprotocol = 'Responses'\ncache_days = 30\n\
         local_tier = 'pro'\n[ai.caps]\nschema = false\n\
         [[ai.prices]]\nprovider = 'openai'\nmodel = 'small*'\nvalid_from = '2026-01-01'\n\
         input = 1\noutput = 2\ncached = 0\n",
    );
    let env = env(&[
        ("JOTRACK_AI_PROVIDER", "openai_compatible"),
        ("JOTRACK_AI_BASE_URL", "http://127.0.0.1:8080/v1"),
        ("JOTRACK_AI_MODEL", "7"),
        ("JOTRACK_AI_API_KEY", "12345678"),
        ("JOTRACK_AI_CAPS_STREAM_USAGE", "false"),
        ("JOTRACK_AI_RETRIES", "5"),
    ]);

    let ai = Settings::load(&flags(&file), &env).unwrap().config.ai;

    assert_eq!(ai.provider, jotrack_core::AiProvider::OpenAiCompatible);
    assert_eq!(ai.base_url.as_deref(), Some("http://127.0.0.1:8080/v1"));
    assert_eq!(ai.model.as_deref(), Some("7"));
    assert!(ai.api_key.is_some());
    assert_eq!(ai.protocol, jotrack_core::Protocol::Responses);
    assert_eq!((ai.caps.schema, ai.caps.stream_usage), (false, false));
    assert_eq!((ai.cache_days, ai.retries, ai.prices.len()), (30, 5, 1));
    assert_eq!(ai.local_tier, jotrack_core::Tier::Pro);
}

#[test]
fn wrong_words_about_the_provider_name_the_setting_and_repeat_no_key() {
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 6] = [
        ("", &[("JOTRACK_AI_PROVIDER", "oracle")], "JOTRACK_AI_PROVIDER: the AI provider must be"),
        ("", &[("JOTRACK_AI_PROTOCOL", "gopher")], "JOTRACK_AI_PROTOCOL: unknown variant"),
        ("", &[("JOTRACK_AI_KEY", "12345678")], "JOTRACK_AI_KEY: no such setting"),
        ("", &[("JOTRACK_AI_RETRIES", "many")], "JOTRACK_AI_RETRIES: invalid type"),
        ("[ai]\napi_key = 12345678", &[], "`ai.api_key`: a text is expected"),
        ("[ai]\nprice = 1", &[], "`ai.price`: no such setting"),
    ];
    for (text, variables, expected) in cases {
        let failure = Settings::load(&flags(&file(text)), &env(variables)).unwrap_err();

        let message = failure.message().unwrap();
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains("12345678"), "{message}");
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
fn database_is_named_by_a_path_or_an_address() {
    let config = |url| {
        let env = env(&[("JOTRACK_DATABASE_URL", url)]);
        Settings::load(&Flags::default(), &env).unwrap().config
    };

    assert_eq!(config("/srv/a.db").database, Some("/srv/a.db".into()));
    assert_eq!(config("sqlite:///srv/a.db").database, Some("/srv/a.db".into()));
    for url in ["postgres://ann@db/jt", "postgresql://ann@db/jt"] {
        let config = config(url);
        assert_eq!(config.postgres.unwrap().url.reveal(), url);
        assert_eq!(config.database, None);
    }
}

#[test]
fn database_of_a_file_is_beside_it_unless_it_is_an_address() {
    let database = |text: &str| {
        let file = file(text);
        let config = Settings::load(&flags(&file), &env(&[])).unwrap().config;
        (config, file.path().parent().unwrap().to_owned())
    };

    let (config, folder) = database("database = 'sqlite:jt.db'");
    assert_eq!(config.database, Some(folder.join("jt.db")));
    let (config, _) = database("database = 'postgres://db/jt'");
    assert_eq!(config.postgres.unwrap().url.reveal(), "postgres://db/jt");
}

#[test]
fn every_setting_of_postgresql_comes_from_each_source() {
    let file = file(
        "database = 'postgres://file/jt'\n[postgres]\ndirect_url = 'postgres://file-direct/jt'\n\
         replica_urls = ['postgres://file-1/jt']\npool = 3\nstartup_wait_ms = 5\n",
    );
    let env = env(&[
        ("JOTRACK_DATABASE_URL", "postgres://variable/jt"),
        ("JOTRACK_POSTGRES_REPLICA_URLS", "postgres://v-1/jt, postgres://v-2/jt"),
        ("JOTRACK_POSTGRES_POOL", "4"),
    ]);
    let options = Flags {
        database: Some("postgresql://option/jt".to_owned()),
        replicas: vec!["postgres://o-1/jt".to_owned()],
        ..flags(&file)
    };
    let read = |flags: &Flags, env: &Environment| {
        let postgres = Settings::load(flags, env).unwrap().config.postgres.unwrap();
        let replicas: Vec<_> =
            postgres.replica_urls.iter().map(|url| url.reveal().to_owned()).collect();
        let direct = postgres.direct_url.map(|url| url.reveal().to_owned());
        (postgres.url.reveal().to_owned(), direct, replicas, postgres.pool)
    };

    let direct = Some("postgres://file-direct/jt".to_owned());
    let text = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        read(&flags(&file), &Environment::default()),
        ("postgres://file/jt".to_owned(), direct.clone(), text(&["postgres://file-1/jt"]), 3)
    );
    let of_variables = text(&["postgres://v-1/jt", "postgres://v-2/jt"]);
    assert_eq!(
        read(&flags(&file), &env),
        ("postgres://variable/jt".to_owned(), direct.clone(), of_variables, 4)
    );
    assert_eq!(
        read(&options, &env),
        ("postgresql://option/jt".to_owned(), direct, text(&["postgres://o-1/jt"]), 4)
    );
}

#[test]
fn a_file_of_sqlite_takes_the_place_of_a_postgresql_with_all_that_was_said_about_it() {
    let file = file("database = 'postgres://db/jt'\n[postgres]\npool = 3\n");
    let flags = Flags { database: Some("old.db".to_owned()), ..flags(&file) };

    let config = Settings::load(&flags, &env(&[])).unwrap().config;

    assert_eq!(config.database, Some("old.db".into()));
    assert!(config.postgres.is_none());
}

#[test]
fn settings_of_postgresql_need_one() {
    let pool = file("[postgres]\npool = 3\n");
    let beside_a_file = file("database = 'jt.db'\n[postgres]\npool = 3\n");
    let replica = Flags { replicas: vec!["postgres://db/jt".to_owned()], ..Flags::default() };
    let variable = [("JOTRACK_POSTGRES_DIRECT_URL", "postgres://db/jt")];
    for (flags, env, told) in [
        (flags(&pool), env(&[]), "`postgres.pool`"),
        (flags(&beside_a_file), env(&[]), "`postgres.pool`"),
        (replica, env(&[]), "--replica"),
        (Flags::default(), env(&variable), "JOTRACK_POSTGRES_DIRECT_URL"),
    ] {
        let message = Settings::load(&flags, &env).unwrap_err().message().unwrap();

        assert!(message.contains(told) && message.contains("name a PostgreSQL"), "{message}");
    }
}

#[test]
fn no_message_repeats_a_password() {
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 14] = [
        ("database = 'mysql://ann:pass-word@db/jt'", &[], "`database`: a path"),
        ("database = 'ann:pass-word@db/jt'", &[], "`database`: a path"),
        ("database = ['postgres://ann:pass-word@db/jt']", &[], "`database`: a path"),
        ("database = 'postgres://ann:pass-word@db/jt", &[], "line 1"),
        ("\n[postgres]\nreplica_urls = ['postgres://ann:pass-word@db/jt'", &[], "line 3"),
        ("[postgres]\nurl = 'postgres://ann:pass-word@db/jt'", &[], "`postgres.url`: no such"),
        ("[postgres]\ndirect_url = 'ann:pass-word@db/jt'", &[], "`postgres.direct_url`"),
        ("[postgres]\nreplica_urls = 'postgres://ann:pass-word@db/jt'", &[], "a list"),
        ("[postgres]\nreplica_urls = ['ann:pass-word@db/jt']", &[], "`postgres.replica_urls`"),
        ("[postgres]\npool = 'postgres://ann:pass-word@db/jt'", &[], "a whole number"),
        ("[postgres]\npol = 'postgres://ann:pass-word@db/jt'", &[], "no such setting"),
        ("", &[("JOTRACK_DATABASE_URL", "my://ann:pass-word@db/jt")], "JOTRACK_DATABASE_URL"),
        (
            "",
            &[("JOTRACK_POSTGRES_URL", "postgres://ann:pass-word@db/jt")],
            "JOTRACK_POSTGRES_URL: no such",
        ),
        (
            "",
            &[("JOTRACK_POSTGRES_REPLICA_URLS", "ann:pass-word@db/jt")],
            "JOTRACK_POSTGRES_REPLICA_URLS",
        ),
    ];
    for (text, variables, told) in cases {
        let file = file(text);

        let failure = Settings::load(&flags(&file), &env(variables)).unwrap_err();

        let message = failure.message().unwrap();
        assert!(message.contains(told), "{text}: {message}");
        assert!(!message.contains("pass-word"), "{message}");
    }
    let url = file("database = 'postgres://ann:pass-word@db/jt?sslpassword=pass-word'");
    let settings = Settings::load(&flags(&url), &env(&[])).unwrap();
    assert!(!format!("{settings:?}").contains("pass-word"));
}

#[test]
fn address_is_read_from_the_file_that_a_variable_names() {
    let address = file("postgres://ann:pass-word@db/jt\n");
    let (empty, two) = (file("\n"), file("postgres://ann:pass-word@db/jt\npass-word\n"));
    let load = |file: &str| {
        let env = env(&[("JOTRACK_DATABASE_URL_FILE", file)]);
        Settings::load(&Flags::default(), &env)
    };

    let postgres = load(address.path().to_str().unwrap()).unwrap().config.postgres.unwrap();
    assert_eq!(postgres.url.reveal(), "postgres://ann:pass-word@db/jt");
    for (file, told) in [
        (empty.path().to_str().unwrap(), "is empty"),
        (two.path().to_str().unwrap(), "more than one line"),
        ("/nonexistent/url", "cannot be read"),
    ] {
        let message = load(file).unwrap_err().message().unwrap();
        assert!(message.contains(told) && message.contains("_URL_FILE"), "{message}");
        assert!(!message.contains("pass-word"), "{message}");
    }
    let both =
        env(&[("JOTRACK_DATABASE_URL", "a.db"), ("JOTRACK_DATABASE_URL_FILE", "/nonexistent")]);
    let message = Settings::load(&Flags::default(), &both).unwrap_err().message().unwrap();
    assert!(message.contains("both set"), "{message}");
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
