//! Bytes as an OCSP response, a revocation list and a signature: places inside them, and nobody revokes a root by chance.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| tlswhy::internal::fuzz_revocation(data));
