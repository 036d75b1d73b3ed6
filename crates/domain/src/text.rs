//! Texts that people write and read: what counts as written, and how values are shown to them.
//! Never decides what a text may say.

/// The most characters of a value that an error repeats.
const SHOWN_CHARACTERS_MAX: usize = 80;

/// Whether a text shows nothing: only spaces, line ends and characters without a width.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c))
}

/// Characters that take no place or only look like a space (Unicode `Default_Ignorable_Code_Point`,
/// without variation selectors and tags, which follow something visible; and the empty Braille cell).
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}')
}

/// Whether a text of several lines holds control characters: all but line ends and tabs.
#[must_use]
pub fn has_controls(text: &str) -> bool {
    let allowed = |c| matches!(c, '\n' | '\r' | '\t');
    text.chars().any(|c| c.is_control() && !allowed(c))
}

/// Whether a text turns the direction of what is read (Unicode `Bidi_Control`): with it, a name or a
/// sentence looks like another.
#[must_use]
pub fn has_bidi_controls(text: &str) -> bool {
    let turns = |c| {
        matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().any(turns)
}

/// Whether two names look alike to a quick reader: in whichever case, and with whatever cannot be seen.
#[must_use]
pub fn reads_alike(one: &str, other: &str) -> bool {
    let seen = |text: &str| {
        let visible: String = text.chars().filter(|c| !is_invisible(*c)).collect();
        let words: Vec<_> = visible.split_whitespace().map(str::to_lowercase).collect();
        words.join(" ")
    };
    seen(one) == seen(other)
}

/// A value as an error repeats it: in quotes, cut so that the error stays readable.
#[must_use]
pub fn shown(value: &str) -> String {
    match value.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        None => format!("{value:?}"),
        Some((end, _)) => format!("{:?}…", &value[..end]),
    }
}

/// 13732 is "13,732".
#[must_use]
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_texts_show_nothing() {
        for (text, blank) in [
            ("", true),
            (" \t\n", true),
            ("\u{200b}\u{feff}\u{2060}", true),
            ("\u{2800}\u{3164}\u{ad}", true),
            ("a\u{200b}", false),
            // Joined by an invisible character, and visible.
            ("👩\u{200d}🔧", false),
        ] {
            assert_eq!(is_blank(text), blank, "{text:?}");
        }
    }

    #[test]
    fn names_that_read_alike_are_the_same() {
        for (one, same) in [
            ("Our engineers", true),
            (" OUR \u{a0} engineers", true),
            ("Our\u{200b} eng\u{ad}ineers", true),
            ("Our engineer", false),
            ("Ourengineers", false),
        ] {
            assert_eq!(reads_alike(one, "our Engineers"), same, "{one:?}");
        }
        assert!(has_bidi_controls("a\u{202e}b") && has_bidi_controls("\u{2066}"));
        assert!(!has_bidi_controls("سلام — 👩\u{200d}🔧"));
    }

    #[test]
    fn values_are_shown_cut_and_counts_grouped() {
        assert_eq!(shown("a\nb"), "\"a\\nb\"");
        assert_eq!(shown(&"é".repeat(80)).chars().count(), 82);
        assert_eq!(shown(&"é".repeat(2_700_000)).chars().count(), 83);
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(count), text);
        }
    }
}
