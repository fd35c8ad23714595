//! What the program can be told to do. Each command is a file; this one holds what they have in common.

mod admin;
mod migrate;
mod open_files;
mod serve;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Parser, Subcommand};
use turnout::config::{Config, ConfigError, Sources};
use turnout::ws;

/// The configuration file that is read when it is there and none is named.
const USUAL_FILE: &str = "turnout.toml";

/// Real-time RSVP and booking engine.
#[derive(Parser)]
#[command(
    name = "turnout",
    version,
    about,
    after_help = "Every setting is explained in config/default.toml."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Settings that may be given as flags; they win over environment and file.
#[derive(clap::Args)]
struct Settings {
    /// Configuration file [default: turnout.toml if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port to listen on
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Database, such as sqlite://data/turnout.db
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// What to log, such as info or debug
    #[arg(long, global = true, value_name = "LEVEL")]
    log: Option<String>,
    /// Form of the log: human or json
    #[arg(long, global = true, value_name = "FORM")]
    log_format: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server (what happens without a command)
    Serve,
    /// Bring the database's schema up to date, and stop
    Migrate,
    /// Print what the WebSockets speak, as an AsyncAPI 3 document
    Asyncapi,
    /// Look after a server's data
    #[command(subcommand)]
    Admin(admin::AdminCommand),
}

/// Why a command failed.
pub(crate) enum Failure {
    /// Nothing was started: the configuration is wrong.
    Configuration(ConfigError),
    /// Anything else.
    Run(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Run(error)
    }
}

/// Runs the command.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { settings, command } = arguments;
    match command {
        None | Some(Command::Serve) => serve::run(settings.load()?).await?,
        Some(Command::Migrate) => migrate::run(settings.load()?).await?,
        // Nothing that can be configured is in it.
        Some(Command::Asyncapi) => print(ws::asyncapi::document())?,
        Some(Command::Admin(command)) => admin::run(settings.load()?, command).await?,
    }
    Ok(())
}

/// Writes a text as it is; whoever reads it may stop before its end.
fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("cannot write"),
        _ => Ok(()),
    }
}

impl Settings {
    fn load(self) -> Result<Config, Failure> {
        let usual = || Path::new(USUAL_FILE).exists().then(|| USUAL_FILE.into());
        let flags = [
            ("listen", self.listen),
            ("database_url", self.database_url),
            ("log", self.log),
            ("log_format", self.log_format),
        ];
        Config::load(Sources {
            file: self.config.or_else(usual),
            environment: std::env::vars_os().collect(),
            flags: flags
                .into_iter()
                .filter_map(|(key, value)| Some((key, value?)))
                .collect(),
        })
        .map_err(Failure::Configuration)
    }
}
