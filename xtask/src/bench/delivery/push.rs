//! From a publication, made durable, until the last of many subscribers has received it.

use super::crowd::Crowd;
use super::ours::Server;
use super::peers::{Kind, Peer};
use super::{connections, counted, folder};
use crate::bench::process::median;
use crate::bench::{Options, Row};

const AGENTS: [usize; 3] = [1_000, 5_000, 20_000];
/// Bytes of a document, and how often one is published; the median counts. One more goes before.
const SIZES: [(usize, &str, usize); 2] = [(2 << 10, "2 kB", 11), (100 << 10, "100 kB", 5)];

/// Seconds of one system, by size.
type Figures = Vec<Vec<f64>>;

/// Runs the part.
pub(super) fn run(options: &Options) -> Result<Vec<Row>, String> {
    let mut rows = vec![];
    let wanted = options
        .agents
        .map_or(AGENTS.to_vec(), |agents| vec![agents]);
    for wanted in wanted {
        let agents = connections(wanted);
        let ours = ours(agents)?;
        let mut theirs = vec![];
        for kind in Kind::ALL {
            let figures = if kind.is_here() {
                peer(kind, agents)
            } else {
                Err("is not installed".into())
            };
            if let Err(e) = &figures {
                println!("  {} of {agents}: {e}", kind.name());
            }
            theirs.push((kind.name(), figures.ok()));
        }
        rows.extend(compared(agents, &ours, &theirs));
    }
    Ok(rows)
}

fn ours(agents: usize) -> Result<Figures, String> {
    let folder = folder()?;
    let mut server = Server::start(folder.path(), agents)?;
    let mut crowd = server.crowd(agents)?;
    let measured = SIZES.map(|(bytes, _, rounds)| {
        measure(&mut crowd, rounds, ("ours", bytes), || {
            server.publisher(bytes)
        })
    });
    measured.into_iter().collect()
}

fn peer(kind: Kind, agents: usize) -> Result<Figures, String> {
    let folder = folder()?;
    let mut peer = Peer::start(kind, &folder.path().join("peer"))?;
    let mut crowd = peer.crowd(agents)?;
    let measured = SIZES.map(|(bytes, _, rounds)| {
        measure(&mut crowd, rounds, (kind.name(), bytes), || {
            peer.publisher(bytes)
        })
    });
    measured.into_iter().collect()
}

fn measure<P>(
    crowd: &mut Crowd,
    rounds: usize,
    (name, bytes): (&str, usize),
    mut publisher: impl FnMut() -> Result<P, String>,
) -> Result<Vec<f64>, String>
where
    P: FnOnce() -> Result<(), String> + Send,
{
    crowd.told_after(publisher()?)?;
    let (mut all, mut answered) = (vec![], vec![]);
    for _ in 0..rounds {
        let (told, acted) = crowd.told_after(publisher()?)?;
        all.push(told);
        answered.push(acted);
    }
    let middle = median(&mut all);
    let [least, most] = [all.first(), all.last()].map(|one| one.copied().unwrap_or_default());
    println!(
        "  {name}, {bytes} bytes: {:.1} ms ({:.1} to {:.1}); answered after {:.1} ms",
        middle * 1e3,
        least * 1e3,
        most * 1e3,
        median(&mut answered) * 1e3,
    );
    Ok(all)
}

fn compared(agents: usize, ours: &Figures, theirs: &[(&'static str, Option<Figures>)]) -> Vec<Row> {
    let mut rows = vec![];
    for (at, (_, size, _)) in SIZES.iter().enumerate() {
        let milliseconds = |figures: &Figures| {
            let mut own = figures.get(at).cloned().unwrap_or_default();
            median(&mut own) * 1e3
        };
        let measure = format!("{size} to the last of {} agents", counted(agents));
        for (name, figures) in theirs {
            let ours = milliseconds(ours);
            rows.push(match figures {
                Some(figures) => Row::new(&measure, "ms", ours, (name, milliseconds(figures))),
                None => Row::without_peer(&measure, "ms", ours, name),
            });
        }
    }
    rows
}
