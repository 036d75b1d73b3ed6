//! A sentence that the book does not know, or a phrase that nobody says any more, fails here.

mod passed;
mod rust;
mod sources;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use self::passed::{BORROWED, COMPOSED, PASSED};
use self::sources::{Reach, Sentences, filled, gather, is_sentence};
use super::*;

/// Where the sentences are that a page may show.
const PLACES: [(&str, Reach); 15] = [
    ("domain/src", Reach::All),
    ("engine/src", Reach::All),
    ("store/src", Reach::Errors),
    ("signin/src", Reach::Refusals),
    ("agent/src/actions.rs", Reach::All),
    ("agent/src/cache.rs", Reach::All),
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

/// What a team that writes in English is told, and what is stored in its words; by their keys.
const TEAM: &str = include_str!("../../../../wording/texts/en/posts.ftl");
const TEAM_TOLD: [&str; 4] = ["campaign-", "page-", "rollout-", "title-"];

fn spanish(english: &str) -> Option<String> {
    Search::new(&BOOK, Language::Spanish).text(english, 0)
}

fn phrases() -> impl Iterator<Item = &'static Phrase> {
    BOOK.by_word.values().flatten().chain(&BOOK.open)
}

/// What a phrase says with 7 for each value, and its key.
fn shapes() -> BTreeMap<String, &'static str> {
    phrases()
        .map(|phrase| (phrase.words.join("7"), phrase.key.as_str()))
        .collect()
}

fn all_sentences() -> Sentences {
    let mut all = Sentences::new();
    for (place, reach) in PLACES {
        gather(&mut all, place, reach);
    }
    for line in TEAM.lines() {
        let Some((key, text)) = line.split_once(" = ") else {
            continue;
        };
        if TEAM_TOLD.iter().any(|begin| key.starts_with(begin)) {
            all.insert(filled(text), format!("wording: {key}"));
        }
    }
    all
}

#[test]
fn the_book_knows_every_sentence_that_a_page_may_show() {
    let (all, shapes) = (all_sentences(), shapes());
    let passed = PASSED.iter().flat_map(|(_, entries)| *entries);
    let mut passed: BTreeMap<&str, bool> = passed.map(|entry| (*entry, false)).collect();
    let composed: BTreeSet<&str> = COMPOSED.iter().map(|(source, _)| *source).collect();
    let mut unknown = vec![];
    for (text, place) in all.iter().filter(|(text, _)| is_sentence(text)) {
        let mut why = passed.iter_mut().filter(|(entry, _)| {
            let is_place = entry.contains("/src/") && place.starts_with(**entry);
            is_place || **entry == text
        });
        if shapes.contains_key(text) || composed.contains(text.as_str()) {
            continue;
        }
        match why.next() {
            Some((_, is_used)) => *is_used = true,
            None => unknown.push(format!("{place}: {text}")),
        }
    }
    assert!(unknown.is_empty(), "no phrase for these: {unknown:#?}");
    passed.retain(|_, is_used| !*is_used);
    assert!(passed.is_empty(), "passed for nothing: {:?}", passed.keys());
}

#[test]
fn no_phrase_is_kept_that_nobody_says() {
    let all = all_sentences();
    let composed = COMPOSED.iter().flat_map(|(_, wholes)| *wholes);
    let composed: BTreeSet<&str> = composed.chain(&BORROWED).copied().collect();
    let said = |shape: &str| all.contains_key(shape) || composed.contains(shape);
    let unsaid: Vec<_> = shapes()
        .into_iter()
        .filter(|(shape, _)| !said(shape))
        .collect();
    assert!(unsaid.is_empty(), "{unsaid:#?}");
    let shapes = shapes();
    let strange = composed.iter().filter(|one| !shapes.contains_key(**one));
    assert_eq!(strange.count(), 0);
    let is_there = |source: &str| all.keys().any(|text| text == source.trim());
    let gone: Vec<_> = COMPOSED
        .iter()
        .filter(|(source, _)| !is_there(source))
        .collect();
    assert!(gone.is_empty(), "{gone:?}");
}

#[test]
fn both_languages_have_the_same_phrases_and_each_can_be_found() {
    let english = held(ENGLISH_FILES).expect("the files can be read");
    assert_eq!(english, held(SPANISH_FILES).expect("the files can be read"));
    assert_eq!(shapes().len(), english.len(), "two phrases are the same");
    for phrase in phrases() {
        let names: BTreeSet<_> = phrase.gaps.iter().map(|gap| &gap.name).collect();
        let between = &phrase.words[1.min(phrase.gaps.len())..phrase.gaps.len()];
        assert_eq!(names.len(), phrase.gaps.len(), "{}", phrase.key);
        assert!(!between.contains(&String::new()), "{}", phrase.key);
        let text = phrase.words.join("7");
        let (found, _) = BOOK.find(&text, true).expect("it is found");
        assert_eq!(found.key, phrase.key, "{text}");
        let said = Search::new(&BOOK, Language::Spanish).text(&text, 1);
        assert!(said.is_some_and(|said| !said.contains('{')), "{text}");
    }
}

