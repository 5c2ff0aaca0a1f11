//! How an analysis goes on, on standard error: one live line on a terminal, plain lines in a pipe.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use jotrack_core::{AiProvider, Analysis, AnalysisState};
use terminal_size::{Width, terminal_size_of};

use super::report::{cost, plain, source, timed, who};
use crate::cli::environment::Environment;
use crate::cli::terminal::tell;

/// Width of a line where the terminal does not tell its own.
const WIDTH: usize = 80;
/// Time between two plain lines about the text.
const PLAIN_PAUSE: Duration = Duration::from_secs(1);
const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
const CLEAR_LINE: &str = "\r\x1b[K";

/// Tells a person, or a program that reads standard error, how far an analysis is.
#[derive(Debug)]
pub(super) struct Progress {
    form: Form,
    began: Instant,
    state: &'static str,
    who: String,
    characters: usize,
    /// When the last plain line about the text was written, and how much there was.
    told: Option<(Instant, usize)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Form {
    Silent,
    Plain,
    /// The cursor is hidden and the line is not empty.
    Live,
}

impl Progress {
    /// Returns one that only tells of a cancellation.
    pub(super) fn silent() -> Self {
        Self::new(Form::Silent)
    }

    /// Returns one in the form that standard error can show.
    pub(super) fn shown(env: &Environment) -> Self {
        let dumb = env.get("TERM").is_some_and(|term| term == "dumb");
        let live = io::stderr().is_terminal() && !dumb;
        let progress = Self::new(if live { Form::Live } else { Form::Plain });
        if live {
            tell(HIDE_CURSOR);
        }
        progress
    }

    fn new(form: Form) -> Self {
        Self {
            form,
            began: Instant::now(),
            state: "starting",
            who: String::new(),
            characters: 0,
            told: None,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.form == Form::Live
    }

    /// Draws the live line anew.
    pub(super) fn draw(&self) {
        let width = terminal_size_of(io::stderr()).map_or(WIDTH, |(Width(w), _)| usize::from(w));
        tell(&format!("{CLEAR_LINE}{}", fitted(&self.line(self.began.elapsed()), width)));
    }

    pub(super) fn queued(&mut self, reason: &str) {
        self.state = "queued";
        self.say(&format!("queued {}", plain(reason)));
    }

    pub(super) fn started(&mut self, provider: AiProvider, model: &str) {
        let who = who(provider, model);
        let again = self.state == "running" && self.who == who;
        (self.state, self.who) = ("running", who);
        if !again {
            self.say(&format!("started {}", self.who));
        }
    }

    pub(super) fn more(&mut self, text: &str) {
        self.characters += text.chars().count();
        self.state = "writing";
        let now = Instant::now();
        if self.told.is_none_or(|(at, _)| now.duration_since(at) >= PLAIN_PAUSE) {
            self.say_characters(now);
        }
    }

    pub(super) fn reset(&mut self, reason: &str) {
        (self.state, self.characters) = ("starting again", 0);
        self.told = None;
        self.say(&format!("reset {}", plain(reason)));
    }

    pub(super) fn cancelled(&mut self) {
        self.clear();
        self.say("cancelled");
        if self.form != Form::Plain {
            tell("Cancelled the analysis\n");
        }
    }

    pub(super) fn ended(&mut self, analysis: &Analysis) {
        if self.told.is_some_and(|(_, told)| told < self.characters) {
            self.say_characters(Instant::now());
        }
        self.clear();
        let line = match (analysis.state, &analysis.error) {
            (AnalysisState::Succeeded, _) => format!(
                "done {} {} tokens {} {}",
                source(analysis.source),
                analysis.usage.input + analysis.usage.output,
                cost(analysis.cost_micros),
                timed(i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX)),
            ),
            (_, Some(failure)) => format!("failed {}", plain(&failure.class)),
            (_, None) => "cancelled".to_owned(),
        };
        self.say(&line);
    }

    /// Takes the live line away.
    fn clear(&self) {
        if self.is_live() {
            tell(CLEAR_LINE);
        }
    }

    fn say_characters(&mut self, now: Instant) {
        self.told = Some((now, self.characters));
        self.say(&format!("progress {} characters", self.characters));
    }

    fn say(&self, line: &str) {
        if self.form == Form::Plain {
            tell(&format!("{line}\n"));
        }
    }

    fn line(&self, elapsed: Duration) -> String {
        let mut parts = vec![self.state.to_owned()];
        if !self.who.is_empty() {
            parts.push(self.who.clone());
        }
        if self.characters > 0 {
            parts.push(format!("{} characters", self.characters));
        }
        parts.push(format!("{:.1} s", elapsed.as_secs_f64()));
        parts.push("Ctrl-C cancels".to_owned());
        parts.join(" · ")
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_live() {
            tell(&format!("{CLEAR_LINE}{SHOW_CURSOR}"));
        }
    }
}

/// Cuts a line so that a terminal of this width does not break it.
fn fitted(line: &str, width: usize) -> String {
    let most = width.saturating_sub(1);
    if line.chars().count() <= most {
        return line.to_owned();
    }
    line.chars().take(most.saturating_sub(1)).chain("…".chars().take(most)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_line_never_reaches_the_last_column() {
        let mut progress = Progress::new(Form::Silent);
        progress.started(AiProvider::OpenAiCompatible, &"model".repeat(40));
        progress.more("zwölf Zeichen");

        let line = progress.line(Duration::from_millis(3_240));

        assert!(line.ends_with("13 characters · 3.2 s · Ctrl-C cancels"), "{line}");
        assert!(line.starts_with("writing · openai-compatible model"), "{line}");
        for width in [0, 1, 2, 3, 20, 80] {
            let fitted = fitted(&line, width);
            assert!(fitted.chars().count() <= width.saturating_sub(1), "{width}: {fitted}");
        }
        assert_eq!(fitted("short", 80), "short");
    }

    #[test]
    fn a_reset_drops_the_characters_so_far() {
        let mut progress = Progress::new(Form::Silent);
        progress.more("abc");

        progress.reset("overloaded");

        assert!(progress.line(Duration::ZERO).starts_with("starting again · 0.0 s"));
    }
}
