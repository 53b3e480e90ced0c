//! `data:` addresses (RFC 2397): the bytes are in the address.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::error::size;

/// Some writers leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What an address carries.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Data<'a> {
    /// `image/png`, or empty.
    pub(super) kind: &'a str,
    pub(super) bytes: Vec<u8>,
}

/// What follows `data:`; `None` for other schemes.
pub(super) fn rest_of(address: &str) -> Option<&str> {
    let (scheme, rest) = address.split_once(':')?;
    scheme.trim_start().eq_ignore_ascii_case("data").then_some(rest)
}

/// Decodes at most `most` bytes.
pub(super) fn decode(rest: &str, most: u64) -> Result<Data<'_>, String> {
    let (head, text) = rest.split_once(',').ok_or("it has no comma between its type and its data")?;
    let kind = head.split(';').next().unwrap_or_default().trim();
    let is_base64 = head.rsplit(';').next().is_some_and(|last| last.trim().eq_ignore_ascii_case("base64"));
    // Base64 text is a third longer than its bytes, escapes make it three times as long.
    if text.len() as u64 / 4 > most {
        return Err(format!(
            "it has {} of text, at most {} of data are allowed",
            size(text.len() as u64),
            size(most)
        ));
    }
    let mut bytes = unescaped(text)?;
    if is_base64 {
        bytes.retain(|byte| !byte.is_ascii_whitespace());
        bytes = BASE64.decode(&bytes).map_err(|error| format!("it is not base64: {error}"))?;
    }
    if bytes.len() as u64 > most {
        return Err(format!("it has {}, at most {} are allowed", size(bytes.len() as u64), size(most)));
    }
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(Data { kind, bytes })
}

/// Undoes `%41`.
fn unescaped(text: &str) -> Result<Vec<u8>, String> {
    if !text.contains('%') {
        return Ok(text.as_bytes().to_vec());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(after.first()), digit(after.get(1))) else {
            return Err("it has a `%` without two hex digits".to_owned());
        };
        bytes.push((high * 16 + low) as u8);
        rest = &after[2..];
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(address: &str) -> Result<(String, Vec<u8>), String> {
        decode(rest_of(address).unwrap(), 64).map(|data| (data.kind.to_owned(), data.bytes))
    }

    #[test]
    fn base64_and_escapes_are_decoded() {
        let png = |bytes: &[u8]| Ok(("image/png".to_owned(), bytes.to_vec()));
        assert_eq!(decoded("data:image/png;base64,aGk="), png(b"hi"));
        assert_eq!(decoded("DATA:image/png;base64,aGk"), png(b"hi"));
        assert_eq!(decoded("data:image/png;charset=x;BASE64,a%47k%3D\n"), png(b"hi"));
        assert_eq!(decoded("data:,a%20b+c").unwrap().1, b"a b+c");
        assert_eq!(rest_of("https://h/data:,x"), None);
    }

    #[test]
    fn what_is_damaged_or_too_large_is_refused() {
        for (address, why) in [
            ("data:image/png;base64", "no comma"),
            ("data:;base64,a=b", "not base64"),
            ("data:,%4", "two hex digits"),
            ("data:,", "empty"),
        ] {
            let refusal = decoded(address).unwrap_err();
            assert!(refusal.contains(why), "{address}: {refusal}");
        }
        assert!(decoded(&format!("data:,{}", "x".repeat(65))).unwrap_err().contains("at most"));
        assert!(decoded(&format!("data:,{}", "x".repeat(1000))).unwrap_err().contains("of text"));
        assert!(decoded(&format!("data:,{}", "%41".repeat(64))).is_ok());
    }
}
