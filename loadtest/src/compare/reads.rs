//! `GET` of an activity, again and again over all connections, by nobody in particular.

use std::time::Duration;

use tokio::task::JoinSet;

use super::CompareError;
use crate::attempt::Attempts;
use crate::client::{Method, Request, TransportError};
use crate::clock;
use crate::run::RunError;
use crate::tally::Latencies;

/// What came of it.
pub(super) struct Read {
    pub(super) latencies: Latencies,
    pub(super) elapsed: Duration,
}

/// From the first request to the last answer. `lines` are open.
pub(super) async fn read(lines: Vec<Attempts>, path: &str, duration: Duration) -> Result<Read, CompareError> {
    let began = clock::now();
    let until = began + duration;
    let mut tasks = JoinSet::new();
    for mut line in lines {
        let path = path.to_owned();
        tasks.spawn(async move {
            let request = Request {
                method: Method::Get,
                path: &path,
                token: None,
                key: None,
                body: "",
            };
            // A distribution for each connection would be larger than what it is made of.
            let mut micros: Vec<u32> = Vec::new();
            loop {
                let asked = clock::now();
                if asked >= until {
                    return Ok::<_, TransportError>(micros);
                }
                let head = line.once(&request).await?;
                if head.status != 200 {
                    return Err(TransportError::Malformed("a read that is not answered with 200"));
                }
                let latency = clock::now() - asked;
                micros.push(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX));
            }
        });
    }
    let mut latencies = Latencies::default();
    while let Some(ended) = tasks.join_next().await {
        let micros = ended
            .map_err(RunError::from)?
            .map_err(|error| CompareError::of("a read", error.told()))?;
        for micros in micros {
            latencies.record(Duration::from_micros(micros.into()));
        }
    }
    Ok(Read {
        latencies,
        elapsed: clock::now() - began,
    })
}
