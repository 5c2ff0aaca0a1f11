//! Checking answers against their forms: the keywords of JSON Schema (draft 2020-12) that our output
//! types make, and no others. A form with another one is refused when
//! it is made; tests hold the verdicts against a complete validator.

use std::{collections::BTreeMap, fmt::Display};

use serde_json::{Map, Value};

const SIZE: [&str; 2] = ["needs at least", "may have at most"];

/// A schema, ready to check with.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// Words of `type`; empty when any will do.
    types: Vec<Type>,
    /// Texts of `enum`, `None` for null.
    words: Option<Vec<Option<String>>>,
    range: Span<f64>,
    /// In characters.
    length: Span<usize>,
    count: Span<usize>,
    items: Option<Box<Rules>>,
    properties: BTreeMap<String, Rules>,
    required: Vec<String>,
}

#[derive(Debug, Default)]
struct Span<T> {
    least: Option<T>,
    most: Option<T>,
}

#[derive(Debug, Clone, Copy)]
enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Rules {
    /// Reads a schema; `None` when it has a keyword, or a keyword a value, that is not known here.
    pub(super) fn of(schema: &Value) -> Option<Self> {
        let mut rules = Self::default();
        for (keyword, value) in schema.as_object()? {
            match keyword.as_str() {
                "description" => {}
                "type" => rules.types = list(value).iter().map(Type::of).collect::<Option<_>>()?,
                "enum" => {
                    let words = value.as_array()?.iter().map(|word| match word {
                        Value::Null => Some(None),
                        word => word.as_str().map(|word| Some(word.to_owned())),
                    });
                    rules.words = Some(words.collect::<Option<_>>()?);
                }
                "minimum" => rules.range.least = Some(value.as_f64()?),
                "maximum" => rules.range.most = Some(value.as_f64()?),
                "minLength" => rules.length.least = Some(size(value)?),
                "maxLength" => rules.length.most = Some(size(value)?),
                "minItems" => rules.count.least = Some(size(value)?),
                "maxItems" => rules.count.most = Some(size(value)?),
                "items" => rules.items = Some(Box::new(Self::of(value)?)),
                "properties" => {
                    let properties = value.as_object()?.iter();
                    let properties =
                        properties.map(|(name, inner)| Some((name.clone(), Self::of(inner)?)));
                    rules.properties = properties.collect::<Option<_>>()?;
                }
                "required" => {
                    let names = value.as_array()?.iter();
                    let names = names.map(|name| name.as_str().map(str::to_owned));
                    rules.required = names.collect::<Option<_>>()?;
                }
                _ => return None,
            }
        }
        Some(rules)
    }

    /// Reports whether a value breaks no rule. Linear in the value.
    pub(super) fn are_met(&self, value: &Value) -> bool {
        let mut broken = Broken { most: 1, errors: Vec::new() };
        self.check(value, &Path::Root, &mut broken);
        broken.errors.is_empty()
    }

    /// Returns the first `most` broken rules with their places. Both are the schema's words, never
    /// the value's.
    pub(super) fn broken(&self, value: &Value, most: usize) -> Vec<String> {
        let mut broken = Broken { most, errors: Vec::new() };
        self.check(value, &Path::Root, &mut broken);
        broken.errors
    }

    /// As deep as the schema goes, not the value.
    fn check(&self, value: &Value, path: &Path<'_>, broken: &mut Broken) {
        if broken.is_full() {
            return;
        }
        if !self.types.is_empty() && !self.types.iter().any(|of| of.fits(value)) {
            return broken.add(path, "has the wrong type");
        }
        if let Some(words) = &self.words
            && !words.iter().any(|word| match word {
                Some(word) => value.as_str() == Some(word.as_str()),
                None => value.is_null(),
            })
        {
            let words: Vec<Value> = words.iter().map(|word| word.clone().into()).collect();
            broken.add(path, &format!("must be one of {}", Value::Array(words)));
        }
        match value {
            Value::Number(number) => {
                let words = ["must be at least", "must be at most"];
                let number = number.as_f64();
                number.inspect(|number| self.range.check(*number, words, "", path, broken));
            }
            Value::String(text) => {
                self.length.check(text.chars().count(), SIZE, " characters", path, broken);
            }
            Value::Array(items) => {
                self.count.check(items.len(), SIZE, " items", path, broken);
                let Some(rules) = &self.items else { return };
                for (n, item) in items.iter().enumerate() {
                    rules.check(item, &Path::Item(path, n), broken);
                }
            }
            Value::Object(fields) => self.check_fields(fields, path, broken),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn check_fields(&self, fields: &Map<String, Value>, path: &Path<'_>, broken: &mut Broken) {
        for name in self.required.iter().filter(|name| !fields.contains_key(*name)) {
            broken.add(path, &format!("lacks the property \"{name}\""));
        }
        for (name, rules) in &self.properties {
            if let Some(value) = fields.get(name) {
                rules.check(value, &Path::Field(path, name), broken);
            }
        }
    }
}

impl<T: PartialOrd + Display> Span<T> {
    fn check(&self, size: T, words: [&str; 2], unit: &str, path: &Path<'_>, broken: &mut Broken) {
        let [least, most] = words;
        match self {
            Self { least: Some(limit), .. } if size < *limit => {
                broken.add(path, &format!("{least} {limit}{unit}"));
            }
            Self { most: Some(limit), .. } if size > *limit => {
                broken.add(path, &format!("{most} {limit}{unit}"));
            }
            _ => {}
        }
    }
}

impl Type {
    fn of(word: &Value) -> Option<Self> {
        Some(match word.as_str()? {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "string" => Self::String,
            "array" => Self::Array,
            "object" => Self::Object,
            _ => return None,
        })
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::Boolean => value.is_boolean(),
            // 2.0 is an integer to JSON Schema.
            Self::Integer => {
                value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
            }
            Self::Number => value.is_number(),
            Self::String => value.is_string(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn size(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|size| usize::try_from(size).ok())
}

/// Where a value is; written out only for an error.
enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl Path<'_> {
    /// Writes a JSON pointer (RFC 6901). Names of fields are those of our types: none holds `/`
    /// or `~`.
    fn write(&self, out: &mut String) {
        match self {
            Self::Root => {}
            Self::Field(parent, name) => {
                parent.write(out);
                out.push('/');
                out.push_str(name);
            }
            Self::Item(parent, n) => {
                parent.write(out);
                out.push('/');
                out.push_str(&n.to_string());
            }
        }
    }
}

struct Broken {
    most: usize,
    errors: Vec<String>,
}

impl Broken {
    fn is_full(&self) -> bool {
        self.errors.len() >= self.most
    }

    fn add(&mut self, path: &Path<'_>, rule: &str) {
        if self.is_full() {
            return;
        }
        let mut error = String::new();
        path.write(&mut error);
        if error.is_empty() {
            error.push_str("(root)");
        }
        error.push_str(": ");
        error.push_str(rule);
        self.errors.push(error);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_with_a_keyword_that_is_not_checked_is_refused() {
        for schema in [
            json!({ "pattern": "a" }),
            json!({ "type": "text" }),
            json!({ "enum": [1] }),
            json!({ "maxLength": -1 }),
            json!({ "properties": { "a": { "anyOf": [] } } }),
            json!(true),
        ] {
            assert!(Rules::of(&schema).is_none(), "{schema}");
        }
    }

    #[test]
    fn what_is_broken_is_told_by_place_and_rule_up_to_a_number() {
        let rules = Rules::of(&json!({
            "type": "object",
            "properties": { "list": { "type": "array", "items": { "type": "string", "maxLength": 2 } } },
            "required": ["list", "other"],
        }))
        .unwrap();
        let value = json!({ "list": ["abc", 5, "ab", "äöü"], "more": "stays" });

        let all = [
            "(root): lacks the property \"other\"",
            "/list/0: may have at most 2 characters",
            "/list/1: has the wrong type",
            "/list/3: may have at most 2 characters",
        ];
        assert_eq!(rules.broken(&value, 10), all);
        assert_eq!(rules.broken(&value, 2), all[..2]);
        assert!(!rules.are_met(&value));
    }
}
