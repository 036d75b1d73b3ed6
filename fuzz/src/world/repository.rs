//! A repository of two versions, with a canary, layers and what is told of sites.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use aws_lc_rs::signature::Ed25519KeyPair;
use domain::document::{Document, DocumentKey, Lane};
use domain::layer::Facts;
use domain::name::{Hostname, ProductName};
use domain::rollout::Rollout;
use domain::site::Zone;
use jiff::{SignedDuration, Timestamp};
use protocol::told::{SiteLayer, ToldSite, ToldSites};
use tuf::{Entry, Keys, MetadataFile, Shard, ShardEntry, ShardRole, SigningKey, Trust};

use super::now;

/// A repository at one version: what it signed, by the name of the file.
pub(crate) struct Repository {
    pub(crate) metadata: BTreeMap<String, Vec<u8>>,
    /// The same in the order in which a client asks.
    pub(crate) order: Vec<String>,
    /// Bodies below the folder of targets.
    pub(crate) targets: BTreeMap<String, Vec<u8>>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) shards: Vec<ShardEntry>,
}

/// The private key of a role: Ed25519 in PKCS#8 (RFC 8410), made of the role's name.
pub(crate) fn key(role: &str) -> Vec<u8> {
    let begin = [
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
    ];
    let mut seed = [7; 32];
    seed.iter_mut()
        .zip(role.bytes())
        .for_each(|(to, from)| *to = from);
    [&begin[..], &seed[..]].concat()
}

/// A key to sign anything with, and its id.
pub(crate) type Signer = (Ed25519KeyPair, String);

/// The same key as a [`Signer`].
pub(crate) fn signer(role: &'static str) -> Arc<Signer> {
    static MADE: LazyLock<Mutex<BTreeMap<&str, Arc<Signer>>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let make = || {
        let pair = Ed25519KeyPair::from_pkcs8(&key(role)).expect("a key");
        let signing = SigningKey::from_pkcs8(&key(role)).expect("a key");
        Arc::new((pair, signing.public_key().id()))
    };
    Arc::clone(made.entry(role).or_insert_with(make))
}

pub(crate) fn keys() -> &'static Keys {
    static KEYS: LazyLock<Keys> =
        LazyLock::new(|| Keys::read(|role| Some(key(role))).expect("keys of all roles"));
    &KEYS
}

fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a name")
}

/// The sites of the agent, all of one product.
pub(crate) fn sites() -> [(Hostname, ProductName); 2] {
    ["a.example", "b.example"].map(|site| (name(site), name("web-central")))
}

/// What an agent trusts since it was enrolled.
pub(crate) fn pinned() -> Trust {
    static PINNED: LazyLock<Trust> = LazyLock::new(|| Trust::pin(&root().bytes).expect("the root"));
    PINNED.clone()
}

fn later() -> Timestamp {
    now() + SignedDuration::from_hours(24 * 90)
}

pub(super) fn root() -> MetadataFile {
    tuf::root(keys(), 1, later()).expect("the root")
}

/// A version of a document; of the sign-in client's settings, in the first lane.
fn document(
    (layer, document, version): (&str, &str, u64),
    accepts: &str,
    rollout: Rollout,
    body: &str,
) -> Document {
    let key = DocumentKey::base(name("web-central"), name("sign-in"), name(document));
    Document {
        key: key.with_layer(name(layer)),
        version,
        accepts: name(accepts),
        lane: if document == "client" {
            Lane::First
        } else {
            Lane::Other
        },
        json_schema: None,
        rollout,
        published: version,
        body: body.into(),
    }
}

fn documents(version: u64) -> Vec<Document> {
    let all = Rollout::everywhere;
    let zone = "zone:America/Chicago";
    let mut documents = vec![
        document(
            ("", "client", 1),
            "^5.1",
            all(),
            r#"{"pkce":{"required":false},"ttl":2.5}"#,
        ),
        document(
            ("", "links", 1),
            "*",
            all(),
            r#"{"help":"/help","limits":{"tries":3}}"#,
        ),
        document(
            (zone, "links", 1),
            "*",
            all(),
            r#"{"help":null,"phone":"1"}"#,
        ),
    ];
    if version > 1 {
        let canary = Rollout::canaries([name("b.example")]);
        let body = r#"{"pkce":{"required":true},"ttl":2}"#;
        documents.push(document(("", "client", 2), ">=5.1, <6", canary, body));
        documents.push(document(
            ("", "links", 2),
            ">=5.2",
            all(),
            r#"{"help":"/h"}"#,
        ));
    }
    documents
}

