//! `jotrack doctor`: is the data whole, and does everything that is derived agree with it?

use std::path::Path;

use anyhow::Context as _;
use clap::Args;
use jotrack_core::{
    CheckReport, Config, Engine, Error, Health, ReadModelReport, ReplicaHealth, UnavailableKind,
};
use serde::Serialize;

use super::failure::{Failure, Outcome};
use super::output::{json, print};
use super::terminal::{Colour, Style};
use super::{DataArgs, DatabaseArgs, Globals, opening, serve};

/// Problems of one kind listed one by one; the rest is counted.
const LISTED_MAX: usize = 10;

pub(super) const EXAMPLES: &str = "\
Examples:
  jotrack doctor                        check the default folder
  jotrack doctor --data /srv/jt --json  check another one, for a program
  jotrack doctor --repair               rebuild what is derived
  JOTRACK_DATABASE_URL=postgres://... jotrack doctor
                                        check what is kept in PostgreSQL

Checked are the database file, its references, the read model behind the job
list and the presence of every stored file. A repair rebuilds the read model; a
damaged database or a lost file needs a backup. A server may go on running.

PostgreSQL checks its own files (see pg_amcheck); here its version and how far
its replicas are behind are told beside the rest.

Exit codes: 0 nothing is wrong (any more), 3 problems were found.";

/// Options of `doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Rebuild the read model if it is wrong
    #[arg(long)]
    repair: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// What is printed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Diagnosis {
    healthy: bool,
    /// False when the database is so damaged that the rest could not be looked at.
    complete: bool,
    /// Whether the read model was rebuilt after the findings below.
    repaired: bool,
    database: Database,
    #[serde(flatten)]
    report: CheckReport,
}

/// The database that was looked at.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Database {
    /// `sqlite` or `postgresql`.
    engine: &'static str,
    /// The file or the address, without secrets.
    name: String,
    /// Null when it could not be opened.
    version: Option<String>,
    replicas: Vec<ReplicaHealth>,
}

impl Database {
    fn of(config: &Config, file: &Path) -> Self {
        let (engine, name) = match &config.postgres {
            Some(postgres) => ("postgresql", postgres.url.to_string()),
            None => ("sqlite", file.display().to_string()),
        };
        Self { engine, name, version: None, replicas: Vec::new() }
    }

    fn with(self, health: Health) -> Self {
        Self { version: Some(health.database_version), replicas: health.replicas, ..self }
    }
}

/// Checks the data, repairs it when asked to, and prints the findings.
pub(super) fn run(args: &DoctorArgs, globals: &Globals) -> Outcome {
    // Without a database opening would make one, which would be healthy and no answer.
    let mut config = opening::existing(&args.data, &args.database, globals)?;
    config.background = false;
    if let Some(postgres) = &mut config.postgres {
        // Who looks changes nothing.
        postgres.migrate = false;
    }
    let database = Database::of(&config, &config.database_file().unwrap_or_default());
    let diagnosis = serve::runtime()?.block_on(diagnose(config, database, args.repair))?;
    let text = if args.json {
        json(&diagnosis)?
    } else {
        render(&diagnosis, Colour::of_stdout(&globals.env))
    };
    print(&text)?;
    if diagnosis.healthy { Ok(()) } else { Err(Failure::Problems) }
}

async fn diagnose(config: Config, database: Database, repair: bool) -> Result<Diagnosis, Failure> {
    let engine = match opening::try_open(config).await {
        Ok(engine) => engine,
        Err(error) => return unreadable(error, database).map_err(opening::failure),
    };
    let database = database.with(engine.health().await);
    let diagnosis = examine(&engine, database, repair).await;
    engine.close().await.context("close the database")?;
    diagnosis
}

