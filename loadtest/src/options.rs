//! The command line, and nothing else: what it means is for `main` and the library.

mod alternate;
mod burst;
mod cancellation;
mod cold;
mod compare;
mod database;
mod every_run;
mod fanout;
mod growth;
mod many;
mod opening;
mod overload;
mod reconnect;
mod replay;
mod rules;
mod soak;
mod steady;
mod values;

use clap::{Parser, Subcommand};

pub(crate) use self::alternate::AlternateArgs;
pub(crate) use self::burst::BurstArgs;
pub(crate) use self::cancellation::CancellationArgs;
pub(crate) use self::cold::ColdArgs;
pub(crate) use self::compare::CompareArgs;
pub(crate) use self::every_run::EveryRunArgs;
pub(crate) use self::fanout::FanoutArgs;
pub(crate) use self::growth::GrowthArgs;
pub(crate) use self::many::ManyArgs;
pub(crate) use self::opening::OpeningBurstArgs;
pub(crate) use self::overload::OverloadArgs;
pub(crate) use self::reconnect::ReconnectArgs;
pub(crate) use self::replay::ReplayArgs;
pub(crate) use self::rules::RulesArgs;
pub(crate) use self::soak::SoakArgs;
pub(crate) use self::steady::SteadyArgs;

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
    /// Guests, groups, offers, transfers, and a host at work, all at once.
    Rules(RulesArgs),
    /// Everybody reserves and cancels in turn, one command in flight, for a time.
    Alternate(AlternateArgs),
    /// Bursts alone, and beside the cancelling of an activity with very many RSVPs.
    Cancellation(CancellationArgs),
    /// Many follow an activity over WebSockets while people reserve and cancel at a steady rate.
    Fanout(FanoutArgs),
    /// Many follow an activity, the server is killed and started again, and all come back at once.
    Reconnect(ReconnectArgs),
    /// A hundred thousand people want ten thousand seats when sales open, and some cancel: until the last answer.
    Opening(OpeningBurstArgs),
    /// A hundred reads to each write, at a steady rate.
    Steady(SteadyArgs),
    /// Very many activities in turn, against one with as many RSVPs.
    Many(ManyArgs),
    /// One activity grows to a million RSVPs: what one costs then, and what it takes in memory.
    Growth(GrowthArgs),
    /// The first command to a large activity after the server was started.
    Cold(ColdArgs),
    /// A long time below the peak: memory, latencies, and nothing lost.
    Soak(SoakArgs),
    /// More than the server can carry, and how soon all is as before.
    Overload(OverloadArgs),
    /// A history of many events, each in its own order.
    Replay(ReplayArgs),
    /// Turnout beside the designs that it replaces, on a Postgres and a Redis of its own.
    Compare(CompareArgs),
    /// What this program starts itself as, to have more sockets than one process may.
    #[command(hide = true)]
    Watch,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

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
    fn a_fan_out_is_no_longer_and_no_larger_than_what_watchers_can_keep() {
        let parse = |arguments: &[&str]| {
            Options::try_parse_from(["turnout-loadtest", "fanout"].iter().chain(arguments)).map(|options| {
                let Kind::Fanout(fanout) = options.kind else {
                    panic!("a fan-out was asked for");
                };
                fanout.fanout()
            })
        };
        assert!(parse(&["--duration-s", "1800"]).unwrap().is_ok());
        let too_long = parse(&["--duration-s", "1801"]).unwrap_err().to_string();
        assert!(too_long.contains("up to 1800"), "{too_long}");
        let large = ["--duration-s", "1800", "--watchers", "20000", "--rate", "10"];
        let too_large = parse(&large).unwrap().unwrap_err().to_string();
        assert!(too_large.contains("360000000 times"), "{too_large}");
        assert!(
            parse(&[&large[..], &["--activities", "2"]].concat())
                .unwrap()
                .is_ok()
        );
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
    fn windows_fit_around_the_sizes_that_they_are_about() {
        let parse = |arguments: &[&str]| {
            let line = ["turnout-loadtest", "growth"].iter().chain(arguments);
            let Kind::Growth(growth) = Options::try_parse_from(line).unwrap().kind else {
                panic!("growth was asked for");
            };
            growth.growth().is_ok()
        };
        assert!(parse(&[]));
        assert!(!parse(&["--small", "100"]));
        assert!(!parse(&["--rsvps", "1000"]));
    }

    #[test]
    fn sizes_and_shares_are_apart_by_commas() {
        let line = ["turnout-loadtest", "cold", "--spawn", "--rsvps", "10,200"];
        let Kind::Cold(cold) = Options::try_parse_from(line).unwrap().kind else {
            panic!("cold starts were asked for");
        };
        assert_eq!(cold.cold().unwrap().rsvps, [10, 200]);
        let Kind::Overload(overload) = Options::try_parse_from(["turnout-loadtest", "overload"])
            .unwrap()
            .kind
        else {
            panic!("an overload was asked for");
        };
        assert_eq!(overload.overload().shares, [1.5, 3.0]);
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
        let mut every = burst.every;
        for nothing in [None, Some(String::new())] {
            every.secret = nothing;
            assert_eq!(every.secret().unwrap(), "hush");
        }
        every.secret = Some("another".to_owned());
        assert_eq!(every.secret().unwrap(), "another");
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
            assert!(matches!(replay.every.spawn, Some(None)), "{line}: {replay:?}");
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
        assert_eq!(replay.every.spawn, Some(Some("other/turnout".into())));
        let settings = [("TURNOUT_DATABASE_URL".to_owned(), "postgres://a/b?c=d".to_owned())];
        assert_eq!(replay.every.settings, settings);
        assert_eq!(replay.file, Some("history.csv".into()));
    }
}
