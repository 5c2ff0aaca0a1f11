//! Every row of every table of both engines, and the words of both text indexes.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, types::ValueRef};

use super::pair::{Pair, Side};

/// Tables that differ by nature.
const APART: [&str; 1] = ["schema_migration"];
/// Columns that differ by nature, and why.
const OWN: &[(&str, &str, &str)] = &[
    ("jobs", "n", "local to a database, never exported"),
    ("idempotency", "digest", "made with a random secret"),
    ("meta", "value", "the random secret itself"),
];

/// Rows that one engine has alone, by how they begin, and why.
const ALONE: &[(&str, &str)] =
    &[("name=\"engine_id\"", "tells a database on a server from another one; a file is itself")];

/// Rows of a table, each as one text, in order of these texts.
type Table = Vec<String>;

/// Compares all tables and indexes.
pub(super) async fn compare(pair: &Pair) -> Result<(), String> {
    let lite = Connection::open(pair.lite.lab.dir.path().join("jotrack.db")).unwrap();
    let pg = pair.pg.lab.database.as_ref().unwrap().connect().await;
    let columns = columns(&pg).await;
    for (table, columns) in &columns {
        if APART.contains(&table.as_str()) || table == "job_search" {
            continue;
        }
        let lite = of_sqlite(&lite, &pair.lite, table, columns);
        let mut pg = of_postgres(&pg, &pair.pg, table, columns).await;
        pg.retain(|row| !ALONE.iter().any(|(start, _)| row.starts_with(start)));
        differ(table, &lite, &pg)?;
    }
    let lite = words_of_sqlite(&lite, &pair.lite);
    let (pg, lexemes) = words_of_postgres(&pg, &pair.pg).await;
    differ("the text index", &lite, &pg)?;
    // Of the same word in one field a tsvector keeps some places only.
    let words: BTreeSet<_> = pg.iter().map(|line| line.rsplit_once(' ').unwrap().0).collect();
    let lexemes_of_words: Vec<_> = words.into_iter().map(str::to_owned).collect();
    differ("words and lexemes of PostgreSQL", &lexemes_of_words, &lexemes)
}

fn differ(what: &str, lite: &Table, pg: &Table) -> Result<(), String> {
    if lite == pg {
        return Ok(());
    }
    let only = |here: &Table, there: &Table| -> Vec<String> {
        let mut rest: BTreeMap<&str, usize> = BTreeMap::new();
        for row in there {
            *rest.entry(row).or_default() += 1;
        }
        let alone = here.iter().filter(|row| match rest.get_mut(row.as_str()) {
            Some(n) if *n > 0 => {
                *n -= 1;
                false
            }
            _ => true,
        });
        alone.take(4).map(|row| row.chars().take(600).collect()).collect()
    };
    Err(format!(
        "{what}: SQLite alone {:#?}, PostgreSQL alone {:#?}",
        only(lite, pg),
        only(pg, lite)
    ))
}

/// The columns of each table with their types.
async fn columns(pg: &tokio_postgres::Client) -> BTreeMap<String, Vec<(String, String)>> {
    let sql =
        "SELECT table_name::text, column_name::text, udt_name::text FROM information_schema.columns
               WHERE table_schema = 'public' ORDER BY ordinal_position";
    let mut tables: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for row in pg.query(sql, &[]).await.unwrap() {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        if !OWN.iter().any(|(own, name, _)| *own == table && *name == column) {
            tables.entry(table).or_default().push((column, row.get(2)));
        }
    }
    tables
}

fn of_sqlite(db: &Connection, side: &Side, table: &str, columns: &[(String, String)]) -> Table {
    let names: Vec<_> = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let mut select = db.prepare(&format!("SELECT {} FROM {table}", names.join(", "))).unwrap();
    let rows = select.query_map([], |row| {
        let mut line = String::new();
        for (i, (name, _)) in columns.iter().enumerate() {
            let value = match row.get_ref(i)? {
                ValueRef::Null => String::from("null"),
                ValueRef::Integer(value) => value.to_string(),
                ValueRef::Real(value) => format!("{value:?}"),
                ValueRef::Text(text) => format!("{:?}", std::str::from_utf8(text).unwrap()),
                ValueRef::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            };
            line.push_str(&format!("{name}={} ", side.named(&value)));
        }
        Ok(line)
    });
    sorted(rows.unwrap().map(Result::unwrap))
}

