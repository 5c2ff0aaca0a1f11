//! The command line: flags and settings over the engine's `Config`, one file per command.
//!
//! This is the only place that reads the environment, and with `main.rs` the only one that uses
//! `anyhow`: a command ends in words for a person and in an exit code.

mod analyses;
mod analyze;
mod answering;
mod cache;
pub mod demo;
mod doctor;
mod environment;
mod failure;
mod keys;
mod match_command;
mod opening;
mod output;
mod serve;
mod settings;
mod terminal;
mod token;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use jotrack_core::Config;
use jotrack_core::attachments::extract::child_main;
use tracing_subscriber::EnvFilter;

use environment::Environment;
use failure::Outcome;
use serve::{LocalArgs, ServeArgs};
use settings::{Flags, Settings};

pub use failure::Failure;

/// What is logged unless told otherwise.
const DEFAULT_LOG: &str = "warn";

const ABOUT: &str = "\
Tracks job applications: the engine with its GraphQL API, a playground and a
few commands. Without a command it serves. Nothing leaves this machine unless
you name an AI provider.";

const AFTER_HELP: &str = "\
Settings come from a TOML file, over it from environment variables, over them
from options. The file is --config FILE, else JOTRACK_CONFIG, else
jotrack/config.toml in the platform's folder for settings. Each key is also a
variable: JOTRACK_LISTEN, JOTRACK_DATA (for data_dir), JOTRACK_TRASH_DAYS,
JOTRACK_LIMITS_FILE_BYTES, JOTRACK_STORAGE_SYNCHRONOUS, ...

The data is a SQLite file in the data folder, or a PostgreSQL database: `database`
in the file, JOTRACK_DATABASE_URL, or --database. An option shows its password to
everybody who lists processes; keep it in the file, in the variable, or in the
file that JOTRACK_DATABASE_URL_FILE names. More about it: `jotrack serve --help`.

Analyses are made by the engine itself unless JOTRACK_AI_PROVIDER, or `provider`
in the table [ai] of the file, names anthropic, openai or openai_compatible; then
set JOTRACK_AI_MODEL, JOTRACK_AI_API_KEY and, for a compatible server,
JOTRACK_AI_BASE_URL. More about it: `jotrack serve --help`.

Exit codes:
  0  done
  1  it failed: the cause is on standard error
  2  the command line, a setting or an input file is wrong
  3  doctor or keys found problems
  130  Ctrl-C ended it, 143 SIGTERM; serve and demo then end with 0

Examples:
  jotrack                                     serve on 127.0.0.1:4000
  jotrack serve --database postgres://db/jt   keep the data in PostgreSQL
  jotrack demo                                serve a sample data set
  jotrack match --resume cv.pdf --jd job.md   compare two documents
  jotrack analyze --job ID --kind match-score --watch
                                              ask for an analysis of a job
  jotrack schema > schema.graphql             print the GraphQL schema
  jotrack keys set anthropic < key.txt        keep the key of an AI provider
  jotrack doctor                              check the data";

const MISPLACED: &str = "\
error: an address stands where none is expected; name a database with
       --database URL, behind the command

For more information, try '--help'.
";

