//! Checks that are left out on purpose, to see that the simulation catches it. Only with the feature `trial`, which
//! nothing but the simulation turns on.

use std::cell::Cell;

/// A check that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// A new root needs no signatures by the keys of the one before.
    RootByItself,
    /// The keys of the root before go on signing.
    RetiredKeysSign,
}

thread_local! {
    // A run stays on its thread.
    static LEFT_OUT: Cell<Option<Weakness>> = const { Cell::new(None) };
}

impl Weakness {
    /// Leaves a check out on this thread, or none.
    pub fn plant(weakness: Option<Self>) {
        LEFT_OUT.set(weakness);
    }

    pub(crate) fn is_planted(self) -> bool {
        LEFT_OUT.get() == Some(self)
    }
}
