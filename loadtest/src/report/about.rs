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
            Self::Steady { .. } => {
                "Requests came at a steady rate, whatever was answered: people who looked at the activity, at their own \
                 RSVP and at who comes, and in between people who booked or cancelled. Each latency counts from the \
                 moment when the request should have been sent."
            }
            Self::Many { .. } => {
                "As many people booked once each, on very many activities in turn or on one alone, in alternating rounds \
                 of the same run: what does it cost that work is spread?"
            }
            Self::Growth { .. } => {
                "One activity grew to very many RSVPs. Windows of RSVPs around its full size alternated with windows on \
                 small activities: does an RSVP cost more when there are many already, and what does it take in memory?"
            }
            Self::Cold { .. } => {
                "Large activities were filled, the server was stopped and started again, and the first command was \
                 timed: it waits until the activity, with its keys, is in memory."
            }
            Self::Soak { .. } => {
                "People reserved and cancelled for a long time at a rate below the peak, on one activity after the \
                 other: does memory grow, do answers become slower, is anything lost?"
            }
            Self::Overload { .. } => {
                "More people came than the server can serve. Whoever was sent away came again when told to, until their \
                 patience was over. How much work was still done, how fast were people sent away, and how soon was all \
                 as before?"
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
            Self::Steady { .. } | Self::Overload { .. } => true,
            Self::Growth { .. } | Self::Cold { .. } | Self::Many { .. } | Self::Soak { .. } => false,
            Self::Replay { .. } => false,
        }
    }
}
