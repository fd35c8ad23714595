//! What every journal must keep of groups, offers, transfers, check-ins and what the host does by hand.

use uuid::Uuid;

use super::reloaded;
use crate::domain::{
    Answer, CheckIn, Command, Email, GroupId, GroupMode, KeyUse, Person, Principal, Promote, Promotion,
    Reassign, Rejection, Reserve, ReserveGroup, RsvpId, Settings, Status, Target, Ticket, Timestamp, Told,
    Transfer,
};
use crate::ports::Journal;
use crate::testing::drive::{Drive, HOST, settings};

fn email(n: u128) -> Email {
    let text = format!("guest{n}@example.org");
    text.parse().expect("an address")
}

fn offering(capacity: u32) -> Settings {
    Settings {
        promotion: Promotion::Offer { ttl_s: 60 },
        ..settings(capacity)
    }
}

fn group(mode: GroupMode, members: &[(u128, u16)]) -> Command {
    let member = |(n, guest_count): &(u128, u16)| Reserve {
        fresh: RsvpId::from(Uuid::from_u128(0xABC_0000 + n)),
        person: Person::Guest(email(*n)),
        name: format!("Guest {n}").into(),
        guest_count: *guest_count,
        special_requirements: None,
    };
    Command::ReserveGroup(ReserveGroup {
        mode,
        members: members.iter().map(member).collect(),
        group: GroupId::from(Uuid::from_u128(0x6E0)),
    })
}

fn statuses(answer: &Answer) -> Vec<Status> {
    answer.told.iter().map(|answered| answered.rsvp.status).collect()
}

fn ids(answer: &Answer) -> Vec<RsvpId> {
    answer.told.iter().map(|answered| answered.rsvp.id).collect()
}

fn rsvp(answer: &Answer) -> RsvpId {
    answer.rsvp().expect("the command was about one").rsvp.id
}

pub(super) async fn a_waiting_group_is_one_party_again_after_loading(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(4)).await;
    drive.reserve(1, 1).expect("there is room");
    let waits = drive.order(2, group(GroupMode::All, &[(1, 0), (2, 1)]), None);
    assert_eq!(
        statuses(&waits.expect("there is a waitlist")),
        [Status::Waitlisted; 2]
    );
    drive.reserve(3, 0).expect("there is room past the group");
    drive.commit(journal).await;
    let mut loaded = reloaded(journal, &drive).await;
    let line = loaded.activity.waitlist();
    assert_eq!((line.parties(), line.spots(), line.passed(Ticket(2))), (1, 3, 1));
    loaded.cancel(1).expect("it is live");
    loaded.commit(journal).await;
    let counts = reloaded(journal, &loaded).await.activity.counts();
    assert_eq!((counts.confirmed_spots, counts.waitlisted_parties), (4, 0));
}

pub(super) async fn an_offer_is_loaded_again_with_its_end(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, offering(2)).await;
    drive.reserve(1, 1).expect("there is room");
    let party = drive.order(2, group(GroupMode::All, &[(1, 0), (2, 0)]), None);
    let party = ids(&party.expect("there is a waitlist"));
    drive.cancel(1).expect("it is live");
    drive.commit(journal).await;
    let mut loaded = reloaded(journal, &drive).await;
    let end = drive.now.plus_millis(60_000);
    assert_eq!(loaded.activity.next_offer_end(), Some(end));
    assert_eq!(loaded.activity.counts().offered_spots, 2);
    let accepted = loaded.order(2, Command::Accept(Target::Rsvp(party[0])), None);
    accepted.expect("the booker accepts for both");
    loaded.commit(journal).await;
    let loaded = reloaded(journal, &loaded).await;
    assert_eq!(loaded.activity.next_offer_end(), None);
    assert_eq!(loaded.activity.counts().confirmed_spots, 2);
}

