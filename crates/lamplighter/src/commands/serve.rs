//! `lamplighter serve`: the control plane.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clock::{Clock, Pace};
use domain::language::Language;
use domain::site::Zone;
use engine::{BreakGlass, Engine, Mail, Settings};
use jiff::SignedDuration;
use store::{Hold, Place, Store};
use tokio_util::sync::CancellationToken;
use web::{App, Clients, Prefix, Rate};

use crate::listen::{self, BOUNDS, Bounds};
use crate::output::Failure;
use crate::signals::asked_to_stop;

/// Holds the token that needs no sign-in service, in the data folder.
pub(crate) const BREAK_GLASS_FILE: &str = "break-glass-token";
/// How long open requests may take to end after a stop is asked for, in the machine's time.
const STOP_SECONDS_MAX: u64 = 10;

/// Run the control plane.
#[derive(clap::Args)]
pub(crate) struct Serve {
    /// Where to listen.
    #[arg(long, env = "LAMPLIGHTER_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the state is kept: one server at a time. Created if missing, for its owner only.
    #[arg(long, env = "LAMPLIGHTER_DATA", default_value = "data")]
    data: PathBuf,
    /// A PostgreSQL connection string; SQLite in the data folder without one.
    #[arg(long, env = "LAMPLIGHTER_POSTGRES", hide_env_values = true)]
    postgres: Option<String>,
    /// Where browsers and sites reach this server, if not at the listening address.
    #[arg(long, env = "LAMPLIGHTER_BASE_URL")]
    base_url: Option<url::Url>,
    /// The name that customers know your team by, in the plural, as posts say it of you; "Our engineers" without one, or
    /// "Nuestros ingenieros".
    #[arg(long, env = "LAMPLIGHTER_TEAM")]
    team: Option<String>,
    /// The time zone of your support.
    #[arg(long, env = "LAMPLIGHTER_ZONE", default_value = "America/Chicago")]
    zone: String,
    /// The language that your team writes in, en or es: what is drafted and posted for you, and pages to the people on
    /// call, are in it; pages say it of what your team wrote, and are in it for readers who ask for none.
    #[arg(long, env = "LAMPLIGHTER_LANGUAGE", default_value = "en")]
    language: Language,
    /// A proxy, or a network of proxies such as 10.0.0.0/8, whose X-Forwarded-For is believed; may be
    /// given several times. Limits count the last address that is none of them.
    #[arg(
        long = "trusted-proxy",
        env = "LAMPLIGHTER_TRUSTED_PROXY",
        value_name = "ADDRESS",
        value_delimiter = ','
    )]
    trusted_proxies: Vec<Prefix>,
    /// How many reports one address may send in a minute, and twice as many at once.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    reports_per_minute: u32,
    /// How often one address may try to sign in in a minute, and twice as often at once.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..))]
    sign_ins_per_minute: u32,
    /// The mail server that followers are told through, such as
    /// `smtp://user:password@mail.vendor.example:587?tls=required`; no e-mail without one.
    #[arg(
        long,
        env = "LAMPLIGHTER_MAIL",
        hide_env_values = true,
        requires = "mail_from"
    )]
    mail: Option<String>,
    /// Who the mails are from, such as `Status <status@vendor.example>`.
    #[arg(long, env = "LAMPLIGHTER_MAIL_FROM", requires = "mail")]
    mail_from: Option<String>,
    /// How many mails the mail server takes in a minute.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=600_000))]
    mails_per_minute: u32,
    /// Let followers' webhooks lead into private networks, such as to a chat server of your own.
    #[arg(long)]
    private_webhooks: bool,
    /// The relation of scenario time to the machine's time, for drills.
    #[arg(long, hide = true)]
    pace: Option<Pace>,
    /// How long a site has to exchange an authorization code.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(10..=600))]
    code_seconds: u32,
    /// How long after an activation a sign-in may end under the rules of the release before.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=3_600))]
    activation_overlap_seconds: u32,
    /// Written, as JSON, when requests are answered.
    #[arg(long, hide = true)]
    ready_file: Option<PathBuf>,
}

