//! What can be wrong about an argument, by what it is.

use std::fmt::Write;

use super::{Case, Ends, Program, Role, frees, is_optional};
use crate::abi_proof::prototypes::{Function, Named};

impl Program {
    /// The argument as it should not be: what it is then, in C, and how the call ends.
    pub(super) fn wrong(
        &self,
        function: &Function,
        roles: &[Role],
        at: usize,
    ) -> Vec<(String, String, Ends)> {
        let name = &function.parameters[at].name;
        let case = |words: &str, value: &str, ends| (words.to_owned(), value.to_owned(), ends);
        let null = |ends| vec![case("NULL", "NULL", ends)];
        match &roles[at] {
            Role::Engine => handles(function, "jotrack_engine"),
            Role::Handle(kind) => handles(function, kind),
            Role::OutHandle(_) if name == "out" && function.returns == "jotrack_status" => {
                let ends = if is_optional(function, name) { Ends::Anyhow } else { Ends::Refused };
                null(ends)
            }
            Role::OutHandle(_) | Role::OutText | Role::OutNumber(_) | Role::Error => {
                null(Ends::Anyhow)
            }
            Role::OwnedText => vec![
                case("NULL", "NULL", Ends::Anyhow),
                case("freed already", "gone_string()", Ends::Anyhow),
                case("no text of the library", "foreign()", Ends::Anyhow),
            ],
            Role::User | Role::Callback(_) => null(Ends::Anyhow),
            Role::Text => vec![
                case("NULL", "NULL", Ends::Anyhow),
                case("empty", "\"\"", Ends::Anyhow),
                case("not UTF-8", "BAD_UTF8", Ends::Refused),
                case("cut within a character", "CUT_UTF8", Ends::Refused),
                case("of a megabyte", "overlong()", Ends::Failed),
            ],
            Role::Body => vec![case("NULL", "NULL", Ends::Refused)],
            Role::Buffer => vec![case("NULL", "NULL", Ends::Refused)],
            Role::Ids => vec![
                case("NULL", "NULL", Ends::Refused),
                case("a list with NULL", "ids_with(NULL)", Ends::Refused),
                case("a list with no id", "ids_with(\"\")", Ends::Refused),
                case("a list with no UTF-8", "ids_with(BAD_UTF8)", Ends::Refused),
                case("a list with a megabyte", "ids_with(overlong())", Ends::Refused),
            ],
            Role::Length => self.lengths(roles, at),
            Role::In(kind) => {
                let mut cases = null(Ends::Anyhow);
                let name = format!("in_struct({at}, \"{kind}\", sizeof({kind}), ");
                let cut = format!("sizeof({kind}) + 4");
                for size in SENSELESS.into_iter().chain([cut.as_str()]) {
                    let words = format!("of size {size}");
                    cases.push((words, format!("{name}{size}, 0)"), Ends::Refused));
                }
                let more = format!("{name}sizeof({kind}) + 16, ");
                cases.push(case("newer", &format!("{more}0)"), Ends::Anyhow));
                cases.push(case("newer and says more", &format!("{more}1)"), Ends::Refused));
                cases
            }
            Role::Out(kind) => {
                let mut cases = null(Ends::Anyhow);
                if matches!(roles.get(at + 1), Some(Role::Length)) {
                    return cases;
                }
                let name = format!("out_struct({at}, sizeof({kind}), ");
                for size in SENSELESS {
                    let words = format!("of size {size}");
                    cases.push((words, format!("{name}{size})"), Ends::Refused));
                }
                for size in ["sizeof(size_t)", "sizeof(size_t) + 4", "less", "more"] {
                    let said = match size {
                        "less" => format!("sizeof({kind}) - 1"),
                        "more" => format!("sizeof({kind}) + 16"),
                        size => size.to_owned(),
                    };
                    let words = format!("of size {said}");
                    cases.push((words, format!("{name}{said})"), Ends::Anyhow));
                }
                cases
            }
            Role::Signed => signed(function, name),
            Role::Unsigned => {
                vec![case("UINT32_MAX", "UINT32_MAX", Ends::Anyhow), case("1", "1", Ends::Anyhow)]
            }
        }
    }

