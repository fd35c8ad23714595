//! Commands of one socket: those for one activity are decided in the order in which they were sent.

use std::collections::{HashMap, VecDeque};

use serde::Deserialize;
use serde_json::{Value, json};
use turnout_actors::domain::{ActivityId, Command, RsvpId, SettingsChange, Target};
use turnout_actors::{Answering, EngineError, Key, Order, Reply, Submission, Submitted};

use super::Session;
use super::work::Done;
use crate::accounts::Bearer;
use crate::api::{Code, Problem, ReserveArgs, UpdateArgs};
use crate::ws::incoming::{self, Id, Op};
use crate::ws::limits::COMMANDS_MAX;
use crate::ws::outgoing::{Accepted, Refused};

/// What the answer to a command is marked with.
pub(super) struct Tag {
    id: Id,
    key: Option<String>,
    activity: ActivityId,
}

/// The end of a command.
pub(super) struct Answered {
    tag: Tag,
    result: Result<Reply, EngineError>,
}

/// Commands that wait for one before them to reach an activity which is not live yet.
pub(super) type Lanes = HashMap<ActivityId, VecDeque<(Tag, Submission)>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Capacity {
    capacity: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Paused {
    paused: bool,
}

impl Session {
    /// Gives a command, unless it is refused at once.
    pub(super) fn command(&mut self, id: Id, command: incoming::Command) {
        let incoming::Command {
            key,
            activity,
            op,
            args,
            if_version,
        } = command;
        let tag = Tag { id, key, activity };
        match self.order(&tag, op.0, args, if_version) {
            Ok(order) => {
                self.socket.outbound().answers_due += 1;
                match self.state.engine.take_in(activity, order) {
                    Ok(submission) => self.submit(tag, submission),
                    Err(refused) => self.await_answer(tag, refused),
                }
            }
            Err(problem) => self.refuse_command(&tag, &problem),
        }
    }

    fn order(
        &self,
        tag: &Tag,
        op: Op,
        args: Option<Value>,
        if_version: Option<u32>,
    ) -> Result<Order, Problem> {
        if self.is_sent_away || self.state.sockets.is_draining() {
            return Err(Problem::new(Code::Draining));
        }
        if self.socket.outbound().answers_due >= COMMANDS_MAX {
            let problem = Problem::new(Code::Overloaded);
            return Err(problem.detail("Too many commands of this socket are under way."));
        }
        let identity = self.identity.as_ref();
        let identity = identity.ok_or_else(|| Problem::new(Code::Unauthenticated))?;
        if identity.is_revoked() {
            return Err(Problem::new(Code::TokenRevoked));
        }
        let key = tag.key.as_deref().map(Key::parse).transpose();
        let key = key.map_err(|_| Problem::field("key", "must be 1 to 64 printable ASCII characters"))?;
        let fresh = RsvpId::from(self.state.ids.next());
        let command = meant(op, args.unwrap_or_else(|| json!({})), fresh, &identity.bearer)?;
        if op == Op::Reserve && if_version.is_some() {
            return Err(Problem::field("if_version", "does not go with reserve"));
        }
        Ok(Order {
            by: identity.principal(),
            command,
            if_version,
            key,
        })
    }

    fn submit(&mut self, tag: Tag, submission: Submission) {
        let activity = tag.activity;
        if let Some(lane) = self.lanes.get_mut(&activity) {
            return lane.push_back((tag, submission));
        }
        match submission.now(&self.state.engine) {
            Submitted::Sent(answering) => self.await_answer(tag, answering),
            Submitted::Waiting(waiting) => {
                self.lanes.entry(activity).or_default();
                let engine = self.state.engine.clone();
                self.work.begin(async move {
                    let answering = waiting.sent(&engine).await;
                    Done::Sent(activity, Box::new((tag, answering)))
                });
            }
        }
    }

    fn await_answer(&self, tag: Tag, answering: Answering) {
        self.work.begin(async move {
            let result = answering.await;
            Done::Answered(Box::new(Answered { tag, result }))
        });
    }

    /// The first command of a lane has reached its activity: those behind it follow.
    pub(super) fn sent(&mut self, activity: ActivityId, sent: (Tag, Answering)) {
        let (tag, answering) = sent;
        self.await_answer(tag, answering);
        for (tag, submission) in self.lanes.remove(&activity).unwrap_or_default() {
            self.submit(tag, submission);
        }
    }

    /// Tells what has become of a command.
    pub(super) fn answered(&mut self, answered: Answered) {
        let Answered { tag, result } = answered;
        let Tag { id, key, activity } = &tag;
        match result {
            Ok(reply) => {
                for answered in reply.answer.told.iter() {
                    self.state.rsvps.note(answered.rsvp.id, *activity);
                }
                let now = self.state.clock.now();
                self.say(&Accepted::new(id, key.as_deref(), *activity, &reply, now));
            }
            Err(error) => self.refuse_command(&tag, &self.state.refusal(error, *activity)),
        }
        self.socket.outbound().answers_due -= 1;
        if self.is_sent_away && self.is_idle() {
            self.socket.wake();
        }
    }

    /// Whether no command is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.socket.outbound().answers_due == 0
    }

    fn refuse_command(&self, tag: &Tag, problem: &Problem) {
        self.say_refused(&Refused {
            id: Some(&tag.id),
            key: tag.key.as_deref(),
            activity: Some(tag.activity),
            problem,
        });
    }
}

/// What an operation with these arguments means.
fn meant(op: Op, args: Value, fresh: RsvpId, bearer: &Bearer) -> Result<Command, Problem> {
    let change = |change| Command::Change(Box::new(change));
    Ok(match op {
        Op::Reserve => {
            let args = incoming::arguments::<ReserveArgs>(args)?;
            match bearer {
                Bearer::Account(caller) => args.command(fresh, caller)?,
                Bearer::Guest(_) => return Err(Problem::new(Code::Forbidden)),
            }
        }
        Op::Update => incoming::arguments::<UpdateArgs>(args)?.command(Target::Own)?,
        Op::Cancel => {
            incoming::arguments::<Nothing>(args)?;
            Command::Cancel(Target::Own)
        }
        Op::SetCapacity => {
            let Capacity { capacity } = incoming::arguments(args)?;
            change(SettingsChange {
                capacity: Some(capacity),
                ..SettingsChange::default()
            })
        }
        Op::PauseWaitlist => {
            let Paused { paused } = incoming::arguments(args)?;
            change(SettingsChange {
                waitlist_paused: Some(paused),
                ..SettingsChange::default()
            })
        }
    })
}
