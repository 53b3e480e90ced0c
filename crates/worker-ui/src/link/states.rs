//! Which message holds, and what can be done: pure, so that every state is tested by its words.

use worker_local::{RegistrationState, SessionState, ShutdownAsk, Status};

use crate::{Command, Link, Page, Tone, View, words};

/// The exit codes of the daemon's program that ask for somebody.
const CRASHED: i32 = 1;
const USAGE: i32 = 2;
const TOKEN_REFUSED: i32 = 3;
const HELD_ELSEWHERE: i32 = 4;
const RECONNECTS_SPENT: i32 = 5;

/// Gives a worker that cannot start a new identity.
const REGISTER_ANEW: &str = "studio-worker register --reset";

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// There is nothing else to show.
    Instead,
    /// Above a page that works.
    Above,
}

/// What a button does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Act {
    /// Sends a command.
    Send(Command),
    /// Asks first, then resets the registration.
    Reset,
    /// Shows another page, with this in its search.
    Go(Page, Option<&'static str>),
    /// Puts a text where it can be pasted from.
    Copy(String),
}

/// A message with its buttons, the likeliest first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Message {
    pub place: Place,
    pub tone: Tone,
    pub title: String,
    pub words: String,
    pub buttons: Vec<(&'static str, Act)>,
    /// For those who look for a fault.
    pub details: Option<String>,
}

/// What holds now: one message in place of the pages, or any number above them.
pub(super) fn messages(view: &View, was_approved: bool) -> Vec<Message> {
    match &view.link {
        Link::Starting => vec![starting()],
        Link::Unreachable { words } => vec![match view.ended {
            Some(code) => ended(code, words),
            None => unreachable(words),
        }],
        Link::OtherVersion { daemon } => vec![other_version(daemon)],
        Link::Up => match view.status.as_deref() {
            None => vec![starting()],
            Some(status) if status.ending => vec![ending(status)],
            Some(status) => above(status, was_approved),
        },
    }
}

fn starting() -> Message {
    Message {
        place: Place::Instead,
        tone: Tone::Busy,
        title: "The worker is starting".to_owned(),
        words: "It looks for engines and measures the machine; this takes a moment".to_owned(),
        buttons: vec![again()],
        details: None,
    }
}

fn start() -> (&'static str, Act) {
    ("Start the worker", Act::Send(Command::StartDaemon))
}

fn again() -> (&'static str, Act) {
    ("Try again", Act::Send(Command::Reconnect))
}

fn unreachable(words: &str) -> Message {
    Message {
        place: Place::Instead,
        tone: Tone::Bad,
        title: "The worker is not running".to_owned(),
        words: "Nothing is lost: it goes on where it was as soon as it runs".to_owned(),
        buttons: vec![start(), again()],
        details: Some(words.to_owned()),
    }
}

fn other_version(daemon: &str) -> Message {
    let ask = Command::Shutdown(ShutdownAsk { after_jobs: true });
    Message {
        place: Place::Instead,
        tone: Tone::Warn,
        title: "The worker is another version".to_owned(),
        words: format!(
            "Version {daemon} runs, and this window is version {}. End it after its jobs, then start it again from here; or open the window of version {daemon}",
            env!("CARGO_PKG_VERSION")
        ),
        buttons: vec![("End it after its jobs", Act::Send(ask)), again()],
        details: None,
    }
}

/// What the end of a daemon means, in a few words.
pub(crate) fn ended_title(code: i32) -> String {
    ended(code, "").title
}

fn ended(code: i32, words: &str) -> Message {
    let copy = ("Copy the command", Act::Copy(REGISTER_ANEW.to_owned()));
    let (title, said, buttons) = match code {
        0 => ("The worker has ended", "It ended as it was asked to".to_owned(), vec![start()]),
        CRASHED => (
            "The worker ended unexpectedly",
            "It is started again in a moment; its log files have the reason".to_owned(),
            vec![start(), again()],
        ),
        USAGE => (
            "The worker could not be started like this",
            "Its program did not understand how it was called".to_owned(),
            vec![start(), again()],
        ),
        TOKEN_REFUSED => (
            "The studio refused this worker",
            format!(
                "Its token is not accepted any more. `{REGISTER_ANEW}` lets it ask anew; start it after that"
            ),
            vec![start(), copy],
        ),
        HELD_ELSEWHERE => (
            "Another worker goes by this identity",
            format!(
                "It may run from a copy of this config folder. End that one, then start this one; or give this one an identity of its own with `{REGISTER_ANEW}`"
            ),
            vec![start(), copy],
        ),
        RECONNECTS_SPENT => (
            "The worker gave up reaching its studio",
            "It tried as often as the setting `ws_reconnect_attempts` allows. Start it to try again"
                .to_owned(),
            vec![start()],
        ),
        other => (
            "The worker ended unexpectedly",
            format!("It ended with code {other}; its log files have the reason"),
            vec![start(), again()],
        ),
    };
    Message {
        place: Place::Instead,
        tone: if code == 0 { Tone::Plain } else { Tone::Bad },
        title: title.to_owned(),
        words: said,
        buttons,
        // A crash has no code of its own.
        details: Some(if code == CRASHED { words.to_owned() } else { format!("exit code {code}; {words}") }),
    }
}

