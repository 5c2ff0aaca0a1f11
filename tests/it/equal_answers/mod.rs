//! Equal answers: random commands go to an engine on SQLite and to one on PostgreSQL. What they
//! answer, every row that they leave and everything that a client can ask must be the same.
//!
//! `JOTRACK_EQUAL_SEED` runs a seed again that a failure has printed, `JOTRACK_EQUAL_CASES` and
//! `JOTRACK_EQUAL_SECONDS` run more cases.

mod choices;
mod commands;
mod pair;
mod questions;
mod rows;
mod stories;
mod texts;

use std::{
    cell::RefCell,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use commands::Command;
use jotrack_core::random_bytes;
use jotrack_tests::{
    files,
    services::{self, Cluster},
};
use pair::{Pair, Tally};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};
use texts::Text;

/// Cases of a run of all tests.
const CASES: u32 = 8;
/// Cases that a failure is made smaller with, each as long as a case.
const SHRINKS: u32 = 300;

/// A life of a data folder, and what is looked for in the end.
#[derive(Debug, Clone)]
struct Life {
    commands: Vec<Command>,
    queries: Vec<String>,
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for command in &self.commands {
            writeln!(f, "  {command:?}")?;
        }
        write!(f, "  searches {:?}", self.queries)
    }
}

fn life() -> impl Strategy<Value = Life> {
    // Without a job most commands do nothing.
    let first = proptest::collection::vec(choices::create(), 1..6);
    let commands = stories::commands();
    let queries = proptest::collection::vec(texts::query(), 1..16);
    (first, commands, queries).prop_map(|(mut first, commands, queries)| {
        first.extend(commands);
        Life { commands: first, queries }
    })
}

#[test]
fn any_commands_leave_the_same_rows_and_answers_on_both_engines() {
    let Some(postgres) = services::shared() else { return };
    let cases = number("JOTRACK_EQUAL_CASES").map_or(CASES, |n| u32::try_from(n).unwrap());
    let seconds = number("JOTRACK_EQUAL_SECONDS");
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tally = RefCell::new(Tally::new());
    loop {
        let seed = number("JOTRACK_EQUAL_SEED")
            .unwrap_or_else(|| u64::from_le_bytes(random_bytes().unwrap()) % 1_000_000_000);
        println!("JOTRACK_EQUAL_SEED={seed} with {cases} cases");
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let config = Config {
            cases,
            max_shrink_iters: SHRINKS,
            failure_persistence: None,
            ..Config::default()
        };
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let outcome = TestRunner::new_with_rng(config, random).run(&life(), |life| {
            let done =
                runtime.block_on(live(postgres.cluster(), &life)).map_err(TestCaseError::fail)?;
            let mut tally = tally.borrow_mut();
            for (name, (all, good)) in done {
                let sum = tally.entry(name).or_default();
                (sum.0, sum.1) = (sum.0 + all, sum.1 + good);
            }
            Ok(())
        });
        match outcome {
            Ok(()) => {}
            Err(TestError::Fail(why, life)) => {
                panic!("JOTRACK_EQUAL_SEED={seed}: {why}\nafter {life}")
            }
            Err(TestError::Abort(why)) => panic!("JOTRACK_EQUAL_SEED={seed}: {why}"),
        }
        if until.is_none_or(|until| Instant::now() >= until) {
            break;
        }
    }
    for (name, (all, good)) in tally.into_inner() {
        println!("{name}: {good} of {all}");
    }
}

