//! The events of the log that no acknowledged command accounts for: there a command of unknown fate may have been
//! carried out.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::order::{Step, named};
use super::people::People;
use crate::model::{Command, GroupMode, Which};
use crate::seen::{LastState, SeenEvent};

/// By person; the activity as a whole has no name.
pub(super) struct UnclaimedEvents<'a> {
    by_person: HashMap<String, BTreeMap<u64, &'a SeenEvent>>,
}

impl<'a> UnclaimedEvents<'a> {
    pub(super) fn new(last: &'a LastState, acknowledged: &[Step<'_>]) -> Self {
        let people = People::of(last);
        let mut by_person: HashMap<String, BTreeMap<u64, &SeenEvent>> = HashMap::new();
        for event in &last.events {
            let person = event.rsvp_id.map(|id| people.person(id)).unwrap_or_default();
            by_person.entry(person).or_default().insert(event.seq, event);
        }
        let mut events = Self { by_person };
        let mut claimed = HashSet::new();
        for step in acknowledged {
            for person in claimants(step) {
                if claimed.insert((step.seq, person.clone())) {
                    events.claim_last(step.command, &person, step.seq);
                }
            }
        }
        events
    }

    /// Takes the event of `command` at or before `seq` that happened to this person: promotions of others may
    /// follow the command's own events.
    fn claim_last(&mut self, command: &Command, person: &str, seq: u64) {
        if let Some(events) = self.by_person.get_mut(person) {
            let own = events
                .range(..=seq)
                .rev()
                .find(|(_, event)| is_of(command, event))
                .map(|(seq, _)| *seq);
            if let Some(own) = own {
                events.remove(&own);
            }
        }
    }

    /// Takes the first event of each person that may be one of `command`, and tells the first of all.
    pub(super) fn claim_first(&mut self, command: &Command) -> Option<u64> {
        let people = match command {
            Command::Promote(Which::Next(_)) => self.by_person.keys().cloned().collect(),
            command => owned(&named(command)),
        };
        let mut first: Option<u64> = None;
        for person in people {
            let Some(events) = self.by_person.get_mut(&person) else {
                continue;
            };
            let own = events.iter().find(|(_, event)| is_of(command, event));
            if let Some(seq) = own.map(|(seq, _)| *seq) {
                events.remove(&seq);
                first = Some(first.map_or(seq, |first| first.min(seq)));
            }
        }
        first
    }
}

/// Whose events an acknowledged command has: of several, each for itself, those for whom it was done; nobody's,
/// where the answer says that all was so before.
fn claimants(step: &Step<'_>) -> Vec<String> {
    match (step.command, step.answered) {
        (_, Some((_, answer))) if answer.already => Vec::new(),
        (
            Command::ReserveGroup {
                mode: GroupMode::Each,
                ..
            }
            | Command::Promote(Which::Next(_)),
            Some((_, answer)),
        ) => answer.told.rsvps().iter().map(|rsvp| rsvp.person()).collect(),
        (command, _) => owned(&named(command)),
    }
}

fn owned(people: &[&str]) -> Vec<String> {
    people.iter().map(|person| (*person).to_owned()).collect()
}

/// Whether a command of this kind has an own event like that one.
fn is_of(command: &Command, event: &SeenEvent) -> bool {
    let (kind, reason) = (event.kind.as_str(), event.reason.as_deref());
    let is_by_hand = matches!(kind, "promoted" | "offered") && reason == Some("by_host");
    match command {
        Command::Reserve { .. } | Command::ReserveGroup { .. } => {
            matches!(kind, "confirmed" | "waitlisted") && reason != Some("transferred")
        }
        Command::Update { .. } => kind == "updated",
        Command::Cancel { .. } => kind == "cancelled",
        Command::Accept { .. } => kind == "accepted",
        Command::Decline { .. } => kind == "declined",
        Command::Transfer { .. } => kind == "transferred",
        Command::CheckIn { .. } => kind == "checked_in",
        Command::UndoCheckIn { .. } => kind == "check_in_undone",
        Command::Promote(_) => is_by_hand,
        Command::Bulk { .. } => kind == "cancelled" || is_by_hand,
        Command::Expire => kind == "expired",
        Command::ChangeSettings(_) => {
            matches!(
                kind,
                "activity_updated" | "capacity_changed" | "waitlist_paused" | "waitlist_resumed"
            )
        }
        Command::CancelActivity => kind == "activity_cancelled",
    }
}