fn ending(status: &Status) -> Message {
    let words = match status.jobs.len() as u64 {
        0 => "It finishes up".to_owned(),
        jobs => format!(
            "{} here: what takes too long goes back to the studio",
            words::count(jobs, "job runs", "jobs run")
        ),
    };
    Message {
        place: Place::Above,
        tone: Tone::Warn,
        title: "The worker is ending".to_owned(),
        words,
        buttons: vec![("End now", Act::Send(Command::Shutdown(ShutdownAsk { after_jobs: false })))],
        details: None,
    }
}

/// Everything that keeps a running worker from its jobs; the gravest first.
fn above(status: &Status, was_approved: bool) -> Vec<Message> {
    let approved = status.registration.state == RegistrationState::Approved;
    let link = if approved { no_studio(status) } else { registration(status, was_approved) };
    [link, disk(status), held(status)].into_iter().flatten().collect()
}

fn registration(status: &Status, was_approved: bool) -> Option<Message> {
    let registration = &status.registration;
    let show = ("Show the registration", Act::Go(Page::Worker, None));
    let (tone, title, words, buttons) = match registration.state {
        RegistrationState::Approved => return None,
        RegistrationState::Pristine if was_approved => (
            Tone::Warn,
            "The studio removed this worker",
            "It registers anew; an operator, or a join code, lets it in again".to_owned(),
            vec![show],
        ),
        RegistrationState::Pristine => (
            Tone::Busy,
            "The worker registers",
            format!("It asks {} to let it in; with a join code it needs no operator", status.api_base_url),
            vec![show],
        ),
        RegistrationState::Pending => {
            let removed = if was_approved { "The studio removed this worker, so it asks anew. " } else { "" };
            let request = registration.request_id.clone();
            let words = match &request {
                Some(request) => {
                    format!("{removed}Tell an operator the request {request}, or use a join code")
                }
                None => format!("{removed}It takes jobs as soon as one does, or with a join code"),
            };
            let copy = request.map(|request| ("Copy the request id", Act::Copy(request)));
            (
                Tone::Busy,
                "An operator has to let this worker in",
                words,
                copy.into_iter().chain([show]).collect(),
            )
        }
        RegistrationState::Rejected => {
            let reason = registration.reason.as_deref().filter(|reason| !reason.is_empty());
            let words = format!("An operator said no; reason: {}", reason.unwrap_or("none was given"));
            (
                Tone::Bad,
                "The studio does not want this worker",
                words,
                vec![("Reset registration…", Act::Reset), show],
            )
        }
    };
    Some(Message {
        place: Place::Above,
        tone,
        title: title.to_owned(),
        words,
        buttons,
        details: status.last_trouble.clone(),
    })
}

fn no_studio(status: &Status) -> Option<Message> {
    let trouble = status.last_trouble.as_ref()?;
    if !matches!(status.session, SessionState::Off | SessionState::Waiting) {
        return None;
    }
    let kept = match status.waiting_results as u64 {
        0 => String::new(),
        count => format!("; {} kept until then", words::count(count, "result is", "results are")),
    };
    Some(Message {
        place: Place::Above,
        tone: Tone::Bad,
        title: "The studio is not reached".to_owned(),
        words: format!("{} does not answer as it should. The worker keeps trying{kept}", status.api_base_url),
        buttons: vec![
            ("Check the address", Act::Go(Page::Config, Some("api_base_url"))),
            ("Show the log", Act::Go(Page::Logs, None)),
        ],
        details: Some(trouble.clone()),
    })
}

fn disk(status: &Status) -> Option<Message> {
    status.spool_full.then(|| Message {
        place: Place::Above,
        tone: Tone::Bad,
        title: "The disk is full".to_owned(),
        words: "Results cannot be kept, so no jobs are taken. Remove models here, or other files".to_owned(),
        buttons: vec![
            ("Show the models", Act::Go(Page::Models, None)),
            ("Limit the models' disk", Act::Go(Page::Config, Some("disk_cap_gb"))),
        ],
        details: None,
    })
}

fn held(status: &Status) -> Option<Message> {
    let reasons: Vec<&str> = status.holds.iter().map(|hold| hold.reason.as_str()).collect();
    // The owner's own pause is in the header, with its button.
    if reasons.is_empty() || status.pause.is_some() {
        return None;
    }
    Some(Message {
        place: Place::Above,
        tone: Tone::Warn,
        title: "Paused by your rules".to_owned(),
        words: format!("No jobs are taken: {}", reasons.join(", and ")),
        buttons: vec![("Show the rules", Act::Go(Page::Worker, None))],
        details: None,
    })
}
