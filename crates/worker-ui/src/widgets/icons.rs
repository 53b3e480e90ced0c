//! Pictures drawn with a few strokes: sharp at every size, in the colour of the text beside them.

use std::f32::consts::TAU;

use eframe::egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, pos2};

/// What a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// A list of work.
    Jobs,
    /// Stacked layers.
    Models,
    /// A machine.
    Worker,
    /// Lines of text.
    Logs,
    /// Sliders.
    Config,
    /// The letter i.
    About,
    /// Two bars.
    Pause,
    /// A triangle.
    Play,
    /// A lens.
    Search,
    /// A cross.
    Close,
    /// A tick.
    Check,
    /// A triangle with a mark.
    Warning,
    /// Two sheets.
    Copy,
    /// A plug pulled out.
    Unplugged,
    /// A waiting clock.
    Clock,
    /// An arrow down onto a line.
    Download,
    /// A bin.
    Bin,
    /// A framed landscape.
    Picture,
    /// A bubble of speech.
    Chat,
    /// A wave of sound.
    Sound,
    /// A strip of film.
    Film,
    /// A cube.
    Cube,
    /// An arrow turning back.
    Back,
}

/// Paints `icon` into `rect`.
pub fn paint_icon(painter: &Painter, rect: Rect, icon: Icon, color: Color32) {
    let side = rect.width().min(rect.height());
    let rect = Rect::from_center_size(rect.center(), eframe::egui::Vec2::splat(side));
    let stroke = Stroke::new((side / 11.0).clamp(1.2, 2.4), color);
    let at = |x: f32, y: f32| pos2(rect.left() + x * side / 16.0, rect.top() + y * side / 16.0);
    let path = |points: &[(f32, f32)]| {
        painter.add(Shape::line(points.iter().map(|&(x, y)| at(x, y)).collect(), stroke));
    };
    let closed = |points: &[(f32, f32)]| {
        painter.add(Shape::closed_line(points.iter().map(|&(x, y)| at(x, y)).collect(), stroke));
    };
    let circle = |x: f32, y: f32, radius: f32| {
        painter.circle_stroke(at(x, y), radius * side / 16.0, stroke);
    };
    let dot = |x: f32, y: f32| {
        painter.circle_filled(at(x, y), 1.2 * side / 16.0, color);
    };
    match icon {
        Icon::Jobs => {
            for y in [3.5, 8.0, 12.5] {
                dot(2.5, y);
                path(&[(6.0, y), (14.5, y)]);
            }
        }
        Icon::Models => {
            closed(&[(8.0, 1.5), (14.5, 5.0), (8.0, 8.5), (1.5, 5.0)]);
            path(&[(1.5, 8.2), (8.0, 11.7), (14.5, 8.2)]);
            path(&[(1.5, 11.2), (8.0, 14.7), (14.5, 11.2)]);
        }
        Icon::Worker => {
            closed(&[(1.5, 2.5), (14.5, 2.5), (14.5, 11.0), (1.5, 11.0)]);
            path(&[(8.0, 11.0), (8.0, 14.0)]);
            path(&[(4.5, 14.0), (11.5, 14.0)]);
        }
        Icon::Logs => {
            for (y, x) in [(3.0, 14.5), (6.4, 11.0), (9.8, 14.5), (13.2, 8.0)] {
                path(&[(1.5, y), (x, y)]);
            }
        }
        Icon::Config => {
            for (y, x) in [(3.5, 10.5), (8.0, 5.0), (12.5, 9.0)] {
                path(&[(1.5, y), (x - 2.0, y)]);
                circle(x, y, 1.9);
                path(&[(x + 2.0, y), (14.5, y)]);
            }
        }
        Icon::About => {
            circle(8.0, 8.0, 6.5);
            dot(8.0, 5.0);
            path(&[(8.0, 7.5), (8.0, 11.5)]);
        }
        Icon::Pause => {
            path(&[(5.5, 3.0), (5.5, 13.0)]);
            path(&[(10.5, 3.0), (10.5, 13.0)]);
        }
        Icon::Play => closed(&[(4.5, 2.5), (13.0, 8.0), (4.5, 13.5)]),
        Icon::Search => {
            circle(7.0, 7.0, 4.6);
            path(&[(10.5, 10.5), (14.5, 14.5)]);
        }
        Icon::Close => {
            path(&[(4.0, 4.0), (12.0, 12.0)]);
            path(&[(12.0, 4.0), (4.0, 12.0)]);
        }
        Icon::Check => path(&[(2.5, 8.5), (6.5, 12.5), (13.5, 4.0)]),
        Icon::Warning => {
            closed(&[(8.0, 1.8), (15.0, 14.0), (1.0, 14.0)]);
            path(&[(8.0, 6.2), (8.0, 9.6)]);
            dot(8.0, 11.8);
        }
        Icon::Copy => {
            closed(&[(5.5, 5.5), (14.0, 5.5), (14.0, 14.0), (5.5, 14.0)]);
            path(&[(3.5, 10.5), (2.0, 10.5), (2.0, 2.0), (10.5, 2.0), (10.5, 3.5)]);
        }
        Icon::Unplugged => {
            path(&[(1.5, 14.5), (5.0, 11.0)]);
            closed(&[(4.0, 8.0), (8.0, 12.0), (6.0, 13.6), (2.4, 10.0)]);
            closed(&[(9.5, 3.5), (12.5, 6.5), (10.5, 8.5), (7.5, 5.5)]);
            path(&[(12.0, 4.0), (14.5, 1.5)]);
        }
        Icon::Clock => {
            circle(8.0, 8.0, 6.5);
            path(&[(8.0, 4.2), (8.0, 8.0), (10.8, 9.6)]);
        }
        Icon::Download => {
            path(&[(8.0, 1.5), (8.0, 10.0)]);
            path(&[(4.2, 6.5), (8.0, 10.4), (11.8, 6.5)]);
            path(&[(2.0, 14.0), (14.0, 14.0)]);
        }
        Icon::Bin => {
            path(&[(2.0, 4.0), (14.0, 4.0)]);
            path(&[(6.0, 4.0), (6.0, 1.8), (10.0, 1.8), (10.0, 4.0)]);
            path(&[(3.5, 4.0), (4.2, 14.3), (11.8, 14.3), (12.5, 4.0)]);
        }
        Icon::Picture => {
            closed(&[(1.5, 2.5), (14.5, 2.5), (14.5, 13.5), (1.5, 13.5)]);
            path(&[(1.5, 11.5), (5.5, 7.5), (9.0, 11.0), (11.0, 9.0), (14.5, 12.0)]);
            dot(11.0, 5.6);
        }
        Icon::Chat => closed(&[
            (1.5, 2.5),
            (14.5, 2.5),
            (14.5, 11.0),
            (7.5, 11.0),
            (4.0, 14.2),
            (4.0, 11.0),
            (1.5, 11.0),
        ]),
        Icon::Sound => {
            for (x, half) in [(2.0, 1.5), (5.0, 4.0), (8.0, 6.0), (11.0, 3.0), (14.0, 1.5)] {
                path(&[(x, 8.0 - half), (x, 8.0 + half)]);
            }
        }
        Icon::Film => {
            closed(&[(1.5, 2.5), (14.5, 2.5), (14.5, 13.5), (1.5, 13.5)]);
            path(&[(4.6, 2.5), (4.6, 13.5)]);
            path(&[(11.4, 2.5), (11.4, 13.5)]);
            path(&[(4.6, 8.0), (11.4, 8.0)]);
        }
        Icon::Cube => {
            closed(&[(8.0, 1.5), (14.0, 4.8), (14.0, 11.4), (8.0, 14.6), (2.0, 11.4), (2.0, 4.8)]);
            path(&[(2.0, 4.8), (8.0, 8.1), (14.0, 4.8)]);
            path(&[(8.0, 8.1), (8.0, 14.6)]);
        }
        Icon::Back => {
            let arc: Vec<Pos2> = (0..=14_u8)
                .map(|step| {
                    let angle = TAU * (0.55 + 0.75 * f32::from(step) / 14.0);
                    at(8.0 + 5.2 * angle.cos(), 8.6 + 5.2 * angle.sin())
                })
                .collect();
            painter.add(Shape::line(arc, stroke));
            path(&[(2.4, 3.0), (3.2, 7.0), (7.2, 6.4)]);
        }
    }
}
