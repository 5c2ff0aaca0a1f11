use std::fmt::Write as _;

use proptest::prelude::*;

use super::{measure::Totals, *};

const INTROSPECTION: &str = include_str!("introspection.graphql");

fn refuse(query: &str) -> Refusal {
    check(query, &Limits::default()).unwrap_err()
}

fn limit_of(query: &str) -> Option<&'static str> {
    refuse(query).limit.map(|(name, _)| name)
}

fn pass(query: &str) -> Checked {
    check(query, &Limits::default()).unwrap()
}

/// A chain of fragments, each spreading the next `spreads` times.
fn chain(levels: usize, spreads: usize) -> String {
    let mut text = "{ job { ...F0 } }".to_owned();
    for level in 0..levels {
        let body = format!("...F{} ", level + 1).repeat(spreads);
        write!(text, " fragment F{level} on Job {{ {body}}}").unwrap();
    }
    write!(text, " fragment F{levels} on Job {{ __typename }}").unwrap();
    text
}

fn selections_looked_at(query: &str, limits: &Limits) -> usize {
    measure::measure(&parse_query(query).unwrap(), limits).unwrap()
}

#[test]
fn fragment_chains_are_refused_at_every_size() {
    for levels in 13..=32 {
        for spreads in 2..=10 {
            let refusal = refuse(&chain(levels, spreads));

            assert_eq!(refusal.code, TOO_COMPLEX, "{levels} levels, {spreads} spreads");
        }
    }
}

#[test]
fn short_fragment_chains_are_refused_once_they_expand_too_far() {
    assert_eq!(limit_of(&chain(10, 10)), Some("selections"));
    assert_eq!(limit_of(&chain(12, 2)), Some("selections"));
    pass(&chain(10, 2));
}

#[test]
fn measuring_looks_at_each_written_selection_once() {
    let unlimited = Limits { selections: usize::MAX, ..Limits::default() };

    assert_eq!(selections_looked_at(&chain(10, 10), &unlimited), 2 + 10 * 10 + 1);
    assert_eq!(selections_looked_at(&chain(30, 10), &unlimited), 2 + 30 * 10 + 1);
}

#[test]
fn totals_beyond_the_integers_saturate() {
    let limits =
        Limits { selections: usize::MAX - 1, document_tokens: usize::MAX, ..Limits::default() };

    let refusal = check(&chain(40, 100), &limits).unwrap_err();

    assert_eq!(refusal.limit.map(|(name, _)| name), Some("selections"));
}

#[test]
fn fragment_cycles_are_refused_with_the_place() {
    for query in [
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { x { ...A } }",
        "{ x } fragment A on Query { ...B } fragment B on Query { ... { ...B } }",
    ] {
        let refusal = refuse(query);

        assert_eq!(refusal.code, VALIDATION_FAILED, "{query}");
        assert!(refusal.message.contains("spreads itself"), "{}", refusal.message);
        assert!(refusal.position.is_some());
    }
}

#[test]
fn a_fragment_spread_on_two_paths_is_no_cycle() {
    pass(
        "{ ...A ...B } fragment A on Query { ...C } fragment B on Query { ...C } fragment C on Query { x }",
    );
}

#[test]
fn long_fragment_chains_need_no_stack_and_are_refused() {
    let mut text = "{ ...F0 }".to_owned();
    for level in 0..2_000 {
        write!(text, "fragment F{level} on Q{{...F{}}}", level + 1).unwrap();
    }
    text.push_str("fragment F2000 on Q{x}");
    let limits =
        Limits { document_tokens: usize::MAX, definitions: usize::MAX, ..Limits::default() };

    assert_eq!(limit_of(&text), Some("document_tokens"));
    assert_eq!(check(&text, &limits).unwrap_err().limit, Some(("nesting", 64)));
}

#[test]
fn two_thousand_aliases_are_refused() {
    let many: String = (0..2_000).map(|n| format!("a{n}:__typename ")).collect();
    let few: String = (0..31).map(|n| format!("a{n}:x ")).collect();

    assert_eq!(refuse(&format!("{{ {many} }}")).code, TOO_COMPLEX);
    assert_eq!(limit_of(&format!("{{ job {{ {few} }} }}")), Some("aliases"));
}

#[test]
fn aliases_in_a_fragment_count_at_each_spread() {
    let aliases: String = (0..11).map(|n| format!("a{n}:x ")).collect();
    let fragment = format!("fragment A on Job {{ {aliases} }}");

    pass(&format!("{{ j {{ ...A ...A }} }} {fragment}"));
    assert_eq!(limit_of(&format!("{{ j {{ ...A ...A ...A }} }} {fragment}")), Some("aliases"));
}

