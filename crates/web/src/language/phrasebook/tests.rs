//! A sentence that the book does not know, or a phrase that nobody says any more, fails here.

mod rust;
mod sources;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use self::sources::{Reach, Sentences, filled, gather};
use super::*;

fn spanish(english: &str) -> Option<String> {
    Search::new(&BOOK, Language::Spanish).text(english, 0)
}

fn all_phrases() -> impl Iterator<Item = &'static Phrase> {
    BOOK.by_word.values().flatten().chain(&BOOK.open)
}

/// What a phrase says with 7 for each value.
fn shape(phrase: &Phrase) -> String {
    phrase.words.join("7")
}

#[test]
fn sources_dump() {
    let mut all = Sentences::new();
    for (place, reach) in PLACES {
        gather(&mut all, place, reach);
    }
    let shapes: BTreeSet<_> = all_phrases().map(shape).collect();
    for (text, place) in &all {
        if !shapes.contains(text) {
            println!("MISSING {place}: {text:?}");
        }
    }
    for phrase in all_phrases() {
        if !all.contains_key(&shape(phrase)) {
            println!("UNSAID {}: {}", phrase.key, shape(phrase));
        }
    }
}

/// Where the sentences are that a page may show.
const PLACES: [(&str, Reach); 14] = [
    ("domain/src", Reach::All),
    ("engine/src", Reach::All),
    ("store/src", Reach::Errors),
    ("signin/src", Reach::Refusals),
    ("agent/src/actions.rs", Reach::All),
    ("web/src/access.rs", Reach::All),
    ("web/src/error.rs", Reach::All),
    ("web/src/extract.rs", Reach::All),
    ("web/src/limit.rs", Reach::All),
    ("web/src/lib.rs", Reach::All),
    ("web/src/client_address.rs", Reach::Refusals),
    ("web/src/pdf.rs", Reach::Errors),
    ("web/src/reader.rs", Reach::Refusals),
    ("web/src/pages", Reach::Refusals),
];
