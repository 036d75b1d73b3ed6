//! `lamplighter token`: who may do what through the API and the console.

use domain::access::Role;
use serde_json::{Value, json};

use crate::client::Server;
use crate::commands::break_glass::BreakGlass;
use crate::input::Limit;
use crate::output::{Failure, Options, lines, text};

/// Make, list and withdraw tokens of staff, agents and sites.
#[derive(clap::Subcommand)]
pub(crate) enum Token {
    /// Make a token. It is shown only now.
    Add {
        /// What the audit calls its holder.
        name: String,
        /// admin, engineer, support or site. Agents get theirs by enrolling.
        #[arg(long, value_parser = role)]
        role: Role,
        #[command(flatten)]
        server: Server,
    },
    /// List the holders of tokens in use, oldest first.
    List {
        /// Goes on after this one: where the page before ended.
        #[arg(long)]
        after: Option<uuid::Uuid>,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        server: Server,
    },
    /// Withdraw a token: it opens nothing from now on.
    Withdraw {
        /// Its identifier, not the token itself.
        id: uuid::Uuid,
        #[command(flatten)]
        server: Server,
    },
    /// Make a new break-glass token, on the server's machine.
    BreakGlass(BreakGlass),
}

impl Token {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::Add { name, role, server } => {
                let body = json!({"name": name, "role": role});
                let made = server.client()?.post("/api/v1/tokens", &body).await?;
                output.print(&made, words);
            }
            Self::List {
                after,
                limit,
                server,
            } => {
                let after = after.map_or_else(String::new, |after| format!("&after={after}"));
                let path = format!("/api/v1/tokens?limit={}{after}", limit.limit);
                let page = server.client()?.get(&path).await?;
                output.print(&page, listed);
            }
            Self::Withdraw { id, server } => {
                let path = format!("/api/v1/tokens/{id}/withdraw");
                let done = server.client()?.post(&path, &json!({})).await?;
                output.print(&done, |_| format!("Withdrew token {id}."));
            }
            Self::BreakGlass(break_glass) => break_glass.run(output).await?,
        }
        Ok(())
    }
}

/// The token stands alone on the first line, for scripts.
fn words(made: &Value) -> String {
    let (token, id) = (text(&made["token"]), text(&made["id"]));
    format!("{token}\nIt is shown only now. To withdraw it: lamplighter token withdraw {id}")
}

fn listed(page: &Value) -> String {
    let tokens = lines(&page["tokens"], "No tokens.", |one| {
        let [id, role, name] = ["id", "role", "name"].map(|part| text(&one[part]));
        format!("{id}  {role:<8}  {name}")
    });
    match page["after"].as_str() {
        Some(after) => format!("{tokens}\nMore: --after {after}"),
        None => tokens,
    }
}

fn role(word: &str) -> Result<Role, String> {
    Role::parse(word).ok_or_else(|| {
        let all: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
        format!("a role is one of {}", all.join(", "))
    })
}
