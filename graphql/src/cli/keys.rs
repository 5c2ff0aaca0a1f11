//! `jotrack keys`: the keys of AI providers, and the master key that seals them.

use std::io::{self, IsTerminal as _, Read as _};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jotrack_core::{
    AiProvider, AiSettings, AiSettingsPatch, Config, Engine, Error, KeySource, KeysStatus, Patch,
    ProviderKey, RotationReport, WriteOptions,
};
use serde::Serialize;

use super::failure::{Failure, Outcome};
use super::output::{self, minute, print};
use super::terminal::{Colour, Progress, Style, ask_unseen, confirm};
use super::{DataArgs, DatabaseArgs, Globals, opening, serve};

pub(super) const EXAMPLES: &str = "\
Examples:
  jotrack keys set anthropic --use --model NAME < key.txt
                                        keep a provider's key, sealed, and use it
  jotrack keys list                     what is kept, without the keys, and
                                        whether it is used
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
  jotrack keys set openai --use --model NAME < key.txt
                                        and let this model answer from now on
  jotrack keys set openai_compatible --base-url https://models.example/v1
                                        the key is sent to this address only

A key is never an option: everybody on this machine who lists processes would
see it. It cannot be read back.

No key is used until the network is allowed: --use is the consent that texts of
jobs are sent to the provider. `settingsUpdate(patch: {aiNetworkEnabled: false})`
in the playground of `jotrack serve` takes it back.";

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
    Set(SetArgs),
    /// List the providers whose keys are kept, and whether they are used
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
    /// Tell how the master key is doing, and whether keys are used
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

/// Options of `keys set`.
#[derive(Debug, Args)]
struct SetArgs {
    /// anthropic, openai or openai_compatible
    #[arg(value_parser = provider)]
    provider: AiProvider,
    /// The only address the key is sent to; needed for openai_compatible
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Allow texts to be sent to the provider, and prefer it
    #[arg(long = "use", requires = "model")]
    r#use: bool,
    /// The model that answers then
    #[arg(long, value_name = "NAME", requires = "use")]
    model: Option<String>,
    #[command(flatten)]
    place: PlaceArgs,
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
        KeysCommand::Set(args) => set(args, globals),
        KeysCommand::List { json, place } => {
            let (keys, ai) = with_engine(place.existing(globals)?, async |engine| {
                Ok((engine.provider_keys().await?, Ai::of(engine).await?))
            })?;
            let colour = Colour::of_stdout(&globals.env);
            let text =
                if *json { output::json(&keys)? } else { list(&keys, colour) + "\n" + &ai.told() };
            print(&text)
        }
        KeysCommand::Delete { provider, yes, place } => {
            let config = place.existing(globals)?;
            let name = word(*provider);
            if !yes {
                confirm(&format!("Forget the key of {name}? It cannot be read back."))?;
            }
            let text = with_engine(config, async |engine| delete(engine, *provider).await)?;
            print(&text)
        }
        KeysCommand::Status { json, place } => {
            let told = with_engine(place.existing(globals)?, async |engine| {
                Ok(Told { status: engine.keys_status().await?, ai: Ai::of(engine).await? })
            })?;
            let colour = Colour::of_stdout(&globals.env);
            let text = if *json { output::json(&told)? } else { tell_status(&told, colour) };
            print(&text)?;
            if told.status.ok { Ok(()) } else { Err(Failure::Problems) }
        }
        KeysCommand::Rotate { place } => {
            let config = place.existing(globals)?;
            let given = !matches!(config.master_key, KeySource::Folder);
            let report = with_engine(config, async |engine| {
                let mut progress = Progress::new("Sealing");
                engine
                    .rotate_keys(|at| {
                        let number = |n| usize::try_from(n).unwrap_or(usize::MAX);
                        progress.step(number(at.done), number(at.total));
                    })
                    .await
            })?;
            print(&tell_report(&report, given))?;
            if report.remaining == 0 { Ok(()) } else { Err(Failure::Problems) }
        }
    }
}