/// What is told of the first site, which has a layer of its own.
pub(crate) fn told(version: u64) -> ToldSites {
    let facts = Facts {
        zone: Zone::parse("America/Chicago").expect("a zone"),
        state: "TX".into(),
        county: Some("Bexar".into()),
        groups: [name("early")].into(),
    };
    let own = SiteLayer {
        service: name("sign-in"),
        name: name("links"),
        version,
        accepts: name("*"),
        published: version,
        body: serde_json::json!({"phone": version.to_string()}),
    };
    let [(site, _), (other, _)] = sites();
    let of = |layers| ToldSite {
        facts: facts.clone(),
        layers,
    };
    ToldSites {
        sites: [(site, of(vec![own])), (other, of(vec![]))].into(),
    }
}

impl Repository {
    /// Version 1 or 2.
    pub(crate) fn at(version: u64) -> &'static Self {
        static BOTH: LazyLock<[Repository; 2]> = LazyLock::new(|| [1, 2].map(Repository::build));
        &BOTH[usize::from(version > 1)]
    }

    fn build(version: u64) -> Self {
        let (keys, end) = (keys(), later());
        let documents = documents(version);
        let entries: Vec<_> = documents.iter().map(Entry::of).collect();
        let [(site, product), _] = sites();
        let shard = Shard::of(&product, 0, &site);
        let body = serde_json::to_vec(&told(version)).expect("JSON");
        let shards = vec![ShardEntry::of(shard.clone(), &body)];
        let role = shard.role();
        let roles = ShardRole::all(&product, 0);
        let service = name("sign-in");
        let parts = [
            tuf::targets(keys, 1, end, [(&product, &service)], roles),
            tuf::delegated(
                keys,
                &tuf::role_name(&product, &service),
                version,
                end,
                &entries,
            ),
            tuf::delegated_shards(keys, &role, version, end, &shards),
        ];
        let parts = parts.map(|part| part.expect("a role"));
        let snapshot = tuf::snapshot(keys, version, end, &parts).expect("a snapshot");
        let soon = now() + SignedDuration::from_hours(1);
        let timestamp = tuf::timestamp(keys, version, soon, &snapshot).expect("a timestamp");
        let files: Vec<_> = [timestamp, snapshot].into_iter().chain(parts).collect();
        let bodies = entries.iter().zip(&documents);
        let bodies = bodies.map(|(entry, document)| (entry.file(), document.body.clone()));
        Self {
            order: files.iter().map(MetadataFile::name).collect(),
            metadata: files
                .iter()
                .map(|file| (file.name(), file.bytes.clone()))
                .collect(),
            targets: bodies.chain([(shards[0].file(), body)]).collect(),
            entries,
            shards,
        }
    }

    /// What a control plane pushes when it comes to this version.
    pub(crate) fn push(&self) -> protocol::delivery::Push {
        let text = |(name, bytes): (&String, &Vec<u8>)| {
            (name.clone(), String::from_utf8_lossy(bytes).into_owned())
        };
        protocol::delivery::Push {
            version: self
                .entries
                .iter()
                .map(|one| one.version)
                .max()
                .unwrap_or(0),
            metadata: self.metadata.iter().map(text).collect(),
            documents: self.targets.iter().map(text).collect(),
        }
    }

    /// What an origin answers for a path of the agents' API.
    pub(crate) fn answer(&self, path: &str) -> Option<Vec<u8>> {
        let metadata = path.strip_prefix("/agent/v1/repository/");
        let metadata = metadata.and_then(|file| self.metadata.get(file));
        let target = path.strip_prefix("/agent/v1/targets/");
        metadata.or_else(|| self.targets.get(target?)).cloned()
    }
}
