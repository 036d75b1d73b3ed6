//! Shards: what agents are told of sites lies in targets by the hash of the site's name, so that an agent
//! fetches what is told of its own sites and little else. The arithmetic: `docs/decisions/0017-layers.md`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::document::DOCUMENT_BYTES_MAX;
use domain::name::{Hostname, ProductName};
use tough::TargetName;
use tough::schema::{Hashes, Target};

/// Sites are divided into 4 to the power of the level shards, by 2 to the power of it roles.
pub const LEVEL_MAX: u8 = 6;
/// Sites of one shard, on average, below the highest level.
const SITES_PER_SHARD: usize = 24;
/// The bits of a site's place: as many as shards of the highest level need.
const PLACE_BITS: u8 = 2 * LEVEL_MAX;
/// No service has a name that begins with it.
const MARK: &str = "_sites-";

/// One of the parts that the sites of a product are divided into.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shard {
    /// The product.
    pub product: ProductName,
    /// At most [`LEVEL_MAX`].
    pub level: u8,
    /// Below 4 to the power of the level.
    pub number: u16,
}

/// A role that signs shards of a product.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardRole {
    /// The product.
    pub product: ProductName,
    /// At most [`LEVEL_MAX`].
    pub level: u8,
    /// Below 2 to the power of the level.
    pub number: u16,
}

/// A shard, as signed metadata lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardEntry {
    /// The shard.
    pub shard: Shard,
    /// Length of the body in bytes.
    pub length: u64,
    /// SHA-256 of the body.
    pub sha256: [u8; 32],
}

/// The sites that a client asks for, by product: their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(BTreeMap<ProductName, BTreeSet<u16>>);

/// The level for a number of sites.
#[must_use]
pub fn level_for(sites: usize) -> u8 {
    let is_enough = |level: &u8| SITES_PER_SHARD << (2 * level) >= sites;
    (0..LEVEL_MAX).find(is_enough).unwrap_or(LEVEL_MAX)
}

/// Where a site lies among all: the first bits of the SHA-256 of its name.
fn place(site: &Hostname) -> u16 {
    let [first, second, ..] = crate::sha256(site.as_str().as_bytes());
    u16::from_be_bytes([first, second]) >> (16 - PLACE_BITS)
}

impl Shard {
    /// The shard of a site.
    #[must_use]
    pub fn of(product: &ProductName, level: u8, site: &Hostname) -> Self {
        Self {
            product: product.clone(),
            level,
            number: place(site) >> (PLACE_BITS - 2 * level.min(LEVEL_MAX)),
        }
    }

    /// The role that signs it.
    #[must_use]
    pub fn role(&self) -> ShardRole {
        ShardRole {
            product: self.product.clone(),
            level: self.level,
            number: self.number >> self.level,
        }
    }

    /// `product/_sites-LEVEL-ROLE/NUMBER.json`.
    #[must_use]
    pub fn target_name(&self) -> String {
        format!("{}/{}.json", self.role().folder(), self.number)
    }
}

impl ShardRole {
    /// All roles of a product at a level.
    pub fn all(product: &ProductName, level: u8) -> impl Iterator<Item = Self> + use<> {
        let product = product.clone();
        let of = move |number| Self {
            product: product.clone(),
            level,
            number,
        };
        (0..1_u16 << level.min(LEVEL_MAX)).map(of)
    }

    /// Its name: `product._sites-LEVEL-NUMBER`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{MARK}{}-{}", self.product, self.level, self.number)
    }

    /// Reads a name; `None` for the role of a service, and for what is no role of ours.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (product, rest) = name.split_once('.')?;
        let (level, number) = rest.strip_prefix(MARK)?.split_once('-')?;
        let role = Self {
            product: ProductName::parse(product).ok()?,
            level: level.parse().ok().filter(|level| *level <= LEVEL_MAX)?,
            number: number.parse().ok()?,
        };
        // One spelling: `+1` and `01` are read as numbers, too.
        (role.name() == name && role.number >> role.level == 0).then_some(role)
    }

    /// The paths that it speaks for.
    pub(crate) fn paths(&self) -> String {
        format!("{}/*.json", self.folder())
    }

    fn folder(&self) -> String {
        format!("{}/{MARK}{}-{}", self.product, self.level, self.number)
    }
}

impl ShardEntry {
    /// The entry of a shard with this body.
    #[must_use]
    pub fn of(shard: Shard, body: &[u8]) -> Self {
        Self {
            shard,
            length: body.len() as u64,
            sha256: crate::sha256(body),
        }
    }

    /// Where its body lies below the folder of targets.
    #[must_use]
    pub fn file(&self) -> String {
        let folder = self.shard.role().folder();
        format!(
            "{folder}/{}.{}.json",
            hex::encode(self.sha256),
            self.shard.number
        )
    }

    /// Whether `body` is, to the byte, what the signed metadata promises.
    #[must_use]
    pub fn fits(&self, body: &[u8]) -> bool {
        body.len() as u64 == self.length && crate::sha256(body) == self.sha256
    }

