//! The figures of the burst at an opening of sales.

use std::fmt;

use serde::Serialize;

use crate::tally::Tally;
use crate::usage::Usage;

/// How long it took until everybody had an answer, and who worked for it.
#[derive(Debug, Serialize)]
pub struct OpeningBurstFigures {
    people: u32,
    /// From the first command to the last answer.
    last_answer_after_s: f64,
    answered_per_s: f64,
    usage: Usage,
    client_us_per_request: f64,
    server_us_per_command: Option<f64>,
}

impl OpeningBurstFigures {
    pub(crate) fn of(people: u32, tally: &Tally, usage: Usage) -> Self {
        let (elapsed, _) = tally.measured();
        let last_answer_after_s = elapsed.as_secs_f64();
        Self {
            people,
            last_answer_after_s,
            answered_per_s: tally.answered() as f64 / last_answer_after_s.max(1e-6),
            usage,
            client_us_per_request: usage.client_us(tally.requests),
            server_us_per_command: usage.us_behind(tally.answered()),
        }
    }
}

impl fmt::Display for OpeningBurstFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "OPENING")?;
        writeln!(
            f,
            "  all {} people were answered after {:.2} s, {:.0} answers per s",
            self.people, self.last_answer_after_s, self.answered_per_s
        )?;
        let [client, server, database, machine] = self.usage.cores();
        writeln!(
            f,
            "  cores used: client {client}, server {server}, database {database}, the whole machine {machine}"
        )?;
        let server_us = self.server_us_per_command;
        let server_us = server_us.map_or("?".to_owned(), |us| format!("{us:.1}"));
        writeln!(
            f,
            "  CPU in us: client {:.1} per request, server and database {server_us} per command",
            self.client_us_per_request
        )
    }
}
