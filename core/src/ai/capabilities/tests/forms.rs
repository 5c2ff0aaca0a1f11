//! The table of capabilities and the forms of their answers.

use std::collections::BTreeSet;

use proptest::{prelude::*, sample::Index};

use super::*;

/// Calls `check` with every schema inside `schema`.
fn each_schema(schema: &Value, check: &mut dyn FnMut(&Value)) {
    check(schema);
    let Some(map) = schema.as_object() else { return };
    if let Some(properties) = map.get("properties").and_then(Value::as_object) {
        properties.values().for_each(|inner| each_schema(inner, check));
    }
    if let Some(items) = map.get("items") {
        each_schema(items, check);
    }
}

#[test]
fn every_kind_has_its_own_capability() {
    let ids: BTreeSet<&str> = AnalysisKind::ALL
        .iter()
        .map(|kind| {
            let capability = Capability::of(*kind);
            assert_eq!(capability.kind, *kind);
            assert_eq!(capability.id, capability.prompt.id);
            assert_eq!(capability.schema().name, capability.id);
            capability.id
        })
        .collect();

    assert_eq!(ids.len(), AnalysisKind::ALL.len());
}

#[test]
fn only_company_kinds_are_shared_and_theirs_is_the_shortest_life() {
    for kind in AnalysisKind::ALL {
        let Capability { public, ttl_days, .. } = Capability::of(*kind);
        assert_eq!(*public, kind.as_str().starts_with("COMPANY_"), "{kind}");
        let days = match kind {
            AnalysisKind::CompanyIntelligence => 30,
            AnalysisKind::CompanyEcosystem => 7,
            _ => 90,
        };
        assert_eq!(*ttl_days, days, "{kind}");
    }
}

#[test]
fn forms_are_plain_and_bounded() {
    for kind in AnalysisKind::ALL {
        each_schema(&Capability::of(*kind).schema().schema, &mut |schema| {
            let map = schema.as_object().unwrap_or_else(|| panic!("{kind}: {schema}"));
            for keyword in ["$ref", "oneOf", "anyOf", "format", "title", "$schema"] {
                let is_keyword = map.get(keyword).is_some_and(|value| !value.is_object());
                assert!(!is_keyword, "{kind}: {schema}");
            }
            let types = map.get("type").map(Value::to_string).unwrap_or_default();
            if types.contains("array") {
                assert!(map.contains_key("maxItems"), "{kind}: {schema}");
            }
            if types.contains("string") {
                let is_bounded = map.contains_key("maxLength") || map.contains_key("enum");
                assert!(is_bounded, "{kind}: {schema}");
            }
            if types.contains("object") {
                // Every name that the provider is told of can be required in a closed dialect.
                assert!(map.contains_key("properties"), "{kind}: {schema}");
            }
        });
    }
}

#[test]
fn prompts_show_the_form_and_the_canary() {
    for kind in AnalysisKind::ALL {
        let capability = Capability::of(*kind);
        let rendered = capability.render(&input(*kind), "c4n4ry").unwrap();

        assert!(rendered.system.contains(&capability.schema().schema.to_string()), "{kind}");
        assert!(rendered.system.contains("c4n4ry") && !rendered.system.contains("{{"), "{kind}");
        assert!(!rendered.system.contains(&rendered.delimiter), "{kind}");
    }
}

#[test]
fn every_field_of_an_input_reaches_the_model() {
    for kind in AnalysisKind::ALL {
        let input = input(*kind);
        let rendered = Capability::of(*kind).render(&input, "c4n4ry").unwrap();

        for (name, value) in input.as_object().unwrap() {
            let d = &rendered.delimiter;
            let is_data = rendered.user.contains(&format!("begin {d} {name}\n"));
            let is_word = value.as_str().is_some_and(|word| rendered.system.contains(word));
            assert!(is_data || is_word, "{kind}: {name}");
        }
    }
}

#[test]
fn no_text_of_a_user_enters_the_system_turn() {
    let marks = json!({
        "resume": "MARK-1", "jd": "MARK-2", "company": "MARK-3", "title": "MARK-4",
        "addressee": "MARK-5", "principles": ["MARK-6"],
    });
    let capability = Capability::of(AnalysisKind::CoverLetter);
    let rendered = capability.render(&capability.normalise(marks).unwrap(), "c4n4ry").unwrap();

    assert!(!rendered.system.contains("MARK"));
    assert_eq!(rendered.user.matches("MARK").count(), 6);
}

/// Changes one place of a value: another value, a longer one, or nothing.
fn spoil(value: &mut Value, place: &Index, change: &Value) {
    fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
        all.push(at.to_owned());
        match value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .for_each(|(n, item)| pointers(item, &format!("{at}/{n}"), all)),
            Value::Object(fields) => fields
                .iter()
                .for_each(|(name, field)| pointers(field, &format!("{at}/{name}"), all)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    pointers(value, "", &mut all);
    let pointer = place.get(&all);
    match (value.pointer_mut(pointer).unwrap(), change) {
        (Value::String(text), Value::Array(_)) => *text = text.repeat(700),
        (Value::Array(items), Value::Array(_)) if !items.is_empty() => {
            *items = vec![items[0].clone(); 50]
        }
        (Value::Array(items), Value::Object(_)) => items.clear(),
        (Value::Object(fields), Value::Object(_)) => {
            let gone = fields.keys().next().cloned();
            gone.map(|name| fields.remove(&name));
        }
        (at, change) => *at = change.clone(),
    }
}

proptest! {
    #[test]
    fn a_complete_validator_comes_to_the_same_verdict(
        kind in proptest::sample::select(AnalysisKind::ALL),
        places in proptest::collection::vec((any::<Index>(), 0..10_usize), 0..3),
    ) {
        let changes = json!([null, true, -1, 0.5, 2.0, 1e9, "", "ÄÖ", [], {}]);
        let mut value = answer(kind);
        for (place, change) in &places {
            spoil(&mut value, place, &changes[*change]);
        }
        let schema = &Capability::of(kind).schema().schema;
        let oracle = jsonschema::validator_for(schema).unwrap();

        prop_assert_eq!(
            Capability::of(kind).still_valid(&value),
            oracle.is_valid(&value),
            "{}: {:#}", kind, value
        );
        if places.is_empty() {
            prop_assert!(oracle.is_valid(&value));
        }
    }
}
