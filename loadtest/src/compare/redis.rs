//! A Redis of one's own for one run: on a free port, with nothing on disk.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use super::ServiceError;
use crate::clock;
use crate::throwaway::free_address;

const START_DEADLINE: Duration = Duration::from_secs(20);
const POLL_EVERY: Duration = Duration::from_millis(20);

/// A running server that belongs to this process, and ends with it.
#[derive(Debug)]
pub(super) struct ThrowawayRedis {
    port: u16,
    process: Child,
    _folder: TempDir,
}

impl ThrowawayRedis {
    /// Starts it and waits until it accepts connections.
    pub(super) async fn start(program: &Path) -> Result<Self, ServiceError> {
        let failed = ServiceError::run("redis-server");
        let folder = tempfile::tempdir().map_err(&failed)?;
        let address = free_address().map_err(&failed)?;
        let mut process = Command::new(program)
            .args(["--port", &address.port().to_string()])
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(&failed)?;
        let give_up_at = clock::now() + START_DEADLINE;
        while TcpStream::connect(address).await.is_err() {
            let ended = process.try_wait().ok().flatten();
            if ended.is_some() || clock::now() >= give_up_at {
                return Err(ServiceError::Failed {
                    program: "redis-server",
                    log: "it does not accept connections".to_owned(),
                });
            }
            sleep(POLL_EVERY).await;
        }
        Ok(Self {
            port: address.port(),
            process,
            _folder: folder,
        })
    }

    pub(super) fn id(&self) -> Option<u32> {
        self.process.id()
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}
