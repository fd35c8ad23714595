//! Over REST nobody is told of an offer, so somebody looks: the host's list shows who has one, and its person makes up
//! their mind.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::Shared;
use crate::host::Host;
use crate::shared::lock;

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(150);

/// Looks for ever.
pub(super) async fn look(shared: Arc<Shared>, ttl_s: u32) {
    let scene = &shared.scene;
    let mut backstage = scene.backstage();
    let mut host = Host::new(&mut backstage, &scene.host);
    loop {
        // What cannot be read now is read the next time; a server that is gone is told of by others.
        if let Ok(offered) = host.read_offered(scene.activity).await {
            let mut crowd = lock(&shared.crowd);
            for rsvp in &offered {
                crowd.see_offer(rsvp, u64::from(ttl_s) * 1_000_000);
            }
        }
        sleep(EVERY).await;
    }
}
