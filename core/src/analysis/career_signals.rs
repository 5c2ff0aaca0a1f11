//! Judges the signals that read a career: years, level, degree, company, course and scale.

use super::career::{
    company_sizes, degrees, family_usage, jobs, levels_over_time, months_where, posted_level,
    shown_level,
};
use super::dates::{covered_months, years};
use super::demand::Demand;
use super::facts::{Facts, Usage};
use super::lexicon::Class;
use super::signals::{Comparison, Verdict, jd_keywords};
use super::tokens::index;

/// A general wish: these signals matter even when a job description does not speak of them.
const JD_FLOOR: f64 = 0.25;
/// Years that count as depth where a job description states none.
const DEPTH_YEARS: f64 = 5.0;
const DEPTH_SKILLS: usize = 3;
/// A count of years is about experience when a word that says so stands within this many tokens.
const EXPERIENCE_REACH: usize = 12;

impl Comparison<'_, '_> {
    pub(super) fn depth(&self) -> Verdict {
        let top = self.most_named(DEPTH_SKILLS);
        if top.is_empty() {
            return Verdict::unjudged("The job description names no skill.");
        }
        let general = self.wanted_years().map(|(years, _, _)| f64::from(years));
        let (mut total, mut is_known, mut usage) = (0.0, false, Usage::default());
        for tally in &top {
            let (asked, _) = years_beside(self.jd, tally.skill);
            let (stated, _) = years_beside(self.resume, tally.skill);
            let dated = years(months_with(self.resume, tally.skill));
            let needed = if asked > 0 { f64::from(asked) } else { general.unwrap_or(DEPTH_YEARS) };
            total += (f64::from(stated).max(dated) / needed).min(1.0);
            is_known |= stated > 0 || dated > 0.0;
            usage = usage.merge(Usage {
                count: tally.jd_count,
                demand: tally.demand,
                first: tally.jd_at,
                ..Usage::default()
            });
        }
        if !is_known && jobs(self.resume).next().is_none() && !self.resume.is_empty() {
            return Verdict::unjudged("The resume states no years and no dates.");
        }
        let n_top = u32::try_from(top.len()).unwrap_or(1);
        let names: Vec<&str> = top
            .iter()
            .filter_map(|tally| self.names.skill(tally.skill).map(|skill| skill.name.as_str()))
            .collect();
        Verdict {
            jd: jd_keywords(usage),
            resume: Some(total / f64::from(n_top)),
            jd_at: usage.first,
            resume_at: top
                .iter()
                .find_map(|tally| years_beside(self.resume, tally.skill).1.or(tally.resume_at)),
            reasoning: format!("Years with {}.", names.join(", ")),
        }
    }

    /// The years a job description asks for, how often it does, and where.
    fn wanted_years(&self) -> Option<(u32, Usage, u32)> {
        let mut usage = Usage::default();
        let mut most: Option<(u32, u32)> = None;
        for count in &self.jd.year_counts {
            let Some(line) = self.jd.doc.lines.get(index(count.line)) else { continue };
            let demand = self.jd.demand_at(count.at);
            // "25 years in business" is about the company.
            if demand == Demand::None && !self.speaks_of_experience(index(line.first), count.at) {
                continue;
            }
            usage =
                usage.merge(Usage { count: 1, demand, first: Some(count.at), ..Usage::default() });
            if most.is_none_or(|(years, _)| count.low > years) {
                most = Some((count.low, count.at));
            }
        }
        most.filter(|(years, _)| *years > 0).map(|(years, at)| (years, usage, at))
    }

    fn speaks_of_experience(&self, line_first: usize, at: u32) -> bool {
        let at = index(at);
        let from = at.saturating_sub(EXPERIENCE_REACH).max(line_first);
        let Some(home) = self.jd.doc.token(at) else { return false };
        let words = self.jd.doc.tokens.get(from..).unwrap_or_default();
        let mut near =
            words.iter().take(at - from + EXPERIENCE_REACH).filter(|w| w.sentence == home.sentence);
        near.any(|word| self.lexicon().is(word.id, Class::Experience))
    }

