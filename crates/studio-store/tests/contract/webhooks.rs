//! Webhooks are told what was committed, and nothing that was not.

use serde_json::Value;
use studio_protocol::JobId;
use studio_store::{
    DeliveryState, DueDelivery, NewWebhook, StoreError, Tried, WebhookChange, WebhookEvent, WebhookId,
};

use crate::fixture::{Fixture, W1, W2, at, registration};

const LATER: i64 = 1_000_000;

fn hook(f: &mut Fixture, id: &str, events: &[WebhookEvent], project: Option<&str>) -> WebhookId {
    let new = NewWebhook {
        id: id.into(),
        url: format!("https://{id}.example/"),
        events: events.to_vec(),
        project: project.map(Into::into),
    };
    let now = f.tick();
    f.db.create_webhook(&new, now).unwrap().id
}

fn due(f: &Fixture) -> Vec<DueDelivery> {
    f.db.due_deliveries(at(LATER), 100).unwrap()
}

/// Type and subject of everything that waits.
fn told(f: &Fixture) -> Vec<(String, String)> {
    let read = |due: DueDelivery| {
        let payload: Value = serde_json::from_str(&due.payload).unwrap();
        let part = |value: &Value| value.as_str().unwrap().to_owned();
        (part(&payload["type"]), part(&payload["data"]["id"]))
    };
    due(f).into_iter().map(read).collect()
}

fn end(f: &mut Fixture, job: &JobId) {
    f.start(job, W1);
    f.complete(job, W1, None);
}

pub fn each_end_of_a_job_is_told_once(f: &mut Fixture) {
    use WebhookEvent::{JobCancelled, JobDone, JobFailed, JobQuarantined};
    let before = f.submit("chat");
    end(f, &before);
    hook(f, "hook-1", &[JobDone, JobFailed, JobCancelled, JobQuarantined], None);
    let jobs: Vec<_> = (0..4).map(|_| f.submit("chat")).collect();
    end(f, &jobs[0]);
    f.complete(&jobs[0], W1, None);
    f.start(&jobs[1], W1);
    f.fail(&jobs[1], W1, None, true);
    f.start(&jobs[1], W1);
    f.fail(&jobs[1], W1, None, false);
    let now = f.tick();
    f.db.cancel(&jobs[2], "no", now).unwrap();
    f.db.cancel(&jobs[2], "no", now).unwrap();
    for worker in [W1, W2] {
        let attempt = f.start(&jobs[3], worker);
        f.lose(&jobs[3], worker, attempt);
    }
    let ids: Vec<_> = jobs.iter().map(ToString::to_string).collect();
    let words = ["job.done", "job.failed", "job.cancelled", "job.quarantined"];
    let expected: Vec<_> = words.iter().map(|word| (*word).to_owned()).zip(ids).collect();
    assert_eq!(told(f), expected);
    let payload: Value = serde_json::from_str(&due(f)[0].payload).unwrap();
    assert_eq!(payload["data"], serde_json::to_value(f.job(&jobs[0])).unwrap());
    assert!(payload["timestamp"].as_str().unwrap().ends_with('Z'));
}

pub fn a_batch_is_told_when_its_last_job_ends(f: &mut Fixture) {
    hook(f, "hook-1", &[WebhookEvent::BatchFinished], None);
    let (batch, jobs) = f.submit_batch("batch-1", "chat", 3);
    end(f, &jobs[0]);
    assert_eq!(told(f), []);
    let now = f.tick();
    f.db.cancel_batch(&batch, "enough", now).unwrap();
    assert_eq!(told(f), [("batch.finished".to_owned(), "batch-1".to_owned())]);
    f.db.retry_batch(&batch, now).unwrap();
    end(f, &jobs[1]);
    end(f, &jobs[2]);
    assert_eq!(told(f).len(), 2, "it finished again");
}

pub fn a_webhook_hears_of_what_it_asked_for(f: &mut Fixture) {
    let all = hook(f, "hook-all", &[WebhookEvent::JobDone], None);
    let own = hook(f, "hook-own", &[WebhookEvent::JobDone], Some("p"));
    hook(f, "hook-other", &[WebhookEvent::JobDone, WebhookEvent::RegistrationPending], Some("q"));
    hook(f, "hook-failed", &[WebhookEvent::JobFailed], None);
    let off = hook(f, "hook-off", &[WebhookEvent::JobDone], None);
    let disable = WebhookChange { disabled: Some(true), ..WebhookChange::default() };
    assert!(f.db.change_webhook(&off, &disable).unwrap().disabled);
    let job = f.submit("chat");
    end(f, &job);
    let to: Vec<_> = due(f).into_iter().map(|due| due.webhook).collect();
    assert_eq!(to, [all.clone(), own]);
    let machines = hook(f, "hook-m", &[WebhookEvent::RegistrationPending, WebhookEvent::WorkerOnline], None);
    let (new, now) = (registration("rr-1", "i-1", "s"), f.tick());
    f.db.request_registration(&new, None, now).unwrap();
    f.db.request_registration(&new, None, now).unwrap();
    f.db.announce_worker(&W1.into(), true, now).unwrap();
    f.db.announce_worker(&W1.into(), false, now).unwrap();
    let to: Vec<_> = due(f).into_iter().filter(|due| due.webhook == machines).collect();
    assert_eq!(to.len(), 2, "{to:?}");
    f.db.delete_webhook(&all).unwrap();
    assert!(due(f).iter().all(|due| due.webhook != all));
    assert!(matches!(f.db.delete_webhook(&all), Err(StoreError::NotFound { .. })));
}

