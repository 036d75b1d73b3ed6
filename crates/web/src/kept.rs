//! Answers of public pages, kept for a second: a crowd reads what one reader had drawn, compressed
//! once, and an unchanged page is not sent again.
//!
//! What people say is told at once: a changed incident makes every kept answer old. Lamps change many
//! times a second while a fleet is restored; they may be a second late. When a page cannot be drawn,
//! because the database is down, the last one is shown; it says itself of when it is.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::App;
use crate::language::{self, Language};

/// How long an answer stands.
const STANDS: SignedDuration = SignedDuration::from_secs(1);
/// How long an answer is shown while none can be drawn.
const LASTS: SignedDuration = SignedDuration::from_hours(1);
/// Pages in a few zones, each in a few encodings: a fleet's sites do not fit, and need not.
const ANSWERS_MAX: usize = 1_000;
/// Pages are much smaller; what is larger is drawn for each reader.
const KEPT_BYTES_MAX: usize = 64 << 10;
const BODY_BYTES_MAX: usize = 16 << 20;
const KEY_BYTES_MAX: usize = 1_000;

/// Marks an answer that is the same for everybody.
#[derive(Clone, Copy)]
pub(crate) struct Keep;

/// The answers, by what they are for and how they are written.
#[derive(Default)]
pub(crate) struct Kept(Mutex<HashMap<Kind, HashMap<String, Slot>>>);

/// How an answer is written, beside what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Kind {
    gzip: bool,
    /// Not the header that asks for it: readers write that in thousands of ways.
    language: Language,
}

/// What a request asks for, if its answer may be kept.
struct Key<'r> {
    kind: Kind,
    target: &'r str,
}

struct Slot {
    answer: Arc<Answer>,
    /// When somebody last went to draw it anew.
    asked_at: Timestamp,
}

struct Answer {
    headers: HeaderMap,
    body: Bytes,
    /// How often something was told by then.
    told: u64,
    drawn_at: Timestamp,
}

/// Answers from what is kept, or keeps what is answered.
pub(crate) async fn keep(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let Some(Key { kind, target }) = Key::of(&app, &request) else {
        return next.run(request).await;
    };
    let (told, now) = (app.engine().times_told(), app.engine().clock().now());
    if let Some(answer) = app.kept().fresh(kind, target, told, now) {
        return answer.send(request.headers().get(header::IF_NONE_MATCH));
    }
    let target = target.to_owned();
    // What is kept is written as its key says, whatever else the header may be read as.
    let encoding = HeaderValue::from_static(if kind.gzip { "gzip" } else { "identity" });
    request
        .headers_mut()
        .insert(header::ACCEPT_ENCODING, encoding);
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    if response.status().is_server_error() {
        let last = app.kept().last(kind, &target, now);
        return last.map_or(response, |answer| answer.send(known.as_ref()));
    }
    match Answer::of(response, told, now).await {
        Ok(answer) => {
            let answer = Arc::new(answer);
            app.kept().put(kind, target, Arc::clone(&answer), now);
            answer.send(known.as_ref())
        }
        Err(response) => response,
    }
}

impl<'r> Key<'r> {
    fn of(app: &App, request: &'r Request) -> Option<Self> {
        let target = request.uri().path_and_query()?.as_str();
        let encodings = request.headers().get_all(header::ACCEPT_ENCODING);
        let encodings = encodings.iter().filter_map(|value| value.to_str().ok());
        let fits = target.len() <= KEY_BYTES_MAX;
        (request.method() == Method::GET && fits).then(|| Self {
            kind: Kind {
                gzip: encodings.into_iter().any(takes_gzip),
                language: language::asked(app, request).0,
            },
            target,
        })
    }
}

/// Whether an answer for a request with this `Accept-Encoding` may be compressed (RFC 9110, 12.5.3).
/// Who says yes may be sent a plain answer all the same.
fn takes_gzip(encodings: &str) -> bool {
    encodings.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| {
            ["gzip", "x-gzip", "*"]
                .iter()
                .any(|gzip| name.eq_ignore_ascii_case(gzip))
        });
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        is_gzip && weight.is_none_or(|weight| weight.parse().is_ok_and(|weight: f32| weight > 0.0))
    })
}

impl Kept {
    /// An answer that still stands, or that somebody else draws anew just now.
    fn fresh(&self, kind: Kind, target: &str, told: u64, now: Timestamp) -> Option<Arc<Answer>> {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = kinds.get_mut(&kind)?.get_mut(target)?;
        // A clock that was set back makes nothing stand for longer.
        let age = now.duration_since(slot.asked_at);
        if slot.answer.told == told && (SignedDuration::ZERO..STANDS).contains(&age) {
            return Some(Arc::clone(&slot.answer));
        }
        slot.asked_at = now;
        None
    }

    /// The last answer, for when there is no new one.
    fn last(&self, kind: Kind, target: &str, now: Timestamp) -> Option<Arc<Answer>> {
        let kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = &kinds.get(&kind)?.get(target)?.answer;
        (now.duration_since(answer.drawn_at) < LASTS).then(|| Arc::clone(answer))
    }

    fn put(&self, kind: Kind, target: String, answer: Arc<Answer>, now: Timestamp) {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kinds.values().map(HashMap::len).sum::<usize>() >= ANSWERS_MAX {
            for answers in kinds.values_mut() {
                answers.retain(|_, slot| now.duration_since(slot.answer.drawn_at) < STANDS);
            }
        }
        let has_room = kinds.values().map(HashMap::len).sum::<usize>() < ANSWERS_MAX;
        if has_room && answer.body.len() <= KEPT_BYTES_MAX {
            let slot = Slot {
                answer,
                asked_at: now,
            };
            kinds.entry(kind).or_default().insert(target, slot);
        }
    }
}

impl Answer {
    /// Reads an answer that may be kept; gives back any other.
    async fn of(response: Response, told: u64, now: Timestamp) -> Result<Self, Response> {
        let may =
            response.status() == StatusCode::OK && response.extensions().get::<Keep>().is_some();
        if !may {
            return Err(response);
        }
        let (mut parts, body) = response.into_parts();
        let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
            tracing::error!("a public page is larger than {BODY_BYTES_MAX} bytes");
            return Err(StatusCode::INTERNAL_SERVER_ERROR.into_response());
        };
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let tag = format!("\"{:016x}\"", hasher.finish());
        parts
            .headers
            .extend(HeaderValue::try_from(tag).map(|tag| (header::ETAG, tag)));
        // A browser may keep it too, if it asks whether it changed.
        let asks = HeaderValue::from_static("no-cache");
        parts.headers.insert(header::CACHE_CONTROL, asks);
        Ok(Self {
            headers: parts.headers,
            body,
            told,
            drawn_at: now,
        })
    }

    fn send(&self, known: Option<&HeaderValue>) -> Response {
        let is_known = |tag: &HeaderValue| {
            let known = known.and_then(|known| known.to_str().ok()).unwrap_or("");
            let tag = tag.to_str().unwrap_or("");
            known
                .split(',')
                .any(|one| one.trim().trim_start_matches("W/") == tag)
        };
        let mut headers = self.headers.clone();
        if headers.get(header::ETAG).is_some_and(is_known) {
            headers.remove(header::CONTENT_LENGTH);
            headers.remove(header::CONTENT_ENCODING);
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let mut response = Body::from(self.body.clone()).into_response();
        *response.headers_mut() = headers;
        response
    }
}
