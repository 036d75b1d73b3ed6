//! `lamplighter token break-glass`: the way back in for whoever runs the server's machine.
//!
//! Speaks to the database itself, because whoever needs it has no token for the API.

use std::path::PathBuf;

use clock::Clock;
use store::{Place, Store};

use crate::commands::serve::{BREAK_GLASS_FILE, write_private};
use crate::output::{Failure, Options};

/// What the audit calls whoever may read the data folder.
const WHO: &str = "whoever runs the server's machine";

/// Make a new break-glass token on the server's machine, and withdraw the old one. The server may
/// go on running.
#[derive(clap::Args)]
pub(crate) struct BreakGlass {
    /// The data folder of the server.
    #[arg(long, env = "LAMPLIGHTER_DATA", default_value = "data")]
    data: PathBuf,
    /// The PostgreSQL connection string of the server, if it has one.
    #[arg(long, env = "LAMPLIGHTER_POSTGRES", hide_env_values = true)]
    postgres: Option<String>,
}

impl BreakGlass {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        let place = Place {
            folder: self.data.clone(),
            postgres: self.postgres,
        };
        let store = Store::open_existing(&place).await?;
        let clock = Clock::system();
        let fresh = engine::BreakGlass::draw(&clock)?;
        let file = self.data.join(BREAK_GLASS_FILE);
        let waiting = file.with_extension("new");
        let could_not =
            |e: std::io::Error| Failure::new(format!("could not write {}: {e}", file.display()));
        // Kept before it is valid, beside the old one, which is good until then. Whatever happens in
        // between is mended by running this again.
        let _ = std::fs::remove_file(&waiting);
        write_private(&waiting, fresh.token()).map_err(could_not)?;
        fresh.put_in_force(&store, &clock, WHO).await?;
        std::fs::rename(&waiting, &file).map_err(could_not)?;
        let made = serde_json::json!({ "file": file });
        output.print(&made, |_| {
            format!(
                "The new break-glass token is in {}. The old one is withdrawn.",
                file.display()
            )
        });
        Ok(())
    }
}
