//! Who this agent is: enrolled once, then read from disk.

use aws_lc_rs::digest::{SHA256, digest};
use domain::id::AgentId;
use domain::name::Hostname;
use protocol::delivery::{AgentSite, Enrol, Enrolled};

use crate::disk::Disk;
use crate::origin::Origins;
use crate::{AgentError, AgentSettings};

pub(crate) const FILE: &str = "identity.json";
/// There while it enrols.
const ENROLLING: &str = "enrolling.json";
const SECRET_BYTES: usize = 32;

/// What an agent asks to be enrolled with, kept before it asks: a token that enrols works once, and who lost the answer
/// asks again with the same.
#[derive(serde::Serialize, serde::Deserialize)]
struct Enrolling {
    /// The SHA-256 of the token, in hexadecimal: another token enrols another agent.
    enrolment: String,
    /// What is its own token from then on.
    secret: String,
}

impl Enrolling {
    fn load_or_draw(disk: &Disk, token: &str) -> Result<Self, AgentError> {
        let enrolment = hex::encode(digest(&SHA256, token.as_bytes()));
        let known = disk.read_if_well(ENROLLING);
        let known = known.and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        if let Some(known) = known.filter(|known| known.enrolment == enrolment) {
            return Ok(known);
        }
        let mut drawn = [0; SECRET_BYTES];
        aws_lc_rs::rand::fill(&mut drawn).map_err(|_| AgentError::NoChance)?;
        let fresh = Self {
            enrolment,
            secret: format!("lmp_{}", hex::encode(drawn)),
        };
        write(disk, ENROLLING, &fresh)?;
        Ok(fresh)
    }
}

fn write(disk: &Disk, file: &str, what: &impl serde::Serialize) -> Result<(), AgentError> {
    let bytes = serde_json::to_vec(what);
    let bytes = bytes.map_err(|e| AgentError::disk("write", &file, e.into()))?;
    disk.write(file, &bytes)
}

/// Who this agent is.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Identity {
    pub(crate) agent: AgentId,
    pub(crate) token: String,
    /// The root file trusted since the enrolment.
    pub(crate) root: String,
    pub(crate) sites: Vec<AgentSite>,
}

impl Identity {
    pub(crate) async fn load_or_enrol(
        disk: &Disk,
        origins: &Origins,
        settings: &AgentSettings,
    ) -> Result<Self, AgentError> {
        let read = |bytes: Vec<u8>| serde_json::from_slice::<Self>(&bytes);
        let unread = match disk.read(FILE)?.map(read) {
            Some(Ok(known)) => {
                known.warn_of_others(&settings.sites);
                return Ok(known);
            }
            Some(Err(e)) => Some(AgentError::Identity {
                file: settings.folder.join(FILE).display().to_string(),
                reason: e.to_string(),
            }),
            None => None,
        };
        let Some(token) = settings.enrolment_token.clone() else {
            return Err(unread.unwrap_or(AgentError::NotEnrolled));
        };
        if settings.sites.is_empty() {
            return Err(AgentError::NoSites);
        }
        if let Some(unread) = unread {
            tracing::warn!("{unread}; this one enrols anew now");
        }
        Self::enrol(token, disk, origins, settings).await
    }

    async fn enrol(
        token: String,
        disk: &Disk,
        origins: &Origins,
        settings: &AgentSettings,
    ) -> Result<Self, AgentError> {
        let Enrolling { secret, .. } = Enrolling::load_or_draw(disk, &token)?;
        let enrol = Enrol {
            token,
            secret: secret.clone(),
            host: settings.host.clone(),
            sites: settings.sites.clone(),
        };
        let Enrolled { agent, root, sites } = origins.enrol(&enrol).await?;
        let identity = Self {
            agent,
            token: secret,
            root,
            sites,
        };
        write(disk, FILE, &identity)?;
        if let Err(e) = disk.remove(ENROLLING) {
            tracing::warn!("{e}; it is of no use any more");
        }
        // The sites of the first time count, whatever was named since.
        identity.warn_of_others(&settings.sites);
        Ok(identity)
    }

