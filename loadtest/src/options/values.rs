//! Single values of the command line.

use clap::ValueEnum;
use turnout_loadtest::run::Via;
use turnout_loadtest::ws::Encoding;

/// How messages are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Written {
    Json,
    Msgpack,
}

impl Written {
    /// In a word.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Msgpack => "msgpack",
        }
    }
}

impl From<Written> for Encoding {
    fn from(written: Written) -> Self {
        match written {
            Written::Json => Self::Json,
            Written::Msgpack => Self::Msgpack,
        }
    }
}

/// What carries commands, one after the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Ways {
    Rest,
    Ws,
    Both,
}

impl Ways {
    /// In the order in which they take turns.
    pub(super) fn vias(self, written: Written) -> Vec<Via> {
        let ws = Via::Ws(written.into());
        match self {
            Self::Rest => vec![Via::Rest],
            Self::Ws => vec![ws],
            Self::Both => vec![ws, Via::Rest],
        }
    }
}

pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if name.starts_with("TURNOUT_") => Ok((name.to_owned(), value.to_owned())),
        _ => Err("is not of the form TURNOUT_NAME=VALUE".to_owned()),
    }
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share is a number from 0 to 1".to_owned()),
    }
}

pub(super) fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 86_400.0 => Ok(seconds),
        _ => Err("a duration is a number above 0 and up to 86400".to_owned()),
    }
}

/// Watchers keep times in 32 bits of microseconds, which are an hour and more; some of it goes by before they start.
pub(super) fn round_seconds(text: &str) -> Result<f64, String> {
    match seconds(text) {
        Ok(seconds) if seconds <= 1_800.0 => Ok(seconds),
        _ => Err("a round is a number of seconds above 0 and up to 1800".to_owned()),
    }
}

pub(super) fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("a rate is a number above 0".to_owned()),
    }
}

pub(super) fn waitlist(text: &str) -> Result<u32, String> {
    if text == "none" {
        Ok(0)
    } else {
        text.parse().map_err(|_| "a number, or `none`".to_owned())
    }
}
