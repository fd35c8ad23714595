//! The verdict on a design: whether what it answered is in its rows, and whether those add up to no more than there is.
//!
//! It owns pure functions over evidence. A design promises less than Turnout, so less is looked for: no order of decisions,
//! no log, no positions.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use uuid::Uuid;

use super::baseline::{Counts, Row};
use super::opening::Kept;
use crate::attempt::Final;
use crate::drive::Deed;
use crate::tokens::Person;

/// How many answers of one kind are told one by one.
const TOLD_MAX: usize = 3;

/// What a design answers.
#[derive(Debug, Deserialize)]
struct Answer {
    id: Uuid,
    status: String,
}

/// What is wrong, in words. Nothing is well.
pub(super) fn audit(kept: &[Kept], people: &[Person], rows: &[Row], counts: Counts) -> Vec<String> {
    let mut found = Vec::new();
    let with = |status: &str| rows.iter().filter(|row| row.status == status).count() as u64;
    let (confirmed, waitlisted) = (with("confirmed"), with("waitlisted"));
    if confirmed > counts.capacity {
        found.push(format!(
            "overbooked: {confirmed} seats are taken of {}",
            counts.capacity
        ));
    }
    if waitlisted > 0 && confirmed < counts.capacity {
        found.push(format!(
            "{waitlisted} wait although {} seats are free",
            counts.capacity - confirmed
        ));
    }
    for (name, believed, there) in [
        ("taken", counts.confirmed, confirmed),
        ("waiting", counts.waitlisted, waitlisted),
    ] {
        if believed != there.cast_signed() {
            found.push(format!(
                "{believed} are counted as {name}, and there are {there} rows"
            ));
        }
    }
    let mut standing: HashSet<Uuid> = HashSet::new();
    let twice = rows
        .iter()
        .filter(|row| row.status != "cancelled" && !standing.insert(row.user_id));
    let twice = twice.count();
    if twice > 0 {
        found.push(format!("{twice} people have more than one RSVP"));
    }
    found.extend(answers(kept, people, rows));
    found
}

/// What is wrong with single answers.
fn answers(kept: &[Kept], people: &[Person], rows: &[Row]) -> Vec<String> {
    let by_id: HashMap<Uuid, &Row> = rows.iter().map(|row| (row.id, row)).collect();
    let cancelled: HashSet<usize> = kept
        .iter()
        .filter(|kept| kept.deed == Deed::Cancel && kept.is_done())
        .map(|kept| kept.person)
        .collect();
    let (mut lost, mut other, mut unanswered, mut refused) = (Vec::new(), Vec::new(), 0_u64, Vec::new());
    let mut acknowledged = 0;
    for kept in kept {
        let person = &people[kept.person];
        let answer = match &kept.answer {
            None => {
                unanswered += 1;
                continue;
            }
            Some(Final::Rejected { status, code }) => {
                refused.push(format!("{} was refused: {status} {code}", person.name));
                continue;
            }
            Some(Final::Done(_)) => serde_json::from_slice::<Answer>(&kept.body),
        };
        let Ok(answer) = answer else {
            other.push(format!("the answer to {} cannot be read", person.name));
            continue;
        };
        acknowledged += usize::from(kept.deed != Deed::Cancel);
        let Some(row) = by_id.get(&answer.id) else {
            lost.push(format!(
                "{} was told {} and has no row",
                person.name, answer.status
            ));
            continue;
        };
        let may_be: &[&str] = match (answer.status.as_str(), cancelled.contains(&kept.person)) {
            (_, true) => &["cancelled"],
            ("confirmed", false) => &["confirmed"],
            // Promoted since, or not.
            _ => &["waitlisted", "confirmed"],
        };
        if !may_be.contains(&&*row.status) || row.user_id.to_string() != person.id {
            other.push(format!(
                "{} was told {}, and the row says {}",
                person.name, answer.status, row.status
            ));
        }
    }
    let mut found = Vec::new();
    for told in [lost, other, refused] {
        let more = told.len().saturating_sub(TOLD_MAX);
        found.extend(told.into_iter().take(TOLD_MAX));
        if more > 0 {
            found.push(format!("and {more} more like that"));
        }
    }
    if unanswered > 0 {
        found.push(format!("{unanswered} were not answered in time"));
    } else if rows.len() > acknowledged {
        found.push(format!("{} rows are nobody's", rows.len() - acknowledged));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::client::Head;
    use crate::history::Tick;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn people() -> Vec<Person> {
        (0..3)
            .map(|number| Person {
                id: id(100 + number).to_string(),
                name: format!("Person {number}"),
                token: String::new(),
            })
            .collect()
    }

    fn row(number: u128, status: &str) -> Row {
        Row {
            id: id(number),
            user_id: id(100 + number),
            status: status.to_owned(),
        }
    }

    fn kept(person: usize, deed: Deed, status: &str) -> Kept {
        let head = Head {
            status: 201,
            etag: None,
            retry_after: None,
            date_us: None,
        };
        Kept {
            person,
            deed,
            sent: Tick(0),
            last_sent: Tick(0),
            at: Tick(1),
            latency: Duration::ZERO,
            answer: Some(Final::Done(head)),
            body: format!("{{\"id\":\"{}\",\"status\":\"{status}\"}}", id(person as u128))
                .into_bytes()
                .into(),
        }
    }

    const RESERVE: Deed = Deed::Reserve { guest_count: 0 };

    fn counts(capacity: u64, confirmed: i64, waitlisted: i64) -> Counts {
        Counts {
            capacity,
            confirmed,
            waitlisted,
            retries: 0,
        }
    }

    #[test]
    fn what_adds_up_is_clean() {
        let kept = [
            kept(0, RESERVE, "confirmed"),
            kept(1, RESERVE, "waitlisted"),
            kept(2, RESERVE, "waitlisted"),
            kept(0, Deed::Cancel, "cancelled"),
        ];
        let rows = [row(0, "cancelled"), row(1, "confirmed"), row(2, "waitlisted")];
        assert_eq!(audit(&kept, &people(), &rows, counts(1, 1, 1)), [""; 0]);
    }

    #[test]
    fn whoever_sells_too_much_or_counts_wrongly_is_told() {
        let all = [kept(0, RESERVE, "confirmed"), kept(1, RESERVE, "confirmed")];
        let rows = [row(0, "confirmed"), row(1, "confirmed")];
        let found = audit(&all, &people(), &rows, counts(1, 1, 0));
        assert_eq!(
            found,
            [
                "overbooked: 2 seats are taken of 1",
                "1 are counted as taken, and there are 2 rows"
            ]
        );
    }

    #[test]
    fn an_answer_without_a_row_and_a_row_without_an_answer_are_told() {
        let all = [kept(0, RESERVE, "confirmed")];
        let rows = [row(1, "confirmed"), row(2, "confirmed")];
        let found = audit(&all, &people(), &rows, counts(3, 2, 0));
        assert_eq!(
            found,
            [
                "Person 0 was told confirmed and has no row",
                "1 rows are nobody's"
            ]
        );
    }

    #[test]
    fn whoever_waits_beside_a_free_seat_or_lost_a_seat_is_told() {
        let all = [kept(0, RESERVE, "waitlisted"), kept(1, RESERVE, "confirmed")];
        let rows = [row(0, "waitlisted"), row(1, "waitlisted")];
        let found = audit(&all, &people(), &rows, counts(1, 0, 2));
        assert_eq!(
            found,
            [
                "2 wait although 1 seats are free",
                "Person 1 was told confirmed, and the row says waitlisted"
            ]
        );
    }
}