pub(super) async fn offers_that_are_over_are_found(journal: &dyn Journal) {
    let mut drives = Vec::new();
    for activity in 1..=3 {
        let mut drive = Drive::create(journal, activity, offering(1)).await;
        drive.reserve(1, 0).expect("there is room");
        drive.reserve(2, 0).expect("there is a waitlist");
        drive.cancel(1).expect("it is live");
        drive.commit(journal).await;
        drives.push(drive);
    }
    let end = drives[0].now.plus_millis(60_000);
    let overdue = async |before: Timestamp, most| {
        let mut found = journal.overdue(before, most).await.expect("looking works");
        found.sort();
        found
    };
    assert_eq!(overdue(end, 9).await, [], "an offer is not over at its end");
    let later = end.plus_millis(1_000);
    let all: Vec<_> = drives.iter().map(|drive| drive.activity.id()).collect();
    assert_eq!(overdue(later, 9).await, all);
    assert_eq!(overdue(later, 2).await.len(), 2);
    let [accepts, ends, _] = &mut drives[..] else {
        unreachable!("there are three")
    };
    accepts
        .order(2, Command::Accept(Target::Own), None)
        .expect("in time");
    accepts.commit(journal).await;
    ends.order(HOST, Command::CancelActivity, None)
        .expect("it is the host's");
    ends.commit(journal).await;
    assert_eq!(overdue(later, 9).await, [all[2]]);
}

pub(super) async fn what_the_host_promotes_by_hand_has_passed_nobody_after_loading(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(3)).await;
    drive.reserve(1, 1).expect("there is room");
    drive.reserve(2, 1).expect("it waits for two");
    let third = Settings::clone(&drive.activity.head().settings);
    assert_eq!(third.patience, 3);
    let hold = crate::domain::SettingsChange {
        waitlist_paused: Some(true),
        ..Default::default()
    };
    drive.change(hold).expect("it is valid");
    let third = rsvp(&drive.reserve(3, 0).expect("it waits, too"));
    let by_hand = Command::Reassign(Reassign {
        remove: Vec::new(),
        promote: Promote::These(vec![third]),
    });
    let promoted = drive.order(HOST, by_hand, None).expect("there is room");
    assert_eq!(statuses(&promoted), [Status::Confirmed]);
    drive.commit(journal).await;
    let loaded = reloaded(journal, &drive).await;
    assert_eq!(loaded.activity.waitlist().passed(Ticket(2)), 0);
}

pub(super) async fn whoever_took_over_a_place_has_passed_nobody_after_loading(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(3)).await;
    drive.reserve(1, 1).expect("there is room");
    drive.reserve(2, 1).expect("it waits for two");
    drive.reserve(3, 0).expect("it passes the second");
    let to = |n| {
        Command::Transfer(Transfer {
            target: Target::Own,
            to: email(n),
            name: "Somebody else".into(),
            fresh: RsvpId::from(Uuid::from_u128(0xFEE_0000 + n)),
        })
    };
    let seat = drive.order(3, to(3), None).expect("in time");
    assert_eq!(seat.told.iter().count(), 2);
    drive.order(2, to(2), None).expect("in time");
    drive.commit(journal).await;
    let loaded = reloaded(journal, &drive).await;
    let line = loaded.activity.waitlist();
    assert_eq!((line.parties(), line.passed(Ticket(2))), (1, 1));
    let heir = loaded
        .activity
        .rsvp_of(&Person::Guest(email(2)))
        .expect("it is there");
    assert_eq!(
        (heir.rsvp.status, heir.rsvp.ticket),
        (Status::Waitlisted, Ticket(2))
    );
}

pub(super) async fn who_has_come_in_is_loaded_again(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(9)).await;
    let first = rsvp(&drive.reserve(1, 2).expect("there is room"));
    let second = rsvp(&drive.reserve(2, 0).expect("there is room"));
    for rsvp in [first, second] {
        let generation = None;
        let check_in = Command::CheckIn(CheckIn { rsvp, generation });
        drive.order(HOST, check_in, None).expect("it is confirmed");
    }
    drive
        .order(HOST, Command::UndoCheckIn(second), None)
        .expect("it is in");
    drive.commit(journal).await;
    let loaded = reloaded(journal, &drive).await;
    assert_eq!(loaded.activity.head().checked_in_spots, 3);
}

