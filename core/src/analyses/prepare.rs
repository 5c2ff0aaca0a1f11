//! From a request to everything a call needs: texts, provider, key. Nothing is written.

use std::sync::Arc;

use serde_json::Value;

use super::{
    AnalysisRequest,
    gather::{Gathered, gather},
};
use crate::{
    ai::{
        AiError, Capability, HttpProvider, LocalContext, Provider, Scope, Target, Timeouts,
        gate::Gate, public_service,
    },
    analysis::Today,
    config::{AiConfig, Caps, Protocol},
    engine::Engine,
    enums::{AiProvider, AnalysisKind},
    error::{Error, ProviderFailure, Result},
    net,
    secret::AiSettings,
};

/// Calls at a time with a key of a user's own.
const OWN_KEY_PLACES: usize = 2;
const MODEL_CHARS: usize = 200;

/// What a run does.
#[derive(Clone)]
pub(crate) struct Work {
    pub(crate) request: AnalysisRequest,
    pub(crate) capability: &'static Capability,
    pub(crate) about: Arc<Gathered>,
    /// The normalised input.
    pub(crate) input: Arc<Value>,
    /// What was read, as it is stored with the run.
    pub(crate) components: Option<String>,
    pub(crate) choice: Choice,
    /// Where the answer is kept.
    pub(crate) key: String,
    /// Where an answer for all users may be kept, if that is somewhere else.
    pub(crate) public_key: Option<String>,
}

/// Who answers.
#[derive(Clone)]
pub(crate) struct Choice {
    pub(crate) provider: AiProvider,
    pub(crate) model: String,
    /// The base URL, where it is not the provider's own public service.
    pub(crate) server: Option<String>,
    /// Whether the operator pays and answers may be kept for all users.
    pub(crate) operator: bool,
    /// The provider with its gate; `None` for the engine itself.
    pub(crate) remote: Option<(Arc<dyn Provider>, Arc<Gate>)>,
}

impl Work {
    /// Reports whether the answer is kept for all users.
    pub(crate) fn is_public(&self) -> bool {
        self.key.starts_with("v1:p:")
    }
}

impl Engine {
    /// Works out what a request means now. Three or four statements on one snapshot, which is given
    /// back before anything else is waited for.
    pub(crate) async fn prepare(&self, request: &AnalysisRequest) -> Result<Work> {
        let capability = Capability::of(request.kind);
        let snapshot = self.newest().await?;
        let (settings, mut about) =
            tokio::try_join!(snapshot.ai_settings(), gather(&snapshot, request))?;
        drop(snapshot);
        let choice = self.choose(request, capability, settings).await?;
        let input = capability.normalise(about.input.take())?;
        if let Some(company) = capability.subject(&input) {
            about.company = Some(company);
        }
        let user_key = self.user_key().await?;
        let own = Scope::User { id: self.user_id(), mac_key: user_key.mac_key() };
        let key = |scope, choice: &Choice| {
            let Choice { provider, model, server, .. } = choice;
            capability.key(scope, *provider, server.as_deref(), model, &input)
        };
        let (key, public_key) = match (capability.public, choice.operator) {
            (true, true) => (key(Scope::Public, &choice)?, None),
            (true, false) => (key(own, &choice)?, Some(key(Scope::Public, &choice)?)),
            (false, _) => (key(own, &choice)?, None),
        };
        let components = about.components.as_ref().map(serde_json::to_string).transpose();
        let components = components.map_err(|e| Error::internal("keep what was read", e))?;
        Ok(Work {
            request: request.clone(),
            capability,
            about: Arc::new(about),
            input: Arc::new(input),
            components,
            choice,
            key,
            public_key,
        })
    }

