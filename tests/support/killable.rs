//! A server in a process of its own, on one port and one database, that can be killed and started again.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::SECRET;

const DEADLINE: Duration = Duration::from_secs(60);

/// A place for a server: a port and a folder.
pub(crate) struct Killable {
    folder: TempDir,
    address: SocketAddr,
    process: Option<Child>,
    client: reqwest::Client,
}

impl Killable {
    pub(crate) async fn start() -> Self {
        Self::start_under(&[]).await
    }

    /// Starts the server as the arguments of another program, such as a tracer.
    pub(crate) async fn start_under(wrapper: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The port is free again at once, and nobody else on this machine asks for it by name.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut place = Self {
            folder,
            address,
            process: None,
            client: reqwest::Client::new(),
        };
        place.begin(wrapper).await;
        place
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.process.as_ref().expect("the server was started").id()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills the server without warning.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().expect("the server was started");
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Starts the server on the port and the database that it had before.
    pub(crate) async fn start_again(&mut self) {
        self.begin(&[]).await;
    }

    /// What the server answers to a question of anybody.
    pub(crate) async fn ask(&self, path: &str) -> Value {
        self.client
            .get(format!("{}{path}", self.url()))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// Starts the load test against the server.
    pub(crate) fn load_test(&self, arguments: &[&str]) -> LoadTest {
        let program = Path::new(env!("CARGO_BIN_EXE_turnout")).with_file_name("turnout-loadtest");
        assert!(
            program.exists(),
            "build the load test first: cargo build -p turnout-loadtest"
        );
        let child = Command::new(program)
            .args(arguments)
            .args(["--url", &self.url(), "--secret", SECRET])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        LoadTest(Some(child))
    }

    async fn begin(&mut self, wrapper: &[String]) {
        let server = env!("CARGO_BIN_EXE_turnout").to_owned();
        let mut words = wrapper.iter().chain([&server]);
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder().join("log"))
            .unwrap();
        let child = Command::new(words.next().expect("there is at least the server"))
            .args(words)
            .env("TURNOUT_LISTEN", self.address.to_string())
            .env(
                "TURNOUT_DATABASE_URL",
                format!("sqlite://{}", self.folder().join("turnout.db").display()),
            )
            .env("TURNOUT_JWT_SECRET", SECRET)
            .env("TURNOUT_RATE_LIMITS", "off")
            .env("TURNOUT_LOG", "warn")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(child);
        let healthy = async {
            let health = format!("{}/health", self.url());
            while !self
                .client
                .get(&health)
                .send()
                .await
                .is_ok_and(|answer| answer.status() == 200)
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let log = || std::fs::read_to_string(self.folder().join("log")).unwrap_or_default();
        tokio::time::timeout(DEADLINE, healthy)
            .await
            .unwrap_or_else(|_| panic!("the server serves:\n{}", log()));
    }
}

impl Drop for Killable {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "the server's log:\n{}",
                std::fs::read_to_string(self.folder().join("log")).unwrap_or_default()
            );
        }
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself, which is for the test to notice.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A running load test.
pub(crate) struct LoadTest(Option<Child>);

impl LoadTest {
    /// Whether it has ended already.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0
            .as_mut()
            .expect("it was not waited for")
            .try_wait()
            .unwrap()
            .is_some()
    }

    /// Waits for its end, and returns what it printed.
    pub(crate) async fn finish(mut self) -> (ExitStatus, String) {
        let child = self.0.take().expect("it was not waited for");
        let wait = tokio::task::spawn_blocking(|| child.wait_with_output());
        let output: io::Result<_> = wait.await.unwrap();
        let output = output.unwrap();
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status, text)
    }
}

impl Drop for LoadTest {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
