//! An account as everybody but the store sees it.

use serde::{Deserialize, Serialize};
use turnout_actors::domain::{Timestamp, UserId};

/// What an account may do beyond its own things.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Its own things alone.
    Member,
    /// Everything.
    Admin,
}

impl Role {
    /// As stored and as clients see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }

    /// From what [`Role::as_str`] says.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Member, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == text)
    }
}

/// An account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// Its id, which tokens carry as `sub`.
    pub id: UserId,
    /// The person's name.
    pub name: String,
    /// The address to log in with, in lower case.
    pub email: String,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}
