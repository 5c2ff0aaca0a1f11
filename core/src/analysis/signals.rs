//! Judges the 30 standard signals of a resume against a job description.

use super::SignalScore;
use super::demand::Demand;
use super::dictionary::Names;
use super::evidence::quote;
use super::facts::{Facts, Usage};
use super::lexicon::Lexicon;
use super::score::published;
use super::signal_rules::{Rule, SIGNALS, SignalRule, SkillSet};
use super::skills::Tally;
use super::tokens::index;
use crate::enums::{GapSeverity, Importance, ScoreCategory};

const MOST_NAMED: usize = 5;
/// Reasoning names at most this many missing things.
const NAMED_MAX: usize = 5;

/// What a rule finds; scores are 0..=1. `resume` is `None` when it cannot be judged.
pub(super) struct Verdict {
    pub(super) jd: f64,
    pub(super) resume: Option<f64>,
    /// Tokens that evidence is quoted around.
    pub(super) jd_at: Option<u32>,
    pub(super) resume_at: Option<u32>,
    pub(super) reasoning: String,
}

impl Verdict {
    pub(super) fn unjudged(reasoning: &str) -> Self {
        let reasoning = reasoning.to_owned();
        Self { jd: 0.0, resume: None, jd_at: None, resume_at: None, reasoning }
    }
}

/// Both texts and what is known about their skills.
pub(super) struct Comparison<'c, 't> {
    pub(super) names: &'c Names<'c>,
    pub(super) jd: &'c Facts<'t>,
    pub(super) resume: &'c Facts<'t>,
    pub(super) tallies: &'c [Tally],
}

/// Returns the standard signals in their fixed order.
pub(super) fn signals(comparison: &Comparison<'_, '_>) -> Vec<SignalScore> {
    SIGNALS.iter().map(|rule| comparison.score(rule)).collect()
}

/// The share of a category in a signal's weight.
fn category_emphasis(category: ScoreCategory) -> f64 {
    match category {
        ScoreCategory::Technical => 0.30,
        ScoreCategory::Experience | ScoreCategory::Soft => 0.35,
    }
}

fn gap(resume: f64, base: f64) -> Option<GapSeverity> {
    let percent = 100.0 * resume;
    if percent < 40.0 && base > 0.80 {
        Some(GapSeverity::Critical)
    } else if percent < 60.0 && base > 0.60 {
        Some(GapSeverity::Important)
    } else if percent < 75.0 && base > 0.40 {
        Some(GapSeverity::Minor)
    } else {
        None
    }
}

pub(super) fn jd_keywords(usage: Usage) -> f64 {
    let line = match usage.demand {
        Demand::Required => 0.30,
        Demand::Preferred => 0.15,
        Demand::Nice => 0.05,
        Demand::None => 0.0,
    };
    if usage.count == 0 { 0.0 } else { (0.20 * f64::from(usage.count) + line).min(1.0) }
}

