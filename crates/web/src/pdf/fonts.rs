//! The faces that a document is set in: which glyphs a text becomes, and how wide they are. Never
//! places anything.
//!
//! A character that no face has is shown as U+FFFD and keeps its own text, so that it can still be
//! searched, copied and read aloud.

use std::ops::Range;
use std::sync::LazyLock;

use rustybuzz::{Direction, UnicodeBuffer};

/// A face, in the order of `FILES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    Regular,
    Bold,
    Italic,
    BoldItalic,
    Mono,
}

/// The files of the faces.
pub(super) static FILES: [&[u8]; 5] = [
    include_bytes!("../../assets/fonts/NotoSans-Regular.ttf"),
    include_bytes!("../../assets/fonts/NotoSans-Bold.ttf"),
    include_bytes!("../../assets/fonts/NotoSans-Italic.ttf"),
    include_bytes!("../../assets/fonts/NotoSans-BoldItalic.ttf"),
    include_bytes!("../../assets/fonts/NotoSansMono-Regular.ttf"),
];

static FONTS: LazyLock<Option<Fonts>> = LazyLock::new(|| {
    let faces: Option<Vec<_>> = FILES
        .iter()
        .map(|file| rustybuzz::Face::from_slice(file, 0))
        .collect();
    faces.map(|faces| Fonts { faces })
});

/// Every face, parsed once.
pub(super) struct Fonts {
    faces: Vec<rustybuzz::Face<'static>>,
}

/// A glyph, measured in ems.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Glyph {
    pub(super) id: u32,
    /// The bytes of the run's text that it shows.
    pub(super) shows: Range<usize>,
    pub(super) advance: f32,
    pub(super) x_offset: f32,
    pub(super) y_offset: f32,
}

/// Text in one face.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    pub(super) face: Face,
    pub(super) text: String,
    pub(super) glyphs: Vec<Glyph>,
}

impl Fonts {
    /// The faces that the program carries; `None` when they are damaged.
    pub(super) fn carried() -> Option<&'static Self> {
        FONTS.as_ref()
    }

    /// Shapes `text`, in `face` where that has the characters. What has no visible form, such as a
    /// soft hyphen, is left out.
    pub(super) fn shape(&self, face: Face, text: &str) -> Vec<Run> {
        let mut runs = vec![];
        let mut part = String::new();
        let mut of = Some(face);
        for c in text.chars().filter(|c| !is_invisible(*c)) {
            let holder = self.holder(face, c);
            if holder != of || holder.is_none() {
                runs.extend(self.run(of, face, std::mem::take(&mut part)));
                of = holder;
            }
            part.push(c);
        }
        runs.extend(self.run(of, face, part));
        runs
    }

    /// Arrows and mathematical signs are in the mono face only.
    fn holder(&self, face: Face, c: char) -> Option<Face> {
        [face, Face::Mono]
            .into_iter()
            .find(|face| !c.is_control() && self.has(*face, c))
    }

    /// Glyph 0 stands for what a face does not have; some map noncharacters to it.
    fn has(&self, face: Face, c: char) -> bool {
        let glyph = self.face(face).glyph_index(c);
        glyph.is_some_and(|glyph| glyph.0 != 0)
    }

    fn face(&self, face: Face) -> &rustybuzz::Face<'static> {
        &self.faces[face as usize]
    }

    fn run(&self, holder: Option<Face>, fallback: Face, text: String) -> Option<Run> {
        if text.is_empty() {
            return None;
        }
        Some(match holder {
            Some(face) => self.shaped(face, text),
            None => self.missing(fallback, text),
        })
    }

    fn shaped(&self, face: Face, text: String) -> Run {
        let font = self.face(face);
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(&text);
        buffer.set_direction(Direction::LeftToRight);
        buffer.guess_segment_properties();
        buffer.set_direction(Direction::LeftToRight);
        let shaped = rustybuzz::shape(font, &[], buffer);
        let ems = |units: i32| units as f32 / font.units_per_em() as f32;
        let mut clusters: Vec<_> = shaped.glyph_infos().iter().map(|i| i.cluster).collect();
        clusters.sort_unstable();
        let glyphs = shaped.glyph_infos().iter().zip(shaped.glyph_positions());
        let glyphs = glyphs.map(|(info, position)| Glyph {
            id: info.glyph_id,
            shows: shown(info.cluster, &clusters, text.len()),
            advance: ems(position.x_advance),
            x_offset: ems(position.x_offset),
            y_offset: ems(position.y_offset),
        });
        let glyphs = glyphs.collect();
        Run { face, text, glyphs }
    }

    /// One character without a glyph.
    fn missing(&self, face: Face, text: String) -> Run {
        let font = self.face(face);
        let id = font.glyph_index(char::REPLACEMENT_CHARACTER);
        let advance = id.and_then(|id| font.glyph_hor_advance(id));
        // A reader of PDF must not meet a control character or a byte order mark in a text.
        let is_unsafe = |c: char| c.is_control() || matches!(c as u32 & 0xFFFF, 0xFFFE | 0xFFFF);
        let text = if text.contains(is_unsafe) {
            char::REPLACEMENT_CHARACTER.to_string()
        } else {
            text
        };
        let glyph = Glyph {
            id: id.map_or(0, |id| id.0.into()),
            shows: 0..text.len(),
            advance: f32::from(advance.unwrap_or_default()) / font.units_per_em() as f32,
            x_offset: 0.0,
            y_offset: 0.0,
        };
        Run {
            face,
            text,
            glyphs: vec![glyph],
        }
    }
}

