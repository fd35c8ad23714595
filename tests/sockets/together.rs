//! Parties and transfers over sockets: whoever an RSVP belongs to hears of what others do with it.

use serde_json::{Value, json};

use super::entering::{assert_has, guest, party};
use crate::support::{Follower, Person, Server, Socket, contact, host, id_of, with};

/// A socket for each of these people that follows the activity.
async fn following(server: &Server, path: &str, people: &[Person]) -> Vec<Socket> {
    let mut sockets = Vec::new();
    for person in people {
        let mut socket = server.socket(Some(person)).await;
        assert_eq!(
            socket.subscribe(path).await["me"]["rsvp"]["id"],
            person.id.as_str()
        );
        sockets.push(socket);
    }
    sockets
}

/// An activity for two that is full, with a party of two in its line.
async fn with_a_waiting_party(server: &Server) -> (String, Vec<Person>) {
    let path = server.open(json!({"capacity": 3})).await;
    let ada = Person::member(2);
    let body = json!({"guest_count": 2});
    server.reserve(&path, &ada, body).await.expect(201);
    let both = party(server, &path, &Person::member(9), &["Grace", "Heidi"]).await;
    (path, both)
}

#[tokio::test]
async fn a_party_has_one_place_and_all_of_it_hears_when_that_moves() {
    let server = Server::start().await;
    let (path, both) = with_a_waiting_party(&server).await;
    guest(&server, &path, "Judy").await;
    let mut sockets = following(&server, &path, &both).await;
    let ok = sockets[0]
        .command(&path, "update", json!({"guest_count": 1}))
        .await;
    assert_has(&ok["rsvp"], json!({"name": "Grace", "version": 2, "position": 2}));
    for (socket, name) in sockets.iter_mut().zip(["Grace", "Heidi"]) {
        let me = socket.hear("me").await;
        assert_has(&me, json!({"ticket": 4, "parties_ahead": 1, "spots_ahead": 1}));
        assert_has(
            &me["rsvp"],
            json!({"name": name, "version": 2, "status": "waitlisted"}),
        );
        let diff = socket.hear("diff").await;
        assert_eq!(diff["waitlist"]["parties"], 2, "{diff}");
    }
    server.stop().await;
}

#[tokio::test]
async fn whoever_leaves_a_party_leaves_the_others_their_place() {
    let server = Server::start().await;
    let (path, both) = with_a_waiting_party(&server).await;
    let judy = guest(&server, &path, "Judy").await;
    let mut sockets = following(&server, &path, &both).await;
    let mut judys = server.socket(Some(&judy)).await;
    let mut follower = Follower::default();
    follower.hear(&judys.subscribe(&path).await);
    assert_eq!(follower.ahead(), Some((1, 2)));
    sockets[0].command(&path, "cancel", json!({})).await;
    assert_eq!(sockets[0].hear("me").await["rsvp"]["status"], "cancelled");
    let diff = sockets[1].hear("diff").await;
    assert_eq!(diff["waitlisted_spots"], 2);
    assert!(
        diff.get("waitlisted_parties").is_none(),
        "they are as many as before: {diff}"
    );
    assert_eq!(diff["waitlist"]["resized"], json!([[2, -1, diff["seq"]]]));
    follower.hear(&judys.hear("diff").await);
    assert_eq!(follower.ahead(), Some((1, 1)));
    let me = &sockets[1].subscribe(&path).await["me"];
    assert_has(me, json!({"ticket": 2, "parties_ahead": 0}));
    server.stop().await;
}

#[tokio::test]
async fn a_party_is_promoted_as_one_and_each_of_it_hears() {
    let server = Server::start().await;
    let (path, both) = with_a_waiting_party(&server).await;
    let mut sockets = following(&server, &path, &both).await;
    let cancel = server.delete(&format!("{path}/rsvp")).by(&Person::member(2));
    cancel.send().await.expect(200);
    for socket in &mut sockets {
        let me = socket.hear("me").await;
        assert_has(&me["rsvp"], json!({"status": "confirmed", "version": 2}));
        let diff = socket.hear("diff").await;
        assert_eq!(diff["waitlist"]["left"].as_array().unwrap().len(), 1, "{diff}");
    }
    server.stop().await;
}

