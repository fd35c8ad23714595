//! Commands over a WebSocket: one socket for one person at a time, greeted before the first command.

use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use tokio::select;
use tokio::time::timeout;
use uuid::Uuid;

use super::session::{Session, Ungreeted, failed};
use super::{Call, Doorstep, Knock, Line, Opens, Put, Said};
use crate::attempt::{Patience, TimeLimits, Tried, Tries};
use crate::client::TransportError;
use crate::shared::SharedTally;
use crate::target::Target;
use crate::tokens::Person;
use crate::ws::{Encoding, Opening, PATH, Sources};

/// A line that speaks for one person after the other, each over a socket of their own.
#[derive(Debug)]
pub struct SocketLine {
    target: Target,
    encoding: Encoding,
    sources: Sources,
    request_timeout: Duration,
    patience: Patience,
    /// The activity that its sockets follow.
    follows: Option<Uuid>,
    /// `None` before the first command, and after a failure.
    session: Option<Session>,
    /// What the server did wrong before the next command.
    unready: Option<Tried<Said>>,
}

impl SocketLine {
    /// A line to `target` whose pauses are jittered from `seed`.
    pub fn new(
        target: Target,
        encoding: Encoding,
        sources: Sources,
        limits: TimeLimits,
        tally: SharedTally,
        seed: u64,
    ) -> Self {
        Self {
            target,
            encoding,
            sources,
            request_timeout: limits.request_timeout,
            patience: Patience::new(limits, tally, seed),
            follows: None,
            session: None,
            unready: None,
        }
    }

    /// Opens a socket for `person` ahead of the first command.
    pub async fn open(&mut self, person: &Person) -> Result<(), TransportError> {
        self.greeted(&person.token).await.map(|_| ())
    }

    /// Says a command, however many tries it takes, and calls `before_sending` before each; `None` when time is up.
    pub(crate) async fn carry(
        &mut self,
        call: &Call<'_>,
        mut before_sending: impl FnMut() + Send,
    ) -> Option<Said> {
        let mut tries = Tries::new();
        loop {
            let tried = self.put_once(call, &mut before_sending).await;
            if let ControlFlow::Break(said) = self.patience.weigh(&mut tries, tried).await {
                return said;
            }
        }
    }

    async fn greeted(&mut self, token: &str) -> Result<&mut Session, TransportError> {
        self.greet(token).await.map_err(|ungreeted| match ungreeted {
            Ungreeted::Failed(error) => error,
            Ungreeted::Said(said) => TransportError::Refused {
                answer: format!("{said:?}"),
            },
        })
    }

    /// The session of whoever has this token: the one that is there, if nothing was said on it that ends it, or a new
    /// one.
    async fn greet(&mut self, token: &str) -> Result<&mut Session, Ungreeted> {
        let mut kept = None;
        if let Some(mut session) = self.session.take() {
            if !session.is_of(token) {
                session.leave().await;
            } else if session.listen()? {
                kept = Some(session);
            }
        }
        let session = match kept {
            Some(session) => session,
            None => {
                let opening = Opening {
                    target: &self.target,
                    path: PATH,
                    encoding: Some(self.encoding),
                    source: self.sources.next_to(self.target.address()),
                    receive_bytes: None,
                    deadline: self.request_timeout,
                };
                Session::open(&opening, token, self.follows).await?
            }
        };
        Ok(self.session.insert(session))
    }

    async fn put_once(
        &mut self,
        call: &Call<'_>,
        before_sending: &mut (impl FnMut() + Send),
    ) -> Result<Tried<Said>, TransportError> {
        if let Some(fault) = self.unready.take() {
            return Ok(fault);
        }
        let deadline = self.request_timeout;
        let session = match self.greet(call.token).await {
            Ok(session) => session,
            Err(ungreeted) => return ungreeted.tried(),
        };
        before_sending();
        let tried = match timeout(deadline, session.exchange(call)).await {
            Ok(tried) => tried,
            Err(_) => Err(TransportError::Deadline),
        };
        // Whatever else is on its way belongs to a command that is given up, so the socket is, too.
        if tried.is_err() || session.drains() {
            self.session = None;
        }
        tried.or_else(failed)
    }
}

impl Knock for SocketLine {
    async fn knock(
        &mut self,
        put: &Put<'_>,
        mut before_sending: impl FnMut() + Send,
    ) -> Result<Tried<Said>, TransportError> {
        self.put_once(&Call::of(put), &mut before_sending).await
    }
}

