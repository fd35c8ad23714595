//! The order of commands: by `seq`, with those whose fate is unknown, and those that nobody gave, put where the log
//! shows them.

use std::collections::HashSet;

use super::Finding;
use super::effects::Effects;
use super::people::{People, actor};
use super::unclaimed::UnclaimedEvents;
use crate::history::{Asker, History, Outcome, Record, Tick};
use crate::model::{Command, GroupMode, Request, Which};
use crate::seen::{LastState, SeenAnswer, SeenRsvp};

/// A command with a place in the order.
pub(super) struct Step<'a> {
    pub(super) command: &'a Command,
    /// Who asked; none is time itself.
    asker: Option<&'a Asker>,
    /// The seq of its last event if it was answered; otherwise of its first one, as the log has it.
    pub(super) seq: u64,
    /// The name in the token of whoever asked.
    pub(super) name: &'a str,
    /// When it was sent for the first and for the last time; none for what nobody asked.
    pub(super) sendings: Option<(Tick, Tick)>,
    /// When it was answered; `None` where only the log tells that it was done.
    pub(super) done_at: Option<Tick>,
    /// What was answered about RSVPs, and when.
    pub(super) answered: Option<(Tick, &'a SeenAnswer)>,
    /// Whether it changed anything.
    had_effect: bool,
    /// Whose offers time itself has ended.
    pub(super) ended: Vec<String>,
}

/// What time itself asks.
static EXPIRE: Command = Command::Expire;

/// The request as the model judges it. Who may ask what is not judged, but for hosts and bookers.
pub(super) fn request(command: &Command, asker: Option<&Asker>, at_us: i64) -> Request {
    let request = Request::new(at_us, command.clone());
    match asker {
        None => request.by_system(),
        Some(Asker::Own) => request,
        Some(Asker::Account(account)) => request.by(account),
        Some(Asker::Host) => request.by_host(),
    }
}

/// Whom a command names; the activity as a whole has no name.
pub(super) fn named(command: &Command) -> Vec<&str> {
    match command {
        Command::ReserveGroup { members, .. } => {
            members.iter().map(|member| member.person.as_str()).collect()
        }
        Command::Promote(Which::These(people)) => all_of(people),
        Command::Promote(Which::Next(_)) | Command::Expire => Vec::new(),
        Command::Bulk { promote, remove } => [all_of(remove), all_of(promote)].concat(),
        command => vec![command.person().unwrap_or_default()],
    }
}

fn all_of(people: &[String]) -> Vec<&str> {
    people.iter().map(String::as_str).collect()
}

/// Those whom a command names, in words.
pub(super) fn told(command: &Command) -> String {
    let people = named(command).join(", ");
    if people.is_empty() {
        "the activity".to_owned()
    } else {
        people
    }
}

impl<'a> Step<'a> {
    fn of(record: &'a Record, seq: u64, answered: Option<(Tick, &'a SeenAnswer)>) -> Self {
        Self {
            command: &record.command,
            asker: Some(&record.asker),
            seq,
            name: &record.name,
            sendings: Some((record.sent, record.last_sent)),
            done_at: answered.map(|(at, _)| at),
            answered,
            had_effect: true,
            ended: Vec::new(),
        }
    }

    pub(super) fn first_sent(&self) -> Option<Tick> {
        self.sendings.map(|(first, _)| first)
    }

    /// Whom it is about, in words.
    pub(super) fn person(&self) -> String {
        told(self.command)
    }

    /// Whose RSVP is told in the answer. Whoever booked it for somebody else is not told for whom, but has said so.
    pub(super) fn whose(&self, said: &SeenRsvp) -> String {
        match self.command.person() {
            Some(person) if said.user_id.is_none() && said.email.is_none() => person.to_owned(),
            _ => said.person(),
        }
    }

    /// Whether it was asked by somebody who has booked that RSVP for somebody else.
    pub(super) fn is_by_booker(&self) -> bool {
        matches!(self.asker, Some(Asker::Account(_))) && self.command.person().is_some()
    }

    /// The name that the person has whom it is about, if that person asked.
    pub(super) fn own_name(&self) -> Option<(&'a str, &'a str)> {
        let is_own = matches!(self.asker, Some(Asker::Own));
        Some((self.command.person().filter(|_| is_own)?, self.name))
    }

    pub(super) fn request(&self, at_us: i64) -> Request {
        request(self.command, self.asker, at_us)
    }

    /// Who did it, as far as the history tells: it does not name the host.
    pub(super) fn actor(&self) -> Option<String> {
        match (self.asker, self.command) {
            (None, _) => Some("system".to_owned()),
            (Some(Asker::Host), _) | (_, Command::Cancel { by_host: true, .. }) => None,
            (Some(Asker::Account(account)), _) => Some(actor(account)),
            (Some(Asker::Own), command) => command.person().map(actor),
        }
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
            | Command::Expire
            | Command::CancelActivity => true,
            Command::ReserveGroup { mode, .. } => *mode == GroupMode::All,
            Command::Promote(which) => matches!(which, Which::These(_)),
            Command::Update { .. }
            | Command::CheckIn { .. }
            | Command::UndoCheckIn { .. }
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
    let effects = Effects::of(last);
    let acknowledged = history.records.iter().filter_map(|record| {
        let step = acknowledged(record)?;
        let (_, answer) = step.answered?;
        Some(Step {
            had_effect: effects.had(step.command, answer),
            ..step
        })
    });
    let mut steps: Vec<Step<'a>> = acknowledged.collect();
    steps.extend(changes(history, last, findings));
    let mut unclaimed = UnclaimedEvents::new(last, &steps);
    for record in &history.records {
        if matches!(record.outcome, Outcome::Unanswered)
            && let Some(seq) = unclaimed.claim_first(&record.command)
        {
            steps.push(Step::of(record, seq, None));
        }
    }
    let expiries = expiries(last, &named_ends(&steps));
    steps.extend(expiries);
    // What had no effect tells the seq that it found, so it comes after the command that left it.
    steps.sort_by_key(|step| (step.seq, !step.had_effect, step.sendings));
    find_repeated(&steps, findings);
    find_broken_order(&steps, findings);
    steps
}

