//! Checks what a compiler does not: the direction of dependencies, module headers, the length of
//! files, and that what the documents name exists.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longer files hold more than one thought.
const LINES_MAX: usize = 600;

/// Runs all checks from the top of the repository.
///
/// # Errors
/// Every finding, a line each.
pub(crate) fn run(top: &Path) -> Result<(), String> {
    let files = tracked(top)?;
    let findings = [
        dependencies(top)?,
        sources(top, &files),
        links(top, &files),
        invariants(top, &files)?,
        product(top)?,
    ];
    let findings: Vec<String> = findings.into_iter().flatten().collect();
    if findings.is_empty() {
        Ok(())
    } else {
        Err(findings.join("\n"))
    }
}

fn tracked(top: &Path) -> Result<Vec<PathBuf>, String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(top)
        .output()
        .map_err(|e| format!("could not ask git for the files: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text
        .lines()
        .map(PathBuf::from)
        .filter(|file| top.join(file).exists())
        .collect())
}

/// Compares `[dependencies]` on our own crates with the list in ARCHITECTURE.md.
fn dependencies(top: &Path) -> Result<Vec<String>, String> {
    let real = real_dependencies(top)?;
    let listed = listed_dependencies(&read(&top.join("ARCHITECTURE.md"))?);
    let mut findings = vec![];
    for (name, depends) in &real {
        match listed.get(name) {
            None => findings.push(format!("ARCHITECTURE.md does not list the crate {name}")),
            Some(allowed) if allowed != depends => findings.push(format!(
                "crate {name} depends on {depends:?}; ARCHITECTURE.md says {allowed:?}"
            )),
            Some(_) => {}
        }
    }
    let gone = listed.keys().filter(|name| !real.contains_key(*name));
    findings.extend(gone.map(|name| format!("ARCHITECTURE.md lists {name}, which is no crate")));
    Ok(findings)
}

fn real_dependencies(top: &Path) -> Result<BTreeMap<String, Vec<String>>, String> {
    let mut folders = vec![];
    for entry in std::fs::read_dir(top.join("crates")).map_err(|e| e.to_string())? {
        folders.push(entry.map_err(|e| e.to_string())?.path());
    }
    let names: Vec<String> = folders
        .iter()
        .filter_map(|folder| file_name(folder))
        .collect();
    let mut real = BTreeMap::new();
    for folder in folders {
        let manifest: toml::Table = read(&folder.join("Cargo.toml"))?
            .parse()
            .map_err(|e| format!("{}: {e}", folder.display()))?;
        let depends = manifest.get("dependencies").and_then(toml::Value::as_table);
        let mut depends: Vec<String> = depends
            .into_iter()
            .flat_map(|table| table.keys().cloned())
            .filter(|name| names.contains(name))
            .collect();
        depends.sort();
        real.insert(file_name(&folder).unwrap_or_default(), depends);
    }
    Ok(real)
}

/// Lines `name -> a, b` of the fenced block that starts with ```` ```dependencies ````.
fn listed_dependencies(text: &str) -> BTreeMap<String, Vec<String>> {
    let lines = text
        .lines()
        .skip_while(|line| *line != "```dependencies")
        .skip(1);
    lines
        .take_while(|line| *line != "```")
        .filter_map(|line| line.split_once("->"))
        .map(|(name, depends)| {
            let mut depends: Vec<String> = depends
                .split(',')
                .map(|one| one.trim().to_owned())
                .filter(|one| !one.is_empty())
                .collect();
            depends.sort();
            (name.trim().to_owned(), depends)
        })
        .collect()
}

/// Every source file says what it owns, and fits one thought.
fn sources(top: &Path, files: &[PathBuf]) -> Vec<String> {
    let rust = files
        .iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "rs"));
    let mut findings = vec![];
    for file in rust {
        let text = std::fs::read_to_string(top.join(file)).unwrap_or_default();
        if !text.starts_with("//!") {
            findings.push(format!(
                "{}: no module header (`//!` on the first line)",
                file.display()
            ));
        }
        let lines = text.lines().count();
        if lines > LINES_MAX {
            findings.push(format!(
                "{}: {lines} lines; at most {LINES_MAX}",
                file.display()
            ));
        }
    }
    findings
}

