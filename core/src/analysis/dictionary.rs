//! The names of skills: the built-in dictionary and the ones a user added.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::lexicon::Lexicon;
use super::scanner::table_tokens;
use super::tokens::{Doc, offset_of};
use super::trie::Trie;
use crate::enums::SkillCategory;

const SKILLS: &str = include_str!("../../data/skills.txt");

/// A built-in name has at most this many tokens.
const ALIAS_TOKENS_MAX: usize = 3;
/// A user's own name has at most this many tokens; longer ones are ignored.
const EXTRA_TOKENS_MAX: usize = 8;
/// A user's own names beyond this count are ignored.
const EXTRA_SKILLS_MAX: usize = 200;
/// A user's own name longer than this is ignored.
const EXTRA_NAME_BYTES_MAX: usize = 200;

/// All tables of the analysis, parsed once. A test proves that the files parse.
pub(super) static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables::parse().unwrap_or_default());

/// A skill as reports name it.
#[derive(Debug, Clone)]
pub(super) struct Skill {
    pub(super) name: String,
    pub(super) category: SkillCategory,
}

/// What a name of the dictionary stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alias {
    pub(super) skill: u32,
    /// The name is also a plain word and needs support.
    pub(super) is_ambiguous: bool,
}

/// The lexicons and the dictionary.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) lexicon: Lexicon,
    skills: Vec<Skill>,
    aliases: Trie<Alias>,
    version: u32,
}

impl Tables {
    fn parse() -> Result<Self, String> {
        let mut tables = Self { lexicon: Lexicon::built_in()?, ..Self::default() };
        for line in SKILLS.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(version) = line.strip_prefix("version ") {
                tables.version = version.parse().map_err(|_| line.to_owned())?;
                continue;
            }
            tables.add(line)?;
        }
        if tables.version == 0 || tables.lexicon.version == 0 {
            return Err("a file states no version".to_owned());
        }
        Ok(tables)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let mut fields = line.split('|').map(str::trim);
        let (Some(name), Some(category), Some(aliases), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(format!("not three fields: {line}"));
        };
        let skill = offset_of(self.skills.len());
        let category = category_named(category).ok_or_else(|| line.to_owned())?;
        self.skills.push(Skill { name: name.to_owned(), category });
        for alias in aliases.split(',').map(str::trim) {
            let (alias, is_ambiguous) = match alias.strip_prefix('~') {
                Some(alias) => (alias, true),
                None => (alias, false),
            };
            let words = table_tokens(alias);
            if words.is_empty() || words.len() > ALIAS_TOKENS_MAX {
                return Err(format!("not 1 to 3 tokens: {alias}"));
            }
            let ids: Vec<u32> = words.iter().map(|word| self.lexicon.add_word(word)).collect();
            // Singular and plural share an id, so a pair of them is one alias.
            if !self.aliases.contains(&ids) {
                self.aliases.insert(&ids, Alias { skill, is_ambiguous });
            }
        }
        Ok(())
    }
}

fn category_named(word: &str) -> Option<SkillCategory> {
    Some(match word {
        "LANGUAGE" => SkillCategory::Language,
        "FRONTEND" => SkillCategory::Frontend,
        "BACKEND" => SkillCategory::Backend,
        "DATABASE" => SkillCategory::Database,
        "CLOUD_DEVOPS" => SkillCategory::CloudDevops,
        "DATA_AI" => SkillCategory::DataAi,
        "PRACTICE" => SkillCategory::Practice,
        "SOFT" => SkillCategory::Soft,
        _ => return None,
    })
}

/// The dictionary as one analysis sees it: built-in names first, then the user's.
pub(super) struct Names<'t> {
    pub(super) lexicon: &'t Lexicon,
    tables: &'t Tables,
    extra_words: HashMap<String, u32>,
    extra_aliases: Trie<Alias>,
    extra: Vec<Skill>,
}

impl<'t> Names<'t> {
    /// Adds `extra_skills` to the built-in names. A name that is already known changes nothing.
    pub(super) fn new(tables: &'t Tables, extra_skills: &[String]) -> Self {
        let mut names = Self {
            lexicon: &tables.lexicon,
            tables,
            extra_words: HashMap::new(),
            extra_aliases: Trie::default(),
            extra: Vec::new(),
        };
        for name in extra_skills.iter().take(EXTRA_SKILLS_MAX) {
            names.add(name.trim());
        }
        names
    }

