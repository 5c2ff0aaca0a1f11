//! Keys of AI providers: set and removed, never read back; and the consent to use them.

use std::ffi::c_char;

use jotrack_core::{AiProvider, AiSettingsPatch, Patch};
use serde_json::{Map, Value};

use crate::{
    analyses::word,
    args::{self, OutText},
    engine::{jotrack_engine, not_json},
    error::{Fault, jotrack_error, jotrack_status},
    guard::guard,
    write::{WriteArgs, jotrack_commit, jotrack_write},
};

/// Stores the user's own key of a provider, sealed with the master key, in the place of an earlier
/// one. Nothing gives it back. It is used once jotrack_ai_settings_update allowed the network.
///
/// `provider`: "ANTHROPIC", "OPENAI" or "OPENAI_COMPATIBLE". `secret`: 8 to 1024 visible ASCII
/// characters; the library wipes its copies. `base_url`: the only address the key is sent to; NULL =
/// the provider's public one, required for "OPENAI_COMPATIBLE". JOTRACK_VALIDATION,
/// JOTRACK_KEY_UNAVAILABLE without a master key.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_provider_key_set(
    engine: *mut jotrack_engine,
    provider: *const c_char,
    secret: *const c_char,
    base_url: *const c_char,
    write: *const jotrack_write,
    commit: *mut jotrack_commit,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (WriteArgs { options, commit }, shared) =
            unsafe { (WriteArgs::read(write, commit)?, args::engine(engine)?) };
        // SAFETY: as above.
        let (provider, secret, base_url) = unsafe {
            (
                args::text("provider", provider)?,
                args::text("secret", secret)?,
                args::text_opt("base_url", base_url)?,
            )
        };
        let provider = word("provider", AiProvider::parse(provider))?;
        let core = shared.core()?;
        let set = core.set_provider_key(provider, secret, base_url, &options);
        commit.list(&shared.block(set)?, 0);
        Ok(())
    })
}

/// Removes the user's own key of a provider. Needs no master key. JOTRACK_NOT_FOUND when there is
/// none.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_provider_key_delete(
    engine: *mut jotrack_engine,
    provider: *const c_char,
    write: *const jotrack_write,
    commit: *mut jotrack_commit,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (WriteArgs { options, commit }, shared) =
            unsafe { (WriteArgs::read(write, commit)?, args::engine(engine)?) };
        // SAFETY: as above.
        let provider =
            word("provider", AiProvider::parse(unsafe { args::text("provider", provider)? }))?;
        commit.list(&shared.block(shared.core()?.delete_provider_key(provider, &options))?, 0);
        Ok(())
    })
}

/// Lists the user's own keys as a JSON array of `{"provider", "last4", "fingerprint", "baseUrl",
/// "createdAt", "lastUsedAt"}`, without the keys. Needs no master key.
///
/// `*keys_json` is freed with jotrack_string_free. Times are Unix milliseconds.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_provider_keys(
    engine: *mut jotrack_engine,
    keys_json: *mut *mut c_char,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared) = unsafe { (OutText::claim(keys_json)?, args::engine(engine)?) };
        let keys = shared.block(shared.core()?.provider_keys())?;
        let text = out.prepare(serde_json::to_string(&keys).map_err(not_json)?)?;
        out.put(text);
        Ok(())
    })
}

/// Changes whether and whom the user asks. Until the network is allowed no stored key is used: a host
/// asks its user first, because texts of jobs are sent to the provider from then on.
///
/// `patch_json`: a JSON object; what it does not name stays. `"networkEnabled"`: true or false, false
/// at first. `"provider"`: a word of jotrack_provider_key_set or "LOCAL", for requests that name none;
/// null = the one of the options. `"model"`: a line of at most 200 characters; null = the usual one of
/// the options. A provider other than that of the options needs a model. JOTRACK_VALIDATION for a
/// wrong model, JOTRACK_INVALID_ARGUMENT for another member or type.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_ai_settings_update(
    engine: *mut jotrack_engine,
    patch_json: *const c_char,
    write: *const jotrack_write,
    commit: *mut jotrack_commit,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (WriteArgs { options, commit }, shared) =
            unsafe { (WriteArgs::read(write, commit)?, args::engine(engine)?) };
        // SAFETY: as above.
        let patch = settings_patch(unsafe { args::text("patch_json", patch_json)? })?;
        commit.list(&shared.block(shared.core()?.update_ai_settings(patch, &options))?, 0);
        Ok(())
    })
}

fn settings_patch(json: &str) -> Result<AiSettingsPatch, Fault> {
    let members: Map<String, Value> =
        serde_json::from_str(json).map_err(|error| Fault::json("patch_json", &error))?;
    let mut patch = AiSettingsPatch::default();
    for (name, value) in members {
        match (name.as_str(), value) {
            ("networkEnabled", Value::Bool(allowed)) => patch.network_enabled = Some(allowed),
            ("provider", Value::Null) => patch.provider = Patch::Clear,
            ("provider", Value::String(named)) => {
                patch.provider = Patch::Set(word("provider", AiProvider::parse(&named))?);
            }
            ("model", Value::Null) => patch.model = Patch::Clear,
            ("model", Value::String(model)) => patch.model = Patch::Set(model),
            ("networkEnabled" | "provider" | "model", _) => {
                return Err(Fault::argument(format!("patch_json: {name} has a wrong type")));
            }
            _ => return Err(Fault::argument(format!("patch_json has no member {name}"))),
        }
    }
    Ok(patch)
}