#[derive(Debug, Parser)]
#[command(name = "jotrack", version, about = ABOUT, after_help = AFTER_HELP, max_term_width = 80)]
struct Cli {
    /// Settings file
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What to log on standard error, such as `info` or `jotrack_core=debug`
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// Used when no command is given.
    #[command(flatten)]
    serve: ServeArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API and the playground on this machine (the default)
    #[command(after_help = serve::EXAMPLES)]
    Serve(ServeArgs),
    /// Serve a sample data set of invented people and companies
    #[command(after_help = demo::EXAMPLES)]
    Demo(demo::DemoArgs),
    /// Compare a résumé with a job description
    #[command(after_help = match_command::EXAMPLES)]
    Match(match_command::MatchArgs),
    /// Ask for an analysis of a job, a company or a document
    #[command(after_help = analyze::EXAMPLES)]
    Analyze(Box<analyze::AnalyzeArgs>),
    /// List the analyses of a job
    #[command(after_help = analyses::EXAMPLES)]
    Analyses(analyses::AnalysesArgs),
    /// Count or remove the answers that are kept
    Cache(cache::CacheArgs),
    /// Print the GraphQL schema
    #[command(after_help = "Examples:\n  jotrack schema > schema.graphql")]
    Schema,
    /// Check the data and, when asked to, rebuild what can be rebuilt
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::DoctorArgs),
    /// Keep the keys of AI providers, and rotate the key that seals them
    #[command(after_help = keys::EXAMPLES)]
    Keys(keys::KeysArgs),
    /// Manage the token that opens the server
    Token(token::TokenArgs),
    /// Read one document from standard input in a process with tight limits
    #[command(hide = true)]
    Extract {
        /// Kind of the document
        kind: String,
    },
}

/// Where the data is, for commands that do not serve.
#[derive(Debug, Clone, Default, Args)]
struct DataArgs {
    /// Data folder [default: jotrack in the platform's folder for data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Which database holds the data.
#[derive(Debug, Clone, Default, Args)]
struct DatabaseArgs {
    /// SQLite file or PostgreSQL, as postgres://USER:PASSWORD@HOST:PORT/NAME
    /// [default: jotrack.db in the data folder]
    #[arg(long, value_name = "PATH|URL", verbatim_doc_comment)]
    database: Option<String>,
    /// PostgreSQL itself, where --database leads to PgBouncer
    #[arg(long, value_name = "URL")]
    database_direct: Option<String>,
    /// Read replica of PostgreSQL; give it again for each more
    #[arg(long, value_name = "URL")]
    replica: Vec<String>,
}

impl DatabaseArgs {
    fn is_empty(&self) -> bool {
        let Self { database, database_direct, replica } = self;
        database.is_none() && database_direct.is_none() && replica.is_empty()
    }
}

/// What every command gets: the environment and the options that stand before the command.
struct Globals {
    env: Environment,
    flags: Flags,
}

impl Globals {
    /// Returns the settings with the options of a command.
    fn settings(&self, local: &LocalArgs, database: &DatabaseArgs) -> Result<Settings, Failure> {
        let mut flags = self.flags.clone();
        flags.listen = local.listen.clone().or(flags.listen);
        flags.data = local.data.clone().or(flags.data);
        flags.database = database.database.clone().or(flags.database);
        flags.database_direct = database.database_direct.clone().or(flags.database_direct);
        if !database.replica.is_empty() {
            flags.replicas.clone_from(&database.replica);
        }
        Settings::load(&flags, &self.env)
    }

    /// Returns the settings of a command that only reads or repairs data.
    fn data_settings(&self, data: &DataArgs, database: &DatabaseArgs) -> Result<Settings, Failure> {
        self.settings(&LocalArgs { listen: None, data: data.data.clone() }, database)
    }

    /// Returns the engine's configuration: PDF text comes from a child that runs this program.
    fn engine_config(&self, settings: &Settings, data_dir: PathBuf) -> Config {
        let mut config = settings.config.clone();
        config.data_dir = Some(data_dir);
        config.extractor = config.extractor.or_else(|| std::env::current_exe().ok());
        config
    }
}

/// Runs the program with the given arguments and returns its exit code.
///
/// It writes results to standard output and everything else to standard error.
#[must_use]
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<_> = args.into_iter().collect();
    let parsed = Cli::command()
        .try_get_matches_from(&args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return clap_answer(&error, &args),
    };
    // The child gives up its rights before it reads: no settings, no log, no runtime before it.
    if let Some(Command::Extract { kind }) = &cli.command {
        return ExitCode::from(u8::try_from(child_main(kind)).unwrap_or(1));
    }
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                terminal::tell(&format!("jotrack: {message}\n"));
            }
            failure.exit_code()
        }
    }
}

