//! Markdown of posts in the dialects of chats: Slack's mrkdwn, and what a text block of an Adaptive Card
//! draws. What a chat would obey is written as text. Never sends anything.

use pulldown_cmark::{Event, Tag, TagEnd};

use crate::pages::prose::plain;

/// The longest text, in characters: Slack refuses sections over 3,000.
const CHARS_MAX: usize = 2_500;

/// Which chat reads it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// `*bold*`, `_slanted_`, `<url|words>`; no lists, no headings; `&`, `<` and `>` escaped.
    /// <https://docs.slack.dev/messaging/formatting-message-text>
    Slack,
    /// Markdown without headings, tables, code and pictures.
    /// <https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features>
    Teams,
}

/// For a `mrkdwn` text of Slack.
pub(super) fn slack(markdown: &str) -> String {
    write(markdown, Dialect::Slack)
}

/// For a `TextBlock` of an Adaptive Card.
pub(super) fn teams(markdown: &str) -> String {
    write(markdown, Dialect::Teams)
}

/// A line of plain text for Slack: what it would obey is text.
pub(super) fn slack_line(text: &str) -> String {
    let mut out = String::new();
    text.chars().for_each(|c| Dialect::Slack.push(&mut out, c));
    out
}

/// A line of plain text for a card.
pub(super) fn teams_line(text: &str) -> String {
    let mut out = String::new();
    text.chars().for_each(|c| Dialect::Teams.push(&mut out, c));
    out
}

impl Dialect {
    fn strong(self) -> &'static str {
        match self {
            Self::Slack => "*",
            Self::Teams => "**",
        }
    }

    fn push(self, out: &mut String, c: char) {
        match (self, c) {
            (Self::Slack, '&') => out.push_str("&amp;"),
            (Self::Slack, '<') => out.push_str("&lt;"),
            (Self::Slack, '>') => out.push_str("&gt;"),
            // Slack knows no escape for these: a space of no width keeps them from pairing.
            (Self::Slack, '*' | '_' | '~' | '`') => out.extend([c, '\u{200b}']),
            (Self::Teams, '*' | '_' | '`' | '\\') => out.extend(['\\', c]),
            // Brackets alone are no link.
            (Self::Teams, '(') if out.ends_with(']') => out.push_str("\\("),
            _ => out.push(c),
        }
    }
}

/// What is written, and what it stands in.
struct Writing {
    dialect: Dialect,
    out: String,
    /// The number of the next item of each list, from the outermost in; none for dots.
    lists: Vec<Option<u64>>,
    /// Where the links that are open lead; none when it is no address of the web.
    links: Vec<Option<String>>,
    /// What closes the emphasis that is open.
    marks: Vec<&'static str>,
    quotes: usize,
    /// Characters so far, without what only arranges them.
    written: usize,
    /// Nothing more is written, but what is open is closed.
    full: bool,
}

fn write(markdown: &str, dialect: Dialect) -> String {
    let mut writing = Writing {
        dialect,
        out: String::new(),
        lists: vec![],
        links: vec![],
        marks: vec![],
        quotes: 0,
        written: 0,
        full: false,
    };
    for event in plain(markdown) {
        writing.event(event);
    }
    writing.out.trim().to_owned()
}

