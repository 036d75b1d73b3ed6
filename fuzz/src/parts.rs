//! Inputs of several parts, with a line between them that a fuzzer can move, drop and repeat.

const BETWEEN: &[u8] = b"\n----\n";

/// The parts of an input.
pub(crate) fn parts(data: &[u8]) -> Vec<&[u8]> {
    let (mut parts, mut rest) = (vec![], data);
    while let Some(at) = rest.windows(BETWEEN.len()).position(|some| some == BETWEEN) {
        parts.push(&rest[..at]);
        rest = &rest[at + BETWEEN.len()..];
    }
    parts.push(rest);
    parts
}

/// One input of several parts.
pub(crate) fn joined<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> Vec<u8> {
    let parts: Vec<T> = parts.into_iter().collect();
    let parts: Vec<&[u8]> = parts.iter().map(AsRef::as_ref).collect();
    parts.join(BETWEEN)
}

/// Texts as inputs.
pub(crate) fn texts(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|text| text.as_bytes().to_vec()).collect()
}
