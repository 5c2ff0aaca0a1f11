//! The result of `match` as text of 80 columns or as JSON.

use std::path::Path;

use jotrack_core::analysis::{MatchReport, SkillMatch, band};
use jotrack_core::{Importance, ScoreBand, ScoreCategory, SkillStrength};
use serde::Serialize;

use crate::cli::terminal::{Colour, Style, wrap};

const WIDTH: usize = 80;
const BAR: u8 = 24;
const NAME: usize = 26;
const INDENT: &str = "      ";

/// Everything that is printed; the JSON form is these fields in this order.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    pub(super) resume: Side,
    pub(super) jd: Side,
    #[serde(flatten)]
    pub(super) report: MatchReport,
}

/// One of the two documents.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Side {
    pub(super) file: String,
    pub(super) words: usize,
    pub(super) pages: Option<u32>,
    pub(super) truncated: bool,
}

/// Returns the comparison as text; every line ends with a line break.
pub(super) fn render(comparison: &Comparison, colour: Colour) -> String {
    let mut page = Page { out: String::new(), colour };
    page.sides(comparison);
    page.score(&comparison.report);
    page.skills(&comparison.report);
    page.list("Strengths", &comparison.report.strengths);
    page.list("Gaps", &comparison.report.gaps);
    if let Some(recommendation) = &comparison.report.recommendation {
        page.heading("Advice");
        page.wrapped("  ", recommendation);
    }
    page.out
}

struct Page {
    out: String,
    colour: Colour,
}

impl Page {
    fn sides(&mut self, comparison: &Comparison) {
        for (label, side) in [("Résumé", &comparison.resume), ("Job", &comparison.jd)] {
            let pages = match side.pages {
                Some(1) => ", 1 page".to_owned(),
                Some(pages) => format!(", {pages} pages"),
                None => String::new(),
            };
            let cut = if side.truncated { ", cut at the limit" } else { "" };
            let name = Path::new(&side.file).file_name().map(|name| name.to_string_lossy());
            let name = name.as_deref().unwrap_or(&side.file);
            self.line(&format!("{label:<8}{name} ({} words{pages}{cut})", side.words));
        }
    }

    fn score(&mut self, report: &MatchReport) {
        self.line("");
        let Some(overall) = report.overall else {
            self.line("No score: neither skills, experience nor soft skills could be judged.");
            return;
        };
        let value = self.colour.paint(Style::Strong, &format!("{overall:.1}"));
        let word = self.colour.paint(style_of(overall), band(overall).as_str());
        self.line(&format!("Score   {value} of 100   {word}"));
        self.line("");
        for category in &report.categories {
            let label = match category.category {
                ScoreCategory::Technical => "Technical",
                ScoreCategory::Experience => "Experience",
                ScoreCategory::Soft => "Soft skills",
            };
            let (score, weight) = (category.score, category.weight * 100.0);
            let bar = bar(score, self.colour);
            self.line(&format!("  {label:<12}{bar} {score:>5.1}   weight {weight:.0} %"));
        }
    }

    fn skills(&mut self, report: &MatchReport) {
        let (asked, extra): (Vec<&SkillMatch>, Vec<&SkillMatch>) =
            report.skills.iter().partition(|skill| skill.importance.is_some());
        let (matched, missing): (Vec<&SkillMatch>, Vec<&SkillMatch>) =
            asked.iter().partition(|skill| skill.resume_count > 0);
        self.line("");
        match report.skill_percentage {
            Some(percent) => self.line(&format!(
                "Skills  {} of {} asked for are in the résumé ({percent} %)",
                matched.len(),
                asked.len()
            )),
            None => self.line("Skills  the job description asks for none that are known here"),
        }
        self.table("Matched", &matched, Style::Good);
        self.table("Missing", &missing, Style::Bad);
        if !extra.is_empty() {
            self.heading("Only in the résumé");
            let names: Vec<&str> = extra.iter().map(|skill| skill.skill.as_str()).collect();
            self.wrapped("  ", &names.join(", "));
        }
    }

    fn table(&mut self, title: &str, skills: &[&SkillMatch], style: Style) {
        if skills.is_empty() {
            return;
        }
        self.heading(title);
        for skill in skills {
            // Padded before it is painted: colour codes have no width.
            let name = self.colour.paint(style, &format!("{:<NAME$}", skill.skill));
            let importance = skill.importance.map_or("", importance_word);
            let strength = strength_word(skill.strength);
            self.line(format!("  {name}{importance:<14}{strength}").trim_end());
            self.evidence("job", skill.jd_evidence.as_deref());
            self.evidence("résumé", skill.resume_evidence.as_deref());
        }
    }

    fn evidence(&mut self, label: &str, quote: Option<&str>) {
        let Some(quote) = quote else { return };
        let lead = format!("{INDENT}{label:<8}");
        // The marks of lists and tables say nothing here; the JSON form keeps them.
        let quote = quote.trim_matches(|c: char| c.is_whitespace() || "-*•|".contains(c));
        for (i, line) in wrap(quote, WIDTH - lead.chars().count()).iter().enumerate() {
            let lead = if i == 0 { lead.clone() } else { " ".repeat(lead.chars().count()) };
            let text = self.colour.paint(Style::Faint, &format!("{lead}{line}"));
            self.line(&text);
        }
    }

    fn list(&mut self, title: &str, items: &[String]) {
        if items.is_empty() {
            return;
        }
        self.heading(title);
        for item in items {
            self.wrapped("  - ", item);
        }
    }

