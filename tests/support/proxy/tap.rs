//! Listens in on connections to Postgres, and makes what goes wrong hit commits of the journal alone: their request
//! or their reply. It knows what was sent, not what became of it: that is for the test to find out elsewhere.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::message::{Kind, Message, Messages, Sent};
use super::{Ear, Side, Verdict};

/// What a commit loses, with its connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Its request, before the database sees any of it.
    Request,
    /// The database's word that it is committed, after it was given.
    Reply,
}

/// A commit that lost something.
#[derive(Clone, Debug)]
pub(crate) struct Strike {
    pub(crate) batches: Vec<Sent>,
    /// How long it took until one of its activities had a later commit acknowledged; none if none has.
    pub(crate) recovery: Option<Duration>,
    at: Instant,
}

/// What is known of all connections together.
#[derive(Default)]
pub(crate) struct Tap(Mutex<State>);

#[derive(Default)]
struct State {
    armed: Option<Fault>,
    /// Commits without a reply, by the port of their connection.
    under_way: HashMap<u16, Vec<Sent>>,
    strikes: Vec<Strike>,
}

impl Tap {
    /// An ear for the connection from this port.
    pub(crate) fn ear(self: &Arc<Self>, port: u16) -> Box<dyn Ear> {
        Box::new(Session {
            tap: self.clone(),
            port,
            client: Messages::of_client(),
            server: Messages::of_server(),
            commits: HashSet::new(),
            asked: 0,
            answered: 0,
            commit: None,
        })
    }

    /// The next commit loses this.
    pub(crate) fn arm(&self, fault: Fault) {
        self.state().armed = Some(fault);
    }

    /// No commit loses anything any more that is not sent yet.
    pub(crate) fn disarm(&self) {
        self.state().armed = None;
    }

    /// Notes that the commit under way on the connection from this port is about to lose it, if there is one.
    pub(crate) fn strike(&self, port: u16) -> bool {
        let mut state = self.state();
        let batches = state.under_way.remove(&port);
        let is_under_way = batches.is_some();
        batches.into_iter().for_each(|batches| state.struck(batches));
        is_under_way
    }

    pub(crate) fn strikes(&self) -> Vec<Strike> {
        self.state().strikes.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn struck(&mut self, batches: Vec<Sent>) {
        self.strikes.push(Strike {
            batches,
            recovery: None,
            at: Instant::now(),
        });
    }

    fn acknowledged(&mut self, batches: &[Sent]) {
        let concerns = |strike: &Strike| {
            let mut sent = batches
                .iter()
                .flat_map(|one| strike.batches.iter().map(move |other| (one, other)));
            sent.any(|(one, other)| one.activity == other.activity)
        };
        for strike in &mut self.strikes {
            if strike.recovery.is_none() && concerns(strike) {
                strike.recovery = Some(strike.at.elapsed());
            }
        }
    }
}

/// One connection.
struct Session {
    tap: Arc<Tap>,
    port: u16,
    client: Messages,
    server: Messages,
    /// The names of statements that write batches.
    commits: HashSet<String>,
    /// How often the server was asked to say that it is ready, and how often it did.
    asked: u64,
    answered: u64,
    commit: Option<Commit>,
}

/// A commit under way.
struct Commit {
    batches: Vec<Sent>,
    /// What `answered` is while the server answers to it.
    turn: u64,
    failed: bool,
    /// The answer so far, if nobody is to get it.
    withheld: Option<Vec<u8>>,
}

impl Ear for Session {
    fn hear(&mut self, from: Side, bytes: &[u8]) -> Verdict {
        let mut verdict = Verdict::default();
        match from {
            Side::Client => {
                self.client.add(bytes);
                while !verdict.cut
                    && let Some(message) = self.client.next()
                {
                    self.ask(&message, &mut verdict);
                }
            }
            Side::Server => {
                self.server.add(bytes);
                while !verdict.cut
                    && let Some(message) = self.server.next()
                {
                    self.answer(message, &mut verdict);
                }
            }
        }
        verdict
    }
}

impl Session {
    fn ask(&mut self, message: &Message, verdict: &mut Verdict) {
        match message.kind {
            Kind::Typed(b'P') => {
                let (name, is_commit) = message.prepared();
                if is_commit {
                    self.commits.insert(name);
                } else {
                    self.commits.remove(&name);
                }
            }
            Kind::Typed(b'B') if self.commits.contains(&message.statement()) => {
                let batches = message.batches();
                let mut state = self.tap.state();
                let armed = state.armed.take();
                if armed == Some(Fault::Request) {
                    state.struck(batches);
                    verdict.cut = true;
                    return;
                }
                state.under_way.insert(self.port, batches.clone());
                self.commit = Some(Commit {
                    batches,
                    turn: self.asked,
                    failed: false,
                    withheld: armed.map(|_| Vec::new()),
                });
            }
            // All of these end with the server saying that it is ready.
            Kind::Startup | Kind::Typed(b'S' | b'Q') => self.asked += 1,
            Kind::Typed(_) => {}
        }
        verdict.pass.extend(&message.bytes);
    }

    fn answer(&mut self, message: Message, verdict: &mut Verdict) {
        let is_ready = message.kind == Kind::Typed(b'Z');
        let turn = self.answered;
        self.answered += u64::from(is_ready);
        let Some(mut commit) = self.commit.take_if(|commit| commit.turn == turn) else {
            verdict.pass.extend(message.bytes);
            return;
        };
        commit.failed |= message.kind == Kind::Typed(b'E');
        match &mut commit.withheld {
            Some(withheld) => withheld.extend(message.bytes),
            None => verdict.pass.extend(message.bytes),
        }
        if is_ready {
            self.end(commit, verdict);
        } else {
            self.commit = Some(commit);
        }
    }

    /// The server has said all about a commit.
    fn end(&self, commit: Commit, verdict: &mut Verdict) {
        let mut state = self.tap.state();
        state.under_way.remove(&self.port);
        match commit.withheld {
            Some(withheld) if commit.failed => {
                // It was not committed, so there is nothing to lose.
                verdict.pass.extend(withheld);
                state.armed = Some(Fault::Reply);
            }
            Some(_) => {
                state.struck(commit.batches);
                verdict.cut = true;
            }
            None if commit.failed => {}
            None => state.acknowledged(&commit.batches),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.tap.state().under_way.remove(&self.port);
    }
}