#[test]
fn root_fields_are_counted_through_fragments() {
    let ten = "x ".repeat(10);

    pass(&format!("{{ {ten} }}"));
    assert_eq!(limit_of(&format!("{{ {ten} y }}")), Some("root_fields"));
    assert_eq!(
        limit_of(&format!("{{ ...A ... {{ y }} }} fragment A on Query {{ {ten} }}")),
        Some("root_fields")
    );
}

#[test]
fn five_thousand_duplicate_fields_are_refused() {
    assert_eq!(limit_of(&format!("{{ j {{ {} }} }}", "x ".repeat(5_000))), Some("document_tokens"));
    assert_eq!(limit_of(&format!("{{ j {{ {} }} }}", "x ".repeat(4_900))), Some("selection_set"));
}

#[test]
fn directives_are_limited_at_one_place_and_in_all() {
    let one = "@skip(if:false)";

    assert_eq!(limit_of(&format!("{{ x {} }}", one.repeat(5))), Some("directives_per_location"));
    assert_eq!(
        limit_of(&format!("{{ j {{ {} }} }}", format!("x {one}").repeat(21))),
        Some("directives")
    );
    assert_eq!(refuse(&format!("{{ x {} }}", "@a".repeat(5_000))).code, TOO_COMPLEX);
    pass(&format!("{{ j {{ {} }} }}", format!("x {one}").repeat(20)));
}

#[test]
fn deep_selections_lists_and_inline_fragments_are_refused_before_parsing() {
    for text in [
        format!("{}x{}", "{a".repeat(3_000), "}".repeat(3_000)),
        format!("{{a(x:{}{})}}", "[".repeat(3_000), "]".repeat(3_000)),
        format!("{{{}x{}}}", "...{".repeat(3_000), "}".repeat(3_000)),
        "(".repeat(3_000),
    ] {
        assert_eq!(limit_of(&text), Some("nesting"));
    }
}

#[test]
fn fields_nest_as_deep_as_the_limit_and_no_deeper() {
    let nested = |levels: usize| format!("{}{}", "{a".repeat(levels), "}".repeat(levels));

    pass(&nested(12));
    assert_eq!(limit_of(&nested(13)), Some("depth"));
}

#[test]
fn depth_goes_on_through_fragments() {
    let half = format!("{}{}", "{a".repeat(7), "}".repeat(7));
    let query = format!("{{a{{a{{a{{a{{a{{a{{...F}}}}}}}}}}}}}} fragment F on Job {half}");

    assert_eq!(limit_of(&query), Some("depth"));
}

#[test]
fn the_standard_introspection_query_passes() {
    pass(INTROSPECTION);
}

#[test]
fn circular_introspection_is_refused() {
    let circle =
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
    let through = "{ __type(name:\"Job\") { ...T } } \
                   fragment T on __Type { fields { type { fields { type { ...U } } } } } \
                   fragment U on __Type { interfaces { name } }";

    assert_eq!(limit_of(circle), Some("introspection_nesting"));
    assert_eq!(limit_of(through), Some("introspection_nesting"));
}

#[test]
fn the_same_lists_outside_introspection_are_ordinary_fields() {
    pass("{ a { fields { b { fields { c { fields { d } } } } } } }");
}

#[test]
fn introspection_has_its_own_depth() {
    let below =
        |levels: usize| format!("{{ __schema {}{} }}", "{a".repeat(levels), "}".repeat(levels));

    pass(&below(19));
    assert_eq!(limit_of(&below(20)), Some("introspection_depth"));
}

#[test]
fn every_operation_and_every_unused_fragment_must_pass() {
    let deep = format!("{}{}", "{a".repeat(13), "}".repeat(13));

    assert_eq!(limit_of(&format!("query A {{ x }} query B {deep}")), Some("depth"));
    assert_eq!(limit_of(&format!("query A {{ x }} fragment B on Job {deep}")), Some("depth"));
}

#[test]
fn definitions_and_variables_are_limited() {
    let operations: String = (0..51).map(|n| format!("query Q{n} {{ x }} ")).collect();
    let variables: String = (0..101).map(|n| format!("$v{n}:Int ")).collect();

    assert_eq!(limit_of(&operations), Some("definitions"));
    assert_eq!(limit_of(&format!("query({variables}) {{ x }}")), Some("variables"));
}

#[test]
fn values_run_together_count_one_by_one() {
    let limits = Limits { document_tokens: 50, ..Limits::default() };

    for item in ["0", "-1", "true", "null", "\"s\"", "1.5-2e3"] {
        let text = format!("{{ a(x:[{}]) }}", item.repeat(60));
        let refusal = check(&text, &limits).unwrap_err();

        assert_eq!(refusal.limit.map(|(name, _)| name), Some("document_tokens"), "{item}");
    }
}

