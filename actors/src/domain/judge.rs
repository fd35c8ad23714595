//! One command from judgement to answer, on a draft.

use super::activity::Activity;
use super::command::{Command, KeyUse, Request, Target};
use super::decide::{decide, permit};
use super::draft::{Draft, State};
use super::event::{Answer, Answered, Event, Keyed, Outcome, Snapshot};
use super::ids::Seq;
use super::person::Person;
use super::rejection::Rejection;

/// What became of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Judgement {
    /// It was accepted; its events, if it has any, are in the draft.
    Accepted(Answer),
    /// It was refused and has changed nothing.
    Rejected(Rejection),
    /// Its key may have been seen before: these events tell. Whoever holds the journal looks them up and
    /// judges the command again, see [`KeyCheck`].
    Recall(Vec<Seq>),
}

/// What is known of a command's key beyond the draft.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyCheck<'a> {
    /// Nothing yet.
    Unchecked,
    /// The journal's first so many events that may have recorded this key were looked at: none did.
    Unknown(usize),
    /// The journal's event that recorded this key.
    Recorded(&'a Keyed),
}

impl Draft {
    /// Judges one command on top of the changes so far, and applies what it leads to.
    ///
    /// The command is judged by its stamp, but never by an earlier one than that of the event before it.
    pub fn judge(&mut self, base: &Activity, request: &Request, check: KeyCheck<'_>) -> Judgement {
        match self.try_judge(base, request, check) {
            Ok(judgement) => judgement,
            Err(rejection) => Judgement::Rejected(rejection),
        }
    }

    fn try_judge(
        &mut self,
        base: &Activity,
        request: &Request,
        check: KeyCheck<'_>,
    ) -> Result<Judgement, Rejection> {
        let state = State { base, draft: self };
        permit(state, request)?;
        if let Some(replay) = request
            .key
            .map(|key| replay(state, key, check))
            .transpose()?
            .flatten()
        {
            return Ok(replay);
        }
        let now = request.at.max(self.head.stamped_at);
        let facts = decide(state, request, now)?;
        let events: Vec<Event> = (self.head.seq.0 + 1..)
            .zip(facts)
            .map(|(seq, fact)| Event {
                seq: Seq(seq),
                at: now,
                actor: request.by.user,
                fact,
                keyed: None,
            })
            .collect();
        for event in &events {
            self.enact(base, event);
        }
        let answer = self.answer(base, request);
        self.keep(events, request.key, &answer);
        Ok(Judgement::Accepted(answer))
    }

    /// The answer to a command whose events have just been applied.
    fn answer(&self, base: &Activity, request: &Request) -> Answer {
        let state = State { base, draft: self };
        let slot = match &request.command {
            Command::Reserve(reserve) => state.find_person(&reserve.person),
            Command::Update(update) => find(state, request, &update.target),
            Command::Cancel(target) => find(state, request, target),
            Command::Change(_) | Command::CancelActivity => None,
        };
        Answer {
            seq: self.head.seq,
            replayed: false,
            rsvp: slot.map(|slot| state.answered(slot)),
        }
    }

    /// Keeps the events, the first of them with the key and the answer that belongs to it.
    fn keep(&mut self, events: Vec<Event>, key: Option<KeyUse>, answer: &Answer) {
        let mut keyed = key.map(|key| {
            let rsvp = answer.rsvp.as_ref().map(Snapshot::of);
            Box::new(Keyed {
                key,
                outcome: Outcome {
                    seq: answer.seq,
                    rsvp,
                },
            })
        });
        for event in events {
            self.record(Event {
                keyed: keyed.take(),
                ..event
            });
        }
    }
}

fn find(state: State<'_>, request: &Request, target: &Target) -> Option<super::rsvp_table::Slot> {
    match target {
        Target::Own => state.find_person(&Person::User(request.by.user)),
        Target::Rsvp(id) => state.find(*id),
    }
}

/// The earlier answer to this key, a hint where it may be found, or nothing if the key is new.
fn replay(state: State<'_>, key: KeyUse, check: KeyCheck<'_>) -> Result<Option<Judgement>, Rejection> {
    if let Some(seen) = state.draft.keyed.get(&key.digest) {
        return repeat(state, key, seen.fingerprint, &seen.outcome).map(Some);
    }
    match check {
        KeyCheck::Recorded(keyed) => repeat(state, key, keyed.key.fingerprint, &keyed.outcome).map(Some),
        KeyCheck::Unchecked => Ok(recall(state, key, 0)),
        // The same key may have been recorded since.
        KeyCheck::Unknown(looked_at) => Ok(recall(state, key, looked_at)),
    }
}

/// Where the key may have been recorded, if that is in more places than were looked at.
fn recall(state: State<'_>, key: KeyUse, looked_at: usize) -> Option<Judgement> {
    let hints = state.base.keys.find(key.digest.hash());
    (hints.len() > looked_at).then_some(Judgement::Recall(hints))
}

fn repeat(
    state: State<'_>,
    key: KeyUse,
    fingerprint: u64,
    outcome: &Outcome,
) -> Result<Judgement, Rejection> {
    if key.fingerprint != fingerprint {
        return Err(Rejection::KeyReused);
    }
    let rsvp = outcome.rsvp.map(|snapshot| restored(state, snapshot));
    Ok(Judgement::Accepted(Answer {
        seq: outcome.seq,
        replayed: true,
        rsvp,
    }))
}

fn restored(state: State<'_>, snapshot: Snapshot) -> Answered {
    let slot = state
        .find(snapshot.id)
        .expect("a recorded answer names an RSVP of this activity");
    snapshot.restore(state.row(slot).clone())
}