#[test]
fn hard_texts_are_found_alike_on_both_engines() {
    let Some(postgres) = services::shared() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let lives = [
        // A text without a word between others.
        stories::texts(&[
            (0, "RESUME", plain("!!!")),
            (0, "JD", plain("Rust lead")),
            (0, "OTHER", plain("...")),
        ]),
        stories::texts(&[
            (0, "RESUME", plain("full")),
            (0, "JD", plain("...")),
            (0, "OTHER", plain("stack")),
        ]),
        // Words behind the last place that a tsvector names, or more of one than it counts.
        stories::texts(&[
            (0, "RESUME", Text::Far("remote first rust".into())),
            (1, "JD", plain("first remote")),
        ]),
        stories::texts(&[
            (0, "RESUME", Text::Often("spam first".into())),
            (1, "JD", Text::Beyond("beyond".into())),
        ]),
        stories::texts(&[
            (0, "RESUME", Text::Far(String::new())),
            (0, "JD", plain("behind all words")),
        ]),
        stories::texts(&[
            (0, "RESUME", Text::Beyond(String::new())),
            (0, "JD", plain("behind the last word")),
        ]),
        stories::texts(&[
            (0, "RESUME", Text::Wide("wide".into())),
            (0, "JD", plain("behind wide words")),
        ]),
        // Words of which each engine might think in its own way.
        stories::texts(&[(
            0,
            "JD",
            plain("οδός ΟΔΟΣ 🅰 ẞ straße ſoft Ꭰ ꭰ Ა ა 𐐀 𞤀 İ ı ǅ ﬁ ½ ² x\u{200d}y"),
        )]),
    ];
    let queries = [
        "rust",
        "\"full stack\"",
        "\"remote first\"",
        "\"first remote\"",
        "\"first rust\"",
        "rem",
        "-first remote",
        "\"spam first\"",
        "\"lead spam\"",
        "\"spam lead spam\"",
        "-\"spam lead\" beyond",
        "beyond",
        "f16499",
        "f1649",
        "\"f16498 f16499 remote\"",
        "\"f16499 behind\"",
        "behind",
        "\"f19999 behind\"",
        "title:rust",
        "company:acme f7",
        "οδός",
        "οδοσ",
        "🅰",
        "ß",
        "ẞ",
        "strasse",
        "soft",
        "Ꭰ",
        "ꭰ",
        "Ა",
        "ა",
        "𐐨",
        "𞤢",
        "i",
        "ı",
        "dž",
        "fi",
        "1",
        "2",
        "x",
        "y",
    ];
    for commands in lives {
        let queries = queries.map(str::to_owned).to_vec();
        let life = Life { commands, queries };
        let outcome = runtime.block_on(live(postgres.cluster(), &life));
        outcome.unwrap_or_else(|why| panic!("{why}\nafter {life}"));
    }
}

fn plain(text: &str) -> Text {
    Text::Plain(text.to_owned())
}

/// Lives one life on both engines; tells what was done.
async fn live(cluster: &Arc<Cluster>, life: &Life) -> Result<Tally, String> {
    let mut pair = Pair::open(cluster).await;
    for command in &life.commands {
        pair.run(command).await?;
    }
    rows::compare(&pair).await?;
    same_files(&pair)?;
    questions::ask(&mut pair, &life.queries).await?;
    for side in [&pair.lite, &pair.pg] {
        let report = side.lab.engine.check().await.unwrap();
        if !report.is_healthy() {
            return Err(format!("{report:?}"));
        }
    }
    let tally = std::mem::take(&mut pair.tally);
    pair.close().await;
    Ok(tally)
}

/// Files are called by their digests.
fn same_files(pair: &Pair) -> Result<(), String> {
    let [lite, pg] = [&pair.lite, &pair.pg].map(|side| {
        let blobs = side.lab.dir.path().join("blobs");
        let all = files(&blobs).into_iter();
        let mut names: Vec<_> =
            all.map(|path| path.strip_prefix(&blobs).unwrap().to_owned()).collect();
        names.sort();
        names
    });
    if lite == pg { Ok(()) } else { Err(format!("files: SQLite {lite:?}, PostgreSQL {pg:?}")) }
}

fn number(name: &str) -> Option<u64> {
    let value = std::env::var_os(name)?.into_string().unwrap();
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is not a number")))
}
