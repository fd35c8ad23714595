//! `turnout serve`: the server, until the operating system asks it to stop.

use std::io::Write;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use turnout::app::{App, Running};
use turnout::config::{Config, LogFormat};
use turnout::demo::{self, DemoAccount};
use turnout::http::server::MAX_CONNECTIONS;
use turnout::telemetry;

pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    telemetry::install(&config);
    let format = telemetry::format(&config);
    let without_arguments = std::env::args_os().len() == 1;
    let wants_demo = demo::is_wanted(without_arguments, &config);

    super::open_files::allow(MAX_CONNECTIONS as u64);
    // Before anything else, so that a signal during the start is not lost.
    let stop = stop_signal()?;
    let bound = App::bind(config).await?;
    // Only with the address in hand: its passwords are shown once, and that must happen.
    let demo = if wants_demo {
        demo::fill_if_empty(bound.state()).await?
    } else {
        Vec::new()
    };
    let server = bound.serve();
    announce(&server, format);
    show(&demo, &server.public_url());

    let failed = tokio::select! {
        () = stop => false,
        // Only an operator's restart helps then; whoever supervises the process sees it end.
        () = server.state().engine.ended() => true,
    };
    tracing::info!("stopping");
    server.shutdown().await;
    anyhow::ensure!(!failed, "the booking engine failed; see the log");
    Ok(())
}

/// Completes when the operating system, or somebody at the keyboard, asks for a stop.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for signals")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Says where to look: in words to people, as one event to machines.
fn announce(server: &Running, format: LogFormat) {
    let url = server.public_url();
    let database = &server.state().config.database;
    let (version, address) = (env!("CARGO_PKG_VERSION"), server.address);
    match format {
        LogFormat::Human => say(
            std::io::stderr(),
            &format!(
                "\n  Turnout {version} serves on {address}\n\
                 \n    address   {url}\n    database  {database}\
                 \n    log in    POST {url}/api/v1/auth/login with {{\"email\", \"password\"}}\
                 \n    stop      Ctrl-C\n"
            ),
        ),
        LogFormat::Json => tracing::info!(version, %address, url, %database, "serving"),
    }
}

/// To standard output, which is not the log: these passwords are shown here once and kept nowhere.
fn show(demo: &[DemoAccount], url: &str) {
    if demo.is_empty() {
        return;
    }
    let mut text = "  The database was empty, so there is a demonstration in it. Log in as\n".to_owned();
    for account in demo {
        text += &format!(
            "    {:<20} {}   {}\n",
            account.email, account.password, account.purpose
        );
    }
    text += "  These passwords are shown this once. See what is on:\n";
    text += &format!("    curl {url}/api/v1/activities\n");
    say(std::io::stdout(), &text);
}

/// Says something to people. That nobody is left to read it is no reason to stop serving.
fn say(mut to: impl Write, text: &str) {
    let _ = writeln!(to, "{text}");
}
