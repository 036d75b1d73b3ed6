//! Campaigns and their rows. A claim is one atomic change; an answer counts only under the fence
//! of the claim that holds the row.

use domain::campaign::halt::Tally;
use domain::campaign::pace::Pace;
use domain::campaign::plan::Plan;
use domain::campaign::row::Row as Progress;
use domain::campaign::{Campaign, Order, State};
use domain::id::{CampaignId, SiteId};
use jiff::{SignedDuration, Timestamp};

use crate::db::{Change, Row, corrupt, params};
use crate::{AuditEntry, Store, StoreError};

/// A campaign that is not stored yet.
#[derive(Clone, Debug)]
pub struct NewCampaign<'a> {
    /// Its identifier.
    pub id: CampaignId,
    /// What was asked for.
    pub order: &'a Order,
    /// Its waves and their sites.
    pub plan: &'a Plan,
    /// When.
    pub at: Timestamp,
}

/// Sites taken on under one fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The fence that answers must carry.
    pub fence: u64,
    /// The sites, each with how often it was tried, this time included.
    pub sites: Vec<(SiteId, u32)>,
}

/// One site of one campaign, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignRow {
    /// The campaign.
    pub campaign: CampaignId,
    /// The site.
    pub site: SiteId,
    /// Its wave; counts from 0.
    pub wave: usize,
    /// Its place in the campaign's order.
    pub position: u64,
    /// How far it is.
    pub progress: Progress,
    /// How often it was tried.
    pub tries: u32,
    /// What went wrong last, or empty.
    pub reason: String,
    /// When it changed last.
    pub changed_at: Timestamp,
}

/// Rows of one wave in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowCount {
    /// The wave; counts from 0.
    pub wave: usize,
    /// The state's word, as `Row::as_str` gives it.
    pub state: String,
    /// How many.
    pub rows: u64,
}

/// An answer about one row, under the fence of its claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The site took the action.
    Acted,
    /// A probe signed in.
    Verified,
    /// This try failed, and another follows.
    Again {
        /// Why it failed.
        reason: String,
    },
    /// Given up.
    Failed {
        /// Why the last try failed.
        reason: String,
    },
}

/// Both lists of columns are literals, because a statement's text must be known when compiling.
macro_rules! campaigns {
    ($rest:literal) => {
        concat!(
            "SELECT id, asked, generation, waves, wave, detail, created_at, started_at, ",
            "rate_per_second, accepted_verified, accepted_failed FROM campaigns ",
            $rest
        )
    };
}
macro_rules! rows {
    ($rest:literal) => {
        concat!(
            "SELECT campaign, site, wave, position, state, fence, tries, reason, changed_at ",
            "FROM campaign_sites ",
            $rest
        )
    };
}

impl Store {
    /// Stores a campaign with a row for each site, planned; its generation is the store's next.
    ///
    /// # Errors
    /// When the database fails, or another campaign was stored at the same instant.
    pub async fn create_campaign(
        &self,
        new: &NewCampaign<'_>,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const CAMPAIGN: &str = "INSERT INTO campaigns (id, generation, asked, incident, waves, wave, \
            state, detail, created_at, started_at, rate_per_second, accepted_verified, \
            accepted_failed, fence) VALUES ($1, \
            (SELECT coalesce(max(generation), 0) + 1 FROM campaigns), \
            $2, $3, $4, 0, $5, $6, $7, NULL, 0, 0, 0, 0)";
        const SITE: &str = "INSERT INTO campaign_sites (campaign, site, wave, position, state, fence, \
            tries, changed_at, reason) VALUES ($1, $2, $3, $4, 'waiting', 0, 0, $5, '')";
        let names: Vec<_> = new.plan.waves.iter().map(|wave| &wave.name).collect();
        let planned = State::Planned;
        let campaign = params![
            new.id,
            json(new.order),
            new.order.incident,
            json(&names),
            planned.as_str(),
            json(&planned),
            new.at,
        ];
        let sites = new.plan.waves.iter().enumerate();
        let sites = sites.flat_map(|(wave, one)| one.sites.iter().map(move |site| (wave, *site)));
        let sites = sites.enumerate();
        let sites = sites
            .map(|(at, (wave, site))| params![new.id, site, wave, at, new.at])
            .collect();
        let change = Change::new()
            .run(CAMPAIGN, campaign)
            .run_many(SITE, sites)
            .audit(audit);
        self.db.write(change).await.map(drop)
    }

