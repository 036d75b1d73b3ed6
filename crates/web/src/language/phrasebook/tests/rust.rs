//! Just enough of Rust's grammar to find texts, and what they are given to: parsers of all of it are built
//! into every compiler plugin here, and one more set of their features builds each of those twice.

use std::iter::Peekable;
use std::str::CharIndices;

/// A piece of a source.
pub(super) enum Tree {
    Word(String),
    Mark(char),
    /// What a text literal says.
    Text(String),
    /// What stands in brackets, and the bracket that opens it.
    Group(char, Vec<Tree>),
}

/// Reads a source, without its comments.
pub(super) fn trees(source: &str) -> Vec<Tree> {
    let mut reader = Reader {
        source,
        letters: source.char_indices().peekable(),
    };
    reader.until_closed()
}

struct Reader<'a> {
    source: &'a str,
    letters: Peekable<CharIndices<'a>>,
}

impl Reader<'_> {
    fn until_closed(&mut self) -> Vec<Tree> {
        let mut trees = vec![];
        while let Some((at, c)) = self.letters.next() {
            let rest = &self.source[at..];
            let tree = match c {
                ')' | ']' | '}' => return trees,
                '(' | '[' | '{' => Tree::Group(c, self.until_closed()),
                '/' if rest.starts_with("//") => {
                    self.skip_to(at + rest.find('\n').unwrap_or(rest.len()));
                    continue;
                }
                '"' => Tree::Text(self.text()),
                '\'' => {
                    self.skip_to(at + letter(rest));
                    continue;
                }
                c if c.is_alphabetic() || c == '_' => {
                    let is_word = |c: char| c.is_alphanumeric() || c == '_';
                    let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                    self.skip_to(at + end);
                    match (&rest[..end], &rest[end..]) {
                        ("r" | "br", after) if after.starts_with(['"', '#']) => {
                            Tree::Text(self.raw(at + end))
                        }
                        (word, _) => Tree::Word(word.to_owned()),
                    }
                }
                c if c.is_whitespace() => continue,
                c => Tree::Mark(c),
            };
            trees.push(tree);
        }
        trees
    }

    fn skip_to(&mut self, end: usize) {
        while self.letters.next_if(|(at, _)| *at < end).is_some() {}
    }

    fn text(&mut self) -> String {
        let mut text = String::new();
        while let Some((_, c)) = self.letters.next() {
            match c {
                '"' => break,
                '\\' => match self.letters.next() {
                    // The text goes on where the next line's own begins.
                    Some((_, '\n')) => {
                        while self.letters.next_if(|(_, c)| c.is_whitespace()).is_some() {}
                    }
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, c)) => text.push(c),
                    None => break,
                },
                c => text.push(c),
            }
        }
        text
    }

    /// A text between `r#"` and `"#`, from its first `#` or quotation mark on.
    fn raw(&mut self, from: usize) -> String {
        let rest = &self.source[from..];
        let hashes = rest.bytes().take_while(|byte| *byte == b'#').count();
        let (begin, end) = (from + hashes + 1, format!("\"{}", &rest[..hashes]));
        let text = self.source[begin..].split(&end).next().unwrap_or_default();
        self.skip_to(begin + text.len() + end.len());
        text.to_owned()
    }
}

/// How long a literal of one letter is; 1 for the mark of a lifetime.
fn letter(rest: &str) -> usize {
    let mut letters = rest.char_indices().skip(1);
    match (letters.next(), letters.next()) {
        (Some((_, '\\')), Some((at, _))) => {
            let after = at + rest[at..].chars().next().map_or(0, char::len_utf8);
            rest[after..].find('\'').map_or(1, |end| after + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}
