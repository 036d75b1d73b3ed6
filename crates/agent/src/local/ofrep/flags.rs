//! Flags: documents and their members, by name. `sign-in.client` is a document as a whole,
//! `sign-in.client.pkce.required` a member of a member of it.
//!
//! Names are joined by dots because providers put a key into the path of a request as it is: a slash
//! would be another path, and what follows a `#` would not be sent.

use domain::document::DocumentKey;
use domain::name::{DocumentName, ServiceName};
use protocol::banner::SERVICE as BANNERS;
use serde_json::Value;

use super::Failure;

pub(super) const NOT_FOUND: &str = "FLAG_NOT_FOUND";
/// The most flags of one answer.
pub(super) const FLAGS_MAX: usize = 10_000;
/// Members of members of members: deeper ones are read within these.
const DEPTH_MAX: usize = 4;
const MEMBER_BYTES_MAX: usize = 64;

/// What a key names.
pub(super) struct FlagKey<'a> {
    pub(super) service: ServiceName,
    pub(super) document: DocumentName,
    members: Vec<&'a str>,
}

impl<'a> FlagKey<'a> {
    pub(super) fn parse(key: &'a str) -> Result<Self, Failure> {
        let fail = |why: String| Failure::new(NOT_FOUND, why);
        let mut parts = key.split('.');
        let (Some(service), Some(document)) = (parts.next(), parts.next()) else {
            let rule = "a flag's key is `service.document` or `service.document.member`";
            return Err(fail(rule.into()));
        };
        if service == BANNERS {
            return Err(fail(
                "banners are for places, which flags know nothing of".into(),
            ));
        }
        let members: Vec<_> = parts.collect();
        if members.len() > DEPTH_MAX {
            let rule = "members below a document are read by name; read the rest within them";
            return Err(fail(format!("at most {DEPTH_MAX} {rule}")));
        }
        Ok(Self {
            service: ServiceName::parse(service).map_err(|e| fail(e.to_string()))?,
            document: DocumentName::parse(document).map_err(|e| fail(e.to_string()))?,
            members,
        })
    }

    pub(super) fn value<'v>(&self, document: &'v Value) -> Result<&'v Value, Failure> {
        let found = self.members.iter().try_fold(document, |value, member| {
            value.as_object().and_then(|all| all.get(*member))
        });
        let named = self.members.iter().all(|member| is_named(member));
        found
            .filter(|value| named && !value.is_null())
            .ok_or_else(|| {
                let (service, document) = (&self.service, &self.document);
                let members = self.members.join(".");
                let details = format!("{service}/{document} has no member `{members}`");
                Failure::new(NOT_FOUND, details)
            })
    }
}

/// Whether a member can be named in a key. Others are read within their document.
fn is_named(member: &str) -> bool {
    (1..=MEMBER_BYTES_MAX).contains(&member.len())
        && member
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

/// A flag of a document.
pub(super) struct Flag<'a> {
    pub(super) key: String,
    pub(super) value: &'a Value,
}

/// Every flag of a document: all that [`FlagKey`] finds in it. `null` is nothing.
pub(super) fn of<'a>(key: &DocumentKey, document: &'a Value) -> Vec<Flag<'a>> {
    let mut all = vec![];
    let key = format!("{}.{}", key.service, key.name);
    add(&mut all, key, document, DEPTH_MAX);
    all
}

fn add<'a>(all: &mut Vec<Flag<'a>>, key: String, value: &'a Value, depth: usize) {
    // One more than is given, so that the caller sees that there are too many.
    if value.is_null() || all.len() > FLAGS_MAX {
        return;
    }
    let members = value.as_object().filter(|_| depth > 0);
    let members = members.into_iter().flatten();
    let members = members.filter(|(name, _)| is_named(name));
    let below: Vec<_> = members
        .map(|(name, value)| (format!("{key}.{name}"), value))
        .collect();
    all.push(Flag { key, value });
    for (key, value) in below {
        add(all, key, value, depth - 1);
    }
}

#[cfg(test)]
mod tests {
    use domain::name::ProductName;
    use serde_json::json;

    use super::*;

    #[test]
    fn all_flags_of_a_document_are_found_one_by_one_and_no_others() {
        let document = json!({
            "pkce": {"required": true, "methods": ["S256"], "none": null},
            "a": {"b": {"c": {"d": {"e": 1}}}},
            "ttl": 2.5, "login.path": "/", "": 0, "é": 1,
        });
        let key = DocumentKey::base(
            ProductName::parse("web").unwrap(),
            ServiceName::parse("sign-in").unwrap(),
            DocumentName::parse("client").unwrap(),
        );
        let all = of(&key, &document);
        let keys: Vec<_> = all
            .iter()
            .map(|flag| &flag.key["sign-in.client".len()..])
            .collect();
        let mut expected = [
            "",
            ".pkce",
            ".pkce.required",
            ".pkce.methods",
            ".a",
            ".a.b",
            ".a.b.c",
            ".a.b.c.d",
            ".ttl",
        ];
        expected.sort_unstable();
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, expected);
        for flag in &all {
            let key = FlagKey::parse(&flag.key).ok().unwrap();
            assert_eq!(
                key.value(&document).ok().unwrap(),
                flag.value,
                "{}",
                flag.key
            );
        }
        for missing in [
            "sign-in",
            "sign-in.",
            "Sign-in.client",
            "sign-in/client",
            "sign-in.client.none",
            "sign-in.client.pkce.none",
            "sign-in.client.",
            "sign-in.client.é",
            "sign-in.client.ttl.x",
            "sign-in.client.pkce.methods.0",
            "sign-in.client.a.b.c.d.e",
        ] {
            let found = FlagKey::parse(missing).and_then(|key| key.value(&document).cloned());
            assert_eq!(found.err().map(|e| e.code), Some(NOT_FOUND), "{missing}");
        }
    }
}
