//! TLS to the server: what each mode promises, with certificates made for the test.

use std::{path::Path, process::Command};

use jotrack_core::PostgresConfig;
use jotrack_tests::{
    c::tool,
    services::{self, Options, Postgres, Tls},
};
use tokio::task::spawn_blocking;

use super::try_open;

/// Makes an authority, and a certificate of it for `localhost`.
fn certificates(dir: &Path) {
    let openssl = |args: &str| {
        let mut command = Command::new("openssl");
        tool(command.args(args.split(' ')).current_dir(dir));
    };
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=Test");
    openssl("req -newkey rsa:2048 -nodes -keyout key.pem -out req.pem -subj /CN=localhost");
    std::fs::write(dir.join("ext"), "subjectAltName=DNS:localhost\n").unwrap();
    openssl(
        "x509 -req -in req.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext \
         -out cert.pem",
    );
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -keyout o.key -out other.pem -days 2 -subj /CN=Other",
    );
}

#[tokio::test]
async fn every_mode_of_tls_keeps_its_promise() {
    if !services::require() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path());
    let tls = Tls { certificate: dir.path().join("cert.pem"), key: dir.path().join("key.pem") };
    let (secure, plain) =
        spawn_blocking(|| (Postgres::with(Options::default().tls(tls)), Postgres::start()))
            .await
            .unwrap();
    let (with, without) = (secure.database().await, plain.database().await);
    let roots = |name: &str| format!("&sslrootcert={}", dir.path().join(name).display());
    let named = with.url().replace("127.0.0.1", "localhost");
    let cases = [
        (with.url(), "disable", String::new(), Ok(false)),
        (with.url(), "prefer", String::new(), Ok(true)),
        (without.url(), "prefer", String::new(), Ok(false)),
        (with.url(), "require", String::new(), Ok(true)),
        (without.url(), "require", String::new(), Err("TLS")),
        (with.url(), "verify-ca", roots("ca.pem"), Ok(true)),
        (with.url(), "verify-ca", roots("other.pem"), Err("certificate")),
        (with.url(), "verify-full", roots("ca.pem"), Err("certificate")),
        (named.clone(), "verify-full", roots("ca.pem"), Ok(true)),
        (named, "verify-full", roots("other.pem"), Err("certificate")),
    ];

    for (url, mode, roots, wanted) in cases {
        let home = tempfile::tempdir().unwrap();
        let url = format!("{url}?sslmode={mode}{roots}");
        let config = PostgresConfig { startup_wait_ms: 0, ..PostgresConfig::at(&url) };
        match (try_open(home.path(), config).await, wanted) {
            (Ok(engine), Ok(encrypted)) => {
                let database =
                    if url.contains(&secure.port().to_string()) { &with } else { &without };
                let sql = "SELECT bool_or(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                           WHERE datname = current_database() AND application_name = 'jotrack'";
                let row = database.connect().await.query_one(sql, &[]).await.unwrap();
                assert_eq!(row.get::<_, Option<bool>>(0), Some(encrypted), "{url}");
                engine.close().await.unwrap();
            }
            (Err(error), Err(part)) => {
                let message = error.chain();
                assert!(message.contains(part), "{url}: {message}");
            }
            (found, _) => panic!("{url}: {:?}", found.map(|_| ()).map_err(|e| e.chain())),
        }
    }
}
