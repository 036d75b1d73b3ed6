//! Names, addresses, lengths and layers: what is read has one spelling, which reads back as itself.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use domain::calendar::Length;
use domain::document::DocumentKey;
use domain::language::Language;
use domain::layer::Layer;
use domain::name::{GroupName, Hostname, ProductName, ServiceName};
use domain::place::County;
use domain::sign_in::Email;
use domain::site::Zone;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::parts::{joined, parts, texts};

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    name::<ProductName>(text);
    name::<ServiceName>(text);
    name::<GroupName>(text);
    name::<Hostname>(text);
    name::<Email>(text);
    name::<Layer>(text);
    spelled(text, |text| Zone::parse(text).ok());
    spelled(text, |text| County::parse(text).ok());
    if let Ok(length) = text.parse::<Length>() {
        assert_eq!(length.to_string().parse(), Ok(length));
        assert_eq!(length.in_words(Language::Spanish).parse(), Ok(length));
    }
    layers(data);
    words(text);
}

fn name<T: FromStr + Display + Debug + PartialEq + Serialize + DeserializeOwned>(text: &str) {
    spelled(text, |text| text.parse::<T>().ok());
}

/// One spelling, also in JSON.
fn spelled<T>(text: &str, read: impl Fn(&str) -> Option<T>)
where
    T: Display + Debug + PartialEq + Serialize + DeserializeOwned,
{
    let Some(found) = read(text) else { return };
    let spelling = found.to_string();
    let again = read(&spelling).unwrap_or_else(|| panic!("{spelling:?} does not read back"));
    assert_eq!((&again, again.to_string()), (&found, spelling));
    let json = serde_json::to_string(&found).expect("JSON");
    assert_eq!(serde_json::from_str::<T>(&json).ok(), Some(found));
}

/// Two layers have two names of files, which no file system and no other document takes for another.
fn layers(data: &[u8]) {
    let parts = parts(data);
    let parts = parts
        .into_iter()
        .filter_map(|part| std::str::from_utf8(part).ok());
    let layers: Vec<Layer> = parts.filter_map(|part| Layer::parse(part).ok()).collect();
    let key = |layer: &Layer| {
        let name = |text: &str| text.parse().expect("a name");
        let key = DocumentKey::base(
            name("web"),
            "sign-in".parse().expect("a name"),
            "client".parse().expect("a name"),
        );
        tuf::target_name(&key.with_layer(layer.clone()), 1)
    };
    for one in &layers {
        let file = key(one);
        let last = file.rsplit('/').next().unwrap_or_default();
        assert!(
            last.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)),
            "{last}"
        );
        // With a hash and a dot before it, it is still a name to every file system.
        assert!(last.len() + 65 <= 255 || one.is_site(), "{last}");
        assert_eq!(file.split('/').count(), 4);
        for other in &layers {
            assert_eq!(one == other, file == key(other), "{one} {other}");
        }
    }
}

fn words(text: &str) {
    use domain::text::{is_blank, reads_alike, shown};
    assert!(reads_alike(text, text));
    assert!(shown(text).chars().count() <= 80 * 10 + 3);
    if is_blank(text) {
        assert!(reads_alike(text, ""));
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = texts(&[
        "29palms.gov",
        "web-central",
        " Clerk+a@29Palms.GOV ",
        "america/chicago",
        "county:NM/Doña Ana",
        "state:CA",
        "group:early",
        "site:a.gov",
        "CA/Kern County",
        "la/St.  Mary Parish",
        "24 business hours",
        "2 días hábiles",
        "1 HORA",
    ]);
    seeds.push(joined([
        "zone:America/Chicago",
        "state:TX",
        "county:TX/Bexar",
        "group:a",
    ]));
    seeds
}
