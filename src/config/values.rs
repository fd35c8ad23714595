//! What single values mean: from text to a type that cannot hold nonsense, or to the reason why not.
//!
//! A reason completes the sentence that starts with the key's name and never repeats a secret.

use std::net::SocketAddr;

use tracing_subscriber::EnvFilter;
use turnout_actors::domain::Email;
use url::Url;
use uuid::Uuid;

use crate::accounts::{Password, SECRET_MIN_BYTES, account_email};
use crate::secret::Secret;

/// Who may create activities.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CreateActivities {
    /// Everybody with an account.
    Anyone,
    /// Administrators alone.
    Admins,
}

/// Form of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// One readable line per event.
    Human,
    /// One JSON object per event.
    Json,
}

/// The administrator to create while there is none.
#[derive(Clone, Debug)]
pub struct FirstAdmin {
    /// The address to log in with.
    pub email: Email,
    /// The password to log in with.
    pub password: Password,
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not an address such as 127.0.0.1:8080"))
}

pub(super) fn public_url(text: &str) -> Result<String, String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err(format!("{text:?} is not an http or https address")),
    }
}

/// Origins as browsers send them, apart by commas.
pub(super) fn origins(text: &str) -> Result<Vec<String>, String> {
    text.split(',').map(str::trim).map(origin).collect()
}

fn origin(text: &str) -> Result<String, String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text => {
            Ok(text.to_owned())
        }
        _ => Err(format!(
            "{text:?} is not an origin such as https://rsvp.example.org"
        )),
    }
}

pub(super) fn uuid(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| format!("{text:?} is not a UUID"))
}

pub(super) fn jwt_secret(text: &str) -> Result<Secret, String> {
    if text.len() < SECRET_MIN_BYTES {
        return Err(format!("is shorter than {SECRET_MIN_BYTES} bytes"));
    }
    Ok(Secret::new(text.to_owned()))
}

pub(super) fn email(text: &str) -> Result<Email, String> {
    account_email(text).map_err(|reason| format!("{text:?} {reason}"))
}

pub(super) fn password(text: &str) -> Result<Password, String> {
    Password::parse(text).map_err(|reason| reason.to_string())
}

pub(super) fn create_activities(text: &str) -> Result<CreateActivities, String> {
    one_of(
        text,
        &[
            ("anyone", CreateActivities::Anyone),
            ("admins", CreateActivities::Admins),
        ],
    )
}

pub(super) fn on_or_off(text: &str) -> Result<bool, String> {
    one_of(text, &[("on", true), ("off", false)])
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    one_of(text, &[("human", LogFormat::Human), ("json", LogFormat::Json)])
}

pub(super) fn log_directives(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("{text:?} is not a list of log directives: {error}")),
    }
}

fn one_of<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    choices
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            format!("{text:?} is not one of: {}", names.join(", "))
        })
}
