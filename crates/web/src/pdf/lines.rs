//! Breaks words into lines of a measure. Never places a line on a page.

use super::blocks::Span;
use super::fonts::{Face, Fonts, Run};

/// References to notes are smaller than their text, and stand above its line.
const REFERENCE_SIZE: f32 = 0.72;
const REFERENCE_RISE: f32 = 0.34;
/// The mono face is wide: at this share of the size it sits well in a line of the sans.
const CODE_SIZE: f32 = 0.93;

/// How a text is set, in points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) size: f32,
    pub(super) leading: f32,
    pub(super) is_bold: bool,
    pub(super) is_muted: bool,
}

/// A piece of a line: a run, and the span that it is from.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) run: Run,
    pub(super) size: f32,
    /// How far above the line it stands.
    pub(super) rise: f32,
    pub(super) span: usize,
}

/// A line: its width ends with its last visible character; the space after it is there only to be
/// copied and read aloud.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub(super) pieces: Vec<Piece>,
    pub(super) width: f32,
}

/// What a line may be broken between.
enum Token {
    Word(Vec<Piece>),
    Space(Vec<Piece>),
    End,
}

/// Breaks `spans` into lines at most `width` points wide. A word that is wider is cut.
pub(super) fn wrap(fonts: &Fonts, spans: &[Span], setting: Setting, width: f32) -> Vec<Line> {
    let mut lines = Lines::new(width);
    for token in tokens(fonts, spans, setting) {
        lines.take(token);
    }
    lines.done()
}

/// Lines of code: spaces stay, and each line of `code` begins one of ours.
pub(super) fn verbatim(fonts: &Fonts, code: &str, setting: Setting, width: f32) -> Vec<Line> {
    let mut lines = Lines::new(width);
    for (index, text) in code.lines().enumerate() {
        if index > 0 {
            lines.take(Token::End);
        }
        let text = text.replace('\t', "    ");
        lines.take(Token::Word(pieces(
            fonts,
            Face::Mono,
            &text,
            setting.size,
            0,
        )));
    }
    lines.done()
}

/// The width of the widest word, and of all on one line.
pub(super) fn widths(fonts: &Fonts, spans: &[Span], setting: Setting) -> (f32, f32) {
    let (mut widest, mut line, mut longest) = (0.0_f32, 0.0_f32, 0.0_f32);
    for token in tokens(fonts, spans, setting) {
        match token {
            Token::Word(pieces) => {
                let width = total(&pieces);
                widest = widest.max(width);
                line += width;
                longest = longest.max(line);
            }
            Token::Space(pieces) => line += total(&pieces),
            Token::End => line = 0.0,
        }
    }
    (widest, longest)
}

struct Lines {
    width: f32,
    lines: Vec<Line>,
    line: Line,
    space: Vec<Piece>,
}

impl Lines {
    fn new(width: f32) -> Self {
        Self {
            width,
            lines: vec![],
            line: Line::default(),
            space: vec![],
        }
    }

    fn take(&mut self, token: Token) {
        match token {
            Token::Space(space) if !self.line.pieces.is_empty() => self.space = space,
            Token::Space(_) => {}
            Token::End => self.end_line(),
            Token::Word(word) => {
                let width = self.line.width + total(&self.space) + total(&word);
                if width > self.width && !self.line.pieces.is_empty() {
                    self.end_line();
                }
                self.add_word(word);
            }
        }
    }

    fn add_word(&mut self, word: Vec<Piece>) {
        for piece in std::mem::take(&mut self.space) {
            self.add(piece);
        }
        let fits = self.line.width + total(&word) <= self.width;
        for piece in word {
            if fits {
                self.add(piece);
            } else {
                self.add_cut(piece);
            }
        }
    }

    fn add_cut(&mut self, piece: Piece) {
        let Piece {
            run,
            size,
            rise,
            span,
        } = piece;
        let mut rest = Some(run);
        while let Some(run) = rest.take() {
            let room = (self.width - self.line.width) / size;
            let (head, tail) = run.split(room, self.line.pieces.is_empty());
            if let Some(run) = head {
                self.add(Piece {
                    run,
                    size,
                    rise,
                    span,
                });
            }
            if tail.is_some() {
                self.end_line();
            }
            rest = tail;
        }
    }

    fn add(&mut self, piece: Piece) {
        self.line.width += piece.width();
        self.line.push(piece);
    }

    fn end_line(&mut self) {
        for piece in std::mem::take(&mut self.space) {
            self.line.push(piece);
        }
        self.lines.push(std::mem::take(&mut self.line));
    }

    fn done(mut self) -> Vec<Line> {
        self.space.clear();
        if !self.line.pieces.is_empty() {
            self.end_line();
        }
        self.lines
    }
}

impl Line {
    fn push(&mut self, piece: Piece) {
        match self.pieces.last_mut() {
            Some(last) if last.continues(&piece) => last.run.append(piece.run),
            _ => self.pieces.push(piece),
        }
    }
}

impl Piece {
    pub(super) fn width(&self) -> f32 {
        self.run.width() * self.size
    }

    fn continues(&self, next: &Self) -> bool {
        self.span == next.span && self.run.face == next.run.face
    }
}

fn total(pieces: &[Piece]) -> f32 {
    pieces.iter().map(Piece::width).sum()
}