impl Serve {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let clock = self.pace.map_or_else(Clock::system, Clock::paced);
        let place = Place {
            folder: self.data.clone(),
            postgres: self.postgres.clone(),
        };
        let mut hold = Hold::take(&place).await?;
        let store = Store::open(&place).await?;
        let listener = listen::bind(self.listen)
            .map_err(|e| Failure::new(format!("could not listen on {}: {e}", self.listen)))?;
        let address = listener.local_addr()?;
        let settings = self.settings(address)?;
        let base_url = settings.base_url.clone();
        let engine = Engine::open(store, clock, settings).await?;
        self.set_mail(&engine)?;
        if self.private_webhooks {
            engine.allow_private_webhooks();
        }
        self.make_first_token(&engine).await?;
        let token = self.say_token(&engine).await?;
        let stop = CancellationToken::new();
        let mut workers = engine.run_workers(&stop);
        let provider = self.open_provider(&engine).await?;
        let purge = tokio::spawn(provider.clone().purge_forever());
        let bounds = BOUNDS.within_open_files();
        let app = App::with_clients(engine, provider, self.clients(bounds));
        self.announce(address, &base_url, &token)?;
        tokio::spawn(stop_when_asked(stop.clone()));
        let server = listen::serve(
            listener,
            app.router(),
            (bounds, &self.trusted_proxies),
            stop.clone(),
        );
        // Event streams never end by themselves: after a while, whatever is open is cut.
        let cut = async {
            stop.cancelled().await;
            Clock::system()
                .sleep(std::time::Duration::from_secs(STOP_SECONDS_MAX))
                .await;
        };
        tokio::select! {
            () = server => {}
            () = cut => {}
            lost = hold.lost() => return Err(lost.into()),
        }
        purge.abort();
        while workers.join_next().await.is_some() {}
        Ok(())
    }

    /// At the first start, makes the token that needs no sign-in service.
    async fn make_first_token(&self, engine: &Engine) -> Result<(), Failure> {
        if engine.store().has_holders().await? {
            return Ok(());
        }
        let fresh = BreakGlass::draw(engine.clock())?;
        // Kept before it is valid: a crash in between leaves a file that opens nothing, and the next
        // start writes another. The other way round, nobody could ever enter.
        write_private(&self.data.join(BREAK_GLASS_FILE), fresh.token())?;
        fresh
            .put_in_force(engine.store(), engine.clock(), "first run")
            .await?;
        Ok(())
    }

    /// Where the break-glass token is, or how to make another.
    async fn say_token(&self, engine: &Engine) -> Result<String, Failure> {
        let file = self.data.join(BREAK_GLASS_FILE);
        let shown = file.display();
        let data = self.data.display();
        let again = match self.postgres {
            None => format!("`lamplighter token break-glass --data {data}`"),
            Some(_) => format!("`lamplighter token break-glass --data {data} --postgres …`"),
        };
        let Ok(token) = std::fs::read_to_string(&file) else {
            return Ok(format!("not in {shown}; if it is lost: {again}"));
        };
        Ok(match engine.holder(token.trim()).await? {
            Some(_) => shown.to_string(),
            None => format!("withdrawn: the one in {shown}; for another: {again}"),
        })
    }

    async fn open_provider(&self, engine: &Engine) -> Result<signin::Provider, Failure> {
        let mut settings = signin::Settings::new(&engine.settings().base_url);
        settings.language = engine.settings().language;
        settings.code_lifetime = SignedDuration::from_secs(self.code_seconds.into());
        let overlap = SignedDuration::from_secs(self.activation_overlap_seconds.into());
        Ok(web::open_provider(engine, settings, overlap).await?)
    }

    fn set_mail(&self, engine: &Engine) -> Result<(), Failure> {
        if let (Some(server), Some(from)) = (&self.mail, &self.mail_from) {
            let mail = Mail::new(server, from, self.mails_per_minute);
            engine.set_mail(mail.map_err(|bad| Failure::new(bad.to_string()))?);
        }
        Ok(())
    }

    fn clients(&self, bounds: Bounds) -> Clients {
        Clients {
            trusted_proxies: self.trusted_proxies.clone(),
            reports: Rate::per_minute(self.reports_per_minute),
            sign_ins: Rate::per_minute(self.sign_ins_per_minute),
            streams_max: bounds.streams_max(),
            ..Clients::default()
        }
    }

    fn settings(&self, address: SocketAddr) -> Result<Settings, Failure> {
        let base_url = match &self.base_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{address}"),
        };
        Ok(Settings {
            base_url,
            team: match &self.team {
                Some(team) => team.clone(),
                None => engine::usual_team(self.language).to_owned(),
            },
            home_zone: Zone::parse(&self.zone)?,
            language: self.language,
        })
    }

    #[expect(
        clippy::print_stdout,
        reason = "a person who starts a server wants to know where it is"
    )]
    fn announce(&self, address: SocketAddr, base_url: &str, token: &str) -> Result<(), Failure> {
        println!("Lamplighter answers at {base_url}");
        println!("  console   {base_url}/console");
        println!("  token     {token}");
        if let Some(file) = &self.ready_file {
            let ready = serde_json::json!({"address": address, "pid": std::process::id()});
            let fresh = file.with_extension("new");
            std::fs::write(&fresh, ready.to_string())?;
            std::fs::rename(fresh, file)?;
        }
        Ok(())
    }
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(file)?;
    writeln!(out, "{text}")?;
    out.sync_all()
}

pub(crate) async fn stop_when_asked(stop: CancellationToken) {
    asked_to_stop().await;
    stop.cancel();
}
