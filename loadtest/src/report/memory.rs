//! What sockets cost in memory.

use serde::Serialize;

/// What there is at one moment. The kernel's part is that of both ends, where both are on this machine.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Held {
    /// By the server's process.
    pub resident_bytes: u64,
    /// In the kernel's small objects, of the whole machine.
    pub slab_bytes: u64,
    /// In the buffers of TCP sockets.
    pub buffer_bytes: u64,
}

impl Held {
    /// The larger one of each figure.
    pub(crate) fn at_most(self, other: Self) -> Self {
        Self {
            resident_bytes: self.resident_bytes.max(other.resident_bytes),
            slab_bytes: self.slab_bytes.max(other.slab_bytes),
            buffer_bytes: self.buffer_bytes.max(other.buffer_bytes),
        }
    }
}

/// What a server held over a round.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Memory {
    /// Before there were watchers.
    pub before: Held,
    /// While nothing happened.
    pub idle: Held,
    /// At most, from then until all had been told everything.
    pub most: Held,
}

pub(super) const HEADINGS: [&str; 8] = [
    "memory of",
    "MiB before",
    "idle",
    "at most",
    "RSS/socket",
    "slab/socket",
    "RSS/slow one",
    "buffers/slow one",
];

impl Memory {
    /// What `watchers` cost each while they are idle, and what `slow` of them cost beyond that.
    pub(super) fn row(&self, by: &str, watchers: u32, slow: u64) -> Vec<String> {
        let mib = |held: Held| format!("{:.1}", held.resident_bytes as f64 / f64::from(1 << 20));
        let each = |from: u64, to: u64, among: u64| match among {
            0 => "-".to_owned(),
            among => (to.saturating_sub(from) / among).to_string(),
        };
        let Self { before, idle, most } = *self;
        let watchers = u64::from(watchers);
        vec![
            by.to_owned(),
            mib(before),
            mib(idle),
            mib(most),
            each(before.resident_bytes, idle.resident_bytes, watchers),
            each(before.slab_bytes, idle.slab_bytes, watchers),
            each(idle.resident_bytes, most.resident_bytes, slow),
            each(idle.buffer_bytes, most.buffer_bytes, slow),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(resident_bytes: u64, slab_bytes: u64, buffer_bytes: u64) -> Held {
        Held {
            resident_bytes,
            slab_bytes,
            buffer_bytes,
        }
    }

    #[test]
    fn each_socket_and_each_slow_reader_has_its_share() {
        let memory = Memory {
            before: held(1 << 20, 100, 0),
            idle: held((1 << 20) + 400, 300, 0),
            most: held(2 << 20, 300, 90),
        };
        assert_eq!(
            memory.row("turnout", 4, 2),
            ["turnout", "1.0", "1.0", "2.0", "100", "50", "524088", "45"]
        );
        assert_eq!(memory.row("nchan", 4, 0)[6..], ["-", "-"]);
    }
}
