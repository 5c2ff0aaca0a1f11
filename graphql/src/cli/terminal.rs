//! Writing for a person: colour only on a terminal, progress that rewrites its line only there.

use std::io::{self, BufRead, IsTerminal as _, Read as _, Write};

use super::environment::Environment;
use super::failure::{Failure, INTERRUPTED, Outcome};

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

/// Asks a person on standard error whether something may be removed; anything but yes is no.
///
/// # Errors
/// `Failure::Input` when nobody can answer, `Failure::Other` when the answer is no.
pub(crate) fn confirm(question: &str) -> Outcome {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        let why = "nobody is here to confirm this; repeat it with --yes";
        return Err(Failure::Input(why.to_owned()));
    }
    tell(&format!("{question} [y/N] "));
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::Other(anyhow::anyhow!("nothing was removed"))),
    }
}

/// Asks for a line of at most `max` bytes that the terminal does not show.
///
/// # Errors
/// `Failure::Interrupted` after Ctrl-C, with the terminal as it was before.
pub(crate) fn ask_unseen(question: &str, max: u64) -> Result<String, Failure> {
    // Before the question: who answers it at once is not shown either.
    let hidden = HiddenTyping::begin();
    tell(question);
    let input = io::stdin().lock().take(max);
    let line = match &hidden {
        Some(_) => read_keystrokes(input),
        None => {
            tell("(it is shown after all) ");
            read_line(input)
        }
    };
    drop(hidden);
    tell("\n");
    line
}

fn read_line(mut input: impl BufRead) -> Result<String, Failure> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(line)
}

/// Reads a line from a terminal that edits nothing and sends no signals. A signal would end this
/// process before it could show the typing again.
fn read_keystrokes(input: impl BufRead) -> Result<String, Failure> {
    const CTRL_C: u8 = 3;
    const CTRL_D: u8 = 4;
    const CTRL_U: u8 = 21;
    const CTRL_BACKSLASH: u8 = 28;
    let mut line = Vec::new();
    for byte in input.bytes() {
        match byte? {
            CTRL_C | CTRL_BACKSLASH => return Err(Failure::Interrupted(INTERRUPTED)),
            b'\n' | b'\r' | CTRL_D => break,
            CTRL_U => line.clear(),
            0x08 | 0x7f => drop(line.pop()),
            byte => line.push(byte),
        }
    }
    String::from_utf8(line).map_err(|_| Failure::Input("what was typed is no text".to_owned()))
}

/// Keeps the terminal from showing what is typed and from answering control keys, until it is
/// dropped.
#[cfg(unix)]
struct HiddenTyping(rustix::termios::Termios);

#[cfg(unix)]
impl HiddenTyping {
    /// Returns `None` when the terminal does not let it.
    fn begin() -> Option<Self> {
        use rustix::termios::{
            LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr,
        };

        let before = tcgetattr(io::stdin()).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent).ok()?;
        Some(Self(before))
    }
}

#[cfg(unix)]
impl Drop for HiddenTyping {
    fn drop(&mut self) {
        let now = rustix::termios::OptionalActions::Now;
        if rustix::termios::tcsetattr(io::stdin(), now, &self.0).is_err() {
            tell("What you type is not shown any more; `stty sane` helps.\n");
        }
    }
}

/// Nothing is hidden here.
#[cfg(not(unix))]
struct HiddenTyping;

#[cfg(not(unix))]
impl HiddenTyping {
    fn begin() -> Option<Self> {
        None
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
    fn unseen_keystrokes_are_edited_and_ctrl_c_ends_them() {
        let read = |typed: &str| read_keystrokes(typed.as_bytes());

        assert_eq!(read("wrong\x15sk-1\x7f2\nmore").unwrap(), "sk-2");
        assert_eq!(read("\x7fsk\x04more").unwrap(), "sk");
        assert!(matches!(read("sk\x03\n"), Err(Failure::Interrupted(130))));
    }

    #[test]
    fn lines_break_at_spaces_and_keep_long_words_whole() {
        let lines = wrap("a bb ccc incomprehensibilities d", 8);

        assert_eq!(lines, ["a bb ccc", "incomprehensibilities", "d"]);
    }
}
