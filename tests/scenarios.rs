//! The load test's runs that need a real server: in small, with its exit code, its JSON and its page.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::database_of;

const DEADLINE: Duration = Duration::from_secs(120);

/// Where a run puts what it found out.
struct Results(TempDir);

impl Results {
    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path("run.json")).unwrap()).unwrap()
    }

    fn page(&self) -> String {
        fs::read_to_string(self.path("run.html")).unwrap()
    }
}

/// Runs the load test with a server of its own on a database of its own.
async fn run(arguments: &[&str], page: Option<&str>) -> (Output, Results) {
    let server = Path::new(env!("CARGO_BIN_EXE_turnout"));
    let program = server.with_file_name("turnout-loadtest");
    assert!(
        program.exists(),
        "build the load test first: cargo build -p turnout-loadtest"
    );
    let results = Results(tempfile::tempdir().unwrap());
    let database = database_of(results.0.path());
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg(format!("--spawn={}", server.display()))
        .args(["--set", &format!("TURNOUT_DATABASE_URL={database}")])
        .args(["--json", &results.path("run.json")])
        .args(["--report", page.unwrap_or(&results.path("run.html"))]);
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = tokio::time::timeout(DEADLINE, ran)
        .await
        .expect("it ends")
        .unwrap();
    (output, results)
}

#[tokio::test]
async fn after_a_start_the_first_command_finds_its_activity_with_all_keys() {
    let sizes = ["--rsvps", "200,300", "--starts", "2", "--connections", "8"];
    let (output, results) = run(&[&["cold"], &sizes[..]].concat(), None).await;
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{printed}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let json = results.json();
    let starts = json["measured"]["cold"]["starts"].as_array().unwrap();
    let sizes: Vec<u64> = starts
        .iter()
        .map(|start| start["rsvps"].as_u64().unwrap())
        .collect();
    assert_eq!(sizes, [200, 200, 300, 300]);
    // Everybody came, somebody came late and left again after each start, and the first came once more.
    assert_eq!(json["answered"]["committed"], 500 + 4 * 3);
    assert_eq!(json["answered"]["replayed"], 4);
    assert!(results.page().contains("Verdict: clean."), "{}", results.page());
}

#[tokio::test]
async fn an_overload_of_a_real_server_is_judged_and_made_a_page() {
    let arguments = [
        "overload",
        "--connections",
        "40",
        "--peak-connections",
        "8",
        "--peak-for-s",
        "0.5",
        "--duration-s",
        "0.5",
        "--shares",
        "1.5",
        "--people",
        "2000",
    ];
    let (output, results) = run(&arguments, None).await;
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{printed}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let phases = results.json()["measured"]["overload"]["phases"].clone();
    assert_eq!(phases.as_array().unwrap().len(), 3, "{phases}");
    assert!(phases[0]["usage"]["server_s"].is_f64(), "{phases}");
    assert!(results.page().contains("<svg "));
}

#[tokio::test]
async fn a_page_that_cannot_be_written_is_told_before_anything_is_started() {
    let (output, results) = run(&["burst"], Some("/nowhere/run.html")).await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("cannot write /nowhere/run.html"), "{told}");
    assert!(!Path::new(&results.path("run.json")).exists());
}
