//! Identifiers and randomness of a running server: the only place that asks the operating system for them.

use rand::TryRng;
use rand::rngs::SysRng;
use turnout_actors::ports::IdSource;
use uuid::Uuid;

/// UUIDs of version 7. Those of one process rise, also within a millisecond and when the system's clock is set
/// back: the library keeps a counter behind the time.
#[derive(Default)]
pub struct TimeOrderedIds;

impl IdSource for TimeOrderedIds {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the source that everybody else is handed"
    )]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// Bytes that nobody can guess, from the operating system.
///
/// # Panics
/// When the operating system has no randomness to give; nothing could be kept secret then.
pub fn secret_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SysRng
        .try_fill_bytes(&mut bytes)
        .expect("the operating system provides randomness");
    bytes
}

/// A text of `2 * N` hexadecimal digits that nobody can guess.
pub fn secret_text<const N: usize>() -> String {
    secret_bytes::<N>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_rise_also_within_a_millisecond() {
        let ids: Vec<Uuid> = (0..10_000).map(|_| TimeOrderedIds.next()).collect();
        assert!(ids.is_sorted_by(|earlier, later| earlier < later));
        assert_eq!(ids[0].get_version_num(), 7);
    }

    #[test]
    fn secrets_differ() {
        assert_ne!(secret_text::<16>(), secret_text::<16>());
        assert_eq!(secret_text::<16>().len(), 32);
    }
}
