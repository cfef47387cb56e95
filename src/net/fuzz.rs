//! Any bytes as a packet: for the fuzzer.

use super::{Decoded, Packet, decode, general};

/// Reads the bytes behind the first four as a packet, on both paths. The first two are its link type, the next two say how many more bytes it
/// had on the wire.
///
/// # Panics
/// Where the two paths differ, or a payload reaches out of its packet.
pub fn fuzz_packet(data: &[u8]) {
    const AT: u32 = 1_000;
    let Some(([link_low, link_high, cut_low, cut_high], bytes)) = data.split_first_chunk() else {
        return;
    };
    let (Ok(len), cut) = (u32::try_from(bytes.len()), u16::from_le_bytes([*cut_low, *cut_high])) else {
        return;
    };
    let packet = Packet {
        link: u16::from_le_bytes([*link_low, *link_high]),
        bytes,
        original: len.saturating_add(u32::from(cut)),
        at: AT,
        frame: 7,
        time: None,
    };
    let decoded = decode(&packet);
    assert_eq!(decoded, general::decode(&packet), "the short path and the general one");
    if let Decoded::Tcp(segment) = decoded {
        let end = segment.payload_at.saturating_add(segment.payload_len);
        assert!(
            (AT..=AT.saturating_add(len)).contains(&segment.payload_at) && end <= AT.saturating_add(len),
            "{segment:?} reaches out of {len} bytes"
        );
    }
}
