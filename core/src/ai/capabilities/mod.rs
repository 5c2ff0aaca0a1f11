//! The capabilities: typed inputs and outputs, rules, and the engine's own answers.

mod company;
mod ecosystem;
mod fields;
mod limits;
mod matching;
mod texts;

#[cfg(test)]
mod tests;

pub(super) use fields::Fields;

use super::capability::Capability;
use crate::enums::AnalysisKind;

/// The version of the engine's own answers, besides that of the analysis: raised with every change
/// of what they say.
pub(super) const LOCAL_RULES_VERSION: u32 = 1;

static MATCH_SCORE: Capability = Capability::personal::<matching::Match>();
static COMPANY_ECOSYSTEM: Capability = Capability::public::<ecosystem::Ecosystem>();

pub(super) fn of(kind: AnalysisKind) -> &'static Capability {
    match kind {
        AnalysisKind::MatchScore => &MATCH_SCORE,
        AnalysisKind::CompanyEcosystem => &COMPANY_ECOSYSTEM,
        _ => &MATCH_SCORE,
    }
}
