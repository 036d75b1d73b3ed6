//! Facts and decisions of Lamplighter.
//!
//! Takes values and a time, returns decisions. Never does IO, never waits, never reads a clock,
//! never knows a database or HTTP.

pub mod access;
pub mod banner;
pub mod calendar;
pub mod campaign;
pub mod comment;
pub mod detection;
pub mod document;
pub mod drill;
pub mod enrolment;
pub mod follower;
pub mod id;
pub mod incident;
pub mod language;
pub mod layer;
pub mod mail_rate;
pub mod member;
pub mod name;
pub mod network;
pub mod place;
pub mod product;
pub mod release;
pub mod report;
pub mod rollout;
pub mod schema;
pub mod sign_in;
pub mod site;
pub mod text;