    /// A campaign.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn campaign(&self, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
        const FIND: &str = campaigns!("WHERE id = $1");
        self.db
            .read(FIND, params![id])
            .await?
            .first()
            .map(campaign)
            .transpose()
    }

    /// Campaigns that are running, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn running_campaigns(&self) -> Result<Vec<Campaign>, StoreError> {
        const LIST: &str = campaigns!("WHERE state = 'running' ORDER BY generation");
        self.db
            .read(LIST, vec![])
            .await?
            .iter()
            .map(campaign)
            .collect()
    }

    /// The newest campaigns, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn campaigns(&self, limit: u32) -> Result<Vec<Campaign>, StoreError> {
        const LIST: &str = campaigns!("ORDER BY generation DESC LIMIT $1");
        self.db
            .read(LIST, params![limit])
            .await?
            .iter()
            .map(campaign)
            .collect()
    }

    /// Moves a campaign from one state to another. An abort leaves waiting sites alone; a resume
    /// accepts `accepted`, the outcomes of the current wave so far.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is not in state `from` any more; else when the database fails.
    pub async fn move_campaign(
        &self,
        id: CampaignId,
        from: &State,
        to: &State,
        accepted: Option<Tally>,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const MOVE: &str = "UPDATE campaigns SET state = $3, detail = $4, \
            started_at = CASE WHEN state = 'planned' AND $3 = 'running' THEN $5 ELSE started_at END \
            WHERE id = $1 AND state = $2";
        const ACCEPT: &str =
            "UPDATE campaigns SET accepted_verified = $2, accepted_failed = $3 WHERE id = $1";
        const SKIP: &str = "UPDATE campaign_sites SET state = 'skipped', changed_at = $2 \
            WHERE campaign = $1 AND state = 'waiting'";
        let moved = params![id, from.as_str(), to.as_str(), json(to), audit.at];
        let mut change = Change::new().run(MOVE, moved).expect_rows(1);
        if let Some(Tally { verified, failed }) = accepted {
            change = change.run(ACCEPT, params![id, verified, failed]);
        }
        if matches!(to, State::Aborted { .. }) {
            change = change.run(SKIP, params![id, audit.at]);
        }
        self.db.write(change.audit(audit)).await.map(drop)
    }

    /// Moves a running campaign from wave number `wave` to the next.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is not running that wave; else when the database fails.
    pub async fn advance_campaign(&self, id: CampaignId, wave: usize) -> Result<(), StoreError> {
        const ADVANCE: &str = "UPDATE campaigns SET wave = wave + 1, accepted_verified = 0, \
            accepted_failed = 0 WHERE id = $1 AND wave = $2 AND state = 'running'";
        let change = Change::new().run(ADVANCE, params![id, wave]).expect_rows(1);
        self.db.write(change).await.map(drop)
    }

    /// Keeps the rate a campaign has, for a pacer that starts again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_campaign_rate(
        &self,
        id: CampaignId,
        sites_per_second: f64,
    ) -> Result<(), StoreError> {
        const SAVE: &str = "UPDATE campaigns SET rate_per_second = $2 WHERE id = $1";
        self.db
            .write(Change::new().run(SAVE, params![id, sites_per_second]))
            .await
            .map(drop)
    }

    /// Changes how a campaign that is not over is paced.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is over; else when the database fails.
    pub async fn save_campaign_pace(
        &self,
        campaign: &Campaign,
        pace: Pace,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const SAVE: &str = "UPDATE campaigns SET asked = $2 WHERE id = $1 \
            AND state NOT IN ('finished', 'aborted')";
        let order = Order {
            pace,
            ..campaign.order.clone()
        };
        let change = Change::new()
            .run(SAVE, params![campaign.id, json(&order)])
            .expect_rows(1);
        self.db.write(change.audit(audit)).await.map(drop)
    }

    /// Takes on the next waiting sites of a running campaign's current wave, at most `limit`, under
    /// a fence that no claim had before.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the campaign is not running; else when the database fails.
    pub async fn claim(
        &self,
        id: CampaignId,
        limit: usize,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        // The campaign's row is changed first: it orders the claims of several processes, so that
        // the second statement never sees sites that another claim is taking.
        const TAKE: &str = "UPDATE campaign_sites SET state = 'sent', tries = tries + 1, \
            changed_at = $2, fence = (SELECT fence FROM campaigns WHERE id = $1) \
            WHERE campaign = $1 AND state = 'waiting' AND site IN (\
              SELECT site FROM campaign_sites WHERE campaign = $1 AND state = 'waiting' \
              AND wave = (SELECT wave FROM campaigns WHERE id = $1) ORDER BY position LIMIT $3) \
            RETURNING site, tries, fence";
        self.take(id, TAKE, params![id, now, limit]).await
    }

    /// Takes over every site that was begun and not settled, from claims of a process that died.
    /// The old claims' answers do not count any more.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the campaign is not running; else when the database fails.
    pub async fn take_over(&self, id: CampaignId, now: Timestamp) -> Result<Claim, StoreError> {
        const TAKE: &str = "UPDATE campaign_sites SET state = 'sent', changed_at = $2, \
            fence = (SELECT fence FROM campaigns WHERE id = $1) \
            WHERE campaign = $1 AND state IN ('sent', 'acted') RETURNING site, tries, fence";
        self.take(id, TAKE, params![id, now]).await
    }

    async fn take(
        &self,
        id: CampaignId,
        sql: &'static str,
        params: Vec<crate::db::Value>,
    ) -> Result<Claim, StoreError> {
        const FENCE: &str = "UPDATE campaigns SET fence = fence + 1 \
            WHERE id = $1 AND state = 'running' RETURNING fence";
        let change = Change::new()
            .run(FENCE, params![id])
            .expect_rows(1)
            .run(sql, params);
        let outcomes = self.db.write(change).await?;
        let fence = outcomes.first().and_then(|one| one.rows.first());
        let fence = fence.map_or(Ok(0), |row| row.count(0))?;
        let rows = outcomes.last().map_or(&[][..], |outcome| &outcome.rows);
        let sites = rows
            .iter()
            .map(|row| Ok((row.id(0, SiteId::from_bytes)?, count32(row, 1)?)));
        Ok(Claim {
            fence,
            sites: sites.collect::<Result<_, StoreError>>()?,
        })
    }

    /// Saves an answer about a site. False when it does not count: the row is settled, or held
    /// under another fence.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn answer(
        &self,
        id: CampaignId,
        site: SiteId,
        fence: u64,
        answer: &Answer,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        const ACTED: &str = "UPDATE campaign_sites SET state = 'acted', changed_at = $4 \
            WHERE campaign = $1 AND site = $2 AND fence = $3 AND state IN ('sent', 'acted')";
        const VERIFIED: &str = "UPDATE campaign_sites SET state = 'verified', changed_at = $4, \
            reason = '' WHERE campaign = $1 AND site = $2 AND fence = $3 \
            AND state IN ('sent', 'acted')";
        const AGAIN: &str = "UPDATE campaign_sites SET state = 'sent', tries = tries + 1, \
            changed_at = $4, reason = $5 WHERE campaign = $1 AND site = $2 AND fence = $3 \
            AND state IN ('sent', 'acted')";
        const FAILED: &str = "UPDATE campaign_sites SET state = 'failed', changed_at = $4, \
            reason = $5 WHERE campaign = $1 AND site = $2 AND fence = $3 \
            AND state IN ('sent', 'acted')";
        let mut params = params![id, site, fence, now];
        let sql = match answer {
            Answer::Acted => ACTED,
            Answer::Verified => VERIFIED,
            Answer::Again { reason } => {
                params.push(reason.into());
                AGAIN
            }
            Answer::Failed { reason } => {
                params.push(reason.into());
                FAILED
            }
        };
        let outcomes = self.db.write(Change::new().run(sql, params)).await?;
        Ok(outcomes
            .first()
            .is_some_and(|outcome| outcome.affected == 1))
    }

    /// How many rows of a campaign are in each state, by wave.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn campaign_counts(&self, id: CampaignId) -> Result<Vec<RowCount>, StoreError> {
        const COUNT: &str = "SELECT wave, state, count(*) FROM campaign_sites WHERE campaign = $1 \
            GROUP BY wave, state ORDER BY wave, state";
        let rows = self.db.read(COUNT, params![id]).await?;
        rows.iter()
            .map(|row| {
                Ok(RowCount {
                    wave: place(row, 0)?,
                    state: row.text(1)?,
                    rows: row.count(2)?,
                })
            })
            .collect()
    }

    /// Rows of a campaign from `position` on, in its order, at most `limit`; of one state if given.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn campaign_rows(
        &self,
        id: CampaignId,
        state: Option<&str>,
        position: u64,
        limit: u32,
    ) -> Result<Vec<CampaignRow>, StoreError> {
        const LIST: &str = rows!(
            "WHERE campaign = $1 AND position >= $2 \
            AND ($3 = '' OR state = $3) ORDER BY position LIMIT $4"
        );
        let params = params![id, position, state.unwrap_or(""), limit];
        self.db
            .read(LIST, params)
            .await?
            .iter()
            .map(campaign_row)
            .collect()
    }

    /// How many sites of a campaign were verified in each stretch of time since `from`: the number
    /// of the stretch, from 0, and the sites; those without any are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn verified_by_stretch(
        &self,
        id: CampaignId,
        from: Timestamp,
        stretch: SignedDuration,
    ) -> Result<Vec<(usize, u64)>, StoreError> {
        const COUNT: &str = "SELECT (changed_at - $2) / $3, count(*) FROM campaign_sites \
            WHERE campaign = $1 AND state = 'verified' AND changed_at >= $2 \
            GROUP BY 1 ORDER BY 1";
        let milliseconds = stretch.as_millis().max(1) as i64;
        let rows = self.db.read(COUNT, params![id, from, milliseconds]).await?;
        rows.iter()
            .map(|row| Ok((place(row, 0)?, row.count(1)?)))
            .collect()
    }

    /// How many sites of a campaign were asked to act since a moment, and are not known to have done it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sites_asked_since(
        &self,
        id: CampaignId,
        since: Timestamp,
    ) -> Result<u64, StoreError> {
        const COUNT: &str = "SELECT count(*) FROM campaign_sites WHERE campaign = $1 \
            AND state IN ('sent', 'acted', 'failed') AND changed_at >= $2";
        let rows = self.db.read(COUNT, params![id, since]).await?;
        rows.first().map_or(Ok(0), |row| row.count(0))
    }

    /// How many sites wait in a campaign before the one at `position`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn waiting_before(&self, id: CampaignId, position: u64) -> Result<u64, StoreError> {
        const COUNT: &str = "SELECT count(*) FROM campaign_sites \
            WHERE campaign = $1 AND state = 'waiting' AND position < $2";
        let rows = self.db.read(COUNT, params![id, position]).await?;
        rows.first().map_or(Ok(0), |row| row.count(0))
    }

    /// What campaigns did to a site, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rows_of_site(
        &self,
        site: SiteId,
        limit: u32,
    ) -> Result<Vec<CampaignRow>, StoreError> {
        const LIST: &str = rows!("WHERE site = $1 ORDER BY changed_at DESC LIMIT $2");
        self.db
            .read(LIST, params![site, limit])
            .await?
            .iter()
            .map(campaign_row)
            .collect()
    }
}

