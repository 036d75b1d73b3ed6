//! What agents say in parts, until the last part came. In memory: who is not heard to the end says all of it again.

use std::collections::HashMap;

use domain::id::AgentId;
use protocol::delivery::{Held, Part, Refused};

/// What an agent says of documents.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// What it holds.
    pub(super) held: Vec<Held>,
    /// What its sites refused.
    pub(super) refused: Vec<Refused>,
}

/// What is gathered, by agent. Bounded by the parts of one agent, and the versions and refusals of one part.
#[derive(Default)]
pub(crate) struct Parts(HashMap<AgentId, Gathered>);

struct Gathered {
    repository: u64,
    last: Part,
    said: Said,
}

/// A part before this one is missing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OutOfTurn;

impl Parts {
    /// Takes a part; all that was said when it is the last one. The first begins anew, whatever came before it: an
    /// agent that was cut off, or holds something else by now, starts again.
    pub(super) fn take(
        &mut self,
        agent: AgentId,
        repository: u64,
        part: Part,
        said: Said,
    ) -> Result<Option<Said>, OutOfTurn> {
        let before = self.0.remove(&agent);
        let mut all = match before {
            _ if part.number == 1 => Said::default(),
            Some(before) if before.is_followed_by(repository, part) => before.said,
            _ => return Err(OutOfTurn),
        };
        all.held.extend(said.held);
        all.refused.extend(said.refused);
        if part.number == part.of {
            return Ok(Some(all));
        }
        let gathered = Gathered {
            repository,
            last: part,
            said: all,
        };
        self.0.insert(agent, gathered);
        Ok(None)
    }

    /// The agent said all at once.
    pub(super) fn forget(&mut self, agent: AgentId) {
        self.0.remove(&agent);
    }
}

impl Gathered {
    /// Parts of two tellings make none: what was dropped in between would count as held.
    fn is_followed_by(&self, repository: u64, part: Part) -> bool {
        let next = Part {
            number: self.last.number + 1,
            ..self.last
        };
        repository == self.repository && part == next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(version: u64) -> Held {
        let key = serde_json::json!({"product": "web", "service": "app", "name": "links", "version": version});
        serde_json::from_value(key).unwrap()
    }

    fn said(version: u64) -> Said {
        let refused = Refused {
            site: "a.example".parse().unwrap(),
            held: held(version),
            reason: String::new(),
        };
        Said {
            held: vec![held(version)],
            refused: vec![refused],
        }
    }

    fn versions(all: &Said) -> Vec<u64> {
        let held: Vec<_> = all.held.iter().map(|one| one.version).collect();
        let refused: Vec<_> = all.refused.iter().map(|one| one.held.version).collect();
        assert_eq!(held, refused);
        held
    }

    /// Parts as `(repository, number, of)`; each holds one version, named by its place.
    fn told(parts: &[(u64, u32, u32)]) -> Vec<Result<Option<Vec<u64>>, OutOfTurn>> {
        let (mut all, agent) = (Parts::default(), AgentId::from_bytes(&[1; 16]).unwrap());
        let take = |(at, (repository, number, of)): (usize, &(u64, u32, u32))| {
            let part = Part {
                number: *number,
                of: *of,
            };
            let version = at as u64 + 1;
            let taken = all.take(agent, *repository, part, said(version));
            taken.map(|all| all.map(|all| versions(&all)))
        };
        parts.iter().enumerate().map(take).collect()
    }

    #[test]
    fn all_parts_count_with_the_last_one_and_a_first_one_begins_anew() {
        let (wait, all) = (|| Ok(None), |all: &[u64]| Ok(Some(all.to_vec())));
        assert_eq!(told(&[(7, 1, 1)]), [all(&[1])]);
        let three = [(7, 1, 3), (7, 2, 3), (7, 3, 3)];
        assert_eq!(told(&three), [wait(), wait(), all(&[1, 2, 3])]);
        let again = [(7, 1, 3), (7, 2, 3), (8, 1, 2), (8, 2, 2)];
        assert_eq!(told(&again), [wait(), wait(), wait(), all(&[3, 4])]);
    }

    #[test]
    fn parts_of_two_tellings_are_not_put_together() {
        for second in [(7, 3, 3), (7, 2, 2), (8, 2, 3)] {
            let parts = [(7, 1, 3), second, (7, 2, 3)];
            assert_eq!(
                told(&parts),
                [Ok(None), Err(OutOfTurn), Err(OutOfTurn)],
                "{second:?}"
            );
        }
        assert_eq!(told(&[(7, 2, 2)]), [Err(OutOfTurn)]);
    }
}
