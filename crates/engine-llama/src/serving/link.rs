//! Between a job's thread and the serving thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};

use engine_protocol::Failure;

use super::Ending;

/// What the serving thread reports.
#[derive(Debug)]
pub enum News {
    /// It computes, for this job or for those before it.
    Alive,
    /// The answer goes on.
    Piece {
        /// May be empty: part of a character, or held back.
        text: String,
        /// Of the answer so far.
        tokens: u32,
    },
    /// The answer is complete.
    Ended(Ending),
    /// The vectors of all texts.
    Vectors(Vec<Vec<f32>>),
    /// It could not be done.
    Failed(Failure),
}

/// The serving thread's end.
#[derive(Debug, Clone)]
pub struct Link {
    news: Sender<News>,
    gone: Arc<AtomicBool>,
}

/// A new connection.
pub fn link() -> (Link, Receiver<News>) {
    let (news, receiver) = mpsc::channel();
    (Link { news, gone: Arc::default() }, receiver)
}

impl Link {
    /// Reports; nobody may listen any more.
    pub fn say(&self, news: News) {
        let _ = self.news.send(news);
    }

    /// Whether the job has lost interest: it was cancelled or has failed.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Tells the serving thread when the job's own code has left.
    pub fn give_up_on_drop(&self) -> GiveUp {
        GiveUp(self.gone.clone())
    }
}

/// Marks its link as gone when dropped.
#[derive(Debug)]
pub struct GiveUp(Arc<AtomicBool>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
