//! What the command line asks for, and doing it.

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use std::process::ExitStatus;
use turnout_loadtest::alternate::{self, AlternateOptions};
use turnout_loadtest::burst::{self, BurstOptions};
use turnout_loadtest::cancellation::{self, CancellationOptions};
use turnout_loadtest::cold::{self, ColdOptions};
use turnout_loadtest::fanout::{self, FanoutOptions};
use turnout_loadtest::growth::{self, GrowthOptions};
use turnout_loadtest::many::{self, ManyOptions};
use turnout_loadtest::opening_burst::{self, OpeningBurstOptions};
use turnout_loadtest::overload::{self, OverloadOptions};
use turnout_loadtest::reconnect::{self, ReconnectOptions};
use turnout_loadtest::replay;
use turnout_loadtest::replay::plan::EventPlan;
use turnout_loadtest::report::Asked;
use turnout_loadtest::rules::{self, RulesOptions};
use turnout_loadtest::run::{Effort, Outcome, RunError, Server};
use turnout_loadtest::shared::SharedTally;
use turnout_loadtest::soak::{self, SoakOptions};
use turnout_loadtest::steady::{self, SteadyOptions};
use turnout_loadtest::throwaway::ThrowawayServer;

use crate::options::{EveryRunArgs, Kind};

/// What to do.
pub(crate) enum Work {
    Burst(BurstOptions),
    Rules(RulesOptions),
    Cancellation(CancellationOptions),
    Alternate(AlternateOptions),
    Fanout(FanoutOptions),
    Reconnect(ReconnectOptions),
    Opening(OpeningBurstOptions),
    Steady(SteadyOptions),
    Many(ManyOptions),
    Growth(GrowthOptions),
    Cold(ColdOptions),
    Soak(SoakOptions),
    Overload(OverloadOptions),
    Replay(Vec<EventPlan>),
}

/// How it went.
pub(crate) enum Done {
    /// The server that was started for this run has ended by itself.
    ServerGone(ExitStatus),
    Run(Result<Outcome, RunError>),
}

impl Work {
    /// What is asked for, with what is the same for all kinds and what is told in the report.
    pub(crate) fn of(kind: &Kind) -> anyhow::Result<(&EveryRunArgs, Asked, Self)> {
        Ok(match kind {
            Kind::Burst(arguments) => (
                &arguments.every,
                arguments.asked(),
                Self::Burst(arguments.burst()),
            ),
            Kind::Rules(arguments) => (
                &arguments.every,
                arguments.asked(),
                Self::Rules(arguments.rules()),
            ),
            Kind::Cancellation(arguments) => (
                &arguments.every,
                arguments.asked(),
                Self::Cancellation(arguments.cancellation()),
            ),
            Kind::Alternate(arguments) => (
                &arguments.every,
                arguments.asked(),
                Self::Alternate(arguments.alternate()),
            ),
            Kind::Fanout(arguments) => (
                &arguments.every,
                arguments.asked(),
                Self::Fanout(arguments.fanout()?),
            ),
            Kind::Reconnect(arguments) => (
                &arguments.every,
                arguments.asked(),
                Self::Reconnect(arguments.reconnect()?),
            ),
            Kind::Opening(arguments) => (
                &arguments.every,
                arguments.asked(),
                Self::Opening(arguments.opening()),
            ),
            Kind::Steady(arguments) => (
                &arguments.every,
                arguments.asked(),
                Self::Steady(arguments.steady()?),
            ),
            Kind::Many(arguments) => (&arguments.every, arguments.asked(), Self::Many(arguments.many())),
            Kind::Growth(arguments) => (
                &arguments.every,
                arguments.asked(),
                Self::Growth(arguments.growth()?),
            ),
            Kind::Cold(arguments) => (&arguments.every, arguments.asked(), Self::Cold(arguments.cold()?)),
            Kind::Soak(arguments) => (&arguments.every, arguments.asked(), Self::Soak(arguments.soak())),
            Kind::Overload(arguments) => (
                &arguments.every,
                arguments.asked(),
                Self::Overload(arguments.overload()),
            ),
            Kind::Replay(arguments) => {
                let plans = arguments.plans()?;
                (&arguments.every, arguments.asked(&plans), Self::Replay(plans))
            }
            Kind::Compare(_) => anyhow::bail!("a comparison starts its servers itself"),
            Kind::Watch => anyhow::bail!("watchers need somebody who leads them"),
        })
    }

    /// Does it against `server`, which is that of `throwaway` if there is one.
    pub(crate) async fn run(
        self,
        server: &Server,
        throwaway: Option<&mut ThrowawayServer>,
        effort: Effort,
        tally: &SharedTally,
    ) -> anyhow::Result<Done> {
        let progress = progress();
        let (progress, effort) = (&progress, &effort);
        // These two end their server themselves.
        if let Self::Reconnect(options) = &self {
            let throwaway = throwaway.context("there is no server that may be killed")?;
            let outcome = reconnect::run(throwaway, options, effort, progress, tally).await;
            progress.finish_and_clear();
            return Ok(Done::Run(outcome));
        }
        if let Self::Cold(options) = &self {
            let throwaway = throwaway.context("there is no server that may be stopped")?;
            let outcome = cold::run(throwaway, options, effort, progress, tally).await;
            progress.finish_and_clear();
            return Ok(Done::Run(outcome));
        }
        let work = async {
            match self {
                Self::Burst(options) => burst::run(server, &options, effort, progress, tally).await,
                Self::Rules(options) => rules::run(server, &options, effort, progress, tally).await,
                Self::Cancellation(options) => {
                    cancellation::run(server, &options, effort, progress, tally).await
                }
                Self::Alternate(options) => alternate::run(server, &options, effort, progress, tally).await,
                Self::Fanout(options) => fanout::run(server, &options, effort, progress, tally).await,
                Self::Replay(plans) => replay::run(server, plans, effort, progress, tally).await,
                Self::Opening(options) => opening_burst::run(server, &options, effort, progress, tally).await,
                Self::Steady(options) => steady::run(server, &options, effort, progress, tally).await,
                Self::Many(options) => many::run(server, &options, effort, progress, tally).await,
                Self::Growth(options) => growth::run(server, &options, effort, progress, tally).await,
                Self::Soak(options) => soak::run(server, &options, effort, progress, tally).await,
                Self::Overload(options) => overload::run(server, &options, effort, progress, tally).await,
                Self::Reconnect(_) | Self::Cold(_) => unreachable!("done above"),
            }
        };
        Ok(tokio::select! {
            biased;
            status = server_gone(throwaway) => Done::ServerGone(status),
            outcome = work => {
                progress.finish_and_clear();
                Done::Run(outcome)
            }
        })
    }
}

/// Waits for the end of a server that was started for this run; for ever, where there is none or it stays.
async fn server_gone(throwaway: Option<&mut ThrowawayServer>) -> ExitStatus {
    if let Some(throwaway) = throwaway
        && let Ok(status) = throwaway.ended().await
    {
        return status;
    }
    std::future::pending().await
}

/// Shown on a terminal only.
pub(crate) fn progress() -> ProgressBar {
    let style = ProgressStyle::with_template("{elapsed_precise} {wide_bar} {pos}/{len} ({per_sec})");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
