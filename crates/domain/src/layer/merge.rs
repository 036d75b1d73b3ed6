//! JSON Merge Patch (RFC 7396), by the crate `json-patch`.

use serde_json::Value;

/// A piece that is not JSON; what is published is checked to be.
#[derive(Debug, thiserror::Error)]
#[error("a piece of the document is not JSON: {0}")]
pub struct NotMerged(#[from] serde_json::Error);

/// Merges patches into a document, one after the other; all are JSON text, and so is what comes out.
///
/// # Errors
/// When one of them is not JSON.
pub fn merge<'a>(
    base: &[u8],
    patches: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, NotMerged> {
    let mut document: Value = serde_json::from_slice(base)?;
    for patch in patches {
        json_patch::merge(&mut document, &serde_json::from_slice(patch)?);
    }
    Ok(serde_json::to_vec(&document)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7396, appendix A.
    #[test]
    fn the_test_cases_of_the_standard_hold() {
        for (original, patch, result) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, r"{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (
                r#"{"a":{"b":"c"}}"#,
                r#"{"a":{"b":"d","c":null}}"#,
                r#"{"a":{"b":"d"}}"#,
            ),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, "null", "null"),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            let merged = merge(original.as_bytes(), [patch.as_bytes()]).unwrap();
            assert_eq!(
                String::from_utf8(merged).unwrap(),
                result,
                "{original} {patch}"
            );
        }
    }

    #[test]
    fn the_later_patch_wins() {
        let patches = [&br#"{"ttl":2,"pkce":null}"#[..], br#"{"ttl":3}"#];
        let merged = merge(br#"{"ttl":1,"pkce":true,"name":"a"}"#, patches).unwrap();
        assert_eq!(merged, br#"{"name":"a","ttl":3}"#);
        assert!(merge(b"{", []).is_err());
    }

    /// Read as the nearest number but one, it would grow with each merge, and not alike in every program.
    #[test]
    fn a_number_that_no_patch_names_stays_to_its_last_digit() {
        let base = br#"{"a":31.245270191439438,"b":121.48791951161945}"#;
        let merged = merge(base, [&br#"{"c":5e-324}"#[..]]).unwrap();
        let expected = br#"{"a":31.245270191439438,"b":121.48791951161945,"c":5e-324}"#;
        assert_eq!(merged, expected);
    }
}
