//! Lays blocks out on pages. Never draws: what stands where is a value that tests can look at.

use std::num::NonZeroU16;

use krilla::tagging::{ListNumbering, Tag, TagKind};

use super::blocks::{Block, Span, Text, plain};
use super::fonts::Fonts;
use super::lines::{Line, Setting, verbatim, wrap};
use super::sheet::{
    Child, HEIGHT, Heading, Ink, Laid, Link, MARGIN, Mark, Part, Shape, Sheet, WIDTH,
};

/// More is no report: whoever reads it is better served by its page.
pub(super) const PAGES_MAX: usize = 200;

pub(super) const BODY: Setting = Setting {
    size: 10.5,
    leading: 15.5,
    is_bold: false,
    is_muted: false,
};
/// For what is looked up and not read: the byline and the notes.
const SMALL: Setting = Setting {
    size: 9.0,
    leading: 13.0,
    is_muted: true,
    ..BODY
};
const CODE: Setting = Setting {
    size: 9.0,
    leading: 13.0,
    ..BODY
};

/// A few headings in a row are kept together with what follows; more are no headings.
const HEADINGS_KEPT_MAX: usize = 4;
const GAP: f32 = 8.0;
const ITEM_GAP: f32 = 4.0;
const QUOTE_INDENT: f32 = 16.0;
const BAR_WIDTH: f32 = 2.5;
const BULLET_INDENT: f32 = 18.0;
/// Between a label and its item.
const LABEL_GAP: f32 = 7.0;
const CODE_PADDING: f32 = 9.0;
const RULE_WIDTH: f32 = 0.75;
/// A measure is never narrower than this, however deep its block is.
const MEASURE_MIN: f32 = 144.0;

/// Where a block may stand between left and right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) left: f32,
    pub(super) right: f32,
}

/// Whose words are set: they go to `part`, or to parts of it for links, code and references.
pub(super) struct Voice<'t> {
    spans: &'t [Span],
    setting: Setting,
    part: Option<usize>,
    inner: Option<(Inner, usize)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inner {
    Link(usize),
    Code(usize),
    Reference(usize),
    Ours(usize),
}

/// The label of an item, until the item's first line says how high it stands.
struct Label {
    spans: Vec<Span>,
    line: Line,
    setting: Setting,
    left: f32,
    part: usize,
}

/// Pages as they fill.
pub(super) struct Flow<'a> {
    pub(super) fonts: &'a Fonts,
    pub(super) laid: Laid,
    pub(super) y: f32,
    labels: Vec<Label>,
    body: Setting,
    pub(super) is_full: bool,
}

/// Lays `text` out; `byline` stands under its first heading, `records` over its notes. None when it has too many pages.
pub(super) fn lay_out(fonts: &Fonts, text: &Text, (byline, records): (&str, &str)) -> Option<Laid> {
    let mut flow = Flow::new(fonts);
    let column = Column {
        left: MARGIN,
        right: WIDTH - MARGIN,
    };
    let heads = usize::from(matches!(text.blocks.first(), Some(Block::Heading(..))));
    let (head, rest) = text.blocks.split_at(heads);
    flow.blocks(head, column, ROOT);
    flow.byline(byline, column);
    flow.blocks(rest, column, ROOT);
    flow.notes(text, records, column);
    (!flow.is_full).then_some(flow.laid)
}

/// The part that holds all others.
pub(super) const ROOT: usize = 0;

impl<'a> Flow<'a> {
    fn new(fonts: &'a Fonts) -> Self {
        let root = Part {
            kind: Tag::Part.into(),
            children: vec![],
        };
        Self {
            fonts,
            laid: Laid {
                sheets: vec![Sheet::default()],
                parts: vec![root],
                ..Laid::default()
            },
            y: MARGIN,
            labels: vec![],
            body: BODY,
            is_full: false,
        }
    }

