//! What people do in a run: they publish, stage, activate, go back, retire; sites refuse and doubt.

use domain::document::Lane;
use domain::id::CampaignId;
use domain::name::ProductName;
use domain::release::ReleaseState;
use protocol::action::{Act, Action};
use protocol::delivery::{EVENT_REPOSITORY, Held, Refused};
use semver::Version;

use crate::control::New;
use crate::fleet::{self, AGENTS};
use crate::invariants::{self, Checked};
use crate::world::World;

/// More releases than this are not made.
const RELEASES_MAX: usize = 5;

pub(crate) fn act(world: &mut World) -> Checked {
    if !world.outside.inner().control.is_up {
        return Ok(());
    }
    match world.dice.below(20) {
        0..8 => publish(world),
        8..10 => stage(world),
        10..13 => activate(world),
        13..15 => activate_everywhere(world),
        15..17 => retire(world),
        17 => refuse(world),
        _ => doubt(world),
    }
    Ok(())
}

fn publish(world: &mut World) {
    let Some(key) = world.dice.pick(&world.keys).cloned() else {
        return;
    };
    let kind = world.dice.below(5);
    let number = world.dice.between(0, 4);
    let length = match world.dice.below(12) {
        0 => 20_000,
        _ => world.dice.below(300),
    };
    let salt = world.dice.below(4);
    let body = serde_json::json!({"salt": salt, "fill": "x".repeat(length)});
    let new = New {
        key: key.clone(),
        accepts: fleet::accepts(kind, number),
        lane: if key.service.as_str() == fleet::FIRST {
            Lane::First
        } else {
            Lane::Other
        },
        at_once: world.dice.once_in(3),
        body: serde_json::to_vec(&body).unwrap_or_default(),
    };
    let line = format!("{key} accepts {} at once {}", new.accepts, new.at_once);
    let stops = world.dice.once_in(25);
    let now = world.clock.now();
    let outside = world.outside.clone();
    let mut outside = outside.inner();
    match outside.control.publish(new, now, stops) {
        Ok(Some(push)) => {
            outside.push(EVENT_REPOSITORY, &push);
            world.tell("published", &format!("repository {}: {line}", push.version));
        }
        Ok(None) => {
            outside.hang_up(None);
            world.tell("stopped while publishing", &line);
        }
        Err(e) => world.tell("refused to publish", &format!("{line}: {e}")),
    }
}

fn stage(world: &mut World) {
    let products = fleet::products().unwrap_or_default();
    let Some(product) = world.dice.pick(&products) else {
        return;
    };
    let mut outside = world.outside.inner();
    let own = outside
        .control
        .releases
        .iter()
        .filter(|one| one.product == *product);
    let number = own.count();
    if number > RELEASES_MAX {
        return;
    }
    let version = fleet::release(number as u64);
    let staged = outside.control.stage(product, &version);
    drop(outside);
    match staged {
        Ok(()) => world.tell("staged", &format!("{product} {version}")),
        Err(e) => world.tell("refused to stage", &format!("{product} {version}: {e}")),
    }
}

/// A site shall run some staged or live release: a newer one, or one that it goes back to.
fn activate(world: &mut World) {
    let sites = world.outside.inner().sites.clone();
    let Some(site) = world.dice.pick(&sites) else {
        return;
    };
    if let Some(version) = some_release(world, &site.product) {
        switch(world, site, &version);
    }
}

/// All sites of a product shall run one release, as far as the gate lets them: so that others are run no more.
fn activate_everywhere(world: &mut World) {
    let products = fleet::products().unwrap_or_default();
    let Some(product) = world.dice.pick(&products) else {
        return;
    };
    let Some(version) = some_release(world, product) else {
        return;
    };
    let sites = world.outside.inner().sites.clone();
    for site in sites.iter().filter(|site| site.product == *product) {
        switch(world, site, &version);
    }
}

/// A staged or live release of a product.
fn some_release(world: &mut World, product: &ProductName) -> Option<Version> {
    let outside = world.outside.clone();
    let outside = outside.inner();
    let own = outside.control.releases.iter();
    let own = own.filter(|one| one.product == *product && one.state != ReleaseState::Retired);
    let own: Vec<_> = own.map(|one| one.version.clone()).collect();
    world.dice.pick(&own).cloned()
}

