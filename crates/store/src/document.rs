//! Versions of documents: those that sites read, and the history of all.

use std::collections::BTreeSet;

use domain::document::{Document, DocumentKey, Lane};
use domain::name::Hostname;
use domain::rollout::Rollout;
use jiff::Timestamp;
use semver::VersionReq;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::db::{Change, Row, Value, corrupt, params};
use crate::{Publication, Store, StoreError};

/// A new version of a document, and who wants it.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// The version.
    pub document: Document,
    /// Who published it.
    pub by: String,
    /// Why, where they said so.
    pub why: String,
    /// The version that it repeats.
    pub repeats: Option<u64>,
    /// Canaries that signed in before it came: only these can tell that it broke something.
    pub witnesses: BTreeSet<Hostname>,
}

/// A version that spreads further, or is taken back.
#[derive(Clone, Debug)]
pub struct Spread {
    /// The document.
    pub key: DocumentKey,
    /// Its version.
    pub version: u64,
    /// Where it goes now.
    pub rollout: Rollout,
    /// Why it was halted; empty while it was not.
    pub halted: String,
}

/// A version that is on its way: some sites are given it, and some are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spreading {
    /// The document.
    pub key: DocumentKey,
    /// Its version.
    pub version: u64,
    /// Where it goes.
    pub rollout: Rollout,
    /// Since when.
    pub since: Timestamp,
    /// Canaries that signed in before it came.
    pub witnesses: BTreeSet<Hostname>,
}

/// A version of a document as its history lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentVersion {
    /// Its version.
    pub version: u64,
    /// The releases that can honour it.
    pub accepts: VersionReq,
    /// How urgent it is.
    pub lane: Lane,
    /// Length of its body in bytes.
    pub bytes: u64,
    /// When it was published.
    pub published_at: Timestamp,
    /// Who published it.
    pub by: String,
    /// Why, where they said so.
    pub why: String,
    /// The version that it repeats.
    pub repeats: Option<u64>,
    /// Which sites are given it.
    pub rollout: Rollout,
    /// Since when these.
    pub rollout_at: Timestamp,
    /// Why it was halted; empty while it was not.
    pub halted: String,
    /// Whether agents still hold it.
    pub is_kept: bool,
}

impl Store {
    /// Every version that some site may read, oldest first within its key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn documents(&self) -> Result<Vec<Document>, StoreError> {
        const LIST: &str = "SELECT product, service, name, layer, version, accepts, lane, rollout, \
            json_schema, body, published FROM documents WHERE kept = 1 \
            ORDER BY product, service, name, layer, version";
        let rows = self.db.read(LIST, vec![]).await?;
        rows.iter().map(document).collect()
    }

    /// One version of a document, whether or not a site reads it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn document(
        &self,
        key: &DocumentKey,
        version: u64,
    ) -> Result<Option<Document>, StoreError> {
        const FIND: &str = "SELECT product, service, name, layer, version, accepts, lane, rollout, \
            json_schema, body, published FROM documents \
            WHERE product = $1 AND service = $2 AND name = $3 AND layer = $4 AND version = $5";
        let params = of(key, params![version]);
        let rows = self.db.read(FIND, params).await?;
        rows.first().map(document).transpose()
    }

    /// The versions of a document before one, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn document_history(
        &self,
        key: &DocumentKey,
        before: u64,
        limit: u32,
    ) -> Result<Vec<DocumentVersion>, StoreError> {
        const LIST: &str = "SELECT version, accepts, lane, CAST(LENGTH(body) AS BIGINT), published_at, published_by, \
            why, repeats, rollout, rollout_at, halted, kept FROM documents \
            WHERE product = $1 AND service = $2 AND name = $3 AND layer = $4 AND version < $5 \
            ORDER BY version DESC LIMIT $6";
        let params = of(key, params![before, limit]);
        let rows = self.db.read(LIST, params).await?;
        rows.iter().map(past).collect()
    }

    /// The versions that are on their way.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn spreading(&self) -> Result<Vec<Spreading>, StoreError> {
        const LIST: &str = "SELECT product, service, name, layer, version, rollout, rollout_at, witnesses \
            FROM documents WHERE kept = 1 AND rollout <> $1 \
            ORDER BY product, service, name, layer, version";
        // Nearly all versions are everywhere: those stay where they are.
        let everywhere = to_json(&Rollout::everywhere())?;
        let rows = self.db.read(LIST, params![everywhere]).await?;
        let all = rows.iter().map(|row| {
            Ok(Spreading {
                key: key(row, 0)?,
                version: row.count(4)?,
                rollout: rollout(row, 5)?,
                since: row.time(6)?,
                witnesses: from_json(row, 7, "witnesses")?,
            })
        });
        let is_on_its_way =
            |one: &Spreading| !one.rollout.is_everywhere() && !one.rollout.is_nowhere();
        all.filter(|one| one.as_ref().map_or(true, is_on_its_way))
            .collect()
    }
}

