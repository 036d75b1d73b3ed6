//! `lamplighter config`: publish and read documents.

use std::path::PathBuf;

use domain::document::DocumentKey;
use domain::layer::Layer;
use domain::name::{DocumentName, Hostname, ProductName, ServiceName};
use semver::{Version, VersionReq};
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use crate::client::Server;
use crate::input::Limit;
use crate::output::{Failure, Options, lines, text};

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
        /// The sites that it is for, where not all: zone:America/Chicago, state:CA, county:CA/Kern,
        /// group:NAME or site:HOST. The file is then a JSON merge patch of the document.
        #[arg(long, default_value = "", hide_default_value = true)]
        layer: Layer,
        /// The releases that can honour it, such as ^5.2.
        #[arg(long)]
        accepts: VersionReq,
        /// How urgent it is: first or other. Without it, as urgent as the version before.
        #[arg(long, value_parser = ["first", "other"])]
        lane: Option<String>,
        /// A file with the JSON Schema that this version and the next must fit. Without it, that of the
        /// version before.
        #[arg(long)]
        schema: Option<PathBuf>,
        /// To all sites at once, without canaries and waves. Audited.
        #[arg(long, requires = "why")]
        at_once: bool,
        /// Also when a live or staged release is left without a version that it accepts. An emergency
        /// exit: audited, and such sites have no config.
        #[arg(long, requires = "why")]
        bypass_coverage: bool,
        /// Why.
        #[arg(long)]
        why: Option<String>,
        /// The JSON to publish.
        file: PathBuf,
        #[command(flatten)]
        server: Server,
    },
    /// What changed from one version to another, as `diff -u` shows it.
    Diff {
        #[command(flatten)]
        which: Which,
        /// From this version.
        #[arg(long)]
        from: u64,
        /// To this one.
        #[arg(long)]
        to: u64,
    },
    /// The versions of a document: who published each and why, and how many sites hold and read it.
    History {
        #[command(flatten)]
        which: Which,
        /// Versions before this one.
        #[arg(long)]
        before: Option<u64>,
    },
    /// Publish what an older version said as a new version, to all sites at once.
    Rollback {
        #[command(flatten)]
        which: Which,
        /// The version that was right.
        #[arg(long)]
        to: u64,
        /// Why. Audited.
        #[arg(long)]
        why: String,
    },
    /// Take a version that is on its way back from its sites.
    Halt(OnItsWay),
    /// Give a version that is on its way to all sites now.
    Hasten(OnItsWay),
    /// List the versions of all documents that sites read or will read.
    List {
        /// Those after the last one of the page before, as it names it.
        #[arg(long)]
        after: Option<String>,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        server: Server,
    },
    /// Show the pieces of what a site reads: the document, and what each of the site's layers adds.
    Layers {
        /// The product.
        #[arg(long)]
        product: ProductName,
        /// The service.
        #[arg(long)]
        service: ServiceName,
        /// The document.
        #[arg(long)]
        name: DocumentName,
        /// The site.
        #[arg(long)]
        site: Hostname,
        /// The release that asks; without one, the one that the site runs.
        #[arg(long)]
        code: Option<Version>,
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
        /// The site that asks.
        #[arg(long)]
        site: Option<Hostname>,
        #[command(flatten)]
        server: Server,
    },
}

/// Which document.
#[derive(clap::Args)]
pub(crate) struct Which {
    /// The product.
    #[arg(long)]
    product: ProductName,
    /// The service.
    #[arg(long)]
    service: ServiceName,
    /// The document.
    #[arg(long)]
    name: DocumentName,
    /// A layer of it, such as zone:America/Chicago; without one, the document itself.
    #[arg(long, default_value = "", hide_default_value = true)]
    layer: Layer,
    #[command(flatten)]
    server: Server,
}

/// A version that is on its way, and why its rollout ends.
#[derive(clap::Args)]
pub(crate) struct OnItsWay {
    #[command(flatten)]
    which: Which,
    /// The version that is on its way.
    #[arg(long)]
    number: u64,
    /// Why. Audited.
    #[arg(long)]
    why: String,
}