    fn lengths(&self, roles: &[Role], at: usize) -> Vec<(String, String, Ends)> {
        let ends = match roles[at - 1] {
            Role::Body | Role::Ids => Ends::Refused,
            Role::Buffer | Role::Out(_) => Ends::Anyhow,
            _ => Ends::Anyhow,
        };
        let mut cases = vec![
            ("0".to_owned(), "0".to_owned(), Ends::Anyhow),
            ("1".to_owned(), "1".to_owned(), Ends::Anyhow),
        ];
        // A buffer must have what is said; a function that writes a short text writes no more.
        if !matches!(roles[at - 1], Role::Buffer | Role::Out(_)) {
            cases.push(("SIZE_MAX".to_owned(), "SIZE_MAX".to_owned(), ends));
        }
        cases
    }

    /// A struct that goes in with one wrong member.
    pub(super) fn members(&self, function: &Function, kind: &str, at: usize) -> Vec<Case> {
        let argument = &function.parameters[at].name;
        let mut cases = Vec::new();
        let members = &self.header.structs[kind];
        for (i, Named { kind: member, name }) in members.iter().enumerate().skip(1) {
            let length = members.get(i + 1).filter(|next| next.name == format!("{name}_len"));
            for (value, len, ends) in wrong_members(kind, member, name, length.is_some()) {
                let passes = PASSING.iter().any(|(call, owner, of, part, _)| {
                    function.name.ends_with(call)
                        && *owner == kind
                        && *of == name
                        && value.contains(part)
                });
                let ends = if passes { Ends::Anyhow } else { ends };
                let make =
                    format!("in_struct({at}, \"{kind}\", sizeof({kind}), sizeof({kind}), 0)");
                let mut before =
                    format!("{kind} *with = {make};\n\n        with->{name} = {value};\n");
                if let Some(length) = length {
                    writeln!(before, "        with->{} = {len};", length.name).unwrap();
                }
                before.push_str("        ");
                let said = value.replace('\\', "\\\\").replace('"', "'");
                let words = format!("{argument}.{name} is {said}");
                cases.push(Case { words, before, instead: vec![(at, "with".to_owned())], ends });
            }
        }
        cases
    }
}

/// Handles of a kind that are none. Functions that only free do nothing with them; only closing an
/// engine has a status to say so. Those without a status answer as they do for NULL.
fn handles(function: &Function, kind: &str) -> Vec<(String, String, Ends)> {
    let null = if frees(function) { Ends::Anyhow } else { Ends::Refused };
    let other = if kind == "jotrack_engine" { "jotrack_error" } else { "jotrack_engine" };
    [
        ("NULL", "NULL".to_owned(), null),
        ("freed already", format!("gone_{kind}()"), Ends::Refused),
        ("of another kind", format!("(void *)valid_{other}()"), Ends::Refused),
        ("not of the library", "foreign()".to_owned(), Ends::Refused),
    ]
    .map(|(words, value, ends)| (words.to_owned(), value, ends))
    .to_vec()
}

/// Sizes that no version of a struct has.
const SENSELESS: [&str; 5] = ["0", "1", "7", "4097", "SIZE_MAX"];

/// Members in which every number means something, or is only compared, and why.
const ANY_NUMBER: [(&str, &str); 4] = [
    ("expected_version", "a version that is not there is a conflict, and 0 asks for none"),
    ("size_hint", "what the caller expects; the real size decides"),
    ("timeout_ms", "the shorter of it and the engine's own counts"),
    ("status_at_ms", "a time"),
];

