//! What a process of this machine has used, as the kernel tells it.

use std::fs;
use std::time::Duration;

/// In what the kernel counts a process's time for others to read: hundredths of a second, on every machine.
const TICK: Duration = Duration::from_millis(10);
const PAGE_BYTES: u64 = 4_096;

/// A process and those that it has started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process {
    id: u32,
}

impl Process {
    pub(crate) fn with_id(id: u32) -> Self {
        Self { id }
    }

    /// The CPU time that they have used so far; none where the process is gone.
    pub(crate) fn cpu_time(&self) -> Option<Duration> {
        let own = cpu_ticks(&fs::read_to_string(format!("/proc/{}/stat", self.id)).ok()?)?;
        let children = self
            .children()
            .iter()
            .filter_map(Self::cpu_time)
            .sum::<Duration>();
        Some(TICK * own + children)
    }

    /// The bytes of memory that they hold; none where the process is gone.
    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        let own = resident_pages(&fs::read_to_string(format!("/proc/{}/statm", self.id)).ok()?)?;
        let children = self
            .children()
            .iter()
            .filter_map(Self::resident_bytes)
            .sum::<u64>();
        Some(own * PAGE_BYTES + children)
    }

    fn children(&self) -> Vec<Self> {
        let listed = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.id)).unwrap_or_default();
        let ids = listed.split_whitespace().filter_map(|id| id.parse().ok());
        ids.map(Self::with_id).collect()
    }
}

/// The bytes that the kernel holds for TCP sockets, of all processes on both ends.
pub(crate) fn kernel_socket_bytes() -> Option<u64> {
    let told = fs::read_to_string("/proc/net/sockstat").ok()?;
    socket_pages(&told).map(|pages| pages * PAGE_BYTES)
}

/// User and system time. The name before them is in parentheses and may hold anything.
fn cpu_ticks(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn resident_pages(statm: &str) -> Option<u64> {
    statm.split_whitespace().nth(1)?.parse().ok()
}

fn socket_pages(sockstat: &str) -> Option<u64> {
    let tcp = sockstat.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = tcp.split_whitespace().skip_while(|word| *word != "mem");
    words.nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_where_the_kernel_has_them() {
        let stat = "7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 3 0 1 2 3";
        assert_eq!(cpu_ticks(stat), Some(200));
        assert_eq!(resident_pages("900 300 20 1 0 80 0"), Some(300));
        let sockstat = "sockets: used 9\nTCP: inuse 4 orphan 0 tw 2 alloc 7 mem 3\nUDP: inuse 0 mem 9\n";
        assert_eq!(socket_pages(sockstat), Some(3));
    }

    #[test]
    fn this_process_has_used_something_and_one_that_is_not_there_has_not() {
        let this = Process::with_id(std::process::id());
        assert!(this.resident_bytes().unwrap() > PAGE_BYTES);
        assert!(this.cpu_time().is_some());
        assert!(kernel_socket_bytes().is_some());
        assert_eq!(Process::with_id(u32::MAX).cpu_time(), None);
    }
}
