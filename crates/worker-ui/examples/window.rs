//! Opens the window of a config folder, without a tray and without starting a daemon.
//!
//! `cargo run -p worker-ui --example window -- ~/.config/studio-worker`

use std::path::PathBuf;

use worker_ui::controller::{Controller, ControllerOptions};
use worker_ui::{Options, Page, ThemePreference, run, window_channel};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).ok_or("which config folder?")?;
    let (handle, asks) = window_channel();
    let controller = Controller::start(ControllerOptions::new(folder, handle))?;
    let ended = run(&mut Options {
        controller,
        asks,
        hidden: false,
        page: Page::default(),
        theme: ThemePreference::System,
    })?;
    println!("{ended:?}");
    Ok(())
}
