//! Keys of providers, and whom the caller asks.

use async_graphql::{Context, InputObject, MaybeUndefined, Object};
use jotrack_core::{self as core, AiProvider, Error, Violation, Violations};

use super::{
    answer, asks, options, patch,
    payload::{ProviderKeyDeletePayload, ProviderKeyPayload, ViewerPayload},
};
use crate::schema::{
    context::{begin_write, scope},
    error::{Place, Result, settle},
    objects::viewer::Viewer,
    scalars::{Revision, Url},
};

/// Absent keeps, null clears.
#[derive(InputObject)]
#[graphql(name = "SettingsPatch")]
pub(super) struct SettingsPatchInput {
    ai_network_enabled: MaybeUndefined<bool>,
    /// Followed once `aiNetworkEnabled` is true.
    ai_provider: MaybeUndefined<AiProvider>,
    /// Used with `aiProvider`.
    ai_model: MaybeUndefined<String>,
}

/// Writes about providers.
#[derive(Default)]
pub(super) struct AiSettingsMutations;

#[Object]
impl AiSettingsMutations {
    /// Stores the caller's key of a provider, sealed, in the place of an earlier one. Send `secret` as a variable. `baseUrl` is required for OPENAI_COMPATIBLE; the key is sent to it alone.
    async fn provider_key_set(
        &self,
        ctx: &Context<'_>,
        provider: AiProvider,
        secret: String,
        base_url: Option<Url>,
        idempotency_key: Option<String>,
    ) -> Result<ProviderKeyPayload> {
        let run = async {
            let options = options(None, idempotency_key);
            let base_url = base_url.as_ref().map(|url| url.0.as_str());
            let engine = begin_write(ctx)?;
            let outcome = engine.set_provider_key(provider, &secret, base_url, &options).await;
            let written = settle(outcome, &Place::input(""))?;
            let key = if asks(ctx, &["providerKey"]) {
                let keys = engine.provider_keys().await?;
                keys.into_iter().find(|key| key.provider == written.value)
            } else {
                None
            };
            Ok(ProviderKeyPayload {
                provider_key: key.map(Into::into),
                revision: written.revision.map(Revision),
                ..ProviderKeyPayload::default()
            })
        };
        answer(run.await)
    }

    async fn provider_key_delete(
        &self,
        ctx: &Context<'_>,
        provider: AiProvider,
        idempotency_key: Option<String>,
    ) -> Result<ProviderKeyDeletePayload> {
        let run = async {
            let options = options(None, idempotency_key);
            let outcome = begin_write(ctx)?.delete_provider_key(provider, &options).await;
            let written = settle(outcome, &Place::input(""))?;
            Ok(ProviderKeyDeletePayload {
                deleted_provider: Some(written.value),
                revision: written.revision.map(Revision),
                ..ProviderKeyDeletePayload::default()
            })
        };
        answer(run.await)
    }

    async fn settings_update(
        &self,
        ctx: &Context<'_>,
        patch: SettingsPatchInput,
        idempotency_key: Option<String>,
    ) -> Result<ViewerPayload> {
        let run = async {
            let options = options(None, idempotency_key);
            let outcome = match core_patch(patch) {
                Ok(patch) => begin_write(ctx)?.update_ai_settings(patch, &options).await,
                Err(error) => Err(error),
            };
            let written = settle(outcome.map_err(located), &Place::input("patch"))?;
            let viewer = if asks(ctx, &["viewer"]) {
                Some(Viewer(scope(ctx)?.snapshot().await?.user_row().await?))
            } else {
                None
            };
            Ok(ViewerPayload {
                viewer,
                revision: written.revision.map(Revision),
                ..ViewerPayload::default()
            })
        };
        answer(run.await)
    }
}

fn core_patch(input: SettingsPatchInput) -> Result<core::AiSettingsPatch, Error> {
    let SettingsPatchInput { ai_network_enabled, ai_provider, ai_model } = input;
    if ai_network_enabled.is_null() {
        return Err(Error::invalid(&["networkEnabled"], "not_null", "must not be null"));
    }
    Ok(core::AiSettingsPatch {
        network_enabled: ai_network_enabled.take(),
        provider: patch(ai_provider, |provider| provider),
        model: patch(ai_model, |model| model),
    })
}

/// Names the settings as the contract does.
fn located(error: Error) -> Error {
    let Error::Invalid(Violations(violations)) = error else { return error };
    let moved = violations.into_iter().map(|mut violation| {
        let name = match violation.path.first().map(String::as_str) {
            Some("networkEnabled") => "aiNetworkEnabled",
            Some("provider") => "aiProvider",
            Some("model") => "aiModel",
            _ => return violation,
        };
        violation.path = vec![name.to_owned()];
        violation
    });
    Error::Invalid(Violations(moved.collect::<Vec<Violation>>()))
}
