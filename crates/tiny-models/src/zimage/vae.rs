//! A VAE that keeps pictures: each latent pixel is the mean colour of its 8x8 pixels.
//!
//! The three colours and their negatives travel in channels 0 to 5, past blocks that add nothing (encoder) or a little
//! random texture (decoder): silu(x) - silu(-x) = x takes them through the last nonlinearity unharmed.
//! The encoder's last norm is kept from removing the level of a picture by two large constants in the colours' group.
//! The decoder's last norm has a channel for a group and does remove it: what comes out has no mean and the
//! deviation [`CONTRAST`], so tests want pictures that are half dark and half bright.

use super::tensors::Tensors;

const COLOURS: usize = 3;
const LATENT: usize = 16;
/// How much a colour of -1 to 1 counts in the latents, before their own scale.
const ENCODED: f32 = 4.0;
/// How far from grey the decoder's pictures are, of 1.
const CONTRAST: f32 = 0.75;
/// Of the random texture that a decoder block adds.
const TEXTURE: f32 = 0.1;
/// The constants in the encoder's first norm group.
const ANCHOR: f32 = 32.0;
/// The deviation of that group of 16: two anchors, and nothing else that counts.
const ANCHORED_DEVIATION: f32 = 11.313_708;
/// Of the latents' noise, as a logarithm: none.
const LOG_VARIANCE: f32 = -20.0;

pub(super) fn tensors() -> Tensors {
    let mut all = Tensors::default();
    encoder(&mut all);
    decoder(&mut all);
    all
}

/// Colours, negatives, and with `anchors` the two constants.
fn kept(factor: f32, anchors: bool) -> Vec<(usize, usize, f32)> {
    let channels = if anchors { 8 } else { 6 };
    (0..channels).map(|channel| (channel, channel, factor)).collect()
}

/// From colours to colours and negatives.
fn split(factor: f32) -> Vec<(usize, usize, f32)> {
    (0..COLOURS).flat_map(|c| [(c, c, factor), (c + COLOURS, c, -factor)]).collect()
}

/// And back, behind a silu.
fn joined(factor: f32) -> Vec<(usize, usize, f32)> {
    (0..COLOURS).flat_map(|c| [(c, c, factor), (c, c + COLOURS, -factor)]).collect()
}

/// As places in a convolution of `from` channels, at the given taps of its 3x3 kernel.
fn places(passed: &[(usize, usize, f32)], from: usize, taps: &[usize]) -> Vec<(usize, f32)> {
    let place = |to: usize, channel: usize, tap: usize| (to * from + channel) * 9 + tap;
    let at = |&(to, channel, factor): &(usize, usize, f32)| {
        taps.iter().map(move |tap| (place(to, channel, *tap), factor))
    };
    passed.iter().flat_map(at).collect()
}

const CENTRE: &[usize] = &[4];
/// The 2x2 pixels that become one.
const CORNER: &[usize] = &[0, 1, 3, 4];

fn encoder(all: &mut Tensors) {
    const CHANNELS: [usize; 4] = [128, 256, 512, 512];
    let last = CHANNELS[3];
    let input = places(&split(1.0), COLOURS, CENTRE);
    all.sparse("encoder.conv_in.weight", &[CHANNELS[0], COLOURS, 3, 3], &input);
    all.sparse("encoder.conv_in.bias", &[CHANNELS[0]], &[(6, ANCHOR), (7, -ANCHOR)]);
    let mut from = CHANNELS[0];
    for (level, to) in CHANNELS.into_iter().enumerate() {
        for resnet in 0..2 {
            let name = format!("encoder.down_blocks.{level}.resnets.{resnet}");
            idle_resnet(all, &name, from, to);
            if from != to {
                let shortcut: Vec<_> = (0..8).map(|channel| (channel * from + channel, 1.0)).collect();
                all.sparse(&format!("{name}.conv_shortcut.weight"), &[to, from, 1, 1], &shortcut);
                all.constant(&format!("{name}.conv_shortcut.bias"), to, 0.0);
            }
            from = to;
        }
        if level < 3 {
            let name = format!("encoder.down_blocks.{level}.downsamplers.0.conv");
            let mean = places(&kept(0.25, true), to, CORNER);
            all.sparse(&format!("{name}.weight"), &[to, to, 3, 3], &mean);
            all.constant(&format!("{name}.bias"), to, 0.0);
        }
    }
    for resnet in 0..2 {
        idle_resnet(all, &format!("encoder.mid_block.resnets.{resnet}"), last, last);
    }
    let attention = "encoder.mid_block.attentions.0";
    for matrix in ["to_q", "to_k", "to_v", "to_out.0"] {
        all.zeros(&format!("{attention}.{matrix}.weight"), &[last, last]);
        all.constant(&format!("{attention}.{matrix}.bias"), last, 0.0);
    }
    for norm in [&format!("{attention}.group_norm"), "encoder.conv_norm_out"] {
        all.constant(&format!("{norm}.weight"), last, 1.0);
        all.constant(&format!("{norm}.bias"), last, 0.0);
    }
    let output = places(&joined(ENCODED * ANCHORED_DEVIATION), last, CENTRE);
    all.sparse("encoder.conv_out.weight", &[2 * LATENT, last, 3, 3], &output);
    let deviation: Vec<_> = (LATENT..2 * LATENT).map(|channel| (channel, LOG_VARIANCE)).collect();
    all.sparse("encoder.conv_out.bias", &[2 * LATENT], &deviation);
}