#[test]
fn sentences_are_said_with_their_values() {
    for (english, expected) in [
        (
            "a banner must end after it begins",
            "un aviso debe terminar después de comenzar",
        ),
        (
            "A banner must end after it begins.",
            "Un aviso debe terminar después de comenzar.",
        ),
        (
            "\"C A\" is no state: write two letters, such as CA",
            "«C A» no es un estado: escriba dos letras, por ejemplo CA",
        ),
        // What somebody typed is not read as words of ours.
        (
            "\"\\\" is not a host name: \" is no state: write two letters, such as CA",
            "«\" is not a host name: » no es un estado: escriba dos letras, por ejemplo CA",
        ),
        (
            "there is no calendar agent",
            "no existe el calendario agent",
        ),
        ("There is no incident 7.", "No existe el incidente 7."),
        (
            "a banner says something, in at most 12000 characters",
            "un aviso dice algo, en 12,000 caracteres como máximo",
        ),
        (
            "This campaign is finished, so it cannot pause.",
            "Esta campaña está terminada, así que no se puede pausar.",
        ),
        (
            "nothing was imported: 2 lines are wrong, the first is line 3: \"x\" is not a host name: labels of a-z, 0-9 and '-' joined by dots, in lower case, at most 253 characters",
            "no se importó nada: 2 líneas están mal, la primera es: línea 3: «x» no sirve como nombre de host: partes de a-z, 0-9 y «-» unidas por puntos, en minúsculas, 253 caracteres como máximo",
        ),
        (
            "\"team\" is required: give 1 to 500 characters of text on one line; \"x\" is not in this template; it has \"team\", \"products\"",
            "falta «team»: indique de 1 a 500 caracteres de texto en una línea; «x» no está en esta plantilla; los espacios que tiene son «team», «products»",
        ),
        (
            "it halted itself: 3 of 20 sites failed in wave canaries (release 5.2.0), tolerated are 5 %; the last said: webhook: timed out",
            "se detuvo sola: 3 de 20 sitios fallaron en la oleada de prueba (versión 5.2.0), se tolera el 5 %; el último dijo: webhook: se agotó el tiempo",
        ),
        (
            "no site of the fleet lies in CA, a drawn area of 3 corners; 1 sites have no coordinates and cannot be inside a drawn area",
            "ningún sitio de la flota está en CA, un área dibujada de 3 esquinas; 1 sitio no tiene coordenadas y no puede estar dentro de un área dibujada",
        ),
        (
            "web-central has no site a.gov, b.gov and 3 more",
            "web-central no tiene ningún sitio a.gov, b.gov y 3 más",
        ),
        (
            "Sign-in issue reported for web-central sites in America/Denver: 4 sites reported within 2 minutes, where next to none is usual (product web-central in America/Denver). Best explained by product web-central, release 5.1.0 or 5.2.0, zone America/Denver.",
            "Se reportó un problema de inicio de sesión en sitios de web-central en America/Denver: 4 sitios enviaron reportes en 2 minutos, cuando lo habitual es casi ninguno (producto web-central en America/Denver). Mejor explicación: producto web-central, versión 5.1.0 o 5.2.0, zona America/Denver.",
        ),
        (
            "sites_per_minute: invalid float literal",
            "sites_per_minute: no es un número",
        ),
        (
            "host name a.gov is already on line 2; a field goes on over several lines: is a quotation mark (\") left open?",
            "el nombre de host a.gov ya está en la línea 2; un campo sigue en varias líneas: ¿quedó abierta una comilla (\")?",
        ),
    ] {
        assert_eq!(spanish(english).as_deref(), Some(expected));
    }
    for unknown in [
        "",
        ".",
        "paused",
        "Nobody says this.",
        "This campaign is.",
        &"x; ".repeat(900),
    ] {
        assert_eq!(spanish(unknown), None, "{unknown}");
        assert_eq!(translated(unknown), unknown);
    }
    // Who reads English reads what was said.
    assert_eq!(
        known("Nobody says this.").as_deref(),
        Some("Nobody says this.")
    );
}

proptest! {
    #[test]
    fn whatever_is_typed_is_given_back_whole(typed in "[a-zA-ZñÉ0-9 .;:,'<>{}$-]{1,80}") {
        let english = format!("{typed:?} is no state: write two letters, such as CA");
        let said = spanish(&english).unwrap_or_default();
        let expected = format!("«{typed}» no es un estado: escriba dos letras, por ejemplo CA");
        prop_assert_eq!(said, expected);
    }

    #[test]
    fn no_text_costs_much(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("; "), Just(". "), Just(": "), Just(" is not a "), Just("nothing was imported: "),
                Just("line 7: "), Just("\""), Just("\\\""), Just("7"), Just("template \"a\" cannot be kept: "),
                Just("product 7, "), Just(" sites in "), Just("é"),
            ],
            0..400,
        ),
    ) {
        let text = parts.concat();
        let mut search = Search::new(&BOOK, Language::Spanish);
        let _ = search.text(&text, 0);
        prop_assert!(search.left <= SEARCHES_MAX);
    }
}
