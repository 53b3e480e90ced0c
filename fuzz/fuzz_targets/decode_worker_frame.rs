//! Whatever a worker sends: no panic, and what could be read can be written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use studio_protocol::{decode_worker_frame, encode};

fuzz_target!(|text: &str| {
    let Ok(frame) = decode_worker_frame(text) else { return };
    decode_worker_frame(&encode(&frame)).expect("what was read can be written and read again");
});
