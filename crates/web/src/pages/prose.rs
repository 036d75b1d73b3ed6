//! Markdown that people wrote, as safe HTML: what they typed as HTML is shown, never obeyed.

use domain::language::Language;
use pulldown_cmark::{Alignment, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd, html};

use crate::language::{here, say};

/// Renders `markdown`. Raw HTML becomes text, pictures become their words, headings become strong
/// paragraphs (a post must not break the outline of its page), and links lead only to the web.
pub(crate) fn prose(markdown: &str) -> String {
    let mut out = String::new();
    html::push_html(&mut out, plain(markdown));
    out
}

/// What a post consists of, in whatever form it is drawn.
pub(crate) fn plain(markdown: &str) -> impl Iterator<Item = Event<'_>> {
    parser(markdown).flat_map(tame)
}

/// Renders a document that is a page of its own, such as an incident report: its headings stay.
///
/// Its footnotes name the records behind its figures. They are folded: who reads what happened need
/// not read them.
pub(crate) fn document(markdown: &str) -> String {
    let (mut text, mut notes) = (vec![], vec![]);
    let mut in_note = false;
    for event in said_in(tamed(markdown), here()) {
        in_note |= matches!(event, Event::Start(Tag::FootnoteDefinition(_)));
        let ends = matches!(event, Event::End(TagEnd::FootnoteDefinition));
        if in_note {
            notes.push(event);
        } else {
            text.push(event);
        }
        in_note &= !ends;
    }
    let mut out = String::new();
    let has_notes = !notes.is_empty();
    let fold = |html: String| has_notes.then(|| Event::Html(html.into()));
    let open = fold(format!(
        "<details class=\"records\"><summary lang=\"{}\">{}</summary>\n",
        here().tag(),
        say("report-records")
    ));
    let events = text.into_iter().chain(open).chain(notes);
    html::push_html(&mut out, events.chain(fold("</details>\n".into())));
    out
}

/// The words that a document has as it was drafted in another language, said in a reader's; the rest is a
/// person's. An [`Event::InlineHtml`] stands before and after them:
/// no other is left in a document.
pub(crate) fn said_in<'e>(
    events: impl Iterator<Item = Event<'e>>,
    language: Language,
) -> Vec<Event<'e>> {
    let words = wording::words(language);
    let (mut said, mut begins) = (vec![], false);
    let mut events = events.peekable();
    while let Some(event) = events.next() {
        let end = events.peek();
        let ends = matches!(
            end,
            Some(Event::End(TagEnd::Heading(_) | TagEnd::Paragraph))
        );
        let drafted = match &event {
            Event::Text(text) if begins => words.drafted(text, ends),
            _ => None,
        };
        begins = matches!(event, Event::Start(Tag::Heading { .. } | Tag::Paragraph));
        let Some((ours, rest)) = drafted else {
            said.push(event);
            continue;
        };
        let open = format!("<span lang=\"{}\">", language.tag());
        said.push(Event::InlineHtml(open.into()));
        said.push(Event::Text(ours.into()));
        said.push(Event::InlineHtml("</span>".into()));
        if !rest.is_empty() {
            said.push(Event::Text(format!(" {rest}").into()));
        }
    }
    said
}

/// What a document consists of, in whatever form it is drawn: headings and tables stay.
pub(crate) fn tamed(markdown: &str) -> impl Iterator<Item = Event<'_>> {
    let options = Options::ENABLE_FOOTNOTES | Options::ENABLE_TABLES;
    Parser::new_ext(markdown, options).flat_map(|event| match event {
        Event::Start(Tag::Heading { .. }) | Event::End(TagEnd::Heading(_)) => vec![event],
        // An alignment would become a style in the page, which our policy forbids.
        Event::Start(Tag::Table(columns)) => {
            vec![Event::Start(Tag::Table(vec![
                Alignment::None;
                columns.len()
            ]))]
        }
        event => tame(event),
    })
}

/// Footnotes name the records behind the figures of an incident report.
fn parser(markdown: &str) -> Parser<'_> {
    Parser::new_ext(markdown, Options::ENABLE_FOOTNOTES)
}

