//! The skill match.

use super::*;

#[test]
fn skill_regex_matches_cpp_and_csharp() {
    assert_eq!(named("C++ and C#, F#"), ["C#", "C++", "F#"]);
    assert_eq!(named("C++17"), ["C++"]);
    assert_eq!(named("(C++)/C#."), ["C#", "C++"]);
}

#[test]
fn go_the_verb_is_not_a_skill() {
    for text in [
        "Go to market",
        "Python engineers own our Go-to-market and Go-live plans",
        "let it go",
        "Ready, set, go! Python and Java",
        "You will go, react and express yourself",
        "Go",
        "GO, Python",
        "Go above and beyond",
    ] {
        assert!(!named(text).contains(&"Go".to_owned()), "{text}");
    }
}

#[test]
fn go_the_language_is_a_skill() {
    for text in [
        "Go, Rust and Python",
        "go, rust and python",
        "GO | PYTHON | SQL",
        "Services in Go talking to Kafka",
        "Go developer",
        "the language Go",
        "5 years of experience with Go",
        "golang",
        "Go\nPython\nKubernetes",
        "Languages: Go/Rust/C",
    ] {
        assert!(named(text).contains(&"Go".to_owned()), "{text}");
    }
    assert_eq!(named("Go, Rust and Python"), ["Go", "Python", "Rust"]);
}

#[test]
fn support_stays_on_its_line_and_in_its_sentence() {
    assert!(!named("Go. Python is fun").contains(&"Go".to_owned()));
    assert!(!named("Go\n\nWe like Python here").contains(&"Go".to_owned()));
    assert!(!named("Go one two three four five six seven eight Python").contains(&"Go".to_owned()));
    assert!(named("Go one two three four five six seven Python").contains(&"Go".to_owned()));
    // A soft skill is in every posting and proves nothing.
    assert!(!named("Express yourself with good communication").contains(&"Express".to_owned()));
}

#[test]
fn letters_and_seasons_are_not_skills() {
    for text in [
        "R&D with Python",
        "Series C startup using Java",
        "C-level talks about Python",
        "Python course, Spring 2019",
        "Oracle Corporation: Java trainer",
        "Vitamin C and Python",
    ] {
        for name in ["R", "C", "Spring", "Oracle"] {
            assert!(!named(text).contains(&name.to_owned()), "{text}: {name}");
        }
    }
    assert_eq!(named("C/C++, R, SQL"), ["C", "C++", "R", "SQL"]);
}

#[test]
fn longer_names_are_not_their_parts() {
    assert_eq!(named("NoSQL"), ["NoSQL"]);
    assert_eq!(named("JavaScript"), ["JavaScript"]);
    assert_eq!(named("SQL Server"), ["SQL Server"]);
    assert_eq!(named("Ruby on Rails"), ["Rails"]);
    assert_eq!(named("React Native"), ["React Native"]);
    assert_eq!(named("Objective-C"), [""; 0]);
}

#[test]
fn dots_join_known_names_and_part_others() {
    assert_eq!(named("Python.Java"), ["Java", "Python"]);
    assert_eq!(named("Node.js. ASP.NET Core, .NET and Vue.js!"), [".NET", "Node.js", "Vue.js"]);
    assert_eq!(report("", "ASP.NET .NET").skills[0].jd_count, 2);
}

#[test]
fn names_do_not_reach_over_commas() {
    assert!(named("power, bi").is_empty());
    assert_eq!(named("CI/CD and ci cd"), ["CI/CD"]);
}

#[test]
fn importance_follows_count_and_line() {
    let importance = |jd: &str| skill(&report("", jd), "Python").unwrap().importance.unwrap();

    assert_eq!(importance("Python"), Importance::NiceToHave);
    assert_eq!(importance("Python\nPython"), Importance::Important);
    assert_eq!(importance("Python Python Python"), Importance::Critical);
    assert_eq!(importance("Python is required"), Importance::Important);
    assert_eq!(importance("You must know Python\nPython"), Importance::Critical);
    assert_eq!(importance("Python Python Python\nPython is a plus"), Importance::NiceToHave);
    assert_eq!(importance("Python is a plus\nPython is required"), Importance::Critical);
    assert_eq!(importance("Python is not required"), Importance::NiceToHave);
    assert_eq!(importance("Java is required, Python is a plus"), Importance::NiceToHave);
    assert_eq!(importance("Required: Java, Python; Kotlin is a plus"), Importance::Important);
    assert_eq!(importance("Requirements\n- Python\n- Java"), Importance::Important);
    assert_eq!(importance("Python, Python\n\nNice to have:\n* Python"), Importance::NiceToHave);
    assert_eq!(importance("Requirements\nJava\nAbout us\nPython"), Importance::NiceToHave);
}

#[test]
fn strength_follows_the_resume() {
    let report = report("Python, Java and Java\nKafka", "Python Java Docker");

    assert_eq!(skill(&report, "Python").unwrap().strength, SkillStrength::Moderate);
    assert_eq!(skill(&report, "Java").unwrap().strength, SkillStrength::Strong);
    assert_eq!(skill(&report, "Docker").unwrap().strength, SkillStrength::None);
    let kafka = skill(&report, "Kafka").unwrap();
    assert_eq!((kafka.importance, kafka.jd_count, kafka.resume_count), (None, 0, 1));
    assert_eq!(report.skill_percentage, Some(67));
    assert_eq!(report.skills.last().unwrap().skill, "Kafka");
}

#[test]
fn empty_jd_is_not_a_perfect_match() {
    for jd in ["", " \n\t ", "!!! ... ???"] {
        let report = report("Python, Java, ten years of experience", jd);

        assert_eq!(report.skill_percentage, None);
        assert_eq!((report.overall, report.band, report.signal_score), (None, None, None));
        assert!(report.categories.is_empty() && report.recommendation.is_none());
        assert!(report.signals.iter().all(|signal| signal.weight == 0.0 && signal.gap.is_none()));
    }
    assert_eq!(report("Python", "We are nice people").skill_percentage, None);
}

#[test]
fn an_empty_resume_scores_zero() {
    let report = report("", "Senior Python developer. Remote. Bachelor degree, 5 years required.");

    assert_eq!(report.skill_percentage, Some(0));
    assert_eq!((report.overall, report.band), (Some(0.0), Some(ScoreBand::Poor)));
    assert_in_range(&report);
}

#[test]
fn extra_skills_are_found_and_technical() {
    let extra = ["Zig".to_owned(), "Acme Flow.js Suite".to_owned()];
    let report = analyze(&MatchInput {
        resume: "I wrote zig and ran the Acme Flow.js Suite.",
        jd: "Zig; Acme flow.js suite. Flow.js alone is none.",
        extra_skills: &extra,
        today: TODAY,
    });

    assert_eq!(report.skill_percentage, Some(100));
    assert!(report.skills.iter().all(|skill| skill.category == SkillCategory::Other));
    assert_eq!(report.skills[1].skill, "Acme Flow.js Suite");
    assert_eq!(report.skills[1].jd_count, 1);
}

#[test]
fn a_report_lists_a_hundred_skills_at_most() {
    let extra: Vec<String> = (0..250).map(|n| format!("tool{n}")).collect();
    let jd = extra.join(" ");
    let resume = extra[..100].join(" ");
    let input = MatchInput { resume: &resume, jd: &jd, extra_skills: &extra, today: TODAY };
    let report = analyze(&input);

    assert_eq!(report.skills.len(), 100);
    // The share is of all 200, not of the listed ones.
    assert_eq!(report.skill_percentage, Some(50));
}
