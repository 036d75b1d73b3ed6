//! nginx as a peer, and wrk as the load: the server on one core, the load on another. Ends nginx when it is
//! dropped.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};

use super::process::{Ended, answers, free_port, said};

/// Where what is measured runs, and where the load comes from.
pub(super) const SERVER_CORE: &str = "0";
const LOAD_CORE: &str = "1";
/// Connections that are kept busy, and for how long, in seconds.
const CONNECTIONS: &str = "64";
const SECONDS: &str = "6";

/// nginx on the core of what it is compared with.
pub(super) struct Nginx {
    _process: Ended,
    address: SocketAddr,
}

/// What nginx serves, and how.
pub(super) struct Site<'a> {
    /// A folder with an `index.html`.
    pub(super) root: &'a Path,
    pub(super) content_type: &'a str,
    /// Directives of its server, such as headers.
    pub(super) more: &'a str,
}

impl Nginx {
    /// Starts it with a folder of its own.
    pub(super) fn start(folder: &Path, site: &Site<'_>) -> Result<Self, String> {
        fs::create_dir_all(folder).map_err(|e| e.to_string())?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let (folder, root) = (folder.display(), site.root.display());
        let (content_type, more) = (site.content_type, site.more);
        let config = format!(
            "worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; open_file_cache max=10;
  default_type \"{content_type}\"; types {{ }}
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen {address}; root {root}; {more} }}
}}
"
        );
        let file = format!("{folder}/nginx.conf");
        fs::write(&file, config).map_err(|e| format!("{file}: {e}"))?;
        // Its workers run as somebody else where it is started by root.
        let open = ["-R", "a+rX", &root.to_string()];
        said(Command::new("chmod").args(open))?;
        let mut command = Command::new("taskset");
        command
            .args(["-c", SERVER_CORE, "nginx", "-c", &file])
            .stderr(Stdio::null());
        let process = Ended(command.spawn().map_err(|e| e.to_string())?);
        let nginx = Self {
            _process: process,
            address,
        };
        answers(&nginx.url())?;
        Ok(nginx)
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

/// Requests a second that `url` answers to clients that take gzip.
pub(super) fn rate(url: &str) -> Result<f64, String> {
    let mut command = Command::new("taskset");
    command
        .args([
            "-c",
            LOAD_CORE,
            "wrk",
            "-t1",
            "-c",
            CONNECTIONS,
            "-d",
            SECONDS,
        ])
        .args(["-H", "Accept-Encoding: gzip", url]);
    let said = said(&mut command)?;
    if said.contains("Non-2xx") || said.contains("Socket errors") {
        return Err(format!("{url} failed under load:\n{said}"));
    }
    let rate = said.lines().find_map(|line| {
        line.trim()
            .strip_prefix("Requests/sec:")?
            .trim()
            .parse()
            .ok()
    });
    rate.ok_or_else(|| format!("wrk did not say a rate:\n{said}"))
}
