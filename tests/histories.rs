//! A database that was restored: the history that clients see gets a new number.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Killable, host, usual_activity, with};

const DEADLINE: Duration = Duration::from_secs(30);

async fn open(server: &Killable) -> String {
    let times = json!({"starts_at": "2090-01-01T00:00:00Z", "ends_at": "2090-01-01T01:00:00Z"});
    let request = reqwest::Client::new()
        .post(format!("{}/api/v1/activities", server.url()))
        .bearer_auth(host().token)
        .json(&with(usual_activity(), times));
    let made: Value = request.send().await.unwrap().json().await.unwrap();
    format!("/api/v1/activities/{}", made["id"].as_str().unwrap())
}

/// What the command says that an operator gives after restoring.
fn restored(server: &Killable) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_turnout"))
        .args(["--database-url", server.database(), "admin", "restored"])
        .env_clear()
        .current_dir(server.folder())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn clients_see_a_new_epoch_after_a_database_was_restored() {
    let server = Killable::start().await;
    let (known, resting) = (open(&server).await, open(&server).await);
    let first = server.ask(&known).await["epoch"].as_u64().unwrap();
    let told = restored(&server);
    // A server that runs learns of it with the next activity that it loads, and then tells it of all.
    let present = async {
        loop {
            let epoch = server.ask(&resting).await["epoch"].as_u64();
            if let Some(epoch) = epoch.filter(|epoch| *epoch > first) {
                return epoch;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let present = tokio::time::timeout(DEADLINE, present).await.expect("it is seen");
    assert_eq!(told, format!("History {present} begins.\n"));
    assert_eq!(server.ask(&known).await["epoch"], present);
    let again = restored(&server);
    assert_ne!(again, told, "no history begins twice");
}
