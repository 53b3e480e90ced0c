//! Queue, throughput and waits, a point for each minute.

use maud::{Markup, html};
use studio_api::{Minute, Overview};

use crate::parts::{Plot, Series, duration_ms, plot};

/// The three plots.
pub fn all(overview: &Overview) -> Markup {
    let at: Vec<i64> = overview.minutes.iter().map(|minute| minute.at).collect();
    let of = |value: fn(&Minute) -> u64| overview.minutes.iter().map(|minute| value(minute) as f64).collect();
    let plots = [
        Plot {
            id: "plot-queue",
            title: "Queue",
            at: &at,
            series: vec![
                Series { name: "waiting", values: of(|minute| minute.queued), area: true },
                Series { name: "running", values: of(|minute| minute.running), area: false },
            ],
            unit: whole,
        },
        Plot {
            id: "plot-throughput",
            title: "Jobs a minute",
            at: &at,
            series: vec![
                Series { name: "came", values: of(|minute| minute.submitted), area: false },
                Series { name: "done", values: of(|minute| minute.done), area: true },
                Series { name: "failed", values: of(|minute| minute.failed), area: false },
            ],
            unit: whole,
        },
        Plot {
            id: "plot-waits",
            title: "Wait for a worker",
            at: &at,
            series: vec![
                Series { name: "median", values: of(|minute| minute.wait_p50_ms), area: true },
                Series { name: "19 of 20 within", values: of(|minute| minute.wait_p95_ms), area: false },
            ],
            unit: |value| duration_ms(value as u64),
        },
    ];
    html! { @for each in &plots { div.card { (plot(each)) } } }
}

fn whole(value: f64) -> String {
    format!("{value:.0}")
}
