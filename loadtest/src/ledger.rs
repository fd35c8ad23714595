//! What was acknowledged about one activity, in a few numbers, however many commands there were: for runs whose
//! histories are too long to be kept.
//!
//! It judges activities on which there is a seat for everybody, so that each command is one event. Of what was
//! acknowledged it keeps a sum over the place in the order, the RSVP and what became of it; the log must have the same
//! sum. It cannot say which acknowledgement is missing, and it knows no rules beyond seats: that is for the verdict.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use uuid::Uuid;

use crate::history::{Outcome, Record};
use crate::host::{Host, HostError};
use crate::model::Command;
use crate::run::End;
use crate::seen::{SeenActivity, SeenEvent};
use crate::verdict::Finding;

/// What was acknowledged about an activity.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    activity: Uuid,
    capacity: u64,
    acknowledged: u64,
    sum: u64,
    unanswered: u64,
    /// The first answer that nobody should have had.
    wrong: Option<Finding>,
}

impl Ledger {
    /// Of an activity with so many seats, about which nothing was acknowledged.
    pub(crate) fn of(activity: Uuid, capacity: u64) -> Self {
        Self {
            activity,
            capacity,
            acknowledged: 0,
            sum: 0,
            unanswered: 0,
            wrong: None,
        }
    }

    pub(crate) fn activity(&self) -> Uuid {
        self.activity
    }

    /// Takes down what came of a command.
    pub(crate) fn note(&mut self, record: &Record) {
        let expected = match &record.command {
            Command::Cancel { .. } => "cancelled",
            _ => "confirmed",
        };
        match &record.outcome {
            Outcome::Acknowledged { answer, .. } => {
                let rsvps = answer.told.rsvps();
                let told = rsvps.first().map(|rsvp| (rsvp.id, rsvp.status.as_str()));
                let (rsvp, status) = told.unwrap_or((Uuid::nil(), "nobody"));
                self.acknowledged += 1;
                self.sum = self.sum.wrapping_add(mark(answer.seq, rsvp, status));
                if status != expected {
                    self.wrong.get_or_insert_with(|| Finding::WrongStatus {
                        person: record.name.clone(),
                        seq: answer.seq,
                        said: status.to_owned(),
                        expected: expected.to_owned(),
                    });
                }
            }
            Outcome::Rejected { code, .. } => {
                self.wrong.get_or_insert_with(|| Finding::WrongRejection {
                    person: record.name.clone(),
                    code: code.clone(),
                });
            }
            Outcome::Unanswered | Outcome::Changed { .. } => self.unanswered += 1,
        }
    }

    /// Reads the log page by page, waits as told after each, and compares it with what was acknowledged and with what is
    /// shown.
    pub(crate) async fn judged<W: Future<Output = ()>>(
        self,
        host: &mut Host<'_>,
        after_each_page: impl Fn() -> W,
    ) -> Result<(End, Vec<Finding>), HostError> {
        let mut log = Log::default();
        loop {
            let page = host.events_after(self.activity, log.seq).await?;
            if page.is_empty() {
                break;
            }
            for event in &page {
                log.note(event, self.capacity);
            }
            if log.wrong.is_some() {
                break;
            }
            after_each_page().await;
        }
        let shown = host.shown(self.activity).await?;
        let end = End {
            capacity: shown.counts.capacity,
            confirmed_spots: shown.counts.confirmed_spots,
            waitlisted_parties: shown.counts.waitlisted_parties,
            waitlisted_spots: shown.counts.waitlisted_spots,
            promoted: 0,
            cancelled: log.rsvps.len().saturating_sub(log.holders.len()) as u64,
        };
        Ok((end, self.findings(log, &shown)))
    }

    fn findings(self, log: Log, shown: &SeenActivity) -> Vec<Finding> {
        let mut findings: Vec<Finding> = log.wrong.into_iter().chain(self.wrong).collect();
        if self.unanswered > 0 {
            findings.push(Finding::Unanswered {
                count: self.unanswered,
            });
        }
        // What nobody was answered may have been done: then there are more events than acknowledgements, and no sum.
        let too_many = log.events.saturating_sub(self.acknowledged);
        let is_complete = log.events >= self.acknowledged && too_many <= self.unanswered;
        if !is_complete || (too_many == 0 && log.sum != self.sum) {
            findings.push(Finding::LogDiffers {
                acknowledged: self.acknowledged,
                logged: log.events,
                sum_acknowledged: self.sum,
                sum_logged: log.sum,
            });
        }
        let counts = &shown.counts;
        let held = log.holders.len() as u64;
        for (field, said, expected) in [
            ("confirmed_spots", counts.confirmed_spots, held),
            ("waitlisted_parties", counts.waitlisted_parties, 0),
            ("seq", counts.seq, log.seq),
        ] {
            if said != expected {
                findings.push(Finding::CountsDiffer {
                    field,
                    said: said.to_string(),
                    expected: expected.to_string(),
                });
            }
        }
        findings
    }
}

/// What a log says, read from its beginning.
#[derive(Default)]
struct Log {
    seq: u64,
    /// Those that are about somebody.
    events: u64,
    sum: u64,
    rsvps: HashSet<Uuid>,
    holders: HashSet<Uuid>,
    wrong: Option<Finding>,
}

