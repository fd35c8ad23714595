//! Who comes how, drawn from a seed before the clock starts.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::model::GroupMode;

/// The most members that a group has here.
const MEMBERS_MAX: u32 = 6;

/// How one party comes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Party {
    /// Somebody with an account.
    Account { guest_count: u32 },
    /// Somebody by name and e-mail address.
    Guest { guest_count: u32 },
    /// Somebody with an account books for others, each with so many guests.
    Group {
        mode: GroupMode,
        guest_counts: Vec<u32>,
        /// Whether the first is on the list twice.
        has_double: bool,
    },
}

/// Draws so many parties.
pub(super) fn draw(parties: u32, seed: u64) -> Vec<Party> {
    let mut random = SmallRng::seed_from_u64(seed ^ 0x9_a97);
    (0..parties).map(|_| draw_one(&mut random)).collect()
}

fn draw_one(random: &mut SmallRng) -> Party {
    let kind = random.random_range(0..100);
    if kind < 40 {
        return Party::Account {
            guest_count: guests(random),
        };
    }
    if kind < 75 {
        return Party::Guest {
            guest_count: guests(random),
        };
    }
    let members = random.random_range(2..=MEMBERS_MAX);
    Party::Group {
        mode: if kind < 90 {
            GroupMode::All
        } else {
            GroupMode::Each
        },
        guest_counts: (0..members).map(|_| guests(random) / 2).collect(),
        has_double: random.random_bool(0.05),
    }
}

/// Most come alone.
fn guests(random: &mut SmallRng) -> u32 {
    if random.random_bool(0.3) {
        random.random_range(1..=3)
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_parties() {
        assert_eq!(draw(200, 7), draw(200, 7));
        assert_ne!(draw(200, 7), draw(200, 8));
    }

    #[test]
    fn some_come_by_account_some_as_guests_and_some_in_groups_of_either_mode() {
        let parties = draw(1_000, 1);
        let many = |is: fn(&Party) -> bool| parties.iter().filter(|party| is(party)).count();
        for (kind, count) in [
            ("accounts", many(|party| matches!(party, Party::Account { .. }))),
            ("guests", many(|party| matches!(party, Party::Guest { .. }))),
            (
                "groups of all",
                many(|party| {
                    matches!(
                        party,
                        Party::Group {
                            mode: GroupMode::All,
                            ..
                        }
                    )
                }),
            ),
            (
                "groups of each",
                many(|party| {
                    matches!(
                        party,
                        Party::Group {
                            mode: GroupMode::Each,
                            ..
                        }
                    )
                }),
            ),
            (
                "groups with somebody twice",
                many(|party| matches!(party, Party::Group { has_double: true, .. })),
            ),
        ] {
            assert!(count >= 3, "{count} {kind}");
        }
    }
}
