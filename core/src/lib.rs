//! The JoTrack engine: job applications, their documents, coaching and local analysis, kept in one
//! SQLite file that the user owns, or in PostgreSQL where one machine is not enough.
//!
//! The engine is a library. It opens a folder, answers reads from consistent snapshots, and writes
//! every mutation as one atomic batch: an acknowledged write is on the disk.
//!
//! ```no_run
//! # async fn example() -> jotrack_core::Result<()> {
//! use jotrack_core::{Config, Engine, JobQuery, NewJob, WriteOptions};
//!
//! let engine = Engine::open(Config::in_dir("my-search")).await?;
//! engine.create_job(NewJob::new("Acme", "Engineer"), &WriteOptions::default()).await?;
//! for job in engine.list_jobs(&JobQuery::default()).await?.items {
//!     println!("{} at {}: {}", job.title, job.company, job.status);
//! }
//! engine.close().await
//! # }
//! ```
//!
//! Words: a *job* is a job application, always; background work is a *task*; an *attachment* is a
//! versioned file and a *variant* a text form of it; a *read model* can be rebuilt; a *revision*
//! counts one user's changes.
#![forbid(unsafe_code)]

pub mod ai;
mod analyses;
pub mod analysis;
pub mod attachments;
pub mod catalogue;
mod changes;
mod coach;
mod companies;
mod config;
pub mod db;
mod doctor;
mod engine;
mod enums;
mod error;
mod hub;
mod id;
mod idempotency;
mod jobs;
mod limits;
mod matching;
mod meta;
mod mutation;
mod net;
mod page;
mod patch;
mod position;
mod private;
mod secret;
mod tasks;
mod time;
mod validate;

pub use analyses::{
    Analysis, AnalysisEvents, AnalysisRequest, AnalysisTarget, AnswerJson, CacheStats, Failure,
    PurgeFilter, Staleness, StartedAnalysis,
};
pub use attachments::{
    Attachment, AttachmentContent, AttachmentCreated, AttachmentFilter, BlobReader, Document,
    NewAttachment, StagedUpload, UploadInput, UploadWriter, Variant,
};
pub use changes::{Change, ChangeBatch, ChangeStream};
pub use coach::{
    AnswerInput, CoachEvent, CoachPatch, CoachState, DiscoveryAnswer, DiscoveryItem,
    DiscoveryQuestion, MilestoneState, Milestones,
};
pub use companies::company_key;
pub use config::{
    AiConfig, Caps, Config, DatabaseUrl, KeySource, Limits, PostgresConfig, Protocol,
    RequestLimits, StorageConfig, Synchronous,
};
pub use db::ReplicaHealth;
pub use doctor::CheckReport;
pub use engine::{Engine, Health, Snapshot};
pub use enums::*;
pub use error::{
    Cause, ConflictKind, Error, ErrorCode, MisuseKind, ProviderFailure, Result, UnavailableKind,
    Violation, Violations,
};
pub use id::{
    AnalysisId, AttachmentId, CompanyId, JobId, LOCAL_USER, StatusChangeId, TaskId, UploadId,
    UserId, VariantId, random_bytes,
};
pub use jobs::{
    CoachStatusCount, Job, JobFilter, JobOrder, JobPatch, JobQuery, JobStats, NewJob, SearchHit,
    StatusChange, StatusChangeInput, StatusChangePatch, StatusCount, TimeRange,
    store::read_model::ReadModelReport,
};
pub use limits::{Quota, RateState, RequestKind, Taken, Usage, UsageWindow, Window};
pub use matching::{JobDetails, MatchScore, SkillReport};
pub use meta::User;
pub use mutation::{WriteOptions, Written};
pub use page::{Page, PageRequest};
pub use patch::Patch;
pub use position::Position;
pub use secret::{
    AiSettings, AiSettingsPatch, KekStatus, KeysStatus, ProviderKey, RotationProgress,
    RotationReport,
};
pub use time::{Clock, DAY_MS, ManualClock, Timestamp};
