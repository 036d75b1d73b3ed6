//! Accounts, attempts, sessions, codes, tokens, client secrets, signing keys.

use std::collections::BTreeSet;

use domain::name::Hostname;
use domain::sign_in::{Email, Jwk};
use jiff::{SignedDuration, Timestamp};
use store::{
    Account, AttemptLimit, Code, Exchange, Exchanged, KeyState, NewAccessToken, Session, SignedIn,
    SigningKeyRow, Store, StoreError,
};

use crate::{at, audit, id};

const CALLBACK: &str = "https://29palms.gov/sign-in/callback";

fn now() -> Timestamp {
    at("2023-07-11T21:00:00Z")
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn client() -> Hostname {
    Hostname::parse("29palms.gov").unwrap()
}

async fn account(store: &Store, email: &str) -> Account {
    let email = Email::parse(email).unwrap();
    let account = Account {
        id: id(),
        email,
        password: None,
        canary: false,
    };
    store
        .add_accounts(std::slice::from_ref(&account), &audit())
        .await
        .unwrap();
    account
}

async fn code(store: &Store, account: &Account, number: u8) -> Code {
    let code = Code {
        code_hash: [number; 32],
        client_id: client(),
        redirect_uri: CALLBACK.into(),
        account: account.id,
        scope: "openid email".into(),
        nonce: Some("n".into()),
        challenge: Some("c".into()),
        signing_kid: None,
        signed_in_at: now(),
        expires_at: later(60),
    };
    store.add_code(&code).await.unwrap();
    code
}

async fn exchange(store: &Store, code: u8, challenge: &str, token: u8, at: Timestamp) -> Exchanged {
    let client_id = client();
    let exchange = Exchange {
        code_hash: &[code; 32],
        client_id: &client_id,
        redirect_uri: CALLBACK,
        challenge: Some(challenge),
    };
    let token = NewAccessToken {
        token_hash: [token; 32],
        expires_at: later(600),
    };
    store.exchange_code(exchange, &token, at).await.unwrap()
}

pub(crate) async fn an_address_has_one_account(store: Store) {
    let first = account(&store, "clerk@29palms.gov").await;
    let other = Email::parse("other@29palms.gov").unwrap();
    let both = [
        Account {
            id: id(),
            email: other.clone(),
            ..first.clone()
        },
        Account {
            id: id(),
            ..first.clone()
        },
    ];
    let refused = store.add_accounts(&both, &audit()).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict { .. })),
        "{refused:?}"
    );
    assert_eq!(
        store.account_by_email(&first.email).await.unwrap(),
        Some(first)
    );
    assert_eq!(store.account_by_email(&other).await.unwrap(), None);
    assert_eq!(store.canary_account().await.unwrap(), None);
}

pub(crate) async fn a_code_is_spent_once_whoever_races(store: Store) {
    let account = account(&store, "clerk@29palms.gov").await;
    let code = code(&store, &account, 1).await;
    let tries = (0..16u8).map(|token| {
        let store = store.clone();
        tokio::spawn(async move { exchange(&store, 1, "c", token, later(1)).await })
    });
    let mut done = vec![];
    for one in tries.collect::<Vec<_>>() {
        match one.await.unwrap() {
            Exchanged::Done(found, email) => done.push((*found, email)),
            other => assert_eq!(other, Exchanged::NoSuchCode),
        }
    }
    assert_eq!(done, [(code, account.email)]);
}

pub(crate) async fn a_second_use_of_a_code_withdraws_its_token(store: Store) {
    let account = account(&store, "clerk@29palms.gov").await;
    code(&store, &account, 1).await;
    assert!(matches!(
        exchange(&store, 1, "c", 9, now()).await,
        Exchanged::Done(..)
    ));
    let grant = store.grant(&[9; 32], later(599)).await.unwrap().unwrap();
    assert_eq!((grant.account, grant.email), (account.id, account.email));
    assert_eq!(store.grant(&[9; 32], later(600)).await.unwrap(), None);
    assert_eq!(
        exchange(&store, 1, "c", 8, now()).await,
        Exchanged::NoSuchCode
    );
    assert_eq!(store.grant(&[9; 32], now()).await.unwrap(), None);
}

