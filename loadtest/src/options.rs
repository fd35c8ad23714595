//! The command line, and nothing else: what it means is for `main` and the library.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{ArgGroup, Args, Parser, Subcommand};
use turnout_loadtest::burst::BurstOptions;
use turnout_loadtest::run::Effort;

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
    /// A history of many events, each in its own order.
    Replay(ReplayArgs),
}

#[derive(Debug, Args)]
pub(crate) struct BurstArgs {
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
    #[arg(long, value_name = "PATH", num_args = 0..=1, conflicts_with = "url")]
    pub(crate) spawn: Option<Option<PathBuf>>,
    /// Allow a server that is not on this machine.
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// The secret that the server checks tokens by [default: read from the data folder].
    #[arg(long, env = "TURNOUT_JWT_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// The server's data folder, where its secret is.
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
    /// Connections, each with one request in flight.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
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
            people: self.people,
            seats: self.seats,
            cancel_share: self.cancel,
            guest_share: self.guests,
            waitlist: self.waitlist,
            rate: self.rate,
        }
    }

    pub(crate) fn title(&self) -> String {
        let Self { people, seats, .. } = self;
        format!(
            "burst of {people} people on {seats} seats over {} connections",
            self.common.connections
        )
    }
}

impl CommonArgs {
    pub(crate) fn effort(&self) -> Effort {
        Effort {
            connections: usize::from(self.connections),
            deadline: Duration::from_secs(u64::from(self.deadline_s)),
            request_timeout: Duration::from_millis(u64::from(self.request_timeout_ms)),
            seed: self.seed,
        }
    }

    /// The secret given, or the one that the server keeps in its data folder.
    pub(crate) fn secret(&self) -> anyhow::Result<String> {
        if let Some(secret) = &self.secret {
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

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share is a number from 0 to 1".to_owned()),
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
        let secret = CommonArgs {
            secret: None,
            ..burst.common
        }
        .secret()
        .unwrap();
        assert_eq!(secret, "hush");
    }
}
