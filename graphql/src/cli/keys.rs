//! `jotrack keys`: the keys of AI providers, and the master key that seals them.

use std::io::{self, IsTerminal as _, Read as _, Write as _};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jotrack_core::{
    AiProvider, Config, Engine, Error, KeySource, KeysStatus, ProviderKey, RotationReport,
    Timestamp, WriteOptions,
};

use super::failure::{Failure, Outcome};
use super::serve::{self, FOLDER};
use super::terminal::{Colour, Progress, Style, ask, hide_typing, tell};
use super::{DataArgs, DatabaseArgs, Globals, opening, start_log};

pub(super) const EXAMPLES: &str = "\
Examples:
  jotrack keys set anthropic < key.txt  keep a provider's key, sealed
  jotrack keys list                     what is kept, without the keys
  jotrack keys delete anthropic         forget it
  jotrack keys status                   the master key and what it seals
  jotrack keys rotate                   seal everything with a new one

The master key is DIR/master.key in the data folder, made when it is first
needed. Keep a copy away from the backups: without it nothing that is sealed can
be read again. It protects copies of the database, not the folder it lies in.

JOTRACK_MASTER_KEY (32 bytes in base64) or JOTRACK_MASTER_KEY_FILE takes its
place, with one key per line, the current one first. To rotate such keys give
the new one first and the old one behind it, run `jotrack keys rotate`, and then
take the old one away.";

const SET_EXAMPLES: &str = "\
Examples:
  jotrack keys set anthropic            type the key, unseen
  jotrack keys set openai < key.txt     read it from a file
  jotrack keys set openai_compatible --base-url https://models.example/v1
                                        the key is sent to this address only

A key is never an option: everybody on this machine who lists processes would
see it. It cannot be read back.";

const DELETE_EXAMPLES: &str = "\
Examples:
  jotrack keys delete openai            asks first
  jotrack keys delete openai --yes      for programs";

const ROTATE_EXAMPLES: &str = "\
Examples:
  jotrack keys rotate                   a new key for everything that is sealed

A server may go on running. If it is killed, run it again: it goes on where it
stood. Old keys stay in the file; earlier backups need them.";

const STATUS_EXAMPLES: &str = "\
Examples:
  jotrack keys status                   look at the default folder
  jotrack keys status --json            the same for a program

Exit codes: 0 every secret can be opened, 3 a key is missing or wrong.";

const LIST_EXAMPLES: &str = "\
Examples:
  jotrack keys list                     the end and the fingerprint of each key
  jotrack keys list --json              the same for a program";

/// Bytes of a provider's key on standard input; a longer one is none.
const INPUT_MAX: u64 = 8 * 1024;

