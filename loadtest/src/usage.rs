//! Who used how much of the machine's CPU: this client, the server, the database, and the machine as a whole.
//!
//! A reader sees from it whose limit a figure is. Where a process is not known, the machine's part that nobody else used
//! still tells something.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::clock;
use crate::process::Process;

/// In what the kernel counts the time of the whole machine.
const TICKS_PER_S: f64 = 100.0;

/// The processes beside this one that are looked at, where they are known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watched {
    /// The server's.
    pub server: Option<u32>,
    /// The first one of the database, with all that it has started.
    pub database: Option<u32>,
}

/// CPU time from one moment on.
#[derive(Debug)]
pub(crate) struct Meter {
    watched: Watched,
    began: Instant,
    before: Used,
}

#[derive(Clone, Copy, Debug)]
struct Used {
    client: Duration,
    server: Option<Duration>,
    database: Option<Duration>,
    machine_s: Option<f64>,
}

/// CPU seconds that were used in a stretch of time.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Usage {
    /// How long it was.
    pub over_s: f64,
    /// By this process.
    pub client_s: f64,
    /// By the server, where its process is known. SQLite is in it.
    pub server_s: Option<f64>,
    /// By the database, where its process is known.
    pub database_s: Option<f64>,
    /// By everybody on this machine.
    pub machine_s: Option<f64>,
}

impl Watched {
    /// What the server holds in memory, where its process is known.
    pub(crate) fn server_bytes(&self) -> Option<u64> {
        self.server.map(Process::with_id)?.resident_bytes()
    }

    /// What the database's files take on disk: all below the folder in which its first process runs, as Postgres does in
    /// that of its data; where that is not known, those of SQLite that the server has open. `None` where neither is known
    /// or may be read.
    pub(crate) fn database_bytes(&self) -> Option<u64> {
        match self.database {
            Some(id) => folder_bytes(&fs::read_link(format!("/proc/{id}/cwd")).ok()?),
            None => open_database_bytes(self.server?),
        }
    }

    fn used(&self) -> Used {
        let of = |id: Option<u32>| id.map(Process::with_id).and_then(|process| process.cpu_time());
        Used {
            client: clock::cpu_time(),
            server: of(self.server),
            database: of(self.database),
            machine_s: fs::read_to_string("/proc/stat")
                .ok()
                .and_then(|stat| busy_s(&stat)),
        }
    }
}

impl Meter {
    /// From now on.
    pub(crate) fn start(watched: Watched) -> Self {
        Self {
            watched,
            began: clock::now(),
            before: watched.used(),
        }
    }

    /// So far.
    pub(crate) fn used(&self) -> Usage {
        let (before, now) = (self.before, self.watched.used());
        let since = |before: Option<Duration>, now: Option<Duration>| {
            Some(now?.saturating_sub(before?).as_secs_f64())
        };
        Usage {
            over_s: (clock::now() - self.began).as_secs_f64(),
            client_s: now.client.saturating_sub(before.client).as_secs_f64(),
            server_s: since(before.server, now.server),
            database_s: since(before.database, now.database),
            machine_s: now
                .machine_s
                .zip(before.machine_s)
                .map(|(now, before)| now - before),
        }
    }
}

impl Usage {
    /// How many cores each of client, server, database and the whole machine kept busy, as text.
    pub(crate) fn cores(&self) -> [String; 4] {
        let cores = |seconds: Option<f64>| {
            let cores = seconds.map(|seconds| seconds / self.over_s.max(1e-6));
            cores.map_or("?".to_owned(), |cores| format!("{cores:.2}"))
        };
        [
            Some(self.client_s),
            self.server_s,
            self.database_s,
            self.machine_s,
        ]
        .map(cores)
    }

    /// Microseconds of server and database together for each of so many commands.
    pub(crate) fn us_behind(&self, commands: u64) -> Option<f64> {
        let behind_s = self.server_s? + self.database_s.unwrap_or_default();
        Some(behind_s * 1e6 / commands.max(1) as f64)
    }

    /// Microseconds of this process for each of so many requests.
    pub(crate) fn client_us(&self, requests: u64) -> f64 {
        self.client_s * 1e6 / requests.max(1) as f64
    }
}

/// The bytes of all files below a folder. Those that go away meanwhile do not count.
fn folder_bytes(folder: &Path) -> Option<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).ok()?.flatten() {
        bytes += match entry.metadata() {
            Ok(there) if there.is_dir() => folder_bytes(&entry.path()).unwrap_or_default(),
            Ok(there) => there.len(),
            Err(_) => 0,
        };
    }
    Some(bytes)
}

/// The bytes of the files of SQLite that a process has open, its log of changes included.
fn open_database_bytes(id: u32) -> Option<u64> {
    let open = fs::read_dir(format!("/proc/{id}/fd")).ok()?.flatten();
    let files: BTreeSet<PathBuf> = open
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .collect();
    let is_database = |file: &&PathBuf| {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
        name.is_some_and(|name| name.ends_with(".db") || name.ends_with(".db-wal"))
    };
    let sizes = files
        .iter()
        .filter(is_database)
        .filter_map(|file| file.metadata().ok());
    let bytes: u64 = sizes.map(|there| there.len()).sum();
    (bytes > 0).then_some(bytes)
}

/// The time that all cores have been busy, from the first line of what the kernel tells: time in waiting is none.
fn busy_s(stat: &str) -> Option<f64> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
    let ticks: Vec<f64> = fields.filter_map(|field| field.parse().ok()).collect();
    let [
        user,
        nice,
        system,
        _idle,
        _waiting,
        interrupts,
        soft_interrupts,
        ..,
    ] = ticks[..]
    else {
        return None;
    };
    Some((user + nice + system + interrupts + soft_interrupts) / TICKS_PER_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_idling_nor_waiting_is_being_busy() {
        let stat = "cpu  100 20 50 9999 888 7 3 0 0 0\ncpu0 1 2 3 4 5 6 7 0 0 0\n";
        assert_eq!(busy_s(stat), Some(1.8));
        assert_eq!(busy_s("intr 1"), None);
    }

    #[test]
    fn files_of_a_database_are_counted_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("below")).unwrap();
        fs::write(folder.path().join("below/one"), [0; 30]).unwrap();
        fs::write(folder.path().join("two"), [0; 12]).unwrap();
        assert_eq!(folder_bytes(folder.path()), Some(42));
        let path = folder.path().join("some.db");
        fs::write(&path, [0; 7]).unwrap();
        let open = fs::File::open(&path).unwrap();
        assert_eq!(open_database_bytes(std::process::id()), Some(7));
        drop(open);
    }

    #[test]
    fn what_is_not_known_is_a_question_mark_and_costs_are_per_command() {
        let usage = Usage {
            over_s: 2.0,
            client_s: 1.0,
            server_s: Some(3.0),
            ..Usage::default()
        };
        assert_eq!(usage.cores(), ["0.50", "1.50", "?", "?"]);
        assert_eq!(usage.us_behind(100_000), Some(30.0));
        assert_eq!(usage.client_us(100_000), 10.0);
    }
}
