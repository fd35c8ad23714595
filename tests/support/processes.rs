//! Other processes by their numbers: who belongs to whom, signals, and the ports they listen on.

use std::fs;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process, setrlimit};

const DEADLINE: Duration = Duration::from_secs(30);

/// The processes that this one has started and that are still there.
pub(crate) fn children_of(parent: u32) -> Vec<u32> {
    let parent_line = format!("PPid:\t{parent}");
    let is_child = |id: &u32| {
        fs::read_to_string(format!("/proc/{id}/status"))
            .is_ok_and(|status| status.lines().any(|line| line == parent_line))
    };
    let names = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names
        .filter_map(|name| name.parse().ok())
        .filter(is_child)
        .collect()
}

/// Sends a signal. That the process has ended meanwhile is not for the sender to judge.
pub(crate) fn signal(id: u32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(id.try_into().unwrap()).unwrap(), signal);
}

/// Stops a process, and returns once it does nothing any more.
pub(crate) async fn pause(id: u32) {
    signal(id, Signal::STOP);
    until(id, "TtZX").await;
}

/// Waits until a process has ended, be it that somebody still has to take notice of that.
pub(crate) async fn until_gone(id: u32) {
    until(id, "ZX").await;
}

/// Waits until a process is in one of these states, or gone.
async fn until(id: u32, states: &str) {
    let wait = async {
        while state(id).is_some_and(|state| !states.contains(state)) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(DEADLINE, wait)
        .await
        .unwrap_or_else(|_| panic!("process {id} is in none of the states {states}"));
}

/// The state of a process, as a letter; none if there is no such process.
fn state(id: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name before it may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.trim_start().chars().next()
}

/// The most memory that a process has had in use.
pub(crate) fn memory_bytes(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kib * 1_024
}

/// From now on the most memory that a process has had in use is counted anew.
pub(crate) fn forget_most_memory(id: u32) {
    const PEAK: &str = "5";
    fs::write(format!("/proc/{id}/clear_refs"), PEAK).unwrap();
}

/// Has this process open as many files as it may: each connection is one.
pub(crate) fn allow_connections() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// A port that stays free while nobody listens on it: it is none of those that outgoing connections take, of which
/// there are many while a server is away.
pub(crate) fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Other test programs that run at the same time begin elsewhere.
    let begin = std::process::id().wrapping_mul(101) % u32::from(COUNT);
    loop {
        let step = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = FIRST + ((begin + step) % u32::from(COUNT)) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