    pub(crate) fn target(&self) -> Option<(TargetName, Target)> {
        let name = TargetName::new(self.shard.target_name()).ok()?;
        let hashes = Hashes {
            sha256: self.sha256.to_vec().into(),
            _extra: HashMap::new(),
        };
        let target = Target {
            length: self.length,
            hashes,
            custom: HashMap::new(),
            _extra: HashMap::new(),
        };
        Some((name, target))
    }

    /// Reads what a role lists; `None` when it is no shard of that role.
    pub(crate) fn read(role: &ShardRole, name: &str, length: u64, sha256: &str) -> Option<Self> {
        let last = name.rsplit('/').next()?;
        let shard = Shard {
            product: role.product.clone(),
            level: role.level,
            number: last.strip_suffix(".json")?.parse().ok()?,
        };
        let is_own = shard.role() == *role && shard.target_name() == name;
        let entry = Self {
            shard,
            length,
            sha256: hex::decode(sha256).ok()?.try_into().ok()?,
        };
        (is_own && length <= DOCUMENT_BYTES_MAX as u64).then_some(entry)
    }
}

impl Places {
    /// The places of sites, each with its product.
    pub fn of<'a>(sites: impl IntoIterator<Item = (&'a Hostname, &'a ProductName)>) -> Self {
        let mut places: BTreeMap<ProductName, BTreeSet<u16>> = BTreeMap::new();
        for (site, product) in sites {
            places
                .entry(product.clone())
                .or_default()
                .insert(place(site));
        }
        Self(places)
    }

    /// Whether a role may speak for one of the sites.
    #[must_use]
    pub fn concern(&self, role: &str) -> bool {
        match ShardRole::parse(role) {
            Some(role) => self.lie_in(&role.product, role.number, role.level),
            None => {
                let product = crate::role_product(role);
                product.is_some_and(|product| self.0.keys().any(|one| one.as_str() == product))
            }
        }
    }

    /// Whether one of the sites lies in a shard.
    #[must_use]
    pub fn are_in(&self, shard: &Shard) -> bool {
        self.lie_in(&shard.product, shard.number, 2 * shard.level)
    }

    /// Whether the places whose first `bits` are `number` hold one of the sites.
    fn lie_in(&self, product: &ProductName, number: u16, bits: u8) -> bool {
        let Some(places) = self.0.get(product) else {
            return false;
        };
        let width = PLACE_BITS.saturating_sub(bits);
        let (first, last) = (number << width, (number << width) | ((1 << width) - 1));
        places.range(first..=last).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product() -> ProductName {
        ProductName::parse("web").unwrap()
    }

    fn site(number: usize) -> Hostname {
        Hostname::parse(&format!("town-{number}.gov")).unwrap()
    }

    #[test]
    fn a_site_lies_in_one_shard_of_its_level_and_is_found_there() {
        for level in 0..=LEVEL_MAX {
            let roles: BTreeSet<_> = ShardRole::all(&product(), level)
                .map(|one| one.name())
                .collect();
            assert_eq!(roles.len(), 1 << level);
            for number in 0..500 {
                let site = site(number);
                let shard = Shard::of(&product(), level, &site);
                assert!(shard.number < 1 << (2 * level));
                let name = shard.role().name();
                assert!(roles.contains(&name));
                assert_eq!(ShardRole::parse(&name), Some(shard.role()));
                let places = Places::of([(&site, &product())]);
                assert!(places.concern(&name) && places.are_in(&shard));
                assert_eq!(roles.iter().filter(|role| places.concern(role)).count(), 1);
                let entry = ShardEntry::of(shard.clone(), b"{}");
                let read = ShardEntry::read(
                    &shard.role(),
                    &shard.target_name(),
                    2,
                    &hex::encode(entry.sha256),
                );
                assert_eq!(read, Some(entry));
            }
        }
    }

    #[test]
    fn no_other_name_is_a_role_of_shards() {
        for name in [
            "web.sign-in",
            "web._sites-1",
            "web._sites-1-2",
            "web._sites-7-0",
            "web._sites-1-01",
            "web",
            "web._sites-1-+1",
            "Web._sites-0-0",
        ] {
            assert_eq!(ShardRole::parse(name), None, "{name}");
        }
        let places = Places::of([(&site(1), &product())]);
        assert!(places.concern("web.sign-in") && !places.concern("other.sign-in"));
        assert!(!places.concern("other._sites-0-0"));
    }

    #[test]
    fn a_hundred_thousand_sites_fill_shards_evenly() {
        assert_eq!(
            [0, 24, 25, 1_000, 20_000, 100_000].map(level_for),
            [0, 0, 1, 3, 5, 6]
        );
        let mut counts: HashMap<u16, usize> = HashMap::new();
        for number in 0..100_000 {
            *counts
                .entry(Shard::of(&product(), 6, &site(number)).number)
                .or_default() += 1;
        }
        let most = counts.values().max().unwrap();
        assert!(
            counts.len() == 4_096 && *most < 60,
            "{} shards, at most {most} sites",
            counts.len()
        );
    }
}
