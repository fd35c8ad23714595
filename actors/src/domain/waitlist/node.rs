//! One node of the waitlist's tree. Knows tickets and summaries, nothing of the rules.

use std::sync::Arc;

use super::Waiting;
use crate::domain::ids::Ticket;
use crate::domain::rsvp_table::Slot;

const WAYS: usize = 16;
const BITS: u32 = WAYS.trailing_zeros();

/// What is known of a whole subtree without looking into it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Summary {
    pub(super) parties: u64,
    pub(super) spots: u64,
    pub(super) promoted: u64,
    /// Spots of the smallest waiting party, `u32::MAX` where nobody waits.
    smallest: u32,
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            parties: 0,
            spots: 0,
            promoted: 0,
            smallest: u32::MAX,
        }
    }
}

impl Summary {
    fn add(&mut self, other: &Self) {
        self.parties += other.parties;
        self.spots += other.spots;
        self.promoted += other.promoted;
        self.smallest = self.smallest.min(other.smallest);
    }

    fn is_empty(&self) -> bool {
        self.parties == 0 && self.promoted == 0
    }
}

/// What became of one ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// Never entered the waitlist, left it, or no longer matters.
    #[default]
    Empty,
    Waiting {
        spots: u32,
        lead: Slot,
    },
    /// Promoted by the scan while somebody earlier waited.
    Promoted,
}

impl Place {
    fn summary(self) -> Summary {
        match self {
            Self::Empty => Summary::default(),
            Self::Waiting { spots, .. } => Summary {
                parties: 1,
                spots: u64::from(spots),
                promoted: 0,
                smallest: spots,
            },
            Self::Promoted => Summary {
                promoted: 1,
                ..Summary::default()
            },
        }
    }
}

/// A subtree: sixteen tickets, or sixteen subtrees.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Leaf(Arc<[Place; WAYS]>),
    Branch(Arc<Branch>),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Branch {
    total: Summary,
    summaries: [Summary; WAYS],
    children: [Option<Node>; WAYS],
}

/// One more than the highest ticket that a tree of this height can hold.
pub(super) fn reach(height: u32) -> u64 {
    1_u64.checked_shl(BITS * height).unwrap_or(u64::MAX)
}

/// The height of the smallest tree that holds `ticket`.
pub(super) fn height_for(ticket: u64) -> u32 {
    (1..)
        .find(|&height| ticket < reach(height))
        .expect("every ticket fits below some height")
}

/// The child of a node at `height` in which `ticket` lies.
fn way(height: u32, ticket: u64) -> usize {
    (ticket >> (BITS * (height - 1))) as usize % WAYS
}

impl Node {
    pub(super) fn empty(height: u32) -> Self {
        if height == 1 {
            Self::Leaf(Arc::default())
        } else {
            Self::Branch(Arc::default())
        }
    }

    /// A node one level higher, with `child` as its first.
    pub(super) fn above(child: Self) -> Self {
        let mut branch = Branch {
            total: child.summary(),
            ..Branch::default()
        };
        branch.summaries[0] = branch.total;
        branch.children[0] = Some(child);
        Self::Branch(Arc::new(branch))
    }

    pub(super) fn summary(&self) -> Summary {
        match self {
            Self::Leaf(places) => sum(places.iter().map(|place| place.summary())),
            Self::Branch(branch) => branch.total,
        }
    }

    /// The summary of everything with a ticket below `ticket`, which lies within this node.
    pub(super) fn before(&self, height: u32, ticket: u64) -> Summary {
        let way = way(height, ticket);
        match self {
            Self::Leaf(places) => sum(places[..way].iter().map(|place| place.summary())),
            Self::Branch(branch) => {
                let mut before = match &branch.children[way] {
                    Some(child) => child.before(height - 1, ticket),
                    None => Summary::default(),
                };
                branch.summaries[..way]
                    .iter()
                    .for_each(|summary| before.add(summary));
                before
            }
        }
    }

    pub(super) fn first_fitting(&self, height: u32, from: u64, spots: u32) -> Option<Waiting> {
        let start = way(height, from);
        match self {
            Self::Leaf(places) => {
                places
                    .iter()
                    .enumerate()
                    .skip(start)
                    .find_map(|(way, place)| match *place {
                        Place::Waiting { spots: needs, lead } if needs <= spots => {
                            let ticket = Ticket(from - from % WAYS as u64 + way as u64);
                            Some(Waiting {
                                ticket,
                                spots: needs,
                                lead,
                            })
                        }
                        _ => None,
                    })
            }
            Self::Branch(branch) => {
                let width = reach(height - 1);
                let base = from - from % reach(height);
                (start..WAYS)
                    .filter(|&way| {
                        branch.summaries[way].parties > 0 && branch.summaries[way].smallest <= spots
                    })
                    .find_map(|way| {
                        let from = from.max(base + way as u64 * width);
                        branch.children[way]
                            .as_ref()?
                            .first_fitting(height - 1, from, spots)
                    })
            }
        }
    }

