//! One request after the other over one connection: just enough HTTP/1.1 for APIs on loopback.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(120);

/// A connection that is kept.
pub(crate) struct Http {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
    token: String,
}

impl Http {
    /// Connects. `token` is shown with each request, unless it is empty.
    pub(crate) fn connect(address: SocketAddr, token: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(address).map_err(|e| format!("{address}: {e}"))?;
        let set = stream
            .set_nodelay(true)
            .and_then(|()| stream.set_read_timeout(Some(PATIENCE)));
        set.map_err(|e| e.to_string())?;
        Ok(Self {
            stream: BufReader::new(stream),
            address,
            token: token.into(),
        })
    }

    /// Posts JSON; gives the answer's.
    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> Result<serde_json::Value, String> {
        let answer = self.ask("POST", path, body)?;
        if answer.is_empty() {
            return Ok(serde_json::Value::Null);
        }
        serde_json::from_slice(&answer).map_err(|e| format!("{path}: {e}"))
    }

    /// The body of an answer that is a success.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Vec<u8>, String> {
        let head = request(
            (method, path),
            self.address,
            &self.token,
            &format!(
                "Content-Type: application/json\r\nContent-Length: {}\r\n",
                body.len()
            ),
        );
        self.exchange(&[head.as_bytes(), body].concat())
            .map_err(|e| format!("{method} {path}: {e}"))
    }

    fn exchange(&mut self, request: &[u8]) -> Result<Vec<u8>, String> {
        let stream = self.stream.get_mut();
        stream.write_all(request).map_err(|e| e.to_string())?;
        let status = self.line()?;
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            match line.split_once(':') {
                None => break,
                Some(("content-length", value)) => length = value.trim().parse().unwrap_or(0),
                Some(("transfer-encoding", value)) => chunked = value.trim() == "chunked",
                Some(_) => {}
            }
        }
        let mut body = vec![];
        loop {
            if chunked {
                let size = self.line()?;
                length = usize::from_str_radix(size.trim(), 16).map_err(|e| e.to_string())?;
            }
            let start = body.len();
            body.resize(start + length, 0);
            let part = body.get_mut(start..).unwrap_or_default();
            self.stream.read_exact(part).map_err(|e| e.to_string())?;
            if chunked {
                self.line()?;
            }
            if !chunked || length == 0 {
                break;
            }
        }
        match status.split(' ').nth(1) {
            Some(code) if code.starts_with('2') => Ok(body),
            _ => Err(format!("{status}: {}", String::from_utf8_lossy(&body))),
        }
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) => Err("the connection was closed".into()),
            Ok(_) => Ok(line.trim_end().to_owned()),
            Err(e) => Err(e.to_string()),
        }
    }
}

/// The head of a request, with `more` header lines.
pub(crate) fn request(
    (method, path): (&str, &str),
    address: SocketAddr,
    token: &str,
    more: &str,
) -> String {
    let shown = if token.is_empty() {
        String::new()
    } else {
        format!("Authorization: Bearer {token}\r\n")
    };
    format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n{shown}{more}\r\n")
}
