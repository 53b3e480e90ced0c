//! The colours, the same as the studio's dashboard has.

use eframe::egui::{Color32, Ui};

use crate::Tone;

/// Colours by what they mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Palette {
    /// Behind everything.
    pub background: Color32,
    /// Of cards, lists and fields.
    pub surface: Color32,
    /// Of buttons and of what stands out of a surface.
    pub raised: Color32,
    /// Under the pointer.
    pub hover: Color32,
    /// Between things.
    pub line: Color32,
    /// Around what can be used.
    pub strong_line: Color32,
    /// Of text.
    pub text: Color32,
    /// Of text that is told beside.
    pub soft: Color32,
    /// The one colour that stands out.
    pub accent: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// Behind what is chosen.
    pub accent_soft: Color32,
    /// Works.
    pub good: Color32,
    /// Behind it.
    pub good_soft: Color32,
    /// Went wrong.
    pub bad: Color32,
    /// Behind it.
    pub bad_soft: Color32,
    /// Is not as it should be.
    pub warn: Color32,
    /// Behind it.
    pub warn_soft: Color32,
    /// Is at work.
    pub busy: Color32,
    /// Behind it.
    pub busy_soft: Color32,
    /// Below what floats.
    pub shadow: Color32,
}

/// By day.
pub const LIGHT: Palette = Palette {
    background: hex(0x00f6_f6f8),
    surface: hex(0x00ff_ffff),
    raised: hex(0x00f0_f0f4),
    hover: hex(0x00e6_e6ee),
    line: hex(0x00de_dee6),
    strong_line: hex(0x008b_8c9a),
    text: hex(0x001b_1c22),
    soft: hex(0x0057_5a68),
    accent: hex(0x0043_38ca),
    on_accent: hex(0x00ff_ffff),
    accent_soft: hex(0x00e6_e6fb),
    good: hex(0x0014_683a),
    good_soft: hex(0x00dc_f3e5),
    bad: hex(0x00a8_1c28),
    bad_soft: hex(0x00fc_e4e5),
    warn: hex(0x007a_4b00),
    warn_soft: hex(0x00fb_edd0),
    busy: hex(0x001a_559e),
    busy_soft: hex(0x00e0_edfb),
    shadow: Color32::from_black_alpha(36),
};

/// By night.
pub const DARK: Palette = Palette {
    background: hex(0x0012_1317),
    surface: hex(0x001b_1c22),
    raised: hex(0x0025_262e),
    hover: hex(0x0030_313b),
    line: hex(0x0032_343e),
    strong_line: hex(0x0074_7686),
    text: hex(0x00ec_eef2),
    soft: hex(0x00a9_acba),
    accent: hex(0x00a5_a8ff),
    on_accent: hex(0x0016_164a),
    accent_soft: hex(0x002a_2b55),
    good: hex(0x0074_d99f),
    good_soft: hex(0x0015_3525),
    bad: hex(0x00ff_9a9f),
    bad_soft: hex(0x0045_1b20),
    warn: hex(0x00f3_c063),
    warn_soft: hex(0x003d_2e10),
    busy: hex(0x008f_c1ff),
    busy_soft: hex(0x0017_304f),
    shadow: Color32::from_black_alpha(120),
};

/// Of the theme that this frame is drawn in.
pub fn palette(ui: &Ui) -> &'static Palette {
    if ui.visuals().dark_mode { &DARK } else { &LIGHT }
}

impl Palette {
    /// Of text and marks with this meaning.
    pub fn tone(&self, tone: Tone) -> Color32 {
        match tone {
            Tone::Plain => self.soft,
            Tone::Good => self.good,
            Tone::Busy => self.busy,
            Tone::Warn => self.warn,
            Tone::Bad => self.bad,
        }
    }

    /// Behind them.
    pub fn tone_soft(&self, tone: Tone) -> Color32 {
        match tone {
            Tone::Plain => self.raised,
            Tone::Good => self.good_soft,
            Tone::Busy => self.busy_soft,
            Tone::Warn => self.warn_soft,
            Tone::Bad => self.bad_soft,
        }
    }
}

const fn hex(rgb: u32) -> Color32 {
    Color32::from_rgb((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.2, 1.4.3 and 1.4.11.
    const TEXT: f64 = 4.5;
    const MARK: f64 = 3.0;

    fn luminance(color: Color32) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
    }

    fn contrast(one: Color32, other: Color32) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn every_text_is_readable_on_every_ground_it_stands_on() {
        for (name, palette) in [("light", &LIGHT), ("dark", &DARK)] {
            let grounds =
                [palette.background, palette.surface, palette.raised, palette.hover, palette.accent_soft];
            for ground in grounds {
                for text in [palette.text, palette.soft] {
                    let contrast = contrast(text, ground);
                    assert!(contrast >= TEXT, "{name}: {text:?} on {ground:?} is {contrast:.2}");
                }
            }
            for tone in [Tone::Plain, Tone::Good, Tone::Busy, Tone::Warn, Tone::Bad] {
                for ground in [
                    palette.tone_soft(tone),
                    palette.background,
                    palette.surface,
                    palette.raised,
                    palette.hover,
                ] {
                    let contrast = contrast(palette.tone(tone), ground);
                    assert!(contrast >= TEXT, "{name}: {tone:?} on {ground:?} is {contrast:.2}");
                }
            }
            assert!(contrast(palette.on_accent, palette.accent) >= TEXT, "{name}: text on the accent");
            for ground in [palette.background, palette.surface] {
                assert!(contrast(palette.accent, ground) >= TEXT, "{name}: links");
                assert!(contrast(palette.strong_line, ground) >= MARK, "{name}: edges of fields");
            }
        }
    }
}
