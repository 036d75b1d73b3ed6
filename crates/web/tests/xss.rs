//! What people write is shown and never obeyed: a corpus of attacks through every text field that a page
//! shows, and every page that shows one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use domain::access::Role;
use domain::comment::Comment;
use domain::id::IncidentId;
use domain::name::{Hostname, ProductName};
use domain::site::import::Defaults;
use serde_json::{Value, json};
use support::Plane;

/// Each would run `pwn` somewhere: as an element, out of an attribute, as an address, as Markdown, in a
/// template of ours, in XML.
const CORPUS: [&str; 14] = [
    "<script>pwn()</script>",
    "<ScRiPt src=//pwn.example></sCrIpT>",
    "\"><img src=x onerror=pwn()>",
    "'><svg/onload=pwn()>",
    "\" onmouseover=\"pwn()\" x=\"",
    "' autofocus onfocus='pwn()",
    "</textarea><iframe srcdoc='<script>pwn()</script>'>",
    "</title></style><base href=//pwn.example>",
    "[pwn](javascript:pwn())",
    "[pwn](JaVaScRiPt:pwn)",
    "[pwn](data:text/html;base64,PHNjcmlwdD4=)",
    "<javascript:pwn()>",
    "![pwn](x\" onerror=\"pwn())",
    "]]><script>pwn()</script><![CDATA[",
];

const SITE: &str = "town.example";
const DRILL: &str = "0189a3c0-0000-7000-8000-000000000001";
/// Its state is an attack too.
const ELSEWHERE: &str = "elsewhere.example";

/// A tag as a browser reads it: its name and its attributes, in lower case.
#[derive(Debug)]
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    /// Whether it runs something, or changes where the page's addresses lead.
    fn is_dangerous(&self) -> bool {
        let runs = |name: &str| name.starts_with("on") || name == "srcdoc" || name == "style";
        let leads = |value: &str| {
            let plain: String = value.chars().filter(|c| !c.is_whitespace()).collect();
            ["javascript:", "data:text", "vbscript:", "//pwn"]
                .iter()
                .any(|bad| plain.starts_with(bad))
        };
        let own_script = || {
            let from = self.attributes.iter().find(|(name, _)| name == "src");
            from.is_some_and(|(_, value)| value.starts_with("/assets/"))
        };
        match self.name.as_str() {
            "script" => !own_script(),
            // The framed notice lets its links leave the frame; any other base leads them astray.
            "base" => self.attributes != [("target".into(), "_top".into())],
            "iframe" | "object" | "embed" | "style" | "foreignobject" => true,
            "img"
                if self
                    .attributes
                    .iter()
                    .any(|(name, value)| name == "src" && value == "x") =>
            {
                true
            }
            _ => self
                .attributes
                .iter()
                .any(|(name, value)| runs(name) || leads(value)),
        }
    }
}

/// The tags of a page, read as the HTML standard does: quotes hold an attribute's value together.
fn tags(page: &str) -> impl Iterator<Item = Tag> + '_ {
    let starts = page.match_indices('<').map(|(at, _)| &page[at + 1..]);
    starts
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
        .map(tag)
}

fn tag(rest: &str) -> Tag {
    let ends = |c: char| c.is_whitespace() || matches!(c, '>' | '/' | '=');
    let (name, mut rest) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
    let mut attributes = vec![];
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        let Some(first) = rest.chars().next().filter(|c| *c != '>') else {
            break;
        };
        let from = first.len_utf8();
        let length = rest[from..].find(ends).map_or(rest.len(), |at| at + from);
        let (attribute, after) = rest.split_at(length);
        let (value, after) = match after.trim_start().strip_prefix('=').map(str::trim_start) {
            None => ("", after),
            Some(value) => match value.chars().next() {
                Some(quote @ ('"' | '\'')) => value[1..].split_once(quote).unwrap_or((value, "")),
                _ => {
                    let end = value.find(|c: char| c.is_whitespace() || c == '>');
                    value.split_at(end.unwrap_or(value.len()))
                }
            },
        };
        attributes.push((attribute.to_lowercase(), value.to_lowercase()));
        rest = after;
    }
    Tag {
        name: name.to_lowercase(),
        attributes,
    }
}

