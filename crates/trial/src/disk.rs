//! A file system as POSIX permits it to be: what was not synced may be lost or torn at a crash, also a
//! name; a write may find no room, a read may fail, and bits rot.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agent::trial::{Device, Out};
use bytes::Bytes;

use crate::dice::Dice;
use crate::trace::Trace;

/// Larger than anything a run writes, smaller than what a run could litter.
const ROOMY: usize = 4 << 20;

/// A disk. Clones are the same disk.
#[derive(Clone)]
pub(crate) struct Disk(Arc<Mutex<State>>);

struct State {
    dice: Dice,
    trace: Trace,
    files: BTreeMap<usize, File>,
    next: usize,
    names: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    /// Changes of names that no sync made durable yet, in order.
    pending: Vec<Change>,
    capacity: usize,
    /// Operations until the machine stops.
    stops_in: Option<u32>,
    dead: bool,
    reads_fail: bool,
}

#[derive(Clone, Default)]
struct File {
    bytes: Vec<u8>,
    /// How many of the bytes are durable.
    synced: usize,
    /// Bits of it rotted.
    is_rotten: bool,
    /// It cannot be read.
    is_bad: bool,
}

#[derive(Clone, PartialEq, Eq)]
enum Change {
    Link(PathBuf, usize),
    Rename(PathBuf, PathBuf, usize),
    Unlink(PathBuf),
}

impl Change {
    fn folder(&self) -> Option<&Path> {
        match self {
            Self::Link(path, _) | Self::Rename(_, path, _) | Self::Unlink(path) => path.parent(),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Link(path, file) => drop(names.insert(path.clone(), *file)),
            Self::Rename(from, to, file) => {
                names.remove(from);
                names.insert(to.clone(), *file);
            }
            Self::Unlink(path) => drop(names.remove(path)),
        }
    }
}

/// What a disk held at some moment.
pub(crate) type Copy = BTreeMap<PathBuf, Vec<u8>>;

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Disk")
    }
}

