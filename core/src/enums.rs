//! Every enum of the domain, spelled once: the same upper-case word in storage, JSON, GraphQL and
//! the C header, and one frozen number for C.

use serde::{Deserialize, Serialize};

/// Declares an enum with its wire word and frozen C number.
///
/// A function cannot do this: the derives and the constants need the variant list.
macro_rules! wire_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $number:literal $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
        pub enum $name {
            $($(#[$vmeta])* #[doc = concat!("`", $word, "`.")] #[serde(rename = $word)] #[cfg_attr(feature = "graphql", graphql(name = $word))] $variant),+
        }

        impl $name {
            /// All values in wire order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the upper-case word used in storage and on every wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Returns the value spelled `word`, or `None` when there is no such value.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }

            /// Returns the frozen number of the C interface; 0 is never used.
            pub const fn number(self) -> i32 {
                match self { $(Self::$variant => $number),+ }
            }

            /// Returns the value with that C number, or `None`.
            pub const fn from_number(number: i32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

wire_enum!(
    /// Where a job application stands. Any status may follow any other.
    JobStatus {
        OnRadar = 1 "ON_RADAR", Applied = 2 "APPLIED", PhoneScreen = 3 "PHONE_SCREEN", Onsite = 4 "ONSITE",
        Offer = 5 "OFFER", Accepted = 6 "ACCEPTED", Rejected = 7 "REJECTED", Withdrawn = 8 "WITHDRAWN",
        Ghosted = 9 "GHOSTED",
    }
);

impl JobStatus {
    /// Reports whether the search for this job is still going on.
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::OnRadar | Self::Applied | Self::PhoneScreen | Self::Onsite | Self::Offer
        )
    }

    /// Reports whether entering this status means that an application was sent.
    pub const fn means_applied(self) -> bool {
        matches!(
            self,
            Self::Applied | Self::PhoneScreen | Self::Onsite | Self::Offer | Self::Accepted
        )
    }
}

wire_enum!(
    /// How far the application coach has come; derived from milestones, never set by a client.
    CoachStatus {
        NotStarted = 1 "NOT_STARTED", ProfileBuilding = 2 "PROFILE_BUILDING", ResumeReady = 3 "RESUME_READY",
        Applied = 4 "APPLIED", InterviewPrep = 5 "INTERVIEW_PREP",
    }
);
wire_enum!(
    /// A finished step of the application coach.
    CoachMilestone {
        DiscoveryComplete = 1 "DISCOVERY_COMPLETE", ProfileAnalyzed = 2 "PROFILE_ANALYZED",
        ScoreRecalculated = 3 "SCORE_RECALCULATED", ResumeGenerated = 4 "RESUME_GENERATED",
        ResumeFinalized = 5 "RESUME_FINALIZED", CoverLetterGenerated = 6 "COVER_LETTER_GENERATED",
        Applied = 7 "APPLIED",
    }
);
wire_enum!(
    /// A step of the coach that a client can show.
    CoachStep {
        Discovery = 1 "DISCOVERY", Score = 2 "SCORE", Resume = 3 "RESUME", CoverLetter = 4 "COVER_LETTER",
        Ready = 5 "READY", Recruiter = 6 "RECRUITER", HiringManager = 7 "HIRING_MANAGER", Peer = 8 "PEER",
    }
);
wire_enum!(
    /// What a file of a job is.
    AttachmentKind { Resume = 1 "RESUME", Jd = 2 "JD", CoverLetter = 3 "COVER_LETTER", Other = 4 "OTHER" }
);
wire_enum!(
    /// A text form of an attachment.
    VariantName { Raw = 1 "RAW", AiNormalized = 2 "AI_NORMALIZED" }
);
wire_enum!(
    /// Who made a variant's text.
    VariantSource { Extracted = 1 "EXTRACTED", Ai = 2 "AI", Manual = 3 "MANUAL", Import = 4 "IMPORT" }
);
wire_enum!(
    /// Whether an attachment's text can be read. NONE: a type without text. EMPTY: fewer than 20 visible characters.
    TextState { None = 1 "NONE", Pending = 2 "PENDING", Ready = 3 "READY", Empty = 4 "EMPTY", Failed = 5 "FAILED" }
);
wire_enum!(
    /// Why a text could not be read.
    TextError { Corrupt = 1 "CORRUPT", Encrypted = 2 "ENCRYPTED", TooComplex = 3 "TOO_COMPLEX", Timeout = 4 "TIMEOUT" }
);
wire_enum!(
    /// How an attachment came in.
    AttachmentSource { Upload = 1 "UPLOAD", Paste = 2 "PASTE", Generated = 3 "GENERATED", Import = 4 "IMPORT" }
);
wire_enum!(
    /// Something the uploader should know. TYPE_MISMATCH: content and extension disagree; the content was believed.
    AttachmentWarning { TypeMismatch = 1 "TYPE_MISMATCH" }
);
wire_enum!(
    /// What a change is about. COACH_STATE carries the id of its job; ACCOUNT covers settings and
    /// keys. New values are added at the end.
    EntityKind {
        Job = 1 "JOB", StatusChange = 2 "STATUS_CHANGE", Attachment = 3 "ATTACHMENT",
        AttachmentVariant = 4 "ATTACHMENT_VARIANT", CoachState = 5 "COACH_STATE", Analysis = 6 "ANALYSIS",
        Account = 7 "ACCOUNT",
    }
);
wire_enum!(
    /// What happened to an entity.
    ChangeOp { Created = 1 "CREATED", Updated = 2 "UPDATED", Deleted = 3 "DELETED" }
);
wire_enum!(
    /// Who computed a score. LOCAL is the engine's own deterministic analysis.
    ScoreSource { Local = 1 "LOCAL", Ai = 2 "AI", Import = 3 "IMPORT" }
);
wire_enum!(
    /// POOR up to 50, GOOD up to 75, EXCELLENT above.
    ScoreBand { Poor = 1 "POOR", Good = 2 "GOOD", Excellent = 3 "EXCELLENT" }
);
wire_enum!(
    /// A part of the match score.
    ScoreCategory { Technical = 1 "TECHNICAL", Experience = 2 "EXPERIENCE", Soft = 3 "SOFT" }
);
wire_enum!(
    /// What sort of skill a skill is.
    SkillCategory {
        Language = 1 "LANGUAGE", Frontend = 2 "FRONTEND", Backend = 3 "BACKEND", Database = 4 "DATABASE",
        CloudDevops = 5 "CLOUD_DEVOPS", DataAi = 6 "DATA_AI", Practice = 7 "PRACTICE", Soft = 8 "SOFT", Other = 9 "OTHER",
    }
);
wire_enum!(
    /// How strongly the résumé shows a skill.
    SkillStrength { Strong = 1 "STRONG", Moderate = 2 "MODERATE", Weak = 3 "WEAK", Transferable = 4 "TRANSFERABLE", None = 5 "NONE" }
);
wire_enum!(
    /// How much the job description wants a skill.
    Importance { Critical = 1 "CRITICAL", Important = 2 "IMPORTANT", NiceToHave = 3 "NICE_TO_HAVE" }
);
wire_enum!(
    /// How much a missing signal hurts.
    GapSeverity { Critical = 1 "CRITICAL", Important = 2 "IMPORTANT", Minor = 3 "MINOR" }
);
wire_enum!(
    /// What a job list is sorted by.
    JobOrderField { CreatedAt = 1 "CREATED_AT", UpdatedAt = 2 "UPDATED_AT", Company = 3 "COMPANY", Title = 4 "TITLE", Status = 5 "STATUS" }
);
wire_enum!(
    /// Which end comes first.
    OrderDirection { Asc = 1 "ASC", Desc = 2 "DESC" }
);
wire_enum!(
    /// The plan of a user.
    Tier { Free = 1 "FREE", Pro = 2 "PRO", Enterprise = 3 "ENTERPRISE" }
);
wire_enum!(
    /// Who answers an analysis. LOCAL is the engine's own deterministic analysis; it needs no key.
    AiProvider { Local = 1 "LOCAL", Anthropic = 2 "ANTHROPIC", OpenAi = 3 "OPENAI", OpenAiCompatible = 4 "OPENAI_COMPATIBLE" }
);
wire_enum!(
    /// What an analysis is asked for.
    AnalysisKind {
        DocumentNormalize = 1 "DOCUMENT_NORMALIZE", MatchScore = 2 "MATCH_SCORE",
        CompanyIntelligence = 3 "COMPANY_INTELLIGENCE", CompanyEcosystem = 4 "COMPANY_ECOSYSTEM",
        CompanyQuestions = 5 "COMPANY_QUESTIONS", PeopleExtract = 6 "PEOPLE_EXTRACT",
        NotesSummary = 7 "NOTES_SUMMARY", CoverLetter = 8 "COVER_LETTER", ResumeImprove = 9 "RESUME_IMPROVE",
    }
);
wire_enum!(
    /// How far an analysis has come. The last three are final.
    AnalysisState { Queued = 1 "QUEUED", Running = 2 "RUNNING", Succeeded = 3 "SUCCEEDED", Failed = 4 "FAILED", Cancelled = 5 "CANCELLED" }
);

impl AnalysisState {
    /// Reports whether nothing follows.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

wire_enum!(
    /// Where an answer came from. FRESH: a call of its own. CACHE: kept from an earlier one of the
    /// same user. SHARED: kept for all users. POOLED: joined a call that was under way. STALE: an
    /// old answer, while or because a new one could not be had.
    ResultSource { Fresh = 1 "FRESH", Cache = 2 "CACHE", Shared = 3 "SHARED", Pooled = 4 "POOLED", Stale = 5 "STALE" }
);
wire_enum!(
    /// Who asks in an interview.
    Persona { Recruiter = 1 "RECRUITER", HiringManager = 2 "HIRING_MANAGER", Peer = 3 "PEER" }
);
wire_enum!(
    /// What a usage window counts.
    UsageResource { Requests = 1 "REQUESTS", Reads = 2 "READS", AiCalls = 3 "AI_CALLS" }
);
wire_enum!(
    /// How a stored analysis relates to the documents as they are now.
    StalenessSeverity {
        Fresh = 1 "FRESH", Minor = 2 "MINOR", Major = 3 "MAJOR", NeverAnalyzed = 4 "NEVER_ANALYZED",
        VariantsFresh = 5 "VARIANTS_FRESH", NoVariants = 6 "NO_VARIANTS",
    }
);
wire_enum!(
    /// What an analysis of fit read. JOB: company and title.
    StalenessPart { Resume = 1 "RESUME", Jd = 2 "JD", CoverLetter = 3 "COVER_LETTER", Job = 4 "JOB" }
);
wire_enum!(
    /// Which allowance is used up.
    QuotaScope {
        JobBytes = 1 "JOB_BYTES", AccountBytes = 2 "ACCOUNT_BYTES", AccountFiles = 3 "ACCOUNT_FILES",
        AccountJobs = 4 "ACCOUNT_JOBS", JobItems = 5 "JOB_ITEMS", AccountItems = 6 "ACCOUNT_ITEMS",
    }
);
wire_enum!(
    /// Why an authenticated caller may not do this. MODE: not in this mode of the engine.
    ForbiddenReason { Scope = 1 "SCOPE", Role = 2 "ROLE", Reauth = 3 "REAUTH", Mode = 4 "MODE" }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_two_way() {
        for status in JobStatus::ALL {
            assert_eq!(JobStatus::parse(status.as_str()), Some(*status));
            assert_eq!(JobStatus::from_number(status.number()), Some(*status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        assert_eq!(JobStatus::parse("applied"), None);
        assert_eq!(JobStatus::from_number(0), None);
    }
}