#[test]
fn a_page_that_obeys_is_noticed() {
    for text in CORPUS
        .iter()
        .filter(|text| !text.contains("](") && !text.starts_with("<javascript"))
    {
        let page = format!("<p title=\"{text}\">{text}</p><p title='{text}'>");
        assert!(tags(&page).any(|tag| tag.is_dangerous()), "{page}");
    }
    let link = "<a href=\"java\tscript:pwn()\">x</a>";
    assert!(tags(link).any(|tag| tag.is_dangerous()));
    let fine =
        "<script src=\"/assets/console-1.js\" defer></script><p title=\"&#34; onload=\">a < b</p>";
    assert!(!tags(fine).any(|tag| tag.is_dangerous()));
}

struct Attack {
    plane: Plane,
    token: String,
    incident: IncidentId,
    /// One that was imported from another page.
    imported: String,
}

impl Attack {
    /// A plane where every text field holds the attack.
    async fn new(text: &str) -> Self {
        let plane = Plane::new().await;
        let quoted = text.replace('"', "\"\"");
        let line = |site: &str, state: &str| {
            format!(
                "{site},\"Org {quoted}\",\"Kind {quoted}\",\"City {quoted}\",\"{state}\",America/Los_Angeles,1,\
                 \"Of {quoted}\",44.05,-123.09\n"
            )
        };
        let lines = line(SITE, "OR") + &line(ELSEWHERE, &format!("State {quoted}"));
        let fleet = format!(
            "hostname,organization,kind,city,state,timezone,population,county,latitude,longitude\n{lines}"
        );
        let defaults = Defaults {
            product: ProductName::parse("web-central").unwrap(),
            running: semver::Version::new(5, 1, 0),
        };
        let imported = plane.engine.import_fleet(fleet.as_bytes(), &defaults, text);
        imported.await.unwrap();
        let token = plane.token(Role::Admin).await;
        let opening = serde_json::from_value(json!({ "title": format!("Title {text}") })).unwrap();
        let incident = plane.engine.open_incident(text, opening).await.unwrap();
        let mut attack = Self {
            plane,
            token,
            incident,
            imported: String::new(),
        };
        attack.write(text).await;
        attack.imported = attack.import(text).await;
        attack
    }

    async fn write(&self, text: &str) {
        let report = json!({"site": SITE, "text": text, "contact": text});
        self.call("POST", "/api/v1/reports", report).await;
        let updates = format!("/api/v1/incidents/{}/updates", self.incident);
        let posted = self.call("POST", &updates, json!({ "text": text })).await;
        let update = posted["update"]["id"].as_str().unwrap();
        let correction = json!({"text": format!("{text} again"), "reason": text});
        self.call("POST", &format!("{updates}/{update}/correct"), correction)
            .await;
        let waits = json!({"text": text, "post_at": "2023-07-12T00:00:00Z"});
        self.call("POST", &updates, waits).await;
        let comment = format!("/api/v1/incidents/{}/official-comment", self.incident);
        self.call("POST", &comment, json!({ "text": text })).await;
        let report = format!("/api/v1/incidents/{}/report/versions", self.incident);
        self.call("POST", &report, json!({ "text": text })).await;
        let name: String = text.chars().take(60).filter(|c| !c.is_control()).collect();
        let soon = json!({"text": "Soon.", "calendar": name,
            "report_within": {"amount": 8, "unit": "business_hours"}});
        let gap = json!({"name": "gap", "kind": "duration", "calendar": name});
        let by_it =
            json!({"text": "[[{gap}]] Soon.", "placeholders": [gap], "promise": ["report", "gap"]});
        let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let calendar = json!({"zone": "America/Denver", "opens": "07:00:00", "closes": "19:00:00",
            "holidays": {"2023-12-01": text.chars().take(100).collect::<String>()}});
        let path = format!("/api/v1/calendars/{}", name.replace('+', "%20"));
        self.call("PUT", &path, calendar).await;
        self.call("POST", &updates, soon).await;
        self.call("PUT", "/api/v1/templates/By%20it", by_it).await;
        let follow_up = json!({"text": text, "owner": text, "due": "2023-08-01"});
        let follow_ups = format!("/api/v1/incidents/{}/follow-ups", self.incident);
        self.call("POST", &follow_ups, follow_up).await;
        self.comment(text).await;
        let work = json!({"title": format!("Work {text}"), "text": text,
            "window": {"at": {"from": "2023-07-12T00:00:00Z", "until": "2023-07-12T01:00:00Z"}}});
        self.call("POST", "/api/v1/maintenances", work).await;
        let banner = json!({"text": text, "severity": "critical"});
        self.call("POST", "/api/v1/banners", banner).await;
        let area = json!({ "counties": [format!("OR/Of {text}")] });
        let banner = json!({"text": "In a county.", "severity": "critical", "area": area});
        self.call("POST", "/api/v1/banners", banner).await;
        let gap = json!({"name": "gap", "kind": "text", "default": text});
        let template = json!({"text": format!("{} {{gap}}", text.replace(['{', '['], "")), "placeholders": [gap]});
        let name = url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let name = name.replace('+', "%20");
        self.call("PUT", &format!("/api/v1/templates/{name}"), template)
            .await;
        let mut drill = support::drill(DRILL, "2023-07-11T20:00:00Z");
        drill["title"] = format!("Drill {text} | {text}").into();
        // It does not hold, so that it is told twice.
        let figure = &mut drill["act1"]["figures"][1];
        (figure["what"], figure["measured"]) = (text.into(), Value::Null);
        self.call("POST", "/api/v1/drills", drill).await;
        let follower = json!({"url": "https://hooks.example/x", "shape": "slack", "organization": format!("Org {text}")});
        self.call("POST", "/api/v1/followers", follower).await;
        let filled = json!({"template": text, "values": {"gap": text}});
        self.call("POST", &updates, filled).await;
        self.call(
            "POST",
            "/api/v1/tokens",
            json!({"name": text, "role": "support"}),
        )
        .await;
    }

