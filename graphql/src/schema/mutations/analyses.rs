//! Starting and ending analyses, and forgetting answers.

use async_graphql::{Context, ID, InputObject, Object, OneofObject};
use jotrack_core::{
    AiProvider, AnalysisId, AnalysisKind, AnalysisRequest, AnalysisTarget, Engine, Error, Persona,
    PurgeFilter, UsageResource, Violation, Violations,
};

use super::{
    answer, asks, attachment_id, job_id, options,
    payload::{AnalysisPayload, AnswersPurgePayload},
};
use crate::schema::{
    context::begin_write,
    error::{Place, Result, Stop, settle, unknown_id},
    objects::{usage::UsageWindow, user_error::UserError},
    scalars::{Json, int},
};

const ID_PATH: &[&str] = &["id"];
const JOB_PATH: &[&str] = &["input", "target", "jobId"];
const ATTACHMENT_PATH: &[&str] = &["input", "target", "attachmentId"];
/// Inputs of a kind that are arguments by themselves.
const OWN: [&str; 6] = ["kind", "target", "persona", "provider", "model", "idempotencyKey"];
/// Inputs of a kind that the engine reads from its target.
const OF_TARGET: [&str; 7] = ["company", "documentKind", "jd", "notes", "resume", "text", "title"];
const REASON_CHARS: usize = 500;

/// What an analysis is about.
#[derive(OneofObject)]
#[graphql(name = "AnalysisTarget")]
pub(super) enum AnalysisTargetInput {
    /// A job with its active documents, its notes or its company.
    JobId(ID),
    /// A company by name: one line of at most 120 characters.
    Company(String),
    /// One version of a document.
    AttachmentId(ID),
}

/// What is wanted.
#[derive(InputObject)]
pub(super) struct AnalysisStartInput {
    kind: AnalysisKind,
    target: AnalysisTargetInput,
    /// Required by the interview kinds.
    persona: Option<Persona>,
    /// Further inputs of the kind, checked by its rules: addressee, roleFamily, industry ...
    params: Option<Json>,
    /// Passes over kept answers; counts against the allowance.
    #[graphql(default = false)]
    refresh: bool,
    /// Queues it instead of running it now.
    #[graphql(default = false)]
    background: bool,
    /// The one in effect when absent, see `Settings`.
    provider: Option<AiProvider>,
    model: Option<String>,
}

/// Which kept answers go. All that is given must fit; nothing given: all of the caller's own.
#[derive(InputObject)]
pub(super) struct AnswersPurgeInput {
    /// `Analysis.cacheKey`.
    cache_key: Option<String>,
    /// Any spelling of its name.
    company: Option<String>,
    kind: Option<AnalysisKind>,
}

/// Writes about analyses.
#[derive(Default)]
pub(super) struct AnalysisMutations;

#[Object]
impl AnalysisMutations {
    /// Starts, joins or finds an analysis and returns at once; follow it with `analysisEvents`. A kept or joined answer costs nothing of the allowance.
    async fn analysis_start(
        &self,
        ctx: &Context<'_>,
        input: AnalysisStartInput,
        idempotency_key: Option<String>,
    ) -> Result<AnalysisPayload> {
        let run = async {
            let AnalysisStartInput {
                kind,
                target,
                persona,
                params,
                refresh,
                background,
                provider,
                model,
            } = input;
            let mut place = Place::input("input");
            let target = match &target {
                AnalysisTargetInput::JobId(id) => {
                    place.named.push((JOB_PATH, id));
                    AnalysisTarget::Job(job_id(JOB_PATH, id)?)
                }
                AnalysisTargetInput::Company(name) => AnalysisTarget::Company(name.clone()),
                AnalysisTargetInput::AttachmentId(id) => {
                    place.named.push((ATTACHMENT_PATH, id));
                    AnalysisTarget::Attachment(attachment_id(ATTACHMENT_PATH, id)?)
                }
            };
            let request = AnalysisRequest {
                persona,
                params: params.map_or(serde_json::Value::Null, Json::into_tree),
                refresh,
                background,
                provider,
                model,
                ..AnalysisRequest::new(kind, target)
            };
            let options = options(None, idempotency_key);
            let engine = begin_write(ctx)?;
            let outcome = engine.start_analysis(&request, &options).await;
            let outcome = outcome.map_err(|error| located(error, &request.target));
            let started = match settle(outcome, &place) {
                Err(Stop::Refused(errors)) => return Err(with_window(engine, errors).await?),
                settled => settled?,
            };
            let quota = if asks(ctx, &["quota"]) { Some(quota(engine).await?) } else { None };
            Ok(AnalysisPayload {
                quota,
                analysis: Some(started.analysis.into()),
                source: Some(started.source),
                ..AnalysisPayload::default()
            })
        };
        answer(run.await)
    }

