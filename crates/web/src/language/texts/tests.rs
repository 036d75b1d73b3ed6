//! A text that is missing in a language, or that nobody reads, fails here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;

type Keys = BTreeMap<String, BTreeSet<String>>;

/// The keys of files, each with the values its text takes.
fn with_values(files: &[&str]) -> Keys {
    let mut all = Keys::new();
    for file in files {
        FluentResource::try_new((*file).to_owned()).expect("the file parses");
        let mut here = String::new();
        for line in file.lines() {
            if let Some(key) = keys(line).next() {
                here = key.to_owned();
                let is_new = all.insert(here.clone(), BTreeSet::new()).is_none();
                assert!(is_new, "{here} is there twice");
            }
            let values = line.split('$').skip(1).map(|rest| {
                let ends = |c: char| !c.is_ascii_alphanumeric() && c != '-';
                rest.split(ends).next().unwrap_or_default().to_owned()
            });
            if let Some(known) = all.get_mut(&here) {
                known.extend(values);
            }
        }
    }
    all
}

/// All that is written in the templates and the code of this crate.
fn written() -> String {
    fn gather(folder: &Path, all: &mut String) {
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() {
                gather(&path, all);
            } else if !path.ends_with("language/texts/tests.rs") {
                all.push_str(&std::fs::read_to_string(&path).expect("a text"));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = String::new();
    gather(&root.join("src"), &mut all);
    gather(&root.join("templates"), &mut all);
    all
}

#[test]
fn every_language_has_the_same_keys_and_values() {
    assert_eq!(with_values(ENGLISH_FILES), with_values(SPANISH_FILES));
}

#[test]
fn every_key_that_is_asked_for_is_there_and_takes_values_where_some_are_given() {
    let (all, written) = (with_values(ENGLISH_FILES), written());
    // The writer of PDFs says pieces of reports.
    let code = written.replace(['\n', ' '], "").replace("self.say(", "");
    for (call, takes_values) in [
        ("say(\"", false),
        ("tell(\"", true),
        (".with(\"", true),
        (".with2(\"", true),
    ] {
        for rest in code.split(call).skip(1) {
            let key = rest.split('"').next().unwrap_or_default();
            let values = all.get(key);
            let has_values = values.map(|values| !values.is_empty());
            assert_eq!(has_values, Some(takes_values), "{call}{key}");
        }
    }
}

#[test]
fn no_text_is_written_for_nobody() {
    let written = written();
    for key in with_values(ENGLISH_FILES).into_keys() {
        assert!(written.contains(&format!("\"{key}\"")), "{key}");
    }
}

#[test]
fn every_text_without_values_is_read_and_plurals_follow_the_language() {
    for language in Language::ALL {
        for (key, values) in with_values(ENGLISH_FILES) {
            assert_eq!(
                language.texts().plain.contains_key(&key),
                values.is_empty(),
                "{key} in {}",
                language.tag()
            );
        }
    }
    let sites = |language: Language, n: usize| language.tell("sites", [("n", n.into())]);
    assert_eq!(sites(Language::English, 1), "1 site");
    assert_eq!(sites(Language::English, 3_405), "3,405 sites");
    assert_eq!(sites(Language::Spanish, 1), "1 sitio");
    assert_eq!(sites(Language::Spanish, 3_405), "3,405 sitios");
}
