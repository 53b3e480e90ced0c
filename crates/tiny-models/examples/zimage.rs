//! Writes the tiny Z-Image: `cargo run -p tiny-models --example zimage -- DIR`.

use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    let dir = std::env::args().nth(1).ok_or_else(|| io::Error::other("say which folder to write into"))?;
    tiny_models::zimage::write(Path::new(&dir))
}
