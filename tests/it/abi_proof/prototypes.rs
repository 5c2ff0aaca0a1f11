//! What the header declares, as data.

use std::{collections::BTreeMap, fs};

use jotrack_tests::c::repository;

/// A name with its C type, as in `const char *` and `id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) kind: String,
    pub(super) name: String,
}

impl Named {
    /// Reads a declaration without its semicolon: `const char *const *ids`, `char id[40]`.
    fn read(text: &str) -> Self {
        let text = text.trim();
        let text = text.split_once('[').map_or(text, |(before, _)| before);
        let at = text.rfind([' ', '*']).map_or(0, |at| at + 1);
        let kind = text[..at].replace("struct ", "").trim().to_owned();
        Self { kind, name: text[at..].to_owned() }
    }
}

/// A function of the header.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) returns: String,
    pub(super) name: String,
    pub(super) parameters: Vec<Named>,
}

/// A header, read.
pub(super) struct Header {
    pub(super) functions: Vec<Function>,
    /// Structs whose members the header tells, and the members.
    pub(super) structs: BTreeMap<String, Vec<Named>>,
}

impl Header {
    /// Reads the committed header.
    pub(super) fn committed() -> Self {
        Self::read(&fs::read_to_string(repository("include/jotrack.h")).unwrap())
    }

    pub(super) fn read(text: &str) -> Self {
        let code = without_comments(text);
        let functions = code.split("\nJOTRACK_API").skip(1).map(|rest| {
            let (head, rest) = rest.split_once('(').unwrap();
            let (list, _) = rest.split_once(");").unwrap();
            let Named { kind, name } = Named::read(&words(head));
            let list = words(list);
            let parameters = list.split(',').filter(|one| *one != "void").map(Named::read);
            Function { returns: kind, name, parameters: parameters.collect() }
        });
        let structs = code.split("typedef struct jotrack_").skip(1).filter_map(|rest| {
            let (name, body) = rest.split_once(" {").filter(|(name, _)| !name.contains(';'))?;
            let (body, _) = body.split_once('}').unwrap();
            let members = body.split(';').map(words).filter(|member| !member.is_empty());
            let members = members.map(|member| Named::read(&member)).collect();
            Some((format!("jotrack_{name}"), members))
        });
        Self { functions: functions.collect(), structs: structs.collect() }
    }
}

/// C without its comments; what stood in string literals is emptied too.
pub(super) fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(one) = rest.next() {
        match (one, rest.peek()) {
            ('/', Some('*')) => {
                let mut last = ' ';
                rest.next();
                for inside in rest.by_ref() {
                    if last == '*' && inside == '/' {
                        break;
                    }
                    last = inside;
                }
                code.push(' ');
            }
            ('/', Some('/')) => {
                rest.by_ref().find(|inside| *inside == '\n');
                code.push('\n');
            }
            ('"', _) => {
                while let Some(inside) = rest.next().filter(|inside| *inside != '"') {
                    if inside == '\\' {
                        rest.next();
                    }
                }
                code.push_str("\"\"");
            }
            _ => code.push(one),
        }
    }
    code
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn header_is_read_whole() {
    let header = Header::committed();
    let text = fs::read_to_string(repository("include/jotrack.h")).unwrap();

    assert_eq!(header.functions.len(), text.matches("\nJOTRACK_API").count());
    assert_eq!(
        header.structs.len(),
        text.matches("\ntypedef struct jotrack_").count() - opaque(&text)
    );
    let get = header.functions.iter().find(|one| one.name == "jotrack_job_get").unwrap();
    let kinds: Vec<_> = get.parameters.iter().map(|one| one.kind.as_str()).collect();
    assert_eq!(get.returns, "jotrack_status");
    assert_eq!(
        kinds,
        ["jotrack_engine *", "const char *", "jotrack_job_page **", "jotrack_error **"]
    );
    for (name, members) in &header.structs {
        let first = if name == "jotrack_str" { "data" } else { "struct_size" };
        assert_eq!(members[0].name, first, "{name}");
    }
}

fn opaque(text: &str) -> usize {
    let declared = text.lines().filter(|line| line.starts_with("typedef struct jotrack_"));
    declared.filter(|line| line.ends_with(';')).count()
}

#[test]
fn comments_and_literals_are_no_code() {
    let code = without_comments("a(\"b(\\\"c(\"); /* d( */ e(); // f(\ng();");

    assert_eq!(words(&code), "a(\"\"); e(); g();");
}
