//! How an engine is opened.

use std::{ffi::c_char, ptr};

use jotrack_core::{Config, KeySource};
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::{
    args,
    enums::jotrack_dispatch_mode,
    error::Fault,
    guard::shield,
    queue::Mode,
    structs::{self, SIZE_MAX, Struct, interface_structs},
};

/// Workers of an engine when the host does not say.
const WORKERS_DEFAULT: u32 = 2;
/// Most workers of an engine.
const WORKERS_MAX: u32 = 64;

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
    /// 0.
    pub flags: u64,
    /// The key that seals provider keys and personal answers: 32 bytes in base64 with padding, or
    /// several of them, one a line, the current one first. NULL = master.key in the data folder,
    /// made when it is first needed. Keep it in the system's key store; what it sealed is lost
    /// without it. A copy is kept until the engine is closed and its jotrack_op, reader and writer
    /// handles are freed, then wiped.
    pub master_key: *const c_char,
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
        if flags != 0 {
            return Err(Fault::argument(format!("flags has unknown bits in {flags:#x}")));
        }
        Ok(Self { config, mode: mode(dispatch)?, workers: workers(worker_threads)? })
    }
}

fn parse(json: &str) -> Result<Config, Fault> {
    let refused = |e| Fault::argument(format!("config_json: {e}"));
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
        let broken: [fn(&mut jotrack_options); 7] = [
            |o| o.config_json = c"{\"tresh_days\": 7}".as_ptr(),
            |o| o.config_json = c"{".as_ptr(),
            |o| o.config_json = c"[]".as_ptr(),
            |o| o.config_json = c"{\"limits\": [1]}".as_ptr(),
            |o| o.dispatch = 2,
            |o| o.worker_threads = 65,
            |o| o.flags = 1,
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
