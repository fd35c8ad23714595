//! Commands of one socket: those for one activity are decided in the order in which they were sent.

use std::collections::{HashMap, VecDeque};

use serde::Deserialize;
use serde_json::{Value, json};
use turnout_actors::domain::{ActivityId, Command, RsvpId, SettingsChange, Target};
use turnout_actors::{Answering, EngineError, Key, Order, Reply, Submitted};

use super::Session;
use super::work::Done;
use crate::accounts::Caller;
use crate::api::{Code, Problem, ReserveArgs, UpdateArgs, refusal};
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

/// The commands under way.
#[derive(Default)]
pub(super) struct Commands {
    under_way: usize,
    /// Commands that wait for one before them to reach an activity which is not live yet.
    lanes: HashMap<ActivityId, VecDeque<(Tag, Order)>>,
}

impl Commands {
    pub(super) fn is_idle(&self) -> bool {
        self.under_way == 0
    }
}

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
                self.commands.under_way += 1;
                self.socket.outbound().answers_due += 1;
                match self.commands.lanes.get_mut(&activity) {
                    Some(lane) => lane.push_back((tag, order)),
                    None => self.submit(tag, order),
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
        if self.commands.under_way >= COMMANDS_MAX {
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
        let command = meant(op, args.unwrap_or_else(|| json!({})), fresh, &identity.caller)?;
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

    fn submit(&mut self, tag: Tag, order: Order) {
        let activity = tag.activity;
        match self.state.engine.submit(activity, order) {
            Submitted::Sent(answering) => self.await_answer(tag, answering),
            Submitted::Waiting(waiting) => {
                self.commands.lanes.entry(activity).or_default();
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
        let lane = self.commands.lanes.remove(&activity).unwrap_or_default();
        for (tag, order) in lane {
            match self.commands.lanes.get_mut(&activity) {
                // It was put to rest again just then.
                Some(lane) => lane.push_back((tag, order)),
                None => self.submit(tag, order),
            }
        }
    }

    /// Tells what has become of a command.
    pub(super) fn answered(&mut self, answered: Answered) {
        let Answered { tag, result } = answered;
        let Tag { id, key, activity } = &tag;
        match result {
            Ok(reply) => {
                if let Some(answered) = &reply.answer.rsvp {
                    self.state.rsvps.note(answered.rsvp.id, *activity);
                }
                self.say(&Accepted::new(id, key.as_deref(), *activity, &reply));
            }
            Err(error) => self.refuse_command(&tag, &refusal::problem(error, *activity)),
        }
        self.commands.under_way -= 1;
        self.socket.outbound().answers_due -= 1;
        if self.is_sent_away && self.commands.is_idle() {
            self.socket.wake();
        }
    }

    fn refuse_command(&self, tag: &Tag, problem: &Problem) {
        if let Some(cause) = problem.cause() {
            tracing::error!(activity.id = %tag.activity, error = cause, "a command failed unexpectedly");
        }
        self.say(&Refused {
            id: Some(&tag.id),
            key: tag.key.as_deref(),
            activity: Some(tag.activity),
            problem,
        });
    }
}

/// What an operation with these arguments means.
fn meant(op: Op, args: Value, fresh: RsvpId, caller: &Caller) -> Result<Command, Problem> {
    let change = |change| Command::Change(Box::new(change));
    Ok(match op {
        Op::Reserve => incoming::arguments::<ReserveArgs>(args)?.command(fresh, caller)?,
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
