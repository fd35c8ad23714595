//! Whoever waits can follow its place by the moves of the line alone, however many commits they span.

use std::collections::HashMap;

use proptest::prop_assert_eq;
use turnout_actors::domain::{Activity, Ahead, Difference, RsvpId, Seq, Ticket};

use super::same::Checked;

/// What waiting clients know of their places, by RSVP, kept up by the moves alone.
#[derive(Debug, Default)]
pub struct Followers(HashMap<RsvpId, Place>);

#[derive(Clone, Copy, Debug)]
struct Place {
    ticket: Ticket,
    /// As of this event.
    seq: Seq,
    ahead: Ahead,
}

impl Followers {
    /// Each member of a waiting party knows where it is after this difference.
    pub fn follow(&mut self, activity: &Activity, difference: &Difference) -> Checked {
        let cancelled = difference.after.cancelled_at.is_some();
        for answered in activity.rsvps() {
            let rsvp = &answered.rsvp;
            let Some(ahead) = answered.ahead.filter(|_| !cancelled) else {
                self.0.remove(&rsvp.id);
                continue;
            };
            let known = self.0.get(&rsvp.id).filter(|known| known.ticket == rsvp.ticket);
            if let Some(known) = known {
                prop_assert_eq!(known.moved(difference), ahead);
            }
            let place = Place {
                ticket: rsvp.ticket,
                seq: difference.seq(),
                ahead,
            };
            self.0.insert(rsvp.id, place);
        }
        Ok(())
    }
}

impl Place {
    fn moved(&self, difference: &Difference) -> Ahead {
        let (moves, mut ahead) = (&difference.moves, self.ahead);
        let counts = |ticket: Ticket, seq: Seq| ticket < self.ticket && seq > self.seq;
        for (_, spots, _) in moves.joined.iter().filter(|entry| counts(entry.0, entry.2)) {
            ahead.parties += 1;
            ahead.spots += u64::from(*spots);
        }
        for (_, delta, _) in moves.resized.iter().filter(|entry| counts(entry.0, entry.2)) {
            let spots = ahead.spots.checked_add_signed(*delta);
            ahead.spots = spots.expect("spots ahead stay positive");
        }
        for (_, spots, _) in moves.left.iter().filter(|entry| counts(entry.0, entry.2)) {
            ahead.parties -= 1;
            ahead.spots -= u64::from(*spots);
        }
        ahead
    }
}