impl Writing {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::End(tag) => self.end(tag),
            Event::Start(Tag::Strong | Tag::Emphasis) if self.full => self.marks.push(""),
            _ if self.full => {}
            Event::Start(tag) => self.start(tag),
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.text(&text);
            }
            Event::SoftBreak => self.out.push(' '),
            Event::HardBreak => self.new_line(),
            Event::Rule => self.paragraph(),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::CodeBlock(_) if self.lists.is_empty() => self.paragraph(),
            Tag::BlockQuote(_) => self.quotes += 1,
            Tag::List(first) => {
                if self.lists.is_empty() {
                    self.paragraph();
                }
                self.lists.push(first);
            }
            Tag::Item => self.item(),
            Tag::Strong => self.open(self.dialect.strong()),
            Tag::Emphasis => self.open("_"),
            Tag::Link { dest_url, .. } => self.link(&dest_url),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::BlockQuote(_) => self.quotes = self.quotes.saturating_sub(1),
            TagEnd::List(_) => drop(self.lists.pop()),
            TagEnd::Strong | TagEnd::Emphasis => {
                self.out.push_str(self.marks.pop().unwrap_or_default());
            }
            TagEnd::Link => match (self.links.pop().flatten(), self.dialect) {
                (Some(_), Dialect::Slack) => self.out.push('>'),
                (Some(url), Dialect::Teams) => self.out.push_str(&format!("]({url})")),
                (None, _) => {}
            },
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        let in_slack_link =
            self.dialect == Dialect::Slack && matches!(self.links.last(), Some(Some(_)));
        for (number, line) in text.trim_end_matches('\n').split('\n').enumerate() {
            if number > 0 {
                self.new_line();
            }
            for c in line.chars() {
                // The bar would end the address.
                let c = if in_slack_link && c == '|' { '¦' } else { c };
                self.push(c);
            }
        }
    }

    fn push(&mut self, c: char) {
        if self.full {
            return;
        }
        if self.written >= CHARS_MAX {
            self.out.push('…');
            self.full = true;
            return;
        }
        let before = self.out.len();
        self.dialect.push(&mut self.out, c);
        self.written += self.out.get(before..).unwrap_or_default().chars().count();
    }

    fn open(&mut self, mark: &'static str) {
        self.out.push_str(mark);
        self.marks.push(mark);
    }

    fn link(&mut self, url: &str) {
        let leads = url.starts_with("https://") || url.starts_with("http://");
        if !leads {
            self.links.push(None);
            return;
        }
        let ends = |c: char| matches!(c, '<' | '>' | '|' | '(' | ')' | '"') || c.is_whitespace();
        let mut safe = String::new();
        for c in url.chars() {
            match c {
                '&' if self.dialect == Dialect::Slack => safe.push_str("&amp;"),
                c if ends(c) && c.is_ascii() => safe.push_str(&format!("%{:02X}", u32::from(c))),
                c if ends(c) => {}
                c => safe.push(c),
            }
        }
        let length = safe.chars().count();
        if self.written + length > CHARS_MAX {
            self.links.push(None);
            return;
        }
        self.written += length;
        match self.dialect {
            Dialect::Slack => self.out.push_str(&format!("<{safe}|")),
            Dialect::Teams => self.out.push('['),
        }
        self.links.push(Some(safe));
    }

    fn item(&mut self) {
        self.new_line();
        let depth = self.lists.len().saturating_sub(1);
        let dot = match self.dialect {
            Dialect::Slack => "•",
            Dialect::Teams => "-",
        };
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}.", number.saturating_sub(1))
            }
            _ => dot.to_owned(),
        };
        self.out.push_str(&"  ".repeat(depth));
        self.out.push_str(&mark);
        self.out.push(' ');
    }

    fn paragraph(&mut self) {
        if !self.out.is_empty() {
            self.out.push_str("\n\n");
        }
        self.quote_mark();
    }

    fn new_line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            // A card joins lines unless an empty one or an item stands between them.
            let apart = self.dialect == Dialect::Teams && self.lists.is_empty();
            self.out.push_str(if apart { "\n\n" } else { "\n" });
        }
        self.quote_mark();
    }

    fn quote_mark(&mut self) {
        if self.quotes > 0 && self.dialect == Dialect::Slack {
            self.out.push_str("> ");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slack_and_teams_read_what_was_written() {
        for (markdown, in_slack, in_teams) in [
            ("plain", "plain", "plain"),
            (
                "**bold** and *slanted*",
                "*bold* and _slanted_",
                "**bold** and _slanted_",
            ),
            (
                "[when](https://a.example/x?a=1&b=2)",
                "<https://a.example/x?a=1&amp;b=2|when>",
                "[when](https://a.example/x?a=1&b=2)",
            ),
            (
                "<https://a.example>",
                "<https://a.example|https://a.example>",
                "[https://a.example](https://a.example)",
            ),
            ("[x](javascript:alert(1))", "x", "x"),
            ("[x](/sites/a)", "x", "x"),
            (
                "[a|b](https://a.example/|c)",
                "<https://a.example/%7Cc|a¦b>",
                "[a|b](https://a.example/%7Cc)",
            ),
            ("One.\n\nTwo.", "One.\n\nTwo.", "One.\n\nTwo."),
            ("One\ntwo.", "One two.", "One two."),
            ("One  \ntwo.", "One\ntwo.", "One\n\ntwo."),
            (
                "Do:\n\n- this\n- that",
                "Do:\n\n• this\n• that",
                "Do:\n\n- this\n- that",
            ),
            ("- a\n  - b\n- c", "• a\n  • b\n• c", "- a\n  - b\n- c"),
            ("3. a\n4. b", "3. a\n4. b", "3. a\n4. b"),
            ("# Loud", "*Loud*", "**Loud**"),
            ("> said\n> again", "> said again", "said again"),
            ("a & b", "a &amp; b", "a & b"),
            (
                "<!channel> & <@U1>",
                "&lt;!channel&gt; &amp; &lt;@U1&gt;",
                "<!channel> & <@U1>",
            ),
            (
                "\\[x](https://a.example)",
                "[x](https://a.example)",
                "[x]\\(https://a.example)",
            ),
            ("`code_name`", "code_\u{200b}name", "code\\_name"),
            (
                "2 \\* 3 \\* 4",
                "2 *\u{200b} 3 *\u{200b} 4",
                "2 \\* 3 \\* 4",
            ),
            ("![x](https://a.example/p.png)", "_x_", "_x_"),
        ] {
            assert_eq!(slack(markdown), in_slack, "Slack: {markdown}");
            assert_eq!(teams(markdown), in_teams, "Teams: {markdown}");
        }
    }

    #[test]
    fn a_long_post_is_cut_between_marks() {
        let long = format!(
            "**[{}](https://a.example)** **more** [x](https://b.example)",
            "&".repeat(3_000)
        );
        let cut = slack(&long);
        assert!(cut.starts_with("*<https://a.example|&amp;"), "{cut}");
        assert!(cut.ends_with("&amp;…>*"), "{cut}");
        assert!(cut.chars().count() < 2_600, "{}", cut.chars().count());
    }
}
