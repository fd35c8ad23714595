//! The command line, and nothing else: what it means is for `main` and the library.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use turnout_loadtest::alternate::AlternateOptions;
use turnout_loadtest::burst::BurstOptions;
use turnout_loadtest::replay::plan::{EventPlan, plan};
use turnout_loadtest::replay::{row, synthetic};
use turnout_loadtest::report::{Asked, AskedKind};
use turnout_loadtest::run::{Effort, Via};
use turnout_loadtest::ws::Encoding;

/// How many events a made-up history has unless told.
const SYNTHETIC_EVENTS: usize = 200;

/// Connections unless told.
const CONNECTIONS: u16 = 100;
/// The same of an alternation, in which each is a person.
const ALTERNATE_CONNECTIONS: u16 = 1_000;

/// Drives a Turnout server and judges what it answered.
#[derive(Debug, Parser)]
#[command(name = "turnout-loadtest", version)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) kind: Kind,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Kind {
    /// Many people want few seats at the same moment.
    Burst(BurstArgs),
    /// Everybody reserves and cancels in turn, one command in flight, for a time.
    Alternate(AlternateArgs),
    /// A history of many events, each in its own order.
    Replay(ReplayArgs),
}

#[derive(Debug, Args)]
pub(crate) struct BurstArgs {
    #[command(flatten)]
    way: WayArgs,
    /// How many people want seats.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    people: u32,
    /// How many seats there are.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    seats: u32,
    /// The share of people who cancel later.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    cancel: f64,
    /// The share of people who bring one to three guests.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    guests: f64,
    /// Commands per second in an open loop [default: a closed loop, as fast as answers come].
    #[arg(long, value_parser = rate)]
    rate: Option<f64>,
    /// Parties that may wait: a number, or `none` for no waitlist [default: unlimited].
    #[arg(long, value_parser = waitlist)]
    waitlist: Option<u32>,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AlternateArgs {
    /// `rest`: requests over kept-alive connections; `ws`: WebSockets that are greeted before the clock starts;
    /// `both`: rounds of either in turn.
    #[arg(long, value_enum, default_value_t = Ways::Both)]
    via: Ways,
    /// How messages are written on WebSockets.
    #[arg(long, value_enum, default_value_t = Written::Json)]
    encoding: Written,
    /// How many seats there are [default: one for everybody].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    seats: Option<u32>,
    /// Seconds that each round takes.
    #[arg(long, default_value = "5", value_parser = seconds)]
    duration_s: f64,
    /// Rounds of each way.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// What carries the commands.
#[derive(Debug, Args)]
struct WayArgs {
    /// `rest`: requests over kept-alive connections; `ws`: a WebSocket for each person, at most as many at once as
    /// there are connections.
    #[arg(long, value_enum, default_value_t = Way::Rest)]
    via: Way,
    /// How messages are written on WebSockets.
    #[arg(long, value_enum, default_value_t = Written::Json)]
    encoding: Written,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Way {
    Rest,
    Ws,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Ways {
    Rest,
    Ws,
    Both,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Written {
    Json,
    Msgpack,
}

impl From<Written> for Encoding {
    fn from(written: Written) -> Self {
        match written {
            Written::Json => Self::Json,
            Written::Msgpack => Self::Msgpack,
        }
    }
}

impl WayArgs {
    fn via(&self) -> Via {
        match self.via {
            Way::Rest => Via::Rest,
            Way::Ws => Via::Ws(self.encoding.into()),
        }
    }
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("history").required(true).args(["file", "synthetic"]))]
pub(crate) struct ReplayArgs {
    /// The history: a CSV file with rsvp_id, event_id, member_id, guests, response, created, mtime.
    pub(crate) file: Option<PathBuf>,
    /// Make a history up from this seed.
    #[arg(long, value_name = "SEED")]
    pub(crate) synthetic: Option<u64>,
    /// How many events [default: all of the file, or 200 made-up ones].
    #[arg(long)]
    pub(crate) events: Option<usize>,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CommonArgs {
    /// The server.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,
    /// Start a throw-away server for this run: the program at PATH, or the one built beside this one.
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true, conflicts_with = "url")]
    pub(crate) spawn: Option<Option<PathBuf>>,
    /// A setting of the server that is started, such as TURNOUT_DATABASE_URL; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", requires = "spawn", value_parser = setting)]
    pub(crate) settings: Vec<(String, String)>,
    /// Allow a server that is not on this machine.
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// The secret that the server checks tokens by [default: read from the data folder].
    #[arg(long, env = "TURNOUT_JWT_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// The server's data folder, where its secret is.
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
    /// The process of the server at `--url`, to tell what it uses.
    #[arg(long, value_name = "ID", conflicts_with = "spawn")]
    pub(crate) server_pid: Option<u32>,
    /// Connections, each with one request in flight [default: 100, of an alternation 1000].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    connections: Option<u16>,
    /// What randomness is drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds until what is unanswered is given up.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..))]
    deadline_s: u32,
    /// Milliseconds that one try may take.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    request_timeout_ms: u32,
    /// Write the result to this file as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

impl BurstArgs {
    pub(crate) fn burst(&self) -> BurstOptions {
        BurstOptions {
            via: self.way.via(),
            people: self.people,
            seats: self.seats,
            cancel_share: self.cancel,
            guest_share: self.guests,
            waitlist: self.waitlist,
            rate: self.rate,
        }
    }

    pub(crate) fn asked(&self) -> Asked {
        let kind = AskedKind::Burst {
            via: self.way.via().as_str(),
            people: self.people,
            seats: self.seats,
            waitlist: self.waitlist,
            guest_share: self.guests,
            cancel_share: self.cancel,
        };
        Asked {
            rate_per_s: self.rate,
            ..self.common.asked(kind, CONNECTIONS)
        }
    }
}

impl AlternateArgs {
    pub(crate) fn alternate(&self) -> AlternateOptions {
        let ws = Via::Ws(self.encoding.into());
        AlternateOptions {
            vias: match self.via {
                Ways::Rest => vec![Via::Rest],
                Ways::Ws => vec![ws],
                Ways::Both => vec![ws, Via::Rest],
            },
            seats: self.seats,
            duration: Duration::from_secs_f64(self.duration_s),
            rounds: self.rounds,
        }
    }

    pub(crate) fn asked(&self) -> Asked {
        let kind = AskedKind::Alternate {
            over: self.alternate().vias.into_iter().map(Via::as_str).collect(),
            seats: self.seats,
            duration_s: self.duration_s,
            rounds: self.rounds,
        };
        self.common.asked(kind, ALTERNATE_CONNECTIONS)
    }
}

impl ReplayArgs {
    /// The events to be replayed.
    pub(crate) fn plans(&self) -> anyhow::Result<Vec<EventPlan>> {
        let rows = match (&self.file, self.synthetic) {
            (Some(file), _) => {
                let input = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
                row::read_rows(input).with_context(|| format!("{} is no history", file.display()))?
            }
            (None, Some(seed)) => synthetic::rows(seed, self.events.unwrap_or(SYNTHETIC_EVENTS)),
            (None, None) => bail!("a replay needs a file or --synthetic"),
        };
        let mut plans = plan(&rows);
        plans.truncate(self.events.unwrap_or(usize::MAX));
        Ok(plans)
    }

    pub(crate) fn asked(&self, plans: &[EventPlan]) -> Asked {
        let history = match (&self.file, self.synthetic) {
            (None, Some(seed)) => format!("made up from seed {seed}"),
            (file, _) => file.as_deref().unwrap_or(Path::new("")).display().to_string(),
        };
        let steps = || plans.iter().flat_map(|plan| &plan.steps);
        let kind = AskedKind::Replay {
            history,
            events: plans.len(),
            people: steps().map(|step| step.member_id).collect::<HashSet<_>>().len(),
            seats: plans.iter().map(|plan| u64::from(plan.capacity)).sum(),
            commands: steps().count(),
        };
        self.common.asked(kind, CONNECTIONS)
    }
}

impl CommonArgs {
    fn asked(&self, kind: AskedKind, usual_connections: u16) -> Asked {
        Asked {
            kind,
            connections: usize::from(self.connections.unwrap_or(usual_connections)),
            rate_per_s: None,
            seed: self.seed,
            deadline_s: u64::from(self.deadline_s),
        }
    }

    /// How hard to try, with as many connections as are asked for.
    pub(crate) fn effort(&self, asked: &Asked) -> Effort {
        Effort {
            connections: asked.connections,
            deadline: Duration::from_secs(u64::from(self.deadline_s)),
            request_timeout: Duration::from_millis(u64::from(self.request_timeout_ms)),
            seed: self.seed,
        }
    }

    /// The secret given, or the one that the server keeps in its data folder. An empty one means "not set", as it
    /// does for the server.
    pub(crate) fn secret(&self) -> anyhow::Result<String> {
        if let Some(secret) = self.secret.as_ref().filter(|secret| !secret.is_empty()) {
            return Ok(secret.clone());
        }
        let file = self.data_dir.join("jwt-secret");
        let secret = std::fs::read_to_string(&file).with_context(|| {
            format!(
                "no secret: give --secret or TURNOUT_JWT_SECRET, or --data-dir ({})",
                file.display()
            )
        })?;
        let secret = secret.trim();
        if secret.is_empty() {
            bail!("{} is empty", file.display());
        }
        Ok(secret.to_owned())
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if name.starts_with("TURNOUT_") => Ok((name.to_owned(), value.to_owned())),
        _ => Err("is not of the form TURNOUT_NAME=VALUE".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share is a number from 0 to 1".to_owned()),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 86_400.0 => Ok(seconds),
        _ => Err("a duration is a number above 0 and up to 86400".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("a rate is a number above 0".to_owned()),
    }
}

fn waitlist(text: &str) -> Result<u32, String> {
    if text == "none" {
        Ok(0)
    } else {
        text.parse().map_err(|_| "a number, or `none`".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Options::command().debug_assert();
    }

    #[test]
    fn a_waitlist_is_unlimited_a_number_or_none() {
        for (arguments, expected) in [
            (&[][..], None),
            (&["--waitlist", "none"][..], Some(0)),
            (&["--waitlist", "5"][..], Some(5)),
        ] {
            let line = ["turnout-loadtest", "burst"].iter().chain(arguments);
            let Kind::Burst(burst) = Options::try_parse_from(line).unwrap().kind else {
                panic!("a burst was asked for");
            };
            assert_eq!(burst.burst().waitlist, expected);
        }
    }

    #[test]
    fn a_replay_wants_a_file_or_a_seed_and_not_both() {
        let parse = |arguments: &[&str]| {
            Options::try_parse_from(["turnout-loadtest", "replay"].iter().chain(arguments)).is_ok()
        };
        assert!(parse(&["history.csv"]));
        assert!(parse(&["--synthetic", "7"]));
        assert!(!parse(&[]));
        assert!(!parse(&["history.csv", "--synthetic", "7"]));
    }

    #[test]
    fn the_secret_is_read_from_the_data_folder_and_trimmed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("jwt-secret"), "hush\n").unwrap();
        let data_dir = folder.path().to_str().unwrap();
        let line = ["turnout-loadtest", "burst", "--data-dir", data_dir];
        let Kind::Burst(burst) = Options::try_parse_from(line).unwrap().kind else {
            panic!("a burst was asked for");
        };
        let mut common = burst.common;
        for nothing in [None, Some(String::new())] {
            common.secret = nothing;
            assert_eq!(common.secret().unwrap(), "hush");
        }
        common.secret = Some("another".to_owned());
        assert_eq!(common.secret().unwrap(), "another");
    }

    #[test]
    fn every_example_of_the_readme_is_understood() {
        let readme = include_str!("../../README.md");
        let examples: Vec<&str> = readme
            .lines()
            .filter(|line| line.starts_with("target/release/turnout-loadtest "))
            .collect();
        assert!(examples.len() >= 4, "{examples:?}");
        for line in examples {
            let options = Options::try_parse_from(line.split_whitespace())
                .unwrap_or_else(|error| panic!("{line}: {error}"));
            let Kind::Replay(replay) = options.kind else {
                continue;
            };
            assert!(matches!(replay.common.spawn, Some(None)), "{line}: {replay:?}");
            let file = line.split_whitespace().find(|word| word.ends_with(".csv"));
            assert_eq!(replay.file.as_deref(), file.map(Path::new), "{line}");
        }
    }

    #[test]
    fn a_server_of_ones_own_is_named_with_an_equals_sign() {
        let line = [
            "turnout-loadtest",
            "replay",
            "--spawn=other/turnout",
            "--set",
            "TURNOUT_DATABASE_URL=postgres://a/b?c=d",
            "history.csv",
        ];
        let Kind::Replay(replay) = Options::try_parse_from(line).unwrap().kind else {
            panic!("a replay was asked for");
        };
        assert_eq!(replay.common.spawn, Some(Some("other/turnout".into())));
        let settings = [("TURNOUT_DATABASE_URL".to_owned(), "postgres://a/b?c=d".to_owned())];
        assert_eq!(replay.common.settings, settings);
        assert_eq!(replay.file, Some("history.csv".into()));
    }
}
