//! Bytes as a list of certificates: places inside them and inside the list, the same twice.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| tlswhy::internal::fuzz_certificates(data));
