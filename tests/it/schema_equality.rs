//! Both engines make the same tables: read back from the live databases and compared fact by fact.

use std::collections::BTreeSet;

use jotrack_tests::{Lab, services};
use rusqlite::Connection;
use tokio_postgres::Client;

/// Facts that one engine has alone, by how they begin, and why.
const DIFFERENCES: &[(&str, &str)] = &[
    ("table job_fts", "SQLite's text index is a table of its own kind"),
    ("table job_search", "PostgreSQL's text index is a table with an index"),
    ("job_search ", "columns, keys and indexes of that table"),
];

/// Facts about every table of an engine, written alike for both.
type Facts = BTreeSet<String>;

#[tokio::test]
async fn both_engines_have_the_same_tables() {
    let Some(postgres) = services::shared() else { return };
    let lite = Lab::on(None, |_| {}).await;
    let pg = Lab::on(Some(postgres.cluster()), |_| {}).await;

    let of_lite = of_sqlite(&Connection::open(lite.dir.path().join("jotrack.db")).unwrap());
    let of_pg = of_postgres(&pg.database.as_ref().unwrap().connect().await).await;

    let mut unused: BTreeSet<_> = DIFFERENCES.iter().map(|(start, _)| *start).collect();
    let mut wrong = Vec::new();
    let alone = [("SQLite", &of_lite, &of_pg), ("PostgreSQL", &of_pg, &of_lite)];
    for (engine, here, there) in alone {
        for fact in here.difference(there) {
            match DIFFERENCES.iter().find(|(start, _)| fact.starts_with(start)) {
                Some((start, _)) => drop(unused.remove(start)),
                None => wrong.push(format!("{engine} alone: {fact}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(unused.is_empty(), "differences that are none: {unused:?}");
    assert_counts(&of_lite);
    println!("{} facts are the same on both engines", of_lite.intersection(&of_pg).count());
}

#[tokio::test]
async fn a_difference_is_seen() {
    let Some(postgres) = services::shared() else { return };
    let database = postgres.database().await;
    let before = of_postgres(&database.connect().await).await;

    let changes = [
        "ALTER TABLE jobs ALTER COLUMN location SET NOT NULL",
        "ALTER TABLE task ADD COLUMN more BIGINT",
        "DROP INDEX idx_task_due",
        "CREATE INDEX idx_task_due ON task (run_at, id)",
        "ALTER TABLE coach_state DROP CONSTRAINT coach_state_job_id_fkey",
        "ALTER TABLE users DROP CONSTRAINT users_tier_check",
        "ALTER TABLE companies DROP CONSTRAINT companies_user_id_key_key",
        "ALTER TABLE job_count ALTER COLUMN status TYPE TEXT COLLATE \"C.utf8\"",
    ];
    let mut last = before;
    for change in changes {
        database.execute(change).await;
        let now = of_postgres(&database.connect().await).await;
        assert_ne!(now, last, "{change}");
        last = now;
    }
}

/// A reader that finds nothing would find no difference either.
fn assert_counts(facts: &Facts) {
    let count = |word: &str| facts.iter().filter(|fact| fact.contains(word)).count();
    let least = [
        ("table ", 15),
        (" column ", 150),
        (" primary key ", 15),
        (" unique ", 7),
        (" references ", 20),
        (" check ", 17),
        (" index ", 20),
        (" where ", 5),
        (" on delete SET NULL", 1),
    ];
    for (word, least) in least {
        assert!(count(word) >= least, "{} facts with {word:?}", count(word));
    }
}

fn of_sqlite(db: &Connection) -> Facts {
    let rows = |sql: &str, columns: usize| -> Vec<Vec<String>> {
        let mut statement = db.prepare(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        let rows = statement.query_map([], |row| {
            (0..columns)
                .map(|i| row.get::<_, Option<String>>(i).map(Option::unwrap_or_default))
                .collect()
        });
        rows.unwrap().map(Result::unwrap).collect()
    };
    let mut facts = Facts::new();
    let tables = rows(
        "SELECT name, sql FROM sqlite_schema
         WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'job\\_fts\\_%' ESCAPE '\\'",
        2,
    );
    for table in tables {
        let (table, sql) = (&table[0], without_comments(&table[1]));
        facts.insert(format!("table {table}"));
        if sql.starts_with("CREATE VIRTUAL") {
            continue;
        }
        for row in rows(
            &format!(
                "SELECT name, type, CAST(\"notnull\" AS TEXT) FROM pragma_table_info('{table}') WHERE NOT (pk > 0 AND name = 'n')"
            ),
            3,
        ) {
            // An id is told from a digest by the length that its check demands.
            facts.insert(column(
                table,
                &row[0],
                kind_of_sqlite(&sql, &row[0], &row[1]),
                row[2] == "1",
            ));
        }
        for row in rows(
            &format!(
                "SELECT name, origin, CAST(\"unique\" AS TEXT) FROM pragma_index_list('{table}')"
            ),
            3,
        ) {
            let (name, origin) = (&row[0], row[1].as_str());
            let columns: Vec<_> =
                rows(&format!("SELECT name FROM pragma_index_info('{name}') ORDER BY seqno"), 1)
                    .into_iter()
                    .map(|row| row[0].clone())
                    .collect();
            let definition =
                rows(&format!("SELECT sql FROM sqlite_schema WHERE name = '{name}'"), 1);
            let definition = definition.first().map(|row| row[0].clone()).unwrap_or_default();
            let condition = definition.split_once(" WHERE ").map(|(_, condition)| plain(condition));
            facts.insert(key_or_index(table, name, origin, row[2] == "1", &columns, condition));
        }
        // The number of the row itself is a key without an index.
        let key = rows(&format!("SELECT name FROM pragma_table_info('{table}') WHERE pk > 0"), 1);
        if let [key] = &*key {
            facts.insert(key_or_index(table, "", "pk", true, key, None));
        }
        for row in rows(
            &format!(
                "SELECT \"from\", \"table\", \"to\", on_delete, on_update FROM pragma_foreign_key_list('{table}')"
            ),
            5,
        ) {
            facts.insert(reference(table, &row[0], &row[1], &row[2], &row[3], &row[4]));
        }
        for condition in checks(&sql) {
            // In PostgreSQL the type says so.
            if condition != "length id = 16" {
                facts.insert(format!("{table} check {condition}"));
            }
        }
    }
    facts
}

async fn of_postgres(db: &Client) -> Facts {
    let rows = async |sql: &str| -> Vec<Vec<String>> {
        let rows = db.query(sql, &[]).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        let texts = rows.iter().map(|row| {
            (0..row.len()).map(|i| row.get::<_, Option<String>>(i).unwrap_or_default()).collect()
        });
        texts.collect()
    };
    let mut facts = Facts::new();
    let of_ours = "c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'";
    for row in rows(&format!("SELECT c.relname::text FROM pg_class c WHERE {of_ours}")).await {
        facts.insert(format!("table {}", row[0]));
    }
    for row in rows(&format!(
        "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),
             (SELECT l.collname::text FROM pg_collation l WHERE l.oid = a.attcollation),
             a.attnotnull::text
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE {of_ours} AND a.attnum > 0 AND NOT a.attisdropped AND (c.relname, a.attname) <> ('jobs', 'n')"
    ))
    .await
    {
        let kind = match (row[2].as_str(), row[3].as_str()) {
            ("bigint", _) => "integer",
            ("double precision", _) => "real",
            ("text", "C") => "text",
            ("uuid", _) => "id",
            ("bytea", _) => "bytes",
            // Bytewise order is part of the type.
            (other, collation) => &format!("{other} {collation}"),
        };
        facts.insert(column(&row[0], &row[1], kind, row[4] == "true"));
    }
    for row in rows(&format!(
        "SELECT c.relname::text, i.relname::text,
             CASE WHEN x.indisprimary THEN 'pk' WHEN k.contype = 'u' THEN 'u' ELSE 'c' END,
             x.indisunique::text,
             (SELECT string_agg(a.attname::text, ',' ORDER BY p.n)
              FROM unnest(x.indkey) WITH ORDINALITY p (attnum, n)
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.attnum),
             pg_get_expr(x.indpred, x.indrelid)
         FROM pg_index x
         JOIN pg_class c ON c.oid = x.indrelid
         JOIN pg_class i ON i.oid = x.indexrelid
         LEFT JOIN pg_constraint k ON k.conindid = x.indexrelid AND k.contype IN ('p', 'u')
         WHERE {of_ours}"
    ))
    .await
    {
        let columns: Vec<_> = row[4].split(',').map(str::to_owned).collect();
        let condition = (!row[5].is_empty()).then(|| plain(&row[5]));
        facts.insert(key_or_index(
            &row[0],
            &row[1],
            &row[2],
            row[3] == "true",
            &columns,
            condition,
        ));
    }
    for row in rows(&format!(
        "SELECT c.relname::text, a.attname::text, t.relname::text, b.attname::text, k.confdeltype::text,
             k.confupdtype::text
         FROM pg_constraint k
         JOIN pg_class c ON c.oid = k.conrelid
         JOIN pg_class t ON t.oid = k.confrelid
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
         JOIN pg_attribute b ON b.attrelid = t.oid AND b.attnum = k.confkey[1]
         WHERE {of_ours} AND k.contype = 'f' AND array_length(k.conkey, 1) = 1 AND NOT k.condeferrable"
    ))
    .await
    {
        let action = |letter: &str| match letter {
            "c" => "CASCADE",
            "n" => "SET NULL",
            "a" => "NO ACTION",
            _ => "another",
        };
        facts.insert(reference(&row[0], &row[1], &row[2], &row[3], action(&row[4]), action(&row[5])));
    }
    for row in rows(&format!(
        "SELECT c.relname::text, pg_get_expr(k.conbin, k.conrelid)
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
         WHERE {of_ours} AND k.contype = 'c'"
    ))
    .await
    {
        facts.insert(format!("{} check {}", row[0], plain(&row[1])));
    }
    facts
}

fn column(table: &str, name: &str, kind: &str, required: bool) -> String {
    let null = if required { "not null" } else { "null" };
    format!("{table} column {name} {kind} {null}")
}

fn reference(
    table: &str,
    from: &str,
    to: &str,
    column: &str,
    deleted: &str,
    updated: &str,
) -> String {
    format!("{table} {from} references {to} {column} on delete {deleted} on update {updated}")
}

/// Directions are left out: SQLite reads an index backwards as well, and so does PostgreSQL.
fn key_or_index(
    table: &str,
    name: &str,
    origin: &str,
    unique: bool,
    columns: &[String],
    condition: Option<String>,
) -> String {
    let columns = columns.join(", ");
    let condition = condition.map(|condition| format!(" where {condition}")).unwrap_or_default();
    match (origin, unique) {
        ("pk", _) => format!("{table} primary key {columns}"),
        ("u", _) => format!("{table} unique {columns}"),
        (_, true) => format!("{table} unique index {name} {columns}{condition}"),
        (_, false) => format!("{table} index {name} {columns}{condition}"),
    }
}

/// Ids are blobs of 16 bytes: those that are checked, and those that refer to one. A check of
/// another length tells what is none.
fn kind_of_sqlite(sql: &str, name: &str, declared: &str) -> &'static str {
    let is_id = name == "id" || name.ends_with("_id") || ["subject", "lease_token"].contains(&name);
    match declared {
        "INTEGER" => "integer",
        "REAL" => "real",
        "TEXT" => "text",
        "BLOB"
            if is_id && [8, 32].iter().all(|n| !sql.contains(&format!("length({name}) = {n}"))) =>
        {
            "id"
        }
        "BLOB" => "bytes",
        other => panic!("{name} is a {other}"),
    }
}

fn without_comments(sql: &str) -> String {
    let lines = sql.lines().map(|line| line.split_once("--").map_or(line, |(code, _)| code));
    lines.collect::<Vec<_>>().join("\n")
}

/// The conditions of a table's checks.
fn checks(sql: &str) -> Vec<String> {
    let starts = sql.match_indices("CHECK (").map(|(at, word)| at + word.len());
    let conditions = starts.map(|start| {
        let mut depth = 1;
        let end = sql[start..].find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        });
        plain(&sql[start..start + end.expect("a closing parenthesis")])
    });
    conditions.collect()
}

/// A condition without what the engines write each in its own way: parentheses, casts and sets.
fn plain(condition: &str) -> String {
    let mut text = condition.to_owned();
    for (from, to) in [
        ("::text", ""),
        ("::bigint", ""),
        ("::integer", ""),
        ("[]", ""),
        ("= ANY", "IN"),
        ("ARRAY", ""),
        ("[", " "),
        ("]", " "),
        ("(", " "),
        (")", " "),
    ] {
        text = text.replace(from, to);
    }
    let text = text.replace(',', " , ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
