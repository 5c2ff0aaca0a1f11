//! A PostgreSQL that cannot be used, as the program explains it; none runs here.

use jotrack_tests::{
    files,
    program::{Home, Running},
};

/// A password that no message and no log line may repeat.
const PASSWORD: &str = "moorhen7-Fjord";

#[tokio::test]
async fn a_postgresql_that_cannot_be_used_is_explained_without_its_password() {
    let home = Home::new();
    let at = |rest: &str| format!("postgres://ann:{PASSWORD}@{rest}");
    let cases = [
        (at("127.0.0.1:1/jt"), 1, "does not answer"),
        (at("127.0.0.1:1/jt?sslmode=require"), 1, "does not answer"),
        (at("127.0.0.1:1/jt?sslmode=perhaps"), 2, "sslmode"),
        (at("127.0.0.1:1/jt?colour=red"), 2, "colour"),
        (at("127.0.0.1:1"), 2, "database is missing"),
        (at("127.0.0.1:nine/jt"), 2, ""),
        (at("127.0.0.1:1/jt?sslmode=verify-full&sslrootcert=/no/such"), 2, "/no/such"),
        (at("[::1/jt"), 2, ""),
        (format!("postgres://ann:{PASSWORD}%zz@127.0.0.1:1/jt"), 1, "does not answer"),
        (format!("postgres://{PASSWORD}"), 2, ""),
        (format!("mysql://ann:{PASSWORD}@127.0.0.1:1/jt"), 2, "postgres://"),
        (format!("ann:{PASSWORD}@127.0.0.1:1/jt"), 2, "postgres://"),
        (format!("postgres://ann:a@{PASSWORD}@127.0.0.1:1/jt"), 2, "%40"),
        (format!("postgres://ann:1/{PASSWORD}@127.0.0.1:1/jt"), 2, "%2F"),
    ];

    for (url, code, told) in cases {
        for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["doctor"]] {
            for named in ["--database", "JOTRACK_DATABASE_URL"] {
                let mut command = home.command(args);
                command.args(["--data", "data", "--log", "trace"]);
                command.env("JOTRACK_POSTGRES_STARTUP_WAIT_MS", "0");
                match named {
                    "--database" => command.args([named, &url]),
                    variable => command.env(variable, &url),
                };
                let ended = Running::start(&mut command).end().await;
                assert_eq!(ended.stdout, "", "{url}");
                let said = ended.failed(code);
                let complaint = said.lines().last().unwrap_or_default();
                assert!(complaint.starts_with("jotrack: "), "{url}: {said}");
                assert!(complaint.contains(told), "{url}: {said}");
                assert!(!said.contains(PASSWORD), "{url}: {said}");
            }
        }
    }
    assert!(!home.path("data/jotrack.db").exists());
}

#[tokio::test]
async fn options_of_postgresql_need_one_and_a_command_that_has_use_for_them() {
    let home = Home::new();
    let url = format!("postgres://ann:{PASSWORD}@127.0.0.1:1/jt");
    for (args, told) in [
        (&["serve", "--data", "data", "--replica", &url][..], "--replica: the database is a file"),
        (&["--database", "a.db", "--database-direct", &url], "--database-direct: the database"),
        (&["serve", "--database", &url, "--replica", "replica/jt"], "--replica: an address"),
        (&["--database", &url, "demo", "--fill-only"], "belong to the commands serve, doctor"),
        (&["demo", "--database", &url], "--database"),
        (&["--replica", &url, "schema"], "belong to the commands serve, doctor"),
        (&["serve", &url], "an address stands where none is expected"),
        (&[&url], "an address stands where none is expected"),
        (&["doctor", &format!("--databse={url}")], "--databse"),
    ] {
        let said = home.run(args).await.failed(2);

        assert!(said.contains(told), "{args:?}: {said}");
        assert!(!said.contains(PASSWORD), "{said}");
    }
    assert_eq!(files(&home.path("")), Vec::<std::path::PathBuf>::new(), "nothing is left behind");
}
