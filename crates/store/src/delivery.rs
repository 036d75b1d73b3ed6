//! The signed repository, agents, what they hold and what their sites refused.

use domain::document::DocumentKey;
use domain::enrolment::Bounds;
use domain::id::{AgentId, HolderId, SiteId};
use domain::name::Hostname;
use jiff::Timestamp;

use crate::db::{Change, Row, corrupt, params};
use crate::document::{NewVersion, Spread, key, of, save_documents};
use crate::layer::{StoredShard, save_shards};
use crate::notify::{Delivery, Page};
use crate::{AuditEntry, Holder, Store, StoreError};

/// Older versions of a role's file that are kept, for clients in the middle of an update.
pub const FILES_KEPT: u64 = 16;

/// The repository as it is stored.
#[derive(Clone, Debug)]
pub struct StoredRepository {
    /// Its version: the snapshot's.
    pub version: u64,
    /// Timestamp versions up to this one may have been signed.
    pub timestamps_reserved: u64,
    /// All kept files.
    pub files: Vec<RepositoryFile>,
}

/// A signed metadata file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryFile {
    /// The role that signed it.
    pub role: String,
    /// Its version.
    pub version: u64,
    /// JSON.
    pub body: Vec<u8>,
}

/// What a publication changes: all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct Publication {
    /// The repository version this one follows.
    pub follows: u64,
    /// The new version of a document, if there is one.
    pub document: Option<NewVersion>,
    /// Versions that spread further, or are taken back.
    pub spread: Vec<Spread>,
    /// Versions that no site reads any more; the history keeps them.
    pub dropped: Vec<(DocumentKey, u64)>,
    /// Versions that no site reads any more, and that nobody will ask for.
    pub forgotten: Vec<(DocumentKey, u64)>,
    /// What agents are told of sites from now on, where it changes.
    pub shards: Vec<StoredShard>,
    /// New metadata files.
    pub files: Vec<RepositoryFile>,
    /// What becomes of the keys that sign them.
    pub keys: KeyChange,
    /// The keys of sign-in that must not be retired, because settings that are published name them.
    pub signing_kids: Vec<String>,
    /// Calls to the people on duty because of it.
    pub pages: Vec<(Page, Vec<Delivery>)>,
}

/// Keys of the repository that come and go with a publication.
#[derive(Clone, Default)]
pub struct KeyChange {
    /// Kept from now on, by name, instead of those of these names.
    pub kept: Vec<(String, Vec<u8>)>,
    /// Forgotten.
    pub forgotten: Vec<String>,
}

/// No secret gets into a log.
impl std::fmt::Debug for KeyChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kept: Vec<_> = self.kept.iter().map(|(name, _)| name).collect();
        let mut written = f.debug_struct("KeyChange");
        written.field("kept", &kept);
        written.field("forgotten", &self.forgotten).finish()
    }
}

/// What a token for enrolling is good for, until it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enrolment {
    /// It enrols an agent of sites within these bounds.
    Fresh(Bounds),
    /// It enrolled one, whose own token is in use.
    Used {
        /// The agent.
        agent: AgentId,
        /// The SHA-256 of its token.
        token_hash: Vec<u8>,
    },
}

/// An agent, as it enrols.
#[derive(Clone, Debug)]
pub struct NewAgent {
    /// Its identifier.
    pub id: AgentId,
    /// Whoever holds its token.
    pub holder: Holder,
    /// The SHA-256 of its token.
    pub token_hash: [u8; 32],
    /// Its host, for people.
    pub host: String,
    /// The sites it serves.
    pub sites: Vec<SiteId>,
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAgent {
    /// Its identifier.
    pub id: AgentId,
    /// Whoever holds its token.
    pub holder: HolderId,
    /// Its host, for people.
    pub host: String,
}

/// What changed of what an agent says.
#[derive(Clone, Copy, Debug)]
pub struct AckChange<'a> {
    /// The versions of documents that it holds no more.
    pub gone: &'a [(DocumentKey, u64)],
    /// Those that it holds now; some may be known.
    pub new: &'a [(DocumentKey, u64)],
    /// All that its sites refuse, where that changed.
    pub refused: Option<&'a [Refusal]>,
}

/// One version of a document that an agent holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAck {
    /// The agent.
    pub agent: AgentId,
    /// The document.
    pub key: DocumentKey,
    /// Its version.
    pub version: u64,
}

/// A version of a document that a site refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The document.
    pub key: DocumentKey,
    /// Its version.
    pub version: u64,
    /// The site.
    pub site: Hostname,
    /// Why, in the site's words.
    pub reason: String,
}

