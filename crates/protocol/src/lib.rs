//! What agents, sites, origins and the control plane say to each other, as JSON.
//! Types only: never a transport, never a decision.

pub mod action;
pub mod banner;
pub mod delivery;
pub mod origin;
pub mod outcome;
pub mod told;
