//! People who come at a steady rate while others watch: how many, on how many seats, and who cancels.

use super::plan;
use super::rush::Rush;
use crate::host::open_settings;
use crate::scene::{Plan, Scene};

/// The share of people who cancel later, so that those who wait are promoted.
const CANCEL_SHARE: f64 = 0.25;

/// An activity for about so many commands, with a seat for about every second of those who come.
pub(crate) fn plan(title: String, commands: f64) -> Plan {
    let people = (commands.max(1.0) / (1.0 + CANCEL_SHARE)).ceil() as u32;
    Plan {
        title,
        settings: open_settings((people / 2).max(1)),
        people,
    }
}

/// What the people of such an activity do, at so many commands per second.
pub(crate) fn rush(scene: &Scene, rate: f64, seed: u64) -> Rush {
    let people = u32::try_from(scene.people.len()).unwrap_or(u32::MAX);
    Rush {
        parts: plan::draw(people, 0.0, CANCEL_SHARE, seed),
        rate: Some(rate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_come_and_cancel_are_as_many_commands_as_asked_for() {
        let many = plan("x".to_owned(), 1_000.0);
        assert_eq!((many.people, many.settings.capacity), (800, 400));
        let few = plan("x".to_owned(), 0.2);
        assert_eq!((few.people, few.settings.capacity), (1, 1));
    }
}
