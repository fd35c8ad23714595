//! What every design must do, or it would be nothing to compare with.

use std::collections::{BTreeMap, HashSet};

use reqwest::{Method, StatusCode};
use turnout_baselines::design::{Answer, Row, Status};

use crate::support::{DESIGNS, Running, bad_tokens, member};

fn with(status: Status, rows: &[Row]) -> usize {
    rows.iter().filter(|row| row.status == status).count()
}

/// Every answer is in the rows, and the counts say what the rows add up to.
async fn assert_agrees(running: &Running, answers: &[Answer], seats: usize, events: i64, design: &str) {
    let rows = running.rows().await;
    let by_id: BTreeMap<_, _> = rows.iter().map(|row| (row.id, row)).collect();
    for answer in answers {
        let row = by_id.get(&answer.id);
        assert_eq!(row.map(|row| row.ticket), Some(answer.ticket), "{design}");
    }
    let counts = running.counts().await;
    let (confirmed, waiting) = (with(Status::Confirmed, &rows), with(Status::Waitlisted, &rows));
    assert_eq!(confirmed, seats, "{design}");
    assert_eq!(counts.confirmed, confirmed as i64, "{design}");
    assert_eq!(counts.waitlisted, waiting as i64, "{design}");
    assert_eq!(counts.events, events, "{design}");
}

#[tokio::test]
async fn of_200_people_who_come_at_once_20_get_a_seat_and_the_others_wait() {
    for design in DESIGNS {
        let running = Running::start(design, 20).await;
        let people: Vec<String> = (0..200).map(|_| member()).collect();
        let answers = running.rush(&people).await;
        let tickets: HashSet<i64> = answers.iter().map(|answer| answer.ticket).collect();
        assert_eq!(tickets.len(), 200, "{design}");
        let let_in = answers
            .iter()
            .filter(|answer| answer.status == Status::Confirmed)
            .count();
        assert_eq!(let_in, 20, "{design}");
        assert_agrees(&running, &answers, 20, 200, design).await;
    }
}

#[tokio::test]
async fn a_seat_that_is_given_back_goes_to_whoever_has_waited_for_longest() {
    for design in DESIGNS {
        let running = Running::start(design, 2).await;
        let people: Vec<String> = (0..4).map(|_| member()).collect();
        let mut answers = Vec::new();
        for person in &people {
            answers.append(&mut running.rush(std::slice::from_ref(person)).await);
        }
        let (status, cancelled) = running.cancel(&people[0]).await;
        assert_eq!(
            (status, &cancelled["status"]),
            (StatusCode::OK, &"cancelled".into()),
            "{design}"
        );
        let row = |index: usize, rows: &[Row]| {
            let found = rows.iter().find(|row| row.id == answers[index].id);
            found.unwrap().status
        };
        let rows = running.rows().await;
        let expected = [
            Status::Cancelled,
            Status::Confirmed,
            Status::Confirmed,
            Status::Waitlisted,
        ];
        for (index, status) in expected.into_iter().enumerate() {
            assert_eq!(row(index, &rows), status, "{design}: {index}");
        }
        assert_agrees(&running, &answers, 2, 6, design).await;
        // Whoever waits may leave, too, and nobody moves.
        running.cancel(&people[3]).await;
        running.cancel(&people[2]).await;
        assert_agrees(&running, &answers, 1, 8, design).await;
    }
}

#[tokio::test]
async fn people_who_come_and_go_at_once_are_neither_lost_nor_let_in_twice() {
    for design in DESIGNS {
        let running = Running::start(design, 10).await;
        let people: Vec<String> = (0..60).map(|_| member()).collect();
        let (stay, go) = people.split_at(40);
        running.rush(go).await;
        let (answers, _) = futures::join!(running.rush(stay), async {
            futures::future::join_all(go.iter().map(|token| running.cancel(token))).await
        });
        let rows = running.rows().await;
        assert_eq!(with(Status::Cancelled, &rows), 20, "{design}");
        let promoted = running.counts().await.events - 80;
        assert_agrees(&running, &answers, 10, 80 + promoted, design).await;
    }
}

#[tokio::test]
async fn nobody_gets_a_second_rsvp_and_whoever_has_none_cannot_cancel() {
    for design in DESIGNS {
        let running = Running::start(design, 1).await;
        let [ada, ben] = [member(), member()];
        running.rush(std::slice::from_ref(&ada)).await;
        let (status, body) = running.reserve(&ada).await;
        assert_eq!(
            (status, &body["code"]),
            (StatusCode::CONFLICT, &"already_reserved".into()),
            "{design}"
        );
        let (status, body) = running.cancel(&ben).await;
        assert_eq!(
            (status, &body["code"]),
            (StatusCode::NOT_FOUND, &"no_rsvp".into()),
            "{design}"
        );
        let counts = running.counts().await;
        assert_eq!((counts.confirmed, counts.waitlisted), (1, 0), "{design}");
    }
}

#[tokio::test]
async fn a_forged_token_is_refused_and_a_member_controls_nothing() {
    for design in DESIGNS {
        let running = Running::start(design, 1).await;
        for token in bad_tokens() {
            assert_eq!(
                running.reserve(&token).await.0,
                StatusCode::UNAUTHORIZED,
                "{design}"
            );
            assert_eq!(
                running.cancel(&token).await.0,
                StatusCode::UNAUTHORIZED,
                "{design}"
            );
        }
        let path = format!("/control/activities/{}/rows", running.activity);
        let read = running.ask(Method::GET, &path, &member()).send().await.unwrap();
        assert_eq!(read.status(), StatusCode::FORBIDDEN, "{design}");
        assert_eq!(running.rows().await, [], "{design}");
    }
}
