//! The drill's child processes: the server and the agents, each the same program as the drill.
//! They end with the drill, whatever happens to it; never by name, always as our own children.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use clock::{Clock, Pace};
use sim::scenario::Scenario;
use tokio::process::{Child, Command};

use super::Teller;
use crate::commands::serve::BREAK_GLASS_FILE;
use crate::output::Failure;

/// How long a child may take until it answers, in the machine's time.
const READY_SECONDS_MAX: u64 = 60;

/// How long an authorization code lives, in scenario seconds: the longest that RFC 6749, section
/// 4.1.2, lets a code live. The usual minute is one second of the machine's at 60 times, which a busy
/// machine takes for the handful of requests of one sign-in.
const CODE_SECONDS: &str = "600";

/// All customers of a drill have the address of its machine.
const UNLIMITED: &str = "1000000";

/// A child that says where it answers.
pub(super) struct Process {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Process {
    /// Starts this program with `arguments`, and waits until it answers. Its words go to `log`.
    pub(super) async fn start(
        arguments: &[String],
        ready_file: &Path,
        log: &Path,
    ) -> Result<Self, Failure> {
        let _ = std::fs::remove_file(ready_file);
        let out = std::fs::File::options()
            .create(true)
            .append(true)
            .open(log)?;
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .arg("--ready-file")
            .arg(ready_file)
            .arg("--end-with-parent")
            .stdin(Stdio::piped())
            .stdout(out.try_clone()?)
            .stderr(out)
            .kill_on_drop(true)
            .spawn()?;
        let clock = Clock::system();
        let give_up = clock.now() + Duration::from_secs(READY_SECONDS_MAX);
        loop {
            if let Some(address) = read_ready(ready_file) {
                return Ok(Self { child, address });
            }
            if let Some(status) = child.try_wait()? {
                return Err(Failure::new(format!(
                    "`{}` ended with {status}:\n{}",
                    arguments[0],
                    tail(log)
                )));
            }
            if clock.now() > give_up {
                let what = &arguments[0];
                return Err(Failure::new(format!(
                    "`{what}` does not answer:\n{}",
                    tail(log)
                )));
            }
            clock.sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends it at once, as kill -9 does, and waits until it is gone.
    pub(super) async fn kill(&mut self) {
        // It may have ended by itself: then there is nothing to kill.
        let _ = self.child.kill().await;
    }

    /// The most memory that was resident, in bytes, while the process runs.
    pub(super) fn memory_peak_bytes(&self) -> u64 {
        let Some(pid) = self.child.id() else { return 0 };
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line
            .and_then(|rest| rest.trim().strip_suffix("kB"))
            .and_then(|n| n.trim().parse().ok());
        kib.map_or(0, |kib: u64| kib * 1024)
    }
}

fn read_ready(file: &Path) -> Option<SocketAddr> {
    let ready: serde_json::Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    ready["address"].as_str()?.parse().ok()
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// The control plane, which may be killed and started again on the same data and port.
pub(super) struct Server {
    process: Process,
    data: PathBuf,
    postgres: Option<String>,
    zone: String,
    memory_peak: u64,
}

impl Server {
    /// Starts a fresh one in `data`.
    pub(super) async fn start(
        data: PathBuf,
        postgres: Option<String>,
        scenario: &Scenario,
        pace: Pace,
    ) -> Result<Self, Failure> {
        std::fs::create_dir_all(&data)?;
        let zone = scenario.zone.to_string();
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let process = serve(&data, postgres.as_deref(), &zone, anywhere, pace).await?;
        Ok(Self {
            process,
            data,
            postgres,
            zone,
            memory_peak: 0,
        })
    }

    /// Kills it, as kill -9 does, and starts it again, perhaps at another pace.
    pub(super) async fn kill_and_start(&mut self, pace: Pace) -> Result<(), Failure> {
        self.sample_memory();
        self.process.kill().await;
        let address = self.process.address;
        let (postgres, zone) = (self.postgres.as_deref(), &self.zone);
        self.process = serve(&self.data, postgres, zone, address, pace).await?;
        Ok(())
    }

    /// Its address, without a slash at the end.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.process.address)
    }

    /// The token of its administrator.
    pub(super) fn token(&self) -> Result<String, Failure> {
        Ok(std::fs::read_to_string(self.data.join(BREAK_GLASS_FILE))?
            .trim()
            .to_owned())
    }

    pub(super) fn sample_memory(&mut self) {
        self.memory_peak = self.memory_peak.max(self.process.memory_peak_bytes());
    }

    /// The most memory that it ever had resident, in bytes, over all restarts.
    pub(super) fn memory_peak_bytes(&self) -> u64 {
        self.memory_peak.max(self.process.memory_peak_bytes())
    }

    /// Ends it.
    pub(super) async fn stop(mut self) {
        self.process.kill().await;
    }

    /// Starts it again as an ordinary server, at the scenario's last moment, and leaves it alone.
    pub(super) async fn leave_running(
        mut self,
        teller: &Teller,
        scenario: &Scenario,
    ) -> Result<(), Failure> {
        self.process.kill().await;
        let ended = scenario.release_at + Duration::from_secs(4 * 3_600);
        let (_, pace) = Clock::starting_at(ended, 1.0);
        let (address, data) = (self.process.address, &self.data);
        let mut arguments = arguments(data, self.postgres.as_deref(), &self.zone, address, pace);
        arguments.extend([
            "--ready-file".into(),
            data.join("ready").display().to_string(),
        ]);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(data.join("log"))?;
        let child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(false)
            .spawn()?;
        let pid = child.id().unwrap_or_default();
        teller.say(&format!(
            "The server of act 1 stays up at http://{address} (process {pid}).\n  Its console's token is in {}",
            data.join(BREAK_GLASS_FILE).display()
        ));
        Ok(())
    }
}

async fn serve(
    data: &Path,
    postgres: Option<&str>,
    zone: &str,
    address: SocketAddr,
    pace: Pace,
) -> Result<Process, Failure> {
    let arguments = arguments(data, postgres, zone, address, pace);
    Process::start(&arguments, &data.join("ready"), &data.join("log")).await
}

fn arguments(
    data: &Path,
    postgres: Option<&str>,
    zone: &str,
    address: SocketAddr,
    pace: Pace,
) -> Vec<String> {
    let (data, address, pace) = (
        data.display().to_string(),
        address.to_string(),
        pace.to_string(),
    );
    let mut arguments: Vec<String> = [
        "serve",
        "--listen",
        &address,
        "--data",
        &data,
        "--pace",
        &pace,
        "--zone",
        zone,
        "--code-seconds",
        CODE_SECONDS,
        "--reports-per-minute",
        UNLIMITED,
        "--sign-ins-per-minute",
        UNLIMITED,
    ]
    .map(Into::into)
    .into();
    if let Some(postgres) = postgres {
        arguments.extend(["--postgres".into(), postgres.into()]);
    }
    arguments
}
