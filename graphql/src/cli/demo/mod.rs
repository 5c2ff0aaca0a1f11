//! `jotrack demo`: the server over a sample that shows what a few months of use look like.

pub mod content;
pub mod documents;
mod fill;
mod plan;

use std::path::Path;

use clap::Args;
use jotrack_core::{Config, Engine, JobFilter, JobQuery, PageRequest};

use super::analyze;
use super::failure::Outcome;
use super::serve::{self, LocalArgs, PortPolicy};
use super::settings::DEFAULT_LISTEN;
use super::terminal::{Progress, tell};
use super::{DatabaseArgs, Globals, start_log};

pub use fill::{Filled, fill};

/// Folder of the sample in the platform's folder for data, apart from the user's own.
const FOLDER: &str = "jotrack-demo";

/// Jobs that are looked at for one with both documents.
const TASTED: u32 = 10;

/// Options of `demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    #[command(flatten)]
    pub(super) local: LocalArgs,
    /// Fill the data folder and exit without serving
    #[arg(long)]
    fill_only: bool,
}

pub(super) const EXAMPLES: &str = "\
Examples:
  jotrack demo                            fill once, then serve
  jotrack demo --data /tmp/try            keep the sample somewhere else
  jotrack demo --fill-only --data /tmp/x  only write the sample

The sample is kept in its own folder, never in the one of the settings, and
survives a restart; delete the folder to begin again. When port 4000 is taken
and nothing names another one, a free port is used.";

/// Fills the data folder if needed and serves it.
pub(super) fn run(args: &DemoArgs, globals: &Globals) -> Outcome {
    let mut settings = globals.settings(&args.local, &DatabaseArgs::default())?;
    start_log(&settings);
    // Settings name the user's own data, which the sample must never touch.
    settings.config.database = None;
    settings.config.postgres = None;
    settings.config.data_dir = args.local.data.clone().or_else(|| globals.flags.data.clone());
    let dir = settings.data_dir(&globals.env, FOLDER)?;
    let config = globals.engine_config(&settings, dir.clone());
    let runtime = serve::runtime()?;
    let mut progress = Progress::new("Writing the sample");
    let filled = runtime.block_on(fill(&config, |done, total| progress.step(done, total)))?;
    match filled {
        Filled::Before => tell(&format!("The sample is in {} already\n", dir.display())),
        Filled::Now(_) => tell(&format!("The sample is in {}\n", dir.display())),
    }
    // Only a taste: the sample is of use without it.
    if let Some(taste) = runtime.block_on(taste(&config, &dir)) {
        tell(&taste);
    }
    if args.fill_only {
        return Ok(());
    }
    let (address, policy) = match settings.listen {
        Some(address) => (address, PortPolicy::Exactly),
        None => (DEFAULT_LISTEN, PortPolicy::OrAnyFree),
    };
    runtime.block_on(serve::serve(config, address, policy))
}

/// Asks for one match analysis of the sample, as `jotrack analyze` does, and returns what to tell.
async fn taste(config: &Config, dir: &Path) -> Option<String> {
    let engine = Engine::open(Config { background: false, ..config.clone() }).await.ok()?;
    let told = match_of_one(&engine, dir).await;
    drop(engine.close().await);
    told
}

async fn match_of_one(engine: &Engine, dir: &Path) -> Option<String> {
    let filter = JobFilter { archived: Some(false), ..JobFilter::default() };
    let query = JobQuery { filter, page: PageRequest::first(TASTED), ..JobQuery::default() };
    for job in engine.list_jobs(&query).await.ok()?.items {
        if let Some(line) = analyze::match_line(engine, &job).await {
            let (title, company) = (&job.title, &job.company);
            return Some(format!(
                "Match score of {title} at {company}: {line}\nSee why: jotrack analyze --data {} \
                 --job {} --kind match-score\n",
                dir.display(),
                job.id.node_id()
            ));
        }
    }
    None
}
