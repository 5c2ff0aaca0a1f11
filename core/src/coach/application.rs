//! The application coach as a state machine: what follows from seven milestones, and nothing else.
//!
//! | step | opens with | its milestones |
//! |---|---|---|
//! | DISCOVERY | – | DISCOVERY_COMPLETE, PROFILE_ANALYZED |
//! | SCORE | PROFILE_ANALYZED | SCORE_RECALCULATED |
//! | RESUME | SCORE_RECALCULATED, until APPLIED | RESUME_GENERATED, RESUME_FINALIZED |
//! | COVER_LETTER | RESUME_FINALIZED, until APPLIED | COVER_LETTER_GENERATED, or skipped |
//! | READY | COVER_LETTER_GENERATED, or skipped | APPLIED |
//! | RECRUITER, HIRING_MANAGER, PEER | APPLIED | – |

use crate::{
    enums::{CoachMilestone, CoachStatus, CoachStep},
    error::{ConflictKind, Error, Result},
    time::Timestamp,
};

/// When each milestone was reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Milestones {
    /// All discovery questions are answered or skipped.
    pub discovery_complete_at: Option<Timestamp>,
    /// The job profile was made.
    pub profile_analyzed_at: Option<Timestamp>,
    /// The match was scored anew with the profile.
    pub score_recalculated_at: Option<Timestamp>,
    /// A tailored résumé exists.
    pub resume_generated_at: Option<Timestamp>,
    /// A résumé was chosen as the final one.
    pub resume_finalized_at: Option<Timestamp>,
    /// A cover letter exists.
    pub cover_letter_generated_at: Option<Timestamp>,
    /// The application was sent.
    pub applied_at: Option<Timestamp>,
}

impl Milestones {
    /// Returns when a milestone was reached.
    pub const fn at(&self, milestone: CoachMilestone) -> Option<Timestamp> {
        match milestone {
            CoachMilestone::DiscoveryComplete => self.discovery_complete_at,
            CoachMilestone::ProfileAnalyzed => self.profile_analyzed_at,
            CoachMilestone::ScoreRecalculated => self.score_recalculated_at,
            CoachMilestone::ResumeGenerated => self.resume_generated_at,
            CoachMilestone::ResumeFinalized => self.resume_finalized_at,
            CoachMilestone::CoverLetterGenerated => self.cover_letter_generated_at,
            CoachMilestone::Applied => self.applied_at,
        }
    }

    fn any(&self) -> bool {
        CoachMilestone::ALL.iter().any(|milestone| self.at(*milestone).is_some())
    }
}

/// Everything the machine looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) milestones: Milestones,
    pub(crate) cover_letter_skipped: bool,
    pub(crate) interviews_started: bool,
    /// Questions, answers or a profile exist.
    pub(crate) begun: bool,
}

impl Facts {
    /// Returns the derived status.
    pub(crate) fn status(&self) -> CoachStatus {
        let milestones = &self.milestones;
        if milestones.applied_at.is_some() {
            if self.interviews_started { CoachStatus::InterviewPrep } else { CoachStatus::Applied }
        } else if milestones.resume_finalized_at.is_some() {
            CoachStatus::ResumeReady
        } else if self.begun || milestones.any() {
            CoachStatus::ProfileBuilding
        } else {
            CoachStatus::NotStarted
        }
    }

    /// Returns the share of milestones reached, 0 to 100; a skipped letter counts.
    pub(crate) fn progress(&self) -> u8 {
        let done = CoachMilestone::ALL.iter().filter(|milestone| self.done(**milestone)).count();
        // Rounded half up: 0, 14, 29, 43, 57, 71, 86, 100.
        u8::try_from((done * 200 + 7) / 14).unwrap_or(100)
    }

    /// Returns the steps that may not be entered, in order.
    pub(crate) fn locked(&self) -> Vec<CoachStep> {
        CoachStep::ALL.iter().copied().filter(|step| self.lock(*step).is_some()).collect()
    }

    /// Returns the first open step with something left to do; `None` when all is done.
    pub(crate) fn next_step(&self) -> Option<CoachStep> {
        CoachStep::ALL.iter().copied().find(|step| {
            self.lock(*step).is_none()
                && milestones_of(*step).iter().any(|milestone| !self.done(*milestone))
        })
    }

    /// Returns milestones that are older than one they depend on; they still count.
    pub(crate) fn outdated(&self) -> Vec<CoachMilestone> {
        let chain = CoachMilestone::ALL.split_last().map_or(&[][..], |(_, chain)| chain);
        let mut newest = None;
        let mut outdated = Vec::new();
        for milestone in chain {
            if let Some(at) = self.milestones.at(*milestone) {
                if newest.is_some_and(|newest| at < newest) {
                    outdated.push(*milestone);
                }
                newest = newest.max(Some(at));
            }
        }
        outdated
    }

