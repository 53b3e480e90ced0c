//! The judge on pictures whose content is known, right and wrong.

mod support;

use image::{Rgb, RgbImage};
use shape_judge::{
    Attribute, Colour, Position, PromptSet, Scene, Score, Shape, Size, Stray, Verdict, held_out, judge,
};

use self::support::{every_layout, read, scene};

#[test]
fn every_shape_in_every_layout_is_read_as_drawn() {
    let mut score = Score::default();
    for scene in every_layout() {
        let misses = score.add(&scene, &read(&scene.draw()));
        assert!(misses.is_empty(), "{scene:?}: {misses:?}");
    }
    assert_eq!(score.all().of, Shape::ALL.len() * (3 * 5 + 2 * 3 * 3));
}

#[test]
fn drawings_that_stray_as_in_training_are_read_as_drawn() {
    let strays = [(-4.0, -4.0, 0.93), (4.0, 4.0, 1.07), (4.0, -4.0, 1.0), (-4.0, 4.0, 1.0)];
    for (number, scene) in every_layout().into_iter().enumerate() {
        let (x, y, scale) = strays[number % strays.len()];
        let verdict = read(&scene.draw_straying(Stray { x, y, scale }));
        assert!(verdict.shows(&scene), "{scene:?}: {verdict:?}");
    }
}

#[test]
fn held_out_prompts_drawn_truly_score_full_marks() {
    for (set, count) in [(PromptSet::Standard, 96), (PromptSet::Second, 192)] {
        let mut score = Score::default();
        for asked in held_out(set) {
            score.add(&asked.scene, &read(&asked.scene.draw()));
        }
        assert_eq!((score.all().right, score.all().of), (count, count), "{score}");
    }
}

#[test]
fn held_out_prompts_say_what_their_scenes_are() {
    for asked in [PromptSet::Standard, PromptSet::Second].into_iter().flat_map(held_out) {
        let (prompt, scene) = (asked.prompt.to_lowercase(), asked.scene);
        for word in [scene.background.word(), scene.colour.word(), scene.shape.word()] {
            assert!(prompt.contains(word), "{prompt}: {word}");
        }
        let plural = prompt.contains(&format!("{}s", scene.shape));
        assert_eq!(plural, scene.count > 1, "{prompt}");
        let placed = scene.position != Position::Middle;
        assert_eq!(placed, prompt.contains(" at the ") || prompt.contains(" on the "), "{prompt}");
    }
}

#[test]
fn each_wrong_attribute_is_noticed_and_named() {
    let right = scene();
    let wrong = [
        (Attribute::Background, Scene { background: Colour::Green, ..right }),
        (Attribute::Colour, Scene { colour: Colour::Orange, ..right }),
        (Attribute::Shape, Scene { shape: Shape::Square, ..right }),
        (Attribute::Size, Scene { size: Size::Large, ..right }),
        (Attribute::Position, Scene { position: Position::Left, ..right }),
    ];
    for (attribute, drawn) in wrong {
        assert_eq!(read(&drawn.draw()).misses(&right), [attribute], "{drawn:?}");
    }
    let two = read(&Scene { count: 2, ..right }.draw());
    assert!(two.misses(&right).contains(&Attribute::Count), "{two:?}");
}

#[test]
fn every_pair_of_colours_is_told_apart() {
    for &background in Colour::ALL {
        for &colour in Colour::ALL.iter().filter(|colour| **colour != background) {
            let verdict = read(&Scene { background, colour, ..scene() }.draw());
            assert_eq!((verdict.background, verdict.colour), (background, Some(colour)));
        }
    }
}

#[test]
fn a_bare_background_has_no_shapes() {
    let verdict = read(&RgbImage::from_pixel(128, 128, Rgb(Colour::Blue.rgb())));
    let Verdict { background, colour, shape, count, size, position, .. } = verdict;
    assert_eq!((background, count), (Colour::Blue, 0));
    assert_eq!((colour, shape, size, position), (None, None, None, None));
    assert_eq!(verdict.misses(&scene()).len(), Attribute::ALL.len());
}

#[test]
fn spoiled_corners_crumbs_and_grain_do_not_mislead() {
    let scene = Scene { count: 3, size: Size::Small, ..scene() };
    let mut picture = scene.draw();
    for (x, y) in [(0, 0), (127, 0), (0, 127), (127, 127)] {
        picture.put_pixel(x, y, Rgb([255, 0, 255]));
    }
    for (x, y) in [(10, 10), (11, 10), (100, 20), (60, 110)] {
        picture.put_pixel(x, y, Rgb(scene.colour.rgb()));
    }
    for (at, pixel) in picture.pixels_mut().enumerate() {
        let grain = (at * 7919 % 13) as u8;
        pixel.0 = pixel.0.map(|part| part.saturating_add(grain).saturating_sub(6));
    }
    let verdict = read(&picture);
    assert!(verdict.shows(&scene), "{verdict:?}");
}

#[test]
fn larger_pictures_are_judged_by_their_proportions() {
    for scene in [scene(), Scene { position: Position::Top, size: Size::Small, ..scene() }] {
        let large = image::imageops::resize(&scene.draw(), 320, 320, image::imageops::FilterType::Triangle);
        let verdict = read(&large);
        assert!(verdict.shows(&scene), "{scene:?}: {verdict:?}");
    }
}

#[test]
fn true_drawings_are_like_their_ideals_and_a_blob_is_less_so() {
    let star = Scene { shape: Shape::Star, size: Size::Large, ..scene() };
    let sharp = read(&star.draw()).likeness;
    let blurred = read(&image::imageops::blur(&star.draw(), 6.0)).likeness;
    assert!(sharp > 0.95 && blurred < sharp - 0.05, "{sharp} {blurred}");
}

#[test]
#[should_panic(expected = "three bytes for each pixel")]
fn a_picture_of_another_length_is_a_mistake_of_the_caller() {
    judge(&[0; 100], 128, 128);
}
