//! Gives the shared library the name that programs record, and keeps it loaded once it is loaded.

// The environment of a build script is cargo's own interface.
#![expect(clippy::disallowed_methods, reason = "cargo hands a build script its input this way")]

use std::env::var;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(fuzzing)");
    let value = |name: &str| var(name).unwrap_or_default();
    let (major, minor) = (value("CARGO_PKG_VERSION_MAJOR"), value("CARGO_PKG_VERSION_MINOR"));
    // Before 1.0 every minor version may break the interface, so it is part of the name.
    let abi = if major == "0" { format!("0.{minor}") } else { major };

    for arg in match value("CARGO_CFG_TARGET_OS").as_str() {
        // Threads of the library may be alive when the host closes it: unloading would pull their
        // code away (rust-lang/rust#91979).
        "linux" => vec![format!("-Wl,-soname,libjotrack.so.{abi}"), "-Wl,-z,nodelete".into()],
        "android" => vec!["-Wl,-soname,libjotrack.so".into(), "-Wl,-z,nodelete".into()],
        "macos" => vec![format!("-Wl,-install_name,@rpath/libjotrack.{abi}.dylib")],
        _ => Vec::new(),
    } {
        println!("cargo:rustc-cdylib-link-arg={arg}");
    }
}