    fn blocks(&mut self, blocks: &[Block], column: Column, part: usize) {
        for (index, block) in blocks.iter().enumerate() {
            if self.is_full {
                return;
            }
            let above = index.checked_sub(1).map(|above| &blocks[above]);
            self.skip(gap(above, block));
            let next = &blocks[index..blocks.len().min(index + HEADINGS_KEPT_MAX)];
            self.keep(self.height_of_start(next, column));
            self.block(block, column, part);
        }
    }

    pub(super) fn block(&mut self, block: &Block, column: Column, part: usize) {
        match block {
            Block::Heading(level, spans) => self.heading(*level, spans, column, part),
            Block::Paragraph(spans) => {
                let part = self.part(part, Tag::P);
                self.paragraph(spans, self.body, column, part);
            }
            Block::Code(code) => self.code(code, column, part),
            Block::Rule => self.rule(column),
            Block::Quote(inner) => self.quote(inner, column, part),
            Block::List { first, items } => self.list(*first, items, column, part),
            Block::Table { head, rows } => self.table(head, rows, column, part),
        }
    }

    fn heading(&mut self, level: u8, spans: &[Span], column: Column, part: usize) {
        let title = plain(spans);
        let depth = NonZeroU16::new(u16::from(level)).unwrap_or(NonZeroU16::MIN);
        let part = self.part(part, Tag::Hn(depth, Some(title.clone())));
        self.laid.headings.push(Heading {
            level,
            title,
            sheet: self.laid.sheets.len() - 1,
            top: self.y,
        });
        self.paragraph(spans, heading_setting(level), column, part);
    }

    fn byline(&mut self, byline: &str, column: Column) {
        let span = Span {
            text: byline.to_owned(),
            ..Span::default()
        };
        let part = self.part(ROOT, Tag::P);
        self.laid.ours.push(part);
        self.skip(ITEM_GAP);
        self.paragraph(&[span], SMALL, column, part);
        self.skip(GAP + ITEM_GAP);
    }

    fn paragraph(&mut self, spans: &[Span], setting: Setting, column: Column, part: usize) {
        let lines = wrap(self.fonts, spans, setting, column.right - column.left);
        let mut voice = Voice::new(spans, setting, Some(part));
        let count = lines.len();
        for (index, line) in lines.into_iter().enumerate() {
            let is_widow_next = index > 0 && index + 2 == count;
            if is_widow_next && self.lines_that_fit(setting.leading) == 1 {
                self.turn();
            }
            self.set_line(line, column.left, &mut voice);
        }
    }

    fn code(&mut self, code: &str, column: Column, part: usize) {
        let part = self.part(part, Tag::P);
        let part = self.part(part, Tag::Code);
        let width = column.right - column.left - 2.0 * CODE_PADDING;
        let lines = verbatim(self.fonts, code, CODE, width);
        let span = [Span::default()];
        let mut voice = Voice::new(&span, CODE, Some(part));
        let start = self.here();
        self.y += CODE_PADDING;
        for line in lines {
            self.set_line(line, column.left + CODE_PADDING, &mut voice);
        }
        self.y = (self.y + CODE_PADDING).min(BOTTOM);
        self.ground(start, column, Ink::Shade);
    }

    fn rule(&mut self, column: Column) {
        let top = self.y + GAP;
        self.shape(Shape {
            left: column.left,
            top,
            right: column.right,
            bottom: top + RULE_WIDTH,
            ink: Ink::Rule,
        });
        self.y = top + GAP;
    }

    fn quote(&mut self, blocks: &[Block], column: Column, part: usize) {
        let part = self.part(part, Tag::BlockQuote);
        let start = self.here();
        self.blocks(blocks, column.indented(QUOTE_INDENT), part);
        let bar = Column {
            right: column.left + BAR_WIDTH,
            ..column
        };
        self.ground(start, bar, Ink::Rule);
    }

    fn list(&mut self, first: Option<u64>, items: &[Vec<Block>], column: Column, part: usize) {
        let (numbering, last) = match first {
            Some(first) => {
                let last = first.saturating_add(items.len() as u64);
                (ListNumbering::Decimal, format!("{last}."))
            }
            None => (ListNumbering::Disc, "•".to_owned()),
        };
        let list = self.part(part, Tag::L(numbering));
        let indent = self.indent_for(&last, self.body);
        let labels = (first.unwrap_or_default()..).map(|number| match first {
            Some(_) => format!("{number}."),
            None => "•".to_owned(),
        });
        for (index, (label, item)) in labels.zip(items).enumerate() {
            if index > 0 {
                self.skip(ITEM_GAP);
            }
            self.item(&label, item, list, column, indent);
        }
    }