    pub(super) fn years(&self) -> Verdict {
        let Some((wanted, usage, wanted_at)) = self.wanted_years() else {
            return Verdict::unjudged("The job description states no years of experience.");
        };
        let stated = self
            .resume
            .year_counts
            .iter()
            .max_by_key(|count| (count.high, std::cmp::Reverse(count.at)));
        let dated = years(covered_months(jobs(self.resume).map(|job| (job.start, job.end))));
        let shown = stated.map_or(0.0, |count| f64::from(count.high)).max(dated);
        Verdict {
            jd: jd_keywords(usage),
            resume: Some((shown / f64::from(wanted)).min(1.0)),
            jd_at: Some(wanted_at),
            resume_at: stated
                .filter(|count| f64::from(count.high) >= dated)
                .map(|count| count.at)
                .or_else(|| jobs(self.resume).next().map(|job| job.at)),
            reasoning: format!("Asked for {wanted} years, shown {shown:.1}."),
        }
    }

    pub(super) fn level(&self) -> Verdict {
        let Some((wanted, wanted_at)) = posted_level(self.jd, self.lexicon()) else {
            return Verdict::unjudged("The job description states no level.");
        };
        let shown = shown_level(self.resume, self.lexicon());
        let score = match shown.map(|(level, _)| i16::from(level) - i16::from(wanted)) {
            Some(0 | 1) => 1.0,
            Some(2..) => 0.8,
            Some(-1) => 0.6,
            Some(_) | None => 0.2,
        };
        let shown_name = shown.map_or("no level", |(level, _)| level_name(level));
        Verdict {
            jd: jd_keywords(Usage {
                count: 1,
                demand: self.jd.demand_at(wanted_at),
                ..Usage::default()
            }),
            resume: Some(score),
            jd_at: Some(wanted_at),
            resume_at: shown.map(|(_, at)| at),
            reasoning: format!("Asked for {}, shown {shown_name}.", level_name(wanted)),
        }
    }

    pub(super) fn degree(&self) -> Verdict {
        let Some(((wanted, wanted_at), _)) = degrees(self.jd, self.lexicon()) else {
            return Verdict::unjudged("The job description states no degree.");
        };
        let (_, usage) = family_usage(self.jd, self.lexicon(), "degree");
        let equivalent = self.jd.usage(self.lexicon().group("degree/equivalent"));
        let shown = degrees(self.resume, self.lexicon()).map(|(_, highest)| highest);
        let score = match shown {
            Some((degree, _)) if degree >= wanted => 1.0,
            Some((degree, _)) if degree + 1 == wanted => 0.6,
            Some(_) => 0.3,
            None => 0.0,
        };
        let is_lifted = equivalent.count > 0 && score < 0.6;
        let shown_name = shown.map_or("no degree", |(degree, _)| degree_name(degree));
        let lift = if is_lifted { "; equivalent experience is accepted" } else { "" };
        Verdict {
            jd: jd_keywords(usage),
            resume: Some(if is_lifted { 0.6 } else { score }),
            jd_at: Some(wanted_at),
            resume_at: shown.map(|(_, at)| at),
            reasoning: format!("Asked for {}, shown {shown_name}{lift}.", degree_name(wanted)),
        }
    }

    pub(super) fn company_size(&self) -> Verdict {
        let (wanted, usage) = company_sizes(self.jd, self.lexicon());
        let (shown, shown_usage) = company_sizes(self.resume, self.lexicon());
        match_any(&wanted, usage, &shown, shown_usage, 0.4, "The job description states no size.")
    }

    pub(super) fn work_mode(&self) -> Verdict {
        let (wanted, usage) = family_usage(self.jd, self.lexicon(), "mode");
        let (shown, shown_usage) = family_usage(self.resume, self.lexicon(), "mode");
        let missing = "The job description states no mode of work.";
        match_any(&wanted, usage, &shown, shown_usage, 0.3, missing)
    }

    pub(super) fn progression(&self, key: &str) -> Verdict {
        if jobs(self.resume).next().is_none() {
            return Verdict::unjudged("The resume holds no dated jobs.");
        }
        let levels = levels_over_time(self.resume, self.lexicon());
        let earliest = levels.first().map_or(0, |(level, _)| *level);
        let latest = levels.last().map_or(0, |(level, _)| *level);
        let (score, course) = match latest.cmp(&earliest) {
            std::cmp::Ordering::Greater => (1.0, "rises"),
            std::cmp::Ordering::Equal => (0.6, "stays"),
            std::cmp::Ordering::Less => (0.3, "falls"),
        };
        let (jd, _) = self.usages(key);
        Verdict {
            jd: jd_keywords(jd).max(JD_FLOOR),
            resume: Some(score),
            jd_at: jd.first,
            resume_at: levels.last().map(|(_, at)| *at),
            reasoning: format!("The level {course} over the dated jobs."),
        }
    }

