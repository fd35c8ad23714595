//! The state as the events alone tell it: it must be the state.

use std::collections::BTreeMap;

use super::{Event, EventKind, Model};

/// One RSVP as the events tell it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
struct Told {
    status: &'static str,
    ticket: Option<u64>,
    spots: Option<u64>,
    version: u64,
    generation: u64,
    is_in: bool,
}

impl Told {
    fn after(&self, event: &Event) -> Self {
        let status = match event.kind {
            EventKind::Confirmed | EventKind::Promoted | EventKind::Accepted => "confirmed",
            EventKind::Waitlisted => "waitlisted",
            EventKind::Offered => "offered",
            EventKind::Cancelled | EventKind::Declined | EventKind::Expired | EventKind::Transferred => {
                "cancelled"
            }
            _ => self.status,
        };
        let begins = !matches!(self.status, "confirmed" | "waitlisted" | "offered");
        Self {
            status,
            ticket: event.ticket,
            spots: event.spots,
            version: self.version + 1,
            generation: self.generation + u64::from(begins),
            is_in: match event.kind {
                EventKind::CheckedIn => true,
                EventKind::CheckInUndone => false,
                _ => self.is_in && !begins,
            },
        }
    }
}

impl Model {
    /// The events are numbered without gaps, nothing follows the end of the activity, and folding them gives the
    /// rows.
    pub(super) fn check_events(&self, broken: &mut Vec<String>) {
        let mut people: BTreeMap<&str, Told> = BTreeMap::new();
        let mut is_over = false;
        for (seq, event) in (1..).zip(&self.events) {
            if event.seq != seq {
                broken.push(format!("event {seq} has the seq {}", event.seq));
            }
            if is_over {
                broken.push(format!("#{seq} happened in a cancelled activity"));
            }
            if let Some(person) = event.person.as_deref() {
                let told = people.entry(person).or_default();
                *told = told.after(event);
            }
            if event.kind == EventKind::ActivityCancelled {
                is_over = true;
                for told in people.values_mut().filter(|told| told.status != "cancelled") {
                    told.status = "cancelled";
                    told.version += 1;
                }
            }
        }
        let rows = self.rsvps.iter().map(|(person, row)| {
            let told = Told {
                status: row.status.as_str(),
                ticket: Some(row.ticket),
                spots: Some(row.spots()),
                version: row.version,
                generation: row.generation,
                is_in: row.checked_in_at_us.is_some(),
            };
            (person.as_str(), told)
        });
        for (person, row) in rows {
            let told = people.remove(person);
            if told.as_ref() != Some(&row) {
                broken.push(format!(
                    "the events tell {told:?} of {person}, the row is {row:?}"
                ));
            }
        }
        if let Some(person) = people.keys().next() {
            broken.push(format!("the events tell of {person}, who has no row"));
        }
    }
}
