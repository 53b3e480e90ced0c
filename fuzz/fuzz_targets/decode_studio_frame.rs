//! Whatever a studio sends: no panic, and what could be read can be written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use studio_protocol::{StudioFrame, decode_studio_frame, encode};

fuzz_target!(|text: &str| {
    match decode_studio_frame(text) {
        Ok(StudioFrame::BadOffer(offer)) => assert!(!offer.problem.is_empty()),
        Ok(frame) => {
            decode_studio_frame(&encode(&frame)).expect("what was read can be written and read again");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
