//! Bytes as a packet of any link type: both paths agree, payload inside the packet.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| tlswhy::internal::fuzz_packet(data));
