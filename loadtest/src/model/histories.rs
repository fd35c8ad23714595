//! Random histories: whatever happens, every prefix keeps every invariant.

use std::collections::BTreeSet;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::model::testing::*;
use crate::model::{
    Answer, Command, EventKind, GroupMode, Member, Model, Promotion, Refusal, Rejection, Request,
    SettingsChange, Which, is_guest,
};

/// Some have accounts, more have not, and few are many.
fn anybody(random: &mut SmallRng) -> String {
    let number = random.random_range(0..8);
    if random.random_bool(0.4) {
        format!("p{number}")
    } else {
        format!("p{number}@x.org")
    }
}

fn people(random: &mut SmallRng) -> Vec<String> {
    (0..random.random_range(1..4)).map(|_| anybody(random)).collect()
}

fn any_group(random: &mut SmallRng) -> Command {
    let members = (0..random.random_range(2..4)).map(|_| Member {
        person: format!("p{}@x.org", random.random_range(0..8)),
        guest_count: random.random_range(0..3),
    });
    Command::ReserveGroup {
        members: members.collect(),
        mode: if random.random_bool(0.7) {
            GroupMode::All
        } else {
            GroupMode::Each
        },
    }
}

fn any_change(random: &mut SmallRng) -> SettingsChange {
    let offer = Promotion::Offer {
        ttl_s: random.random_range(1..3),
    };
    SettingsChange {
        capacity: random.random_bool(0.5).then(|| random.random_range(1..12)),
        patience: random.random_bool(0.3).then(|| random.random_range(0..4)),
        waitlist_paused: random.random_bool(0.3).then(|| random.random_bool(0.3)),
        waitlist_capacity: random
            .random_bool(0.3)
            .then(|| random.random_bool(0.4).then(|| random.random_range(0..4))),
        private: random.random_bool(0.1).then(|| random.random_bool(0.3)),
        guests: random.random_bool(0.2).then(|| random.random_bool(0.8)),
        promotion: random.random_bool(0.3).then(|| {
            if random.random_bool(0.7) {
                offer
            } else {
                Promotion::Auto
            }
        }),
        ..SettingsChange::default()
    }
}

fn any_command(random: &mut SmallRng) -> Command {
    let person = anybody(random);
    match random.random_range(0..40) {
        0..10 => Command::Reserve {
            person,
            guest_count: random.random_range(0..4),
            special_requirements: None,
        },
        10..15 => any_group(random),
        15..20 => Command::Cancel {
            person,
            by_host: random.random_bool(0.2),
            if_version: None,
        },
        20..23 => Command::Update {
            name: random.random_bool(0.2).then(|| "Ada".to_owned()),
            person,
            guest_count: Some(random.random_range(0..4)),
            special_requirements: None,
            if_version: None,
        },
        23..26 => accept_of(&person),
        26 => decline_of(&person),
        27..29 => transfer_of(&person, &format!("p{}@x.org", random.random_range(0..8))),
        29 => Command::UndoCheckIn {
            person,
            if_version: None,
        },
        30..32 => check_in_of(&person, random.random_bool(0.5).then_some(1)),
        32 => Command::Promote(Which::Next(random.random_range(1..3))),
        33 => Command::Promote(Which::These(people(random))),
        34 => Command::Bulk {
            promote: people(random),
            remove: people(random),
        },
        35 => Command::Expire,
        _ => Command::ChangeSettings(any_change(random)),
    }
}

fn any_request(random: &mut SmallRng, at_us: i64) -> Request {
    let command = any_command(random);
    let request = Request::new(at_us, command);
    let request = match &request.command {
        Command::Expire => request.by_system(),
        Command::ReserveGroup { .. } => request.by(BOOKER),
        _ if random.random_bool(0.2) => request.by_host(),
        _ if random.random_bool(0.3) => {
            let by = anybody(random);
            let token = is_guest(&by) && random.random_bool(0.8);
            let request = request.by(by);
            if token {
                request.with_token_of(random.random_range(1..3))
            } else {
                request
            }
        }
        _ => request,
    };
    if random.random_bool(0.2) {
        request.with_key("anybody", format!("k{}", random.random_range(0..9)))
    } else {
        request
    }
}

