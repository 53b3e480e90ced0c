//! Pictures on the graphics card: as few as are seen, a few new ones a frame.

use std::collections::HashMap;
use std::sync::Arc;

use eframe::egui::{ColorImage, CornerRadius, Image, Rect, TextureHandle, TextureOptions, Ui, Vec2};

use crate::theme::palette;
use crate::{Picture, PictureKey};

/// An upload takes part of a frame; the others come with the next.
const UPLOADS: usize = 4;
/// More than a window shows at once.
const MAX_KEPT: usize = 160;

/// The pictures of a page.
#[derive(Default)]
pub struct Textures {
    kept: HashMap<PictureKey, Kept>,
    frame: u64,
    uploads: usize,
}

struct Kept {
    of: Arc<Picture>,
    texture: TextureHandle,
    used: u64,
}

impl std::fmt::Debug for Textures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Textures").field("kept", &self.kept.len()).finish_non_exhaustive()
    }
}

impl Textures {
    /// At the beginning of a frame: lets go what was not seen for the longest time.
    pub fn begin(&mut self) {
        self.frame += 1;
        self.uploads = 0;
        if self.kept.len() > MAX_KEPT {
            let oldest = self.frame - 1;
            self.kept.retain(|_, kept| kept.used >= oldest);
        }
    }

    /// Paints a picture so that it fills `rect`, its edges cut where it has another shape; `None` paints the ground alone.
    pub fn paint(&mut self, ui: &Ui, rect: Rect, key: &PictureKey, picture: Option<&Arc<Picture>>) {
        let corner = CornerRadius::same(4);
        let texture = picture.and_then(|picture| self.texture(ui, key, picture));
        let Some(texture) = texture else {
            ui.painter().rect_filled(rect, corner, palette(ui).raised);
            return;
        };
        let size = texture.size_vec2();
        let scale = (rect.width() / size.x).max(rect.height() / size.y);
        let seen = Vec2::new(rect.width() / (size.x * scale), rect.height() / (size.y * scale));
        let uv = Rect::from_center_size(eframe::egui::pos2(0.5, 0.5), seen);
        Image::new((texture.id(), rect.size())).uv(uv).corner_radius(corner).paint_at(ui, rect);
    }

    /// The texture of a picture, once it is there.
    pub fn texture(&mut self, ui: &Ui, key: &PictureKey, picture: &Arc<Picture>) -> Option<&TextureHandle> {
        let fresh = self.kept.get(key).is_some_and(|kept| Arc::ptr_eq(&kept.of, picture));
        if !fresh {
            if self.uploads >= UPLOADS {
                ui.ctx().request_repaint();
            } else {
                self.uploads += 1;
                let image = ColorImage::from_rgba_unmultiplied(picture.size, &picture.rgba);
                let texture = ui.ctx().load_texture("picture", image, TextureOptions::LINEAR);
                let kept = Kept { of: Arc::clone(picture), texture, used: self.frame };
                self.kept.insert(key.clone(), kept);
            }
        }
        // An earlier look at a job stays until the next is there.
        let kept = self.kept.get_mut(key)?;
        kept.used = self.frame;
        Some(&kept.texture)
    }
}
