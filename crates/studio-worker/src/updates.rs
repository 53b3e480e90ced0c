//! Looks for newer versions in a feed: `{"schema": 1, "releases": [{"version": "1.2.3", "assets": [...]}]}`.

mod feed;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use semver::Version;
use studio_protocol::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use worker_local::{UpdateState, UpdateView};

use crate::config::Config;
use crate::daemon::News;

/// After the start: a worker that begins has more urgent things to ask for.
const FIRST_LOOK: Duration = Duration::from_mins(1);
/// This program.
const CURRENT: &str = env!("CARGO_PKG_VERSION");

/// What is known of newer versions; clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Updates(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    used: watch::Receiver<Arc<Config>>,
    news: mpsc::Sender<News>,
    view: Mutex<UpdateView>,
    /// One at a time asks.
    turn: tokio::sync::Mutex<()>,
}

impl Updates {
    /// Nobody has looked yet.
    pub(crate) fn new(used: watch::Receiver<Arc<Config>>, news: mpsc::Sender<News>) -> Self {
        let view = UpdateView { current: CURRENT.to_owned(), ..UpdateView::default() };
        Self(Arc::new(Shared { used, news, view: Mutex::new(view), turn: tokio::sync::Mutex::default() }))
    }

    /// What is known.
    pub(crate) fn view(&self) -> UpdateView {
        self.0.view.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the feed.
    pub(crate) async fn look(&self) -> UpdateView {
        let _turn = self.0.turn.lock().await;
        let feed = self.0.used.borrow().auto_update_feed.clone();
        let mut view = self.view();
        view.trouble = None;
        match feed {
            None => {
                view.state = UpdateState::Unknown;
                view.trouble = Some("no feed is set: `auto_update_feed` names one".to_owned());
            }
            Some(url) => {
                view.checked_at = Some(Timestamp::now());
                match feed::newest(&url).await {
                    Ok(newest) => judge(&mut view, newest.as_ref()),
                    // What was known before still is.
                    Err(problem) => view.trouble = Some(format!("could not read the feed: {problem}")),
                }
            }
        }
        *self.0.view.lock().unwrap_or_else(PoisonError::into_inner) = view.clone();
        let _ = self.0.news.try_send(News::Show);
        view
    }

    /// Looks at the owner's interval, while the owner wants that; runs as long as the daemon.
    pub(crate) async fn look_now_and_then(self) {
        let mut used = self.0.used.clone();
        let started = Instant::now();
        let mut last: Option<Instant> = None;
        loop {
            let (wanted, interval) = {
                let config = used.borrow_and_update();
                (config.auto_update_enabled && config.auto_update_feed.is_some(), config.auto_update_interval)
            };
            let due = last.map_or(started + FIRST_LOOK, |last| last + interval);
            tokio::select! {
                () = tokio::time::sleep_until(due), if wanted => {
                    let view = self.look().await;
                    match (&view.trouble, &view.latest) {
                        (Some(trouble), _) => tracing::warn!("{trouble}"),
                        (None, Some(latest)) if view.state == UpdateState::Available => {
                            tracing::info!("version {latest} is there; this is {CURRENT}");
                        }
                        (None, _) => {}
                    }
                    last = Some(Instant::now());
                }
                changed = used.changed() => if changed.is_err() {
                    return;
                },
            }
        }
    }
}

fn judge(view: &mut UpdateView, newest: Option<&Version>) {
    let current = Version::parse(CURRENT).ok();
    view.latest = newest.map(ToString::to_string);
    view.state = match (current, newest) {
        (_, None) => UpdateState::Unknown,
        (Some(current), Some(newest)) if *newest <= current => UpdateState::Current,
        (_, Some(_)) => UpdateState::Available,
    };
    if newest.is_none() {
        view.trouble = Some("the feed names no release".to_owned());
    }
}
