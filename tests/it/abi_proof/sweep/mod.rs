//! A program that calls every function of the header wrongly, one argument at a time. It is made
//! from the prototypes: a function that is new is swept without a word here.
//!
//! A call may be refused or may do nothing; it never crashes, writes nothing beside its
//! out-arguments, leaves them empty when it fails, and says why. `tests/c/sweep.c` looks at that.

mod wrong;

use std::{fmt::Write, fs};

use jotrack_tests::c::{Workbench, repository};

use self::wrong::bodies;
use super::prototypes::{Function, Header, Named};

/// The parts of a sweep, so that a failure names its half.
#[test]
fn wrong_calls_are_answered_with_callbacks_on_a_thread_of_the_engine() {
    sweep("thread");
}

#[test]
fn wrong_calls_are_answered_with_callbacks_on_the_program_s_thread() {
    sweep("host");
}

#[test]
#[cfg(target_os = "linux")]
fn memory_checker_finds_nothing_in_wrong_calls() {
    let bench = Workbench::new();
    let (program, cases) = compiled(&bench);
    let (data, test) =
        (bench.path("data"), "abi_proof::memory_checker_finds_nothing_in_wrong_calls");

    let args = [data.as_os_str(), "thread".as_ref()];
    let Some(checked) = bench.run_checked(test, &program, &args) else { return };

    assert!(number_of_checks(&checked) >= cases, "{checked}");
}

fn sweep(dispatch: &str) {
    let bench = Workbench::new();
    let (program, cases) = compiled(&bench);

    let printed = bench.run(&program, &[bench.path("data").as_os_str(), dispatch.as_ref()]);

    assert!(number_of_checks(&printed) >= cases, "{printed} of {cases} cases");
}

