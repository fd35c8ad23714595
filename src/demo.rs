//! A small demonstration for whoever just started the program to look at it.
//!
//! Only into an empty database, and only where nobody else can log in to it: see [`is_wanted`]. Passwords are
//! random, handed back once to be shown, and never logged.

mod activities;

use turnout_actors::EngineError;

use crate::accounts::{AccountError, Password, PersonName, Role, User, account_email};
use crate::config::Config;
use crate::ids;
use crate::state::AppState;

/// Somebody to log in as.
pub struct DemoAccount {
    /// What the account is good for.
    pub purpose: &'static str,
    /// The address to log in with.
    pub email: String,
    /// The password to log in with. Shown once, on the terminal.
    pub password: String,
}

/// Why the demonstration was not made, or not completely.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Its accounts.
    #[error("cannot create the demonstration's accounts")]
    Accounts(#[from] AccountError),
    /// Its activities.
    #[error("cannot create the demonstration's activities")]
    Activities(#[from] EngineError),
}

/// Whether a demonstration is in order: the program was started without arguments, nobody chose a database,
/// and only this machine can reach the listener.
pub fn is_wanted(without_arguments: bool, config: &Config) -> bool {
    without_arguments && !config.database_was_chosen && config.listen.ip().is_loopback()
}

/// Fills an empty database, and says who can log in; nobody when it was not empty.
pub async fn fill_if_empty(state: &AppState) -> Result<Vec<DemoAccount>, DemoError> {
    if !state.accounts.is_empty().await? {
        return Ok(Vec::new());
    }
    let (user, host) = create(state, "hosts activities", "Demo Host", "host@example.com").await?;
    let (_, member) = create(state, "reserves seats", "Demo Member", "member@example.com").await?;
    activities::create(state, user.id).await?;
    Ok(vec![host, member])
}

async fn create(
    state: &AppState,
    purpose: &'static str,
    name: &str,
    email: &str,
) -> Result<(User, DemoAccount), AccountError> {
    let password = ids::secret_text::<8>();
    let wrong = "the demonstration's names, addresses and passwords are valid";
    let user = state
        .accounts
        .create(
            PersonName::parse(name).expect(wrong),
            account_email(email).expect(wrong),
            Password::parse(&password).expect(wrong),
            Role::Member,
        )
        .await?;
    let account = DemoAccount {
        purpose,
        email: user.email.clone(),
        password,
    };
    Ok((user, account))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn config(pairs: &[(&str, &str)]) -> Config {
        let environment = pairs
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Config::load(Sources {
            environment,
            ..Sources::default()
        })
        .unwrap()
    }

    #[test]
    fn a_demonstration_needs_a_bare_start_on_this_machine_alone() {
        assert!(is_wanted(true, &config(&[])));
        assert!(!is_wanted(false, &config(&[])));
        assert!(!is_wanted(true, &config(&[("TURNOUT_LISTEN", "0.0.0.0:8080")])));
        assert!(!is_wanted(
            true,
            &config(&[("TURNOUT_DATABASE_URL", "sqlite://x.db")])
        ));
        assert!(!is_wanted(true, &config(&[("DATABASE_URL", "sqlite://x.db")])));
        assert!(is_wanted(true, &config(&[("TURNOUT_LISTEN", "[::1]:8080")])));
    }
}