#[test]
fn brackets_in_strings_and_comments_do_not_nest() {
    pass(&format!("{{ a(x: \"{0}\\\"{0}\") # {0}\n }}", "[".repeat(100)));
    pass(&format!("{{ a(x: \"\"\"{0}\\\"\"\"{0}\"\"\") }}", "{".repeat(100)));
    assert_eq!(limit_of(&format!("{{ a(x: \"\\\\\" y: {} }}", "[".repeat(100))), Some("nesting"));
}

#[test]
fn strings_without_an_end_are_refused_where_they_begin() {
    for text in ["{ a(x:\"abc) }", "{ a(x:\"abc\n\") }", "{ a(x:\"\"\"abc\") }", "{ a(x:\"abc\\"] {
        let refusal = refuse(text);

        assert_eq!(refusal.code, PARSE_FAILED);
        assert_eq!(refusal.position, Some(Pos { line: 1, column: 7 }), "{text}");
    }
}

#[test]
fn parse_errors_name_a_place_and_no_grammar() {
    let refusal = refuse("query {\n  job(\n}");

    assert_eq!(refusal.code, PARSE_FAILED);
    assert_eq!(refusal.position.map(|position| position.line), Some(3));
    assert!(!refusal.message.contains("expected"), "{}", refusal.message);
    assert_eq!(refuse("").code, PARSE_FAILED);
    assert_eq!(refuse("{ a } { b }").code, VALIDATION_FAILED);
    assert_eq!(refuse("fragment A on B { c }").code, VALIDATION_FAILED);
}

#[test]
fn a_subscription_has_one_root_field() {
    pass("subscription { changes { revision } }");
    assert_eq!(refuse("subscription { changes { a } other { b } }").code, VALIDATION_FAILED);
    assert_eq!(
        refuse("subscription { ...A } fragment A on Subscription { a b }").code,
        VALIDATION_FAILED
    );
}

#[test]
fn an_operation_is_chosen_by_name_or_by_being_alone() {
    let one = pass("mutation { x }").kinds;
    let two = pass("query A { x } subscription B { y }").kinds;

    assert_eq!(one.select(None), Ok(OperationType::Mutation));
    assert_eq!(two.select(Some("A")), Ok(OperationType::Query));
    assert_eq!(two.select(Some("B")), Ok(OperationType::Subscription));
    for refused in [one.select(Some("A")), two.select(None), two.select(Some("C"))] {
        assert_eq!(refused.unwrap_err().code, VALIDATION_FAILED);
    }
}

#[test]
fn variables_are_limited_in_number_and_nesting() {
    let object = |text: &str| match serde_json::from_str(text).unwrap() {
        Value::Object(map) => map,
        _ => panic!("not an object"),
    };
    let nested =
        |levels: usize| object(&format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels)));
    let many: String = (0..101).map(|n| format!("\"v{n}\":1,")).collect();
    let limits = Limits::default();

    assert_eq!(check_variables(&nested(31), &limits), Ok(()));
    assert_eq!(
        check_variables(&nested(32), &limits).unwrap_err().limit,
        Some(("variables_depth", 32))
    );
    assert_eq!(
        check_variables(&object(&format!("{{{many}\"x\":1}}")), &limits).unwrap_err().limit,
        Some(("variables", 100))
    );
}

/// A selection of a random document; spreads only lead to fragments of a higher number.
#[derive(Debug, Clone)]
enum Node {
    Field { name: usize, alias: bool, children: Vec<Node> },
    Inline(Vec<Node>),
    Spread(usize),
}

const NAMES: [&str; 6] = ["a", "fields", "__schema", "interfaces", "__type", "b"];

fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        (0..NAMES.len(), any::<bool>()).prop_map(|(name, alias)| Node::Field {
            name,
            alias,
            children: Vec::new()
        }),
        (1..4_usize).prop_map(Node::Spread),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let children = prop::collection::vec(inner, 1..4);
        prop_oneof![
            (0..NAMES.len(), any::<bool>(), children.clone())
                .prop_map(|(name, alias, children)| Node::Field { name, alias, children }),
            children.prop_map(Node::Inline),
        ]
    })
}

