//! What stories about the engine begin with; its unit tests begin with the same.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use clock::Clock;
use domain::language::Language;
use domain::site::Zone;
use engine::{Engine, Settings};
use store::{Place, Store};

/// The store in a folder.
pub(crate) async fn store(folder: &Path) -> Store {
    let place = Place {
        folder: folder.into(),
        postgres: None,
    };
    Store::open(&place).await.unwrap()
}

/// An engine on it, of a team in Chicago.
pub(crate) async fn engine(store: Store, clock: Clock, base_url: &str) -> Engine {
    let settings = Settings {
        base_url: base_url.into(),
        team: "Our engineers".into(),
        home_zone: Zone::parse("America/Chicago").unwrap(),
        language: Language::English,
    };
    Engine::open(store, clock, settings).await.unwrap()
}
