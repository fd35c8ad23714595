//! What happens to a party happens to all of it: one event after the other for each of its members.

use std::collections::HashSet;

use uuid::Uuid;

use super::due::Passed;
use super::{Fold, Rsvp};
use crate::support::audit::rows::EventRow;

/// What the events of one party have in common, while they are told.
#[derive(Default)]
pub(super) struct Together {
    /// Parties that have come in.
    came: HashSet<Uuid>,
    /// The last that came in: its group, its ticket and where it stands, while others of it may follow.
    coming: Option<(Uuid, i64, String)>,
    /// The kind of event that is still to be told of these members, who get this ticket.
    rest: Option<(String, HashSet<Uuid>, i64)>,
    /// Whether the last event went on with the party of the one before it.
    follows: bool,
    /// What the last promotion said.
    said: Option<Passed>,
}

impl Together {
    /// The members who should have been told of, if there are any.
    pub(super) fn split(&mut self) -> Option<String> {
        let (kind, rest, _) = self.rest.take()?;
        (!rest.is_empty()).then(|| format!("a party is split: {kind} was not told of {rest:?}"))
    }

    /// What a promotion must say because the event before it was of the same party.
    pub(super) fn said(&self) -> Option<Passed> {
        self.said.filter(|_| self.follows)
    }

    pub(super) fn note(&mut self, said: Passed) {
        self.said = Some(said);
    }
}

impl Fold {
    /// Checks that an event goes on with the party of the one before it, or begins with another.
    pub(super) fn go_on_together(&mut self, event: &EventRow, id: Uuid, before: Option<&Rsvp>) {
        self.come_together(event);
        self.together.follows = match &mut self.together.rest {
            Some((kind, rest, _)) => *kind == event.kind && rest.remove(&id),
            None => false,
        };
        if self.together.follows {
            return;
        }
        let split = self.together.split();
        self.findings.extend(split);
        let Some(before) = before else { return };
        let grows = before.status == "waitlisted" && event.spots.is_some_and(|spots| spots > before.spots);
        let ticket = match event.kind.as_str() {
            "updated" if grows => self.last_ticket + 1,
            // Offers that end at one moment are told by their people, of whichever party: see what stands too long.
            "accepted" | "declined" => before.ticket,
            _ if event.is_promotion() => before.ticket,
            _ => return,
        };
        let others = self.rsvps.iter().filter(|_| before.group.is_some());
        let rest = others.filter(|(other, rsvp)| {
            **other != id
                && (rsvp.group, rsvp.ticket, &rsvp.status) == (before.group, before.ticket, &before.status)
        });
        let rest = rest.map(|(other, _)| *other).collect();
        self.together.rest = Some((event.kind.clone(), rest, ticket));
    }

    /// A party comes in once, all of it, and nobody of it stands elsewhere than the others.
    fn come_together(&mut self, event: &EventRow) {
        let group = event.data()["group"]
            .as_str()
            .and_then(|group| group.parse().ok());
        let group = group.filter(|_| event.is_arrival() && !event.is_takeover());
        let (Some(group), Some(ticket), Some(status)) = (group, event.ticket, &event.status) else {
            self.together.coming = None;
            return;
        };
        let now = (group, ticket, status.clone());
        if self.together.came.insert(group) {
            self.together.coming = Some(now);
        } else if self.together.coming.as_ref() != Some(&now) {
            self.find(format!("the party {group} came in before, or stands elsewhere"));
        }
    }

    /// The ticket that an event of an RSVP should tell, places that are taken over aside.
    pub(super) fn ticket_due(&self, event: &EventRow, before: Option<&Rsvp>) -> i64 {
        if event.is_arrival() {
            let follows = self.together.coming.as_ref().filter(|(group, ..)| {
                self.rsvps
                    .values()
                    .any(|rsvp| rsvp.group == Some(*group) && rsvp.is_live())
            });
            return follows.map_or(self.last_ticket + 1, |(_, ticket, _)| *ticket);
        }
        match &self.together.rest {
            Some((kind, _, ticket)) if *kind == event.kind => *ticket,
            _ => before.map_or(0, |rsvp| rsvp.ticket),
        }
    }
}
