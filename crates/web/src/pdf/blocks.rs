//! Reads a document's Markdown into blocks. Never measures or places anything.

use domain::language::Language;
use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};

use crate::pages::prose;

/// Quotes and lists inside each other are told apart this deep; what is deeper stands beside them.
const DEPTH_MAX: usize = 8;
/// A page has room for fewer columns.
const COLUMNS_MAX: usize = 32;

/// A document.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Text {
    pub(super) blocks: Vec<Block>,
    /// The notes, each under the number that the text refers to.
    pub(super) notes: Vec<(usize, Vec<Block>)>,
    /// Where links lead, by their number.
    pub(super) links: Vec<String>,
}

#[derive(Debug, PartialEq)]
pub(super) enum Block {
    /// From 1, and never more than one deeper than the heading before.
    Heading(u8, Vec<Span>),
    Paragraph(Vec<Span>),
    Code(String),
    Rule,
    Quote(Vec<Block>),
    List {
        /// Where it counts from; none for bullets.
        first: Option<u64>,
        items: Vec<Vec<Block>>,
    },
    Table {
        head: Vec<Vec<Span>>,
        rows: Vec<Vec<Vec<Span>>>,
    },
}

/// Words that look alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Span {
    pub(super) text: String,
    pub(super) is_bold: bool,
    pub(super) is_italic: bool,
    pub(super) is_code: bool,
    /// The number of a link.
    pub(super) link: Option<usize>,
    /// It refers to a note.
    pub(super) is_reference: bool,
    /// Ours, in the reader's language, among what people wrote.
    pub(super) is_ours: bool,
}

/// Reads `markdown` for readers of a language; links without a host lead to `base_url`.
pub(super) fn read(markdown: &str, (base_url, language): (&str, Language)) -> Text {
    let mut reader = Reader {
        frames: vec![Frame::default()],
        ..Reader::default()
    };
    for event in prose::said_in(prose::tamed(markdown), language) {
        reader.take(event, base_url);
    }
    reader.end_words();
    let blocks = reader.frames.drain(..).flat_map(|frame| frame.blocks);
    let mut blocks: Vec<_> = blocks.collect();
    level(&mut blocks, &mut 0);
    let mut notes = reader.notes;
    notes.sort_by_key(|(number, _)| *number);
    Text {
        blocks,
        notes,
        links: reader.links,
    }
}

impl Text {
    /// A plain comment has no heading of its own; a document needs one to be found by.
    pub(super) fn begin_with_heading(&mut self, title: &str) {
        if !matches!(self.blocks.first(), Some(Block::Heading(..))) {
            let words = vec![Span {
                text: title.to_owned(),
                ..Span::default()
            }];
            self.blocks.insert(0, Block::Heading(1, words));
        }
    }
}

/// Whoever moves from heading to heading must not miss a level.
fn level(blocks: &mut [Block], above: &mut u8) {
    for block in blocks {
        match block {
            Block::Heading(level, _) => {
                *level = (*level).min(*above + 1);
                *above = *level;
            }
            Block::Quote(inner) => level(inner, above),
            Block::List { items, .. } => items.iter_mut().for_each(|item| level(item, above)),
            _ => {}
        }
    }
}

/// What is open: its blocks, and for a list its items.
#[derive(Default)]
struct Frame {
    blocks: Vec<Block>,
    first: Option<u64>,
    items: Vec<Vec<Block>>,
    /// The number of a note.
    note: Option<usize>,
}

