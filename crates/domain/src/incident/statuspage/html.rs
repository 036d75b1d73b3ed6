//! The HTML that bodies of a Statuspage may hold, as the Markdown that posts are written in.
//!
//! Known tags become Markdown or nothing; what is no known tag stays text, which pages show and never
//! obey. Takes time in proportion to the text, whatever the text.

/// Marks deeper than this are left out: nobody reads them, and closing each moves what it holds.
const MARKS_OPEN_MAX: usize = 16;
/// The longest entity, in bytes with `&` and `;`.
const ENTITY_BYTES_MAX: usize = 12;

/// What a tag means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// A new line.
    Break,
    /// A new paragraph, before and after.
    Block,
    /// An item of a list.
    Item,
    /// A space, between cells.
    Cell,
    /// Markdown around its text.
    Mark(&'static str),
    /// A link.
    Link,
    /// What is in it is not for people.
    Hidden,
    /// Only its text matters.
    Plain,
}

/// A mark or link that is open: where its text begins.
struct Open {
    meaning: Meaning,
    from: usize,
    address: Option<String>,
}

#[derive(Default)]
struct Writer {
    text: String,
    open: Vec<Open>,
    /// The hidden element that the text is in.
    hidden: Option<String>,
}

/// Writes `html` as Markdown, with one line end where a line ends and an empty line between paragraphs.
pub(super) fn to_markdown(html: &str) -> String {
    let mut writer = Writer::default();
    // Looked for once for all `<` before it: a body of nothing but `<` must not take its square.
    let (mut at, mut end) = (0, html.find('>'));
    while let Some(found) = html[at..].find(['<', '&']) {
        writer.words(&html[at..at + found]);
        at += found;
        if html[at..].starts_with('&') {
            at = html.len() - writer.entity(&html[at..]).len();
            continue;
        }
        if end.is_some_and(|end| end < at) {
            end = html[at..].find('>').map(|end| at + end);
        }
        match end.and_then(|end| Some((Tag::read(&html[at + 1..end])?, end))) {
            Some((tag, end)) => {
                writer.tag(&tag);
                at = end + 1;
            }
            None => {
                writer.words("<");
                at += 1;
            }
        }
    }
    writer.words(&html[at..]);
    tidy(&writer.text)
}

struct Tag<'a> {
    name: String,
    meaning: Meaning,
    closes: bool,
    attributes: &'a str,
}

impl<'a> Tag<'a> {
    /// Reads what stands between `<` and `>`; `None` when that is no tag that is known.
    fn read(inner: &'a str) -> Option<Self> {
        if inner.starts_with("!--") {
            return Some(Self {
                name: String::new(),
                meaning: Meaning::Plain,
                closes: false,
                attributes: "",
            });
        }
        let (closes, inner) = match inner.strip_prefix('/') {
            Some(inner) => (true, inner),
            None => (false, inner),
        };
        let end = inner.find(|c: char| !c.is_ascii_alphanumeric());
        let (name, attributes) = inner.split_at(end.unwrap_or(inner.len()));
        if !attributes.is_empty()
            && !attributes.starts_with(|c: char| c.is_whitespace() || c == '/')
        {
            return None;
        }
        let name = name.to_ascii_lowercase();
        let meaning = meaning(&name)?;
        Some(Self {
            name,
            meaning,
            closes,
            attributes,
        })
    }

    /// Where a link leads; `None` when that is not the web.
    fn address(&self) -> Option<String> {
        let lower = self.attributes.to_ascii_lowercase();
        let at = lower.find("href")? + "href".len();
        let value = self.attributes[at..].trim_start().strip_prefix('=')?;
        let value = value.trim_start();
        let value = match value.chars().next()? {
            quote @ ('"' | '\'') => value[1..].split(quote).next()?,
            _ => value.split_whitespace().next()?,
        };
        let value = decoded(value);
        let lower = value.to_ascii_lowercase();
        let is_web = lower.starts_with("https://") || lower.starts_with("http://");
        let breaks = |c: char| c.is_whitespace() || c.is_control() || "<>\"\\`".contains(c);
        if !is_web || value.contains(breaks) {
            return None;
        }
        Some(value.replace('(', "%28").replace(')', "%29"))
    }
}

fn meaning(name: &str) -> Option<Meaning> {
    Some(match name {
        "br" => Meaning::Break,
        "p" | "div" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "blockquote"
        | "pre" | "hr" | "table" | "tr" => Meaning::Block,
        "li" => Meaning::Item,
        "td" | "th" => Meaning::Cell,
        "strong" | "b" => Meaning::Mark("**"),
        "em" | "i" => Meaning::Mark("*"),
        "a" => Meaning::Link,
        "script" | "style" => Meaning::Hidden,
        "abbr" | "code" | "font" | "img" | "s" | "small" | "span" | "strike" | "sub" | "sup"
        | "tbody" | "thead" | "u" | "var" => Meaning::Plain,
        _ => return None,
    })
}

impl Writer {
    fn words(&mut self, words: &str) {
        if self.hidden.is_none() {
            let kept = |c: &char| matches!(c, '\n' | '\t') || !c.is_control();
            self.text.extend(words.chars().filter(kept));
        }
    }

