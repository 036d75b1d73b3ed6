//! The text of a template: words, `{gap}`, and `[[…]]` around what is left out with an open gap.

/// A piece of a template's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Words(&'a str),
    Gap(&'a str),
    Optional(Vec<Piece<'a>>),
}

/// Cuts a text into pieces.
///
/// # Errors
/// The bracket that has no partner.
pub(super) fn parse(text: &str) -> Result<Vec<Piece<'_>>, &'static str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '[']) {
        let (words, from) = rest.split_at(at);
        let (words, piece, after) = if let Some(inner) = from.strip_prefix("[[") {
            let (inner, after) = inner.split_once("]]").ok_or("[[")?;
            (words, Some(Piece::Optional(parse(inner)?)), after)
        } else if let Some(inner) = from.strip_prefix('{') {
            let (gap, after) = inner.split_once('}').ok_or("{")?;
            (words, Some(Piece::Gap(gap)), after)
        } else {
            // A single bracket is text: Markdown's links need it.
            (&rest[..=at], None, &rest[at + 1..])
        };
        pieces.extend((!words.is_empty()).then_some(Piece::Words(words)));
        pieces.extend(piece);
        rest = after;
    }
    pieces.extend((!rest.is_empty()).then_some(Piece::Words(rest)));
    Ok(pieces)
}

/// The gaps of a text, in order.
pub(super) fn gaps<'a>(pieces: &[Piece<'a>]) -> Vec<&'a str> {
    let of = |piece: &Piece<'a>| match piece {
        Piece::Words(_) => vec![],
        Piece::Gap(gap) => vec![*gap],
        Piece::Optional(inner) => gaps(inner),
    };
    pieces.iter().flat_map(of).collect()
}

/// Joins the pieces; an optional piece with an open gap is left out whole.
pub(super) fn render(pieces: &[Piece<'_>], value: &dyn Fn(&str) -> Option<String>) -> String {
    let of = |piece: &Piece<'_>| match piece {
        Piece::Words(words) => (*words).to_owned(),
        Piece::Gap(gap) => value(gap).unwrap_or_default(),
        Piece::Optional(inner) if gaps(inner).iter().all(|gap| value(gap).is_some()) => {
            render(inner, value)
        }
        Piece::Optional(_) => String::new(),
    };
    pieces.iter().map(of).collect()
}
