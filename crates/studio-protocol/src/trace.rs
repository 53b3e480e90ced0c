//! Which trace something belongs to: the `traceparent` of W3C Trace Context.

use std::fmt;
use std::str::FromStr;

/// A span of a trace, as it is named to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    /// The trace, never 0.
    pub trace: u128,
    /// The span, never 0.
    pub span: u64,
    /// Whether its spans are kept.
    pub sampled: bool,
}

/// A text that is no `traceparent` of a version that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a traceparent is like 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
pub struct TraceParentError;

impl TraceParent {
    /// A span below this one that everybody who knows `seed` calls the same, without being told.
    #[must_use]
    pub fn child(self, seed: &str) -> Self {
        // FNV-1a, mixed: names of spans, not secrets.
        let hash = seed.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self { span: (mixed ^ (mixed >> 29)).max(1), ..self }
    }

    /// The trace's name in logs.
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

impl FromStr for TraceParent {
    type Err = TraceParentError;

    /// Later versions may say more behind what is known; `ff` is none.
    fn from_str(text: &str) -> Result<Self, TraceParentError> {
        let plain = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let mut parts = text.split('-');
        let mut part = |length: usize| parts.next().filter(|part| part.len() == length && plain(part));
        let (Some(version), Some(trace), Some(span), Some(flags)) = (part(2), part(32), part(16), part(2))
        else {
            return Err(TraceParentError);
        };
        let is_known = version != "ff" && (version != "00" || text.len() == 55);
        let read = || Some((u128::from_str_radix(trace, 16).ok()?, u64::from_str_radix(span, 16).ok()?));
        match (read(), u8::from_str_radix(flags, 16)) {
            (Some((trace, span)), Ok(flags)) if is_known && trace != 0 && span != 0 => {
                Ok(Self { trace, span, sampled: flags & 1 == 1 })
            }
            _ => Err(TraceParentError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn it_survives_the_wire_and_nonsense_does_not() {
        let parent: TraceParent = TEXT.parse().unwrap();
        assert_eq!(parent.to_string(), TEXT);
        assert!(parent.sampled);
        assert!(
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-more".parse::<TraceParent>().is_ok()
        );
        for wrong in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(wrong.parse::<TraceParent>(), Err(TraceParentError), "{wrong}");
        }
    }

    #[test]
    fn children_are_told_apart_and_stay_in_the_trace() {
        let parent: TraceParent = TEXT.parse().unwrap();
        let spans: std::collections::HashSet<u64> =
            (0..10_000).map(|n| parent.child(&format!("job-{n}")).span).collect();
        assert_eq!(spans.len(), 10_000);
        assert_eq!(parent.child("a").trace, parent.trace);
        assert_eq!(parent.child("a"), parent.child("a"));
    }
}
