//! What models take of the memory, and what they may take.

use eframe::egui::{Color32, RichText, Sense, Ui, vec2};
use worker_local::Status;

use crate::pages::parts::{heading, small};
use crate::theme::{self, Palette, palette};
use crate::widgets::{MemoryPart, memory_bar};
use crate::words;

const GIB: f64 = 1_073_741_824.0;
/// Models side by side are told apart by these shades of one colour.
const SHADES: [f32; 3] = [1.0, 0.72, 0.5];
/// Below, it is the noise of two measurements at different moments.
const LEAST_OTHERS: f64 = 0.1;

/// Draws the bar and what its colours mean.
pub(super) fn memory_ui(ui: &mut Ui, status: &Status) {
    let memory = &status.memory;
    let used = memory.loaded_bytes as f64 / GIB;
    let title = if memory.on_device { "Graphics memory" } else { "Memory" };
    let text = format!("{used:.1} of {} for models", words::gib(memory.threshold_gb));
    heading(ui, title, |ui| {
        small(ui, &text);
    });
    let (total, free) = if memory.on_device {
        (status.machine.vram_total_gb, status.machine.vram_free_gb)
    } else {
        (status.machine.ram_total_gb, status.machine.ram_free_gb)
    };
    let total = total.unwrap_or(memory.threshold_gb + memory.reserve_gb).max(memory.threshold_gb);
    let palette = palette(ui);
    let parts = parts(status, total, free, palette);
    memory_bar(ui, &format!("{title}: {text}"), &parts, total, Some(memory.threshold_gb));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(5.0, 3.0);
        for part in parts.iter().filter(|part| !part.name.is_empty()) {
            legend(ui, part.color, &part.name);
            ui.add_space(8.0);
        }
        let limit = if memory.threshold_gb < total {
            format!("The mark is where jobs stop, at {}", words::gib(memory.threshold_gb))
        } else {
            "Jobs may use all of it".to_owned()
        };
        ui.label(RichText::new(limit).size(theme::SMALL).color(palette.soft));
    });
}

/// Models from the left, then other programs; what is left alone stands at the right edge.
fn parts(status: &Status, total: f64, free: Option<f64>, palette: &Palette) -> Vec<MemoryPart> {
    let mut parts = Vec::new();
    for (index, lane) in status.lanes.iter().filter(|lane| lane.loaded).enumerate() {
        let Some(bytes) = lane.memory_bytes else { continue };
        parts.push(MemoryPart {
            name: format!("{} {}", lane.model, words::bytes(bytes)),
            amount: bytes as f64 / GIB,
            color: palette.accent.gamma_multiply(SHADES[index % SHADES.len()]),
        });
    }
    let models: f64 = parts.iter().map(|part| part.amount).sum();
    // Only a GPU's memory is mostly for models; of the system's, others always have much.
    let others = free.map_or(0.0, |free| (total - free - models).max(0.0));
    if others > LEAST_OTHERS {
        let name = format!("Other programs {}", words::gib(others));
        parts.push(MemoryPart { name, amount: others, color: palette.strong_line });
    }
    let reserve = status.memory.reserve_gb;
    let gap = total - models - others - reserve;
    if reserve > 0.0 && gap > 0.0 {
        parts.push(MemoryPart { name: String::new(), amount: gap, color: Color32::TRANSPARENT });
        let name = format!("Left alone {}", words::gib(reserve));
        parts.push(MemoryPart { name, amount: reserve, color: palette.warn.gamma_multiply(0.55) });
    }
    parts
}

fn legend(ui: &mut Ui, color: Color32, text: &str) {
    let (rect, _) = ui.allocate_exact_size(vec2(9.0, 14.0), Sense::hover());
    ui.painter().rect_filled(rect.shrink2(vec2(0.0, 2.5)), 2.0, color);
    let soft = palette(ui).soft;
    ui.label(RichText::new(text).size(theme::SMALL).color(soft));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn parts_fill_the_bar_and_never_more_than_it() {
        let status = samples::busy();
        let parts = parts(&status, 12.0, Some(3.0), &theme::DARK);
        let said: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(
            said,
            ["z-image-turbo 5.0 GiB", "qwen3-8b 3.0 GiB", "Other programs 1.0 GiB", "", "Left alone 1.0 GiB"]
        );
        let sum: f64 = parts.iter().map(|part| part.amount).sum();
        assert!((sum - 12.0).abs() < 1e-9);
    }

    #[test]
    fn a_full_card_leaves_nothing_alone() {
        let status = samples::busy();
        let parts = parts(&status, 12.0, Some(0.0), &theme::DARK);
        assert_eq!(parts.last().unwrap().name, "Other programs 4.0 GiB");
    }
}
