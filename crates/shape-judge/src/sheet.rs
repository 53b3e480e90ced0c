//! Many pictures on one, each with its caption below.

use font8x8::legacy::BASIC_LEGACY;
use image::imageops::{FilterType, replace, resize};
use image::{Rgb, RgbImage};

/// Pictures side by side: six are as wide as a window.
const COLUMNS: usize = 6;
/// Every picture is scaled to this width.
const PICTURE_WIDTH: u32 = 176;
/// Space around each picture.
const GAP: u32 = 8;
/// Side of a letter.
const LETTER: u32 = 8;
/// Distance of the lines of a caption.
const LINE: u32 = LETTER + 3;
/// Letters that fit below a picture.
const LINE_LETTERS: usize = (PICTURE_WIDTH / LETTER) as usize;
/// A caption longer than this is cut off.
const MOST_LINES: usize = 6;

const PAPER: Rgb<u8> = Rgb([255, 255, 255]);
const INK: Rgb<u8> = Rgb([32, 32, 32]);
const FRAME: Rgb<u8> = Rgb([160, 160, 160]);

/// Puts pictures on one sheet in rows of six, scaled to one width, with their captions.
pub fn contact_sheet<C: AsRef<str>>(pictures: &[(RgbImage, C)]) -> RgbImage {
    let columns = pictures.len().clamp(1, COLUMNS) as u32;
    let rows: Vec<Row> = pictures.chunks(COLUMNS).map(Row::new).collect();
    let height = GAP + rows.iter().map(Row::height).sum::<u32>();
    let mut sheet = RgbImage::from_pixel(GAP + columns * (PICTURE_WIDTH + GAP), height, PAPER);
    let mut top = GAP;
    for row in rows {
        row.put(&mut sheet, top);
        top += row.height();
    }
    sheet
}

/// Pictures side by side, already scaled, with the lines of their captions.
struct Row {
    cells: Vec<(RgbImage, Vec<String>)>,
}

impl Row {
    fn new<C: AsRef<str>>(pictures: &[(RgbImage, C)]) -> Self {
        let cells =
            pictures.iter().map(|(picture, caption)| (scaled(picture), lines(caption.as_ref()))).collect();
        Self { cells }
    }

    fn picture_height(&self) -> u32 {
        self.cells.iter().map(|(picture, _)| picture.height()).max().unwrap_or(0)
    }

    fn height(&self) -> u32 {
        let lines = self.cells.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0);
        self.picture_height() + GAP + lines as u32 * LINE + GAP
    }

    fn put(&self, sheet: &mut RgbImage, top: u32) {
        for (column, (picture, lines)) in self.cells.iter().enumerate() {
            let left = GAP + column as u32 * (PICTURE_WIDTH + GAP);
            frame(sheet, left - 1, top - 1, picture.width() + 2, picture.height() + 2);
            replace(sheet, picture, left.into(), top.into());
            let text_top = top + self.picture_height() + GAP / 2;
            for (number, line) in lines.iter().enumerate() {
                write(sheet, line, left, text_top + number as u32 * LINE);
            }
        }
    }
}

fn scaled(picture: &RgbImage) -> RgbImage {
    let height = picture.height() * PICTURE_WIDTH / picture.width().max(1);
    resize(picture, PICTURE_WIDTH, height.max(1), FilterType::Triangle)
}

/// Breaks a caption between words; a word that is longer than a line is cut into lines.
fn lines(caption: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in caption.split_whitespace() {
        for piece in word.chars().collect::<Vec<_>>().chunks(LINE_LETTERS) {
            let last = lines.last_mut().expect("there is always a line");
            let used = last.chars().count();
            if used > 0 && used + 1 + piece.len() > LINE_LETTERS {
                lines.push(piece.iter().collect());
            } else {
                last.extend((used > 0).then_some(' ').into_iter().chain(piece.iter().copied()));
            }
        }
    }
    lines.truncate(MOST_LINES);
    lines
}

fn frame(sheet: &mut RgbImage, left: u32, top: u32, width: u32, height: u32) {
    for x in left..left + width {
        sheet.put_pixel(x, top, FRAME);
        sheet.put_pixel(x, top + height - 1, FRAME);
    }
    for y in top..top + height {
        sheet.put_pixel(left, y, FRAME);
        sheet.put_pixel(left + width - 1, y, FRAME);
    }
}

fn write(sheet: &mut RgbImage, line: &str, left: u32, top: u32) {
    for (number, letter) in line.chars().enumerate() {
        // The font has what a keyboard has; anything else shows as a question mark.
        let glyph = BASIC_LEGACY.get(letter as usize).unwrap_or(&BASIC_LEGACY['?' as usize]);
        for (y, bits) in glyph.iter().enumerate() {
            for x in (0..LETTER).filter(|x| bits >> x & 1 == 1) {
                sheet.put_pixel(left + number as u32 * LETTER + x, top + y as u32, INK);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(colour: [u8; 3], width: u32, height: u32) -> RgbImage {
        RgbImage::from_pixel(width, height, Rgb(colour))
    }

    #[test]
    fn every_picture_is_there_at_its_place() {
        let pictures: Vec<_> =
            (0..8).map(|n| (painted([n * 30, 0, 0], 128, 128), format!("number {n}"))).collect();
        let sheet = contact_sheet(&pictures);
        assert_eq!(sheet.width(), GAP + 6 * (PICTURE_WIDTH + GAP));
        for n in 0..8_u32 {
            let x = GAP + n % 6 * (PICTURE_WIDTH + GAP) + PICTURE_WIDTH / 2;
            let row_height = PICTURE_WIDTH + 2 * GAP + LINE;
            let y = GAP + n / 6 * row_height + PICTURE_WIDTH / 2;
            assert_eq!(sheet.get_pixel(x, y).0[0], n as u8 * 30, "picture {n}");
        }
    }

    #[test]
    fn captions_are_written_below_and_nowhere_else() {
        let sheet = contact_sheet(&[(painted([255, 0, 0], 64, 64), "I")]);
        let ink: Vec<_> = sheet.enumerate_pixels().filter(|(.., pixel)| **pixel == INK).collect();
        let glyph: u32 = BASIC_LEGACY['I' as usize].iter().map(|row| row.count_ones()).sum();
        assert_eq!(ink.len() as u32, glyph);
        assert!(ink.iter().all(|(x, y, _)| *x < GAP + LETTER && *y > GAP + PICTURE_WIDTH));
    }

    #[test]
    fn captions_break_between_words_and_long_ones_are_cut() {
        assert_eq!(lines("two large green circles at the top"), ["two large green", "circles at the top"]);
        assert_eq!(lines(&"x".repeat(LINE_LETTERS + 3)), ["x".repeat(LINE_LETTERS), "xxx".to_owned()]);
        assert_eq!(lines(&"word ".repeat(200)).len(), MOST_LINES);
        assert_eq!(lines(""), [""]);
    }

    #[test]
    fn strange_letters_and_sizes_do_no_harm() {
        let pictures = [(painted([1, 2, 3], 1, 300), "日本 Привет 🙂"), (painted([1, 2, 3], 900, 2), "")];
        assert!(contact_sheet(&pictures).height() > 300);
        assert_eq!(contact_sheet::<&str>(&[]).dimensions(), (2 * GAP + PICTURE_WIDTH, GAP));
    }
}
