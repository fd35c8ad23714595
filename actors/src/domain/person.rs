//! Who holds an RSVP, and who gives a command.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ids::UserId;

/// The longest e-mail address, in bytes.
pub const EMAIL_MAX_BYTES: usize = 200;

/// An e-mail address in its one normal form: trimmed and in lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Email(Arc<str>);

/// The text is not an e-mail address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is not an e-mail address of at most {EMAIL_MAX_BYTES} bytes")]
pub struct InvalidEmail;

impl Email {
    /// The address in its normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;

    /// Accepts what mail servers accept in practice: one `@`, something before it, a dotted or single name after
    /// it, and neither white space nor control or markup characters anywhere.
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        let (local, host) = text.split_once('@').ok_or(InvalidEmail)?;
        let forbidden = |c: char| c.is_whitespace() || c.is_control() || "<>()[]\\,;:\"@".contains(c);
        let host_is_fine = !host.is_empty()
            && host.split('.').all(|label| {
                !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && !label.contains('_')
            });
        if text.len() > EMAIL_MAX_BYTES
            || local.is_empty()
            || local.len() > 64
            || local.contains(forbidden)
            || host.contains(forbidden)
            || !host_is_fine
        {
            return Err(InvalidEmail);
        }
        Ok(Self(text.to_lowercase().into()))
    }
}

impl TryFrom<String> for Email {
    type Error = InvalidEmail;

    fn try_from(text: String) -> Result<Self, InvalidEmail> {
        text.parse()
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The person who holds an RSVP: at most one live RSVP each per activity.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Person {
    /// Somebody with an account.
    User(UserId),
    /// Somebody known by an e-mail address alone.
    Guest(Email),
}

/// Who gives a command, as far as the rules must know.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Principal {
    /// The account.
    pub user: UserId,
    /// Whether it may act as host here although it is not the host: an administrator.
    pub elevated: bool,
}

impl Principal {
    /// An account without particular rights.
    pub const fn user(user: UserId) -> Self {
        Self {
            user,
            elevated: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_is_normalised_and_nonsense_is_refused() {
        let email: Email = "  Ada.Lovelace@Example.ORG ".parse().unwrap();
        assert_eq!(email.as_str(), "ada.lovelace@example.org");
        for nonsense in [
            "", "@", "a@", "@b", "a b@c.d", "a@b@c", "a@.b", "a@b..c", "<a@b.c>", "a@-b.c", "a\n@b.c",
        ] {
            assert_eq!(nonsense.parse::<Email>(), Err(InvalidEmail), "{nonsense:?}");
        }
        assert!(format!("{}@b.c", "a".repeat(65)).parse::<Email>().is_err());
        assert!(format!("a@{}.c", "b".repeat(200)).parse::<Email>().is_err());
    }
}
