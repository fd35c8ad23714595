//! Who is compared, and what they are called.

use serde::{Serialize, Serializer};

/// A design of the baselines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Design {
    /// `SELECT … FOR UPDATE`, three writes, one transaction.
    RowLock,
    /// The same with its writes in one statement.
    RowLockJoined,
    /// One conditional statement.
    Conditional,
    /// A version that must not have changed, and tries.
    Optimistic,
    /// Seats in Redis, RSVPs in Postgres.
    RedisCounter,
}

impl Design {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::RowLock,
        Self::RowLockJoined,
        Self::Conditional,
        Self::Optimistic,
        Self::RedisCounter,
    ];

    /// In a few words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RowLock => "row lock",
            Self::RowLockJoined => "row lock, writes joined",
            Self::Conditional => "conditional update",
            Self::Optimistic => "optimistic version",
            Self::RedisCounter => "Redis counter",
        }
    }

    /// How the program of the baselines is told.
    pub(super) const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::RowLock => &["row-lock"],
            Self::RowLockJoined => &["row-lock", "--joined"],
            Self::Conditional => &["conditional"],
            Self::Optimistic => &["optimistic"],
            Self::RedisCounter => &["redis-counter"],
        }
    }
}

/// What is measured in each round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Contender {
    /// A handler that answers a constant.
    Bare,
    /// Reads of a live activity of Turnout.
    Reads,
    /// Turnout over REST on Postgres.
    RestPostgres,
    /// Turnout over WebSockets on Postgres.
    WsPostgres,
    /// Turnout over REST on SQLite, synchronous.
    RestSqlite,
    /// A design at its best pool.
    Design(Design),
    /// Batches straight into Postgres.
    Straight,
    /// Batches through Turnout's journal on Postgres.
    CommitterPostgres,
    /// The same on SQLite.
    CommitterSqlite,
    /// Turnout's engine on Postgres without a network.
    Engine,
    /// A bare actor.
    Actor,
}

impl Contender {
    /// All of them, in the order of odd rounds.
    pub fn all() -> Vec<Self> {
        let mut all = vec![
            Self::Bare,
            Self::Reads,
            Self::RestPostgres,
            Self::WsPostgres,
            Self::RestSqlite,
        ];
        all.extend(Design::ALL.map(Self::Design));
        all.extend([
            Self::Straight,
            Self::CommitterPostgres,
            Self::CommitterSqlite,
            Self::Engine,
            Self::Actor,
        ]);
        all
    }

    /// Whether what it answered is judged: it sells seats.
    pub(crate) const fn is_judged(self) -> bool {
        matches!(
            self,
            Self::RestPostgres | Self::WsPostgres | Self::RestSqlite | Self::Design(_)
        )
    }

    /// Whether it is Turnout that is judged, which must be clean.
    pub(crate) const fn is_turnout(self) -> bool {
        matches!(self, Self::RestPostgres | Self::WsPostgres | Self::RestSqlite)
    }

    /// In a few words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare handler",
            Self::Reads => "Turnout, reads",
            Self::RestPostgres => "Turnout, REST",
            Self::WsPostgres => "Turnout, WebSocket",
            Self::RestSqlite => "Turnout, REST, SQLite",
            Self::Design(design) => design.name(),
            Self::Straight => "straight into Postgres",
            Self::CommitterPostgres => "Turnout's journal",
            Self::CommitterSqlite => "Turnout's journal, SQLite",
            Self::Engine => "Turnout's engine",
            Self::Actor => "bare actor",
        }
    }
}

impl Serialize for Design {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Serialize for Contender {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
