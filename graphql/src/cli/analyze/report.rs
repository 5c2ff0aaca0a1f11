//! An analysis as text of 80 columns. The match score has a form of its own; every other answer is
//! shown by its names, so that a new kind needs nothing here.

use jotrack_core::analysis::band;
use jotrack_core::{AiProvider, Analysis, AnalysisKind, ResultSource};
use serde_json::{Map, Value};

use crate::cli::match_command::{bar, style_of};
use crate::cli::terminal::{Colour, Style, wrap};

const WIDTH: usize = 80;
/// Fields that name an entry of a list, the first that is there.
const NAMES: [&str; 6] = ["name", "skill", "question", "title", "section", "company"];

/// Returns an analysis as text; every line ends with a line break.
pub(super) fn render(analysis: &Analysis, about: Option<&str>, colour: Colour) -> String {
    let mut page = Page { out: String::new(), colour };
    let title = sentence(analysis.kind.as_str());
    let title = about.map_or_else(|| title.clone(), |about| format!("{title}: {about}"));
    page.strong(&title);
    let made = format!(
        "{} · {} · {} tokens · {}",
        source(analysis.source),
        who(analysis.provider, &analysis.model),
        analysis.usage.input + analysis.usage.output,
        cost(analysis.cost_micros),
    );
    wrap(&made, WIDTH).iter().for_each(|line| page.faint(line));
    page.faint(&analysis.id.node_id());
    page.blank();
    match analysis.result.as_deref() {
        Some(Value::Object(result)) if analysis.kind == AnalysisKind::MatchScore => {
            page.matched(result);
        }
        Some(Value::Object(result)) => page.fields(result, ""),
        Some(other) => page.value("", other, ""),
        None => page.line("There is no answer."),
    }
    page.out
}

/// Returns the score of a match in one line; `None` for anything else.
pub(super) fn summary(analysis: &Analysis) -> Option<String> {
    let result = analysis.result.as_ref()?;
    let score = result.pointer("/matchScore/overallScore")?.as_f64()?;
    let missing = names(result.pointer("/skillsMatch/missingCriticalSkills"));
    let gap = match missing.as_slice() {
        [] => String::new(),
        missing => format!(", critical gap: {}", missing.join(", ")),
    };
    Some(format!("{score:.1} of 100 {}{gap}", band(score).as_str()))
}

struct Page {
    out: String,
    colour: Colour,
}

impl Page {
    fn matched(&mut self, result: &Map<String, Value>) {
        let none = Map::new();
        let part = |name: &str| result.get(name).and_then(Value::as_object).unwrap_or(&none);
        let (score, skills) = (part("matchScore"), part("skillsMatch"));
        match score.get("overallScore").and_then(Value::as_f64) {
            Some(overall) => {
                let value = self.colour.paint(Style::Strong, &format!("{overall:.1}"));
                let word = self.colour.paint(style_of(overall), band(overall).as_str());
                self.line(&format!("Score   {value} of 100   {word}"));
            }
            None => self.line("No score: nothing of it could be judged."),
        }
        for name in ["technical", "experience", "softSkills"] {
            let share = score.get("categoryBreakdown").and_then(|shares| shares.get(name));
            if let Some(percent) = share.and_then(Value::as_f64).map(|share| share * 100.0) {
                let bar = bar(percent, self.colour);
                self.line(&format!("  {:<12}{bar} {percent:>5.1}", sentence(name)));
            }
        }
        self.blank();
        let tables = ["technicalSkills", "softSkills"].map(|name| skills.get(name));
        let rows: Vec<&Value> =
            tables.into_iter().flatten().filter_map(Value::as_array).flatten().collect();
        for (title, style, of) in [
            ("Matched", Style::Good, ["STRONG", "MODERATE", "WEAK", "TRANSFERABLE"].as_slice()),
            ("Missing", Style::Bad, ["NONE"].as_slice()),
        ] {
            let asked = rows.iter().filter(|row| word(row, "importance").is_some());
            let found: Vec<String> = asked
                .filter(|row| word(row, "strength").is_some_and(|strength| of.contains(&strength)))
                .filter_map(|row| word(row, "skill").map(plain))
                .collect();
            if !found.is_empty() {
                let lead = self.colour.paint(style, &format!("{title:<10}"));
                self.hanging(&lead, 10, &found.join(", "));
            }
        }
        let lists = [
            ("Critical", skills.get("missingCriticalSkills")),
            ("Close", skills.get("transferableSkills")),
            ("Besides", skills.get("unexpectedStrengths")),
        ];
        for (title, list) in lists {
            let names = names(list);
            if !names.is_empty() {
                self.hanging(&format!("{title:<10}"), 10, &names.join(", "));
            }
        }
        for (title, list) in [("Strengths", "topStrengths"), ("Gaps", "topGaps")] {
            let items = names(score.get(list));
            if !items.is_empty() {
                self.blank();
                self.strong(title);
                items.iter().for_each(|item| self.hanging("  - ", 4, item));
            }
        }
        if let Some(advice) = score.get("quickRecommendation").and_then(Value::as_str) {
            self.blank();
            self.strong("Advice");
            self.hanging("  ", 2, &plain(advice));
        }
    }

