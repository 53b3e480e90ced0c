//! The tensors of one file.

use std::io;
use std::path::Path;

use half::f16;
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize_to_file};

use super::SEED;
use crate::Weights;

/// Half precision; all-zero matrices take a byte a number.
#[derive(Default)]
pub(super) struct Tensors(Vec<(String, Dtype, Vec<usize>, Vec<u8>)>);

impl Tensors {
    /// Numbers of mean 0.
    pub(super) fn normal(&mut self, name: &str, shape: &[usize], deviation: f32) {
        let numbers = draw(name, shape, deviation);
        self.put(name, shape, &numbers);
    }

    /// A matrix or convolution that keeps the size of its input's numbers, times `gain`.
    pub(super) fn mixing(&mut self, name: &str, shape: &[usize], gain: f32) {
        self.normal(name, shape, gain * keeping(shape));
    }

    /// Weights of a norm.
    pub(super) fn near_one(&mut self, name: &str, count: usize) {
        let numbers: Vec<f32> = draw(name, &[count], 0.05).iter().map(|number| 1.0 + number).collect();
        self.put(name, &[count], &numbers);
    }

    /// A bias.
    pub(super) fn bias(&mut self, name: &str, count: usize) {
        self.normal(name, &[count], 0.02);
    }

    /// All the same.
    pub(super) fn constant(&mut self, name: &str, count: usize, number: f32) {
        self.put(name, &[count], &vec![number; count]);
    }

    /// Nothing passes.
    pub(super) fn zeros(&mut self, name: &str, shape: &[usize]) {
        let bytes = vec![0; shape.iter().product()];
        self.0.push((name.to_owned(), Dtype::F8_E4M3, shape.to_vec(), bytes));
    }

    /// Zeros but for single numbers, by place.
    pub(super) fn sparse(&mut self, name: &str, shape: &[usize], numbers: &[(usize, f32)]) {
        let mut all = vec![0.0; shape.iter().product()];
        for (place, number) in numbers {
            all[*place] = *number;
        }
        self.put(name, shape, &all);
    }

    /// [`Self::mixing`], but output channel `to` is channel `from` times `factor` and nothing else.
    pub(super) fn passing(&mut self, name: &str, shape: &[usize], gain: f32, passed: &[(usize, usize, f32)]) {
        let mut numbers = draw(name, shape, gain * keeping(shape));
        let row: usize = shape[1..].iter().product();
        let kernel: usize = shape[2..].iter().product();
        for (to, from, factor) in passed {
            numbers[to * row..(to + 1) * row].fill(0.0);
            numbers[to * row + from * kernel + kernel / 2] = *factor;
        }
        self.put(name, shape, &numbers);
    }

    fn put(&mut self, name: &str, shape: &[usize], numbers: &[f32]) {
        let bytes = numbers.iter().flat_map(|number| f16::from_f32(*number).to_le_bytes()).collect();
        self.0.push((name.to_owned(), Dtype::F16, shape.to_vec(), bytes));
    }

    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let views = self
            .0
            .iter()
            .map(|(name, dtype, shape, bytes)| Ok((name, TensorView::new(*dtype, shape.clone(), bytes)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(io::Error::other)?;
        serialize_to_file(views, None, path).map_err(io::Error::other)
    }
}

fn draw(name: &str, shape: &[usize], deviation: f32) -> Vec<f32> {
    Weights::for_tensor(SEED, name).tensor(shape.iter().product(), deviation)
}

/// One over the root of the numbers that go into one output.
fn keeping(shape: &[usize]) -> f32 {
    (1.0 / shape[1..].iter().product::<usize>() as f32).sqrt()
}
