//! What changed between two looks at the worker, and whether the owner wants to be told: pure.

use std::time::{Duration, Instant};

use studio_protocol::Timestamp;
use worker_local::{EndedJob, Hold, JobEnd, Notice, SessionState, Status, UpdateState};

use crate::{Link, View, words};

/// A studio that restarts, or a network that changes, is back by then.
const GONE_FOR: Duration = Duration::from_mins(5);
/// A notification is a line or two.
const NAME_CHARS: usize = 80;

/// What of a view may be worth telling.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Seen {
    /// The daemon that answers, while one does.
    daemon: Option<(u32, Timestamp)>,
    /// Whether the studio's jobs can come.
    is_open: bool,
    /// Whether the worker was told to end, so that its absence is no news.
    is_meant: bool,
    jobs: Vec<EndedJob>,
    /// The rules that hold it.
    holds: Vec<Hold>,
    /// A newer version.
    newer: Option<String>,
    studio: String,
    notify_on: Vec<String>,
}

impl Seen {
    pub(super) fn of(view: &View) -> Self {
        // While the daemon is away its last status stands for it.
        let Some(status) = view.status.as_deref() else { return Self::default() };
        let is_up = view.link == Link::Up;
        Self {
            daemon: is_up.then_some((status.pid, status.started_at)),
            is_open: is_up && status.session == SessionState::Open,
            is_meant: status.ending || view.ended == Some(0),
            jobs: status.ended_jobs.clone(),
            holds: status.holds.clone(),
            newer: newer(status),
            studio: status.api_base_url.clone(),
            notify_on: status.notify_on.clone(),
        }
    }

    fn wants(&self, notice: Notice) -> bool {
        self.notify_on.iter().any(|word| word == notice.as_str())
    }
}

fn newer(status: &Status) -> Option<String> {
    (status.update.state == UpdateState::Available).then(|| status.update.latest.clone()).flatten()
}

/// One notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) notice: Notice,
    pub(super) title: String,
    pub(super) words: String,
}

/// How long the studio has been out of reach.
#[derive(Debug, Default)]
enum Studio {
    /// It was not reached since this window was opened, or its absence is meant or told.
    #[default]
    NoNews,
    Open,
    Gone {
        since: Instant,
    },
}

/// What was seen so far; the first look at each daemon is where its news begin.
#[derive(Debug, Default)]
pub(super) struct Watch {
    daemon: Option<(u32, Timestamp)>,
    /// The number of the newest ended job.
    job: u64,
    is_held: bool,
    newer: Option<String>,
    studio: Studio,
}

