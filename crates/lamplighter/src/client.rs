//! Speaks to the control plane's API for the operator's commands.

use std::path::PathBuf;

use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::output::Failure;

/// Where the control plane is, and who asks.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Server {
    /// The control plane.
    #[arg(
        long,
        env = "LAMPLIGHTER_SERVER",
        default_value = "http://127.0.0.1:8080"
    )]
    server: String,
    /// A staff token; without one, the break-glass token in the data folder is tried.
    #[arg(long, env = "LAMPLIGHTER_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The data folder, for its break-glass token.
    #[arg(long, env = "LAMPLIGHTER_DATA", default_value = "data")]
    data: PathBuf,
}

/// A connection to the API.
pub(crate) struct Client {
    http: reqwest::Client,
    server: String,
    token: String,
}

impl Server {
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let token = match &self.token {
            Some(token) => token.clone(),
            None => self.break_glass()?,
        };
        Client::new(&self.server, &token)
    }

    fn break_glass(&self) -> Result<String, Failure> {
        let file = self.data.join(super::commands::serve::BREAK_GLASS_FILE);
        std::fs::read_to_string(&file).map(|token| token.trim().to_owned()).map_err(|e| {
            let file = file.display();
            Failure::new(format!(
                "no token: set LAMPLIGHTER_TOKEN or --token (the break-glass token {file} cannot be read: {e})"
            ))
        })
    }
}

impl Client {
    pub(crate) fn new(server: &str, token: &str) -> Result<Self, Failure> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(std::time::Duration::from_secs(120))
            .build()?;
        Ok(Self {
            http,
            server: server.trim_end_matches('/').into(),
            token: token.into(),
        })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::GET, path, None::<&Value>).await
    }

    pub(crate) async fn post(&self, path: &str, body: &impl Serialize) -> Result<Value, Failure> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &impl Serialize) -> Result<Value, Failure> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// Sends bytes as they are.
    pub(crate) async fn post_bytes(&self, path: &str, body: Vec<u8>) -> Result<Value, Failure> {
        let request = self.request(Method::POST, path).body(body);
        self.answer(request).await
    }

    /// The body as text, for what is not JSON.
    pub(crate) async fn get_text(&self, path: &str) -> Result<String, Failure> {
        let response = self
            .request(Method::GET, path)
            .send()
            .await
            .map_err(|e| self.lost(&e))?;
        let status = response.status();
        let text = response.text().await.map_err(|e| self.lost(&e))?;
        if status.is_success() {
            Ok(text)
        } else {
            Err(refused(status, &text))
        }
    }

    /// The body as it is, for files.
    pub(crate) async fn get_bytes(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let request = self.request(Method::GET, path);
        let response = request.send().await.map_err(|e| self.lost(&e))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|e| self.lost(&e))?;
        if status.is_success() {
            Ok(body.into())
        } else {
            Err(refused(status, &String::from_utf8_lossy(&body)))
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Value, Failure> {
        let request = self.request(method, path);
        self.answer(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.server))
            .bearer_auth(&self.token)
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, Failure> {
        let response = request.send().await.map_err(|e| self.lost(&e))?;
        let status = response.status();
        let text = response.text().await.map_err(|e| self.lost(&e))?;
        if !status.is_success() {
            return Err(refused(status, &text));
        }
        if text.is_empty() {
            Ok(Value::Null)
        } else {
            Ok(serde_json::from_str(&text)?)
        }
    }

    fn lost(&self, error: &reqwest::Error) -> Failure {
        let server = &self.server;
        Failure::new(format!(
            "could not reach the control plane at {server}: {error}. Is `lamplighter serve` running there?"
        ))
    }
}

fn refused(status: StatusCode, text: &str) -> Failure {
    let body: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    let message = body["error"]["message"].as_str().unwrap_or(text);
    let at = body["error"]["at"]
        .as_str()
        .map(|at| format!(" (at {at})"))
        .unwrap_or_default();
    let lines = body["lines"].as_array().into_iter().flatten();
    let lines: String = lines
        .map(|line| {
            format!(
                "\n  line {}: {}",
                line["line"],
                line["reason"].as_str().unwrap_or("")
            )
        })
        .collect();
    let problems = body["problems"].as_array().into_iter().flatten();
    let part = |problem: &Value, part: &str| problem[part].as_str().unwrap_or("").to_owned();
    let problems =
        problems.map(|problem| format!("\n  {}: {}", part(problem, "at"), part(problem, "reason")));
    let problems: String = problems.collect();
    let status = status.as_u16();
    Failure::new(format!("{message}{at} [{status}]{lines}{problems}")).with_detail(body)
}