impl Log {
    fn note(&mut self, event: &SeenEvent, capacity: u64) {
        if event.seq != self.seq + 1 {
            self.differs(event, format!("seq {}", self.seq + 1));
        }
        self.seq = event.seq;
        let Some(rsvp) = event.rsvp_id else { return };
        let status = event.status.as_deref().unwrap_or("nothing");
        self.events += 1;
        self.sum = self.sum.wrapping_add(mark(event.seq, rsvp, status));
        self.rsvps.insert(rsvp);
        let is_sound = match (&*event.kind, status) {
            ("confirmed", "confirmed") => self.holders.insert(rsvp),
            ("cancelled", "cancelled") => self.holders.remove(&rsvp),
            _ => false,
        };
        if !is_sound {
            self.differs(
                event,
                "one who has no seat to take one, or one who has to leave".to_owned(),
            );
        }
        let held = self.holders.len() as u64;
        if held > capacity {
            let (seq, limit) = (event.seq, capacity);
            self.wrong.get_or_insert(Finding::Overbooked { seq, held, limit });
        }
    }

    fn differs(&mut self, event: &SeenEvent, expected: String) {
        let (seq, kind, rsvp) = (event.seq, &event.kind, event.rsvp_id);
        self.wrong.get_or_insert_with(|| Finding::EventsDiffer {
            seq,
            said: format!("{kind} of {rsvp:?}"),
            expected,
        });
    }
}

/// One command or event in a number that no other has. The order in which they are added up does not matter.
fn mark(seq: u64, rsvp: Uuid, status: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seq, rsvp, status).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seen::SeenCounts;

    fn event(seq: u64, kind: &str, rsvp: u128) -> SeenEvent {
        SeenEvent {
            seq,
            at: String::new(),
            kind: kind.to_owned(),
            rsvp_id: Some(Uuid::from_u128(rsvp)),
            actor: String::new(),
            previous_status: None,
            status: Some(kind.to_owned()),
            spots: Some(1),
            ticket: None,
            reason: None,
        }
    }

    fn shown(seq: u64, confirmed_spots: u64) -> SeenActivity {
        SeenActivity {
            id: Uuid::nil(),
            status: "scheduled".to_owned(),
            checked_in_spots: None,
            counts: SeenCounts {
                capacity: 2,
                confirmed_spots,
                offered_spots: 0,
                available_spots: 2 - confirmed_spots,
                waitlisted_parties: 0,
                waitlisted_spots: 0,
                seq,
            },
        }
    }

    /// What is found where these were acknowledged and those are in the log.
    fn found(acknowledged: &[SeenEvent], logged: &[SeenEvent], shown: &SeenActivity) -> Vec<String> {
        let mut ledger = Ledger::of(Uuid::nil(), 2);
        for event in acknowledged {
            ledger.acknowledged += 1;
            let rsvp = event.rsvp_id.unwrap();
            ledger.sum = ledger.sum.wrapping_add(mark(event.seq, rsvp, &event.kind));
        }
        let mut log = Log::default();
        for event in logged {
            log.note(event, ledger.capacity);
        }
        let findings = ledger.findings(log, shown);
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_in_the_log_exactly_is_clean_in_whatever_order_it_was_answered() {
        let log = [
            event(1, "confirmed", 1),
            event(2, "confirmed", 2),
            event(3, "cancelled", 1),
        ];
        let mut answered = log.to_vec();
        answered.reverse();
        assert_eq!(found(&answered, &log, &shown(3, 1)), Vec::<String>::new());
    }

    #[test]
    fn what_was_acknowledged_and_is_not_in_the_log_is_found_also_where_something_else_is_in_its_place() {
        let answered = [event(1, "confirmed", 1), event(2, "confirmed", 2)];
        for log in [
            &answered[..1],
            &[event(1, "confirmed", 1), event(2, "confirmed", 3)],
        ] {
            let held = log.len() as u64;
            let found = found(&answered, log, &shown(held, held));
            assert!(
                found.len() == 1 && found[0].starts_with("log differs"),
                "{found:?}"
            );
        }
    }

    #[test]
    fn too_many_seats_two_for_one_and_a_gap_are_found() {
        let over = [
            event(1, "confirmed", 1),
            event(2, "confirmed", 2),
            event(3, "confirmed", 3),
        ];
        assert!(found(&over, &over, &shown(3, 2))[0].starts_with("overbooked: at seq 3"));
        let twice = [event(1, "confirmed", 1), event(2, "confirmed", 1)];
        assert!(found(&twice, &twice, &shown(2, 1))[0].starts_with("events differ: at seq 2"));
        let gap = [event(1, "confirmed", 1), event(3, "confirmed", 2)];
        assert!(found(&gap, &gap, &shown(3, 2))[0].starts_with("events differ: at seq 3"));
    }

    #[test]
    fn counts_that_are_shown_are_those_of_the_log() {
        let log = [event(1, "confirmed", 1)];
        let found = found(&log, &log, &shown(1, 0));
        assert_eq!(found, ["counts differ: confirmed_spots is 0, expected 1"]);
    }
}