impl OnItsWay {
    /// Ends the rollout, and says which sites the version is given to now.
    async fn end(self, act: &str, output: Options) -> Result<(), Failure> {
        let layer = &self.which.layer;
        let body = serde_json::json!({"version": self.number, "layer": layer, "why": self.why});
        let done = self.which.post(act, &body).await?;
        output.print(&done, |done| {
            let (number, path) = (self.number, self.which.key().path());
            let goes = whereto(&done["rollout"], &layer.to_string());
            format!("Version {number} of {path} is {goes} now.")
        });
        Ok(())
    }
}

impl Which {
    fn key(&self) -> DocumentKey {
        let Self {
            product,
            service,
            name,
            layer,
            ..
        } = self;
        DocumentKey::base(product.clone(), service.clone(), name.clone()).with_layer(layer.clone())
    }

    fn path(&self, act: &str) -> String {
        format!("/api/v1/documents/{}/{act}", self.key().path())
    }

    /// What a question asks beside the path.
    fn query(&self) -> String {
        let layer = self.layer.to_string();
        let layer: String = byte_serialize(layer.as_bytes()).collect();
        format!("?layer={layer}")
    }

    async fn post(&self, act: &str, body: &Value) -> Result<Value, Failure> {
        self.server.client()?.post(&self.path(act), body).await
    }
}

