//! What a publication costs with larger fleets: the time of the call, and the server's processor time.

use super::crowd::now;
use super::ours::Server;
use super::{counted, folder};
use crate::bench::process::median;
use crate::bench::{Options, Row};

const FLEETS: [usize; 3] = [1_000, 10_000, 100_000];
const ROUNDS: usize = 11;

/// Runs the part.
pub(super) fn run(_: &Options) -> Result<Vec<Row>, String> {
    let mut rows = vec![];
    let mut first = None;
    for sites in FLEETS {
        let (call, busy) = publications(sites)?;
        println!(
            "  {} sites: {call:.2} ms a call, {busy:.2} ms busy",
            counted(sites)
        );
        // Each site's part of it, in microseconds: flat or falling is what is wanted.
        let each = [call, busy].map(|milliseconds| milliseconds * 1e3 / sites_f64(sites));
        let least = *first.get_or_insert(each);
        let measures = ["call", "processor"];
        for ((what, own), few) in measures.iter().zip(each).zip(least) {
            let measure = format!(
                "a publication's {what} time for a site, {} sites",
                counted(sites)
            );
            rows.push(Row::new(measure, "µs", own, ("1,000 sites", few)));
        }
    }
    Ok(rows)
}

/// The median time of a call and the processor time of one, in milliseconds.
fn publications(sites: usize) -> Result<(f64, f64), String> {
    let folder = folder()?;
    let mut server = Server::start(folder.path(), sites)?;
    let publish = server.publisher(2 << 10)?;
    publish()?;
    let mut calls = vec![];
    let before = server.busy_seconds()?;
    for _ in 0..ROUNDS {
        let publish = server.publisher(2 << 10)?;
        let begun = now();
        publish()?;
        calls.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let busy = (server.busy_seconds()? - before) * 1e3 / sites_f64(ROUNDS);
    Ok((median(&mut calls), busy))
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn sites_f64(sites: usize) -> f64 {
    sites as f64
}
