//! Draws what is laid out into a tagged PDF (PDF/UA-1). Decides nothing about where things stand.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use krilla::action::{Action, LinkAction};
use krilla::annotation::{Annotation, LinkAnnotation, Target};
use krilla::color::rgb;
use krilla::configure::{Accessibility, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::{Path, PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::{Page, PageSettings};
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, Node, SpanTag, TagGroup, TagTree,
};
use krilla::text::{Font, GlyphId, KrillaGlyph};
use krilla::{Document, SerializeSettings};

use super::fonts::FILES;
use super::layout::ROOT;
use super::sheet::{Child, HEIGHT, Heading, Ink, Laid, Link, Mark, Shape, Sheet, WIDTH};
use super::{About, PdfError, in_usa};

/// Draws the pages; the links of their marks lead to `links`.
pub(super) fn write(laid: &Laid, links: &[String], about: &About) -> Result<Vec<u8>, PdfError> {
    let mut pen = Pen {
        fonts: fonts()?,
        leaves: vec![None; laid.leaves],
    };
    let configuration = ConfigurationBuilder::new()
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|e| PdfError::Write(format!("{e:?}")))?;
    let mut document = Document::new_with(SerializeSettings {
        configuration,
        ..SerializeSettings::default()
    });
    let settings = PageSettings::from_wh(WIDTH, HEIGHT).unwrap_or_default();
    for sheet in &laid.sheets {
        let mut page = document.start_page_with(settings.clone());
        pen.draw(sheet, &mut page);
        pen.link(&sheet.links, links, &mut page);
        page.finish();
    }
    document.set_metadata(metadata(about));
    document.set_outline(outline(&laid.headings, about));
    document.set_tag_tree(pen.tree(laid, in_usa(about.language)));
    document
        .finish()
        .map_err(|e| PdfError::Write(format!("{e:?}")))
}

fn fonts() -> Result<Vec<Font>, PdfError> {
    let fonts = FILES.iter().map(|file| Font::new((*file).into(), 0));
    fonts.collect::<Option<_>>().ok_or(PdfError::Fonts)
}

/// Draws pages and remembers what it drew for each leaf.
struct Pen {
    fonts: Vec<Font>,
    leaves: Vec<Option<Identifier>>,
}

impl Pen {
    fn draw(&mut self, sheet: &Sheet, page: &mut Page<'_>) {
        let mut surface = page.surface();
        surface.start_tagged(artifact(ArtifactType::Layout));
        for shape in &sheet.shapes {
            if let Some(path) = path(shape) {
                surface.set_fill(Some(fill(shape.ink)));
                surface.draw_path(&path);
            }
        }
        surface.end_tagged();
        for mark in &sheet.marks {
            let tag = match mark.leaf {
                Some(_) => ContentTag::Span(SpanTag::empty()),
                None => artifact(ArtifactType::PaginationOther),
            };
            let identifier = surface.start_tagged(tag);
            self.draw_text(mark, &mut surface);
            surface.end_tagged();
            if let Some(leaf) = mark.leaf {
                self.leaves[leaf] = Some(identifier);
            }
        }
        surface.finish();
    }

    fn draw_text(&self, mark: &Mark, surface: &mut Surface<'_>) {
        let run = &mark.run;
        let glyphs = run.glyphs.iter().map(|glyph| {
            KrillaGlyph::new(
                GlyphId::new(glyph.id),
                glyph.advance,
                glyph.x_offset,
                glyph.y_offset,
                0.0,
                glyph.shows.clone(),
                None,
            )
        });
        let glyphs: Vec<_> = glyphs.collect();
        let font = self.fonts[run.face as usize].clone();
        let start = Point::from_xy(mark.left, mark.baseline);
        surface.set_fill(Some(fill(mark.ink)));
        surface.draw_glyphs(start, &glyphs, font, &run.text, mark.size, false);
    }

    fn link(&mut self, areas: &[Link], links: &[String], page: &mut Page<'_>) {
        for area in areas {
            let address = &links[area.number];
            let action = Action::Link(LinkAction::new(address.clone()));
            if let Some(rect) = rect(&area.shape) {
                let annotation = LinkAnnotation::new(rect, Target::Action(action));
                let annotation = Annotation::new_link(annotation, Some(address.clone()));
                self.leaves[area.leaf] = Some(page.add_tagged_annotation(annotation));
            }
        }
    }

    fn tree(&self, laid: &Laid, language: String) -> TagTree {
        let mut tree = TagTree::new().with_lang(Some(language));
        tree.push(self.group(laid, ROOT));
        tree
    }

    fn group(&self, laid: &Laid, part: usize) -> TagGroup {
        let part = &laid.parts[part];
        let children = part.children.iter().filter_map(|child| match child {
            Child::Part(part) => Some(Node::Group(self.group(laid, *part))),
            Child::Leaf(leaf) => self.leaves[*leaf].map(Node::Leaf),
        });
        TagGroup::with_children(part.kind.clone(), children.collect())
    }
}

fn artifact(kind: ArtifactType) -> ContentTag<'static> {
    ContentTag::Artifact(Artifact::with_kind(kind))
}

fn fill(ink: Ink) -> Fill {
    let [red, green, blue] = ink.rgb();
    Fill {
        paint: rgb::Color::new(red, green, blue).into(),
        ..Fill::default()
    }
}

fn rect(shape: &Shape) -> Option<Rect> {
    Rect::from_ltrb(shape.left, shape.top, shape.right, shape.bottom)
}

fn path(shape: &Shape) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.push_rect(rect(shape)?);
    path.finish()
}

fn metadata(about: &About) -> Metadata {
    Metadata::new()
        .title(about.title.clone())
        .authors(vec![about.author.clone()])
        .language(in_usa(about.language))
        .creator("Lamplighter".to_owned())
        .creation_date(date(about.created_at))
}

fn date(at: Timestamp) -> DateTime {
    let at = at.to_zoned_datetime(TimeZone::UTC);
    let small = |number: i8| number.unsigned_abs();
    DateTime::new(at.year().unsigned_abs())
        .month(small(at.month()))
        .day(small(at.day()))
        .hour(small(at.hour()))
        .minute(small(at.minute()))
        .second(small(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

/// The headings, each under the one above it; the title when there are none.
fn outline(headings: &[Heading], about: &About) -> Outline {
    let mut outline = Outline::new();
    let mut rest = headings;
    while !rest.is_empty() {
        outline.push_child(branch(&mut rest));
    }
    if headings.is_empty() {
        let start = XyzDestination::new(0, Point::from_xy(0.0, 0.0));
        outline.push_child(OutlineNode::new(about.title.clone(), start));
    }
    outline
}

/// Levels end at 6, so this is never deep.
fn branch(rest: &mut &[Heading]) -> OutlineNode {
    let (head, after) = (&rest[0], &rest[1..]);
    *rest = after;
    let at = XyzDestination::new(head.sheet, Point::from_xy(0.0, head.top));
    let mut node = OutlineNode::new(head.title.clone(), at).with_open(true);
    while rest.first().is_some_and(|next| next.level > head.level) {
        node.push_child(branch(rest));
    }
    node
}
