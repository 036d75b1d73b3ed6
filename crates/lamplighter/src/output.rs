//! What a command prints: words for people, JSON for programs.

use std::io::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::Value;

/// How to print; on every command.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// Print JSON instead of words.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Options {
    /// Prints `value` as JSON, or the words made from it. Whoever reads may go before the end, as `head`
    /// does.
    pub(crate) fn print<T: Serialize>(self, value: &T, words: impl FnOnce(&T) -> String) {
        let text = if self.json {
            match serde_json::to_string_pretty(value) {
                Ok(json) => json,
                Err(e) => return tracing::error!("could not write JSON: {e}"),
            }
        } else {
            words(value).trim_end().to_owned()
        };
        let _ = writeln!(std::io::stdout(), "{text}");
    }
}

/// The text of a value; empty when it is none.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

/// A line for each item of a list, or `none` when it has none.
pub(crate) fn lines(list: &Value, none: &str, line: impl Fn(&Value) -> String) -> String {
    let lines: Vec<_> = list.as_array().into_iter().flatten().map(line).collect();
    if lines.is_empty() {
        none.into()
    } else {
        lines.join("\n")
    }
}

/// Why a command ends with a failure. Says what to do next where it can.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    detail: Option<Value>,
    code: u8,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            detail: None,
            code: 1,
        }
    }

    /// Adds what programs may want to read.
    pub(crate) fn with_detail(self, detail: Value) -> Self {
        Self {
            detail: Some(detail),
            ..self
        }
    }

    /// Says first how far it came before the failure.
    pub(crate) fn after(self, progress: &str) -> Self {
        Self {
            message: format!("{progress}. {}", self.message),
            ..self
        }
    }

    /// Prints the failure to standard error.
    #[expect(clippy::print_stderr, reason = "this is where a person looks for it")]
    pub(crate) fn report(self, options: Options) -> ExitCode {
        if options.json {
            let error = serde_json::json!({"error": self.message, "detail": self.detail});
            eprintln!("{error:#}");
        } else {
            eprintln!("lamplighter: {}", self.message);
        }
        ExitCode::from(self.code)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}
