//! The same data in PostgreSQL as in an SQLite file: row for row, with the same ids, so that every
//! answer must be the same bytes.

use std::{fmt::Write as _, path::Path};

use bytes::Bytes;
use futures_util::{SinkExt as _, future::try_join_all, pin_mut};
use jotrack_core::{LOCAL_USER, catalogue};
use jotrack_tests::services::Database;
use rusqlite::{Connection, types::ValueRef};
use tokio_postgres::{
    Client,
    types::{ToSql, Type},
};
use uuid::Uuid;

use crate::data;

/// Parents before their children.
const TABLES: [&str; 10] = [
    "companies",
    "jobs",
    "status_history",
    "blob",
    "attachments",
    "attachment_variants",
    "coach_state",
    "job_match",
    "job_list",
    "job_count",
];
/// Bytes that are sent at a time.
const CHUNK: usize = 256 * 1024;
/// Statements under way at a time.
const WINDOW: usize = 500;

/// Copies what [`data::fill`] wrote, words included.
pub(crate) async fn copy(dir: &Path, database: &Database) {
    let (lite, pg) = (Connection::open(dir.join("jotrack.db")).unwrap(), database.connect().await);
    for table in TABLES {
        copy_table(&lite, &pg, table).await;
    }
    index(&lite, &pg).await;
    pg.batch_execute(
        "SELECT setval(pg_get_serial_sequence('jobs', 'n'), (SELECT max(n) FROM jobs))",
    )
    .await
    .unwrap();
    pg.batch_execute("VACUUM ANALYZE").await.unwrap();
    pg.batch_execute("CHECKPOINT").await.unwrap();
}

async fn copy_table(lite: &Connection, pg: &Client, table: &str) {
    let columns = "SELECT column_name::text, data_type::text FROM information_schema.columns
                   WHERE table_schema = 'public' AND table_name = $1 ORDER BY ordinal_position";
    let columns: Vec<(String, String)> = pg
        .query(columns, &[&table])
        .await
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    let names = columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    let sink = pg.copy_in(&format!("COPY {table} ({names}) FROM STDIN")).await.unwrap();
    pin_mut!(sink);
    let mut chunk = String::new();
    let mut select = lite.prepare(&format!("SELECT {names} FROM {table}")).unwrap();
    let mut rows = select.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        for (i, (_, kind)) in columns.iter().enumerate() {
            chunk.push_str(if i == 0 { "" } else { "\t" });
            write_value(&mut chunk, row.get_ref(i).unwrap(), kind);
        }
        chunk.push('\n');
        if chunk.len() > CHUNK {
            sink.send(Bytes::from(std::mem::take(&mut chunk))).await.unwrap();
        }
    }
    sink.send(Bytes::from(chunk)).await.unwrap();
    sink.finish().await.unwrap();
}

fn write_value(out: &mut String, value: ValueRef<'_>, kind: &str) {
    match value {
        ValueRef::Null => out.push_str("\\N"),
        ValueRef::Integer(number) => write!(out, "{number}").unwrap(),
        ValueRef::Real(number) => write!(out, "{number:?}").unwrap(),
        ValueRef::Text(text) => {
            for letter in std::str::from_utf8(text).unwrap().chars() {
                match letter {
                    '\\' => out.push_str("\\\\"),
                    '\n' => out.push_str("\\n"),
                    '\r' => out.push_str("\\r"),
                    '\t' => out.push_str("\\t"),
                    other => out.push(other),
                }
            }
        }
        ValueRef::Blob(bytes) => {
            out.push_str(if kind == "bytea" { "\\\\x" } else { "" });
            bytes.iter().for_each(|byte| write!(out, "{byte:02x}").unwrap());
        }
    }
}

/// Indexes the words that `data` gave to SQLite's index, which keeps no text to copy.
async fn index(lite: &Connection, pg: &Client) {
    let all = catalogue::statements();
    let insert = all.iter().find(|stmt| stmt.name == "search_insert").unwrap().postgres();
    let types = [Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::UUID, Type::UUID];
    let insert = pg.prepare_typed(&insert, &types).await.unwrap();
    let body = words(data::POSTING);
    let mut select = lite
        .prepare(
            "SELECT j.id, j.title, c.name, j.notes
             FROM jobs j JOIN companies c ON c.id = j.company_id ORDER BY j.n",
        )
        .unwrap();
    let jobs: Vec<(Uuid, [String; 3])> = select
        .query_map([], |row| {
            let id = Uuid::from_slice(row.get_ref(0)?.as_blob()?).unwrap();
            Ok((id, [row.get(1)?, row.get(2)?, row.get(3)?]))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let owner = LOCAL_USER.as_uuid();
    pg.batch_execute("BEGIN").await.unwrap();
    for jobs in jobs.chunks(WINDOW) {
        let inserts = jobs.iter().map(|(id, [title, company, notes])| {
            let (insert, owner) = (&insert, &owner);
            let number = title.rsplit(' ').next().unwrap();
            let body = format!("{body} opening {number}");
            let texts = [words(title), words(company), words(notes), body];
            async move {
                let params: [&(dyn ToSql + Sync); 6] =
                    [&texts[0], &texts[1], &texts[2], &texts[3], id, owner];
                pg.execute(insert, &params).await
            }
        });
        let rows = try_join_all(inserts).await.unwrap();
        assert!(rows.iter().all(|rows| *rows == 1));
    }
    pg.batch_execute("COMMIT").await.unwrap();
}

/// The words of an invented text, as the index gets them.
fn words(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}
