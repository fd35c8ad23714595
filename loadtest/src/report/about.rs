//! What each kind of run is for, in words for whoever was not there.

use super::AskedKind;

impl AskedKind {
    /// What happened, and what it is to show.
    pub(super) fn about(&self) -> &'static str {
        match self {
            Self::Burst { .. } => {
                "Many people wanted few seats of one activity at the same moment, each with a command of their own; some \
                 gave theirs back. Whoever found no seat waited in line. All were answered, everything was read back, and \
                 a plain model of the rules judged it."
            }
            Self::Rules { .. } => {
                "Guests, groups, offers, transfers and a host at work, all at once, judged by a plain model of the rules."
            }
            Self::Cancellation { .. } => {
                "Bursts on one activity, alone and while another one with very many RSVPs was cancelled: whoever has \
                 nothing to do with it should not notice."
            }
            Self::Alternate { .. } => {
                "Everybody reserved and cancelled in turn, one command in flight each, for a time: what a way to put \
                 commands can carry. Each round has an activity of its own, which is read back and judged."
            }
            Self::Fanout { .. } => {
                "Many followed activities over WebSockets while people reserved and cancelled at a steady rate: how soon \
                 does everybody hear of it?"
            }
            Self::Reconnect { .. } => {
                "Many followed an activity, the server was killed and started again, and all came back at once."
            }
            Self::Replay { .. } => {
                "A history of many events was replayed, each in its own order, and judged."
            }
        }
    }

    /// Whether the counts beside answers are those of one activity at a time.
    pub(super) fn is_about_one_activity(&self) -> bool {
        match self {
            Self::Burst { .. } | Self::Rules { .. } | Self::Alternate { .. } | Self::Reconnect { .. } => true,
            Self::Cancellation { .. } => true,
            Self::Fanout { activities, .. } => *activities == 1,
            Self::Replay { .. } => false,
        }
    }
}
