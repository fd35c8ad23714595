//! What watchers are to do: whom they follow, which of them are slow, and how long they may take.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ws::Encoding;

/// How long a watcher may take at least until it is there for the first time: coming is not what is measured, and how
/// soon whoever is there must be current says nothing about it.
const OPENS_WITHIN: Duration = Duration::from_secs(30);
/// What shares are told in.
const MILLION: u64 = 1_000_000;

/// What watchers are to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) server: SocketAddr,
    pub(crate) service: Service,
    pub(crate) encoding: Encoding,
    /// Watchers follow one of these each, in turn.
    pub(crate) activities: Vec<Uuid>,
    /// The number of the first watcher.
    pub(crate) first: u32,
    pub(crate) watchers: u32,
    /// Of a million watchers so many stop reading.
    pub(crate) slow_per_million: u32,
    /// How long one may take until it is current, in milliseconds.
    pub(crate) within_ms: u64,
}

/// What is watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Service {
    /// Activities of a Turnout server.
    Turnout,
    /// Channels of the Nchan module of nginx, named by activities.
    Nchan,
}

impl Order {
    /// How long one may take until it is current.
    pub(super) fn within(&self) -> Duration {
        Duration::from_millis(self.within_ms)
    }

    /// How long one may take until it is there for the first time.
    pub(super) fn opens_within(&self) -> Duration {
        self.within().max(OPENS_WITHIN)
    }

    /// The index of what the watcher with this number follows.
    pub(super) fn activity_of(&self, number: u32) -> usize {
        number as usize % self.activities.len()
    }

    /// How many watchers read all the time, of each activity.
    pub(super) fn readers(&self) -> Vec<u64> {
        let mut readers = vec![0; self.activities.len()];
        let numbers = self.first..self.first + self.watchers;
        for number in numbers.filter(|number| !self.is_slow(*number)) {
            readers[self.activity_of(number)] += 1;
        }
        readers
    }

    /// Whether the watcher with this number stops reading: at every activity the same share of its own watchers.
    /// Activities do not begin to count at the same place, so that the share is also that of all where each has few.
    pub(super) fn is_slow(&self, number: u32) -> bool {
        let activities = self.activities.len() as u64;
        let (turn, activity) = (u64::from(number) / activities, u64::from(number) % activities);
        let share = u64::from(self.slow_per_million);
        let slow_before =
            |turn: u64| (turn * share * activities + activity * MILLION) / (activities * MILLION);
        slow_before(turn + 1) > slow_before(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(activities: u128, slow_per_million: u32) -> Order {
        Order {
            server: SocketAddr::from(([127, 0, 0, 1], 1)),
            service: Service::Turnout,
            encoding: Encoding::Json,
            activities: (0..activities).map(Uuid::from_u128).collect(),
            first: 0,
            watchers: 0,
            slow_per_million,
            within_ms: 1,
        }
    }

    /// How many slow ones each activity has.
    fn slow(activities: u128, slow_per_million: u32, watchers: u32) -> Vec<u32> {
        let order = order(activities, slow_per_million);
        let mut slow = vec![0; order.activities.len()];
        for number in (0..watchers).filter(|number| order.is_slow(*number)) {
            slow[order.activity_of(number)] += 1;
        }
        slow
    }

    #[test]
    fn every_activity_has_its_share_of_slow_watchers() {
        assert_eq!(slow(10, 10_000, 1_000), [1; 10]);
        assert_eq!(slow(2, 200_000, 30), [3, 3]);
        assert_eq!(slow(3, 1_000_000, 30), [10; 3]);
        assert_eq!(slow(3, 0, 30), [0; 3]);
    }

    #[test]
    fn the_share_is_that_of_all_watchers_however_few_follow_each_activity() {
        assert_eq!(slow(100, 20_000, 100).iter().sum::<u32>(), 2);
        assert_eq!(slow(1, 100, 20_000), [2]);
    }

    #[test]
    fn readers_are_those_of_this_process_who_are_not_slow() {
        let part = Order {
            first: 5,
            watchers: 6,
            ..order(2, 500_000)
        };
        let slow = (5..11).filter(|number| part.is_slow(*number)).count();
        assert_eq!(part.readers().iter().sum::<u64>(), 6 - slow as u64);
        assert_eq!(order(2, 0).readers(), [0, 0]);
    }

    #[test]
    fn coming_has_a_limit_of_its_own() {
        let brief = order(1, 0);
        assert_eq!(brief.opens_within(), OPENS_WITHIN);
        let patient = Order {
            within_ms: 90_000,
            ..brief
        };
        assert_eq!(patient.opens_within(), patient.within());
    }
}
