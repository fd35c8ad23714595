//! A made-up history of the shape of real ones: few large events and many small ones, most people come alone,
//! some change their mind.

use rand::rngs::SmallRng;
use rand::seq::index;
use rand::{RngExt, SeedableRng};

use super::row::{Response, Row};

const MEMBERS: usize = 5_000;
const SMALLEST_EVENT: f64 = 4.0;
const LARGEST_EVENT: f64 = 1_500.0;
/// The exponent of the Pareto distribution of event sizes: the lower, the heavier the tail.
const TAIL: f64 = 1.1;
const MONTH_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// Rows of `events` events, the same for the same seed.
pub fn rows(seed: u64, events: usize) -> Vec<Row> {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut rows = Vec::new();
    for event in 0..events {
        let size = event_size(&mut random);
        for member in index::sample(&mut random, MEMBERS, size) {
            rows.push(row(&mut random, rows.len() as i64 + 1, event, member as u64));
        }
    }
    rows
}

fn event_size(random: &mut SmallRng) -> usize {
    let share: f64 = random.random_range(0.0..1.0);
    (SMALLEST_EVENT / (1.0 - share).powf(1.0 / TAIL)).min(LARGEST_EVENT) as usize
}

fn row(random: &mut SmallRng, rsvp_id: i64, event: usize, member_id: u64) -> Row {
    let created_ms = random.random_range(0..MONTH_MS);
    let later_ms = created_ms + random.random_range(1..MONTH_MS / 3);
    // The shares are those of a real history of technology groups.
    let (response, changed_ms) = match random.random_range(0..100) {
        0..78 => (Response::Yes, created_ms),
        78..81 => (Response::Waitlist, created_ms),
        81..94 => (Response::No, later_ms),
        _ => (Response::No, created_ms),
    };
    let guests = if random.random_bool(0.055) {
        random.random_range(1..=3)
    } else {
        0
    };
    Row {
        rsvp_id,
        event_id: format!("synthetic-{event}"),
        member_id,
        guests,
        response,
        created_ms,
        changed_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::plan::plan;

    #[test]
    fn the_same_seed_makes_the_same_history() {
        assert_eq!(rows(3, 50), rows(3, 50));
        assert_ne!(rows(3, 50), rows(4, 50));
    }

    #[test]
    fn sizes_have_a_heavy_tail() {
        let plans = plan(&rows(1, 500));
        let mut sizes: Vec<usize> = plans.iter().map(|plan| plan.steps.len()).collect();
        sizes.sort_unstable();
        assert_eq!(sizes.len(), 500);
        assert!(sizes[250] < 20, "the median is {}", sizes[250]);
        assert!(sizes[499] > 300, "the largest is {}", sizes[499]);
    }
}
