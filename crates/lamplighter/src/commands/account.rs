//! `lamplighter account`: who signs in to sites.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::client::Server;
use crate::input::{read, read_secret};
use crate::output::{Failure, Options, text};

/// Accounts of one call: the server takes no more.
const ACCOUNTS_PER_CALL_MAX: usize = 1_000;

/// Add, import and unlock accounts that sign in to sites.
#[derive(clap::Subcommand)]
pub(crate) enum Account {
    /// Add an account. Without a password, only sessions that you make sign in with it.
    Add {
        /// Its e-mail address.
        email: String,
        /// A file with the password; - reads it from standard input.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Probes sign in with it.
        #[arg(long)]
        canary: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Import accounts with the argon2id hashes of another system, 1,000 at a time.
    Import {
        /// Columns: email,password_hash. A hash holds commas, so it stands in quotes.
        file: PathBuf,
        #[command(flatten)]
        server: Server,
    },
    /// Let an address that wrong passwords locked try again at once.
    Unlock {
        /// The e-mail address.
        email: String,
        #[command(flatten)]
        server: Server,
    },
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    email: String,
    password_hash: Option<String>,
}

impl Account {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::Add {
                email,
                password_file,
                canary,
                server,
            } => {
                let password = password_file.as_deref().map(read_secret).transpose()?;
                let body = json!({"email": email, "password": password, "canary": canary});
                let added = server.client()?.post("/api/v1/accounts", &body).await?;
                output.print(&added, |added| {
                    format!("Added account {email} ({}).", text(&added["id"]))
                });
            }
            Self::Import { file, server } => import(&file, &server, output).await?,
            Self::Unlock { email, server } => {
                let body = json!({ "email": email });
                let done = server
                    .client()?
                    .post("/api/v1/accounts/unlock", &body)
                    .await?;
                output.print(&done, |done| {
                    if done["unlocked"] == true {
                        format!("{email} may try again.")
                    } else {
                        format!("{email} was not locked.")
                    }
                });
            }
        }
        Ok(())
    }
}

/// Each call is all or nothing; when one fails, those before it stay.
async fn import(file: &Path, server: &Server, output: Options) -> Result<(), Failure> {
    let (rows, client) = (rows(&read(file)?, file)?, server.client()?);
    let mut ids: Vec<Value> = vec![];
    for some in rows.chunks(ACCOUNTS_PER_CALL_MAX) {
        let body = json!({ "accounts": some });
        let added = client.post("/api/v1/accounts/bulk", &body).await;
        let added = added.map_err(|failure| failure.after(&progress(ids.len(), file)))?;
        ids.extend(added["ids"].as_array().into_iter().flatten().cloned());
    }
    output.print(&json!({ "ids": ids }), |_| {
        format!("Imported {} accounts.", ids.len())
    });
    Ok(())
}

/// What a person must know after a failure, to go on.
fn progress(added: usize, file: &Path) -> String {
    let file = file.display();
    if added == 0 {
        return format!("nothing was imported from {file}");
    }
    format!(
        "the first {added} accounts of {file} were imported and the next {ACCOUNTS_PER_CALL_MAX} were not: \
         take those {added} lines out, mend what is wrong, and import the rest"
    )
}

fn rows(csv: &[u8], file: &Path) -> Result<Vec<Row>, Failure> {
    let mut reader = csv::Reader::from_reader(csv);
    let rows: Result<Vec<Row>, _> = reader.deserialize().collect();
    rows.map_err(|e| {
        Failure::new(format!(
            "could not read {}: {e}. The columns are email,password_hash; a hash stands in double quotes, \
             because it holds commas",
            file.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_and_a_hash_without_quotes_is_explained() {
        let file = Path::new("accounts.csv");
        let good =
            b"email,password_hash\na@b.example,\"$argon2id$v=19$m=1,t=2,p=1$a$b\"\nc@d.example,\n";
        let read = rows(good, file).ok().unwrap();
        assert_eq!(read[0].email, "a@b.example");
        let hash = read[0].password_hash.as_deref();
        assert_eq!(hash, Some("$argon2id$v=19$m=1,t=2,p=1$a$b"));
        assert_eq!(read[1].password_hash, None);
        let bad = b"email,password_hash\na@b.example,$argon2id$v=19$m=1,t=2,p=1$a$b\n";
        assert!(rows(bad, file).is_err());
    }
}
