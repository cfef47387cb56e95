//! Segments of one connection, held against a model: every byte is its first copy, nothing is left out.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| tlswhy::internal::fuzz_tcp(data));