    fn item(&mut self, label: &str, blocks: &[Block], list: usize, column: Column, indent: f32) {
        if self.is_full {
            return;
        }
        let item = self.part(list, Tag::LI);
        self.keep(self.height_of_start(blocks, column.indented(indent)));
        self.label(label, item, column.left + indent - LABEL_GAP);
        let body = self.part(item, Tag::LBody);
        self.blocks(blocks, column.indented(indent), body);
        if !self.labels.is_empty() {
            // Nothing stands beside the label.
            let mut silent = Voice::new(&[], self.body, None);
            self.set_line(Line::default(), column.left, &mut silent);
        }
    }

    /// Prepares a label that ends at `right`.
    fn label(&mut self, text: &str, item: usize, right: f32) {
        let spans = vec![Span {
            text: text.to_owned(),
            ..Span::default()
        }];
        let setting = self.body;
        let lines = wrap(self.fonts, &spans, setting, WIDTH);
        let line = lines.into_iter().next().unwrap_or_default();
        let part = self.part(item, Tag::Lbl);
        self.labels.push(Label {
            left: right - line.width,
            spans,
            line,
            setting,
            part,
        });
    }

    /// How far items are indented beside the widest of their labels.
    fn indent_for(&self, label: &str, setting: Setting) -> f32 {
        let span = Span {
            text: label.to_owned(),
            ..Span::default()
        };
        let lines = wrap(self.fonts, &[span], setting, WIDTH);
        let width = lines.first().map_or(0.0, |line| line.width);
        BULLET_INDENT.max(width + LABEL_GAP)
    }

    fn notes(&mut self, text: &Text, records: &str, column: Column) {
        if text.notes.is_empty() {
            return;
        }
        let heading = Block::Heading(
            2,
            vec![Span {
                text: records.to_owned(),
                ..Span::default()
            }],
        );
        self.skip(gap(text.blocks.last(), &heading));
        self.keep(self.height_of_start(std::slice::from_ref(&heading), column));
        self.laid.ours.push(self.laid.parts.len());
        self.block(&heading, column, ROOT);
        self.skip(ITEM_GAP);
        self.body = SMALL;
        let list = self.part(ROOT, Tag::L(ListNumbering::Decimal));
        let indent = self.indent_for(&format!("[{}]", text.notes.len()), SMALL);
        for (number, blocks) in &text.notes {
            self.item(&format!("[{number}]"), blocks, list, column, indent);
            self.skip(ITEM_GAP / 2.0);
        }
    }

    /// What must stand together at the start of `blocks`: a heading and the beginning of what it is
    /// the heading of, the first lines of a paragraph, the first row of a table.
    fn height_of_start(&self, blocks: &[Block], column: Column) -> f32 {
        let Some((first, rest)) = blocks.split_first() else {
            return self.body.leading;
        };
        match first {
            Block::Heading(level, spans) => {
                let own = self.height(spans, heading_setting(*level), column, usize::MAX);
                let gap = rest.first().map_or(0.0, |next| gap(Some(first), next));
                (own + gap + self.height_of_start(rest, column)).min(PAGE / 2.0)
            }
            Block::Paragraph(spans) => self.height(spans, self.body, column, 3),
            Block::Quote(inner) => self.height_of_start(inner, column.indented(QUOTE_INDENT)),
            Block::List { items, .. } => {
                let inner = items.first().map_or(&[][..], Vec::as_slice);
                self.height_of_start(inner, column.indented(BULLET_INDENT))
            }
            Block::Code(_) => CODE_PADDING + 2.0 * CODE.leading,
            Block::Table { head, rows } => self.height_of_table_start(head, rows, column),
            Block::Rule => 2.0 * GAP,
        }
    }