async fn of_postgres(
    db: &tokio_postgres::Client,
    side: &Side,
    table: &str,
    columns: &[(String, String)],
) -> Table {
    let value = |(name, kind): &(String, String)| match kind.as_str() {
        "uuid" => format!("replace(\"{name}\"::text, '-', '')"),
        "bytea" => format!("encode(\"{name}\", 'hex')"),
        "float8" => format!("\"{name}\""),
        _ => format!("\"{name}\"::text"),
    };
    let values: Vec<_> = columns.iter().map(value).collect();
    let rows = db.query(&format!("SELECT {} FROM {table}", values.join(", ")), &[]).await.unwrap();
    sorted(rows.iter().map(|row| {
        let mut line = String::new();
        for (i, (name, kind)) in columns.iter().enumerate() {
            let value = match kind.as_str() {
                "float8" => row.get::<_, Option<f64>>(i).map(|value| format!("{value:?}")),
                "text" => row.get::<_, Option<String>>(i).map(|text| format!("{text:?}")),
                _ => row.get::<_, Option<String>>(i),
            };
            let value = value.unwrap_or_else(|| String::from("null"));
            line.push_str(&format!("{name}={} ", side.named(&value)));
        }
        line
    }))
}

fn sorted(rows: impl Iterator<Item = String>) -> Table {
    let mut rows: Table = rows.collect();
    rows.sort();
    rows
}

/// Job, field, word and place of every word in the index.
fn words_of_sqlite(db: &Connection, side: &Side) -> Table {
    db.execute_batch(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.words USING fts5vocab(main, job_fts, instance)",
    )
    .unwrap();
    let sql =
        "SELECT lower(hex(j.id)), w.col, w.term, w.offset FROM words w JOIN jobs j ON j.n = w.doc
               WHERE w.col <> 'owner'";
    let mut select = db.prepare(sql).unwrap();
    let rows = select.query_map([], |row| {
        let (job, field, word, place): (String, String, String, i64) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        Ok(format!("{} {field} {word} {place}", side.named(&job)))
    });
    sorted(rows.unwrap().map(Result::unwrap))
}

/// The same, out of the words that phrases are looked up in; and job, field and word of the index.
async fn words_of_postgres(db: &tokio_postgres::Client, side: &Side) -> (Table, Table) {
    let mut lines = Vec::new();
    let words = "SELECT replace(job_id::text, '-', ''), words FROM job_search";
    for row in db.query(words, &[]).await.unwrap() {
        let job = side.named(row.get(0));
        let (mut field, mut place) = ("", 0);
        for word in row.get::<_, &str>(1).split(' ').filter(|word| !word.is_empty()) {
            match field_of(word) {
                Some(next) => (field, place) = (next, 0),
                None => {
                    lines.push(format!("{job} {field} {word} {place}"));
                    place += 1;
                }
            }
        }
    }
    let lexemes = "SELECT DISTINCT replace(job_id::text, '-', ''), lexeme, coalesce(weight, 'none')
                   FROM job_search, unnest(tsv) t LEFT JOIN LATERAL unnest(t.weights) weight ON true";
    let rows = db.query(lexemes, &[]).await.unwrap();
    let lexemes = rows.iter().map(|row| {
        let field = match row.get(2) {
            "A" => "title",
            "B" => "company",
            "C" => "notes",
            "D" => "body",
            other => other,
        };
        format!("{} {field} {}", side.named(row.get(0)), row.get::<_, &str>(1))
    });
    (sorted(lines.into_iter()), sorted(lexemes))
}

fn field_of(mark: &str) -> Option<&'static str> {
    match mark {
        "=t" => Some("title"),
        "=c" => Some("company"),
        "=n" => Some("notes"),
        "=b" => Some("body"),
        _ => None,
    }
}
