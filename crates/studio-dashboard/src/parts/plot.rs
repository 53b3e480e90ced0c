//! Plots over time, drawn as SVG; the same numbers stand in a table for those who do not see them.

use maud::{Markup, html};
use studio_protocol::Timestamp;

/// Width of the drawing in its own units; the page stretches it.
const WIDTH: f64 = 600.0;
/// Its height.
const HEIGHT: f64 = 120.0;
/// Rows of the table: more are summed up by taking every n-th point.
const TABLE_ROWS: usize = 24;

/// What is plotted.
#[derive(Debug, Clone)]
pub struct Plot<'a> {
    /// Unique on the page.
    pub id: &'a str,
    /// What the plot is about.
    pub title: &'a str,
    /// The times, oldest first.
    pub at: &'a [i64],
    /// Each as long as `at`; at most four, their colours go by their places.
    pub series: Vec<Series<'a>>,
    /// How a value reads.
    pub unit: fn(f64) -> String,
}

/// One line.
#[derive(Debug, Clone)]
pub struct Series<'a> {
    /// For the legend.
    pub name: &'a str,
    /// Values, none of them negative.
    pub values: Vec<f64>,
    /// Filled down to zero.
    pub area: bool,
}

/// Draws it.
pub fn plot(plot: &Plot<'_>) -> Markup {
    let top = nice(plot.series.iter().flat_map(|series| &series.values).copied().fold(0.0, f64::max));
    let title_id = format!("{}-title", plot.id);
    html! {
        figure.plot #(plot.id) {
            figcaption {
                span.plot-title #(title_id) { (plot.title) }
                span.legend {
                    @for (at, series) in plot.series.iter().enumerate() {
                        span class={ "key s" (at) } { (series.name) " " b { (last(plot, series)) } }
                    }
                }
            }
            @if plot.at.len() < 2 {
                p.plot-empty { "Shows after two minutes of work" }
            } @else {
                div.plot-body {
                    span.plot-max { ((plot.unit)(top)) }
                    (drawing(plot, top, &title_id))
                    span.plot-from { (clock(plot.at.first())) }
                    span.plot-to { (clock(plot.at.last())) }
                }
                (table(plot))
            }
        }
    }
}

fn drawing(plot: &Plot<'_>, top: f64, title_id: &str) -> Markup {
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-labelledby=(title_id) {
            @for part in [0.0, 0.5, 1.0] {
                line.grid-line x1="0" x2=(WIDTH) y1=(HEIGHT * part) y2=(HEIGHT * part) {}
            }
            @for (at, series) in plot.series.iter().enumerate() {
                @let points = points(plot.at, &series.values, top);
                @if series.area {
                    path class={ "area s" (at) } d={ "M0 " (HEIGHT) "L" (points) "L" (WIDTH) " " (HEIGHT) "Z" } {}
                }
                path class={ "line s" (at) } d={ "M" (points) } {}
            }
        }
    }
}

/// `x y` pairs, joined so that they can follow an `M` or `L`.
fn points(at: &[i64], values: &[f64], top: f64) -> String {
    let (Some(first), Some(last)) = (at.first(), at.last()) else { return String::new() };
    let span = (last - first).max(1) as f64;
    let pairs: Vec<String> = at
        .iter()
        .zip(values)
        .map(|(at, value)| {
            let x = (at - first) as f64 / span * WIDTH;
            let y = HEIGHT - (value / top).clamp(0.0, 1.0) * HEIGHT;
            format!("{x:.1} {y:.1}")
        })
        .collect();
    pairs.join("L")
}

fn last(plot: &Plot<'_>, series: &Series<'_>) -> String {
    series.values.last().map(|value| (plot.unit)(*value)).unwrap_or_default()
}

fn table(plot: &Plot<'_>) -> Markup {
    let step = plot.at.len().div_ceil(TABLE_ROWS).max(1);
    html! {
        details.plot-table #{ (plot.id) "-numbers" } {
            summary { "Numbers" }
            div.scroll tabindex="0" role="region" aria-label={ (plot.title) " in numbers" } {
                table {
                    thead { tr {
                        th scope="col" { "Time (UTC)" }
                        @for series in &plot.series { th scope="col" { (series.name) } }
                    } }
                    tbody {
                        @for (row, at) in plot.at.iter().enumerate().rev().step_by(step) {
                            tr {
                                th scope="row" { (clock(Some(at))) }
                                @for series in &plot.series {
                                    td { (series.values.get(row).map(|value| (plot.unit)(*value)).unwrap_or_default()) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn clock(at: Option<&i64>) -> String {
    let Some(at) = at else { return String::new() };
    Timestamp::from_millis(*at).to_string().get(11..16).unwrap_or_default().to_owned()
}

/// The next 1, 2 or 5 times a power of ten: a scale that reads well.
fn nice(value: f64) -> f64 {
    if value <= 1.0 {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|factor| factor * power).find(|top| *top >= value).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::tests::check;

    fn of(at: &[i64], values: Vec<f64>) -> String {
        let series = vec![Series { name: "waiting", values, area: true }];
        check(&plot(&Plot { id: "queue", title: "Queue", at, series, unit: |value| format!("{value}") }))
    }

    #[test]
    fn scales_are_round() {
        let tops = [0.0, 1.0, 1.5, 3.0, 7.0, 10.0, 4_321.0].map(|value| nice(value) as u32);
        assert_eq!(tops, [1, 1, 2, 5, 10, 10, 5_000]);
    }

    #[test]
    fn a_line_starts_at_the_left_and_ends_at_the_right() {
        assert_eq!(points(&[0, 60_000], &[0.0, 2.0], 2.0), "0.0 120.0L600.0 0.0");
        let text = of(&[0, 60_000], vec![1.0, 2.0]);
        assert!(text.contains("00:01") && text.contains("<table>"), "{text}");
    }

    #[test]
    fn little_is_no_plot() {
        assert!(of(&[], Vec::new()).contains("after two minutes"));
        assert!(of(&[0], vec![1.0]).contains("after two minutes"));
    }
}
