//! A greeted socket: one command and its answer at a time, and what the server's words mean.

use std::time::Duration;

use tokio::time::timeout;
use uuid::Uuid;

use super::{Call, Opens, Refused, Said};
use crate::attempt::{REFUSALS, Tried, tried_over_http};
use crate::client::TransportError;
use crate::clock;
use crate::utc::micros;
use crate::ws::{
    Heard, HeardError, HeardOk, HeardSubscribed, HeardWelcome, Opening, Retry, Say, Socket, Subscription,
};

/// A socket that was greeted.
#[derive(Debug)]
pub(super) struct Session {
    socket: Socket,
    /// The token of whom it speaks for. Whoever comes back without an account has another one from then on.
    token: String,
    /// How many commands were sent on it: each has its own number.
    sent: u64,
    /// Whether the server has said that it goes away.
    drains: bool,
    greeting: Greeting,
}

/// How the server greeted.
#[derive(Debug, Default)]
struct Greeting {
    asked_us: u64,
    heard_us: u64,
    /// What time it was by the server's clock.
    now: Option<String>,
    /// When what is followed opens, by the same clock.
    opens_at: Option<String>,
}

/// Why there is no session.
pub(super) enum Ungreeted {
    /// The server has something against the one who asks.
    Said(Tried<Said>),
    /// There was no answer.
    Failed(TransportError),
}

impl From<TransportError> for Ungreeted {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::NotUpgraded { status, code } => {
                Self::Said(tried_over_http(status, code, None).map(|code| Said::Rejected(code.into())))
            }
            error => Self::Failed(error),
        }
    }
}

impl Ungreeted {
    /// As what came of a try.
    pub(super) fn tried(self) -> Result<Tried<Said>, TransportError> {
        match self {
            Self::Said(tried) => Ok(tried),
            Self::Failed(error) => failed(error),
        }
    }
}

impl Session {
    /// Opens a socket, greets the server with `token`, and follows an activity if there is one to follow.
    pub(super) async fn open(
        opening: &Opening<'_>,
        token: &str,
        follows: Option<Uuid>,
    ) -> Result<Self, Ungreeted> {
        let mut socket = Socket::open(opening).await?;
        let subscribe = follows.map(Subscription::to);
        let hello = Say::Hello {
            token: Some(token),
            subscribe: subscribe.as_slice(),
        };
        let asked_us = clock::machine_us();
        socket.say(&hello).await?;
        let welcomed = timeout(opening.deadline, welcome(&mut socket, follows.is_some()));
        let greeting = welcomed.await.map_err(|_| TransportError::Deadline)??;
        Ok(Self {
            greeting: Greeting { asked_us, ..greeting },
            socket,
            token: token.to_owned(),
            sent: 0,
            drains: false,
        })
    }

    /// Whether it speaks for whoever has this token.
    pub(super) fn is_of(&self, token: &str) -> bool {
        self.token == token
    }

    /// Whether the server has said that it goes away.
    pub(super) fn drains(&self) -> bool {
        self.drains
    }

    /// When the doors of what is followed open, by the server's clock when it greeted.
    pub(super) fn opens(&self) -> Option<Opens> {
        let greeting = &self.greeting;
        let [opens_at, now] = [&greeting.opens_at, &greeting.now].map(|time| micros(time.as_deref()?));
        // The server tells whole milliseconds, rounded down.
        Some(Opens::told(
            greeting.asked_us,
            greeting.heard_us,
            opens_at? - now?,
            1_000,
        ))
    }

    /// Says good-bye.
    pub(super) async fn leave(self) {
        self.socket.leave().await;
    }

    /// Hears what was said while nothing was asked; says whether the session goes on.
    pub(super) fn listen(&mut self) -> Result<bool, TransportError> {
        while let Some(heard) = self.socket.hear_now() {
            match heard {
                Ok(frame) => self.note(&frame)?,
                // Nothing was asked, so nothing has failed, unless the server says that it was the client's fault.
                Err(error) if fault(&error).is_some() => return Err(error),
                Err(_) => return Ok(false),
            }
        }
        Ok(!self.drains)
    }

    /// Hears what is said while nothing is asked, until the session is over.
    pub(super) async fn attend(&mut self) -> Result<(), TransportError> {
        while !self.drains {
            let frame = self.socket.hear().await?;
            self.note(&frame)?;
        }
        Ok(())
    }

    fn note(&mut self, frame: &[u8]) -> Result<(), TransportError> {
        for heard in self.socket.encoding().messages(frame) {
            self.drains |= heard?.kind == "draining";
        }
        Ok(())
    }

