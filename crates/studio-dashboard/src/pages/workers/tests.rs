use studio_api::{WorkerLimits, WorkerLog};
use studio_protocol::{LogLevel, Resources, TaskKind};
use studio_store::{JobState, Role};

use super::*;
use crate::parts::tests::{check, shell};
use crate::samples;

fn workers() -> Workers {
    let mut asleep = samples::worker("w-2", "cellar");
    asleep.online = false;
    asleep.paused = true;
    asleep.last_seen_at = None;
    Workers {
        pending: vec![samples::registration("rr-1"), samples::registration("rr-2")],
        rows: vec![
            Row {
                worker: samples::worker("w-1", "attic"),
                jobs: vec![samples::job("job-1", JobState::Running)],
            },
            Row { worker: asleep, jobs: Vec::new() },
        ],
        studio_url: "http://studio".to_owned(),
    }
}

#[test]
fn the_list_shows_who_waits_and_who_works() {
    let text = check(&page(&shell(Role::Operator), &workers()));
    for needle in [
        "/registrations/rr-1/approve",
        "Reject this machine",
        "offline",
        "paused",
        "never seen",
        "20 GiB of 24 GiB",
    ] {
        assert!(text.contains(needle), "`{needle}` is missing: {text}");
    }
}

#[test]
fn a_viewer_sees_workers_and_no_buttons() {
    let text = check(&page(&shell(Role::Viewer), &Workers { pending: Vec::new(), ..workers() }));
    assert!(text.contains("attic") && !text.contains("data-api") && !text.contains("data-open"), "{text}");
    let text = check(&page(&shell(Role::Viewer), &Workers::default()));
    assert!(text.contains("No worker yet") && !text.contains("data-open"));
}

#[test]
fn many_workers_have_their_own_ids() {
    let rows =
        (0..200).map(|at| Row { worker: samples::worker(&format!("w-{at}"), "same"), jobs: Vec::new() });
    let text = check(&page(&shell(Role::Admin), &Workers { rows: rows.collect(), ..workers() }));
    assert!(text.contains("200 of 201") || text.contains("200 of 200"));
}

fn one() -> Detail {
    Detail {
        worker: samples::worker("w-1", "attic"),
        jobs: vec![samples::job("job-1", JobState::Running), samples::job("job-2", JobState::Failed)],
        models: vec![samples::model("starter-shapes"), samples::model("flux-dev")],
        logs: vec![WorkerLog {
            seq: 7,
            ts: samples::before(60),
            level: LogLevel::Warn,
            category: "engines".to_owned(),
            message: "the engine <ended>".to_owned(),
            job: Some("job-1".to_owned()),
        }],
    }
}

#[test]
fn one_worker_is_told_whole() {
    let text = check(&detail(&shell(Role::Operator), &one()));
    for needle in [
        "models/starter-shapes/unload",
        "models/flux-dev/load",
        "12.50",
        "DELETE /api/v1/workers/w-1",
        "data-job=\"job-1\"",
        "on disk",
        "the engine &lt;ended&gt;",
        "w-1/drain",
        "every project",
    ] {
        assert!(text.contains(needle), "`{needle}` is missing: {text}");
    }
    let text = check(&detail(&shell(Role::Viewer), &one()));
    assert!(!text.contains("data-api") && text.contains("12.50"));
}

#[test]
fn who_is_away_cannot_be_asked() {
    let mut away = one();
    away.worker.online = false;
    away.worker.capabilities.loaded_models.clear();
    away.jobs.clear();
    let text = check(&detail(&shell(Role::Admin), &away));
    assert!(!text.contains("/load\"") && text.contains("no job"));
    away.worker.capabilities = Capabilities::default();
    away.models.clear();
    assert!(check(&detail(&shell(Role::Admin), &away)).contains("No model of the registry runs here"));
}

#[test]
fn memories_and_disks_have_meters() {
    let mut full = one();
    full.worker.capabilities.resources = Some(Resources {
        disk_free_gb: Some(2.0),
        disk_total_gb: Some(100.0),
        vram_used_gb: Some(6.0),
        ram_used_gb: Some(16.0),
        ram_total_gb: Some(64.0),
        gpu: Some("GeForce".to_owned()),
    });
    let text = check(&detail(&shell(Role::Viewer), &full));
    for needle in
        ["GPU memory: 6 GiB of 24 GiB", "Memory: 16 GiB of 64 GiB", "Disk: 98 GiB of 100 GiB", "GeForce"]
    {
        assert!(text.contains(needle), "`{needle}` is missing: {text}");
    }
    assert_eq!(troubles(&full.worker), [Trouble::LowDisk]);
}

#[test]
fn who_was_sent_home_may_resume() {
    let mut home = one();
    home.logs.clear();
    home.worker.draining = true;
    home.worker.outdated = true;
    home.worker.limits = WorkerLimits {
        kinds: Some(vec![TaskKind::Image]),
        projects: Some(vec!["red".into(), "blue".into()]),
        max_jobs: Some(2),
        labels: vec!["attic".to_owned()],
    };
    let text = check(&detail(&shell(Role::Operator), &home));
    for needle in ["w-1/resume", "draining", "out of date", "red, blue", "at most 2 jobs", "said nothing"] {
        assert!(text.contains(needle), "`{needle}` is missing: {text}");
    }
    assert!(!text.contains("w-1/drain\""));
    assert_eq!(troubles(&home.worker), [Trouble::Paused, Trouble::Outdated]);
    home.worker.online = false;
    assert_eq!(troubles(&home.worker), [Trouble::Paused], "who was sent home is not missed");
}
