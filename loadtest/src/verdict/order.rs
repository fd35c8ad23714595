//! The order of commands: by `seq`, with those whose fate is unknown put where the log shows them.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::Finding;
use crate::history::{History, Outcome, Record, Tick};
use crate::model::{Command, GroupMode, Which};
use crate::seen::{LastState, SeenAnswer};

/// A command with a place in the order.
pub(super) struct Step<'a> {
    pub(super) command: &'a Command,
    /// The seq of its last event if it was answered; otherwise of its first one, as the log has it.
    pub(super) seq: u64,
    /// The name in the token of whoever asked.
    pub(super) name: &'a str,
    pub(super) sent: Tick,
    pub(super) last_sent: Tick,
    /// When it was answered and what; `None` where only the log tells that it was done.
    pub(super) answered: Option<(Tick, &'a SeenAnswer)>,
}

impl Step<'_> {
    pub(super) fn person(&self) -> String {
        self.command.person().unwrap_or("the activity").to_owned()
    }

    /// Whether an accepted command of this kind always leaves an event.
    fn always_has_effect(&self) -> bool {
        match self.command {
            Command::Reserve { .. }
            | Command::Cancel { .. }
            | Command::Accept { .. }
            | Command::Decline { .. }
            | Command::Transfer { .. }
            | Command::Bulk { .. }
            | Command::CancelActivity => true,
            Command::ReserveGroup { mode, .. } => *mode == GroupMode::All,
            Command::Promote(which) => matches!(which, Which::These(_)),
            Command::Update { .. }
            | Command::CheckIn { .. }
            | Command::UndoCheckIn { .. }
            | Command::Expire
            | Command::ChangeSettings(_) => false,
        }
    }
}

/// Every command that was carried out, in order.
pub(super) fn steps<'a>(
    history: &'a History,
    last: &LastState,
    findings: &mut Vec<Finding>,
) -> Vec<Step<'a>> {
    let mut steps: Vec<Step<'a>> = history.records.iter().filter_map(acknowledged).collect();
    let mut unplaced = UnclaimedEvents::new(last, &steps);
    for record in &history.records {
        if matches!(record.outcome, Outcome::Unanswered)
            && let Some(seq) = unplaced.claim_first(&record.command)
        {
            steps.push(Step {
                command: &record.command,
                seq,
                name: &record.name,
                sent: record.sent,
                last_sent: record.last_sent,
                answered: None,
            });
        }
    }
    // What had no effect tells the seq that it found, so it comes after the command that left it.
    steps.sort_by_key(|step| (step.seq, !step.always_has_effect(), step.sent));
    find_repeated(&steps, findings);
    find_broken_order(&steps, findings);
    steps
}

fn acknowledged(record: &Record) -> Option<Step<'_>> {
    match &record.outcome {
        Outcome::Acknowledged { at, answer } => Some(Step {
            command: &record.command,
            seq: answer.seq,
            name: &record.name,
            sent: record.sent,
            last_sent: record.last_sent,
            answered: Some((*at, answer)),
        }),
        Outcome::Rejected { .. } | Outcome::Unanswered => None,
    }
}

fn find_repeated(steps: &[Step<'_>], findings: &mut Vec<Finding>) {
    let with_effect: Vec<&Step<'_>> = steps.iter().filter(|step| step.always_has_effect()).collect();
    for same in with_effect
        .chunk_by(|a, b| a.seq == b.seq)
        .filter(|same| same.len() > 1)
    {
        let persons = same.iter().map(|step| step.person()).collect();
        findings.push(Finding::RepeatedSeq {
            seq: same[0].seq,
            persons,
        });
    }
}

/// Nobody may be answered and then find a place behind somebody who had not even asked.
fn find_broken_order(steps: &[Step<'_>], findings: &mut Vec<Finding>) {
    let mut latest_sent: Option<&Step<'_>> = None;
    for step in steps {
        if let (Some(before), Some((answered_at, _))) = (latest_sent, step.answered)
            && answered_at < before.sent
        {
            findings.push(Finding::OrderBroken {
                earlier: step.person(),
                earlier_seq: step.seq,
                later: before.person(),
                later_seq: before.seq,
            });
        }
        if latest_sent.is_none_or(|before| before.sent < step.sent) {
            latest_sent = Some(step);
        }
    }
}

/// The events of the log that no acknowledged command accounts for, by person.
struct UnclaimedEvents<'a> {
    by_person: HashMap<String, BTreeMap<u64, &'a str>>,
}

impl<'a> UnclaimedEvents<'a> {
    fn new(last: &'a LastState, acknowledged: &[Step<'_>]) -> Self {
        let persons: HashMap<Uuid, String> = last
            .rsvps
            .iter()
            .filter_map(|rsvp| Some((rsvp.id, rsvp.user_id?.to_string())))
            .collect();
        let mut by_person: HashMap<String, BTreeMap<u64, &str>> = HashMap::new();
        for event in &last.events {
            let person = event
                .rsvp_id
                .and_then(|id| persons.get(&id))
                .cloned()
                .unwrap_or_default();
            by_person
                .entry(person)
                .or_default()
                .insert(event.seq, event.kind.as_str());
        }
        let mut events = Self { by_person };
        let mut claimed = HashSet::new();
        for step in acknowledged {
            if claimed.insert((step.seq, step.command.person())) {
                events.claim_last(step.command, step.seq);
            }
        }
        events
    }

    /// Takes the event of `command` at or before `seq`: promotions of others may follow the command's first
    /// event.
    fn claim_last(&mut self, command: &Command, seq: u64) {
        if let Some(events) = self.by_person.get_mut(command.person().unwrap_or_default()) {
            let own = events
                .range(..=seq)
                .rev()
                .find(|(_, kind)| is_of(command, kind))
                .map(|(seq, _)| *seq);
            if let Some(own) = own {
                events.remove(&own);
            }
        }
    }

    fn claim_first(&mut self, command: &Command) -> Option<u64> {
        let events = self.by_person.get_mut(command.person().unwrap_or_default())?;
        let seq = events
            .iter()
            .find(|(_, kind)| is_of(command, kind))
            .map(|(seq, _)| *seq)?;
        events.remove(&seq);
        Some(seq)
    }
}