#[tokio::test]
async fn whoever_hands_an_rsvp_on_hears_that_it_is_gone() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1})).await;
    let (ada, bob) = (Person::member(2), Person::member(3));
    server.reserve_all(&path, &[&ada, &bob]).await;
    let mut adas = server.socket(Some(&ada)).await;
    let mut bobs = server.socket(Some(&bob)).await;
    adas.subscribe(&path).await;
    bobs.subscribe(&path).await;
    for (person, socket) in [(&ada, &mut adas), (&bob, &mut bobs)] {
        let rsvp = server.rsvp(&path, person).await;
        let name = if person.id == ada.id { "Grace" } else { "Heidi" };
        let transfer = format!("/rsvps/{}/transfer", rsvp["id"].as_str().unwrap());
        let transfer = server.post(&transfer).by(person).json(&contact(name));
        let answer = transfer.send().await.expect(200);
        let me = socket.wait_for("me").await;
        assert_has(
            &me["rsvp"],
            json!({"status": "cancelled", "cancel_reason": "transferred"}),
        );
        assert_eq!(me["rsvp"], answer["rsvp"]);
        assert_eq!(me["ticket"], Value::Null);

        let recipient = Person {
            id: answer["recipient"]["id"].as_str().unwrap().to_owned(),
            token: answer["manage_token"].as_str().unwrap().to_owned(),
        };
        let mut theirs = server.socket(Some(&recipient)).await;
        let me = &theirs.subscribe(&path).await["me"];
        assert_has(
            &me["rsvp"],
            json!({"name": name, "status": rsvp["status"], "position": rsvp["position"]}),
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn whoever_gets_back_in_by_a_transfer_needs_the_new_token() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 2})).await;
    let ada = Person::member(2);
    server.reserve(&path, &ada, json!({})).await.expect(201);
    let grace = guest(&server, &path, "Grace").await;
    let mut graces = server.socket(Some(&grace)).await;
    graces.subscribe(&path).await;
    graces.command(&path, "cancel", json!({})).await;
    assert_eq!(graces.hear("me").await["rsvp"]["status"], "cancelled");
    graces.hear("diff").await;
    let rsvp = server.rsvp(&path, &ada).await;
    let transfer = server.post(&format!("/rsvps/{}/transfer", rsvp["id"].as_str().unwrap()));
    let answer = transfer.by(&ada).json(&contact("Grace")).send().await.expect(200);
    assert_eq!(answer["recipient"]["id"], grace.id.as_str());
    assert_has(
        &graces.hear("error").await,
        json!({"code": "token_revoked", "activity": id_of(&path)}),
    );
    server.stop().await;
}

#[tokio::test]
async fn what_a_member_says_of_themselves_is_not_told_to_a_booker_who_follows_it() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let booker = Person::named(2, "Booker");
    let ada = party(&server, &path, &booker, &["Ada", "Bo"]).await.remove(0);
    let rsvp = format!("/rsvps/{}", ada.id);
    let wish = async |wish: &str| {
        let wish = json!({"special_requirements": wish});
        let patch = server.patch(&rsvp).by(&ada).json(&wish);
        patch.send().await.expect(200)["rsvp"].clone()
    };
    let whole = wish("Wheelchair").await;
    let hidden = |whole: &Value| {
        with(
            whole.clone(),
            json!({"email": null, "special_requirements": null}),
        )
    };
    let shown: fn(&Value) -> Value = Value::clone;
    let everybody = [
        (&booker, hidden as fn(&Value) -> Value),
        (&ada, shown),
        (&host(), shown),
        (&Person::admin(9), shown),
    ];
    let mut sockets = Vec::new();
    for (person, seen) in everybody {
        let mut socket = server.dial(&format!("{rsvp}/status")).open().await;
        socket.hello(Some(person)).await;
        let me = socket.hear("subscribed").await["me"].clone();
        assert_eq!(me["rsvp"], seen(&whole), "{}", person.id);
        let over_rest = server.get(&rsvp).by(person).send().await.expect(200);
        assert_eq!(me["rsvp"], over_rest, "{}", person.id);
        sockets.push((socket, seen));
    }
    let whole = wish("Vegan").await;
    for (socket, seen) in &mut sockets {
        assert_eq!(socket.hear("me").await["rsvp"], seen(&whole));
    }
    // A host who books is the host first.
    let di = party(&server, &path, &host(), &["Di", "Ed"]).await.remove(0);
    let mut socket = server.dial(&format!("/rsvps/{}/status", di.id)).open().await;
    socket.hello(Some(&host())).await;
    let subscribed = socket.hear("subscribed").await;
    assert_eq!(subscribed["me"]["rsvp"]["email"], "di@example.com");
    server.stop().await;
}

#[tokio::test]
async fn whatever_happens_a_snapshot_with_all_differences_is_the_later_snapshot() {
    let server = Server::start().await;
    let fields = json!({"capacity": 2, "promotion": {"mode": "offer", "ttl_s": 60}});
    let path = server.open(fields).await;
    let mut watching = server.socket(None).await;
    let mut follower = Follower::default();
    follower.hear(&watching.subscribe(&path).await);
    let mut hosts = server.socket(Some(&host())).await;
    let grace = guest(&server, &path, "Grace").await;
    let heidi = guest(&server, &path, "Heidi").await;
    let waiting = party(&server, &path, &Person::member(9), &["Ivan", "Judy"]).await;
    hosts.command(&path, "check_in", json!({"rsvp": grace.id})).await;
    hosts.command(&path, "check_in", json!({"rsvp": heidi.id})).await;
    hosts
        .command(&path, "undo_check_in", json!({"rsvp": heidi.id}))
        .await;
    hosts.command(&path, "set_capacity", json!({"capacity": 4})).await;
    let mut ivans = server.socket(Some(&waiting[0])).await;
    ivans.command(&path, "accept", json!({})).await;
    hosts.command(&path, "remove", json!({"rsvps": [heidi.id]})).await;
    let last = hosts
        .command(&path, "check_in", json!({"rsvp": waiting[1].id}))
        .await;
    while follower.seq < last["seq"].as_u64().unwrap() {
        follower.hear(&watching.hear("diff").await);
    }
    let mut fresh = server.socket(None).await;
    let mut snapshot = fresh.subscribe(&path).await["snapshot"].clone();
    snapshot.as_object_mut().unwrap().remove("opens_in_ms");
    assert_eq!(Value::from(follower.state), snapshot);
    assert_has(
        &snapshot,
        json!({"confirmed_spots": 3, "offered_spots": 0, "checked_in_spots": 2, "waitlisted_parties": 0}),
    );
    server.stop().await;
}