    /// Refuses a locked step with the milestones that would open it.
    pub(crate) fn require(&self, step: CoachStep) -> Result<()> {
        match self.lock(step) {
            None => Ok(()),
            Some(missing) => {
                let what = if missing.is_empty() {
                    format!("the step {step} is closed while the job is applied for")
                } else {
                    format!("the step {step} is still locked")
                };
                Err(Error::conflict(ConflictKind::StepLocked { missing }, what))
            }
        }
    }

    /// `None` for an open step, else the milestones that are missing; none of them when only
    /// APPLIED closes it.
    fn lock(&self, step: CoachStep) -> Option<Vec<CoachMilestone>> {
        let needed = match step {
            CoachStep::Discovery => return None,
            CoachStep::Score => CoachMilestone::ProfileAnalyzed,
            CoachStep::Resume => CoachMilestone::ScoreRecalculated,
            CoachStep::CoverLetter => CoachMilestone::ResumeFinalized,
            CoachStep::Ready => CoachMilestone::CoverLetterGenerated,
            CoachStep::Recruiter | CoachStep::HiringManager | CoachStep::Peer => {
                CoachMilestone::Applied
            }
        };
        if !self.done(needed) {
            return Some(vec![needed]);
        }
        let fixed = matches!(step, CoachStep::Resume | CoachStep::CoverLetter)
            && self.milestones.applied_at.is_some();
        fixed.then(Vec::new)
    }

    fn done(&self, milestone: CoachMilestone) -> bool {
        self.milestones.at(milestone).is_some()
            || (milestone == CoachMilestone::CoverLetterGenerated && self.cover_letter_skipped)
    }
}

fn milestones_of(step: CoachStep) -> &'static [CoachMilestone] {
    match step {
        CoachStep::Discovery => {
            &[CoachMilestone::DiscoveryComplete, CoachMilestone::ProfileAnalyzed]
        }
        CoachStep::Score => &[CoachMilestone::ScoreRecalculated],
        CoachStep::Resume => &[CoachMilestone::ResumeGenerated, CoachMilestone::ResumeFinalized],
        CoachStep::CoverLetter => &[CoachMilestone::CoverLetterGenerated],
        CoachStep::Ready => &[CoachMilestone::Applied],
        CoachStep::Recruiter | CoachStep::HiringManager | CoachStep::Peer => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first `n` milestones, reached one after the other.
    fn reached(n: usize) -> Facts {
        let at = |i: i64| usize::try_from(i).is_ok_and(|i| i < n).then(|| Timestamp::from_ms(i));
        Facts {
            milestones: Milestones {
                discovery_complete_at: at(0),
                profile_analyzed_at: at(1),
                score_recalculated_at: at(2),
                resume_generated_at: at(3),
                resume_finalized_at: at(4),
                cover_letter_generated_at: at(5),
                applied_at: at(6),
            },
            ..Facts::default()
        }
    }

    #[test]
    fn progress_rounds_to_the_published_numbers() {
        let all: Vec<_> = (0..=7).map(|n| reached(n).progress()).collect();
        assert_eq!(all, [0, 14, 29, 43, 57, 71, 86, 100]);
    }

    #[test]
    fn each_milestone_opens_the_next_step() {
        let next: Vec<_> = (0..=7).map(|n| reached(n).next_step()).collect();
        assert_eq!(
            next,
            [
                Some(CoachStep::Discovery),
                Some(CoachStep::Discovery),
                Some(CoachStep::Score),
                Some(CoachStep::Resume),
                Some(CoachStep::Resume),
                Some(CoachStep::CoverLetter),
                Some(CoachStep::Ready),
                None,
            ]
        );
    }

    #[test]
    fn a_locked_step_names_what_is_missing() {
        let error = reached(1).require(CoachStep::Score).unwrap_err();
        assert!(matches!(
            error,
            Error::Conflict { kind: ConflictKind::StepLocked { missing }, .. }
                if missing == [CoachMilestone::ProfileAnalyzed]
        ));
    }

    #[test]
    fn documents_are_fixed_while_applied() {
        let facts = reached(7);
        assert_eq!(facts.locked(), [CoachStep::Resume, CoachStep::CoverLetter]);
        assert_eq!(facts.status(), CoachStatus::Applied);
    }

    #[test]
    fn a_milestone_older_than_its_ground_is_outdated_and_counts() {
        let mut facts = reached(4);
        facts.milestones.discovery_complete_at = Some(Timestamp::from_ms(9));
        assert_eq!(
            facts.outdated(),
            [
                CoachMilestone::ProfileAnalyzed,
                CoachMilestone::ScoreRecalculated,
                CoachMilestone::ResumeGenerated
            ]
        );
        assert_eq!(facts.progress(), 57);
    }

    #[test]
    fn a_skipped_letter_counts_and_opens_the_way() {
        let facts = Facts { cover_letter_skipped: true, ..reached(5) };
        assert_eq!(facts.next_step(), Some(CoachStep::Ready));
        assert_eq!(facts.progress(), 86);
    }
}
