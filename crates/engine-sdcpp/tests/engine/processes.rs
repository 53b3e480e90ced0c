//! How the process ends, and what a cancelled job does.

use engine_protocol::{CancelJob, Command, Event, FailureClass, Unload};
use studio_protocol::{ImageTask, Task};

use crate::peer::run;
use crate::tiny::{Tiny, cat};

/// Takes longer than anybody waits.
fn endless() -> Task {
    Task::Image(ImageTask { steps: 200, width: 512, height: 512, ..cat() })
}

fn start_endless(tiny: &mut Tiny) {
    let command = run("endless", endless(), tiny.folder.path(), &tiny.inputs, false);
    tiny.peer.say(&command);
    let events = tiny.peer.until(|event| matches!(event, Event::Progress(_)));
    assert!(matches!(events.last(), Some(Event::Progress(_))), "{events:?}");
}

#[test]
fn a_killed_engine_is_gone_and_the_next_does_the_job() {
    let mut tiny = Tiny::start();
    let before = tiny.picture(cat());
    start_endless(&mut tiny);
    tiny.peer.child.kill().unwrap();
    assert!(!tiny.peer.ends().success());
    assert_eq!(Tiny::start().picture(cat()), before);
}

#[test]
fn it_ends_in_the_middle_of_a_job_when_the_daemon_is_gone() {
    let mut tiny = Tiny::start();
    start_endless(&mut tiny);
    tiny.peer.hang_up();
    tiny.peer.ends();
    let mut tiny = Tiny::start();
    start_endless(&mut tiny);
    tiny.peer.say(&Command::Shutdown);
    tiny.peer.ends();
}

#[test]
fn a_cancelled_job_is_answered_when_the_library_lets_go() {
    let mut tiny = Tiny::start();
    let task = Task::Image(ImageTask { steps: 12, ..cat() });
    tiny.peer.say(&run("job-c", task, tiny.folder.path(), &tiny.inputs, false));
    tiny.peer.until(|event| matches!(event, Event::Progress(_)));
    tiny.peer.say(&Command::Cancel(CancelJob { job_id: "job-c".into() }));
    // The reader is not held up by the library.
    assert_eq!(tiny.peer.stats().done, 0);
    let events = tiny.peer.until(|event| matches!(event, Event::Done(_) | Event::Failed(_)));
    let Some(Event::Failed(failed)) = events.last() else { panic!("{events:?}") };
    assert_eq!(failed.class, FailureClass::Cancelled);
    tiny.picture(cat());
}

#[test]
fn an_unloaded_model_is_gone() {
    let mut tiny = Tiny::start();
    tiny.peer.say(&Command::Unload(Unload { model: "tiny".to_owned() }));
    tiny.peer.until(|event| matches!(event, Event::Unloaded(_)));
    let failed = tiny.run(Task::Image(cat()), false).err().unwrap();
    assert!(
        failed.class == FailureClass::Model && failed.message.contains("not loaded"),
        "{}",
        failed.message
    );
    let stats = tiny.peer.stats();
    assert_eq!((stats.models.len(), stats.memory_bytes), (0, None));
}
