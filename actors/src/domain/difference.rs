//! What changed between two committed states of one activity, for those who watch it.

use super::draft::Moves;
use super::ids::Seq;
use super::overview::Overview;

/// The way from one committed state to a later one. Differences of neighbouring ranges merge into one that
/// leads from the first state to the last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The state that it leads from.
    pub before: Overview,
    /// The state that it leads to.
    pub after: Overview,
    /// How the waitlist moved in between.
    pub moves: Moves,
}

impl Difference {
    /// The last event of the state that it leads from.
    pub fn prev(&self) -> Seq {
        self.before.counts.seq
    }

    /// The last event of the state that it leads to.
    pub fn seq(&self) -> Seq {
        self.after.counts.seq
    }

    /// One difference for this range and the one that follows it.
    #[must_use]
    pub fn then(mut self, next: &Self) -> Self {
        assert!(self.seq() == next.prev(), "only neighbouring ranges merge");
        self.after = next.after.clone();
        self.moves.left.extend_from_slice(&next.moves.left);
        self.moves.resized.extend_from_slice(&next.moves.resized);
        self.moves.joined.extend_from_slice(&next.moves.joined);
        self
    }

    /// About how many bytes it takes, for bounding what is kept.
    pub fn weight_bytes(&self) -> usize {
        let moves = self.moves.left.len() + self.moves.resized.len() + self.moves.joined.len();
        // Settings that did not change are those of the difference before.
        let settings = if self.before.settings == self.after.settings {
            0
        } else {
            self.after.settings.weight_bytes()
        };
        size_of::<Self>() + moves * 24 + settings
    }
}
