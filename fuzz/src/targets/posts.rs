//! What people write for people: templates, moments in posts, and Markdown as HTML.

use std::collections::BTreeMap;

use domain::incident::template::{NewTemplate, read_as, read_in};
use domain::language::Language;
use domain::site::Zone;

use crate::parts::{joined, parts, texts};
use crate::product::prose as pages;

/// A template that was accepted can be filled, and nothing that a post must not have comes of it.
pub(crate) fn template(data: &[u8]) {
    let parts = parts(data);
    let [template, values, ..] = parts[..] else {
        return;
    };
    let Ok(new) = serde_json::from_slice::<NewTemplate>(template) else {
        return;
    };
    let Ok(template) = new.check("A name", 1) else {
        return;
    };
    let values: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(values).unwrap_or_default();
    for language in [Language::English, Language::Spanish] {
        match template.fill(&values, language) {
            Ok(filled) => {
                assert!(filled.calendar.is_none() || filled.promise.is_some());
                // All required gaps are closed, so that some words are left of any text with words in it.
                let open = template.placeholders.iter().filter(|one| one.required);
                assert!(
                    open.into_iter()
                        .all(|one| values.contains_key(&one.name) || one.default.is_some())
                );
                assert!(
                    !domain::text::has_controls(&filled.body),
                    "{:?}",
                    filled.body
                );
            }
            Err(bad) => assert!(!bad.to_string().is_empty()),
        }
    }
}

pub(crate) fn template_seeds() -> Vec<Vec<u8>> {
    let template = r#"{"text":"Back {when} on {sites}.[[ We promise {report}.]] [a](b) {words}","placeholders":[{"name":"when","kind":"timeline","required":true},{"name":"sites","kind":"site_list","default":["a.example"]},{"name":"report","kind":"duration","default":{"amount":24,"unit":"business_hours"},"calendar":"Ohio"},{"name":"words","kind":"long_text"}],"state":"monitoring","promise":["report","report"]}"#;
    vec![
        joined([template, r#"{"when":"4 business hours","words":"a\nb"}"#]),
        joined([
            template,
            r#"{"when":"2023-07-13T18:27:00-05:00","sites":["b.example","c.gov"],"report":"2 días hábiles"}"#,
        ]),
        joined([
            r#"{"text":"{a}{b}{c}","placeholders":[{"name":"a","kind":"text"},{"name":"b","kind":"product_list"},{"name":"c","kind":"date_time"}]}"#,
            r#"{"a":"x","b":["web-central"],"c":"2023-07-13T18:27:00Z"}"#,
        ]),
    ]
}

/// A post that was read once has no moment left to be read, and takes no more room than moments do.
pub(crate) fn moments(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let zone = Zone::parse("America/St_Johns").expect("a zone");
    for language in [Language::English, Language::Spanish] {
        let read = read_as((&zone, language), text);
        assert_eq!(read_as((&zone, language), &read), read);
        assert!(read.len() <= 8 * text.len());
    }
    assert_eq!(
        read_in(&zone, text),
        read_as((&zone, Language::English), text)
    );
}

pub(crate) fn moment_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "By <time:2023-07-11T23:27:00Z>, or <time:soon>, <time:2023-07-12T00:00:00+02:00>",
        "<time:<time:-009999-01-02T01:59:59Z>>",
    ])
}

/// Nothing that people type becomes more than words, lists and links to the web.
pub(crate) fn prose(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    check_html(&pages::prose(text), false);
    check_html(&pages::document(text), true);
}

const PLAIN: [&str; 28] = [
    "p",
    "strong",
    "em",
    "a",
    "ul",
    "ol",
    "li",
    "blockquote",
    "code",
    "pre",
    "br",
    "hr",
    "sup",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "details",
    "summary",
];

fn check_html(html: &str, is_document: bool) {
    let mut rest = html;
    while let Some((words, tag)) = rest.split_once('<') {
        assert!(!words.contains('>'), "{html}");
        let (tag, after) = tag.split_once('>').expect("a tag ends");
        rest = after;
        let tag = tag.strip_prefix('/').unwrap_or(tag);
        let tag = tag.strip_suffix(" /").unwrap_or(tag);
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let is_ours = is_document && name == "span";
        assert!(PLAIN.contains(&name) || is_ours, "<{tag}> in {html}");
        check_attributes(attributes, html);
    }
    assert!(!rest.contains('>'), "{html}");
}

fn check_attributes(text: &str, html: &str) {
    let mut rest = text;
    while !rest.is_empty() {
        let (name, from) = rest
            .split_once("=\"")
            .unwrap_or_else(|| panic!("{text} in {html}"));
        let (value, after) = from
            .split_once('"')
            .unwrap_or_else(|| panic!("{text} in {html}"));
        let leads = ["https://", "http://", "/", "#"];
        let lower = value.to_lowercase();
        match name {
            "href" => assert!(
                leads.iter().any(|start| lower.starts_with(start)),
                "{value}"
            ),
            "title" | "class" | "id" | "start" | "lang" => {}
            other => panic!("{other} in {html}"),
        }
        rest = after.trim_start();
    }
}

pub(crate) fn prose_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "# Loud\n\nOne *two* **three** `four`\n\n- a\n  - b\n\n1. c\n\n> d\n\n```js\ne\n```\n",
        "[x](javascript:alert(1) \"t\") ![y](https://a.example/p.png) <https://a.example> <a@b.example>",
        "|A|B|\n|-|:-|\n|1|2|\n\nOne.[^1]\n\n[^1]: Record.\n[a]: data:x\n\n[a] <b onclick=x>&lt;&#60;</b>",
    ])
}
