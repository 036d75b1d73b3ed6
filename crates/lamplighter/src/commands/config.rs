//! `lamplighter config`: publish and read documents.

use std::path::PathBuf;

use domain::name::{DocumentName, ProductName, ServiceName};
use semver::{Version, VersionReq};
use serde_json::Value;

use crate::client::Server;
use crate::output::{Failure, Options};

/// Publish and read documents.
#[derive(clap::Subcommand)]
pub(crate) enum Config {
    /// Publish a new version of a document.
    Publish {
        /// The product whose sites read it.
        #[arg(long)]
        product: ProductName,
        /// The shared service it configures, such as sign-in.
        #[arg(long)]
        service: ServiceName,
        /// Its name within the service.
        #[arg(long)]
        name: DocumentName,
        /// The releases that can honour it, such as ^5.2.
        #[arg(long)]
        accepts: VersionReq,
        /// How urgent it is: first or other.
        #[arg(long, default_value = "other", value_parser = ["first", "other"])]
        lane: String,
        /// A file with `type` and `required` of a JSON Schema.
        #[arg(long)]
        schema: Option<PathBuf>,
        /// The JSON to publish.
        file: PathBuf,
        #[command(flatten)]
        server: Server,
    },
    /// List all versions of all documents.
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Read the document that a release is answered with.
    Read {
        /// The product.
        #[arg(long)]
        product: ProductName,
        /// The service.
        #[arg(long)]
        service: ServiceName,
        /// The document.
        #[arg(long)]
        name: DocumentName,
        /// The release that asks.
        #[arg(long)]
        code: Version,
        #[command(flatten)]
        server: Server,
    },
}

impl Config {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::Publish {
                product,
                service,
                name,
                accepts,
                lane,
                schema,
                file,
                server,
            } => {
                let schema = schema.as_ref().map(read_json).transpose()?;
                let body = serde_json::json!({"product": product, "service": service, "name": name,
                    "accepts": accepts, "lane": lane, "schema": schema, "body": read_json(&file)?});
                let published = server.client()?.post("/api/v1/documents", &body).await?;
                output.print(&published, |published| {
                    format!(
                        "Published {product}/{service}/{name} version {}.",
                        published["version"]
                    )
                });
            }
            Self::List { server } => {
                let list = server.client()?.get("/api/v1/documents").await?;
                output.print(&list, |list| lines(&list["documents"]));
            }
            Self::Read {
                product,
                service,
                name,
                code,
                server,
            } => {
                let path = format!("/api/v1/config/{product}/{service}/{name}?code={code}");
                let body = server.client()?.get(&path).await?;
                output.print(&body, |body| format!("{body:#}"));
            }
        }
        Ok(())
    }
}

fn read_json(file: &PathBuf) -> Result<Value, Failure> {
    let fail = |e: String| Failure::new(format!("could not read {}: {e}", file.display()));
    let text = std::fs::read(file).map_err(|e| fail(e.to_string()))?;
    serde_json::from_slice(&text).map_err(|e| fail(e.to_string()))
}

fn lines(documents: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let line = |one: &Value| {
        let [product, service, name] = ["product", "service", "name"].map(|part| word(&one[part]));
        let (accepts, lane) = (word(&one["accepts"]), word(&one["lane"]));
        let (version, bytes) = (&one["version"], &one["bytes"]);
        format!("{product}/{service}/{name} {version:>4}  {accepts:<12} {lane:<6} {bytes} bytes\n")
    };
    documents
        .as_array()
        .into_iter()
        .flatten()
        .map(line)
        .collect()
}
