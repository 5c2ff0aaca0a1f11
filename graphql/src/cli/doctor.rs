//! `jotrack doctor`: is the data whole, and does everything that is derived agree with it?

use std::io::{self, Write as _};

use anyhow::Context as _;
use clap::Args;
use jotrack_core::{CheckReport, Config, Engine, Error, ReadModelReport, UnavailableKind};
use serde::Serialize;

use super::failure::{Failure, Outcome};
use super::serve::{self, FOLDER};
use super::terminal::{Colour, Style};
use super::{DataArgs, Globals, start_log};

/// Problems of one kind listed one by one; the rest is counted.
const LISTED_MAX: usize = 10;

pub(super) const EXAMPLES: &str = "\
Examples:
  jotrack doctor                        check the default folder
  jotrack doctor --data /srv/jt --json  check another one, for a program
  jotrack doctor --repair               rebuild what is derived

Checked are the database file, its references, the read model behind the job
list and the presence of every stored file. A repair rebuilds the read model; a
damaged database or a lost file needs a backup. A server may go on running.

Exit codes: 0 nothing is wrong (any more), 3 problems were found.";

/// Options of `doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    data: DataArgs,
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
    #[serde(flatten)]
    report: CheckReport,
}

/// Checks the data, repairs it when asked to, and prints the findings.
pub(super) fn run(args: &DoctorArgs, globals: &Globals) -> Outcome {
    let settings = globals.data_settings(&args.data)?;
    start_log(&settings);
    let dir = settings.data_dir(&globals.env, FOLDER)?;
    let config = Config { background: false, ..globals.engine_config(&settings, dir.clone()) };
    let database = config.database.clone().unwrap_or_else(|| dir.join("jotrack.db"));
    if !database.is_file() {
        // Opening would make a new one, which would be healthy and no answer.
        return Err(Failure::Input(format!("there is no database at {}", database.display())));
    }
    let diagnosis = serve::runtime()?.block_on(diagnose(config, args.repair))?;
    let text = if args.json {
        let mut json = serde_json::to_string_pretty(&diagnosis).context("write JSON")?;
        json.push('\n');
        json
    } else {
        render(&diagnosis, Colour::of_stdout(&globals.env))
    };
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    if diagnosis.healthy { Ok(()) } else { Err(Failure::Problems) }
}

async fn diagnose(config: Config, repair: bool) -> Result<Diagnosis, Failure> {
    let engine = match Engine::open(config).await {
        Ok(engine) => engine,
        Err(error) => return unreadable(error).map_err(|error| opening(error).into()),
    };
    let diagnosis = examine(&engine, repair).await;
    engine.close().await.context("close the data folder")?;
    diagnosis
}

fn opening(error: Error) -> anyhow::Error {
    anyhow::Error::new(error).context("open the data folder")
}

async fn examine(engine: &Engine, repair: bool) -> Result<Diagnosis, Failure> {
    let report = match engine.check().await {
        Ok(report) => report,
        Err(error) => {
            return unreadable(error)
                .map_err(|error| anyhow::Error::new(error).context("check the data").into());
        }
    };
    if !repair || report.read_model.agrees() {
        let healthy = report.is_healthy();
        return Ok(Diagnosis { healthy, complete: true, repaired: false, report });
    }
    engine.rebuild_read_model().await.context("rebuild the read model")?;
    let healthy = engine.check().await.context("check the data again")?.is_healthy();
    Ok(Diagnosis { healthy, complete: true, repaired: true, report })
}

/// A database that cannot even be read is a finding; any other error stays one.
fn unreadable(error: Error) -> Result<Diagnosis, Error> {
    if !matches!(error, Error::Unavailable { kind: UnavailableKind::Corrupt, .. }) {
        return Err(error);
    }
    let report = CheckReport {
        damages: vec![UnavailableKind::Corrupt.to_string()],
        read_model: ReadModelReport { rows: 0, differing: Vec::new(), counters_differ: false },
        missing_files: Vec::new(),
    };
    Ok(Diagnosis { healthy: false, complete: false, repaired: false, report })
}

/// Returns the findings as text, one line for each part and one for each problem.
fn render(diagnosis: &Diagnosis, colour: Colour) -> String {
    let Diagnosis { healthy, complete, repaired, report } = diagnosis;
    let CheckReport { damages, read_model, missing_files } = report;
    let mut out = String::new();
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
        "Copy the data folder before anything else, then restore a backup.".to_owned()
    };
    out.push_str(&format!("\n{advice}\n"));
    out
}

#[cfg(test)]
mod tests {
    use jotrack_core::{NewJob, WriteOptions};

    use super::*;

    #[tokio::test]
    async fn healthy_data_is_called_healthy() {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::open(Config::in_dir(dir.path())).await.unwrap();
        engine.create_job(NewJob::new("Acme", "Cook"), &WriteOptions::default()).await.unwrap();

        let diagnosis = examine(&engine, false).await.unwrap();
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
        let diagnosis = Diagnosis { healthy: false, complete: true, repaired: false, report };

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

        let text = render(&unreadable(broken).unwrap(), Colour::Off);

        assert!(text.contains("Database    1 problem"), "{text}");
        assert!(text.contains("Files       not checked"), "{text}");
        assert!(unreadable(busy).is_err());
    }
}
