//! What files of texts hold: the tests of each crate compare its languages, and its texts with what
//! its code asks for.

use std::collections::{BTreeMap, BTreeSet};

use fluent_bundle::FluentResource;

/// The keys of files, each with the values its text takes.
pub type Held = BTreeMap<String, BTreeSet<String>>;

/// Reads what files hold.
///
/// # Errors
/// What is wrong, and where: a file that does not parse, or a key that is there twice.
pub fn held(files: &[&str]) -> Result<Held, String> {
    let mut all = Held::new();
    for file in files {
        if let Err((_, problems)) = FluentResource::try_new((*file).to_owned()) {
            return Err(format!("{problems:?} in {file}"));
        }
        let mut here = String::new();
        for line in file.lines() {
            if let Some(key) = keys(line).next() {
                key.clone_into(&mut here);
                if all.insert(here.clone(), BTreeSet::new()).is_some() {
                    return Err(format!("{here} is there twice"));
                }
            }
            let values = line.split('$').skip(1).map(|rest| {
                let ends = |c: char| !c.is_ascii_alphanumeric() && c != '-';
                rest.split(ends).next().unwrap_or_default().to_owned()
            });
            if let Some(known) = all.get_mut(&here) {
                known.extend(values);
            }
        }
    }
    Ok(all)
}

/// The keys of a file: they begin a line.
pub(crate) fn keys(file: &str) -> impl Iterator<Item = &str> {
    let begins = |line: &&str| line.starts_with(|c: char| c.is_ascii_alphabetic());
    let lines = file.lines().filter(begins);
    lines.filter_map(|line| Some(line.split_once('=')?.0.trim()))
}
