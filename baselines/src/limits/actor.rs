//! A bare actor that answers calls, and callers who each have one call in flight: what passing a message and its answer
//! costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use ractor::rpc::CallResult;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::time::Instant;

use super::{Limit, Stopwatch};

struct Counter;

/// Asks for the next number.
struct Next(RpcReplyPort<u64>);

impl Actor for Counter {
    type Msg = Next;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Next>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _: ActorRef<Next>,
        Next(reply): Next,
        state: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        *state += 1;
        // Whoever does not wait any more needs no answer.
        let _ = reply.send(*state);
        Ok(())
    }
}

/// Lets so many callers call for so long.
pub async fn actor(callers: usize, duration: Duration) -> anyhow::Result<Limit> {
    let (counter, running) = Actor::spawn(None, Counter, ()).await?;
    let done = Arc::new(AtomicU64::new(0));
    let mut stopwatch = Stopwatch::default();
    // The first of them calls while the last is not there yet, so the clock starts before.
    let calling = async {
        let until = Instant::now() + duration;
        join_all((0..callers).map(|_| {
            let (counter, done) = (counter.clone(), done.clone());
            tokio::spawn(async move {
                while Instant::now() < until {
                    match counter.call(Next, None).await {
                        Ok(CallResult::Success(_)) => done.fetch_add(1, Ordering::Relaxed),
                        _ => anyhow::bail!("the actor does not answer"),
                    };
                }
                Ok(())
            })
        }))
        .await
    };
    for called in stopwatch.time(0, calling).await {
        called??;
    }
    stopwatch.count = done.load(Ordering::SeqCst);
    counter.stop(None);
    running.await?;
    Ok(stopwatch.limit("actor", None))
}
