//! What breaks in a run.

use jiff::SignedDuration;

use crate::fleet::AGENTS;
use crate::invariants::Checked;
use crate::world::World;

pub(crate) fn strike(world: &mut World) -> Checked {
    let agent = world.dice.below(AGENTS);
    match world.dice.below(25) {
        0..3 => stop_at_the_disk(world, agent),
        3..5 => kill(world, agent),
        5..7 => return start_now(world, agent),
        7..9 => cut(world, agent),
        9..12 => join(world, agent),
        12 => control_plane(world)?,
        13..15 => set_clock(world, agent),
        15 => fill(world, agent),
        16 => sicken(world, agent),
        17 => rot(world, agent),
        18..20 => other_disk(world, agent),
        20 => mirror_follows(world),
        21..23 => return world.lie(),
        23 => stick(world),
        _ => weather(world),
    }
    Ok(())
}

/// The machine stops inside one of the next operations of its disk.
fn stop_at_the_disk(world: &mut World, agent: usize) {
    let operations = u32::try_from(world.dice.below(25)).unwrap_or(0);
    if let Some(host) = world.hosts.get(agent).filter(|host| host.driven.is_some()) {
        host.disk.stop_in(operations);
        world.trace.count("a stop at the disk was planned");
    }
}

fn kill(world: &mut World, agent: usize) {
    let lost_power = world.dice.once_in(2);
    let Some(host) = world
        .hosts
        .get_mut(agent)
        .filter(|host| host.driven.is_some())
    else {
        return;
    };
    host.stop(lost_power);
    world.outside.inner().hang_up(Some(agent));
    let kind = if lost_power { "lost power" } else { "killed" };
    world.tell(kind, &format!("agent {agent}"));
    world.start_later(agent);
}

fn start_now(world: &mut World, agent: usize) -> Checked {
    if world.start_at.contains_key(&agent) {
        return world.start(agent);
    }
    Ok(())
}

/// Whatever is not urgent comes to a halt, or goes on.
fn stick(world: &mut World) {
    let mut outside = world.outside.inner();
    outside.backlog_is_stuck = !outside.backlog_is_stuck;
    let is_stuck = outside.backlog_is_stuck;
    drop(outside);
    world.tell("the backlog", &format!("is stuck: {is_stuck}"));
}

fn cut(world: &mut World, agent: usize) {
    let also_mirrors = world.dice.once_in(2);
    world.cut(agent, also_mirrors);
    world.tell(
        "cut",
        &format!("agent {agent}, also from the mirror: {also_mirrors}"),
    );
}

fn join(world: &mut World, agent: usize) {
    world.outside.inner().cut.retain(|(one, _)| *one != agent);
    world.trace.count("joined");
}

fn control_plane(world: &mut World) -> Checked {
    let now = world.clock.now();
    let outside = world.outside.clone();
    let mut outside = outside.inner();
    if outside.control.is_up {
        outside.control.stop();
        outside.hang_up(None);
        world.tell("stopped", "the control plane");
    } else {
        outside.control.start(now)?;
        world.tell("restarted", "the control plane");
    }
    Ok(())
}

fn set_clock(world: &mut World, agent: usize) {
    let seconds = match world.dice.below(4) {
        0 => world.dice.between(1, 20),
        1 => world.dice.between(20, 600),
        2 => world.dice.between(600, 7_200),
        _ => 0,
    };
    let seconds = i64::try_from(seconds).unwrap_or(0);
    let back = world.dice.once_in(2);
    let Some(host) = world.hosts.get_mut(agent) else {
        return;
    };
    let by = match seconds {
        // Somebody sets it right.
        0 => -host.offset,
        _ if back => SignedDuration::from_secs(-seconds),
        _ => SignedDuration::from_secs(seconds),
    };
    host.set_clock(by);
    let kind = if by.is_negative() {
        "a clock was set back"
    } else {
        "a clock was set forward"
    };
    world.tell(kind, &format!("agent {agent} by {by:?}"));
}

fn fill(world: &mut World, agent: usize) {
    let is_full = world.dice.once_in(2);
    if let Some(host) = world.hosts.get(agent) {
        host.disk.set_full(is_full);
        world.tell(
            if is_full {
                "a disk is full"
            } else {
                "a disk has room"
            },
            &format!("agent {agent}"),
        );
    }
}

fn sicken(world: &mut World, agent: usize) {
    let is_sick = world.sick.contains(&agent);
    world.sick.retain(|one| *one != agent);
    if !is_sick {
        world.sick.push(agent);
    }
    if let Some(host) = world.hosts.get(agent) {
        host.disk.set_reads_fail(!is_sick);
        world.tell(
            if is_sick { "reads work" } else { "reads fail" },
            &format!("agent {agent}"),
        );
    }
}

fn rot(world: &mut World, agent: usize) {
    let Some(host) = world.hosts.get(agent) else {
        return;
    };
    if let Some(file) = host.disk.rot("identity.json") {
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        world.tell(
            "a file rotted",
            &format!("agent {agent}: {}", name.get(..10).unwrap_or(name)),
        );
    }
}

/// The disk of a host is copied, and one that was is replaced: by an empty one, or by what it was once.
fn other_disk(world: &mut World, agent: usize) {
    let Some(host) = world.hosts.get_mut(agent) else {
        return;
    };
    let Some(backup) = host.backup.take() else {
        if host.driven.is_some() {
            host.backup = Some(host.disk.copy());
            world.trace.count("a disk was copied");
        }
        return;
    };
    if host.driven.is_some() {
        kill(world, agent);
    }
    let Some(host) = world.hosts.get_mut(agent) else {
        return;
    };
    let is_empty = world.dice.once_in(2);
    let mut files = backup;
    if is_empty {
        files.retain(|path, _| path.ends_with("identity.json"));
    }
    host.disk.put(&files);
    host.first_shown = u64::from(!is_empty);
    host.lose();
    world.tell(
        if is_empty {
            "an empty disk"
        } else {
            "an old disk"
        },
        &format!("agent {agent}"),
    );
}

fn mirror_follows(world: &mut World) {
    let mut outside = world.outside.inner();
    let moment = outside.moment();
    if let Some(mirror) = outside.mirrors.first_mut() {
        mirror.has = moment;
    }
    world.trace.count("a mirror followed");
}

/// How much the network loses.
fn weather(world: &mut World) {
    let requests = [0, 4, 20, 100];
    let pushes = [1, 3, 8, 50];
    let requests = world.dice.pick(&requests).copied().unwrap_or(20);
    let pushes = world.dice.pick(&pushes).copied().unwrap_or(8);
    let mut outside = world.outside.inner();
    outside.loses_one_in = requests;
    outside.loses_push_in = pushes;
    drop(outside);
    world.tell(
        "weather",
        &format!("one request in {requests} is lost, one push in {pushes}"),
    );
}
