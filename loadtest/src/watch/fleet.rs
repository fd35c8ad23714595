//! All processes of watchers together: starting them, telling them, and adding up what they say.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::{CameBack, Order, Report, Tell, Watched};
use crate::run::RunError;

/// Each watcher is an open file, and a process may have so many; usually more, but not everywhere.
const WATCHERS_OF_ONE: u32 = 9_000;
/// What all may take longer than each.
const SPARE: Duration = Duration::from_secs(60);

/// The processes. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct Fleet {
    squads: Vec<Squad>,
    patience: Duration,
}

#[derive(Debug)]
struct Squad {
    /// Killed when it is dropped.
    _child: Child,
    told: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
}

impl Fleet {
    /// Starts as many processes of `program` as the order needs, and waits until every watcher is there.
    pub(crate) async fn start(program: &Path, order: &Order) -> Result<Self, RunError> {
        let mut fleet = Self {
            squads: Vec::new(),
            patience: order.opens_within() + SPARE,
        };
        let mut first = 0;
        while first < order.watchers {
            let part = Order {
                first: order.first + first,
                watchers: WATCHERS_OF_ONE.min(order.watchers - first),
                ..order.clone()
            };
            first += part.watchers;
            let mut squad = Squad::start(program).map_err(|error| failed(&error))?;
            squad.tell(&part).await?;
            fleet.squads.push(squad);
        }
        for report in fleet.reports().await? {
            match report {
                Report::Ready => {}
                Report::Failed(why) => return Err(RunError::Watchers(format!("not all are there: {why}"))),
                other => return Err(unexpected(&other)),
            }
        }
        Ok(fleet)
    }

    /// Tells all of them the same.
    pub(crate) async fn tell(&mut self, word: &Tell) -> Result<(), RunError> {
        for squad in &mut self.squads {
            squad.tell(word).await?;
        }
        Ok(())
    }

    /// Says that the server is about to be killed, and waits until all know it: whoever is cut off before is lost.
    pub(crate) async fn brace(&mut self) -> Result<(), RunError> {
        self.tell(&Tell::Brace).await?;
        for report in self.reports().await? {
            if !matches!(report, Report::Braced) {
                return Err(unexpected(&report));
            }
        }
        Ok(())
    }

    /// Waits until all have come back.
    pub(crate) async fn came_back(&mut self) -> Result<CameBack, RunError> {
        let mut all = CameBack::default();
        for report in self.reports().await? {
            match report {
                Report::CameBack(came_back) => all.absorb(came_back),
                other => return Err(unexpected(&other)),
            }
        }
        Ok(all)
    }

    /// Waits for what all have seen.
    pub(crate) async fn watched(mut self) -> Result<Watched, RunError> {
        let mut all = Watched::default();
        for report in self.reports().await? {
            match report {
                Report::Watched(watched) => all.absorb(*watched),
                other => return Err(unexpected(&other)),
            }
        }
        Ok(all)
    }

    /// The next report of each.
    async fn reports(&mut self) -> Result<Vec<Report>, RunError> {
        let mut reports = Vec::new();
        for squad in &mut self.squads {
            let report = timeout(self.patience, squad.said.next_line()).await;
            let line = match report {
                Ok(Ok(Some(line))) => line,
                Ok(Ok(None)) => return Err(RunError::Watchers("their process has ended".to_owned())),
                Ok(Err(error)) => return Err(failed(&error)),
                Err(_) => return Err(RunError::Watchers("they do not report in time".to_owned())),
            };
            let report = serde_json::from_str(&line).map_err(|error| failed(&error))?;
            reports.push(report);
        }
        Ok(reports)
    }
}

impl Squad {
    fn start(program: &Path) -> std::io::Result<Self> {
        let mut child = Command::new(program)
            .arg("watch")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A signal from the terminal is for the process that leads: without it, this one ends.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let told = child.stdin.take().expect("it was asked to be piped");
        let said = child.stdout.take().expect("it was asked to be piped");
        Ok(Self {
            _child: child,
            told,
            said: BufReader::new(said).lines(),
        })
    }

    async fn tell(&mut self, word: &impl serde::Serialize) -> Result<(), RunError> {
        let line = serde_json::to_string(word).map_err(|error| failed(&error))? + "\n";
        self.told
            .write_all(line.as_bytes())
            .await
            .map_err(|error| failed(&error))
    }
}

fn failed(error: &dyn std::error::Error) -> RunError {
    RunError::Watchers(error.to_string())
}

fn unexpected(report: &Report) -> RunError {
    RunError::Watchers(format!("they said {report:?}"))
}
