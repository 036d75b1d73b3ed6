//! Documents as people publish them: merged with layers, chosen for a release, checked with a schema.

use domain::layer::{Piece, choose, merge, ranges};
use domain::rollout::Rollout;
use semver::{Version, VersionReq};
use serde_json::{Map, Value};

use crate::parts::{joined, parts, texts};
use crate::product::{fits, stored_schema};

/// What is merged is what the standard says, in one step or in several, once or twice.
pub(crate) fn merged(data: &[u8]) {
    let parts = parts(data);
    let Some((base, patches)) = parts.split_first() else {
        return;
    };
    let Ok(whole) = merge(base, patches.iter().copied()) else {
        return;
    };
    let mut expected: Value = serde_json::from_slice(base).expect("it was read");
    let mut stepwise = merge(base, []).expect("it was read");
    for patch in patches {
        expected = patched(
            expected,
            &serde_json::from_slice(patch).expect("it was read"),
        );
        stepwise = merge(&stepwise, [*patch]).expect("it was read");
        assert_eq!(
            merge(&stepwise, [*patch]).ok().as_ref(),
            Some(&stepwise),
            "twice is once"
        );
    }
    let read: Value = serde_json::from_slice(&whole).expect("what is merged is JSON");
    assert_eq!(read, expected);
    assert_eq!(whole, stepwise);
    if read.is_object() {
        assert_eq!(merge(&whole, [&b"{}"[..]]).ok(), Some(whole));
    }
}

/// RFC 7396, section 2, as it is written there.
fn patched(target: Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else {
        return patch.clone();
    };
    let mut target = match target {
        Value::Object(target) => target,
        _ => Map::new(),
    };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            let before = target.remove(name).unwrap_or(Value::Null);
            target.insert(name.clone(), patched(before, value));
        }
    }
    Value::Object(target)
}

pub(crate) fn merge_seeds() -> Vec<Vec<u8>> {
    let base = r#"{"a":{"b":1,"c":[1,2]},"d":2.5,"e":"x"}"#;
    vec![
        joined([
            base,
            r#"{"a":{"b":null,"z":{"y":null}},"d":1e300}"#,
            r#"{"a":null}"#,
        ]),
        joined([
            base,
            "[1]",
            r#"{"n":18446744073709551615,"m":-9223372036854775808}"#,
        ]),
        joined(["{}", "null", r#"{"a":0.1}"#]),
    ]
}

/// A version of the base, or of one of the layers of a site.
#[derive(Clone, Debug)]
struct Offered {
    accepts: VersionReq,
    rollout: Rollout,
    is_given: bool,
}

impl Piece for Offered {
    fn accepts(&self) -> &VersionReq {
        &self.accepts
    }

    fn rollout(&self) -> &Rollout {
        &self.rollout
    }
}

const STACKS: usize = 4;
const VERSIONS_MAX: usize = 5;

/// Whoever compares a release with ranges reads what whoever asks for the release reads. Lines are a release, or
/// `STACK FLAGS RANGE`: stack 0 is the base; `e` in the flags is for everywhere, `g` is given to the site.
pub(crate) fn chosen(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut stacks: [Vec<Offered>; STACKS] = Default::default();
    let mut codes = vec![];
    for line in text.lines().take(40) {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        match words[..] {
            [code] => codes.extend(Version::parse(code)),
            [stack, flags, accepts] => {
                let stack = stack.parse().ok().and_then(|at: usize| stacks.get_mut(at));
                if let (Some(stack), Ok(accepts)) = (stack, VersionReq::parse(accepts))
                    && stack.len() < VERSIONS_MAX
                {
                    let is_given = flags.contains('g');
                    let rollout = match flags.contains('e') {
                        true => Rollout::everywhere(),
                        false => Rollout::nowhere(),
                    };
                    stack.push(Offered {
                        accepts,
                        rollout,
                        is_given,
                    });
                }
            }
            _ => {}
        }
    }
    let [base, layers @ ..] = &stacks;
    let layers: Vec<&[Offered]> = layers
        .iter()
        .map(Vec::as_slice)
        .filter(|all| !all.is_empty())
        .collect();
    let given = |one: &Offered| one.is_given;
    let limit = VERSIONS_MAX * 1_000;
    let sets = ranges(base, &layers, given, limit);
    for code in codes {
        let asked = choose(base, layers.iter().copied(), &code, given);
        let found = sets.iter().find(|(_, accepts)| accepts.matches(&code));
        let found = found.map(|(pieces, _)| pieces.clone());
        let same = |one: &[&Offered], other: &[&Offered]| {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| std::ptr::eq(*a, *b))
        };
        match (asked, found) {
            (Some(asked), Some(found)) => {
                assert!(same(&asked, &found), "{code}: {asked:?}, not {found:?}")
            }
            (None, None) => {}
            // A prerelease may find nothing where ranges differ, as it says there.
            (Some(_), None) if !code.pre.is_empty() => {}
            (asked, found) => panic!("{code}: {asked:?}, not {found:?}"),
        }
        for (pieces, _) in &sets {
            assert!(pieces.iter().all(|piece| piece.is_given));
        }
    }
    for one in stacks.iter().flatten() {
        let again = VersionReq::parse(&one.accepts.to_string());
        assert_eq!(again.as_ref().ok(), Some(&one.accepts));
    }
}

pub(crate) fn choose_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "0 ge ^5.1\n0 ge <5.2\n1 g ~5.1\n1 ge *\n2 e >=5.2\n5.1.0\n5.2.0\n6.0.0",
        "0 ge >5.2.0-rc.1, <6\n0 ge =5.1.0-a\n1 ge <=5.2.0-b\n5.2.0\n5.2.0-rc.2\n5.1.0-a",
        "0 g 5.*\n1 e 5.1\n1 ge 5\n2 g <5.2.0-rc.1\n3 ge >=5.1.9, !=x\n5.1.3\n5.3.0+build",
    ])
}

