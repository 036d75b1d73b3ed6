//! The JSON API under `/api/v1`, one file for each noun.

pub(crate) mod alarms;
pub(crate) mod audit;
pub(crate) mod fleet;
pub(crate) mod health;
pub(crate) mod outcomes;
pub(crate) mod reports;
pub(crate) mod tokens;
