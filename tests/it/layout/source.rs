//! Files of the repository as the rules read them: Rust lines with code, literals and comments
//! apart, and the paths that code names.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// Folders that hold nothing of ours.
const SKIPPED: [&str; 4] = ["target", "node_modules", ".git", "fuzz-corpus"];

/// A text file of the repository.
pub(super) struct TextFile {
    /// Path from the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

/// A Rust file, taken apart line by line.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) lines: Vec<Line>,
    /// Index of the first line that is only compiled for tests.
    tests_from: usize,
}

/// One line of a Rust file.
#[derive(Default)]
pub(super) struct Line {
    pub(super) number: usize,
    /// The line without comments; of a literal only the quotes are left.
    pub(super) code: String,
    /// What the literals of the line say.
    pub(super) literals: String,
}

/// Returns the root of the repository.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns every text file of the repository that somebody wrote, by path.
pub(super) fn text_files() -> Vec<TextFile> {
    let mut paths = Vec::new();
    walk(&root(), &mut paths);
    paths.sort();
    let files = paths.into_iter().filter_map(|path| {
        let text = fs::read_to_string(&path).ok()?;
        let below = path.strip_prefix(root()).unwrap();
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        Some(TextFile { path: parts.join("/"), text })
    });
    files.collect()
}

static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let rust = text_files().into_iter().filter(|file| file.path.ends_with(".rs"));
    rust.map(|file| Source::of(&file.path, &file.text)).collect()
});

/// Returns every Rust file below the given folders, read once.
pub(super) fn sources(folders: &[&str]) -> Vec<&'static Source> {
    let inside = |path: &str| folders.iter().any(|folder| path.starts_with(&format!("{folder}/")));
    let sources: Vec<_> = SOURCES.iter().filter(|file| inside(&file.path)).collect();
    assert!(!sources.is_empty(), "no source below {folders:?}");
    sources
}

impl Source {
    /// Takes a file apart.
    pub(super) fn of(path: &str, text: &str) -> Self {
        let lines = split(text);
        let test_file = path
            .split('/')
            .any(|part| matches!(part, "tests" | "tests.rs" | "testing" | "benches" | "build.rs"));
        let tests_from = if test_file { 0 } else { first_test_line(&lines) };
        Self { path: path.to_owned(), lines, tests_from }
    }

    /// Returns the lines that are compiled into the product.
    pub(super) fn product(&self) -> &[Line] {
        &self.lines[..self.tests_from]
    }

    /// Returns the lines that are compiled only for tests and benchmarks.
    pub(super) fn tests(&self) -> &[Line] {
        &self.lines[self.tests_from..]
    }

    /// Returns every path that the product's code imports or writes out, groups resolved, with the
    /// line that completes it.
    pub(super) fn paths(&self) -> Vec<(usize, String)> {
        let tokens: Vec<_> = self.product().iter().flat_map(tokens).collect();
        let mut found = Vec::new();
        let mut rest = tokens.as_slice();
        while let [(number, token), tail @ ..] = rest {
            rest = tail;
            if token == "use" {
                rest = use_tree(tail, "", &mut found);
            } else if is_word(token) {
                let mut path = token.clone();
                while let [(_, colons), (_, word), tail @ ..] = rest
                    && colons == "::"
                    && is_word(word)
                {
                    path = format!("{path}::{word}");
                    rest = tail;
                }
                found.push((*number, path));
            }
        }
        found
    }
}

/// Says what is wrong, one `file:line: text` for each find.
pub(super) fn places<'a>(
    path: &str,
    lines: &'a [Line],
    is_wrong: impl Fn(&'a Line) -> bool,
) -> Vec<String> {
    let wrong = lines.iter().filter(|line| is_wrong(line));
    wrong.map(|line| format!("{path}:{}: {}", line.number, line.code.trim())).collect()
}

/// Whether the word stands in the code, not only inside a longer one.
pub(super) fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let part = |c: char| c.is_alphanumeric() || c == '_';
        let before = code[..at].chars().next_back().is_some_and(part);
        let after = code[at + word.len()..].chars().next().is_some_and(part);
        !before && !after
    })
}

fn walk(dir: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                walk(&path, paths);
            }
        } else {
            paths.push(path);
        }
    }
}

/// The style guide puts the tests of a file last, in a module of their own.
fn first_test_line(lines: &[Line]) -> usize {
    let starts = lines.windows(2).position(|pair| {
        let module = pair[1].code.trim_start();
        pair[0].code.trim() == "#[cfg(test)]"
            && module.starts_with("mod ")
            && module.trim_end().ends_with('{')
    });
    starts.unwrap_or(lines.len())
}

/// Where the reader of a Rust file is.
enum At {
    Code,
    LineComment,
    BlockComment(usize),
    Text,
    RawText(usize),
}

