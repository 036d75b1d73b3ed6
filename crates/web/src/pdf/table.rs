//! Lays tables out: how wide their columns are, and their rows over pages, with the head repeated.

use krilla::tagging::{TableHeaderScope, Tag};

use super::blocks::{Block, Span};
use super::layout::{BODY, BOTTOM, Column, Flow, PAGE, Voice, baseline};
use super::lines::{Line, Setting, widths, wrap};
use super::sheet::{Ink, Shape};

const CELL: Setting = Setting {
    size: 9.5,
    leading: 13.5,
    ..BODY
};
const HEAD: Setting = Setting {
    is_bold: true,
    ..CELL
};
/// Above and below the lines of a row.
const PADDING: f32 = 4.5;
const COLUMN_GAP: f32 = 14.0;
/// A column that is narrower can hardly be read: its table is told as a list.
const COLUMN_MIN: f32 = 42.0;

/// A list that repeats the titles of a table in each item grows by their product.
const LIST_BYTES_MAX: usize = 400 << 10;

/// Where the columns of a table are.
struct Grid {
    columns: Vec<Column>,
    whole: Column,
}

/// A row, set in lines.
struct Row<'t> {
    cells: &'t [Vec<Span>],
    lines: Vec<Vec<Line>>,
    setting: Setting,
}

impl Flow<'_> {
    pub(super) fn table(
        &mut self,
        head: &[Vec<Span>],
        rows: &[Vec<Vec<Span>>],
        column: Column,
        part: usize,
    ) {
        let Some(grid) = self.grid(head, rows, column) else {
            match as_list(head, rows) {
                Some(list) => self.block(&list, column, part),
                None => self.is_full = true,
            }
            return;
        };
        let table = self.part(part, Tag::Table);
        let header = self.set_row(head, HEAD, &grid);
        let group = self.part(table, Tag::THead);
        let row = self.part(group, Tag::TR);
        let titles = head.iter();
        let titles = titles.map(|_| self.part(row, Tag::TH(TableHeaderScope::Column)));
        let titles: Vec<_> = titles.collect();
        self.row(&header, &grid, Some(&titles), None);
        let group = self.part(table, Tag::TBody);
        for cells in rows {
            if self.is_full {
                return;
            }
            let row = self.part(group, Tag::TR);
            let parts: Vec<_> = cells.iter().map(|_| self.part(row, Tag::TD)).collect();
            let cells = self.set_row(cells, CELL, &grid);
            self.row(&cells, &grid, Some(&parts), Some(&header));
        }
    }

    /// The head of a table, and its first row.
    pub(super) fn height_of_table_start(
        &self,
        head: &[Vec<Span>],
        rows: &[Vec<Vec<Span>>],
        column: Column,
    ) -> f32 {
        let Some(grid) = self.grid(head, rows, column) else {
            return 2.0 * BODY.leading;
        };
        let first = rows.first().map_or(&[][..], Vec::as_slice);
        let rows = [
            self.set_row(head, HEAD, &grid),
            self.set_row(first, CELL, &grid),
        ];
        rows.iter().map(Row::height).sum::<f32>().min(PAGE / 2.0)
    }

    /// Columns as wide as what they hold, or their share of what there is; none when they are too many.
    fn grid(&self, head: &[Vec<Span>], rows: &[Vec<Vec<Span>>], whole: Column) -> Option<Grid> {
        let count = head.len();
        let room = whole.right - whole.left - COLUMN_GAP * count.saturating_sub(1) as f32;
        if count == 0 || room / (count as f32) < COLUMN_MIN {
            return None;
        }
        let mut wanted = vec![(COLUMN_MIN, COLUMN_MIN); count];
        let titles = head
            .iter()
            .enumerate()
            .map(|(index, cell)| (index, cell, HEAD));
        let cells = rows.iter().flat_map(|row| row.iter().enumerate());
        let cells = cells.map(|(index, cell)| (index, cell, CELL));
        for (index, cell, setting) in titles.chain(cells) {
            if let Some((least, most)) = wanted.get_mut(index) {
                let (word, line) = widths(self.fonts, cell, setting);
                *least = least.max(word);
                *most = most.max(line);
            }
        }
        let mut left = whole.left;
        let columns = shares(&wanted, room).into_iter().map(|width| {
            let column = Column {
                left,
                right: left + width,
            };
            left = column.right + COLUMN_GAP;
            column
        });
        Some(Grid {
            columns: columns.collect(),
            whole,
        })
    }

    fn set_row<'t>(&self, cells: &'t [Vec<Span>], setting: Setting, grid: &Grid) -> Row<'t> {
        let lines = cells.iter().zip(&grid.columns).map(|(cell, column)| {
            // What is shared out may be wider than its share by a rounding.
            wrap(self.fonts, cell, setting, column.right - column.left + 0.01)
        });
        Row {
            cells,
            lines: lines.collect(),
            setting,
        }
    }

    /// Sets a row; without parts it only repeats what was said before.
    fn row(&mut self, row: &Row<'_>, grid: &Grid, parts: Option<&[usize]>, head: Option<&Row<'_>>) {
        let head_height = head.map_or(0.0, Row::height);
        if self.y + row.height() > BOTTOM && row.height() + head_height <= PAGE {
            self.turn_with(head, grid);
        }
        let part = |index: usize| parts.and_then(|parts| parts.get(index)).copied();
        let cells = row.cells.iter().enumerate();
        let voices = cells.map(|(index, cell)| Voice::new(cell, row.setting, part(index)));
        let mut voices: Vec<_> = voices.collect();
        self.y += PADDING;
        for number in 0..row.count() {
            if self.y + row.setting.leading + PADDING > BOTTOM {
                self.turn_with(head, grid);
                self.y += PADDING;
            }
            let baseline = baseline(self.y, row.setting);
            self.set_labels(baseline);
            let cells = row.lines.iter().zip(&grid.columns).zip(&mut voices);
            for ((lines, column), voice) in cells {
                if let Some(line) = lines.get(number) {
                    self.set(line.clone(), column.left, baseline, voice);
                }
            }
            self.y += row.setting.leading;
        }
        self.y += PADDING;
        self.line_under(row, grid);
    }

    fn turn_with(&mut self, head: Option<&Row<'_>>, grid: &Grid) {
        self.turn();
        // A head as high as a page would leave no room for its rows.
        if let Some(head) = head.filter(|head| head.height() < PAGE / 2.0) {
            self.row(head, grid, None, None);
        }
    }

    fn line_under(&mut self, row: &Row<'_>, grid: &Grid) {
        let thickness = if row.setting.is_bold { 1.0 } else { 0.5 };
        self.shape(Shape {
            left: grid.whole.left,
            top: self.y - thickness,
            right: grid.whole.right,
            bottom: self.y,
            ink: Ink::Rule,
        });
    }
}

