//! `turnout admin`: commands for operators, on the database itself. They may run beside a server.

use std::io::{self, BufRead, IsTerminal};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::{Subcommand, ValueEnum};
use turnout::accounts::{AccountError, Accounts, Password, PersonName, Role, account_email};
use turnout::clock::SystemClock;
use turnout::config::Config;
use turnout::ids::TimeOrderedIds;
use turnout::store::{Db, meta};
use turnout_actors::domain::History;
use turnout_actors::ports::Clock;

#[derive(Subcommand)]
pub(super) enum AdminCommand {
    /// Create an account; its password is read from standard input
    CreateUser {
        /// The address to log in with
        #[arg(long)]
        email: String,
        /// The person's name
        #[arg(long)]
        name: String,
        /// What the account may do
        #[arg(long, value_enum, default_value_t = RoleName::Member)]
        role: RoleName,
    },
    /// Tell everybody that the database was restored from a backup, so that what they have seen may be gone
    Restored,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum RoleName {
    Member,
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Member => Self::Member,
            RoleName::Admin => Self::Admin,
        }
    }
}

pub(super) async fn run(config: Config, command: AdminCommand) -> anyhow::Result<()> {
    match command {
        AdminCommand::CreateUser { email, name, role } => create_user(&config, &email, &name, role).await,
        AdminCommand::Restored => restored(&config).await,
    }
}

/// A server that runs meanwhile learns of it when it loads an activity.
async fn restored(config: &Config) -> anyhow::Result<()> {
    let db = Db::open_beside_a_server(&config.database).await?;
    // Restoring one backup twice must not begin the same history twice.
    let now_s = History((SystemClock::default().now().micros() / 1_000_000) as u64);
    let begun = async { meta::history_after(&db, meta::history(&db).await?.max(now_s)).await }.await;
    db.close().await;
    println!("History {} begins.", begun?);
    Ok(())
}

async fn create_user(config: &Config, email: &str, name: &str, role: RoleName) -> anyhow::Result<()> {
    let email = account_email(email).map_err(|reason| anyhow!("--email {reason}"))?;
    let name = PersonName::parse(name).map_err(|reason| anyhow!("--name {reason}"))?;
    let password = Password::parse(&read_password()?).map_err(|reason| anyhow!("the password {reason}"))?;

    let db = Db::open_beside_a_server(&config.database).await?;
    let (clock, ids) = (Arc::new(SystemClock::default()), Arc::new(TimeOrderedIds));
    let accounts = Accounts::without_tokens(db.clone(), clock, ids);
    let created = accounts.create(name, email, password, role.into()).await;
    db.close().await;
    match created {
        Ok(user) => println!(
            "Created {} ({}) with the id {}.",
            user.email,
            user.role.as_str(),
            user.id
        ),
        Err(AccountError::AlreadyExists) => anyhow::bail!("an account with this e-mail address exists"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// One line from standard input, unseen when it is typed. Never a flag: other users of a machine can read those.
fn read_password() -> anyhow::Result<String> {
    let typed = io::stdin().is_terminal();
    if typed {
        eprint!("Password: ");
        echo(false);
    }
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    if typed {
        echo(true);
        eprintln!();
    }
    read.context("cannot read the password from standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Whether the terminal shows what is typed. Where that cannot be changed, it shows it.
fn echo(on: bool) {
    let mode = if on { "echo" } else { "-echo" };
    let _ = Command::new("stty").arg(mode).stdin(Stdio::inherit()).status();
}
