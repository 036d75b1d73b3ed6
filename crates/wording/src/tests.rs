//! A text that is missing in a language, or that nobody says, fails here.

use super::*;

#[test]
fn every_language_has_the_same_texts_and_each_is_said() {
    let (english, spanish) = (texts::held(&ENGLISH_FILES), texts::held(&SPANISH_FILES));
    assert_eq!(english, spanish);
    let said = [
        include_str!("built_in.rs"),
        include_str!("posts.rs"),
        include_str!("records.rs"),
        include_str!("report.rs"),
        include_str!("timeline.rs"),
    ];
    let english = english.unwrap();
    for (key, values) in &english {
        let quoted = format!("\"{key}\"");
        assert!(said.iter().any(|file| file.contains(&quoted)), "{key}");
        for language in Language::ALL {
            assert_eq!(TEXTS.is_plain(language, key), values.is_empty(), "{key}");
        }
    }
    for (call, takes_values) in [("say(\"", false), ("tell(\"", true)] {
        let code = said.concat().replace(['\n', ' '], "");
        for rest in code.split(call).skip(1) {
            let key = rest.split('"').next().unwrap_or_default();
            let has_values = english.get(key).map(|values| !values.is_empty());
            assert_eq!(has_values, Some(takes_values), "{call}{key}");
        }
    }
}
