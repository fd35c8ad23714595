//! How often something may be asked, as clients are told when it was too often.

/// So many requests within so many seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RatePolicy {
    /// What clients know it by.
    pub name: &'static str,
    /// How many requests.
    pub quota: u32,
    /// Within what time, in seconds.
    pub window_s: u32,
}

/// A limit that was reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimit {
    /// All policies that hold there.
    pub policies: &'static [RatePolicy],
    /// The one that was reached.
    pub reached: RatePolicy,
    /// When there is room again, in milliseconds.
    pub resets_in_ms: u64,
}
