//! The load test on the command line. Exit code 0: everybody was answered and the verdict is clean; 1: not
//! so; 2: there was no run to judge.

mod options;

use std::fs::File;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use turnout_loadtest::replay::plan::{EventPlan, plan};
use turnout_loadtest::replay::{row, synthetic};
use turnout_loadtest::report::Report;
use turnout_loadtest::run::Server;
use turnout_loadtest::target::Target;
use turnout_loadtest::throwaway::{ThrowawayServer, is_healthy};
use turnout_loadtest::{burst, replay};

use options::{CommonArgs, Kind, Options, ReplayArgs};

/// How many events a made-up history has unless told.
const SYNTHETIC_EVENTS: usize = 200;

/// One thread: the client must leave the other core to the server, and needs no locks of its own that way.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("turnout-loadtest: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Runs and prints; answers whether all is well.
async fn run(options: Options) -> anyhow::Result<bool> {
    let common = match &options.kind {
        Kind::Burst(arguments) => &arguments.common,
        Kind::Replay(arguments) => &arguments.common,
    };
    let (server, throwaway) = aim(common).await?;
    let outcome = drive(&options.kind, &server).await;
    let ended = match throwaway {
        Some(throwaway) => Some(throwaway.stop().await),
        None => None,
    };
    let report = outcome?;
    println!("{report}");
    if let Some(file) = &common.json {
        let written = File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
        serde_json::to_writer_pretty(written, &report)?;
    }
    match ended.transpose()? {
        Some(status) if !status.success() => bail!("the server did not end well: {status}"),
        _ => Ok(report.is_clean()),
    }
}

/// The server to be tested, and its process if it was started for this run.
async fn aim(common: &CommonArgs) -> anyhow::Result<(Server, Option<ThrowawayServer>)> {
    if let Some(program) = &common.spawn {
        let throwaway = ThrowawayServer::start(program.as_deref()).await?;
        return Ok((throwaway.server().clone(), Some(throwaway)));
    }
    let target = Target::resolve(&common.url, common.allow_remote).await?;
    if !is_healthy(&target).await {
        bail!(
            "no healthy server answers at {}; start one, or let --spawn do it",
            common.url
        );
    }
    Ok((
        Server {
            target,
            secret: common.secret()?,
        },
        None,
    ))
}

async fn drive(kind: &Kind, server: &Server) -> anyhow::Result<Report> {
    let progress = progress();
    let (title, outcome) = match kind {
        Kind::Burst(arguments) => {
            let effort = arguments.common.effort();
            (
                arguments.title(),
                burst::run(server, &arguments.burst(), &effort, &progress).await?,
            )
        }
        Kind::Replay(arguments) => {
            let plans = history(arguments)?;
            let title = format!("replay of {} events", plans.len());
            (
                title,
                replay::run(server, plans, &arguments.common.effort(), &progress).await?,
            )
        }
    };
    progress.finish_and_clear();
    Ok(Report::new(title, outcome))
}

fn history(arguments: &ReplayArgs) -> anyhow::Result<Vec<EventPlan>> {
    let rows = match (&arguments.file, arguments.synthetic) {
        (Some(file), _) => {
            let input = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
            row::read_rows(input).with_context(|| format!("{} is no history", file.display()))?
        }
        (None, Some(seed)) => synthetic::rows(seed, arguments.events.unwrap_or(SYNTHETIC_EVENTS)),
        (None, None) => bail!("a replay needs a file or --synthetic"),
    };
    let mut plans = plan(&rows);
    plans.truncate(arguments.events.unwrap_or(usize::MAX));
    Ok(plans)
}

/// Shown on a terminal only.
fn progress() -> ProgressBar {
    let style = ProgressStyle::with_template("{elapsed_precise} {wide_bar} {pos}/{len} ({per_sec})");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
