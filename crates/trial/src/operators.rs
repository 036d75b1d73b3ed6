//! What people do in a run: they publish, also for some sites only, halt, hasten, stage, activate, go back, retire;
//! sites refuse, doubt and move.

use domain::document::{DocumentKey, Lane};
use domain::id::CampaignId;
use domain::layer::Layer;
use domain::name::ProductName;
use domain::release::ReleaseState;
use domain::rollout::Rollout;
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
    match world.dice.below(32) {
        0..8 => publish(world),
        8..14 => publish_layer(world),
        14..16 => stage(world),
        16..19 => activate(world),
        19..21 => activate_everywhere(world),
        21..23 => retire(world),
        23 => refuse(world),
        24 => end_rollout(world)?,
        25..28 => move_site(world),
        28 => resize(world),
        29..31 => rotate(world, true)?,
        _ => doubt(world),
    }
    Ok(())
}

fn publish(world: &mut World) {
    if let Some(key) = world.dice.pick(&world.keys).cloned() {
        publish_version(world, key);
    }
}

/// A version for some sites only.
fn publish_layer(world: &mut World) {
    let Some(key) = world.dice.pick(&world.keys).cloned() else {
        return;
    };
    let outside = world.outside.clone();
    let outside = outside.inner();
    let own = outside.sites.iter();
    let own: Vec<_> = own.filter(|site| site.product == key.product).collect();
    let layer = if world.dice.once_in(4) {
        let site = world.dice.pick(&own);
        site.map(|site| Layer::Site(site.hostname.clone()))
    } else {
        let layers = outside.control.fleet.layers();
        world.dice.pick(&layers).cloned()
    };
    drop(outside);
    if let Some(layer) = layer {
        publish_version(world, key.with_layer(layer));
    }
}

