//! Plans as PostgreSQL makes them.

use jotrack_core::db::Stmt;
use serde_json::Value;
use tokio_postgres::{Client, SimpleQueryMessage, types::Type};

/// A statement as the engine sends it: text and types.
pub(super) struct Sending {
    pub(super) stmt: &'static Stmt,
    pub(super) sql: String,
    pub(super) types: Vec<Type>,
    /// Whether it is wrapped into the check of one row.
    pub(super) checked: bool,
}

/// One plan.
pub(super) struct Plan {
    /// Tables and indexes that it goes through from end to end.
    pub(super) walks: Vec<String>,
    /// Names of the indexes that it uses.
    pub(super) indexes: Vec<String>,
    pub(super) sorts: bool,
}

/// Names of the indexes that hold only the rows of a condition: reading all of one is no walk
/// through a table.
pub(super) async fn partial_indexes(db: &Client) -> Vec<String> {
    let names = "SELECT c.relname::text FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
                 WHERE x.indpred IS NOT NULL";
    db.query(names, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Plans a statement for values that are not known.
pub(super) async fn of(db: &Client, sending: &Sending, partial: &[String]) -> Plan {
    with(db, sending, &vec!["NULL"; sending.types.len()].join(", "), partial).await
}

/// Plans a statement for values.
pub(super) async fn with(db: &Client, sending: &Sending, values: &str, partial: &[String]) -> Plan {
    let Sending { stmt, sql, types, .. } = sending;
    let types: Vec<_> = types.iter().map(Type::name).collect();
    let list = |items: &str| if items.is_empty() { String::new() } else { format!("({items})") };
    let (types, values) = (list(&types.join(", ")), list(values));
    let text = format!(
        "PREPARE it {types} AS {sql}; EXPLAIN (FORMAT JSON) EXECUTE it {values}; DEALLOCATE it"
    );
    let answer = db.simple_query(&text).await.unwrap_or_else(|e| panic!("{}: {e:?}", stmt.name));
    let json = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let json: Value = serde_json::from_str(json.unwrap()).unwrap();
    let mut plan = Plan { walks: Vec::new(), indexes: Vec::new(), sorts: false };
    walk(&json[0]["Plan"], partial, &mut plan);
    plan
}

fn walk(node: &Value, partial: &[String], plan: &mut Plan) {
    let text = |name: &str| node[name].as_str().unwrap_or_default();
    let kind = text("Node Type");
    match kind {
        "Seq Scan" => plan.walks.push(format!("Seq Scan on {}", text("Relation Name"))),
        "Index Scan" | "Index Only Scan" | "Bitmap Index Scan" => {
            let index = text("Index Name").to_owned();
            if node["Index Cond"].is_null() && !partial.contains(&index) {
                plan.walks.push(format!("{kind} through all of {index}"));
            }
            plan.indexes.push(index);
        }
        "Sort" | "Incremental Sort" => plan.sorts = true,
        _ => {}
    }
    for below in node["Plans"].as_array().into_iter().flatten() {
        walk(below, partial, plan);
    }
}
