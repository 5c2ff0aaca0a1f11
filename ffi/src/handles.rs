//! The table of what hosts hold: every handle and text handed out, by its address.
//!
//! A pointer that comes back is looked up before it is followed, so one that was freed, that is of
//! another kind or that never was the library's is answered. What cannot be told: a handle freed
//! twice after a new one of its kind took the address.

use std::{
    any::TypeId,
    cell::Cell,
    collections::HashMap,
    ffi::{CString, c_char},
    iter, ptr,
    sync::atomic::{AtomicPtr, AtomicU64, Ordering},
};

use parking_lot::RwLock;

use crate::forks::Process;

/// Parts of the table, each with a lock of its own, so that threads rarely meet.
const SHARDS: usize = 16;

/// Kept under `!address`: a leak checker that met the address itself here would take a handle that
/// the host forgot for one that is still reachable.
type Shard = RwLock<HashMap<usize, Entry>>;

static TABLE: AtomicPtr<Table> = AtomicPtr::new(ptr::null_mut());

/// How many entries have left the table.
static LEFT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// What this thread has read last. It need not be found again while nothing leaves the table: a
    /// page is read row by row.
    static LAST: Cell<Option<Found>> = const { Cell::new(None) };
}

#[derive(Clone, Copy, PartialEq)]
struct Found {
    /// As in the table.
    hidden: usize,
    kind: TypeId,
    /// What `LEFT` was.
    at: u64,
}

struct Table {
    /// The process whose threads hold its locks.
    process: Process,
    /// What a forked child was left. It is looked at as far as no lock of it was held then.
    inherited: Option<&'static Table>,
    shards: [Shard; SHARDS],
}

#[derive(Clone, Copy, PartialEq)]
struct Entry {
    kind: TypeId,
    /// Whether the host frees it; what a callback is shown it only reads.
    owned: bool,
}

/// Hands a value to the host.
pub(crate) fn give<T: 'static>(value: T) -> *mut T {
    let handle = Box::into_raw(Box::new(value));
    enter::<T>(handle.addr(), true);
    handle
}

/// Hands a text to the host.
pub(crate) fn give_text(text: CString) -> *mut c_char {
    let text = text.into_raw();
    enter::<CString>(text.addr(), true);
    text
}

/// Looks at a handle that other threads may free meanwhile (T1 of the header): it stays for as long
/// as `look` runs, which must be short. `None` when it is NULL or not a live one of this kind.
pub(crate) fn with<T: Sync + 'static, R>(
    handle: *const T,
    look: impl FnOnce(&T) -> R,
) -> Option<R> {
    find::<T, R>(handle.addr(), |_| {
        // SAFETY: the table has it, so it is a live value of this type, and who takes it back waits
        // for the lock that is held here.
        unsafe { handle.as_ref() }.map(look)
    })
}

/// Reads a handle: `None` when it is NULL or not a live one of this kind.
///
/// # Safety
/// No other thread frees or changes it while the reference lives (T2 of the header).
pub(crate) unsafe fn get<'a, T: 'static>(handle: *const T) -> Option<&'a T> {
    let found = Found {
        hidden: !handle.addr(),
        kind: TypeId::of::<T>(),
        // Before the table: what leaves it meanwhile must not be taken for what was found.
        at: LEFT.load(Ordering::Acquire),
    };
    if LAST.get() != Some(found) {
        find::<T, _>(handle.addr(), |_| Some(()))?;
        LAST.set(Some(found));
    }
    // SAFETY: the table has it, so it is a live value of this type.
    unsafe { handle.as_ref() }
}

/// As [`get`], to change it.
///
/// # Safety
/// No other thread uses it while the reference lives (T2 of the header).
pub(crate) unsafe fn get_mut<'a, T: 'static>(handle: *mut T) -> Option<&'a mut T> {
    find::<T, _>(handle.addr(), |entry| entry.owned.then_some(()))?;
    // SAFETY: the table has it, so it is a live value of this type.
    unsafe { handle.as_mut() }
}

