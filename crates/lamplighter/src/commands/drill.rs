//! `lamplighter drill`: re-enacts an incident on the real components, and says what held.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use domain::drill::{DrillResult, SPEED};
use domain::site::import::Defaults;
use sim::chance::Chance;
use sim::fleet::Fleet;
use sim::scenario::Scenario;

use super::drill_result;
use crate::client::{Client, Server};
use crate::drill::{self, Drill, Teller, Written};
use crate::output::{Failure, Options};
use crate::signals::asked_to_stop;

/// Scenarios that come with the program.
const SCENARIOS: &[(&str, &str)] = &[(
    "july-11",
    include_str!("../../../../scenarios/july-11.toml"),
)];
/// The project's own fleet.
const FLEET: &[u8] = include_bytes!("../../../../fleets/us-cities.csv");
/// Above this many sites, probes and sign-ins together are more than two cores bear at 60 times.
const SITES_AT_FULL_SPEED_MAX: usize = 4_000;
/// A smaller fleet has refills so long that neither its pacing nor its probes say anything.
const SITES_MIN: usize = 100;
const SPEED_USUAL: f64 = 60.0;
const SPEED_OF_LARGE_FLEETS: f64 = 30.0;

/// Re-enact an incident on a real server, real agents and real sign-ins, over loopback.
#[derive(clap::Args)]
pub(crate) struct DrillCommand {
    /// The name of a scenario that comes with the program (july-11), or a scenario file.
    scenario: String,
    /// Scenario seconds in a second of the machine; 60, or 30 for more than 4,000 sites.
    #[arg(long)]
    speed: Option<f64>,
    /// The seed of all chance; the scenario's own without one.
    #[arg(long)]
    seed: Option<u64>,
    /// A fleet file; 3,405 US cities without one.
    #[arg(long)]
    fleet: Option<PathBuf>,
    /// Only this many sites of the fleet, chosen by the seed.
    #[arg(long)]
    sites: Option<usize>,
    /// Kill the server, as kill -9 does, when this percentage of the campaign is done.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=99))]
    kill_server_at: Option<u8>,
    /// Only this act: 1, as it happened, or 2, as it should be. What is left out does not hold.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=2), hide = true)]
    act: Option<u8>,
    /// Leave the server of act 1 running, to look at the incident and its pages.
    #[arg(long)]
    keep: bool,
    /// Write the figures to this file; `--json FILE` means the same here.
    #[arg(long = "json-file", value_name = "FILE")]
    json_file: Option<PathBuf>,
    /// Record the result on the team's own server, which `--server` names; the drill's is another one.
    #[arg(long)]
    record: bool,
    #[command(flatten)]
    server: Server,
    /// Keep the state in PostgreSQL; {act} in it becomes 1 and 2, for an empty database each.
    #[arg(long, hide_env_values = true)]
    postgres: Option<String>,
}

/// Lets `drill --json FILE` mean `--json-file FILE`: elsewhere `--json` takes no value, and clap cannot
/// hold both under one name.
pub(crate) fn with_json_file(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<_> = arguments.collect();
    let command = arguments
        .iter()
        .skip(1)
        .position(|one| !one.to_string_lossy().starts_with('-'));
    let Some(command) = command
        .map(|at| at + 1)
        .filter(|at| arguments[*at] == "drill")
    else {
        return arguments;
    };
    for at in command..arguments.len() {
        let file = arguments
            .get(at + 1)
            .is_some_and(|next| !next.to_string_lossy().starts_with('-'));
        if arguments[at] == "--json" && file {
            arguments[at] = "--json-file".into();
        }
    }
    arguments
}

