//! Whole stories with guests, groups, offers, transfers and the door: what a sound server makes of them is fine, and
//! what an unsound one does is found out.

use uuid::Uuid;

use super::*;
use crate::history::{Asker, Outcome};
use crate::model::{Command, GroupMode, Member, Promotion, Which};
use crate::seen::{SeenAnswer, SeenEvent, SeenResult, SeenTold};
use crate::verdict::testing::*;

const AMY: &str = "amy@x.org";
const BEN: &str = "ben@x.org";
const ZOE: &str = "zoe@x.org";

fn booker() -> Asker {
    Asker::Account(user("boss").to_string())
}

fn group(members: &[(&str, u32)], mode: GroupMode) -> Command {
    let members = members.iter().map(|(person, guest_count)| Member {
        person: (*person).to_owned(),
        guest_count: *guest_count,
    });
    Command::ReserveGroup {
        members: members.collect(),
        mode,
    }
}

fn visit(person: &str) -> Command {
    Command::Reserve {
        person: person.into(),
        guest_count: 0,
        special_requirements: None,
    }
}

fn of(person: &str, command: fn(String, Option<u64>) -> Command) -> Command {
    command(person.to_owned(), None)
}

fn accept(person: &str) -> Command {
    of(person, |person, if_version| Command::Accept {
        person,
        if_version,
    })
}

fn decline(person: &str) -> Command {
    of(person, |person, if_version| Command::Decline {
        person,
        if_version,
    })
}

fn transfer(person: &str, to: &str) -> Command {
    Command::Transfer {
        person: person.into(),
        to: to.into(),
        if_version: None,
    }
}

fn check_in(person: &str) -> Command {
    Command::CheckIn {
        person: person.into(),
        generation: None,
        if_version: None,
    }
}

fn undo(person: &str) -> Command {
    Command::UndoCheckIn {
        person: person.into(),
        if_version: None,
    }
}

fn rename(person: &str) -> Command {
    Command::Update {
        person: person.into(),
        guest_count: None,
        special_requirements: None,
        name: Some("Zoe".into()),
        if_version: None,
    }
}

/// Two spots and offers of ten seconds. The records are numbered on the right.
fn story() -> Evidence {
    let ada = user("ada").to_string();
    let change = |settings: &mut crate::model::Settings| {
        settings.capacity = 2;
        settings.promotion = Promotion::Offer { ttl_s: 10 };
    };
    Evidence::with(change, |run| {
        run.reserve("ada", 1); // 0
        run.submit(booker(), group(&[(BEN, 0), (AMY, 0)], GroupMode::All)); // 1
        run.submit(Asker::Own, visit("eve@x.org")); // 2
        run.cancel("ada"); // 3
        run.wait(3);
        run.submit(Asker::Own, accept(BEN)); // 4
        run.submit(Asker::Own, transfer(BEN, ZOE)); // 5
        run.submit(Asker::Host, check_in(ZOE)); // 6
        run.submit(Asker::Host, check_in(ZOE)); // 7
        run.submit(Asker::Own, rename(ZOE)); // 8
        run.submit(Asker::Host, undo(ZOE)); // 9
        run.submit(Asker::Own, cancel_of(AMY)); // 10
        run.wait(10);
        run.expire();
        run.submit(booker(), group(&[(AMY, 0), (ZOE, 0), (BEN, 1)], GroupMode::Each)); // 11
        run.submit(Asker::Host, bulk(&[BEN], &[AMY, ZOE])); // 12
        run.submit(Asker::Own, decline(BEN)); // 13
        run.submit(Asker::Own, visit("late@x.org")); // 14
        run.submit(Asker::Host, Command::Promote(Which::Next(5))); // 15
        run.submit(Asker::Host, check_in(&ada)); // 16
        run.submit(Asker::Host, check_in("late@x.org")); // 17
    })
}

fn cancel_of(person: &str) -> Command {
    Command::Cancel {
        person: person.into(),
        by_host: false,
        if_version: None,
    }
}

fn require(person: &str, what: &str) -> Command {
    Command::Update {
        person: person.into(),
        guest_count: None,
        special_requirements: Some(Some(what.to_owned())),
        name: None,
        if_version: None,
    }
}

fn bulk(promote: &[&str], remove: &[&str]) -> Command {
    let owned = |people: &[&str]| people.iter().map(|person| (*person).to_owned()).collect();
    Command::Bulk {
        promote: owned(promote),
        remove: owned(remove),
    }
}

fn findings(evidence: &Evidence) -> Vec<Finding> {
    judge(&evidence.history, &evidence.last)
}

