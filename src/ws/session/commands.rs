//! Commands of one socket: those for one activity are decided in the order in which they were sent.

use std::collections::{HashMap, VecDeque};

use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::Instant;
use turnout_actors::domain::{ActivityId, CheckIn, Command, RsvpId, SettingsChange, Target};
use turnout_actors::{CommandResult, Key, Order, Submission};

use super::Session;
use super::work::Done;
use crate::accounts::Bearer;
use crate::api::{Code, Problem, PromoteArgs, RemoveArgs, ReserveArgs, RsvpArgs, UpdateArgs};
use crate::ws::incoming::{self, Id, Op};
use crate::ws::limits::{COMMANDS_MAX, LONG_ANSWERS_MAX};
use crate::ws::outgoing::{Accepted, Refused};

/// What the answer to a command is marked with.
pub(super) struct Tag {
    id: Id,
    key: Option<String>,
    activity: ActivityId,
    op: Op,
}

/// Commands that wait for one before them to reach an activity which is not live yet.
pub(super) type Lanes = HashMap<ActivityId, VecDeque<Submission>>;

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
        let tag = Tag {
            id,
            key,
            activity,
            op: op.0,
        };
        match self.order(&tag, args, if_version) {
            Ok(order) => {
                self.socket.outbound().answers_due += 1;
                self.long_answers_due += usize::from(tag.op.is_about_several());
                if let Some(submission) = self.answers.take_in(&self.state.engine, activity, order, tag) {
                    self.submit(activity, submission);
                }
            }
            Err(problem) => self.refuse_command(&tag, &problem),
        }
    }

    fn order(&self, tag: &Tag, args: Option<Value>, if_version: Option<u32>) -> Result<Order, Problem> {
        if self.is_sent_away || self.state.sockets.is_draining() {
            return Err(Problem::new(Code::Draining));
        }
        if self.socket.outbound().answers_due >= COMMANDS_MAX {
            let problem = Problem::new(Code::Overloaded);
            return Err(problem.detail("Too many commands of this socket are under way."));
        }
        if tag.op.is_about_several() && (self.long_answers_due >= LONG_ANSWERS_MAX || !self.has_room()) {
            let problem = Problem::new(Code::Overloaded);
            return Err(problem.detail("The long answers to commands before this one must be read first."));
        }
        let by = self.speaker(tag.activity)?;
        let key = tag.key.as_deref().map(Key::parse).transpose();
        let key = key.map_err(|_| Problem::field("key", "must be 1 to 64 printable ASCII characters"))?;
        let fresh = RsvpId::from(self.state.ids.next());
        let command = meant(
            tag.op,
            args.unwrap_or_else(|| Value::Object(Map::new())),
            fresh,
            by,
        )?;
        if if_version.is_some() && !tag.op.has_version() {
            return Err(Problem::field("if_version", "does not go with this operation"));
        }
        Ok(Order {
            by: by.principal(),
            command,
            if_version,
            key,
        })
    }

    fn submit(&mut self, activity: ActivityId, submission: Submission) {
        if let Some(lane) = self.lanes.get_mut(&activity) {
            return lane.push_back(submission);
        }
        if let Some(waiting) = submission.now(&self.state.engine) {
            self.lanes.entry(activity).or_default();
            let engine = self.state.engine.clone();
            self.work.begin(async move {
                waiting.sent(&engine).await;
                Done::Sent(activity)
            });
        }
    }

    /// The first command of a lane has reached its activity: those behind it follow.
    pub(super) fn sent(&mut self, activity: ActivityId) {
        for submission in self.lanes.remove(&activity).unwrap_or_default() {
            self.submit(activity, submission);
        }
    }

    /// Tells what has become of commands so far.
    pub(super) fn tell_answers(&mut self) {
        while let Some((tag, result)) = self.answers.try_next() {
            self.answered(&tag, result);
        }
    }

    /// Tells of commands that have waited for too long that nobody knows what has become of them.
    pub(super) fn tell_unanswered(&mut self, now: Instant) {
        while let Some((tag, result)) = self.answers.try_expire(now) {
            self.answered(&tag, result);
        }
    }

    /// Tells what has become of a command.
    pub(super) fn answered(&mut self, tag: &Tag, result: CommandResult) {
        let Tag {
            id,
            key,
            activity,
            op,
        } = tag;
        match result {
            Ok(reply) => {
                for answered in reply.answer.told.iter() {
                    self.state.rsvps.note(answered.rsvp.id, *activity);
                }
                let now = self.state.clock.now();
                let accepted = Accepted::new(id, key.as_deref(), *activity, &reply, now);
                match op {
                    Op::CheckIn => self.say(&accepted.already(!reply.answer.changed)),
                    op if op.is_about_several() => self.say_long(&accepted),
                    _ => self.say(&accepted),
                }
            }
            Err(error) => self.refuse_command(tag, &self.state.refusal(error, *activity)),
        }
        self.socket.outbound().answers_due -= 1;
        self.long_answers_due -= usize::from(tag.op.is_about_several());
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
        Op::Reserve => match bearer {
            Bearer::Account(caller) => incoming::arguments::<ReserveArgs>(args)?.command(fresh, caller)?,
            Bearer::Guest(_) => {
                return Err(Problem::new(Code::Forbidden).detail(
                    "A manage token is for the RSVP that it was made for; whoever comes in comes by REST.",
                ));
            }
        },
        Op::Update => incoming::arguments::<UpdateArgs>(args)?.command(Target::Own)?,
        Op::Cancel => Command::Cancel(own(args)?),
        Op::Accept => Command::Accept(own(args)?),
        Op::Decline => Command::Decline(own(args)?),
        Op::CheckIn => {
            let RsvpArgs { rsvp } = incoming::arguments(args)?;
            let generation = None;
            Command::CheckIn(CheckIn { rsvp, generation })
        }
        Op::UndoCheckIn => {
            let RsvpArgs { rsvp } = incoming::arguments(args)?;
            Command::UndoCheckIn(rsvp)
        }
        Op::Promote => incoming::arguments::<PromoteArgs>(args)?.command()?,
        Op::Remove => incoming::arguments::<RemoveArgs>(args)?.command()?,
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

/// The own RSVP, for an operation without arguments.
fn own(args: Value) -> Result<Target, Problem> {
    incoming::arguments::<Nothing>(args)?;
    Ok(Target::Own)
}
