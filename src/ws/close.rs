//! Why a socket is closed. The range of a code tells the client what to do: 40xx do not come back unchanged, 41xx
//! come back with back-off, 42xx come back now.

/// A reason to close a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Close {
    /// The client said goodbye, or went away.
    GoingAway,
    /// A message was larger than allowed.
    TooBig,
    /// What came was no message at all.
    Protocol,
    /// Nobody said who they are, in time or at all, or a guest's token is over, which has no successor.
    Unauthenticated,
    /// The origin or the person may not be here.
    Forbidden,
    /// The session was revoked, as by a log-out.
    Revoked,
    /// The server is about to stop.
    Draining,
    /// The server has as many sockets as it can have.
    Overloaded,
    /// The client reads too slowly.
    Slow,
    /// The address or the person has as many sockets as they may.
    TooManySockets,
    /// The token of an account has ended.
    TokenExpired,
}

impl Close {
    /// The code that clients see.
    pub const fn code(self) -> u16 {
        match self {
            Self::GoingAway => 1001,
            Self::TooBig => 1009,
            Self::Protocol => 4000,
            Self::Unauthenticated => 4001,
            Self::Forbidden => 4003,
            Self::Revoked => 4004,
            Self::Draining => 4101,
            Self::Overloaded => 4102,
            Self::Slow => 4108,
            Self::TooManySockets => 4109,
            Self::TokenExpired => 4200,
        }
    }

    /// A few words for people.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::GoingAway => "going away",
            Self::TooBig => "message too big",
            Self::Protocol => "not a message",
            Self::Unauthenticated => "not authenticated",
            Self::Forbidden => "forbidden",
            Self::Revoked => "session revoked",
            Self::Draining => "shutting down",
            Self::Overloaded => "overloaded",
            Self::Slow => "reading too slowly",
            Self::TooManySockets => "too many sockets",
            Self::TokenExpired => "token expired",
        }
    }
}
