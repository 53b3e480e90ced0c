//! Everything inside the window: navigation, header, the page, what lies above it, and the keys.

mod header;
mod nav;

use eframe::egui::{CentralPanel, Frame, Id, Key, Margin, Modifiers, Panel, Ui};

use crate::link::{self, Shown};
use crate::pages::{self, AboutState, ConfigState, JobsState, LogsState, ModelsState, WorkerState};
use crate::theme::{self, palette};
use crate::widgets::{Toasts, confirm};
use crate::{Command, Commands, View};

/// Wide enough for the longest name of a page.
const NAV_WIDTH: f32 = 148.0;

/// A page of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Page {
    /// What runs, and what ran.
    #[default]
    Jobs,
    /// In memory and on the disk.
    Models,
    /// Who this worker is and how it is.
    Worker,
    /// What the daemon says.
    Logs,
    /// The owner's settings.
    Config,
    /// Version and update.
    About,
}

impl Page {
    /// In the order of the navigation, and of Ctrl+1 to Ctrl+6.
    pub const ALL: [Self; 6] =
        [Self::Jobs, Self::Models, Self::Worker, Self::Logs, Self::Config, Self::About];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jobs => "Jobs",
            Self::Models => "Models",
            Self::Worker => "Worker",
            Self::Logs => "Logs",
            Self::Config => "Config",
            Self::About => "About",
        }
    }
}

/// What the window remembers between frames; it outlives a window that is hidden.
#[derive(Debug, Default)]
pub struct Shell {
    /// The page that is shown.
    pub page: Page,
    /// Of the page Jobs.
    pub jobs: JobsState,
    /// Of the page Models.
    pub models: ModelsState,
    /// Of the page Worker.
    pub worker: WorkerState,
    /// Of the page Logs.
    pub logs: LogsState,
    /// Of the page Config.
    pub config: ConfigState,
    /// Of the page About.
    pub about: AboutState,
    /// Somebody asked to quit.
    pub quit: bool,
    toasts: Toasts,
    looked: Option<Page>,
}

impl Shell {
    /// Draws one frame, and sends what was asked for in it.
    pub fn ui(&mut self, ui: &mut Ui, view: &View, commands: &Commands) {
        if !confirm::is_open(ui.ctx()) {
            self.keys(ui);
        }
        let ground = palette(ui);
        Panel::left("navigation")
            .exact_size(NAV_WIDTH)
            .resizable(false)
            .frame(Frame::new().fill(ground.surface).inner_margin(Margin::symmetric(10, 12)))
            .show(ui, |ui| nav::nav_ui(ui, view, &mut self.page));
        Panel::top("header")
            .resizable(false)
            .frame(Frame::new().fill(ground.surface).inner_margin(Margin::symmetric(theme::PAGE_MARGIN, 8)))
            .show(ui, |ui| header::header_ui(ui, view, commands));
        CentralPanel::default()
            .frame(
                Frame::new().fill(ground.background).inner_margin(Margin::symmetric(theme::PAGE_MARGIN, 14)),
            )
            .show(ui, |ui| self.page_ui(ui, view, commands));
        confirm::show(ui, commands);
        self.toasts.show(ui, &view.toasts);
        if self.looked != Some(self.page) && commands.send(Command::Look(Some(self.page))) {
            self.looked = Some(self.page);
        }
    }

    /// The window was hidden: the next frame says again which page is shown.
    pub fn hidden(&mut self) {
        self.looked = None;
    }

    fn page_ui(&mut self, ui: &mut Ui, view: &View, commands: &Commands) {
        if link::link_ui(ui, view, self.page, commands) == Shown::Instead {
            return;
        }
        match self.page {
            Page::Jobs => pages::jobs_ui(ui, view, &mut self.jobs, commands),
            Page::Models => pages::models_ui(ui, view, &mut self.models, commands),
            Page::Worker => pages::worker_ui(ui, view, &mut self.worker, commands),
            Page::Logs => pages::logs_ui(ui, view, &mut self.logs, commands),
            Page::Config => pages::config_ui(ui, view, &mut self.config, commands),
            Page::About => pages::about_ui(ui, view, &mut self.about, commands),
        }
    }

    fn keys(&mut self, ui: &mut Ui) {
        const NUMBERS: [Key; 6] = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6];
        ui.input_mut(|input| {
            for (page, key) in Page::ALL.into_iter().zip(NUMBERS) {
                if input.consume_key(Modifiers::COMMAND, key) {
                    self.page = page;
                }
            }
            if input.consume_key(Modifiers::COMMAND, Key::Q) {
                self.quit = true;
            }
        });
        if ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::F)) {
            ui.memory_mut(|memory| memory.request_focus(search_id(self.page)));
        }
    }
}

/// Of a page's search field, which Ctrl+F goes to.
pub(crate) fn search_id(page: Page) -> Id {
    Id::unique(("search", page))
}
