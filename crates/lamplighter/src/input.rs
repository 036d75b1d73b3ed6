//! What commands read beside their arguments: how many to list, JSON, and secrets.
//! Never takes a secret from the command line: every user of the machine can read that.

use std::io::Read as _;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::output::Failure;

/// Stands for standard input where a file is expected.
const STANDARD_INPUT: &str = "-";

/// How many items a list shows; the same on every list.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Limit {
    /// At most this many, up to 500.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) limit: u32,
}

/// Reads a file, or standard input for `-`.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = vec![];
    let read = if file.as_os_str() == STANDARD_INPUT {
        std::io::stdin().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    read.map_err(|e| failed(file, e))?;
    Ok(bytes)
}

/// Reads JSON from a file, or from standard input for `-`.
pub(crate) fn read_json<T: DeserializeOwned>(file: &Path) -> Result<T, Failure> {
    serde_json::from_slice(&read(file)?).map_err(|e| failed(file, e))
}

/// Reads a secret of one line from a file, or from standard input for `-`.
pub(crate) fn read_secret(file: &Path) -> Result<String, Failure> {
    let text = String::from_utf8(read(file)?).map_err(|e| failed(file, e))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() || secret.contains('\n') {
        return Err(failed(file, "one line is expected, with the secret"));
    }
    Ok(secret.into())
}

fn failed(file: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::new(format!("could not read {}: {why}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        for (text, secret) in [
            ("correct horse\n", Some("correct horse")),
            (" correct horse ", Some(" correct horse ")),
            ("correct\r\n", Some("correct")),
            ("", None),
            ("\n", None),
            ("one\ntwo\n", None),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(read_secret(&file).ok().as_deref(), secret, "{text:?}");
        }
        assert!(read_secret(&folder.path().join("nothing")).is_err());
    }
}
