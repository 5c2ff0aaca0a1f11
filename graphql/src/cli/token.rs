//! `jotrack token`: the secret that opens the local server.

use std::fs;
use std::io::{self, Write as _};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::failure::{Failure, Outcome};
use super::serve::FOLDER;
use super::{DataArgs, DatabaseArgs, Globals};
use crate::server::Token;

/// Name of the token's file in a data folder.
const FILE: &str = "token";

const EXAMPLES: &str = "\
Examples:
  jotrack token rotate                 replace the token of the default folder
  jotrack token rotate --data /srv/jt  replace the token of another folder

A server that is running keeps the token it started with: restart it.";

/// Options of `token`.
#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Replace the token, so that links and programs with the old one stop working
    #[command(after_help = EXAMPLES)]
    Rotate(DataArgs),
}

/// Replaces the token of a data folder.
pub(super) fn run(args: &TokenArgs, globals: &Globals) -> Outcome {
    let TokenCommand::Rotate(data) = &args.command;
    let settings = globals.data_settings(data, &DatabaseArgs::default())?;
    let dir = settings.data_dir(&globals.env, FOLDER)?;
    match fs::remove_file(dir.join(FILE)) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Failure::Input(format!(
                "{} holds no token; the first `jotrack serve` makes it",
                dir.display()
            )));
        }
        Err(error) => {
            return Err(anyhow::Error::new(error).context("remove the old token").into());
        }
    }
    Token::load_or_create(&dir).context("make a new token")?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "The token in {} was replaced.", dir.join(FILE).display())?;
    writeln!(stdout, "Restart a running server to make it use the new one.")?;
    Ok(())
}
