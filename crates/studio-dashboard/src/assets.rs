//! Styles and scripts, embedded in the program and named by what is in them.

use std::sync::LazyLock;

/// A file that pages name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// What it is called under `/assets/`.
    pub name: &'static str,
    /// For `Content-Type`.
    pub mime: &'static str,
    /// The file.
    pub bytes: &'static [u8],
}

/// Where assets are served.
pub const PREFIX: &str = "/assets/";

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! assets {
    ($($name:literal $mime:expr,)+) => {
        /// Every asset.
        pub static ALL: LazyLock<Vec<Asset>> = LazyLock::new(|| {
            vec![$(asset($name, $mime, include_bytes!(concat!("../assets/", $name)))),+]
        });
    };
}

assets! {
    "actions.js" SCRIPT,
    "favicon.svg" "image/svg+xml",
    "fields.js" SCRIPT,
    "gallery.js" SCRIPT,
    "job.js" SCRIPT,
    "jobs.js" SCRIPT,
    "live.js" SCRIPT,
    "markdown.js" SCRIPT,
    "morph.js" SCRIPT,
    "playground.js" SCRIPT,
    "record.js" SCRIPT,
    "say.js" SCRIPT,
    "style.css" CSS,
    "theme.js" SCRIPT,
    "times.js" SCRIPT,
    "transcribe.js" SCRIPT,
    "upload.js" SCRIPT,
    "work.css" CSS,
}

fn asset(name: &'static str, mime: &'static str, bytes: &'static [u8]) -> Asset {
    Asset { name, mime, bytes }
}

/// The asset of this name.
pub fn find(name: &str) -> Option<&'static Asset> {
    ALL.iter().find(|asset| asset.name == name)
}

/// Stands in the address of every asset and changes with any of them, so that what a script imports by `./name.js`
/// is of the same build, and all of it may be kept for good.
pub static BUILD: LazyLock<String> = LazyLock::new(|| build_of(&ALL));

/// Where a page finds an asset.
///
/// # Panics
/// When there is no asset of this name; each page is rendered in a test.
pub fn url(name: &str) -> String {
    assert!(find(name).is_some(), "there is no asset `{name}`");
    format!("{PREFIX}{}/{name}", *BUILD)
}

/// FNV-1a: tells builds apart, keeps no secret.
fn build_of(assets: &[Asset]) -> String {
    let bytes = assets.iter().flat_map(|asset| asset.name.bytes().chain(asset.bytes.iter().copied()));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_change_with_the_bytes() {
        assert_ne!(build_of(&[asset("a", CSS, b"a{}")]), build_of(&[asset("a", CSS, b"b{}")]));
        assert_eq!(url("style.css"), format!("/assets/{}/style.css", *BUILD));
        assert!(find("../Cargo.toml").is_none());
    }

    #[test]
    fn scripts_are_small_and_of_our_own() {
        for asset in ALL.iter().filter(|asset| asset.mime == SCRIPT) {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            assert!(text.lines().count() <= 220, "{} has {} lines", asset.name, text.lines().count());
            assert!(!text.contains("innerHTML") && !text.contains("eval("), "{}", asset.name);
        }
    }
}
