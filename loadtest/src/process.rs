//! What a process of this machine has used, as the kernel tells it.

use std::fs;
use std::iter::{self, Sum};
use std::time::Duration;

use tokio::time::Instant;

use crate::clock;

/// In what the kernel counts a process's time for others to read: hundredths of a second, on every machine.
const TICK: Duration = Duration::from_millis(10);
/// The key of the size of a page among what the kernel tells a program that it starts (`AT_PAGESZ`).
const PAGE_BYTES_KEY: usize = 6;
/// Two of them are a key and its value.
const WORD_BYTES: usize = size_of::<usize>();

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
        self.with_children(&|id| {
            let ticks = cpu_ticks(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)?;
            Some(TICK * ticks)
        })
    }

    /// The same, with what those had used that it has seen end: a server that has a process for each connection has
    /// many of them.
    pub(crate) fn cpu_time_with_ended(&self) -> Option<Duration> {
        let ended = ended_ticks(&fs::read_to_string(format!("/proc/{}/stat", self.id)).ok()?)?;
        Some(self.cpu_time()? + TICK * ended)
    }

    /// The bytes of memory that they hold; none where the process is gone.
    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        let page_bytes = page_bytes()?;
        self.with_children(&|id| {
            let pages = resident_pages(&fs::read_to_string(format!("/proc/{id}/statm")).ok()?)?;
            Some(pages * page_bytes)
        })
    }

    /// The same of this process alone, without those that it has started.
    pub(crate) fn own_resident_bytes(&self) -> Option<u64> {
        let pages = resident_pages(&fs::read_to_string(format!("/proc/{}/statm", self.id)).ok()?)?;
        Some(pages * page_bytes()?)
    }

    /// A figure of all of them together; none where there is none of the process itself.
    fn with_children<T: Sum>(&self, figure: &impl Fn(u32) -> Option<T>) -> Option<T> {
        let own = figure(self.id)?;
        let children = self.children();
        let of_children = children.iter().filter_map(|child| child.with_children(figure));
        Some(iter::once(own).chain(of_children).sum())
    }

    fn children(&self) -> Vec<Self> {
        let listed = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.id)).unwrap_or_default();
        let ids = listed.split_whitespace().filter_map(|id| id.parse().ok());
        ids.map(Self::with_id).collect()
    }
}

/// The bytes in the buffers of TCP sockets, of all processes on both ends.
pub(crate) fn socket_buffer_bytes() -> Option<u64> {
    let told = fs::read_to_string("/proc/net/sockstat").ok()?;
    Some(socket_pages(&told)? * page_bytes()?)
}

/// The bytes of the kernel's own small objects, of the whole machine: a socket is a handful of them.
pub(crate) fn kernel_slab_bytes() -> Option<u64> {
    slab_bytes(&fs::read_to_string("/proc/meminfo").ok()?)
}

/// CPU time from one moment on.
#[derive(Debug)]
pub(crate) struct CpuMeter {
    server: Option<Process>,
    began: Instant,
    own_before: Duration,
    server_before: Option<Duration>,
}

/// CPU time that was used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CpuUsed {
    /// How long was looked.
    pub(crate) over: Duration,
    /// By this process.
    pub(crate) own: Duration,
    /// By the server, where its process is known and still there.
    pub(crate) server: Option<Duration>,
}

impl CpuMeter {
    /// From now on.
    pub(crate) fn start(server: Option<Process>) -> Self {
        Self {
            server,
            began: clock::now(),
            own_before: clock::cpu_time(),
            server_before: server.and_then(|server| server.cpu_time()),
        }
    }

    /// So far.
    pub(crate) fn used(&self) -> CpuUsed {
        let server = self.server.and_then(|server| server.cpu_time());
        CpuUsed {
            over: clock::now() - self.began,
            own: clock::cpu_time().saturating_sub(self.own_before),
            server: self
                .server_before
                .zip(server)
                .map(|(before, after)| after.saturating_sub(before)),
        }
    }
}

/// How large the pages are that the kernel counts memory in: that is not the same on every machine.
fn page_bytes() -> Option<u64> {
    told_page_bytes(&fs::read("/proc/self/auxv").ok()?)
}

fn told_page_bytes(told: &[u8]) -> Option<u64> {
    let mut pairs = told.chunks_exact(2 * WORD_BYTES).map(|pair| {
        let (key, value) = pair.split_at(WORD_BYTES);
        let word = |bytes: &[u8]| bytes.try_into().map(usize::from_ne_bytes).ok();
        (word(key), word(value))
    });
    let (_, value) = pairs.find(|(key, _)| *key == Some(PAGE_BYTES_KEY))?;
    u64::try_from(value?).ok()
}

/// User and system time. The name before them is in parentheses and may hold anything.
fn cpu_ticks(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// What the processes had used that it has started and seen end. Where it is follows [`cpu_ticks`].
fn ended_ticks(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(13);
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

fn slab_bytes(meminfo: &str) -> Option<u64> {
    let slab = meminfo.lines().find_map(|line| line.strip_prefix("Slab:"))?;
    let kib: u64 = slab.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_where_the_kernel_has_them() {
        let stat = "7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 30 4 20 0 3 0 1 2 3";
        assert_eq!((cpu_ticks(stat), ended_ticks(stat)), (Some(200), Some(34)));
        assert_eq!(resident_pages("900 300 20 1 0 80 0"), Some(300));
        let sockstat = "sockets: used 9\nTCP: inuse 4 orphan 0 tw 2 alloc 7 mem 3\nUDP: inuse 0 mem 9\n";
        assert_eq!(socket_pages(sockstat), Some(3));
        let meminfo = "Mapped:  12 kB\nSlab:        200 kB\nSReclaimable: 90 kB\n";
        assert_eq!(slab_bytes(meminfo), Some(204_800));
    }

    #[test]
    fn the_size_of_a_page_is_as_the_kernel_tells_it() {
        let told: Vec<u8> = [3, 77, PAGE_BYTES_KEY, 65_536, 0, 0]
            .into_iter()
            .flat_map(usize::to_ne_bytes)
            .collect();
        assert_eq!(told_page_bytes(&told), Some(65_536));
        assert_eq!(told_page_bytes(&told[..WORD_BYTES]), None);
        assert!(page_bytes().unwrap().is_power_of_two());
    }

    #[test]
    fn this_process_has_used_something_and_one_that_is_not_there_has_not() {
        let this = Process::with_id(std::process::id());
        assert!(this.resident_bytes().unwrap() > page_bytes().unwrap());
        assert!(this.own_resident_bytes().unwrap() > page_bytes().unwrap());
        assert!(this.cpu_time().is_some());
        assert!(socket_buffer_bytes().is_some() && kernel_slab_bytes().is_some());
        assert_eq!(Process::with_id(u32::MAX).cpu_time(), None);
    }
}
