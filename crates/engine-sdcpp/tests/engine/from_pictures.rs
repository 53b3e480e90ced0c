//! Pictures from pictures.

use image::{Rgb, RgbImage};
use studio_protocol::{ImageTask, Task};

use crate::tiny::{Tiny, brightness, cat, columns, difference, halves};

fn from(name: &str, denoise: f64) -> ImageTask {
    ImageTask { init_image_url: Some(name.to_owned()), denoise: Some(denoise), steps: 4, ..cat() }
}

#[test]
fn strength_decides_how_much_of_the_picture_is_left() {
    let mut tiny = Tiny::start();
    tiny.give("halves", &halves(64));
    let nearly = tiny.picture(from("halves", 0.05));
    // Away from the seam, over which the model's own resolution of 8 pixels blurs.
    let (dark, bright) = (columns(&nearly, 0, 28), columns(&nearly, 36, 28));
    assert!(
        brightness(&dark) < 60.0 && brightness(&bright) > 200.0,
        "{} {}",
        brightness(&dark),
        brightness(&bright)
    );
    let [little, more, all] = [0.05, 0.3, 1.0].map(|denoise| {
        let made = tiny.picture(from("halves", denoise));
        difference(&made, &halves(64))
    });
    assert!(little < more && more < all, "{little} {more} {all}");
    // Pictures of another size cover the wanted one.
    tiny.give("large", &halves(200));
    assert!(difference(&tiny.picture(from("large", 0.05)), &nearly) < 5.0);
}

#[test]
fn only_what_is_white_in_the_mask_is_repainted() {
    let mut tiny = Tiny::start();
    let striped = RgbImage::from_fn(64, 64, |x, y| Rgb([(x * 4) as u8, (y * 4) as u8, 77]));
    tiny.give("start", &striped);
    tiny.give("mask", &halves(64));
    let task = ImageTask { mask_url: Some("mask".to_owned()), ..from("start", 1.0) };
    let made = tiny.picture(task.clone());
    assert_eq!(columns(&made, 0, 32), columns(&striped, 0, 32), "black keeps every pixel");
    assert!(difference(&columns(&made, 32, 32), &columns(&striped, 32, 32)) > 20.0);
    let other = tiny.picture(ImageTask { seed: Some(7), ..task });
    assert_eq!(columns(&other, 0, 32), columns(&made, 0, 32));
    assert!(difference(&columns(&other, 32, 32), &columns(&made, 32, 32)) > 20.0);
}

#[test]
fn references_count() {
    let mut flux = Tiny::start_flux();
    flux.give("halves", &halves(64));
    flux.give("other", &RgbImage::from_pixel(96, 64, Rgb([200, 30, 90])));
    let none = flux.picture(cat());
    let one = ImageTask { ref_image_url: Some("halves".to_owned()), ..cat() };
    let made = flux.picture(one.clone());
    assert!(difference(&made, &none) > 0.5);
    let listed = ImageTask { ref_image_urls: vec!["halves".to_owned()], ..cat() };
    assert_eq!(flux.picture(listed), made, "the two ways to name one are the same");
    let two = ImageTask { ref_image_urls: vec!["other".to_owned()], ..one };
    assert!(difference(&flux.picture(two), &made) > 0.5);
    assert_eq!(flux.picture(cat()), none);
}

#[test]
fn distilled_guidance_counts() {
    let mut flux = Tiny::start_flux();
    let guided = |guidance| ImageTask { guidance, ..cat() };
    let usual = flux.picture(guided(None));
    assert_eq!(flux.picture(guided(Some(3.5))), usual);
    assert!(difference(&flux.picture(guided(Some(9.0))), &usual) > 0.5);
}

#[test]
fn a_picture_stands_as_its_exif_says() {
    use img_parts::{Bytes, DynImage, ImageEXIF};
    let mut tiny = Tiny::start();
    tiny.give("halves", &halves(64));
    let path = tiny.folder.path().join("turned.jpg");
    image::imageops::rotate270(&halves(64)).save(&path).unwrap();
    // One entry: orientation 6, to be turned by a quarter to the right.
    let exif = [b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".as_slice()].concat();
    let mut jpeg = DynImage::from_bytes(Bytes::from(std::fs::read(&path).unwrap())).unwrap().unwrap();
    jpeg.set_exif(Some(Bytes::from(exif)));
    std::fs::write(&path, jpeg.encoder().bytes()).unwrap();
    tiny.inputs.insert("turned".to_owned(), path.to_str().unwrap().to_owned());
    let (upright, turned) = (tiny.picture(from("halves", 0.05)), tiny.picture(from("turned", 0.05)));
    assert!(difference(&upright, &turned) < 5.0);
}

#[test]
fn pictures_that_cannot_be_used_are_refused() {
    let mut tiny = Tiny::start();
    tiny.give("halves", &halves(64));
    let text = tiny.folder.path().join("text.png");
    std::fs::write(&text, "no picture at all").unwrap();
    tiny.inputs.insert("text".to_owned(), text.to_str().unwrap().to_owned());
    assert!(tiny.refused(Task::Image(from("text", 0.5))).contains("start picture"));
    assert!(tiny.refused(Task::Image(from("halves", 1.5))).contains("denoise is 1.5"));
    let mask_only = ImageTask { mask_url: Some("halves".to_owned()), ..cat() };
    assert!(tiny.refused(Task::Image(mask_only)).contains("initImageUrl"));
    let reference = ImageTask { ref_image_url: Some("halves".to_owned()), ..cat() };
    assert!(tiny.refused(Task::Image(reference)).contains("Z-Image models take no reference pictures"));
    let references = ImageTask { ref_image_urls: vec!["halves".to_owned(); 9], ..cat() };
    assert!(tiny.refused(Task::Image(references)).contains("9 reference pictures"));
}