fn acknowledged(record: &Record) -> Option<Step<'_>> {
    match &record.outcome {
        Outcome::Acknowledged { at, answer } => Some(Step::of(record, answer.seq, Some((*at, answer)))),
        Outcome::Changed { .. } | Outcome::Rejected { .. } | Outcome::Unanswered => None,
    }
}

/// Changes of the activity as a whole. The version that was told is that of the event: the first makes it 2.
fn changes<'a>(history: &'a History, last: &LastState, findings: &mut Vec<Finding>) -> Vec<Step<'a>> {
    let about_all = last.events.iter().filter(|event| event.rsvp_id.is_none());
    let seqs: Vec<u64> = about_all.map(|event| event.seq).collect();
    let mut steps = Vec::new();
    for record in &history.records {
        let Outcome::Changed { at, version } = record.outcome else {
            continue;
        };
        let index = version
            .checked_sub(2)
            .and_then(|index| usize::try_from(index).ok());
        match index.and_then(|index| seqs.get(index)) {
            Some(seq) => steps.push(Step {
                done_at: Some(at),
                ..Step::of(record, *seq, None)
            }),
            None => findings.push(Finding::LostChange {
                version,
                versions: seqs.len() as u64 + 1,
            }),
        }
    }
    steps
}

/// Where some step has ended, as answers tell.
fn named_ends(steps: &[Step<'_>]) -> HashSet<u64> {
    let answers = steps.iter().filter_map(|step| step.answered);
    answers
        .flat_map(|(_, answer)| [answer.seq, answer.counts.seq])
        .collect()
}

/// Where time itself was the actor: what it ended at one moment it ended in one step, unless an answer tells of a state
/// between.
fn expiries(last: &LastState, named_ends: &HashSet<u64>) -> Vec<Step<'static>> {
    let people = People::of(last);
    let mut steps: Vec<Step<'static>> = Vec::new();
    let mut moment = None;
    for event in &last.events {
        let is_expiry = event.kind == "expired" && event.actor == "system";
        let here = is_expiry.then_some(&event.at);
        if is_expiry && (here != moment || named_ends.contains(&(event.seq - 1))) {
            steps.push(Step {
                command: &EXPIRE,
                asker: None,
                seq: event.seq,
                name: "",
                sendings: None,
                done_at: None,
                answered: None,
                had_effect: true,
                ended: Vec::new(),
            });
        }
        if let (true, Some(step), Some(id)) = (is_expiry, steps.last_mut(), event.rsvp_id) {
            step.ended.push(people.person(id));
        }
        moment = here;
    }
    steps
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
        if let (Some(before), Some(answered_at)) = (latest_sent, step.done_at)
            && Some(answered_at) < before.first_sent()
        {
            findings.push(Finding::OrderBroken {
                earlier: step.person(),
                earlier_seq: step.seq,
                later: before.person(),
                later_seq: before.seq,
            });
        }
        if latest_sent.is_none_or(|before| before.first_sent() < step.first_sent()) {
            latest_sent = Some(step);
        }
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
            asker: Asker::Own,
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
