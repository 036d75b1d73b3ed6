//! Tests that every command in the documents is one that this binary takes. `sh` blocks stand in the
//! operating guide only, where `tests/operating.rs` runs them; the others are `console` blocks.

use clap::Parser;

use crate::Arguments;
use crate::commands::drill::with_json_file;

const OPERATING: &str = include_str!("../../../docs/operating.md");
const OTHERS: [(&str, &str); 3] = [
    ("README.md", include_str!("../../../README.md")),
    ("CONTRIBUTING.md", include_str!("../../../CONTRIBUTING.md")),
    (
        "docs/benchmarks.md",
        include_str!("../../../docs/benchmarks.md"),
    ),
];

/// The commands of `console` blocks: what stands behind a prompt, without its comment.
fn commands(text: &str) -> Vec<&str> {
    let blocks = text.split("```console\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    blocks
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("$ "))
        .map(|line| line.split(" #").next().unwrap_or("").trim())
        .collect()
}

#[test]
fn every_command_in_the_documents_is_understood() {
    let mut understood = 0;
    for (document, text) in [("docs/operating.md", OPERATING)].into_iter().chain(OTHERS) {
        for command in commands(text) {
            let ours = command
                .strip_prefix("cargo run --release -- ")
                .or_else(|| command.strip_prefix("lamplighter "));
            let Some(ours) = ours else { continue };
            let words = std::iter::once("lamplighter").chain(ours.split_whitespace());
            // As the program reads them.
            let words = with_json_file(words.map(Into::into));
            if let Err(e) = Arguments::try_parse_from(words) {
                panic!("{document}: `{command}` is not understood:\n{e}");
            }
            understood += 1;
        }
    }
    assert!(understood >= 4, "only {understood} commands were found");
}

#[test]
fn blocks_that_no_test_runs_are_not_marked_as_run() {
    for (document, text) in OTHERS {
        let runs = text.lines().any(|line| line == "```sh");
        assert!(
            !runs,
            "{document}: mark commands as `console`, with a prompt; only the operating guide is run"
        );
    }
}