fn tokens(fonts: &Fonts, spans: &[Span], setting: Setting) -> Vec<Token> {
    let mut tokens = vec![];
    let mut word: Vec<Piece> = vec![];
    for (index, span) in spans.iter().enumerate() {
        let size = size_of(span, setting);
        let face = face_of(span, setting);
        for part in parts(&span.text) {
            let set = |text: &str| {
                let mut pieces = pieces(fonts, face, text, size, index);
                for piece in pieces.iter_mut().filter(|_| span.is_reference) {
                    piece.rise = setting.size * REFERENCE_RISE;
                }
                pieces
            };
            let token = match part {
                Part::Word { text, may_end } => {
                    word.extend(set(text));
                    if !may_end {
                        continue;
                    }
                    None
                }
                Part::Space => Some(Token::Space(set(" "))),
                Part::End => Some(Token::End),
            };
            if !word.is_empty() {
                tokens.push(Token::Word(std::mem::take(&mut word)));
            }
            tokens.extend(token);
        }
    }
    if !word.is_empty() {
        tokens.push(Token::Word(word));
    }
    tokens
}

fn pieces(fonts: &Fonts, face: Face, text: &str, size: f32, span: usize) -> Vec<Piece> {
    let runs = fonts.shape(face, text).into_iter();
    runs.map(|run| Piece {
        run,
        size,
        rise: 0.0,
        span,
    })
    .collect()
}

fn size_of(span: &Span, setting: Setting) -> f32 {
    let share = match span {
        Span {
            is_reference: true, ..
        } => REFERENCE_SIZE,
        Span { is_code: true, .. } => CODE_SIZE,
        _ => 1.0,
    };
    setting.size * share
}

fn face_of(span: &Span, setting: Setting) -> Face {
    match (
        span.is_code,
        setting.is_bold || span.is_bold,
        span.is_italic,
    ) {
        (true, ..) => Face::Mono,
        (_, true, true) => Face::BoldItalic,
        (_, true, false) => Face::Bold,
        (_, false, true) => Face::Italic,
        (_, false, false) => Face::Regular,
    }
}

enum Part<'a> {
    Word {
        text: &'a str,
        /// A line may be broken after it.
        may_end: bool,
    },
    Space,
    End,
}

/// Cuts a text at its spaces, which are one however many they are, and after its dashes.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = vec![];
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if is_space(first) {
            let next = rest.find(|c| !is_space(c)).unwrap_or(rest.len());
            let (spaces, after) = rest.split_at(next);
            let ends = spaces.contains('\n');
            parts.push(if ends { Part::End } else { Part::Space });
            rest = after;
        } else {
            let (text, may_end, after) = word(rest);
            parts.push(Part::Word { text, may_end });
            rest = after;
        }
    }
    parts
}

fn word(rest: &str) -> (&str, bool, &str) {
    let mut chars = rest.char_indices().peekable();
    while let Some((index, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let end = index + c.len_utf8();
        // Not before a digit: the hyphens of dates and the minus of a number hold.
        if is_dash(c) && index > 0 && next.is_some_and(char::is_alphabetic) {
            return (&rest[..end], true, &rest[end..]);
        }
        if next.is_some_and(is_space) {
            return (&rest[..end], false, &rest[end..]);
        }
    }
    (rest, false, "")
}

/// Not the spaces that hold words together.
fn is_space(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\u{A0}' | '\u{202F}' | '\u{2007}')
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}' | '\u{2013}' | '\u{2014}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: Setting = Setting {
        size: 10.0,
        leading: 15.0,
        is_bold: false,
        is_muted: false,
    };

    fn wrapped(text: &str, width: f32) -> Vec<String> {
        let span = Span {
            text: text.into(),
            ..Span::default()
        };
        let lines = wrap(Fonts::carried().unwrap(), &[span], BODY, width);
        for line in &lines {
            assert!(line.width <= width, "{line:?}");
        }
        let said = |line: &Line| line.pieces.iter().map(|p| p.run.text.clone()).collect();
        lines.iter().map(said).collect()
    }

    #[test]
    fn lines_are_broken_at_spaces_and_dashes() {
        assert_eq!(wrapped("one two", 100.0), ["one two"]);
        assert_eq!(wrapped("one  two", 25.0), ["one ", "two"]);
        assert_eq!(wrapped("sign-in", 28.0), ["sign-", "in"]);
        assert_eq!(wrapped("one\ntwo", 100.0), ["one", "two"]);
        assert_eq!(wrapped(" \n", 100.0).join(""), "");
    }

    #[test]
    fn a_long_word_is_cut() {
        let lines = wrapped(&"x".repeat(500), 100.0);
        assert!(lines.len() > 10);
        assert_eq!(lines.concat(), "x".repeat(500));
    }

    #[test]
    fn a_word_of_several_looks_is_not_broken_between_them() {
        let span = |text: &str, is_bold| Span {
            text: text.into(),
            is_bold,
            ..Span::default()
        };
        let spans = [span("some words are bo", false), span("ld", true)];
        let lines = wrap(Fonts::carried().unwrap(), &spans, BODY, 84.0);
        let last = lines.last().unwrap();
        assert_eq!(last.pieces.len(), 2, "{lines:?}");
        assert_eq!(last.pieces[0].run.text, "bo");
    }

    #[test]
    fn code_keeps_its_spaces_and_lines() {
        let lines = verbatim(Fonts::carried().unwrap(), "a  b\n\n\tc", BODY, 200.0);
        let said = |line: &Line| line.pieces.iter().map(|p| p.run.text.clone()).collect();
        let lines: Vec<String> = lines.iter().map(said).collect();
        assert_eq!(lines, ["a  b", "", "    c"]);
    }
}