    /// How high a paragraph is, or its first two lines when it has more than `lines_max`: no line
    /// stands alone at the foot of a page.
    fn height(&self, spans: &[Span], setting: Setting, column: Column, lines_max: usize) -> f32 {
        let lines = wrap(self.fonts, spans, setting, column.right - column.left).len();
        let kept = if lines > lines_max { 2 } else { lines };
        kept as f32 * setting.leading
    }

    /// Sets a line, and the labels that wait for it.
    pub(super) fn set_line(&mut self, line: Line, left: f32, voice: &mut Voice<'_>) {
        let leading = voice.setting.leading;
        self.keep(leading);
        let baseline = baseline(self.y, voice.setting);
        self.set_labels(baseline);
        self.set(line, left, baseline, voice);
        self.y += leading;
    }

    pub(super) fn set_labels(&mut self, baseline: f32) {
        for label in std::mem::take(&mut self.labels) {
            let mut voice = Voice::new(&label.spans, label.setting, Some(label.part));
            self.set(label.line, label.left, baseline, &mut voice);
        }
    }

    /// Sets the pieces of a line on the page that fills now.
    pub(super) fn set(&mut self, line: Line, left: f32, baseline: f32, voice: &mut Voice<'_>) {
        let mut left = left;
        for piece in line.pieces {
            let width = piece.width();
            let span = voice.spans.get(piece.span);
            let link = span
                .and_then(|span| span.link)
                .filter(|_| voice.part.is_some());
            let ink = voice.ink(link.is_some());
            let part = self.part_of(piece.span, voice);
            let mut mark = Mark::new(left, baseline, piece, ink);
            mark.leaf = part.map(|part| self.leaf(part));
            if let (Some(number), Some(part)) = (link, part) {
                self.link(&mark, number, part);
            }
            self.sheet().marks.push(mark);
            left += width;
        }
    }

    fn link(&mut self, mark: &Mark, number: usize, part: usize) {
        let shape = Shape {
            left: mark.left,
            top: mark.baseline - mark.size,
            right: mark.right(),
            bottom: mark.baseline + mark.size * 0.3,
            ink: Ink::Link,
        };
        // A link is known by its line also where colours are not seen.
        self.shape(Shape {
            top: mark.baseline + mark.size * 0.14,
            bottom: mark.baseline + mark.size * 0.14 + 0.6,
            ..shape
        });
        let leaf = self.leaf(part);
        self.sheet().links.push(Link {
            shape,
            number,
            leaf,
        });
    }

    /// Which part a span's words go to.
    fn part_of(&mut self, index: usize, voice: &mut Voice<'_>) -> Option<usize> {
        let whole = voice.part?;
        let inner = voice.spans.get(index).and_then(|span| span.inner(index));
        let Some(inner) = inner else {
            voice.inner = None;
            return Some(whole);
        };
        if let Some((_, part)) = voice.inner.filter(|(known, _)| *known == inner) {
            return Some(part);
        }
        let kind: TagKind = match inner {
            Inner::Link(_) => Tag::Link.into(),
            Inner::Code(_) => Tag::Code.into(),
            Inner::Reference(_) => Tag::Reference.into(),
            Inner::Ours(_) => Tag::Span.into(),
        };
        let part = self.part(whole, kind);
        if let Inner::Ours(_) = inner {
            self.laid.ours.push(part);
        }
        voice.inner = Some((inner, part));
        Some(part)
    }

    pub(super) fn part(&mut self, parent: usize, kind: impl Into<TagKind>) -> usize {
        let part = self.laid.parts.len();
        self.laid.parts.push(Part {
            kind: kind.into(),
            children: vec![],
        });
        self.laid.parts[parent].children.push(Child::Part(part));
        part
    }

    fn leaf(&mut self, part: usize) -> usize {
        let leaf = self.laid.leaves;
        self.laid.leaves += 1;
        self.laid.parts[part].children.push(Child::Leaf(leaf));
        leaf
    }

    fn sheet(&mut self) -> &mut Sheet {
        let last = self.laid.sheets.len() - 1;
        &mut self.laid.sheets[last]
    }

