//! What the first bytes of a file say that it is.

use super::{erf, tar};

/// A compression that is peeled off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// bzip2's own format.
    Bzip2,
    /// The .xz format of XZ Utils.
    Xz,
    /// The LZ4 frame format.
    Lz4,
}

/// An archive whose members are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Archive {
    /// POSIX's tape archive and its relatives.
    Tar,
    /// PKWARE's format.
    Zip,
}

/// What is read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One capture.
    Capture(Format),
    /// Any number of them.
    Archive(Archive),
}

impl Archive {
    /// What it is called.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Tar => "tar archive",
            Self::Zip => "zip archive",
        }
    }
}

/// A capture format that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// libpcap's format and its variants.
    Pcap,
    /// draft-ietf-opsawg-pcapng.
    Pcapng,
    /// RFC 1761.
    Snoop,
    /// Endace's Extensible Record Format.
    Erf,
}

/// Bytes that suffice to recognise a compression.
pub(super) const COMPRESSION_BYTES: usize = 10;

/// Bytes that suffice to recognise what begins with a magic number.
pub(super) const MAGIC_BYTES: usize = 12;

/// Bytes that suffice to recognise the rest, and to name what is not read.
pub(super) const DESCRIBE_BYTES: usize = 4096;

/// What begins with these bytes, in words. The longer one of two that match comes first.
const KNOWN: &[(&[u8], &str)] = &[
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive in another archive; unpack it first"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xfd7zXZ\0", "xz-compressed data; decompress it first"),
    (b"BZh", "bzip2-compressed data; decompress it first"),
    (b"\x04\x22\x4d\x18", "LZ4-compressed data; decompress it first"),
    (
        b"\x02\x21\x4c\x18",
        "LZ4-compressed data of the legacy kind; decompress it first",
    ),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it first"),
    (b"Rar!\x1a\x07", "a RAR archive; unpack it first"),
    (b"\x1f\x8b", "gzip-compressed data; decompress it first"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed data; decompress it first"),
    (b"\x7fELF", "an ELF program"),
    (b"MZ", "a Windows program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (
        b"snoop\0\0\0",
        "a snoop capture of a version that is not read; convert it with editcap",
    ),
    (b"GMBU", "a Microsoft Network Monitor capture; convert it with editcap"),
    (b"RTSS", "a Microsoft Network Monitor capture; convert it with editcap"),
    (b"XCP\0", "a NetXRay capture; convert it with editcap"),
    (b"TRSNIFF data", "a Sniffer capture; convert it with editcap"),
    (b"\x05VNF", "a Visual Networks capture; convert it with editcap"),
    (
        b"\xaa\xaa\xaa\xaa",
        "an InfoVista 5View capture; convert it with editcap",
    ),
    (b"ObserverPktBuffe", "a Viavi Observer capture; convert it with editcap"),
    (b"btsnoop\0", "a Bluetooth capture, in which there is no TLS"),
    (b"CLIENT_RANDOM ", "a TLS key log; it goes with a capture"),
    (
        b"CLIENT_HANDSHAKE_TRAFFIC_SECRET ",
        "a TLS key log; it goes with a capture",
    ),
    (
        b"SERVER_HANDSHAKE_TRAFFIC_SECRET ",
        "a TLS key log; it goes with a capture",
    ),
    (b"-----BEGIN ", "a PEM file (certificates or keys)"),
    (b"ElfFile\0", "a Windows event log"),
];

/// The compression of a file that begins with `head`.
pub(super) fn compression(head: &[u8]) -> Option<Compression> {
    match head {
        [0x1f, 0x8b, 8, ..] => Some(Compression::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Compression::Zstd),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Compression::Xz),
        [0x04, 0x22, 0x4d, 0x18, ..] => Some(Compression::Lz4),
        // Then comes a block, or the end of the stream.
        [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..]
            if rest.starts_with(b"\x31\x41\x59\x26\x53\x59") || rest.starts_with(b"\x17\x72\x45\x38\x50\x90") =>
        {
            Some(Compression::Bzip2)
        }
        _ => None,
    }
}

/// What a file is that begins with `head`: at least [`DESCRIBE_BYTES`] of it, unless the file is shorter. What begins with a magic number is
/// recognised by [`MAGIC_BYTES`].
pub(super) fn kind(head: &[u8]) -> Option<Kind> {
    if let Some(format) = format(head) {
        return Some(Kind::Capture(format));
    }
    if head.starts_with(b"PK\x03\x04") {
        return Some(Kind::Archive(Archive::Zip));
    }
    tar::is_header(head).then_some(Kind::Archive(Archive::Tar))
}

