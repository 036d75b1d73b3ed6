//! Metadata as a client reads it: what the specification names, and nothing else refused.
//!
//! A signature covers the value as it came, with fields that nobody here knows; only then are the
//! known ones read from that same value. Never decides whether to believe.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;

use jiff::Timestamp;
use olpc_cjson::CanonicalFormatter;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize as _};
use serde_json::Value;

use crate::TrustError;
use crate::paths::PathPattern;
use crate::verify::{Key, RoleKeys, Signature};

/// Names that a delegated role must not take: its file would stand in for another.
const TOP_LEVEL: [&str; 4] = ["root", "timestamp", "snapshot", "targets"];
/// The longest file name of a role without its version, so that every file system can hold it.
const ROLE_FILE_BYTES_MAX: usize = 200;

/// What kind of metadata a type reads.
pub(crate) trait Kind: DeserializeOwned {
    /// Its `_type`.
    const TYPE: &'static str;

    /// Rules that a type alone cannot hold.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// A file that parsed; nothing says yet that it is true.
pub(crate) struct Signed<T> {
    pub(crate) header: Header,
    pub(crate) role: T,
    /// What the signatures are over.
    pub(crate) message: Vec<u8>,
    pub(crate) signatures: Vec<Signature>,
}

/// What every role says of itself.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Header {
    #[serde(rename = "_type")]
    kind: String,
    spec_version: String,
    pub(crate) version: NonZeroU64,
    pub(crate) expires: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Root {
    #[serde(default)]
    pub(crate) consistent_snapshot: bool,
    pub(crate) keys: BTreeMap<String, Key>,
    pub(crate) roles: Roles,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Roles {
    pub(crate) root: RoleKeys,
    pub(crate) timestamp: RoleKeys,
    pub(crate) snapshot: RoleKeys,
    pub(crate) targets: RoleKeys,
}

#[derive(Debug, Deserialize)]
pub(crate) struct TimestampRole {
    pub(crate) meta: TimestampMeta,
}

#[derive(Debug, Deserialize)]
pub(crate) struct TimestampMeta {
    #[serde(rename = "snapshot.json")]
    pub(crate) snapshot: Metafile,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) meta: BTreeMap<String, Metafile>,
}

/// How one file describes another.
#[derive(Debug, Deserialize)]
pub(crate) struct Metafile {
    pub(crate) version: NonZeroU64,
    pub(crate) length: Option<u64>,
    pub(crate) hashes: Option<Hashes>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Targets {
    pub(crate) targets: BTreeMap<String, Target>,
    pub(crate) delegations: Option<Delegations>,
}

/// What signed metadata says of a target.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) length: u64,
    pub(crate) hashes: Hashes,
    #[serde(default)]
    pub(crate) custom: Option<serde_json::Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Delegations {
    pub(crate) keys: BTreeMap<String, Key>,
    #[serde(default)]
    pub(crate) roles: Vec<Delegation>,
}

/// Who speaks for some paths, signed by which keys.
#[derive(Debug, Deserialize)]
pub(crate) struct Delegation {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) keys: RoleKeys,
    #[serde(default)]
    pub(crate) terminating: bool,
    paths: Option<Vec<PathPattern>>,
    path_hash_prefixes: Option<Vec<String>>,
}

/// Hashes by the name of their function.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Hashes(BTreeMap<String, String>);

impl Kind for Root {
    const TYPE: &'static str = "root";
}

impl Kind for TimestampRole {
    const TYPE: &'static str = "timestamp";
}

impl Kind for Snapshot {
    const TYPE: &'static str = "snapshot";
}

impl Kind for Targets {
    const TYPE: &'static str = "targets";

    fn check(&self) -> Result<(), String> {
        let mut names = BTreeSet::new();
        for delegation in self.delegations() {
            let name = delegation.name.as_str();
            let long = role_file(name).len() > ROLE_FILE_BYTES_MAX;
            if name.is_empty() || long || TOP_LEVEL.contains(&name) || !names.insert(name) {
                return Err(format!("{name:?} cannot be the name of a delegated role"));
            }
            if delegation.paths.is_some() == delegation.path_hash_prefixes.is_some() {
                return Err(format!("{name:?} needs either paths or path_hash_prefixes"));
            }
        }
        Ok(())
    }
}

impl Targets {
    pub(crate) fn delegations(&self) -> &[Delegation] {
        self.delegations.as_ref().map_or(&[], |all| &all.roles)
    }
}

impl Delegation {
    /// Whether the delegation covers this target.
    pub(crate) fn covers(&self, target: &str) -> bool {
        match (&self.paths, &self.path_hash_prefixes) {
            (Some(paths), None) => paths.iter().any(|pattern| pattern.matches(target)),
            (None, Some(prefixes)) => {
                let hash = hex::encode(crate::sha256(target.as_bytes()));
                prefixes.iter().any(|prefix| hash.starts_with(prefix))
            }
            _ => false,
        }
    }
}

impl<T: Kind> Signed<T> {
    /// Reads a file of at most `limit` bytes; a larger one is refused before it is parsed.
    pub(crate) fn read(file: &str, bytes: &[u8], limit: u64) -> Result<Self, TrustError> {
        let found = bytes.len() as u64;
        if found > limit {
            let file = file.into();
            return Err(TrustError::TooLarge { file, found, limit });
        }
        Self::parse(bytes).map_err(|reason| TrustError::Parse {
            file: file.into(),
            reason,
        })
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Envelope {
            signed: Value,
            signatures: Vec<Signature>,
        }
        let Envelope { signed, signatures } =
            serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        let message = canonical(&signed).map_err(|e| e.to_string())?;
        let header = Header::read(&signed, T::TYPE)?;
        let role: T = serde_json::from_value(signed).map_err(|e| e.to_string())?;
        role.check()?;
        Ok(Self {
            header,
            role,
            message,
            signatures,
        })
    }
}

impl Header {
    pub(crate) fn read(signed: &Value, kind: &str) -> Result<Self, String> {
        let header = Self::deserialize(signed).map_err(|e| e.to_string())?;
        if header.kind != kind {
            return Err(format!("it is {:?}, not {kind:?}", header.kind));
        }
        if header.spec_version.split('.').next() != Some("1") {
            return Err(format!(
                "it follows specification {:?}",
                header.spec_version
            ));
        }
        Ok(header)
    }
}

impl Hashes {
    /// Whether `bytes` have every hash that is known here, and at least one is.
    pub(crate) fn fit(&self, bytes: &[u8]) -> bool {
        let mut known = self.known().peekable();
        known.peek().is_some()
            && known.all(|(algorithm, hash)| {
                let digest = aws_lc_rs::digest::digest(algorithm, bytes);
                hex::decode(hash).is_ok_and(|hash| hash == digest.as_ref())
            })
    }

