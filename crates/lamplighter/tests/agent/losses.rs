//! What the network between agents and their control plane does to requests, and what was asked through it.

use super::*;

#[derive(Default)]
pub(crate) struct Losses {
    /// How many answers about outcomes are still to get lost on their way: what was sent counts, and nobody hears of it.
    pub(crate) left: AtomicU32,
    pub(crate) answered: AtomicU32,
    /// What agents fetched: paths and bytes.
    pub(crate) fetched: std::sync::Mutex<Vec<(String, u64)>>,
    /// When agents began to follow events, and the status that they were answered.
    pub(crate) followed: std::sync::Mutex<Vec<(Timestamp, StatusCode)>>,
    /// Pushes get lost, come twice and overtake one another.
    pub(crate) suffers: AtomicBool,
    /// No large document is given any more, and how many were asked for since.
    pub(crate) is_stuck: AtomicBool,
    pub(crate) hanging: AtomicU32,
}

impl Losses {
    /// Waits for as long as large documents are stuck.
    async fn pass_when_free(&self, clock: &Clock) {
        let is_stuck = || self.is_stuck.load(Ordering::SeqCst);
        if is_stuck() {
            self.hanging.fetch_add(1, Ordering::SeqCst);
        }
        while is_stuck() {
            clock.sleep(Duration::from_secs(1)).await;
        }
    }

    pub(crate) async fn pass(&self, request: Request, next: Next, clock: &Clock) -> Response {
        let path = request.uri().path().to_owned();
        if path == "/agent/v1/events" {
            let answer = next.run(request).await;
            self.followed
                .lock()
                .unwrap()
                .push((clock.now(), answer.status()));
            if self.suffers.load(Ordering::SeqCst) {
                return answer.map(pushes::suffering);
            }
            return answer;
        }
        if path != "/agent/v1/outcomes" {
            let answer = next.run(request).await;
            let bytes = answer.body().size_hint().exact();
            if bytes > Some(protocol::delivery::INLINE_BYTES_MAX as u64) {
                self.pass_when_free(clock).await;
            }
            self.fetched
                .lock()
                .unwrap()
                .push((path, bytes.unwrap_or(0)));
            return answer;
        }
        let answer = next.run(request).await;
        let less = |left: u32| left.checked_sub(1);
        let (set, get) = (Ordering::SeqCst, Ordering::SeqCst);
        if self.left.fetch_update(set, get, less).is_ok() {
            return StatusCode::BAD_GATEWAY.into_response();
        }
        self.answered.fetch_add(1, Ordering::SeqCst);
        answer
    }
}
