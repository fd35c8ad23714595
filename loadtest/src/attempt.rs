//! One request, tried until it has a final answer: the same request with the same key, after a pause.
//!
//! It owns the decision what is final. Refusals that say "come again" and broken connections are not;
//! everything else is. Because the key stays the same, a try too many does no harm.

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

/// How long it goes on.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimits {
    /// For one try.
    pub request_timeout: Duration,
    /// When nothing is tried again any more.
    pub give_up_at: Instant,
}

/// A connection that does not take "come again" for an answer.
#[derive(Debug)]
pub struct Attempts {
    connection: Connection,
    give_up_at: Instant,
    tally: SharedTally,
    jitter: SmallRng,
}

/// An answer that stays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Final {
    /// Done; the body is the connection's.
    Done,
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

    /// Sends the request until there is a final answer; `None` when time is up.
    pub async fn until_final(&mut self, request: &Request<'_>) -> Option<Final> {
        let mut pause = FIRST_PAUSE;
        let mut is_retry = false;
        loop {
            let outcome = self.connection.send(request).await;
            let asked_pause = match self.read(outcome, is_retry) {
                Reading::Final(answer) => return Some(answer),
                Reading::Again(asked_pause) => asked_pause,
            };
            let wait = asked_pause
                .unwrap_or(pause)
                .mul_f64(1.0 + self.jitter.random_range(0.0..0.5));
            if clock::now() + wait >= self.give_up_at {
                return None;
            }
            sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            is_retry = true;
        }
    }

    /// Tells what is final from what is not, and counts both.
    fn read(&self, outcome: Result<Head, TransportError>, is_retry: bool) -> Reading {
        let mut tally = lock(&self.tally);
        tally.requests += 1;
        tally.retries += u64::from(is_retry);
        match outcome {
            Ok(Head {
                status: 200..=299, ..
            }) => Reading::Final(Final::Done),
            Ok(head) => {
                let code = problem_code(head.status, self.connection.body());
                if !is_refusal(head.status) {
                    return Reading::Final(Final::Rejected {
                        status: head.status,
                        code,
                    });
                }
                tally.count_refusal(&code);
                Reading::Again(head.retry_after)
            }
            Err(error) => {
                tally.count_transport_error(&error);
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

/// Whether the same request may be answered differently a little later.
fn is_refusal(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599)
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
        };
        Attempts::new(server.target(), limits, Arc::clone(tally), 1)
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
        let answer = attempts(&server, &tally).until_final(&RESERVE).await;
        assert_eq!(answer, Some(Final::Done));
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
        assert_eq!((answer, server.requests().len()), (Some(Final::Done), 2));
        assert_eq!(lock(&tally).transport_errors.values().sum::<u64>(), 1);
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