    /// The ticket, relative to this node, of the party with `ahead` others before it in this node. There must
    /// be one.
    pub(super) fn nth(&self, height: u32, mut ahead: u64) -> u64 {
        let absent = "there are more parties than are to be skipped";
        match self {
            Self::Leaf(places) => {
                let mut waiting = (0..)
                    .zip(places.iter())
                    .filter(|(_, place)| matches!(place, Place::Waiting { .. }));
                waiting.nth(ahead as usize).expect(absent).0
            }
            Self::Branch(branch) => {
                for (way, summary) in branch.summaries.iter().enumerate() {
                    if ahead < summary.parties {
                        let child = branch.children[way]
                            .as_ref()
                            .expect("whoever waits is below a child");
                        return way as u64 * reach(height - 1) + child.nth(height - 1, ahead);
                    }
                    ahead -= summary.parties;
                }
                unreachable!("{absent}")
            }
        }
    }

    pub(super) fn collect_promoted(&self, height: u32, base: u64, tickets: &mut Vec<Ticket>) {
        match self {
            Self::Leaf(places) => tickets.extend(
                (base..)
                    .zip(places.iter())
                    .filter(|(_, place)| **place == Place::Promoted)
                    .map(|(t, _)| Ticket(t)),
            ),
            Self::Branch(branch) => {
                for (way, child) in branch.children.iter().enumerate() {
                    if let Some(child) = child.as_ref().filter(|_| branch.summaries[way].promoted > 0) {
                        child.collect_promoted(height - 1, base + way as u64 * reach(height - 1), tickets);
                    }
                }
            }
        }
    }

    /// Sets what became of `ticket` and returns the new summary of this node.
    fn set(&mut self, height: u32, ticket: u64, place: Place) -> Summary {
        let way = way(height, ticket);
        match self {
            Self::Leaf(places) => {
                Arc::make_mut(places)[way] = place;
                self.summary()
            }
            Self::Branch(branch) => {
                let branch = Arc::make_mut(branch);
                let child = branch.children[way].get_or_insert_with(|| Self::empty(height - 1));
                let summary = child.set(height - 1, ticket, place);
                branch.settle(way, summary)
            }
        }
    }

    /// Drops everything below `ticket`. Whoever calls this knows that nobody waits there.
    fn forget_before(&mut self, height: u32, ticket: u64) -> Summary {
        let way = way(height, ticket);
        match self {
            Self::Leaf(places) => {
                Arc::make_mut(places)[..way].fill(Place::Empty);
                self.summary()
            }
            Self::Branch(branch) => {
                let branch = Arc::make_mut(branch);
                for earlier in 0..way {
                    branch.children[earlier] = None;
                    branch.summaries[earlier] = Summary::default();
                }
                let child = branch.children[way]
                    .as_mut()
                    .expect("the first who waits is below this child");
                let summary = child.forget_before(height - 1, ticket);
                branch.settle(way, summary)
            }
        }
    }
}

impl Branch {
    /// Takes over the new summary of one child, drops the child if nothing is left of it, and returns the new
    /// total.
    fn settle(&mut self, way: usize, summary: Summary) -> Summary {
        if summary.is_empty() {
            self.children[way] = None;
        }
        self.summaries[way] = summary;
        self.total = sum(self.summaries.iter().copied());
        self.total
    }
}

/// The root of a tree together with its height, for changing it.
pub(super) struct Cursor<'a> {
    root: &'a mut Node,
    height: u32,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(root: &'a mut Node, height: u32) -> Self {
        Self { root, height }
    }

    pub(super) fn set_waiting(self, party: Waiting) {
        let Waiting { ticket, spots, lead } = party;
        self.root
            .set(self.height, ticket.0, Place::Waiting { spots, lead });
    }

    pub(super) fn set_promoted(self, ticket: Ticket) {
        self.root.set(self.height, ticket.0, Place::Promoted);
    }

    pub(super) fn clear(self, ticket: Ticket) {
        self.root.set(self.height, ticket.0, Place::Empty);
    }

    pub(super) fn forget_before(self, ticket: Ticket) {
        self.root.forget_before(self.height, ticket.0);
    }
}

fn sum(summaries: impl Iterator<Item = Summary>) -> Summary {
    summaries.fold(Summary::default(), |mut total, summary| {
        total.add(&summary);
        total
    })
}
