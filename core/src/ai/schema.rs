//! The form of answers: made from the output types, checked here whatever a provider promises.

use std::{fmt, sync::Arc};

use schemars::{JsonSchema, Schema, generate::SchemaSettings, json_schema};
use serde_json::Value;

use super::{AnswerSchema, key, rules::Rules};

/// Errors told to a model in a repair.
const ERRORS_MAX: usize = 10;

/// A form, ready to check with.
pub(super) struct Form {
    pub(super) schema: Arc<AnswerSchema>,
    /// The schema as prompts show it.
    pub(super) text: String,
    pub(super) digest: [u8; 32],
    /// Absent only when the schema of a type is broken; then nothing fits. A test proves it is not.
    rules: Option<Rules>,
}

impl Form {
    pub(super) fn new(name: &'static str, schema: Value) -> Self {
        Self {
            text: schema.to_string(),
            digest: key::digest(&schema).unwrap_or_default(),
            rules: Rules::of(&schema),
            schema: Arc::new(AnswerSchema { name, schema }),
        }
    }

    pub(super) fn is_met(&self, answer: &Value) -> bool {
        self.rules.as_ref().is_some_and(|rules| rules.are_met(answer))
    }

    pub(super) fn check(&self, answer: &Value) -> Result<(), Complaint> {
        let Some(rules) = &self.rules else {
            return Err(Complaint::new("the form is broken"));
        };
        match rules.broken(answer, ERRORS_MAX) {
            broken if broken.is_empty() => Ok(()),
            broken => Err(Complaint(broken)),
        }
    }
}

/// What is wrong with an answer: paths and rules, no values of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint(Vec<String>);

impl Complaint {
    pub(super) fn new(error: impl Into<String>) -> Self {
        Self(vec![error.into()])
    }

    /// Returns the first ten errors, one a line.
    pub(crate) fn message(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.0.iter().take(ERRORS_MAX).enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            f.write_str(error)?;
        }
        Ok(())
    }
}

/// Returns the full schema of an output, without references and without what only tools want.
/// Objects stay open: unknown fields are dropped, not refused.
pub(super) fn of<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut schema);
    schema
}

/// Removes titles and number formats, which a validator ignores and some providers refuse.
fn tidy(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    for noise in ["$schema", "title", "format", "default"] {
        map.remove(noise);
    }
    for (keyword, value) in map {
        match (keyword.as_str(), value) {
            // Below `properties` the keys are names, not keywords.
            ("properties", Value::Object(properties)) => properties.values_mut().for_each(tidy),
            ("items" | "additionalProperties", inner) => tidy(inner),
            ("anyOf" | "oneOf" | "allOf", Value::Array(all)) => all.iter_mut().for_each(tidy),
            _ => {}
        }
    }
}

/// Returns the schema of one of `words`.
pub(super) fn words(words: impl IntoIterator<Item = &'static str>) -> Schema {
    let words: Vec<Value> = words.into_iter().map(Value::from).collect();
    json_schema!({ "type": "string", "enum": words })
}

/// Returns the schema of one of `words` or null.
pub(super) fn words_or_null(words: impl IntoIterator<Item = &'static str>) -> Schema {
    let words: Vec<Value> = words.into_iter().map(Value::from).chain([Value::Null]).collect();
    json_schema!({ "type": ["string", "null"], "enum": words })
}

/// Reads the JSON object of an answer, out of one code fence if it stands in one.
pub(super) fn parse(text: &str) -> Result<Value, Complaint> {
    let value: Value = serde_json::from_str(unfenced(text.trim())).map_err(|e| {
        let (line, column) = (e.line(), e.column());
        let what = if e.is_eof() { "the JSON ends too early" } else { "this is not JSON" };
        Complaint::new(format!("line {line}, column {column}: {what}"))
    })?;
    if value.is_object() { Ok(value) } else { Err(Complaint::new("(root): must be an object")) }
}

fn unfenced(text: &str) -> &str {
    let inside = || {
        let (head, body) = text.strip_prefix("```")?.split_once('\n')?;
        let word = head.trim();
        (word.is_empty() || word.eq_ignore_ascii_case("json")).then_some(())?;
        body.trim_end().strip_suffix("```")
    };
    inside().unwrap_or(text)
}
