//! One request, tried until it has a final answer: the same request with the same key, after a pause.
//!
//! It owns the decision what is final. Refusals that say "come again" and broken connections are not; faults of
//! the server are not either, but they are counted to be judged. Everything else is final. Because the key stays
//! the same, a try too many does no harm.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, sleep};

use crate::client::{Connection, Head, Request, TransportError};
use crate::clock;
use crate::seen::Problem;
use crate::shared::{SharedTally, lock};
use crate::target::Target;

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The 503 codes by which a sound server sends somebody away for a moment.
const REFUSALS: [&str; 4] = ["overloaded", "unavailable", "unknown_outcome", "draining"];

/// How long it goes on.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimits {
    /// For one try.
    pub request_timeout: Duration,
    /// When nothing is tried again any more.
    pub give_up_at: Instant,
    /// How long it goes on where nobody is there to answer.
    pub silence_limit: Duration,
}

/// A connection that does not take "come again" for an answer.
#[derive(Debug)]
pub struct Attempts {
    connection: Connection,
    give_up_at: Instant,
    silence_limit: Duration,
    /// When the server began to be silent; `None` while it answers.
    silent_since: Option<Instant>,
    last_error: Option<String>,
    tally: SharedTally,
    jitter: SmallRng,
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
            give_up_at: limits.give_up_at,
            silence_limit: limits.silence_limit,
            silent_since: None,
            last_error: None,
            tally,
            jitter: SmallRng::seed_from_u64(seed),
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
        self.last_error.as_deref()
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
        let mut pause = FIRST_PAUSE;
        let mut is_retry = false;
        loop {
            before_sending();
            let outcome = self.connection.send(request).await;
            let asked_pause = match self.read(outcome, is_retry) {
                Reading::Final(answer) => return Some(answer),
                Reading::Again(asked_pause) => asked_pause,
            };
            let wait = asked_pause
                .unwrap_or(pause)
                .mul_f64(1.0 + self.jitter.random_range(0.0..0.5));
            let next = clock::now() + wait;
            let silent_until = self.silent_since.map(|since| since + self.silence_limit);
            if next >= self.give_up_at || silent_until.is_some_and(|until| next >= until) {
                return None;
            }
            sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            is_retry = true;
        }
    }

    /// Tells what is final from what is not, and counts both.
    fn read(&mut self, outcome: Result<Head, TransportError>, is_retry: bool) -> Reading {
        let mut tally = lock(&self.tally);
        tally.requests += 1;
        tally.retries += u64::from(is_retry);
        match outcome {
            Ok(head) => {
                self.silent_since = None;
                if matches!(head.status, 200..=299) {
                    return Reading::Final(Final::Done(head));
                }
                let code = problem_code(head.status, self.connection.body());
                match kind(head.status, &code) {
                    Kind::Refusal => tally.count_refusal(&code),
                    Kind::Fault => tally.count_fault(head.status, &code),
                    Kind::Rejection => {
                        let status = head.status;
                        return Reading::Final(Final::Rejected { status, code });
                    }
                }
                Reading::Again(head.retry_after)
            }
            Err(error) => {
                tally.count_transport_error(&error);
                self.silent_since.get_or_insert_with(clock::now);
                self.last_error = Some(error.told());
                Reading::Again(None)
            }
        }
    }
}

/// What one try came to.
enum Reading {
    Final(Final),
    /// Come again, after the pause that the server asked for.
    Again(Option<Duration>),
}

/// What it means not to be served.
enum Kind {
    /// Come again: the same request may be answered differently a little later.
    Refusal,
    /// The server did something that it must never do. Coming again may help all the same.
    Fault,
    /// No.
    Rejection,
}

fn kind(status: u16, code: &str) -> Kind {
    match status {
        408 | 429 => Kind::Refusal,
        503 if REFUSALS.contains(&code) => Kind::Refusal,
        500..=599 => Kind::Fault,
        _ => Kind::Rejection,
    }
}

fn problem_code(status: u16, body: &[u8]) -> String {
    serde_json::from_slice::<Problem>(body).map_or_else(|_| format!("http_{status}"), |problem| problem.code)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::client::Method;
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
