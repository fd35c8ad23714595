//! Whether a command that was acknowledged changed anything. What changed nothing tells the `seq` that it found, which is
//! that of another command.

use std::collections::HashMap;

use super::people::People;
use crate::model::{Command, GroupMode, Which};
use crate::seen::{LastState, SeenAnswer, SeenEvent};

/// What the log tells of it.
pub(super) struct Effects<'a> {
    events: HashMap<u64, &'a SeenEvent>,
    people: People,
}

impl<'a> Effects<'a> {
    pub(super) fn of(last: &'a LastState) -> Self {
        Self {
            events: last.events.iter().map(|event| (event.seq, event)).collect(),
            people: People::of(last),
        }
    }

    /// Whether the command that was answered so had an effect.
    pub(super) fn had(&self, command: &Command, answer: &SeenAnswer) -> bool {
        match command {
            Command::CheckIn { .. } => !answer.already,
            Command::ReserveGroup {
                mode: GroupMode::Each,
                ..
            }
            | Command::Promote(Which::Next(_)) => !answer.told.rsvps().is_empty(),
            Command::Update { person, .. } => self.ends_with(answer.seq, "updated", person),
            Command::UndoCheckIn { person, .. } => self.ends_with(answer.seq, "check_in_undone", person),
            _ => true,
        }
    }

    /// Whether the command that ends here, which one actor gave at one moment, did that to this person. Where the same
    /// actor's next command changed nothing, that ends here as well; it was asked later.
    fn ends_with(&self, seq: u64, kind: &str, person: &str) -> bool {
        let Some(last) = self.events.get(&seq) else {
            return false;
        };
        let own = (1..=seq).rev().map_while(|seq| {
            let event = self.events.get(&seq)?;
            (event.actor == last.actor && event.at == last.at).then_some(event)
        });
        let mut own = own;
        own.any(|event| {
            event.kind == kind && event.rsvp_id.is_some_and(|id| self.people.person(id) == person)
        })
    }
}
