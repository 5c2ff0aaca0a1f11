//! PDF: page contents interpreted by hayro, its glyphs laid out as lines by [`layout`].
//!
//! Meant for the child process. The counters of [`Glyphs`] end what draws for ever; memory taken
//! while a stream is unpacked or a CMap is read can only be bounded from outside.

mod characters;
mod glyphs;
mod layout;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use hayro_interpret::hayro_syntax::page::Page;
use hayro_interpret::kurbo::{Affine, Rect};
use hayro_interpret::{Context, InterpreterCache, InterpreterSettings, interpret_page};
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use super::normalize::RawText;
use super::{Collected, ExtractError, ExtractLimits};
use glyphs::{Glyphs, LimitReached};

pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<Collected, ExtractError> {
    let pdf = Pdf::new(bytes.to_vec()).map_err(|e| match e {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => ExtractError::Encrypted,
        // A cipher nobody here knows keeps the text as well as a password does.
        LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => ExtractError::Encrypted,
        LoadPdfError::Decryption(_) | LoadPdfError::Invalid => ExtractError::Corrupt,
    })?;
    if pdf.len() > limits.pdf_objects {
        return Err(ExtractError::TooComplex);
    }
    let pages = pdf.pages();
    if pages.is_empty() {
        return Err(ExtractError::Corrupt);
    }

    let cache = InterpreterCache::new();
    let mut out = RawText::new(limits);
    let mut n_read = 0;
    for page in pages.iter().take(limits.pdf_pages) {
        if out.is_full() {
            break;
        }
        let glyphs = page_glyphs(page, &pdf, &cache, limits)?;
        out.end_line();
        out.push('\n');
        layout::append_page(glyphs, &mut out);
        n_read += 1;
    }
    let truncated = out.is_full() || n_read < pages.len();
    let text = layout::join_hyphens(&out.into_string());
    Ok(Collected {
        text,
        page_count: Some(u32::try_from(pages.len()).unwrap_or(u32::MAX)),
        truncated,
    })
}

/// Interprets one page, unwinding out of it when a limit is reached: the interpreter has no other
/// way to stop.
fn page_glyphs<'a>(
    page: &Page<'a>,
    pdf: &'a Pdf,
    cache: &InterpreterCache<'a>,
    limits: &ExtractLimits,
) -> Result<Vec<layout::Glyph>, ExtractError> {
    let mut device = Glyphs::new(limits);
    let done = catch_unwind(AssertUnwindSafe(|| {
        // The page's box decides only what is drawn, and nothing is.
        let mut context = Context::new(
            Affine::IDENTITY,
            Rect::new(0.0, 0.0, 1.0, 1.0),
            cache,
            pdf.xref(),
            InterpreterSettings::default(),
        );
        interpret_page(page, &mut context, &mut device);
    }));
    match done {
        Ok(()) => Ok(device.into_glyphs()),
        Err(payload) if payload.is::<LimitReached>() => Err(ExtractError::TooComplex),
        Err(payload) => resume_unwind(payload),
    }
}

#[cfg(test)]
mod tests;
