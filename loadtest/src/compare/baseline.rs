//! The program of the baselines: a server of it, and what it is asked apart from what is timed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::process::{Child, Command};
use uuid::Uuid;

use super::CompareError;
use crate::attempt::{Attempts, Final};
use crate::client::{Method, Request};
use crate::clock;
use crate::health::{NotThere, wait_until_healthy};
use crate::run::Effort;
use crate::shared::SharedTally;
use crate::target::Target;
use crate::throwaway::free_address;
use crate::tokens::Person;

const START_DEADLINE: Duration = Duration::from_secs(30);

/// The program, beside this one unless it is said where.
pub(super) fn program(said: Option<&Path>) -> Result<PathBuf, CompareError> {
    let path = match said {
        Some(path) => path.to_owned(),
        None => std::env::current_exe()
            .map_err(|error| CompareError::of("finding the baselines", error.to_string()))?
            .with_file_name("turnout-baselines"),
    };
    path.canonicalize()
        .map_err(|error| CompareError::of(&format!("finding {}", path.display()), error.to_string()))
}

/// A server of it that belongs to this process, and ends with it.
pub(super) struct Baseline {
    pub(super) name: String,
    child: Child,
    pub(super) target: Target,
}

/// The row of an RSVP.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) user_id: Uuid,
    pub(super) status: String,
}

/// What a design believes.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Counts {
    pub(super) capacity: u64,
    pub(super) confirmed: i64,
    pub(super) waitlisted: i64,
    pub(super) retries: u64,
}

impl Baseline {
    /// Starts it with these arguments and waits until it serves.
    pub(super) async fn start(
        program: &Path,
        name: &str,
        arguments: &[String],
        secret: &str,
    ) -> Result<Self, CompareError> {
        let failed = |error: std::io::Error| CompareError::of(name, error.to_string());
        let address = free_address().map_err(failed)?;
        let mut child = Command::new(program)
            .args(arguments)
            .args(["--listen", &address.to_string()])
            .env("TURNOUT_JWT_SECRET", secret)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let target = Target::at(address);
        wait_until_healthy(&mut child, &target, START_DEADLINE)
            .await
            .map_err(|why| match why {
                NotThere::Ended(status) => {
                    CompareError::of(name, format!("it ended before it served ({status})"))
                }
                NotThere::Late => CompareError::of(name, "it did not serve in time"),
            })?;
        Ok(Self {
            name: name.to_owned(),
            child,
            target,
        })
    }

    /// Its process.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Makes an activity with so many seats.
    pub(super) async fn open(
        &self,
        host: &Person,
        effort: &Effort,
        capacity: u32,
    ) -> Result<Uuid, CompareError> {
        let id = clock::run_id();
        let body = format!("{{\"id\":\"{id}\",\"capacity\":{capacity}}}");
        let request = Request {
            method: Method::Post,
            path: "/control/activities",
            token: Some(&host.token),
            key: None,
            body: &body,
        };
        self.ask(&request, effort).await?;
        Ok(id)
    }

    /// What it believes of an activity.
    pub(super) async fn counts(
        &self,
        host: &Person,
        effort: &Effort,
        activity: Uuid,
    ) -> Result<Counts, CompareError> {
        self.read(host, effort, &format!("/control/activities/{activity}"))
            .await
    }

    /// All rows of an activity.
    pub(super) async fn rows(
        &self,
        host: &Person,
        effort: &Effort,
        activity: Uuid,
    ) -> Result<Vec<Row>, CompareError> {
        let mut rows: Vec<Row> = Vec::new();
        loop {
            let after = rows.last().map_or(Uuid::nil(), |row| row.id);
            let path = format!("/control/activities/{activity}/rows?after={after}");
            let mut page: Vec<Row> = self.read(host, effort, &path).await?;
            if page.is_empty() {
                return Ok(rows);
            }
            rows.append(&mut page);
        }
    }

    async fn read<T: DeserializeOwned>(
        &self,
        host: &Person,
        effort: &Effort,
        path: &str,
    ) -> Result<T, CompareError> {
        let body = self.ask(&Request::get(path, &host.token), effort).await?;
        serde_json::from_slice(&body).map_err(|error| CompareError::of(&self.name, error.to_string()))
    }

    async fn ask(&self, request: &Request<'_>, effort: &Effort) -> Result<Vec<u8>, CompareError> {
        let tally = SharedTally::default();
        let one = Effort {
            connections: 1,
            ..*effort
        };
        let mut line: Attempts = one.backstage(&self.target, &tally).swap_remove(0);
        match line.until_final(request).await {
            Some(Final::Done(_)) => Ok(line.body().to_vec()),
            Some(Final::Rejected { status, code }) => Err(CompareError::of(
                &self.name,
                format!("{}: {status} {code}", request.path),
            )),
            None => Err(CompareError::of(
                &self.name,
                format!("{}: no answer", request.path),
            )),
        }
    }
}