/// What came of one command, against the state before it.
fn assert_all_is_well(before: &Model, after: &Model, outcome: &Result<Answer, Refusal>, what: &str) {
    assert_eq!(after.invariants(), Vec::<String>::new(), "{what}");
    let is_unchanged = after.rsvps() == before.rsvps()
        && after.waiting() == before.waiting()
        && after.counts() == before.counts()
        && after.settings() == before.settings()
        && (after.next_ticket, after.next_group) == (before.next_ticket, before.next_group);
    match outcome {
        Err(_) => assert!(is_unchanged, "a rejection changes nothing: {what}"),
        Ok(answer) if answer.replayed => {
            assert!(
                is_unchanged && answer.changed && answer.events.is_empty(),
                "{what}"
            );
        }
        Ok(answer) => {
            assert_eq!(
                answer.changed, !is_unchanged,
                "only what leaves an event changes anything"
            );
            assert_eq!(answer.seq, after.seq(), "{what}");
        }
    }
    let waits = |answer: &Answer| {
        let mut events = answer.events.iter();
        events.any(|event| event.kind == EventKind::Waitlisted && event.reason.is_none())
    };
    if outcome.as_ref().is_ok_and(waits) {
        let room = after.settings.waitlist_capacity.unwrap_or(u32::MAX);
        assert!(
            after.waiting.len() <= room as usize,
            "nobody waits where there is no room"
        );
    }
}

#[test]
fn every_prefix_of_any_history_keeps_every_invariant() {
    let mut met = BTreeSet::new();
    for seed in 0..300 {
        let mut random = SmallRng::seed_from_u64(seed);
        let mut model = offering(random.random_range(1..8), 1);
        let promotion = [Promotion::Auto, Promotion::Offer { ttl_s: 2 }][seed as usize % 2];
        set_promotion(&mut model, promotion).unwrap();
        model.settings.opens_at_us = (seed % 7 == 0).then_some(SECOND_US);
        let mut at_us = 0;
        let step_us = if seed % 3 == 0 {
            40 * SECOND_US
        } else {
            SECOND_US / 2
        };
        for step in 0..150 {
            at_us += random.random_range(0..step_us);
            let request = any_request(&mut random, at_us);
            let before = model.clone();
            let judgement = model.judge(&request);
            let outcome = model.submit(&request);
            let what = format!("seed {seed}, step {step}: {request:?}");
            let was_judged = outcome.as_ref().map_or_else(
                |refusal| *refusal != Rejection::KeyReused,
                |answer| !answer.replayed,
            );
            if was_judged {
                assert_eq!(outcome.as_ref().err(), judgement.as_ref().err(), "{what}");
            }
            assert_all_is_well(&before, &model, &outcome, &what);
            match outcome {
                Ok(answer) => met.extend(answer.events.iter().map(|event| event.kind.as_str())),
                Err(refusal) => {
                    met.insert(refusal.code());
                }
            }
        }
    }
    for word in [
        "confirmed",
        "waitlisted",
        "promoted",
        "offered",
        "accepted",
        "declined",
        "expired",
        "updated",
        "cancelled",
        "transferred",
        "checked_in",
        "check_in_undone",
        "forbidden",
        "token_revoked",
        "key_reused",
        "not_found",
        "not_open_yet",
        "closed",
        "too_late",
        "already_reserved",
        "already_cancelled",
        "party_too_large",
        "not_waitlisted",
        "not_offered",
        "not_confirmed",
        "invalid_code",
        "no_free_spots",
        "activity_full",
        "waitlist_full",
    ] {
        assert!(met.contains(word), "no history met {word}");
    }
}
