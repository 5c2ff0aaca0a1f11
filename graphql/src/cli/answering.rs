//! Who answers analyses, in one line for the person who starts the server. Never a key.

use jotrack_core::{AiConfig, AiProvider};
use url::{Host, Url};

/// Says who answers, whether text leaves this machine, and what is missing.
pub(super) fn name_of_provider(ai: &AiConfig) -> String {
    if ai.provider == AiProvider::Local {
        return "Analyses: the engine itself answers, no text leaves this machine.\n".to_owned();
    }
    let (place, stays) = match &ai.base_url {
        Some(base) => (format!(" at {base}"), is_here(base)),
        None => (String::new(), false),
    };
    let model = ai.model.as_deref().map(|model| format!(" with {model}")).unwrap_or_default();
    let text = if stays { "no text leaves this machine" } else { "texts of jobs are sent to it" };
    let mut line = format!("Analyses: {}{place} answers{model}, {text}.", ai.provider);
    let public = matches!(ai.provider, AiProvider::Anthropic | AiProvider::OpenAi);
    for (missing, name) in [
        (ai.base_url.is_none() && !public, "JOTRACK_AI_BASE_URL"),
        (ai.api_key.is_none() && public, "JOTRACK_AI_API_KEY"),
        (ai.model.is_none(), "JOTRACK_AI_MODEL"),
    ] {
        if missing {
            line.push_str(&format!(" Set {name}: without it this fails."));
        }
    }
    line.push('\n');
    line
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

    #[test]
    fn it_says_whether_text_leaves_the_machine() {
        let local = name_of_provider(&AiConfig::default());
        let beside = config(AiProvider::OpenAiCompatible, Some("http://127.0.0.1:8080/v1"));
        let public = config(AiProvider::Anthropic, None);

        assert!(local.contains("no text leaves this machine"), "{local}");
        assert_eq!(
            name_of_provider(&beside),
            "Analyses: OPENAI_COMPATIBLE at http://127.0.0.1:8080/v1 answers with small, \
             no text leaves this machine.\n"
        );
        assert_eq!(
            name_of_provider(&public),
            "Analyses: ANTHROPIC answers with small, texts of jobs are sent to it.\n"
        );
    }

    #[test]
    fn it_says_what_is_missing() {
        let bare = AiConfig { provider: AiProvider::OpenAi, ..AiConfig::default() };

        let line = name_of_provider(&bare);

        assert!(line.contains("JOTRACK_AI_API_KEY") && line.contains("JOTRACK_AI_MODEL"), "{line}");
        assert!(!line.contains("JOTRACK_AI_BASE_URL"), "{line}");
    }
}
