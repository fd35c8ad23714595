//! Who waits, by ticket, and how many are ahead of whom: sums over tickets in a binary indexed tree.

use std::collections::BTreeMap;

pub(super) struct Line {
    /// RSVPs and spots by ticket: those of one party share theirs.
    waiting: BTreeMap<i64, (i64, i64)>,
    /// Parties and spots of a range of tickets that ends here.
    sums: Vec<(i64, i64)>,
}

impl Line {
    /// An empty line for tickets from 1 up to the last.
    pub(super) fn up_to(last: usize) -> Self {
        Self {
            waiting: BTreeMap::new(),
            sums: vec![(0, 0); last + 1],
        }
    }

    /// An RSVP joins the party with this ticket, which begins with it if there is none.
    pub(super) fn enter(&mut self, ticket: i64, spots: i64) {
        let party = self.waiting.entry(ticket).or_default();
        *party = (party.0 + 1, party.1 + spots);
        let parties = i64::from(party.0 == 1);
        self.add(ticket, parties, spots);
    }

    /// An RSVP leaves the party with this ticket, which ends with the last.
    pub(super) fn leave(&mut self, ticket: i64, spots: i64) {
        let Some(party) = self.waiting.get_mut(&ticket) else {
            return;
        };
        *party = (party.0 - 1, party.1 - spots);
        let is_last = party.0 == 0;
        if is_last {
            self.waiting.remove(&ticket);
        }
        self.add(ticket, -i64::from(is_last), -spots);
    }

    /// The first ticket, and the spots of its party.
    pub(super) fn first(&self) -> Option<(i64, i64)> {
        let (ticket, (_, spots)) = self.waiting.first_key_value()?;
        Some((*ticket, *spots))
    }

    /// Parties and spots that wait with earlier tickets.
    pub(super) fn ahead(&self, ticket: i64) -> (i64, i64) {
        let mut sum = (0, 0);
        let mut at = usize::try_from(ticket - 1).unwrap_or(0).min(self.sums.len() - 1);
        while at > 0 {
            sum = (sum.0 + self.sums[at].0, sum.1 + self.sums[at].1);
            at &= at - 1;
        }
        sum
    }

    fn add(&mut self, ticket: i64, parties: i64, spots: i64) {
        let mut at = usize::try_from(ticket).unwrap_or(0);
        while at > 0 && at < self.sums.len() {
            self.sums[at].0 += parties;
            self.sums[at].1 += spots;
            at += at & at.wrapping_neg();
        }
    }
}
