//! Each kind of damage to a journal, and how it is named.

use crate::support::Outside;

/// What the databases themselves would refuse, and what they cannot undo twice, must not keep damage out.
pub(super) async fn allow_everything(outside: &mut Outside) {
    match outside {
        Outside::Sqlite(_) => outside.run("PRAGMA ignore_check_constraints = TRUE").await,
        Outside::Postgres(_) => {
            for (table, checks) in [
                (
                    "activities",
                    "check confirmed_spots_check offered_spots_check checked_in_spots_check \
                     waitlisted_parties_check waitlisted_spots_check capacity_check",
                ),
                ("rsvps", "check offer_expires_at status_check guest_count_check"),
            ] {
                for check in checks.split_whitespace() {
                    let drop = format!("ALTER TABLE {table} DROP CONSTRAINT {table}_{check}");
                    outside.run(&drop).await;
                }
            }
        }
    }
    outside.run("DROP INDEX rsvps_one_per_user").await;
    outside.run("DROP INDEX rsvps_one_per_guest").await;
}

/// Changes an RSVP that has followed its cancelled activity.
pub(super) fn followed(change: &str, order: &str) -> String {
    format!(
        "UPDATE rsvps SET {change} WHERE id = \
         (SELECT id FROM rsvps WHERE cancel_reason = 'activity_cancelled' ORDER BY id {order} LIMIT 1)"
    )
}

/// Makes of such an RSVP one that is still to follow.
pub(super) const UNDO: &str =
    "status = 'confirmed', cancel_reason = NULL, version = version - 1, updated_at = created_at";

/// Statements that change an activity, an event or an RSVP, and what is found then.
pub(super) fn damages() -> Vec<(String, &'static str)> {
    [damages_to_seats(), damages_to_offers()].concat()
}