/// Whether a command of this kind starts with an event of that kind.
fn is_of(command: &Command, kind: &str) -> bool {
    match command {
        Command::Reserve { .. } | Command::ReserveGroup { .. } => matches!(kind, "confirmed" | "waitlisted"),
        Command::Accept { .. } => kind == "accepted",
        Command::Decline { .. } => kind == "declined",
        Command::Transfer { .. } => kind == "transferred",
        Command::CheckIn { .. } => kind == "checked_in",
        Command::UndoCheckIn { .. } => kind == "check_in_undone",
        Command::Promote(_) => matches!(kind, "promoted" | "offered"),
        Command::Bulk { .. } => matches!(kind, "cancelled" | "promoted" | "offered"),
        Command::Expire => kind == "expired",
        Command::Update { .. } => kind == "updated",
        Command::Cancel { .. } => kind == "cancelled",
        Command::ChangeSettings(_) => {
            matches!(
                kind,
                "activity_updated" | "capacity_changed" | "waitlist_paused" | "waitlist_resumed"
            )
        }
        Command::CancelActivity => kind == "activity_cancelled",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::judge;
    use crate::verdict::testing::*;

    #[test]
    fn a_command_of_unknown_fate_that_was_done_is_found_in_the_log() {
        let mut evidence = Evidence::of(1, |run| {
            run.reserve("ada", 0);
            run.reserve("bob", 0);
            run.cancel("ada");
            run.reserve("cyd", 0);
        });
        for lost in 0..4 {
            let record = &mut evidence.history.records[lost];
            let kept = std::mem::replace(&mut record.outcome, Outcome::Unanswered);
            assert_eq!(
                judge(&evidence.history, &evidence.last),
                [Finding::Unanswered { count: 1 }]
            );
            evidence.history.records[lost].outcome = kept;
        }
    }

    #[test]
    fn a_command_of_unknown_fate_that_was_not_done_changes_nothing() {
        let mut evidence = Evidence::of(1, |run| run.reserve("ada", 0));
        evidence.history.records.push(Record {
            command: reserve("bob", 0),
            name: "bob".into(),
            sent: Tick(99),
            last_sent: Tick(99),
            outcome: Outcome::Unanswered,
        });
        assert_eq!(
            judge(&evidence.history, &evidence.last),
            [Finding::Unanswered { count: 1 }]
        );
        evidence.history.unasked = 6;
        assert_eq!(
            judge(&evidence.history, &evidence.last),
            [Finding::Unanswered { count: 7 }],
            "whoever was not even asked has no answer either"
        );
    }

    #[test]
    fn a_seq_that_was_answered_twice_is_named() {
        let mut evidence = Evidence::of(5, |run| {
            run.reserve("ada", 0);
            run.reserve("bob", 0);
        });
        evidence.answer_mut(1).seq = 1;
        let findings = judge(&evidence.history, &evidence.last);
        let persons = vec![user("ada").to_string(), user("bob").to_string()];
        assert!(
            findings.contains(&Finding::RepeatedSeq { seq: 1, persons }),
            "{findings:?}"
        );
    }

    #[test]
    fn an_answer_from_before_a_later_question_comes_first() {
        let mut evidence = Evidence::of(5, |run| {
            run.reserve("ada", 0);
            run.reserve("bob", 0);
        });
        // The clock of the client says that bob was answered before ada asked.
        evidence.sent(0, Tick(100), Tick(100));
        let findings = judge(&evidence.history, &evidence.last);
        assert!(
            matches!(
                &findings[0],
                Finding::OrderBroken {
                    earlier_seq: 2,
                    later_seq: 1,
                    ..
                }
            ),
            "{findings:?}"
        );
    }

    #[test]
    fn an_answer_that_was_replayed_counts_like_the_first() {
        let mut evidence = Evidence::of(5, |run| {
            run.reserve("ada", 0);
            run.reserve("bob", 0);
        });
        evidence.asked_again(0, Tick(5));
        assert_eq!(judge(&evidence.history, &evidence.last), []);
    }
}