/// What is accepted as a schema checks any body, and says why one does not fit; what is stored reads back.
pub(crate) fn schema(data: &[u8]) {
    let parts = parts(data);
    let read = |at: usize| serde_json::from_slice::<Value>(parts.get(at)?).ok();
    let Some(schema) = read(0) else { return };
    let Some(text) = stored_schema(&schema) else {
        return;
    };
    for at in 1..parts.len().min(4) {
        let Some(body) = read(at) else { continue };
        let first = fits(&text, &body);
        if let Err(why) = &first {
            assert!(
                why.starts_with("the document does not fit"),
                "what is stored reads back: {why}"
            );
        }
        assert_eq!(first, fits(&text, &body));
    }
}

pub(crate) fn schema_seeds() -> Vec<Vec<u8>> {
    let bodies = [
        r#"{"pkce":"required","port":80,"hosts":["a","b"]}"#,
        r#"{"pkce":1}"#,
    ];
    let with = |schema: &str| joined([schema, bodies[0], bodies[1]]);
    vec![
        with(
            r#"{"type":"object","required":["pkce"],"properties":{"pkce":{"enum":["optional","required"]},"port":{"type":"integer","minimum":1,"multipleOf":5}}}"#,
        ),
        with(
            r##"{"$defs":{"a":{"anyOf":[{"type":"string","pattern":"^[a-z]+$"},{"$ref":"#/$defs/b"}]},"b":{"type":["array","null"],"uniqueItems":true,"items":{"$ref":"#/$defs/a"},"contains":{"const":"a"},"minContains":1}},"patternProperties":{"^h":{"$ref":"#/$defs/a"}},"unevaluatedProperties":{"not":{"type":"boolean"}}}"##,
        ),
        with(
            r#"{"if":{"propertyNames":{"maxLength":4}},"then":{"minProperties":2},"else":{"dependentRequired":{"port":["pkce"]}},"oneOf":[{"additionalProperties":true},{"prefixItems":[{"format":"date"}]}]}"#,
        ),
        with(
            r#"{"$schema":"http://json-schema.org/draft-07/schema#","dependencies":{"a":["b"]},"definitions":{},"type":"object"}"#,
        ),
    ]
}
