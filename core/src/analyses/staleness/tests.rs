use super::*;

use StalenessPart::{CoverLetter, Jd, Resume};
use StalenessSeverity::{Fresh, Major, Minor, NeverAnalyzed, NoVariants, VariantsFresh};

fn part(digest: &str) -> Option<Part> {
    Some(Part {
        attachment: AttachmentId::from_uuid(uuid::Uuid::nil()),
        has_text: true,
        text_version: 1,
        digest: digest.to_owned(),
    })
}

fn read() -> Components {
    Components { resume: part("r"), jd: part("j"), cover_letter: part("c"), job: "a".to_owned() }
}

fn current(components: Components) -> Current {
    Current { components, are_normalised: false }
}

fn against(components: Components, similarity: Option<f64>) -> Staleness {
    staleness(&current(components), Some(&read()), |_| similarity)
}

fn severity(components: Components, similarity: Option<f64>) -> StalenessSeverity {
    against(components, similarity).severity
}

#[test]
fn without_a_text_nothing_can_be_analysed() {
    let pending = Some(Part { has_text: false, ..part("file").unwrap() });
    for now in [
        Components { resume: None, ..read() },
        Components { jd: None, ..read() },
        Components { resume: pending.clone(), ..read() },
        Components { jd: pending, ..read() },
    ] {
        assert_eq!(severity(now.clone(), Some(1.0)), NoVariants);
        assert_eq!(staleness(&current(now), None, |_| None).severity, NoVariants);
    }
}

#[test]
fn nothing_analysed_tells_whether_the_texts_are_ready() {
    assert_eq!(staleness(&current(read()), None, |_| None).severity, NeverAnalyzed);
    let ready = Current { components: read(), are_normalised: true };
    assert_eq!(staleness(&ready, None, |_| None).severity, VariantsFresh);
}

#[test]
fn equal_contents_are_fresh_in_whatever_attachment_they_are() {
    let moved = Part {
        attachment: AttachmentId::from_uuid(uuid::Uuid::max()),
        text_version: 7,
        ..part("r").unwrap()
    };
    let fresh = against(Components { resume: Some(moved), ..read() }, None);
    assert_eq!((fresh.severity, fresh.changed), (Fresh, vec![]));
}

#[test]
fn how_much_of_a_document_changed_decides() {
    for (similarity, expected) in [
        (Some(1.0), Fresh),
        (Some(0.951), Fresh),
        (Some(0.95), Minor),
        (Some(0.801), Minor),
        (Some(0.80), Major),
        (Some(0.0), Major),
        (None, Major),
    ] {
        let resume = against(Components { resume: part("r2"), ..read() }, similarity);
        assert_eq!((resume.severity, resume.changed), (expected, vec![Resume]));
        let jd = against(Components { jd: part("j2"), ..read() }, similarity);
        assert_eq!((jd.severity, jd.changed), (expected, vec![Jd]));
    }
}

#[test]
fn cover_letter_change_is_minor() {
    for cover_letter in [None, part("c2")] {
        let now = against(Components { cover_letter, ..read() }, Some(0.0));
        assert_eq!((now.severity, now.changed), (Minor, vec![CoverLetter]));
    }
}

#[test]
fn another_company_or_title_is_minor() {
    let now = against(Components { job: "b".to_owned(), ..read() }, None);
    assert_eq!((now.severity, now.changed), (Minor, vec![StalenessPart::Job]));
}

#[test]
fn the_worst_of_several_changes_counts_in_whatever_row_it_is() {
    let judge = |resume: f64, jd: f64, cover: &str| {
        let components = Components {
            resume: part("r2"),
            jd: part("j2"),
            cover_letter: part(cover),
            job: "a".to_owned(),
        };
        let share = |part| if part == Resume { Some(resume) } else { Some(jd) };
        staleness(&current(components), Some(&read()), share)
    };
    assert_eq!(judge(0.99, 0.1, "c").severity, Major);
    assert_eq!(judge(0.1, 0.99, "c").severity, Major);
    assert_eq!(judge(0.99, 0.99, "c").severity, Fresh);
    let listed = judge(0.99, 0.99, "c2");
    assert_eq!((listed.severity, listed.changed), (Minor, vec![Resume, Jd, CoverLetter]));
}

#[test]
fn the_fingerprint_keeps_names_and_contents_apart() {
    let only = |resume: Option<Part>, jd: Option<Part>| {
        Components { resume, jd, cover_letter: None, job: String::new() }.fingerprint()
    };
    assert_ne!(only(part("x"), None), only(None, part("x")));
    assert_ne!(only(part("x"), part("y")), only(part("y"), part("x")));
    assert_ne!(only(part("xJ"), part("")), only(part("x"), part("J")));
}

#[test]
fn white_space_is_no_content() {
    assert_eq!(digest(" one\n two\t"), digest("one two"));
    assert_ne!(digest("one two"), digest("onetwo"));
}
