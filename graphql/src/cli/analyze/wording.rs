//! Errors of analyses in words for a person: what is wrong, which option, and what to do next.

use jotrack_core::{AnalysisRequest, ConflictKind, Error, ProviderFailure, UnavailableKind};

use super::report::{kebab, plain};
use crate::cli::failure::Failure;

/// Returns how a command ends whose request was refused or whose analysis failed.
pub(in crate::cli) fn failure(error: Error, request: &AnalysisRequest) -> Failure {
    // The core has the word of the API, the command line its own.
    let in_our_words =
        |text: &str| plain(text).replace(request.kind.as_str(), &kebab(request.kind.as_str()));
    match &error {
        Error::Invalid(violations) => {
            let told = violations.0.iter().map(|violation| {
                let path: Vec<&str> = violation.path.iter().map(String::as_str).collect();
                let option = match path.as_slice() {
                    ["kind" | "model" | "provider" | "persona" | "company"] => {
                        format!("--{}", path.join("."))
                    }
                    ["target"] => "target".to_owned(),
                    ["params"] | [] => "--param".to_owned(),
                    ["params", rest @ ..] => format!("--param {}", rest.join(".")),
                    other => format!("--param {}", other.join(".")),
                };
                in_our_words(&format!("{option}: {}", violation.message))
            });
            Failure::Input(told.collect::<Vec<_>>().join("; "))
        }
        Error::NotFound { what, id } => Failure::Input(format!(
            "there is no {what} {id} in this data; the playground of `jotrack serve` shows the ids, \
             and --data names another folder"
        )),
        Error::Conflict { kind: ConflictKind::NoResume | ConflictKind::NoText, what } => {
            other(format!("{what} (in the playground of `jotrack serve`), and ask again"))
        }
        Error::Conflict { what, .. } => other(what.clone()),
        Error::Provider { kind: ProviderFailure::NotConfigured, what, .. } => {
            Failure::Input(in_our_words(what))
        }
        Error::Provider { retryable: true, retry_after_ms, what, .. } => {
            let when = retry_after_ms.map_or_else(|| "later".to_owned(), in_words);
            other(format!("{}; try again {when}", plain(what)))
        }
        Error::Provider { what, .. } => other(plain(what)),
        Error::RateLimited { scope: "refresh", retry_after_ms } => other(format!(
            "the same was asked for less than 30 seconds ago; leave out --refresh, or try again {}",
            in_words(*retry_after_ms)
        )),
        Error::RateLimited { retry_after_ms, .. } => other(format!(
            "the AI calls of this plan are used up for now; kept answers still come, new ones {}",
            in_words(*retry_after_ms)
        )),
        Error::TooLarge { .. } => Failure::Input(format!("{}: {error}", request.kind)),
        Error::Cancelled => other("the analysis was cancelled from somewhere else".to_owned()),
        _ => trouble(error),
    }
}

/// Returns how a command ends that the data or the machine stopped.
pub(super) fn trouble(error: Error) -> Failure {
    match error {
        Error::Unavailable { kind: UnavailableKind::KeyUnavailable, .. } => {
            Failure::Input(error.chain())
        }
        error => anyhow::Error::new(error).context("analyse").into(),
    }
}

fn other(message: String) -> Failure {
    Failure::Other(anyhow::anyhow!(message))
}

/// Says when, rounded up to seconds or minutes.
fn in_words(ms: i64) -> String {
    let seconds = ms.max(0).saturating_add(999) / 1_000;
    if seconds < 120 {
        format!("in {} s", seconds.max(1))
    } else {
        format!("in {} min", (seconds + 59) / 60)
    }
}

#[cfg(test)]
mod tests {
    use jotrack_core::{AiProvider, AnalysisKind, AnalysisTarget};

    use super::*;

    #[test]
    fn errors_name_the_option_and_the_next_step() {
        let told = |error| failure(error, &request()).message().unwrap();

        assert_eq!(
            told(Error::invalid(&["model"], "unknown", "leave it out")),
            "--model: leave it out"
        );
        assert_eq!(told(Error::invalid(&["text"], "required", "give it")), "--param text: give it");
        assert!(told(Error::not_found("job", "x")).contains("--data"));
        assert!(told(limited("refresh")).ends_with("leave out --refresh, or try again in 3 s"));
        assert!(told(limited("ai")).ends_with("new ones in 3 s"));
        let refused = told(Error::Provider {
            provider: AiProvider::OpenAi,
            kind: ProviderFailure::Failed,
            retryable: true,
            retry_after_ms: Some(240_000),
            what: "overloaded\x1b[2J".to_owned(),
        });
        assert_eq!(refused, "overloaded[2J; try again in 4 min");
    }

    #[test]
    fn wrong_requests_and_settings_are_told_from_failures() {
        let setting = Error::Provider {
            provider: AiProvider::Local,
            kind: ProviderFailure::NotConfigured,
            retryable: false,
            retry_after_ms: None,
            what: "needs a model".to_owned(),
        };

        assert!(matches!(failure(setting, &request()), Failure::Input(_)));
        assert!(matches!(failure(limited("ai"), &request()), Failure::Other(_)));
        assert!(matches!(failure(Error::Cancelled, &request()), Failure::Other(_)));
    }

    fn limited(scope: &'static str) -> Error {
        Error::RateLimited { scope, retry_after_ms: 2_001 }
    }

    fn request() -> AnalysisRequest {
        let target = AnalysisTarget::Company("Lindenhof".to_owned());
        AnalysisRequest::new(AnalysisKind::CompanyEcosystem, target)
    }
}