    fn fields(&mut self, fields: &Map<String, Value>, indent: &str) {
        for (name, value) in fields {
            if is_empty(value) {
                continue;
            }
            if indent.is_empty() && !self.out.ends_with("\n\n") {
                self.blank();
            }
            self.value(&sentence(name), value, indent);
        }
    }

    fn value(&mut self, name: &str, value: &Value, indent: &str) {
        let deeper = format!("{indent}  ");
        match value {
            Value::Object(fields) => {
                self.title(name, indent);
                self.fields(fields, &deeper);
            }
            Value::Array(items) => {
                self.title(name, indent);
                for item in items {
                    self.item(item, &deeper);
                }
            }
            Value::String(text) if text.contains('\n') || text.chars().count() > 60 => {
                self.title(name, indent);
                self.paragraphs(text, &deeper);
            }
            single => {
                let (text, lead) = (scalar(single), format!("{indent}{name}: "));
                let width = lead.chars().count();
                self.hanging(&lead, width, &text);
            }
        }
    }

    fn item(&mut self, item: &Value, indent: &str) {
        let dash = format!("{indent}- ");
        let width = dash.chars().count();
        let Value::Object(fields) = item else {
            self.hanging(&dash, width, &scalar(item));
            return;
        };
        let named = NAMES.iter().find_map(|name| Some((*name, fields.get(*name)?.as_str()?)));
        if let Some((_, name)) = named {
            self.hanging(&dash, width, &plain(name));
        }
        let deeper = format!("{indent}  ");
        for (name, value) in fields {
            if named.is_some_and(|(known, _)| known == name) || is_empty(value) {
                continue;
            }
            match value {
                Value::Object(_) | Value::Array(_) => self.value(&sentence(name), value, &deeper),
                single => {
                    let lead = format!("{deeper}{}: ", sentence(name));
                    self.hanging(&lead, width + 2, &scalar(single));
                }
            }
        }
    }

    fn title(&mut self, name: &str, indent: &str) {
        if name.is_empty() {
            return;
        }
        let title = if indent.is_empty() { Style::Strong } else { Style::Faint };
        let title = self.colour.paint(title, &format!("{indent}{name}"));
        self.line(&title);
    }

    fn paragraphs(&mut self, text: &str, indent: &str) {
        for line in text.lines() {
            if line.trim().is_empty() {
                self.blank();
            } else {
                self.hanging(indent, indent.chars().count(), &plain(line));
            }
        }
    }

    /// Writes wrapped text behind `lead`; further lines are indented by `width` of them.
    fn hanging(&mut self, lead: &str, width: usize, text: &str) {
        let lines = wrap(text, WIDTH.saturating_sub(width.max(lead_width(lead))));
        for (i, line) in lines.iter().enumerate() {
            let lead = if i == 0 { lead.to_owned() } else { " ".repeat(width) };
            self.line(&format!("{lead}{line}"));
        }
    }

    fn strong(&mut self, text: &str) {
        for line in wrap(text, WIDTH) {
            let line = self.colour.paint(Style::Strong, &line);
            self.line(&line);
        }
    }

    fn faint(&mut self, text: &str) {
        let line = self.colour.paint(Style::Faint, text);
        self.line(&line);
    }

    fn blank(&mut self) {
        self.line("");
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }
}

/// Columns of a lead without colour; one with colour says its own width.
fn lead_width(lead: &str) -> usize {
    if lead.contains('\x1b') { 0 } else { lead.chars().count() }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::String(text) => text.trim().is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => match number.as_f64() {
            Some(fraction) if !number.is_i64() && !number.is_u64() => {
                let text = format!("{fraction:.2}");
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            }
            _ => number.to_string(),
        },
        Value::Null => String::new(),
        Value::Array(_) | Value::Object(_) => plain(&value.to_string()),
    }
}

fn word<'a>(row: &'a Value, name: &str) -> Option<&'a str> {
    row.get(name).and_then(Value::as_str)
}

fn names(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(plain).collect()
}

/// Returns a text of a model or a user without what a terminal would obey: control characters,
/// and marks that turn the direction of what follows.
pub(in crate::cli) fn plain(text: &str) -> String {
    let obeyed =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let spaced = text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c });
    spaced.filter(|c| !obeyed(*c)).collect()
}

/// Returns a word of the domain as the command line has it: `match-score`.
pub(in crate::cli) fn kebab(word: &str) -> String {
    word.to_ascii_lowercase().replace('_', "-")
}

