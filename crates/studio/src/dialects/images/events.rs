//! Pictures as events: what they look like so far, and each when it is done.

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use studio_dialects::Failure;
use studio_dialects::openai::images::ImagesRequest;
use studio_protocol::Preview;
use studio_store::{Artefact, JobDetail};

use super::now;
use crate::dialects::answers::{Chunks, broken_off, comment, event, once, pieces};
use crate::dialects::group::{Group, Updates, artefacts, ended};
use crate::dialects::run::{Ending, Update};
use crate::state::AppState;

struct Show {
    state: AppState,
    updates: Updates,
    asked: ImagesRequest,
    /// Looks that were sent, for each picture.
    looks: Vec<u32>,
}

/// What a client sees of its pictures; a client that goes away drops this, and with it the jobs.
pub(super) fn of(state: AppState, group: Group, asked: ImagesRequest) -> Chunks {
    let looks = vec![0; group.len()];
    let show = Show { state, updates: group.updates(), asked, looks };
    stream::unfold(show, Show::next).flatten().boxed()
}

impl Show {
    async fn next(mut self) -> Option<(Chunks, Self)> {
        loop {
            let (at, update) = self.updates.next().await?;
            let chunks = match update {
                Update::Waiting { ahead } => once(comment(&format!("waiting, {ahead} ahead"))),
                Update::Progress(progress) => {
                    once(comment(&format!("picture {at}: {} of {}", progress.step, progress.steps)))
                }
                Update::Preview(preview) => match self.look(at, &preview) {
                    Some(look) => once(look),
                    None => continue,
                },
                Update::Done(job) => self.done(at, &job).await,
                Update::Failed(ending) => self.end(ending, at),
                Update::Cancelled { reason } => self.end(Ending::Cancelled(reason), at),
                Update::Started | Update::Delta { .. } => continue,
            };
            return Some((chunks, self));
        }
    }

    /// As many as were asked for; later ones show more, but how many there will be nobody knows.
    fn look(&mut self, at: usize, preview: &Preview) -> Option<Bytes> {
        let index = self.looks[at];
        if index >= self.asked.partial_images {
            return None;
        }
        self.looks[at] += 1;
        Some(event(self.asked.partial_event(), &self.asked.partial(now(), at, index, &preview.data)))
    }

    async fn done(&mut self, at: usize, job: &JobDetail) -> Chunks {
        match artefacts(&self.state, std::slice::from_ref(job)).await {
            Ok(made) => self.completed(at, made),
            Err(failure) => self.fail(&failure),
        }
    }

    fn completed(&self, at: usize, made: Vec<Artefact>) -> Chunks {
        let head = format!("event: {}\ndata: ", self.asked.completed_event());
        let data = pieces(&self.state, self.asked.completed(now(), at), made);
        once(head.into()).chain(data).chain(once("\n\n".into())).boxed()
    }

    fn end(&mut self, ending: Ending, at: usize) -> Chunks {
        let failure = ended(ending, at, self.looks.len());
        self.fail(&failure)
    }

    /// The others are of no use alone: they end with this.
    fn fail(&mut self, failure: &Failure) -> Chunks {
        self.updates.clear();
        once(broken_off(failure))
    }
}