fn resume_keywords(usage: Usage) -> f64 {
    let figure = if usage.has_figure { 0.20 } else { 0.0 };
    let years = 0.05 * f64::from(usage.years.min(10));
    if usage.count == 0 { 0.0 } else { (0.15 * f64::from(usage.count) + years + figure).min(1.0) }
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

impl Comparison<'_, '_> {
    pub(super) fn lexicon(&self) -> &Lexicon {
        self.names.lexicon
    }

    fn score(&self, rule: &SignalRule) -> SignalScore {
        let mut verdict = if self.jd.is_empty() {
            Verdict::unjudged("The job description holds no text.")
        } else {
            self.judge(rule)
        };
        if self.resume.is_empty() {
            verdict.resume = verdict.resume.map(|_| 0.0);
        }
        let is_judged = verdict.resume.is_some();
        let jd = if is_judged { verdict.jd } else { 0.0 };
        let weight = if jd > 0.0 {
            rule.base * (0.5 + 1.5 * jd) * category_emphasis(rule.category)
        } else {
            0.0
        };
        let quote_at = |facts: &Facts<'_>, at: Option<u32>| {
            at.filter(|_| is_judged).and_then(|at| quote(&facts.doc, index(at)))
        };
        SignalScore {
            key: rule.key.to_owned(),
            name: rule.name.to_owned(),
            category: rule.category,
            base_weight: rule.base,
            weight: published(weight),
            jd_score: published(100.0 * jd),
            resume_score: verdict.resume.map(|score| published(100.0 * score)),
            jd_evidence: quote_at(self.jd, verdict.jd_at),
            resume_evidence: quote_at(self.resume, verdict.resume_at),
            reasoning: verdict.reasoning,
            gap: verdict.resume.filter(|_| weight > 0.0).and_then(|r| gap(r, rule.base)),
        }
    }

    fn judge(&self, rule: &SignalRule) -> Verdict {
        match rule.rule {
            Rule::Keywords => self.keywords(self.usages(rule.key)),
            Rule::Skills(set) => self.skills(set),
            Rule::Depth => self.depth(),
            Rule::Years => self.years(),
            Rule::Industry => self.industry(),
            Rule::Level => self.level(),
            Rule::Degree => self.degree(),
            Rule::CompanySize => self.company_size(),
            Rule::Progression => self.progression(rule.key),
            Rule::Tenure => self.tenure(rule.key),
            Rule::Scale => self.scale(rule.key),
            Rule::WorkMode => self.work_mode(),
            Rule::Principles => self.principles(rule.key),
            Rule::Results => self.results(rule.key),
        }
    }

    /// The use of a group in the job description and in the resume.
    pub(super) fn usages(&self, group: &str) -> (Usage, Usage) {
        let group = self.lexicon().group(group);
        (self.jd.usage(group), self.resume.usage(group))
    }

    fn keywords(&self, (jd, resume): (Usage, Usage)) -> Verdict {
        let reasoning = match (jd.count, resume.count) {
            (0, _) => "The job description does not speak of it.".to_owned(),
            (n, 0) => format!("Asked for {}, not in the resume.", times(n)),
            (n, m) => format!("Asked for {}, in the resume {}.", times(n), times(m)),
        };
        Verdict {
            jd: jd_keywords(jd),
            resume: Some(resume_keywords(resume)),
            jd_at: jd.first,
            resume_at: resume.first,
            reasoning,
        }
    }

    /// Requested skills, the most named first.
    pub(super) fn most_named(&self, n: usize) -> Vec<&Tally> {
        let mut wanted: Vec<&Tally> =
            self.tallies.iter().filter(|tally| tally.jd_count > 0).collect();
        wanted.sort_by_key(|tally| (std::cmp::Reverse(tally.jd_count), tally.skill));
        wanted.truncate(n);
        wanted
    }

    fn skills(&self, set: SkillSet) -> Verdict {
        let wanted = self.tallies.iter().filter(|tally| tally.jd_count > 0);
        let members: Vec<&Tally> = match set {
            SkillSet::MostNamed => self.most_named(MOST_NAMED),
            SkillSet::Of(categories) => {
                wanted.filter(|tally| categories.contains(&tally.category)).collect()
            }
            SkillSet::Required => wanted
                .filter(|tally| match tally.importance {
                    Some(Importance::Critical | Importance::Important) => true,
                    Some(Importance::NiceToHave) | None => false,
                })
                .collect(),
        };
        let name = |tally: &Tally| self.names.skill(tally.skill).map_or("", |skill| &skill.name);
        let items = members.iter().map(|tally| Item {
            name: name(tally),
            demand: tally.demand,
            jd_at: tally.jd_at,
            resume_at: tally.resume_at,
        });
        ratio(items.collect(), "The job description stresses no such skill.")
    }

    fn principles(&self, key: &str) -> Verdict {
        let wanted = self.lexicon().family("principle").filter_map(|(group, name)| {
            let jd = self.jd.usage(group);
            let resume_at = self.resume.usage(group).first;
            (jd.count > 0).then_some(Item { name, demand: jd.demand, jd_at: jd.first, resume_at })
        });
        let wanted: Vec<Item<'_>> = wanted.collect();
        if wanted.is_empty() { self.keywords(self.usages(key)) } else { ratio(wanted, "") }
    }

    fn industry(&self) -> Verdict {
        let (mut jd, mut resume) = (Usage::default(), Usage::default());
        for (group, _) in self.lexicon().family("industry") {
            let wanted = self.jd.usage(group);
            if wanted.count > 0 {
                jd = jd.merge(wanted);
                // Years in another trade are no answer.
                resume = resume.merge(self.resume.usage(group));
            }
        }
        self.keywords((jd, resume))
    }
}

/// A requested thing of a set.
struct Item<'n> {
    name: &'n str,
    demand: Demand,
    jd_at: Option<u32>,
    resume_at: Option<u32>,
}

/// The share of the items that the resume shows.
fn ratio(items: Vec<Item<'_>>, when_empty: &str) -> Verdict {
    if items.is_empty() {
        return Verdict::unjudged(when_empty);
    }
    let n_items = u32::try_from(items.len()).unwrap_or(u32::MAX);
    let missing: Vec<&str> =
        items.iter().filter(|item| item.resume_at.is_none()).map(|item| item.name).collect();
    let n_found = n_items - u32::try_from(missing.len()).unwrap_or(n_items);
    let mut reasoning = format!("{n_found} of {n_items} in the resume");
    if !missing.is_empty() {
        let named: Vec<&str> = missing.iter().copied().take(NAMED_MAX).collect();
        let more = missing.len() - named.len();
        reasoning += &format!("; missing {}", named.join(", "));
        if more > 0 {
            reasoning += &format!(" and {more} more");
        }
    }
    reasoning.push('.');
    Verdict {
        jd: jd_keywords(Usage {
            count: n_items,
            demand: items.iter().map(|item| item.demand).max().unwrap_or_default(),
            ..Usage::default()
        }),
        resume: Some(f64::from(n_found) / f64::from(n_items)),
        jd_at: items.first().and_then(|item| item.jd_at),
        resume_at: items.iter().find_map(|item| item.resume_at),
        reasoning,
    }
}
