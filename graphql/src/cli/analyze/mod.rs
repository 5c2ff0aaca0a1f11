//! `jotrack analyze`: asks for one analysis, shows how it goes on, and prints the answer.

mod follow;
mod interrupt;
mod progress;
mod report;
mod request;
mod wording;

use anyhow::Context as _;
use clap::{ArgGroup, Args};
use jotrack_core::{Analysis, AnalysisKind, AnalysisTarget, Engine, Persona};

use super::failure::{Failure, Outcome};
use super::output::{json, print};
use super::terminal::Colour;
use super::{DataArgs, DatabaseArgs, Globals, opening, serve};
use interrupt::Interrupt;
use progress::Progress;

pub(super) use report::{cost, kebab, plain};
pub(super) use request::{job_id, kinds, with_node_ids};
pub(super) use wording::failure;

pub(super) const EXAMPLES: &str = "\
Examples:
  jotrack analyze --job job_0198... --kind match-score
  jotrack analyze --job job_0198... --kind match-score --watch
  jotrack analyze --company Lindenhof --kind company-ecosystem --json
  jotrack analyze --job job_0198... --kind cover-letter --param addressee=Vale

The engine itself answers match-score without a key and without a network. The
other kinds need a model: see [ai] in the settings, JOTRACK_AI_PROVIDER and
JOTRACK_AI_API_KEY. An answer is kept, so asking again costs nothing; --refresh
passes over what is kept. Ctrl-C cancels the analysis.

The answer goes to standard output, progress to standard error. With --watch a
terminal shows one line that rewrites itself; a pipe gets lines that begin with
queued, started, progress, reset, done, failed or cancelled.

Exit codes: 1 when it failed, 2 when the request or a setting is wrong, 130 when
it was cancelled with Ctrl-C.";

/// The one that clap writes is longer than a line.
const USAGE: &str = "\
jotrack analyze [OPTIONS] --kind <KIND> --job <ID>
       jotrack analyze [OPTIONS] --kind <KIND> --company <NAME>
       jotrack analyze [OPTIONS] --kind <KIND> --attachment <ID>";

/// Options of `analyze`.
#[derive(Debug, Args)]
#[command(override_usage = USAGE)]
#[command(group(ArgGroup::new("target").required(true).args(["job", "company", "attachment"])))]
pub(super) struct AnalyzeArgs {
    /// What is wanted
    #[arg(long, value_parser = kinds(), value_name = "KIND")]
    kind: AnalysisKind,
    /// The job it is about, by the id of the API
    #[arg(long, value_name = "ID")]
    job: Option<String>,
    /// The company it is about, by name
    #[arg(long, value_name = "NAME")]
    company: Option<String>,
    /// The document it is about
    #[arg(long, value_name = "ID")]
    attachment: Option<String>,
    /// Who asks, in kinds about interviews
    #[arg(long, value_parser = request::personas(), value_name = "WHO")]
    persona: Option<Persona>,
    /// Further input of the kind; give it again for more, or for a list
    #[arg(long, value_name = "NAME=VALUE")]
    param: Vec<String>,
    /// Pass over kept answers
    #[arg(long)]
    refresh: bool,
    /// Who is to answer [default: the one of the settings]
    #[arg(long, value_parser = request::providers(), value_name = "WHO")]
    provider: Option<jotrack_core::AiProvider>,
    /// With which model [default: the one of the settings]
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Show how it goes on
    #[arg(long)]
    watch: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Asks, follows, and prints.
pub(super) fn run(args: &AnalyzeArgs, globals: &Globals) -> Outcome {
    let request = request::of(args)?;
    let config = opening::existing(&args.data, &args.database, globals)?;
    let runtime = serve::runtime()?;
    let (analysis, about) = runtime.block_on(async {
        let mut interrupt = Interrupt::listen()?;
        let engine = opening::open(config).await?;
        let progress = if args.watch { Progress::shown(&globals.env) } else { Progress::silent() };
        let analysis = follow::analyze(&engine, &request, progress, &mut interrupt).await;
        let about = about(&engine, &request.target).await;
        close(&engine, &mut interrupt).await?;
        Ok::<_, Failure>((analysis?, about))
    })?;
    let text = if args.json {
        json(&with_node_ids(&analysis))?
    } else {
        report::render(&analysis, about.as_deref(), Colour::of_stdout(&globals.env))
    };
    print(&text)
}

/// Ends the engine; whoever is tired of waiting may leave.
async fn close(engine: &Engine, interrupt: &mut Interrupt) -> Outcome {
    tokio::select! {
        closed = engine.close() => Ok(closed.context("close the database")?),
        code = interrupt.wait() => Err(Failure::Interrupted(code)),
    }
}

/// Names what the analysis is about, for a person.
async fn about(engine: &Engine, target: &AnalysisTarget) -> Option<String> {
    match target {
        AnalysisTarget::Job(id) => {
            let (job, _) = engine.get_job(*id).await.ok()?;
            Some(plain(&format!("{} at {}", job.title, job.company)))
        }
        AnalysisTarget::Company(name) => Some(plain(name)),
        AnalysisTarget::Attachment(_) => None,
    }
}

/// Runs a local match analysis for a caller that shows it in a line.
pub(super) async fn match_line(engine: &Engine, job: &jotrack_core::Job) -> Option<String> {
    let request = jotrack_core::AnalysisRequest {
        provider: Some(jotrack_core::AiProvider::Local),
        ..jotrack_core::AnalysisRequest::of_job(AnalysisKind::MatchScore, job.id)
    };
    let analysis: Analysis = engine.analyze(&request).await.ok()?;
    report::summary(&analysis)
}
