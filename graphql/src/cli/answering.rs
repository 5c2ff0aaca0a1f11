//! Who answers analyses, in one line for the person who starts the server. Never a key.

use jotrack_core::{AiConfig, AiProvider, AiSettings, ProviderKey};
use url::{Host, Url};

/// Says who answers the local user, whether text leaves this machine, and what is missing.
pub(super) fn name_of_provider(ai: &AiConfig, wishes: &AiSettings, kept: &[ProviderKey]) -> String {
    let own = |provider| {
        kept.iter().find(|key| key.provider == provider).filter(|_| wishes.network_enabled)
    };
    let (provider, model) = wishes.in_effect(ai);
    let elsewhere: Vec<&str> = AiProvider::ALL
        .iter()
        .copied()
        .filter(|named| *named != provider && (own(*named).is_some() || leaves(ai, *named)))
        .map(AiProvider::as_str)
        .collect();
    let key = own(provider);
    let (base, sends) = match key {
        Some(key) => (key.base_url.as_deref(), true),
        None if ai.provider == provider => (ai.base_url.as_deref(), leaves(ai, provider)),
        None => (None, provider != AiProvider::Local),
    };
    let texts = match (sends, elsewhere.is_empty()) {
        (true, _) => "texts of jobs are sent to it",
        (false, true) => "no text leaves this machine",
        (false, false) => "what it is asked stays on this machine",
    };
    let place = base.filter(|_| provider != AiProvider::Local).map(|base| format!(" at {base}"));
    let with = model.as_deref().map(|model| format!(" with {model}")).unwrap_or_default();
    let who = match provider {
        AiProvider::Local => "the engine itself",
        provider => provider.as_str(),
    };
    let mut line = format!("Analyses: {who}{} answers{with}, {texts}.", place.unwrap_or_default());
    for missing in missing(ai, provider, key.is_some(), model.is_some()) {
        line.push_str(&format!(" {missing}: without it this fails."));
    }
    if !elsewhere.is_empty() {
        let names = elsewhere.join(" or ");
        line.push_str(&format!(" A request that names {names} sends texts there."));
    }
    line.push('\n');
    line
}

/// Reports whether the operator's settings let texts go to a provider outside this machine.
fn leaves(ai: &AiConfig, provider: AiProvider) -> bool {
    let here = ai.base_url.as_deref().is_some_and(is_here);
    provider != AiProvider::Local && ai.provider == provider && !here
}

/// Says what to do before the provider can answer.
fn missing(ai: &AiConfig, provider: AiProvider, own: bool, model: bool) -> Vec<&'static str> {
    if provider == AiProvider::Local {
        return Vec::new();
    }
    let public = matches!(provider, AiProvider::Anthropic | AiProvider::OpenAi);
    let operator = ai.provider == provider;
    let steps = [
        (!own && !operator, "Keep a key for it with `jotrack keys set`"),
        (!own && operator && ai.base_url.is_none() && !public, "Set JOTRACK_AI_BASE_URL"),
        (!own && operator && ai.api_key.is_none() && public, "Set JOTRACK_AI_API_KEY"),
        (!model && operator, "Set JOTRACK_AI_MODEL"),
        (!model && !operator, "Choose aiModel with settingsUpdate"),
    ];
    steps.into_iter().filter(|(due, _)| *due).map(|(_, step)| step).collect()
}

fn is_here(base: &str) -> bool {
    let url = Url::parse(base).ok();
    match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(provider: AiProvider, base_url: Option<&str>) -> AiConfig {
        AiConfig {
            provider,
            base_url: base_url.map(str::to_owned),
            model: Some("small".to_owned()),
            api_key: Some("sk-never-shown".into()),
            ..AiConfig::default()
        }
    }

    fn key(provider: AiProvider, base_url: Option<&str>) -> ProviderKey {
        ProviderKey {
            provider,
            last4: "1234".to_owned(),
            fingerprint: "f".to_owned(),
            base_url: base_url.map(str::to_owned),
            created_at: jotrack_core::Timestamp::from_ms(0),
            last_used_at: None,
        }
    }

    fn of_operator(ai: &AiConfig) -> String {
        name_of_provider(ai, &AiSettings::default(), &[])
    }

    #[test]
    fn it_says_whether_text_leaves_the_machine() {
        let local = of_operator(&AiConfig::default());
        let beside = config(AiProvider::OpenAiCompatible, Some("http://127.0.0.1:8080/v1"));
        let public = config(AiProvider::Anthropic, None);

        assert!(local.contains("no text leaves this machine"), "{local}");
        assert_eq!(
            of_operator(&beside),
            "Analyses: OPENAI_COMPATIBLE at http://127.0.0.1:8080/v1 answers with small, \
             no text leaves this machine.\n"
        );
        assert_eq!(
            of_operator(&public),
            "Analyses: ANTHROPIC answers with small, texts of jobs are sent to it.\n"
        );
    }

    #[test]
    fn a_key_of_the_local_user_counts_once_the_network_is_allowed() {
        let kept = [key(AiProvider::OpenAi, None), key(AiProvider::Anthropic, None)];
        let told = |ai: &AiConfig, network_enabled, provider| {
            let model = Some("large".to_owned());
            name_of_provider(ai, &AiSettings { network_enabled, provider, model }, &kept)
        };
        let (local, preferred) = (AiConfig::default(), Some(AiProvider::OpenAi));
        let beside = config(AiProvider::OpenAiCompatible, Some("http://127.0.0.1:8080/v1"));

        assert_eq!(told(&local, false, preferred), of_operator(&local));
        assert_eq!(
            told(&local, true, preferred),
            "Analyses: OPENAI answers with large, texts of jobs are sent to it. \
             A request that names ANTHROPIC sends texts there.\n"
        );
        for (ai, who) in [(&local, "the engine itself"), (&beside, "127.0.0.1")] {
            let line = told(ai, true, None);
            assert!(line.contains(who) && !line.contains("no text leaves"), "{line}");
            assert!(line.contains("names ANTHROPIC or OPENAI sends texts there"), "{line}");
        }
        let public = config(AiProvider::Anthropic, None);
        let mine = told(&public, true, Some(AiProvider::Local));
        assert!(mine.contains("names ANTHROPIC or OPENAI sends texts there"), "{mine}");
    }

    #[test]
    fn it_says_what_is_missing() {
        let bare = AiConfig { provider: AiProvider::OpenAi, ..AiConfig::default() };

        let line = of_operator(&bare);

        assert!(line.contains("JOTRACK_AI_API_KEY") && line.contains("JOTRACK_AI_MODEL"), "{line}");
        assert!(!line.contains("JOTRACK_AI_BASE_URL"), "{line}");
        let wishes = AiSettings {
            network_enabled: true,
            provider: Some(AiProvider::Anthropic),
            model: None,
        };
        let line = name_of_provider(&bare, &wishes, &[]);
        assert!(line.contains("jotrack keys set") && line.contains("aiModel"), "{line}");
        assert!(!line.contains("JOTRACK_AI_API_KEY"), "{line}");
        let line = name_of_provider(&bare, &wishes, &[key(AiProvider::Anthropic, None)]);
        assert!(!line.contains("jotrack keys set") && line.contains("aiModel"), "{line}");
    }
}
