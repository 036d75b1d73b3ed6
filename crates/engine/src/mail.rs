//! Sends mail through a server of the vendor's. Never knows what a mail says.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::mail_rate::MailRate;
use jiff::{SignedDuration, Timestamp};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::{Error as SmtpError, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::follow::Letter;

/// Mails under way at once, each on a connection that is kept. Servers allow one client about 50.
pub(crate) const CONNECTIONS_MAX: u32 = 32;
/// How long the server may take for each answer.
const ANSWER_SECONDS_MAX: u64 = 60;

/// The vendor's mail server, and how much it takes.
pub struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    per_minute: u32,
    rate: Mutex<MailRate>,
}

/// Why mail cannot be sent like this.
#[derive(Debug, thiserror::Error)]
pub enum BadMail {
    /// The address of the server.
    #[error("the mail server is written like smtp://user:password@host:587?tls=required: {0}")]
    Server(String),
    /// The sender.
    #[error("the sender is an address such as \"Status <status@vendor.example>\": {0}")]
    From(String),
}

/// What surrounds a letter.
pub(crate) struct Envelope<'a> {
    /// A checked address.
    pub(crate) to: &'a str,
    /// The tag of the language that it is written in.
    pub(crate) language: &'static str,
    /// Unique, and the same at each attempt: the part before the @ of the Message-ID.
    pub(crate) id: String,
    /// What it belongs to, likewise: mails of one incident are shown as one thread.
    pub(crate) thread: Option<String>,
    /// Where one click ends it.
    pub(crate) end_url: Option<String>,
    /// When it is written.
    pub(crate) at: Timestamp,
}

/// Why a mail was not taken.
pub(crate) struct NotSent {
    pub(crate) failure: String,
    /// Trying again would change nothing.
    pub(crate) for_good: bool,
}

impl Mail {
    /// Sends through `server`, such as `smtp://user:password@host:587?tls=required`, at most
    /// `per_minute` mails a minute.
    ///
    /// # Errors
    /// When the server or the sender does not read.
    pub fn new(server: &str, from: &str, per_minute: u32) -> Result<Self, BadMail> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(server)
            .map_err(|e| BadMail::Server(e.to_string()))?
            .timeout(Some(Duration::from_secs(ANSWER_SECONDS_MAX)))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS_MAX))
            .build();
        Ok(Self {
            transport,
            from: from
                .parse()
                .map_err(|e: lettre::address::AddressError| BadMail::From(e.to_string()))?,
            per_minute: per_minute.max(1),
            rate: Mutex::new(MailRate::new(per_minute)),
        })
    }

    /// How many mails the server takes in a minute.
    pub(crate) fn per_minute(&self) -> u32 {
        self.per_minute
    }

    /// Takes the next mail's turn: how long it waits.
    pub(crate) fn turn(&self, now: Timestamp) -> SignedDuration {
        self.rate().turn(now)
    }

    /// Learns from what became of a mail; `put_off` when the server takes it later, if at all.
    pub(crate) fn answered(&self, now: Timestamp, put_off: bool) {
        self.rate().answered(now, put_off);
    }

    fn rate(&self) -> std::sync::MutexGuard<'_, MailRate> {
        self.rate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn send(
        &self,
        letter: Letter,
        envelope: &Envelope<'_>,
    ) -> Result<(), NotSent> {
        let message = message(&self.from, letter, envelope).map_err(|failure| NotSent {
            failure,
            for_good: true,
        })?;
        let sent = self.transport.send(message).await;
        sent.map(drop).map_err(|error: SmtpError| NotSent {
            failure: error.to_string(),
            for_good: error.is_permanent(),
        })
    }
}

fn message(from: &Mailbox, letter: Letter, envelope: &Envelope<'_>) -> Result<Message, String> {
    let host = from.email.domain();
    let id = |local: &str| format!("<{local}@{host}>");
    let to = envelope
        .to
        .parse()
        .map_err(|_| "the address is none".to_owned())?;
    let mut builder = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .date(moment(envelope.at))
        .message_id(Some(id(&envelope.id)))
        .subject(one_line(&letter.subject));
    if let Some(thread) = &envelope.thread {
        builder = builder.in_reply_to(id(thread)).references(id(thread));
    }
    let body = MultiPart::alternative_plain_html(letter.text, letter.html);
    let mut message = builder.multipart(body).map_err(|e| e.to_string())?;
    let mut add = |name: &'static str, value: String| {
        let name = HeaderName::new_from_ascii_str(name);
        message
            .headers_mut()
            .insert_raw(HeaderValue::new(name, value));
    };
    add("Auto-Submitted", "auto-generated".into());
    add("Content-Language", envelope.language.into());
    if let Some(url) = &envelope.end_url {
        add("List-Id", format!("<incidents.{host}>"));
        add("List-Unsubscribe", format!("<{}>", one_line(url)));
        add("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".into());
    }
    Ok(message)
}

fn moment(at: Timestamp) -> std::time::SystemTime {
    let seconds = u64::try_from(at.as_second()).unwrap_or_default();
    std::time::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// What a person wrote, as it may stand in a header: no line end starts another one.
fn one_line(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_cannot_add_a_header() {
        let letter = Letter {
            subject: "[Investigating] Sign-in\r\nBcc: all@city.example\r\n\r\nHello é".into(),
            text: "Bcc: x@y.example\r\n.\r\nRCPT TO:<x@y.example>".into(),
            html: "<p>Hello</p>".into(),
        };
        let envelope = Envelope {
            to: "clerk@city.example",
            language: "es",
            id: "n1".into(),
            thread: Some("i1".into()),
            end_url: Some("https://a.example/following/t/end\r\nBcc: b@c.example".into()),
            at: "2023-07-11T21:06:00Z".parse().unwrap(),
        };
        let from = "Status <status@vendor.example>".parse().unwrap();
        let mail =
            String::from_utf8(message(&from, letter, &envelope).unwrap().formatted()).unwrap();
        let (headers, _) = mail.split_once("\r\n\r\n").unwrap();
        let names: Vec<_> = headers
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
            .map(|line| line.split(':').next().unwrap())
            .collect();
        assert!(
            !names.iter().any(|name| name.eq_ignore_ascii_case("bcc")),
            "{headers}"
        );
        for name in [
            "From",
            "To",
            "Date",
            "Message-ID",
            "Subject",
            "References",
            "In-Reply-To",
            "List-Id",
            "List-Unsubscribe",
            "List-Unsubscribe-Post",
            "Auto-Submitted",
            "Content-Language",
        ] {
            assert!(names.contains(&name), "{name}: {headers}");
        }
        assert!(
            headers.contains("Message-ID: <n1@vendor.example>"),
            "{headers}"
        );
    }
}