pub fn a_try_that_fails_comes_again_until_it_is_given_up(f: &mut Fixture) {
    let id = hook(f, "hook-1", &[WebhookEvent::JobDone], None);
    let job = f.submit("chat");
    end(f, &job);
    let delivery = due(f).remove(0);
    let failed = |next| Tried {
        status: Some(500),
        error: Some("it answered 500".to_owned()),
        next_at: next,
        disable: false,
    };
    f.db.delivery_tried(&delivery.id, &failed(Some(at(LATER)))).unwrap();
    assert!(f.db.due_deliveries(at(LATER - 1), 10).unwrap().is_empty());
    assert_eq!(due(f)[0].attempts, 1);
    f.db.delivery_tried(&delivery.id, &failed(None)).unwrap();
    assert!(due(f).is_empty());
    let log = f.db.deliveries(&id, None, 10).unwrap().items;
    assert_eq!((log[0].state, log[0].attempts, log[0].status), (DeliveryState::Failed, 2, Some(500)));
    assert_eq!((log[0].error.as_deref(), log[0].next_at), (Some("it answered 500"), None));
    f.db.retry_delivery(&id, &delivery.id, at(LATER)).unwrap();
    assert_eq!(due(f)[0].id, delivery.id);
    f.db.delivery_tried(
        &delivery.id,
        &Tried { status: Some(204), error: None, next_at: None, disable: false },
    )
    .unwrap();
    f.db.delivery_tried(&delivery.id, &failed(None)).unwrap();
    let log = f.db.deliveries(&id, None, 10).unwrap().items;
    assert_eq!((log[0].state, log[0].attempts), (DeliveryState::Delivered, 3));
    let other = hook(f, "hook-2", &[WebhookEvent::JobDone], None);
    assert!(f.db.retry_delivery(&other, &delivery.id, at(LATER)).is_err(), "it is not its");
    f.db.test_webhook(&id, at(LATER)).unwrap();
    let gone = Tried { disable: true, ..failed(None) };
    f.db.delivery_tried(&due(f)[0].id, &gone).unwrap();
    assert!(f.db.webhook(&id).unwrap().disabled);
    assert!(matches!(f.db.test_webhook(&id, at(LATER)), Err(StoreError::Conflict { .. })));
}

pub fn the_log_of_deliveries_is_bounded(f: &mut Fixture) {
    let id = hook(f, "hook-1", &[WebhookEvent::JobDone], None);
    let done = Tried { status: Some(200), error: None, next_at: None, disable: false };
    for at_ms in 0..1_010 {
        let delivery = f.db.test_webhook(&id, at(at_ms)).unwrap();
        f.db.delivery_tried(&delivery.id, &done).unwrap();
    }
    let waiting = f.db.test_webhook(&id, at(1)).unwrap();
    assert_eq!(f.db.trim_deliveries(&id).unwrap(), 10);
    assert_eq!(f.db.trim_deliveries(&id).unwrap(), 0);
    assert_eq!(due(f)[0].id, waiting.id);
}

pub fn a_webhook_is_changed_in_parts(f: &mut Fixture) {
    let id = hook(f, "hook-1", &[WebhookEvent::JobDone], Some("p"));
    let before = f.db.webhook(&id).unwrap();
    assert_eq!(f.db.change_webhook(&id, &WebhookChange::default()).unwrap(), before);
    let change = WebhookChange {
        url: Some("https://new".to_owned()),
        events: Some(vec![WebhookEvent::JobFailed, WebhookEvent::BatchFinished]),
        rotate: true,
        ..WebhookChange::default()
    };
    let after = f.db.change_webhook(&id, &change).unwrap();
    assert_eq!((after.url.as_str(), after.secret_version), ("https://new", 2));
    assert_eq!(after.events, [WebhookEvent::JobFailed, WebhookEvent::BatchFinished]);
    assert_eq!(f.db.webhooks().unwrap(), [after]);
    for number in 0..99 {
        hook(f, &format!("hook-x{number}"), &[WebhookEvent::JobDone], None);
    }
    let one_more = NewWebhook { id: "hook-y".into(), url: "u".to_owned(), events: Vec::new(), project: None };
    assert!(matches!(f.db.create_webhook(&one_more, at(0)), Err(StoreError::Invalid { .. })));
}