/// The format of a capture that begins with `head`, of which [`MAGIC_BYTES`] are enough but for ERF.
pub(super) fn format(head: &[u8]) -> Option<Format> {
    match head.first_chunk()? {
        [0xd4, 0xc3, 0xb2, 0xa1]
        | [0xa1, 0xb2, 0xc3, 0xd4]
        | [0x4d, 0x3c, 0xb2, 0xa1]
        | [0xa1, 0xb2, 0x3c, 0x4d]
        | [0x34, 0xcd, 0xb2, 0xa1]
        | [0xa1, 0xb2, 0xcd, 0x34]
        | [0x1c, 0x00, 0x01, 0xab | 0xac]
        | [0xab | 0xac, 0x01, 0x00, 0x1c] => Some(Format::Pcap),
        [0x0a, 0x0d, 0x0d, 0x0a] => match head.get(8..12)? {
            [0x4d, 0x3c, 0x2b, 0x1a] | [0x1a, 0x2b, 0x3c, 0x4d] => Some(Format::Pcapng),
            _ => None,
        },
        b"snoo" if head.starts_with(b"snoop\0\0\0") => Some(Format::Snoop),
        _ => erf::is_plausible(head).then_some(Format::Erf),
    }
}

/// What a file that begins with `head` is, in words with an article. At least [`DESCRIBE_BYTES`] of it, unless the file is shorter.
pub(super) fn describe(head: &[u8]) -> &'static str {
    if head.is_empty() {
        return "an empty file";
    }
    if format(head) == Some(Format::Pcap) {
        return "a pcap file that ends inside its header";
    }
    if let Some((_, words)) = KNOWN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return words;
    }
    if is_event_trace(head) {
        return "a Windows event trace (.etl); convert it with `pktmon etl2pcap` or etl2pcapng";
    }
    if tar::is_header(head) {
        return "a tar archive in another archive; unpack it first";
    }
    if head.iter().all(|&byte| byte == 0) {
        return "a file of zero bytes";
    }
    match text(head) {
        Some(text) if text.starts_with(['{', '[']) => "a JSON file",
        Some(text) if text.starts_with("<?xml") => "an XML file",
        Some(text) if text.to_ascii_lowercase().starts_with("<!doctype html") || text.starts_with("<html") => {
            "an HTML page"
        }
        Some(_) => "a text file",
        None => "data of a format that is not known",
    }
}

/// An event trace begins with a buffer header of 72 bytes, which begins with the buffer's size; then comes the system header of the first event,
/// known by its version, type and marker.
fn is_event_trace(head: &[u8]) -> bool {
    let size = head.first_chunk().map_or(0, |size| u32::from_le_bytes(*size));
    (0x400..=0x100_0000).contains(&size) && size % 0x400 == 0 && matches!(head.get(72..76), Some([2, 0, 1 | 2, 0xc0]))
}

/// The bytes as text, if they are UTF-8 without control characters. A character may be cut at the end.
fn text(head: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?,
        Err(_) => return None,
    };
    let text = text.trim_start_matches('\u{feff}');
    let printable = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}' | '\u{1b}');
    (!text.is_empty() && text.chars().all(printable)).then(|| text.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_known_in_both_byte_orders() {
        for magic in [0xa1b2_c3d4_u32, 0xa1b2_3c4d, 0xa1b2_cd34] {
            assert_eq!(format(&magic.to_le_bytes()), Some(Format::Pcap));
            assert_eq!(format(&magic.to_be_bytes()), Some(Format::Pcap));
        }
        assert_eq!(format(b"\n\r\r\n\0\0\0\x1c\x1a\x2b\x3c\x4d"), Some(Format::Pcapng));
        assert_eq!(format(b"\n\r\r\nblank lines in a text"), None);
    }

    #[test]
    fn other_files_are_named() {
        assert_eq!(describe(b"\x89PNG\r\n\x1a\n\0\0"), "a PNG image");
        assert_eq!(describe("Gr\u{fc}\u{df}e\n".as_bytes()), "a text file");
        assert_eq!(describe(b" {\"a\": 1}"), "a JSON file");
        assert_eq!(describe(&[0; 64]), "a file of zero bytes");
        assert_eq!(describe(&[1, 2, 3, 255]), "data of a format that is not known");
    }

    #[test]
    fn an_event_trace_is_told_apart() {
        let mut trace = [0_u8; 100];
        trace[..4].copy_from_slice(&0x1_0000_u32.to_le_bytes());
        trace[72..76].copy_from_slice(&[2, 0, 2, 0xc0]);
        assert!(describe(&trace).contains("etl2pcapng"));
    }
}
