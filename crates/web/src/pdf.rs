//! Incident reports as PDF: tagged (PDF/UA-1), because local governments may only publish what a
//! screen reader can read. Reads Markdown, lays it out on US Letter, draws it. Never knows an
//! incident.
//!
//! `blocks` reads, `fonts` and `lines` measure, `layout`, `table` and `foot` place, `write` draws.

mod blocks;
mod fonts;
mod foot;
mod layout;
mod lines;
mod sheet;
mod table;
mod write;

#[cfg(test)]
mod tests;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::id::IncidentId;
use domain::language::Language;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use self::sheet::Laid;
use crate::language::Says as _;

/// Twenty times what a person may post: a draft has a note for each record.
const MARKDOWN_BYTES_MAX: usize = 400 << 10;

/// Drawing takes a core for a while. Whoever asks while two are drawn waits.
static DRAWN_AT_ONCE: Semaphore = Semaphore::const_new(2);

/// What a document says of itself.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// What a reader of PDF shows as its name.
    pub(crate) title: String,
    pub(crate) author: String,
    pub(crate) created_at: Timestamp,
    /// Stands under its first heading.
    pub(crate) byline: String,
    /// Where links without a host lead.
    pub(crate) base_url: String,
    /// That of its reader: of what we add to the report.
    pub(crate) language: Language,
    /// That of the report, where it is another.
    pub(crate) wrote: Option<Language>,
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PdfError {
    /// It would have too many pages.
    #[error("this report is too long for a PDF: read its page")]
    TooLong,
    /// The program's own fonts are damaged.
    #[error("could not read the fonts of PDFs")]
    Fonts,
    /// The library refused what we drew.
    #[error("could not write a PDF: {0}")]
    Write(String),
}

/// Lays `markdown` out as the report's page reads it, and draws it.
///
/// # Errors
/// When it would have too many pages, or cannot be drawn.
pub(crate) fn document(markdown: &str, about: &About) -> Result<Vec<u8>, PdfError> {
    if markdown.len() > MARKDOWN_BYTES_MAX {
        return Err(PdfError::TooLong);
    }
    let fonts = fonts::Fonts::carried().ok_or(PdfError::Fonts)?;
    let language = about.language;
    let mut text = blocks::read(markdown, (&about.base_url, language));
    text.begin_with_heading(&about.title);
    let ours = (&*about.byline, language.say("report-records"));
    let mut laid = layout::lay_out(fonts, &text, ours).ok_or(PdfError::TooLong)?;
    foot::number(fonts, &mut laid, (&about.title, language));
    if let Some(wrote) = about.wrote {
        tell_apart(&mut laid, language, wrote);
    }
    write::write(&laid, &text.links, about)
}

/// What people wrote says its language, and what is ours within it says the reader's.
fn tell_apart(laid: &mut Laid, language: Language, wrote: Language) {
    let outermost: Vec<_> = laid.outermost().collect();
    for part in outermost {
        laid.parts[part].kind.set_lang(Some(in_usa(wrote)));
    }
    for part in &laid.ours {
        laid.parts[*part].kind.set_lang(Some(in_usa(language)));
    }
}

/// The tag of a language as it is written in the USA.
fn in_usa(language: Language) -> String {
    format!("{}-US", language.tag())
}

/// Draws a report beside other work, and answers with it.
///
/// # Errors
/// As [`document`].
pub(crate) async fn answer(
    id: IncidentId,
    markdown: String,
    about: About,
) -> Result<Response, PdfError> {
    let turn = DRAWN_AT_ONCE.acquire().await;
    let drawn = tokio::task::spawn_blocking(move || document(&markdown, &about)).await;
    drop(turn);
    let pdf = drawn.map_err(|e| PdfError::Write(e.to_string()))??;
    let headers = [
        (header::CONTENT_TYPE, "application/pdf".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("inline; filename=\"incident-report-{id}.pdf\""),
        ),
    ];
    Ok((headers, pdf).into_response())
}
