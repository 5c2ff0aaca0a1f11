//! The floor of an operation: what one would write by hand for exactly this answer, with a
//! statement per relation and no schema.

use std::{collections::HashMap, path::Path, rc::Rc};

use jotrack_core::{AttachmentId, AttachmentKind, CoachMilestone, JobId, Timestamp, analysis};
use rusqlite::{
    Connection, Params, Row, StatementStatus,
    types::{ToSqlOutput, Value, ValueRef},
};
use serde::Serialize;
use uuid::Uuid;

use crate::{bare, data::user};

const LIST: &str = "
    SELECT job_id, title, company, status, created_at, updated_at, attachment_count, coach_status,
        coach_progress, match_score
    FROM job_list
    WHERE user_id = ?1 AND folder = 0
    ORDER BY created_at DESC, job_id DESC
    LIMIT ?2";

const FILES: &str = "
    SELECT job_id, id, kind, filename, size
    FROM attachments
    WHERE +user_id = ?1 AND job_id IN rarray(?2) AND trashed_at IS NULL";

const TEXTS: &str = "
    SELECT a.job_id, a.kind, v.name, v.text
    FROM attachments a
    JOIN attachment_variants v ON v.attachment_id = a.id
    WHERE +a.user_id = ?1 AND a.job_id IN rarray(?2) AND a.is_active = 1
        AND a.kind IN ('RESUME', 'JD') AND v.name IN ('AI_NORMALIZED', 'RAW')";

const MILESTONES: &str = "
    SELECT job_id, discovery_complete_at, profile_analyzed_at, score_recalculated_at,
        resume_generated_at, resume_finalized_at, cover_letter_generated_at, applied_at
    FROM coach_state
    WHERE +user_id = ?1 AND job_id IN rarray(?2)";

/// A connection that answers two questions.
pub(crate) struct Raw(Connection);

#[derive(Serialize)]
struct Answer<T> {
    data: Data<T>,
}