    /// Finds who answers: the request's word, else the user's choice, else the operator's.
    async fn choose(
        &self,
        request: &AnalysisRequest,
        capability: &'static Capability,
        settings: AiSettings,
    ) -> Result<Choice> {
        let config = &self.config().ai;
        let preferred = settings.provider.filter(|_| settings.network_enabled);
        let provider = request.provider.or(preferred).unwrap_or(config.provider);
        if let Some(model) = &request.model {
            check_model(model)?;
        }
        if provider == AiProvider::Local {
            return self.local(request, capability);
        }
        let own =
            if settings.network_enabled { self.provider_secret(provider).await? } else { None };
        let asked = request.model.clone();
        let preferred = settings.model.filter(|_| preferred == Some(provider));
        let usual = config.model.clone().filter(|_| config.provider == provider);
        let model = asked.or(preferred).or(usual).ok_or_else(|| {
            Error::invalid(&["model"], "required", format!("name a model of {provider}"))
        })?;
        if let Some(own) = own {
            let failed = |error: AiError| error.public(provider);
            let address = own.base_url.as_deref().or_else(|| public_service(provider));
            let address = address.unwrap_or_default();
            // What the operator knows of a server holds for that server only.
            let same = config.provider == provider && config.base_url == own.base_url;
            let target = Target {
                provider,
                protocol: if same { config.protocol } else { Protocol::default() },
                base_url: net::check_base_url(address, net::SetBy::User).map_err(failed)?,
                key: Some(own.secret),
                caps: if same { config.caps } else { Caps::default() },
            };
            let credential = format!("{provider}|{}", own.fingerprint);
            let gate = self.shared.ai.gates.of(&credential, OWN_KEY_PLACES);
            let client = self.shared.ai.guarded(config).map_err(failed)?;
            let remote =
                HttpProvider::new(target, Timeouts::of(config), client, self.clock().clone());
            let remote: Arc<dyn Provider> = Arc::new(remote.map_err(failed)?);
            let (server, remote) = (own.base_url, Some((remote, gate)));
            return Ok(Choice { provider, model, server, operator: false, remote });
        }
        if config.provider != provider {
            let word = provider.as_str().to_lowercase();
            let what = if settings.network_enabled {
                format!("set a key of your own first: jotrack keys set {word}, or providerKeySet")
            } else {
                format!(
                    "the operator did not name {word}; allow the network for a key of your own: \
                     jotrack keys set {word} --use, or settingsUpdate(patch: {{aiNetworkEnabled: true}})"
                )
            };
            return Err(not_configured(provider, what));
        }
        let remote = self.operator(config)?;
        let (server, remote) = (config.base_url.clone(), Some(remote));
        Ok(Choice { provider, model, server, operator: true, remote })
    }

    fn local(&self, request: &AnalysisRequest, capability: &'static Capability) -> Result<Choice> {
        if request.model.is_some() {
            let why = "the engine's own analysis has no models; leave it out or name a provider";
            return Err(Error::invalid(&["model"], "unknown", why));
        }
        if !capability.has_local {
            let what = format!(
                "{} needs a model; configure a provider ([ai] or JOTRACK_AI_PROVIDER), or set a key of your own",
                capability.kind
            );
            return Err(not_configured(AiProvider::Local, what));
        }
        let model = self.local_context().model(capability)?;
        let provider = AiProvider::Local;
        Ok(Choice { provider, model, server: None, operator: true, remote: None })
    }

    /// Returns what the engine's own answers depend on besides the input.
    pub(crate) fn local_context(&self) -> LocalContext<'_> {
        let (year, month) = self.now().year_month();
        LocalContext { today: Today { year, month }, extra_skills: &self.config().extra_skills }
    }

    fn operator(&self, config: &AiConfig) -> Result<(Arc<dyn Provider>, Arc<Gate>)> {
        let gate = self.shared.ai.gates.of("operator", config.concurrency);
        if let Some(custom) = &config.custom {
            return Ok((Arc::clone(custom), gate));
        }
        let provider = config.provider;
        if provider == AiProvider::OpenAiCompatible && config.base_url.is_none() {
            let what = "name the base URL of the compatible server ([ai] base_url)".to_owned();
            return Err(not_configured(provider, what));
        }
        if config.api_key.is_none() && provider != AiProvider::OpenAiCompatible {
            let what = format!("set a key for {provider} ([ai] api_key or JOTRACK_AI_API_KEY)");
            return Err(not_configured(provider, what));
        }
        let remote = self.shared.ai.operator(config, self.clock());
        Ok((remote.map_err(|error| error.public(provider))?, gate))
    }
}

fn check_model(model: &str) -> Result<()> {
    let fits = (1..=MODEL_CHARS).contains(&model.chars().count())
        && !model.chars().any(char::is_control)
        && model.trim() == model;
    if fits {
        return Ok(());
    }
    let why = format!("must be one line of 1 to {MODEL_CHARS} characters");
    Err(Error::invalid(&["model"], "format", why))
}

fn not_configured(provider: AiProvider, what: String) -> Error {
    Error::Provider {
        provider,
        kind: ProviderFailure::NotConfigured,
        retryable: false,
        retry_after_ms: None,
        what,
    }
}

/// Returns whether a kind of failure is worth an old answer.
pub(crate) fn allows_stale(error: &AiError) -> bool {
    error.is_transient() && !matches!(error, AiError::RetryLater { .. })
}

/// The kinds that read a job's documents.
pub(crate) const fn reads_documents(kind: AnalysisKind) -> bool {
    matches!(
        kind,
        AnalysisKind::MatchScore | AnalysisKind::ResumeImprove | AnalysisKind::CoverLetter
    )
}
