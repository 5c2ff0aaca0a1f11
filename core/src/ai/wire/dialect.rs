//! The JSON schemas that providers take: each knows a part of the language and refuses the rest.
//! What is left out is said in the description where a reader can follow it; the whole schema is
//! checked here in any case.

use serde_json::{Map, Value, json};

/// Rules for values, and how a description says them.
const NUMBERS: [(&str, &str); 5] = [
    ("minimum", "at least"),
    ("exclusiveMinimum", "more than"),
    ("maximum", "at most"),
    ("exclusiveMaximum", "less than"),
    ("multipleOf", "a multiple of"),
];
const COUNTS: [(&str, &str); 2] = [("minItems", "at least"), ("maxItems", "at most")];
const LENGTHS: [(&str, &str); 2] = [("minLength", "at least"), ("maxLength", "at most")];

/// Rules that neither provider takes and that no description needs.
const UNKNOWN: [&str; 16] = [
    "$schema",
    "$id",
    "$comment",
    "title",
    "examples",
    "default",
    "if",
    "then",
    "else",
    "not",
    "contains",
    "minProperties",
    "maxProperties",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
];

/// Formats of texts that both providers take; those of numbers are schemars' own.
const FORMATS: [&str; 9] =
    ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Anthropic,
    Strict,
}

/// Returns the schema for Anthropic: closed objects, no limits, a choice of types written out.
pub(super) fn anthropic(schema: &Value) -> Value {
    Dialect::Anthropic.schema(schema)
}

/// Returns the schema for OpenAI's `strict`: closed objects whose properties are all required, and
/// may be null where they were optional.
pub(super) fn strict(schema: &Value) -> Value {
    Dialect::Strict.schema(schema)
}

impl Dialect {
    fn schema(self, schema: &Value) -> Value {
        let Value::Object(fields) = schema else {
            // `true` allows everything, which an empty schema says too.
            return json!({});
        };
        // Neither provider reads what stands beside a reference.
        if let Some(target) = fields.get("$ref") {
            return json!({ "$ref": target, "$defs": self.named(fields.get("$defs")) })
                .as_object()
                .map(|whole| without_null(whole.clone()))
                .unwrap_or_default();
        }
        let mut new = Map::new();
        let mut said = Vec::new();
        for (name, value) in fields {
            if let Some(rule) = self.said(name, value) {
                said.extend(rule);
                continue;
            }
            let (name, value) = match name.as_str() {
                "properties" | "$defs" => (name.as_str(), self.named(Some(value))),
                "items" => ("items", self.schema(value)),
                "anyOf" | "oneOf" => ("anyOf", self.listed(value)),
                "allOf" | "prefixItems" => (name.as_str(), self.listed(value)),
                // Set below, for every object.
                "additionalProperties" | "description" => continue,
                other if UNKNOWN.contains(&other) => continue,
                other => (other, value.clone()),
            };
            new.insert(name.to_owned(), value);
        }
        if let Some(description) = described(fields.get("description"), &said) {
            new.insert(String::from("description"), Value::String(description));
        }
        if new.contains_key("properties") || new.get("type").is_some_and(|kind| kind == "object") {
            self.close(&mut new, fields.get("required"));
        }
        if self == Self::Anthropic { choice_of_types(new) } else { Value::Object(new) }
    }

    /// Says a rule that is left out: `Some` if it is, with nothing if nobody needs to hear it.
    fn said(self, name: &str, value: &Value) -> Option<Option<String>> {
        let find = |rules: &[(&str, &'static str)]| {
            rules.iter().find(|(rule, _)| *rule == name).map(|(_, word)| *word)
        };
        if name == "format" {
            let known = value.as_str().is_some_and(|format| FORMATS.contains(&format));
            return (!known).then_some(None);
        }
        if let Some(word) = find(&LENGTHS) {
            return Some(Some(format!("{word} {value} characters")));
        }
        if name == "uniqueItems" {
            return Some((value == true).then(|| String::from("no item twice")));
        }
        if self == Self::Strict {
            return None;
        }
        if let Some(word) = find(&NUMBERS) {
            return Some(Some(format!("{word} {value}")));
        }
        if let Some(word) = find(&COUNTS) {
            return Some(Some(format!("{word} {value} items")));
        }
        (name == "pattern")
            .then(|| Some(format!("of the form {}", value.as_str().unwrap_or_default())))
    }

    fn named(self, schemas: Option<&Value>) -> Value {
        let Some(Value::Object(schemas)) = schemas else { return Value::Null };
        schemas.iter().map(|(name, schema)| (name.clone(), self.schema(schema))).collect()
    }

    fn listed(self, schemas: &Value) -> Value {
        let schemas = schemas.as_array().into_iter().flatten();
        schemas.map(|schema| self.schema(schema)).collect()
    }

    /// Closes an object, and requires everything where the dialect does.
    fn close(self, object: &mut Map<String, Value>, required: Option<&Value>) {
        object.insert(String::from("additionalProperties"), Value::Bool(false));
        if self == Self::Anthropic {
            return;
        }
        let required = required.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let properties = object.entry("properties").or_insert_with(|| json!({}));
        let Some(properties) = properties.as_object_mut() else { return };
        for (name, property) in properties.iter_mut() {
            if !required.iter().any(|required| required == name) {
                *property = nullable(property.take());
            }
        }
        let names: Value = properties.keys().cloned().collect();
        object.insert(String::from("required"), names);
    }
}

/// Returns a description with the rules that were left out.
fn described(description: Option<&Value>, said: &[String]) -> Option<String> {
    let description = description.and_then(Value::as_str);
    if said.is_empty() {
        return description.map(str::to_owned);
    }
    let rules = format!("Must be {}.", said.join(", "));
    Some(description.map_or(rules.clone(), |description| format!("{description} {rules}")))
}

/// Returns a schema that allows null too.
fn nullable(schema: Value) -> Value {
    let nothing = json!({ "type": "null" });
    let Value::Object(mut fields) = schema else { return schema };
    if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
        if !choices.contains(&nothing) {
            choices.push(nothing);
        }
        return Value::Object(fields);
    }
    // Whatever allows everything allows null.
    if fields.is_empty() {
        return Value::Object(fields);
    }
    let named = fields.contains_key("enum") || fields.contains_key("const");
    match fields.get_mut("type") {
        Some(Value::Array(kinds)) => {
            if !kinds.iter().any(|kind| kind == "null") {
                kinds.push(json!("null"));
            }
            Value::Object(fields)
        }
        Some(kind @ Value::String(_)) if !named => {
            if kind != "null" {
                *kind = json!([kind.take(), "null"]);
            }
            Value::Object(fields)
        }
        _ => json!({ "anyOf": [fields, nothing] }),
    }
}

