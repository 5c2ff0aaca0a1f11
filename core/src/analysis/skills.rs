//! The skill match: which skills a job description asks for and a resume shows.

use super::demand::Demand;
use super::dictionary::Names;
use super::evidence::quote;
use super::mentions::Mention;
use super::tokens::{Doc, index};
use super::{CategoryPercentage, SkillMatch};
use crate::enums::{Importance, SkillCategory, SkillStrength};

/// A report lists at most this many skills.
const SKILLS_MAX: usize = 100;

/// A skill as both texts name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tally {
    pub(super) skill: usize,
    pub(super) category: SkillCategory,
    pub(super) jd_count: u32,
    pub(super) resume_count: u32,
    /// Token of the first mention.
    pub(super) jd_at: Option<u32>,
    pub(super) resume_at: Option<u32>,
    /// The strongest demand of the lines that name it.
    pub(super) demand: Demand,
    pub(super) importance: Option<Importance>,
}

/// Counts mentions per skill: requested skills first, by importance, then by count, then in the
/// order of the dictionary.
pub(super) fn tally(
    names: &Names<'_>,
    jd: &[Mention],
    resume: &[Mention],
    jd_demands: &[Demand],
) -> Vec<Tally> {
    let mut tallies: Vec<Tally> = (0..names.n_skills())
        .filter_map(|skill| {
            Some(Tally {
                skill,
                category: names.skill(skill)?.category,
                jd_count: 0,
                resume_count: 0,
                jd_at: None,
                resume_at: None,
                demand: Demand::None,
                importance: None,
            })
        })
        .collect();
    let mut asks_nicely = vec![false; tallies.len()];
    for mention in jd {
        let Some(tally) = tallies.get_mut(index(mention.skill)) else { continue };
        tally.jd_count += 1;
        tally.jd_at = tally.jd_at.or(Some(mention.first));
        let demand = jd_demands.get(index(mention.first)).copied().unwrap_or_default();
        tally.demand = tally.demand.max(demand);
        if let Some(slot) = asks_nicely.get_mut(index(mention.skill)) {
            *slot |= demand == Demand::Nice;
        }
    }
    for mention in resume {
        let Some(tally) = tallies.get_mut(index(mention.skill)) else { continue };
        tally.resume_count += 1;
        tally.resume_at = tally.resume_at.or(Some(mention.first));
    }
    for (tally, is_nice) in tallies.iter_mut().zip(asks_nicely) {
        tally.importance = importance(tally.jd_count, tally.demand == Demand::Required, is_nice);
    }
    tallies.retain(|tally| tally.jd_count > 0 || tally.resume_count > 0);
    tallies.sort_by_key(|tally| {
        let rank = match tally.importance {
            Some(Importance::Critical) => 0,
            Some(Importance::Important) => 1,
            Some(Importance::NiceToHave) => 2,
            None => 3,
        };
        let count = if rank == 3 { tally.resume_count } else { tally.jd_count };
        (rank, std::cmp::Reverse(count), tally.skill)
    });
    tallies
}

/// A line that requires outweighs one that would like, and that one outweighs the count.
fn importance(jd_count: u32, is_required: bool, is_nice: bool) -> Option<Importance> {
    match (jd_count, is_required, is_nice) {
        (0, _, _) => None,
        (1, true, _) => Some(Importance::Important),
        (_, true, _) | (3.., false, false) => Some(Importance::Critical),
        (1, false, false) | (_, false, true) => Some(Importance::NiceToHave),
        (2, false, false) => Some(Importance::Important),
    }
}

/// Turns tallies into the listed skills, each with a quote from both texts.
pub(super) fn matches(
    names: &Names<'_>,
    tallies: &[Tally],
    jd: &Doc<'_>,
    resume: &Doc<'_>,
) -> Vec<SkillMatch> {
    let quote_at = |doc: &Doc<'_>, at: Option<u32>| at.and_then(|at| quote(doc, index(at)));
    tallies
        .iter()
        .take(SKILLS_MAX)
        .filter_map(|tally| {
            Some(SkillMatch {
                skill: names.skill(tally.skill)?.name.clone(),
                category: tally.category,
                strength: match tally.resume_count {
                    0 => SkillStrength::None,
                    1 => SkillStrength::Moderate,
                    2.. => SkillStrength::Strong,
                },
                importance: tally.importance,
                jd_count: tally.jd_count,
                resume_count: tally.resume_count,
                jd_evidence: quote_at(jd, tally.jd_at),
                resume_evidence: quote_at(resume, tally.resume_at),
            })
        })
        .collect()
}

/// The share of requested skills that the resume shows; `None` when none is requested.
pub(super) fn percentage(tallies: &[Tally]) -> Option<u8> {
    percentage_of(tallies.iter())
}

/// The same per category, in wire order, categories without a requested skill left out.
pub(super) fn category_percentages(tallies: &[Tally]) -> Vec<CategoryPercentage> {
    const ORDER: [SkillCategory; 9] = [
        SkillCategory::Language,
        SkillCategory::Frontend,
        SkillCategory::Backend,
        SkillCategory::Database,
        SkillCategory::CloudDevops,
        SkillCategory::DataAi,
        SkillCategory::Practice,
        SkillCategory::Soft,
        SkillCategory::Other,
    ];
    ORDER
        .into_iter()
        .filter_map(|category| {
            let members = tallies.iter().filter(|tally| tally.category == category);
            Some(CategoryPercentage { category, percentage: percentage_of(members)? })
        })
        .collect()
}

fn percentage_of<'t>(tallies: impl Iterator<Item = &'t Tally>) -> Option<u8> {
    let (mut n_wanted, mut n_shown) = (0_usize, 0_usize);
    for tally in tallies.filter(|tally| tally.jd_count > 0) {
        n_wanted += 1;
        n_shown += usize::from(tally.resume_count > 0);
    }
    // Integers round half up without a float in between.
    let rounded = (200 * n_shown + n_wanted).checked_div(2 * n_wanted)?;
    u8::try_from(rounded).ok()
}
