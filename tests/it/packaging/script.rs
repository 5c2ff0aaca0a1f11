//! What the script does with its arguments. A small library that pretends to be the real one makes
//! its runs short.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use jotrack_tests::c::tool;
use tempfile::TempDir;

use super::{VERSION, abi, install, pkg_config, succeeds};

/// A folder with a shared library of one function, and an archive of it.
struct Built {
    dir: TempDir,
}

impl Built {
    fn new(answer: u32, soname: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let source = format!(
            "int helper(void) {{ return {answer}; }}\nint jotrack_answer(void) {{ return helper(); }}\n"
        );
        fs::write(at("answer.c"), source).unwrap();
        tool(
            Command::new("cc").args(["-c", "-fPIC", "-o"]).arg(at("answer.o")).arg(at("answer.c")),
        );
        tool(
            Command::new("cc")
                .args(["-shared", &format!("-Wl,-soname,{soname}"), "-o"])
                .arg(at("libjotrack.so"))
                .arg(at("answer.o")),
        );
        tool(Command::new("ar").arg("crs").arg(at("libjotrack.a")).arg(at("answer.o")));
        Self { dir }
    }

    fn named(answer: u32) -> Self {
        Self::new(answer, &format!("libjotrack.so.{}", abi()))
    }

    fn path(&self) -> &OsStr {
        self.dir.path().as_os_str()
    }
}

/// What is below a folder: paths from there on, files and links.
fn below(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    found
}

#[test]
fn every_file_is_told_and_a_second_run_overwrites() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (Built::named(1), Built::named(2));
    let [prefix, fresh] = ["prefix", "fresh"].map(|name| dir.path().join(name));
    let run = |prefix: &Path, built: &Built| {
        succeeds(&["--prefix".as_ref(), prefix.as_os_str(), "--from".as_ref(), built.path()])
    };

    let told = run(&prefix, &old);
    // A program that has the library open keeps it.
    let held = fs::File::open(prefix.join("lib/libjotrack.so")).unwrap();
    let again = run(&prefix, &new);
    run(&fresh, &new);

    let expected: BTreeSet<PathBuf> = [
        "include/jotrack.h",
        "include/jotrack.hpp",
        "lib/cmake/jotrack/jotrackConfig.cmake",
        "lib/cmake/jotrack/jotrackConfigVersion.cmake",
        "lib/libjotrack.a",
        "lib/libjotrack.so",
        &format!("lib/libjotrack.so.{}", abi()),
        &format!("lib/libjotrack.so.{VERSION}"),
        "lib/pkgconfig/jotrack.pc",
    ]
    .map(PathBuf::from)
    .into();
    assert_eq!(below(&prefix), expected);
    assert_eq!(told, again);
    let told: BTreeSet<_> =
        told.iter().map(|path| path.strip_prefix(&prefix).unwrap().to_owned()).collect();
    assert_eq!(told, expected);
    for path in &expected {
        let [overwritten, right] = [&prefix, &fresh].map(|root| fs::read(root.join(path)).unwrap());
        assert!(overwritten == right, "{} is left from the first run", path.display());
    }
    let kept = held.metadata().unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::nlink(&kept), 0, "the open file was written over");
    let link = fs::read_link(prefix.join("lib/libjotrack.so")).unwrap();
    assert_eq!(link, PathBuf::from(format!("libjotrack.so.{}", abi())));
    let link = fs::read_link(prefix.join("lib").join(link)).unwrap();
    assert_eq!(link, PathBuf::from(format!("libjotrack.so.{VERSION}")));
}

