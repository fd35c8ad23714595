//! What people want next, drawn when they are told where they stand.

use rand::RngExt;
use rand::rngs::SmallRng;

use crate::seen::SeenStatus;

/// What somebody wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    /// To give the RSVP back.
    Cancel,
    /// To come back after that.
    Return,
    /// To bring so many guests.
    Resize(u32),
    /// Something special.
    Require,
    /// To be called otherwise.
    Rename,
    /// To take what is offered.
    Accept,
    /// Not to take it.
    Decline,
    /// To hand on what there is.
    Transfer {
        /// To oneself, which nobody may; whoever has an account has no address to say, and hands it on to another.
        to_self: bool,
    },
}

const MS: u64 = 1_000;

/// What somebody wants whose command `op` has led to this status, and after how many microseconds. Most are content.
pub(super) fn next(random: &mut SmallRng, op: &str, status: SeenStatus) -> Option<(u64, Wish)> {
    if status == SeenStatus::Cancelled {
        let returns = op == "cancel" && random.random_bool(0.3);
        return returns.then(|| (random.random_range(50 * MS..1_000 * MS), Wish::Return));
    }
    if op == "update" && random.random_bool(0.6) {
        return None;
    }
    let wish = match random.random_range(0..100) {
        0..20 => Wish::Cancel,
        20..32 => Wish::Resize(random.random_range(0..=3)),
        32..37 => Wish::Require,
        37..42 => Wish::Rename,
        42..50 => Wish::Transfer {
            to_self: random.random_bool(0.1),
        },
        _ => return None,
    };
    Some((random.random_range(100 * MS..3_000 * MS), wish))
}

/// What somebody wants who is made an offer that lasts so long.
pub(super) fn about_offer(random: &mut SmallRng, ttl_us: u64) -> Option<(u64, Wish)> {
    // Those who answer leave the last of its time alone: whether they were in time would be told by less than the
    // millisecond that the log knows.
    let soon = random.random_range(0..ttl_us * 6 / 10);
    match random.random_range(0..100) {
        0..50 => Some((soon, Wish::Accept)),
        50..68 => Some((soon, Wish::Decline)),
        68..73 => Some((soon, Wish::Cancel)),
        73..78 => Some((soon, Wish::Resize(random.random_range(0..=2)))),
        78..85 => Some((ttl_us + random.random_range(50 * MS..300 * MS), Wish::Accept)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn whoever_has_left_comes_back_or_wants_nothing() {
        let mut random = SmallRng::seed_from_u64(1);
        for op in ["cancel", "decline", "transfer"] {
            let wishes: Vec<_> = (0..100)
                .filter_map(|_| next(&mut random, op, SeenStatus::Cancelled))
                .collect();
            assert_eq!(wishes.is_empty(), op != "cancel", "{op}");
            assert!(wishes.iter().all(|(_, wish)| *wish == Wish::Return));
        }
    }

    #[test]
    fn an_offer_is_accepted_declined_let_go_or_answered_too_late() {
        let mut random = SmallRng::seed_from_u64(1);
        let wishes: Vec<_> = (0..300).map(|_| about_offer(&mut random, 2_000_000)).collect();
        let some = |is: fn(&Option<(u64, Wish)>) -> bool| wishes.iter().any(is);
        assert!(some(|wish| matches!(wish, Some((..1_200_000, Wish::Accept)))));
        assert!(some(|wish| matches!(wish, Some((2_050_000.., Wish::Accept)))));
        assert!(some(|wish| matches!(wish, Some((_, Wish::Decline)))));
        assert!(some(Option::is_none));
    }
}