fn split(text: &str) -> Vec<Line> {
    let chars: Vec<char> = text.chars().collect();
    let mut lines = vec![Line { number: 1, ..Line::default() }];
    let mut at = At::Code;
    let mut i = 0;
    while let Some(&c) = chars.get(i) {
        let line = lines.last_mut().unwrap();
        let next = chars.get(i + 1).copied();
        let mut step = 1;
        if c == '\n' {
            let number = line.number + 1;
            lines.push(Line { number, ..Line::default() });
            if matches!(at, At::LineComment) {
                at = At::Code;
            }
            i += 1;
            continue;
        }
        match at {
            At::Code => match (c, next) {
                ('/', Some('/')) => at = At::LineComment,
                ('/', Some('*')) => (at, step) = (At::BlockComment(1), 2),
                ('"', _) => {
                    line.code.push(c);
                    at = At::Text;
                }
                ('r', Some('"' | '#')) if raw_hashes(&chars, i).is_some() => {
                    let hashes = raw_hashes(&chars, i).unwrap();
                    line.code.push('"');
                    (at, step) = (At::RawText(hashes), hashes + 2);
                }
                ('\'', _) => {
                    step = char_literal(&chars, i);
                    line.code.push_str(if step > 1 { "''" } else { "'" });
                }
                _ => line.code.push(c),
            },
            At::LineComment => {}
            At::BlockComment(depth) => match (c, next) {
                ('*', Some('/')) => {
                    at = if depth == 1 { At::Code } else { At::BlockComment(depth - 1) };
                    step = 2;
                }
                ('/', Some('*')) => (at, step) = (At::BlockComment(depth + 1), 2),
                _ => {}
            },
            At::Text => match c {
                '\\' => {
                    // An escaped line break ends the line like any other.
                    line.literals.push(' ');
                    step = if next == Some('\n') { 1 } else { 2 };
                }
                '"' => {
                    line.code.push(c);
                    line.literals.push(' ');
                    at = At::Code;
                }
                _ => line.literals.push(c),
            },
            At::RawText(hashes) => {
                if c == '"' && chars[i + 1..].iter().take_while(|c| **c == '#').count() >= hashes {
                    line.code.push('"');
                    line.literals.push(' ');
                    (at, step) = (At::Code, 1 + hashes);
                } else {
                    line.literals.push(c);
                }
            }
        }
        i += step;
    }
    lines
}

/// The number of `#` when a raw string begins at `i`, which is not the end of a longer word.
fn raw_hashes(chars: &[char], i: usize) -> Option<usize> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    if i > 0 && word(chars[i - 1]) && !matches!(chars[i - 1], 'b' | 'c') {
        return None;
    }
    let hashes = chars[i + 1..].iter().take_while(|c| **c == '#').count();
    (chars.get(i + 1 + hashes) == Some(&'"')).then_some(hashes)
}

/// The length of the character literal that begins at `i`; 1 when it is a lifetime.
fn char_literal(chars: &[char], i: usize) -> usize {
    match (chars.get(i + 1), chars.get(i + 2)) {
        (Some('\\'), _) => {
            let rest = chars.iter().skip(i + 3).position(|c| *c == '\'');
            rest.map_or(1, |length| length + 4)
        }
        (Some(_), Some('\'')) => 3,
        _ => 1,
    }
}

/// A word or a sign, with the number of its line.
type Token = (usize, String);

fn tokens(line: &Line) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = line.code.chars().peekable();
    while let Some(c) = chars.next() {
        let mut token = c.to_string();
        if is_word(&token) {
            while let Some(c) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                token.push(c);
            }
        } else if c == ':' && chars.next_if_eq(&':').is_some() {
            token.push(':');
        }
        if !c.is_whitespace() {
            tokens.push((line.number, token));
        }
    }
    tokens
}

fn is_word(token: &str) -> bool {
    token.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Reads one branch of a `use` and returns what follows it.
fn use_tree<'a>(
    mut rest: &'a [Token],
    prefix: &str,
    found: &mut Vec<(usize, String)>,
) -> &'a [Token] {
    let mut path = prefix.to_owned();
    while let [(number, token), tail @ ..] = rest {
        match token.as_str() {
            "{" => {
                rest = tail;
                while let [(_, token), tail @ ..] = rest {
                    match token.as_str() {
                        "}" => return tail,
                        "," => rest = tail,
                        _ => rest = use_tree(rest, &path, found),
                    }
                }
            }
            // The new name after `as` is of no interest.
            "as" => rest = tail.get(1..).unwrap_or_default(),
            _ if is_word(token) || token == "::" || token == "*" => {
                path.push_str(token);
                rest = tail;
                let goes_on = matches!(rest, [(_, next), ..] if next == "::");
                if token != "::" && !goes_on {
                    found.push((*number, path.clone()));
                }
            }
            _ => return rest,
        }
    }
    rest
}
