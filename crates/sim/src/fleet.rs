//! The fleet as the vendor's own systems know it: read from the same file that is imported.
//! Never asks Lamplighter.

use std::collections::HashMap;
use std::sync::Arc;

use domain::name::Hostname;
use domain::site::import::{BadLine, Defaults, NewSite};

use crate::chance::Chance;

/// Sites, and who signs in where.
pub struct Fleet {
    sites: Vec<NewSite>,
    by_hostname: HashMap<Hostname, u32>,
    /// Running sums of the sites' weights.
    weights: Vec<f64>,
}

impl Fleet {
    /// Reads a fleet file.
    ///
    /// # Errors
    /// The bad lines.
    pub fn read(csv: &[u8], defaults: &Defaults) -> Result<Arc<Self>, Vec<BadLine>> {
        let sites = domain::site::import::read(csv, defaults).map_err(|bad| bad.lines)?;
        let by_hostname = (0..)
            .zip(&sites)
            .map(|(at, site)| (site.hostname.clone(), at))
            .collect();
        let mut sum = 0.0;
        let weights = sites.iter().map(|site| {
            // The square root: a city a hundred times larger has more staff, not a hundred times.
            sum += f64::from(site.population.unwrap_or(10_000).max(100)).sqrt();
            sum
        });
        let weights = weights.collect();
        Ok(Arc::new(Self {
            sites,
            by_hostname,
            weights,
        }))
    }

    /// The sites, in the order of the file.
    #[must_use]
    pub fn sites(&self) -> &[NewSite] {
        &self.sites
    }

    /// How many sites there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sites.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sites.is_empty()
    }

    /// Where a host name stands.
    #[must_use]
    pub fn find(&self, hostname: &str) -> Option<u32> {
        self.by_hostname
            .get(&Hostname::parse(hostname).ok()?)
            .copied()
    }

    /// A site that somebody signs in to, weighted by population.
    pub fn somebodys(&self, chance: &mut Chance) -> usize {
        let total = self.weights.last().copied().unwrap_or(0.0);
        let mark = chance.uniform() * total;
        self.weights
            .partition_point(|sum| *sum <= mark)
            .min(self.len().saturating_sub(1))
    }
}

/// The lines of a fleet file, thinned to `count` sites chosen by chance; the header stays.
#[must_use]
pub fn sample(csv: &[u8], count: usize, chance: &mut Chance) -> Vec<u8> {
    let text = String::from_utf8_lossy(csv);
    let mut lines = text.lines();
    let header = lines.next().unwrap_or_default();
    let mut keyed: Vec<_> = lines
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| (chance.uniform(), at, line))
        .collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    keyed.truncate(count);
    keyed.sort_by_key(|(_, at, _)| *at);
    let mut out = format!("{header}\n");
    for (_, _, line) in keyed {
        out.push_str(line);
        out.push('\n');
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_keeps_the_header_and_as_many_lines_as_asked() {
        let csv = b"hostname\na\nb\nc\nd\n";
        let some = sample(csv, 2, &mut Chance::new(1, "sample"));
        let some = String::from_utf8(some).unwrap();
        assert_eq!(some.lines().count(), 3, "{some}");
        assert!(some.starts_with("hostname\n"));
    }
}