pub(crate) async fn a_code_that_does_not_fit_gets_no_token(store: Store) {
    let account = account(&store, "clerk@29palms.gov").await;
    code(&store, &account, 1).await;
    code(&store, &account, 2).await;
    assert!(matches!(
        exchange(&store, 1, "x", 9, now()).await,
        Exchanged::Mismatch(_)
    ));
    assert_eq!(
        exchange(&store, 1, "c", 9, now()).await,
        Exchanged::NoSuchCode
    );
    assert_eq!(
        exchange(&store, 2, "c", 9, later(60)).await,
        Exchanged::NoSuchCode
    );
    assert_eq!(store.grant(&[9; 32], now()).await.unwrap(), None);
}

pub(crate) async fn attempts_lock_an_address_for_a_while(store: Store) {
    let limit = AttemptLimit {
        attempts_max: 5,
        lock: SignedDuration::from_mins(30),
    };
    let tries = (0..20).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.count_attempt(&[1; 32], limit, now()).await.unwrap() })
    });
    let mut allowed = 0;
    for one in tries.collect::<Vec<_>>() {
        allowed += u32::from(one.await.unwrap());
    }
    assert_eq!(allowed, 5);
    // Attempts while locked do not prolong the lock.
    assert!(
        !store
            .count_attempt(&[1; 32], limit, later(1_799))
            .await
            .unwrap()
    );
    assert!(
        store
            .count_attempt(&[1; 32], limit, later(1_800))
            .await
            .unwrap()
    );
    assert!(store.count_attempt(&[2; 32], limit, now()).await.unwrap());
}

pub(crate) async fn an_attempt_that_was_not_checked_is_given_back(store: Store) {
    let limit = AttemptLimit {
        attempts_max: 3,
        lock: SignedDuration::from_mins(30),
    };
    let count = async || store.count_attempt(&[1; 32], limit, now()).await.unwrap();
    let give_back = async || store.give_back_attempt(&[1; 32]).await.unwrap();
    // Ever so many that are turned away do not lock, also when they overlap.
    for _ in 0..10 {
        let counted = [count().await, count().await, count().await, count().await];
        assert_eq!(counted, [true, true, true, false]);
        for _ in 0..3 {
            give_back().await;
        }
    }
    // More given back than counted is no credit.
    give_back().await;
    for allowed in [true, true, true, false] {
        assert_eq!(count().await, allowed);
    }
    give_back().await;
    assert!(count().await && !count().await);
    let unlock = async |hash| store.forget_attempts(&hash, &audit()).await.unwrap();
    assert!(unlock([1; 32]).await);
    assert!(count().await);
    assert!(!unlock([2; 32]).await);
    assert_eq!(store.audit(None, 9).await.unwrap().len(), 1);
}

pub(crate) async fn a_sign_in_replaces_the_session_and_forgets_attempts(store: Store) {
    let account = account(&store, "clerk@29palms.gov").await;
    let session = |number| Session {
        token_hash: [number; 32],
        account: account.id,
        signed_in_at: now(),
        expires_at: later(100),
    };
    let limit = AttemptLimit {
        attempts_max: 1,
        lock: SignedDuration::from_mins(30),
    };
    store.add_session(&session(1)).await.unwrap();
    assert!(store.count_attempt(&[7; 32], limit, now()).await.unwrap());
    let code = Code {
        code_hash: [2; 32],
        ..code(&store, &account, 1).await
    };
    store
        .save_sign_in(SignedIn {
            email_hash: &[7; 32],
            replaced: Some(&[1; 32]),
            session: &session(2),
            code: &code,
            rehashed: None,
        })
        .await
        .unwrap();
    assert_eq!(store.session(&[1; 32], now()).await.unwrap(), None);
    assert_eq!(
        store.session(&[2; 32], later(99)).await.unwrap(),
        Some(session(2))
    );
    assert_eq!(store.session(&[2; 32], later(100)).await.unwrap(), None);
    assert!(store.count_attempt(&[7; 32], limit, now()).await.unwrap());

    let unknown = Email::parse("nobody@29palms.gov").unwrap();
    let minted = [(account.email.clone(), [3; 32]), (unknown, [4; 32])];
    let refused = store.add_sessions(&minted, later(100), &audit()).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict { .. })),
        "{refused:?}"
    );
    assert_eq!(store.session(&[3; 32], now()).await.unwrap(), None);
    store
        .add_sessions(&minted[..1], later(100), &audit())
        .await
        .unwrap();
    assert!(store.session(&[3; 32], now()).await.unwrap().is_some());
}

