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

    /// The same with options as they stand in the file.
    pub(crate) fn packet_with(packet: &[u8], options: &[u8]) -> Vec<u8> {
        let plain = Self::packet(packet);
        Self::of(6, &[&plain[8..plain.len() - 4], options].concat())
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

/// One bzip2 stream.
pub(crate) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One XZ stream.
pub(crate) fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One LZ4 frame.
pub(crate) fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One zstd frame.
pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// A tar archive of these files.
pub(crate) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive: Vec<u8> = files
        .iter()
        .flat_map(|(name, content)| tar_entry(b'0', name, content))
        .collect();
    archive.extend([0; 1024]);
    archive
}

/// One entry of a tar archive: header and content.
pub(crate) fn tar_entry(kind: u8, name: &str, content: &[u8]) -> Vec<u8> {
    let mut entry = vec![0; 512];
    entry[..name.len()].copy_from_slice(name.as_bytes());
    let size = format!("{:011o}\0", content.len());
    entry[124..136].copy_from_slice(size.as_bytes());
    entry[156] = kind;
    entry[257..265].copy_from_slice(b"ustar\x0000");
    tar_checksum(&mut entry);
    entry.extend(content);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

/// Puts the checksum into a header of a tar archive.
pub(crate) fn tar_checksum(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header[..512].iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// A member of a zip archive that is being made.
pub(crate) struct ZipFile<'a> {
    pub(crate) name: &'a str,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    /// The content, and how it lies in the archive.
    pub(crate) content: &'a [u8],
    pub(crate) packed: Vec<u8>,
}

impl<'a> ZipFile<'a> {
    /// A member that lies there as it is.
    pub(crate) fn stored(name: &'a str, content: &'a [u8]) -> Self {
        Self {
            name,
            method: 0,
            flags: 0,
            content,
            packed: content.to_vec(),
        }
    }

    /// A deflated member; where `streamed`, its length follows it.
    pub(crate) fn deflated(name: &'a str, content: &'a [u8], streamed: bool) -> Self {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        Self {
            name,
            method: 8,
            flags: u16::from(streamed) << 3,
            content,
            packed: encoder.finish().unwrap(),
        }
    }

    /// The fields that both kinds of header have in common, from the version on.
    fn fields(&self, knows_lengths: bool) -> Vec<u8> {
        let mut crc = flate2::Crc::new();
        crc.update(self.content);
        let numbers = if knows_lengths {
            [crc.sum(), self.packed.len() as u32, self.content.len() as u32]
        } else {
            [0; 3]
        };
        let mut fields: Vec<u8> = [20, self.flags, self.method, 0, 0]
            .into_iter()
            .flat_map(u16::to_le_bytes)
            .collect();
        fields.extend(numbers.into_iter().flat_map(u32::to_le_bytes));
        fields.extend((self.name.len() as u16).to_le_bytes());
        fields.extend([0, 0]);
        fields
    }
}

/// A zip archive.
pub(crate) fn zip(files: &[ZipFile<'_>]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for file in files {
        let offset = archive.len() as u32;
        let streamed = file.flags & 8 != 0;
        archive.extend(b"PK\x03\x04");
        archive.extend(file.fields(!streamed));
        archive.extend(file.name.as_bytes());
        archive.extend(&file.packed);
        if streamed {
            archive.extend(b"PK\x07\x08");
            archive.extend(&file.fields(true)[10..22]);
        }
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(file.fields(true));
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(file.name.as_bytes());
    }
    let (start, len) = (archive.len() as u32, directory.len() as u32);
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([(files.len() as u16).to_le_bytes(); 2].concat());
    archive.extend([len, start].into_iter().flat_map(u32::to_le_bytes));
    archive.extend([0, 0]);
    archive
}
