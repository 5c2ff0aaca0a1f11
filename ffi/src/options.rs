//! How an engine is opened.

use std::{
    ffi::{c_char, c_void},
    ptr,
};

use jotrack_core::{Config, ErrorCode, KeySource};
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::{
    args,
    enums::jotrack_dispatch_mode,
    error::Fault,
    guard::shield,
    logs,
    queue::{LogCallback, Mode, User},
    structs::{self, SIZE_MAX, Struct, interface_structs},
};

/// Workers of an engine when the host does not say.
const WORKERS_DEFAULT: u32 = 2;
/// Most workers of an engine.
const WORKERS_MAX: u32 = 64;
/// What may wait in the queue when the host does not say.
const CAPACITY_DEFAULT: u32 = 4096;
/// A queue that holds less would end every subscription.
const CAPACITY_MIN: u32 = 64;
/// More would be memory without end in a host that never dispatches.
const CAPACITY_MAX: u32 = 1 << 20;

/// Open flag: the data is only read. Not in this version: JOTRACK_UNSUPPORTED.
pub const JOTRACK_OPEN_READ_ONLY: u64 = 0x1;
/// Open flag: JOTRACK_NOT_FOUND where there is no database yet, instead of a new one. It needs
/// `data_dir` or `database`.
pub const JOTRACK_OPEN_NO_CREATE: u64 = 0x2;
/// Open flag: no request leaves this machine. Not in this version: JOTRACK_UNSUPPORTED. Nothing is
/// sent anyway until the user allows it, see jotrack_ai_settings_update.
pub const JOTRACK_OPEN_NO_NETWORK: u64 = 0x4;

/// Told one line of the log: how grave it is (jotrack_log_level), which part of the engine speaks,
/// and `len` bytes of English text with a NUL behind them. Both texts live during the call.
///
/// Lines hold ids, numbers and names of files, never keys, prompts or texts of documents. They come
/// through the queue like every callback: in order, at most `queue_capacity` of them wait, and a
/// line behind some that found no room says how many. What is left when the engine closes is told
/// before jotrack_engine_close returns; what the end of the closing has to say is not. The rules of
/// jotrack_event_cb hold.
///
/// @since 0.1
pub type jotrack_log_cb = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        level: i32,
        target: *const c_char,
        message: *const c_char,
        len: usize,
    ),
>;

/// How an engine is opened. Begin with jotrack_options_init.
///
/// @since 0.1
#[repr(C)]
#[derive(Clone, Copy)]
pub struct jotrack_options {
    /// sizeof(jotrack_options).
    pub struct_size: usize,
    /// Folder of the database and the files, made when missing; UTF-8 on every system. NULL keeps
    /// everything in a private temporary folder that is removed at close.
    pub data_dir: *const c_char,
    /// The database file; NULL = jotrack.db in the folder.
    pub database: *const c_char,
    /// A JSON object with settings of the engine, or NULL. Keys: data_dir, database, extractor,
    /// background, trash_days, stale_after_days, extra_skills, ai (object), requests (object),
    /// storage (object), limits (object); an unknown key is JOTRACK_INVALID_ARGUMENT. The members of
    /// this struct win.
    ///
    /// "extractor" is a program that reads text from PDF files in a process of its own, called as
    /// `PROGRAM extract KIND`: the program jotrack is one. Without it PDF files are stored, and
    /// their text cannot be read.
    pub config_json: *const c_char,
    /// Who runs the callbacks: JOTRACK_DISPATCH_THREAD or JOTRACK_DISPATCH_HOST.
    pub dispatch: i32,
    /// Threads for background work; 0 = 2, at most 64.
    pub worker_threads: u32,
    /// JOTRACK_OPEN_ bits.
    pub flags: u64,
    /// The key that seals provider keys and personal answers: 32 bytes in base64 with padding, or
    /// several of them, one a line, the current one first. NULL = master.key in the data folder,
    /// made when it is first needed. Keep it in the system's key store; what it sealed is lost
    /// without it. A copy is kept until the engine is closed and its jotrack_op, reader and writer
    /// handles are freed, then wiped.
    pub master_key: *const c_char,
    /// Told what the engine has to say about its work, or NULL.
    pub log: jotrack_log_cb,
    /// Handed back in each call of `log`; it must live until jotrack_engine_close returned.
    pub log_user: *mut c_void,
    /// What `log` is told: jotrack_log_level and graver; 0 = JOTRACK_LOG_WARN.
    pub log_level: i32,
    /// Most GraphQL responses, and most log lines, that wait for the host; 0 = 4096, else 64 to 1048576.
    pub queue_capacity: u32,
}

