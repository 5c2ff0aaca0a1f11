//! Writing for a person: colour only on a terminal, progress that rewrites its line only there.

use std::io::{self, IsTerminal as _, Write};

use super::environment::Environment;
use super::failure::Failure;

/// Whether output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    On,
    Off,
}

impl Colour {
    /// Decides for standard output: a terminal, `NO_COLOR` unset, and not a `dumb` one.
    pub(crate) fn of_stdout(env: &Environment) -> Self {
        let dumb = env.get("TERM").is_some_and(|term| term == "dumb");
        if io::stdout().is_terminal() && env.get("NO_COLOR").is_none() && !dumb {
            Self::On
        } else {
            Self::Off
        }
    }

    /// Returns the text in the given style, or as it is when colour is off.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        match self {
            Self::On => format!("\x1b[{}m{text}\x1b[0m", style.code()),
            Self::Off => text.to_owned(),
        }
    }
}

/// How a stretch of text is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Style {
    /// A heading or the one number that matters.
    Strong,
    /// Something good.
    Good,
    /// Something to look at.
    Warn,
    /// Something bad.
    Bad,
    /// Something of less interest.
    Faint,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Strong => "1",
            Self::Good => "32",
            Self::Warn => "33",
            Self::Bad => "31",
            Self::Faint => "2",
        }
    }
}

/// Progress of a long command on standard error: one line that updates itself on a terminal, a
/// few plain lines in a pipe.
#[derive(Debug)]
pub(crate) struct Progress {
    what: &'static str,
    on_terminal: bool,
    told_percent: Option<usize>,
}

impl Progress {
    /// Steps of a hundred between two plain lines.
    const PLAIN_PERCENT: usize = 25;

    /// Begins to tell how `what` goes on.
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, on_terminal: io::stderr().is_terminal(), told_percent: None }
    }

    /// Tells how far it is.
    pub(crate) fn step(&mut self, done: usize, total: usize) {
        if let Some(text) = self.line(done, total) {
            tell(&text);
        }
    }

    fn line(&mut self, done: usize, total: usize) -> Option<String> {
        let (what, percent) = (self.what, (done * 100).checked_div(total).unwrap_or(100));
        if self.on_terminal {
            let end = if done == total { "\n" } else { "" };
            return Some(format!("\r\x1b[K{what} {done}/{total}{end}"));
        }
        let due = self.told_percent.is_none_or(|told| percent >= told + Self::PLAIN_PERCENT);
        if !due {
            return None;
        }
        self.told_percent = Some(percent);
        Some(format!("{what} {done}/{total}\n"))
    }
}

/// Writes to standard error. When even that is gone, nobody is left to be told.
pub(crate) fn tell(text: &str) {
    let mut stderr = io::stderr().lock();
    let written = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    drop(written);
}

/// Asks a person on standard error and reads the answer; anything but yes is no.
///
/// # Errors
/// `Failure::Input` when nobody can answer.
pub(crate) fn ask(question: &str) -> Result<bool, Failure> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        let why = "nobody is here to confirm this; repeat it with --yes";
        return Err(Failure::Input(why.to_owned()));
    }
    tell(question);
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Keeps the terminal from showing what is typed, until it is dropped.
#[must_use]
pub(crate) fn hide_typing() -> HiddenTyping {
    #[cfg(unix)]
    {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            if tcsetattr(io::stdin(), OptionalActions::Flush, &silent).is_err() {
                tell("(it is shown after all) ");
            }
        }
        HiddenTyping(before)
    }
    #[cfg(not(unix))]
    HiddenTyping
}

/// Shows the typing again when it is dropped.
#[cfg(unix)]
pub(crate) struct HiddenTyping(Option<rustix::termios::Termios>);

/// Nothing is hidden here.
#[cfg(not(unix))]
pub(crate) struct HiddenTyping;

#[cfg(unix)]
impl Drop for HiddenTyping {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let now = rustix::termios::OptionalActions::Now;
            if rustix::termios::tcsetattr(io::stdin(), now, before).is_err() {
                tell("What you type is not shown any more; `stty echo` helps.\n");
            }
        }
    }
}

/// Breaks text into lines of at most `width` characters at its spaces.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_off_unless_asked_for() {
        assert_eq!(Colour::Off.paint(Style::Good, "ok"), "ok");
        assert_eq!(Colour::On.paint(Style::Good, "ok"), "\x1b[32mok\x1b[0m");
    }

    #[test]
    fn progress_is_a_few_lines_in_a_pipe_and_one_line_on_a_terminal() {
        let mut piped = Progress { what: "Work", on_terminal: false, told_percent: None };
        let mut shown = Progress { what: "Work", on_terminal: true, told_percent: None };

        let lines: Vec<String> = (0..=200).filter_map(|done| piped.line(done, 200)).collect();
        let first = shown.line(1, 200).unwrap();
        let last = shown.line(200, 200).unwrap();

        assert_eq!(lines.len(), 5);
        assert_eq!(lines[4], "Work 200/200\n");
        assert!(first.starts_with('\r') && !first.ends_with('\n'));
        assert!(last.ends_with("200/200\n"));
    }

    #[test]
    fn lines_break_at_spaces_and_keep_long_words_whole() {
        let lines = wrap("a bb ccc incomprehensibilities d", 8);

        assert_eq!(lines, ["a bb ccc", "incomprehensibilities", "d"]);
    }
}
