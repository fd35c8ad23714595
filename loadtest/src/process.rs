//! What a process of this machine has used, as the kernel tells it.

use std::fs;
use std::time::Duration;

/// In what the kernel counts a process's time for others to read: hundredths of a second, on every machine.
const TICK: Duration = Duration::from_millis(10);

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

    fn children(&self) -> Vec<Self> {
        let listed = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.id)).unwrap_or_default();
        let ids = listed.split_whitespace().filter_map(|id| id.parse().ok());
        ids.map(Self::with_id).collect()
    }
}

/// User and system time. The name before them is in parentheses and may hold anything.
fn cpu_ticks(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_where_the_kernel_has_them() {
        let stat = "7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 3 0 1 2 3";
        assert_eq!(cpu_ticks(stat), Some(200));
    }

    #[test]
    fn this_process_has_used_something_and_one_that_is_not_there_has_not() {
        let this = Process::with_id(std::process::id());
        assert!(this.cpu_time().is_some());
        assert_eq!(Process::with_id(u32::MAX).cpu_time(), None);
    }
}
