//! Tests that every command in the documents is one that this binary takes.

use clap::Parser;

use crate::Arguments;

const DOCUMENTS: [(&str, &str); 3] = [
    ("README.md", include_str!("../../../README.md")),
    (
        "docs/operating.md",
        include_str!("../../../docs/operating.md"),
    ),
    (
        "docs/benchmarks.md",
        include_str!("../../../docs/benchmarks.md"),
    ),
];

/// The commands of the `sh` blocks of a document, without their prompt and comments.
fn commands(text: &str) -> Vec<String> {
    let blocks = text
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    blocks
        .flat_map(str::lines)
        .map(|line| line.split(" #").next().unwrap_or("").trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn every_command_in_the_documents_is_understood() {
    let mut understood = 0;
    for (document, text) in DOCUMENTS {
        for command in commands(text) {
            let ours = command
                .strip_prefix("cargo run --release -- ")
                .or_else(|| command.strip_prefix("lamplighter "));
            let Some(ours) = ours else { continue };
            let words = std::iter::once("lamplighter").chain(ours.split_whitespace());
            if let Err(e) = Arguments::try_parse_from(words) {
                panic!("{document}: `{command}` is not understood:\n{e}");
            }
            understood += 1;
        }
    }
    assert!(understood >= 5, "only {understood} commands were found");
}
