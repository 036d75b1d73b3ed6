//! Says in a reader's language what the domain, the engine and the API say in English.
//!
//! They know no reader, and programs rely on their sentences: the API and the command line stay English.
//! So a page that shows such a sentence looks it up here. The English texts of this book are patterns; the
//! one that a sentence is an instance of has a text in the reader's language, which takes the same values:
//! a value called `n`, or `n-…`, is a count; one called `said-…` is something of ours, and said in the
//! language too where the book knows it; any other is somebody's, and stays as it is. A key that begins
//! with `part-` is no sentence, and only said inside of one. Tests compare the book with the sources.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::LazyLock;

use ::texts::{Catalog, Value, held};

use super::{Language, here};

macro_rules! files {
    ($folder:literal) => {
        [
            include_str!(concat!("../../texts/", $folder, "/recorded.ftl")),
            include_str!(concat!("../../texts/", $folder, "/refusals-absent.ftl")),
            include_str!(concat!("../../texts/", $folder, "/refusals-fleet.ftl")),
            include_str!(concat!("../../texts/", $folder, "/refusals-incidents.ftl")),
            include_str!(concat!("../../texts/", $folder, "/refusals-people.ftl")),
            include_str!(concat!("../../texts/", $folder, "/refusals-server.ftl")),
            include_str!(concat!("../../texts/", $folder, "/refusals-values.ftl")),
        ]
    };
}

const ENGLISH_FILES: &[&str] = &files!("en");
const SPANISH_FILES: &[&str] = &files!("es");

static BOOK: LazyLock<Book> = LazyLock::new(|| Book::read(ENGLISH_FILES, SPANISH_FILES));

/// A longer text is no sentence of ours: what people typed is cut before it is repeated.
const BYTES_MAX: usize = 2_000;
/// How often phrases are sought for one text: its values and parts are texts too.
const SEARCHES_MAX: usize = 100;
/// How deep a value may lie in values.
const DEPTH_MAX: usize = 8;
/// Where a text may be two: refusals in a list,
const LISTED: [&str; 1] = ["; "];
/// sentences in a row, and the name of a field before what is wrong with it.
const MARKS: [&str; 2] = [". ", ": "];

/// A sentence of ours in the language of the present request; as it is where the book does not know it.
pub(crate) fn translated(english: &str) -> Cow<'_, str> {
    match known(english) {
        Some(said) => Cow::Owned(said),
        None => Cow::Borrowed(english),
    }
}

/// What an error says, as [`translated`].
pub(crate) fn reworded(error: impl Display) -> String {
    translated(&error.to_string()).into_owned()
}

/// A sentence of ours in the language of the present request, if that can be said.
pub(crate) fn known(english: &str) -> Option<String> {
    match here() {
        Language::English => Some(english.to_owned()),
        other => Search::new(&BOOK, other).text(english, 0),
    }
}

/// The phrases, with what finds them.
struct Book {
    catalog: Catalog,
    /// Those whose first word is always the same, by that word.
    by_word: HashMap<String, Vec<Phrase>>,
    /// Those that begin with a value.
    open: Vec<Phrase>,
}

/// An English pattern: its own words, and the values between them.
struct Phrase {
    key: String,
    is_part: bool,
    /// One more than there are gaps: the words before, between and after them.
    words: Vec<String>,
    gaps: Vec<Gap>,
}

struct Gap {
    name: String,
    holds: Holds,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Count,
    Said,
    AsItIs,
}

