//! The 30 standard signals: names, weights and the rule that judges each.

use crate::enums::{ScoreCategory, SkillCategory};

/// Which requested skills a share is taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SkillSet {
    /// Critical and important ones.
    Required,
    /// The five that the job description names most often.
    MostNamed,
    /// Those of some categories.
    Of(&'static [SkillCategory]),
}

/// How a signal is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Terms of the group named like the signal.
    Keywords,
    /// Share of the skills in a set.
    Skills(SkillSet),
    /// Years beside the three most named skills.
    Depth,
    Years,
    /// Terms of the trades that the job description names.
    Industry,
    Level,
    Degree,
    CompanySize,
    Progression,
    Tenure,
    Scale,
    WorkMode,
    /// Share of the named principles, else terms.
    Principles,
    /// Lines with a metric.
    Results,
}

/// One standard signal.
#[derive(Debug, Clone, Copy)]
pub(super) struct SignalRule {
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) category: ScoreCategory,
    pub(super) base: f64,
    pub(super) rule: Rule,
}

const fn technical(key: &'static str, name: &'static str, base: f64, rule: Rule) -> SignalRule {
    SignalRule { key, name, category: ScoreCategory::Technical, base, rule }
}

const fn experience(key: &'static str, name: &'static str, base: f64, rule: Rule) -> SignalRule {
    SignalRule { key, name, category: ScoreCategory::Experience, base, rule }
}

const fn soft(key: &'static str, name: &'static str, base: f64, rule: Rule) -> SignalRule {
    SignalRule { key, name, category: ScoreCategory::Soft, base, rule }
}

const TOOLS: &[SkillCategory] =
    &[SkillCategory::Frontend, SkillCategory::Backend, SkillCategory::Practice];
const PLATFORMS: &[SkillCategory] = &[SkillCategory::CloudDevops, SkillCategory::Database];
const DATA: &[SkillCategory] = &[SkillCategory::DataAi];

/// All standard signals in their fixed order.
pub(super) const SIGNALS: [SignalRule; 30] = [
    technical("tech_1", "Required Skills Match", 0.95, Rule::Skills(SkillSet::Required)),
    technical("tech_2", "Core Competencies", 0.90, Rule::Skills(SkillSet::MostNamed)),
    technical("tech_3", "Software & Tools", 0.85, Rule::Skills(SkillSet::Of(TOOLS))),
    technical("tech_4", "Certifications & Licenses", 0.70, Rule::Keywords),
    technical("tech_5", "Technical Depth", 0.80, Rule::Depth),
    technical("tech_6", "Process Knowledge", 0.75, Rule::Keywords),
    technical("tech_7", "Technology Platforms", 0.70, Rule::Skills(SkillSet::Of(PLATFORMS))),
    technical("tech_8", "Data & Analytics", 0.65, Rule::Skills(SkillSet::Of(DATA))),
    technical("tech_9", "Quality & Standards", 0.60, Rule::Keywords),
    technical("tech_10", "Innovation & Learning", 0.70, Rule::Keywords),
    experience("exp_1", "Years of Experience", 0.85, Rule::Years),
    experience("exp_2", "Industry Experience", 0.80, Rule::Industry),
    experience("exp_3", "Role Level Match", 0.90, Rule::Level),
    experience("exp_4", "Education Level", 0.75, Rule::Degree),
    experience("exp_5", "Educational Background", 0.70, Rule::Keywords),
    experience("exp_6", "Company Size Match", 0.65, Rule::CompanySize),
    experience("exp_7", "Career Progression", 0.70, Rule::Progression),
    experience("exp_8", "Tenure Stability", 0.65, Rule::Tenure),
    experience("exp_9", "Project Scale", 0.75, Rule::Scale),
    experience("exp_10", "Work Environment", 0.55, Rule::WorkMode),
    soft("soft_1", "Leadership Experience", 0.75, Rule::Keywords),
    soft("soft_2", "Communication Skills", 0.70, Rule::Keywords),
    soft("soft_3", "Team Collaboration", 0.65, Rule::Keywords),
    soft("soft_4", "Problem Solving", 0.70, Rule::Keywords),
    soft("soft_5", "Initiative & Ownership", 0.65, Rule::Keywords),
    soft("soft_6", "Adaptability", 0.60, Rule::Keywords),
    soft("soft_7", "Customer Focus", 0.60, Rule::Keywords),
    soft("soft_8", "Time Management", 0.65, Rule::Keywords),
    soft("soft_9", "Cultural Fit", 0.70, Rule::Principles),
    soft("soft_10", "Results Orientation", 0.75, Rule::Results),
];

#[cfg(test)]
mod tests {
    use super::super::dictionary::TABLES;
    use super::*;

    #[test]
    fn every_keyword_signal_has_terms() {
        let lexicon = &TABLES.lexicon;

        for signal in SIGNALS {
            let needs_terms = match signal.rule {
                Rule::Keywords
                | Rule::Principles
                | Rule::Results
                | Rule::Progression
                | Rule::Tenure
                | Rule::Scale => true,
                Rule::Skills(_)
                | Rule::Depth
                | Rule::Years
                | Rule::Industry
                | Rule::Level
                | Rule::Degree
                | Rule::CompanySize
                | Rule::WorkMode => false,
            };
            let has_terms = lexicon.group_name(lexicon.group(signal.key)) == signal.key;
            assert_eq!(has_terms, needs_terms, "{}", signal.key);
        }
        for family in ["industry", "principle", "level", "title", "degree", "size", "mode"] {
            assert!(lexicon.family(family).count() >= 2, "{family}");
        }
    }

    #[test]
    fn keys_are_unique_and_ten_per_category() {
        let mut keys: Vec<&str> = SIGNALS.iter().map(|signal| signal.key).collect();
        keys.sort_unstable();
        keys.dedup();

        assert_eq!(keys.len(), 30);
        for category in ScoreCategory::ALL {
            assert_eq!(SIGNALS.iter().filter(|signal| signal.category == *category).count(), 10);
        }
    }
}