fn set(args: &SetArgs, globals: &Globals) -> Outcome {
    let SetArgs { provider, base_url, r#use: _, model, place } = args;
    let config =
        Config { background: false, ..opening::config(&place.data, &place.database, globals)? };
    let secret = secret_from_stdin(*provider)?;
    let (used, ai) = with_engine(config, async |engine| {
        let options = WriteOptions::default();
        engine.set_provider_key(*provider, &secret, base_url.as_deref(), &options).await?;
        let used = match model {
            Some(model) => {
                let patch = AiSettingsPatch {
                    network_enabled: Some(true),
                    provider: Patch::Set(*provider),
                    model: Patch::Set(model.clone()),
                };
                engine.update_ai_settings(patch, &options).await.map(drop)
            }
            None => Ok(()),
        };
        Ok((used, Ai::of(engine).await?))
    })?;
    print(&format!("The key of {} is kept.\n", word(*provider)))?;
    used.map_err(failure)?;
    print(&ai.next_step(*provider))
}

/// Forgets a key, and the wish to prefer a provider that nobody can ask any more.
async fn delete(engine: &Engine, provider: AiProvider) -> Result<String, Error> {
    let options = WriteOptions::default();
    engine.delete_provider_key(provider, &options).await?;
    let mut text = format!("The key of {} is forgotten.\n", word(provider));
    let preferred = engine.ai_settings().await?.provider == Some(provider);
    if preferred && engine.config().ai.provider != provider {
        let (provider, model) = (Patch::Clear, Patch::Clear);
        let patch = AiSettingsPatch { network_enabled: None, provider, model };
        engine.update_ai_settings(patch, &options).await?;
        text.push_str("It is no longer preferred.\n");
    }
    Ok(text)
}

impl PlaceArgs {
    /// Returns the configuration of a command to which an empty database is no answer.
    fn existing(&self, globals: &Globals) -> Result<Config, Failure> {
        let config = opening::existing(&self.data, &self.database, globals)?;
        Ok(Config { background: false, ..config })
    }
}

/// Opens the engine and does the work.
fn with_engine<T>(
    config: Config,
    work: impl AsyncFnOnce(&Engine) -> Result<T, Error>,
) -> Result<T, Failure> {
    serve::runtime()?.block_on(async {
        let engine = opening::open(config).await?;
        let done = work(&engine).await;
        engine.close().await.context("close the database")?;
        done.map_err(failure)
    })
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

/// Reads a provider's key: a line that is typed unseen, or all of a file or a pipe.
fn secret_from_stdin(provider: AiProvider) -> Result<String, Failure> {
    let stdin = io::stdin();
    let text = if stdin.is_terminal() {
        ask_unseen(&format!("Key of {} (it is not shown): ", word(provider)), INPUT_MAX)?
    } else {
        let mut text = String::new();
        stdin.lock().take(INPUT_MAX).read_to_string(&mut text)?;
        text
    };
    if text.trim().is_empty() {
        return Err(Failure::Input("standard input holds no key".to_owned()));
    }
    Ok(text)
}

/// Whether kept keys are used, and for whom.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ai {
    network_enabled: bool,
    /// The preferred one.
    provider: Option<AiProvider>,
    model: Option<String>,
    /// Who answers a request that names nobody.
    in_effect: AiProvider,
    #[serde(skip)]
    knows_model: bool,
}

impl Ai {
    async fn of(engine: &Engine) -> Result<Self, Error> {
        let settings = engine.ai_settings().await?;
        let (in_effect, with) = settings.in_effect(&engine.config().ai);
        let knows_model = with.is_some();
        let AiSettings { network_enabled, provider, model } = settings;
        Ok(Self { network_enabled, provider, model, in_effect, knows_model })
    }

    fn told(&self) -> String {
        let network = if self.network_enabled { "allowed" } else { "not allowed, no key is used" };
        let preferred = match (self.provider, &self.model) {
            (Some(provider), Some(model)) => format!("{} with {model}", word(provider)),
            (Some(provider), None) => word(provider),
            (None, _) => "none".to_owned(),
        };
        let answers = word(self.in_effect);
        format!("Network  {network}\nPrefers  {preferred}\nAnswers  {answers}, if none is named\n")
    }

    /// Says what a key that was just kept is good for.
    fn next_step(&self, provider: AiProvider) -> String {
        let name = word(provider);
        let again = "repeat this with --use --model MODEL";
        match (self.network_enabled, self.in_effect == provider) {
            (false, _) => format!(
                "It is not used yet, since the network is not allowed: {again} to allow it\n\
                 and to ask {name} from now on.\n"
            ),
            (true, false) => {
                format!("It is used when a request names {name}; {again} to ask it always.\n")
            }
            (true, true) if !self.knows_model => {
                format!("No model is chosen, and {name} needs one: {again}.\n")
            }
            (true, true) => format!("Texts may be sent to {name}, which answers from now on.\n"),
        }
    }
}

/// What `status` tells.
#[derive(Debug, Serialize)]
struct Told {
    #[serde(flatten)]
    status: KeysStatus,
    ai: Ai,
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

fn tell_status(told: &Told, colour: Colour) -> String {
    let Told { status, ai } = told;
    let place = status.path.as_ref().map(|path| format!(" {}", path.display()));
    let mut text = format!("Source   {}{}\n", status.source, place.unwrap_or_default());
    let state = match &status.problem {
        Some(problem) => colour.paint(Style::Bad, problem),
        None if status.keys.is_empty() => "nothing is sealed yet".to_owned(),
        None => colour.paint(Style::Good, "ok"),
    };
    text.push_str(&format!("State    {state}\n{}", ai.told()));
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