impl Watch {
    /// When to look again although nothing changed.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.studio {
            Studio::Gone { since } => Some(since + GONE_FOR),
            Studio::NoNews | Studio::Open => None,
        }
    }

    /// What is to be told now. What nobody wants to be told is seen all the same, and never told later.
    pub(super) fn look(&mut self, seen: &Seen, now: Instant) -> Vec<Note> {
        let mut notes = Vec::new();
        notes.extend(self.disconnected(seen, now));
        if let Some(daemon) = seen.daemon {
            let is_new = self.daemon.replace(daemon) != Some(daemon);
            let (jobs, held, update) = (self.jobs(seen), self.held(seen), self.update(seen));
            if !is_new {
                notes.extend(jobs.into_iter().chain(held).chain(update));
            }
        }
        notes.retain(|note| seen.wants(note.notice));
        notes
    }

    fn jobs(&mut self, seen: &Seen) -> Vec<Note> {
        let before = std::mem::replace(&mut self.job, seen.jobs.last().map_or(0, |job| job.number));
        let of = |notice, end, one: &str, many: &str| {
            let jobs: Vec<&EndedJob> =
                seen.jobs.iter().filter(|job| job.number > before && job.end == end).collect();
            let last = jobs.last()?;
            let (title, more) = match jobs.len() {
                1 => (one.to_owned(), String::new()),
                count => (format!("{count} {many}"), format!(", and {} more", count - 1)),
            };
            Some(Note { notice, title, words: format!("{}{more}", job(last)) })
        };
        [
            of(Notice::JobDone, JobEnd::Done, "A job is done", "jobs are done"),
            of(Notice::JobFailed, JobEnd::Failed, "A job failed", "jobs failed"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn held(&mut self, seen: &Seen) -> Option<Note> {
        let was_held = std::mem::replace(&mut self.is_held, !seen.holds.is_empty());
        let reasons: Vec<&str> = seen.holds.iter().map(|hold| hold.reason.as_str()).collect();
        (!was_held && self.is_held).then(|| Note {
            notice: Notice::Paused,
            title: "The worker is paused".to_owned(),
            words: format!("No jobs are taken: {}", reasons.join(", and ")),
        })
    }

    fn update(&mut self, seen: &Seen) -> Option<Note> {
        // A daemon that starts has not looked yet; what was told of an earlier one is no news from it.
        let newer = seen.newer.as_ref()?;
        (self.newer.replace(newer.clone()).as_ref() != Some(newer)).then(|| Note {
            notice: Notice::Update,
            title: "There is a newer worker".to_owned(),
            words: format!("Version {newer} can be installed"),
        })
    }

    fn disconnected(&mut self, seen: &Seen, now: Instant) -> Option<Note> {
        self.studio = match self.studio {
            _ if seen.is_open => Studio::Open,
            _ if seen.is_meant => Studio::NoNews,
            Studio::NoNews => Studio::NoNews,
            Studio::Open => Studio::Gone { since: now },
            Studio::Gone { since } if now.saturating_duration_since(since) < GONE_FOR => {
                Studio::Gone { since }
            }
            Studio::Gone { .. } => {
                self.studio = Studio::NoNews;
                return Some(Note {
                    notice: Notice::Disconnected,
                    title: "The worker is not connected".to_owned(),
                    words: match seen.daemon {
                        Some(_) => format!("It has not reached {} for 5 minutes", seen.studio),
                        None => "It has not been running for 5 minutes".to_owned(),
                    },
                });
            }
        };
        None
    }
}

/// `Sword, z-image-turbo`.
fn job(job: &EndedJob) -> String {
    let what = if job.name.is_empty() { words::kind(job.kind) } else { &job.name };
    let what: String = what.chars().take(NAME_CHARS).collect();
    if job.model.is_empty() { what } else { format!("{what}, {}", job.model) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use studio_protocol::TaskKind;

    use super::*;
    use crate::samples;

    /// A window with a worker, as time goes by.
    struct Story {
        watch: Watch,
        view: View,
        now: Instant,
    }

    impl Story {
        /// Every notice is wanted, and nothing was seen yet.
        fn new() -> Self {
            let mut status = samples::status();
            status.notify_on = Notice::ALL.map(|notice| notice.as_str().to_owned()).to_vec();
            let view = View { link: Link::Up, status: Some(Arc::new(status)), ..View::default() };
            Self { watch: Watch::default(), view, now: Instant::now() }
        }

        /// The same after the first look, which tells nothing.
        fn begun() -> Self {
            let mut story = Self::new();
            assert_eq!(story.look(), []);
            story
        }

        fn status(&mut self) -> &mut Status {
            Arc::make_mut(self.view.status.as_mut().unwrap())
        }

        fn look(&mut self) -> Vec<Note> {
            self.watch.look(&Seen::of(&self.view), self.now)
        }

        fn titles(&mut self) -> Vec<String> {
            self.look().into_iter().map(|note| note.title).collect()
        }

        fn after(&mut self, time: Duration) -> Vec<String> {
            self.now += time;
            self.titles()
        }

        fn ends(&mut self, name: &str, end: JobEnd) {
            let jobs = &mut self.status().ended_jobs;
            let number = jobs.last().map_or(0, |job| job.number) + 1;
            let model = "z-image-turbo".to_owned();
            let (id, name) = (format!("job-{number}"), name.to_owned());
            jobs.push(EndedJob { number, id, name, kind: TaskKind::Image, model, end });
        }

        fn holds(&mut self, reasons: &[&str]) {
            let hold = |reason: &&str| Hold { rule: "pause_on_battery".into(), reason: (*reason).into() };
            self.status().holds = reasons.iter().map(hold).collect();
        }

        fn finds(&mut self, version: &str) {
            let update = &mut self.status().update;
            (update.state, update.latest) = (UpdateState::Available, Some(version.to_owned()));
        }
    }

    #[test]
    fn what_was_before_the_window_is_not_told() {
        let mut story = Story::new();
        story.ends("Sword", JobEnd::Done);
        story.holds(&["the machine runs on battery"]);
        story.finds("9.0.0");
        story.status().session = SessionState::Waiting;
        assert_eq!(story.look(), []);
        assert_eq!(story.after(2 * GONE_FOR), [""; 0]);
    }

    #[test]
    fn a_job_is_told_once_by_its_end() {
        let mut story = Story::begun();
        story.ends("Sword", JobEnd::Done);
        let note = Note {
            notice: Notice::JobDone,
            title: "A job is done".to_owned(),
            words: "Sword, z-image-turbo".to_owned(),
        };
        assert_eq!(story.look(), [note]);
        assert_eq!(story.look(), []);
        story.ends("Sword", JobEnd::Cancelled);
        story.ends("Sword", JobEnd::Released);
        assert_eq!(story.look(), []);
        story.ends("", JobEnd::Failed);
        let notes = story.look();
        assert_eq!((notes[0].notice, notes[0].title.as_str()), (Notice::JobFailed, "A job failed"));
        assert_eq!(notes[0].words, format!("{}, z-image-turbo", words::kind(TaskKind::Image)));
    }

    #[test]
    fn jobs_that_end_together_are_one_notification_of_each_sort() {
        let mut story = Story::begun();
        for name in ["Sword", "Shield", "Bow"] {
            story.ends(name, JobEnd::Done);
        }
        story.ends("Axe", JobEnd::Failed);
        let notes = story.look();
        assert_eq!(notes.len(), 2);
        assert_eq!(notes[0].title, "3 jobs are done");
        assert_eq!(notes[0].words, "Bow, z-image-turbo, and 2 more");
        assert_eq!(notes[1].title, "A job failed");
    }

    #[test]
    fn another_daemon_counts_anew() {
        let mut story = Story::begun();
        for _ in 0..3 {
            story.ends("Sword", JobEnd::Done);
        }
        story.look();
        story.status().pid += 1;
        story.status().ended_jobs.clear();
        assert_eq!(story.look(), []);
        story.ends("Shield", JobEnd::Done);
        assert_eq!(story.titles(), ["A job is done"]);
    }

    #[test]
    fn a_rule_that_pauses_is_told_when_it_begins() {
        let mut story = Story::begun();
        story.holds(&["the machine runs on battery"]);
        let notes = story.look();
        assert_eq!(notes[0].notice, Notice::Paused);
        assert_eq!(notes[0].words, "No jobs are taken: the machine runs on battery");
        story.holds(&["the machine runs on battery", "blender runs"]);
        assert_eq!(story.look(), [], "it is paused already");
        story.holds(&[]);
        assert_eq!(story.look(), []);
        story.holds(&["blender runs"]);
        assert_eq!(story.titles(), ["The worker is paused"]);
    }

    #[test]
    fn the_owners_own_pause_is_no_news() {
        let mut story = Story::begun();
        story.status().pause = Some(worker_local::PauseView { until: None, until_idle: false });
        assert_eq!(story.look(), []);
    }

    #[test]
    fn a_version_is_told_once_even_when_the_daemon_restarts() {
        let mut story = Story::begun();
        story.finds("9.0.0");
        assert_eq!(story.titles(), ["There is a newer worker"]);
        story.status().pid += 1;
        story.status().update.state = UpdateState::Unknown;
        assert_eq!(story.look(), []);
        story.finds("9.0.0");
        assert_eq!(story.look(), []);
        story.finds("9.1.0");
        assert_eq!(story.titles(), ["There is a newer worker"]);
    }

    #[test]
    fn a_studio_out_of_reach_is_told_after_a_while_and_once() {
        let mut story = Story::begun();
        assert_eq!(story.watch.due(), None);
        story.status().session = SessionState::Waiting;
        assert_eq!(story.look(), []);
        assert_eq!(story.watch.due(), Some(story.now + GONE_FOR));
        story.status().session = SessionState::Connecting;
        assert_eq!(story.after(GONE_FOR / 2), [""; 0]);
        assert_eq!(story.after(GONE_FOR / 2), ["The worker is not connected"]);
        assert_eq!(story.watch.due(), None);
        assert_eq!(story.after(2 * GONE_FOR), [""; 0]);
        // And again after it was back.
        story.status().session = SessionState::Open;
        story.look();
        story.status().session = SessionState::Off;
        story.look();
        assert_eq!(story.after(GONE_FOR), ["The worker is not connected"]);
    }

    #[test]
    fn a_short_absence_is_none() {
        let mut story = Story::begun();
        story.status().session = SessionState::Waiting;
        story.look();
        story.status().session = SessionState::Open;
        assert_eq!(story.after(GONE_FOR), [""; 0]);
        assert_eq!(story.watch.due(), None);
    }

    #[test]
    fn a_daemon_that_is_gone_is_told_unless_it_was_to_end() {
        let mut story = Story::begun();
        story.view.link = Link::Unreachable { words: "nobody listens".to_owned() };
        story.look();
        assert_eq!(story.after(GONE_FOR), ["The worker is not connected"]);

        for is_said in [true, false] {
            let mut story = Story::begun();
            story.status().ending = is_said;
            story.view.ended = (!is_said).then_some(0);
            story.view.link = Link::Unreachable { words: "nobody listens".to_owned() };
            story.look();
            assert_eq!(story.after(GONE_FOR), [""; 0]);
        }
    }

    #[test]
    fn only_what_is_wanted_is_told_and_nothing_later() {
        let mut story = Story::begun();
        story.status().notify_on = vec!["job_failed".to_owned(), "something_else".to_owned()];
        story.ends("Sword", JobEnd::Done);
        story.ends("Sword", JobEnd::Failed);
        story.holds(&["blender runs"]);
        assert_eq!(story.titles(), ["A job failed"]);
        story.status().notify_on = vec!["job_done".to_owned(), "paused".to_owned()];
        assert_eq!(story.look(), []);
    }
}