    pub(super) fn tenure(&self, key: &str) -> Verdict {
        let (mut n_jobs, mut months) = (0_u32, 0_i32);
        for job in jobs(self.resume) {
            n_jobs += 1;
            months = months.saturating_add(job.end - job.start);
        }
        if n_jobs == 0 {
            return Verdict::unjudged("The resume holds no dated jobs.");
        }
        let mean = years(months) / f64::from(n_jobs);
        let (jd, _) = self.usages(key);
        Verdict {
            jd: jd_keywords(jd).max(JD_FLOOR),
            resume: Some((mean / 3.0).min(1.0)),
            jd_at: jd.first,
            resume_at: jobs(self.resume).next().map(|job| job.at),
            reasoning: format!("{mean:.1} years per dated job on average."),
        }
    }

    pub(super) fn scale(&self, key: &str) -> Verdict {
        let (mut jd, _) = self.usages(key);
        jd.count += self.jd.figures.iter().map(|line| line.n_scale).sum::<u32>();
        let shown: u32 = self.resume.figures.iter().map(|line| line.n_scale).sum();
        let first_with = |facts: &Facts<'_>| {
            let at = facts.figures.iter().position(|line| line.n_scale > 0)?;
            facts.doc.lines.get(at).map(|line| line.first)
        };
        Verdict {
            jd: jd_keywords(jd),
            resume: Some(steps(shown, [0.0, 0.4, 0.7, 1.0])),
            jd_at: jd.first.or_else(|| first_with(self.jd)),
            resume_at: first_with(self.resume),
            reasoning: format!("Figures of size in the resume: {shown}."),
        }
    }

    pub(super) fn results(&self, key: &str) -> Verdict {
        let (jd, _) = self.usages(key);
        let has_metric = self.resume.figures.iter().map(|line| u32::from(line.has_metric));
        let shown: u32 = has_metric.sum();
        let first = self.resume.figures.iter().position(|line| line.has_metric);
        Verdict {
            jd: jd_keywords(jd).max(JD_FLOOR),
            resume: Some(steps(shown, [0.0, 0.25, 0.5, 0.75, 1.0])),
            jd_at: jd.first,
            resume_at: first.and_then(|at| Some(self.resume.doc.lines.get(at)?.first)),
            reasoning: format!("Lines with a measured result: {shown}."),
        }
    }
}

fn steps<const N: usize>(count: u32, scores: [f64; N]) -> f64 {
    scores.get(index(count)).or(scores.last()).copied().unwrap_or(0.0)
}

fn match_any(
    wanted: &[&str],
    usage: Usage,
    shown: &[&str],
    shown_usage: Usage,
    otherwise: f64,
    when_empty: &str,
) -> Verdict {
    if wanted.is_empty() {
        return Verdict::unjudged(when_empty);
    }
    let is_same = wanted.iter().any(|name| shown.contains(name));
    let shown_names = if shown.is_empty() { "none".to_owned() } else { shown.join(", ") };
    Verdict {
        jd: jd_keywords(usage),
        resume: Some(if is_same { 1.0 } else { otherwise }),
        jd_at: usage.first,
        resume_at: shown_usage.first,
        reasoning: format!("Stated {}, shown {shown_names}.", wanted.join(", ")),
    }
}

/// The most years stated on a line that names the skill, and where.
fn years_beside(facts: &Facts<'_>, skill: usize) -> (u32, Option<u32>) {
    let mut best = (0, None);
    for mention in facts.mentions.iter().filter(|mention| index(mention.skill) == skill) {
        let Some(line) = facts.line_of(mention.first) else { continue };
        let years = facts.figures_on(line).years;
        if years > best.0 {
            best = (years, Some(mention.first));
        }
    }
    best
}

/// Months of the dated jobs that name the skill.
fn months_with(facts: &Facts<'_>, skill: usize) -> i32 {
    let lines: Vec<u32> = facts
        .mentions
        .iter()
        .filter(|mention| index(mention.skill) == skill)
        .filter_map(|mention| facts.line_of(mention.first))
        .collect();
    months_where(facts, |first, last| {
        let at = lines.partition_point(|line| *line < first);
        lines.get(at).is_some_and(|line| *line < last)
    })
}

fn level_name(level: u8) -> &'static str {
    match level {
        0 => "intern",
        1 => "junior",
        2 => "mid level",
        3 => "senior",
        4 => "lead or manager",
        5 => "director",
        6.. => "vice president",
    }
}

fn degree_name(degree: u8) -> &'static str {
    match degree {
        0 => "no degree",
        1 => "associate",
        2 => "bachelor",
        3 => "master",
        4.. => "doctor",
    }
}
