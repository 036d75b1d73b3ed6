//! The client of `examples/node-site` against an agent that answers as its tests want; beside a real one:
//! `crates/lamplighter/tests/node_site.rs`.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::process::Command;

#[test]
fn the_client_in_node_refuses_what_it_cannot_use() {
    let tests = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/node-site/agent.test.mjs"
    );
    let run = Command::new("node").arg("--test").arg(tests).output();
    let run = run.unwrap_or_else(|e| panic!("node is missing: {e}"));
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stdout)
    );
}
