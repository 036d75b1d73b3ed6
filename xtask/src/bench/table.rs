//! What a benchmark answers with, and how a person reads it. Never measures.

/// One measure, ours beside a peer's.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Row {
    /// What was measured, such as "delay, reports rise 10 times".
    measure: String,
    /// Its unit, such as "min".
    unit: &'static str,
    /// Our figure.
    ours: f64,
    /// The peer's figure; none when the peer is missing here.
    peer: Option<f64>,
    /// Who the peer is.
    peer_name: String,
    /// Ours over the peer's, where both are known.
    ratio: Option<f64>,
}

impl Row {
    /// A measure that ours and the peer both gave.
    pub(crate) fn new(
        measure: impl Into<String>,
        unit: &'static str,
        ours: f64,
        (peer_name, peer): (&str, f64),
    ) -> Self {
        let ratio = (peer != 0.0).then_some(ours / peer);
        let (measure, peer_name) = (measure.into(), peer_name.into());
        Self {
            measure,
            unit,
            ours,
            peer: Some(peer),
            peer_name,
            ratio,
        }
    }

    /// Ours over the peer's.
    #[cfg(test)]
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.ratio
    }

    /// Who the peer is.
    #[cfg(test)]
    pub(crate) fn peer_name(&self) -> &str {
        &self.peer_name
    }

    /// A measure whose peer is not on this machine: it is named, and its column stays empty.
    #[cfg_attr(
        not(any(test, feature = "delivery")),
        expect(dead_code, reason = "for peers that must be installed first")
    )]
    pub(crate) fn without_peer(
        measure: impl Into<String>,
        unit: &'static str,
        ours: f64,
        peer_name: &str,
    ) -> Self {
        let (measure, peer_name) = (measure.into(), peer_name.into());
        Self {
            measure,
            unit,
            ours,
            peer: None,
            peer_name,
            ratio: None,
        }
    }
}

const HEADINGS: [&str; 6] = ["measure", "unit", "ours", "peer", "peer name", "ratio"];

/// The rows as an aligned table, one line each.
pub(crate) fn render(rows: &[Row]) -> String {
    let cells: Vec<[String; 6]> = rows.iter().map(cells).collect();
    let width = |column: usize| {
        let widest = cells.iter().map(|row| row[column].chars().count()).max();
        widest.unwrap_or(0).max(HEADINGS[column].len())
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let headings = HEADINGS.map(str::to_owned);
    let mut lines: Vec<String> = std::iter::once(&headings)
        .chain(&cells)
        .map(|row| line(row, &widths))
        .collect();
    lines.insert(
        1,
        "-".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1)),
    );
    lines.join("\n") + "\n"
}

fn cells(row: &Row) -> [String; 6] {
    let missing = || "missing".to_owned();
    [
        row.measure.clone(),
        row.unit.into(),
        figure(row.ours),
        row.peer.map_or_else(missing, figure),
        row.peer_name.clone(),
        row.ratio
            .map_or_else(|| "-".into(), |ratio| format!("{ratio:.2}")),
    ]
}

/// Figures stand to the right, words to the left.
fn line(row: &[String; 6], widths: &[usize; 6]) -> String {
    let cell = |column: usize| {
        let (text, width) = (&row[column], widths[column]);
        if matches!(column, 2 | 3 | 5) {
            format!("{text:>width$}")
        } else {
            format!("{text:width$}")
        }
    };
    let cells: [String; 6] = std::array::from_fn(cell);
    cells.join("  ").trim_end().to_owned()
}

/// Three or four significant digits, as people read them.
fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || size == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_peer_is_said() {
        let rows = [
            Row::new("delay", "min", 1.234, ("a peer", 1.0)),
            Row::without_peer("reads", "1/s", 120_000.0, "another"),
        ];
        let table = render(&rows);
        assert!(
            table.contains("delay    min     1.23     1.00  a peer      1.23"),
            "{table}"
        );
        assert!(table.lines().last().unwrap().contains("missing"), "{table}");
    }
}
