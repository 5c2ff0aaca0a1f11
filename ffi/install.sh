#!/bin/sh
# Builds the C library and installs it for C and C++ programs. See usage below, or --help.
set -eu

usage() {
    cat <<'TEXT'
Usage: ffi/install.sh --prefix P [--destdir D] [--libdir L] [--no-graphql] [--small] [--from DIR]

Builds the C library of JoTrack, optimised, and installs it:

  P/L/libjotrack.so.X.Y.Z       the shared library, with two symbolic links to it
  P/L/libjotrack.a              the static archive; only jotrack_ symbols are global in it
  P/L/pkgconfig/jotrack.pc      for pkg-config
  P/L/cmake/jotrack/            for CMake: targets jotrack::jotrack and jotrack::static
  P/include/jotrack.h           the C header
  P/include/jotrack.hpp         the C++17 layer over it

Prints each file. A second run overwrites; programs that run keep the library they loaded.
The folder P may be moved as a whole afterwards.

Options:
  --prefix P     where to install, an absolute path; for example /usr/local
  --destdir D    put everything below D, as packagers do; nothing that is written names D
  --libdir L     folder of the libraries, below P [lib]; for example lib/x86_64-linux-gnu
  --no-graphql   leave GraphQL out: the jotrack_graphql_ functions answer JOTRACK_UNSUPPORTED;
                 and HTTP/2, so that calls to a provider at the same time need a connection each
  --small        build for size instead of speed. Where this system has glibc 2.36 or newer, the
                 shared library needs it too, and is half a megabyte smaller for that
  --from DIR     a folder with libjotrack.so and libjotrack.a that were built already;
                 nothing is built then
  -h, --help     this text

Needs Linux and binutils (ld, objcopy, ar, nm, strip, readelf); Rust 1.91 or newer.

Exit codes:
  0  installed
  1  the build or the installation failed
  2  wrong use
TEXT
}

wrong_use() {
    printf 'install.sh: %s\n' "$1" >&2
    usage >&2
    exit 2
}

fail() {
    printf 'install.sh: %s\n' "$1" >&2
    exit 1
}

# ---------------------------------------------------------------- what is asked for

prefix=
destdir=
libdir=lib
from=
features=
profile=release

while [ $# -gt 0 ]; do
    case $1 in
        --prefix=* | --destdir=* | --libdir=* | --from=*)
            option=${1%%=*}
            value=${1#*=}
            ;;
        --prefix | --destdir | --libdir | --from)
            option=$1
            [ $# -ge 2 ] || wrong_use "$1 needs a value"
            value=$2
            shift
            ;;
        --no-graphql)
            features=--no-default-features
            shift
            continue
            ;;
        --small)
            profile=small
            shift
            continue
            ;;
        -h | --help)
            usage
            exit 0
            ;;
        *) wrong_use "unknown argument: $1" ;;
    esac
    [ -n "$value" ] || wrong_use "$option needs a value"
    case $option in
        --prefix) prefix=$value ;;
        --destdir) destdir=$value ;;
        --libdir) libdir=$value ;;
        --from) from=$value ;;
    esac
    shift
done

[ -n "$prefix" ] || wrong_use "--prefix is missing"
case $prefix in
    /*) ;;
    *) wrong_use "--prefix must be an absolute path: $prefix" ;;
esac
prefix=${prefix%/}
# What is written finds the prefix from its own place, so the way there must be known.
case $libdir in
    "$prefix"/*) libdir=${libdir#"$prefix"/} ;;
    /*) wrong_use "--libdir must lie below --prefix: $libdir" ;;
esac
libdir=${libdir%/}
case /$libdir/ in
    *//* | */./* | */../* | *[!A-Za-z0-9._+/-]*) wrong_use "not a folder below --prefix: $libdir" ;;
esac
if [ -n "$from" ]; then
    [ -z "$features" ] || wrong_use "--no-graphql is about a build, and --from builds nothing"
    [ "$profile" = release ] || wrong_use "--small is about a build, and --from builds nothing"
    [ -d "$from" ] || wrong_use "--from is no folder: $from"
    from=$(CDPATH='' cd -- "$from" && pwd)
    for name in libjotrack.so libjotrack.a; do
        [ -f "$from/$name" ] || wrong_use "--from has no $name: $from"
    done
fi

# ---------------------------------------------------------------- the ground it stands on

[ "$(uname -s)" = Linux ] || fail "only Linux is supported so far"
for tool in ld objcopy ar nm strip readelf cargo rustc; do
    command -v "$tool" >/dev/null 2>&1 || fail "$tool is missing"
done

# Relative to where the caller stands, before that changes.
case $destdir in
    "" | /*) ;;
    *) destdir=$(pwd)/$destdir ;;
esac
destdir=${destdir%/}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
umask 022
work=$(mktemp -d)
: >"$work/empty.rs"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

version_part() {
    sed -n "s/^#define JOTRACK_VERSION_$1 \([0-9][0-9]*\)\$/\1/p" include/jotrack.h
}
major=$(version_part MAJOR)
minor=$(version_part MINOR)
version=$major.$minor.$(version_part PATCH)
# Before 1.0 every minor version may break the interface, so it is part of the name.
case $major in
    0) abi=0.$minor ;;
    *) abi=$major ;;
esac

# ---------------------------------------------------------------- build

# Prints what a program must link beside the archive, from what rustc has said.
native_libs() {
    sed -n 's/^.*native-static-libs: *//p' "$1" | tail -n 1
}

short_relocations='-C link-arg=-Wl,-z,pack-relative-relocs'

