//! What a connection has to do: tells one that only stays open from one that is being served.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

/// Counts the requests of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Work(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicU64,
    ended: AtomicU64,
}

impl Work {
    /// A request has come. It is under way until what is returned is dropped.
    pub(super) fn begin(&self) -> UnderWay {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        UnderWay(self.0.clone())
    }

    /// How many requests have come so far, unless one of them is under way.
    pub(super) fn idle_after(&self) -> Option<u64> {
        // Whatever ends between the two looks makes it seem busy, never idle.
        let ended = self.0.ended.load(Ordering::Relaxed);
        let begun = self.0.begun.load(Ordering::Relaxed);
        (ended == begun).then_some(begun)
    }
}

/// One request, until its answer was written or is of no use any more.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Counts>);

impl UnderWay {
    /// The answer's body, under way for as long as it is written.
    pub(super) fn until_written(self, body: Body) -> Body {
        Body::new(Written {
            body,
            _under_way: self,
        })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

struct Written {
    body: Body,
    _under_way: UnderWay,
}

impl HttpBody for Written {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_connection_is_busy_until_its_answer_was_written() {
        let work = Work::default();
        assert_eq!(work.idle_after(), Some(0));
        let request = work.begin();
        assert_eq!(work.idle_after(), None);
        let body = request.until_written("answer".into());
        assert_eq!(body.size_hint().exact(), Some(6), "its length is known as before");
        assert_eq!(work.idle_after(), None);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "answer");
        assert_eq!(work.idle_after(), Some(1));
    }
}
