//! The same life twice: an engine on SQLite and one on PostgreSQL, under clocks that go alike.

use std::{collections::BTreeMap, sync::Arc};

use jotrack_core::Synchronous;
use jotrack_tests::{Lab, client::Graphql, services::Cluster};
use serde_json::Value;

use super::commands::{Command, Step};

/// Kinds of ids, by their prefixes.
const KINDS: [&str; 8] = ["job", "att", "var", "stc", "com", "user", "upl", "tsk"];
/// Members that hold a place in a list of one engine.
const CURSORS: [&str; 3] = ["cursor", "startCursor", "endCursor"];

/// One engine, and how its ids are called: by the order in which they were first seen.
pub(super) struct Side {
    pub(super) lab: Lab,
    pub(super) api: Graphql,
    /// Node ids by kind.
    ids: BTreeMap<&'static str, Vec<String>>,
    /// Names by the 32 digits of the id.
    names: BTreeMap<String, String>,
    pub(super) uploads: Vec<String>,
    /// The last mutation with an idempotency key.
    pub(super) keyed: Option<(String, Value)>,
}

impl Side {
    async fn open(cluster: Option<&Arc<Cluster>>) -> Self {
        let lab = Lab::on(cluster, |config| {
            config.storage.synchronous = Synchronous::Relaxed;
            config.limits.change_log_days = 3;
            // Two at a time would end in any order.
            config.limits.extractions = 1;
        })
        .await;
        let api = Graphql::of(&lab.engine);
        let (ids, names) = (BTreeMap::new(), BTreeMap::new());
        Self { lab, api, ids, names, uploads: Vec::new(), keyed: None }
    }

    /// Picks an id among those seen; one of nothing when there is none.
    pub(super) fn pick(&self, kind: &'static str, n: usize) -> String {
        let seen = self.ids.get(kind).map_or(&[][..], Vec::as_slice);
        match seen.len() {
            0 => format!("{kind}_{:032x}", 7),
            count => seen[n % count].clone(),
        }
    }

    pub(super) fn all(&self, kind: &'static str) -> &[String] {
        self.ids.get(kind).map_or(&[], Vec::as_slice)
    }

    /// Gives names to the ids of an answer that have none yet.
    fn learn(&mut self, answer: &Value) {
        match answer {
            Value::String(text) => {
                let Some((kind, digits)) = text.split_once('_') else { return };
                let Some(kind) = KINDS.into_iter().find(|known| *known == kind) else { return };
                if !is_id(digits) || self.names.contains_key(digits) {
                    return;
                }
                let seen = self.ids.entry(kind).or_default();
                self.names.insert(digits.to_owned(), format!("{kind}#{}", seen.len()));
                seen.push(text.clone());
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            Value::Object(members) => members.values().for_each(|member| self.learn(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Returns a text with names for ids: an id without a name is called by its millisecond, which
    /// is the engine's and so the same on both sides.
    pub(super) fn named(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| c.is_ascii_hexdigit()) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let end = rest.find(|c: char| !c.is_ascii_hexdigit() && c != '-').unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            let digits = run.replace('-', "");
            if (run.len() == 32 || run.len() == 36) && is_id(&digits) {
                let name = self.names.get(&digits).cloned();
                out.push_str(&name.unwrap_or_else(|| format!("@{}", &digits[..12])));
            } else {
                out.push_str(run);
            }
            rest = after;
        }
        out + rest
    }

    /// Returns an answer with names for ids and without places.
    pub(super) fn plain(&mut self, answer: &Value) -> Value {
        self.learn(answer);
        let mut plain = self.renamed(answer);
        // Where a write stands in the log is told by PostgreSQL alone.
        if let Some(answer) = plain.as_object_mut() {
            answer.remove("extensions");
        }
        plain
    }

    fn renamed(&self, answer: &Value) -> Value {
        match answer {
            Value::String(text) => Value::String(self.named(text)),
            Value::Array(items) => items.iter().map(|item| self.renamed(item)).collect(),
            Value::Object(members) => {
                let member = |(name, value): (&String, &Value)| {
                    let is_place = CURSORS.contains(&name.as_str()) && value.is_string();
                    let value = if is_place { "a place".into() } else { self.renamed(value) };
                    (name.clone(), value)
                };
                Value::Object(members.iter().map(member).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => answer.clone(),
        }
    }
}

/// What lives did, by name: how often, and how often with success.
pub(super) type Tally = BTreeMap<String, (u32, u32)>;

/// The two engines.
pub(super) struct Pair {
    pub(super) lite: Side,
    pub(super) pg: Side,
    pub(super) tally: Tally,
}

impl Pair {
    pub(super) async fn open(cluster: &Arc<Cluster>) -> Self {
        let (lite, pg) = (Side::open(None).await, Side::open(Some(cluster)).await);
        Self { lite, pg, tally: Tally::new() }
    }

    /// Gives a command to both engines; a difference in what they answer is an error.
    pub(super) async fn run(&mut self, command: &Command) -> Result<(), String> {
        for side in [&mut self.lite, &mut self.pg] {
            side.lab.clock.advance_ms(11);
        }
        let lite = command.run(&mut self.lite).await;
        let pg = command.run(&mut self.pg).await;
        let answer = self.compare(&format!("{command:?}"), &lite, &pg)?;
        self.count(command.name(), command.wrote(&answer));
        Ok(())
    }

    pub(super) fn count(&mut self, name: &str, success: bool) {
        let (all, good) = self.tally.entry(name.to_owned()).or_default();
        *all += 1;
        *good += u32::from(success);
    }

    /// Asks both engines the same; variables may name ids by kind and number.
    pub(super) async fn ask(
        &mut self,
        document: &str,
        step: &Step,
    ) -> Result<(Value, Value), String> {
        let lite = self.lite.api.answer(document, step.variables(&self.lite)).await;
        let pg = self.pg.api.answer(document, step.variables(&self.pg)).await;
        self.compare(&format!("{document} {step:?}"), &lite, &pg)?;
        Ok((lite, pg))
    }

    pub(super) fn compare(
        &mut self,
        what: &str,
        lite: &Value,
        pg: &Value,
    ) -> Result<Value, String> {
        let (lite, pg) = (self.lite.plain(lite), self.pg.plain(pg));
        if lite == pg {
            return Ok(lite);
        }
        let mut differences = Vec::new();
        difference("", &lite, &pg, &mut differences);
        differences.truncate(12);
        Err(format!("{what}:\n{}", differences.join("\n")))
    }

    pub(super) async fn close(self) {
        self.lite.lab.engine.close().await.unwrap();
        self.pg.lab.engine.close().await.unwrap();
    }
}

/// Lists where two values differ.
fn difference(path: &str, lite: &Value, pg: &Value, out: &mut Vec<String>) {
    match (lite, pg) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            for (name, value) in a {
                difference(&format!("{path}.{name}"), value, &b[name], out);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                difference(&format!("{path}[{i}]"), a, b, out);
            }
        }
        _ if lite == pg => {}
        _ => {
            let cut = |value: &Value| value.to_string().chars().take(300).collect::<String>();
            out.push(format!("{path}: SQLite {}, PostgreSQL {}", cut(lite), cut(pg)));
        }
    }
}

fn is_id(digits: &str) -> bool {
    digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
