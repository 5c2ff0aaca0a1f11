//! What a client can ask, asked of both engines.

use jotrack_core::DAY_MS;
use serde_json::{Value, json};

use super::{
    commands::{Arg, Step},
    pair::Pair,
};

const LIST: &str = "query($first: Int, $after: String, $last: Int, $before: String, $order: JobOrder!, $filter: JobFilter) {
    jobs(first: $first, after: $after, last: $last, before: $before, orderBy: $order, filter: $filter) {
        totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } } } }";
const DEEP: &str = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Job {
    title status statusSince version company { id name key } url location source notes createdAt updatedAt
    appliedAt appliedResume { id } archivedAt trashedAt purgeAt isStale timeInStatusSeconds attachmentCount
    matchScore { value band source categories { category score weight } strengths gaps recommendation computedAt }
    skills { skill category strength importance jdCount resumeCount jdEvidence { quote variant { id } } }
    skillMatchPercentage document(kind: RESUME) { id text truncated }
    coach { status progress milestones { milestone completedAt } locked nextStep currentStep outdated
        discovery { id answer skipped } profile scoreBefore scoreAfter coverLetterSkipped version updatedAt }
    attachments(includeTrashed: true, first: 30) { totalCount nodes { id kind filename mediaType size sha256
        version isActive createdAt trashedAt source textState textError
        variants { id name text tokenEstimate wordCount pageCount truncated source createdAt version } } }
    statusHistory(first: 30) { nodes { id from to at recordedAt leftAt durationSeconds note } } } } }";
const NODES: &str = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id
    ... on Attachment { kind version job { id } } ... on AttachmentVariant { name attachment { id } }
    ... on StatusChange { to at } } }";
const STATS: &str = "{ jobStats { total archived trashed stale byStatus { status count } byCoachStatus { status count } }
    viewer { id displayName tier } }";
const CHANGES: &str = "query($since: Revision!, $entities: [EntityKind!]) { changes(since: $since, first: 200, entities: $entities) {
    revision hasMore resync changes { revision entity id op node { id } } } }";
const SEARCH: &str = "query($query: String!, $after: String, $first: Int!, $ranked: Boolean!) {
    search(query: $query, after: $after, first: $first, ranked: $ranked) {
        pageInfo { hasNextPage hasPreviousPage endCursor } edges { cursor score snippet node { ... on Job { id title } } } } }";
/// Longest way through a list.
const PAGES: usize = 200;

/// Asks everything; the first difference is an error.
pub(super) async fn ask(pair: &mut Pair, queries: &[String]) -> Result<(), String> {
    objects(pair).await?;
    lists(pair).await?;
    for (entities, since) in
        [(Value::Null, 0), (json!(["JOB", "STATUS_CHANGE"]), 3), (Value::Null, 9_999)]
    {
        let step = [("since", Arg::Json(json!(since))), ("entities", Arg::Json(entities))];
        pair.ask(CHANGES, &Step(step.to_vec())).await?;
    }
    for query in queries {
        newest(pair, query).await?;
        ranked(pair, query).await?;
        let filter = json!({"search": query, "archived": null});
        list(pair, &filter, "TITLE", "ASC", 3, false).await?;
    }
    Ok(())
}

async fn objects(pair: &mut Pair) -> Result<(), String> {
    pair.ask(STATS, &Step::default()).await?;
    for (document, kind, most) in
        [(DEEP, "job", 4), (NODES, "att", 100), (NODES, "var", 100), (NODES, "stc", 100)]
    {
        let count = pair.lite.all(kind).len();
        for start in (0..count).step_by(most) {
            let ids = (start..count.min(start + most)).map(|n| Arg::Id(kind, n)).collect();
            pair.ask(document, &Step(vec![("ids", Arg::List(ids))])).await?;
        }
    }
    Ok(())
}