impl Book {
    fn read(english: &[&'static str], spanish: &[&'static str]) -> Self {
        let catalog = Catalog::read(english, spanish);
        // Files that cannot be read are an empty book; tests see to it that they can.
        let keys = held(english).unwrap_or_default();
        let mut book = Self {
            catalog,
            by_word: HashMap::new(),
            open: vec![],
        };
        for (key, names) in keys {
            let marked = |name: &str| format!("\u{2}{name}\u{3}");
            let values = names
                .iter()
                .map(|name| (name.as_str(), marked(name).into()));
            let pattern = book.catalog.fill(Language::English, &key, values);
            let phrase = Phrase::of(key, &pattern.unwrap_or_default());
            match phrase.first_word().map(str::to_owned) {
                Some(word) => book.by_word.entry(word).or_default().push(phrase),
                None => book.open.push(phrase),
            }
        }
        // Of two that fit, the one that says more by itself is meant.
        for phrases in book.by_word.values_mut().chain([&mut book.open]) {
            phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.own_bytes()));
        }
        book
    }

    /// The phrase that a text is an instance of, and its values.
    fn find<'a>(&self, text: &'a str, with_parts: bool) -> Option<(&Phrase, Vec<&'a str>)> {
        let word = text.split(' ').next()?;
        let of_word = self.by_word.get(word).map(Vec::as_slice);
        // One that begins as the text does is meant rather than one that any text could begin.
        let mut all = of_word.unwrap_or_default().iter().chain(&self.open);
        all.find_map(|phrase| {
            let may = with_parts || !phrase.is_part;
            let values = may.then(|| phrase.values(text)).flatten()?;
            Some((phrase, values))
        })
    }
}

impl Phrase {
    fn of(key: String, marked: &str) -> Self {
        let mut pieces = marked.split('\u{2}');
        let mut words = vec![pieces.next().unwrap_or_default().to_owned()];
        let mut gaps = vec![];
        for piece in pieces {
            let (name, after) = piece.split_once('\u{3}').unwrap_or((piece, ""));
            words.push(after.to_owned());
            gaps.push(Gap::named(name));
        }
        Self {
            is_part: key.starts_with("part-"),
            key,
            words,
            gaps,
        }
    }

    /// The word that every instance begins with.
    fn first_word(&self) -> Option<&str> {
        let begin = self.words.first()?;
        match begin.split_once(' ') {
            Some((word, _)) => Some(word),
            None => Some(begin.as_str()).filter(|_| self.gaps.is_empty()),
        }
    }

    fn own_bytes(&self) -> usize {
        self.words.iter().map(String::len).sum()
    }

    /// The values with which the phrase says a text. Looks ahead once for each word of its own: a text that
    /// somebody made up costs no more than another.
    fn values<'a>(&self, text: &'a str) -> Option<Vec<&'a str>> {
        let (begin, between) = self.words.split_first()?;
        let mut rest = text.strip_prefix(begin.as_str())?;
        let Some((end, between)) = between.split_last() else {
            return rest.is_empty().then(Vec::new);
        };
        let mut values = Vec::with_capacity(self.gaps.len());
        for words in between {
            let from = quoted(rest).unwrap_or(0);
            let at = from + rest.get(from..)?.find(words.as_str())?;
            values.push(rest.get(..at)?);
            rest = rest.get(at + words.len()..)?;
        }
        values.push(rest.strip_suffix(end.as_str())?);
        let mut each = self.gaps.iter().zip(&values);
        each.all(|(gap, value)| gap.takes(value)).then_some(values)
    }
}

impl Gap {
    fn named(name: &str) -> Self {
        let is_count = name == "n" || name.starts_with("n-");
        let holds = match name.starts_with("said-") {
            _ if is_count => Holds::Count,
            true => Holds::Said,
            false => Holds::AsItIs,
        };
        Self {
            name: name.to_owned(),
            holds,
        }
    }

    fn takes(&self, value: &str) -> bool {
        match self.holds {
            Holds::Count => count(value).is_some(),
            Holds::Said => !value.is_empty(),
            // What is in quotation marks ends with them.
            Holds::AsItIs => {
                !value.is_empty() && (quoted(value).is_none() || texts(value).is_some())
            }
        }
    }
}

/// A number as our sentences write it, with commas or without.
fn count(text: &str) -> Option<u32> {
    let digits = text.replace(',', "");
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_plain)
}

/// Where a text in quotation marks ends that `text` begins with: what stands in it is no word of ours.
fn quoted(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, c) in text.strip_prefix('"')?.char_indices() {
        match c {
            '"' if !is_escaped => return Some(at + 2),
            _ => is_escaped = c == '\\' && !is_escaped,
        }
    }
    None
}

/// One text and what it holds, being said in a language.
struct Search<'b> {
    book: &'b Book,
    language: Language,
    left: usize,
}

