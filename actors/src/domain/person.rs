//! Who holds an RSVP, and who gives a command.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ids::{RsvpId, UserId};
use super::visible::is_invisible;

/// The longest e-mail address, in bytes.
pub const EMAIL_MAX_BYTES: usize = 200;
/// The longest part before the `@`, in bytes (RFC 5321, section 4.5.3.1.1).
const LOCAL_PART_MAX_BYTES: usize = 64;

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

    /// Accepts what mail servers accept in practice: one `@`, a local part, a dotted host, dots only between
    /// other characters, and nothing that is not seen or could forge a line, a tag or a reading direction.
    /// Whether mail arrives there, only mail can tell.
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        // Measured in the form that is kept: a letter in lower case may be longer than it was.
        let email = text.trim().to_lowercase();
        let (local, host) = email.split_once('@').ok_or(InvalidEmail)?;
        let host_is_fine = host.contains('.')
            && host.split('.').all(|label| {
                !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && !label.contains('_')
            });
        if email.len() > EMAIL_MAX_BYTES
            || local.len() > LOCAL_PART_MAX_BYTES
            || local.split('.').any(str::is_empty)
            || !host_is_fine
            || email.chars().filter(|c| *c == '@').count() != 1
            || email.contains(is_unfit)
        {
            return Err(InvalidEmail);
        }
        Ok(Self(email.into()))
    }
}

/// Whether a character belongs into no address. Nothing that cannot be seen does, not even what scripts need
/// elsewhere: two addresses that look the same are the same.
fn is_unfit(c: char) -> bool {
    is_invisible(c) || "<>()[]\\,;:\"".contains(c)
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
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Person {
    /// Somebody with an account.
    User(UserId),
    /// Somebody known by an e-mail address alone.
    Guest(Email),
}

impl Person {
    /// Whether it is somebody without an account.
    pub const fn is_guest(&self) -> bool {
        matches!(self, Self::Guest(_))
    }
}

/// Who gives a command, as far as the rules must know.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Principal {
    /// Who it is.
    pub who: Who,
    /// Whether they may act as host here although they are not the host: an administrator.
    pub elevated: bool,
}

/// How somebody has proved who they are.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Who {
    /// By an account.
    User(UserId),
    /// By the manage token of an RSVP: without an account.
    Guest {
        /// The RSVP that the token is for.
        rsvp: RsvpId,
        /// The generation that it is for.
        generation: u32,
    },
    /// Not at all: somebody who says that this is their address. They may come in, and nothing else.
    Visitor(Email),
    /// Nobody: time has passed.
    System,
}

impl Principal {
    /// An account without particular rights.
    pub const fn user(user: UserId) -> Self {
        Self::from(Who::User(user))
    }

    /// Whoever holds the manage token of this RSVP.
    pub const fn guest(rsvp: RsvpId, generation: u32) -> Self {
        Self::from(Who::Guest { rsvp, generation })
    }

    /// Somebody who says that this is their address.
    pub const fn visitor(email: Email) -> Self {
        Self::from(Who::Visitor(email))
    }

    /// Nobody: what time brings about.
    pub const fn system() -> Self {
        Self::from(Who::System)
    }

    const fn from(who: Who) -> Self {
        Self { who, elevated: false }
    }

    /// The account, if it is one.
    pub const fn account(&self) -> Option<UserId> {
        match self.who {
            Who::User(user) => Some(user),
            Who::Guest { .. } | Who::Visitor(_) | Who::System => None,
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
        let nonsense = [
            "",
            "@",
            "a@",
            "@b.c",
            "a b@c.d",
            "a@b@c.d",
            "a@.b",
            "a@b..c",
            "<a@b.c>",
            "a@-b.c",
            "a\n@b.c",
            "a@localhost",
            ".a@b.c",
            "a..b@c.d",
            "a\u{202e}@b.c",
            "a@b.c\u{200b}",
            "a\u{200d}@b.c",
            "a\u{ad}@b.c",
            "a\u{3164}@b.c",
        ];
        for nonsense in nonsense {
            assert_eq!(nonsense.parse::<Email>(), Err(InvalidEmail), "{nonsense:?}");
        }
        assert!(format!("{}@b.c", "a".repeat(65)).parse::<Email>().is_err());
        assert!(format!("a@{}.c", "b".repeat(200)).parse::<Email>().is_err());
    }

    #[test]
    fn a_normal_form_is_its_own_normal_form() {
        for text in [
            "İ.I@EXAMPLE.org",
            &format!("{}@b.c", "İ".repeat(21)),
            "Σσς@example.org",
        ] {
            let email: Email = text.parse().unwrap();
            assert_eq!(email.as_str().parse(), Ok(email));
        }
    }
}
