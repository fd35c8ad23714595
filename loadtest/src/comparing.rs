//! A comparison from the command line to the exit code. It starts its servers itself, so nothing is aimed at.

use std::fs::File;

use anyhow::Context;
use tokio::select;
use turnout_loadtest::compare;

use crate::NOT_CLEAN;
use crate::options::CompareArgs;
use crate::signals::Signals;
use crate::work::progress;

/// Runs and prints; answers the exit code. Whoever interrupts it has everything ended that it has started.
pub(crate) async fn run(arguments: &CompareArgs) -> anyhow::Result<i32> {
    let (options, effort, progress) = (arguments.compare(), arguments.effort(), progress());
    let mut signals = Signals::new()?;
    let comparison = select! {
        biased;
        code = signals.next() => return Ok(code),
        compared = compare::run(&options, &effort, &progress) => compared?,
    };
    progress.finish_and_clear();
    println!("{comparison}");
    if let Some(file) = &arguments.json {
        let written = File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
        serde_json::to_writer_pretty(written, &comparison)?;
    }
    let is_well = comparison.is_clean() && (comparison.reaches_all() || !arguments.enforce);
    Ok(if is_well { 0 } else { NOT_CLEAN })
}
