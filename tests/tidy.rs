//! The rules that the tree itself must keep: who may use what, what belongs together, and what may be built on.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files with this ending below a folder.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "nothing below {folder} ends in {ending}");
    found
}

/// The first path segments of everything that a file names: `use` lines and paths alike.
fn names(source: &str) -> BTreeSet<&str> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':'))
        .filter_map(|word| word.split_once("::").map(|(first, _)| first))
        .collect()
}

fn assert_free_of(files: Vec<PathBuf>, forbidden: &[&str]) {
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        let names = names(&source);
        for name in forbidden {
            assert!(!names.contains(name), "{} must not use {name}", file.display());
        }
    }
}

#[test]
fn the_domain_is_pure() {
    let mut domain = files("actors/src/domain", ".rs");
    domain.push(root().join("actors/src/domain.rs"));
    let outside = [
        "tokio",
        "ractor",
        "metrics",
        "tracing",
        "dashmap",
        "futures",
        "rmp_serde",
        "async_trait",
        "sha2",
    ];
    assert_free_of(domain.clone(), &outside);
    for file in domain {
        let source = fs::read_to_string(&file).unwrap();
        let foreign: Vec<_> = source
            .lines()
            .filter_map(|line| line.trim().strip_prefix("use crate::"))
            .filter(|path| !path.starts_with("domain"))
            .collect();
        assert!(
            foreign.is_empty(),
            "{} reaches out of the domain: {foreign:?}",
            file.display()
        );
    }
}

#[test]
fn the_engine_knows_neither_http_nor_sql_nor_redis_nor_json() {
    let manifest: toml::Table = fs::read_to_string(root().join("actors/Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let dependencies = manifest["dependencies"].as_table().unwrap();
    for name in [
        "axum",
        "hyper",
        "http",
        "sqlx",
        "redis",
        "serde_json",
        "tokio-tungstenite",
        "turnout",
    ] {
        assert!(
            !dependencies.contains_key(name),
            "turnout-actors must not depend on {name}"
        );
    }
}

#[test]
fn the_load_test_is_a_client_only() {
    let manifest: toml::Table = fs::read_to_string(root().join("loadtest/Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let dependencies = manifest["dependencies"].as_table().unwrap();
    for name in ["turnout", "turnout-actors", "sqlx"] {
        assert!(
            !dependencies.contains_key(name),
            "an auditor shares no code with {name}"
        );
    }
}

#[test]
fn sql_is_in_the_store_and_http_in_its_own_layer() {
    let server: Vec<PathBuf> = files("src", ".rs");
    let outside = |folder: &str| {
        let (folder, file) = (
            root().join("src").join(folder),
            root().join("src").join(format!("{folder}.rs")),
        );
        server
            .iter()
            .filter(move |path| !path.starts_with(&folder) && **path != file)
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_free_of(outside("store"), &["sqlx"]);
    assert_free_of(outside("http"), &["axum", "hyper", "tower_http"]);
    assert_free_of(files("src/store", ".rs"), &["axum", "hyper", "http"]);
}

#[test]
fn only_the_engine_sees_actors() {
    assert_free_of(files("src", ".rs"), &["ractor"]);
}

#[test]
fn no_file_is_a_heap() {
    for folder in [
        "src",
        "actors/src",
        "loadtest/src",
        "tests",
        "actors/tests",
        "loadtest/tests",
    ] {
        for file in files(folder, ".rs") {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            assert!(
                !["mod.rs", "utils.rs", "helpers.rs", "common.rs"].contains(&name.as_str()),
                "{}",
                file.display()
            );
            let source = fs::read_to_string(&file).unwrap();
            let lines = source.lines().count();
            assert!(
                lines <= 600,
                "{} has {lines} lines: does it hold one idea?",
                file.display()
            );
            assert!(
                source.starts_with("//!"),
                "{} does not say what belongs there",
                file.display()
            );
        }
    }
}

#[test]
fn every_dependency_comes_from_the_registry_under_a_free_licence() {
    const ALLOWED: [&str; 13] = [
        "MIT",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "Unicode-3.0",
        "CC0-1.0",
        "MIT-0",
        "0BSD",
        "OpenSSL",
        "CDLA-Permissive-2.0",
    ];
    let output = Command::new(env!("CARGO"))
        // What other platforms need counts too, and is downloaded here if it was not before.
        .args(["metadata", "--format-version", "1", "--locked", "--all-features"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "the dependency graph is there");
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or("none");
        assert!(is_allowed(licence, &ALLOWED), "{name} is under {licence}");
        let source = package["source"].as_str();
        let from_registry = source.is_none_or(|source| source.starts_with("registry+"));
        assert!(from_registry, "{name} comes from {source:?}");
    }
}

/// Whether an SPDX expression can be met by allowed licences: one of its alternatives, all parts of which are.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    let flat = expression.replace(['(', ')'], " ").replace('/', " OR ");
    // Precise enough for what is in use: parentheses only ever enclose alternatives.
    flat.split(" AND ").all(|part| {
        part.split(" OR ").any(|licence| {
            allowed.contains(&licence.split_whitespace().collect::<Vec<_>>().join(" ").as_str())
        })
    })
}
