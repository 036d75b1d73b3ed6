//! How campaigns go, for those who watch or wait: their course so far, the pace now, and when it is
//! a site's turn. Never paces.

use domain::campaign::State;
use domain::id::CampaignId;
use jiff::{SignedDuration, Timestamp};
use store::CampaignRow;

use crate::{Engine, EngineError, Sample};

/// About how many stretches a course is told in: as many as a chart shows apart.
const STRETCHES: i64 = 60;
/// The shortest stretch, in seconds.
const STRETCH_SECONDS_MIN: i64 = 10;

/// How a campaign went until now, or until it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// When it was started.
    pub from: Timestamp,
    /// Now, or when it ended.
    pub until: Timestamp,
    /// How long each stretch is, in seconds.
    pub stretch_seconds: i64,
    /// Sites proved in each stretch, in order.
    pub proved: Vec<u64>,
    /// What is known of its origin in that time.
    pub origin: Vec<Sample>,
}

/// Where a site stands in the line of a campaign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    /// Sites that are begun before it.
    pub ahead: u64,
    /// Whether the campaign goes on; else a person or it itself has stopped it.
    pub is_running: bool,
    /// Sites settled per second lately, once measured.
    pub per_second: Option<f64>,
}

impl Engine {
    /// The course of a campaign; nothing before its start.
    ///
    /// # Errors
    /// When there is no such campaign, or the store fails.
    pub async fn campaign_course(&self, id: CampaignId) -> Result<Option<Course>, EngineError> {
        let campaign = self.campaign(id).await?;
        let Some(from) = campaign.started_at else {
            return Ok(None);
        };
        let until = match campaign.state {
            State::Finished { at } | State::Aborted { at } | State::Halted { at, .. } => at,
            _ => self.clock().now(),
        };
        let until = until.max(from);
        let stretch = stretch(until.duration_since(from));
        let counts = self.store().verified_by_stretch(id, from, stretch).await?;
        let last = until.duration_since(from).as_secs() / stretch.as_secs();
        let mut proved = vec![0; usize::try_from(last + 1).unwrap_or(0)];
        for (number, sites) in counts {
            // What was proved after a halt belongs to its end.
            let number = number.min(proved.len().saturating_sub(1));
            if let Some(slot) = proved.get_mut(number) {
                *slot += sites;
            }
        }
        let product = &campaign.order.selection.product;
        Ok(Some(Course {
            from,
            until,
            stretch_seconds: stretch.as_secs(),
            proved,
            origin: self.0.roll_out.origin_between(product, from, until),
        }))
    }

    /// Sites that running campaigns settle per second, measured lately; nothing when none runs.
    /// From memory.
    #[must_use]
    pub fn settled_per_second(&self) -> Option<f64> {
        let moving = self.0.roll_out.moving();
        (!moving.is_empty()).then(|| {
            let each = moving.iter().map(|(_, status)| status.settled_per_second);
            each.sum()
        })
    }

    /// When it is the turn of a site that waits in a campaign; nothing when it does not wait, or
    /// the campaign was never started or is over.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn turn(&self, row: &CampaignRow) -> Result<Option<Turn>, EngineError> {
        if !matches!(row.progress, domain::campaign::row::Row::Waiting) {
            return Ok(None);
        }
        let campaign = self.campaign(row.campaign).await?;
        let is_running = match campaign.state {
            State::Running => true,
            State::Paused | State::Halted { .. } => false,
            _ => return Ok(None),
        };
        let product = &campaign.order.selection.product;
        let origin = self.0.roll_out.origin_status(product);
        Ok(Some(Turn {
            ahead: self
                .store()
                .waiting_before(row.campaign, row.position)
                .await?,
            is_running,
            per_second: origin
                .filter(|origin| is_running && origin.moving)
                .map(|origin| origin.settled_per_second),
        }))
    }
}

/// A stretch that divides `whole` into about [`STRETCHES`]: 10 or 30 seconds, or whole minutes.
fn stretch(whole: SignedDuration) -> SignedDuration {
    let seconds = (whole.as_secs() / STRETCHES).max(STRETCH_SECONDS_MIN);
    let round = match seconds {
        ..=10 => 10,
        11..=30 => 30,
        _ => (seconds + 59) / 60 * 60,
    };
    SignedDuration::from_secs(round)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_round() {
        let of = |minutes| stretch(SignedDuration::from_mins(minutes)).as_secs();
        assert_eq!(
            [of(0), of(5), of(20), of(55), of(64), of(300)],
            [10, 10, 30, 60, 120, 300]
        );
    }
}
