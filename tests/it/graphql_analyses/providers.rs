//! Keys of providers, which nobody reads back, and whom a caller asks.

use super::*;
use jotrack_tests::Lab;

const SECRET: &str = "sk-live-CANARY-0123456789-tail";
const SET: &str = "mutation($provider: AiProvider!, $secret: String!, $url: URL) {
    providerKeySet(provider: $provider, secret: $secret, baseUrl: $url) {
        providerKey { provider last4 fingerprint baseUrl createdAt lastUsedAt } revision
        userErrors { __typename message code path } } }";
const KEYS: &str = "{ viewer { providerKeys { provider last4 fingerprint baseUrl } } }";

#[tokio::test]
async fn a_key_is_told_of_and_never_told() {
    let lab = Lab::new().await;
    let api = Graphql::of(&lab.engine);

    let set = api.field(SET, json!({"provider": "ANTHROPIC", "secret": SECRET})).await;
    let keys = api.field(KEYS, json!({})).await;

    assert_eq!(set["userErrors"], json!([]), "{set}");
    assert_eq!(set["providerKey"]["last4"], "tail");
    assert_eq!(keys["providerKeys"][0]["provider"], "ANTHROPIC");
    assert_eq!(keys["providerKeys"][0]["fingerprint"], set["providerKey"]["fingerprint"]);
    assert!(!set.to_string().contains("CANARY") && !keys.to_string().contains("CANARY"));
    let fields = "{ __type(name: \"ProviderKey\") { fields { name } } }";
    let fields = api.field(fields, json!({})).await.to_string();
    for name in ["secret", "\"key\"", "sealed"] {
        assert!(!fields.contains(name), "{fields}");
    }

    let delete = "mutation { providerKeyDelete(provider: ANTHROPIC) {
        deletedProvider userErrors { __typename code } } }";
    let gone = api.field(delete, json!({})).await;
    let again = api.field(delete, json!({})).await;
    assert_eq!(gone["deletedProvider"], "ANTHROPIC", "{gone}");
    assert_eq!(again["userErrors"], json!([{"__typename": "NotFoundError", "code": "NOT_FOUND"}]));
    assert_eq!(api.field(KEYS, json!({})).await["providerKeys"], json!([]));
}

#[tokio::test]
async fn no_refusal_repeats_a_key() {
    let server = Server::new().await;
    let spaced = "sk live CANARY";
    let refused = [
        (json!({"provider": "OPENAI", "secret": spaced}), "secret"),
        (json!({"provider": "LOCAL", "secret": SECRET}), "provider"),
        (json!({"provider": "OPENAI_COMPATIBLE", "secret": SECRET}), "baseUrl"),
        (
            json!({"provider": "OPENAI_COMPATIBLE", "secret": SECRET, "url": "http://127.0.0.1"}),
            "baseUrl",
        ),
    ];
    for (variables, path) in refused {
        let answer = server.query(SET, variables).await.json();

        let error = &answer["data"]["providerKeySet"]["userErrors"][0];
        assert_eq!((&error["code"], &error["path"]), (&json!("INVALID_INPUT"), &json!([path])));
        assert!(!answer.to_string().contains("CANARY"), "{answer}");
    }
    for document in [
        format!(
            "mutation {{ providerKeySet(provider: OPENAI, secret: \"{SECRET}) {{ revision }} }}"
        ),
        format!(
            "mutation {{ providerKeySet(provider: OPENAI, secret: [\"{SECRET}\"]) {{ revision }} }}"
        ),
        format!(
            "mutation {{ providerKeySet(provider: OPENAI, key: \"{SECRET}\") {{ revision }} }}"
        ),
        format!(
            "mutation {{ providerKeySet(provider: OPENAI, secret: {{CANARY: \"{SECRET}\"}}) {{ revision }} }}"
        ),
    ] {
        let answer = server.query(&document, json!({})).await.json();

        assert!(answer["errors"].is_array(), "{answer}");
        assert!(!answer.to_string().contains("sk-live-CANARY"), "{answer}");
    }
    for wrong in [json!([SECRET]), json!({"CANARY": SECRET})] {
        let variables = json!({"provider": "OPENAI", "secret": wrong});
        let answer = server.query(SET, variables).await.json();

        assert!(answer["errors"].is_array(), "{answer}");
        assert!(!answer.to_string().contains("sk-live-CANARY"), "{answer}");
    }
}

#[tokio::test]
async fn the_provider_in_effect_follows_the_callers_consent() {
    let lab = Lab::new().await;
    let api = Graphql::of(&lab.engine);
    let update = "mutation($patch: SettingsPatch!) { settingsUpdate(patch: $patch) {
        viewer { settings { aiNetworkEnabled aiProvider aiModel } } revision
        userErrors { code path } } }";
    let set = async |patch: Value| api.field(update, json!({"patch": patch})).await;
    let in_effect = |network: bool, provider: &str, model: Value| json!({"aiNetworkEnabled": network, "aiProvider": provider, "aiModel": model});

    let chosen = set(json!({"aiProvider": "OPENAI", "aiModel": "small"})).await;
    assert_eq!(chosen["viewer"]["settings"], in_effect(false, "LOCAL", Value::Null), "{chosen}");
    let allowed = set(json!({"aiNetworkEnabled": true})).await;
    assert_eq!(allowed["viewer"]["settings"], in_effect(true, "OPENAI", json!("small")));
    let cleared = set(json!({"aiProvider": null})).await;
    assert_eq!(cleared["viewer"]["settings"], in_effect(true, "LOCAL", Value::Null));
    assert_ne!(cleared["revision"], Value::Null);

    for (patch, path) in [
        (json!({"aiModel": "a\nb"}), "aiModel"),
        (json!({"aiNetworkEnabled": null}), "aiNetworkEnabled"),
    ] {
        let refused = set(patch).await;
        assert_eq!(
            refused["userErrors"],
            json!([{"code": "INVALID_INPUT", "path": ["patch", path]}])
        );
        assert_eq!(refused["viewer"], Value::Null);
    }
}