/// Help and version are answers, not errors; clap knows the stream and the code for each. An error
/// that repeats an address, which may hold a password, is told in other words.
fn clap_answer(error: &clap::Error, args: &[OsString]) -> ExitCode {
    let text = error.to_string();
    let addresses = args.iter().filter_map(|arg| arg.to_str()).filter(|arg| arg.contains("://"));
    if error.use_stderr() && addresses.into_iter().any(|address| text.contains(address)) {
        terminal::tell(MISPLACED);
    } else {
        // A reader that went away is nobody to tell about it.
        drop(error.print());
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1))
}

fn dispatch(cli: Cli) -> Outcome {
    let ServeArgs { local, database } = &cli.serve;
    let flags = Flags {
        config: cli.config,
        log: cli.log,
        listen: local.listen.clone(),
        data: local.data.clone(),
        database: database.database.clone(),
        database_direct: database.database_direct.clone(),
        replicas: database.replica.clone(),
    };
    if local.listen.is_some()
        && !matches!(cli.command, None | Some(Command::Serve(_) | Command::Demo(_)))
    {
        return Err(Failure::Input("--listen belongs to the commands serve and demo".to_owned()));
    }
    if !database.is_empty()
        && matches!(
            cli.command,
            Some(
                Command::Demo(_)
                    | Command::Match(_)
                    | Command::Schema
                    | Command::Token(_)
                    | Command::Extract { .. }
            )
        )
    {
        return Err(Failure::Input(
            "--database, --database-direct and --replica belong to the commands serve, doctor, \
             analyze, analyses, cache and keys"
                .to_owned(),
        ));
    }
    let globals = Globals { env: Environment::of_process(), flags };
    match cli.command {
        None => serve::run(&cli.serve, &globals),
        Some(Command::Serve(args)) => serve::run(&args, &globals),
        Some(Command::Demo(args)) => demo::run(&args, &globals),
        Some(Command::Match(args)) => match_command::run(&args, &globals),
        Some(Command::Analyze(args)) => analyze::run(&args, &globals),
        Some(Command::Analyses(args)) => analyses::run(&args, &globals),
        Some(Command::Cache(args)) => cache::run(&args, &globals),
        Some(Command::Schema) => schema(),
        Some(Command::Doctor(args)) => doctor::run(&args, &globals),
        Some(Command::Keys(args)) => keys::run(&args, &globals),
        Some(Command::Token(args)) => token::run(&args, &globals),
        Some(Command::Extract { .. }) => Ok(()),
    }
}

fn schema() -> Outcome {
    output::print(&crate::schema::sdl())
}

/// Starts the log on standard error with the filter of the settings.
fn start_log(settings: &Settings) {
    let filter = settings.log.as_deref().unwrap_or(DEFAULT_LOG);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // Only a second start in one process fails, and then the first one goes on.
    drop(log.try_init());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_serve_need_no_command() {
        let cli = Cli::try_parse_from(["jotrack", "--listen", "[::1]:0", "--data", "d"]).unwrap();

        assert!(cli.command.is_none());
        assert_eq!(cli.serve.local.listen.as_deref(), Some("[::1]:0"));
        assert_eq!(cli.serve.local.data, Some(PathBuf::from("d")));
    }

    #[test]
    fn every_visible_command_shows_examples_in_its_help() {
        let mut cli = Cli::command();
        cli.build();
        for command in cli.get_subcommands_mut().filter(|c| !c.is_hide_set()) {
            if command.get_name() == "help" {
                continue;
            }
            let help = command.render_long_help().to_string();
            let nested = command.get_subcommands_mut().map(|c| c.render_long_help().to_string());
            let nested: String = nested.collect();

            assert!(help.contains("Examples:") || nested.contains("Examples:"), "{help}");
            assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
        }
    }
}
