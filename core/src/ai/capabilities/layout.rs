//! Takes the marks of paper out of a text: page numbers, broken words, wrapped lines, fancy bullets.

/// A line this long was probably wrapped by its page, in characters.
const WRAPPED_CHARS: usize = 60;

/// Returns the text without marks of paper. Words stay as they are and in their order.
pub(super) fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut tidy: Vec<String> = Vec::with_capacity(lines.len());
    for (n, line) in lines.iter().enumerate() {
        let is_blank =
            |at: Option<usize>| at.and_then(|at| lines.get(at)).is_none_or(|line| line.is_empty());
        let stands_alone = is_blank(n.checked_sub(1)) && is_blank(n.checked_add(1));
        if is_page_mark(line, stands_alone) {
            continue;
        }
        let line = match bullet(line) {
            Some(item) => format!("- {item}"),
            None => (*line).to_owned(),
        };
        match tidy.last_mut() {
            Some(last) if line.is_empty() && last.is_empty() => {}
            Some(last) if is_broken_word(last, &line) => {
                // A word with another hyphen keeps this one too: "state-of-the-" and "art".
                let word = last.rsplit(' ').next().unwrap_or_default();
                if !word.trim_end_matches('-').contains('-') {
                    last.pop();
                }
                last.push_str(&line);
            }
            Some(last) if is_wrapped(last, &line) => {
                last.push(' ');
                last.push_str(&line);
            }
            _ => tidy.push(line),
        }
    }
    tidy.join("\n").trim().to_owned()
}

/// Returns the text of a list item; `None` for a line that is none.
fn bullet(line: &str) -> Option<&str> {
    let mut rest = line.chars();
    let first = rest.next()?;
    let rest = rest.as_str();
    let item = rest.trim_start();
    let is_spaced = item.len() < rest.len();
    let is_bullet = match first {
        '•' | '‣' | '◦' | '▪' | '▫' | '●' | '○' | '■' | '□' | '∙' | '➢' | '➤' | '►' | '✓' | '✔'
        | '❖' | '\u{f0b7}' | '\u{f0a7}' | '\u{f0d8}' | '\u{f0fc}' => true,
        '-' | '–' | '—' | '*' | '·' => is_spaced,
        // Word's second level.
        'o' => is_spaced && item.starts_with(char::is_uppercase),
        _ => false,
    };
    (is_bullet && !item.is_empty()).then_some(item)
}

fn is_page_mark(line: &str, stands_alone: bool) -> bool {
    let is_frame = |c: char| matches!(c, '-' | '–' | '—' | '|');
    let is_framed = line.starts_with(is_frame) && line.ends_with(is_frame);
    let inner = line.trim_matches(|c: char| is_frame(c) || c == ' ');
    let words: Vec<String> =
        inner.replace('/', " / ").split_whitespace().map(str::to_lowercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["page" | "seite", rest @ ..] => {
            matches!(rest, [n] if number(n).is_some()) || is_n_of_m(rest)
        }
        [n] => number(n).is_some() && (stands_alone || is_framed),
        rest => is_n_of_m(rest) && stands_alone,
    }
}

fn is_n_of_m(words: &[&str]) -> bool {
    match words {
        [n, "of" | "von" | "/", m] => {
            number(n).zip(number(m)).is_some_and(|(n, m)| (1..=m).contains(&n))
        }
        _ => false,
    }
}

/// Reads a page number: one to three digits.
fn number(word: &str) -> Option<u32> {
    let is_short = word.len() <= 3 && word.bytes().all(|b| b.is_ascii_digit());
    if is_short { word.parse().ok() } else { None }
}

fn is_broken_word(last: &str, line: &str) -> bool {
    let broken = last.strip_suffix('-').is_some_and(|head| head.ends_with(char::is_alphabetic));
    broken && line.starts_with(char::is_lowercase)
}

fn is_wrapped(last: &str, line: &str) -> bool {
    line.starts_with(char::is_lowercase)
        && last.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ',' | ';'))
        && last.chars().count() >= WRAPPED_CHARS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_broken_at_a_line_end_are_whole_again() {
        assert_eq!(tidy("I am experi-\nenced"), "I am experienced");
        assert_eq!(tidy("state-of-the-\nart"), "state-of-the-art");
        assert_eq!(tidy("2018-\npresent"), "2018-\npresent");
        assert_eq!(tidy("Feld-\nMara"), "Feld-\nMara");
    }

    #[test]
    fn page_numbers_go_and_other_numbers_stay() {
        assert_eq!(tidy("end\n\nPage 2 of 7\n\nnext"), "end\n\nnext");
        assert_eq!(tidy("end\n\n2\n\nnext"), "end\n\nnext");
        assert_eq!(tidy("end\n- 2 -\nnext"), "end\nnext");
        assert_eq!(tidy("end\n\n2 / 7"), "end");
        assert_eq!(tidy("Phone\n555"), "Phone\n555");
        assert_eq!(tidy("On call\n\n24/7"), "On call\n\n24/7");
        assert_eq!(tidy("Since\n\n2019\n\nnow"), "Since\n\n2019\n\nnow");
    }

    #[test]
    fn every_bullet_is_a_dash() {
        assert_eq!(
            tidy("• one\n▪two\n* three\no Four\n– five"),
            "- one\n- two\n- three\n- Four\n- five"
        );
        assert_eq!(tidy("-5 degrees\no homem"), "-5 degrees\no homem");
    }

    #[test]
    fn wrapped_lines_are_one_and_short_lines_stay() {
        let long = "A line that goes on until the edge of the page and is then broken off";

        assert_eq!(tidy(&format!("{long}\nby the printer.")), format!("{long} by the printer."));
        assert_eq!(tidy("Rust\nand more"), "Rust\nand more");
        assert_eq!(tidy(&format!("{long}\nNext")), format!("{long}\nNext"));
    }

    #[test]
    fn empty_lines_are_single() {
        assert_eq!(tidy("\n\na\n\n\n\nb\n\n"), "a\n\nb");
        assert_eq!(tidy(""), "");
    }
}
