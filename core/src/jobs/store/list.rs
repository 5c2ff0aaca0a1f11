//! SQL of list pages: one range of one index per statement, forwards and backwards.

use uuid::Uuid;

use super::read_model::{self, job_list_columns};
use crate::{
    db::{Params, Stmt, Value, params},
    engine::Snapshot,
    enums::{CoachStatus, JobOrderField, JobStatus, OrderDirection},
    error::Result,
    jobs::Job,
    page::{Place, SortValue},
};

/// A page over one index. `INDEXED BY` is for SQLite only: its planner takes the clustered key
/// where the named index is the better one.
macro_rules! page {
    ($name:ident, $text:literal, $index:literal, $where:literal, $column:literal, $way:literal, $n:literal, $id:literal, $limit:literal, $order:literal) => {
        static $name: Stmt = Stmt::read(
            $text,
            concat!(
                "SELECT ",
                job_list_columns!(),
                " FROM job_list",
                $index,
                " WHERE user_id = $1 AND folder = $2",
                $where,
                " AND (",
                $column,
                ", job_id) ",
                $way,
                " (",
                $n,
                ", ",
                $id,
                ")",
                " ORDER BY ",
                $column,
                " ",
                $order,
                ", job_id ",
                $order,
                " LIMIT ",
                $limit
            ),
        );
    };
}

/// The two directions of a page.
macro_rules! pages {
    ($down:ident $down_text:literal, $up:ident $up_text:literal, $index:literal, $where:literal, $column:literal, $n:literal, $id:literal, $limit:literal) => {
        page!($down, $down_text, $index, $where, $column, "<", $n, $id, $limit, "DESC");
        page!($up, $up_text, $index, $where, $column, ">", $n, $id, $limit, "ASC");
    };
}

pages!(CREATED_DOWN "job_list_created_desc", CREATED_UP "job_list_created_asc",
    "", "", "created_at", "$3", "$4", "$5");
pages!(STATUS_DOWN "job_list_status_desc", STATUS_UP "job_list_status_asc",
    " INDEXED BY idx_job_list_status", " AND status = $3", "created_at", "$4", "$5", "$6");
pages!(COACH_DOWN "job_list_coach_desc", COACH_UP "job_list_coach_asc",
    " INDEXED BY idx_jobs_user_status", " AND coach_status = $3", "created_at", "$4", "$5", "$6");
pages!(UPDATED_DOWN "job_list_updated_desc", UPDATED_UP "job_list_updated_asc",
    " INDEXED BY idx_job_list_updated", "", "updated_at", "$3", "$4", "$5");
pages!(TITLE_DOWN "job_list_title_desc", TITLE_UP "job_list_title_asc",
    " INDEXED BY idx_job_list_title", "", "title_key", "$3", "$4", "$5");
pages!(COMPANY_DOWN "job_list_company_desc", COMPANY_UP "job_list_company_asc",
    " INDEXED BY idx_job_list_company", "", "company_key", "$3", "$4", "$5");

/// The statements of this module.
pub(crate) fn statements() -> [&'static Stmt; 12] {
    [
        &CREATED_DOWN,
        &CREATED_UP,
        &STATUS_DOWN,
        &STATUS_UP,
        &COACH_DOWN,
        &COACH_UP,
        &UPDATED_DOWN,
        &UPDATED_UP,
        &TITLE_DOWN,
        &TITLE_UP,
        &COMPANY_DOWN,
        &COMPANY_UP,
    ]
}

/// Which rows of a folder a range holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slice {
    /// All, in the order of this column.
    By(JobOrderField),
    /// Those with a status, by creation.
    Status(JobStatus),
    /// Those with a coach status, by creation.
    Coach(CoachStatus),
}

/// Returns the place before which everything lies in this direction.
pub(crate) fn start(field: JobOrderField, direction: OrderDirection) -> Place {
    let text = matches!(field, JobOrderField::Title | JobOrderField::Company);
    let value = match (direction, text) {
        (OrderDirection::Desc, false) => SortValue::Number(i64::MAX),
        (OrderDirection::Asc, false) => SortValue::Number(i64::MIN),
        (OrderDirection::Desc, true) => SortValue::Text(String::from(char::MAX)),
        (OrderDirection::Asc, true) => SortValue::Text(String::new()),
    };
    let id = match direction {
        OrderDirection::Desc => Uuid::max(),
        OrderDirection::Asc => Uuid::nil(),
    };
    Place { value, id }
}

/// Returns up to `limit` rows of a range that lie beyond `from`. One statement.
pub(crate) async fn range(
    snapshot: &Snapshot,
    folder: i64,
    slice: Slice,
    direction: OrderDirection,
    from: &Place,
    limit: u32,
) -> Result<Vec<Job>> {
    let pair = match slice {
        Slice::By(JobOrderField::CreatedAt | JobOrderField::Status) => (&CREATED_DOWN, &CREATED_UP),
        Slice::By(JobOrderField::UpdatedAt) => (&UPDATED_DOWN, &UPDATED_UP),
        Slice::By(JobOrderField::Title) => (&TITLE_DOWN, &TITLE_UP),
        Slice::By(JobOrderField::Company) => (&COMPANY_DOWN, &COMPANY_UP),
        Slice::Status(_) => (&STATUS_DOWN, &STATUS_UP),
        Slice::Coach(_) => (&COACH_DOWN, &COACH_UP),
    };
    let stmt = match direction {
        OrderDirection::Desc => pair.0,
        OrderDirection::Asc => pair.1,
    };
    let mut params: Params = params![snapshot.user(), folder];
    match slice {
        Slice::By(_) => {}
        Slice::Status(status) => params.push(Value::from(status.as_str())),
        Slice::Coach(status) => params.push(Value::from(status.as_str())),
    }
    params.push(match &from.value {
        SortValue::Number(number) => Value::Int(*number),
        SortValue::Text(text) => Value::from(text.as_str()),
    });
    params.push(Value::Id(from.id));
    params.push(Value::from(limit));
    snapshot.view().query(stmt, params, read_model::job).await
}
