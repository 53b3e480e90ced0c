//! Colours, sizes and spacing: calm, one accent, dark and light as the system says.

mod palette;

use eframe::egui::{
    Context, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, Style, TextStyle, Theme,
    ThemePreference, Vec2,
    style::{ScrollStyle, Selection, WidgetVisuals, Widgets},
};

pub use palette::{DARK, LIGHT, Palette, palette};

/// Of headings of pages.
pub const TITLE: f32 = 20.0;
/// Of headings inside a page.
pub const HEADING: f32 = 15.0;
/// Of everything else.
pub const BODY: f32 = 13.5;
/// Of what is told beside.
pub const SMALL: f32 = 12.0;
/// Corners of cards and buttons.
pub const RADIUS: u8 = 6;
/// Between a page's edge and its content.
pub const PAGE_MARGIN: i8 = 20;

/// Sets both themes, and follows the system's choice from then on.
pub fn apply(ctx: &Context) {
    ctx.set_theme(ThemePreference::System);
    ctx.set_style_of(Theme::Dark, style(&DARK, Theme::Dark));
    ctx.set_style_of(Theme::Light, style(&LIGHT, Theme::Light));
}

fn style(palette: &Palette, theme: Theme) -> Style {
    let mut style = Style { visuals: theme.default_visuals(), ..Style::default() };
    style.text_styles = [
        (TextStyle::Heading, FontId::new(HEADING, FontFamily::Proportional)),
        (TextStyle::Body, FontId::new(BODY, FontFamily::Proportional)),
        (TextStyle::Button, FontId::new(BODY, FontFamily::Proportional)),
        (TextStyle::Small, FontId::new(SMALL, FontFamily::Proportional)),
        (TextStyle::Monospace, FontId::new(SMALL, FontFamily::Monospace)),
    ]
    .into();
    style.spacing.item_spacing = Vec2::new(8.0, 6.0);
    style.spacing.button_padding = Vec2::new(10.0, 4.0);
    style.spacing.interact_size = Vec2::new(40.0, 26.0);
    style.spacing.menu_margin = Margin::same(6);
    style.spacing.scroll = ScrollStyle::thin();
    style.interaction.selectable_labels = false;
    // Nothing moves by itself: an animation is frames that nobody needs.
    style.animation_time = 0.0;

    let visuals = &mut style.visuals;
    visuals.panel_fill = palette.background;
    visuals.window_fill = palette.surface;
    visuals.window_stroke = Stroke::new(1.0, palette.line);
    visuals.window_corner_radius = CornerRadius::same(RADIUS + 4);
    visuals.menu_corner_radius = CornerRadius::same(RADIUS);
    visuals.window_shadow = Shadow { offset: [0, 8], blur: 28, spread: 0, color: palette.shadow };
    visuals.popup_shadow = Shadow { offset: [0, 4], blur: 16, spread: 0, color: palette.shadow };
    visuals.faint_bg_color = palette.raised;
    visuals.extreme_bg_color = palette.surface;
    visuals.text_edit_bg_color = Some(palette.surface);
    visuals.code_bg_color = palette.raised;
    visuals.hyperlink_color = palette.accent;
    visuals.warn_fg_color = palette.warn;
    visuals.error_fg_color = palette.bad;
    visuals.weak_text_color = Some(palette.soft);
    visuals.selection = Selection { bg_fill: palette.accent_soft, stroke: Stroke::new(1.5, palette.accent) };
    visuals.widgets = widgets(palette);
    visuals.striped = false;
    visuals.interact_cursor = Some(eframe::egui::CursorIcon::PointingHand);
    style
}

fn widgets(palette: &Palette) -> Widgets {
    let base = |fill, line, text| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, line),
        corner_radius: CornerRadius::same(RADIUS),
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    Widgets {
        noninteractive: base(palette.surface, palette.line, palette.text),
        inactive: base(palette.raised, palette.strong_line, palette.text),
        hovered: base(palette.hover, palette.strong_line, palette.text),
        active: WidgetVisuals {
            bg_stroke: Stroke::new(2.0, palette.accent),
            ..base(palette.hover, palette.accent, palette.text)
        },
        open: base(palette.hover, palette.strong_line, palette.text),
    }
}
