//! Bugs that a plausible change would bring, to see that the simulation catches them.

use std::cell::Cell;

use tuf::trial::Weakness;

/// A bug that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A read does not ask whether the document accepts the code.
    SkipAccepts,
    /// Metadata is written to disk before the documents it names were fetched and checked.
    PersistBeforeVerifying,
    /// Expired metadata is believed.
    IgnoreExpiry,
    /// Reads see documents before they are on disk.
    MemoryBeforeDisk,
    /// A restart does not read what sites refused.
    ForgetRefusals,
    /// A restart begins with the root it was enrolled with.
    ForgetTrust,
    /// A rename is not made durable.
    SkipFolderSync,
    /// Written bytes are not made durable before the rename.
    SkipFileSync,
    /// A site is told to run a release without config for it.
    ActivateUnready,
    /// The same timestamp again counts as news.
    AnyTimestampIsNews,
    /// Documents of newer metadata are believed without looking at their hash.
    SkipHash,
    /// Documents of the first lane wait for all others.
    AllAtOnce,
    /// Layers are merged from the narrow to the wide.
    LayersBackwards,
    /// A site is given the layers of another site of its agent.
    LayersOfAnother,
    /// A layer is read as soon as it is held, before it is the site's turn.
    LayersAtOnce,
    /// A new root needs no signatures by the keys of the one before.
    RootByItself,
    /// The keys of the root before go on signing.
    RetiredKeysSign,
    /// A site is switched by older metadata than the control plane judged by.
    ForgetOrdersVersion,
    /// A document is read without a layer of the site that is yet to come.
    ReadHalves,
    /// Timestamps that change no document are never written to disk.
    ForgetTimestamps,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::SkipAccepts,
        Self::PersistBeforeVerifying,
        Self::IgnoreExpiry,
        Self::MemoryBeforeDisk,
        Self::ForgetRefusals,
        Self::ForgetTrust,
        Self::SkipFolderSync,
        Self::SkipFileSync,
        Self::ActivateUnready,
        Self::AnyTimestampIsNews,
        Self::SkipHash,
        Self::AllAtOnce,
        Self::LayersBackwards,
        Self::LayersOfAnother,
        Self::LayersAtOnce,
        Self::RootByItself,
        Self::RetiredKeysSign,
        Self::ForgetOrdersVersion,
        Self::ReadHalves,
        Self::ForgetTimestamps,
    ];
}

thread_local! {
    // A run stays on its thread, and runs on other threads have other bugs.
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

impl Bug {
    /// Plants a bug into the agents of this thread, or takes out the one that is there.
    pub fn plant(bug: Option<Self>) {
        PLANTED.set(bug);
        Weakness::plant(match bug {
            Some(Self::RootByItself) => Some(Weakness::RootByItself),
            Some(Self::RetiredKeysSign) => Some(Weakness::RetiredKeysSign),
            _ => None,
        });
    }
}

pub(crate) fn planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}