impl Disk {
    pub(crate) fn new(dice: Dice, trace: Trace) -> Self {
        Self(Arc::new(Mutex::new(State {
            dice,
            trace,
            files: BTreeMap::new(),
            next: 0,
            names: BTreeMap::new(),
            durable: BTreeMap::new(),
            pending: vec![],
            capacity: ROOMY,
            stops_in: None,
            dead: false,
            reads_fail: false,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The machine stops at one of the next operations.
    pub(crate) fn stop_in(&self, operations: u32) {
        self.state().stops_in = Some(operations);
    }

    /// The machine stopped; nothing of it acts any more.
    pub(crate) fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// The machine stops now.
    pub(crate) fn stop(&self) {
        self.state().dead = true;
    }

    /// What is found after the machine stopped; it runs again.
    pub(crate) fn restart(&self, lost_power: bool) {
        let mut state = self.state();
        let State {
            dice,
            files,
            names,
            durable,
            pending,
            ..
        } = &mut *state;
        if lost_power {
            for change in std::mem::take(pending) {
                if dice.once_in(2) {
                    change.apply(durable);
                }
            }
            *names = durable.clone();
            for file in files.values_mut() {
                let lost = file.bytes.len() - file.synced;
                let kept = file.synced + dice.below(lost + 1);
                file.bytes.truncate(kept);
                file.synced = kept;
            }
        }
        state.dead = false;
        state.stops_in = None;
        state.sweep();
    }

    /// It has room, reads work, and no stop is to come.
    pub(crate) fn heal(&self) {
        let mut state = self.state();
        state.capacity = ROOMY;
        state.reads_fail = false;
        state.stops_in = None;
    }

    /// No room, or room again.
    pub(crate) fn set_full(&self, is_full: bool) {
        let mut state = self.state();
        let used = state.used();
        let left = state.dice.below(3_000);
        state.capacity = if is_full { used + left } else { ROOMY };
    }

    /// Reads fail, or work again.
    pub(crate) fn set_reads_fail(&self, fail: bool) {
        self.state().reads_fail = fail;
    }

    /// A bit of some file flips, or some file cannot be read any more. Says which.
    pub(crate) fn rot(&self, spared: &str) -> Option<PathBuf> {
        let mut state = self.state();
        let rots = |(path, _): &(&PathBuf, &usize)| !path.ends_with(spared);
        let all = state.names.iter().filter(rots);
        let all: Vec<_> = all.map(|(path, file)| (path.clone(), *file)).collect();
        let (path, file) = state.dice.pick(&all).cloned()?;
        let State { dice, files, .. } = &mut *state;
        let file = files.get_mut(&file)?;
        if dice.once_in(4) {
            file.is_bad = true;
        } else {
            let at = dice.below(file.bytes.len());
            let bit = dice.below(8);
            if let Some(byte) = file.bytes.get_mut(at) {
                *byte ^= 1 << bit;
            }
        }
        file.is_rotten = true;
        Some(path)
    }

    /// Whether bits of a file rotted, or it cannot be read.
    pub(crate) fn is_damaged(&self, path: &Path) -> bool {
        let state = self.state();
        let file = state.names.get(path).and_then(|file| state.files.get(file));
        file.is_some_and(|file| file.is_rotten || file.is_bad)
    }

    /// What a program would find now; nothing for a file that cannot be read.
    pub(crate) fn look(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        let file = state.files.get(state.names.get(path)?)?;
        (!file.is_bad).then(|| file.bytes.clone())
    }

    /// What a program would find whenever the machine stopped: durable bytes under a durable name.
    pub(crate) fn surely(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        let number = state.durable.get(path)?;
        let file = state.files.get(number)?;
        let moves = state.pending.iter().any(|change| match change {
            Change::Link(to, _) | Change::Unlink(to) | Change::Rename(_, to, _) => to == path,
        });
        (!moves && file.synced == file.bytes.len()).then(|| file.bytes.clone())
    }

    /// How many files lie in a folder.
    pub(crate) fn count(&self, folder: &Path) -> usize {
        let state = self.state();
        let names = state.names.keys();
        names.filter(|path| path.parent() == Some(folder)).count()
    }

    /// A copy for later.
    pub(crate) fn copy(&self) -> Copy {
        let state = self.state();
        let bytes = |file: &usize| state.files.get(file).map(|file| file.bytes.clone());
        let names = state.names.iter();
        names
            .filter_map(|(path, file)| Some((path.clone(), bytes(file)?)))
            .collect()
    }

    /// Another disk in its place, with these files.
    pub(crate) fn put(&self, copy: &Copy) {
        let mut state = self.state();
        state.files.clear();
        state.names.clear();
        state.pending.clear();
        for (path, bytes) in copy {
            let file = File {
                synced: bytes.len(),
                bytes: bytes.clone(),
                ..File::default()
            };
            let number = state.next;
            state.next += 1;
            state.files.insert(number, file);
            state.names.insert(path.clone(), number);
        }
        state.durable = state.names.clone();
    }
}

impl State {
    fn used(&self) -> usize {
        let names = self.names.values();
        let files = names.filter_map(|file| self.files.get(file));
        files.map(|file| file.bytes.len()).sum()
    }

    /// Forgets files without a name.
    fn sweep(&mut self) {
        let Self {
            files,
            names,
            durable,
            pending,
            ..
        } = self;
        let linked = pending.iter().filter_map(|change| match change {
            Change::Link(_, file) | Change::Rename(_, _, file) => Some(file),
            Change::Unlink(_) => None,
        });
        let named: std::collections::BTreeSet<_> = names
            .values()
            .chain(durable.values())
            .chain(linked)
            .copied()
            .collect();
        files.retain(|number, _| named.contains(number));
    }

    /// Every operation passes here: the machine may stop before or after it.
    fn step(&mut self) -> Result<bool> {
        if self.dead {
            return Err(Error::other("the machine stopped"));
        }
        if let Some(left) = &mut self.stops_in {
            if *left == 0 {
                self.dead = true;
                self.trace.count("stopped inside an operation");
                if self.dice.once_in(2) {
                    return Err(Error::other("the machine stopped"));
                }
                return Ok(false);
            }
            *left -= 1;
        }
        Ok(true)
    }
}

impl Device for Disk {
    fn create_folder(&self, _: &Path) -> Result<()> {
        self.state().step().map(drop)
    }

    fn names(&self, folder: &Path) -> Result<Vec<String>> {
        let mut state = self.state();
        state.step()?;
        let own = state
            .names
            .keys()
            .filter(|path| path.parent() == Some(folder));
        let names = own.filter_map(|path| path.file_name()?.to_str().map(str::to_owned));
        Ok(names.collect())
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        let mut state = self.state();
        state.step()?;
        if state.reads_fail {
            state.trace.count("a read failed");
            return Err(Error::other("an input/output error"));
        }
        let missing = || Error::from(ErrorKind::NotFound);
        let number = state.names.get(path).ok_or_else(missing)?;
        let file = state.files.get(number).ok_or_else(missing)?;
        if file.is_bad {
            state.trace.count("a read failed");
            return Err(Error::other("an input/output error"));
        }
        Ok(file.bytes.clone())
    }

    fn create(&self, path: &Path) -> Result<Box<dyn Out>> {
        let mut state = self.state();
        state.step()?;
        // A file that is there is emptied, and nothing says when that becomes durable; a fresh one in
        // its place is the same to whoever looks at the bytes.
        let number = state.next;
        state.next += 1;
        state.files.insert(number, File::default());
        state.names.insert(path.into(), number);
        state.pending.push(Change::Link(path.into(), number));
        Ok(Box::new(Writing {
            disk: self.clone(),
            number,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let mut state = self.state();
        state.step()?;
        let number = state.names.remove(from);
        let number = number.ok_or_else(|| Error::from(ErrorKind::NotFound))?;
        state.names.insert(to.into(), number);
        state
            .pending
            .push(Change::Rename(from.into(), to.into(), number));
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> Result<()> {
        let mut state = self.state();
        state.step()?;
        let State {
            durable, pending, ..
        } = &mut *state;
        pending.retain(|change| {
            let is_elsewhere = change.folder() != Some(folder);
            if !is_elsewhere {
                change.apply(durable);
            }
            is_elsewhere
        });
        state.sweep();
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<()> {
        let mut state = self.state();
        state.step()?;
        let gone = state.names.remove(path);
        gone.ok_or_else(|| Error::from(ErrorKind::NotFound))?;
        state.pending.push(Change::Unlink(path.into()));
        Ok(())
    }
}

struct Writing {
    disk: Disk,
    number: usize,
}

impl Out for Writing {
    fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        let mut state = self.disk.state();
        let goes_on = state.step()?;
        let room = state.capacity.saturating_sub(state.used());
        let mut taken = bytes.len().min(room);
        if !goes_on {
            taken = state.dice.below(taken + 1);
        }
        let bytes_taken = Bytes::copy_from_slice(bytes.get(..taken).unwrap_or_default());
        let number = self.number;
        if let Some(file) = state.files.get_mut(&number) {
            file.bytes.extend_from_slice(&bytes_taken);
        }
        if taken < bytes.len() {
            state.trace.count("a write found no room");
            return Err(Error::from(ErrorKind::StorageFull));
        }
        Ok(())
    }

    fn sync_all(&self) -> Result<()> {
        let mut state = self.disk.state();
        state.step()?;
        let number = self.number;
        if let Some(file) = state.files.get_mut(&number) {
            file.synced = file.bytes.len();
        }
        Ok(())
    }
}
