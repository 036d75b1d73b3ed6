//! `bench pages`: the weight of the incident page, the rate of the status page beside nginx serving the
//! same bytes, and what 10,000 readers with live updates cost.
//!
//! Server, nginx and the generator of load (wrk) are processes of their own on loopback: the server and
//! nginx in turn on one core, the load on another. Ends what it starts. Linux only.

mod place;
mod readers;

use std::fs;
use std::path::Path;

use place::{Server, get_gzip};

use super::load::{Nginx, Site, rate};
use super::process::{Folder, curl, median};
use super::{Options, Row};

/// What an incident page may weigh in all, compressed: page, style, script and icon, in kB.
const WEIGHT_KB_MAX: f64 = 15.0;
/// Requests a second of the status page on one core.
const RATE_MIN: f64 = 20_000.0;
/// What readers may make the server hold, in MiB.
const READERS_MIB_MAX: f64 = 150.0;
/// Rounds of load; the median counts.
const ROUNDS: usize = 5;

/// Runs the benchmark.
pub(super) fn run(options: &Options) -> Result<Vec<Row>, String> {
    place::build()?;
    let folder = Folder::new()?;
    let server = Server::start(folder.path())?;
    let incident = server.fill()?;
    let mut rows = weight(&server, &incident, options.cstate.as_deref())?;
    rows.extend(rates(&server, folder.path(), options.cstate.as_deref())?);
    drop(server);
    let fresh = Folder::new()?;
    let server = Server::start(fresh.path())?;
    let incident = server.fill()?;
    rows.extend(readers(&server, &incident)?);
    Ok(rows)
}

/// The incident page with everything that a browser fetches for it.
fn weight(server: &Server, incident: &str, cstate: Option<&Path>) -> Result<Vec<Row>, String> {
    let page = get_gzip(&server.url(&format!("/incidents/{incident}")))?;
    let html = curl(&[&server.url(&format!("/incidents/{incident}"))])?;
    let html = String::from_utf8_lossy(&html).into_owned();
    let mut bytes = page.len();
    let mut before_paint = page.len();
    for (at, _) in html.match_indices("/assets/") {
        let asset = html.get(at..).and_then(|rest| rest.split('"').next());
        let asset = asset.unwrap_or_default();
        let size = get_gzip(&server.url(asset))?.len();
        bytes += size;
        if asset.ends_with(".css") {
            before_paint += size;
        }
    }
    let limit = ("limit", WEIGHT_KB_MAX);
    let mut rows = vec![
        Row::new("incident page, everything, gzip", "kB", kilo(bytes), limit),
        Row::new(
            "incident page until it is painted, gzip",
            "kB",
            kilo(before_paint),
            limit,
        ),
    ];
    if let Some(folder) = cstate {
        let theirs = place::gzip(&folder.join("index.html"))?;
        rows.push(Row::new(
            "page with its style, gzip",
            "kB",
            kilo(before_paint),
            ("cState's page alone", kilo(theirs.len())),
        ));
    }
    Ok(rows)
}

/// Requests a second: ours and its peers in turn, several times.
fn rates(server: &Server, folder: &Path, cstate: Option<&Path>) -> Result<Vec<Row>, String> {
    let same = get_gzip(&server.url("/"))?;
    let root = folder.join("same");
    fs::create_dir_all(&root).map_err(|e| e.to_string())?;
    fs::write(root.join("index.html"), &same).map_err(|e| e.to_string())?;
    let nginx = Nginx::start(&folder.join("nginx"), &compressed(&root))?;
    let cstate = match cstate {
        Some(site) => {
            let root = folder.join("cstate-page");
            fs::create_dir_all(&root).map_err(|e| e.to_string())?;
            let page = place::gzip(&site.join("index.html"))?;
            fs::write(root.join("index.html"), page).map_err(|e| e.to_string())?;
            Some(Nginx::start(
                &folder.join("nginx-cstate"),
                &compressed(&root),
            )?)
        }
        None => None,
    };
    let (mut ours, mut theirs, mut cstates) = (vec![], vec![], vec![]);
    for round in 1..=ROUNDS {
        println!("  round {round} of {ROUNDS}");
        ours.push(rate(&server.url("/"))?);
        theirs.push(rate(&nginx.url())?);
        if let Some(cstate) = &cstate {
            cstates.push(rate(&cstate.url())?);
        }
    }
    let ours = median(&mut ours);
    let measure = "status page, one core";
    let mut rows = vec![
        Row::new(measure, "requests/s", ours, ("goal", RATE_MIN)),
        Row::new(
            measure,
            "requests/s",
            ours,
            ("nginx, same bytes", median(&mut theirs)),
        ),
    ];
    if cstate.is_some() {
        let peer = ("nginx, cState's page", median(&mut cstates));
        rows.push(Row::new(measure, "requests/s", ours, peer));
    }
    Ok(rows)
}

/// A page that is compressed already.
fn compressed(root: &Path) -> Site<'_> {
    Site {
        root,
        content_type: "text/html; charset=utf-8",
        more: "add_header Content-Encoding gzip;",
    }
}

/// Readers who are told of a change while they wait.
fn readers(server: &Server, incident: &str) -> Result<Vec<Row>, String> {
    let before = server.resident_mib()?;
    let mut crowd = readers::Crowd::gather(server.address())?;
    let waiting = server.resident_mib()?;
    let told = crowd.told_after(|| server.update(incident))?;
    let most = server.most_resident_mib()?;
    println!(
        "  without readers the server holds {before:.0} MiB; {} wait",
        crowd.len()
    );
    let limit = ("limit", READERS_MIB_MAX);
    let measure = |what| format!("{} readers, {what}", crowd.len());
    Ok(vec![
        Row::new(measure("the server's memory"), "MiB", waiting, limit),
        Row::new(measure("its most, with an update told"), "MiB", most, limit),
        Row::new(measure("until the last is told"), "s", told, ("limit", 5.0)),
    ])
}

fn kilo(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / 1_000.0
}