impl Row<'_> {
    fn count(&self) -> usize {
        self.lines.iter().map(Vec::len).max().unwrap_or_default()
    }

    fn height(&self) -> f32 {
        self.count() as f32 * self.setting.leading + 2.0 * PADDING
    }
}

/// Shares `room` out among columns that want from `least` to `most`: those that want little get it,
/// and the others share the rest.
fn shares(wanted: &[(f32, f32)], room: f32) -> Vec<f32> {
    let least: f32 = wanted.iter().map(|(least, _)| least).sum();
    let most: f32 = wanted.iter().map(|(_, most)| most).sum();
    if most <= room {
        let spare = (room - most) / wanted.len() as f32;
        return wanted.iter().map(|(_, most)| most + spare).collect();
    }
    if least >= room {
        return vec![room / wanted.len() as f32; wanted.len()];
    }
    // The level that fills the room exactly, found by halving: 40 steps are finer than a hair.
    let (mut low, mut high) = (0.0, room);
    for _ in 0..40 {
        let level = f32::midpoint(low, high);
        let filled: f32 = filled(wanted, level).sum();
        if filled > room {
            high = level;
        } else {
            low = level;
        }
    }
    filled(wanted, low).collect()
}

fn filled(wanted: &[(f32, f32)], level: f32) -> impl Iterator<Item = f32> {
    wanted
        .iter()
        .map(move |(least, most)| most.min(level.max(*least)))
}

/// Each row as an item that names its columns; none when that is more than any report.
fn as_list(head: &[Vec<Span>], rows: &[Vec<Vec<Span>>]) -> Option<Block> {
    let bytes = |cell: &[Span]| cell.iter().map(|span| span.text.len()).sum::<usize>();
    let titles: Vec<_> = head.iter().map(|title| bytes(title)).collect();
    let pairs = rows.iter().flat_map(|row| titles.iter().zip(row));
    let pairs = pairs.filter(|(_, cell)| !cell.is_empty());
    let said: usize = pairs.map(|(title, cell)| title + bytes(cell)).sum();
    if said > LIST_BYTES_MAX {
        return None;
    }
    let plain = |text: &str| Span {
        text: text.to_owned(),
        ..Span::default()
    };
    let items = rows.iter().map(|row| {
        let mut said = vec![];
        for (title, cell) in head.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
            if !said.is_empty() {
                said.push(plain("; "));
            }
            let bold = title.iter().cloned().map(|span| Span {
                is_bold: true,
                ..span
            });
            said.extend(bold);
            said.push(plain(": "));
            said.extend(cell.iter().cloned());
        }
        vec![Block::Paragraph(said)]
    });
    Some(Block::List {
        first: None,
        items: items.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_share_the_room() {
        assert_eq!(shares(&[(10.0, 20.0), (10.0, 40.0)], 100.0), [40.0, 60.0]);
        let near = |wanted: &[(f32, f32)], expected: [f32; 2]| {
            let widths = shares(wanted, 100.0);
            let near = widths
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 0.01);
            assert!(near && widths.iter().sum::<f32>() <= 100.0, "{widths:?}");
        };
        near(&[(10.0, 30.0), (10.0, 500.0)], [30.0, 70.0]);
        near(&[(60.0, 90.0), (10.0, 90.0)], [60.0, 40.0]);
        assert_eq!(shares(&[(90.0, 90.0), (40.0, 50.0)], 100.0), [50.0, 50.0]);
    }
}