    pub(super) fn shape(&mut self, shape: Shape) {
        self.sheet().shapes.push(shape);
    }

    fn here(&self) -> (usize, f32) {
        (self.laid.sheets.len() - 1, self.y)
    }

    /// Lays a ground from `start` to here, over as many pages as that are.
    fn ground(&mut self, start: (usize, f32), column: Column, ink: Ink) {
        let (end, y) = self.here();
        for sheet in start.0..=end {
            let shape = Shape {
                left: column.left,
                top: if sheet == start.0 { start.1 } else { MARGIN },
                right: column.right,
                bottom: if sheet == end { y } else { BOTTOM },
                ink,
            };
            if shape.bottom > shape.top {
                self.laid.sheets[sheet].shapes.push(shape);
            }
        }
    }

    /// Leaves a gap; there is none at the head of a page.
    fn skip(&mut self, gap: f32) {
        if self.y > MARGIN {
            self.y += gap;
        }
    }

    /// Turns the page unless `height` fits on this one.
    pub(super) fn keep(&mut self, height: f32) {
        if self.y + height > BOTTOM && self.y > MARGIN {
            self.turn();
        }
    }

    pub(super) fn turn(&mut self) {
        self.y = MARGIN;
        if self.laid.sheets.len() < PAGES_MAX {
            self.laid.sheets.push(Sheet::default());
        } else {
            self.is_full = true;
        }
    }

    pub(super) fn lines_that_fit(&self, leading: f32) -> usize {
        ((BOTTOM - self.y) / leading).max(0.0) as usize
    }
}

impl<'t> Voice<'t> {
    pub(super) fn new(spans: &'t [Span], setting: Setting, part: Option<usize>) -> Self {
        Self {
            spans,
            setting,
            part,
            inner: None,
        }
    }

    fn ink(&self, is_link: bool) -> Ink {
        match (is_link, self.setting.is_muted) {
            (true, _) => Ink::Link,
            (_, true) => Ink::Muted,
            (_, false) => Ink::Text,
        }
    }
}

impl Span {
    fn inner(&self, index: usize) -> Option<Inner> {
        let code = self.is_code.then_some(Inner::Code(index));
        let reference = self.is_reference.then_some(Inner::Reference(index));
        let ours = self.is_ours.then_some(Inner::Ours(index));
        self.link.map(Inner::Link).or(reference).or(code).or(ours)
    }
}

impl Column {
    fn indented(self, by: f32) -> Self {
        let left = (self.left + by)
            .min(self.right - MEASURE_MIN)
            .max(self.left);
        Self { left, ..self }
    }
}

/// Where text ends on every page, above its number.
pub(super) const BOTTOM: f32 = HEIGHT - MARGIN;
/// How high the text of a page is.
pub(super) const PAGE: f32 = BOTTOM - MARGIN;

fn heading_setting(level: u8) -> Setting {
    let (size, leading) = match level {
        1 => (20.0, 26.0),
        2 => (14.0, 19.0),
        3 => (11.5, 16.0),
        _ => (BODY.size, BODY.leading),
    };
    Setting {
        size,
        leading,
        is_bold: true,
        is_muted: false,
    }
}

fn gap(above: Option<&Block>, block: &Block) -> f32 {
    match (above, block) {
        (None, _) => 0.0,
        (Some(Block::Heading(..)), _) => 5.0,
        (_, Block::Heading(level, _)) => match level {
            1 => 26.0,
            2 => 20.0,
            _ => 14.0,
        },
        (Some(Block::Paragraph(_)), Block::List { .. }) => ITEM_GAP,
        (Some(Block::Code(_) | Block::Table { .. }), _)
        | (_, Block::Code(_) | Block::Table { .. }) => GAP + ITEM_GAP,
        _ => GAP,
    }
}

/// Noto Sans is 1.069 em high over its baseline and 0.293 em deep: its middle is 0.388 em above.
pub(super) fn baseline(top: f32, setting: Setting) -> f32 {
    top + setting.leading / 2.0 + 0.388 * setting.size
}
