//! Logging: what the rest of the code reports through `tracing` goes to standard error, as readable lines or
//! as JSON. Installed once, by the program; the library never does.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// The form of the log: as configured, else readable on a terminal and JSON anywhere else.
pub fn format(config: &Config) -> LogFormat {
    config
        .log_format
        .unwrap_or_else(|| match std::io::stderr().is_terminal() {
            true => LogFormat::Human,
            false => LogFormat::Json,
        })
}

/// Sends everything that is logged from now on to standard error.
///
/// # Panics
/// When called twice in a process.
pub fn install(config: &Config) {
    let filter = EnvFilter::try_new(&config.log).expect("the configuration checked the log directives");
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A log that cannot be written, as on a full disk, must not take down whoever wanted to log.
        .log_internal_errors(false);
    match format(config) {
        LogFormat::Human => log
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal())
            .init(),
        LogFormat::Json => log.json().flatten_event(true).with_current_span(true).init(),
    }
}