/// Writes a list of types as a choice of schemas.
fn choice_of_types(mut fields: Map<String, Value>) -> Value {
    let Some(Value::Array(kinds)) = fields.get("type") else { return Value::Object(fields) };
    let kinds = kinds.clone();
    let description = fields.remove("description");
    let choices: Vec<Value> = kinds
        .iter()
        .map(|kind| {
            if kind == "null" {
                return json!({ "type": "null" });
            }
            let mut choice = fields.clone();
            choice.insert(String::from("type"), kind.clone());
            if let Some(Value::Array(values)) = choice.get_mut("enum") {
                values.retain(|value| !value.is_null());
            }
            Value::Object(choice)
        })
        .collect();
    let mut new = json!({ "anyOf": choices });
    if let (Some(new), Some(description)) = (new.as_object_mut(), description) {
        new.insert(String::from("description"), description);
    }
    new
}

fn without_null(mut fields: Map<String, Value>) -> Value {
    fields.retain(|_, value| !value.is_null());
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Value {
        json!({
            "$schema": "draft",
            "title": "Score",
            "type": "object",
            "properties": {
                "score": { "type": "integer", "format": "uint8", "minimum": 0, "maximum": 100,
                    "description": "How well it fits." },
                "note": { "type": ["string", "null"], "minLength": 1, "maxLength": 9 },
                "tags": { "type": "array", "items": { "type": "string", "pattern": "^a" },
                    "maxItems": 3, "uniqueItems": true },
                "level": { "$ref": "#/$defs/Level", "description": "beside" },
                "kind": { "type": "string", "enum": ["a", "b"], "default": "a" },
                "minimum": { "type": "number" },
            },
            "required": ["score", "tags"],
            "$defs": { "Level": { "oneOf": [{ "const": "low" },
                { "type": "object", "properties": {}, "additionalProperties": true }] } },
        })
    }

    #[test]
    fn anthropic_hears_limits_in_words() {
        let new = anthropic(&sample());
        let properties = &new["properties"];

        assert_eq!(
            properties["score"],
            json!({ "type": "integer", "description": "How well it fits. Must be at most 100, at least 0." })
        );
        assert_eq!(
            properties["note"],
            json!({ "anyOf": [{ "type": "string" }, { "type": "null" }],
                "description": "Must be at most 9 characters, at least 1 characters." })
        );
        assert_eq!(properties["tags"]["description"], "Must be at most 3 items, no item twice.");
        assert_eq!(properties["tags"]["items"]["description"], "Must be of the form ^a.");
        assert_eq!(new["required"], json!(["score", "tags"]));
        assert!(new.get("$schema").is_none() && new.get("title").is_none());
    }

    #[test]
    fn strict_requires_everything_and_lets_the_optional_be_null() {
        let new = strict(&sample());
        let properties = &new["properties"];

        let mut required: Vec<_> =
            new["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        required.sort_unstable();
        assert_eq!(required, ["kind", "level", "minimum", "note", "score", "tags"]);
        assert_eq!(properties["score"]["maximum"], 100);
        assert_eq!(properties["note"]["type"], json!(["string", "null"]));
        assert!(properties["note"].get("maxLength").is_none());
        assert_eq!(properties["minimum"]["type"], json!(["number", "null"]));
        assert_eq!(
            properties["level"],
            json!({ "anyOf": [{ "$ref": "#/$defs/Level" }, { "type": "null" }] })
        );
        assert_eq!(
            properties["kind"],
            json!({ "anyOf": [{ "type": "string", "enum": ["a", "b"] }, { "type": "null" }] })
        );
    }

    #[test]
    fn objects_are_closed_at_every_depth() {
        for new in [anthropic(&sample()), strict(&sample())] {
            assert_eq!(new["additionalProperties"], false);
            assert_eq!(new["$defs"]["Level"]["anyOf"][1]["additionalProperties"], false);
        }
    }

    #[test]
    fn a_property_named_like_a_rule_is_a_property() {
        assert_eq!(anthropic(&sample())["properties"]["minimum"], json!({ "type": "number" }));
    }
}
