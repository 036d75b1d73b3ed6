//! The JSON API under `/api/v1`, one file for each noun.

pub(crate) mod audit;
pub(crate) mod fleet;
pub(crate) mod health;
pub(crate) mod incidents;
pub(crate) mod on_call;
pub(crate) mod tokens;
