//! The program, started the way people start it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A started program, its log as JSON. Killed if the test fails.
struct Program {
    child: Child,
    log: BufReader<std::process::ChildStderr>,
}

impl Program {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_turnout"))
            .args(arguments)
            .env_clear()
            .env("TURNOUT_LISTEN", "127.0.0.1:0")
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// Where it serves, once it says so.
    fn url(&mut self) -> String {
        let mut logged = String::new();
        loop {
            let before = logged.len();
            self.log.read_line(&mut logged).unwrap();
            let line = &logged[before..];
            assert!(!line.is_empty(), "it ended before it served:\n{logged}");
            // Warnings about the machine may come first.
            let event: Value = serde_json::from_str(line).unwrap();
            if event["message"] == "serving" {
                return event["url"].as_str().unwrap().to_owned();
            }
        }
    }

    /// Asks it to stop, waits until it has, and returns what it wrote to standard output and to the log.
    fn stop(mut self) -> (String, String) {
        // Every shell has `kill` inside; as a program of its own it is not everywhere.
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let (mut shown, mut logged) = (String::new(), String::new());
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut shown)
            .unwrap();
        self.log.read_to_string(&mut logged).unwrap();
        assert!(self.child.wait().unwrap().success());
        (shown, logged)
    }
}

/// What is on, by start.
async fn activities(url: &str) -> Vec<Value> {
    let list = reqwest::get(format!("{url}/api/v1/activities")).await.unwrap();
    let list: Value = list.json().await.unwrap();
    list["data"].as_array().unwrap().clone()
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already unless the test failed.
        let _ = self.child.kill();
    }
}

#[tokio::test]
async fn a_bare_start_shows_a_demonstration_once_and_stops_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path(), &[]);
    let url = program.url();
    let mut shown = BufReader::new(program.child.stdout.as_mut().unwrap());
    let mut accounts = Vec::new();
    loop {
        let mut line = String::new();
        shown.read_line(&mut line).unwrap();
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            [email, password, ..] if email.contains('@') => {
                accounts.push((email.to_owned(), password.to_owned()));
            }
            ["curl", list] => break assert_eq!(list, format!("{url}/api/v1/activities")),
            _ => {}
        }
    }
    assert_eq!(accounts.len(), 2);
    for (email, password) in &accounts {
        let body = json!({"email": email, "password": password});
        let login = reqwest::Client::new()
            .post(format!("{url}/api/v1/auth/login"))
            .json(&body);
        assert_eq!(login.send().await.unwrap().status(), 200, "{email}");
    }
    let demonstrated = activities(&url).await;
    let [open, full, later] = &demonstrated[..] else {
        panic!("three activities: {demonstrated:?}")
    };
    let number = |activity: &Value, member: &str| activity[member].as_u64().unwrap_or_default();
    assert!(
        number(open, "available_spots") > 0
            && number(open, "confirmed_spots") > 0
            && open["opens_at"].is_null()
    );
    assert!(number(full, "available_spots") == 0 && number(full, "waitlisted_parties") > 1);
    assert!((1..=2 * 24 * 60 * 60 * 1_000).contains(&number(later, "opens_in_ms")));
    assert!(folder.path().join("data/turnout.db").exists() && folder.path().join("data/jwt-secret").exists());
    let (_, logged) = program.stop();
    assert!(
        accounts.iter().all(|(_, password)| !logged.contains(password)),
        "{logged}"
    );

    // The database is no longer empty.
    let mut again = Program::start(folder.path(), &[]);
    let url = again.url();
    let ids = |list: &[Value]| -> Vec<Value> { list.iter().map(|activity| activity["id"].clone()).collect() };
    assert_eq!(ids(&activities(&url).await), ids(&demonstrated));
    assert_eq!(again.stop().0, "");
}

#[tokio::test]
async fn a_start_with_arguments_shows_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path(), &["serve"]);
    let url = program.url();
    let health = reqwest::get(format!("{url}/health")).await.unwrap();
    assert_eq!(health.status(), 200);
    assert!(activities(&url).await.is_empty());
    assert_eq!(program.stop().0, "");
}