fn render(nodes: &[Node], owner: usize, text: &mut String) {
    for node in nodes {
        match node {
            Node::Field { name, alias, children } => {
                text.push_str(if *alias { "z:" } else { "" });
                text.push_str(NAMES[*name]);
                if !children.is_empty() {
                    text.push('{');
                    render(children, owner, text);
                    text.push('}');
                }
                text.push(' ');
            }
            Node::Inline(children) => {
                text.push_str("...{");
                render(children, owner, text);
                text.push('}');
            }
            Node::Spread(step) if owner + step < 4 => {
                write!(text, "...F{} ", owner + step).unwrap();
            }
            Node::Spread(_) => text.push_str("a "),
        }
    }
}

/// Walks every path of the expanded document.
#[derive(Default)]
struct Naive {
    totals: Totals,
}

impl Naive {
    /// `below` is (depth, nesting) under the innermost introspection field, if there is one.
    fn walk(
        &mut self,
        set: &async_graphql::parser::types::SelectionSet,
        document: &ExecutableDocument,
        path: &mut Vec<String>,
        levels: usize,
    ) {
        use async_graphql::parser::types::Selection;
        for selection in &set.items {
            self.totals.selections += 1;
            self.totals.levels = self.totals.levels.max(levels + 1);
            match &selection.node {
                Selection::Field(field) => {
                    path.push(field.node.name.node.to_string());
                    self.field(field.node.alias.is_some(), path);
                    self.walk(&field.node.selection_set.node, document, path, levels + 1);
                    path.pop();
                }
                Selection::InlineFragment(inline) => {
                    self.walk(&inline.node.selection_set.node, document, path, levels + 1);
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = &document.fragments[&spread.node.fragment_name.node];
                    self.walk(&fragment.node.selection_set.node, document, path, levels + 1);
                }
            }
        }
    }

    fn field(&mut self, alias: bool, path: &[String]) {
        let lists = |names: &[String]| {
            names
                .iter()
                .filter(|name| {
                    matches!(
                        name.as_str(),
                        "fields" | "interfaces" | "possibleTypes" | "inputFields"
                    )
                })
                .count()
        };
        let totals = &mut self.totals;
        totals.aliases += usize::from(alias);
        totals.roots += usize::from(path.len() == 1);
        totals.enclosed.depth = totals.enclosed.depth.max(path.len());
        totals.enclosed.nesting = totals.enclosed.nesting.max(lists(path));
        match path.iter().position(|name| name.starts_with("__")) {
            None => totals.depth = totals.depth.max(path.len()),
            Some(entry) => {
                totals.depth = totals.depth.max(entry + 1);
                let below = &path[entry..];
                totals.introspection.depth = totals.introspection.depth.max(below.len());
                totals.introspection.nesting = totals.introspection.nesting.max(lists(below));
            }
        }
    }
}

proptest! {
    #[test]
    fn totals_with_memory_equal_a_naive_expansion(
        sets in prop::collection::vec(prop::collection::vec(node(), 1..4), 4)
    ) {
        let mut text = "query ".to_owned();
        for (owner, nodes) in sets.iter().enumerate() {
            if owner > 0 {
                write!(text, " fragment F{owner} on T ").unwrap();
            }
            text.push('{');
            render(nodes, owner, &mut text);
            text.push('}');
        }
        let document = parse_query(&text).unwrap();

        let mut known = std::collections::HashMap::new();
        for owner in (1..4).rev() {
            let name = format!("F{owner}");
            let (name, fragment) = document.fragments.get_key_value(name.as_str()).unwrap();
            let totals = Totals::of_set(&fragment.node.selection_set.node, &known);
            known.insert(name.as_str(), totals);
        }
        let (_, operation) = document.operations.iter().next().unwrap();
        let set = &operation.node.selection_set.node;
        let mut naive = Naive::default();
        naive.walk(set, &document, &mut Vec::new(), 0);

        prop_assert_eq!(Totals::of_set(set, &known), naive.totals);
    }

    #[test]
    fn any_text_is_answered(text in "[ -~\\n\u{feff}é]{0,200}") {
        if let Err(refusal) = check(&text, &Limits::default()) {
            prop_assert!([PARSE_FAILED, VALIDATION_FAILED, TOO_COMPLEX].contains(&refusal.code));
            prop_assert!(refusal.message.ends_with('.'));
        }
    }

    #[test]
    fn whatever_parses_was_scanned_without_complaint(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "(x:", ")", "[", "]", "a", "b:", "...", "...F", "on", "1.5", "-0", "\"s\"",
                "\"\"\"b\"\"\"", "true", "$v", "@d", "#c\n", "query", "!", "=", ":",
            ]),
            0..40,
        )
    ) {
        let text = words.concat();
        let limits = Limits::default();
        if parse_query(&text).is_ok() {
            prop_assert!(scan::scan(&text, &limits).is_ok());
        }
    }
}