#[derive(Default)]
struct Reader {
    frames: Vec<Frame>,
    /// How many quotes, lists and items are open that are too deep to be told apart.
    flattened: usize,
    words: Vec<Span>,
    bold: usize,
    italic: usize,
    is_ours: bool,
    opened_links: Vec<Option<usize>>,
    links: Vec<String>,
    code: Option<String>,
    head: Vec<Vec<Span>>,
    rows: Vec<Vec<Vec<Span>>>,
    labels: Vec<String>,
    notes: Vec<(usize, Vec<Block>)>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, base_url: &str) {
        match event {
            Event::Start(tag) => self.start(tag, base_url),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) => self.say(&text),
            // What people write as HTML is text by now.
            Event::InlineHtml(_) => self.is_ours = !self.is_ours,
            Event::Code(text) => self.say_as(&text, |span| span.is_code = true),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.say(&text),
            Event::SoftBreak => self.say(" "),
            Event::HardBreak => self.say("\n"),
            Event::Rule => {
                self.end_words();
                self.add(Block::Rule);
            }
            Event::FootnoteReference(label) => {
                let number = self.number(&label);
                self.say_as(&format!("[{number}]"), |span| span.is_reference = true);
            }
            Event::TaskListMarker(is_done) => self.say(if is_done { "[x] " } else { "[ ] " }),
        }
    }

    fn start(&mut self, tag: Tag<'_>, base_url: &str) {
        match tag {
            Tag::BlockQuote(_) | Tag::Item => self.open(None),
            Tag::List(first) => self.open(first),
            Tag::FootnoteDefinition(label) => {
                let note = self.number(&label);
                self.open(None);
                if let (0, Some(frame)) = (self.flattened, self.frames.last_mut()) {
                    frame.note = Some(note);
                }
            }
            Tag::CodeBlock(CodeBlockKind::Indented | CodeBlockKind::Fenced(_)) => {
                self.end_words();
                self.code = Some(String::new());
            }
            Tag::Strong => self.bold += 1,
            Tag::Emphasis => self.italic += 1,
            Tag::Link { dest_url, .. } => {
                let link = address(&dest_url, base_url).map(|address| {
                    self.links.push(address);
                    self.links.len() - 1
                });
                self.opened_links.push(link);
            }
            Tag::Table(_) => self.end_words(),
            Tag::TableRow => self.rows.push(vec![]),
            Tag::Paragraph | Tag::Heading { .. } => self.end_words(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.end_words(),
            TagEnd::Heading(level) => {
                let words = std::mem::take(&mut self.words);
                if words.iter().any(|span| !span.text.trim().is_empty()) {
                    self.add(Block::Heading(level as u8, words));
                }
            }
            TagEnd::BlockQuote(_) => self.close(|frame| Block::Quote(frame.blocks)),
            TagEnd::Item => self.close_item(),
            TagEnd::List(_) => self.close(Frame::into_list),
            TagEnd::FootnoteDefinition => self.close_note(),
            TagEnd::CodeBlock => {
                if let Some(code) = self.code.take() {
                    self.add(Block::Code(code));
                }
            }
            TagEnd::Strong => self.bold = self.bold.saturating_sub(1),
            TagEnd::Emphasis => self.italic = self.italic.saturating_sub(1),
            TagEnd::Link => drop(self.opened_links.pop()),
            TagEnd::TableCell => self.end_cell(),
            TagEnd::TableRow => self.end_row(),
            TagEnd::TableHead => self.head = self.rows.pop().unwrap_or_default(),
            TagEnd::Table => {
                let head = std::mem::take(&mut self.head);
                let rows = std::mem::take(&mut self.rows);
                self.add(Block::Table { head, rows });
            }
            _ => {}
        }
    }

    /// A table of more columns than a page has room for is told as a list, which leaves empty cells out:
    /// a short line under a long head must not hold one for each column.
    fn end_row(&mut self) {
        if self.head.len() > COLUMNS_MAX
            && let Some(row) = self.rows.last_mut()
        {
            let full = row.iter().rposition(|cell| !cell.is_empty());
            row.truncate(full.map_or(0, |last| last + 1));
            row.shrink_to_fit();
        }
    }

    fn say(&mut self, text: &str) {
        match &mut self.code {
            Some(code) => code.push_str(text),
            None => self.say_as(text, |_| ()),
        }
    }

    fn say_as(&mut self, text: &str, mark: impl Fn(&mut Span)) {
        let mut span = Span {
            is_bold: self.bold > 0,
            is_italic: self.italic > 0,
            is_ours: self.is_ours,
            link: self.opened_links.iter().rev().find_map(|link| *link),
            ..Span::default()
        };
        mark(&mut span);
        let last = self.words.last_mut();
        // Two references in a row are two parts.
        match last.filter(|last| !span.is_reference && last.looks_like(&span)) {
            Some(last) => last.text.push_str(text),
            None => self.words.push(Span {
                text: text.to_owned(),
                ..span
            }),
        }
    }

    fn number(&mut self, label: &str) -> usize {
        let known = self.labels.iter().position(|known| known == label);
        let index = known.unwrap_or_else(|| {
            self.labels.push(label.to_owned());
            self.labels.len() - 1
        });
        index + 1
    }

    fn add(&mut self, block: Block) {
        if let Some(frame) = self.frames.last_mut() {
            frame.blocks.push(block);
        }
    }

    /// The text of a tight item has no paragraph of its own.
    fn end_words(&mut self) {
        let words = std::mem::take(&mut self.words);
        if words.iter().any(|span| !span.text.trim().is_empty()) {
            self.add(Block::Paragraph(words));
        }
    }

    fn end_cell(&mut self) {
        let words = std::mem::take(&mut self.words);
        // The head's cells have no row around them.
        if self.rows.is_empty() {
            self.rows.push(vec![]);
        }
        if let Some(row) = self.rows.last_mut() {
            row.push(words);
        }
    }

    fn open(&mut self, first: Option<u64>) {
        self.end_words();
        if self.flattened > 0 || self.frames.len() > 2 * DEPTH_MAX {
            self.flattened += 1;
        } else {
            self.frames.push(Frame {
                first,
                ..Frame::default()
            });
        }
    }

    fn closed(&mut self) -> Option<Frame> {
        self.end_words();
        if self.flattened > 0 {
            self.flattened -= 1;
            return None;
        }
        self.frames.pop()
    }

    fn close(&mut self, made: impl FnOnce(Frame) -> Block) {
        if let Some(block) = self.closed().map(made) {
            self.add(block);
        }
    }

    fn close_item(&mut self) {
        if let Some(item) = self.closed()
            && let Some(list) = self.frames.last_mut()
        {
            list.items.push(item.blocks);
        }
    }

    fn close_note(&mut self) {
        if let Some(frame) = self.closed() {
            let number = frame.note.unwrap_or(self.labels.len());
            self.notes.push((number, frame.blocks));
        }
    }
}

