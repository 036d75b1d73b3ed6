//! The sentences that the sources hold, as far as a reader may meet them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::rust::{Tree, trees};

/// What these are given is for logs and for programs that break, or a name of its own.
const MACROS_PASSED: [&str; 10] = [
    "assert",
    "assert_eq",
    "debug",
    "debug_assert",
    "error",
    "info",
    "json",
    "span",
    "trace",
    "warn",
];
/// What these are given is for the audit, which has words of its own, or for logs, or for the description
/// of the API.
const CALLS_PASSED: [&str; 11] = [
    "about",
    "audit",
    "audit_banner",
    "corrupt",
    "end",
    "expect",
    "failed",
    "forget",
    "read_json",
    "remote",
    "reply",
];

/// What these are given is read by whoever is refused something.
const REFUSALS: [&str; 11] = [
    "bad_request",
    "conflict",
    "forbidden",
    "not_allowed",
    "not_found",
    "refused",
    "refused_at",
    "too_large",
    "too_many",
    "unauthorized",
    "unsupported",
];

/// Each text with its gaps filled with 7, and where one is.
pub(super) type Sentences = BTreeMap<String, String>;

/// How much of a file may reach a reader.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// What errors display.
    Errors,
    /// Whatever it says.
    All,
    /// What errors display and refusals are given.
    Refusals,
}

/// All that the files below a folder, or one file, hold.
pub(super) fn gather(all: &mut Sentences, place: &str, reach: Reach) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = vec![];
    list(&root.join(place), &mut files);
    assert!(!files.is_empty(), "{place}");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a text");
        let name = file.strip_prefix(&root).expect("below the root");
        let name = name.display().to_string();
        let mut gathering = Gathering { all, reach, name };
        gathering.walk(&trees(&text), false);
    }
}

fn list(place: &Path, files: &mut Vec<PathBuf>) {
    let is_test = place
        .iter()
        .any(|part| part == "tests" || part == "tests.rs" || part == "testing.rs");
    if is_test {
        return;
    }
    if place.is_dir() {
        let entries = std::fs::read_dir(place).expect("a folder");
        for entry in entries {
            list(&entry.expect("an entry").path(), files);
        }
    } else if place.extension().is_some_and(|end| end == "rs") {
        files.push(place.to_owned());
    }
}

/// A pattern of `format!` with 7 for every gap.
pub(super) fn filled(pattern: &str) -> String {
    let mut text = String::new();
    let mut letters = pattern.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '{' | '}' if letters.peek() == Some(&c) => {
                letters.next();
                text.push(c);
            }
            '{' => {
                letters.find(|c| *c == '}');
                text.push('7');
            }
            c => text.push(c),
        }
    }
    // A part that is added to a sentence.
    text.trim_start_matches(';').trim().to_owned()
}

/// Two words at least.
pub(super) fn is_sentence(text: &str) -> bool {
    let is_word = |word: &&str| word.chars().filter(|c| c.is_alphabetic()).count() > 1;
    text.split_whitespace().filter(is_word).count() > 1
}

struct Gathering<'a> {
    all: &'a mut Sentences,
    reach: Reach,
    name: String,
}

impl Gathering<'_> {
    fn add(&mut self, pattern: &str) {
        self.all.insert(filled(pattern), self.name.clone());
    }

    fn walk(&mut self, trees: &[Tree], is_refusal: bool) {
        let mut rest = trees;
        // After `let rule =`, until the statement ends.
        let mut is_named = false;
        while let Some((tree, after)) = rest.split_first() {
            rest = after;
            let shown = is_refusal || is_named;
            match (tree, after) {
                (Tree::Mark('#'), [Tree::Group('[', attribute), after @ ..]) => {
                    rest = after;
                    if self.attribute(attribute) {
                        rest = &after[rest_of_item(after)..];
                    }
                }
                (Tree::Word(name), [Tree::Mark('!'), Tree::Group(_, given), after @ ..]) => {
                    rest = after;
                    if !MACROS_PASSED.contains(&&**name) {
                        self.walk(given, shown);
                    }
                }
                (Tree::Word(name), [Tree::Group('(', given), after @ ..]) => {
                    rest = after;
                    self.call(name, given, shown);
                }
                (Tree::Word(name), [Tree::Mark('='), ..]) => {
                    is_named = ["message", "reason", "rule", "says"].contains(&&**name);
                }
                (Tree::Mark(';'), _) => is_named = false,
                (Tree::Group(_, trees), _) => self.walk(trees, shown),
                (Tree::Text(text), _) => {
                    let shows =
                        self.reach == Reach::All || (self.reach == Reach::Refusals && shown);
                    if shows {
                        self.add(text);
                    }
                }
                _ => {}
            }
        }
    }

    fn call(&mut self, name: &str, given: &[Tree], is_refusal: bool) {
        match (name, given) {
            ("not_found", [Tree::Text(noun), Tree::Mark(','), _, ..]) => {
                self.add(&format!("there is no {noun} {{}}"));
            }
            (name, given) if REFUSALS.contains(&name) => self.walk(given, true),
            (name, _) if CALLS_PASSED.contains(&name) => {}
            _ => self.walk(given, is_refusal),
        }
    }

    /// Whether what follows is a test.
    fn attribute(&mut self, attribute: &[Tree]) -> bool {
        match attribute {
            [Tree::Word(name), Tree::Group(_, given)] if name == "error" => {
                if let Some(Tree::Text(text)) = given.first() {
                    self.add(text);
                }
                false
            }
            [Tree::Word(name), Tree::Group(_, given)] if name == "cfg" => {
                matches!(given.as_slice(), [Tree::Word(word)] if word == "test")
            }
            _ => false,
        }
    }
}

/// How many trees an item has from its attribute on.
fn rest_of_item(trees: &[Tree]) -> usize {
    let ends = |tree: &Tree| matches!(tree, Tree::Group('{', _) | Tree::Mark(';'));
    trees.iter().position(ends).map_or(trees.len(), |at| at + 1)
}
