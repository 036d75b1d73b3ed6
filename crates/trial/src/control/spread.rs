//! What becomes of versions that are on their way.

use std::sync::Arc;

use domain::document::{Document, DocumentKey};
use domain::rollout::{Next, Rollout, Seen};
use engine::rules;
use jiff::Timestamp;
use protocol::delivery::{Held, Push};
use store::Spread;

use super::{Changed, Control, ControlBug, Told};

impl Control {
    /// Goes on with versions that are on their way; gives what is pushed, and what was done.
    pub(crate) fn spread(&mut self, now: Timestamp) -> Told<Vec<(Push, &'static str)>> {
        let mut pushes = vec![];
        for one in self.on_their_way() {
            let seen = self.seen(&one, now);
            let (rollout, what) = match one.rollout.decide(&seen) {
                Next::Wait(_) => continue,
                Next::Advance(rollout) => (rollout, "a wave went on"),
                Next::Halt(_) => (Rollout::nowhere(), "a rollout was halted"),
            };
            let spread = Spread {
                key: one.key.clone(),
                version: one.version,
                halted: String::new(),
                rollout,
            };
            self.since.insert((one.key.clone(), one.version), now);
            let changed = Changed {
                spread: vec![spread],
                ..Changed::default()
            };
            let push = self.commit(changed, now, false)?;
            pushes.extend(push.map(|push| (push, what)));
        }
        Ok(pushes)
    }

    /// How many sites refused a version, as far as is known here.
    pub(crate) fn refused(&self, key: &DocumentKey, version: u64) -> usize {
        let all = self.refusals.values().flatten();
        all.filter(|one| one.held.key == *key && one.held.version == version)
            .count()
    }

    fn seen(&self, one: &Document, now: Timestamp) -> Seen {
        let held = Held {
            key: one.key.clone(),
            version: one.version,
        };
        let own = self
            .sites
            .iter()
            .filter(|(_, site)| site.product == one.key.product && self.is_heard(site.agent, now));
        let facts = self.told_facts.get(&one.key.product);
        let own = own.filter(|(hostname, _)| {
            let facts = facts.and_then(|all| all.get(*hostname));
            one.key.layer.is_base()
                || facts.is_some_and(|facts| facts.has(hostname, &one.key.layer))
        });
        let own = own.map(|(hostname, site)| {
            let acks = self.acks.get(&crate::fleet::agent_id(site.agent));
            let holds = acks.is_some_and(|acks| acks.contains(&held));
            (hostname, &site.running, holds)
        });
        let (sites, held) = rules::count_given(one, own);
        let refused = match self.bug {
            Some(ControlBug::IgnoreRefusals) => 0,
            _ => self.refused(&one.key, one.version),
        };
        let since = self.since.get(&(one.key.clone(), one.version));
        Seen {
            sites,
            held,
            refused,
            canaries_work: 0,
            canaries_fail: 0,
            canaries: 0,
            waited: now.duration_since(since.copied().unwrap_or(now)),
        }
    }

    /// Somebody takes a version that is on its way back from all sites, or gives it to all of them now.
    pub(crate) fn end_rollout(
        &mut self,
        (key, version): (&DocumentKey, u64),
        rollout: Rollout,
        now: Timestamp,
    ) -> Told<Option<Push>> {
        let spread = Spread {
            key: key.clone(),
            version,
            halted: String::new(),
            rollout,
        };
        let changed = Changed {
            spread: vec![spread],
            ..Changed::default()
        };
        self.commit(changed, now, false)
    }

    /// The versions that are on their way.
    pub(crate) fn on_their_way(&self) -> Vec<Arc<Document>> {
        let all = self.repository.documents().values().flatten();
        let spreading = all.filter(|one| !one.rollout.is_everywhere() && !one.rollout.is_nowhere());
        spreading.cloned().collect()
    }
}