/// Takes a handle back from the host: `None` when it is NULL or not a live one of this kind.
///
/// # Safety
/// No other thread uses it.
pub(crate) unsafe fn take<T: 'static>(handle: *mut T) -> Option<Box<T>> {
    leave::<T>(handle.addr(), true).then(|| {
        // SAFETY: `give` made it of a box, and the table had it, so nobody else has taken it.
        unsafe { Box::from_raw(handle) }
    })
}

/// Takes a text back from the host: `None` when it is NULL or not a live one.
///
/// # Safety
/// No other thread uses it.
pub(crate) unsafe fn take_text(text: *mut c_char) -> Option<CString> {
    leave::<CString>(text.addr(), true).then(|| {
        // SAFETY: `give_text` made it, and the table had it, so nobody else has taken it.
        unsafe { CString::from_raw(text) }
    })
}

/// Shows a value to the host for as long as this lives.
pub(crate) struct Lent<'a, T: 'static>(&'a T);

impl<'a, T: 'static> Lent<'a, T> {
    pub(crate) fn new(value: &'a T) -> Self {
        enter::<T>(ptr::from_ref(value).addr(), false);
        Self(value)
    }

    pub(crate) fn pointer(&self) -> *const T {
        self.0
    }
}

impl<T: 'static> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        leave::<T>(self.pointer().addr(), false);
    }
}

fn enter<T: 'static>(address: usize, owned: bool) {
    let entry = Entry { kind: TypeId::of::<T>(), owned };
    table_of_this_process().shard(address).write().insert(!address, entry);
}

/// Looks at what is known of a live handle of a kind, while nobody can take it back.
fn find<T: 'static, R>(address: usize, look: impl FnOnce(Entry) -> Option<R>) -> Option<R> {
    for table in tables() {
        let shard = table.shard(address);
        let shard = match shard.try_read() {
            Some(shard) => shard,
            None if table.process.is_this() => shard.read(),
            None => continue,
        };
        if let Some(entry) = shard.get(&!address) {
            return (entry.kind == TypeId::of::<T>()).then(|| look(*entry)).flatten();
        }
    }
    None
}

fn leave<T: 'static>(address: usize, owned: bool) -> bool {
    let entry = Entry { kind: TypeId::of::<T>(), owned };
    tables().any(|table| table.remove(address, entry))
}

/// The table of this process, and behind it those of the processes that it was forked from.
fn tables() -> impl Iterator<Item = &'static Table> {
    // SAFETY: NULL or a table, and tables are never freed.
    let newest = unsafe { TABLE.load(Ordering::Acquire).as_ref() };
    iter::successors(newest, |table| table.inherited)
}

/// The table to enter something in. A forked child starts one of its own: a thread that it has not
/// may hold a lock of the one it inherited.
fn table_of_this_process() -> &'static Table {
    let found = TABLE.load(Ordering::Acquire);
    // SAFETY: NULL or a table, and tables are never freed.
    let inherited = unsafe { found.as_ref() };
    if let Some(table) = inherited.filter(|table| table.process.is_this()) {
        return table;
    }
    let fresh = Box::into_raw(Box::new(Table::new(inherited)));
    match TABLE.compare_exchange(found, fresh, Ordering::AcqRel, Ordering::Acquire) {
        // SAFETY: just made, and never freed from now on.
        Ok(_) => unsafe { &*fresh },
        Err(others) => {
            // SAFETY: just made, and nobody has seen it.
            drop(unsafe { Box::from_raw(fresh) });
            // SAFETY: another thread of this process was quicker; tables are never freed.
            unsafe { &*others }
        }
    }
}

impl Table {
    fn new(inherited: Option<&'static Self>) -> Self {
        let shards = std::array::from_fn(|_| Shard::default());
        Self { process: Process::this(), inherited, shards }
    }

