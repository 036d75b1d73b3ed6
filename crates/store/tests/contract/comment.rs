//! Comments, their votes and reports, and readers' sessions.

use domain::comment::{Comment, Standing};
use domain::id::{AccountId, IncidentId};
use domain::incident::{Impact, Incident, Scope};
use domain::sign_in::Email;
use store::{Account, IncidentAdditions, Store, StoreError};

use crate::{at, audit, id};

const NOW: &str = "2023-07-11T21:10:00Z";

async fn account(store: &Store, email: &str) -> AccountId {
    let account = Account {
        id: id(),
        email: Email::parse(email).unwrap(),
        password: None,
        canary: false,
    };
    store
        .add_accounts(std::slice::from_ref(&account), &audit())
        .await
        .unwrap();
    account.id
}

async fn incident(store: &Store) -> IncidentId {
    let what = ("Sign-in".into(), Scope::default(), Impact::Minor);
    let incident = Incident::open(id(), what, at(NOW), at(NOW));
    let nothing = IncidentAdditions::default();
    store
        .add_incident(&incident, &nothing, &audit())
        .await
        .unwrap();
    incident.id
}

async fn comment(store: &Store, incident: IncidentId, account: AccountId, text: &str) -> Comment {
    let ids = (id(), incident, account);
    let comment = Comment::write(ids, ("Kim", text), false, at(NOW)).unwrap();
    store.add_comment(&comment, &audit()).await.unwrap();
    comment
}

pub(crate) async fn comments_read_back_with_their_votes_and_reports(store: Store) {
    let (one, other) = (
        account(&store, "a@b.example").await,
        account(&store, "c@d.example").await,
    );
    let incident = incident(&store).await;
    let first = comment(&store, incident, one, "First.").await;
    let second = comment(&store, incident, one, "Second: https://x.example").await;
    for _ in 0..2 {
        store.vote_for_comment(first.id, other, true).await.unwrap();
        store.report_comment(first.id, other).await.unwrap();
    }
    let shown = store.shown_comments(incident, None, 9).await.unwrap();
    assert_eq!(
        shown,
        [Comment {
            votes: 1,
            reports: 1,
            ..first.clone()
        }],
        "one is held"
    );
    assert_eq!(store.count_comments(incident).await.unwrap(), 1);
    let written = store.written_by(one, at("2023-07-11T21:00:00Z")).await;
    assert_eq!(written.unwrap(), (2, false));
    store
        .judge_comment(
            second.id,
            (Standing::Shown, "It is fine."),
            Some("Ada"),
            &audit(),
        )
        .await
        .unwrap();
    let readers = store
        .judge_comment(second.id, (Standing::Held, "r"), None, &audit())
        .await;
    assert!(matches!(readers, Err(StoreError::Conflict { .. })));
    let shown = store.shown_comments(incident, None, 1).await.unwrap();
    assert_eq!(shown[0].id, second.id, "the newest first");
    let older = store.shown_comments(incident, Some(second.id), 9).await;
    assert_eq!(older.unwrap()[0].id, first.id);
    assert_eq!(store.written_by(one, at(NOW)).await.unwrap(), (0, true));
    store
        .vote_for_comment(first.id, other, false)
        .await
        .unwrap();
    let known = store.comment(first.id).await.unwrap().unwrap();
    assert_eq!(
        (known.comment.votes, known.email.as_str()),
        (0, "a@b.example")
    );
}

pub(crate) async fn who_is_banned_is_read_no_more(store: Store) {
    let author = account(&store, "a@b.example").await;
    let incident = incident(&store).await;
    let one = comment(&store, incident, author, "Words.").await;
    let hash = [7; 32];
    let ends = at("2023-07-12T21:10:00Z");
    store.add_reader_session(&hash, author, ends).await.unwrap();
    let reader = store.reader(&hash, at(NOW)).await.unwrap().unwrap();
    assert_eq!((reader.account, reader.banned), (author, None));
    for reason in ["Spam.", "More spam."] {
        store
            .ban_commenter(author, ("Ada", reason), &audit())
            .await
            .unwrap();
    }
    let reader = store.reader(&hash, at(NOW)).await.unwrap().unwrap();
    assert_eq!(reader.banned.as_deref(), Some("More spam."));
    // What was decided before the ban is not saved after it.
    let late = Comment::write((id(), incident, author), ("Kim", "Late."), false, at(NOW)).unwrap();
    let late = store.add_comment(&late, &audit()).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    assert_eq!(store.count_comments(incident).await.unwrap(), 0);
    let hidden = store.comments(Standing::Hidden, None, 9).await.unwrap();
    assert_eq!((hidden[0].comment.id, hidden[0].banned), (one.id, true));
    store.unban_commenter(author, &audit()).await.unwrap();
    let twice = store.unban_commenter(author, &audit()).await;
    assert!(matches!(twice, Err(StoreError::Conflict { .. })));
    assert_eq!(store.reader(&hash, ends).await.unwrap(), None, "it ends");
    store.end_reader_session(&hash).await.unwrap();
    assert_eq!(store.reader(&hash, at(NOW)).await.unwrap(), None);
}
