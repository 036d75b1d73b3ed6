//! The foot of each page: the document's name, and which page of how many it is. A screen reader
//! skips it.

use domain::language::Language;

use super::blocks::Span;
use super::fonts::Fonts;
use super::layout::BODY;
use super::lines::{Line, Setting, wrap};
use crate::language::Says as _;

use super::sheet::{HEIGHT, Ink, Laid, MARGIN, Mark, WIDTH};

const FOOT: Setting = Setting {
    size: 8.5,
    leading: 12.0,
    ..BODY
};
const BASELINE: f32 = HEIGHT - 44.0;
/// The rest is for the number of the page.
const TITLE_WIDTH: f32 = 340.0;

/// Numbers the pages.
pub(super) fn number(fonts: &Fonts, laid: &mut Laid, (title, language): (&str, Language)) {
    let count = laid.sheets.len();
    let title = set(fonts, title, TITLE_WIDTH);
    for (index, sheet) in laid.sheets.iter_mut().enumerate() {
        let values = [("n", (index + 1).into()), ("count", count.into())];
        let page = set(fonts, &language.tell("report-page", values), WIDTH);
        sheet.marks.extend(marks(title.clone(), MARGIN));
        let left = WIDTH - MARGIN - page.width;
        sheet.marks.extend(marks(page, left));
    }
}

/// The first line of `text`; an ellipsis says that it goes on.
fn set(fonts: &Fonts, text: &str, width: f32) -> Line {
    let lines = |text: &str, width| {
        let span = Span {
            text: text.to_owned(),
            ..Span::default()
        };
        wrap(fonts, &[span], FOOT, width)
    };
    let all = lines(text, width);
    let goes_on = all.len() > 1;
    let first = all.into_iter().next().unwrap_or_default();
    if !goes_on {
        return first;
    }
    let said = first.pieces.iter().map(|piece| piece.run.text.as_str());
    let said: String = said.collect();
    let cut = lines(&format!("{}…", said.trim_end()), WIDTH);
    cut.into_iter().next().unwrap_or_default()
}

fn marks(line: Line, left: f32) -> Vec<Mark> {
    let mut left = left;
    let set = line.pieces.into_iter().map(|piece| {
        let width = piece.width();
        let mark = Mark::new(left, BASELINE, piece, Ink::Muted);
        left += width;
        mark
    });
    set.collect()
}
