//! A capability: one kind of AI work with its typed input and output, prompt, form, scope and life.
//! The types stand behind function pointers, so that callers pass JSON and need no type parameter.

use std::sync::{Arc, OnceLock};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    AnswerSchema,
    capabilities::{self, Fields},
    guard, key,
    prompt::{Prompt, Rendered},
    schema::{self, Complaint, Form},
};
use crate::{
    analysis::Today,
    enums::{AiProvider, AnalysisKind},
    error::{Error, Result},
};

/// One kind of AI work.
pub(crate) struct Capability {
    /// What it is asked by.
    pub(crate) kind: AnalysisKind,
    /// Stable name: in keys, in stored rows and as the name of the answer's form.
    pub(crate) id: &'static str,
    /// Whether the input can name a company only, so that answers are shared by all users.
    pub(crate) public: bool,
    /// Days an answer is kept at most.
    pub(crate) ttl_days: u32,
    /// Most tokens of an answer.
    pub(crate) max_tokens: u32,
    /// What the model is told.
    pub(crate) prompt: &'static Prompt,
    /// Whether [`Self::local`] has an answer.
    pub(crate) has_local: bool,
    normalise: fn(Value) -> Result<Value>,
    finish: fn(&Value, Value) -> std::result::Result<Value, Complaint>,
    local: fn(&Value, &LocalContext<'_>) -> Option<Result<Value>>,
    subject: fn(&Value) -> Option<String>,
    identity: fn(&Value) -> Value,
    build: fn() -> Value,
    form: OnceLock<Form>,
    prompt_digest: OnceLock<[u8; 32]>,
}

/// What the engine's own answers depend on besides the input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LocalContext<'a> {
    /// The month that "present" means.
    pub(crate) today: Today,
    /// The user's own skills.
    pub(crate) extra_skills: &'a [String],
}

/// The typed side of a capability.
pub(super) trait Work {
    /// What is asked, normalised.
    type Input: Serialize + DeserializeOwned;
    /// What is answered.
    type Output: Serialize + DeserializeOwned + JsonSchema;

    const KIND: AnalysisKind;
    const ID: &'static str;
    const TTL_DAYS: u32 = 90;
    const MAX_TOKENS: u32;
    const PROMPT: &'static Prompt;
    const HAS_LOCAL: bool = false;

    /// Reads the input, noting every broken rule.
    fn read(fields: &mut Fields) -> Self::Input;

    /// Checks what a form cannot say and computes what a model cannot be trusted with.
    fn check(
        _input: &Self::Input,
        _output: &mut Self::Output,
    ) -> std::result::Result<(), Complaint> {
        Ok(())
    }

    /// Returns the engine's own answer.
    fn local(_input: &Self::Input, _cx: &LocalContext<'_>) -> Option<Self::Output> {
        None
    }
}

/// An input that names a company and nothing of a user: the only kind whose answers are shared.
pub(super) trait PublicInput: Serialize {
    /// Returns the identity of the company.
    fn subject(&self) -> String;

    /// Returns the input as keys see it: equal for spellings of one company.
    fn identity(&self) -> Value;
}

