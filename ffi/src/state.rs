//! The state of an engine: for whom a handle acts, suspended and open, and its counters.

use std::{ffi::c_char, fs, path::Path, time::Duration};

use jotrack_core::{Config, Engine, Error, ErrorCode, UserId};

use crate::{
    args::{self, OutHandle},
    engine::{Shared, jotrack_engine},
    enums::jotrack_engine_state,
    error::{Fault, jotrack_error, jotrack_status},
    guard::guard,
    queue::Counts,
    structs::{OutStruct, interface_structs},
    write::rev,
};

/// Counters of an engine, as its handle's user sees them. Set struct_size.
///
/// @since 0.1
#[repr(C)]
#[derive(Clone, Copy)]
pub struct jotrack_stats {
    /// sizeof(jotrack_stats).
    pub struct_size: usize,
    /// Present revision.
    pub rev: u64,
    /// Jobs of the user, archived ones included, without the trash.
    pub jobs: u64,
    /// Jobs of the user in the trash.
    pub jobs_trashed: u64,
    /// Bytes of the database file; 0 without a data folder.
    pub db_bytes: u64,
    /// Bytes of the log beside it, which is written into it by and by.
    pub wal_bytes: u64,
    /// Kept answers that the user can be given.
    pub cache_entries: u64,
    /// Bytes of them.
    pub cache_bytes: u64,
    /// How often they were given.
    pub cache_hits: u64,
    /// Tokens that the user sent to providers this month (UTC).
    pub tokens_in: u64,
    /// Tokens that came back this month.
    pub tokens_out: u64,
    /// Cost of the month in millionths of a US dollar; -1 when the price of a call is not known.
    pub cost_micros: i64,
    /// Operations whose on_done has not been called.
    pub ops_running: u64,
    /// Subscriptions made with jotrack_subscribe.
    pub subscriptions: u64,
    /// Subscriptions and operations with something to tell, and lines of the log, that wait for a
    /// callback to run.
    pub queue_len: u64,
    /// Lines of the log that found no room since the engine was opened.
    pub logs_dropped: u64,
}

interface_structs!(jotrack_stats);

/// Makes a handle on the same engine that acts as another user of its data.
///
/// `user_id`: JOTRACK_NOT_FOUND when there is no such user. The handles are counted: each is ended
/// with jotrack_engine_close, and the last one closes the engine. Options, callbacks, the queue and
/// suspending are those of the engine, whichever handle is used.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_engine_as_user(
    engine: *mut jotrack_engine,
    user_id: *const c_char,
    out: *mut *mut jotrack_engine,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared, user) = unsafe {
            (OutHandle::claim(out)?, args::engine(engine)?, args::id::<UserId>("user_id", user_id)?)
        };
        // A suspend and a resume in between would leave this user an engine that is closed.
        let _turn = shared.turn().lock();
        let core = shared.block(shared.core()?.as_user(user))?;
        out.put(shared.acting_as(core));
        Ok(())
    })
}

/// Ends all operations, writes everything down and closes the database: no file of it is open and
/// no lock is held until jotrack_engine_resume.
///
/// `timeout_ms`: how long to wait for calls that run on other threads. When it has passed the answer
/// is JOTRACK_TIMEOUT and nothing has changed, but that calls made meanwhile were refused. Then
/// operations end with JOTRACK_SUSPENDED. An analysis under way is written down and goes on after
/// jotrack_engine_resume, where jotrack_analysis_follow finds it. Subscriptions are told
/// JOTRACK_EVENT_STATE with JOTRACK_STATE_SUSPENDED and go on after resume without missing a change.
/// Writers that are open answer JOTRACK_SUSPENDED, and JOTRACK_CLOSED after resume: abort them.
///
/// An engine without a data folder only ends its operations and refuses calls. Suspending a
/// suspended engine does nothing. JOTRACK_MISUSE inside a callback. Any other failure leaves the
/// engine suspended; what was saved before is saved.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_engine_suspend(
    engine: *mut jotrack_engine,
    timeout_ms: u32,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        let shared = args::engine(engine)?;
        if shared.queue().inside_callback() {
            return Err(Fault::misuse("jotrack_engine_suspend was called inside a callback"));
        }
        suspend(&shared, Duration::from_millis(timeout_ms.into()))
    })
}