    /// Writes wrapped text; lines after the first are indented as far as the first one's text.
    fn wrapped(&mut self, lead: &str, text: &str) {
        let n_lead = lead.chars().count();
        for (i, line) in wrap(text, WIDTH - n_lead).iter().enumerate() {
            let lead = if i == 0 { lead.to_owned() } else { " ".repeat(n_lead) };
            self.line(&format!("{lead}{line}"));
        }
    }

    fn heading(&mut self, title: &str) {
        self.line("");
        let title = self.colour.paint(Style::Strong, title);
        self.line(&title);
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }
}

/// Returns a bar of 24 cells, as full as the score is of 100.
pub(in crate::cli) fn bar(score: f64, colour: Colour) -> String {
    let filled = (0..BAR)
        .filter(|cell| (f64::from(*cell) + 0.5) * 100.0 <= score * f64::from(BAR))
        .map(|_| '█')
        .collect::<String>();
    let empty: String = (filled.chars().count()..usize::from(BAR)).map(|_| '░').collect();
    format!("{}{}", colour.paint(style_of(score), &filled), colour.paint(Style::Faint, &empty))
}

/// Returns how a score is meant.
pub(in crate::cli) fn style_of(score: f64) -> Style {
    match band(score) {
        ScoreBand::Poor => Style::Bad,
        ScoreBand::Good => Style::Warn,
        ScoreBand::Excellent => Style::Good,
    }
}

fn importance_word(importance: Importance) -> &'static str {
    match importance {
        Importance::Critical => "critical",
        Importance::Important => "important",
        Importance::NiceToHave => "nice to have",
    }
}

fn strength_word(strength: SkillStrength) -> &'static str {
    match strength {
        SkillStrength::Strong => "strong",
        SkillStrength::Moderate => "mentioned",
        SkillStrength::Weak => "weak",
        SkillStrength::Transferable => "transferable",
        SkillStrength::None => "",
    }
}

#[cfg(test)]
mod tests {
    use jotrack_core::SkillCategory;
    use jotrack_core::analysis::CategoryScore;

    use super::*;

    #[test]
    fn text_names_score_band_and_both_kinds_of_skills_with_evidence() {
        let text = render(&comparison(), Colour::Off);

        assert!(text.contains("72.4 of 100   GOOD"), "{text}");
        assert!(text.contains("1 of 2 asked for are in the résumé (50 %)"), "{text}");
        let matched = text.find("Matched").unwrap();
        let missing = text.find("Missing").unwrap();
        assert!((matched..missing).contains(&text.find("  Rust ").unwrap()));
        assert!(text.find("  Terraform ").unwrap() > missing);
        assert!(text.contains("Wrote the pricing engine in Rust"));
        assert!(text.contains("Only in the résumé\n  Django\n"));
    }

    #[test]
    fn text_stays_within_80_columns_and_has_no_colour_codes_in_a_pipe() {
        let text = render(&comparison(), Colour::Off);

        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(!text.contains('\x1b'));
        assert!(text.lines().all(|line| line == line.trim_end()));
    }

    #[test]
    fn texts_without_anything_to_judge_get_no_number() {
        let empty = Comparison {
            report: MatchReport {
                overall: None,
                skill_percentage: None,
                skills: Vec::new(),
                ..comparison().report
            },
            ..comparison()
        };

        let text = render(&empty, Colour::Off);

        assert!(text.contains("No score"), "{text}");
        assert!(!text.contains('%'), "{text}");
    }

    #[test]
    fn bars_are_as_full_as_the_score() {
        let full = |score| bar(score, Colour::Off).matches('█').count();

        assert_eq!((full(0.0), full(50.0), full(100.0)), (0, 12, 24));
    }

    #[test]
    fn json_has_one_object_with_score_and_skills() {
        let json = serde_json::to_value(comparison()).unwrap();

        assert_eq!(json["band"], "GOOD");
        assert_eq!(json["resume"]["pages"], 2);
        assert_eq!(json["skills"][1]["strength"], "NONE");
    }

    fn comparison() -> Comparison {
        let side = |file: &str| Side {
            file: file.to_owned(),
            words: 320,
            pages: Some(2),
            truncated: false,
        };
        Comparison {
            resume: side("cv.pdf"),
            jd: side("job.md"),
            report: MatchReport {
                overall: Some(72.4),
                band: Some(ScoreBand::Good),
                categories: vec![CategoryScore {
                    category: ScoreCategory::Technical,
                    score: 81.0,
                    weight: 0.4,
                }],
                skill_percentage: Some(50),
                skill_categories: Vec::new(),
                skills: vec![
                    skill("Rust", Some(Importance::Critical), 2),
                    skill("Terraform", Some(Importance::NiceToHave), 0),
                    skill("Django", None, 1),
                ],
                signal_score: None,
                signals: Vec::new(),
                strengths: vec!["Rust".to_owned()],
                gaps: vec!["word ".repeat(40)],
                recommendation: None,
            },
        }
    }

    fn skill(name: &str, importance: Option<Importance>, resume_count: u32) -> SkillMatch {
        let shown = resume_count > 0;
        SkillMatch {
            skill: name.to_owned(),
            category: SkillCategory::Language,
            strength: if shown { SkillStrength::Strong } else { SkillStrength::None },
            importance,
            jd_count: u32::from(importance.is_some()),
            resume_count,
            jd_evidence: importance
                .map(|_| format!("Required: {name}, {}", "and more ".repeat(18))),
            resume_evidence: shown.then(|| format!("Wrote the pricing engine in {name}")),
        }
    }
}
