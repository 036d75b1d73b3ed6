//! The schema, as numbered steps that both databases take.
//! Never edits a step that was released: a change is a new number.

/// The steps, in order: `NNNN_name.sql` each.
const STEPS: &[&str] = &[
    include_str!("../migrations/0001_fleet.sql"),
    include_str!("../migrations/0002_sign_in.sql"),
    include_str!("../migrations/0003_reports.sql"),
    include_str!("../migrations/0004_incidents.sql"),
    include_str!("../migrations/0005_delivery.sql"),
    include_str!("../migrations/0006_campaigns.sql"),
    include_str!("../migrations/0007_notify.sql"),
    include_str!("../migrations/0008_outcome_batches.sql"),
    include_str!("../migrations/0009_corrections.sql"),
    include_str!("../migrations/0010_banners.sql"),
    include_str!("../migrations/0011_posts.sql"),
    include_str!("../migrations/0012_reminders.sql"),
    include_str!("../migrations/0013_followers.sql"),
    include_str!("../migrations/0014_follow_ups.sql"),
    include_str!("../migrations/0015_maintenance.sql"),
    include_str!("../migrations/0016_comments.sql"),
    include_str!("../migrations/0017_written_reports.sql"),
    include_str!("../migrations/0020_backfill.sql"),
    include_str!("../migrations/0021_calendars.sql"),
    include_str!("../migrations/0023_places.sql"),
    include_str!("../migrations/0024_audiences.sql"),
    include_str!("../migrations/0025_drills.sql"),
    include_str!("../migrations/0026_follower_language.sql"),
    include_str!("../migrations/0028_follow_questions.sql"),
    include_str!("../migrations/0029_promise_calendars.sql"),
    include_str!("../migrations/0030_rollouts.sql"),
    include_str!("../migrations/0031_layers.sql"),
    include_str!("../migrations/0032_enrolment_bounds.sql"),
    include_str!("../migrations/0033_enrolled_agents.sql"),
];

/// What differs between the databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// The steps that a schema may still need.
#[derive(Debug)]
pub struct Migrations;

impl Migrations {
    pub(crate) const TABLE: &'static str =
        "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY)";

    /// How many steps there are.
    pub const COUNT: usize = STEPS.len();

    /// The steps after number `done`, with their numbers, in the words of `dialect`.
    pub(crate) fn after(done: i64, dialect: Dialect) -> impl Iterator<Item = (i64, String)> {
        let bytes = match dialect {
            Dialect::Sqlite => "BLOB",
            Dialect::Postgres => "BYTEA",
        };
        (1i64..)
            .zip(STEPS)
            .filter(move |(number, _)| *number > done)
            .map(move |(number, sql)| (number, sql.replace("BYTES", bytes)))
    }
}