    /// Forms of the console with what was typed into them, refused.
    async fn refused(&self, text: &str) -> Vec<String> {
        let site = Hostname::parse(SITE).unwrap();
        let site = self.plane.engine.fleet().site_at(&site).unwrap();
        let organization = format!("/console/organizations/{}", site.organization);
        let webhook = [
            ("url", text),
            ("shape", "slack"),
            ("about", "organization"),
            ("name", text),
        ];
        let county = format!("OR/Of {text}");
        let area = [
            ("text", "In a county."),
            ("counties", &*county),
            ("polygon", text),
            ("sites", text),
            ("states", text),
        ];
        vec![
            self.refused_form("/console/followers", &webhook).await,
            self.refused_form(&organization, &[("members", text)]).await,
            self.refused_form("/console/banners", &area).await,
        ]
    }

    async fn refused_form(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = http::Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("host", "127.0.0.1:8080")
            .header("authorization", format!("Bearer {}", self.token))
            .body(form.into())
            .unwrap();
        let answer = self.plane.answer(request).await;
        assert_eq!(answer.status, 422, "{}", answer.text);
        answer.text
    }

    /// As a customer would write it: plain text, under a name.
    async fn comment(&self, text: &str) {
        let account = store::Account {
            id: self.plane.engine.clock().id(),
            email: "reader@city.example".parse().unwrap(),
            password: None,
            canary: false,
        };
        let audit = self.plane.engine.audit("a test", "added", "an account", "");
        let accounts = std::slice::from_ref(&account);
        let added = self.plane.store.add_accounts(accounts, &audit);
        added.await.unwrap();
        let ids = (self.plane.engine.clock().id(), self.incident, account.id);
        let name: String = text.chars().take(60).collect();
        let now = self.plane.engine.clock().now();
        let written = Comment::write(ids, (&name, text), true, now).unwrap();
        let audit = self.plane.engine.audit("a test", "added", "a comment", "");
        self.plane
            .store
            .add_comment(&written, &audit)
            .await
            .unwrap();
    }

    /// A history whose every text is the attack: as it is, in a link, and behind entities.
    async fn import(&self, text: &str) -> String {
        let entities = text.replace('<', "&lt;").replace('>', "&#62;");
        let bodies = [
            ("postmortem", text.to_owned()),
            (
                "resolved",
                format!("<a href=\"{text}\">{text}</a> and <a href='{text}'>it</a>"),
            ),
            ("identified", format!("<b>{entities}</b><br/><i>{text}")),
        ];
        let updates = bodies.map(
            |(status, body)| json!({"status": status, "body": body, "display_at": "2023-03-01T14:00:00Z"}),
        );
        let incident = json!({"id": text, "name": text, "status": "postmortem", "impact": "minor",
            "started_at": "2023-03-01T13:00:00Z", "resolved_at": "2023-03-01T15:00:00Z",
            "incident_updates": updates, "components": [{"name": text}]});
        let file = json!({"page": {"name": text}, "incidents": [incident]});
        let imported = self.call("POST", "/api/v1/incidents/import", file).await;
        imported["incidents"][0]["id"].as_str().unwrap().to_owned()
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self
            .plane
            .send(method, path, Some(&self.token), body.to_string())
            .await;
        assert!(
            answer.status.is_success(),
            "{method} {path} {body}: {}",
            answer.text
        );
        serde_json::from_str(&answer.text).unwrap_or(Value::Null)
    }