/// Returns a name of the domain or of a field as words: `Match score`.
fn sentence(name: &str) -> String {
    let mut words = String::new();
    let all_upper = !name.chars().any(char::is_lowercase);
    for c in name.chars() {
        if c == '_' {
            words.push(' ');
        } else if c.is_uppercase() && !all_upper {
            words.push(' ');
            words.extend(c.to_lowercase());
        } else {
            words.extend(c.to_lowercase());
        }
    }
    let words = plain(words.trim());
    let mut rest = words.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// Returns who answers. The engine's own model names rules and dictionary in full; its version is
/// enough for a person.
pub(super) fn who(provider: AiProvider, model: &str) -> String {
    let short = if provider == AiProvider::Local { model.split('/').next() } else { None };
    format!("{} {}", kebab(provider.as_str()), plain(short.unwrap_or(model)))
}

/// Returns where an answer came from, in a word.
pub(super) fn source(source: Option<ResultSource>) -> String {
    source.map_or_else(|| "none".to_owned(), |source| kebab(source.as_str()))
}

/// Returns a cost of millionths of a dollar.
pub(in crate::cli) fn cost(micros: Option<i64>) -> String {
    match micros {
        None => "cost unknown".to_owned(),
        Some(0) => "0 USD".to_owned(),
        Some(micros) => {
            let (whole, part) = (micros / 1_000_000, (micros % 1_000_000).abs());
            format!("{whole}.{part:06} USD")
        }
    }
}

/// Returns a stretch of time in the unit that suits it.
pub(in crate::cli) fn timed(ms: i64) -> String {
    if ms < 1_000 {
        return format!("{ms} ms");
    }
    let tenths = ms / 100;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_of_any_form_become_lines_within_80_columns() {
        let value = json!({
            "overview": "Builds drones. ".repeat(20),
            "companies": [
                { "name": "Ostwind", "category": "DIRECT", "reason": "same market ".repeat(12),
                  "score": 0.875, "empty": null, "roles": ["a", "b"] },
                { "note": "no name" },
            ],
            "letter": "Dear team,\n\nI write to you.\n",
            "nothing": [],
            "remote": true,
        });
        let mut page = Page { out: String::new(), colour: Colour::Off };

        page.fields(value.as_object().unwrap(), "");

        let text = page.out;
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        for told in [
            "Overview\n  Builds drones.",
            "  - Ostwind\n    Category: DIRECT\n",
            "    Score: 0.88\n",
            "    Roles\n      - a\n      - b\n",
            "    Note: no name\n",
            "Letter\n  Dear team,\n\n  I write to you.\n",
            "Remote: yes\n",
        ] {
            assert!(text.contains(told), "{told:?}: {text}");
        }
        assert!(!text.contains("Nothing") && !text.contains("Empty"), "{text}");
    }

    #[test]
    fn a_match_shows_score_bars_and_both_kinds_of_skills() {
        let result = json!({
            "matchScore": {
                "overallScore": 72.4,
                "categoryBreakdown": { "technical": 0.81, "experience": null, "softSkills": 0.5 },
                "topStrengths": ["Rust"], "topGaps": ["word ".repeat(40)],
                "quickRecommendation": "Learn Terraform.", "confidence": null,
            },
            "skillsMatch": {
                "technicalSkills": [
                    { "skill": "Rust", "strength": "STRONG", "importance": "CRITICAL" },
                    { "skill": "Terraform", "strength": "NONE", "importance": "NICE_TO_HAVE" },
                    { "skill": "Django", "strength": "STRONG", "importance": null },
                ],
                "softSkills": [], "missingCriticalSkills": [], "transferableSkills": [],
                "unexpectedStrengths": ["Django"],
            },
        });
        let mut page = Page { out: String::new(), colour: Colour::Off };

        page.matched(result.as_object().unwrap());

        let text = page.out;
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        for told in [
            "Score   72.4 of 100   GOOD\n",
            "  Technical   ████",
            " 81.0\n",
            "Matched   Rust\n",
            "Missing   Terraform\n",
            "Besides   Django\n",
            "Strengths\n  - Rust\n",
            "Advice\n  Learn Terraform.\n",
        ] {
            assert!(text.contains(told), "{told:?}: {text}");
        }
        assert!(!text.contains("Experience"), "{text}");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_printed() {
        let evil = "a\x1b[2Jb\u{9b}c\u{202e}d\ne\u{7}";
        let value = json!({ evil: evil, "list": [{ "name": evil, evil: [evil] }, evil] });
        let mut page = Page { out: String::new(), colour: Colour::Off };

        page.fields(value.as_object().unwrap(), "");

        assert!(page.out.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", page.out);
        assert!(!page.out.contains('\u{202e}'), "{:?}", page.out);
    }

    #[test]
    fn words_costs_and_times_read_well() {
        assert_eq!(who(AiProvider::Local, "jotrack-1.1/2026-11/4f5"), "local jotrack-1.1");
        assert_eq!(who(AiProvider::OpenAiCompatible, "org/m"), "openai-compatible org/m");
        assert_eq!(sentence("COMPANY_ECOSYSTEM"), "Company ecosystem");
        assert_eq!(sentence("interviewRelevance"), "Interview relevance");
        assert_eq!(kebab("OPENAI_COMPATIBLE"), "openai-compatible");
        assert_eq!(cost(Some(0)), "0 USD");
        assert_eq!(cost(Some(1_004_210)), "1.004210 USD");
        assert_eq!(cost(None), "cost unknown");
        assert_eq!((timed(12).as_str(), timed(3_450).as_str()), ("12 ms", "3.4 s"));
    }
}