    fn shard(&self, address: usize) -> &Shard {
        // The lowest bits of what an allocator gives are always the same.
        let [first, ..] = &self.shards;
        self.shards.get((address >> 4) % SHARDS).unwrap_or(first)
    }

    /// Removes what is known of an address when it is this, unless a thread that a forked child has
    /// not holds the lock.
    fn remove(&self, address: usize, entry: Entry) -> bool {
        let shard = self.shard(address);
        let mut shard = match shard.try_write() {
            Some(shard) => shard,
            None if self.process.is_this() => shard.write(),
            None => return false,
        };
        let is_known = shard.get(&!address) == Some(&entry);
        if is_known {
            shard.remove(&!address);
            LEFT.fetch_add(1, Ordering::Release);
        }
        is_known
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    struct Cup(u8);
    struct Saucer;

    #[test]
    fn live_handle_is_read_changed_and_taken_once() {
        let cup = give(Cup(3));

        // SAFETY: a handle of this thread alone; what is freed is not followed.
        unsafe {
            assert_eq!(get(cup).unwrap().0, 3);
            get_mut(cup).unwrap().0 = 4;
            assert_eq!(take(cup).unwrap().0, 4);
            assert!(get(cup).is_none() && get_mut(cup).is_none() && take(cup).is_none());
        }
    }

    #[test]
    fn handle_of_another_kind_and_a_foreign_pointer_are_not_followed() {
        let cup = give(Cup(3));
        let mine = Cup(5);

        // SAFETY: nothing is followed that is not of its kind.
        unsafe {
            assert!(get(cup.cast::<Saucer>()).is_none());
            assert!(take(cup.cast::<Saucer>()).is_none());
            assert!(take_text(cup.cast()).is_none());
            assert!(get(&raw const mine).is_none());
            assert!(get(ptr::dangling::<Cup>()).is_none());
            assert!(get(ptr::null::<Cup>()).is_none());
            assert!(take(cup).is_some());
        }
    }

    #[test]
    fn handle_that_another_thread_freed_is_not_read_again() {
        let cup = give(Cup(3));
        for _ in 0..2 {
            // SAFETY: nobody frees it meanwhile.
            assert!(unsafe { get(cup) }.is_some());
        }

        let address = cup.expose_provenance();
        thread::scope(|scope| {
            scope.spawn(move || {
                let cup = ptr::with_exposed_provenance_mut::<Cup>(address);
                // SAFETY: nobody else uses it now.
                assert!(unsafe { take(cup) }.is_some());
            });
        });

        // SAFETY: what is freed is not followed.
        assert!(unsafe { get(cup) }.is_none());
    }

    #[test]
    fn text_is_taken_back_once() {
        let text = give_text(c"text".to_owned());

        // SAFETY: a text of this thread alone.
        unsafe {
            assert_eq!(take_text(text).unwrap().as_c_str(), c"text");
            assert!(take_text(text).is_none());
        }
    }

    #[test]
    fn what_is_lent_is_read_until_then_and_never_taken() {
        let cup = Cup(3);
        let lent = Lent::new(&cup);
        let pointer = lent.pointer();

        // SAFETY: the value lives; it is only read.
        unsafe {
            assert_eq!(get(pointer).unwrap().0, 3);
            assert!(take(pointer.cast_mut()).is_none() && get_mut(pointer.cast_mut()).is_none());
            drop(lent);
            assert!(get(pointer).is_none());
        }
    }

    #[test]
    fn address_of_a_handle_is_not_in_the_table_itself() {
        let cup = give(Cup(3));

        let shard = tables().next().unwrap().shard(cup.addr()).read();
        assert!(!shard.contains_key(&cup.addr()) && shard.contains_key(&!cup.addr()));
        drop(shard);
        // SAFETY: a handle of this thread alone.
        assert!(unsafe { take(cup) }.is_some());
    }
}
