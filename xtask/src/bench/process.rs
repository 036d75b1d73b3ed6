//! What benchmarks start: processes on loopback that are ended again, folders that are removed again, and
//! the tools that they call. Never measures.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

/// How often, each tenth of a second, a process is asked whether it answers.
const TRIES_MAX: usize = 300;

/// A folder that is removed again.
pub(super) struct Folder(PathBuf);

/// A process that is ended again.
pub(super) struct Ended(pub(super) Child);

impl Folder {
    pub(super) fn new() -> Result<Self, String> {
        let name = format!("lamplighter-bench-{}-{}", std::process::id(), free_port()?);
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Ended {
    /// A line of the process's status, such as `VmRSS:`, in MiB.
    pub(super) fn memory_mib(&self, line: &str) -> Result<f64, String> {
        let file = format!("/proc/{}/status", self.0.id());
        kib(&file, line).map(|kib| kib / 1024.0)
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        // nginx and ours end their workers and files when they are asked to.
        let asked = Command::new("kill").arg(self.0.id().to_string()).status();
        if asked.is_err() {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}

/// What is measured.
const PROGRAM: &str = "target/release/lamplighter";
/// Names another program instead of what is built from here, so that two can be compared.
const OTHER_PROGRAM: &str = "LAMPLIGHTER_BENCH_PROGRAM";

/// The program that is measured.
pub(super) fn program() -> String {
    std::env::var(OTHER_PROGRAM).unwrap_or_else(|_| PROGRAM.into())
}

/// Builds what is measured as it is shipped, unless another program is named.
pub(super) fn build() -> Result<(), String> {
    if std::env::var_os(OTHER_PROGRAM).is_some() {
        return Ok(());
    }
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    said(Command::new(cargo).args(["build", "--release", "--package", "lamplighter"])).map(drop)
}

/// Whether a tool is installed.
pub(super) fn has(tool: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {tool}")])
        .output();
    found.is_ok_and(|found| found.status.success())
}

/// A figure of a file such as `/proc/1/status`, in KiB.
pub(super) fn kib(file: &str, line: &str) -> Result<f64, String> {
    let text = fs::read_to_string(file).map_err(|e| format!("{file}: {e}"))?;
    let kib = text.lines().find_map(|one| {
        one.strip_prefix(line)?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    });
    kib.ok_or_else(|| format!("{file} has no {line}"))
}

/// What a command says on its standard output.
pub(super) fn said(command: &mut Command) -> Result<String, String> {
    output(command).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// As [`said`], in bytes.
pub(super) fn output(command: &mut Command) -> Result<Vec<u8>, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|e| format!("{name}: {e}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{name} failed: {error}"))
}

/// What curl fetches.
pub(super) fn curl(arguments: &[&str]) -> Result<Vec<u8>, String> {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--fail", "--max-time", "20"])
        .args(arguments);
    output(&mut command)
}

/// Waits until `url` is answered.
pub(super) fn answers(url: &str) -> Result<(), String> {
    for _ in 0..TRIES_MAX {
        if curl(&["--output", "/dev/null", url]).is_ok() {
            return Ok(());
        }
        sleep(Duration::from_millis(100));
    }
    Err(format!("{url} does not answer"))
}

/// A port that nobody uses now.
pub(super) fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| e.to_string())?;
    listener
        .local_addr()
        .map(|address| address.port())
        .map_err(|e| e.to_string())
}

/// The middle figure.
pub(super) fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
