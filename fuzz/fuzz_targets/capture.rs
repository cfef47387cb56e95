//! Bytes as a capture: records inside their windows, the same for any size of reads.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| tlswhy::internal::fuzz_capture(data));
