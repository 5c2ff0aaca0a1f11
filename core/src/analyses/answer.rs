//! An answer's JSON: it lies in the store as text, and most of the time leaves as it lay.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock},
};

use serde::{Serialize, Serializer, de::IgnoredAny};
use serde_json::Value;

/// An answer as JSON. It is the text that was stored; the tree behind `Deref` is made when it is
/// first asked for, in time proportional to the text. Clones share both.
#[derive(Clone)]
pub struct AnswerJson(Arc<Inner>);

struct Inner {
    text: String,
    tree: OnceLock<Value>,
}

impl AnswerJson {
    /// Takes a stored answer; `None` when it is not one line of JSON, as we write it.
    pub(crate) fn read(text: String) -> Option<Self> {
        let is_line = !text.contains(['\n', '\r']);
        let is_json = is_line && serde_json::from_str::<IgnoredAny>(&text).is_ok();
        is_json.then(|| Self::known(text))
    }

    /// Takes a stored answer that was read before.
    pub(crate) fn known(text: String) -> Self {
        Self(Arc::new(Inner { text, tree: OnceLock::new() }))
    }

    /// Returns the JSON as it is stored: one line, without white space around it.
    pub fn text(&self) -> &str {
        &self.0.text
    }
}

impl From<Value> for AnswerJson {
    fn from(tree: Value) -> Self {
        Self(Arc::new(Inner { text: tree.to_string(), tree: tree.into() }))
    }
}

impl Deref for AnswerJson {
    type Target = Value;

    fn deref(&self) -> &Value {
        self.0.tree.get_or_init(|| serde_json::from_str(&self.0.text).unwrap_or_default())
    }
}

impl PartialEq for AnswerJson {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text() || **self == **other
    }
}

impl Serialize for AnswerJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

// What an answer says is private.
impl fmt::Debug for AnswerJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnswerJson({} bytes)", self.text().len())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_leaves_as_it_lay_and_is_a_tree_when_asked() {
        let answer = AnswerJson::read(r#"{"b":1.50,"a":[true]}"#.to_owned()).unwrap();

        assert_eq!(answer.text(), r#"{"b":1.50,"a":[true]}"#);
        assert_eq!(answer["a"][0], true);
        assert_eq!(answer, AnswerJson::from(json!({ "a": [true], "b": 1.5 })));
        assert_eq!(serde_json::to_value(&answer).unwrap(), json!({ "a": [true], "b": 1.5 }));
    }

    #[test]
    fn what_is_not_one_line_of_json_is_no_answer() {
        for text in ["", "{\"a\":", "{} {}", "{\n}", "{\r}"] {
            assert!(AnswerJson::read(text.to_owned()).is_none(), "{text:?}");
        }
    }

    #[test]
    fn what_an_answer_says_is_not_in_its_debug_form() {
        let answer = AnswerJson::from(json!({ "text": "Dear Ms Keller" }));

        assert!(!format!("{answer:?}").contains("Keller"));
    }
}
