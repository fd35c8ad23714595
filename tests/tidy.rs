//! The rules that the tree itself must keep: who may use what, what belongs together, and what may be built on.

mod paths;
mod pointers;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

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

/// The paths that a file names; `folder` is where its crate's modules are.
fn paths_in(file: &Path, folder: &str) -> Vec<paths::Path> {
    let source = fs::read_to_string(file).unwrap();
    let module = file.strip_prefix(root().join(folder)).unwrap().with_extension("");
    let module: Vec<&str> = module.iter().map(|name| name.to_str().unwrap()).collect();
    let module = module.strip_suffix(&["lib"]).unwrap_or(&module);
    paths::paths(&source, module)
}

/// Fails where a file names something that starts with one of these paths.
fn assert_free_of(files: &[PathBuf], folder: &str, forbidden: &[&str]) {
    for file in files {
        for path in paths_in(file, folder) {
            let path = path.join("::");
            for name in forbidden {
                let rest = path.strip_prefix(name);
                assert!(
                    !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::")),
                    "{} must not use {path}",
                    file.display()
                );
            }
        }
    }
}

/// What cargo knows about the workspace and everything that it is built from.
fn metadata() -> &'static Value {
    static METADATA: LazyLock<Value> = LazyLock::new(|| {
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
        serde_json::from_slice(&output.stdout).unwrap()
    });
    &METADATA
}

/// Fails where a package of the workspace depends on one of these, whatever for and under whatever name.
fn assert_independent(package: &str, forbidden: &[&str]) {
    let packages = metadata()["packages"].as_array().unwrap();
    let found = packages.iter().find(|found| found["name"] == package).unwrap();
    for dependency in found["dependencies"].as_array().unwrap() {
        let name = dependency["name"].as_str().unwrap();
        assert!(
            !forbidden.contains(&name),
            "{package} must not depend on {name} ({})",
            dependency["kind"].as_str().unwrap_or("normal")
        );
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
        "rand",
        "std::time",
        "std::thread",
        "std::sync::mpsc",
        "std::fs",
        "std::net",
        "std::env",
    ];
    assert_free_of(&domain, "actors/src", &outside);
    for file in domain {
        let foreign: Vec<_> = paths_in(&file, "actors/src")
            .into_iter()
            .filter(|path| path[0] == "crate" && path.get(1).is_none_or(|module| module != "domain"))
            .map(|path| path.join("::"))
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
    let outside = [
        "axum",
        "hyper",
        "hyper-util",
        "http",
        "reqwest",
        "sqlx",
        "redis",
        "serde_json",
        "tokio-tungstenite",
        "turnout",
    ];
    assert_independent("turnout-actors", &outside);
}

#[test]
fn the_load_test_is_a_client_only() {
    let server = [
        "turnout",
        "turnout-actors",
        "turnout-baselines",
        "sqlx",
        "redis",
        "axum",
    ];
    assert_independent("turnout-loadtest", &server);
}

#[test]
fn the_designs_that_turnout_is_compared_with_know_nothing_of_it() {
    let limits = root().join("baselines/src/limits");
    let mut designs = files("baselines/src", ".rs");
    designs.retain(|path| !path.starts_with(&limits));
    assert_free_of(&designs, "baselines/src", &["turnout", "turnout_actors"]);
    assert_independent("turnout-baselines", &["turnout-loadtest"]);
    for package in ["turnout", "turnout-actors"] {
        assert_independent(package, &["turnout-baselines"]);
    }
}

/// The server's files that are neither in this folder of `src` nor the file of the same name.
fn outside(folder: &str) -> Vec<PathBuf> {
    let (folder, file) = (
        root().join("src").join(folder),
        root().join("src").join(format!("{folder}.rs")),
    );
    let mut server = files("src", ".rs");
    server.retain(|path| !path.starts_with(&folder) && *path != file);
    server
}

/// The server's files in this folder of `src`, and the file of the same name.
fn inside(folder: &str) -> Vec<PathBuf> {
    let outside = outside(folder);
    let mut server = files("src", ".rs");
    server.retain(|path| !outside.contains(path));
    server
}

#[test]
fn sql_is_in_the_store_and_http_in_its_own_layer() {
    assert_free_of(&outside("store"), "src", &["sqlx"]);
    let http = [
        "axum",
        "hyper",
        "hyper_util",
        "http",
        "http_body_util",
        "tower",
        "tower_http",
    ];
    assert_free_of(&outside("http"), "src", &http);
}

#[test]
fn imports_point_inward() {
    assert_free_of(
        &inside("store"),
        "src",
        &["crate::http", "crate::app", "crate::demo"],
    );
    assert_free_of(
        &inside("accounts"),
        "src",
        &["crate::http", "crate::app", "crate::demo"],
    );
    assert_free_of(
        &inside("api"),
        "src",
        &[
            "crate::http",
            "crate::store::journal",
            "crate::store::events",
            "crate::ws",
            "crate::app",
            "crate::demo",
        ],
    );
    assert_free_of(
        &inside("ws"),
        "src",
        &["crate::http", "crate::app", "crate::demo"],
    );
    assert_free_of(&inside("http"), "src", &["crate::app", "crate::demo"]);
    let program =
        |path: &PathBuf| path.ends_with("src/main.rs") || path.starts_with(root().join("src/command"));
    let mut library = outside("app");
    library.retain(|path| !program(path));
    assert_free_of(&library, "src", &["crate::app"]);
}

#[test]
fn only_the_engine_sees_actors() {
    assert_free_of(&files("src", ".rs"), "src", &["ractor"]);
}

#[test]
fn no_file_is_a_heap() {
    for folder in [
        "src",
        "actors/src",
        "baselines/src",
        "loadtest/src",
        "tests",
        "actors/tests",
        "baselines/tests",
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
    const ALLOWED: [&str; 14] = [
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
        "BSL-1.0",
        "CDLA-Permissive-2.0",
    ];
    let packages = metadata()["packages"].as_array().unwrap();
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
