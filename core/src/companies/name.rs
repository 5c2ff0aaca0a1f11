//! The identity of a company name: two spellings of one company get one key.

use unicode_normalization::UnicodeNormalization;

/// Trailing words that say what a company is in law, not who it is.
const LEGAL_FORMS: [&str; 23] = [
    "inc",
    "llc",
    "ltd",
    "limited",
    "gmbh",
    "ag",
    "sa",
    "bv",
    "nv",
    "plc",
    "corp",
    "corporation",
    "co",
    "company",
    "oy",
    "ab",
    "as",
    "spa",
    "srl",
    "pty",
    "pvt",
    "kg",
    "se",
];

/// Returns `n:` and the folded name: NFKC, lower case, punctuation and doubled spaces removed,
/// trailing legal forms dropped unless nothing would be left.
pub fn company_key(name: &str) -> String {
    let folded: String = name
        .nfkc()
        .flat_map(char::to_lowercase)
        .filter_map(|c| {
            if c.is_alphanumeric() {
                Some(c)
            } else if c.is_whitespace() || matches!(c, '-' | '_' | '/' | ',' | '&' | '+') {
                Some(' ')
            } else {
                None
            }
        })
        .collect();
    let mut words: Vec<&str> = folded.split_whitespace().collect();
    while words.len() > 1 && words.last().is_some_and(|last| LEGAL_FORMS.contains(last)) {
        words.pop();
    }
    if words.is_empty() {
        // A name of punctuation only is its own key.
        return format!("n:{}", name.trim());
    }
    format!("n:{}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn company_name_case_and_legal_form_are_one_key() {
        for name in ["Acme", "ACME, Inc.", "acme  Co. Ltd", "Acme GmbH"] {
            assert_eq!(company_key(name), "n:acme", "{name}");
        }
    }

    #[test]
    fn a_name_that_is_a_legal_form_stays() {
        assert_eq!(company_key("SE"), "n:se");
        assert_eq!(company_key("!!!"), "n:!!!");
    }
}
