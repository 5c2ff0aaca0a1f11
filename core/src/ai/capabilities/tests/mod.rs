//! What holds for every capability.

mod answers;

use serde_json::{Value, json};

use super::super::capability::{Capability, LocalContext};
use crate::{analysis::Today, enums::AnalysisKind};

const JD: &str = "Senior Rust Engineer\nYou must know Rust, PostgreSQL and Docker.\n\
    Kubernetes is a plus.\nFive years of experience required. Strong communication.";
const RESUME: &str = "Mara Feld\nRust engineer, 2018 - present\n- Built services in Rust and \
    PostgreSQL.\n- Cut costs by 30 % with Rust.\nSkills: Rust, Python, Docker";

fn context() -> LocalContext<'static> {
    LocalContext { today: Today { year: 2026, month: 3 }, extra_skills: &[] }
}

/// Returns an input of a kind, already normalised.
fn input(kind: AnalysisKind) -> Value {
    let raw = match kind {
        AnalysisKind::MatchScore => {
            json!({"resume": RESUME, "jd": JD, "company": "Acme", "title": "Engineer"})
        }
        _ => json!({"company": "Acme, Inc."}),
    };
    Capability::of(kind).normalise(raw).unwrap()
}
