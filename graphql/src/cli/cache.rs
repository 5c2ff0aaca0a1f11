//! `jotrack cache`: the answers that are kept so that nothing is asked twice.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jotrack_core::{AnalysisKind, CacheStats, Engine, PurgeFilter};
use serde_json::{Value, json};

use super::analyze::{self, kebab, plain};
use super::failure::{Failure, Outcome};
use super::output::{json, print};
use super::terminal::confirm;
use super::{DataArgs, DatabaseArgs, Globals, opening, serve};

const STATS_EXAMPLES: &str = "\
Examples:
  jotrack cache stats
  jotrack cache stats --json | jq 'map(.entries) | add'

Counted are the answers of the local user and those kept for all users. A hit is
an answer that cost nothing.";

const PURGE_EXAMPLES: &str = "\
Examples:
  jotrack cache purge --company 'Lindenhof Robotics'
  jotrack cache purge --kind company-ecosystem --yes
  jotrack cache purge --yes               without a choice, all of them

Removed are answers of the local user and those kept for all users; what is kept
for other users of the database stays, and so do stored analyses. The next
request asks anew, which may cost money. `jotrack analyses --json` shows the key of an answer as cacheKey.";

/// Options of `cache`.
#[derive(Debug, Args)]
pub(super) struct CacheArgs {
    #[command(subcommand)]
    command: CacheCommand,
}

#[derive(Debug, Subcommand)]
enum CacheCommand {
    /// Count the kept answers
    #[command(after_help = STATS_EXAMPLES)]
    Stats(StatsArgs),
    /// Remove kept answers of the local user and those for all users
    #[command(after_help = PURGE_EXAMPLES)]
    Purge(PurgeArgs),
}

#[derive(Debug, Args)]
struct StatsArgs {
    /// Print a JSON array instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Args)]
struct PurgeArgs {
    /// Only the one kept under this key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Only those about a company, by any spelling of its name
    #[arg(long, value_name = "NAME")]
    company: Option<String>,
    /// Only those of a kind
    #[arg(long, value_parser = analyze::kinds(), value_name = "KIND", hide_possible_values = true)]
    kind: Option<AnalysisKind>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Counts or removes kept answers.
pub(super) fn run(args: &CacheArgs, globals: &Globals) -> Outcome {
    match &args.command {
        CacheCommand::Stats(args) => stats(args, globals),
        CacheCommand::Purge(args) => purge(args, globals),
    }
}

fn stats(args: &StatsArgs, globals: &Globals) -> Outcome {
    let mut config = opening::existing(&args.data, &args.database, globals)?;
    config.background = false;
    let stats = serve::runtime()?.block_on(async {
        let engine = opening::open(config).await?;
        let stats = engine.cache_stats().await;
        engine.close().await.context("close the database")?;
        Ok::<_, Failure>(stats.context("count the kept answers")?)
    })?;
    if args.json {
        return print(&json(&Value::Array(stats.iter().map(object).collect()))?);
    }
    print(&table(&stats))
}

fn object(stats: &CacheStats) -> Value {
    json!({
        "kind": stats.kind,
        "entries": stats.entries,
        "bytes": stats.bytes,
        "hits": stats.hits,
        "oldest": stats.oldest.map(jotrack_core::Timestamp::to_rfc3339),
    })
}

fn table(stats: &[CacheStats]) -> String {
    if stats.iter().all(|kind| kind.entries == 0) {
        return "No answer is kept.\n".to_owned();
    }
    let row = |kind: &str, [entries, bytes, hits]: [&str; 3], oldest: &str| {
        let line = format!("{kind:<21}{entries:>9}{bytes:>12}{hits:>9}  {oldest}");
        line.trim_end().to_owned() + "\n"
    };
    let mut out = row("KIND", ["ANSWERS", "BYTES", "HITS"], "OLDEST");
    for kind in stats.iter().filter(|kind| kind.entries > 0) {
        let oldest = kind.oldest.map_or_else(String::new, |at| at.to_rfc3339());
        let counts = [kind.entries, kind.bytes, kind.hits].map(|count| count.to_string());
        let oldest: String = oldest.chars().take(10).collect();
        out += &row(&kebab(kind.kind.as_str()), counts.each_ref().map(String::as_str), &oldest);
    }
    out
}

fn purge(args: &PurgeArgs, globals: &Globals) -> Outcome {
    let mut config = opening::existing(&args.data, &args.database, globals)?;
    if !args.yes {
        confirm(&question(args))?;
    }
    config.background = false;
    let filter =
        PurgeFilter { key: args.key.clone(), company: args.company.clone(), kind: args.kind };
    let removed = serve::runtime()?.block_on(async {
        let engine: Engine = opening::open(config).await?;
        // Whoever has the files is the operator.
        let removed = engine.purge_answers(&filter, true).await;
        engine.close().await.context("close the database")?;
        Ok::<_, Failure>(removed.context("remove kept answers")?)
    })?;
    let answers = if removed == 1 { "answer" } else { "answers" };
    print(&format!("Removed {removed} kept {answers}\n"))
}

fn question(args: &PurgeArgs) -> String {
    let mut which: Vec<String> = Vec::new();
    if let Some(key) = &args.key {
        which.push(format!("under {}", plain(key)));
    }
    if let Some(company) = &args.company {
        which.push(format!("about {}", plain(company)));
    }
    if let Some(kind) = args.kind {
        which.push(format!("of the kind {}", kebab(kind.as_str())));
    }
    if which.is_empty() {
        "Remove all kept answers of the local user, and those for all users?".to_owned()
    } else {
        format!("Remove the kept answers {}?", which.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use jotrack_core::Timestamp;

    use super::*;

    #[test]
    fn the_table_leaves_out_what_is_empty() {
        let stats = |kind, entries| CacheStats {
            kind,
            entries,
            bytes: 2_048,
            hits: 3,
            oldest: Some(Timestamp::from_ms(1_700_000_000_000)),
        };

        let text =
            table(&[stats(AnalysisKind::MatchScore, 2), stats(AnalysisKind::CoverLetter, 0)]);

        assert!(text.contains("match-score") && text.contains("2023-11-14"), "{text}");
        assert!(!text.contains("cover-letter"), "{text}");
        assert_eq!(table(&[stats(AnalysisKind::MatchScore, 0)]), "No answer is kept.\n");
    }
}
