//! Who belongs to a party: those who came together, have one ticket and still stand.

use super::ids::GroupId;
use super::rsvp::Rsvp;
use super::rsvp_table::Slot;

/// The members of the party of the RSVP in `slot`, itself included if it still stands, in the order in which they are
/// told: that of their persons, which no restart changes. `listed` are those who ever belonged to a group.
pub(super) fn members<'a, L: Iterator<Item = Slot>>(
    slot: Slot,
    row: impl Fn(Slot) -> &'a Rsvp,
    listed: impl FnOnce(GroupId) -> L,
) -> Vec<Slot> {
    let one = row(slot);
    let Some(group) = one.group() else {
        return vec![slot];
    };
    let belongs = |member: &Slot| {
        let other = row(*member);
        other.group() == Some(group) && other.ticket == one.ticket && other.status.is_live()
    };
    let mut members: Vec<Slot> = listed(group).filter(belongs).collect();
    members.sort_unstable_by(|one, other| row(*one).person.cmp(&row(*other).person));
    members.dedup();
    members
}
