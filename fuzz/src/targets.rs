//! All targets: what each is given, and what it promises.

mod agent;
mod documents;
mod files;
mod metadata;
mod names;
mod places;
mod posts;
mod sign_in;
mod spoken;

/// A target.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Panics where a promise is broken.
    pub(crate) run: fn(&[u8]),
    /// Real inputs to begin with.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
}

const fn target(name: &'static str, run: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>) -> Target {
    Target { name, run, seeds }
}

/// Those of the agent first, then those of the control plane.
pub(crate) const ALL: [Target; 24] = [
    target("events", agent::events, agent::event_seeds),
    target("push", agent::push, agent::push_seeds),
    target("disk", agent::disk, agent::disk_seeds),
    target("origin", agent::origin, agent::origin_seeds),
    target("enrol", agent::enrol, agent::enrol_seeds),
    target("local", agent::local, agent::local_seeds),
    target("told", agent::told, agent::told_seeds),
    target(
        "metadata-changed",
        metadata::changed,
        metadata::changed_seeds,
    ),
    target("metadata-signed", metadata::signed, metadata::signed_seeds),
    target("keys", metadata::keys, metadata::key_seeds),
    target("spoken", spoken::run, spoken::seeds),
    target("merge", documents::merged, documents::merge_seeds),
    target("choose", documents::chosen, documents::choose_seeds),
    target("schema", documents::schema, documents::schema_seeds),
    target("fleet", files::fleet, files::fleet_seeds),
    target("holidays", files::holidays, files::holiday_seeds),
    target("statuspage", files::statuspage, files::statuspage_seeds),
    target("template", posts::template, posts::template_seeds),
    target("moments", posts::moments, posts::moment_seeds),
    target("prose", posts::prose, posts::prose_seeds),
    target("names", names::run, names::seeds),
    target("ring", places::ring, places::ring_seeds),
    target("banner", places::banner, places::banner_seeds),
    target("sign-in", sign_in::run, sign_in::seeds),
];
