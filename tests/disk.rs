//! A disk without room: commands are refused while it lasts, nothing acknowledged is lost, and serving resumes by
//! itself.
//!
//! The server's files are kept from growing by a limit of the operating system, which can be lifted again. Like
//! a full disk it is met where the write-ahead log is written: in the commit.

use std::process::Command;
use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Killable, audit, claims, forge};

struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    async fn post(&self, person: u128, path: &str, body: &Value) -> Response {
        let now_s = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64;
        let mut claims = claims(now_s);
        claims["sub"] = json!(Uuid::from_u128(person));
        let request = self
            .http
            .post(format!("{}/api/v1{path}", self.url))
            .bearer_auth(forge(&claims));
        request.json(body).send().await.unwrap()
    }

    async fn reserve(&self, person: u128, id: &str) -> StatusCode {
        self.post(person, &format!("/activities/{id}/rsvp"), &json!({}))
            .await
            .status()
    }

    async fn confirmed(&self, id: &str) -> u64 {
        let answer = self
            .http
            .get(format!("{}/api/v1/activities/{id}", self.url))
            .send()
            .await
            .unwrap();
        answer.json::<Value>().await.unwrap()["confirmed_spots"]
            .as_u64()
            .unwrap()
    }
}

/// Sets how large the files of a process may grow.
fn limit_files(process: u32, bytes: &str) {
    let limit = format!("--fsize={bytes}:unlimited");
    let status = Command::new("prlimit")
        .args(["--pid", &process.to_string(), &limit])
        .status()
        .unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn a_full_disk_refuses_commands_and_is_survived() {
    // Without the signal a write beyond the limit is an ordinary error, as on a full disk.
    let ignoring = ["sh", "-c", "trap '' XFSZ; exec \"$0\""].map(str::to_owned);
    let server = Killable::start_under(&ignoring).await;
    let client = Client {
        http: reqwest::Client::new(),
        url: server.url(),
    };
    let activity = json!({
        "title": "An evening", "starts_at": "2990-01-01T00:00:00Z", "ends_at": "2990-01-02T00:00:00Z", "capacity": 100,
    });
    let made: Value = client
        .post(1, "/activities", &activity)
        .await
        .json()
        .await
        .unwrap();
    let id = made["id"].as_str().unwrap();
    assert_eq!(client.reserve(2, id).await, 201);

    for round in 0..2 {
        limit_files(server.id(), "1");
        for person in 10..13 {
            assert_eq!(client.reserve(person, id).await, 503, "nothing can be written");
        }
        let login = json!({ "name": "Ada", "email": format!("ada{round}@example.com"), "password": "a good password" });
        assert_eq!(client.post(1, "/auth/register", &login).await.status(), 503);
        assert_eq!(client.confirmed(id).await, 1 + round, "reads go on");

        limit_files(server.id(), "unlimited");
        let resumes = async {
            while client.reserve(20 + u128::from(round), id).await != 201 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), resumes)
            .await
            .expect("serving resumes by itself");
        assert_eq!(
            client.confirmed(id).await,
            2 + round,
            "what was refused had no effect"
        );
        let answer = client.post(1, "/auth/register", &login).await;
        assert_eq!(answer.status(), 201, "accounts are written again too");
        let audited = audit(server.database()).await;
        assert_eq!(audited.rsvps as u64, 2 + round);
    }
}