fn number_of_checks(printed: &str) -> usize {
    let words = printed.strip_prefix("sweep: ").and_then(|rest| rest.split(' ').next());
    words.and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn compiled(bench: &Workbench) -> (std::path::PathBuf, usize) {
    let mut program = Program::new(Header::committed());
    let functions = std::mem::take(&mut program.header.functions);
    for function in &functions {
        program.function(function);
    }
    let calls = bench.path("calls.c");
    fs::write(&calls, program.text(&functions)).unwrap();
    (bench.compile_c("c99", &[repository("tests/c/sweep.c"), calls]), program.cases)
}

/// How a case must end; the names are those of `sweep.h`.
#[derive(Clone, Copy, Debug)]
enum Ends {
    Anyhow,
    Failed,
    Refused,
}

/// One way to get one argument wrong.
struct Case {
    words: String,
    /// What is said before the call.
    before: String,
    /// The arguments that are not as they should be, by place.
    instead: Vec<(usize, String)>,
    ends: Ends,
}

/// What an argument is, by its C type and its neighbour.
enum Role {
    Engine,
    Handle(String),
    In(String),
    Out(String),
    OutHandle(String),
    OutText,
    OutNumber(String),
    Error,
    Text,
    /// Text or bytes whose length is the next argument.
    Body,
    /// Memory to fill whose size is the next argument.
    Buffer,
    Ids,
    /// The length of the argument before.
    Length,
    OwnedText,
    Callback(String),
    User,
    Signed,
    Unsigned,
}

struct Program {
    header: Header,
    names: Vec<String>,
    frame: String,
    code: String,
    cases: usize,
}

impl Program {
    fn new(header: Header) -> Self {
        let frame = fs::read_to_string(repository("tests/c/sweep.h")).unwrap();
        let names = header.functions.iter().map(|one| one.name.clone()).collect();
        Self { header, names, frame, code: String::new(), cases: 0 }
    }

    fn text(&self, functions: &[Function]) -> String {
        let frame = repository("tests/c/sweep.h");
        let mut text = format!("#include <stddef.h>\n#include \"{}\"\n\n", frame.display());
        for function in functions.iter().filter(|one| frees(one)) {
            let name = &function.name;
            if !self.code.contains(&format!("by_{name})")) {
                continue;
            }
            writeln!(text, "static void by_{name}(void *it)\n{{\n    {name}(it);\n}}\n").unwrap();
        }
        text.push_str(&self.code);
        text.push_str("void sweep(void)\n{\n");
        for function in functions {
            writeln!(text, "    sweep_{}();", function.name).unwrap();
        }
        text.push_str("}\n");
        text
    }

    fn function(&mut self, function: &Function) {
        let roles = self.roles(function);
        let right: Vec<String> =
            (0..roles.len()).map(|at| self.right(function, &roles, at)).collect();
        let mut cases = vec![Case {
            words: "as it should be".to_owned(),
            before: String::new(),
            instead: Vec::new(),
            ends: Ends::Anyhow,
        }];
        for (at, parameter) in function.parameters.iter().enumerate() {
            for (words, value, ends) in self.wrong(function, &roles, at) {
                let words = format!("{} is {words}", parameter.name);
                let instead = vec![(at, value)];
                cases.push(Case { words, before: String::new(), instead, ends });
            }
            if let Role::In(name) = &roles[at] {
                cases.extend(self.members(function, name, at));
            }
            if matches!(roles[at], Role::Body) {
                cases.extend(bodies(parameter, at));
            }
        }
        let pointers = function.parameters.iter().enumerate().filter(|(_, one)| is_pointer(one));
        let instead: Vec<_> = pointers.map(|(at, _)| (at, "NULL".to_owned())).collect();
        let mut nothing = right.clone();
        for (at, null) in &instead {
            nothing[*at].clone_from(null);
        }
        let words = "every pointer is NULL".to_owned();
        let ends = Ends::Anyhow;
        cases.push(Case { words, before: String::new(), instead, ends });

        writeln!(self.code, "static void sweep_{}(void)\n{{", function.name).unwrap();
        for case in cases {
            let mut arguments = right.clone();
            for (at, value) in case.instead {
                arguments[at] = value;
            }
            self.case(function, &case.words, &case.before, &arguments, &nothing, case.ends);
        }
        self.code.push_str("}\n\n");
    }

    fn case(
        &mut self,
        function: &Function,
        words: &str,
        before: &str,
        with: &[String],
        nothing: &[String],
        ends: Ends,
    ) {
        let name = &function.name;
        let call = format!("{name}({})", with.join(", "));
        let null = format!("{name}({})", nothing.join(", "));
        let ends = match ends {
            Ends::Anyhow => "ANYHOW",
            Ends::Failed => "FAILED",
            Ends::Refused => "REFUSED",
        };
        let said = match function.returns.as_str() {
            "jotrack_status" => format!("end_case({ends}, {call});"),
            "bool" => format!("end_case_bool({ends}, {call});"),
            "void" => format!("{call};\n        end_case_void();"),
            _ => format!("end_case_same({ends}, {call} == {null});"),
        };
        write!(
            self.code,
            "    begin_case(\"{name}\", \"{words}\");\n    {{\n        {before}{said}\n    }}\n"
        )
        .unwrap();
        self.cases += 1;
    }

    fn roles(&self, function: &Function) -> Vec<Role> {
        let named = |at: usize| function.parameters.get(at);
        let sized = |at: usize| named(at + 1).is_some_and(|next| next.kind == "size_t");
        let mut roles = Vec::new();
        for (at, Named { kind, name }) in function.parameters.iter().enumerate() {
            let pointed = kind.trim_start_matches("const ").trim_end_matches([' ', '*']).to_owned();
            let stars = kind.matches('*').count();
            let input = kind.starts_with("const ");
            let told = self.header.structs.contains_key(&pointed);
            roles.push(match (pointed.as_str(), stars) {
                ("jotrack_error", 2) => Role::Error,
                _ if kind == "const char *const *" => Role::Ids,
                ("char", 2) => Role::OutText,
                ("char" | "void", 1) if sized(at) && input => Role::Body,
                ("char" | "void", 1) if sized(at) => Role::Buffer,
                ("char", 1) if input => Role::Text,
                ("char", 1) => Role::OwnedText,
                ("void", 1) => Role::User,
                ("jotrack_engine", 1) => Role::Engine,
                (_, 2) => Role::OutHandle(pointed),
                (_, 1) if told && input => Role::In(pointed),
                (_, 1) if told => Role::Out(pointed),
                (number, 1) if !number.starts_with("jotrack_") => Role::OutNumber(pointed),
                (_, 1) => Role::Handle(pointed),
                ("size_t", 0) if at > 0 && name != "i" => Role::Length,
                (callback, 0) if callback.ends_with("_cb") => Role::Callback(pointed),
                ("int32_t" | "int64_t", 0) => Role::Signed,
                ("uint32_t" | "uint64_t" | "size_t", 0) => Role::Unsigned,
                _ => panic!("{}: what is {kind} {name}?", function.name),
            });
        }
        roles
    }

    /// The argument as it should be.
    fn right(&self, function: &Function, roles: &[Role], at: usize) -> String {
        let name = &function.parameters[at].name;
        match &roles[at] {
            Role::Engine if frees(function) => "NULL".to_owned(),
            Role::Engine => "valid_jotrack_engine()".to_owned(),
            Role::Handle(kind) => {
                let taken = frees(function) || ends_handle(function);
                let maker = format!("{}_{kind}(", if taken { "fresh" } else { "valid" });
                let is_made = self.frame.contains(&format!("*{maker}"));
                if is_made { format!("{maker})") } else { "NULL".to_owned() }
            }
            Role::In(kind) => {
                format!("in_struct({at}, \"{kind}\", sizeof({kind}), sizeof({kind}), 0)")
            }
            Role::Out(kind) => format!("out_struct({at}, sizeof({kind}), sizeof({kind}))"),
            Role::OutHandle(kind) => {
                let ends = ["free", "close", "abort"].map(|end| format!("{kind}_{end}"));
                let end = ends.iter().find(|end| self.names.contains(*end));
                format!("out_handle({at}, by_{})", end.expect("a handle can be freed"))
            }
            Role::OutText => format!("out_handle({at}, by_jotrack_string_free)"),
            Role::OutNumber(kind) => format!("out_number({at}, sizeof({kind}))"),
            Role::Error => "out_error()".to_owned(),
            Role::Text => format!("text(\"{name}\")"),
            Role::Body => "\"text\"".to_owned(),
            Role::Buffer => format!("buffer({at})"),
            Role::Ids => "ids()".to_owned(),
            Role::Length => match roles[at - 1] {
                Role::Body => "4".to_owned(),
                Role::Buffer => "BUFFER".to_owned(),
                Role::Ids => "1".to_owned(),
                Role::Out(_) | Role::In(_) => {
                    let kind = function.parameters[at - 1].kind.trim_end_matches([' ', '*']);
                    format!("sizeof({kind})")
                }
                _ => "0".to_owned(),
            },
            Role::OwnedText | Role::User => "NULL".to_owned(),
            Role::Callback(kind) => format!("call_{kind}"),
            Role::Signed => if name.contains("timeout") { "0" } else { "1" }.to_owned(),
            Role::Unsigned => "0".to_owned(),
        }
    }
}

fn is_pointer(parameter: &Named) -> bool {
    parameter.kind.ends_with('*') || parameter.kind.ends_with("_cb")
}

/// Whether it takes back what another function gave, and nothing else.
fn frees(function: &Function) -> bool {
    let ends = ["_free", "_close", "_abort"];
    function.parameters.len() == 1 && ends.iter().any(|end| function.name.ends_with(end))
}

/// Whether the handle is gone behind the call.
fn ends_handle(function: &Function) -> bool {
    ["_commit", "_stage"].iter().any(|end| function.name.ends_with(end))
}

/// Out-arguments named `out` that may be NULL, as the header says.
fn is_optional(function: &Function, name: &str) -> bool {
    name == "out" && function.parameters.iter().any(|parameter| parameter.name == "on_done")
}
