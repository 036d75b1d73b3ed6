//! Replies whose status and medium are part of their type, so that the description of the API
//! (`crate::open_api`) can be read off a handler.

use std::marker::PhantomData;

use axum::Json;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::open_api::{Gives, Sheet};

/// Something was made: 201, and it.
pub(crate) struct Created<T>(pub(crate) T);

/// Something was taken, and will be done: 202, and what is known of it.
pub(crate) struct Accepted<T>(pub(crate) T);

/// A status, and no body.
pub(crate) struct Bare<const STATUS: u16>;

/// A body of one medium.
pub(crate) struct Raw<M> {
    body: Bytes,
    medium: PhantomData<M>,
}

/// A medium of a body.
pub(crate) trait Medium {
    const CONTENT_TYPE: &'static str;
    const WORDS: &'static str;
}

/// A document as it was signed or published: JSON of any shape.
pub(crate) struct AnyJson;

/// Markdown.
pub(crate) struct Markdown;

/// A page of HTML.
pub(crate) struct Html;

impl Medium for AnyJson {
    const CONTENT_TYPE: &'static str = "application/json";
    const WORDS: &'static str = "The file, byte for byte.";
}

impl Medium for Markdown {
    const CONTENT_TYPE: &'static str = "text/markdown; charset=utf-8";
    const WORDS: &'static str = "The text, as Markdown.";
}

impl Medium for Html {
    const CONTENT_TYPE: &'static str = "text/html; charset=utf-8";
    const WORDS: &'static str = "The text, as HTML.";
}

impl<M> Raw<M> {
    pub(crate) fn new(body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            medium: PhantomData,
        }
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl<T: JsonSchema> Gives for Created<T> {
    fn gives(sheet: &mut Sheet<'_>) {
        sheet.reply_json::<T>(201, "Made.");
    }
}

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, Json(self.0)).into_response()
    }
}

impl<T: JsonSchema> Gives for Accepted<T> {
    fn gives(sheet: &mut Sheet<'_>) {
        sheet.reply_json::<T>(202, "Taken; what follows is done afterwards.");
    }
}

impl<const STATUS: u16> IntoResponse for Bare<STATUS> {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(STATUS);
        status.unwrap_or(StatusCode::NO_CONTENT).into_response()
    }
}

impl<const STATUS: u16> Gives for Bare<STATUS> {
    fn gives(sheet: &mut Sheet<'_>) {
        sheet.reply(STATUS, "Done; there is no body.", None);
    }
}

impl<M: Medium> IntoResponse for Raw<M> {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, M::CONTENT_TYPE)], self.body).into_response()
    }
}

impl<M: Medium> Gives for Raw<M> {
    fn gives(sheet: &mut Sheet<'_>) {
        let medium = M::CONTENT_TYPE.split(';').next().unwrap_or_default();
        let schema = match medium {
            "application/json" => json!({}),
            _ => json!({"type": "string"}),
        };
        sheet.reply(200, M::WORDS, Some((medium, schema)));
    }
}

/// A document that browsers open or save.
pub(crate) struct PdfFile(pub(crate) Response);

impl IntoResponse for PdfFile {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Gives for PdfFile {
    fn gives(sheet: &mut Sheet<'_>) {
        let schema = json!({"type": "string", "format": "binary"});
        let content = Some(("application/pdf", schema));
        sheet.reply(200, "The document, as tagged PDF.", content);
    }
}
