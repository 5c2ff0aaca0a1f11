//! Texts that were made to hurt: nothing panics and cost stays linear.

use super::*;

/// Shapes repeated to a large size, each of which makes a naive rule quadratic.
const SHAPES: [&str; 22] = [
    "a",
    "a ",
    "Go ",
    "Go, ",
    "go and ",
    "Go\n",
    "\n",
    "Go/Python|",
    "C++#.",
    "a.b",
    ". ",
    "2019-2020 ",
    "2019-2020\nengineer\n",
    "5 years python ",
    "senior engineer 2019 - present ",
    "required, nice to have, but ",
    "team lead ownership remote 1,200 users 5% ",
    "\u{fdfa}",
    "e\u{301}\u{327}",
    "\u{301}",
    "aé",
    "界、Python ",
];

fn repeated(shape: &str, size_bytes: usize) -> String {
    shape.repeat(size_bytes / shape.len())
}

#[test]
fn repeated_shapes_end_in_a_report() {
    for shape in SHAPES {
        let text = repeated(shape, 20_000);
        let found = report(&text, &text);

        assert_in_range(&found);
        assert_quotes_are_verbatim(&found, &text, &text);
    }
}

/// In a release build this reads 2 x 2 MiB per shape, where a quadratic rule would not end.
#[test]
fn largest_texts_end_in_a_report() {
    const SIZE_BYTES: usize = 2 * 1024 * 1024;
    let size_bytes = if cfg!(debug_assertions) { SIZE_BYTES / 32 } else { SIZE_BYTES };
    let extra: Vec<String> =
        (1..=7).map(|n| vec!["a"; n].join(" ") + " b").chain(["a".to_owned()]).collect();
    for shape in SHAPES {
        let text = repeated(shape, size_bytes);
        let input = MatchInput { resume: &text, jd: &text, extra_skills: &extra, today: TODAY };

        assert_in_range(&analyze(&input));
    }
}

#[test]
fn odd_dates_are_no_panic() {
    for today in [
        Today { year: i32::MIN, month: 0 },
        Today { year: i32::MAX, month: u8::MAX },
        Today { year: 0, month: 13 },
    ] {
        let resume = "1950 - present, since 2099, Jan '99 - Feb '01, 999999999 years";
        let found =
            analyze(&MatchInput { resume, jd: "5 years required", extra_skills: &[], today });

        assert_in_range(&found);
    }
}
