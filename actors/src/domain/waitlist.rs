//! The waiting parties of one activity, by ticket.
//!
//! A radix tree over tickets, sixteen ways per level. Each branch keeps of every child how many parties and
//! spots wait below it, the size of the smallest party there, and how many tickets below it the scan has
//! promoted. So entering, leaving, "how many are ahead of me", "who is next that fits" and "how often was this
//! party passed" are all O(log n), and the shape depends on the tickets alone, never on the order of changes.
//!
//! The tree is persistent: a clone costs one reference count, and a change copies the path it touches only
//! while somebody else still holds the old version. A batch therefore works on a waitlist of its own while
//! readers keep the committed one.
//!
//! Of promoted tickets only those later than the first waiting party are kept, because no others can have
//! passed anybody. The design is that of an order-statistic tree (Cormen et al., *Introduction to Algorithms*,
//! ch. 14 "Augmenting data structures") on a trie, with path copying after Driscoll et al., *Making data
//! structures persistent* (1989).

mod node;

use self::node::{Node, Summary};
use super::ids::Ticket;
use super::rsvp_table::Slot;

/// One party that waits: one ticket, one or more RSVPs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// Its place in the order of arrival.
    pub ticket: Ticket,
    /// The spots that it needs together, at least 1.
    pub spots: u32,
    /// The RSVP that leads the party; a group's other members are found through it.
    pub lead: Slot,
}

/// Who is ahead of a party.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ahead {
    /// Waiting parties with an earlier ticket.
    pub parties: u64,
    /// Their spots together.
    pub spots: u64,
}

/// The waiting parties, ordered by ticket.
#[derive(Clone, Debug, Default)]
pub struct Waitlist {
    /// `None` exactly when nobody waits.
    root: Option<Node>,
    /// Levels of the tree; it covers tickets below `16^height`.
    height: u32,
}

impl Waitlist {
    /// How many parties wait.
    pub fn parties(&self) -> u64 {
        self.summary().parties
    }

    /// How many spots they need together.
    pub fn spots(&self) -> u64 {
        self.summary().spots
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// The party with the earliest ticket.
    pub fn first(&self) -> Option<Waiting> {
        self.first_fitting(Ticket(0), u32::MAX)
    }

    /// The first party at or after ticket `from` that needs at most `spots`.
    pub fn first_fitting(&self, from: Ticket, spots: u32) -> Option<Waiting> {
        if from.0 >= self.reach() {
            return None;
        }
        self.root.as_ref()?.first_fitting(self.height, from.0, spots)
    }

    /// The waiting party with this ticket.
    pub fn party(&self, ticket: Ticket) -> Option<Waiting> {
        self.first_fitting(ticket, u32::MAX)
            .filter(|party| party.ticket == ticket)
    }

    /// The party with `ahead` others ahead of it.
    pub fn nth(&self, ahead: u64) -> Option<Waiting> {
        if ahead >= self.parties() {
            return None;
        }
        let ticket = self.root.as_ref()?.nth(self.height, ahead);
        self.party(Ticket(ticket))
    }

    /// Who waits ahead of `ticket`, whether or not that ticket waits itself.
    pub fn ahead(&self, ticket: Ticket) -> Ahead {
        let before = self.before(ticket.0);
        Ahead {
            parties: before.parties,
            spots: before.spots,
        }
    }

    /// How many tickets later than `ticket` the scan promoted: how often a party with this ticket was passed.
    /// Meant for waiting tickets; for one that is earlier than all who wait the answer may be too low.
    pub fn passed(&self, ticket: Ticket) -> u64 {
        self.summary().promoted - self.before(ticket.0.saturating_add(1)).promoted
    }

    /// The waiting parties in order, from ticket `from` on.
    pub fn iter_from(&self, from: Ticket) -> impl Iterator<Item = Waiting> + '_ {
        let mut next = from;
        std::iter::from_fn(move || {
            let party = self.first_fitting(next, u32::MAX)?;
            next = party.ticket.next();
            Some(party)
        })
    }

    /// The scan-promoted tickets that still count, in order.
    pub fn promoted_tickets(&self) -> Vec<Ticket> {
        let mut tickets = Vec::new();
        if let Some(root) = &self.root {
            root.collect_promoted(self.height, 0, &mut tickets);
        }
        tickets
    }

    /// A party enters. Its ticket must be later than all others, and it must need at least one spot.
    pub fn enter(&mut self, party: Waiting) {
        assert!(party.spots > 0, "a party needs at least one spot");
        self.cover(party.ticket);
        self.root_mut().set_waiting(party);
    }

    /// A waiting party needs a different number of spots from now on and keeps its place. Returns how many it
    /// needed before.
    pub fn resize(&mut self, ticket: Ticket, spots: u32) -> u32 {
        let before = self.party(ticket).expect("only a waiting party is resized");
        assert!(spots > 0, "a party needs at least one spot");
        self.root_mut().set_waiting(Waiting { spots, ..before });
        before.spots
    }

