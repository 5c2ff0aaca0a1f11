//! `jotrack match`: how well a résumé fits a job description, without a key and without a server.

mod documents;
mod report;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use jotrack_core::Clock;
use jotrack_core::analysis::{self, MatchInput, MatchReport, Today};
use jotrack_core::attachments::extract::{Extracted, Sandbox};

use super::failure::Outcome;
use super::output::{json, print};
use super::serve;
use super::terminal::Colour;
use super::{Globals, start_log};
use report::{Comparison, Side};

pub(super) use report::{bar, style_of};

pub(super) const EXAMPLES: &str = "\
Examples:
  jotrack match --resume cv.pdf --jd posting.docx
  jotrack match --resume cv.md --jd posting.txt --json | jq .overall

PDF, DOCX, RTF, MD and TXT are read. The score is computed on this machine from
a dictionary and rules; the same files always give the same score. Bands: POOR
up to 50, GOOD up to 75, EXCELLENT above.

Exit codes: 2 when a file is missing, empty, encrypted, damaged, a scan without
text or of another type; the message names the option.";

/// Options of `match`.
#[derive(Debug, Args)]
pub(super) struct MatchArgs {
    /// The résumé
    #[arg(long, value_name = "FILE")]
    resume: PathBuf,
    /// The job description
    #[arg(long, value_name = "FILE")]
    jd: PathBuf,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Compares the two files and prints the result.
pub(super) fn run(args: &MatchArgs, globals: &Globals) -> Outcome {
    let settings =
        globals.settings(&serve::LocalArgs::default(), &super::DatabaseArgs::default())?;
    start_log(&settings);
    let program = match settings.config.extractor.clone() {
        Some(program) => program,
        None => std::env::current_exe().context("find this program")?,
    };
    let sandbox = Sandbox::new(program);
    let (resume, jd) = serve::runtime()?.block_on(async {
        tokio::join!(
            documents::read("--resume", &args.resume, &sandbox),
            documents::read("--jd", &args.jd, &sandbox),
        )
    });
    let (resume, jd) = (resume?, jd?);
    let comparison = Comparison {
        report: analyze(&resume.text, &jd.text, &settings.config.extra_skills),
        resume: side(&args.resume, &resume),
        jd: side(&args.jd, &jd),
    };
    let text = if args.json {
        json(&comparison)?
    } else {
        report::render(&comparison, Colour::of_stdout(&globals.env))
    };
    print(&text)
}

fn analyze(resume: &str, jd: &str, extra_skills: &[String]) -> MatchReport {
    let (year, month) = Clock::System.now().year_month();
    analysis::analyze(&MatchInput { resume, jd, extra_skills, today: Today { year, month } })
}

fn side(path: &Path, extracted: &Extracted) -> Side {
    Side {
        file: path.display().to_string(),
        words: extracted.text.split_whitespace().count(),
        pages: extracted.page_count,
        truncated: extracted.truncated,
    }
}