#[derive(Serialize)]
struct Data<T> {
    jobs: Jobs<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Jobs<T> {
    nodes: Vec<T>,
    page_info: PageInfo,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlainJob {
    id: String,
    title: String,
    company: Company,
    status: String,
    created_at: String,
    updated_at: String,
    attachment_count: u32,
    coach: Progress,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NestedJob {
    id: String,
    title: String,
    company: Company,
    status: String,
    updated_at: String,
    attachments: Nodes<File>,
    resume: Option<Text>,
    jd: Option<Text>,
    coach: Coach,
    match_score: Option<Score>,
}

#[derive(Serialize)]
struct Company {
    name: String,
}

#[derive(Serialize)]
struct Progress {
    status: String,
    progress: u32,
}

#[derive(Serialize)]
struct Nodes<T> {
    nodes: Vec<T>,
}

#[derive(Serialize)]
struct File {
    id: String,
    kind: AttachmentKind,
    filename: String,
    size: i64,
}

#[derive(Serialize)]
struct Text {
    name: String,
    text: String,
}

#[derive(Serialize)]
struct Coach {
    status: String,
    progress: u32,
    milestones: Vec<Milestone>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Milestone {
    milestone: CoachMilestone,
    completed_at: Option<String>,
}

#[derive(Serialize)]
struct Score {
    value: f64,
    band: jotrack_core::ScoreBand,
}

impl Raw {
    pub(crate) fn open(dir: &Path) -> Self {
        Self(bare::connect(dir))
    }

    /// Answers the list without relations.
    pub(crate) fn plain(&self, first: u32) -> Vec<u8> {
        let mut nodes = self.rows(LIST, (user(), first + 1), |row| PlainJob {
            id: JobId::from_uuid(uuid(row, 0)).node_id(),
            title: row.get(1).unwrap(),
            company: Company { name: row.get(2).unwrap() },
            status: row.get(3).unwrap(),
            created_at: time(row, 4).unwrap(),
            updated_at: time(row, 5).unwrap(),
            attachment_count: row.get(6).unwrap(),
            coach: Progress { status: row.get(7).unwrap(), progress: row.get(8).unwrap() },
        });
        json(&mut nodes, first)
    }

    /// Answers the list with files, texts, coach and match.
    pub(crate) fn nested(&self, first: u32) -> Vec<u8> {
        let mut ids = Vec::new();
        let mut nodes = self.rows(LIST, (user(), first + 1), |row| {
            let id = uuid(row, 0);
            ids.push(id);
            let value: Option<f64> = row.get(9).unwrap();
            NestedJob {
                id: JobId::from_uuid(id).node_id(),
                title: row.get(1).unwrap(),
                company: Company { name: row.get(2).unwrap() },
                status: row.get(3).unwrap(),
                updated_at: time(row, 5).unwrap(),
                attachments: Nodes { nodes: Vec::new() },
                resume: None,
                jd: None,
                coach: Coach {
                    status: row.get(7).unwrap(),
                    progress: row.get(8).unwrap(),
                    milestones: Vec::new(),
                },
                match_score: value.map(|value| Score { value, band: analysis::band(value) }),
            }
        });
        ids.truncate(first.try_into().unwrap());
        let set = array(&ids);
        let places: HashMap<_, _> = ids.iter().enumerate().map(|(i, id)| (*id, i)).collect();

        for (job, file) in self.rows(FILES, (user(), &set), |row| {
            let file = File {
                id: AttachmentId::from_uuid(uuid(row, 1)).node_id(),
                kind: AttachmentKind::parse(row.get_ref(2).unwrap().as_str().unwrap()).unwrap(),
                filename: row.get(3).unwrap(),
                size: row.get(4).unwrap(),
            };
            (uuid(row, 0), file)
        }) {
            nodes[places[&job]].attachments.nodes.push(file);
        }
        for (job, is_resume, text) in self.rows(TEXTS, (user(), &set), |row| {
            let text = Text { name: row.get(2).unwrap(), text: row.get(3).unwrap() };
            (uuid(row, 0), row.get_ref(1).unwrap().as_str().unwrap() == "RESUME", text)
        }) {
            let node = &mut nodes[places[&job]];
            let place = if is_resume { &mut node.resume } else { &mut node.jd };
            if place.is_none() || text.name == "AI_NORMALIZED" {
                *place = Some(text);
            }
        }
        let milestones = self.rows(MILESTONES, (user(), &set), |row| {
            (
                uuid(row, 0),
                CoachMilestone::ALL
                    .iter()
                    .enumerate()
                    .map(|(i, _)| time(row, i + 1))
                    .collect::<Vec<_>>(),
            )
        });
        let mut milestones: HashMap<_, _> = milestones.into_iter().collect();
        for (node, id) in nodes.iter_mut().zip(&ids) {
            node.attachments.nodes.sort_by_key(|file| file.kind);
            let mut times = milestones.remove(id).unwrap_or_default().into_iter();
            let milestone = |milestone: &CoachMilestone| Milestone {
                milestone: *milestone,
                completed_at: times.next().flatten(),
            };
            node.coach.milestones = CoachMilestone::ALL.iter().map(milestone).collect();
        }
        json(&mut nodes, first)
    }

    /// Returns how many statements ran since the last call.
    pub(crate) fn runs(&self) -> u64 {
        let run = |sql| self.0.prepare_cached(sql).unwrap().reset_status(StatementStatus::Run);
        [LIST, FILES, TEXTS, MILESTONES].map(run).iter().map(|n| u64::try_from(*n).unwrap()).sum()
    }

    fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut map: impl FnMut(&Row<'_>) -> T,
    ) -> Vec<T> {
        let mut stmt = self.0.prepare_cached(sql).unwrap();
        stmt.query_map(params, |row| Ok(map(row))).unwrap().map(Result::unwrap).collect()
    }
}

fn json<T: Serialize>(nodes: &mut Vec<T>, first: u32) -> Vec<u8> {
    let first = usize::try_from(first).unwrap();
    let has_next_page = nodes.len() > first;
    nodes.truncate(first);
    let nodes = std::mem::take(nodes);
    let jobs = Jobs { nodes, page_info: PageInfo { has_next_page } };
    serde_json::to_vec(&Answer { data: Data { jobs } }).unwrap()
}

fn uuid(row: &Row<'_>, i: usize) -> Uuid {
    Uuid::from_slice(row.get_ref(i).unwrap().as_blob().unwrap()).unwrap()
}

fn time(row: &Row<'_>, i: usize) -> Option<String> {
    match row.get_ref(i).unwrap() {
        ValueRef::Integer(ms) => Some(Timestamp::from_ms(ms).to_rfc3339()),
        _ => None,
    }
}

/// A set for the function `rarray`.
struct Set(Rc<Vec<Value>>);

impl rusqlite::ToSql for Set {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from_rc(Rc::clone(&self.0), c"rarray"))
    }
}

fn array(ids: &[Uuid]) -> Set {
    Set(Rc::new(ids.iter().map(|id| Value::Blob(id.as_bytes().to_vec())).collect()))
}