#[test]
fn packagers_stage_below_another_root() {
    let dir = tempfile::tempdir().unwrap();
    let (built, stage) = (Built::named(1), dir.path().join("stage"));
    for (libdir, inside) in
        [("lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"), ("/usr/lib64/", "lib64")]
    {
        let args = ["--prefix=/usr", "--libdir", libdir, "--destdir"].map(OsStr::new);
        let told =
            succeeds(&[&args[..], &[stage.as_os_str(), "--from".as_ref(), built.path()]].concat());

        let usr = stage.join("usr");
        assert!(told.iter().all(|path| path.starts_with(&usr) && path.exists()), "{told:?}");
        let lib = usr.join(inside);
        for text in ["pkgconfig/jotrack.pc", "cmake/jotrack/jotrackConfig.cmake"] {
            let text = fs::read_to_string(lib.join(text)).unwrap();
            assert!(!text.contains("stage") && !text.contains('@'), "{text}");
        }
        let mut command = Command::new("pkg-config");
        command.args(["--variable=includedir", "jotrack"]);
        let told = tool(command.env("PKG_CONFIG_PATH", lib.join("pkgconfig")));
        let include = fs::canonicalize(told.trim()).unwrap();
        assert_eq!(include, fs::canonicalize(usr.join("include")).unwrap());
    }
}

#[test]
fn one_version_is_told_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let built = Built::named(1);
    let prefix = dir.path().join("prefix");
    succeeds(&["--prefix".as_ref(), prefix.as_os_str(), "--from".as_ref(), built.path()]);

    assert_eq!(pkg_config(&prefix, &["--modversion"]), [VERSION]);
    let config = prefix.join("lib/cmake/jotrack/jotrackConfigVersion.cmake");
    let config = fs::read_to_string(config).unwrap();
    assert!(config.contains(&format!("set(PACKAGE_VERSION \"{VERSION}\")")), "{config}");
    let header = fs::read_to_string(prefix.join("include/jotrack.h")).unwrap();
    for (name, part) in ["MAJOR", "MINOR", "PATCH"].into_iter().zip(VERSION.split('.')) {
        assert!(header.contains(&format!("#define JOTRACK_VERSION_{name} {part}\n")), "{name}");
    }
}

#[test]
fn a_library_of_another_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let built = Built::new(1, "libjotrack.so.0.0");
    let prefix = dir.path().join("prefix");

    let output =
        install(&["--prefix".as_ref(), prefix.as_os_str(), "--from".as_ref(), built.path()]);

    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("its SONAME differs"));
    assert!(!prefix.exists());
}

#[test]
fn wrong_use_is_told_from_failure() {
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("prefix");
    let (prefix_text, empty) = (prefix.to_str().unwrap(), dir.path().to_str().unwrap());
    let wrong: [(&[&str], &str); 13] = [
        (&[], "--prefix is missing"),
        (&["--prefix"], "--prefix needs a value"),
        (&["--prefix="], "--prefix needs a value"),
        (&["--prefix", "usr"], "--prefix must be an absolute path: usr"),
        (&["--prefix", prefix_text, "--libdir", "/elsewhere"], "--libdir must lie below"),
        (&["--prefix", prefix_text, "--libdir", "../lib"], "not a folder below --prefix"),
        (&["--prefix", prefix_text, "--libdir", "a;b"], "not a folder below --prefix"),
        (&["--prefix", prefix_text, "--from", "/nowhere"], "--from is no folder: /nowhere"),
        (&["--prefix", prefix_text, "--from", empty], "--from has no libjotrack.so"),
        (&["--prefix", prefix_text, "--from", empty, "--no-graphql"], "--no-graphql is about"),
        (&["--prefix", prefix_text, "--from", empty, "--small"], "--small is about"),
        (&["--prefix", prefix_text, "--static"], "unknown argument: --static"),
        (&["--prefix", prefix_text, "more"], "unknown argument: more"),
    ];

    for (args, words) in wrong {
        let output = install(args);

        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {told}");
        assert!(told.starts_with(&format!("install.sh: {words}")), "{args:?}: {told}");
        assert!(told.contains("Usage: ffi/install.sh") && output.stdout.is_empty(), "{args:?}");
    }
    assert!(!prefix.exists());
}

#[test]
fn help_tells_every_option() {
    for flag in ["--help", "-h"] {
        let output = install(&[flag]);

        let told = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && output.stderr.is_empty());
        for option in
            ["--prefix P", "--destdir D", "--libdir L", "--no-graphql", "--small", "--from DIR"]
        {
            assert!(told.contains(&format!("\n  {option} ")), "{option}: {told}");
        }
    }
}
