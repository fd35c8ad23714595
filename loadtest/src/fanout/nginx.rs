//! An nginx of one's own, with the Nchan module, for one run: on a free port, in a temporary folder.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::Nginx;
use crate::health::{NotThere, wait_until_healthy};
use crate::run::RunError;
use crate::target::Target;
use crate::throwaway::free_address;

const START_DEADLINE: Duration = Duration::from_secs(10);
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// A running nginx that belongs to this process.
#[derive(Debug)]
pub(super) struct ThrowawayNginx {
    child: Child,
    target: Target,
    /// Gone with it.
    _folder: TempDir,
}

impl ThrowawayNginx {
    /// Starts it and waits until it answers.
    pub(super) async fn start(place: &Nginx) -> Result<Self, RunError> {
        let told = |error: &std::io::Error| RunError::Nchan(error.to_string());
        let folder = tempfile::tempdir().map_err(|error| told(&error))?;
        let address = free_address().map_err(|error| told(&error))?;
        let file = folder.path().join("nginx.conf");
        let module = place.module.display().to_string();
        std::fs::write(&file, configuration(&module, &address.to_string())).map_err(|error| told(&error))?;
        let child = Command::new(&place.program)
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .arg("-e")
            .arg(folder.path().join("error.log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| RunError::Nchan(format!("cannot start {}: {error}", place.program.display())))?;
        let mut nginx = Self {
            child,
            target: Target::at(address),
            _folder: folder,
        };
        nginx.wait_until_healthy().await?;
        Ok(nginx)
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Asks it to end, and waits until it has collected its workers.
    pub(super) async fn stop(mut self) {
        self.signal(Signal::TERM);
        // What is left after that is killed.
        let _ = timeout(STOP_DEADLINE, self.child.wait()).await;
    }

    /// Sends a signal to all of its processes, which are a group.
    fn signal(&self, signal: Signal) {
        let id = self.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(Pid::from_raw) {
            let _ = kill_process_group(group, signal);
        }
    }

    async fn wait_until_healthy(&mut self) -> Result<(), RunError> {
        let waited = wait_until_healthy(&mut self.child, &self.target, START_DEADLINE).await;
        waited.map_err(|why| {
            RunError::Nchan(match why {
                NotThere::Ended(status) => format!("nginx ended before it served ({status})"),
                NotThere::Late => "nginx did not serve in time".to_owned(),
            })
        })
    }
}

impl Drop for ThrowawayNginx {
    fn drop(&mut self) {
        // Killed alone, the first process would leave its workers behind.
        self.signal(Signal::KILL);
    }
}

/// Two workers, as there are cores for them; nothing is kept for those who come later.
fn configuration(module: &str, address: &str) -> String {
    format!(
        "load_module {module};
daemon off;
worker_processes 2;
worker_rlimit_nofile 20000;
pid nginx.pid;
error_log error.log warn;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    keepalive_requests 1000000;
    nchan_shared_memory_size 256M;
    server {{
        listen {address} backlog=4096;
        location = /health {{ return 200; }}
        location ~ ^/pub/(.+)$ {{
            nchan_publisher;
            nchan_channel_id $1;
            nchan_message_buffer_length 0;
        }}
        location ~ ^/sub/(.+)$ {{
            nchan_subscriber websocket;
            nchan_channel_id $1;
            nchan_subscriber_first_message newest;
        }}
    }}
}}
"
    )
}
