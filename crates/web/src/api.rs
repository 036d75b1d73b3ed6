//! The JSON API under `/api/v1`, one file for each noun; `/api/v2` is Statuspage's.

pub(crate) mod accounts;
pub(crate) mod agent;
pub(crate) mod alarms;
pub(crate) mod audit;
pub(crate) mod banners;
pub(crate) mod calendars;
pub(crate) mod campaigns;
pub(crate) mod clients;
pub(crate) mod comments;
pub(crate) mod documents;
pub(crate) mod fleet;
pub(crate) mod follow_ups;
pub(crate) mod followers;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod incidents;
pub(crate) mod keys;
pub(crate) mod maintenances;
pub(crate) mod on_call;
pub(crate) mod outcomes;
pub(crate) mod releases;
pub(crate) mod reports;
pub(crate) mod statuspage;
pub(crate) mod templates;
pub(crate) mod tokens;
pub(crate) mod written_reports;
