//! Runs the parts of an agent on this thread, in their order: what happens follows from the seed alone.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

type Part = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Parts that run until they are dropped.
#[derive(Default)]
pub(crate) struct Parts(Vec<(Part, Arc<Woken>)>);

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Parts {
    pub(crate) fn new(parts: impl IntoIterator<Item = Part>) -> Self {
        let parts = parts.into_iter();
        Self(
            parts
                .map(|part| (part, Arc::new(Woken(AtomicBool::new(true)))))
                .collect(),
        )
    }

    /// Polls each part that was woken; false when none was.
    pub(crate) fn poll(&mut self) -> bool {
        let mut any = false;
        self.0.retain_mut(|(part, woken)| {
            if !woken.0.swap(false, Ordering::Relaxed) {
                return true;
            }
            any = true;
            let waker = Waker::from(Arc::clone(woken));
            part.as_mut().poll(&mut Context::from_waker(&waker)) == Poll::Pending
        });
        any
    }
}

/// What a future that waits for nothing gives; `None` when it waits after all.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let waker = Waker::from(Arc::new(Woken(AtomicBool::new(false))));
    match future.as_mut().poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
