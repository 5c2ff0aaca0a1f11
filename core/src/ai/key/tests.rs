//! The golden keys, and what makes two keys equal.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::{
    ai::capability::Capability,
    enums::{AiProvider, AnalysisKind},
};

const GOLDEN: &str = include_str!("../golden/keys.txt");
const MAC_KEY: [u8; 32] = [7; 32];

fn user(n: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(n))
}

fn parts() -> KeyParts<'static> {
    KeyParts {
        scope: Scope::Public,
        capability: "capability",
        prompt_id: "prompt",
        prompt_version: 1,
        prompt_digest: [1; 32],
        provider: "ANTHROPIC",
        model: "model-1",
        sampling: None,
        max_tokens: 1000,
        schema_digest: [2; 32],
        redaction: "none",
        input_digest: [3; 32],
    }
}

/// Returns parts that each differ from [`parts`] in one field, with the field's name.
fn changed() -> Vec<(&'static str, KeyParts<'static>)> {
    static OTHER: [u8; 32] = [8; 32];
    let one = Scope::User { id: user(1), mac_key: &MAC_KEY };
    vec![
        ("nothing", parts()),
        ("user", KeyParts { scope: one, ..parts() }),
        (
            "another user",
            KeyParts { scope: Scope::User { id: user(2), mac_key: &MAC_KEY }, ..parts() },
        ),
        (
            "the user's key",
            KeyParts { scope: Scope::User { id: user(1), mac_key: &OTHER }, ..parts() },
        ),
        ("capability", KeyParts { capability: "capabilit", ..parts() }),
        ("prompt id", KeyParts { prompt_id: "prompt2", ..parts() }),
        ("prompt version", KeyParts { prompt_version: 2, ..parts() }),
        ("prompt digest", KeyParts { prompt_digest: [4; 32], ..parts() }),
        ("provider", KeyParts { provider: "OPENAI", ..parts() }),
        ("model", KeyParts { model: "model-2", ..parts() }),
        ("empty sampling", KeyParts { sampling: Some(""), ..parts() }),
        ("sampling", KeyParts { sampling: Some(r#"{"temperature":0}"#), ..parts() }),
        ("max tokens", KeyParts { max_tokens: 1001, ..parts() }),
        ("schema digest", KeyParts { schema_digest: [4; 32], ..parts() }),
        ("redaction", KeyParts { redaction: "", ..parts() }),
        ("input digest", KeyParts { input_digest: [4; 32], ..parts() }),
        // Only the lengths keep these apart.
        ("border", KeyParts { capability: "capabilityp", prompt_id: "rompt", ..parts() }),
    ]
}

/// Returns what a capability makes of an input, as a digest of the key's last part.
fn inputs() -> Vec<(&'static str, String)> {
    let name = |name: &str, raw: Value| {
        let capability = Capability::of(AnalysisKind::parse(name).unwrap());
        let input = capability.normalise(raw).unwrap();
        hex(&digest(&capability.identity_of(&input)).unwrap())
    };
    let ecosystem = |raw: Value| name("COMPANY_ECOSYSTEM", raw);
    vec![
        ("company", ecosystem(json!({"company": "Acme"}))),
        ("domain", ecosystem(json!({"company": "Acme", "domain": "acme.example"}))),
        ("accent", ecosystem(json!({"company": "Café"}))),
        ("questions", name("COMPANY_QUESTIONS", json!({"company": "Acme", "persona": "PEER"}))),
        (
            "match",
            name("MATCH_SCORE", json!({"resume": "r", "jd": "j", "company": "Acme", "title": "t"})),
        ),
        ("notes", name("NOTES_SUMMARY", json!({"notes": "n", "company": "A", "title": "t"}))),
    ]
}

/// A difference here makes every kept answer unreachable: it needs a new form, `v2`.
#[test]
fn keys_are_what_they_always_were() {
    let keys = changed().into_iter().map(|(name, parts)| format!("{name} = {}", key(parts)));
    let inputs = inputs().into_iter().map(|(name, digest)| format!("input {name} = {digest}"));
    let now: Vec<String> = keys.chain(inputs).collect();

    assert_eq!(GOLDEN.lines().collect::<Vec<_>>(), now, "\n{}\n", now.join("\n"));
}

#[test]
fn each_part_alone_changes_the_key() {
    let keys: BTreeSet<String> = changed().into_iter().map(|(_, parts)| key(parts)).collect();

    assert_eq!(keys.len(), changed().len());
}

#[test]
fn the_scope_can_be_read_from_the_key() {
    let id = user(1);
    let own = key(KeyParts { scope: Scope::User { id, mac_key: &MAC_KEY }, ..parts() });

    assert!(key(parts()).starts_with("v1:p:"));
    assert!(own.starts_with(&format!("v1:u:{}:", id.as_uuid().as_simple())));
    assert_eq!(own.len(), "v1:u:".len() + 32 + 1 + 64);
}

#[test]
fn a_user_key_is_the_hmac_of_the_standard() {
    // Test case 1 of RFC 4231 has a key shorter than 32 bytes; zeros make it the same.
    let mut mac_key = [0; 32];
    mac_key[..20].fill(0x0b);
    let mut block = [0; 64];
    block.iter_mut().zip(mac_key).for_each(|(to, from)| *to = from);
    let mut mac = Hmac::<Sha256>::new((&block).into());
    mac.update(b"Hi There");

    assert_eq!(
        hex(&mac.finalize().into_bytes()),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    );
}

fn company_key_of(raw: Value) -> String {
    key_of(AnalysisKind::CompanyEcosystem, Scope::Public, raw)
}

fn key_of(kind: AnalysisKind, scope: Scope<'_>, raw: Value) -> String {
    let capability = Capability::of(kind);
    let input = capability.normalise(raw).unwrap();
    capability.key(scope, AiProvider::Anthropic, None, "model-1", &input).unwrap()
}

#[test]
fn spellings_of_one_company_are_one_key() {
    let acme = company_key_of(json!({"company": "Acme"}));
    for name in ["ACME, Inc.", " acme  GmbH", "Acme\u{200b} Ltd.", "Ａｃｍｅ"] {
        assert_eq!(company_key_of(json!({"company": name})), acme, "{name}");
    }
    let empty = json!({"company": "Acme", "industry": " ", "locale": null, "domain": ""});
    assert_eq!(company_key_of(empty), acme);
    assert_ne!(company_key_of(json!({"company": "Acme", "industry": "Rail"})), acme);
    assert_eq!(
        company_key_of(json!({"company": "Cafe\u{301}"})),
        company_key_of(json!({"company": "Café"}))
    );
}

#[test]
fn a_domain_replaces_the_name() {
    let named = company_key_of(json!({"company": "Acme", "domain": "acme.example"}));

    assert_eq!(company_key_of(json!({"domain": "WWW.Acme.example."})), named);
    assert_ne!(company_key_of(json!({"company": "Acme"})), named);
    assert_ne!(company_key_of(json!({"company": "acme.example"})), named);
}

#[test]
fn spacing_composition_and_order_of_fields_do_not_matter() {
    let scope = Scope::User { id: user(1), mac_key: &MAC_KEY };
    let key =
        |raw: &str| key_of(AnalysisKind::ResumeImprove, scope, serde_json::from_str(raw).unwrap());
    let plain = key(r#"{"resume": "Café\nbar", "jd": "j"}"#);

    assert_eq!(key(r#"{"jd": " j ", "resume": "Cafe\u0301  \r\nbar\r\n"}"#), plain);
    assert_ne!(key(r#"{"resume": "Café bar", "jd": "j"}"#), plain);
}

#[test]
fn answers_of_two_providers_models_or_kinds_never_meet() {
    let capability = Capability::of(AnalysisKind::CompanyEcosystem);
    let input = capability.normalise(json!({"company": "Acme"})).unwrap();
    let at = |provider, server, model| {
        capability.key(Scope::Public, provider, server, model, &input).unwrap()
    };
    let key = |provider, model| at(provider, None, model);
    let compatible = |server| at(AiProvider::OpenAiCompatible, Some(server), "model-1");
    let intelligence =
        key_of(AnalysisKind::CompanyIntelligence, Scope::Public, json!({"company": "Acme"}));

    let keys = BTreeSet::from([
        key(AiProvider::Anthropic, "model-1"),
        key(AiProvider::OpenAi, "model-1"),
        key(AiProvider::Anthropic, "model-2"),
        intelligence,
        compatible("http://127.0.0.1:8080/v1"),
        compatible("http://127.0.0.1:8081/v1"),
    ]);
    assert_eq!(keys.len(), 6);
    assert!(keys.contains(&compatible("http://127.0.0.1:8080/v1/")), "a last slash says nothing");
}
