//! What workers logged.

use studio_protocol::LogLevel;
use studio_store::{JobLog, NewJobLog};

use crate::fixture::{Fixture, at};

pub fn lines_are_kept_in_order_and_bounded(f: &mut Fixture) {
    let (job, other) = (f.submit("chat"), f.submit("chat"));
    let line = |job: &studio_protocol::JobId, number: i64| NewJobLog {
        job: job.clone(),
        entry: JobLog {
            ts: at(number),
            level: LogLevel::Warn,
            category: "engine".to_owned(),
            message: format!("line {number}"),
        },
    };
    f.db.append_job_logs(&[line(&other, 1), line(&"job-x".into(), 1)]).unwrap();
    let many: Vec<_> = (0..1_050).map(|number| line(&job, number)).collect();
    for part in many.chunks(400) {
        f.db.append_job_logs(part).unwrap();
    }
    let lines = f.db.job_logs(&job).unwrap();
    assert_eq!(lines.len(), 1_000);
    assert_eq!((lines[0].message.as_str(), lines[999].message.as_str()), ("line 50", "line 1049"));
    assert_eq!(lines[0].level, LogLevel::Warn);
    assert_eq!(f.db.job_logs(&other).unwrap().len(), 1);
    assert!(f.db.job_logs(&"job-x".into()).is_err());
}
