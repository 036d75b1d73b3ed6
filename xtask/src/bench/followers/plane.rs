//! A control plane with followers: as `lamplighter serve` makes it, without the ports.

use clock::Clock;
use domain::follower::{About, Channel, Email, Follower};
use domain::id::IncidentId;
use domain::name::ProductName;
use domain::site::Zone;
use domain::site::import::Defaults;
use engine::{Engine, Mail, NewUpdate, Opening, Settings};
use futures_util::{TryStreamExt as _, stream};
use store::{AuditEntry, Place, Store, Told};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::said;

/// Followers that are added at once: as many as one commit takes.
const ADDED_AT_ONCE: usize = 512;
const FLEET: &str = "hostname,organization,kind,city,state,timezone,population\n\
    town.example,Town,City,Town,OR,America/Los_Angeles,1\n";

pub(super) struct Plane {
    engine: Engine,
    incident: IncidentId,
    workers: JoinSet<()>,
    stop: CancellationToken,
    /// Writes the mails.
    _app: web::App,
    /// Holds the database; deleted with this.
    _folder: tempfile::TempDir,
}

/// The mailbox of a follower.
pub(super) fn address(number: u32) -> String {
    format!("clerk{number}@town{}.example", number % 4_000)
}

impl Plane {
    pub(super) async fn with_followers(
        followers: u32,
        mail: Mail,
        postgres: Option<&str>,
    ) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(said)?;
        let postgres = match postgres {
            Some(server) => Some(own_schema(server).await.map_err(said)?),
            None => None,
        };
        let place = Place {
            folder: folder.path().to_owned(),
            postgres,
        };
        let settings = Settings {
            base_url: "http://127.0.0.1:8080".into(),
            team: "Our engineers".into(),
            home_zone: Zone::parse("America/Chicago").map_err(said)?,
            language: domain::language::Language::English,
        };
        let store = Store::open(&place).await.map_err(said)?;
        let engine = Engine::open(store.clone(), Clock::system(), settings);
        let engine = engine.await.map_err(said)?;
        let sign_in = signin::Settings::new(&engine.settings().base_url);
        let provider = web::open_provider(&engine, sign_in, web::ACTIVATION_OVERLAP);
        let app = web::App::new(engine.clone(), provider.await.map_err(said)?);
        engine.set_mail(mail);
        let defaults = Defaults {
            product: ProductName::parse("web-central").map_err(said)?,
            running: semver::Version::new(5, 1, 0),
        };
        let imported = engine.import_fleet(FLEET.as_bytes(), &defaults, "a benchmark");
        imported.await.map_err(said)?;
        let opening =
            serde_json::from_value(serde_json::json!({"title": "Sign-in fails on some sites"}));
        let opening: Opening = opening.map_err(said)?;
        let incident = engine.open_incident("a benchmark", opening);
        let incident = incident.await.map_err(said)?;
        let stop = CancellationToken::new();
        let workers = engine.run_workers(&stop);
        // The opening itself is told to nobody.
        while store.next_announcement().await.map_err(said)?.is_some() {
            Clock::system()
                .sleep(std::time::Duration::from_millis(5))
                .await;
        }
        stream::iter((0..followers).map(Ok))
            .try_for_each_concurrent(ADDED_AT_ONCE, |number| add(&store, number))
            .await?;
        Ok(Self {
            engine,
            incident,
            workers,
            stop,
            _app: app,
            _folder: folder,
        })
    }

    pub(super) async fn post(&self) -> Result<(), String> {
        let text = "We found the cause, and **restore site after site**.\n\nYour page says [when](https://status.example/sites).";
        let update = serde_json::from_value(serde_json::json!({"text": text}));
        let update: NewUpdate = update.map_err(said)?;
        let posted = self
            .engine
            .post_update(self.incident, "a benchmark", update);
        posted.await.map(drop).map_err(said)
    }

    pub(super) async fn told(&self) -> Result<Told, String> {
        self.engine
            .told_followers(self.incident)
            .await
            .map_err(said)
    }

    pub(super) async fn end(mut self) {
        self.stop.cancel();
        while self.workers.join_next().await.is_some() {}
    }
}

async fn add(store: &Store, number: u32) -> Result<(), String> {
    let clock = Clock::system();
    let now = clock.now();
    let follower = Follower {
        id: clock.id(),
        channel: Channel::Email(Email::parse(&address(number)).map_err(said)?),
        about: About::default(),
        language: domain::language::Language::English,
        asked_at: now,
        confirmed_at: Some(now),
    };
    let audit = AuditEntry {
        id: clock.id(),
        at: now,
        who: "a benchmark".into(),
        act: "added a follower".into(),
        what: follower.id.to_string(),
        detail: String::new(),
    };
    let token = format!("{number:032}");
    store
        .add_follower(&follower, &token, None, &audit)
        .await
        .map_err(said)
}

/// A schema of its own; what a run before left there is dropped.
async fn own_schema(server: &str) -> Result<String, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    let sql = "DROP SCHEMA IF EXISTS bench_followers CASCADE; CREATE SCHEMA bench_followers";
    client.batch_execute(sql).await?;
    drop(client);
    // It ends because its client is gone.
    let _ = connection.await;
    Ok(format!("{server} options='-c search_path=bench_followers'"))
}