fn json(value: &impl serde::Serialize) -> String {
    // Our own plain types: none of them can fail to become JSON.
    serde_json::to_string(value).unwrap_or_default()
}

fn read<T: serde::de::DeserializeOwned>(
    row: &Row,
    column: usize,
    what: &'static str,
) -> Result<T, StoreError> {
    serde_json::from_str(row.str(column)?).map_err(|e| corrupt(what, &e.to_string()))
}

fn place(row: &Row, column: usize) -> Result<usize, StoreError> {
    let value = row.count(column)?;
    usize::try_from(value).map_err(|_| corrupt("wave", &value))
}

fn count32(row: &Row, column: usize) -> Result<u32, StoreError> {
    let value = row.count(column)?;
    u32::try_from(value).map_err(|_| corrupt("count", &value))
}

fn campaign(row: &Row) -> Result<Campaign, StoreError> {
    Ok(Campaign {
        id: row.id(0, CampaignId::from_bytes)?,
        order: read(row, 1, "campaign order")?,
        generation: row.count(2)?,
        waves: read(row, 3, "campaign waves")?,
        wave: place(row, 4)?,
        state: read(row, 5, "campaign state")?,
        created_at: row.time(6)?,
        started_at: row.optional(7, |row| row.time(7))?,
        rate_per_second: row.real(8)?,
        accepted: Tally {
            verified: row.count(9)?,
            failed: row.count(10)?,
        },
    })
}

fn campaign_row(row: &Row) -> Result<CampaignRow, StoreError> {
    let (fence, at, tries) = (row.count(5)?, row.time(8)?, count32(row, 6)?);
    let reason = row.text(7)?;
    let progress = match row.str(4)? {
        "waiting" => Progress::Waiting,
        "sent" => Progress::Sent { fence, at },
        "acted" => Progress::Acted { fence, at },
        "verified" => Progress::Verified { at },
        "failed" => Progress::Failed {
            reason: reason.clone(),
            tries,
        },
        "skipped" => Progress::Skipped,
        other => return Err(corrupt("campaign row state", &other)),
    };
    Ok(CampaignRow {
        campaign: row.id(0, CampaignId::from_bytes)?,
        site: row.id(1, SiteId::from_bytes)?,
        wave: place(row, 2)?,
        position: row.count(3)?,
        progress,
        tries,
        reason,
        changed_at: at,
    })
}