    fn pages(&self, text: &str) -> Vec<String> {
        let id = self.incident;
        let site = Hostname::parse(SITE).unwrap();
        let site = self.plane.engine.fleet().site_at(&site).unwrap();
        let q = url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let mut pages = vec![
            "/".to_owned(),
            format!("/?zone={q}"),
            format!("/sites?q={q}"),
            "/sites?q=town+org".into(),
            format!("/sites/{SITE}"),
            format!("/sites/{q}"),
            format!("/sites/{SITE}/notice"),
            format!("/sites/{SITE}/badge.svg"),
            format!("/organizations/{}", site.organization),
            format!("/console/organizations/{}", site.organization),
            format!("/console/organizations?q={q}"),
            format!("/incidents/{id}"),
            format!("/incidents/{id}/report"),
            format!("/incidents/{id}/comments"),
            format!("/report?site={q}"),
            format!("/follow?site={q}"),
            format!("/incidents/{}", self.imported),
            format!("/incidents/{}/report", self.imported),
            format!("/console/incidents/{}", self.imported),
            format!("/console/incidents/{}/report", self.imported),
            "/history".into(),
            "/feed.atom".into(),
            "/feed.rss".into(),
            format!("/feed.atom?organization={q}"),
        ];
        let staff = [
            "/console",
            "/console/panels",
            "/console/fleet",
            "/console/audit",
            "/console/incidents",
            "/console/incidents/past",
            "/console/alarms",
            "/console/reports",
            "/console/campaigns",
            "/console/campaigns/new",
            "/console/releases",
            "/console/config",
            "/console/comments?standing=shown",
            "/console/banners",
            "/console/maintenances",
            "/console/follow-ups",
            "/console/templates",
            "/console/followers",
            "/console/on-call",
            "/console/calendars",
            "/console/people",
            "/console/accounts",
            "/console/drills",
        ];
        pages.extend(staff.map(str::to_owned));
        pages.extend([
            format!("/console/incidents/{id}"),
            format!("/console/incidents/{id}/report"),
            format!("/console/sites/{SITE}"),
            format!("/console/drills/{DRILL}"),
            format!("/sites/{ELSEWHERE}"),
            format!("/console/sites/{ELSEWHERE}"),
            format!("/console/fleet?q={q}"),
            format!("/console/fleet?county={q}"),
            format!("/console/fleet?county=OR/Of+{q}"),
            format!("/console/reports?site={q}"),
            format!("/console/find?q={q}"),
            format!("/console/templates/edit?name={q}"),
            "/console/templates/edit?name=By+it".into(),
            format!("/console/campaigns/new?version={q}&hostnames={q}&states={q}"),
        ]);
        pages
    }
}

#[tokio::test]
async fn nothing_that_people_write_is_obeyed() {
    for text in CORPUS {
        let attack = Attack::new(text).await;
        let mut shown = 0;
        for path in attack.pages(text) {
            let answer = attack
                .plane
                .send("GET", &path, Some(&attack.token), "")
                .await;
            assert!(
                !answer.status.is_server_error(),
                "{path} with {text}: {}",
                answer.text
            );
            let page = answer.text;
            if let Some(tag) = tags(&page).find(|tag| tag.is_dangerous()) {
                panic!("{path} obeys {text:?}: {tag:?}\n{page}");
            }
            shown += usize::from(page.contains("pwn"));
        }
        for typed in attack.refused(text).await {
            assert!(typed.contains("pwn"), "{text} is not kept: {typed}");
            let tag = tags(&typed).find(|tag| tag.is_dangerous());
            assert!(tag.is_none(), "the form obeys {text:?}: {tag:?}");
        }
        assert!(
            shown > 10,
            "{text} is shown on {shown} pages only: nothing is proved"
        );
    }
}
