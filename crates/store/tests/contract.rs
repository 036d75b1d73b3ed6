//! One contract, held by both databases: each story runs on SQLite and on PostgreSQL, by name.
//!
//! PostgreSQL's stories need `LAMPLIGHTER_TEST_POSTGRES`, a connection string; `./test` sets it.
//! Without it they say that they were left out.
#![allow(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

#[path = "contract/access.rs"]
mod access;
#[path = "contract/backfill.rs"]
mod backfill;
#[path = "contract/banner.rs"]
mod banner;
#[path = "contract/campaign.rs"]
mod campaign;
#[path = "contract/comment.rs"]
mod comment;
#[path = "contract/delivery.rs"]
mod delivery;
#[path = "contract/drill.rs"]
mod drill;
#[path = "contract/fleet.rs"]
mod fleet;
#[path = "contract/follow_up.rs"]
mod follow_up;
#[path = "contract/follower.rs"]
mod follower;
#[path = "contract/hold.rs"]
mod hold;
#[path = "contract/incident.rs"]
mod incident;
#[path = "contract/layer.rs"]
mod layer;
#[path = "contract/member.rs"]
mod member;
#[path = "contract/notify.rs"]
mod notify;
#[path = "contract/post.rs"]
mod post;
#[path = "contract/report.rs"]
mod report;
#[path = "contract/schema.rs"]
mod schema;
#[path = "contract/sign_in.rs"]
mod sign_in;

use std::sync::atomic::{AtomicU32, Ordering};

use store::{Place, Store};

/// Makes one test for each database of every story.
macro_rules! contract {
    ($($module:ident: $($story:ident),+;)+) => {
        mod sqlite {$(
            mod $module {$(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    let (store, _folder) = crate::on_sqlite().await;
                    crate::$module::$story(store).await;
                }
            )+}
        )+}
        mod postgres {$(
            mod $module {$(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    if let Some((store, _folder)) = crate::on_postgres(stringify!($story)).await {
                        crate::$module::$story(store).await;
                    }
                }
            )+}
        )+}
    };
}

contract! {
    access: a_token_is_found_until_it_is_withdrawn, a_name_is_held_once_at_a_time, holders_are_listed_until_they_are_withdrawn,
        the_audit_is_read_page_by_page;
    backfill: an_incident_of_the_past_is_added_once;
    banner: a_banner_reads_back_and_the_slower_change_is_refused;
    campaign: a_campaign_reads_back, a_claim_is_exclusive, a_claim_stays_within_its_wave, a_completion_with_an_old_fence_is_refused, tries_and_reasons_are_kept, a_stopped_campaign_gives_no_claims,
        a_course_is_told_in_stretches, a_site_knows_how_many_wait_before_it;
    comment: comments_read_back_with_their_votes_and_reports, who_is_banned_is_read_no_more;
    delivery: a_repository_is_founded_once_and_its_keys_read_back,
        a_publication_follows_the_version_it_was_made_for,
        keys_change_with_their_publication_or_not_at_all, settings_whose_key_is_retired_are_not_published,
        a_version_spreads_and_what_nobody_reads_stays_in_the_history,
        no_timestamp_version_is_given_out_twice,
        an_enrolment_works_once_and_in_time, acks_replace_what_was_said_before;
    drill: a_drill_is_recorded_once, drills_are_listed_newest_first_page_by_page;
    fleet: an_import_is_all_or_nothing, a_fleet_reads_back_page_by_page,
        what_is_known_of_a_site_changes_and_not_what_it_runs, an_activation_keeps_the_release_before,
        only_a_staged_release_becomes_live;
    follower: an_address_follows_a_thing_once, questions_to_an_address_are_counted_until_it_says_yes, an_ended_follower_is_forgotten, an_announcement_is_spread_once,
        a_notification_is_claimed_until_it_runs_out;
    follow_up: a_follow_up_reads_back_and_ends_once;
    incident: a_version_of_a_report_is_saved_approved_and_published_once, planned_work_reads_back_with_its_window, an_incident_reads_back_with_its_records, the_slower_of_two_decisions_is_refused, an_alarm_has_one_incident,
        a_correction_keeps_what_stood_there, a_promise_keeps_its_calendar_and_its_length;
    layer: a_layer_counts_its_own_versions, a_group_has_the_sites_that_were_named_last,
        shards_are_replaced_one_by_one_or_when_they_are_divided_anew;
    member: members_are_replaced_and_found_by_address_and_domain, who_heard_of_an_incident_is_known;
    notify: an_on_call_list_is_replaced_whole, a_claim_is_exclusive_until_it_runs_out, an_acknowledged_page_is_not_escalated,
        a_step_of_reminding_is_taken_once;
    post: a_calendar_is_replaced_and_removed, every_version_of_a_template_is_kept, a_post_stops_waiting_once;
    report: reports_read_back_in_order, a_report_sent_twice_is_one, an_alarm_reads_back, outcomes_add_up_and_are_forgotten,
        a_batch_of_outcomes_sent_again_counts_once;
    schema: the_schema_is_whole;
    sign_in: an_address_has_one_account, a_code_is_spent_once_whoever_races, a_second_use_of_a_code_withdraws_its_token,
        a_code_that_does_not_fit_gets_no_token, attempts_lock_an_address_for_a_while, an_attempt_that_was_not_checked_is_given_back,
        a_sign_in_replaces_the_session_and_forgets_attempts, a_hash_is_replaced_only_if_it_is_the_one_that_was_checked, a_new_client_secret_replaces_the_old,
        the_last_active_key_stays, what_ended_is_purged_in_bounded_steps;
}

async fn on_sqlite() -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let place = Place {
        folder: folder.path().to_owned(),
        postgres: None,
    };
    (Store::open(&place).await.unwrap(), folder)
}

async fn on_postgres(story: &str) -> Option<(Store, tempfile::TempDir)> {
    let Ok(server) = std::env::var("LAMPLIGHTER_TEST_POSTGRES") else {
        eprintln!("left out: {story} on PostgreSQL, because LAMPLIGHTER_TEST_POSTGRES is not set");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let place = Place {
        folder: folder.path().to_owned(),
        postgres: Some(own_schema(&server).await),
    };
    Some((Store::open(&place).await.unwrap(), folder))
}

/// Makes a schema that no other test uses, and a connection string that lands in it.
async fn own_schema(server: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let schema = format!("story_{}_{number}", std::process::id());
    let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let sql = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
    client.batch_execute(&sql).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
    format!("{server} options='-c search_path={schema}'")
}

/// An audit entry, where a story does not care what it says.
fn audit() -> store::AuditEntry {
    store::AuditEntry {
        id: id(),
        at: at("2023-07-11T21:00:00Z"),
        who: "a test".into(),
        act: "tried".into(),
        what: "a story".into(),
        detail: String::new(),
    }
}

fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

fn id<T: From<uuid::Uuid>>() -> T {
    // One clock: what is made later sorts later, also within a millisecond.
    static CLOCK: std::sync::LazyLock<clock::Clock> =
        std::sync::LazyLock::new(clock::Clock::system);
    CLOCK.id()
}
