//! Random numbers that any language can repeat to the bit.

/// SplitMix64 (Steele, Lea and Flood 2014), drawn as uniform numbers: sums and products only, no library's logarithm.
#[derive(Debug, Clone)]
pub struct Weights {
    state: u64,
}

impl Weights {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A generator of its own for the tensor `name`, so that the order in which tensors are made does not matter.
    pub fn for_tensor(seed: u64, name: &str) -> Self {
        // FNV-1a, 64 bits.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self::new(seed ^ hash)
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in -1 to 1, with 24 bits, exact in f32.
    pub fn uniform(&mut self) -> f32 {
        let bits = (self.next_u64() >> 40) as f32;
        bits / 8_388_608.0 - 1.0
    }

    /// `count` numbers of mean 0 and the standard deviation `deviation`.
    pub fn tensor(&mut self, count: usize, deviation: f32) -> Vec<f32> {
        // A uniform number in -1 to 1 has the deviation 1/sqrt(3).
        let scale = deviation * 1.732_050_8;
        (0..count).map(|_| self.uniform() * scale).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the Python port prints for the same calls.
    #[test]
    fn the_numbers_are_fixed() {
        let mut weights = Weights::new(7);
        assert_eq!(weights.next_u64(), 0x63cb_e1e4_5932_0dd7);
        let tensor = Weights::for_tensor(7, "a").tensor(10_000, 2.0);
        let mean = tensor.iter().sum::<f32>() / 10_000.0;
        let deviation = (tensor.iter().map(|x| x * x).sum::<f32>() / 10_000.0).sqrt();
        assert!(mean.abs() < 0.1 && (deviation - 2.0).abs() < 0.1, "{mean} {deviation}");
    }
}
