//! The engine's bounds. Every queue, batch and wait has one.

use std::time::Duration;

/// How much the engine takes on, and how long it waits.
#[derive(Clone, Debug)]
pub struct Options {
    /// Commands under way on this node; more are refused as overload.
    pub commands_max: u32,
    /// Commands under way for one activity, so that one that is stuck leaves room for the others. While it is
    /// started, as many commands and reads may wait for that.
    pub commands_per_activity_max: u32,
    /// How long a caller waits for an answer before it is told that the outcome is unknown. Longer than
    /// [`Self::settle_limit`].
    pub call_limit: Duration,
    /// How long the callers of a batch of unknown outcome wait for it to be settled.
    pub settle_limit: Duration,
    /// How long loading an activity may take.
    pub load_limit: Duration,
    /// Merged transactions under way at once: 1 where the journal has one writer.
    pub statements_max: usize,
    /// How often the directory looks for activities that nobody uses.
    pub sweep_every: Duration,
    /// After how many looks without use an activity is put to rest.
    pub sweeps_until_idle: u32,
    /// How often everything live is compared with the mirror.
    pub mirror_check_every: Duration,
    /// How often offers are looked for that are over and whose activity is not live.
    pub overdue_every: Duration,
    /// How often the rows of what has changed are added up and compared with memory.
    pub recount_every: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            commands_max: 32_768,
            commands_per_activity_max: 16_384,
            call_limit: Duration::from_secs(12),
            settle_limit: Duration::from_secs(10),
            load_limit: Duration::from_secs(30),
            statements_max: 1,
            sweep_every: Duration::from_secs(10),
            sweeps_until_idle: 30,
            mirror_check_every: Duration::from_secs(10),
            overdue_every: Duration::from_secs(2),
            recount_every: Duration::from_secs(60),
        }
    }
}
