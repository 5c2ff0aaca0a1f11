//! The device that collects a page's glyphs instead of drawing them.

use std::panic::resume_unwind;
use std::time::{Duration, Instant};

use hayro_interpret::font::{Glyph as FontGlyph, GlyphRun, PositionedGlyph};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect, Vec2};
use hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask,
};

use super::super::ExtractLimits;
use super::layout::Glyph;

/// Glyph space units of one em.
const UNITS_PER_EM: f64 = 1000.0;
/// Calls between two looks at the clock.
const CALLS_PER_CLOCK: u64 = 256;
/// A run drawn again this close, in em, makes the first one bold.
const OVERPRINT_EM: f64 = 0.12;
/// Width of an average letter of a Type 3 font, in em of a usual font.
const TYPE3_ADVANCE_EM: f64 = 0.5;

/// The payload that unwinds out of the interpreter.
pub(super) struct LimitReached;

/// Collects glyphs and counts calls.
pub(super) struct Glyphs {
    glyphs: Vec<Glyph>,
    /// Where the last run starts.
    run_start: usize,
    n_calls: u64,
    calls_max: u64,
    glyphs_max: usize,
    started: Instant,
    time_max: Duration,
}

impl Glyphs {
    pub(super) fn new(limits: &ExtractLimits) -> Self {
        Self {
            glyphs: Vec::new(),
            run_start: 0,
            n_calls: 0,
            calls_max: limits.pdf_page_calls,
            glyphs_max: limits.pdf_page_glyphs,
            started: Instant::now(),
            time_max: Duration::from_millis(limits.pdf_page_ms),
        }
    }

    pub(super) fn into_glyphs(self) -> Vec<Glyph> {
        self.glyphs
    }

    fn tick(&mut self) {
        self.n_calls += 1;
        let late =
            self.n_calls.is_multiple_of(CALLS_PER_CLOCK) && self.started.elapsed() > self.time_max;
        if late || self.n_calls > self.calls_max || self.glyphs.len() > self.glyphs_max {
            resume_unwind(Box::new(LimitReached));
        }
    }

    /// Whether the run that begins at `start` repeats the one before it in place: filled and then
    /// stroked, or printed twice to look bold.
    fn is_overprint(&self, start: usize) -> bool {
        let (Some(last), Some(new)) =
            (self.glyphs.get(self.run_start..start), self.glyphs.get(start..))
        else {
            return false;
        };
        last.len() == new.len()
            && last.iter().zip(new).all(|(a, b)| {
                let near = OVERPRINT_EM * a.em;
                a.text == b.text
                    && a.turn == b.turn
                    && (a.start - b.start).abs() < near
                    && (a.baseline - b.baseline).abs() < near
            })
    }
}

impl<'a> Device<'a> for Glyphs {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        let start = self.glyphs.len();
        let vertical = matches!(run.writing_mode(), WritingMode::Vertical);
        let type3_em = type3_em(run.glyphs(), props.transform);
        for glyph in run.glyphs() {
            self.tick();
            // A glyph whose character nobody recorded is lost here, as in every reader.
            if let Some(text) = glyph.as_unicode() {
                self.glyphs.push(place(glyph, text, props.transform, vertical, type3_em));
            }
        }
        if start == self.glyphs.len() {
            return;
        }
        if self.is_overprint(start) {
            self.glyphs.truncate(start);
        } else {
            self.run_start = start;
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {
        self.tick();
    }

    fn draw_rect(&mut self, _: &Rect, _: DrawProps<'a>, _: &DrawMode) {
        self.tick();
    }

    fn push_clip_path(&mut self, _: &ClipPath) {
        self.tick();
    }

    fn push_clip_rect(&mut self, _: &Rect) {
        self.tick();
    }

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {
        self.tick();
    }

    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {
        self.tick();
    }

    fn pop_clip(&mut self) {
        self.tick();
    }

    fn pop_transparency_group(&mut self) {
        self.tick();
    }
}

fn advance(glyph: &PositionedGlyph<'_>) -> f64 {
    let advance = match &**glyph {
        FontGlyph::Outline(outline) => outline.advance_width(),
        FontGlyph::Type3(type3) => type3.advance_width(),
    };
    f64::from(advance.unwrap_or(0.0))
}

/// The em of a run in a Type 3 font, whose own matrix makes the font size mean nothing; taken from
/// the mean width of its letters.
fn type3_em(glyphs: &[PositionedGlyph<'_>], page: Affine) -> Option<f64> {
    let mut n = 0.0;
    let mut sum = 0.0;
    for glyph in glyphs {
        if !matches!(**glyph, FontGlyph::Type3(_)) {
            return None;
        }
        let [a, b, ..] = (page * glyph.transform()).as_coeffs();
        sum += Vec2::new(a, b).hypot() * advance(glyph).abs();
        n += 1.0;
    }
    (sum > 0.0).then(|| sum / n / TYPE3_ADVANCE_EM)
}

/// Measures a glyph along its own baseline, whichever way that runs on the page.
fn place(
    glyph: &PositionedGlyph<'_>,
    text: BfString,
    page: Affine,
    vertical: bool,
    type3_em: Option<f64>,
) -> Glyph {
    let matrix = page * glyph.transform();
    let [a, b, c, d, ..] = matrix.as_coeffs();
    let em = type3_em.unwrap_or_else(|| Vec2::new(c, d).hypot() * UNITS_PER_EM);
    let em = if em.is_finite() && em > 0.0 { em } else { 1.0 };
    // Columns are read downwards: the line runs along the glyph's own down.
    let along = if vertical { Vec2::new(-c, -d) } else { Vec2::new(a, b) };
    let (turn, direction) = quarter_turn(along);
    let across = Vec2::new(-direction.y, direction.x);
    let origin = (matrix * Point::ZERO).to_vec2();
    let start = origin.dot(direction);
    let end = if vertical {
        start + em
    } else {
        (matrix * Point::new(advance(glyph), 0.0)).to_vec2().dot(direction)
    };
    Glyph { text, start, end, baseline: origin.dot(across), em, turn }
}

/// The nearest of the four directions along an axis.
fn quarter_turn(along: Vec2) -> (u8, Vec2) {
    match (along.x.abs() >= along.y.abs(), along.x >= 0.0, along.y >= 0.0) {
        (true, true, _) => (0, Vec2::new(1.0, 0.0)),
        (true, false, _) => (2, Vec2::new(-1.0, 0.0)),
        (false, _, true) => (1, Vec2::new(0.0, 1.0)),
        (false, _, false) => (3, Vec2::new(0.0, -1.0)),
    }
}
