//! Who does what in a burst, drawn from a seed before the clock starts.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// One person's part.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Part {
    /// Guests that the person brings.
    pub guest_count: u32,
    /// Whether the person cancels, and at which share of what is then left of the burst.
    pub cancels_after: Option<f64>,
}

/// Draws the parts of `people`: a share brings one to three guests, a share cancels.
pub fn draw(people: u32, guest_share: f64, cancel_share: f64, seed: u64) -> Vec<Part> {
    let mut random = SmallRng::seed_from_u64(seed);
    (0..people)
        .map(|_| Part {
            guest_count: if random.random_bool(guest_share) {
                random.random_range(1..=3)
            } else {
                0
            },
            cancels_after: random
                .random_bool(cancel_share)
                .then(|| random.random_range(0.0..1.0)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_parts() {
        assert_eq!(draw(100, 0.3, 0.2, 7), draw(100, 0.3, 0.2, 7));
        assert_ne!(draw(100, 0.3, 0.2, 7), draw(100, 0.3, 0.2, 8));
    }

    #[test]
    fn shares_are_about_what_was_asked_for() {
        let parts = draw(10_000, 0.3, 0.2, 1);
        let guests = parts.iter().filter(|part| part.guest_count > 0).count();
        let cancels = parts.iter().filter(|part| part.cancels_after.is_some()).count();
        assert!((2_800..3_200).contains(&guests), "{guests}");
        assert!((1_800..2_200).contains(&cancels), "{cancels}");
        assert!(parts.iter().all(|part| part.guest_count <= 3));
    }
}