impl DrillCommand {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        let teller = Teller::new();
        // Before the drill: minutes later is too late to learn that it cannot be written.
        let json_file = self.json_file.clone().map(JsonFile::create).transpose()?;
        let team = if self.record {
            let team = self.server.client()?;
            team.get(&format!("{}?limit=1", drill_result::PATH)).await?;
            Some(team)
        } else {
            None
        };
        let drill = self.prepare(&teller)?;
        let result = tokio::select! {
            result = drill::run(&drill, &teller) => result?,
            () = asked_to_stop() => return Err(Failure::new("the drill was interrupted")),
        };
        teller.done();
        output.print(&Written::from(&result), |_| drill::table(&result));
        if let Some(file) = json_file {
            file.write(&result)?;
        }
        if let Some(team) = team {
            record(&team, &result, &teller).await?;
        }
        judge(&result)
    }

    fn prepare(self, teller: &Teller) -> Result<Drill, Failure> {
        let scenario = Scenario::read(&self.scenario_text()?)?;
        let seed = self.seed.unwrap_or(scenario.seed);
        let csv = match &self.fleet {
            None => FLEET.to_vec(),
            Some(file) => std::fs::read(file)
                .map_err(|e| Failure::new(format!("could not read {}: {e}", file.display())))?,
        };
        let csv = match self.sites {
            Some(count) => sim::fleet::sample(&csv, count, &mut Chance::new(seed, "sample")),
            None => csv,
        };
        let defaults = Defaults {
            product: scenario.product.clone(),
            running: scenario.release.from.clone(),
        };
        let fleet = Fleet::read(&csv, &defaults).map_err(|bad| {
            let lines: Vec<_> = bad.iter().map(ToString::to_string).collect();
            Failure::new(format!(
                "the fleet file has bad lines:\n  {}",
                lines.join("\n  ")
            ))
        })?;
        if fleet.len() < SITES_MIN {
            return Err(Failure::new(format!(
                "the fleet has {} sites; a drill needs at least {SITES_MIN}",
                fleet.len()
            )));
        }
        let large = fleet.len() > SITES_AT_FULL_SPEED_MAX;
        let speed = self.speed.unwrap_or(if large {
            SPEED_OF_LARGE_FLEETS
        } else {
            SPEED_USUAL
        });
        if !SPEED.contains(&speed) {
            let (least, most) = (SPEED.start(), SPEED.end());
            return Err(Failure::new(format!(
                "--speed is {speed}; it is from {least} to {most}"
            )));
        }
        teller.say(&format!(
            "{}: {} sites, {speed} times as fast as life, seed {seed}",
            scenario.title,
            domain::text::grouped(fleet.len() as u64)
        ));
        if large && self.speed.is_none() {
            teller.say("More than 4,000 sites: half the usual speed, for two cores.");
        }
        let own_fleet = self.fleet.is_some();
        let (kill_server_at, only) = (self.kill_server_at, self.act);
        let (keep, postgres) = (self.keep, self.postgres);
        Ok(Drill {
            scenario,
            fleet,
            csv,
            own_fleet,
            seed,
            speed,
            kill_server_at,
            only,
            keep,
            postgres,
        })
    }

    fn scenario_text(&self) -> Result<String, Failure> {
        if let Some((_, text)) = SCENARIOS.iter().find(|(name, _)| *name == self.scenario) {
            return Ok((*text).to_owned());
        }
        std::fs::read_to_string(&self.scenario).map_err(|e| {
            let names: Vec<_> = SCENARIOS.iter().map(|(name, _)| *name).collect();
            let (given, known) = (&self.scenario, names.join(", "));
            Failure::new(format!(
                "{given:?} is no scenario ({known}), and no file: {e}"
            ))
        })
    }
}

/// Where the figures go.
struct JsonFile {
    file: std::fs::File,
    path: PathBuf,
}

impl JsonFile {
    fn create(path: PathBuf) -> Result<Self, Failure> {
        match std::fs::File::create(&path) {
            Ok(file) => Ok(Self { file, path }),
            Err(e) => Err(Self::cannot(&path, &e)),
        }
    }

    fn write(mut self, result: &DrillResult) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(&Written::from(result))?;
        writeln!(self.file, "{text}").map_err(|e| Self::cannot(&self.path, &e))
    }

    fn cannot(path: &Path, e: &std::io::Error) -> Failure {
        Failure::new(format!("could not write {}: {e}", path.display()))
    }
}

/// Records a result, or says where it is kept until it can be.
async fn record(team: &Client, result: &DrillResult, teller: &Teller) -> Result<(), Failure> {
    match team.post(drill_result::PATH, result).await {
        Ok(kept) => {
            teller.say(&format!("Recorded: {}", drill_result::line(&kept)));
            Ok(())
        }
        Err(failure) => {
            let file = std::env::temp_dir().join(format!("lamplighter-drill-{}.json", result.id));
            JsonFile::create(file.clone())?.write(result)?;
            let file = file.display();
            Err(failure.after(&format!(
                "the drill is over, but could not be recorded: try again with `lamplighter drill-result record {file}`"
            )))
        }
    }
}

/// A drill that does not hold ends with a failure.
fn judge(result: &DrillResult) -> Result<(), Failure> {
    if result.held() {
        return Ok(());
    }
    let broken: Vec<_> = result.broken().collect();
    Err(Failure::new(format!(
        "the scenario does not hold: {}",
        broken.join("; ")
    )))
}
