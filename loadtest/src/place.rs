//! Where and when a run took place: figures mean nothing without that.

use std::fs;
use std::thread::available_parallelism;

use serde::Serialize;

use crate::clock;
use crate::utc::text;

/// A machine and a moment.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Place {
    /// When it was written down, in UTC.
    pub at: String,
    /// The processor by its name, where the kernel tells it.
    pub processor: String,
    /// How many threads may run at once.
    pub cores: usize,
    /// Of the machine.
    pub memory_gib: f64,
    /// Its version.
    pub kernel: String,
    /// What was tested, in words.
    pub server: String,
}

impl Place {
    /// This machine, now.
    pub fn here(server: String) -> Self {
        let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
        let unknown = || "unknown".to_owned();
        let memory_kib = field(&read("/proc/meminfo"), "MemTotal");
        let memory_kib = memory_kib.and_then(|told| told.trim_end_matches(" kB").parse::<f64>().ok());
        let kernel = read("/proc/sys/kernel/osrelease");
        Self {
            at: text(clock::unix_ms().cast_signed() * 1_000),
            processor: field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(unknown),
            cores: available_parallelism().map_or(0, usize::from),
            memory_gib: memory_kib.unwrap_or_default() / f64::from(1 << 20),
            kernel: match kernel.trim() {
                "" => unknown(),
                kernel => format!("Linux {kernel}"),
            },
            server,
        }
    }

    /// All of it, by name.
    pub fn rows(&self) -> Vec<(String, String)> {
        [
            ("when", self.at.clone()),
            ("server", self.server.clone()),
            ("processor", self.processor.clone()),
            ("threads at once", self.cores.to_string()),
            ("memory", format!("{:.1} GiB", self.memory_gib)),
            ("kernel", self.kernel.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

/// What stands behind a name and a colon.
fn field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text = "model\t\t: 7\nmodel name\t: Some CPU @ 2.0\n";
        assert_eq!(field(text, "model name").as_deref(), Some("Some CPU @ 2.0"));
        assert_eq!(field(text, "flags"), None);
    }

    #[test]
    fn this_machine_has_cores_and_memory() {
        let place = Place::here("x".to_owned());
        assert!(place.cores > 0 && place.memory_gib > 0.0, "{place:?}");
    }
}
