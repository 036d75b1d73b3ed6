//! The style sheet, the scripts and the icon: named by their content, so that browsers keep them.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

const FOREVER: &str = "public, max-age=31536000, immutable";

/// Where a page finds what it is drawn with.
pub(crate) struct Assets {
    pub(crate) css: String,
    pub(crate) script: String,
    pub(crate) finder: String,
    pub(crate) live: String,
    pub(crate) icon: String,
    /// Draws an area on a map.
    pub(crate) area: String,
}

struct Asset {
    name: String,
    kind: &'static str,
    text: &'static str,
}

static ALL: LazyLock<[Asset; 6]> = LazyLock::new(|| {
    let asset = |stem: &str, ending: &str, kind, text: &'static str| Asset {
        name: format!("{stem}-{:016x}.{ending}", fnv_1a(text)),
        kind,
        text,
    };
    [
        asset(
            "lamplighter",
            "css",
            "text/css; charset=utf-8",
            include_str!("../../assets/lamplighter.css"),
        ),
        asset(
            "lamps",
            "js",
            "text/javascript; charset=utf-8",
            include_str!("../../assets/lamps.js"),
        ),
        asset(
            "console",
            "js",
            "text/javascript; charset=utf-8",
            include_str!("../../assets/console.js"),
        ),
        asset(
            "live",
            "js",
            "text/javascript; charset=utf-8",
            include_str!("../../assets/live.js"),
        ),
        asset(
            "lamp",
            "svg",
            "image/svg+xml",
            include_str!("../../assets/lamp.svg"),
        ),
        asset(
            "area",
            "js",
            "text/javascript; charset=utf-8",
            include_str!("../../assets/area.js"),
        ),
    ]
});

pub(crate) static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let [css, script, finder, live, icon, area] = &*ALL;
    let path = |asset: &Asset| format!("/assets/{}", asset.name);
    Assets {
        css: path(css),
        script: path(script),
        finder: path(finder),
        live: path(live),
        icon: path(icon),
        area: path(area),
    }
});

/// `GET /assets/{name}`.
pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    match ALL.iter().find(|asset| asset.name == name) {
        Some(asset) => {
            let headers = [
                (header::CONTENT_TYPE, asset.kind),
                (header::CACHE_CONTROL, FOREVER),
            ];
            (headers, asset.text).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// FNV-1a (Fowler, Noll, Vo): tells versions of a file apart, and promises nothing else.
fn fnv_1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
