//! Everything the signals read from one text, gathered in one pass each.

use super::Today;
use super::dates::{Entry, YearCount, entries, year_counts};
use super::demand::{Demand, Section, demands, sections};
use super::dictionary::Names;
use super::figures::{LineFigures, line_figures};
use super::lexicon::{GroupId, Hit, Lexicon};
use super::mentions::{Mention, mentions};
use super::tokens::{Doc, index};

/// How a text uses the terms of a group.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    pub(super) count: u32,
    pub(super) demand: Demand,
    /// The longest count of years on a line with a term.
    pub(super) years: u32,
    /// A line with a term holds a figure.
    pub(super) has_figure: bool,
    /// Token of the first term.
    pub(super) first: Option<u32>,
}

impl Usage {
    /// Joins what two groups say.
    pub(super) fn merge(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            demand: self.demand.max(other.demand),
            years: self.years.max(other.years),
            has_figure: self.has_figure || other.has_figure,
            first: [self.first, other.first].into_iter().flatten().min(),
        }
    }
}

/// One text, read.
pub(super) struct Facts<'t> {
    pub(super) doc: Doc<'t>,
    pub(super) mentions: Vec<Mention>,
    pub(super) hits: Vec<Hit>,
    pub(super) demands: Vec<Demand>,
    pub(super) year_counts: Vec<YearCount>,
    pub(super) entries: Vec<Entry>,
    pub(super) figures: Vec<LineFigures>,
    usage: Vec<Usage>,
}

impl<'t> Facts<'t> {
    pub(super) fn new(text: &'t str, names: &Names<'_>, today: Today) -> Self {
        let doc = Doc::new(text, |word| names.word_id(word));
        let lexicon = names.lexicon;
        let mentions = mentions(&doc, names);
        let hits = lexicon.hits(&doc);
        let sections = sections(&doc, lexicon, &hits);
        let demands = demands(&doc, lexicon, &hits, &sections);
        let year_counts = year_counts(&doc, lexicon);
        let entries = entries(&doc, lexicon, &sections, today);
        let figures = line_figures(&doc, lexicon, &mentions, &year_counts);
        let mut facts = Self {
            doc,
            mentions,
            hits,
            demands,
            year_counts,
            entries,
            figures,
            usage: vec![Usage::default(); lexicon.n_groups()],
        };
        facts.count_usage(lexicon, &sections);
        facts
    }

    pub(super) fn is_empty(&self) -> bool {
        self.doc.tokens.is_empty()
    }

    pub(super) fn usage(&self, group: GroupId) -> Usage {
        self.usage.get(group.idx()).copied().unwrap_or_default()
    }

    pub(super) fn figures_on(&self, line: u32) -> LineFigures {
        self.figures.get(index(line)).copied().unwrap_or_default()
    }

    pub(super) fn demand_at(&self, at: u32) -> Demand {
        self.demands.get(index(at)).copied().unwrap_or_default()
    }

    pub(super) fn line_of(&self, at: u32) -> Option<u32> {
        self.doc.token(index(at)).map(|token| token.line)
    }

    fn count_usage(&mut self, lexicon: &Lexicon, sections: &[Section]) {
        for hit in &self.hits {
            let Some(token) = self.doc.tokens.get(index(hit.at)) else { continue };
            // "A training budget" among the benefits asks for nothing; a place of work still counts.
            let is_offer = sections.get(index(token.line)) == Some(&Section::Offer);
            if is_offer && lexicon.is_signal(hit.group) {
                continue;
            }
            let figures = self.figures.get(index(token.line)).copied().unwrap_or_default();
            let found = Usage {
                count: 1,
                demand: self.demands.get(index(hit.at)).copied().unwrap_or_default(),
                years: figures.years,
                has_figure: figures.has_figure,
                first: Some(hit.at),
            };
            if let Some(usage) = self.usage.get_mut(hit.group.idx()) {
                *usage = usage.merge(found);
            }
        }
    }
}