/// Adds to a change what a publication does to documents.
pub(crate) fn save_documents(
    change: Change,
    publication: &Publication,
    now: Timestamp,
) -> Result<Change, StoreError> {
    const ADD: &str = "INSERT INTO documents (product, service, name, version, accepts, lane, body, \
        published_at, rollout, rollout_at, json_schema, published_by, why, repeats, witnesses, layer, published) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    const SPREAD: &str = "UPDATE documents SET rollout = $6, rollout_at = $7, halted = $8 \
        WHERE product = $1 AND service = $2 AND name = $3 AND layer = $4 AND version = $5";
    const DROP: &str = "UPDATE documents SET kept = 0 \
        WHERE product = $1 AND service = $2 AND name = $3 AND layer = $4 AND version = $5";
    const FORGET: &str = "DELETE FROM documents \
        WHERE product = $1 AND service = $2 AND name = $3 AND layer = $4 AND version = $5";
    let documents = publication.document.iter();
    let documents = documents
        .map(|one| document_params(one, now))
        .collect::<Result<_, _>>()?;
    let spread = publication.spread.iter().map(|one| {
        let rollout = to_json(&one.rollout)?;
        Ok(of(
            &one.key,
            params![one.version, rollout, now, &one.halted],
        ))
    });
    let spread = spread.collect::<Result<Vec<_>, StoreError>>()?;
    let versions = |listed: &[(DocumentKey, u64)]| {
        let sets = listed
            .iter()
            .map(|(key, version)| of(key, params![*version]));
        sets.collect()
    };
    Ok(change
        .run_many(ADD, documents)
        .run_many(SPREAD, spread)
        .run_many(DROP, versions(&publication.dropped))
        .run_many(FORGET, versions(&publication.forgotten)))
}

/// A key in four columns.
pub(crate) fn key(row: &Row, from: usize) -> Result<DocumentKey, StoreError> {
    Ok(DocumentKey {
        product: row.parse(from, "product")?,
        service: row.parse(from + 1, "service")?,
        name: row.parse(from + 2, "document")?,
        layer: row.parse(from + 3, "layer")?,
    })
}

/// The four columns of a key, and what follows them.
pub(crate) fn of(key: &DocumentKey, mut rest: Vec<Value>) -> Vec<Value> {
    let mut params = params![&key.product, &key.service, &key.name, key.layer.to_string()];
    params.append(&mut rest);
    params
}

fn document_params(new: &NewVersion, now: Timestamp) -> Result<Vec<Value>, StoreError> {
    let document = &new.document;
    let key = &document.key;
    Ok(params![
        &key.product,
        &key.service,
        &key.name,
        document.version,
        document.accepts.to_string(),
        document.lane.as_str(),
        &document.body[..],
        now,
        to_json(&document.rollout)?,
        now,
        document.json_schema.as_deref(),
        &new.by,
        &new.why,
        new.repeats,
        to_json(&new.witnesses)?,
        key.layer.to_string(),
        document.published,
    ])
}

fn document(row: &Row) -> Result<Document, StoreError> {
    let schema = if row.is_null(8) {
        None
    } else {
        Some(row.str(8)?.into())
    };
    Ok(Document {
        key: key(row, 0)?,
        version: row.count(4)?,
        accepts: accepts(row, 5)?,
        lane: lane(row, 6)?,
        rollout: rollout(row, 7)?,
        json_schema: schema,
        published: row.count(10)?,
        body: row.bytes(9)?.to_vec(),
    })
}

fn past(row: &Row) -> Result<DocumentVersion, StoreError> {
    let repeats = if row.is_null(7) {
        None
    } else {
        Some(row.count(7)?)
    };
    Ok(DocumentVersion {
        version: row.count(0)?,
        accepts: accepts(row, 1)?,
        lane: lane(row, 2)?,
        bytes: row.count(3)?,
        published_at: row.time(4)?,
        by: row.text(5)?,
        why: row.text(6)?,
        repeats,
        rollout: rollout(row, 8)?,
        rollout_at: row.time(9)?,
        halted: row.text(10)?,
        is_kept: row.flag(11)?,
    })
}

fn accepts(row: &Row, at: usize) -> Result<VersionReq, StoreError> {
    let text = row.str(at)?;
    VersionReq::parse(text).map_err(|_| corrupt("version range", &text))
}

fn lane(row: &Row, at: usize) -> Result<Lane, StoreError> {
    let text = row.str(at)?;
    Lane::parse(text).ok_or_else(|| corrupt("lane", &text))
}

fn rollout(row: &Row, at: usize) -> Result<Rollout, StoreError> {
    from_json(row, at, "rollout")
}

fn from_json<T: DeserializeOwned>(
    row: &Row,
    at: usize,
    what: &'static str,
) -> Result<T, StoreError> {
    let text = row.str(at)?;
    serde_json::from_str(text).map_err(|_| corrupt(what, &text))
}

fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| corrupt("document", &e.to_string()))
}
