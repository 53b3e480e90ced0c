//! What the studio waits for, and for how long: hello, heartbeats, an answer to an offer.

use std::time::{Duration, Instant};

use e2e::{SOON, Story, chat, outcomes};
use studio_protocol::{Capabilities, HEARTBEAT_INTERVAL, HEARTBEAT_STALE, HELLO_LIMIT};
use testkit::{RawSession, RawWorker};

/// How much later than a limit its effect may be seen: the sweep, and a busy machine.
const SWEEP: Duration = Duration::from_secs(4);

/// Protocol section 11.
const UNANSWERED_LIMIT: Duration = Duration::from_secs(75);

struct Guests {
    story: Story,
    raw: RawWorker,
}

impl Guests {
    async fn in_service(&self, capabilities: &Capabilities) -> RawSession {
        let identity = self.raw.join(capabilities, &self.story.api.join_code(1).await).await;
        let mut session = self.raw.session(&identity, capabilities).await;
        session.heartbeat(capabilities, None).await;
        session
    }
}

/// One story for several limits, which pass at the same time.
#[tokio::test]
async fn whoever_keeps_silent_is_closed_in_time_and_what_it_held_waits_again() {
    let story = Story::begin().await;
    let raw = RawWorker::new(&story.studio.url());
    let guests = Guests { story, raw };
    let capabilities = RawWorker::synthetic();
    // Takes no jobs: what is offered is for the deaf one.
    let idle = Capabilities { auto_enabled: false, ..capabilities.clone() };
    tokio::join!(guests.no_hello(&capabilities), guests.no_heartbeat(&idle), guests.no_answer(&capabilities),);
}

impl Guests {
    async fn no_hello(&self, capabilities: &Capabilities) {
        let identity = self.raw.join(capabilities, &self.story.api.join_code(1).await).await;
        let mut session = self.raw.connect(&identity).await;
        let opened = Instant::now();
        let (code, reason) = session.expect_close(HELLO_LIMIT + SWEEP).await;
        assert_eq!(code, 4002, "{reason}");
        assert!(opened.elapsed() + Duration::from_secs(1) >= HELLO_LIMIT, "{:?}", opened.elapsed());
    }

    async fn no_heartbeat(&self, capabilities: &Capabilities) {
        let mut session = self.in_service(capabilities).await;
        let spoke = Instant::now();
        session.expect_close(HEARTBEAT_STALE + SWEEP).await;
        assert!(spoke.elapsed() + Duration::from_secs(2) >= HEARTBEAT_STALE, "{:?}", spoke.elapsed());
    }

    /// An offer that is never answered comes back within 75 s, though its worker is there all the time.
    async fn no_answer(&self, capabilities: &Capabilities) {
        let api = &self.story.api;
        let mut deaf = self.in_service(capabilities).await;
        let job = api.submit(chat("hi")).await;
        deaf.offer().await;
        let offered = Instant::now();
        loop {
            deaf.heartbeat(capabilities, None).await;
            if api.job(&job).await["state"] == "queued" {
                break;
            }
            assert!(offered.elapsed() < UNANSWERED_LIMIT, "the offer was never taken back");
            // The rhythm of a worker, not a wait.
            tokio::time::sleep(HEARTBEAT_INTERVAL).await;
        }
        let returned = api.job(&job).await;
        assert_eq!(outcomes(&returned), ["unanswered"], "{returned}");
        assert_eq!(returned["attempts"], 0);
        let _worker = self.story.worker("attic").await;
        api.until_job(&job, "done", SOON).await;
    }
}
