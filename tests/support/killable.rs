//! A server in a process of its own, on one port and one database, that can be killed and started again.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::{NamedTempFile, TempDir, TempPath};

use super::processes::free_port;
use super::request::Request;
use super::{SECRET, database_of};

const DEADLINE: Duration = Duration::from_secs(60);

/// A place for a server: a port and a folder.
pub(crate) struct Killable {
    folder: TempDir,
    database: String,
    settings: Vec<(&'static str, String)>,
    address: SocketAddr,
    process: Option<Child>,
    client: reqwest::Client,
}

impl Killable {
    pub(crate) async fn start() -> Self {
        Self::start_under(&[]).await
    }

    /// Starts the server as the arguments of another program, which must become it: the process that is started
    /// here is the one that is killed.
    pub(crate) async fn start_under(wrapper: &[String]) -> Self {
        Self::begun(wrapper, &[]).await
    }

    pub(crate) async fn start_with(settings: &[(&'static str, String)]) -> Self {
        Self::begun(&[], settings).await
    }

    async fn begun(wrapper: &[String], settings: &[(&'static str, String)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut place = Self::at(database_of(folder.path()), folder, settings);
        place.begin(wrapper).await;
        place
    }

    /// Starts a server on a database that others may use too.
    pub(crate) async fn start_on(database: &str, settings: &[(&'static str, String)]) -> Self {
        let mut place = Self::at(database.to_owned(), tempfile::tempdir().unwrap(), settings);
        place.begin(&[]).await;
        place
    }

    fn at(database: String, folder: TempDir, settings: &[(&'static str, String)]) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        Self {
            folder,
            database,
            settings: settings.to_vec(),
            address,
            process: None,
            client: reqwest::Client::new(),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.process.as_ref().expect("the server was started").id()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The address of its database.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// Kills the server without warning.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().expect("the server was started");
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Asks the server to stop, and waits until it has.
    pub(crate) fn stop_gently(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        let mut process = self.process.take().expect("the server was started");
        process.wait().unwrap()
    }

    /// Stops the process where it is, without its knowing.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on as if nothing had happened.
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.id().try_into().unwrap()).unwrap();
        kill_process(id, signal).unwrap();
    }

    /// The process that traces the server, if one does.
    pub(crate) fn tracer(&self) -> Option<u32> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
        line.and_then(|id| id.trim().parse().ok()).filter(|id| *id != 0)
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

    /// A request to a path, which is below `/api/v1` unless it starts with two slashes.
    pub(crate) fn request(&self, method: Method, path: &str) -> Request {
        Request::new(&self.client, method, &self.url(), path)
    }

    /// Starts the load test against the server.
    pub(crate) fn load_test(&self, arguments: &[&str]) -> LoadTest {
        let program = Path::new(env!("CARGO_BIN_EXE_turnout")).with_file_name("turnout-loadtest");
        assert!(
            program.exists(),
            "build the load test first: cargo build -p turnout-loadtest"
        );
        let report = NamedTempFile::new_in(self.folder()).unwrap().into_temp_path();
        let child = Command::new(program)
            .args(arguments)
            .args(["--url", &self.url(), "--secret", SECRET, "--json"])
            .arg(&report)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        LoadTest {
            child: Some(child),
            report,
        }
    }

    async fn begin(&mut self, wrapper: &[String]) {
        let server = env!("CARGO_BIN_EXE_turnout").to_owned();
        let mut words = wrapper.iter().chain([&server]);
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder().join("log"))
            .unwrap();
        let mut command = Command::new(words.next().expect("there is at least the server"));
        // What steers the tests is no configuration of the server, which refuses keys that it does not know.
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_configuration(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        let child = command
            .args(words)
            .env("TURNOUT_LISTEN", self.address.to_string())
            .env("TURNOUT_DATABASE_URL", &self.database)
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            // Where the server keeps what it must remember.
            .current_dir(self.folder())
            .env("TURNOUT_JWT_SECRET", SECRET)
            .env("TURNOUT_RATE_LIMITS", "off")
            .env("TURNOUT_LOG", "warn")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(child);
        if tokio::time::timeout(DEADLINE, self.until_healthy())
            .await
            .is_err()
        {
            panic!("the server does not serve:\n{}", self.log());
        }
    }

    async fn until_healthy(&mut self) {
        let health = format!("{}/health", self.url());
        loop {
            let process = self.process.as_mut().expect("the server was started");
            if let Some(status) = process.try_wait().unwrap() {
                self.process = None;
                panic!("the server ended before it served, {status}:\n{}", self.log());
            }
            let answer = self.client.get(&health).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Everything that it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }
}

fn is_configuration(name: &str) -> bool {
    name.starts_with("TURNOUT_") || name == "DATABASE_URL"
}

impl Drop for Killable {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the server's log:\n{}", self.log());
        }
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself, which is for the test to notice.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A running load test.
pub(crate) struct LoadTest {
    child: Option<Child>,
    report: TempPath,
}

/// What a load test said.
pub(crate) struct Said {
    pub(crate) status: ExitStatus,
    /// What it printed.
    pub(crate) text: String,
    /// What it wrote down; null if it did not come to that.
    pub(crate) report: Value,
}

impl LoadTest {
    /// Whether it has ended already.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child
            .as_mut()
            .expect("it was not waited for")
            .try_wait()
            .unwrap()
            .is_some()
    }

    /// Waits for its end.
    pub(crate) async fn finish(&mut self) -> Said {
        let child = self.child.take().expect("it was not waited for");
        let wait = tokio::task::spawn_blocking(|| child.wait_with_output());
        let output: io::Result<_> = wait.await.unwrap();
        let output = output.unwrap();
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let report = std::fs::read(&self.report).unwrap_or_default();
        Said {
            status: output.status,
            text,
            report: serde_json::from_slice(&report).unwrap_or_default(),
        }
    }
}

impl Said {
    /// A number of the report; 0 where it has none.
    pub(crate) fn number(&self, pointer: &str) -> u64 {
        self.report
            .pointer(pointer)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    }
}

impl Drop for LoadTest {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