/// The same of seats and of those who wait for them.
fn damages_to_seats() -> Vec<(String, &'static str)> {
    let kept = "activity_id = (SELECT id FROM activities WHERE title = 'Kept')";
    let activity = |change: &str| format!("UPDATE activities SET {change} WHERE title = 'Kept'");
    let ended = |change: &str| format!("UPDATE activities SET {change} WHERE title = 'Ended'");
    let event =
        |seq: u32, change: &str| format!("UPDATE activity_events SET {change} WHERE {kept} AND seq = {seq}");
    // The party that was promoted.
    let rsvp = |change: &str| format!("UPDATE rsvps SET {change} WHERE {kept} AND ticket = 3");
    let data =
        |seq: u32, from: &str, to: &str| event(seq, &format!("data = REPLACE(data, '{from}', '{to}')"));
    vec![
        // The log itself.
        (
            format!("DELETE FROM activity_events WHERE {kept} AND seq = 4"),
            "it comes where event 4 was due",
        ),
        (
            format!("DELETE FROM activity_events WHERE {kept} AND seq = 15"),
            "seq is 15, not 14",
        ),
        (event(3, "at = at - 1000000000"), "event 3 (waitlisted): its time"),
        (event(1, "at = 1"), "is before"),
        (event(8, "kind = 'seen'"), "the audit does not know this kind"),
        (event(3, "previous_status = 'confirmed'"), "stood at None before"),
        (
            event(6, "previous_status = 'waitlisted'"),
            "stood at Some(\"confirmed\") before",
        ),
        (
            event(2, "status = 'offered'"),
            "nothing leads from None to offered",
        ),
        (event(9, "spots = 1"), "1 spots, where there were 2"),
        (event(4, "ticket = 9"), "ticket 9, where 4 was due"),
        (event(5, "ticket = 4"), "ticket 4, where 5 was due"),
        (event(6, "reason = NULL"), "the reason None for cancelled"),
        (event(6, "spots = NULL"), "it says too little of its RSVP"),
        (event(8, "spots = 2"), "it says something of an RSVP"),
        (event(8, "data = '{}'"), "it does not say to what"),
        (data(8, "5", "4"), "5 spots are taken of 4"),
        (
            data(10, "\"capacity\":5", "\"capacity\":6"),
            "it changes capacity, which has an event of its own",
        ),
        (data(10, "Hall 1", "Hall 2"), "venue is "),
        (event(7, "kind = 'promoted'"), "it went past Some(3)"),
        (
            format!(
                "UPDATE activity_events SET activity_id = (SELECT id FROM activities WHERE title = 'Ended'), seq = 6 \
                 WHERE {kept} AND seq = 15"
            ),
            "the activity was cancelled before",
        ),
        // Keys and answers.
        (
            event(
                4,
                &format!(
                    "key_digest = (SELECT e.key_digest FROM activity_events AS e WHERE e.{kept} AND e.seq = 3)"
                ),
            ),
            "its key was recorded before",
        ),
        (
            event(2, "data = NULL"),
            "it has a key, and no answer that could be its",
        ),
        (
            event(2, "key_digest = NULL"),
            "it has an answer to a key, and no key",
        ),
        (event(2, "fingerprint = NULL"), "its key has no fingerprint"),
        (data(4, "\"a\":[1,2]", "\"a\":[0,0]"), "an answer told"),
        (data(4, "\"v\":1", "\"v\":2"), "an answer told"),
        (
            data(4, "\"seq\":4", "\"seq\":5"),
            "belongs to the command before it",
        ),
        (data(12, "\"seq\":12", "\"seq\":99"), "which does not exist"),
        // The activity's own row.
        (activity("seq = 16"), "seq is 16, not 15"),
        (activity("last_batch = NULL"), "last_batch.is_some() is false"),
        (activity("stamped_at = stamped_at + 1"), "stamped_at is"),
        (activity("version = version + 1"), "version is"),
        (activity("updated_at = updated_at - 1"), "updated_at is"),
        (activity("capacity = 4"), "capacity is 4, not 2"),
        (activity("capacity_limit = 5"), "capacity_limit is 5, not 3"),
        (
            activity("capacity_limit = 2"),
            "overbooked: 3 spots are taken, and the limit is 2",
        ),
        (
            activity("waitlist_paused = TRUE"),
            "waitlist_paused is true, not false",
        ),
        (activity("owner_epoch = 0"), "its log was written under epoch 0"),
        (
            activity("max_guests = 3"),
            "max_guests is Number(3), not Number(10)",
        ),
        (activity("confirmed_spots = 2"), "confirmed_spots is 2, not 3"),
        (activity("offered_spots = 1"), "offered_spots is 1, not 0"),
        (activity("checked_in_spots = 1"), "checked_in_spots is 1, not 0"),
        (
            activity("waitlisted_parties = 0"),
            "waitlisted_parties is 0, not 2",
        ),
        (activity("waitlisted_spots = 2"), "waitlisted_spots is 2, not 3"),
        (ended("cancelled_at = NULL"), "cancelled_at is None"),
        (ended("confirmed_spots = 1"), "confirmed_spots is 1, not 0"),
        // RSVPs.
        (
            rsvp("status = 'waitlisted'"),
            "status is \"waitlisted\", not \"confirmed\"",
        ),
        (rsvp("cancel_reason = 'by_host'"), "cancel_reason is"),
        (rsvp("guest_count = 0"), "total_spots is 1, not 2"),
        (rsvp("ticket = 4"), "ticket is 4, not 3"),
        (rsvp("version = 1"), "version is 1, not 2"),
        (rsvp("generation = 2"), "generation is 2, not 1"),
        (rsvp("created_at = 1"), "created_at is 1"),
        (rsvp("updated_at = 1"), "updated_at is 1"),
        (rsvp("checked_in_at = 1"), "checked_in_spots is 0, not 2"),
        (rsvp("email = 'a@example.com'"), "it is not clear whose it is"),
        (
            rsvp(&format!(
                "user_id = (SELECT r.user_id FROM rsvps AS r WHERE r.{kept} AND r.ticket = 5)"
            )),
            "its person has another one",
        ),
        (
            format!("DELETE FROM rsvps WHERE {kept} AND ticket = 3"),
            "it has no row",
        ),
        (
            "INSERT INTO rsvps (id, activity_id, email, name, status, guest_count, ticket, version, \
             generation, created_at, updated_at) \
             SELECT host_id, id, 'x', 'x', 'confirmed', 0, 1, 1, 1, 1, 1 FROM activities WHERE title = 'Kept'"
                .to_owned(),
            "no event tells of it",
        ),
        (rsvp("activity_id = id"), "1 RSVPs of activity"),
        (event(15, "activity_id = actor"), "1 events of activity"),
        (followed("updated_at = 1", "DESC"), "updated_at is 1"),
        (followed(UNDO, "ASC"), "it followed before an earlier one"),
        (
            "DELETE FROM activities WHERE title = 'Empty'".to_owned(),
            "which it has not made",
        ),
    ]
}

