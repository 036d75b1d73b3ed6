//! `lamplighter notification`: messages to followers.

use serde_json::json;

use crate::client::Server;
use crate::output::{Failure, Options};

/// Send again what could not be delivered to a follower.
#[derive(clap::Subcommand)]
pub(crate) enum Notification {
    /// Try a notification again that was given up; `incident notifications` names them.
    Retry {
        /// The notification.
        id: uuid::Uuid,
        #[command(flatten)]
        server: Server,
    },
}

impl Notification {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        let Self::Retry { id, server } = self;
        let path = format!("/api/v1/notifications/{id}/retry");
        let done = server.client()?.post(&path, &json!({})).await?;
        output.print(&done, |_| format!("Notification {id} is tried again."));
        Ok(())
    }
}