/// What is written, or what was once.
fn body_of(world: &mut World, key: &DocumentKey) -> Vec<u8> {
    let outside = world.outside.clone();
    let outside = outside.inner();
    let past = outside.control.truth.published.iter();
    let past: Vec<_> = past.filter(|((one, _), _)| one == key).collect();
    if world.dice.once_in(6)
        && let Some((_, document)) = world.dice.pick(&past)
    {
        return document.body.clone();
    }
    let length = match world.dice.below(12) {
        0 if key.layer.is_base() => 20_000,
        _ => world.dice.below(300),
    };
    let salt = world.dice.below(4);
    let layer = key.layer.to_string();
    let body = match &key.layer {
        Layer::Base => {
            serde_json::json!({"salt": salt, "fill": "x".repeat(length), "of": {"base": salt}})
        }
        // Without what the document says there, or with something else.
        _ if world.dice.once_in(2) => {
            serde_json::json!({"salt": layer, "fill": null, "of": {layer: salt}})
        }
        _ => serde_json::json!({"salt": layer, "of": {layer: "y".repeat(length)}}),
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

fn publish_version(world: &mut World, key: DocumentKey) {
    let kind = world.dice.below(5);
    let number = world.dice.between(0, 4);
    let body = body_of(world, &key);
    let new = New {
        key: key.clone(),
        accepts: fleet::accepts(kind, number),
        lane: if key.service.as_str() == fleet::FIRST {
            Lane::First
        } else {
            Lane::Other
        },
        at_once: world.dice.once_in(3),
        body,
        past_coverage: world.dice.once_in(4),
    };
    let past = if new.past_coverage {
        ", whatever it covers"
    } else {
        ""
    };
    let (accepts, at_once) = (&new.accepts, new.at_once);
    let line = format!("{key} accepts {accepts} at once {at_once}{past}");
    let is_layer = !key.layer.is_base();
    let stops = world.dice.once_in(25);
    let now = world.clock.now();
    let outside = world.outside.clone();
    let mut outside = outside.inner();
    match outside.control.publish(new, now, stops) {
        Ok(Some(push)) => {
            outside.push(EVENT_REPOSITORY, &push);
            let kind = if is_layer {
                "published a layer"
            } else {
                "published"
            };
            world.tell(kind, &format!("repository {}: {line}", push.version));
        }
        Ok(None) => {
            outside.hang_up(None);
            world.tell("stopped while publishing", &line);
        }
        Err(e) => world.tell("refused to publish", &format!("{line}: {e}")),
    }
}

/// A version that is on its way goes to nobody any more, or to all.
fn end_rollout(world: &mut World) -> Checked {
    let outside = world.outside.clone();
    let mut outside = outside.inner();
    let spreading = outside.control.on_their_way();
    let Some(one) = world.dice.pick(&spreading) else {
        return Ok(());
    };
    let (kind, rollout) = if world.dice.once_in(2) {
        ("halted", Rollout::nowhere())
    } else {
        ("hastened", Rollout::everywhere())
    };
    let of = (&one.key, one.version);
    let now = world.clock.now();
    if let Some(push) = outside.control.end_rollout(of, rollout, now)? {
        outside.push(EVENT_REPOSITORY, &push);
    }
    drop(outside);
    world.tell(kind, &format!("{} version {}", one.key, one.version));
    Ok(())
}

/// A site is somewhere else from now on, or joins or leaves a group.
fn move_site(world: &mut World) {
    let number = world.dice.below(8);
    let outside = world.outside.clone();
    let mut outside = outside.inner();
    let Some(site) = world.dice.pick(&outside.sites).cloned() else {
        return;
    };
    let fleet = &mut outside.control.fleet;
    fleet.move_site(&site.product, &site.hostname, number);
    let layers = fleet.sites.get(&site.product);
    let facts = layers.and_then(|all| all.get(&site.hostname));
    world.tell("moved", &format!("{} to {facts:?}", site.hostname));
}

/// Keys that sign config are replaced: those of a role on the server, or those of root. What was signed before by them
/// alone must not be believed any more.
pub(crate) fn rotate(world: &mut World, may_stop: bool) -> Checked {
    const ONLINE: [&str; 4] = ["targets", "documents", "snapshot", "timestamp"];
    let role = world.dice.below(7);
    let by_people = world.dice.once_in(2);
    let stops = world.dice.once_in(25) && may_stop;
    let now = world.clock.now();
    let outside = world.outside.clone();
    let mut outside = outside.inner();
    let control = &mut outside.control;
    let push = match ONLINE.get(role) {
        Some(role) => control.rotate(role, now, stops)?,
        None => control.rotate_root(by_people, now, stops)?,
    };
    let name = ONLINE.get(role).unwrap_or(&"root");
    let root = outside.control.ring.root_version();
    match push {
        Some(push) => outside.push(EVENT_REPOSITORY, &push),
        None => outside.hang_up(None),
    }
    drop(outside);
    world.tell("rotated a key", &format!("{name}; root {root}"));
    Ok(())
}

/// Sites of a product come or go, so that what is told of them is divided otherwise.
fn resize(world: &mut World) {
    let products = fleet::products().unwrap_or_default();
    let count = world.dice.pick(&fleet::OTHERS).copied().unwrap_or(0);
    let Some(product) = world.dice.pick(&products) else {
        return;
    };
    let outside = world.outside.clone();
    outside.inner().control.fleet.set_others(product, count);
    world.tell(
        "the fleet changed",
        &format!("{product} has {count} others"),
    );
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
    let past_coverage = world.dice.once_in(2);
    let staged = outside.control.stage(product, &version, past_coverage);
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
                    repository: outside.control.repository.version(),
                },
                site: site.hostname.clone(),
                campaign: CampaignId::from(uuid::Uuid::from_u128(7)),
                generation: world.fence,
                fence: world.fence,
            };
            let newest = outside.control.repository.version();
            outside.judged_at.insert(site.hostname.clone(), newest);
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
            && matches!(to, Some(Act::ActivateRelease { version, .. }) if *version == release.version)
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
    let pieces = read
        .iter()
        .flat_map(|one| std::iter::once(&one.entry).chain(&one.layers));
    let all: Vec<_> = pieces.collect();
    let fresh = all.iter().filter(|one| !one.rollout.is_everywhere());
    let fresh: Vec<_> = fresh.copied().collect();
    let chosen = world
        .dice
        .pick(if fresh.is_empty() { &all } else { &fresh });
    let Some(entry) = chosen else {
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
