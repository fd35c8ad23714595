//! The load test with a server of its own: whatever happens in mid-run, what it started is gone afterwards, and
//! what it saw is told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;

use crate::support::{audit, children_of, sqlite_of};

const DEADLINE: Duration = Duration::from_secs(60);

/// A burst that takes far longer than any test, and the folder in which it keeps its server.
struct Burst {
    folder: TempDir,
    load_test: Child,
    server: u32,
}

impl Burst {
    /// Starts it and waits until it is under way.
    async fn start() -> Self {
        let server = Path::new(env!("CARGO_BIN_EXE_turnout"));
        let program = server.with_file_name("turnout-loadtest");
        assert!(
            program.exists(),
            "build the load test first: cargo build -p turnout-loadtest"
        );
        let folder = tempfile::tempdir().unwrap();
        let load_test = Command::new(program)
            .arg("burst")
            .arg(format!("--spawn={}", server.display()))
            .args(["--people", "500000", "--seats", "10", "--connections", "20"])
            .env("TMPDIR", folder.path())
            // What steers it must not reach its server.
            .env("TURNOUT_KILL_SEED", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut burst = Self {
            folder,
            load_test,
            server: 0,
        };
        let under_way = async {
            while !burst.is_under_way().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(DEADLINE, under_way)
            .await
            .expect("the burst begins");
        let children = children_of(burst.load_test.id());
        burst.server = *children.first().expect("the load test has started a server");
        burst
    }

    /// The places of servers in its folder: at most one.
    fn places(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// Whether somebody has been answered, or is about to be.
    async fn is_under_way(&self) -> bool {
        match &self.places()[..] {
            [place] => holds_rsvps(&sqlite_of(place)).await.unwrap_or(false),
            _ => false,
        }
    }

    /// Waits for its end, and returns what it printed to standard output and to standard error.
    async fn end(&mut self) -> (ExitStatus, String, String) {
        let read = |stream: Box<dyn std::io::Read + Send>| {
            tokio::task::spawn_blocking(move || std::io::read_to_string(stream).unwrap())
        };
        let printed = read(Box::new(self.load_test.stdout.take().unwrap()));
        let told = read(Box::new(self.load_test.stderr.take().unwrap()));
        let printed = tokio::time::timeout(DEADLINE, printed)
            .await
            .expect("it ends")
            .unwrap();
        (self.load_test.wait().unwrap(), printed, told.await.unwrap())
    }
}

impl Drop for Burst {
    fn drop(&mut self) {
        // All of this has ended already unless the test failed.
        let _ = self.load_test.kill();
        let _ = self.load_test.wait();
        if is_turnout(self.server) {
            signal("KILL", self.server);
        }
    }
}

/// Whether anybody has come yet; an error while the database is being made.
async fn holds_rsvps(url: &str) -> sqlx::Result<bool> {
    let mut database = SqliteConnectOptions::from_str(url)?
        .read_only(true)
        .connect()
        .await?;
    let holds = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM rsvps)");
    let holds = holds.fetch_one(&mut database).await?;
    database.close().await?;
    Ok(holds)
}

/// Every shell has `kill` inside; as a program of its own it is not everywhere.
fn signal(name: &str, id: u32) {
    let kill = format!("kill -{name} {id}");
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// Whether this process is a server, and no other that has got its number since.
fn is_turnout(id: u32) -> bool {
    fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|exe| exe == Path::new(env!("CARGO_BIN_EXE_turnout")))
}

#[tokio::test]
async fn a_load_test_that_is_interrupted_leaves_neither_server_nor_folder() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mut burst = Burst::start().await;
        assert!(is_turnout(burst.server));
        signal(name, burst.load_test.id());
        let (status, _, told) = burst.end().await;
        assert_eq!(status.code(), Some(code), "{told}");
        assert!(!is_turnout(burst.server), "{name} ends the server, too: {told}");
        assert_eq!(burst.places(), Vec::<PathBuf>::new(), "{name}");
    }
}

#[tokio::test]
async fn a_server_that_dies_in_mid_run_is_told_with_the_table_and_its_folder_is_kept() {
    let mut burst = Burst::start().await;
    signal("KILL", burst.server);
    let (status, printed, told) = burst.end().await;
    assert_eq!(status.code(), Some(2), "{told}");
    assert!(printed.contains("\nANSWERED\n"), "{printed}");
    let why = "NO VERDICT: the server ended in mid-run (signal: 9 (SIGKILL))";
    assert!(printed.contains(why), "{printed}");
    let [place] = &burst.places()[..] else {
        panic!("{:?}: {told}", burst.places())
    };
    assert!(told.contains(&place.display().to_string()), "{told}");
    assert!(place.join("server.log").exists());
    let audited = audit(&sqlite_of(place)).await;
    assert!(audited.events > 0, "the burst was under way");
}