    /// A waiting party is found through another of its members from now on.
    pub fn hand_over(&mut self, ticket: Ticket, lead: Slot) {
        let party = self.party(ticket).expect("only a waiting party is led");
        self.root_mut().set_waiting(Waiting { lead, ..party });
    }

    /// A party leaves without having been promoted by the scan.
    pub fn leave(&mut self, ticket: Ticket) -> Waiting {
        let party = self.party(ticket).expect("only a waiting party leaves");
        self.root_mut().clear(ticket);
        self.forget();
        party
    }

    /// The scan promotes a waiting party: it leaves, and whoever is ahead was passed once more.
    pub fn promote(&mut self, ticket: Ticket) -> Waiting {
        let party = self.party(ticket).expect("only a waiting party is promoted");
        self.root_mut().set_promoted(ticket);
        self.forget();
        party
    }

    /// The scan promoted a newcomer on arrival, past everybody who waits.
    pub fn pass(&mut self, ticket: Ticket) {
        if self.root.is_some() {
            self.cover(ticket);
            self.root_mut().set_promoted(ticket);
            self.forget();
        }
    }

    fn summary(&self) -> Summary {
        self.root.as_ref().map(Node::summary).unwrap_or_default()
    }

    fn before(&self, ticket: u64) -> Summary {
        match &self.root {
            Some(root) if ticket >= self.reach() => root.summary(),
            Some(root) => root.before(self.height, ticket),
            None => Summary::default(),
        }
    }

    /// Tickets below this number have a place in the tree as it is.
    fn reach(&self) -> u64 {
        node::reach(self.height)
    }

    fn root_mut(&mut self) -> node::Cursor<'_> {
        let height = self.height;
        node::Cursor::new(
            self.root.as_mut().expect("the tree was made to cover the ticket"),
            height,
        )
    }

    /// Makes the tree high enough for `ticket`.
    fn cover(&mut self, ticket: Ticket) {
        let Some(mut root) = self.root.take() else {
            self.height = node::height_for(ticket.0);
            self.root = Some(Node::empty(self.height));
            return;
        };
        while ticket.0 >= self.reach() {
            root = Node::above(root);
            self.height += 1;
        }
        self.root = Some(root);
    }

    /// Drops what can no longer matter: promoted tickets before the first who waits, and everything when
    /// nobody waits. Each mark is dropped once, so this is O(log n) per change.
    fn forget(&mut self) {
        match self.first() {
            None => *self = Self::default(),
            Some(first) => {
                let summary = self.summary();
                if summary.promoted > 0 && self.before(first.ticket.0).promoted > 0 {
                    self.root_mut().forget_before(first.ticket);
                }
            }
        }
    }
}

impl PartialEq for Waitlist {
    /// Equal when the same parties wait and each was passed equally often. Through which of its members a party is
    /// found does not matter.
    fn eq(&self, other: &Self) -> bool {
        let parties = |list: &Self| -> Vec<(Ticket, u32)> {
            let waiting = list.iter_from(Ticket(0));
            waiting.map(|party| (party.ticket, party.spots)).collect()
        };
        parties(self) == parties(other) && self.promoted_tickets() == other.promoted_tickets()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    /// The same as plain sets, without any idea of a tree.
    #[derive(Default)]
    struct Plain {
        waiting: BTreeMap<u64, (u32, Slot)>,
        promoted: BTreeSet<u64>,
    }

    impl Plain {
        fn forget(&mut self) {
            match self.waiting.keys().next() {
                None => self.promoted.clear(),
                Some(&first) => self.promoted.retain(|&ticket| ticket > first),
            }
        }
    }

    fn party(ticket: u64, spots: u32) -> Waiting {
        Waiting {
            ticket: Ticket(ticket),
            spots,
            lead: Slot(ticket as u32),
        }
    }

    #[test]
    fn an_empty_waitlist_has_nobody_ahead_of_anybody() {
        let list = Waitlist::default();
        assert!(list.is_empty());
        assert_eq!(list.ahead(Ticket(7)), Ahead::default());
        assert_eq!(list.first(), None);
        assert_eq!(list.passed(Ticket(1)), 0);
    }

    #[test]
    fn the_next_that_fits_is_found_behind_larger_parties() {
        let mut list = Waitlist::default();
        for ticket in 1..=1_000 {
            list.enter(party(ticket, if ticket == 777 { 2 } else { 4 }));
        }
        assert_eq!(list.first_fitting(Ticket(0), 3), Some(party(777, 2)));
        assert_eq!(list.first_fitting(Ticket(778), 3), None);
        assert_eq!(list.first_fitting(Ticket(778), 4), Some(party(778, 4)));
    }

    #[test]
    fn a_clone_keeps_what_it_saw_while_the_original_changes() {
        let mut list = Waitlist::default();
        (1..=100).for_each(|ticket| list.enter(party(ticket, 1)));
        let seen = list.clone();
        (1..=50).for_each(|ticket| {
            list.promote(Ticket(ticket));
        });
        assert_eq!(seen.parties(), 100);
        assert_eq!(
            seen.ahead(Ticket(51)),
            Ahead {
                parties: 50,
                spots: 50
            }
        );
        assert_eq!(list.ahead(Ticket(51)), Ahead::default());
    }

    #[test]
    fn lists_are_equal_whichever_member_leads_a_party() {
        let mut list = Waitlist::default();
        list.enter(party(1, 2));
        let mut other = list.clone();
        other.hand_over(Ticket(1), Slot(7));
        assert_eq!(list, other);
        other.resize(Ticket(1), 3);
        assert_ne!(list, other);
    }

    #[test]
    fn a_promoted_ticket_counts_as_long_as_somebody_earlier_waits() {
        let mut list = Waitlist::default();
        (1..=3).for_each(|ticket| list.enter(party(ticket, ticket as u32)));
        list.promote(Ticket(2));
        list.pass(Ticket(4));
        assert_eq!(list.passed(Ticket(1)), 2);
        assert_eq!(list.passed(Ticket(3)), 1);
        list.leave(Ticket(1));
        assert_eq!(
            list.promoted_tickets(),
            [Ticket(4)],
            "ticket 2 passed nobody who still waits"
        );
    }

    #[derive(Clone, Debug)]
    enum Step {
        Enter(u32, u64),
        Pass(u64),
        Leave(prop::sample::Index),
        Promote(prop::sample::Index),
        Resize(prop::sample::Index, u32),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            6 => (1..9u32, 1..40u64).prop_map(|(spots, gap)| Step::Enter(spots, gap)),
            1 => (1..40u64).prop_map(Step::Pass),
            2 => any::<prop::sample::Index>().prop_map(Step::Leave),
            3 => any::<prop::sample::Index>().prop_map(Step::Promote),
            1 => (any::<prop::sample::Index>(), 1..9u32).prop_map(|(who, spots)| Step::Resize(who, spots)),
        ];
        prop::collection::vec(step, 1..300)
    }