    /// Gives up an analysis. Others that wait for the same call keep it; a call that nobody waits for any more is ended.
    async fn analysis_cancel(
        &self,
        ctx: &Context<'_>,
        id: ID,
        idempotency_key: Option<String>,
    ) -> Result<AnalysisPayload> {
        let run = async {
            let analysis = analysis_id(&id)?;
            let engine = begin_write(ctx)?;
            one(
                ctx,
                engine,
                engine.cancel_analysis_once(analysis, &options(None, idempotency_key)).await,
                &id,
            )
            .await
        };
        answer(run.await)
    }

    /// Reports a bad answer: the kept one is dropped, or made anew at the next request when all users share it. The analysis stays. `reason` is one line of at most 500 characters; it is not kept.
    async fn analysis_invalidate(
        &self,
        ctx: &Context<'_>,
        id: ID,
        reason: Option<String>,
        idempotency_key: Option<String>,
    ) -> Result<AnalysisPayload> {
        let run = async {
            let analysis = analysis_id(&id)?;
            let engine = begin_write(ctx)?;
            let outcome = match checked_reason(reason.as_deref()) {
                Ok(()) => {
                    engine.invalidate_analysis_once(analysis, &options(None, idempotency_key)).await
                }
                Err(error) => Err(error),
            };
            one(ctx, engine, outcome, &id).await
        };
        answer(run.await)
    }

    /// Forgets kept answers of the caller: the next request for one makes a call. Analyses, and answers that all users share, stay. Cannot be undone.
    async fn answers_purge(
        &self,
        ctx: &Context<'_>,
        input: AnswersPurgeInput,
        idempotency_key: Option<String>,
    ) -> Result<AnswersPurgePayload> {
        let run = async {
            let outcome = match purge_filter(input) {
                Ok(filter) => {
                    begin_write(ctx)?
                        .purge_answers_once(&filter, &options(None, idempotency_key))
                        .await
                }
                Err(error) => Err(error),
            };
            let purged = settle(outcome, &Place::input("input"))?;
            Ok(AnswersPurgePayload {
                purged_count: Some(int(purged)),
                ..AnswersPurgePayload::default()
            })
        };
        answer(run.await)
    }
}

fn analysis_id(id: &ID) -> Result<AnalysisId, Stop> {
    AnalysisId::from_node_id(id).ok_or_else(|| unknown_id("analysis", ID_PATH, id))
}

async fn one(
    ctx: &Context<'_>,
    engine: &Engine,
    outcome: Result<jotrack_core::Analysis, Error>,
    id: &ID,
) -> Result<AnalysisPayload, Stop> {
    let analysis = settle(outcome, &Place::of("", ID_PATH, id))?;
    Ok(AnalysisPayload {
        quota: if asks(ctx, &["quota"]) { Some(quota(engine).await?) } else { None },
        source: analysis.source,
        analysis: Some(analysis.into()),
        ..AnalysisPayload::default()
    })
}

async fn quota(engine: &Engine) -> Result<UsageWindow, Error> {
    Ok(engine.usage_window(UsageResource::AiCalls).await?.into())
}