/// Files that documents name in `code` or link to must exist.
fn links(top: &Path, files: &[PathBuf]) -> Vec<String> {
    let documents = files
        .iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "md"));
    let mut findings = vec![];
    for file in documents {
        let text = std::fs::read_to_string(top.join(file)).unwrap_or_default();
        let folder = file.parent().unwrap_or(Path::new(""));
        for target in named_files(&text) {
            if !top.join(folder).join(&target).exists() && !top.join(&target).exists() {
                findings.push(format!(
                    "{}: names {target}, which is not there",
                    file.display()
                ));
            }
        }
    }
    findings
}

/// What is sold has nothing in it that is there for simulations only.
fn product(top: &Path) -> Result<Vec<String>, String> {
    let output = Command::new("cargo")
        .args([
            "tree",
            "--package",
            "lamplighter",
            "--edges",
            "normal,build",
        ])
        .args(["--prefix", "none", "--format", "{p} {f}"])
        .current_dir(top)
        .output()
        .map_err(|e| format!("could not ask cargo for the product's features: {e}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let agent = text
        .lines()
        .find(|line| line.starts_with("lamplighter-agent "));
    Ok(match agent {
        Some(line) if line.ends_with("trial") => {
            vec!["the product's agent is built with the feature `trial`".into()]
        }
        Some(_) => vec![],
        None => vec!["the product has no agent in it".into()],
    })
}

/// Each test that the table of invariants names must be a function.
fn invariants(top: &Path, files: &[PathBuf]) -> Result<Vec<String>, String> {
    let text = read(&top.join("docs/invariants.md"))?;
    let rows = text.lines().filter(|line| line.starts_with("| "));
    let named = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    let is_source = |file: &&PathBuf| file.extension().is_some_and(|ending| ending == "rs");
    let sources = files.iter().filter(is_source);
    let all: String = sources
        .filter_map(|file| std::fs::read_to_string(top.join(file)).ok())
        .collect();
    let is_function = |name: &&str| {
        name.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let is_gone = |name: &&str| !all.contains(&format!("fn {name}("));
    let gone = named.filter(is_function).filter(is_gone);
    Ok(gone
        .map(|name| format!("docs/invariants.md: no function is called {name}"))
        .collect())
}

fn named_files(text: &str) -> Vec<String> {
    let links = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(to, _)| to);
    let links = links
        .filter(|to| !to.contains("://") && !to.starts_with('#') && !to.starts_with("mailto:"))
        .filter_map(|to| to.split('#').next());
    let code = text.split('`').skip(1).step_by(2).filter(|code| {
        let ours = [
            "crates/",
            "docs/",
            "examples/",
            "xtask/",
            "scenarios/",
            "fleets/",
        ];
        ours.iter().any(|top| code.starts_with(top))
            && !code.contains(['*', ' ', '\n', '<', '{', '…'])
    });
    links.chain(code).map(str::to_owned).collect()
}

fn read(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|e| format!("could not read {}: {e}", file.display()))
}

fn file_name(path: &Path) -> Option<String> {
    path.file_name()
        .and_then(|name| name.to_str())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_dependencies_is_read() {
        let text = "a\n```dependencies\nweb -> engine, domain\ndomain ->\n```\nother -> x\n";
        let listed = listed_dependencies(text);
        assert_eq!(listed["web"], ["domain", "engine"]);
        assert!(listed["domain"].is_empty() && !listed.contains_key("other"));
    }

    #[test]
    fn names_of_files_are_found() {
        let text =
            "see [it](docs/a.md#top), [out](https://x.y), `crates/web/src/lib.rs`, `crates/*/src`";
        assert_eq!(named_files(text), ["docs/a.md", "crates/web/src/lib.rs"]);
    }
}