pub(crate) async fn a_hash_is_replaced_only_if_it_is_the_one_that_was_checked(store: Store) {
    let with_hash = Account {
        id: id(),
        email: Email::parse("clerk@29palms.gov").unwrap(),
        password: Some("old".into()),
        canary: false,
    };
    store
        .add_accounts(std::slice::from_ref(&with_hash), &audit())
        .await
        .unwrap();
    for (number, rehashed, stored) in [
        (1, None, "old"),
        (2, Some(("another", "new")), "old"),
        (3, Some(("old", "new")), "new"),
        (4, Some(("old", "newer")), "new"),
    ] {
        let session = Session {
            token_hash: [number; 32],
            account: with_hash.id,
            signed_in_at: now(),
            expires_at: later(100),
        };
        let code = Code {
            code_hash: [100 + number; 32],
            ..code(&store, &with_hash, number).await
        };
        let signed_in = SignedIn {
            email_hash: &[7; 32],
            replaced: None,
            session: &session,
            code: &code,
            rehashed,
        };
        store.save_sign_in(signed_in).await.unwrap();
        let found = store.account_by_email(&with_hash.email).await.unwrap();
        assert_eq!(found.unwrap().password.as_deref(), Some(stored));
    }
}

pub(crate) async fn a_new_client_secret_replaces_the_old(store: Store) {
    let other = Hostname::parse("other.gov").unwrap();
    store
        .replace_client_secrets(&[(client(), [1; 32]), (other, [2; 32])], &audit())
        .await
        .unwrap();
    assert_eq!(store.client_secret(&client()).await.unwrap(), Some([1; 32]));
    store
        .replace_client_secrets(&[(client(), [3; 32])], &audit())
        .await
        .unwrap();
    assert_eq!(store.client_secret(&client()).await.unwrap(), Some([3; 32]));
    let unknown = Hostname::parse("unknown.gov").unwrap();
    assert_eq!(store.client_secret(&unknown).await.unwrap(), None);
}

pub(crate) fn key(kid: &str, state: KeyState) -> SigningKeyRow {
    SigningKeyRow {
        public: Jwk {
            kty: "RSA".into(),
            usage: "sig".into(),
            alg: "RS256".into(),
            kid: kid.into(),
            n: "AQ".into(),
            e: "AQAB".into(),
        },
        state,
        private: kid.as_bytes().to_vec(),
        published_at: audit().at,
    }
}

pub(crate) async fn the_last_active_key_stays(store: Store) {
    store
        .add_signing_key(&key("old", KeyState::Active), &audit())
        .await
        .unwrap();
    store
        .add_signing_key(&key("new", KeyState::Next), &audit())
        .await
        .unwrap();
    let set = async |kid, state| store.set_key_state(kid, state, &audit()).await.unwrap();
    assert!(!set("old", KeyState::Retired).await);
    assert!(set("new", KeyState::Active).await);
    assert!(set("old", KeyState::Retired).await);
    assert!(!set("old", KeyState::Active).await);
    assert!(!set("none", KeyState::Active).await);
    let keys = store.signing_keys().await.unwrap();
    let found: BTreeSet<_> = keys
        .iter()
        .map(|key| (&*key.public.kid, &*key.private))
        .collect();
    assert_eq!(found, BTreeSet::from([("new", &b"new"[..])]));
}

pub(crate) async fn what_ended_is_purged_in_bounded_steps(store: Store) {
    let account = account(&store, "clerk@29palms.gov").await;
    for number in 1..=5 {
        code(&store, &account, number).await;
    }
    assert!(matches!(
        exchange(&store, 1, "c", 1, now()).await,
        Exchanged::Done(..)
    ));
    let kept = SignedDuration::from_secs(600);
    assert_eq!(store.purge_sign_in(kept, 2, later(599)).await.unwrap(), 0);
    // The token ends at 600, the codes at 60 and are kept for 600 more.
    assert_eq!(store.purge_sign_in(kept, 2, later(600)).await.unwrap(), 1);
    for left in [2, 2, 1, 0] {
        assert_eq!(
            store.purge_sign_in(kept, 2, later(660)).await.unwrap(),
            left
        );
    }
}