    /// The hash that stands in the name of a target's file; `None` when none can be checked.
    pub(crate) fn first(&self) -> Option<&str> {
        self.known().map(|(_, hash)| hash).next()
    }

    pub(crate) fn sha256(&self) -> Option<&str> {
        self.0.get("sha256").map(String::as_str)
    }

    fn known(&self) -> impl Iterator<Item = (&'static aws_lc_rs::digest::Algorithm, &str)> {
        use aws_lc_rs::digest::{SHA256, SHA384, SHA512};
        [
            ("sha256", &SHA256),
            ("sha384", &SHA384),
            ("sha512", &SHA512),
        ]
        .into_iter()
        .filter_map(|(name, algorithm)| Some((algorithm, self.0.get(name)?.as_str())))
    }
}

/// The form that signatures are over: object keys sorted, no white space.
///
/// The library looks at each character by itself, which took as long as to verify the signature. What is plain has the
/// same form without it.
pub(crate) fn canonical(value: &Value) -> serde_json::Result<Vec<u8>> {
    if is_plain(value) {
        return serde_json::to_vec(value);
    }
    by_the_library(value)
}

fn by_the_library(value: &Value) -> serde_json::Result<Vec<u8>> {
    let mut message = Vec::new();
    let formatter = CanonicalFormatter::new();
    let mut out = serde_json::Serializer::with_formatter(&mut message, formatter);
    value.serialize(&mut out)?;
    Ok(message)
}

/// Whether nothing in it is escaped, normalized or refused, nor a key sorted otherwise: the library sorts keys with the
/// quotation marks around them.
fn is_plain(value: &Value) -> bool {
    let is_text = |text: &str, first: u8| {
        let mut bytes = text.bytes();
        bytes.all(|byte| (first..0x7f).contains(&byte) && byte != b'"' && byte != b'\\')
    };
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::String(text) => is_text(text, b' '),
        Value::Array(all) => all.iter().all(is_plain),
        // Sorted as they are: in a program with other features of the library for JSON, they may not be.
        Value::Object(all) => {
            let mut fields = all.iter();
            all.keys().is_sorted()
                && fields.all(|(key, value)| is_text(key, b'"') && is_plain(value))
        }
    }
}

/// The file of a role without its version. A role may be called anything: what is not plain is
/// percent-encoded, so that no name leads out of a folder or into the query of a URL.
#[must_use]
pub fn role_file(role: &str) -> String {
    format!("{}.json", quoted(role))
}

/// Text as one part of a path: all but letters, digits and `-._~` percent-encoded.
pub(crate) fn quoted(text: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(text, PLAIN).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;

    /// Mostly what is plain, and now and then what is not.
    fn json() -> impl Strategy<Value = Value> {
        let text = || "[ -~]{0,6}|[a-c!\" ]{0,3}|\\PC{0,4}|[\n\t\u{1}\u{7f}e\u{301}\\\\]{0,3}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                vec(inner.clone(), 0..6).prop_map(Value::from),
                btree_map(text(), inner, 0..6)
                    .prop_map(|all| Value::Object(all.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_quick_form_is_that_of_the_library(value in json()) {
            prop_assert_eq!(canonical(&value).unwrap(), by_the_library(&value).unwrap());
        }
    }

    #[test]
    fn what_is_signed_most_is_plain_and_a_fraction_is_refused() {
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let unsorted = value(r#"{"b":1,"a":{"d":">=5.0.0, <6","c":[true,null,-7]}}"#);
        assert!(is_plain(&unsorted));
        let sorted = r#"{"a":{"c":[true,null,-7],"d":">=5.0.0, <6"},"b":1}"#;
        assert_eq!(canonical(&unsorted).unwrap(), sorted.as_bytes());
        for not in [
            r#""\n""#,
            r#""\"""#,
            r#""\\""#,
            r#""é""#,
            r#"{"a b":1}"#,
            "1.5",
        ] {
            assert!(!is_plain(&value(not)), "{not}");
        }
        assert!(canonical(&value("[1.5]")).is_err());
    }
}