pub(super) async fn an_answer_about_several_is_recalled(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(2)).await;
    drive.reserve(1, 0).expect("there is room");
    let together = drive
        .order(2, group(GroupMode::All, &[(1, 0), (2, 0)]), Some(1))
        .expect("there is a waitlist");
    let each = [(3, 0), (1, 0), (4, 99), (5, 2)];
    let each = drive
        .order(2, group(GroupMode::Each, &each), Some(2))
        .expect("it is open");
    let Told::Each(results) = &each.told else {
        panic!("{each:?}")
    };
    let refused: Vec<_> = results
        .iter()
        .filter_map(|result| result.as_ref().err())
        .collect();
    let limits = [10, 2].map(|limit| Rejection::PartyTooLarge { limit });
    assert_eq!(refused, [&Rejection::AlreadyReserved, &limits[0], &limits[1]]);
    drive.commit(journal).await;
    let recorded = [together.seq.0 - 1, each.seq.0];
    for (answer, seq) in [&together, &each].into_iter().zip(recorded) {
        let keyed = journal.recall(drive.activity.id(), crate::domain::Seq(seq)).await;
        let keyed = keyed.expect("recalling works").expect("it is there");
        let told = answer.told.as_ref().map(crate::domain::Snapshot::of);
        assert_eq!((keyed.outcome.seq, keyed.outcome.told), (answer.seq, told));
    }
}

pub(super) async fn a_guest_comes_in_without_an_account(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(1)).await;
    let reserve = Reserve {
        fresh: RsvpId::from(Uuid::from_u128(0xFEE)),
        person: Person::Guest(email(1)),
        name: "A guest".into(),
        guest_count: 0,
        special_requirements: None,
    };
    let visitor = Principal::visitor(email(1));
    let key = Some(KeyUse {
        digest: crate::domain::KeyDigest([3; 16]),
        fingerprint: 3,
    });
    let came = drive
        .order_as(visitor, Command::Reserve(reserve), key)
        .expect("there is room");
    let guest = Principal::guest(rsvp(&came), 1);
    drive
        .order_as(guest.clone(), Command::Cancel(Target::Own), None)
        .expect("it is live");
    drive.commit(journal).await;
    let mut loaded = reloaded(journal, &drive).await;
    assert_eq!(
        loaded.order_as(guest, Command::Cancel(Target::Own), None),
        Err(Rejection::AlreadyCancelled)
    );
}

pub(super) async fn the_ticket_of_an_earlier_life_is_not_used_again(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(4)).await;
    drive.reserve(1, 0).expect("there is room");
    let guest = email(7);
    let zoe = Reserve {
        fresh: RsvpId::from(Uuid::from_u128(7)),
        person: Person::Guest(guest.clone()),
        name: "Zoe".into(),
        guest_count: 0,
        special_requirements: None,
    };
    let transfer = Transfer {
        target: Target::Own,
        to: guest,
        name: "Zoe".into(),
        fresh: RsvpId::from(Uuid::from_u128(8)),
    };
    let leave = Command::Cancel(Target::Rsvp(zoe.fresh));
    drive
        .order(HOST, Command::Reserve(zoe), None)
        .expect("there is room");
    drive.order(HOST, leave, None).expect("the host may");
    drive
        .order(1, Command::Transfer(transfer), None)
        .expect("she has left");
    drive.commit(journal).await;
    // No RSVP has the second ticket any more.
    let mut loaded = reloaded(journal, &drive).await;
    let newcomer = loaded.reserve(3, 0).expect("there is room").into_rsvp();
    assert_eq!(newcomer.expect("an RSVP").rsvp.ticket, Ticket(3));
}