/// Adds nothing.
fn idle_resnet(all: &mut Tensors, name: &str, from: usize, to: usize) {
    for (part, from) in [(1, from), (2, to)] {
        all.constant(&format!("{name}.norm{part}.weight"), from, 1.0);
        all.constant(&format!("{name}.norm{part}.bias"), from, 0.0);
        all.zeros(&format!("{name}.conv{part}.weight"), &[to, from, 3, 3]);
        all.constant(&format!("{name}.conv{part}.bias"), to, 0.0);
    }
}

fn decoder(all: &mut Tensors) {
    const CHANNELS: [usize; 4] = [128, 128, 64, 32];
    let first = CHANNELS[0];
    all.passing("decoder.conv_in.weight", &[first, LATENT, 3, 3], 1.0, &split(1.0));
    all.bias("decoder.conv_in.bias", first);
    for resnet in 0..2 {
        resnet_block(all, &format!("decoder.mid_block.resnets.{resnet}"), first, first);
    }
    let attention = "decoder.mid_block.attentions.0";
    for (matrix, gain) in [("to_q", 1.0), ("to_k", 1.0), ("to_v", 1.0), ("to_out.0", TEXTURE)] {
        all.mixing(&format!("{attention}.{matrix}.weight"), &[first, first], gain);
        all.bias(&format!("{attention}.{matrix}.bias"), first);
    }
    norm(all, &format!("{attention}.group_norm"), first);
    let mut from = first;
    for (level, to) in CHANNELS.into_iter().enumerate() {
        for resnet in 0..3 {
            let name = format!("decoder.up_blocks.{level}.resnets.{resnet}");
            resnet_block(all, &name, from, to);
            if from != to {
                let shape = [to, from, 1, 1];
                all.passing(&format!("{name}.conv_shortcut.weight"), &shape, 1.0, &kept(1.0, false));
                all.bias(&format!("{name}.conv_shortcut.bias"), to);
            }
            from = to;
        }
        if level < 3 {
            let name = format!("decoder.up_blocks.{level}.upsamplers.0.conv");
            all.passing(&format!("{name}.weight"), &[to, to, 3, 3], 1.0, &kept(1.0, false));
            all.bias(&format!("{name}.bias"), to);
        }
    }
    norm(all, "decoder.conv_norm_out", from);
    let output = places(&joined(CONTRAST), from, CENTRE);
    all.sparse("decoder.conv_out.weight", &[COLOURS, from, 3, 3], &output);
    all.bias("decoder.conv_out.bias", COLOURS);
}

/// Adds a little texture.
fn resnet_block(all: &mut Tensors, name: &str, from: usize, to: usize) {
    for (part, from, gain) in [(1, from, 1.0), (2, to, TEXTURE)] {
        norm(all, &format!("{name}.norm{part}"), from);
        all.mixing(&format!("{name}.conv{part}.weight"), &[to, from, 3, 3], gain);
        all.bias(&format!("{name}.conv{part}.bias"), to);
    }
}

fn norm(all: &mut Tensors, name: &str, count: usize) {
    all.near_one(&format!("{name}.weight"), count);
    all.bias(&format!("{name}.bias"), count);
}