async fn examine(engine: &Engine, database: Database, repair: bool) -> Result<Diagnosis, Failure> {
    let report = match engine.check().await {
        Ok(report) => report,
        Err(error) => {
            return unreadable(error, database)
                .map_err(|error| anyhow::Error::new(error).context("check the data").into());
        }
    };
    if !repair || report.read_model.agrees() {
        let healthy = report.is_healthy();
        return Ok(Diagnosis { healthy, complete: true, repaired: false, database, report });
    }
    engine.rebuild_read_model().await.context("rebuild the read model")?;
    let healthy = engine.check().await.context("check the data again")?.is_healthy();
    Ok(Diagnosis { healthy, complete: true, repaired: true, database, report })
}

/// A database that cannot even be read is a finding; any other error stays one.
fn unreadable(error: Error, database: Database) -> Result<Diagnosis, Error> {
    if !matches!(error, Error::Unavailable { kind: UnavailableKind::Corrupt, .. }) {
        return Err(error);
    }
    let report = CheckReport {
        damages: vec![UnavailableKind::Corrupt.to_string()],
        read_model: ReadModelReport { rows: 0, differing: Vec::new(), counters_differ: false },
        missing_files: Vec::new(),
    };
    Ok(Diagnosis { healthy: false, complete: false, repaired: false, database, report })
}

/// Returns what the database is, and one line for each replica.
fn describe(database: &Database, colour: Colour) -> String {
    let Database { engine, name, version, replicas } = database;
    let product = if *engine == "sqlite" { "SQLite" } else { "PostgreSQL" };
    let version = version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    let mut out = format!("{product}{version} at {name}\n");
    for ReplicaHealth { name, in_rotation, lag_bytes, .. } in replicas {
        let (style, state) = match (lag_bytes, in_rotation) {
            (None, _) => (Style::Bad, "does not answer".to_owned()),
            (Some(0), true) => (Style::Good, "up to date".to_owned()),
            (Some(lag), true) => (Style::Good, format!("{lag} bytes behind")),
            (Some(lag), false) => (Style::Warn, format!("gets no reads, {lag} bytes behind")),
        };
        out.push_str(&format!("  replica {name}: {}\n", colour.paint(style, &state)));
    }
    out.push('\n');
    out
}

/// Returns the findings as text, one line for each part and one for each problem.
fn render(diagnosis: &Diagnosis, colour: Colour) -> String {
    let Diagnosis { healthy, complete, repaired, database, report } = diagnosis;
    let CheckReport { damages, read_model, missing_files } = report;
    let mut out = describe(database, colour);
    let mut part = |name: &str, problems: &[String], fixed: bool| {
        let (style, state) = match problems.len() {
            0 if !complete => (Style::Warn, "not checked".to_owned()),
            0 => (Style::Good, "ok".to_owned()),
            _ if fixed => (Style::Good, "was wrong, rebuilt".to_owned()),
            1 => (Style::Bad, "1 problem".to_owned()),
            count => (Style::Bad, format!("{count} problems")),
        };
        out.push_str(&format!("{name:<12}{}\n", colour.paint(style, &state)));
        for problem in problems.iter().take(LISTED_MAX) {
            out.push_str(&format!("  - {problem}\n"));
        }
        if let Some(more) = problems.len().checked_sub(LISTED_MAX).filter(|more| *more > 0) {
            out.push_str(&format!("  - and {more} more\n"));
        }
    };
    part("Database", damages, false);
    let mut wrong_rows: Vec<String> = read_model
        .differing
        .iter()
        .map(|id| format!("the list row of job {id} is wrong or missing"))
        .collect();
    if read_model.counters_differ {
        wrong_rows.push("the counters by status are wrong".to_owned());
    }
    part("Read model", &wrong_rows, *repaired);
    let missing: Vec<String> = missing_files
        .iter()
        .map(|digest| format!("the file with digest {digest} is missing or cut"))
        .collect();
    part("Files", &missing, false);
    let advice = if *healthy {
        format!("Nothing is wrong; jobs checked: {}.", read_model.rows)
    } else if !read_model.agrees() && !repaired {
        "Run `jotrack doctor --repair` to rebuild the read model.".to_owned()
    } else {
        let what = if database.engine == "sqlite" { "the data folder" } else { "everything" };
        format!("Copy {what} before anything else, then restore a backup.")
    };
    out.push_str(&format!("\n{advice}\n"));
    out
}