    /// Who adds a site to the settings of an agent would else wait for it in vain.
    fn warn_of_others(&self, asked: &[Hostname]) {
        let is_own = |site: &Hostname| self.sites.iter().any(|own| own.site == *site);
        for site in asked.iter().filter(|site| !is_own(site)) {
            tracing::warn!(
                "this agent was enrolled without {site}, and does not serve it: enrol an agent with all its sites into an empty folder"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::http::StatusCode;
    use serde_json::Value;
    use tempfile::TempDir;
    use tokio::net::TcpListener;

    use super::*;
    use crate::Clock;

    type Answers = Arc<Mutex<Vec<(StatusCode, String)>>>;
    type Asked = Arc<Mutex<Vec<Value>>>;

    /// A control plane, and a host that enrols there.
    struct Enrolments {
        folder: TempDir,
        server: url::Url,
        answers: Answers,
        asked: Asked,
    }

    impl Enrolments {
        async fn start() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let (answers, asked) = (Answers::default(), Asked::default());
            let (give, note) = (Arc::clone(&answers), Arc::clone(&asked));
            let kept = folder.path().join(ENROLLING);
            let take = move |body: String| {
                let asks: Value = serde_json::from_str(&body).unwrap();
                let kept: Value = serde_json::from_slice(&std::fs::read(&kept).unwrap()).unwrap();
                assert_eq!(
                    kept["secret"], asks["secret"],
                    "it is kept before it is told"
                );
                note.lock().unwrap().push(asks);
                std::future::ready(give.lock().unwrap().remove(0))
            };
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let server = format!("http://{}", listener.local_addr().unwrap());
            let app = Router::new().fallback(take);
            tokio::spawn(async move { axum::serve(listener, app).await });
            Self {
                folder,
                server: server.parse().unwrap(),
                answers,
                asked,
            }
        }

        async fn enrol(&self, token: &str, answer: (StatusCode, &str)) -> Result<Identity, String> {
            let answer = (answer.0, answer.1.to_owned());
            self.answers.lock().unwrap().push(answer);
            let disk = Disk::open(self.folder.path()).unwrap();
            let settings = AgentSettings {
                enrolment_token: Some(token.into()),
                sites: vec!["a.example".parse().unwrap()],
                ..AgentSettings::new(vec![self.server.clone()], self.folder.path().into())
            };
            let origins = Origins::new(&settings, Clock::system()).unwrap();
            let came = Identity::load_or_enrol(&disk, &origins, &settings).await;
            came.map_err(|e| e.to_string())
        }

        fn secrets(&self) -> Vec<String> {
            let asked = self.asked.lock().unwrap();
            let secret = |one: &Value| one["secret"].as_str().unwrap().to_owned();
            asked.iter().map(secret).collect()
        }
    }

    #[tokio::test]
    async fn who_loses_the_answer_asks_again_with_the_same_secret_until_it_is_enrolled() {
        let plane = Enrolments::start().await;
        let agent = "01890000-0000-7000-8000-000000000001";
        let answer = format!(
            r#"{{"agent":"{agent}","root":"{{}}","sites":[{{"site":"a.example","product":"web"}}]}}"#
        );
        let lost = plane.enrol("one", (StatusCode::OK, "")).await;
        assert!(lost.is_err());
        let down = plane.enrol("one", (StatusCode::BAD_GATEWAY, "")).await;
        assert!(down.is_err());
        // Who was given another token since is another agent: a secret is of one only.
        let refused = plane.enrol("two", (StatusCode::BAD_REQUEST, "")).await;
        assert!(refused.is_err());
        let identity = plane.enrol("two", (StatusCode::OK, &answer)).await.unwrap();
        let secrets = plane.secrets();
        assert_eq!(secrets[0], secrets[1]);
        assert_ne!(secrets[1], secrets[2]);
        assert_eq!(
            secrets[2..],
            [identity.token.clone(), identity.token.clone()]
        );
        assert_eq!(identity.token.len(), "lmp_".len() + 2 * SECRET_BYTES);
        assert!(!plane.folder.path().join(ENROLLING).exists());
        // From disk: nobody would answer.
        let again = plane.enrol("two", (StatusCode::OK, "")).await.unwrap();
        assert_eq!(again.token, identity.token);
        assert_eq!(plane.secrets().len(), 4);
    }

    async fn refused(file: Option<&str>, token: Option<&str>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        if let Some(file) = file {
            disk.write(FILE, file.as_bytes()).unwrap();
        }
        // Nobody listens there: whoever is asked first says so.
        let server = "http://127.0.0.1:9".parse().unwrap();
        let settings = AgentSettings {
            enrolment_token: token.map(Into::into),
            ..AgentSettings::new(vec![server], folder.path().into())
        };
        let origins = Origins::new(&settings, Clock::system()).unwrap();
        let came = Identity::load_or_enrol(&disk, &origins, &settings).await;
        came.err().unwrap().to_string()
    }

    #[tokio::test]
    async fn what_is_missing_at_the_first_start_is_named_and_nobody_is_asked() {
        for (file, token, names) in [
            (None, None, "enrolment token"),
            (None, Some("a token"), "no site was named"),
            (Some("{"), None, FILE),
            (Some("{"), Some("a token"), "no site was named"),
        ] {
            let says = refused(file, token).await;
            assert!(says.contains(names), "{file:?} {token:?}: {says}");
        }
    }
}
