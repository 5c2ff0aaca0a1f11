//! What a user wishes of AI.

use serde::{Deserialize, Serialize};

use super::store;
use crate::{
    config::AiConfig,
    engine::Engine,
    enums::{AiProvider, ChangeOp, EntityKind},
    error::Result,
    id::UserId,
    mutation::{Plan, WriteOptions, Written},
    patch::Patch,
    validate::{Checks, TextRule},
};

const MODEL: TextRule = TextRule::line(200);

/// Whether and whom a user asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AiSettings {
    /// Whether the user agrees that their texts are sent to a provider. False at first.
    pub network_enabled: bool,
    /// The provider the user prefers; the operator's when absent.
    pub provider: Option<AiProvider>,
    /// The model the user prefers; the provider's usual one when absent.
    pub model: Option<String>,
}

impl AiSettings {
    /// Returns who answers a request that names nobody, and with which model: the user's choice as
    /// far as it may be followed, else the operator's. No model for `LOCAL`.
    pub fn in_effect(&self, operator: &AiConfig) -> (AiProvider, Option<String>) {
        let preferred = self.provider.filter(|_| self.network_enabled);
        let provider = preferred.unwrap_or(operator.provider);
        let usual = operator.model.clone().filter(|_| operator.provider == provider);
        let model = self.model.clone().filter(|_| preferred.is_some()).or(usual);
        (provider, model.filter(|_| provider != AiProvider::Local))
    }
}

/// Changes to the settings; what is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AiSettingsPatch {
    /// Whether texts may be sent to a provider.
    pub network_enabled: Option<bool>,
    /// The provider to prefer.
    pub provider: Patch<AiProvider>,
    /// The model to prefer, one line of at most 200 characters.
    pub model: Patch<String>,
}

impl crate::engine::Snapshot {
    /// Returns the user's settings. One statement.
    pub(crate) async fn ai_settings(&self) -> Result<AiSettings> {
        Ok(store::ai_settings(self.view(), self.user()).await?.unwrap_or_default())
    }
}

impl Engine {
    /// Returns this user's settings. One statement.
    ///
    /// # Errors
    /// As every read.
    pub async fn ai_settings(&self) -> Result<AiSettings> {
        let snapshot = self.snapshot_of_one().await?;
        Ok(store::ai_settings(snapshot.view(), self.user_id()).await?.unwrap_or_default())
    }

    /// Changes this user's settings.
    ///
    /// # Errors
    /// `Invalid` for a model that is no single line or too long.
    pub async fn update_ai_settings(
        &self,
        patch: AiSettingsPatch,
        options: &WriteOptions,
    ) -> Result<Written<UserId>> {
        let mut checks = Checks::default();
        let model = checks.patch(&["model"], patch.model, MODEL);
        checks.finish()?;
        let patch = &AiSettingsPatch { model, ..patch };
        let user = self.user_id();
        self.mutate("aiSettingsUpdate", options, &format!("{patch:?}"), |snapshot| async move {
            let before = store::ai_settings(snapshot.view(), user).await?.unwrap_or_default();
            let after = AiSettings {
                network_enabled: patch.network_enabled.unwrap_or(before.network_enabled),
                provider: patch.provider.clone().apply(before.provider),
                model: patch.model.clone().apply(before.model.clone()),
            };
            if after == before {
                return Ok(Plan::nothing(user));
            }
            // Field by field, so that two patches at the same time both count.
            let changed = [
                patch.network_enabled.is_some(),
                patch.provider != Patch::Keep,
                patch.model != Patch::Keep,
            ];
            let mut batch = snapshot.engine().batch();
            store::set_ai_settings(&mut batch, user, &after, changed);
            batch.change(EntityKind::Account, user.as_uuid(), ChangeOp::Updated);
            Ok(Plan::write(user, batch))
        })
        .await
    }
}
