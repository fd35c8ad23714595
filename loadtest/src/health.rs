//! Whether a server is well, and waiting until one that was just started is.

use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::Child;
use tokio::time::sleep;

use crate::client::{Connection, Method, Request};
use crate::clock;
use crate::target::Target;

const POLL_EVERY: Duration = Duration::from_millis(20);
/// How long one question may take.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// Why a server that was started is not there.
#[derive(Debug)]
pub(crate) enum NotThere {
    /// It has ended.
    Ended(ExitStatus),
    /// It did not say in time that it is well.
    Late,
}

/// Whether a server answers there and says that it is well.
pub async fn is_healthy(target: &Target) -> bool {
    let health = Request {
        method: Method::Get,
        path: "/health",
        token: None,
        key: None,
        body: "",
    };
    let mut connection = Connection::new(target.clone(), ANSWERS_WITHIN);
    connection
        .send(&health)
        .await
        .is_ok_and(|head| head.status == 200)
}

/// Waits until the server that `child` is says that it is well.
pub(crate) async fn wait_until_healthy(
    child: &mut Child,
    target: &Target,
    deadline: Duration,
) -> Result<(), NotThere> {
    let give_up_at = clock::now() + deadline;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Err(NotThere::Ended(status));
        }
        if is_healthy(target).await {
            return Ok(());
        }
        if clock::now() >= give_up_at {
            return Err(NotThere::Late);
        }
        sleep(POLL_EVERY).await;
    }
}