/// The same of offers, parties, guests, and of those who came.
fn damages_to_offers() -> Vec<(String, &'static str)> {
    let there = "activity_id = (SELECT id FROM activities WHERE title = 'Offers')";
    let event =
        |seq: u32, change: &str| format!("UPDATE activity_events SET {change} WHERE {there} AND seq = {seq}");
    let data =
        |seq: u32, from: &str, to: &str| event(seq, &format!("data = REPLACE(data, '{from}', '{to}')"));
    let activity = |change: &str| format!("UPDATE activities SET {change} WHERE title = 'Offers'");
    let rsvp = |name: &str, change: &str| {
        format!("UPDATE rsvps SET {change} WHERE {there} AND email = '{name}@example.com'")
    };
    let two_seconds = "2000000";
    vec![
        // Who gives commands.
        (
            event(4, "actor_kind = 'ghost'"),
            "it cannot be by Some(\"ghost\")",
        ),
        (
            event(4, "actor_kind = 'system'"),
            "it cannot be by Some(\"system\")",
        ),
        (event(4, "actor = activity_id"), "it cannot be by Some(\"guest\")"),
        (event(12, "actor_kind = NULL"), "it cannot be by None"),
        (
            event(13, "actor_kind = 'system'"),
            "it cannot be by Some(\"system\")",
        ),
        // Parties.
        (
            data(3, "\"group\":\"0", "\"group\":\"1"),
            "ticket 2, where 3 was due",
        ),
        (event(3, "ticket = 3"), "came in before, or stands elsewhere"),
        (
            event(7, "kind = 'updated', status = 'waitlisted'"),
            "a party is split: offered",
        ),
        (
            event(9, "kind = 'updated', status = 'offered'"),
            "a party is split: accepted",
        ),
        (
            event(7, "kind = 'promoted', status = 'confirmed'"),
            "a party is split: offered",
        ),
        (
            data(7, "\"until\":", "\"past\":1,\"until\":"),
            "it went past None, and does not say so",
        ),
        (event(31, "ticket = 8"), "ticket 8, where 9 was due"),
        (rsvp("ann", "group_id = id"), "group_id is Some"),
        (rsvp("ann", "group_id = NULL"), "group_id is None"),
        (rsvp("ann", "booked_by = NULL"), "booked_by is None"),
        (rsvp("hal", "booked_by = id"), "booked_by is Some"),
        (
            activity("waitlisted_parties = 2"),
            "waitlisted_parties is 2, not 1",
        ),
        // Offers.
        (
            event(6, "kind = 'promoted'"),
            "nothing leads from Some(\"waitlisted\") to offered",
        ),
        (event(6, "data = NULL"), "with None, the offer stood until None"),
        (
            event(8, "data = '{\"until\":1}'"),
            "with Some(1), the offer stood until",
        ),
        (
            event(12, "kind = 'declined'"),
            "the reason Some(\"offer_expired\") for cancelled",
        ),
        (
            event(12, "reason = 'by_host'"),
            "the reason Some(\"by_host\") for cancelled",
        ),
        (
            event(12, &format!("at = at - {two_seconds}")),
            "the offer stood until",
        ),
        (event(8, "at = at + 600000000"), "was over at"),
        (
            event(11, "data = REPLACE(data, 'until', 'till')"),
            "with None, the offer stood until None",
        ),
        (rsvp("hal", "offer_expires_at = NULL"), "offer_expires_at is None"),
        (
            rsvp("hal", "offer_expires_at = offer_expires_at + 1"),
            "offer_expires_at is Some",
        ),
        (
            rsvp("hal", "status = 'confirmed', offer_expires_at = NULL"),
            "status is",
        ),
        (activity("offered_spots = 3"), "offered_spots is 3, not 2"),
        // The door.
        (
            event(14, "kind = 'checked_in'"),
            "its person was, or was not, in before",
        ),
        (
            event(13, "kind = 'check_in_undone'"),
            "its person was, or was not, in before",
        ),
        (event(13, "spots = 2"), "2 spots, where there were 1"),
        (
            event(13, "reason = 'by_host'"),
            "the reason Some(\"by_host\") for confirmed",
        ),
        (rsvp("ann", "checked_in_at = NULL"), "checked_in_at is None"),
        (rsvp("ann", "checked_in_at = 1"), "checked_in_at is Some(1)"),
        (activity("checked_in_spots = 0"), "checked_in_spots is 0, not 1"),
        // Places that are handed on.
        (event(17, "reason = NULL"), "nobody took over the place of"),
        (event(17, "ticket = 5"), "ticket 5, where 2 was due"),
        (
            event(17, "status = 'waitlisted'"),
            "nothing leads from None to waitlisted",
        ),
        (data(17, "place_of", "place"), "was not given away"),
        (
            data(17, "\"group\":\"0", "\"group\":\"1"),
            "not in that of the giver",
        ),
        (
            event(16, "kind = 'cancelled', reason = 'by_host'"),
            "nothing leads from None to confirmed",
        ),
        (
            event(16, "reason = 'by_attendee'"),
            "the reason Some(\"by_attendee\") for cancelled",
        ),
        (rsvp("dee", "booked_by = NULL"), "booked_by is None"),
        // What the host does, and why somebody was passed.
        (
            event(27, "reason = 'by_attendee'"),
            "the reason Some(\"by_attendee\") for offered",
        ),
        (data(35, "\"needs\":3", "\"needs\":2"), "not Passed"),
        (data(35, "\"free\":1", "\"free\":2"), "not Passed"),
        (data(35, "\"past\":", "\"passed\":"), "and does not say so"),
        // What was answered.
        (
            data(2, "\"rsvps\":[{\"id\"", "\"rsvps\":[{\"is\""),
            "an answer told",
        ),
        (data(2, "\"a\":[0,0]", "\"a\":[1,0]"), "an answer told"),
        (data(13, "\"c\":", "\"d\":"), "an answer told"),
        (
            data(16, "\"s\":\"confirmed\"", "\"s\":\"waitlisted\""),
            "an answer told",
        ),
        (data(26, "\"o\":", "\"p\":"), "an answer told"),
    ]
}
