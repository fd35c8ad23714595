//! Commands that wait to be decided. Bounded by the permits that they hold.

use std::collections::VecDeque;

use crate::callers::Caller;
use crate::domain::{KeyCheck, Keyed, Timestamp};

/// One command that waits, with what is known of its key.
pub(super) struct PendingCommand {
    pub(super) caller: Box<Caller>,
    key: KeyKnowledge,
}

/// What is known of a command's key beyond the draft.
#[derive(Debug)]
pub(crate) enum KeyKnowledge {
    Unchecked,
    /// So many events were looked at, and none recorded it.
    Unknown(usize),
    Recorded(Box<Keyed>),
}

impl PendingCommand {
    pub(super) fn new(caller: Box<Caller>) -> Self {
        Self {
            caller,
            key: KeyKnowledge::Unchecked,
        }
    }

    pub(super) fn recalled(caller: Box<Caller>, key: KeyKnowledge) -> Self {
        Self { caller, key }
    }

    pub(super) fn check(&self) -> KeyCheck<'_> {
        match &self.key {
            KeyKnowledge::Unchecked => KeyCheck::Unchecked,
            KeyKnowledge::Unknown(looked_at) => KeyCheck::Unknown(*looked_at),
            KeyKnowledge::Recorded(keyed) => KeyCheck::Recorded(keyed),
        }
    }
}

/// The queue of one activity.
#[derive(Default)]
pub(super) struct Pending {
    commands: VecDeque<PendingCommand>,
    /// Whether the queue is known to be in order of stamps.
    sorted: bool,
    /// The latest stamp that a command was judged by. No later one is judged by an earlier time, whatever
    /// clock stamped it.
    judged_at: Option<Timestamp>,
    /// How many commands at the front are decided one per batch, because together they were refused.
    alone: usize,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    pub(super) fn push(&mut self, command: PendingCommand) {
        let last = self.commands.back().map(|last| last.caller.request.at);
        self.sorted = self.commands.is_empty()
            || self.sorted && last.is_some_and(|last| last <= command.caller.request.at);
        self.commands.push_back(command);
    }

    /// The time by which the next command is judged.
    pub(super) fn next_at(&mut self) -> Option<Timestamp> {
        if !self.sorted {
            let unsettled = self.alone.min(self.commands.len());
            // Those that go alone have been judged before and stay ahead, in their order.
            self.commands.make_contiguous()[unsettled..].sort_by_key(|command| command.caller.request.at);
            self.sorted = true;
        }
        let at = self.commands.front()?.caller.request.at;
        Some(self.judged_at.map_or(at, |latest| latest.max(at)))
    }

    /// The next command, in order of stamps and, among equal ones, of arrival.
    pub(super) fn next(&mut self) -> Option<PendingCommand> {
        let at = self.next_at()?;
        let mut command = self.commands.pop_front()?;
        command.caller.request.at = at;
        self.judged_at = Some(at);
        Some(command)
    }

    /// Whether the command just taken must be the only one of its batch.
    pub(super) fn goes_alone(&mut self) -> bool {
        let alone = self.alone > 0;
        self.alone = self.alone.saturating_sub(1);
        alone
    }

    /// Puts commands back in front whose batch was refused; each is now decided in a batch of its own.
    #[expect(
        clippy::vec_box,
        reason = "they come in boxes and go on in them: moving one would copy hundreds of bytes"
    )]
    pub(super) fn again_one_by_one(&mut self, callers: Vec<Box<Caller>>) {
        self.alone = callers.len();
        for caller in callers.into_iter().rev() {
            self.commands.push_front(PendingCommand::new(caller));
        }
    }

    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Box<Caller>> {
        self.alone = 0;
        self.commands.drain(..).map(|command| command.caller)
    }
}
