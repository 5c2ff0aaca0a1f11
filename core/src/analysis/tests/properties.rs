//! What holds for every text.

use proptest::prelude::*;

use super::*;

/// Words that rules look for, and marks between them.
const WORDS: [&str; 56] = [
    "Python",
    "Java",
    "Go",
    "go",
    "Rust",
    "C",
    "R",
    "C++",
    "Node.js",
    "ASP.NET",
    "NoSQL",
    "React",
    "Spring",
    "Boot",
    "Oracle",
    "SQL",
    "Kubernetes",
    "leadership",
    "team",
    "lead",
    "senior",
    "engineer",
    "developer",
    "language",
    "experience",
    "with",
    "in",
    "to",
    "and",
    "or",
    "required",
    "a plus",
    "nice to have",
    "must",
    "5+",
    "3-5",
    "years",
    "2019",
    "2022",
    "present",
    "Jan",
    "remote",
    "startup",
    "bachelor",
    "degree",
    "30%",
    "$2m",
    "1,200",
    "users",
    "\u{1F980}",
    "naïve",
    "界",
    "Requirements:",
    "Education",
    "ownership",
    "integrity",
];
const MARKS: [&str; 14] =
    [" ", " ", " ", " ", ", ", "/", " | ", ". ", "; ", ": ", " - ", "\n", "\n\n", " ("];
const SKILL_NAMES: [&str; 12] = [
    "Python",
    "Java",
    "Go",
    "Rust",
    "C",
    "R",
    "React",
    "Spring",
    "Oracle",
    "SQL Server",
    "Kubernetes",
    "Problem Solving",
];

fn text() -> impl Strategy<Value = String> {
    let piece = (prop::sample::select(&WORDS[..]), prop::sample::select(&MARKS[..]));
    prop::collection::vec(piece, 0..60)
        .prop_map(|pieces| pieces.iter().flat_map(|(word, mark)| [*word, *mark]).collect())
}

/// Widens every run of white space inside lines, and adds some at their ends.
fn respaced(text: &str, spaces: &[String]) -> String {
    let mut spaces = spaces.iter().cycle();
    let mut next = || spaces.next().cloned().unwrap_or_default();
    let lines = text.split('\n').map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut out = next();
        for word in words {
            out += word;
            out += &next();
        }
        out
    });
    lines.collect::<Vec<String>>().join("\n")
}

fn without_quotes(mut report: MatchReport) -> MatchReport {
    for skill in &mut report.skills {
        (skill.jd_evidence, skill.resume_evidence) = (None, None);
    }
    for signal in &mut report.signals {
        (signal.jd_evidence, signal.resume_evidence) = (None, None);
    }
    report
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn numbers_are_in_range_and_quotes_verbatim(resume in text(), jd in text()) {
        let found = report(&resume, &jd);

        assert_in_range(&found);
        assert_quotes_are_verbatim(&found, &resume, &jd);
        prop_assert_eq!(&found, &report(&resume, &jd));
        prop_assert_eq!(found.overall.is_some(), found.band.is_some());
    }

    #[test]
    fn any_characters_are_a_text(resume in any::<String>(), jd in any::<String>()) {
        let found = report(&resume, &jd);

        assert_in_range(&found);
        assert_quotes_are_verbatim(&found, &resume, &jd);
    }

    #[test]
    fn a_skill_on_its_own_line_never_lowers_the_percentage(
        resume in text(),
        jd in text(),
        name in prop::sample::select(&SKILL_NAMES[..]),
        place in any::<prop::sample::Index>(),
    ) {
        let mut lines: Vec<&str> = resume.split('\n').collect();
        lines.insert(place.index(lines.len() + 1), name);
        let more = lines.join("\n");
        let jd = format!("{jd}\nRequired: {name}, Docker and Linux");

        let (before, after) = (report(&resume, &jd), report(&more, &jd));
        prop_assert!(after.skill_percentage >= before.skill_percentage);
    }

    #[test]
    fn spacing_never_matters(
        resume in text(),
        jd in text(),
        spaces in prop::collection::vec("[ \t\u{a0}\u{2003}]{1,4}", 7),
    ) {
        let plain = report(&resume, &jd);
        let spaced = report(&respaced(&resume, &spaces), &respaced(&jd, &spaces));

        prop_assert_eq!(without_quotes(plain), without_quotes(spaced));
    }

    #[test]
    fn a_job_without_skills_has_no_percentage(resume in text()) {
        prop_assert_eq!(report(&resume, "Friendly people wanted").skill_percentage, None);
    }
}
