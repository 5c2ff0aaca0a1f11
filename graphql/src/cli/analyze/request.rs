//! From the options of `analyze` to a request, and ids as users know them.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use jotrack_core::{
    AiProvider, Analysis, AnalysisKind, AnalysisRequest, AnalysisTarget, AttachmentId, JobId,
    Persona,
};
use serde_json::{Map, Value};

use super::AnalyzeArgs;
use crate::cli::failure::Failure;

/// Words of the kinds on the command line, and what they give.
const KINDS: [(&str, AnalysisKind, &str); 9] = [
    (
        "document-normalize",
        AnalysisKind::DocumentNormalize,
        "the text of a document, tidied (--attachment)",
    ),
    ("match-score", AnalysisKind::MatchScore, "how the résumé answers the posting"),
    ("company-intelligence", AnalysisKind::CompanyIntelligence, "what the company does"),
    ("company-ecosystem", AnalysisKind::CompanyEcosystem, "its competitors and relatives"),
    ("company-questions", AnalysisKind::CompanyQuestions, "questions it asks (--persona)"),
    ("people-extract", AnalysisKind::PeopleExtract, "people in a text (--param text=...)"),
    ("notes-summary", AnalysisKind::NotesSummary, "the notes of a job in short"),
    ("cover-letter", AnalysisKind::CoverLetter, "a letter for a job"),
    ("resume-improve", AnalysisKind::ResumeImprove, "what to change in the résumé"),
];

const PERSONAS: [(&str, Persona); 3] = [
    ("recruiter", Persona::Recruiter),
    ("hiring-manager", Persona::HiringManager),
    ("peer", Persona::Peer),
];

const PROVIDERS: [(&str, AiProvider, &str); 4] = [
    ("local", AiProvider::Local, "the engine itself"),
    ("anthropic", AiProvider::Anthropic, "Anthropic Messages"),
    ("openai", AiProvider::OpenAi, "OpenAI"),
    ("openai-compatible", AiProvider::OpenAiCompatible, "another server of that form"),
];

/// Reads the word of a kind.
pub(in crate::cli) fn kinds() -> impl TypedValueParser<Value = AnalysisKind> {
    let values = KINDS.iter().map(|(word, _, help)| PossibleValue::new(*word).help(*help));
    PossibleValuesParser::new(values).try_map(|word| find(&KINDS.map(|(w, v, _)| (w, v)), &word))
}

pub(super) fn personas() -> impl TypedValueParser<Value = Persona> {
    let values = PERSONAS.iter().map(|(word, _)| PossibleValue::new(*word));
    PossibleValuesParser::new(values).try_map(|word| find(&PERSONAS, &word))
}

pub(super) fn providers() -> impl TypedValueParser<Value = AiProvider> {
    let values = PROVIDERS.iter().map(|(word, _, help)| PossibleValue::new(*word).help(*help));
    PossibleValuesParser::new(values)
        .try_map(|word| find(&PROVIDERS.map(|(w, v, _)| (w, v)), &word))
}

fn find<T: Copy>(words: &[(&str, T)], word: &str) -> Result<T, String> {
    let found = words.iter().find(|(known, _)| *known == word);
    found.map(|(_, value)| *value).ok_or_else(|| "is none of the known words".to_owned())
}

/// Returns the request that the options describe.
///
/// # Errors
/// `Input` for an id or a `--param` that is none.
pub(super) fn of(args: &AnalyzeArgs) -> Result<AnalysisRequest, Failure> {
    let target = match (&args.job, &args.company, &args.attachment) {
        (Some(job), _, _) => AnalysisTarget::Job(job_id(job)?),
        (None, Some(name), _) => AnalysisTarget::Company(name.clone()),
        (None, None, Some(id)) => {
            let found = AttachmentId::from_node_id(id).or_else(|| id.parse().ok());
            AnalysisTarget::Attachment(found.ok_or_else(|| no_id("--attachment", "att_"))?)
        }
        (None, None, None) => {
            let why = "say what it is about: --job, --company or --attachment";
            return Err(Failure::Input(why.to_owned()));
        }
    };
    Ok(AnalysisRequest {
        persona: args.persona,
        params: params(&args.param)?,
        refresh: args.refresh,
        provider: args.provider,
        model: args.model.clone(),
        ..AnalysisRequest::new(args.kind, target)
    })
}

/// Reads the id of a job, as the API gives it or as a bare UUID.
///
/// # Errors
/// `Input` for anything else.
pub(in crate::cli) fn job_id(text: &str) -> Result<JobId, Failure> {
    let found = JobId::from_node_id(text).or_else(|| text.parse().ok());
    found.ok_or_else(|| no_id("--job", "job_"))
}

fn no_id(option: &str, prefix: &str) -> Failure {
    Failure::Input(format!(
        "{option} takes an id such as {prefix}01980000000070008000000000000001; the playground of \
         `jotrack serve` shows them"
    ))
}

/// A name that comes again makes a list.
fn params(given: &[String]) -> Result<Value, Failure> {
    let mut params = Map::new();
    for param in given {
        let Some((name, value)) = param.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(Failure::Input("--param takes NAME=VALUE".to_owned()));
        };
        let value = Value::String(value.to_owned());
        match params.get_mut(name) {
            None => drop(params.insert(name.to_owned(), value)),
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Ok(if params.is_empty() { Value::Null } else { Value::Object(params) })
}

/// Returns an analysis as JSON with the ids that the API gives and takes.
pub(in crate::cli) fn with_node_ids(analysis: &Analysis) -> Value {
    let mut json = analysis.to_json();
    if let Some(object) = json.as_object_mut() {
        let ids = [
            ("id", Some(analysis.id.node_id())),
            ("jobId", analysis.job_id.map(|id| id.node_id())),
            ("attachmentId", analysis.attachment_id.map(|id| id.node_id())),
        ];
        for (name, id) in ids {
            object.insert(name.to_owned(), id.map_or(Value::Null, Value::String));
        }
    }
    json
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::report::kebab;
    use super::*;

    #[test]
    fn every_word_of_the_domain_can_be_said() {
        assert_eq!(KINDS.map(|(_, kind, _)| kind), *AnalysisKind::ALL);
        assert_eq!(PERSONAS.map(|(_, persona)| persona), *Persona::ALL);
        assert_eq!(PROVIDERS.map(|(_, provider, _)| provider), *AiProvider::ALL);
        for (word, kind, _) in KINDS {
            assert_eq!(word, kebab(kind.as_str()));
        }
    }

    #[test]
    fn a_parameter_that_comes_again_makes_a_list() {
        let given = ["a=1", "b=x=y", "a=2", "a="].map(str::to_owned);

        assert_eq!(params(&given).unwrap(), json!({ "a": ["1", "2", ""], "b": "x=y" }));
        assert_eq!(params(&[]).unwrap(), Value::Null);
        for wrong in ["a", "=a", ""] {
            assert!(matches!(params(&[wrong.to_owned()]), Err(Failure::Input(_))), "{wrong}");
        }
    }

    #[test]
    fn ids_of_the_api_and_bare_ones_name_the_same_job() {
        let id = JobId::new(jotrack_core::Timestamp::from_ms(1_700_000_000_000));

        assert_eq!(job_id(&id.node_id()).unwrap(), id);
        assert_eq!(job_id(&id.to_string()).unwrap(), id);
        let wrong = id.node_id().replace("job_", "att_");
        assert!(matches!(job_id(&wrong), Err(Failure::Input(text)) if text.contains("--job")));
    }
}