impl Frame {
    fn into_list(mut self) -> Block {
        // Items that were too deep to be told apart.
        if !self.blocks.is_empty() {
            self.items.push(self.blocks);
        }
        Block::List {
            first: self.first,
            items: self.items,
        }
    }
}

impl Span {
    fn looks_like(&self, other: &Self) -> bool {
        let look = |span: &Self| {
            let Self {
                is_bold,
                is_italic,
                is_code,
                ..
            } = *span;
            let is_other = (span.is_reference, span.is_ours);
            (is_bold, is_italic, is_code, span.link, is_other)
        };
        look(self) == look(other)
    }
}

/// The words of spans, for outlines and titles.
pub(super) fn plain(words: &[Span]) -> String {
    let said = words.iter().filter(|span| !span.is_reference);
    let text: String = said.map(|span| span.text.as_str()).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where a link leads, in ASCII as PDF wants it; none when it leads nowhere.
fn address(to: &str, base_url: &str) -> Option<String> {
    let whole = if to.starts_with('/') {
        format!("{}{to}", base_url.trim_end_matches('/'))
    } else {
        to.to_owned()
    };
    url::Url::parse(&whole).ok().map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(markdown: &str, base_url: &str) -> Text {
        super::read(markdown, (base_url, Language::English))
    }

    fn words(text: &str) -> Vec<Span> {
        vec![Span {
            text: text.into(),
            ..Span::default()
        }]
    }

    #[track_caller]
    fn check(markdown: &str, expected: &[Block]) {
        assert_eq!(read(markdown, "https://status.example").blocks, expected);
    }

    #[test]
    fn markdown_becomes_blocks() {
        check("One\ntwo.", &[Block::Paragraph(words("One two."))]);
        check("One\\\ntwo.", &[Block::Paragraph(words("One\ntwo."))]);
        check("---", &[Block::Rule]);
        check("```\na  b\n```", &[Block::Code("a  b\n".into())]);
        let item = |text| vec![Block::Paragraph(words(text))];
        let items = vec![item("a"), item("b")];
        check(
            "3. a\n4. b",
            &[Block::List {
                first: Some(3),
                items,
            }],
        );
        let head = vec![words("A"), words("B")];
        let rows = vec![vec![words("1"), words("2")]];
        check("|A|B|\n|-|:-|\n|1|2|", &[Block::Table { head, rows }]);
        check("<b>x", &[Block::Paragraph(words("<b>x"))]);
    }

    #[test]
    fn no_heading_skips_a_level() {
        let text = read("## a\n\n#### b\n\n# c\n\n#", "");
        let level = |block: &Block| match block {
            Block::Heading(level, _) => *level,
            _ => 0,
        };
        let levels: Vec<_> = text.blocks.iter().map(level).collect();
        assert_eq!(levels, [1, 2, 1]);
    }

    #[test]
    fn notes_are_numbered_as_the_text_refers_to_them() {
        let text = read("One.[^b] Two.[^a]\n\n[^a]: A.\n\n[^b]: B.\n", "");
        let numbers: Vec<_> = text.notes.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 2]);
        assert_eq!(text.notes[0].1, [Block::Paragraph(words("B."))]);
        let Block::Paragraph(spans) = &text.blocks[0] else {
            panic!("a paragraph");
        };
        assert_eq!(spans[1].text, "[1]");
        assert!(spans[1].is_reference);
    }

    #[test]
    fn links_lead_to_the_web_or_nowhere() {
        let text = read(
            "[a](/x) [b](javascript:x) [c](https://é.example)",
            "https://s.example/",
        );
        assert_eq!(
            text.links,
            ["https://s.example/x", "https://xn--9ca.example/"]
        );
    }

    #[test]
    fn what_is_nested_without_end_stays_readable() {
        let depth = |block: &Block| {
            fn of(block: &Block) -> usize {
                let inner = match block {
                    Block::Quote(inner) => inner.iter().map(of).max(),
                    Block::List { items, .. } => items.iter().flatten().map(of).max(),
                    _ => None,
                };
                1 + inner.unwrap_or_default()
            }
            of(block)
        };
        for mark in ["> ", "- "] {
            let text = read(&format!("{}deep", mark.repeat(3_000)), "");
            assert!(text.blocks.iter().all(|block| depth(block) < 40));
            assert!(format!("{text:?}").contains("deep"));
        }
    }
}