impl Run {
    /// In ems.
    pub(super) fn width(&self) -> f32 {
        self.glyphs.iter().map(|glyph| glyph.advance).sum()
    }

    /// Without the spaces at its end, in ems.
    pub(super) fn visible_width(&self) -> f32 {
        let is_space = |glyph: &&Glyph| self.text[glyph.shows.clone()].trim().is_empty();
        let spaces = self.glyphs.iter().rev().take_while(is_space);
        self.width() - spaces.map(|glyph| glyph.advance).sum::<f32>()
    }

    /// Adds what follows in the same face.
    pub(super) fn append(&mut self, next: Self) {
        let from = self.text.len();
        self.text.push_str(&next.text);
        let moved = next.glyphs.into_iter().map(|glyph| Glyph {
            shows: glyph.shows.start + from..glyph.shows.end + from,
            ..glyph
        });
        self.glyphs.extend(moved);
    }

    /// Cuts it between characters, so that the first part is at most `ems` wide; with `at_least_one`
    /// the first part has a character even when that is wider.
    pub(super) fn split(self, ems: f32, at_least_one: bool) -> (Option<Self>, Option<Self>) {
        let mut width = 0.0;
        let mut cut = 0;
        for (index, glyph) in self.glyphs.iter().enumerate() {
            let starts = index == 0 || self.glyphs[index - 1].shows != glyph.shows;
            if starts && width <= ems {
                cut = index;
            }
            width += glyph.advance;
            // Each line of a long word looks at its own part only.
            if width > ems {
                break;
            }
        }
        if width <= ems {
            return (Some(self), None);
        }
        if cut == 0 && at_least_one {
            let first = &self.glyphs[0].shows;
            cut = self.glyphs.iter().take_while(|g| g.shows == *first).count();
        }
        self.cut(cut)
    }

    fn cut(mut self, at: usize) -> (Option<Self>, Option<Self>) {
        if at == 0 {
            return (None, Some(self));
        }
        if at >= self.glyphs.len() {
            return (Some(self), None);
        }
        let mut rest = self.glyphs.split_off(at);
        let from = rest[0].shows.start;
        for glyph in &mut rest {
            glyph.shows = glyph.shows.start - from..glyph.shows.end - from;
        }
        let text = self.text.split_off(from);
        let rest = Self {
            face: self.face,
            text,
            glyphs: rest,
        };
        (Some(self), Some(rest))
    }
}

/// The bytes that the glyphs of a cluster show: up to where the next one of the sorted clusters begins.
fn shown(cluster: u32, clusters: &[u32], end: usize) -> Range<usize> {
    let next = clusters.partition_point(|one| *one <= cluster);
    let next = clusters.get(next);
    cluster as usize..next.map_or(end, |next| *next as usize)
}

/// Format characters and selectors: they have no form of their own.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Vec<Run> {
        Fonts::carried().unwrap().shape(Face::Regular, text)
    }

    #[test]
    fn every_face_can_show_that_a_character_is_missing() {
        let fonts = Fonts::carried().unwrap();
        for face in &fonts.faces {
            assert!(face.glyph_index(char::REPLACEMENT_CHARACTER).is_some());
        }
    }

    #[test]
    fn a_text_is_split_where_another_face_has_the_characters() {
        let runs = shape("a → b 漢\u{200B}c");
        let texts: Vec<_> = runs.iter().map(|run| run.text.as_str()).collect();
        assert_eq!(texts, ["a ", "→", " b ", "漢", "c"]);
        assert_eq!(runs[1].face, Face::Mono);
        assert!(runs.iter().all(|run| run.glyphs.iter().all(|g| g.id != 0)));
    }

    #[test]
    fn control_characters_are_shown_and_not_passed_on() {
        let [run] = &shape("\u{7}")[..] else {
            panic!("one run");
        };
        assert_eq!(run.text, "\u{FFFD}");
    }

    #[test]
    fn a_run_is_cut_between_characters() {
        let run = shape("Mañana").remove(0);
        let all = run.width();
        let (head, tail) = run.split(all / 2.0, false);
        let (head, tail) = (head.unwrap(), tail.unwrap());
        assert!(head.width() <= all / 2.0);
        assert_eq!(format!("{}{}", head.text, tail.text), "Mañana");
        let (none, whole) = tail.split(0.0, false);
        assert!(none.is_none());
        let (one, rest) = whole.unwrap().split(0.0, true);
        assert_eq!(one.unwrap().text.chars().count(), 1);
        assert!(rest.is_some());
    }
}