async fn lists(pair: &mut Pair) -> Result<(), String> {
    let now = pair.lite.lab.engine.clock().now();
    let ago = |hours: i64| now.plus_ms(-hours * DAY_MS / 24).to_rfc3339();
    let everything = json!({"archived": null, "trashed": null});
    for field in ["CREATED_AT", "UPDATED_AT", "TITLE", "COMPANY", "STATUS"] {
        for direction in ["ASC", "DESC"] {
            for backwards in [false, true] {
                list(pair, &everything, field, direction, 3, backwards).await?;
            }
            list(pair, &json!({}), field, direction, 7, false).await?;
        }
    }
    let filters = [
        json!({"status": ["APPLIED", "ON_RADAR"]}),
        json!({"status": ["OFFER"], "archived": null}),
        json!({"coachStatus": ["PROFILE_BUILDING", "APPLIED"]}),
        json!({"status": ["APPLIED"], "coachStatus": ["APPLIED"], "trashed": null}),
        json!({"company": "ACME"}),
        json!({"company": "Zürich"}),
        json!({"createdAt": {"from": ago(30), "to": ago(1)}}),
        json!({"updatedAt": {"from": ago(10)}, "archived": null}),
        json!({"appliedAt": {"to": ago(0)}, "trashed": null}),
        json!({"hasAttachment": "RESUME"}),
        json!({"hasAttachment": "JD", "archived": true}),
        json!({"trashed": true}),
        json!({"stale": true}),
        json!({"stale": false, "status": ["ON_RADAR"]}),
    ];
    for filter in filters {
        for (field, backwards) in [("CREATED_AT", false), ("TITLE", true)] {
            list(pair, &filter, field, "DESC", 4, backwards).await?;
        }
    }
    Ok(())
}

/// Walks a list from one end to the other, each engine by its own places.
async fn list(
    pair: &mut Pair,
    filter: &Value,
    field: &str,
    direction: &str,
    size: u32,
    backwards: bool,
) -> Result<(), String> {
    let order = json!({"field": field, "direction": direction});
    let (count, place, more, end) = if backwards {
        ("last", "before", "hasPreviousPage", "startCursor")
    } else {
        ("first", "after", "hasNextPage", "endCursor")
    };
    let mut from = (Value::Null, Value::Null);
    for _ in 0..PAGES {
        let step = vec![
            (count, Arg::Json(json!(size))),
            (place, Arg::Each(from.0, from.1)),
            ("order", Arg::Json(order.clone())),
            ("filter", Arg::Json(filter.clone())),
        ];
        let (lite, pg) = pair.ask(LIST, &Step(step)).await?;
        let (lite, pg) = (&lite["data"]["jobs"]["pageInfo"], &pg["data"]["jobs"]["pageInfo"]);
        if lite[more] != json!(true) {
            return Ok(());
        }
        from = (lite[end].clone(), pg[end].clone());
    }
    Err(format!("a list without an end: {filter}"))
}

/// Walks the hits of a search, newest first.
async fn newest(pair: &mut Pair, query: &str) -> Result<(), String> {
    let mut from = (Value::Null, Value::Null);
    for _ in 0..PAGES {
        let step = found(query, &from, 2, false);
        let (lite, pg) = pair.ask(SEARCH, &step).await?;
        let hits = lite["data"]["search"]["edges"].as_array();
        pair.count("search with hits", hits.is_some_and(|hits| !hits.is_empty()));
        let (lite, pg) = (&lite["data"]["search"]["pageInfo"], &pg["data"]["search"]["pageInfo"]);
        if lite["hasNextPage"] != json!(true) {
            return Ok(());
        }
        from = (lite["endCursor"].clone(), pg["endCursor"].clone());
    }
    Err(format!("a search without an end: {query}"))
}

/// Collects the hits of a search, best first: the order may differ, the hits may not.
async fn ranked(pair: &mut Pair, query: &str) -> Result<(), String> {
    let step = found(query, &(Value::Null, Value::Null), 100, true);
    let mut answers = [Value::Null, Value::Null];
    for (side, answer) in [&mut pair.lite, &mut pair.pg].into_iter().zip(&mut answers) {
        *answer = side.api.answer(SEARCH, step.variables(side)).await;
        let all = side.plain(answer);
        *answer = all;
        if let Some(edges) = answer["data"]["search"]["edges"].as_array_mut() {
            for edge in edges.iter_mut() {
                edge["score"] = Value::Null;
            }
            edges.sort_by_key(|edge| edge["node"]["id"].to_string());
        }
    }
    let [lite, pg] = answers;
    pair.compare(&format!("ranked: {query:?}"), &lite, &pg).map(drop)
}

fn found(query: &str, from: &(Value, Value), first: u32, ranked: bool) -> Step {
    Step(vec![
        ("query", Arg::Json(json!(query))),
        ("after", Arg::Each(from.0.clone(), from.1.clone())),
        ("first", Arg::Json(json!(first))),
        ("ranked", Arg::Json(json!(ranked))),
    ])
}
