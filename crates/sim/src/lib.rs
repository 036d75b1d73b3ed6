//! A simulated vendor: its sites, their shared origin, its residents, its engineer.
//!
//! Everything here speaks to Lamplighter over HTTP, as the real ones would, and keeps its own books
//! of what really happened. Never reaches into Lamplighter, and never tells it what it could not see.

pub mod api;
pub mod books;
pub mod chance;
pub mod engineer;
pub mod fleet;
pub mod listen;
pub mod origin;
pub mod platform;
pub mod residents;
pub mod scenario;
