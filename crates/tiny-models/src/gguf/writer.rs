//! The container: keys and values, then tensors, all little-endian.

/// A value of the header.
#[derive(Debug, Clone, PartialEq)]
pub enum Meta {
    /// A small unsigned number.
    U16(u16),
    /// An unsigned number.
    U32(u32),
    /// A signed number.
    I32(i32),
    /// A signed number in a list of such.
    I32s(Vec<i32>),
    /// A number with a fraction.
    F32(f32),
    /// A list of such.
    F32s(Vec<f32>),
    /// Yes or no.
    Bool(bool),
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
}

const TYPE_U16: u32 = 2;
const TYPE_U32: u32 = 4;
const TYPE_I32: u32 = 5;
const TYPE_F32: u32 = 6;
const TYPE_BOOL: u32 = 7;
const TYPE_TEXT: u32 = 8;
const TYPE_LIST: u32 = 9;
/// The version of the format that llama.cpp itself writes.
const VERSION: u32 = 3;
/// Tensors start at multiples of this, unless the header says otherwise.
const ALIGNMENT: usize = 32;
/// `GGML_TYPE_F32`.
const TENSOR_F32: u32 = 0;

/// Collects what a file holds, then writes it in one go.
#[derive(Debug, Default)]
pub struct GgufWriter {
    meta: Vec<(String, Meta)>,
    tensors: Vec<(String, Vec<u64>, Vec<f32>)>,
}

impl GgufWriter {
    /// Adds a key; the order is kept.
    pub fn meta(&mut self, key: impl Into<String>, value: Meta) -> &mut Self {
        self.meta.push((key.into(), value));
        self
    }

    /// Adds a tensor of `f32`; `shape` is in GGUF's order, the fastest dimension first.
    pub fn tensor(&mut self, name: impl Into<String>, shape: &[usize], data: Vec<f32>) -> &mut Self {
        debug_assert_eq!(
            shape.iter().product::<usize>(),
            data.len(),
            "a shape of another size than its data"
        );
        let shape = shape.iter().map(|&side| side as u64).collect();
        self.tensors.push((name.into(), shape, data));
        self
    }

    /// Two files, as `llama-gguf-split` makes them: the keys and half of the tensors, then the other half.
    pub fn halves(mut self) -> [Vec<u8>; 2] {
        let all = self.tensors.len();
        let mut second = Self { meta: Vec::new(), tensors: self.tensors.split_off(all / 2) };
        for (number, half) in [&mut self, &mut second].into_iter().enumerate() {
            half.meta("split.no", Meta::U16(number as u16));
            half.meta("split.count", Meta::U16(2));
            half.meta("split.tensors.count", Meta::I32(i32::try_from(all).unwrap_or(i32::MAX)));
        }
        [self.bytes(), second.bytes()]
    }

    /// The whole file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(VERSION.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.meta.len() as u64).to_le_bytes());
        for (key, value) in &self.meta {
            text(&mut out, key);
            put(&mut out, value);
        }
        let mut offset = 0_u64;
        for (name, shape, data) in &self.tensors {
            text(&mut out, name);
            out.extend((shape.len() as u32).to_le_bytes());
            for side in shape {
                out.extend(side.to_le_bytes());
            }
            out.extend(TENSOR_F32.to_le_bytes());
            out.extend(offset.to_le_bytes());
            offset += (data.len() * size_of::<f32>()).next_multiple_of(ALIGNMENT) as u64;
        }
        for (_, _, data) in &self.tensors {
            out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
            for number in data {
                out.extend(number.to_le_bytes());
            }
        }
        out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
        out
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn put(out: &mut Vec<u8>, value: &Meta) {
    match value {
        Meta::U16(number) => {
            out.extend(TYPE_U16.to_le_bytes());
            out.extend(number.to_le_bytes());
        }
        Meta::I32(number) => {
            out.extend(TYPE_I32.to_le_bytes());
            out.extend(number.to_le_bytes());
        }
        Meta::U32(number) => {
            out.extend(TYPE_U32.to_le_bytes());
            out.extend(number.to_le_bytes());
        }
        Meta::F32(number) => {
            out.extend(TYPE_F32.to_le_bytes());
            out.extend(number.to_le_bytes());
        }
        Meta::Bool(yes) => {
            out.extend(TYPE_BOOL.to_le_bytes());
            out.push(u8::from(*yes));
        }
        Meta::Text(value) => {
            out.extend(TYPE_TEXT.to_le_bytes());
            text(out, value);
        }
        Meta::I32s(numbers) => list(out, TYPE_I32, numbers, |out, number| out.extend(number.to_le_bytes())),
        Meta::F32s(numbers) => list(out, TYPE_F32, numbers, |out, number| out.extend(number.to_le_bytes())),
        Meta::Texts(texts) => list(out, TYPE_TEXT, texts, |out, value| text(out, value)),
    }
}

fn list<T>(out: &mut Vec<u8>, of: u32, items: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    out.extend(TYPE_LIST.to_le_bytes());
    out.extend(of.to_le_bytes());
    out.extend((items.len() as u64).to_le_bytes());
    for item in items {
        put(out, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_laid_out_as_the_format_says() {
        let mut writer = GgufWriter::default();
        writer.meta("a", Meta::U32(7)).tensor("t", &[2], vec![1.0, 2.0]).tensor("u", &[1], vec![3.0]);
        let bytes = writer.bytes();
        assert_eq!(&bytes[..8], b"GGUF\x03\0\0\0");
        assert_eq!(bytes[8..24], [2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes.len() % ALIGNMENT, 0);
        // Two blocks of data at the end, each padded.
        let data = bytes.len() - 2 * ALIGNMENT;
        assert_eq!(bytes[data..data + 8], [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]);
        assert_eq!(bytes[data + ALIGNMENT..data + ALIGNMENT + 4], 3.0_f32.to_le_bytes());
    }
}
