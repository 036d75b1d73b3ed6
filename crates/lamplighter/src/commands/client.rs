//! `lamplighter client`: sites as clients of sign-in.

use domain::name::{Hostname, ProductName};
use serde_json::{Value, json};

use crate::client::Server;
use crate::output::{Failure, Options, lines, text};

/// Issue the secrets that sites sign in residents with.
#[derive(clap::Subcommand)]
pub(crate) enum Client {
    /// Issue fresh secrets. Each replaces the site's earlier one at once; it is shown only now.
    Issue {
        /// The product.
        product: ProductName,
        /// Only this site.
        #[arg(long, conflicts_with = "all", required_unless_present = "all")]
        site: Option<Hostname>,
        /// Every site of the product, by name.
        #[arg(long)]
        all: bool,
        /// Goes on after this site: where the page before ended.
        #[arg(long, requires = "all")]
        after: Option<Hostname>,
        /// At most this many, up to 20,000.
        #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
        limit: u32,
        #[command(flatten)]
        server: Server,
    },
}

impl Client {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        let Self::Issue {
            product,
            site,
            all: _,
            after,
            limit,
            server,
        } = self;
        let body = json!({"product": product, "client_id": site, "after": after, "limit": limit});
        let issued = server
            .client()?
            .post("/api/v1/clients/issue", &body)
            .await?;
        output.print(&issued, words);
        Ok(())
    }
}

fn words(issued: &Value) -> String {
    let clients = lines(&issued["clients"], "No sites.", |client| {
        let (id, secret) = (text(&client["client_id"]), text(&client["client_secret"]));
        format!("{id} {secret}")
    });
    match issued["next"].as_str() {
        Some(next) => format!("{clients}\nMore: --after {next}"),
        None => clients,
    }
}