/// Opens the database of a suspended engine again. An engine that is not suspended is left alone.
///
/// Subscriptions are told JOTRACK_EVENT_STATE with JOTRACK_STATE_OPEN. A failure is one of
/// jotrack_engine_open and leaves the engine suspended: it may be tried again. JOTRACK_NOT_FOUND: the
/// database is another one, which does not know the user of a handle.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_engine_resume(
    engine: *mut jotrack_engine,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        let shared = args::engine(engine)?;
        resume(&shared)
    })
}

/// Reads the counters. A few statements.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_engine_stats(
    engine: *mut jotrack_engine,
    out: *mut jotrack_stats,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared) = unsafe { (OutStruct::required(out)?, args::engine(engine)?) };
        out.put(stats(&shared)?);
        Ok(())
    })
}

fn suspend(shared: &Shared, timeout: Duration) -> Result<(), Fault> {
    let _turn = shared.turn().lock();
    // Closing waits for the turn.
    shared.not_closed()?;
    if shared.gate().is_suspended() {
        return Ok(());
    }
    let core = shared.gate().any();
    let Some(shut) = shared.gate().shut(timeout) else {
        return Err(Fault::new(ErrorCode::Timeout, "calls are running"));
    };
    shut.suspend();
    shared.queue().end_all(&Fault::suspended());
    shared.queue().engine_is(jotrack_engine_state::JOTRACK_STATE_SUSPENDED);
    match core {
        Some(core) if has_files(shared) => Ok(shared.block(core.close_at_once())?),
        _ => Ok(()),
    }
}

fn resume(shared: &Shared) -> Result<(), Fault> {
    let _turn = shared.turn().lock();
    shared.not_closed()?;
    if !shared.gate().is_suspended() {
        return Ok(());
    }
    let engines = if has_files(shared) {
        shared.block(reopen(shared.config().clone(), shared.gate().users()))?
    } else {
        Vec::new()
    };
    shared.gate().open(engines);
    shared.queue().engine_is(jotrack_engine_state::JOTRACK_STATE_OPEN);
    Ok(())
}

/// Opens an engine for each of its users.
async fn reopen(config: Config, users: Vec<UserId>) -> Result<Vec<Engine>, Fault> {
    let core = Engine::open(config).await?;
    let mut engines = Vec::with_capacity(users.len());
    for user in users {
        match core.as_user(user).await {
            Ok(engine) => engines.push(engine),
            // Also where the user of a handle is unknown: it is another database, which must not
            // stay open behind a handle that cannot use it.
            Err(error) => {
                // The first failure is the one to tell.
                drop(core.close().await);
                return Err(error.into());
            }
        }
    }
    Ok(engines)
}

/// Whether there is a database that outlives its engine.
fn has_files(shared: &Shared) -> bool {
    let config = shared.config();
    config.data_dir.is_some() || config.postgres.is_some()
}

fn stats(shared: &Shared) -> Result<jotrack_stats, Fault> {
    let core = shared.core()?;
    let (revision, jobs, caches, (tokens, cost)) = shared.block(async {
        let jobs = core.snapshot().await?.job_stats().await?;
        let revision = core.revision().await?;
        Ok::<_, Error>((revision, jobs, core.cache_stats().await?, core.tokens_this_month().await?))
    })?;
    drop(core);
    let (db_bytes, wal_bytes) = shared.config().database_file().map_or((0, 0), |path| sizes(&path));
    let Counts { operations, subscriptions, waiting, lines_dropped } = shared.queue().counts();
    let whole = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    Ok(jotrack_stats {
        struct_size: 0,
        rev: rev(revision),
        jobs: jobs.total,
        jobs_trashed: jobs.trashed,
        db_bytes,
        wal_bytes,
        cache_entries: caches.iter().map(|cache| cache.entries).sum(),
        cache_bytes: caches.iter().map(|cache| cache.bytes).sum(),
        cache_hits: caches.iter().map(|cache| cache.hits).sum(),
        tokens_in: tokens.input,
        tokens_out: tokens.output,
        cost_micros: cost.unwrap_or(-1),
        ops_running: whole(operations),
        subscriptions: whole(subscriptions),
        queue_len: whole(waiting),
        logs_dropped: lines_dropped,
    })
}

/// Returns the bytes of the database and of the log that stands beside it.
fn sizes(database: &Path) -> (u64, u64) {
    let bytes = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    (bytes(database), bytes(Path::new(&log)))
}