impl<'b> Search<'b> {
    fn new(book: &'b Book, language: Language) -> Self {
        Self {
            book,
            language,
            left: SEARCHES_MAX,
        }
    }

    fn text(&mut self, text: &str, depth: usize) -> Option<String> {
        if text.len() > BYTES_MAX || depth > DEPTH_MAX {
            return None;
        }
        // A list is one before its first part is what any text could be.
        self.in_parts(text, depth, &LISTED)
            .or_else(|| self.whole(text, depth))
            .or_else(|| self.in_parts(text, depth, &MARKS))
    }

    /// A text that is one phrase, perhaps with a capital and a full stop, as a sentence of a page has them.
    fn whole(&mut self, text: &str, depth: usize) -> Option<String> {
        let small = text
            .chars()
            .next()
            .filter(char::is_ascii_uppercase)
            .map(|first| format!("{}{}", first.to_ascii_lowercase(), &text[1..]));
        let forms = [(Some(text), false), (small.as_deref(), true)];
        for has_stop in [false, true] {
            for (form, is_small) in forms {
                let form = match has_stop {
                    false => form,
                    true => form.and_then(|form| form.strip_suffix('.')),
                };
                if let Some(said) = form.and_then(|form| self.phrase(form, depth)) {
                    return Some(like(said, is_small, has_stop));
                }
            }
        }
        None
    }

    fn phrase(&mut self, text: &str, depth: usize) -> Option<String> {
        self.left = self.left.checked_sub(1)?;
        let (phrase, values) = self.book.find(text, depth > 0)?;
        let mut said = Vec::with_capacity(values.len());
        for (gap, value) in phrase.gaps.iter().zip(values) {
            let value: Value<'_> = match (gap.holds, count(value)) {
                (Holds::Count, Some(count)) => count.into(),
                (Holds::Said, _) => {
                    let known = self.text(value, depth + 1);
                    known.unwrap_or_else(|| as_it_is(value)).into()
                }
                _ => as_it_is(value).into(),
            };
            said.push((gap.name.as_str(), value));
        }
        self.book.catalog.fill(self.language, &phrase.key, said)
    }

    /// A text that is several phrases. All of them are known, or none is said.
    fn in_parts(&mut self, text: &str, depth: usize, marks: &[&str]) -> Option<String> {
        let places = marks.iter().flat_map(|mark| text.match_indices(mark));
        for (at, mark) in places {
            let (first, rest) = (&text[..at], &text[at + mark.len()..]);
            let first = match mark {
                ". " => self.whole(&text[..=at], depth),
                ": " => (!first.contains(' ')).then(|| format!("{first}:")),
                _ => self.whole(first, depth).map(|first| format!("{first};")),
            };
            self.left = self.left.checked_sub(1)?;
            let said = first.and_then(|first| Some(format!("{first} {}", self.text(rest, depth)?)));
            if said.is_some() {
                return said;
            }
        }
        None
    }
}

/// What a phrase says, with the capital and the full stop that its sentence has.
fn like(mut said: String, has_capital: bool, has_stop: bool) -> String {
    if has_capital {
        let mut letters = said.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        said = first.chain(letters).collect();
    }
    if has_stop && !said.ends_with(['.', '?', '!']) {
        said.push('.');
    }
    said
}

/// The texts in quotation marks that a value lists, or that it is.
fn texts(value: &str) -> Option<Vec<&str>> {
    let (mut all, mut rest) = (vec![], value);
    loop {
        let (text, after) = rest.split_at(quoted(rest)?);
        all.push(text);
        if after.is_empty() {
            return Some(all);
        }
        rest = after.strip_prefix(", ")?;
    }
}

/// What somebody wrote, in the quotation marks of the language where it is in ours.
fn as_it_is(value: &str) -> String {
    let Some(texts) = texts(value) else {
        return value.to_owned();
    };
    let text = |text: &str| {
        let inner = text.get(1..text.len() - 1).unwrap_or_default();
        format!("«{}»", inner.replace("\\\"", "\"").replace("\\\\", "\\"))
    };
    texts.into_iter().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