    proptest! {
        #[test]
        fn it_answers_like_plain_sets(steps in steps(), ask in any::<prop::sample::Index>()) {
            let (mut list, mut plain, mut last) = (Waitlist::default(), Plain::default(), 0);
            for step in steps {
                let before = list.clone();
                let seen: Vec<_> = before.iter_from(Ticket(0)).collect();
                let waiting: Vec<u64> = plain.waiting.keys().copied().collect();
                match step {
                    Step::Enter(spots, gap) => {
                        last += gap;
                        list.enter(party(last, spots));
                        plain.waiting.insert(last, (spots, Slot(last as u32)));
                    }
                    Step::Pass(gap) => {
                        last += gap;
                        list.pass(Ticket(last));
                        plain.promoted.insert(last);
                    }
                    Step::Leave(who) if !waiting.is_empty() => {
                        let ticket = *who.get(&waiting);
                        list.leave(Ticket(ticket));
                        plain.waiting.remove(&ticket);
                    }
                    Step::Promote(who) if !waiting.is_empty() => {
                        let ticket = *who.get(&waiting);
                        list.promote(Ticket(ticket));
                        plain.waiting.remove(&ticket);
                        plain.promoted.insert(ticket);
                    }
                    Step::Resize(who, spots) if !waiting.is_empty() => {
                        let ticket = *who.get(&waiting);
                        list.resize(Ticket(ticket), spots);
                        plain.waiting.insert(ticket, (spots, Slot(ticket as u32)));
                    }
                    _ => {}
                }
                plain.forget();
                let asked = Ticket(ask.index(last as usize + 2) as u64);
                prop_assert_eq!(list.parties(), plain.waiting.len() as u64);
                prop_assert_eq!(list.spots(), plain.waiting.values().map(|p| u64::from(p.0)).sum::<u64>());
                let ahead: Vec<_> = plain.waiting.range(..asked.0).map(|(_, p)| u64::from(p.0)).collect();
                prop_assert_eq!(list.ahead(asked), Ahead { parties: ahead.len() as u64, spots: ahead.iter().sum() });
                for fits in [1, 3, 8] {
                    let next = plain.waiting.range(asked.0..).find(|(_, p)| p.0 <= fits).map(|(&t, _)| Ticket(t));
                    prop_assert_eq!(list.first_fitting(asked, fits).map(|p| p.ticket), next);
                }
                if let Some(first) = list.first() {
                    prop_assert_eq!(list.passed(first.ticket), plain.promoted.range(first.ticket.0..).count() as u64);
                }
                for (ahead, &ticket) in (0..).zip(plain.waiting.keys()) {
                    prop_assert_eq!(list.nth(ahead).map(|p| p.ticket.0), Some(ticket));
                }
                prop_assert_eq!(list.nth(list.parties()), None);
                let marks: Vec<_> = plain.promoted.iter().copied().map(Ticket).collect();
                prop_assert_eq!(list.promoted_tickets(), marks);
                prop_assert_eq!(before.iter_from(Ticket(0)).collect::<Vec<_>>(), seen);
            }
        }
    }
}
