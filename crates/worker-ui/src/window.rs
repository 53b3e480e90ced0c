//! The window itself: opens, hides and raises it, and runs until it is closed for good.
//!
//! A hidden window does not exist: it is closed and made anew, since not every desktop can hide one, and one that is not
//! there takes no memory of the graphics card and draws no frames.

use std::sync::Arc;
use std::time::Instant;

use eframe::egui::{self, Context, IconData, ThemePreference, ViewportBuilder, ViewportCommand};

use crate::controller::Controller;
use crate::{Command, Page, Shell, WindowAsk, WindowAsks, theme};

/// Comfortable for a list beside its details.
const SIZE: [f32; 2] = [1120.0, 740.0];
/// Below, columns would lie on each other.
const MIN_SIZE: [f32; 2] = [720.0, 480.0];
/// Desktops match a window with its launcher by it.
const APP_ID: &str = "studio-worker";

/// What a window needs.
pub struct Options {
    /// Follows the daemon.
    pub controller: Controller,
    /// What the tray and others ask of the window.
    pub asks: WindowAsks,
    /// Begins without a window, in the tray.
    pub hidden: bool,
    /// The page that is shown first.
    pub page: Page,
    /// Whether it is dark.
    pub theme: ThemePreference,
}

/// Why [`run`] came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Somebody asked to quit.
    Quit,
    /// The window was closed, and there is no tray to come back from.
    Closed,
}

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// The desktop or the graphics driver refuses.
    #[error("could not open a window")]
    Open(#[source] eframe::Error),
}

/// Shows the window until it is closed for good; must be called from the main thread.
///
/// The controller goes on when this fails, so that a caller can try again once there is a display.
pub fn run(options: &mut Options) -> Result<Ended, WindowError> {
    let mut shell = Shell::default();
    shell.page = options.page;
    let mut shown = !options.hidden;
    loop {
        if shown {
            match open(options, &mut shell)? {
                Closed::Quit => return Ok(Ended::Quit),
                Closed::Again => {
                    shell.hidden();
                    continue;
                }
                Closed::ByHand if options.asks.tray() => {}
                Closed::ByHand => return Ok(Ended::Closed),
            }
            shell.hidden();
            tracing::debug!("hidden until somebody asks for it");
            options.controller.commands().send(Command::Look(None));
        }
        match options.asks.wait() {
            Some(WindowAsk::Show) => shown = true,
            Some(WindowAsk::Quit) | None => return Ok(Ended::Quit),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closed {
    ByHand,
    /// Somebody wanted it while it was closing.
    Again,
    Quit,
}

fn open(options: &Options, shell: &mut Shell) -> Result<Closed, WindowError> {
    let mut closed = Closed::ByHand;
    let opened = Instant::now();
    let viewport = ViewportBuilder::default()
        .with_title("Studio worker")
        .with_app_id(APP_ID)
        .with_inner_size(SIZE)
        .with_min_inner_size(MIN_SIZE)
        .with_icon(Arc::new(icon()));
    let native = eframe::NativeOptions { viewport, ..eframe::NativeOptions::default() };
    let window = Window { options, shell, closed: &mut closed, opened: Some(opened), is_closing: false };
    let create: eframe::AppCreator<'_> = Box::new(move |context| {
        theme::apply(&context.egui_ctx);
        context.egui_ctx.set_theme(options.theme);
        options.asks.shown(Some(&context.egui_ctx));
        Ok(Box::new(window))
    });
    let result = eframe::run_native(APP_ID, native, create);
    options.asks.shown(None);
    result.map_err(WindowError::Open)?;
    Ok(closed)
}

struct Window<'a> {
    options: &'a Options,
    shell: &'a mut Shell,
    closed: &'a mut Closed,
    /// Until the first frame.
    opened: Option<Instant>,
    /// Its last frames: what is asked of it now is for the next one.
    is_closing: bool,
}

impl eframe::App for Window<'_> {
    /// Runs while the window is minimized too.
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        let closing = ctx.input(|input| input.viewport().close_requested());
        while let Some(ask) = self.options.asks.next() {
            match ask {
                WindowAsk::Show if closing || self.is_closing => *self.closed = Closed::Again,
                WindowAsk::Show => {
                    ctx.send_viewport_cmd(ViewportCommand::Minimized(false));
                    ctx.send_viewport_cmd(ViewportCommand::Focus);
                }
                WindowAsk::Quit => self.quit(ctx),
            }
        }
        self.is_closing |= closing;
        let by_hand = closing && *self.closed == Closed::ByHand;
        if by_hand && self.options.asks.keep() && !self.options.asks.tray() {
            tracing::debug!("minimized instead of closed: no tray to come back from");
            self.is_closing = false;
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            ctx.send_viewport_cmd(ViewportCommand::Minimized(true));
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let view = self.options.controller.view();
        self.shell.ui(ui, &view, self.options.controller.commands());
        if let Some(opened) = self.opened.take() {
            tracing::debug!("first frame after {} ms", opened.elapsed().as_millis());
        }
        if self.shell.quit {
            self.quit(ui.ctx());
        }
    }
}

impl Window<'_> {
    fn quit(&mut self, ctx: &Context) {
        *self.closed = Closed::Quit;
        ctx.send_viewport_cmd(ViewportCommand::Close);
    }
}

/// A cube of three faces in the accent.
fn icon() -> IconData {
    const SIDE: u32 = 64;
    let accent = theme::LIGHT.accent;
    let mut rgba = Vec::with_capacity((SIDE * SIDE * 4) as usize);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (dx, dy) = (x as f32 - 31.5, y as f32 - 31.5);
            // A hexagon with its point up, cut into three rhombs.
            let inside = dx.abs() <= 26.0 && dy.abs() + dx.abs() * 0.577 <= 30.0;
            let shade = match () {
                () if dy < -dx.abs() * 0.577 => 1.0,
                () if dx < 0.0 => 0.78,
                () => 0.58,
            };
            let channel = |value: u8| (f32::from(value) * shade + 60.0 * shade).min(255.0) as u8;
            rgba.extend([
                channel(accent.r()),
                channel(accent.g()),
                channel(accent.b()),
                if inside { 255 } else { 0 },
            ]);
        }
    }
    IconData { rgba, width: SIDE, height: SIDE }
}
