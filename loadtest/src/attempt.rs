//! One request, tried until it has a final answer: the same request with the same key, after a pause.
//!
//! It owns the decision what is final. Refusals that say "come again" and broken connections are not; faults of
//! the server are not either, but they are counted to be judged. Everything else is final. Because the key stays
//! the same, a try too many does no harm.

mod patience;

use std::ops::ControlFlow;
use std::time::Duration;

pub use patience::TimeLimits;
pub(crate) use patience::{Patience, REFUSALS, Tried, Tries, count_try};

use crate::client::{Connection, Head, Request, TransportError};
use crate::seen::Problem;
use crate::shared::SharedTally;
use crate::target::Target;

/// A connection that does not take "come again" for an answer.
#[derive(Debug)]
pub struct Attempts {
    connection: Connection,
    patience: Patience,
}

/// An answer that stays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Final {
    /// Done; the body is the connection's.
    Done(Head),
    /// Refused for good.
    Rejected {
        /// The status code.
        status: u16,
        /// The stable code.
        code: String,
    },
}

impl Attempts {
    /// A connection to `target` whose pauses are jittered from `seed`.
    pub fn new(target: Target, limits: TimeLimits, tally: SharedTally, seed: u64) -> Self {
        Self {
            connection: Connection::new(target, limits.request_timeout),
            patience: Patience::new(limits, tally, seed),
        }
    }

    /// Connects ahead of the first request.
    pub async fn open(&mut self) -> Result<(), TransportError> {
        self.connection.open().await
    }

    /// The body of the last answer.
    pub fn body(&self) -> &[u8] {
        self.connection.body()
    }

    /// Why the last try without an answer had none.
    pub fn last_error(&self) -> Option<&str> {
        self.patience.last_error()
    }

    /// Sends the request once, whatever comes of it. It is not counted.
    pub(crate) async fn once(&mut self, request: &Request<'_>) -> Result<Head, TransportError> {
        self.connection.send(request).await
    }

    /// Sends the request once, and tells what the answer means. It is not counted.
    pub(crate) async fn once_read(&mut self, request: &Request<'_>) -> Result<Tried<Final>, TransportError> {
        let head = self.connection.send(request).await?;
        Ok(read(head, self.connection.body()))
    }

    /// Sends the request until there is a final answer; `None` when time is up.
    pub async fn until_final(&mut self, request: &Request<'_>) -> Option<Final> {
        self.until_final_noting(request, || ()).await
    }

    /// The same, and calls `before_sending` before each try.
    pub async fn until_final_noting(
        &mut self,
        request: &Request<'_>,
        mut before_sending: impl FnMut(),
    ) -> Option<Final> {
        let mut tries = Tries::new();
        loop {
            before_sending();
            let outcome = self.connection.send(request).await;
            let tried = outcome.map(|head| read(head, self.connection.body()));
            if let ControlFlow::Break(answer) = self.patience.weigh(&mut tries, tried).await {
                return answer;
            }
        }
    }
}

/// Tells what is final from what is not.
fn read(head: Head, body: &[u8]) -> Tried<Final> {
    if matches!(head.status, 200..=299) {
        return Tried::Final(Final::Done(head));
    }
    let status = head.status;
    let code = problem_code(status, body);
    tried_over_http(status, code, head.retry_after).map(|code| Final::Rejected { status, code })
}

/// What it means that HTTP answers with something else than success; final is the code of a rejection.
pub(crate) fn tried_over_http(status: u16, code: String, pause: Option<Duration>) -> Tried<String> {
    match status {
        408 | 429 => Tried::Refused { code, pause },
        503 if REFUSALS.contains(&&*code) => Tried::Refused { code, pause },
        500..=599 => Tried::Faulty {
            answer: format!("{status} {code}"),
            pause,
        },
        _ => Tried::Final(code),
    }
}

