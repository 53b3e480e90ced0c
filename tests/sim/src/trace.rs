//! What happened, line by line: hashed whole, kept at its end, printed on request.

use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::time::Duration;

/// Lines that a report shows: enough to see what led to a violation.
const TAIL: usize = 60;
/// FNV-1a, 64 bits: no dependency, the same on every machine.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

#[derive(Debug)]
pub(crate) struct Trace {
    pub hash: u64,
    pub lines: u64,
    tail: VecDeque<String>,
    print: bool,
}

impl Trace {
    pub fn new(print: bool) -> Self {
        Self { hash: FNV_OFFSET, lines: 0, tail: VecDeque::new(), print }
    }

    pub fn add(&mut self, now: Duration, what: fmt::Arguments<'_>) {
        let mut line = if self.tail.len() == TAIL { self.tail.pop_front() } else { None }.unwrap_or_default();
        line.clear();
        // Writing to a String cannot fail.
        let _ = write!(line, "{:>11.6} {what}", now.as_secs_f64());
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
        }
        self.lines += 1;
        if self.print {
            println!("{line}");
        }
        self.tail.push_back(line);
    }

    pub fn into_tail(self) -> Vec<String> {
        self.tail.into()
    }
}

/// Adds a line to a world's trace.
macro_rules! note {
    ($world:expr, $($what:tt)*) => {
        $world.trace.add($world.now, format_args!($($what)*))
    };
}
pub(crate) use note;
