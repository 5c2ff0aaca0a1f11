//! What the three company capabilities are asked: a company and nothing of a user.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

use super::{super::capability::PublicInput, Fields, limits};
use crate::{companies::company_key, enums::Persona};

/// A company. All that may enter a shared answer: no field holds words of a user.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CompanyInput {
    /// Its name as it was spelled; absent when the domain says who it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) company: Option<String>,
    /// Its web domain, in ASCII.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) domain: Option<String>,
    /// Lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) industry: Option<String>,
    /// Lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role_family: Option<String>,
    /// Language tag of the answer, lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) locale: Option<String>,
    /// Who asks the questions; for COMPANY_QUESTIONS only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) persona: Option<Persona>,
}

impl CompanyInput {
    /// Reads a company; `persona` is another field where it is asked for.
    pub(super) fn read(fields: &mut Fields) -> Self {
        let domain = fields.line_optional("domain", 253).and_then(|text| {
            let domain = domain(&text);
            if domain.is_none() {
                fields.refuse("domain", "must be a domain name such as example.com");
            }
            domain
        });
        // Whoever names a domain decides nothing but the domain: a free name beside it would be
        // told to the model without being part of the shared key.
        let company = if domain.is_some() {
            fields.line_optional("company", limits::COMPANY_CHARS);
            None
        } else {
            let name =
                visible(&fields.line("company", limits::COMPANY_CHARS), limits::COMPANY_CHARS);
            if name.is_empty() && !fields.has("company") {
                fields.refuse("company", "must hold a letter or a digit");
            }
            Some(name)
        };
        let locale = fields.line_optional("locale", 35).map(|text| text.to_lowercase());
        if locale.as_deref().is_some_and(|locale| !is_language_tag(locale)) {
            fields.refuse("locale", "must be a language tag such as en or pt-BR");
        }
        Self {
            company,
            domain,
            industry: label(fields, "industry"),
            role_family: label(fields, "roleFamily"),
            locale,
            persona: None,
        }
    }
}

impl PublicInput for CompanyInput {
    fn subject(&self) -> String {
        match (&self.domain, &self.company) {
            (Some(domain), _) => format!("d:{domain}"),
            (None, name) => company_key(name.as_deref().unwrap_or_default()),
        }
    }

    fn identity(&self) -> Value {
        let Self { company: _, domain: _, industry, role_family, locale, persona } = self;
        json!({
            "company": self.subject(),
            "industry": industry,
            "roleFamily": role_family,
            "locale": locale,
            "persona": persona,
        })
    }
}

/// Returns a name with letters, digits and plain punctuation only. What the key of a name leaves
/// out must not be able to say anything: symbols can spell words that a model reads.
fn visible(name: &str, max_chars: usize) -> String {
    let name: String = name
        .nfkc()
        .filter(|c| c.is_alphanumeric() || c.is_ascii_punctuation() || *c == ' ')
        // Compatibility forms may grow.
        .take(max_chars)
        .collect();
    if !name.contains(char::is_alphanumeric) {
        return String::new();
    }
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn label(fields: &mut Fields, name: &'static str) -> Option<String> {
    let label = fields.line_optional(name, limits::LABEL_CHARS)?;
    Some(visible(&label, limits::LABEL_CHARS).to_lowercase()).filter(|label| !label.is_empty())
}

fn domain(text: &str) -> Option<String> {
    let Ok(url::Host::Domain(domain)) = url::Host::parse(text) else { return None };
    let domain = domain.trim_end_matches('.');
    let domain = domain.strip_prefix("www.").unwrap_or(domain);
    let is_name = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    (domain.contains('.') && domain.split('.').all(is_name)).then(|| domain.to_owned())
}

fn is_language_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let is_language =
        |part: &str| (2..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase());
    parts.next().is_some_and(is_language)
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        })
}