/// Tells of the allowance where it is what refused: where nothing remains of it.
async fn with_window(engine: &Engine, mut errors: Vec<UserError>) -> Result<Stop, Stop> {
    for error in &mut errors {
        if let UserError::RateLimitedError(limited) = error {
            let window = engine.usage_window(UsageResource::AiCalls).await?;
            limited.window = (window.state.remaining == Some(0)).then(|| window.into());
        }
    }
    Ok(Stop::Refused(errors))
}

fn checked_reason(reason: Option<&str>) -> Result<(), Error> {
    let fits = reason.is_none_or(|reason| {
        reason.chars().count() <= REASON_CHARS && !reason.chars().any(char::is_control)
    });
    if fits {
        return Ok(());
    }
    let why = format!("must be one line of at most {REASON_CHARS} characters");
    Err(Error::invalid(&["reason"], "format", why))
}

/// An empty condition would fit everything, which is not what it says.
fn purge_filter(input: AnswersPurgeInput) -> Result<PurgeFilter, Error> {
    let AnswersPurgeInput { cache_key, company, kind } = input;
    if cache_key.as_deref().is_some_and(|key| key.trim().is_empty()) {
        return Err(Error::invalid(&["cacheKey"], "required", "must not be empty"));
    }
    if company.as_deref().is_some_and(|name| name.trim().is_empty()) {
        return Err(Error::invalid(&["company"], "required", "must name a company"));
    }
    Ok(PurgeFilter { key: cache_key, company, kind })
}

/// Moves what core says about the inputs of a kind to where the arguments have them.
fn located(error: Error, target: &AnalysisTarget) -> Error {
    let Error::Invalid(Violations(violations)) = error else { return error };
    let moved = violations.into_iter().map(|violation| {
        let path = located_path(violation.path, target);
        Violation { path, ..violation }
    });
    Error::Invalid(Violations(moved.collect()))
}

fn located_path(path: Vec<String>, target: &AnalysisTarget) -> Vec<String> {
    let name = path.first().map(String::as_str).unwrap_or_default();
    let is_params = name == "params";
    let of_target = match target {
        AnalysisTarget::Company(_) if name == "company" => {
            return vec!["target".to_owned(), "company".to_owned()];
        }
        AnalysisTarget::Company(_) => false,
        // The text of a job's people is a parameter; that of a document is the document's.
        AnalysisTarget::Job(_) => OF_TARGET.contains(&name) && name != "text",
        AnalysisTarget::Attachment(_) => OF_TARGET.contains(&name),
    };
    if of_target {
        return vec!["target".to_owned()];
    }
    if OWN.contains(&name) || is_params {
        return path;
    }
    std::iter::once("params".to_owned()).chain(path).collect()
}

#[cfg(test)]
mod tests {
    use jotrack_core::{JobId, Timestamp};

    use super::*;

    #[test]
    fn what_is_wrong_is_found_in_the_arguments() {
        let job = AnalysisTarget::Job(JobId::new(Timestamp::from_ms(1)));
        let company = AnalysisTarget::Company("Blue Harbor".to_owned());
        for (name, target, expected) in [
            ("persona", &job, "persona"),
            ("model", &job, "model"),
            ("params", &job, "params"),
            ("addressee", &job, "params.addressee"),
            ("text", &job, "params.text"),
            ("resume", &job, "target"),
            ("company", &job, "target"),
            ("company", &company, "target.company"),
            ("industry", &company, "params.industry"),
        ] {
            let path = located_path(vec![name.to_owned()], target).join(".");

            assert_eq!(path, expected, "{name} of {target:?}");
        }
    }

    #[test]
    fn an_empty_condition_purges_nothing() {
        let input = |cache_key: Option<&str>, company: Option<&str>| AnswersPurgeInput {
            cache_key: cache_key.map(str::to_owned),
            company: company.map(str::to_owned),
            kind: None,
        };

        assert!(purge_filter(input(Some(" "), None)).is_err());
        assert!(purge_filter(input(None, Some(""))).is_err());
        assert!(purge_filter(input(None, None)).is_ok());
    }
}