    /// Sends one command and waits for its answer.
    pub(super) async fn exchange(&mut self, call: &Call<'_>) -> Result<Tried<Said>, TransportError> {
        self.sent += 1;
        let id = self.sent.to_string();
        let command = Say::command(&id, call);
        self.socket.say(&command).await?;
        loop {
            let frame = self.socket.hear().await?;
            let mut answer = None;
            for heard in self.socket.encoding().messages(&frame) {
                let heard = heard?;
                match &*heard.kind {
                    "draining" => self.drains = true,
                    "ok" => answer = Some(done(&heard, &id, call)?),
                    "error" => {
                        let tried = not_done(&heard, &id, call)?;
                        // Whoever is sent away because the server goes away does not stay for the pause.
                        self.drains |= matches!(&tried, Tried::Refused { code, .. } if code == "draining");
                        answer = Some(tried);
                    }
                    _ => {}
                }
            }
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
    }
}

const NOT_ASKED: TransportError = TransportError::Malformed("an answer to what was not asked");

fn done(heard: &Heard<'_>, id: &str, call: &Call<'_>) -> Result<Tried<Said>, TransportError> {
    let unreadable = || Ok(Tried::Final(Said::Unreadable("ok unreadable".to_owned())));
    let Ok(ok) = heard.read::<HeardOk>() else {
        return unreadable();
    };
    check_echo(&ok.id, ok.key.as_deref(), Some(ok.activity), id, call)?;
    match ok.try_into() {
        Ok(answer) => Ok(Tried::Final(Said::Done(Box::new(answer)))),
        Err(_) => unreadable(),
    }
}

fn not_done(heard: &Heard<'_>, id: &str, call: &Call<'_>) -> Result<Tried<Said>, TransportError> {
    let error: HeardError = heard.read()?;
    let said_id = error.id.as_deref().ok_or(NOT_ASKED)?;
    check_echo(said_id, error.key.as_deref(), error.activity, id, call)?;
    Ok(tried_over_socket(&error))
}

/// What is echoed must be what was sent; only the id must be there.
fn check_echo(
    said_id: &str,
    said_key: Option<&str>,
    said_activity: Option<Uuid>,
    id: &str,
    call: &Call<'_>,
) -> Result<(), TransportError> {
    let is_same = said_id == id
        && said_key.is_none_or(|key| key == call.key)
        && said_activity.is_none_or(|activity| activity == call.activity);
    if is_same { Ok(()) } else { Err(NOT_ASKED) }
}

/// What an `error` means. Whether to come again follows from the code, so a server that says otherwise is wrong.
fn tried_over_socket(error: &HeardError) -> Tried<Said> {
    let code = error.code.clone();
    let rejected = |code: String| {
        Tried::Final(Said::Rejected(Refused {
            opens_in_ms: error.opens_in_ms,
            code,
        }))
    };
    let pause = error.after_ms.map(Duration::from_millis);
    match (&*error.code, error.retry) {
        (told, Retry::SameKey) if REFUSALS.contains(&told) => Tried::Refused { code, pause },
        ("rate_limited", Retry::After) => Tried::Refused { code, pause },
        ("not_open_yet", Retry::After) if error.after_ms == error.opens_in_ms => rejected(code),
        ("internal" | "rate_limited" | "not_open_yet", _) => faulty(error, pause),
        (told, Retry::Never) if !REFUSALS.contains(&told) => rejected(code),
        _ => faulty(error, pause),
    }
}

fn faulty(error: &HeardError, pause: Option<Duration>) -> Tried<Said> {
    Tried::Faulty {
        answer: format!("error {} with retry {:?}", error.code, error.retry),
        pause,
    }
}

/// No answer; where the server says that it was the client's fault, or its own, that is one.
pub(super) fn failed(error: TransportError) -> Result<Tried<Said>, TransportError> {
    match fault(&error) {
        Some(answer) => Ok(Tried::Faulty { answer, pause: None }),
        None => Err(error),
    }
}

/// The close codes and words that no sound server has for a sound client.
pub(crate) fn fault(error: &TransportError) -> Option<String> {
    match error {
        TransportError::ClosedWith { code } if !matches!(code, 1000 | 1001 | 1012 | 1013 | 4100..=4299) => {
            Some(format!("close {code}"))
        }
        TransportError::Malformed(what) => Some((*what).to_owned()),
        _ => None,
    }
}

/// Waits for the answer to `hello`, and for the subscription that came with it.
async fn welcome(socket: &mut Socket, follows: bool) -> Result<Greeting, Ungreeted> {
    let (mut greeting, mut opens_at) = (None, None);
    loop {
        let frame = socket.hear().await?;
        let heard_us = clock::machine_us();
        for heard in socket.encoding().messages(&frame) {
            let heard = heard?;
            match &*heard.kind {
                "welcome" => {
                    let HeardWelcome { now } = heard.read()?;
                    greeting = Some(Greeting {
                        heard_us,
                        now,
                        ..Greeting::default()
                    });
                }
                "subscribed" => opens_at = Some(heard.read::<HeardSubscribed>()?.snapshot.opens_at),
                "error" => return Err(Ungreeted::Said(tried_over_socket(&heard.read()?))),
                _ => {}
            }
        }
        match (greeting, opens_at) {
            (Some(greeting), None) if !follows => return Ok(greeting),
            (Some(greeting), Some(opens_at)) => return Ok(Greeting { opens_at, ..greeting }),
            so_far => (greeting, opens_at) = so_far,
        }
    }
}
