//! What an event of some kind may tell of its RSVP.

use serde_json::Value;
use uuid::Uuid;

use super::Rsvp;
use crate::support::audit::rows::EventRow;

/// What an event may tell in its columns.
pub(super) struct Due<'a> {
    /// Where the RSVP may have stood before, and may stand since.
    pub(super) statuses: Vec<(Option<&'a str>, &'a str)>,
    pub(super) spots: i64,
    pub(super) ticket: i64,
    pub(super) reasons: &'static [Option<&'static str>],
}

impl<'a> Due<'a> {
    pub(super) fn of(
        event: &'a EventRow,
        before: Option<&Rsvp>,
        given: Option<&(Uuid, Rsvp)>,
        ticket: i64,
    ) -> Self {
        let from = |statuses: &[&'static str], to: &'static str| -> Vec<(Option<&'a str>, &'a str)> {
            statuses.iter().map(|from| (Some(*from), to)).collect()
        };
        let stays = |statuses: &[&'static str]| -> Vec<(Option<&'a str>, &'a str)> {
            statuses.iter().map(|status| (Some(*status), *status)).collect()
        };
        let all = ["confirmed", "waitlisted", "offered"];
        let said = event.spots.unwrap_or_default();
        let spots = before.map_or(0, |rsvp| rsvp.spots);
        let (statuses, spots, reasons): (_, i64, &[_]) = match event.kind.as_str() {
            kind if event.is_takeover() => {
                let due = given.filter(|(_, giver)| giver.status == kind);
                let statuses = due.map(|_| vec![(None, kind), (Some("cancelled"), kind)]);
                let spots = given.map_or(0, |(_, giver)| giver.spots);
                (statuses.unwrap_or_default(), spots, &[Some("transferred")])
            }
            kind @ ("confirmed" | "waitlisted") => {
                (vec![(None, kind), (Some("cancelled"), kind)], said, &[None])
            }
            "promoted" => (
                from(&["waitlisted"], "confirmed"),
                spots,
                &[None, Some("by_host")],
            ),
            "offered" => (from(&["waitlisted"], "offered"), spots, &[None, Some("by_host")]),
            "accepted" => (from(&["offered"], "confirmed"), spots, &[None]),
            "updated" => (stays(&all), said, &[None]),
            "declined" => (from(&["offered"], "cancelled"), spots, &[Some("offer_declined")]),
            "expired" => (from(&["offered"], "cancelled"), spots, &[Some("offer_expired")]),
            "transferred" => (from(&all, "cancelled"), spots, &[Some("transferred")]),
            "checked_in" | "check_in_undone" => (stays(&["confirmed"]), spots, &[None]),
            _ => (
                from(&all, "cancelled"),
                spots,
                &[Some("by_attendee"), Some("by_host")],
            ),
        };
        Self {
            statuses,
            spots,
            ticket: given
                .filter(|_| event.is_takeover())
                .map_or(ticket, |(_, giver)| giver.ticket),
            reasons,
        }
    }
}

/// The party that a promotion went past, the spots that it needs, and how many were free.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Passed {
    pub(super) ticket: Option<i64>,
    pub(super) needs: Option<i64>,
    pub(super) free: Option<i64>,
}

impl Passed {
    /// What an event says of it.
    pub(super) fn said(data: &Value) -> Self {
        Self {
            ticket: data["past"].as_i64(),
            needs: data["needs"].as_i64(),
            free: data["free"].as_i64(),
        }
    }
}
