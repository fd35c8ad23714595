//! A Redis server of one test, which can be killed and comes back empty.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use super::certificate::Certificate;
use super::processes::{free_port, pause, signal};

const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct RedisServer {
    folder: TempDir,
    port: u16,
    /// Where it speaks TLS, and what it shows for that.
    tls: Option<(u16, Certificate)>,
    process: Option<Child>,
}

impl RedisServer {
    /// A new server that answers.
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), None).await
    }

    /// A new server that speaks TLS on a port of its own, too.
    pub(crate) async fn start_with_tls() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificate = Certificate::make(folder.path());
        Self::start_in(folder, Some((free_port(), certificate))).await
    }

    async fn start_in(folder: TempDir, tls: Option<(u16, Certificate)>) -> Self {
        let mut server = Self {
            folder,
            port: free_port(),
            tls,
            process: None,
        };
        server.start_again().await;
        server
    }

    /// Its address where it speaks TLS, and the authority that vouches for it.
    pub(crate) fn tls(&self) -> (String, &Path) {
        let (port, certificate) = self.tls.as_ref().expect("it was started with TLS");
        (format!("rediss://127.0.0.1:{port}"), &certificate.authority)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it without warning. It keeps nothing.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().expect("it was started");
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Stops it where it is, without its knowing.
    pub(crate) async fn pause(&self) {
        pause(self.id()).await;
    }

    /// Lets it go on as if nothing had happened.
    pub(crate) fn resume(&self) {
        signal(self.id(), Signal::CONT);
    }

    fn id(&self) -> u32 {
        self.process.as_ref().expect("it was started").id()
    }

    /// Starts it on the port that it had before, without what was in it, and returns once it answers.
    pub(crate) async fn start_again(&mut self) {
        let port = self.port.to_string();
        let mut command = Command::new("redis-server");
        if let Some((port, certificate)) = &self.tls {
            command.args(["--tls-port", &port.to_string(), "--tls-auth-clients", "no"]);
            command.arg("--tls-cert-file").arg(&certificate.certificate);
            command.arg("--tls-key-file").arg(&certificate.key);
            command.arg("--tls-ca-cert-file").arg(&certificate.authority);
        }
        let process = command
            .args([
                "--port",
                &port,
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
        let answers = async {
            while !self.ask("PING").is_ok_and(|answer| answer == "+PONG\r\n") {
                let ended = self
                    .process
                    .as_mut()
                    .and_then(|process| process.try_wait().unwrap());
                assert!(ended.is_none(), "Redis ended: {ended:?}");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(DEADLINE, answers)
            .await
            .expect("Redis answers");
    }

    /// What it answers, in its own words, to a command without blanks in its arguments.
    pub(crate) fn ask(&self, command: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.strip_suffix("+OK\r\n").unwrap_or(&answer).to_owned())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

#[tokio::test]
async fn it_comes_back_empty() {
    let mut server = RedisServer::start().await;
    assert_eq!(server.ask("SET a 1").unwrap(), "+OK\r\n");
    assert_eq!(server.ask("GET a").unwrap(), "$1\r\n1\r\n");
    server.kill();
    assert!(server.ask("GET a").is_err(), "{}", server.url());
    server.start_again().await;
    assert_eq!(server.ask("GET a").unwrap(), "$-1\r\n");
}
