//! The limits, which the program of the baselines measures by itself: each is a process of its own on a database of its
//! own.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;
use tokio::time::timeout;

use super::CompareError;

/// The most time for all beside what is measured: a database that is made, batches that are made ahead, and looking at
/// what was written.
const BESIDE_MAX: Duration = Duration::from_secs(300);

/// What it prints.
#[derive(Debug, Deserialize)]
pub(super) struct Limit {
    pub(super) count: u64,
    pub(super) per_s: f64,
    pub(super) own_cpu_us: f64,
}

/// Runs one and returns what it measured.
pub(super) async fn measure(
    program: &Path,
    name: &str,
    arguments: &[&str],
    duration: Duration,
) -> Result<Limit, CompareError> {
    let measuring = Command::new(program)
        .args(arguments)
        .args(["--duration-s", &duration.as_secs_f64().to_string()])
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .output();
    // What is late goes away with the future.
    let output = timeout(duration + BESIDE_MAX, measuring)
        .await
        .map_err(|late| CompareError::of(name, late.to_string()))?
        .map_err(|error| CompareError::of(name, error.to_string()))?;
    if !output.status.success() {
        return Err(CompareError::of(
            name,
            String::from_utf8_lossy(&output.stderr).trim(),
        ));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| CompareError::of(name, error.to_string()))
}
