//! A database that was restored: the history that clients see gets a new number.

use std::process::Command;
use std::time::Duration;

use crate::support::{Killable, host};

const DEADLINE: Duration = Duration::from_secs(30);

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
    let open = async || format!("/api/v1{}", server.open(&host(), 2).await);
    let (known, resting) = (open().await, open().await);
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
