//! The capabilities: typed inputs and outputs, rules, and the engine's own answers.

mod company;
mod document;
mod ecosystem;
mod extract;
mod fields;
mod intelligence;
mod layout;
mod letter;
mod limits;
mod matching;
mod notes;
mod people;
mod questions;
mod resume;
mod texts;

#[cfg(test)]
mod tests;

pub(super) use fields::Fields;

use super::capability::Capability;
use crate::enums::AnalysisKind;

/// The version of the engine's own answers, besides that of the analysis: raised with every change
/// of what they say.
pub(super) const LOCAL_RULES_VERSION: u32 = 1;

static DOCUMENT_NORMALIZE: Capability = Capability::personal::<document::Document>();
static MATCH_SCORE: Capability = Capability::personal::<matching::Match>();
static COMPANY_INTELLIGENCE: Capability = Capability::public::<intelligence::Intelligence>();
static COMPANY_ECOSYSTEM: Capability = Capability::public::<ecosystem::Ecosystem>();
static COMPANY_QUESTIONS: Capability = Capability::public::<questions::Questions>();
static PEOPLE_EXTRACT: Capability = Capability::personal::<people::People>();
static NOTES_SUMMARY: Capability = Capability::personal::<notes::Notes>();
static COVER_LETTER: Capability = Capability::personal::<letter::Letter>();
static RESUME_IMPROVE: Capability = Capability::personal::<resume::Resume>();

pub(super) fn of(kind: AnalysisKind) -> &'static Capability {
    match kind {
        AnalysisKind::DocumentNormalize => &DOCUMENT_NORMALIZE,
        AnalysisKind::MatchScore => &MATCH_SCORE,
        AnalysisKind::CompanyIntelligence => &COMPANY_INTELLIGENCE,
        AnalysisKind::CompanyEcosystem => &COMPANY_ECOSYSTEM,
        AnalysisKind::CompanyQuestions => &COMPANY_QUESTIONS,
        AnalysisKind::PeopleExtract => &PEOPLE_EXTRACT,
        AnalysisKind::NotesSummary => &NOTES_SUMMARY,
        AnalysisKind::CoverLetter => &COVER_LETTER,
        AnalysisKind::ResumeImprove => &RESUME_IMPROVE,
    }
}