impl Capability {
    /// Returns the capability of a kind.
    pub(crate) fn of(kind: AnalysisKind) -> &'static Self {
        capabilities::of(kind)
    }

    /// Makes a capability whose answers belong to the user who asked.
    pub(super) const fn personal<W: Work>() -> Self {
        Self::new::<W>(false, |_| None, Value::clone)
    }

    /// Makes a capability whose answers are shared.
    pub(super) const fn public<W: Work<Input: PublicInput>>() -> Self {
        Self::new::<W>(
            true,
            |input| read_back::<W>(input).ok().map(|input| input.subject()),
            |input| read_back::<W>(input).map_or_else(|_| input.clone(), |input| input.identity()),
        )
    }

    const fn new<W: Work>(
        public: bool,
        subject: fn(&Value) -> Option<String>,
        identity: fn(&Value) -> Value,
    ) -> Self {
        Self {
            kind: W::KIND,
            id: W::ID,
            public,
            ttl_days: W::TTL_DAYS,
            max_tokens: W::MAX_TOKENS,
            prompt: W::PROMPT,
            has_local: W::HAS_LOCAL,
            normalise: normalise::<W>,
            finish: finish::<W>,
            local: local::<W>,
            subject,
            identity,
            build: schema::of::<W::Output>,
            form: OnceLock::new(),
            prompt_digest: OnceLock::new(),
        }
    }

    /// Returns the input as it is rendered, kept and keyed: typed, cleaned, without empty fields.
    /// Doing it again changes nothing.
    ///
    /// # Errors
    /// `Invalid` with the path of each field that breaks a rule; `TooLarge` for a document.
    pub(crate) fn normalise(&self, input: Value) -> Result<Value> {
        (self.normalise)(input)
    }

    /// Returns the identity of the company a public input is about; `None` for other inputs.
    pub(crate) fn subject(&self, input: &Value) -> Option<String> {
        (self.subject)(input)
    }

    /// Returns the form of the answer, made once.
    pub(crate) fn schema(&self) -> Arc<AnswerSchema> {
        Arc::clone(&self.form().schema)
    }

    /// Returns the texts for a model. The user turn holds delimited data only; the delimiter is new
    /// with each call, the system text is the same for equal canaries.
    ///
    /// # Errors
    /// `Internal` for an input that was not normalised, or without a random source.
    pub(crate) fn render(&self, input: &Value, canary: &str) -> Result<Rendered> {
        self.prompt.render(input, canary, &self.form().text)
    }

    /// Returns the engine's own answer to a normalised input: the same bytes for the same input and
    /// context. `None` where only a model can answer. CPU-bound: milliseconds to a second.
    pub(crate) fn local(&self, input: &Value, cx: &LocalContext<'_>) -> Option<Result<Value>> {
        (self.local)(input, cx)
    }

    /// Reads a model's answer: one code fence off, parsed, checked against the form and the rules
    /// of the domain, totals computed anew, unknown fields dropped.
    ///
    /// # Errors
    /// What is wrong, without values, as the model is told in the one repair.
    pub(crate) fn accept(
        &self,
        input: &Value,
        text: &str,
    ) -> std::result::Result<Value, Complaint> {
        let mut answer = schema::parse(text)?;
        guard::clean_values(&mut answer);
        self.form().check(&answer)?;
        let answer = (self.finish)(input, answer)?;
        self.form().check(&answer)?;
        Ok(answer)
    }

    /// Reports whether a kept answer still has the form. Cheap: the form is compiled once.
    pub(crate) fn still_valid(&self, answer: &Value) -> bool {
        self.form().is_met(answer)
    }

    /// Returns the key of a normalised input asked of `model` at `provider`: at its public service,
    /// or at the named server.
    ///
    /// # Errors
    /// `Internal` when the input cannot be written as JSON.
    pub(crate) fn key(
        &self,
        scope: key::Scope<'_>,
        provider: AiProvider,
        server: Option<&str>,
        model: &str,
        input: &Value,
    ) -> Result<String> {
        // Models of one name at two servers are two models.
        let provider = match server {
            None => provider.as_str().to_owned(),
            Some(server) => format!("{provider}|{}", server.trim_end_matches('/')),
        };
        Ok(key::key(key::KeyParts {
            scope,
            capability: self.id,
            prompt_id: self.prompt.id,
            prompt_version: self.prompt.version,
            prompt_digest: *self.prompt_digest.get_or_init(|| self.prompt.sha256()),
            provider: &provider,
            model,
            sampling: None,
            max_tokens: self.max_tokens,
            schema_digest: self.form().digest,
            redaction: NO_REDACTION,
            input_digest: key::digest(&self.identity_of(input))?,
        }))
    }

    /// Returns the input as keys see it.
    pub(super) fn identity_of(&self, input: &Value) -> Value {
        (self.identity)(input)
    }

    fn form(&self) -> &Form {
        self.form.get_or_init(|| Form::new(self.id, (self.build)()))
    }
}

/// The redaction policy of every capability so far.
const NO_REDACTION: &str = "none";

impl LocalContext<'_> {
    /// Returns the name of the engine's own analysis in the place of a model: another one for
    /// other rules, another month or other skills, since all of them change answers.
    ///
    /// # Errors
    /// `Internal` when the skills cannot be written as JSON.
    pub(crate) fn model(&self, capability: &Capability) -> Result<String> {
        let Self { today: Today { year, month }, extra_skills } = self;
        let skills = key::hex(&key::digest(extra_skills)?);
        let analysis = crate::analysis::ANALYSIS_VERSION;
        let rules = capabilities::LOCAL_RULES_VERSION;
        Ok(match capability.kind {
            AnalysisKind::MatchScore | AnalysisKind::ResumeImprove | AnalysisKind::NotesSummary => {
                format!("jotrack-{analysis}.{rules}/{year}-{month:02}/{skills}")
            }
            _ => format!("jotrack-{analysis}.{rules}"),
        })
    }
}

fn normalise<W: Work>(input: Value) -> Result<Value> {
    let mut fields = Fields::new(input)?;
    let input = W::read(&mut fields);
    fields.finish()?;
    serde_json::to_value(input).map_err(|e| Error::internal("normalise an input", e))
}

fn finish<W: Work>(input: &Value, answer: Value) -> std::result::Result<Value, Complaint> {
    let input =
        read_back::<W>(input).map_err(|_| Complaint::new("the input cannot be read back"))?;
    let mut output: W::Output =
        serde_json::from_value(answer).map_err(|_| Complaint::new("does not fit the form"))?;
    W::check(&input, &mut output)?;
    serde_json::to_value(output).map_err(|_| Complaint::new("does not fit the form"))
}

fn local<W: Work>(input: &Value, cx: &LocalContext<'_>) -> Option<Result<Value>> {
    let input = match read_back::<W>(input) {
        Ok(input) => input,
        Err(e) => return Some(Err(e)),
    };
    let output = W::local(&input, cx)?;
    Some(serde_json::to_value(output).map_err(|e| Error::internal("answer locally", e)))
}

fn read_back<W: Work>(input: &Value) -> Result<W::Input> {
    W::Input::deserialize(input).map_err(|e| Error::internal("read an input", e))
}
