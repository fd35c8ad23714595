//! A history with every kind of event.

use serde_json::{Value, json};

use crate::support::{Guest, Person, Server, contacts, host};

/// A history with every kind of event, in four activities: one that goes on, one that offers spots to parties and
/// guests, one that ended, and one that nobody came to.
pub(super) async fn history(server: &Server) {
    seats(server).await;
    offers(server).await;
}

/// What becomes of people with seats and of those who wait for them.
async fn seats(server: &Server) {
    let kept = server.open(json!({"title": "Kept", "capacity": 3})).await;
    let rsvp = format!("{kept}/rsvp");
    let people: Vec<Person> = (0..8).map(Person::member).collect();
    for (person, guests) in [(2, 1), (3, 0), (4, 1), (5, 0)] {
        let reserve = server
            .post(&rsvp)
            .by(&people[person])
            .header("idempotency-key", "k");
        let reserve = reserve.json(&json!({"guest_count": guests}));
        reserve.send().await.expect(201);
        server.clock.advance_s(1);
    }
    let change = async |fields: Value| {
        let changed = server.patch(&kept).by(&host()).json(&fields);
        changed.send().await.expect(200);
        server.clock.advance_s(1);
    };
    let leave = async |person: &Person| {
        let left = server.delete(&rsvp).by(person).header("idempotency-key", "l");
        left.send().await.expect(200);
    };
    let grow = server
        .patch(&rsvp)
        .by(&people[5])
        .json(&json!({"guest_count": 1}));
    grow.send().await.expect(200);
    leave(&people[3]).await;
    server.reserve(&kept, &people[6], json!({})).await.expect(201);
    change(json!({"capacity": 5})).await;
    change(json!({"title": "Kept", "venue": "Hall 1"})).await;
    change(json!({"capacity": 2})).await;
    leave(&people[2]).await;
    server.reserve(&kept, &people[2], json!({})).await.expect(201);
    change(json!({"waitlist_paused": true})).await;
    change(json!({"waitlist_paused": false})).await;

    let ended = server.open(json!({"title": "Ended", "capacity": 4})).await;
    for person in &people[2..6] {
        server.reserve(&ended, person, json!({})).await.expect(201);
    }
    server.delete(&ended).by(&host()).send().await.expect(200);
    let create = server
        .post("/activities")
        .by(&host())
        .header("idempotency-key", "c");
    let empty = json!({
        "title": "Empty", "starts_at": "2026-05-08T18:00:00Z", "ends_at": "2026-05-08T22:00:00Z", "capacity": 2,
    });
    create.json(&empty).send().await.expect(201);
}

/// What becomes of offers, parties, guests, and of those who came.
async fn offers(server: &Server) {
    let promotion = json!({"mode": "offer", "ttl_s": 60});
    let path = server
        .open(json!({"title": "Offers", "capacity": 3, "promotion": promotion}))
        .await;
    let (one, booker) = (Person::member(2), Person::member(3));
    let own = format!("{path}/rsvp");
    let leave = async |guest: &Guest| {
        let left = server.delete("/rsvps/cancel-by-token").by_guest(guest);
        left.header("idempotency-key", "l").send().await.expect(200);
        server.clock.advance_s(1);
    };
    let answer = async |guest: &Guest, word: &str| {
        let answer = server.post(&format!("{}/{word}", guest.path())).by_guest(guest);
        answer.header("idempotency-key", "a").send().await.expect(200);
    };
    let pause = async |paused: bool| {
        let pause = server
            .patch(&path)
            .by(&host())
            .json(&json!({"waitlist_paused": paused}));
        pause.send().await.expect(200);
    };
    // 1 to 5: somebody, a party that does not fit, a guest who does not fit either, and room for the party.
    server
        .reserve(&path, &one, json!({"guest_count": 2}))
        .await
        .expect(201);
    let book = server
        .post(&format!("{path}/rsvps/bulk"))
        .by(&booker)
        .header("idempotency-key", "b");
    let body = json!({"mode": "all", "attendees": contacts(&[("Bo", 0), ("Ann", 0)])});
    let booked = book.json(&body).send().await.expect(201);
    let party: Vec<Guest> = booked["rsvps"]
        .as_array()
        .unwrap()
        .iter()
        .map(Guest::of)
        .collect();
    let cyd = server.guest(&path, "Cyd").await;
    server.clock.advance_s(1);
    let shrink = server.patch(&own).by(&one).json(&json!({"guest_count": 0}));
    shrink.send().await.expect(200);
    // 6 to 9: the party has an offer, and takes it.
    answer(&party[0], "accept").await;
    // 10 to 12: the guest has an offer, and lets it end.
    server.delete(&own).by(&one).send().await.expect(200);
    server.clock.advance_s(60);
    // 13 to 15: one of the party comes to the door.
    let door = format!("{}/check-in", party[1].path());
    let let_in = || {
        server
            .post(&door)
            .by(&host())
            .header("idempotency-key", "d")
            .send()
    };
    let_in().await.expect(200);
    server.delete(&door).by(&host()).send().await.expect(200);
    server.post(&door).by(&host()).send().await.expect(200);
    // 16 and 17: the other one hands on what they have.
    let transfer = server
        .post(&format!("{}/transfer", party[0].path()))
        .by_guest(&party[0]);
    let dee = json!({"name": "Dee", "email": "dee@example.com"});
    let given = transfer
        .header("idempotency-key", "t")
        .json(&dee)
        .send()
        .await
        .expect(200);
    // 18 to 23: one who leaves, one who gets the offer and declines, one who comes back.
    let eve = server.guest(&path, "Eve").await;
    let fay = server.guest(&path, "Fay").await;
    leave(&eve).await;
    answer(&fay, "decline").await;
    let gil = server.guest(&path, "Cyd").await;
    assert_eq!(gil.id, cyd.id);
    // 24 to 28: the host puts one out for another, by hand.
    let hal = server.guest(&path, "Hal").await;
    pause(true).await;
    let swap = server.post(&format!("{path}/waitlist/bulk")).by(&host());
    let swap = swap.header("idempotency-key", "s");
    let swap = swap.json(&json!({"remove": [gil.id], "promote": [hal.id]}));
    swap.send().await.expect(200);
    // 28 to 35: a party of which one brings more waits, and somebody is promoted past it.
    let party = server.party(&path, &booker, &[("Ivy", 0), ("Jan", 0)]).await;
    let grow = server
        .patch(&party[0].path())
        .by_guest(&party[0])
        .header("idempotency-key", "g");
    grow.json(&json!({"guest_count": 1})).send().await.expect(200);
    server.guest(&path, "Kim").await;
    leave(&Guest::given_by(&given)).await;
    pause(false).await;
}
