//! What a key was used for, where memory only has its hash: the journal has the rest.

use std::sync::Arc;

use ractor::ActorRef;

use super::ActivityMsg;
use super::pending::KeyKnowledge;
use crate::callers::Caller;
use crate::domain::{ActivityId, Seq};
use crate::ports::{Journal, JournalError};

/// Asks the journal whether one of these events recorded the command's key, and tells the actor.
pub(super) fn recall(
    journal: Arc<dyn Journal>,
    id: ActivityId,
    actor: ActorRef<ActivityMsg>,
    caller: Box<Caller>,
    hints: Vec<Seq>,
) {
    tokio::spawn(async move {
        let found = find_key(journal.as_ref(), id, &caller, hints).await;
        // If the actor is gone, dropping the message tells the caller to come back.
        let _ = actor.cast(ActivityMsg::Recalled(caller, found));
    });
}

async fn find_key(
    journal: &dyn Journal,
    id: ActivityId,
    caller: &Caller,
    hints: Vec<Seq>,
) -> Result<KeyKnowledge, JournalError> {
    let digest = caller.request.key.map(|key| key.digest);
    let looked_at = hints.len();
    for hint in hints {
        if let Some(keyed) = journal
            .recall(id, hint)
            .await?
            .filter(|keyed| Some(keyed.key.digest) == digest)
        {
            return Ok(KeyKnowledge::Recorded(Box::new(keyed)));
        }
    }
    Ok(KeyKnowledge::Unknown(looked_at))
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;
    use crate::domain::{Command, KeyDigest, KeyUse, Principal, Request, Target};
    use crate::reply_port::ReplyPort;
    use crate::testing::{Drive, MemoryJournal, settings};

    /// Somebody whose key begins with eight bytes 7 and goes on with this byte.
    fn caller(rest: u8) -> Caller {
        let mut digest = [7; 16];
        digest[8..].fill(rest);
        let key = KeyUse {
            digest: KeyDigest(digest),
            fingerprint: 7,
        };
        let settings = settings(1);
        let request = Request {
            by: Principal::user(settings.host_id),
            at: settings.starts_at,
            command: Command::Cancel(Target::Own),
            if_version: None,
            key: Some(key),
        };
        let permit = Arc::new(Semaphore::new(1)).try_acquire_owned();
        Caller::new(
            request,
            ReplyPort::single().0,
            permit.expect("the permit is free"),
        )
    }

    #[tokio::test]
    async fn two_keys_that_share_their_hash_are_told_apart_by_what_the_journal_has() {
        let journal = MemoryJournal::new();
        let mut drive = Drive::create(&journal, 1, settings(3)).await;
        let other = drive.reserve_keyed(1, 0, Some(6)).expect("there is room").seq;
        let recorded = drive.reserve_keyed(2, 0, Some(7)).expect("there is room").seq;
        drive.commit(&journal).await;
        let (same, alike) = (caller(7), caller(8));
        let hash = |caller: &Caller| caller.request.key.map(|key| key.digest.hash());
        assert_eq!(hash(&same), hash(&alike));
        for (caller, found) in [(same, Some(recorded)), (alike, None)] {
            let known = find_key(&journal, drive.activity.id(), &caller, vec![other, recorded])
                .await
                .expect("recalling works");
            match (known, found) {
                (KeyKnowledge::Recorded(keyed), Some(seq)) => assert_eq!(keyed.outcome.seq, seq),
                (KeyKnowledge::Unknown(looked_at), None) => assert_eq!(looked_at, 2),
                (known, _) => panic!("{known:?}"),
            }
        }
    }
}