#[cfg(test)]
mod tests {
    use jotrack_core::{NewJob, PostgresConfig, WriteOptions};

    use super::*;

    fn sqlite() -> Database {
        Database::of(&Config::default(), Path::new("d/jotrack.db"))
    }

    #[tokio::test]
    async fn healthy_data_is_called_healthy() {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::open(Config::in_dir(dir.path())).await.unwrap();
        engine.create_job(NewJob::new("Acme", "Cook"), &WriteOptions::default()).await.unwrap();

        let diagnosis = examine(&engine, sqlite(), false).await.unwrap();
        engine.close().await.unwrap();

        let text = render(&diagnosis, Colour::Off);
        assert!(diagnosis.healthy && !diagnosis.repaired);
        assert!(text.contains("jobs checked: 1"), "{text}");
    }

    #[test]
    fn problems_are_listed_up_to_a_bound_with_what_to_do() {
        let report = CheckReport {
            damages: (0..12).map(|page| format!("page {page} is broken")).collect(),
            read_model: ReadModelReport { rows: 2, differing: Vec::new(), counters_differ: false },
            missing_files: vec!["ab12".to_owned()],
        };
        let database = sqlite();
        let diagnosis =
            Diagnosis { healthy: false, complete: true, repaired: false, database, report };

        let text = render(&diagnosis, Colour::Off);

        assert!(text.contains("Database    12 problems"), "{text}");
        assert!(text.contains("and 2 more"), "{text}");
        assert!(text.contains("Read model  ok"), "{text}");
        assert!(text.contains("ab12") && text.contains("restore a backup"), "{text}");
    }

    #[test]
    fn unreadable_database_is_a_finding_and_other_errors_are_not() {
        let broken = Error::unavailable(UnavailableKind::Corrupt, "open the database");
        let busy = Error::unavailable(UnavailableKind::Busy, "open the database");

        let text = render(&unreadable(broken, sqlite()).unwrap(), Colour::Off);

        assert!(text.contains("Database    1 problem"), "{text}");
        assert!(text.contains("Files       not checked"), "{text}");
        assert!(unreadable(busy, sqlite()).is_err());
    }

    #[test]
    fn replicas_are_listed_with_how_far_they_are_behind() {
        let replica = |name: &str, in_rotation, lag_bytes| ReplicaHealth {
            name: name.to_owned(),
            in_rotation,
            lag_bytes,
            snapshots: 0,
        };
        let config = Config {
            postgres: Some(PostgresConfig::at("postgres://ann:pass-word@db.example/jt")),
            ..Config::default()
        };
        let replicas = vec![
            replica("a:5432/jt", true, Some(0)),
            replica("b:5432/jt", false, Some(70_000_000)),
            replica("c:5432/jt", false, None),
        ];
        let version = Some("15.8".to_owned());
        let database = Database { version, replicas, ..Database::of(&config, Path::new("")) };

        let text = describe(&database, Colour::Off);
        let json = serde_json::to_value(&database).unwrap();

        assert!(text.contains("PostgreSQL 15.8 at postgres://ann@db.example/jt\n"), "{text}");
        assert!(text.contains("replica a:5432/jt: up to date"), "{text}");
        assert!(text.contains("b:5432/jt: gets no reads, 70000000 bytes behind"), "{text}");
        assert!(text.contains("c:5432/jt: does not answer"), "{text}");
        assert_eq!(json["replicas"][1]["lagBytes"], 70_000_000);
        assert!(!format!("{text}{json}").contains("pass-word"));
    }
}