interface_structs!(jotrack_options grown by master_key);

/// Fills `options` with the defaults: nothing is kept after close, callbacks run on a thread of the
/// engine.
///
/// `size` is sizeof(jotrack_options). Nothing is written when `options` is NULL or when `size` is
/// smaller than the struct of version 0.1 or larger than 4096.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_options_init(options: *mut jotrack_options, size: usize) {
    shield((), || {
        if options.is_null() || !(jotrack_options::SIZE_0_1..=SIZE_MAX).contains(&size) {
            return;
        }
        // SAFETY: the caller answers for `size` writable bytes; a newer caller's tail is zeroed too.
        unsafe { ptr::write_bytes(options.cast::<u8>(), 0, size) };
        // SAFETY: the struct begins with its size.
        unsafe { options.cast::<usize>().write_unaligned(size) };
    });
}

/// The options, read.
pub(crate) struct Opening {
    pub(crate) config: Config,
    pub(crate) mode: Mode,
    pub(crate) workers: u32,
    /// What may wait in the queue.
    pub(crate) capacity: usize,
    pub(crate) log: Option<Log>,
}

/// Who is told the log, and how much of it.
pub(crate) struct Log {
    pub(crate) callback: LogCallback,
    pub(crate) user: User,
    pub(crate) level: tracing::Level,
}

impl Opening {
    /// Reads the options of a caller; NULL gives the defaults.
    pub(crate) unsafe fn read(options: *const jotrack_options) -> Result<Self, Fault> {
        // SAFETY: a struct of the caller, who keeps R1 to R6.
        let options = unsafe { structs::read(options) }?.unwrap_or_else(structs::zeroed);
        let jotrack_options {
            struct_size: _,
            data_dir,
            database,
            config_json,
            dispatch,
            worker_threads,
            flags,
            master_key,
            log,
            log_user,
            log_level,
            queue_capacity,
        } = options;
        // SAFETY: as above.
        let (data_dir, database, config_json, master_key) = unsafe {
            (
                args::text_opt("data_dir", data_dir)?,
                args::text_opt("database", database)?,
                args::text_opt("config_json", config_json)?,
                args::text_opt("master_key", master_key)?,
            )
        };
        let mut config = config_json.map_or_else(|| Ok(Config::default()), parse)?;
        config.data_dir = data_dir.map(Into::into).or(config.data_dir);
        config.database = database.map(Into::into).or(config.database);
        if let Some(keys) = master_key {
            let keys = keys.lines().map(SecretString::from).collect();
            config.master_key = KeySource::Given(keys);
        }
        check_flags(flags, &config)?;
        let level = args::number("log_level", log_level, logs::level(log_level))?;
        let log = log.map(|callback| Log { callback, user: User(log_user), level });
        Ok(Self {
            config,
            mode: mode(dispatch)?,
            workers: workers(worker_threads)?,
            capacity: capacity(queue_capacity)?,
            log,
        })
    }
}

fn check_flags(flags: u64, config: &Config) -> Result<(), Fault> {
    if flags & !(JOTRACK_OPEN_READ_ONLY | JOTRACK_OPEN_NO_CREATE | JOTRACK_OPEN_NO_NETWORK) != 0 {
        return Err(Fault::argument(format!("flags has unknown bits in {flags:#x}")));
    }
    if flags & (JOTRACK_OPEN_READ_ONLY | JOTRACK_OPEN_NO_NETWORK) != 0 {
        let message = "JOTRACK_OPEN_READ_ONLY and JOTRACK_OPEN_NO_NETWORK are not in this version";
        return Err(Fault::new(ErrorCode::Unsupported, message));
    }
    if flags & JOTRACK_OPEN_NO_CREATE != 0 {
        let Some(database) = config.database_file() else {
            return Err(Fault::argument("JOTRACK_OPEN_NO_CREATE needs data_dir or database"));
        };
        if !database.exists() {
            return Err(Fault::new(ErrorCode::NotFound, "there is no database"));
        }
    }
    Ok(())
}

