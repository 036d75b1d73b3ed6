//! What stands where: pages, and the tree of parts that tells a screen reader what it is. Measures
//! are points from a page's upper left corner.

use krilla::tagging::TagKind;

use super::fonts::Run;
use super::lines::Piece;

/// US Letter.
pub(super) const WIDTH: f32 = 612.0;
pub(super) const HEIGHT: f32 = 792.0;
/// Between the text and each edge.
pub(super) const MARGIN: f32 = 72.0;

/// A document, laid out.
#[derive(Debug, Default)]
pub(super) struct Laid {
    pub(super) sheets: Vec<Sheet>,
    /// The parts; the first holds all others.
    pub(super) parts: Vec<Part>,
    /// How many leaves the parts have, each a mark or a link of a page.
    pub(super) leaves: usize,
    pub(super) headings: Vec<Heading>,
    /// The parts that are ours, in the reader's language.
    pub(super) ours: Vec<usize>,
}

impl Laid {
    /// The parts that the first one holds.
    pub(super) fn outermost(&self) -> impl Iterator<Item = usize> {
        let root = self.parts.first();
        let children = root.into_iter().flat_map(|root| &root.children);
        children.filter_map(|child| match child {
            Child::Part(part) => Some(*part),
            Child::Leaf(_) => None,
        })
    }
}

/// A page.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// Lines and grounds, which say nothing: they are drawn first.
    pub(super) shapes: Vec<Shape>,
    pub(super) marks: Vec<Mark>,
    pub(super) links: Vec<Link>,
}

/// A rectangle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) right: f32,
    pub(super) bottom: f32,
    pub(super) ink: Ink,
}

/// Text on a page.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) left: f32,
    pub(super) baseline: f32,
    pub(super) run: Run,
    pub(super) size: f32,
    pub(super) ink: Ink,
    /// Where it stands among the parts; none when it only repeats or counts.
    pub(super) leaf: Option<usize>,
}

/// Where a page can be clicked.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) shape: Shape,
    /// The number of the link.
    pub(super) number: usize,
    pub(super) leaf: usize,
}

/// A part of the text, such as a paragraph.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) kind: TagKind,
    pub(super) children: Vec<Child>,
}

#[derive(Debug)]
pub(super) enum Child {
    Part(usize),
    Leaf(usize),
}

/// An entry of the outline.
#[derive(Debug)]
pub(super) struct Heading {
    pub(super) level: u8,
    pub(super) title: String,
    pub(super) sheet: usize,
    pub(super) top: f32,
}

/// The colours. Text has a contrast of 7 to 1 or more on white and on `Shade`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Text,
    Muted,
    Link,
    Rule,
    Shade,
}

impl Ink {
    /// Red, green and blue.
    pub(super) fn rgb(self) -> [u8; 3] {
        match self {
            Self::Text => [0x1f, 0x23, 0x28],
            Self::Muted => [0x4d, 0x53, 0x5b],
            Self::Link => [0x0b, 0x47, 0x8f],
            Self::Rule => [0xc9, 0xcd, 0xd3],
            Self::Shade => [0xf4, 0xf5, 0xf7],
        }
    }
}

impl Mark {
    pub(super) fn new(left: f32, baseline: f32, piece: Piece, ink: Ink) -> Self {
        Self {
            left,
            baseline: baseline - piece.rise,
            run: piece.run,
            size: piece.size,
            ink,
            leaf: None,
        }
    }

    /// Where its last visible character ends.
    pub(super) fn right(&self) -> f32 {
        self.left + self.run.visible_width() * self.size
    }
}
