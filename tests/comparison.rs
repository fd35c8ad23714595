//! The comparison as a whole: everything that it starts works, everybody is judged, and nothing stays behind. It says
//! nothing about speed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// `turnout-loadtest compare --quick`, with its temporary files in a folder.
fn quick(folder: &TempDir) -> Command {
    let server = Path::new(env!("CARGO_BIN_EXE_turnout"));
    for name in ["turnout-loadtest", "turnout-baselines"] {
        assert!(
            server.with_file_name(name).exists(),
            "build all programs first: cargo build --workspace"
        );
    }
    let mut command = Command::new(server.with_file_name("turnout-loadtest"));
    command
        .args(["compare", "--quick", "--duration-s", "0.3"])
        .env("TMPDIR", folder.path());
    command
}

fn left_behind(folder: &TempDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.path()).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Postgres runs as somebody else, who must find the way.
fn folder() -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[test]
fn a_quick_comparison_measures_everybody_and_all_verdicts_are_clean() {
    let (folder, results) = (folder(), tempfile::tempdir().unwrap());
    let file = results.path().join("comparison.json");
    let ended = quick(&folder).arg("--json").arg(&file).output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{told}");
    let printed = String::from_utf8_lossy(&ended.stdout);
    for heading in ["SWEEP", "MEDIANS", "TARGETS", "VERDICTS"] {
        assert!(printed.contains(heading), "{printed}");
    }
    let told: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let all = |name: &str| told[name].as_array().unwrap().clone();
    assert_eq!(all("sweep").len(), 5, "{printed}");
    assert_eq!(all("verdicts").len(), 8, "{printed}");
    for verdict in all("verdicts") {
        assert_eq!(verdict["clean"], true, "{verdict}");
        assert!(verdict["acknowledged"].as_u64() > Some(0), "{verdict}");
    }
    assert_eq!(all("medians").len(), 15, "{printed}");
    for median in all("medians") {
        assert!(median["per_s"].as_f64() > Some(0.0), "{median}");
    }
    assert_eq!(left_behind(&folder), Vec::<PathBuf>::new());
}

#[test]
fn a_program_that_is_missing_is_told_with_the_package_that_has_it() {
    let folder = folder();
    let ended = quick(&folder).env("PATH", "/nowhere").output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{told}");
    assert!(told.contains("install the package"), "{told}");
    assert_eq!(left_behind(&folder), Vec::<PathBuf>::new());
}