/// Members that a call may accept, whatever they are, and why.
const PASSING: [(&str, &str, &str, &str, &str); 5] = [
    ("_update", "jotrack_job_input", "status", "", "counts with its bit, which no update takes"),
    ("_list", "jotrack_job_filter", "company", "overlong", "is compared, and nothing has it"),
    ("_open", "jotrack_attachment_input", "filename", "overlong", "is looked at by the commit"),
    ("", "jotrack_graphql_request", "query", "overlong", "is answered with errors in the response"),
    ("", "jotrack_graphql_request", "operation_name", "overlong", "as the query"),
];

fn wrong_members(
    owner: &str,
    kind: &str,
    name: &str,
    has_length: bool,
) -> Vec<(&'static str, &'static str, Ends)> {
    let any = ANY_NUMBER.iter().any(|(member, _)| *member == name);
    let ends = if any || name.ends_with("_ms") { Ends::Anyhow } else { Ends::Failed };
    match kind {
        "const char *" if has_length => vec![
            ("NULL", "4", Ends::Refused),
            ("\"a\\0b\"", "3", Ends::Failed),
            ("BAD_UTF8", "2", Ends::Refused),
            ("CUT_UTF8", "3", Ends::Refused),
            ("\"text\"", "SIZE_MAX", Ends::Refused),
            ("overlong()", "1 << 20", Ends::Failed),
        ],
        // The engine makes the folder that it is told, and a text of spaces is a name too.
        "const char *" => vec![
            ("NULL", "", Ends::Anyhow),
            ("BAD_UTF8", "", Ends::Refused),
            ("CUT_UTF8", "", Ends::Refused),
            ("overlong()", "", Ends::Failed),
        ],
        // A function that is none cannot be told from one; what a host keeps for itself is not read.
        "size_t" | "void *" => Vec::new(),
        callback if callback.ends_with("_cb") => Vec::new(),
        "int32_t" => vec![("-1", "", ends), ("INT32_MAX", "", ends), ("INT32_MIN", "", ends)],
        "int64_t" => vec![("INT64_MIN", "", ends), ("INT64_MAX", "", ends)],
        "uint32_t" => vec![("UINT32_MAX", "", ends)],
        "uint64_t" => vec![("UINT64_MAX", "", ends)],
        _ => panic!("{owner}.{name}: what is {kind}?"),
    }
}

pub(super) fn bodies(parameter: &Named, at: usize) -> Vec<Case> {
    let is_text = parameter.kind.contains("char");
    let case = |words: &str, value: &str, len: &str, ends: Ends| Case {
        words: format!("{} is {words}", parameter.name),
        before: String::new(),
        instead: vec![(at, value.to_owned()), (at + 1, len.to_owned())],
        ends: if is_text { ends } else { Ends::Anyhow },
    };
    vec![
        case("a text with a NUL", "\"a\\0b\"", "3", Ends::Failed),
        case("not UTF-8", "BAD_UTF8", "2", Ends::Refused),
        case("cut within a character", "CUT_UTF8", "3", Ends::Refused),
        case("nothing at all", "NULL", "0", Ends::Anyhow),
        case("of a megabyte", "overlong()", "1 << 20", Ends::Anyhow),
    ]
}

fn signed(function: &Function, name: &str) -> Vec<(String, String, Ends)> {
    let case = |value: &str, ends| (value.to_owned(), value.to_owned(), ends);
    // -1 waits for ever, and the largest number nearly so.
    if name.contains("timeout") {
        return vec![case("-2", Ends::Refused), case("INT32_MIN", Ends::Refused)];
    }
    let is_time = name.ends_with("_ms");
    let only_named = function.returns != "jotrack_status" || is_time || name == "archived";
    let ends = if only_named { Ends::Anyhow } else { Ends::Refused };
    let (min, max) = if is_time { ("INT64_MIN", "INT64_MAX") } else { ("INT32_MIN", "INT32_MAX") };
    vec![case("-1", ends), case(max, ends), case(min, ends)]
}