impl Line for SocketLine {
    async fn get_ready(&mut self, person: &Person) {
        // Whether it fails again is seen with the command, and counts then; what was the server's fault counts anyway.
        if let Err(ungreeted) = self.greet(&person.token).await {
            let tried = ungreeted.tried().ok();
            self.unready = tried.filter(|tried| matches!(tried, Tried::Faulty { .. }));
        }
    }

    async fn put(&mut self, put: &Put<'_>, before_sending: impl FnMut() + Send) -> Option<Said> {
        self.carry(&Call::of(put), before_sending).await
    }
}

impl Doorstep for SocketLine {
    async fn arrive(&mut self, activity: Uuid, person: &Person) -> Result<Opens, TransportError> {
        self.follows = Some(activity);
        let session = self.greeted(&person.token).await?;
        session
            .opens()
            .ok_or(TransportError::Malformed("when does it open?"))
    }

    async fn linger(&mut self, person: &Person, until: impl Future<Output = ()> + Send) {
        let mut until = pin!(until);
        if let Some(session) = &mut self.session {
            let over = select! {
                biased;
                () = &mut until => return,
                over = session.attend() => over,
            };
            self.session = None;
            let tried = over.err().map(Ungreeted::Failed).map(Ungreeted::tried);
            self.unready = tried.and_then(Result::ok);
            if self.unready.is_none() {
                self.get_ready(person).await;
            }
        }
        until.await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock;
    use crate::drive::Deed;
    use crate::shared::lock;
    use crate::testing::scripted_sessions::Reply::{Break, Close, Refuse, Say};
    use crate::testing::scripted_sessions::{Reply, ScriptedSessions};

    const WELCOME: Reply = Say(r#"{"type":"welcome","session":"s"}"#);
    /// As good as any: what is final ends the tries.
    const FULL: Reply =
        Say(r#"{"type":"error","id":"ID","code":"activity_full","detail":"","retry":"never"}"#);
    const BUSY: Reply =
        Say(r#"{"type":"error","id":"ID","code":"overloaded","detail":"","retry":"same_key","after_ms":0}"#);

    /// What came of one command, what was counted, and what the server heard, without greetings.
    struct Ran {
        said: Option<Said>,
        tally: SharedTally,
        commands: Vec<serde_json::Value>,
        greetings: usize,
    }

    async fn run(script: Vec<Vec<Reply>>) -> Ran {
        let server = ScriptedSessions::start(script).await;
        let limits = TimeLimits {
            request_timeout: Duration::from_secs(10),
            give_up_at: clock::now() + Duration::from_secs(60),
            silence_limit: Duration::from_secs(60),
        };
        let tally = SharedTally::default();
        let (encoding, sources) = (Encoding::Json, Sources::starting_at(0));
        let mut line = SocketLine::new(server.target(), encoding, sources, limits, Arc::clone(&tally), 1);
        let person = Person {
            id: "p".into(),
            name: "Person".into(),
            token: "t".into(),
        };
        line.get_ready(&person).await;
        let put = Put {
            activity: Uuid::from_u128(1),
            person: &person,
            deed: Deed::Cancel,
            key: "the-same-key-every-time",
        };
        let said = line.put(&put, || ()).await;
        let (greetings, commands): (Vec<_>, Vec<_>) = server
            .heard()
            .into_iter()
            .partition(|heard| heard["type"] == "hello");
        assert!(greetings.iter().all(|hello| hello["token"] == "t"));
        assert!(
            commands
                .iter()
                .all(|command| command["key"] == "the-same-key-every-time")
        );
        Ran {
            said,
            tally,
            commands,
            greetings: greetings.len(),
        }
    }

    impl Ran {
        fn is_full(&self) -> bool {
            matches!(&self.said, Some(Said::Rejected(refused)) if refused.code == "activity_full")
        }

        fn faults(&self) -> Vec<String> {
            lock(&self.tally).faults.keys().cloned().collect()
        }
    }

    #[tokio::test]
    async fn what_was_refused_is_tried_again_with_the_same_key_on_the_same_socket() {
        let limited =
            r#"{"type":"error","id":"ID","code":"rate_limited","detail":"","retry":"after","after_ms":0}"#;
        let ran = run(vec![vec![WELCOME, BUSY, Say(limited), FULL]]).await;
        assert!(ran.is_full(), "{:?}", ran.said);
        assert_eq!((ran.greetings, ran.commands.len()), (1, 3));
        let tally = lock(&ran.tally);
        assert_eq!((tally.requests, tally.retries), (3, 2));
        assert_eq!(
            (tally.refusals["overloaded"], tally.refusals["rate_limited"]),
            (1, 1)
        );
    }

    #[tokio::test]
    async fn a_socket_that_breaks_or_drains_is_opened_anew() {
        let draining = "{\"type\":\"error\",\"id\":\"ID\",\"code\":\"draining\",\"detail\":\"\",\"retry\":\"same_key\",\"after_ms\":0}";
        let told = "{\"type\":\"draining\",\"reconnect_in_ms\":5}\n\
            {\"type\":\"error\",\"id\":\"ID\",\"code\":\"overloaded\",\"detail\":\"\",\"retry\":\"same_key\",\"after_ms\":0}";
        let ran = run(vec![
            vec![WELCOME, Break],
            vec![WELCOME, Close(4101)],
            vec![WELCOME, Say(told)],
            vec![WELCOME, Say(draining)],
            vec![WELCOME, FULL],
        ])
        .await;
        assert!(ran.is_full(), "{:?}", ran.said);
        assert_eq!((ran.greetings, ran.commands.len()), (5, 5));
        let tally = lock(&ran.tally);
        let errors: Vec<_> = tally.transport_errors.clone().into_iter().collect();
        assert_eq!(errors, [("closed", 1), ("closed_draining", 1)]);
        assert!(tally.faults.is_empty(), "{:?}", tally.faults);
    }

    #[tokio::test]
    async fn a_handshake_that_breaks_is_no_fault() {
        let ran = run(vec![vec![], vec![], vec![WELCOME, FULL]]).await;
        assert!(ran.is_full(), "{:?}", ran.said);
        assert_eq!(ran.faults(), Vec::<String>::new());
        assert_eq!(lock(&ran.tally).transport_errors.values().sum::<u64>(), 1);
    }

    #[tokio::test]
    async fn what_no_sound_server_says_is_a_fault_and_tried_again() {
        for (wrong, fault) in [
            (
                r#"{"type":"error","id":"ID","code":"overloaded","detail":"","retry":"never"}"#,
                "error overloaded with retry Never",
            ),
            (
                r#"{"type":"error","id":"ID","code":"activity_full","detail":"","retry":"same_key","after_ms":0}"#,
                "error activity_full with retry SameKey",
            ),
            (
                r#"{"type":"error","id":"77","code":"activity_full","detail":"","retry":"never"}"#,
                "an answer to what was not asked",
            ),
            ("pardon?", "a message that cannot be read"),
        ] {
            let rest = if fault.starts_with("error") {
                vec![vec![WELCOME, Say(wrong), FULL]]
            } else {
                vec![vec![WELCOME, Say(wrong)], vec![WELCOME, FULL]]
            };
            let ran = run(rest).await;
            assert!(ran.is_full(), "{wrong}: {:?}", ran.said);
            assert_eq!(ran.faults(), [fault]);
        }
        let ran = run(vec![vec![WELCOME, Close(4000)], vec![WELCOME, FULL]]).await;
        assert!(ran.is_full(), "{:?}", ran.said);
        assert_eq!(ran.faults(), ["close 4000"]);
    }

    #[tokio::test]
    async fn a_fault_before_the_first_command_counts_although_the_next_greeting_works() {
        let internal = r#"{"type":"error","code":"internal","detail":"","retry":"same_key","after_ms":0}"#;
        for (wrong, fault) in [
            (Refuse(500), "500 http_500"),
            (Say(internal), "error internal with retry SameKey"),
            (Close(4000), "close 4000"),
        ] {
            let ran = run(vec![vec![wrong], vec![WELCOME, FULL]]).await;
            assert!(ran.is_full(), "{:?}", ran.said);
            assert_eq!(ran.faults(), [fault]);
            assert_eq!(lock(&ran.tally).faults[fault], 1);
        }
    }

    #[tokio::test]
    async fn whoever_is_not_let_in_is_rejected() {
        let stranger = r#"{"type":"error","code":"unauthenticated","detail":"","retry":"never"}"#;
        let ran = run(vec![vec![Say(stranger)], vec![Say(stranger)]]).await;
        assert!(
            matches!(&ran.said, Some(Said::Rejected(refused)) if refused.code == "unauthenticated"),
            "{:?}",
            ran.said
        );
        assert_eq!(ran.commands.len(), 0);
    }
}
