//! Runs an agent inside this process, and prints a document of one site whenever it changes.
//!
//! `cargo run --package lamplighter-agent --example read -- SERVER SITE SERVICE DOCUMENT CODE [SECONDS]`, with
//! `LAMPLIGHTER_ENROLMENT_TOKEN` from `lamplighter agent token` at the first run. Keeps what it holds in
//! `LAMPLIGHTER_AGENT_FOLDER`, else in `agent-data`.
#![expect(
    clippy::print_stdout,
    reason = "an example answers on its standard output"
)]

use std::error::Error;
use std::time::Duration;

use agent::{Agent, AgentSettings, CancellationToken, Clock, Reading};

const USAGE: &str = "give SERVER SITE SERVICE DOCUMENT CODE [SECONDS], such as http://127.0.0.1:8080 \
    anchorage.ak.example sign-in client 5.1.0";
const LOOK_EACH: Duration = Duration::from_millis(200);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, site, service, document, code, rest @ ..] = &arguments[..] else {
        return Err(USAGE.into());
    };
    let seconds = rest.first().map(|text| text.parse()).transpose()?;
    let folder = std::env::var("LAMPLIGHTER_AGENT_FOLDER");
    let folder = folder.unwrap_or_else(|_| "agent-data".into());
    let settings = AgentSettings {
        enrolment_token: std::env::var("LAMPLIGHTER_ENROLMENT_TOKEN").ok(),
        sites: vec![site.parse()?],
        ..AgentSettings::new(vec![server.parse()?], folder.into())
    };
    let (clock, stop) = (Clock::system(), CancellationToken::new());
    let agent = Agent::start(settings, clock.clone(), stop.clone()).await?;
    let cache = agent.cache();
    let (site, service, document) = (site.parse()?, service.parse()?, document.parse()?);
    let reading = cache.reading(&site, &service, &document, &code.parse()?);
    let reading = reading.ok_or_else(|| format!("this agent was enrolled without {site}"))?;
    let shown = show_changes(&agent, &clock, reading);
    match seconds {
        None => shown.await,
        Some(seconds) => tokio::select! {
            () = shown => {}
            () = clock.sleep(Duration::from_secs(seconds)) => {}
        },
    }
    stop.cancel();
    agent.wait().await;
    Ok(())
}

async fn show_changes(agent: &Agent, clock: &Clock, mut reading: Reading) {
    let mut shown = 0;
    loop {
        // A read costs nothing: ask as often as you like.
        if let Some(found) = reading.get().filter(|found| found.entry.version != shown) {
            shown = found.entry.version;
            let stale = if agent.freshness().stale {
                " (STALE)"
            } else {
                ""
            };
            let body = String::from_utf8_lossy(&found.body);
            println!("version {shown}{stale}: {body}");
        }
        clock.sleep(LOOK_EACH).await;
    }
}
