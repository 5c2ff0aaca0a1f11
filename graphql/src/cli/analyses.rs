//! `jotrack analyses`: what was asked about a job, and what became of it.

use clap::Args;
use jotrack_core::{Analysis, AnalysisRequest};
use serde_json::Value;

use super::analyze::{self, cost, kebab, plain};
use super::failure::Outcome;
use super::output::{json, minute, print};
use super::terminal::{Colour, Style};
use super::{DataArgs, DatabaseArgs, Globals, opening, serve};

pub(super) const EXAMPLES: &str = "\
Examples:
  jotrack analyses --job job_0198...
  jotrack analyses --job job_0198... --json | jq '.[0].result'

The newest come first. SOURCE is fresh for a call of its own, cache or shared
for a kept answer, pooled for one that joined a call under way, stale for an
old one.";

/// Options of `analyses`.
#[derive(Debug, Args)]
pub(super) struct AnalysesArgs {
    /// The job, by the id of the API
    #[arg(long, value_name = "ID")]
    job: String,
    /// Only those of a kind; give it again for more
    #[arg(long, value_parser = analyze::kinds(), value_name = "KIND", hide_possible_values = true)]
    kind: Vec<jotrack_core::AnalysisKind>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// Print a JSON array instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Lists the analyses of a job.
pub(super) fn run(args: &AnalysesArgs, globals: &Globals) -> Outcome {
    let job = analyze::job_id(&args.job)?;
    let mut config = opening::existing(&args.data, &args.database, globals)?;
    config.background = false;
    let found = serve::runtime()?.block_on(async {
        let engine = opening::open(config).await?;
        let found = async {
            let about = engine.get_job(job).await?;
            Ok((about, engine.analyses_of_job(job, &args.kind, args.limit).await?))
        };
        let found = found.await.map_err(|error| {
            let kind = jotrack_core::AnalysisKind::MatchScore;
            analyze::failure(error, &AnalysisRequest::of_job(kind, job))
        });
        engine.close().await.map_err(anyhow::Error::new)?;
        found
    });
    let ((job, _), analyses) = found?;
    if args.json {
        let list = analyses.iter().map(analyze::with_node_ids).collect();
        return print(&json(&Value::Array(list))?);
    }
    let title = plain(&format!("{} at {}", job.title, job.company));
    print(&render(&title, &analyses, Colour::of_stdout(&globals.env)))
}

fn render(title: &str, analyses: &[Analysis], colour: Colour) -> String {
    let mut out = colour.paint(Style::Strong, title) + "\n";
    if analyses.is_empty() {
        out.push_str("No analysis yet; `jotrack analyze --job ID --kind match-score` makes one.\n");
        return out;
    }
    let head = row(["KIND", "STATE", "SOURCE", "PROVIDER", "WHEN"]);
    out.push_str(&colour.paint(Style::Faint, &head));
    out.push('\n');
    for analysis in analyses {
        let source = analysis.source.map_or_else(String::new, |source| kebab(source.as_str()));
        out.push_str(&row([
            &kebab(analysis.kind.as_str()),
            &kebab(analysis.state.as_str()),
            &source,
            &kebab(analysis.provider.as_str()),
            &minute(analysis.created_at),
        ]));
        out.push('\n');
        let tokens = analysis.usage.input + analysis.usage.output;
        let more =
            format!("  {}  {tokens} tokens  {}", analysis.id.node_id(), cost(analysis.cost_micros));
        out.push_str(&colour.paint(Style::Faint, &more));
        out.push('\n');
        if let Some(failure) = &analysis.error {
            for line in super::terminal::wrap(&plain(&failure.message), 76) {
                out.push_str(&format!("  {}\n", colour.paint(Style::Bad, &line)));
            }
        }
    }
    out
}

fn row([kind, state, source, provider, when]: [&str; 5]) -> String {
    format!("{kind:<21}{state:<11}{source:<8}{provider:<19}{when}")
}
