//! A window that nobody uses draws no frames, and the time of those that it draws is bounded.

use std::sync::Arc;
use std::time::Duration;

use eframe::egui::{Context, RawInput, Rect, Vec2, ViewportId};
use worker_ui::{Commands, Page, Shell, View, samples, theme};

/// Draws frames without a harness, and says when the next is due.
struct Frames {
    ctx: Context,
    shell: Shell,
    commands: Commands,
    _sent: tokio::sync::mpsc::Receiver<worker_ui::Command>,
    time: f64,
}

impl Frames {
    fn new(page: Page) -> Self {
        let ctx = Context::default();
        theme::apply(&ctx);
        let (commands, sent) = Commands::channel();
        let mut shell = Shell::default();
        shell.page = page;
        Self { ctx, shell, commands, _sent: sent, time: 0.0 }
    }

    fn frame(&mut self, view: &View) -> Duration {
        self.time += 1.0 / 60.0;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(eframe::egui::Pos2::ZERO, Vec2::new(1120.0, 740.0))),
            time: Some(self.time),
            ..RawInput::default()
        };
        let mut output = self.ctx.run_ui(input, |ui| self.shell.ui(ui, view, &self.commands));
        output.textures_delta.clear();
        output.viewport_output[&ViewportId::ROOT].repaint_delay
    }
}

#[test]
fn no_page_draws_frames_by_itself() {
    for page in Page::ALL {
        for view in
            [samples::none(), samples::few(), samples::many(), samples::troubled(), samples::starting()]
        {
            let mut frames = Frames::new(page);
            let due = (0..30).map(|_| frames.frame(&view)).last();
            assert_eq!(due, Some(Duration::MAX), "{page:?}, {:?}", view.link);
        }
    }
}

#[test]
fn a_message_draws_one_more_frame_when_it_goes() {
    let toast = worker_ui::Toast { id: 1, tone: worker_ui::Tone::Good, text: "Saved".into() };
    let view = View { toasts: Arc::new(vec![toast]), ..samples::none() };
    let mut frames = Frames::new(Page::About);
    let due = (0..30).map(|_| frames.frame(&view)).last().unwrap();
    assert!(due > Duration::from_secs(2) && due < Duration::from_secs(5), "{due:?}");
    frames.time += 5.0;
    let due = (0..5).map(|_| frames.frame(&view)).last();
    assert_eq!(due, Some(Duration::MAX));
}
