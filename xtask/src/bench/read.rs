//! `bench read`: a read in the site's own process; reads over the agent's local API, on a port and on a
//! Unix socket, beside nginx serving a file of the same bytes; and the memory of an agent of 1,000 sites.
//!
//! Agent and nginx run in turn on one core, the load on another. Ends what it starts. Linux only.

mod beside;
mod socket;

use std::fs;
use std::hint::black_box;
use std::path::Path;

use agent::{Cache, CachedDocument, DocumentKey, Hostname, Layer, Version};

use super::delivery::busy_seconds;
use super::delivery::crowd::now;
use super::load::{Nginx, Site, rate};
use super::process::{self, Folder, has, kib, median};
use super::{Options, Row};
use beside::Beside;

const SITES: usize = 1_000;
/// Documents of each site's product, of 2 kB each.
const DOCUMENTS: usize = 20;
const BYTES: usize = 2 << 10;
/// Nanoseconds of a read in process.
const NANOSECONDS_MAX: f64 = 50.0;
/// Of nginx's requests a second.
const SHARE_MIN: f64 = 0.7;
const AGENT_MIB_MAX: f64 = 24.0;
/// Rounds of load; the median counts.
const ROUNDS: usize = 5;
/// Samples of a read in process, and the reads of each.
const SAMPLES: usize = 200;
const READS: u32 = 100_000;

/// Runs the benchmark.
pub(super) fn run(_: &Options) -> Result<Vec<Row>, String> {
    for tool in ["wrk", "nginx", "curl", "taskset"] {
        if !has(tool) {
            return Err(format!(
                "{tool} is missing: apt-get install wrk nginx-light curl util-linux"
            ));
        }
    }
    process::build()?;
    let mut rows = in_process()?;
    let folder = Folder::new()?;
    let beside = Beside::start(folder.path(), SITES, (DOCUMENTS, BYTES))?;
    rows.extend(memory(&beside)?);
    rows.extend(over_sockets(&beside, folder.path())?);
    Ok(rows)
}

/// Nanoseconds of a read that is repeated, and of one that is looked up.
fn in_process() -> Result<Vec<Row>, String> {
    let key = |n: usize| -> Result<DocumentKey, String> {
        Ok(DocumentKey {
            product: parsed("web-central")?,
            service: parsed("sign-in")?,
            name: parsed(&format!("document-{n}"))?,
            layer: Layer::Base,
        })
    };
    let mut documents = vec![];
    for n in 0..DOCUMENTS {
        for (version, accepts) in [(1, "~5.1"), (2, ">=5.2.0")] {
            let body = vec![b' '; BYTES];
            let accepts = parsed(accepts)?;
            documents.push(CachedDocument::unchecked(key(n)?, version, accepts, body));
        }
    }
    let site = |n: usize| parsed::<Hostname>(&format!("site-{n}.example"));
    let product = parsed("web-central")?;
    let sites: Result<Vec<_>, String> = (0..SITES)
        .map(|n| Ok((site(n)?, Clone::clone(&product))))
        .collect();
    let cache = Cache::unchecked(sites?, documents);
    let (site, key, code) = (site(500)?, key(7)?, Version::new(5, 1, 3));
    let reading = cache.reading(&site, &key.service, &key.name, &code);
    let mut reading = reading.ok_or("not a site of the cache")?;
    let again = nanoseconds("read again", || {
        black_box(reading.get().map(|found| found.entry.version));
    });
    let looked_up = nanoseconds("looked up", || {
        black_box(cache.read(black_box(&site), &key.service, &key.name, &code));
    });
    let goal = ("goal", NANOSECONDS_MAX);
    Ok(vec![
        Row::new(
            "a read in process, of a document read before",
            "ns",
            again,
            goal,
        ),
        Row::new("a read in process, looked up", "ns", looked_up, goal),
    ])
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|e: T::Err| format!("{text}: {e}"))
}

fn nanoseconds(what: &str, mut read: impl FnMut()) -> f64 {
    let mut all: Vec<f64> = (0..SAMPLES)
        .map(|_| {
            let begun = now();
            for _ in 0..READS {
                read();
            }
            begun.elapsed().as_secs_f64() * 1e9 / f64::from(READS)
        })
        .collect();
    let middle = median(&mut all);
    let at = |share: usize| all.get(SAMPLES * share / 100).copied().unwrap_or_default();
    println!(
        "  {what}: {middle:.1} ns (5 % below {:.1}, 5 % above {:.1})",
        at(5),
        at(95)
    );
    middle
}

/// What an agent holds in memory that has nothing to do.
fn memory(beside: &Beside) -> Result<Vec<Row>, String> {
    let own = kib(&format!("/proc/{}/smaps_rollup", beside.process()), "Pss:")? / 1024.0;
    let resident = kib(&format!("/proc/{}/status", beside.process()), "VmRSS:")? / 1024.0;
    let measure = format!("an agent of {SITES} sites, idle: its memory");
    Ok(vec![
        Row::new(&measure, "MiB", resident, ("goal", AGENT_MIB_MAX)),
        Row::new(
            format!("{measure}, shared pages by share"),
            "MiB",
            own,
            ("goal", AGENT_MIB_MAX),
        ),
    ])
}

/// Requests a second: the agent and nginx in turn, several times.
fn over_sockets(beside: &Beside, folder: &Path) -> Result<Vec<Row>, String> {
    let url = beside.url();
    let body = process::curl(&[&url])?;
    println!("  {} bytes of {url}", body.len());
    let root = folder.join("same");
    fs::create_dir_all(&root).map_err(|e| e.to_string())?;
    fs::write(root.join("index.html"), &body).map_err(|e| e.to_string())?;
    let nginx_socket = folder.join("nginx.sock");
    let more = format!("listen unix:{};", nginx_socket.display());
    let site = Site {
        root: &root,
        content_type: "application/json",
        more: &more,
    };
    let nginx = Nginx::start(&folder.join("nginx"), &site)?;
    let path = beside.path();
    let (mut ours, mut theirs, mut ours_unix, mut theirs_unix) = (vec![], vec![], vec![], vec![]);
    for round in 1..=ROUNDS {
        let before = busy_seconds(beside.process())?;
        ours.push(rate(&url)?);
        let busy = busy_seconds(beside.process())? - before;
        theirs.push(rate(&nginx.url())?);
        ours_unix.push(socket::rate(beside.socket(), &path)?);
        theirs_unix.push(socket::rate(&nginx_socket, "/")?);
        println!("  round {round} of {ROUNDS}; the agent was busy for {busy:.1} of 6 s");
    }
    let mut rows = vec![];
    for (where_, ours, theirs) in [
        ("a port", median(&mut ours), median(&mut theirs)),
        (
            "a Unix socket",
            median(&mut ours_unix),
            median(&mut theirs_unix),
        ),
    ] {
        let measure = format!("reads over {where_}, one core (goal {SHARE_MIN})");
        rows.push(Row::new(
            measure,
            "requests/s",
            ours,
            ("nginx, same bytes", theirs),
        ));
    }
    Ok(rows)
}