#[test]
fn a_whole_story_is_fine_and_has_everything_in_it() {
    let evidence = story();
    assert_eq!(findings(&evidence), []);
    for kind in [
        "confirmed",
        "waitlisted",
        "offered",
        "accepted",
        "declined",
        "expired",
        "updated",
        "cancelled",
        "transferred",
        "checked_in",
        "check_in_undone",
    ] {
        let mut events = evidence.last.events.iter();
        assert!(events.any(|event| event.kind == kind), "{kind}");
    }
    let rejected: Vec<&str> = evidence
        .history
        .records
        .iter()
        .filter_map(|record| match &record.outcome {
            Outcome::Rejected { code, .. } => Some(code.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(rejected, ["already_cancelled"]);
    let guests = evidence
        .last
        .events
        .iter()
        .filter(|event| event.actor.starts_with("guest:"));
    assert_eq!(guests.count(), 10);
}

#[test]
fn commands_of_unknown_fate_are_found_in_the_log_also_where_they_are_about_several() {
    let evidence = story();
    for index in 0..evidence.history.records.len() {
        let mut evidence = evidence.clone();
        // What left no event cannot be found, and is not missed.
        evidence.history.records[index].outcome = Outcome::Unanswered;
        assert_eq!(
            findings(&evidence),
            [Finding::Unanswered { count: 1 }],
            "record {index}"
        );
    }
}

/// The place of the first event of this kind in the log.
fn first(evidence: &Evidence, kind: &str) -> usize {
    let mut events = evidence.last.events.iter();
    events.position(|event| event.kind == kind).unwrap()
}

#[test]
fn an_offer_that_expires_before_its_time_is_named() {
    let mut evidence = story();
    let expired = first(&evidence, "expired");
    assert_eq!(evidence.last.events[expired].actor, "system");
    evidence.last.events[expired].at = evidence.last.events[expired - 1].at.clone();
    assert!(
        findings(&evidence).iter().any(
            |finding| matches!(finding, Finding::EventsDiffer { seq, .. } if *seq == expired as u64 + 1)
        )
    );
}

#[test]
fn what_time_did_is_not_done_by_anybody_and_the_other_way_round() {
    let host = format!("user:{}", user("hal"));
    for (kind, actor) in [("expired", host.as_str()), ("accepted", "system")] {
        let mut evidence = story();
        let index = first(&evidence, kind);
        evidence.last.events[index].actor = actor.into();
        let is_named = |finding: &Finding| matches!(finding, Finding::EventsDiffer { seq, .. } if *seq == index as u64 + 1);
        assert!(findings(&evidence).iter().any(is_named), "{kind}");
    }
}

#[test]
fn every_field_of_an_event_about_a_guest_is_compared() {
    let forgeries: [fn(&mut SeenEvent); 5] = [
        |event| event.kind = "updated".into(),
        |event| event.actor = "guest:00000000-0000-0000-0000-000000000000".into(),
        |event| event.status = Some("waitlisted".into()),
        |event| event.previous_status = Some("waitlisted".into()),
        |event| event.reason = Some("by_host".into()),
    ];
    for kind in ["accepted", "declined", "transferred"] {
        for forge in forgeries {
            let mut evidence = story();
            let index = first(&evidence, kind);
            forge(&mut evidence.last.events[index]);
            let is_named = |finding: &Finding| matches!(finding, Finding::EventsDiffer { seq, .. } if *seq == index as u64 + 1);
            assert!(findings(&evidence).iter().any(is_named), "{kind}");
        }
    }
}

fn wrong_field(evidence: &Evidence) -> Vec<&'static str> {
    let findings = findings(evidence);
    let fields = findings.iter().filter_map(|finding| match finding {
        Finding::WrongAnswer { field, .. } => Some(*field),
        _ => None,
    });
    fields.collect()
}

#[test]
fn every_field_that_guests_groups_and_offers_have_is_compared() {
    let forgeries: [(usize, Forgery<SeenAnswer>); 9] = [
        (
            2,
            ("email", |answer| one(answer).email = Some("eva@x.org".into())),
        ),
        (4, ("email", |answer| one(answer).email = None)),
        (2, ("user_id", |answer| one(answer).user_id = Some(user("eve")))),
        (4, ("booked_by", |answer| one(answer).booked_by = None)),
        (4, ("group_id", |answer| one(answer).group_id = None)),
        (
            4,
            ("offer_expires_at", |answer| {
                one(answer).offer_expires_at = Some("2026-11-21T05:01:28.377Z".into());
            }),
        ),
        (6, ("checked_in_at", |answer| one(answer).checked_in_at = None)),
        (7, ("already", |answer| answer.already = false)),
        (8, ("name", |answer| one(answer).name = "Person zoe@x.org".into())),
    ];
    for (index, (field, forge)) in forgeries {
        let mut evidence = story();
        forge(evidence.answer_mut(index));
        assert_eq!(wrong_field(&evidence), [field], "{field}");
    }
}

#[test]
fn an_answer_about_several_tells_all_of_them_in_their_order() {
    for (index, how_many) in [(1, 2), (5, 2), (12, 3), (15, 0)] {
        let mut evidence = story();
        let SeenTold::Several(rsvps) = &mut evidence.answer_mut(index).told else {
            panic!("record {index} is about several");
        };
        assert_eq!(rsvps.len(), how_many);
        if rsvps.pop().is_some() {
            assert_eq!(wrong_field(&evidence), ["how many"]);
            let mut evidence = story();
            if let SeenTold::Several(rsvps) = &mut evidence.answer_mut(index).told {
                rsvps.swap(0, 1);
            }
            assert!(!findings(&evidence).is_empty());
        }
    }
}

#[test]
fn each_for_itself_is_compared_with_what_became_of_it() {
    let mut evidence = story();
    let SeenTold::Each(results) = &mut evidence.answer_mut(11).told else {
        panic!("each has a result");
    };
    let SeenResult::Refused { error: problem } = &mut results[1] else {
        panic!("zoe is there already");
    };
    assert_eq!(problem.code, "already_reserved");
    problem.code = "waitlist_full".into();
    assert!(
        matches!(&findings(&evidence)[..], [Finding::WrongStatus { said, expected, .. }]
            if said == "waitlist_full" && expected == "already_reserved")
    );
}

#[test]
fn whoever_has_booked_for_somebody_is_told_neither_the_address_nor_the_wishes() {
    let booked = || {
        Evidence::of(9, |run| {
            run.submit(booker(), group(&[(AMY, 0), (BEN, 0)], GroupMode::All));
            run.submit(Asker::Own, require(AMY, "a ramp"));
            run.submit(booker(), cancel_of(AMY));
        })
    };
    assert_eq!(findings(&booked()), []);
    let mut told = booked();
    one(told.answer_mut(2)).email = Some(AMY.into());
    assert_eq!(wrong_field(&told), ["email"]);
    let mut told = booked();
    one(told.answer_mut(2)).special_requirements = Some("a ramp".into());
    assert_eq!(wrong_field(&told), ["special_requirements"]);
}

#[test]
fn two_groups_with_one_id_and_one_with_two_are_named() {
    let groups = || {
        Evidence::of(9, |run| {
            run.submit(booker(), group(&[(AMY, 0), (BEN, 0)], GroupMode::All));
            run.submit(booker(), group(&[(ZOE, 0), ("eve@x.org", 0)], GroupMode::All));
        })
    };
    assert_eq!(findings(&groups()), []);
    let mut split = groups();
    split.last.rsvps[1].group_id = Some(Uuid::from_u128(77));
    assert_eq!(wrong_field(&split), ["group_id"]);
    let mut merged = groups();
    let id = merged.last.rsvps[0].group_id;
    merged.last.rsvps.iter_mut().for_each(|rsvp| rsvp.group_id = id);
    assert_eq!(wrong_field(&merged), ["group_id"; 2]);
}

#[test]
fn a_party_in_the_line_has_an_entry_for_each_member() {
    let line = || {
        Evidence::of(1, |run| {
            run.reserve("ada", 0);
            run.reserve("bob", 0);
        })
    };
    assert_eq!(findings(&line()), []);
    let party = Evidence::of(2, |run| {
        run.reserve("ada", 0);
        run.submit(booker(), group(&[(BEN, 0), (AMY, 0)], GroupMode::All));
    });
    assert_eq!(party.last.waitlist.entries.len(), 2);
    assert_eq!(findings(&party), []);
    let mut evidence = party;
    evidence.last.waitlist.entries.swap(0, 1);
    assert!(!findings(&evidence).is_empty());
}

#[test]
fn spots_that_are_offered_are_not_there_for_others() {
    let mut evidence = story();
    // Somebody is confirmed while the only spots are offered to others.
    let eve = one(evidence.answer_mut(2));
    eve.status = crate::seen::SeenStatus::Confirmed;
    (eve.position, eve.parties_ahead, eve.spots_ahead) = (None, None, None);
    assert!(matches!(findings(&evidence)[0], Finding::Overbooked { .. }));
}

#[test]
fn what_is_at_the_door_is_counted() {
    let mut evidence = story();
    assert_eq!(evidence.last.activity.checked_in_spots, Some(1));
    evidence.last.activity.checked_in_spots = Some(0);
    assert!(matches!(
        &findings(&evidence)[..],
        [Finding::CountsDiffer {
            field: "checked_in_spots",
            ..
        }]
    ));
}
