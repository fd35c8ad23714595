//! The course of a run: what was answered in each short stretch of it, and how fast.
//!
//! It owns the slots. Only the one that goes on now has a distribution; of those before it a few figures are kept, so
//! that a run of hours takes no more memory than its table of seconds.

use std::time::Duration;

use serde::Serialize;

use crate::seen::SeenCounts;
use crate::tally::Latencies;

/// The length of a slot at first, so that a run of a second or two has a course, too.
const SHORT_MS: u64 = 100;
/// The length of later ones.
const LONG_MS: u64 = 1_000;
/// How long slots are short.
const SHORT_FOR_MS: u64 = 20_000;
/// How many slots are kept: more than five hours. What comes later is not told here.
const SLOTS_MAX: usize = 20_000;

/// What was answered in one stretch of time.
#[derive(Clone, Copy, Default, PartialEq, Debug, Serialize)]
pub struct Slot {
    /// When it began, in milliseconds since 1970.
    pub unix_ms: u64,
    /// How long it is.
    pub length_ms: u64,
    /// Commands that were carried out.
    pub acknowledged: u64,
    /// Commands that were refused for good.
    pub rejected: u64,
    /// Tries that were answered with "come again".
    pub refused: u64,
    /// Of those that were carried out.
    pub p50_ms: f64,
    /// Of those that were carried out.
    pub p99_ms: f64,
    /// As the latest answer told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seats: Option<Seats>,
}

/// How full an activity was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Seats {
    /// Spots held.
    pub held: u64,
    /// Spots that somebody waits for.
    pub waiting: u64,
    #[serde(skip)]
    seq: u64,
}

/// All slots of a run, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Course {
    over: Vec<Slot>,
    now: Slot,
    latencies: Latencies,
    began_ms: u64,
    always_long: bool,
}

impl Course {
    /// One whose slots all have the length of a second.
    pub fn by_seconds() -> Self {
        Self {
            always_long: true,
            ..Self::default()
        }
    }

    /// A command was carried out at this time, in milliseconds since 1970.
    pub(crate) fn acknowledged(&mut self, unix_ms: u64, latency: Duration, counts: Option<&SeenCounts>) {
        self.move_to(unix_ms);
        self.now.acknowledged += 1;
        self.latencies.record(latency);
        if let Some(counts) = counts
            && self.now.seats.is_none_or(|seats| seats.seq <= counts.seq)
        {
            self.now.seats = Some(Seats {
                held: counts.confirmed_spots + counts.offered_spots,
                waiting: counts.waitlisted_spots,
                seq: counts.seq,
            });
        }
    }

    /// A command was refused for good at this time.
    pub(crate) fn rejected(&mut self, unix_ms: u64) {
        self.move_to(unix_ms);
        self.now.rejected += 1;
    }

    /// A try was answered with "come again" at this time.
    pub(crate) fn refused(&mut self, unix_ms: u64) {
        self.move_to(unix_ms);
        self.now.refused += 1;
    }

    /// Every slot in which there was something, by time.
    pub fn slots(&self) -> Vec<Slot> {
        let mut slots = self.over.clone();
        if self.now.length_ms > 0 && slots.len() < SLOTS_MAX {
            slots.push(self.closed());
        }
        slots
    }

    /// Adds the slots of another course, which was before or after this one.
    pub(crate) fn absorb(&mut self, other: &Self) {
        let mut slots = self.slots();
        slots.extend(other.slots());
        slots.sort_by_key(|slot| slot.unix_ms);
        slots.truncate(SLOTS_MAX);
        *self = Self {
            over: slots,
            always_long: self.always_long,
            ..Self::default()
        };
    }

    fn move_to(&mut self, unix_ms: u64) {
        let is_now = self.now.length_ms > 0 && unix_ms < self.now.unix_ms + self.now.length_ms;
        if is_now {
            return;
        }
        if self.now.length_ms == 0 {
            self.began_ms = unix_ms;
        } else if self.over.len() < SLOTS_MAX {
            self.over.push(self.closed());
        }
        let since_ms = unix_ms.saturating_sub(self.began_ms);
        let length_ms = if since_ms < SHORT_FOR_MS && !self.always_long {
            SHORT_MS
        } else {
            LONG_MS
        };
        let seats = self.now.seats;
        self.now = Slot {
            unix_ms: unix_ms - since_ms % length_ms,
            length_ms,
            seats,
            ..Slot::default()
        };
        self.latencies.clear();
    }

    fn closed(&self) -> Slot {
        Slot {
            p50_ms: self.latencies.ms(50.0),
            p99_ms: self.latencies.ms(99.0),
            ..self.now
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn counts(seq: u64, confirmed_spots: u64) -> SeenCounts {
        SeenCounts {
            capacity: 10,
            confirmed_spots,
            offered_spots: 0,
            available_spots: 10 - confirmed_spots,
            waitlisted_parties: 1,
            waitlisted_spots: 2,
            seq,
        }
    }

    #[test]
    fn slots_are_short_at_first_and_a_second_long_later() {
        let mut course = Course::default();
        for unix_ms in [5_000, 5_099, 5_100, 25_000, 25_999, 26_000] {
            course.acknowledged(unix_ms, MS, None);
        }
        let told: Vec<_> = course
            .slots()
            .iter()
            .map(|slot| (slot.unix_ms, slot.length_ms, slot.acknowledged))
            .collect();
        let expected = [
            (5_000, 100, 2),
            (5_100, 100, 1),
            (25_000, 1_000, 2),
            (26_000, 1_000, 1),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn each_slot_has_percentiles_of_its_own_and_every_kind_of_answer() {
        let mut course = Course::by_seconds();
        course.acknowledged(1_000, 100 * MS, None);
        course.rejected(1_500);
        course.refused(1_600);
        course.acknowledged(2_100, 2 * MS, None);
        let slots = course.slots();
        assert_eq!((slots[0].rejected, slots[0].refused), (1, 1));
        assert!(slots[0].p99_ms > 99.0 && slots[1].p99_ms < 3.0, "{slots:?}");
    }

    #[test]
    fn seats_are_those_of_the_latest_event_and_stay_until_another() {
        let mut course = Course::by_seconds();
        course.acknowledged(0, MS, Some(&counts(7, 4)));
        course.acknowledged(1, MS, Some(&counts(6, 3)));
        course.rejected(1_000);
        let held = |slot: &Slot| slot.seats.map(|seats| (seats.held, seats.waiting));
        assert_eq!(
            course.slots().iter().map(held).collect::<Vec<_>>(),
            [Some((4, 2)); 2]
        );
    }

    #[test]
    fn courses_one_after_the_other_are_one() {
        let (mut first, mut second) = (Course::by_seconds(), Course::by_seconds());
        first.refused(1_000);
        second.refused(9_000);
        second.absorb(&first);
        let times: Vec<u64> = second.slots().iter().map(|slot| slot.unix_ms).collect();
        assert_eq!(times, [1_000, 9_000]);
        second.refused(10_000);
        assert_eq!(second.slots().len(), 3);
    }
}