    /// The id of a folded word; 0 when no table knows it.
    pub(super) fn word_id(&self, word: &str) -> u32 {
        match self.lexicon.word_id(word) {
            0 if !self.extra_words.is_empty() => self.extra_words.get(word).copied().unwrap_or(0),
            id => id,
        }
    }

    pub(super) fn n_skills(&self) -> usize {
        self.tables.skills.len() + self.extra.len()
    }

    pub(super) fn skill(&self, at: usize) -> Option<&Skill> {
        let n_built_in = self.tables.skills.len();
        self.tables.skills.get(at).or_else(|| self.extra.get(at.checked_sub(n_built_in)?))
    }

    /// The longest name that begins at token `at`, with its token count.
    pub(super) fn longest(&self, doc: &Doc<'_>, at: usize) -> Option<(usize, Alias)> {
        let mut best: Option<(usize, Alias)> = None;
        let mut keep = |n: usize, aliases: &[Alias]| {
            if let Some(alias) = aliases.first().filter(|_| best.is_none_or(|(len, _)| n > len)) {
                best = Some((n, *alias));
            }
        };
        self.tables.aliases.walk(doc, at, &mut keep);
        if !self.extra.is_empty() {
            self.extra_aliases.walk(doc, at, &mut keep);
        }
        best
    }

    fn add(&mut self, name: &str) {
        let words = table_tokens(name);
        let fits =
            name.len() <= EXTRA_NAME_BYTES_MAX && (1..=EXTRA_TOKENS_MAX).contains(&words.len());
        if !fits {
            return;
        }
        let ids: Vec<u32> = words.iter().map(|word| self.add_word(word)).collect();
        if self.tables.aliases.contains(&ids) || self.extra_aliases.contains(&ids) {
            return;
        }
        let skill = offset_of(self.n_skills());
        self.extra_aliases.insert(&ids, Alias { skill, is_ambiguous: false });
        self.extra.push(Skill { name: name.to_owned(), category: SkillCategory::Other });
    }

    fn add_word(&mut self, word: &str) -> u32 {
        match self.lexicon.word_id(word) {
            0 => {
                let fresh = self.lexicon.next_id() + offset_of(self.extra_words.len());
                *self.extra_words.entry(word.to_owned()).or_insert(fresh)
            }
            id => id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_files_parse() {
        let tables = Tables::parse().unwrap();

        assert!((70..=90).contains(&tables.skills.len()), "{}", tables.skills.len());
        for category in ["LANGUAGE", "FRONTEND", "BACKEND", "DATABASE", "CLOUD_DEVOPS", "DATA_AI"] {
            let category = category_named(category);
            assert!(tables.skills.iter().any(|skill| Some(skill.category) == category));
        }
        let mut names: Vec<&str> = tables.skills.iter().map(|skill| skill.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), tables.skills.len());
    }

    #[test]
    fn ambiguous_names_are_exactly_the_twelve() {
        let tables = Tables::parse().unwrap();
        let names = Names::new(&tables, &[]);
        let ambiguous: Vec<&str> = SKILLS
            .lines()
            .filter(|line| line.contains('~') && !line.starts_with('#'))
            .map(|line| line.split('|').next().unwrap().trim())
            .collect();

        assert_eq!(ambiguous.len(), 12);
        for name in ambiguous {
            let doc = Doc::new(name, |word| names.word_id(word));
            let (_, alias) = names.longest(&doc, 0).unwrap();
            assert!(alias.is_ambiguous, "{name}");
        }
    }

    #[test]
    fn known_and_unusable_extra_skills_are_ignored() {
        let extra = ["python", "  ", "!!!", "Zig", "zig", "a b c d e f g h i", "golang"];
        let extra: Vec<String> = extra.map(str::to_owned).to_vec();
        let names = Names::new(&TABLES, &extra);

        assert_eq!(names.extra.len(), 1);
        assert_eq!(names.extra[0].name, "Zig");
    }
}