const ADD_KEY: &str = "INSERT INTO repository_keys (name, sealed) VALUES ($1, $2)";
const ADD_FILE: &str = "INSERT INTO repository_files (role, version, body) VALUES ($1, $2, $3)";

impl Store {
    /// The repository; `None` before its first file.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn repository(&self) -> Result<Option<StoredRepository>, StoreError> {
        const STATE: &str = "SELECT version, timestamps_reserved FROM repository WHERE id = 1";
        const FILES: &str =
            "SELECT role, version, body FROM repository_files ORDER BY role, version";
        let rows = self.db.read(STATE, vec![]).await?;
        let Some(state) = rows.first() else {
            return Ok(None);
        };
        let (version, timestamps_reserved) = (state.count(0)?, state.count(1)?);
        let files = self.db.read(FILES, vec![]).await?;
        let files = files.iter().map(file).collect::<Result<_, _>>()?;
        Ok(Some(StoredRepository {
            version,
            timestamps_reserved,
            files,
        }))
    }

    /// Stores the repository's keys and first files. A conflict when there is one already.
    ///
    /// # Errors
    /// When the database or the sealing key fails.
    pub async fn found_repository(
        &self,
        keys: &[(&str, Vec<u8>)],
        files: &[RepositoryFile],
    ) -> Result<(), StoreError> {
        const STATE: &str = "INSERT INTO repository (id, version, timestamps_reserved) \
            VALUES (1, 1, 0) ON CONFLICT (id) DO NOTHING";
        let keys = keys
            .iter()
            .map(|(name, key)| Ok(params![*name, self.sealer.seal(&key_context(name), key)?]))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let change = Change::new()
            .run(STATE, vec![])
            .expect_rows(1)
            .run_many(ADD_KEY, keys)
            .run_many(ADD_FILE, files.iter().map(file_params).collect());
        self.db.write(change).await.map(drop)
    }

    /// The repository's keys by name, unsealed.
    ///
    /// # Errors
    /// When the database or the sealing key fails.
    pub async fn repository_keys(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let rows = self
            .db
            .read("SELECT name, sealed FROM repository_keys", vec![])
            .await?;
        rows.iter()
            .map(|row| {
                let name = row.text(0)?;
                let key = self.sealer.unseal(&key_context(&name), row.bytes(1)?)?;
                Ok((name, key))
            })
            .collect()
    }

    /// Keeps a key that nothing signs with yet. A conflict when there is one of that name.
    ///
    /// # Errors
    /// When the database or the sealing key fails.
    pub async fn add_repository_key(
        &self,
        name: &str,
        key: &[u8],
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const ADD: &str = "INSERT INTO repository_keys (name, sealed) VALUES ($1, $2) \
            ON CONFLICT (name) DO NOTHING";
        let sealed = self.sealer.seal(&key_context(name), key)?;
        let change = Change::new().run(ADD, params![name, sealed]);
        let change = change.expect_rows(1).audit(audit);
        self.db.write(change).await.map(drop)
    }

    /// Saves a publication and the metadata that carries it. A conflict when the repository has moved
    /// on, the version of the document is there already, or a key that it needs was retired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn publish(
        &self,
        publication: &Publication,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const MOVE: &str =
            "UPDATE repository SET version = version + 1 WHERE id = 1 AND version = $1";
        const FORGET: &str =
            "DELETE FROM repository_files WHERE role = $1 AND version < $2 AND role <> 'root'";
        let forget = publication
            .files
            .iter()
            .map(|file| params![&file.role, file.version.saturating_sub(FILES_KEPT)])
            .collect();
        // Written, not read: whoever retires the key at the same moment comes before or after.
        const NAME: &str =
            "UPDATE signing_keys SET state = state WHERE kid = $1 AND state <> 'retired'";
        let kids = &publication.signing_kids;
        let change = Change::new()
            .run(MOVE, params![publication.follows])
            .expect_rows(1)
            .run_many(NAME, kids.iter().map(|kid| params![kid]).collect())
            .expect_rows(kids.len() as u64);
        const FORGET_KEY: &str = "DELETE FROM repository_keys WHERE name = $1";
        let KeyChange { kept, forgotten } = &publication.keys;
        let gone = forgotten.iter().chain(kept.iter().map(|(name, _)| name));
        let gone = gone.map(|name| params![name]).collect();
        let kept = kept
            .iter()
            .map(|(name, key)| Ok(params![name, self.sealer.seal(&key_context(name), key)?]))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let change = save_documents(change, publication, now)?;
        let change = self.with_pages(change, &publication.pages)?;
        let change = save_shards(change, &publication.shards)
            .run_many(FORGET_KEY, gone)
            .run_many(ADD_KEY, kept)
            .run_many(
                ADD_FILE,
                publication.files.iter().map(file_params).collect(),
            )
            .run_many(FORGET, forget)
            .audit(audit);
        self.db.write(change).await.map(drop)
    }

    /// Reserves `count` timestamp versions; gives the first of them. Nobody else gets the same.
    ///
    /// # Errors
    /// When the database fails, or there is no repository.
    pub async fn reserve_timestamps(&self, count: u64) -> Result<u64, StoreError> {
        const RESERVE: &str = "UPDATE repository SET timestamps_reserved = timestamps_reserved + $1 \
            WHERE id = 1 RETURNING timestamps_reserved";
        let change = Change::new().run(RESERVE, params![count]).expect_rows(1);
        let outcomes = self.db.write(change).await?;
        let row = outcomes.first().and_then(|outcome| outcome.rows.first());
        let last = row
            .ok_or_else(|| corrupt("repository", &"no row"))?
            .count(0)?;
        Ok(last.saturating_sub(count) + 1)
    }

    /// Adds a token that enrols one agent, of these sites, until `expires_at`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_enrolment(
        &self,
        token_hash: &[u8; 32],
        bounds: &Bounds,
        expires_at: Timestamp,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const ADD: &str = "INSERT INTO enrolments (token_hash, bounds, made_at, expires_at) \
            VALUES ($1, $2, $3, $4)";
        let bounds = serde_json::to_string(bounds).unwrap_or_default();
        let params = params![&token_hash[..], bounds, audit.at, expires_at];
        self.db
            .write(Change::new().run(ADD, params).audit(audit))
            .await
            .map(drop)
    }

    /// What a token is good for at `now`; `None` when it is unknown or expired, or its agent's own was withdrawn.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enrolment(
        &self,
        token_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<Enrolment>, StoreError> {
        const FRESH: &str = "SELECT bounds FROM enrolments \
            WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2";
        const USED: &str = "SELECT a.id, h.token_hash FROM enrolments e JOIN agents a ON a.id = e.agent \
            JOIN holders h ON h.id = a.holder AND h.withdrawn_at IS NULL \
            WHERE e.token_hash = $1 AND e.expires_at > $2";
        let asked = || params![&token_hash[..], now];
        let fresh = self.db.read(FRESH, asked()).await?;
        if let Some(row) = fresh.first() {
            let bounds = serde_json::from_str(row.str(0)?);
            let bounds = bounds.map_err(|e| corrupt("bounds", &e.to_string()))?;
            return Ok(Some(Enrolment::Fresh(bounds)));
        }
        let used = |row: &Row| {
            Ok(Enrolment::Used {
                agent: row.id(0, AgentId::from_bytes)?,
                token_hash: row.bytes(1)?.to_vec(),
            })
        };
        let rows = self.db.read(USED, asked()).await?;
        rows.first().map(used).transpose()
    }

    /// Enrols an agent by a token that works once. A conflict when the token is unknown, used or
    /// expired, or the agent's own is somebody's already; nothing is changed then.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enrol(
        &self,
        enrolment_hash: &[u8; 32],
        agent: &NewAgent,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const USE: &str = "UPDATE enrolments SET used_at = $2, agent = $3 \
            WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2";
        const HOLDER: &str = "INSERT INTO holders (id, name, role, token_hash, created_at) \
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (token_hash) DO NOTHING";
        const AGENT: &str =
            "INSERT INTO agents (id, holder, host, enrolled_at) VALUES ($1, $2, $3, $4)";
        const SITE: &str = "INSERT INTO agent_sites (site, agent) VALUES ($1, $2) \
            ON CONFLICT (site) DO UPDATE SET agent = excluded.agent";
        let holder = &agent.holder;
        let hash = &agent.token_hash[..];
        let change = Change::new()
            .run(USE, params![&enrolment_hash[..], audit.at, agent.id])
            .expect_rows(1)
            .run(
                HOLDER,
                params![
                    holder.id,
                    &holder.name,
                    holder.role.as_str(),
                    hash,
                    audit.at
                ],
            )
            .expect_rows(1)
            .run(AGENT, params![agent.id, holder.id, &agent.host, audit.at])
            .run_many(
                SITE,
                agent
                    .sites
                    .iter()
                    .map(|site| params![*site, agent.id])
                    .collect(),
            )
            .audit(audit);
        self.db.write(change).await.map(drop)
    }

    /// All agents.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn agents(&self) -> Result<Vec<StoredAgent>, StoreError> {
        let rows = self
            .db
            .read("SELECT id, holder, host FROM agents ORDER BY id", vec![])
            .await?;
        rows.iter()
            .map(|row| {
                let id = row.id(0, AgentId::from_bytes)?;
                let holder = row.id(1, HolderId::from_bytes)?;
                Ok(StoredAgent {
                    id,
                    holder,
                    host: row.text(2)?,
                })
            })
            .collect()
    }

    /// The agent of every site that has one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn agent_sites(&self) -> Result<Vec<(SiteId, AgentId)>, StoreError> {
        let rows = self
            .db
            .read("SELECT site, agent FROM agent_sites", vec![])
            .await?;
        rows.iter()
            .map(|row| {
                Ok((
                    row.id(0, SiteId::from_bytes)?,
                    row.id(1, AgentId::from_bytes)?,
                ))
            })
            .collect()
    }

    fn with_pages(
        &self,
        change: Change,
        pages: &[(Page, Vec<Delivery>)],
    ) -> Result<Change, StoreError> {
        let mut pages = pages.iter();
        pages.try_fold(change, |change, (page, deliveries)| {
            self.with_page(change, page, deliveries)
        })
    }

    /// Saves what changed of what an agent holds, and what its sites refused, and calls people because of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_acks(
        &self,
        agent: AgentId,
        said: &AckChange<'_>,
        pages: &[(Page, Vec<Delivery>)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const REMOVE: &str = "DELETE FROM acks WHERE product = $1 AND service = $2 AND name = $3 \
            AND layer = $4 AND agent = $5 AND version = $6";
        const ADD: &str = "INSERT INTO acks (product, service, name, layer, agent, version, acked_at) \
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
        const CLEAR_REFUSED: &str = "DELETE FROM refusals WHERE agent = $1";
        const REFUSE: &str = "INSERT INTO refusals (product, service, name, layer, agent, site, version, \
            reason, refused_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let gone = said.gone.iter();
        let gone = gone.map(|(key, version)| of(key, params![agent, *version]));
        let new = said.new.iter();
        let new = new.map(|(key, version)| of(key, params![agent, *version, now]));
        let refusals = said.refused.unwrap_or_default().iter().map(|one| {
            of(
                &one.key,
                params![agent, &one.site, one.version, &one.reason, now],
            )
        });
        let mut change = Change::new()
            .run_many(REMOVE, gone.collect())
            .run_many(ADD, new.collect());
        if said.refused.is_some() {
            change = change
                .run(CLEAR_REFUSED, params![agent])
                .run_many(REFUSE, refusals.collect());
        }
        let change = self.with_pages(change, pages)?;
        self.db.write(change).await.map(drop)
    }

    /// What every agent's sites refused.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn refusals(&self) -> Result<Vec<(AgentId, Refusal)>, StoreError> {
        const LIST: &str = "SELECT agent, product, service, name, layer, version, site, reason FROM refusals \
            ORDER BY agent, product, service, name, layer, version, site";
        let rows = self.db.read(LIST, vec![]).await?;
        rows.iter()
            .map(|row| {
                let refusal = Refusal {
                    key: key(row, 1)?,
                    version: row.count(5)?,
                    site: row.parse(6, "site")?,
                    reason: row.text(7)?,
                };
                Ok((row.id(0, AgentId::from_bytes)?, refusal))
            })
            .collect()
    }

    /// What every agent holds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn acks(&self) -> Result<Vec<StoredAck>, StoreError> {
        const LIST: &str = "SELECT agent, product, service, name, layer, version FROM acks";
        let rows = self.db.read(LIST, vec![]).await?;
        rows.iter()
            .map(|row| {
                let agent = row.id(0, AgentId::from_bytes)?;
                Ok(StoredAck {
                    agent,
                    key: key(row, 1)?,
                    version: row.count(5)?,
                })
            })
            .collect()
    }
}

fn key_context(name: &str) -> String {
    format!("repository key {name}")
}

fn file(row: &Row) -> Result<RepositoryFile, StoreError> {
    let body = row.bytes(2)?.to_vec();
    Ok(RepositoryFile {
        role: row.text(0)?,
        version: row.count(1)?,
        body,
    })
}

fn file_params(file: &RepositoryFile) -> Vec<crate::db::Value> {
    params![&file.role, file.version, &file.body[..]]
}
