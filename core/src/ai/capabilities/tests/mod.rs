//! What holds for every capability.

mod answers;
mod forms;
mod inputs;
mod local;

use serde_json::{Value, json};

use super::super::capability::{Capability, LocalContext};
use crate::{analysis::Today, enums::AnalysisKind};

const JD: &str = "Senior Rust Engineer\nYou must know Rust, PostgreSQL and Docker.\n\
    Kubernetes is a plus.\nFive years of experience required. Strong communication.";
const RESUME: &str = "Mara Feld\nRust engineer, 2018 - present\n- Built services in Rust and \
    PostgreSQL.\n- Cut costs by 30 % with Rust.\nSkills: Rust, Python, Docker";
const NOTES: &str = "Called Dana Roth, the recruiter, on 12 May.\nSalary is 90000 with a bonus.\n\
    Nice weather in the morning.\nThe next interview is about Rust and Docker.\nBring questions.";

fn context() -> LocalContext<'static> {
    LocalContext { today: Today { year: 2026, month: 3 }, extra_skills: &[] }
}

/// Returns an input of a kind as a caller gives it.
fn raw(kind: AnalysisKind) -> Value {
    match kind {
        AnalysisKind::DocumentNormalize => json!({"text": RESUME, "documentKind": "RESUME"}),
        AnalysisKind::MatchScore => {
            json!({"resume": RESUME, "jd": JD, "company": "Acme", "title": "Engineer"})
        }
        AnalysisKind::CompanyIntelligence | AnalysisKind::CompanyEcosystem => {
            json!({"company": "Acme, Inc.", "industry": "Rail"})
        }
        AnalysisKind::CompanyQuestions => {
            json!({"company": "Acme", "roleFamily": "Engineering", "persona": "PEER"})
        }
        AnalysisKind::PeopleExtract => json!({"text": "Dana Roth\nRecruiter at Acme\nRust, Go"}),
        AnalysisKind::NotesSummary => {
            json!({"notes": NOTES, "company": "Acme", "title": "Engineer"})
        }
        AnalysisKind::CoverLetter => json!({
            "resume": RESUME, "jd": JD, "company": "Acme", "title": "Engineer",
            "addressee": "Dana Roth", "principles": ["Own it", "Stay curious"],
        }),
        AnalysisKind::ResumeImprove => json!({"resume": RESUME, "jd": JD}),
    }
}

/// Returns an input of a kind, normalised.
fn input(kind: AnalysisKind) -> Value {
    Capability::of(kind).normalise(raw(kind)).unwrap()
}

/// Returns an answer of a model that is right.
fn answer(kind: AnalysisKind) -> Value {
    match kind {
        AnalysisKind::DocumentNormalize => json!({"text": "Mara Feld\n- Rust", "wordCount": 0}),
        AnalysisKind::MatchScore => json!({
            "matchScore": {
                "overallScore": null,
                "categoryBreakdown": {"technical": 0.8, "experience": 0.6, "softSkills": null},
                "topStrengths": ["Rust for years."],
                "topGaps": ["No Kubernetes."],
                "quickRecommendation": "Name Kubernetes if you used it.",
                "confidence": 0.7,
            },
            "skillsMatch": {
                "overallMatchPercentage": null,
                "technicalSkills": [
                    {"skill": "Rust", "strength": "STRONG", "importance": "CRITICAL",
                     "jdEvidence": "You must know Rust", "resumeEvidence": "Built services in Rust"},
                    {"skill": "Kubernetes", "strength": "NONE", "importance": "NICE_TO_HAVE"},
                    {"skill": "Python", "strength": "WEAK", "importance": null},
                ],
                "softSkills": [
                    {"skill": "Communication", "strength": "TRANSFERABLE", "importance": "IMPORTANT"},
                ],
                "missingCriticalSkills": [],
                "unexpectedStrengths": ["Python"],
                "transferableSkills": [],
            },
        }),
        AnalysisKind::CompanyIntelligence => json!({"company": {
            "known": true, "name": "Acme", "founded": 1990, "description": "Makes rails.",
            "keyFacts": ["Rails."], "principles": [], "leadership": [{"name": "Ana Lund"}],
            "culture": {"positive": ["Calm"], "negative": [], "overall": null},
            "competitors": ["Bolt Rail"], "confidence": 0.6,
        }}),
        AnalysisKind::CompanyEcosystem => json!({"companies": [
            {"name": "Bolt Rail", "category": "COMPETITOR", "relevanceScore": 0.4,
             "reason": "Sells rails too.", "confidence": 0.9},
            {"name": "Norda", "category": "SUPPLIER", "relevanceScore": 0.9,
             "reason": "Sells it steel.", "confidence": 0.8},
        ]}),
        AnalysisKind::CompanyQuestions => json!({"questions": [
            {"question": "How do you review code?", "category": "TECHNICAL", "rationale": "Habits."},
        ]}),
        AnalysisKind::PeopleExtract => json!({
            "name": "Dana Roth", "title": "Recruiter", "company": "Acme", "location": null,
            "experiences": [], "education": [], "skills": ["Rust", "Go"], "recommendations": [],
        }),
        AnalysisKind::NotesSummary => json!({
            "summary": "Dana Roth called.", "keyInsights": ["Salary is 90000."],
            "interviewKeywords": ["Rust"],
        }),
        AnalysisKind::CoverLetter => json!({
            "coverLetter": format!("Dear Dana Roth,\n\n{}\n\nMara Feld", "I build in Rust. ".repeat(20)),
            "tone": "plain", "keywordsUsed": ["Rust"], "wordCount": 0,
        }),
        AnalysisKind::ResumeImprove => json!({
            "suggestions": [{"section": "Experience", "current": "Cut costs by 30 % with Rust.",
                "suggested": "Cut costs by 30 % with services in Rust.", "reasoning": "Names it."}],
            "missingKeywords": ["Kubernetes"], "estimatedNewScore": 80,
        }),
    }
}

/// Returns what becomes of `answer` with `change` made to it.
fn accepted(
    kind: AnalysisKind,
    change: impl FnOnce(&mut Value),
) -> std::result::Result<Value, String> {
    let mut answer = answer(kind);
    change(&mut answer);
    Capability::of(kind)
        .accept(&input(kind), &answer.to_string())
        .map_err(|complaint| complaint.message())
}
