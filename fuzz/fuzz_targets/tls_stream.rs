//! Bytes as one side of a connection: the same items for any split, nothing passed over in silence.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| tlswhy::internal::fuzz_tls_stream(data));