fn parse(json: &str) -> Result<Config, Fault> {
    let refused = |e| Fault::json("config_json", &e);
    let members: Map<String, Value> = serde_json::from_str(json).map_err(refused)?;
    // serde would read a list as a struct without names.
    if members.iter().any(|(key, value)| value.is_array() && key != "extra_skills") {
        return Err(Fault::argument("config_json: a list stands where an object belongs"));
    }
    serde_json::from_value(Value::Object(members)).map_err(refused)
}

fn mode(dispatch: i32) -> Result<Mode, Fault> {
    const THREAD: i32 = jotrack_dispatch_mode::JOTRACK_DISPATCH_THREAD as i32;
    const HOST: i32 = jotrack_dispatch_mode::JOTRACK_DISPATCH_HOST as i32;
    match dispatch {
        THREAD => Ok(Mode::Thread),
        HOST => Ok(Mode::Host),
        other => Err(Fault::argument(format!("dispatch has no value {other}"))),
    }
}

fn workers(threads: u32) -> Result<u32, Fault> {
    match threads {
        0 => Ok(WORKERS_DEFAULT),
        1..=WORKERS_MAX => Ok(threads),
        _ => Err(Fault::argument(format!("worker_threads is more than {WORKERS_MAX}"))),
    }
}

fn capacity(entries: u32) -> Result<usize, Fault> {
    let capacity = match entries {
        0 => CAPACITY_DEFAULT,
        CAPACITY_MIN..=CAPACITY_MAX => entries,
        _ => {
            let why = format!("queue_capacity is not {CAPACITY_MIN} to {CAPACITY_MAX}");
            return Err(Fault::argument(why));
        }
    };
    Ok(usize::try_from(capacity).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> jotrack_options {
        let mut options = structs::zeroed::<jotrack_options>();
        // SAFETY: a whole struct.
        unsafe { jotrack_options_init(&raw mut options, size_of::<jotrack_options>()) };
        options
    }

    #[test]
    fn members_win_over_the_json() {
        let mut options = fresh();
        options.data_dir = c"/here".as_ptr();
        options.config_json = cr#"{"data_dir": "/there", "trash_days": 7}"#.as_ptr();

        // SAFETY: a whole struct with terminated texts.
        let opening = unsafe { Opening::read(&raw const options) }.unwrap();

        assert_eq!(opening.config.data_dir.as_deref(), Some("/here".as_ref()));
        assert_eq!(opening.config.trash_days, 7);
        assert_eq!((opening.mode, opening.workers), (Mode::Thread, 2));
    }

    #[test]
    fn unknown_keys_numbers_and_flags_are_refused() {
        let broken: [fn(&mut jotrack_options); 10] = [
            |o| o.config_json = c"{\"tresh_days\": 7}".as_ptr(),
            |o| o.config_json = c"{".as_ptr(),
            |o| o.config_json = c"[]".as_ptr(),
            |o| o.config_json = c"{\"limits\": [1]}".as_ptr(),
            |o| o.dispatch = 2,
            |o| o.worker_threads = 65,
            |o| o.flags = 8,
            |o| o.flags = JOTRACK_OPEN_NO_CREATE,
            |o| o.log_level = 6,
            |o| o.queue_capacity = 63,
        ];

        for breaks in broken {
            let mut options = fresh();
            breaks(&mut options);
            // SAFETY: a whole struct with terminated texts.
            let refused = unsafe { Opening::read(&raw const options) }.err().unwrap();
            assert_eq!(refused.status(), 1);
        }
    }

    #[test]
    fn senseless_sizes_write_nothing() {
        let mut options = structs::zeroed::<jotrack_options>();

        for size in [0, 8, jotrack_options::SIZE_0_1 - 1, 5000] {
            // SAFETY: nothing is written for these sizes.
            unsafe { jotrack_options_init(&raw mut options, size) };
            assert_eq!(options.struct_size, 0);
        }
    }
}