/// Options of `keys`.
#[derive(Debug, Args)]
pub(super) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Keep the key of an AI provider, read from standard input
    #[command(after_help = SET_EXAMPLES)]
    Set {
        /// anthropic, openai or openai_compatible
        #[arg(value_parser = provider)]
        provider: AiProvider,
        /// The only address the key is sent to; needed for openai_compatible
        #[arg(long, value_name = "URL")]
        base_url: Option<String>,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// List the providers whose keys are kept
    #[command(after_help = LIST_EXAMPLES)]
    List {
        /// Print JSON instead of text
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Forget the key of an AI provider
    #[command(after_help = DELETE_EXAMPLES)]
    Delete {
        /// anthropic, openai or openai_compatible
        #[arg(value_parser = provider)]
        provider: AiProvider,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Tell how the master key is doing
    #[command(after_help = STATUS_EXAMPLES)]
    Status {
        /// Print one JSON object instead of text
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Seal everything with a new master key
    #[command(after_help = ROTATE_EXAMPLES)]
    Rotate {
        #[command(flatten)]
        place: PlaceArgs,
    },
}

/// Where the data is.
#[derive(Debug, Clone, Args)]
struct PlaceArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

fn provider(word: &str) -> Result<AiProvider, String> {
    AiProvider::parse(&word.to_ascii_uppercase().replace('-', "_"))
        .filter(|provider| *provider != AiProvider::Local)
        .ok_or_else(|| "a provider is anthropic, openai or openai_compatible".to_owned())
}

fn word(provider: AiProvider) -> String {
    provider.as_str().to_ascii_lowercase()
}

/// Runs one of the commands.
pub(super) fn run(args: &KeysArgs, globals: &Globals) -> Outcome {
    match &args.command {
        KeysCommand::Set { provider, base_url, place } => {
            let (config, _) = settle(place, globals)?;
            let secret = secret_from_stdin(*provider)?;
            with_engine(config, async |engine| {
                let url = base_url.as_deref();
                let options = WriteOptions::default();
                engine.set_provider_key(*provider, &secret, url, &options).await?;
                Ok(format!("The key of {} is kept.\n", word(*provider)))
            })
        }
        KeysCommand::List { json, place } => {
            let (config, colour) = existing(place, globals)?;
            with_engine(config, async |engine| {
                let keys = engine.provider_keys().await?;
                if *json { to_json(&keys) } else { Ok(list(&keys, colour)) }
            })
        }
        KeysCommand::Delete { provider, yes, place } => {
            let (config, _) = existing(place, globals)?;
            let name = word(*provider);
            if !yes && !ask(&format!("Forget the key of {name}? It cannot be read back. [y/N] "))? {
                return Err(Failure::Input("nothing was deleted".to_owned()));
            }
            with_engine(config, async |engine| {
                engine.delete_provider_key(*provider, &WriteOptions::default()).await?;
                Ok(format!("The key of {name} is forgotten.\n"))
            })
        }
        KeysCommand::Status { json, place } => {
            let (config, colour) = existing(place, globals)?;
            let mut ok = true;
            with_engine(config, async |engine| {
                let status = engine.keys_status().await?;
                ok = status.ok;
                if *json { to_json(&status) } else { Ok(tell_status(&status, colour)) }
            })?;
            if ok { Ok(()) } else { Err(Failure::Problems) }
        }
        KeysCommand::Rotate { place } => {
            let (config, _) = existing(place, globals)?;
            let given = !matches!(config.master_key, KeySource::Folder);
            let mut whole = true;
            with_engine(config, async |engine| {
                let mut progress = Progress::new("Sealing");
                let report = engine
                    .rotate_keys(|at| {
                        let number = |n| usize::try_from(n).unwrap_or(usize::MAX);
                        progress.step(number(at.done), number(at.total));
                    })
                    .await?;
                whole = report.remaining == 0;
                Ok(tell_report(&report, given))
            })?;
            if whole { Ok(()) } else { Err(Failure::Problems) }
        }
    }
}

/// Returns the settings of the engine.
fn settle(place: &PlaceArgs, globals: &Globals) -> Result<(Config, Colour), Failure> {
    let settings = globals.data_settings(&place.data, &place.database)?;
    start_log(&settings);
    let dir = settings.data_dir(&globals.env, FOLDER)?;
    let config = Config { background: false, ..globals.engine_config(&settings, dir) };
    Ok((config, Colour::of_stdout(&globals.env)))
}

/// The same for a command to which an empty database is no answer.
fn existing(place: &PlaceArgs, globals: &Globals) -> Result<(Config, Colour), Failure> {
    let (config, colour) = settle(place, globals)?;
    let dir = config.data_dir.clone().unwrap_or_default();
    let file = config.database.clone().unwrap_or_else(|| dir.join("jotrack.db"));
    if config.postgres.is_none() && !file.is_file() {
        return Err(Failure::Input(format!("there is no database at {}", file.display())));
    }
    Ok((config, colour))
}

/// Opens the engine, does the work and prints what it returns.
fn with_engine(
    config: Config,
    work: impl AsyncFnOnce(&Engine) -> Result<String, Error>,
) -> Outcome {
    let text = serve::runtime()?.block_on(async {
        let engine = opening::open(config).await?;
        let done = work(&engine).await;
        engine.close().await.context("close the database")?;
        done.map_err(failure)
    })?;
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Invalid(violations) => Failure::Input(violations.to_string()),
        Error::NotFound { what, id } => {
            Failure::Input(format!("there is no {what} of {}", id.to_ascii_lowercase()))
        }
        // The operator is who can do something about a key: the cause belongs here.
        error => Failure::Other(anyhow::anyhow!("{}", error.chain())),
    }
}

fn to_json(value: &impl serde::Serialize) -> Result<String, Error> {
    let mut json =
        serde_json::to_string_pretty(value).map_err(|e| Error::internal("write JSON", e))?;
    json.push('\n');
    Ok(json)
}

/// Reads a provider's key: a line that is typed unseen, or all of a file or a pipe.
fn secret_from_stdin(provider: AiProvider) -> Result<String, Failure> {
    let mut text = String::new();
    let stdin = io::stdin();
    if stdin.is_terminal() {
        tell(&format!("Key of {} (it is not shown): ", word(provider)));
        let hidden = hide_typing();
        let read = stdin.read_line(&mut text);
        drop(hidden);
        tell("\n");
        read?;
    } else {
        stdin.lock().take(INPUT_MAX).read_to_string(&mut text)?;
    }
    if text.trim().is_empty() {
        return Err(Failure::Input("standard input holds no key".to_owned()));
    }
    Ok(text)
}

fn list(keys: &[ProviderKey], colour: Colour) -> String {
    if keys.is_empty() {
        return "No provider's key is kept; `jotrack keys set PROVIDER` keeps one.\n".to_owned();
    }
    let head = format!(
        "{:<18} {:<6} {:<11} {:<17} {}",
        "Provider", "Ends", "Fingerprint", "Last used", "Sent to"
    );
    let mut text = format!("{}\n", colour.paint(Style::Strong, &head));
    for key in keys {
        let used = key.last_used_at.map_or_else(|| "never".to_owned(), minute);
        let url = key.base_url.as_deref().unwrap_or("the provider's own address");
        let (name, end) = (word(key.provider), &key.last4);
        text.push_str(&format!("{name:<18} {end:<6} {:<11} {used:<17} {url}\n", key.fingerprint));
    }
    text
}

fn tell_status(status: &KeysStatus, colour: Colour) -> String {
    let place = status.path.as_ref().map(|path| format!(" {}", path.display()));
    let mut text = format!("Source   {}{}\n", status.source, place.unwrap_or_default());
    let state = match &status.problem {
        Some(problem) => colour.paint(Style::Bad, problem),
        None if status.keys.is_empty() => "nothing is sealed yet".to_owned(),
        None => colour.paint(Style::Good, "ok"),
    };
    text.push_str(&format!("State    {state}\n"));
    if status.keys.is_empty() {
        return text;
    }
    let head = format!("{:<17} {:>8} {:>8}  {:<17} {}", "Key", "Values", "Seals", "Since", "");
    text.push_str(&format!("\n{}\n", colour.paint(Style::Strong, head.trim_end())));
    for key in &status.keys {
        let since = key.created_at.map_or_else(|| "unused".to_owned(), minute);
        let note = match (key.held, status.current.as_ref() == Some(&key.kek_id)) {
            (_, true) => "current",
            (true, false) if key.rows == 0 => "may be removed",
            (true, false) => "rotate to free it",
            (false, false) if key.rows == 0 => "gone, not needed",
            (false, false) => "missing",
        };
        let (id, rows, wraps) = (&key.kek_id, key.rows, key.wraps);
        text.push_str(&format!("{id:<17} {rows:>8} {wraps:>8}  {since:<17} {note}\n"));
    }
    text
}

fn tell_report(report: &RotationReport, given: bool) -> String {
    let Some(current) = &report.current else {
        return "Nothing is sealed; there is no key to rotate.\n".to_owned();
    };
    let how = match (report.made, given) {
        (true, _) => "a new key",
        (false, true) => "the first of the given keys",
        (false, false) => "the key of an earlier rotation",
    };
    let mut text = format!("{} values were sealed with {current}, {how}.\n", report.rewrapped);
    if report.damaged > 0 {
        text.push_str(&format!("{} are damaged and were left.\n", report.damaged));
    }
    if report.remaining > 0 {
        text.push_str(&format!("{} still need an old key; run it again.\n", report.remaining));
    }
    if !report.removable.is_empty() {
        let keys = report.removable.join(", ");
        text.push_str(&format!(
            "No longer needed but by earlier backups: {keys}.\nKeep a copy of the new key."
        ));
        text.push('\n');
    }
    text
}

/// An instant to the minute, in UTC.
fn minute(at: Timestamp) -> String {
    let text = at.to_rfc3339();
    text.get(..16).map_or_else(|| text.clone(), |text| format!("{}Z", text.replace('T', " ")))
}
