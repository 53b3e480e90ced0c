//! Running jobs let the studio watch: texts and pictures leave while the session wants them.

use std::time::Instant;

use studio_protocol::{Delta, Feature, JobId, Preview, TaskKind, WorkerFrame};

use crate::Worker;
use crate::stream::{Looks, Piece, STREAM_PATIENCE};

impl Worker {
    /// Whether this session wants the text of a job of this kind as it grows.
    pub(crate) fn wants_stream(&self, kind: TaskKind) -> bool {
        matches!(kind, TaskKind::Llm | TaskKind::AudioStt) && self.link.uses(Feature::Stream)
    }

    /// Whether this session wants to see a job of this kind before it is done.
    pub(crate) fn wants_preview(&self, kind: TaskKind) -> bool {
        matches!(kind, TaskKind::Image | TaskKind::Video) && self.link.uses(Feature::Preview)
    }

    /// What was not asked for is dropped.
    pub(crate) fn note_delta(&mut self, id: &JobId, text: &str, reasoning: Option<&str>) {
        let job = self.jobs.get_mut(id).filter(|job| !job.cancelled);
        if let Some(stream) = job.and_then(|job| job.stream.as_mut()) {
            stream.note(text, reasoning.unwrap_or_default());
        }
    }

    /// As above.
    pub(crate) fn note_preview(&mut self, id: &JobId, mime: String, data: String) {
        let job = self.jobs.get_mut(id).filter(|job| !job.cancelled);
        if let Some(looks) = job.and_then(|job| job.looks.as_mut()) {
            looks.note(mime, data);
        }
    }

    /// Sends what is due of texts and pictures.
    pub(crate) fn show(&mut self, now: Instant) {
        let Some(until) = self.listens_until() else { return };
        let (streams, previews) = (self.link.uses(Feature::Stream), self.link.uses(Feature::Preview));
        let (socket, lease) = (self.sockets, self.link.uses(Feature::Lease));
        let mut frames = Vec::new();
        for job in self.jobs.iter_mut().filter(|job| !job.cancelled) {
            let attempt = job.attempt.filter(|_| lease);
            if let Some(stream) = job.stream.as_mut().filter(|_| streams) {
                if now < until {
                    let pieces = stream.take(now, socket);
                    frames.extend(pieces.into_iter().map(|piece| delta(&job.id, piece, attempt)));
                } else {
                    stream.hold(until);
                }
            }
            if let Some(looks) = job.looks.as_mut().filter(|_| previews) {
                if now < until {
                    let look = looks.take(now).map(|(mime, data)| {
                        WorkerFrame::Preview(Preview { job_id: job.id.clone(), mime, data })
                    });
                    frames.extend(look);
                } else {
                    looks.hold(until);
                }
            }
        }
        for frame in frames {
            self.send(frame);
        }
    }

    /// The engine is done: the rest of the text goes ahead of the result, and nothing after it.
    pub(crate) fn show_last(&mut self, now: Instant, id: &JobId) {
        let listens = self.listens_until().is_some_and(|until| now < until);
        let listens = listens && self.link.uses(Feature::Stream);
        let (socket, lease) = (self.sockets, self.link.uses(Feature::Lease));
        let Some(job) = self.jobs.get_mut(id) else { return };
        job.looks = None;
        let Some(mut stream) = job.stream.take().filter(|_| listens) else { return };
        let attempt = job.attempt.filter(|_| lease);
        for piece in stream.finish(now, socket) {
            self.send(delta(id, piece, attempt));
        }
    }

    /// When [`Worker::show`] has something to send.
    pub(crate) fn show_due(&self) -> Option<Instant> {
        let until = self.listens_until()?;
        let (streams, previews) = (self.link.uses(Feature::Stream), self.link.uses(Feature::Preview));
        let due = self.jobs.iter().filter(|job| !job.cancelled).flat_map(|job| {
            let stream = job.stream.as_ref().filter(|_| streams).and_then(|s| s.due(self.sockets));
            let looks = job.looks.as_ref().filter(|_| previews).and_then(Looks::due);
            stream.into_iter().chain(looks)
        });
        due.filter(|due| *due < until).min()
    }

    /// A studio that has not been heard for so long is not told what is only for the moment.
    fn listens_until(&self) -> Option<Instant> {
        self.link.open().map(|open| open.heard + STREAM_PATIENCE)
    }
}

fn delta(id: &JobId, piece: Piece, attempt: Option<u32>) -> WorkerFrame {
    let Piece { index, text, reasoning } = piece;
    let reasoning = Some(reasoning).filter(|reasoning| !reasoning.is_empty());
    WorkerFrame::Delta(Delta { job_id: id.clone(), index, text, reasoning, attempt })
}
