//! Finding the programs of Postgres and Redis, and running those of Postgres as somebody who may.

use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use tokio::process::Command;

use super::ServiceError;

/// Postgres refuses to run as root, so it runs as this user then.
const USER: &str = "postgres";
/// Debian keeps the programs of a Postgres server out of the way of others, by version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The folder with the programs of a Postgres server: of the newest version that is there.
pub(super) fn postgres_programs() -> Result<PathBuf, ServiceError> {
    let versions = std::fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            bin.join("initdb").is_file().then_some((version, bin))
        })
        .collect();
    found.sort();
    let newest = found.pop().map(|(_, bin)| bin);
    newest
        .or_else(|| folder_in_path("initdb"))
        .ok_or(ServiceError::Missing {
            program: "initdb",
            package: "postgresql",
        })
}

/// The program of a Redis server.
pub(super) fn redis_program() -> Result<PathBuf, ServiceError> {
    folder_in_path("redis-server")
        .map(|folder| folder.join("redis-server"))
        .ok_or(ServiceError::Missing {
            program: "redis-server",
            package: "redis-server",
        })
}

fn folder_in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| folder.join(program).is_file())
}

/// A program, run as somebody whom Postgres lets. It becomes the program, so its process is the one that is started.
pub(super) fn as_owner(program: &Path) -> Command {
    if !geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={USER}"))
        .arg(format!("--regid={USER}"))
        .arg("--clear-groups")
        .arg(program);
    command
}

/// Gives a folder to whoever runs Postgres.
pub(super) async fn hand_over(folder: &Path) -> std::io::Result<()> {
    if geteuid().is_root() {
        let given = Command::new("chown").arg(USER).arg(folder).status().await?;
        if !given.success() {
            return Err(std::io::Error::other(format!("chown {USER} failed ({given})")));
        }
    }
    Ok(())
}