impl Config {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::Publish {
                product,
                service,
                name,
                layer,
                accepts,
                lane,
                schema,
                at_once,
                bypass_coverage,
                why,
                file,
                server,
            } => {
                let schema = schema.as_ref().map(read_json).transpose()?;
                let body = serde_json::json!({"product": product, "service": service, "name": name,
                    "layer": layer, "accepts": accepts, "lane": lane, "schema": schema, "body": read_json(&file)?,
                    "at_once": at_once, "bypass_coverage": bypass_coverage, "why": why.unwrap_or_default()});
                let published = server.client()?.post("/api/v1/documents", &body).await?;
                output.print(&published, |published| {
                    let goes = whereto(&published["rollout"], &layer.to_string());
                    let path = DocumentKey::base(product, service, name).path();
                    format!("Published {path} version {}, {goes}.", published["version"])
                });
            }
            Self::Diff { which, from, to } => {
                let path = which.path("difference") + &which.query();
                let path = format!("{path}&from={from}&to={to}");
                let found = which.server.client()?.get(&path).await?;
                output.print(&found, |found| match text(&found["unified"]) {
                    "" => format!("Versions {from} and {to} say the same."),
                    lines => lines.trim_end().to_owned(),
                });
            }
            Self::History { which, before } => {
                let before = before.map_or(String::new(), |before| format!("&before={before}"));
                let path = which.path("versions") + &which.query() + &before;
                let history = which.server.client()?.get(&path).await?;
                output.print(&history, |history| past(history, &which.layer));
            }
            Self::Rollback { which, to, why } => {
                let body = serde_json::json!({"to": to, "layer": which.layer, "why": why});
                let done = which.post("rollback", &body).await?;
                output.print(&done, |done| {
                    let (path, version) = (which.key().path(), &done["version"]);
                    // It always is for all of them.
                    let all = serde_json::json!({"permille": 1_000});
                    let goes = whereto(&all, &which.layer.to_string());
                    format!("Version {version} of {path} says what version {to} said, {goes}.")
                });
            }
            Self::Halt(ending) => ending.end("halt", output).await?,
            Self::Hasten(ending) => ending.end("hasten", output).await?,
            Self::List {
                after,
                limit,
                server,
            } => {
                let after = after.map_or_else(String::new, |after| {
                    let after: String = byte_serialize(after.as_bytes()).collect();
                    format!("&after={after}")
                });
                let path = format!("/api/v1/documents?limit={}{after}", limit.limit);
                let page = server.client()?.get(&path).await?;
                output.print(&page, listed);
            }
            Self::Layers {
                product,
                service,
                name,
                site,
                code,
                server,
            } => {
                let code = code.map_or(String::new(), |code| format!("&code={code}"));
                let path =
                    format!("/api/v1/config/{product}/{service}/{name}/pieces?site={site}{code}");
                let found = server.client()?.get(&path).await?;
                output.print(&found, pieces);
            }
            Self::Read {
                product,
                service,
                name,
                code,
                site,
                server,
            } => {
                let site = site.map_or(String::new(), |site| format!("&site={site}"));
                let path = format!("/api/v1/config/{product}/{service}/{name}?code={code}{site}");
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

fn listed(page: &Value) -> String {
    let versions = lines(&page["documents"], "No documents.", |one| {
        let [product, service, name] = ["product", "service", "name"].map(|part| text(&one[part]));
        let [accepts, lane] = ["accepts", "lane"].map(|part| text(&one[part]));
        let (version, bytes) = (&one["version"], &one["bytes"]);
        let goes = whereto(&one["rollout"], text(&one["layer"]));
        format!(
            "{product}/{service}/{name} {version:>4}  {accepts:<12} {lane:<6} {bytes} bytes, {goes}"
        )
    });
    match page["after"].as_str() {
        Some(after) => format!("{versions}\nMore: --after {after}"),
        None => versions,
    }
}

/// The pieces of what a site reads, and what comes of them.
fn pieces(found: &Value) -> String {
    let line = |one: &Value| {
        let layer = match text(&one["layer"]) {
            "" => "the document",
            layer => layer,
        };
        let (version, accepts) = (&one["version"], text(&one["accepts"]));
        format!("{layer:<32} {version:>4}  {accepts:<12} {}\n", one["body"])
    };
    let all = found["pieces"].as_array().into_iter().flatten();
    let lines: String = all.map(line).collect();
    format!("{lines}{:#}", found["merged"])
}

/// Which sites a version of a document or of a layer is given to, in words.
fn whereto(rollout: &Value, layer: &str) -> String {
    let of = |sites: &str| match layer {
        "" => format!("for {sites}"),
        layer => format!("for {sites} of {layer}"),
    };
    let canaries = rollout["canaries"].as_array().map_or(0, Vec::len);
    match (rollout["permille"].as_u64().unwrap_or(0), canaries) {
        // It is for one site.
        (1_000.., _) if layer.starts_with("site:") => format!("for {layer}"),
        (1_000.., _) => of("all sites"),
        (0, 0) => of("no site"),
        (0, 1) => of("1 canary"),
        (0, canaries) => of(&format!("{canaries} canaries")),
        (share, _) => of(&format!("{} % of the sites", share / 10)),
    }
}

fn past(history: &Value, layer: &Layer) -> String {
    let layer = layer.to_string();
    let sites = &history["sites"];
    let line = |one: &Value| {
        let [at, accepts, lane] = ["published_at", "accepts", "lane"].map(|part| text(&one[part]));
        let (by, why) = (text(&one["by"]), text(&one["why"]));
        let (version, reading) = (&one["version"], &one["reading"]);
        let (holding, refused) = (&one["holding"], &one["refused"]);
        let by = if by.is_empty() { "somebody" } else { by };
        let mut line = format!(
            "{version:>4}  {at}  {accepts:<12} {lane:<6} {goes}; read by {reading} and held for {holding} of \
             {sites} sites; by {by}",
            goes = whereto(&one["rollout"], &layer),
        );
        if *refused != 0 {
            line += &format!("; refused by {refused}");
        }
        if let Some(repeated) = one["repeats"].as_u64() {
            line += &format!("; repeats version {repeated}");
        }
        for words in [why, text(&one["halted"])] {
            if !words.is_empty() {
                line += &format!("; {words}");
            }
        }
        line + "\n"
    };
    let versions = history["versions"].as_array().into_iter().flatten();
    let mut lines: String = versions.map(line).collect();
    if let Some(before) = history["before"].as_u64() {
        lines += &format!("More with --before {before}.\n");
    }
    lines
}