fn tame(event: Event<'_>) -> Vec<Event<'_>> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => vec![Event::Text(text)],
        Event::Start(Tag::HtmlBlock) => vec![Event::Start(Tag::Paragraph)],
        Event::End(TagEnd::HtmlBlock) => vec![Event::End(TagEnd::Paragraph)],
        Event::Start(Tag::Heading { .. }) => {
            vec![Event::Start(Tag::Paragraph), Event::Start(Tag::Strong)]
        }
        Event::End(TagEnd::Heading(_)) => {
            vec![Event::End(TagEnd::Strong), Event::End(TagEnd::Paragraph)]
        }
        Event::Start(Tag::Image { .. }) => vec![Event::Start(Tag::Emphasis)],
        Event::End(TagEnd::Image) => vec![Event::End(TagEnd::Emphasis)],
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => {
            vec![Event::Start(Tag::Link {
                link_type: no_mail(link_type),
                dest_url: web_only(dest_url),
                title,
                id,
            })]
        }
        other => vec![other],
    }
}

fn no_mail(link: LinkType) -> LinkType {
    // An autolinked e-mail address would become `mailto:`, which is no address of the web.
    if link == LinkType::Email {
        LinkType::Inline
    } else {
        link
    }
}

fn web_only(address: CowStr<'_>) -> CowStr<'_> {
    let lower = address.to_lowercase();
    let safe =
        lower.starts_with("https://") || lower.starts_with("http://") || lower.starts_with('/');
    if safe { address } else { CowStr::Borrowed("#") }
}

#[cfg(test)]
mod tests {
    use domain::incident::report::ReportDraft;
    use domain::incident::{Impact, Incident, Scope};
    use domain::site::Zone;
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn what_is_drafted_is_said_in_another_language_and_what_people_wrote_is_not() {
        let what = (
            "Sign-in: Impact".to_owned(),
            Scope::default(),
            Impact::Minor,
        );
        let at = Timestamp::UNIX_EPOCH;
        let incident = Incident::open(
            domain::id::IncidentId::from_bytes(&[7; 16]).unwrap(),
            what,
            at,
            at,
        );
        let zone = Zone::parse("America/Los_Angeles").unwrap();
        let draft = ReportDraft::from_records(&incident, (&[], &[]), zone);
        let in_spanish = wording::words(Language::Spanish).report(&draft);
        let draft = wording::words(Language::English).report(&draft);
        let said = said_in(tamed(&draft), Language::Spanish);
        let ours = said
            .iter()
            .filter(|event| matches!(event, Event::InlineHtml(_)));
        // The title, the zone, six headings, and sections without records.
        assert!(ours.count() >= 2 * 9, "{said:?}");
        let mut html = String::new();
        html::push_html(&mut html, said.into_iter());
        for says in [
            "<h1><span lang=\"es\">Informe del incidente:</span> Sign-in: Impact</h1>",
            "<span lang=\"es\">Las horas son las de</span> America/Los_Angeles.",
            "<h2><span lang=\"es\">Causa</span></h2>",
            "<p><span lang=\"es\">No se registró nada.</span></p>",
        ] {
            assert!(html.contains(says), "{says}: {html}");
        }
        // And the other way round.
        let mut html = String::new();
        let said = said_in(tamed(&in_spanish), Language::English);
        html::push_html(&mut html, said.into_iter());
        assert!(
            html.contains("<h2><span lang=\"en\">Cause</span></h2>"),
            "{html}"
        );
        let events: Vec<_> = tamed(&in_spanish).collect();
        assert_eq!(said_in(tamed(&in_spanish), Language::Spanish), events);
        let theirs = "## Impact on Mesa\n\nImpact, Cause\n\n- Cause\n\n<span>Impact</span>\n";
        let events: Vec<_> = tamed(theirs).collect();
        assert_eq!(said_in(tamed(theirs), Language::Spanish), events);
    }

    #[track_caller]
    fn check(markdown: &str, expected: &str) {
        assert_eq!(prose(markdown).trim(), expected);
    }

    #[test]
    fn what_people_type_cannot_become_script() {
        check(
            "<script>alert(1)</script>",
            "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>",
        );
        check(
            "a <b onclick=x>b</b>",
            "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>",
        );
        check("[x](javascript:alert(1))", "<p><a href=\"#\">x</a></p>");
        check("![x](https://evil.example/p.png)", "<p><em>x</em></p>");
        check("# Loud", "<p><strong>Loud</strong></p>");
    }

    #[test]
    fn a_document_keeps_its_headings_and_footnotes_but_no_script() {
        let table = document("|A|B|\n|-|:-|\n|1|2|");
        assert!(table.contains("<th>B</th>"), "{table}");
        let html = document("# Report\n\nOne.[^1] <script>x</script>\n\n[^1]: Record.\n");
        assert!(html.contains("<h1>Report</h1>"), "{html}");
        let (_, notes) = html.split_once("<details").unwrap();
        assert!(notes.contains("footnote-definition"), "{html}");
        assert!(!html.contains("<script>"), "{html}");
    }
}
