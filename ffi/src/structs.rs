//! Structs that grow at their end: both sides say the size they know in `struct_size`.

use std::{mem, ptr};

use crate::error::Fault;

/// More than any struct of the interface will ever have; a larger size is an uninitialised field.
pub(crate) const SIZE_MAX: usize = 4096;

/// A struct of the interface.
///
/// # Safety
/// The type is `repr(C)`, begins with `struct_size: usize`, and the all-zero bit pattern is a value.
pub(crate) unsafe trait Struct: Copy {
    /// Its name in messages.
    const NAME: &'static str;
    /// Its size in version 0.1, the least that a caller may pass in. Frozen: when a member is added
    /// this becomes the offset of the first added member.
    const SIZE_0_1: usize;
}

/// Declares structs of the interface. A function cannot implement a trait.
macro_rules! interface_structs {
    ($name:ident grown by $member:ident) => {
        // SAFETY: as below.
        unsafe impl $crate::structs::Struct for $name {
            const NAME: &'static str = stringify!($name);
            const SIZE_0_1: usize = std::mem::offset_of!($name, $member);
        }
    };
    ($($name:ident),+ $(,)?) => {$(
        // SAFETY: `repr(C)`, `struct_size` first, and only integers, floats, pointers and nullable
        // callbacks, all of which may be zero.
        unsafe impl $crate::structs::Struct for $name {
            const NAME: &'static str = stringify!($name);
            const SIZE_0_1: usize = size_of::<$name>();
        }
    )+};
}
pub(crate) use interface_structs;

/// Makes a struct of zeros.
pub(crate) fn zeroed<T: Struct>() -> T {
    // SAFETY: `Struct` promises that all zeros are a value.
    unsafe { mem::zeroed() }
}

/// Copies an input struct; members that the caller's version does not have are zero.
///
/// # Safety
/// `input` is NULL or points to as many readable bytes as its `struct_size` says.
pub(crate) unsafe fn read<T: Struct>(input: *const T) -> Result<Option<T>, Fault> {
    if input.is_null() {
        return Ok(None);
    }
    // SAFETY: a non-NULL struct begins with its size.
    let size = unsafe { input.cast::<usize>().read_unaligned() };
    let own = size_of::<T>();
    // No sizeof ends within a member, where half a pointer would be copied.
    if size < T::SIZE_0_1 || size > SIZE_MAX || !size.is_multiple_of(align_of::<T>()) {
        let name = T::NAME;
        return Err(Fault::argument(format!(
            "{name}.struct_size is {size}: set it to sizeof({name})"
        )));
    }
    // SAFETY: the caller answers for `size` readable bytes.
    let bytes = unsafe { std::slice::from_raw_parts(input.cast::<u8>(), size) };
    if bytes.iter().skip(own).any(|byte| *byte != 0) {
        return Err(Fault::argument(format!(
            "{} has members set that this version of the library does not know",
            T::NAME
        )));
    }
    let mut value = zeroed::<T>();
    // SAFETY: both sides hold the smaller of the two sizes, and any bytes of a caller's struct of
    // this type are a value.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), (&raw mut value).cast(), size.min(own)) };
    Ok(Some(value))
}

/// An output struct of the caller, emptied already.
pub(crate) struct OutStruct<T> {
    target: *mut T,
    size: usize,
}

impl<T: Struct> OutStruct<T> {
    /// Takes an output struct and sets its members to zero. NULL is allowed.
    ///
    /// # Safety
    /// `target` is NULL or points to as many writable bytes as its `struct_size` says.
    pub(crate) unsafe fn claim(target: *mut T) -> Result<Option<Self>, Fault> {
        if target.is_null() {
            return Ok(None);
        }
        // SAFETY: a non-NULL struct begins with its size.
        let size = unsafe { target.cast::<usize>().read_unaligned() };
        if !(size_of::<usize>()..=SIZE_MAX).contains(&size) {
            let name = T::NAME;
            return Err(Fault::argument(format!(
                "{name}.struct_size is {size}: set it to sizeof({name})"
            )));
        }
        let out = Self { target, size: size.min(size_of::<T>()) };
        out.write(zeroed());
        Ok(Some(out))
    }

    /// Takes an output struct that must be there.
    ///
    /// # Safety
    /// As for [`OutStruct::claim`].
    pub(crate) unsafe fn required(target: *mut T) -> Result<Self, Fault> {
        // SAFETY: the same contract.
        let out = unsafe { Self::claim(target) }?;
        out.ok_or_else(|| Fault::argument(format!("the {} to fill is NULL", T::NAME)))
    }

    /// Writes what the caller's version of the struct has room for, never more.
    pub(crate) fn put(self, value: T) {
        self.write(value);
    }

    fn write(&self, value: T) {
        let (from, to) = ((&raw const value).cast::<u8>(), self.target.cast::<u8>());
        // SAFETY: `claim` took a struct of at least `size` writable bytes, and T has as many.
        unsafe { ptr::copy_nonoverlapping(from, to, self.size) };
        // SAFETY: the struct begins with its size.
        unsafe { self.target.cast::<usize>().write_unaligned(self.size) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct sample {
        struct_size: usize,
        number: u64,
        later: u64,
    }
    // SAFETY: `repr(C)`, size first, integers only.
    unsafe impl Struct for sample {
        const NAME: &'static str = "sample";
        const SIZE_0_1: usize = 16;
    }

    #[test]
    fn older_caller_leaves_later_members_zero() {
        let input = sample { struct_size: 16, number: 7, later: 9 };

        // SAFETY: 16 of 24 bytes are readable.
        let read = unsafe { read(&raw const input) }.unwrap().unwrap();

        assert_eq!((read.number, read.later), (7, 0));
    }

    #[test]
    fn unknown_members_are_refused_unless_zero() {
        #[repr(C)]
        struct newer(sample, u64);
        let mut input = newer(sample { struct_size: 32, number: 7, later: 8 }, 0);

        // SAFETY: 32 bytes are readable.
        let known = unsafe { read((&raw const input).cast::<sample>()) };
        input.1 = 1;
        // SAFETY: as above.
        let unknown = unsafe { read((&raw const input).cast::<sample>()) };

        assert_eq!(known.unwrap().unwrap().later, 8);
        assert!(unknown.is_err());
    }

    #[test]
    fn sizes_without_meaning_are_refused() {
        for struct_size in [0, 1, 15, 20, 4097, usize::MAX] {
            let mut input = sample { struct_size, number: 7, later: 8 };

            // SAFETY: the size is checked before anything else is read.
            assert!(unsafe { read(&raw const input) }.is_err(), "{struct_size}");
            if ![15, 20].contains(&struct_size) {
                // SAFETY: as above.
                assert!(unsafe { OutStruct::claim(&raw mut input) }.is_err(), "{struct_size}");
                assert_eq!(input.number, 7);
            }
        }
    }

    #[test]
    fn short_output_is_filled_as_far_as_it_goes() {
        let mut output = sample { struct_size: 16, number: 1, later: 2 };

        // SAFETY: 16 of 24 bytes are writable.
        let out = unsafe { OutStruct::claim(&raw mut output) }.unwrap().unwrap();
        out.put(sample { struct_size: 0, number: 7, later: 8 });

        assert_eq!((output.struct_size, output.number, output.later), (16, 7, 2));
    }
}