/// The stable code of an answer that is no success.
pub(crate) fn problem_code(status: u16, body: &[u8]) -> String {
    serde_json::from_slice::<Problem>(body).map_or_else(|_| format!("http_{status}"), |problem| problem.code)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::client::Method;
    use crate::clock;
    use crate::shared::lock;
    use crate::testing::scripted_server::{Answer, ScriptedServer};

    const RESERVE: Request<'static> = Request {
        method: Method::Post,
        path: "/api/v1/activities/x/rsvp",
        token: Some("t"),
        key: Some("the-same-key-every-time"),
        body: "{}",
    };

    fn attempts(server: &ScriptedServer, tally: &SharedTally) -> Attempts {
        let limits = TimeLimits {
            request_timeout: Duration::from_secs(10),
            give_up_at: clock::now() + Duration::from_secs(60),
            silence_limit: Duration::from_secs(60),
        };
        Attempts::new(server.target(), limits, Arc::clone(tally), 1)
    }

    fn is_done(answer: Option<&Final>) -> bool {
        matches!(answer, Some(Final::Done(_)))
    }

    #[tokio::test]
    async fn what_was_refused_is_tried_again_with_the_same_key() {
        let server = ScriptedServer::start(vec![
            Answer::json(503, "retry-after: 0\r\n", r#"{"code":"overloaded"}"#),
            Answer::json(429, "retry-after: 0\r\n", r#"{"code":"rate_limited"}"#),
            Answer::json(201, "", "{}"),
        ])
        .await;
        let tally = SharedTally::default();
        let mut sendings = 0;
        let answer = attempts(&server, &tally)
            .until_final_noting(&RESERVE, || sendings += 1)
            .await;
        assert!(is_done(answer.as_ref()), "{answer:?}");
        assert_eq!(sendings, 3);
        let requests = server.requests();
        assert_eq!(requests.len(), 3);
        assert!(requests.iter().all(|request| *request == requests[0]));
        assert!(requests[0].contains("idempotency-key: the-same-key-every-time\r\n"));
        let tally = lock(&tally);
        assert_eq!((tally.requests, tally.retries), (3, 2));
        assert_eq!(
            (tally.refusals["overloaded"], tally.refusals["rate_limited"]),
            (1, 1)
        );
    }

    #[tokio::test]
    async fn a_connection_that_broke_is_no_answer() {
        let server = ScriptedServer::start(vec![
            Answer::bytes("HTTP/1.1 201 Created\r\ncontent-length: 99\r\n\r\n{").then_close(),
            Answer::json(201, "", "{}"),
        ])
        .await;
        let tally = SharedTally::default();
        let answer = attempts(&server, &tally).until_final(&RESERVE).await;
        assert!(is_done(answer.as_ref()), "{answer:?}");
        assert_eq!(server.requests().len(), 2);
        assert_eq!(lock(&tally).transport_errors.values().sum::<u64>(), 1);
    }

    #[tokio::test]
    async fn a_fault_of_the_server_is_tried_again_and_never_taken_for_a_refusal() {
        let server = ScriptedServer::start(vec![
            Answer::json(500, "retry-after: 0\r\n", r#"{"code":"internal"}"#),
            Answer::json(503, "retry-after: 0\r\n", r#"{"code":"out_of_milk"}"#),
            Answer::json(502, "retry-after: 0\r\n", "a page of somebody else"),
            Answer::json(201, "", "{}"),
        ])
        .await;
        let tally = SharedTally::default();
        let answer = attempts(&server, &tally).until_final(&RESERVE).await;
        assert!(is_done(answer.as_ref()), "{answer:?}");
        let tally = lock(&tally);
        assert!(tally.refusals.is_empty(), "{:?}", tally.refusals);
        let faults: Vec<(&str, u64)> = tally
            .faults
            .iter()
            .map(|(told, count)| (&**told, *count))
            .collect();
        assert_eq!(
            faults,
            [("500 internal", 1), ("502 http_502", 1), ("503 out_of_milk", 1)]
        );
    }

    #[tokio::test]
    async fn where_nobody_is_there_it_gives_up_before_the_deadline_and_says_why() {
        let server = ScriptedServer::start(vec![]).await;
        let limits = TimeLimits {
            request_timeout: Duration::from_secs(10),
            give_up_at: clock::now() + Duration::from_secs(600),
            silence_limit: Duration::from_millis(100),
        };
        let mut attempts = Attempts::new(server.target(), limits, SharedTally::default(), 1);
        assert_eq!(attempts.until_final(&RESERVE).await, None);
        let told = attempts.last_error().unwrap();
        assert!(
            told.starts_with("cannot connect: ") || told.starts_with("the connection "),
            "{told}"
        );
    }

    #[tokio::test]
    async fn a_rejection_is_final() {
        let server = ScriptedServer::start(vec![Answer::json(409, "", r#"{"code":"activity_full"}"#)]).await;
        let answer = attempts(&server, &SharedTally::default())
            .until_final(&RESERVE)
            .await;
        assert_eq!(
            answer,
            Some(Final::Rejected {
                status: 409,
                code: "activity_full".into()
            })
        );
    }

    #[tokio::test]
    async fn a_pause_that_would_end_after_the_deadline_is_not_taken() {
        let server = ScriptedServer::start(vec![Answer::json(
            503,
            "retry-after: 3600\r\n",
            r#"{"code":"draining"}"#,
        )])
        .await;
        assert_eq!(
            attempts(&server, &SharedTally::default())
                .until_final(&RESERVE)
                .await,
            None
        );
    }
}