    /// Writes the entity that `rest` begins with, or its `&`; gives what comes after.
    fn entity<'a>(&mut self, rest: &'a str) -> &'a str {
        let end = rest.bytes().take(ENTITY_BYTES_MAX).position(|b| b == b';');
        let known = end.and_then(|end| Some((character(&rest[1..end])?, &rest[end + 1..])));
        let (c, after) = known.unwrap_or(('&', &rest[1..]));
        self.words(c.encode_utf8(&mut [0; 4]));
        after
    }

    fn tag(&mut self, tag: &Tag<'_>) {
        if let Some(hidden) = &self.hidden {
            if tag.closes && tag.name == *hidden {
                self.hidden = None;
            }
            return;
        }
        match (tag.meaning, tag.closes) {
            (Meaning::Break, _) => self.text.push('\n'),
            (Meaning::Block, _) => self.text.push_str("\n\n"),
            (Meaning::Item, false) => self.text.push_str("\n- "),
            (Meaning::Cell, false) => self.text.push(' '),
            (Meaning::Mark(_) | Meaning::Link, false) => self.begin(tag),
            (Meaning::Mark(_) | Meaning::Link, true) => self.end(tag.meaning),
            (Meaning::Hidden, false) => self.hidden = Some(tag.name.clone()),
            (Meaning::Item | Meaning::Cell | Meaning::Hidden, true) | (Meaning::Plain, _) => {}
        }
    }

    fn begin(&mut self, tag: &Tag<'_>) {
        if self.open.len() < MARKS_OPEN_MAX {
            self.open.push(Open {
                meaning: tag.meaning,
                from: self.text.len(),
                address: tag.address(),
            });
        }
    }

    /// Puts Markdown around the text of the last mark of this kind; around nothing, and around several
    /// paragraphs, it would be read as text.
    fn end(&mut self, meaning: Meaning) {
        let Some(place) = self.open.iter().rposition(|open| open.meaning == meaning) else {
            return;
        };
        let Some(open) = self.open.drain(place..).next() else {
            return;
        };
        let inner = self.text.split_off(open.from);
        let words = inner.trim();
        let (before, after) = match (meaning, &open.address) {
            _ if words.is_empty() || words.contains("\n\n") => (String::new(), String::new()),
            (Meaning::Link, Some(address)) => ("[".into(), format!("]({address})")),
            (Meaning::Mark(mark), _) => (mark.into(), mark.into()),
            _ => (String::new(), String::new()),
        };
        let lead = inner.len() - inner.trim_start().len();
        self.text.push_str(&inner[..lead]);
        self.text.push_str(&before);
        self.text.push_str(words);
        self.text.push_str(&after);
        self.text.push_str(&inner[lead + words.len()..]);
    }
}

/// The character of an entity, without `&` and `;`.
fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let number = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return char::from_u32(number.ok()?);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        _ => return None,
    })
}

/// An attribute's value without entities.
fn decoded(value: &str) -> String {
    let mut writer = Writer::default();
    let mut rest = value;
    while let Some(at) = rest.find('&') {
        writer.text.push_str(&rest[..at]);
        rest = writer.entity(&rest[at..]);
    }
    writer.text.push_str(rest);
    writer.text
}

/// Lines without the space around them, which Markdown would read as code; a line end is kept as one;
/// one empty line at most between two paragraphs.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            empty += 1;
            continue;
        }
        let between = match empty {
            _ if out.is_empty() => "",
            0 if line.starts_with("- ") => "\n",
            0 => "  \n",
            _ => "\n\n",
        };
        out.push_str(between);
        out.push_str(line);
        empty = 0;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(to_markdown(html), expected, "{html}");
    }

    #[test]
    fn tags_become_markdown() {
        check("Plain words.", "Plain words.");
        check("One.<br />Two.<BR>\r\n\r\nThree.", "One.  \nTwo.\n\nThree.");
        check("<p>One.</p>\n<p>Two.</p>", "One.\n\nTwo.");
        check(
            "<strong>Note: </strong>it <em>works</em>.",
            "**Note:** it *works*.",
        );
        check(
            "See <a target=\"_blank\" href=\"https://a.example/x?a=1&amp;b=(2)\">the guide</a>.",
            "See [the guide](https://a.example/x?a=1&b=%282%29).",
        );
        check(
            "<ul><li>One</li><li>Two</li></ul>Then",
            "- One\n- Two\n\nThen",
        );
        check("<td>a</td><td>b</td>", "a b");
        check(
            "Tom &amp; Ann&#39;s &#x2014; 5 &lt; 6 &unknown; &",
            "Tom & Ann's — 5 < 6 &unknown; &",
        );
        check("<!-- aside -->Seen", "Seen");
    }

    #[test]
    fn what_is_no_tag_stays_text() {
        check("a < b and c > d", "a < b and c > d");
        check("write to <help@a.example>", "write to <help@a.example>");
        check("<time:2023-07-11T23:27:00Z>", "<time:2023-07-11T23:27:00Z>");
        check("an unfinished <strong", "an unfinished <strong");
        check("never <b>closed", "never closed");
        check("<b>  </b>x", "x");
        check("<b>One.<br><br>Two.</b>", "One.\n\nTwo.");
        check("    not code\n\tnor this", "not code  \nnor this");
    }

    #[test]
    fn nothing_leads_away_from_the_web_or_runs() {
        check("<a href=\"javascript:pwn()\">x</a>", "x");
        check("<a href='JaVaScRiPt:pwn()'>x</a>", "x");
        check("<a href=\"&#106;avascript:pwn()\">x</a>", "x");
        check(
            "<a href=\"https://a.example/> <b\">x</a>",
            "[<b\">x](https://a.example/)",
        );
        check("<a href=https://a.example/\"onx=1>x</a>", "x");
        check("a<script>pwn()</script>b<style>c", "ab");
    }

    #[test]
    fn hostile_bodies_take_no_time() {
        for piece in [
            "<",
            "<b>",
            "</b>",
            "<a href=\"",
            "&",
            "&lt",
            "<script>",
            "<!--",
            "<b>x</b>",
            "<a",
        ] {
            let body = piece.repeat(400_000 / piece.len()) + ">";
            assert!(to_markdown(&body).len() <= 2 * body.len(), "{piece}");
        }
    }
}