# Whether loader and linker know them. The loaders of glibc do since 2.36; ours is not asked where
# the library is for another system.
knows_short_relocations() {
    [ -z "${CARGO_BUILD_TARGET-}" ] || return 1
    glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || return 1
    glibc=${glibc##* }
    glibc_major=${glibc%%.*}
    glibc_minor=${glibc#*.}
    glibc_minor=${glibc_minor%%.*}
    case $glibc_major$glibc_minor in
        "" | *[!0-9]*) return 1 ;;
    esac
    [ "$glibc_major" -gt 2 ] || [ "$glibc_minor" -ge 36 ] || return 1
    # shellcheck disable=SC2086 # lists of words
    rustc ${RUSTFLAGS-} --crate-type cdylib $short_relocations -o "$work/probe.so" \
        "$work/empty.rs" >/dev/null 2>&1
}

if [ -n "$from" ]; then
    # The library brings no system library of its own, so those of an empty one are all.
    rustc --crate-type staticlib --print native-static-libs -o "$work/empty.a" "$work/empty.rs" \
        2>"$work/log" || fail "rustc does not tell its system libraries: $(cat "$work/log")"
    shared=$from/libjotrack.so
    archive=$from/libjotrack.a
else
    # Alone, because a build of the workspace would unite the features of all its crates.
    linking=
    if [ "$profile" = small ] && knows_short_relocations; then
        linking=$short_relocations
    fi
    {
        code=0
        # shellcheck disable=SC2086 # lists of words
        cargo rustc --profile "$profile" --locked -p jotrack-ffi --lib $features \
            --message-format=json-render-diagnostics -- --print native-static-libs $linking || code=$?
        echo "$code" >"$work/code"
    } 2>&1 >"$work/messages" | tee "$work/log" >&2
    [ "$(cat "$work/code")" -eq 0 ] || fail "the build failed"
    built() {
        sed -n "s/.*\"\([^\"]*\/libjotrack\.$1\)\".*/\1/p" "$work/messages" | head -n 1
    }
    shared=$(built so)
    archive=$(built a)
fi
[ -f "$shared" ] && [ -f "$archive" ] || fail "cargo does not say where the libraries are"
libs=$(native_libs "$work/log")
[ -n "$libs" ] || fail "rustc does not say which system libraries the archive needs"

readelf -d "$shared" | grep -q "\[libjotrack\.so\.$abi\]" \
    || fail "$shared is not of version $abi: its SONAME differs"

case $(readelf -h "$shared") in
    *ELF64*) pointer=8 ;;
    *) pointer=4 ;;
esac

strip --strip-unneeded -o "$work/libjotrack.so" "$shared"

# As rustc makes it the archive shows every symbol of SQLite and of all crates, so a program with an
# SQLite of its own, or with a second Rust library, would not link or would call into the wrong one.
# One object in which only the interface is global has neither; it holds what the interface needs.
# Without section groups, because a linker would drop ours in favour of a second Rust library's, and
# our panics would then unwind through its code, or not link at all.
roots=$(nm -D --defined-only --format=posix "$shared" | sed -n 's/^\(jotrack_[^ ]*\) .*/-u \1/p')
# shellcheck disable=SC2086 # a list of words
ld -r --gc-sections $roots --strip-debug --force-group-allocation -o "$work/all.o" "$archive"
# The bitcode is dead weight, and the LLVM plugin of ar stumbles over it.
objcopy --wildcard --keep-global-symbol='jotrack_*' -R .llvmbc -R .llvmcmd \
    "$work/all.o" "$work/jotrack.o"
rm "$work/all.o"
ar crsD "$work/libjotrack.a" "$work/jotrack.o"

# ---------------------------------------------------------------- install

# From a folder so many levels below the prefix back to it.
up() {
    printf '%s' "$1" | sed 's,[^/][^/]*,..,g'
}

fill() {
    sed -e "s,@VERSION@,$version,g" -e "s,@ABI@,$abi,g" -e "s,@LIBDIR@,$libdir,g" \
        -e "s,@LIBS@,$libs,g" -e "s,@LIBS_LIST@,$(printf '%s' "$libs" | sed 's/  */;/g'),g" \
        -e "s,@UP@,$2,g" -e "s,@POINTER@,$pointer,g" "ffi/package/$1.in" >"$work/$1"
}

# Moves into place, so that nobody sees half a file and a running program keeps the old one.
place() {
    folder=$destdir$prefix/$2
    mkdir -p "$folder"
    cp "$1" "$folder/.$3.new"
    chmod "$4" "$folder/.$3.new"
    mv -f "$folder/.$3.new" "$folder/$3"
    printf '%s\n' "$folder/$3"
}

link() {
    folder=$destdir$prefix/$libdir
    ln -sf "$1" "$folder/.$2.new"
    mv -f "$folder/.$2.new" "$folder/$2"
    printf '%s\n' "$folder/$2"
}

fill jotrack.pc "$(up "$libdir/pkgconfig")"
fill jotrackConfig.cmake "$(up "$libdir/cmake/jotrack")"
fill jotrackConfigVersion.cmake ""

place "$work/libjotrack.so" "$libdir" "libjotrack.so.$version" 755
link "libjotrack.so.$version" "libjotrack.so.$abi"
link "libjotrack.so.$abi" libjotrack.so
place "$work/libjotrack.a" "$libdir" libjotrack.a 644
place "$work/jotrack.pc" "$libdir/pkgconfig" jotrack.pc 644
for name in jotrackConfig.cmake jotrackConfigVersion.cmake; do
    place "$work/$name" "$libdir/cmake/jotrack" "$name" 644
done
for name in jotrack.h jotrack.hpp; do
    place "include/$name" include "$name" 644
done
