//! The media types an attachment may have.

use super::DocumentKind;

/// A type of file the engine stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MediaType {
    /// Portable Document Format.
    Pdf,
    /// Office Open XML text.
    Docx,
    /// Rich Text Format.
    Rtf,
    /// Markdown.
    Markdown,
    /// Plain text.
    Text,
    /// Word 97-2003.
    Doc,
    /// OpenDocument text.
    Odt,
    /// PNG image.
    Png,
    /// JPEG image.
    Jpeg,
    /// WebP image.
    Webp,
    /// An e-mail message.
    Email,
    /// iCalendar.
    Calendar,
}

impl MediaType {
    /// All types.
    pub const ALL: &'static [Self] = &[
        Self::Pdf,
        Self::Docx,
        Self::Rtf,
        Self::Markdown,
        Self::Text,
        Self::Doc,
        Self::Odt,
        Self::Png,
        Self::Jpeg,
        Self::Webp,
        Self::Email,
        Self::Calendar,
    ];

    /// Returns the media type as it is stored and served.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Rtf => "application/rtf",
            Self::Markdown => "text/markdown",
            Self::Text => "text/plain",
            Self::Doc => "application/msword",
            Self::Odt => "application/vnd.oasis.opendocument.text",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Email => "message/rfc822",
            Self::Calendar => "text/calendar",
        }
    }

    /// Returns the type spelled exactly `mime`, or `None`.
    pub fn parse(mime: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|media_type| media_type.as_str() == mime)
    }

    /// Returns the usual extension, without a dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Docx => "docx",
            Self::Rtf => "rtf",
            Self::Markdown => "md",
            Self::Text => "txt",
            Self::Doc => "doc",
            Self::Odt => "odt",
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
            Self::Email => "eml",
            Self::Calendar => "ics",
        }
    }

    /// Returns the kind whose reader gives this type's text; `None` for types without text.
    pub const fn text_kind(self) -> Option<DocumentKind> {
        match self {
            Self::Pdf => Some(DocumentKind::Pdf),
            Self::Docx => Some(DocumentKind::Docx),
            Self::Rtf => Some(DocumentKind::Rtf),
            Self::Markdown => Some(DocumentKind::Markdown),
            Self::Text => Some(DocumentKind::Text),
            Self::Doc
            | Self::Odt
            | Self::Png
            | Self::Jpeg
            | Self::Webp
            | Self::Email
            | Self::Calendar => None,
        }
    }

    /// Reports whether files of this type may carry `extension` (lower case, no dot).
    pub(super) fn has_extension(self, extension: &str) -> bool {
        let other: &[&str] = match self {
            Self::Markdown => &["markdown", "mdown", "mkd"],
            Self::Text => &["text"],
            Self::Jpeg => &["jpeg", "jpe", "jfif"],
            Self::Calendar => &["ical", "ifb"],
            Self::Pdf
            | Self::Docx
            | Self::Rtf
            | Self::Doc
            | Self::Odt
            | Self::Png
            | Self::Webp
            | Self::Email => &[],
        };
        self.extension() == extension || other.contains(&extension)
    }
}