/// Asks a site's agent to let it run a release, if the gate lets it.
fn switch(world: &mut World, site: &fleet::Site, version: &Version) {
    let outside = world.outside.clone();
    let mut outside = outside.inner();
    if outside.actions.contains_key(&site.hostname) || site.runs == *version {
        return;
    }
    let line = format!("{} from {} to {version}", site.hostname, site.runs);
    match outside.control.may_run(&site.hostname, version) {
        Err(e) => world.tell("refused to activate", &format!("{line}: {e}")),
        Ok(()) => {
            world.fence += 1;
            let action = Action {
                act: Act::ActivateRelease {
                    version: version.clone(),
                },
                site: site.hostname.clone(),
                campaign: CampaignId::from(uuid::Uuid::from_u128(7)),
                generation: world.fence,
                fence: world.fence,
            };
            outside.actions.insert(site.hostname.clone(), action);
            if let Some(host) = world.hosts.get(site.agent) {
                let held = invariants::i2_order_is_held(host, &outside.control, site, version);
                outside.broken.extend(held.err());
            }
            let kind = if *version < site.runs {
                "goes back"
            } else {
                "activates"
            };
            world.tell(kind, &line);
        }
    }
}

fn retire(world: &mut World) {
    let outside = world.outside.clone();
    let mut outside = outside.inner();
    let live = outside.control.releases.iter();
    let live: Vec<_> = live
        .filter(|one| one.state == ReleaseState::Live)
        .cloned()
        .collect();
    let Some(release) = world.dice.pick(&live) else {
        return;
    };
    // Who was asked to run it may do so any moment.
    let asked = |site: &fleet::Site| {
        let action = outside.actions.get(&site.hostname);
        let to = action.map(|action| &action.act);
        site.product == release.product
            && matches!(to, Some(Act::ActivateRelease { version }) if *version == release.version)
    };
    if outside.sites.iter().any(asked) {
        return;
    }
    let retired = outside.control.retire(&release.product, &release.version);
    if retired.is_ok() {
        world.tell(
            "retired",
            &format!("{} {}", release.product, release.version),
        );
    }
}

fn refuse(world: &mut World) {
    let agent = world.dice.below(AGENTS);
    let outside = world.outside.clone();
    let outside = outside.inner();
    let own: Vec<_> = outside
        .sites
        .iter()
        .filter(|site| site.agent == agent)
        .collect();
    let Some(site) = world.dice.pick(&own) else {
        return;
    };
    let Some(driven) = world.hosts.get(agent).and_then(|host| host.driven.clone()) else {
        return;
    };
    let read = driven.cache().read_all(&site.hostname, &site.runs, None);
    // The newest come first to mind: a version that is on its way, where there is one.
    let fresh: Vec<_> = read
        .iter()
        .filter(|one| !one.entry.rollout.is_everywhere())
        .collect();
    let all: Vec<_> = read.iter().collect();
    let chosen = world
        .dice
        .pick(if fresh.is_empty() { &all } else { &fresh });
    let Some(entry) = chosen.map(|one| &one.entry) else {
        return;
    };
    let held = Held {
        key: entry.key.clone(),
        version: entry.version,
    };
    let refused = Refused {
        site: site.hostname.clone(),
        held,
        reason: "its callback path is not ours".into(),
    };
    let line = format!(
        "{} refuses {} version {}",
        site.hostname, entry.key, entry.version
    );
    // The disk may stop inside of it; then nobody was told that it is kept.
    let kept = driven.refuse(refused);
    let Some(host) = world.hosts.get_mut(agent) else {
        return;
    };
    let refused = (site.hostname.clone(), entry.key.clone(), entry.version);
    host.maybe_refused.insert(refused.clone());
    if matches!(kept, Ok(true)) && !host.disk.is_dead() {
        host.refused.insert(refused);
        world.tell("a site refused", &line);
    }
}

fn doubt(world: &mut World) {
    let agent = world.dice.below(AGENTS);
    if let Some(driven) = world.hosts.get(agent).and_then(|host| host.driven.as_ref()) {
        driven.doubt();
        world.trace.count("a site doubted");
    }
}
