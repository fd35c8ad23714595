//! The load test on the command line. Exit code 0: everybody was answered and the verdict is clean; 1: not
//! so; 2: there was no run, or nothing to judge it by; 130 and 143: it was interrupted.

mod comparing;
mod open_files;
mod options;
mod output;
mod signals;
mod work;

use std::process::ExitStatus;

use anyhow::bail;
use clap::Parser;
use tokio::select;
use turnout_loadtest::health::is_healthy;
use turnout_loadtest::place::Place;
use turnout_loadtest::report::{Asked, Report};
use turnout_loadtest::run::{Outcome, RunError, Server};
use turnout_loadtest::shared::{SharedTally, lock};
use turnout_loadtest::target::Target;
use turnout_loadtest::throwaway::ThrowawayServer;
use turnout_loadtest::watch::run_squad;

use options::{EveryRunArgs, Kind, Options};
use output::Outputs;
use signals::Signals;
use work::{Done, Work};

const NOT_CLEAN: i32 = 1;
const NO_VERDICT: i32 = 2;

/// One thread: the client must leave the other core to the server, and needs no locks of its own that way.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let code = match run(&Options::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("turnout-loadtest: {error:#}");
            NO_VERDICT
        }
    };
    // A verdict that was interrupted may still be working, and nobody waits for it.
    std::process::exit(code);
}

/// How it went.
enum Ended {
    Interrupted(i32),
    ServerGone(ExitStatus),
    Done(Result<Outcome, RunError>),
}

/// Runs and prints; answers the exit code.
async fn run(options: &Options) -> anyhow::Result<i32> {
    open_files::allow_all();
    if let Kind::Watch = options.kind {
        run_squad().await?;
        return Ok(0);
    }
    if let Kind::Compare(arguments) = &options.kind {
        return comparing::run(arguments).await;
    }
    let (common, asked, work) = Work::of(&options.kind)?;
    let outputs = Outputs::prepare(common)?;
    let mut signals = Signals::new()?;
    let (server, mut throwaway) = select! {
        biased;
        code = signals.next() => return Ok(code),
        aimed = aim(common) => aimed?,
    };
    let tally = SharedTally::default();
    let ended = select! {
        biased;
        code = signals.next() => Ended::Interrupted(code),
        done = work.run(&server, throwaway.as_mut(), common.effort(&asked), &tally) => match done? {
            Done::ServerGone(status) => Ended::ServerGone(status),
            Done::Run(outcome) => Ended::Done(outcome),
        },
    };
    // What became of the server says more than what became of those who asked it.
    let gone = throwaway.as_mut().and_then(ThrowawayServer::has_ended);
    let outcome = match (ended, gone) {
        (Ended::Interrupted(code), _) => {
            if let Some(mut throwaway) = throwaway {
                eprintln!("interrupted: stopping the server; once more kills it");
                select! {
                    _ = signals.next() => {}
                    stopped = throwaway.stop() => drop(stopped?),
                }
            }
            return Ok(code);
        }
        (Ended::ServerGone(status), _) | (Ended::Done(Err(_)), Some(status)) => {
            Err(format!("the server ended in mid-run ({status})"))
        }
        (Ended::Done(Err(error)), None) if lock(&tally).requests == 0 => {
            if let Some(mut throwaway) = throwaway {
                throwaway.stop().await?;
            }
            return Err(error.into());
        }
        (Ended::Done(Err(error)), None) => Err(format!("{:#}", anyhow::Error::from(error))),
        (Ended::Done(Ok(outcome)), _) => Ok(outcome),
    };
    report(common, asked, &tally, outcome, throwaway, outputs).await
}

/// Prints what there is to tell and clears up.
async fn report(
    common: &EveryRunArgs,
    asked: Asked,
    tally: &SharedTally,
    outcome: Result<Outcome, String>,
    throwaway: Option<ThrowawayServer>,
    outputs: Outputs,
) -> anyhow::Result<i32> {
    let report = Report::new(asked, &lock(tally), outcome);
    println!("{report}");
    outputs.write(&report, &Place::here(common.server_in_words()))?;
    let mut ended_well = true;
    if let Some(mut throwaway) = throwaway {
        let status = throwaway.stop().await?;
        ended_well = status.success();
        if !ended_well {
            eprintln!(
                "the server did not end well: {status}\n{}",
                throwaway.end_of_log()
            );
        }
        if !ended_well || !report.is_clean() {
            eprintln!(
                "the server's database and log are kept in {}",
                throwaway.keep().display()
            );
        }
    }
    Ok(match report.is_clean() {
        _ if !report.has_verdict() => NO_VERDICT,
        true if ended_well => 0,
        _ => NOT_CLEAN,
    })
}

/// The server to be tested, and its process if it was started for this run.
async fn aim(common: &EveryRunArgs) -> anyhow::Result<(Server, Option<ThrowawayServer>)> {
    if let Some(program) = &common.spawn {
        let throwaway = ThrowawayServer::start(program.as_deref(), &common.settings).await?;
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
            pid: common.server_pid,
        },
        None,
    ))
}
