//! Captures made of bytes, for tests.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Second of the first packet of the captures made here.
pub(crate) const SECOND: u32 = 1_700_000_000;

/// A pcap file, little-endian with microseconds, Ethernet; each packet a second after the one before.
pub(crate) fn pcap(packets: &[&[u8]]) -> Vec<u8> {
    let mut file = Vec::new();
    for field in [0xa1b2_c3d4_u32, 4 << 16 | 2, 0, 0, 262_144, 1] {
        file.extend(field.to_le_bytes());
    }
    for (packet, second) in packets.iter().zip(SECOND..) {
        file.extend(pcap_record(second, packet));
    }
    file
}

/// One record of such a file, at 5 µs past `second`.
pub(crate) fn pcap_record(second: u32, packet: &[u8]) -> Vec<u8> {
    let len = packet.len() as u32;
    let mut record = Vec::new();
    for field in [second, 5, len, len] {
        record.extend(field.to_le_bytes());
    }
    record.extend(packet);
    record
}

/// A pcapng file, little-endian, with one Ethernet interface that counts microseconds.
pub(crate) fn pcapng(packets: &[&[u8]]) -> Vec<u8> {
    let blocks: Vec<Vec<u8>> = packets.iter().map(|packet| Block::packet(packet)).collect();
    Block::file(&blocks)
}

/// Makes pcapng blocks, little-endian.
pub(crate) struct Block;

impl Block {
    /// A section header and an Ethernet interface, then `blocks`.
    pub(crate) fn file(blocks: &[Vec<u8>]) -> Vec<u8> {
        let mut file = Self::section();
        file.extend(Self::interface(1, 0, &[]));
        file.extend(blocks.concat());
        file
    }

    /// A block of any type; the body is padded.
    pub(crate) fn of(kind: u32, body: &[u8]) -> Vec<u8> {
        let padded = body.len().next_multiple_of(4);
        let len = (padded as u32 + 12).to_le_bytes();
        let mut block = [kind.to_le_bytes(), len].concat();
        block.extend(body);
        block.resize(8 + padded, 0);
        block.extend(len);
        block
    }

    /// A section header.
    pub(crate) fn section() -> Vec<u8> {
        let mut body = [0x1a2b_3c4d_u32.to_le_bytes(), [1, 0, 0, 0]].concat();
        body.extend([0xff; 8]);
        Self::of(0x0a0d_0d0a, &body)
    }

    /// An interface with options as they stand in the file.
    pub(crate) fn interface(link: u16, snaplen: u32, options: &[u8]) -> Vec<u8> {
        let mut body = [link.to_le_bytes(), [0, 0]].concat();
        body.extend(snaplen.to_le_bytes());
        body.extend(options);
        Self::of(1, &body)
    }

    /// An option of a block.
    pub(crate) fn option(code: u16, value: &[u8]) -> Vec<u8> {
        let mut option = [code.to_le_bytes(), (value.len() as u16).to_le_bytes()].concat();
        option.extend(value);
        option.resize(option.len().next_multiple_of(4), 0);
        option
    }

    /// An enhanced packet of interface 0, at 5 µs past [`SECOND`].
    pub(crate) fn packet(packet: &[u8]) -> Vec<u8> {
        Self::packet_at(0, u64::from(SECOND) * 1_000_000 + 5, packet)
    }

    /// An enhanced packet.
    pub(crate) fn packet_at(interface: u32, stamp: u64, packet: &[u8]) -> Vec<u8> {
        let len = packet.len() as u32;
        let mut body = Vec::new();
        for field in [interface, (stamp >> 32) as u32, stamp as u32, len, len] {
            body.extend(field.to_le_bytes());
        }
        body.extend(packet);
        Self::of(6, &body)
    }

    /// The same block in the other byte order: every word of the header swapped, and the length at the end.
    pub(crate) fn swapped(mut block: Vec<u8>, words: usize) -> Vec<u8> {
        let end = block.len() - 4;
        for at in (0..words).map(|word| word * 4).chain([end]) {
            block[at..at + 4].reverse();
        }
        block
    }
}

/// One gzip member.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
