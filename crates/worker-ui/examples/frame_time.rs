//! Measures the time of a frame with 10,000 jobs and 10,000 log lines, without a graphics card: layout and tessellation.
//!
//! `cargo run -p worker-ui --example frame_time`

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use eframe::egui::{
    Context, Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, Pos2, RawInput, Rect, TouchPhase, Vec2,
};
use worker_local::{LogLine, LogPage, LogSeverity};
use worker_ui::{Commands, History, LogBuffer, Page, Shell, View, samples, theme};

const FRAMES: usize = 600;

fn main() {
    println!("{FRAMES} frames each, 1120 x 740 points; milliseconds of one processor a frame");
    println!("{:<44} {:>8} {:>8} {:>8}", "", "median", "99 %", "worst");
    measure("jobs: nothing changes", Page::Jobs, |_, _| Vec::new());
    measure("jobs: scrolling", Page::Jobs, |_, _| vec![scroll(-400.0)]);
    measure("jobs: arrow keys", Page::Jobs, |_, _| vec![key(Key::PageDown)]);
    measure("jobs: a job ends in each frame", Page::Jobs, |view, number| {
        let history = Arc::<History>::make_mut(&mut view.history);
        history.rows.pop();
        history.rows.insert(0, Arc::new(samples::record(10_001 + number as u64)));
        history.generation += 1;
        Vec::new()
    });
    measure("logs: nothing changes", Page::Logs, |_, _| Vec::new());
    measure("logs: scrolling", Page::Logs, |_, _| vec![scroll(400.0)]);
    measure("logs: 100 lines come in each frame", Page::Logs, |view, _| {
        let logs = Arc::<LogBuffer>::make_mut(&mut view.logs);
        let line = |seq| LogLine {
            seq,
            ts: samples::now(),
            level: LogSeverity::Info,
            target: "studio_worker::test".into(),
            message: "one of very many lines".into(),
            job: None,
        };
        let from = logs.last() + 1;
        let page = LogPage { lines: (from..from + 100).map(line).collect(), last: from + 99, gap: false };
        logs.take(page);
        Vec::new()
    });
}

fn measure(name: &str, page: Page, mut each: impl FnMut(&mut View, usize) -> Vec<Event>) {
    let ctx = Context::default();
    theme::apply(&ctx);
    let (commands, mut sent) = Commands::channel();
    let mut shell = Shell::default();
    shell.page = page;
    let mut view = samples::many();
    let mut times = Vec::with_capacity(FRAMES);
    for number in 0..FRAMES + 20 {
        let mut events = vec![Event::PointerMoved(Pos2::new(600.0, 500.0))];
        events.extend(each(&mut view, number));
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, Vec2::new(1120.0, 740.0))),
            time: Some(number as f64 / 60.0),
            events,
            ..RawInput::default()
        };
        let begun = spent();
        let mut output = ctx.run_ui(input, |ui| shell.ui(ui, &view, &commands));
        let meshes = ctx.tessellate(output.shapes, output.pixels_per_point);
        let took = spent().saturating_sub(begun);
        output.textures_delta.clear();
        assert!(!meshes.is_empty());
        while sent.try_recv().is_ok() {}
        // The first frames lay out every text anew.
        if number >= 20 {
            times.push(took);
        }
    }
    times.sort();
    let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
    let (median, late, worst) = (times[FRAMES / 2], times[FRAMES * 99 / 100], times[FRAMES - 1]);
    println!("{name:<44} {:>8.2} {:>8.2} {:>8.2}", millis(median), millis(late), millis(worst));
}

/// The processor's time of this thread where the system tells it, so that neighbours do not count; else the wall's.
fn spent() -> Duration {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|text| text.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| BEGUN.elapsed(), Duration::from_nanos)
}

fn scroll(points: f32) -> Event {
    Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: Vec2::new(0.0, points),
        phase: TouchPhase::Move,
        source: MouseWheelSource::Wheel,
        modifiers: Modifiers::NONE,
    }
}

fn key(key: Key) -> Event {
    Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers: Modifiers::NONE }
}
