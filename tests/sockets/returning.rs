//! Many come back at once, after a restart of the server.

use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{
    Person, Proxy, Server, Statements, allow_connections, by_way_of, number, postgres_of, server_of,
};

/// Claiming the activity, reading it, and what goes on at all times: however many come.
const STATEMENTS_MAX: u64 = 25;

/// `TURNOUT_RETURN_SOCKETS` sets how many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_activity_is_read_once_and_encoded_once_however_many_come_back() {
    let sockets = number("TURNOUT_RETURN_SOCKETS", 300);
    allow_connections();
    let folder = tempfile::tempdir().unwrap();
    let database = postgres_of(folder.path());
    let statements = Arc::new(Statements::default());
    let counts = statements.clone();
    let proxy = Proxy::overheard(server_of(&database), move |_| counts.ear()).await;
    let server = Server::start_on(by_way_of(proxy.address, &database)).await;
    let path = server.open(json!({"capacity": 2})).await;
    for number in 2..5 {
        server
            .reserve(&path, &Person::member(number), json!({}))
            .await
            .expect(201);
    }
    let events = server.events(&path).await.len();

    let server = Arc::new(server.restart().await);
    let before = statements.so_far();
    let mut coming = JoinSet::new();
    for number in 0..sockets {
        let (server, path) = (server.clone(), path.clone());
        coming.spawn(async move {
            let person = Person::member(2 + u128::from(number));
            let mut socket = match number % 2 {
                0 => server.socket(Some(&person)).await,
                _ => server.packed_socket(Some(&person)).await,
            };
            (number, socket.subscribe(&path).await, socket)
        });
    }
    let came = coming.join_all().await;
    let asked = statements.so_far() - before;
    for (number, subscribed, _) in &came {
        assert_eq!(subscribed["seq"], events as u64, "{subscribed}");
        let place = match number {
            0 | 1 => json!("confirmed"),
            2 => json!("waitlisted"),
            _ => json!(null),
        };
        assert_eq!(subscribed["me"]["rsvp"]["status"], place, "{subscribed}");
    }
    // One for each way of writing messages.
    assert_eq!(server.snapshots_encoded(&path), 2);
    assert!(
        asked <= STATEMENTS_MAX,
        "{asked} statements for {sockets} sockets"
    );
    println!("{sockets} sockets came back: {asked} statements, 2 snapshots encoded");
    drop(came);
    Arc::into_inner(server).unwrap().stop().await;
}
