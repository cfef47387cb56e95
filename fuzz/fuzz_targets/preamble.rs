//! Bytes as a conversation before TLS: everything is handed out where it stands, and what is understood cites bytes that are there.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| tlswhy::internal::fuzz_preamble(data));
