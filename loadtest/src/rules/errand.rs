//! A command on its way: as a request of the REST contract, and where there are words for it as a message on a socket.

use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use crate::attempt::Attempts;
use crate::client::{Method, Request};
use crate::drive::{Driven, Given, Sendings, Stage};
use crate::line::{Call, Said, SocketLine, said, said_of_activity};
use crate::model::Command;
use crate::ws::Args;

/// A command on its way.
#[derive(Debug)]
pub(super) struct Errand {
    /// What it is called in the report.
    pub(super) op: &'static str,
    pub(super) given: Given,
    pub(super) token: Option<String>,
    pub(super) key: String,
    pub(super) way: Way,
}

/// What carries a command.
#[derive(Debug)]
pub(super) enum Way {
    Rest {
        method: Method,
        path: String,
        body: String,
    },
    /// A socket of whoever has the token.
    Ws {
        activity: Uuid,
        op: &'static str,
        args: Option<Value>,
    },
}

/// What carries commands, one at a time.
pub(super) struct Lines {
    pub(super) rest: Attempts,
    pub(super) ws: SocketLine,
}

impl Errand {
    /// Whose RSVP it is about, where it is about one.
    pub(super) fn person(&self) -> Option<&str> {
        self.given.command.person()
    }

    /// Does it, however many tries it takes. The latency counts from `since`, when it was due.
    pub(super) async fn perform(&self, lines: &mut Lines, stage: &Stage, since: Instant) -> Driven {
        let mut sendings = Sendings::of(stage);
        let said = self.put(lines, || sendings.note()).await;
        sendings.settle(said, self.given.clone(), since)
    }

    async fn put(&self, lines: &mut Lines, before_sending: impl FnMut() + Send) -> Option<Said> {
        let token = self.token.as_deref();
        match &self.way {
            Way::Rest { method, path, body } => {
                let request = Request {
                    method: *method,
                    path,
                    token,
                    key: Some(&self.key),
                    body,
                };
                let line = &mut lines.rest;
                let answer = line.until_final_noting(&request, before_sending).await?;
                Some(match self.given.command {
                    Command::ChangeSettings(_) => said_of_activity(answer, line.body()),
                    _ => said(answer, line.body()),
                })
            }
            Way::Ws { activity, op, args } => {
                let call = Call {
                    activity: *activity,
                    token: token.unwrap_or_default(),
                    key: &self.key,
                    op,
                    args: args.as_ref().map(Args::Other),
                };
                lines.ws.carry(&call, before_sending).await
            }
        }
    }
}
