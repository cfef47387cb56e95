//! Every reader against input that was cut or changed: nothing panics, what is given is what was there, and what is missing is told.

use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use proptest::prelude::*;

use super::decoder::Decoder;
use super::source::Input;
use super::testing::{self, Block, ZipFile};
use super::unpack::{Gone, Outlet, Unpacker};
use super::{CaptureFacts, Reader, WINDOW_MAX, Window};
use crate::error::Error;

/// Packets that differ from each other.
fn packets() -> Vec<Vec<u8>> {
    (1..7_u8)
        .map(|n| (0..20 + n * 7).map(|byte| byte ^ n).collect())
        .collect()
}

fn pcap() -> Vec<u8> {
    let packets = packets();
    testing::pcap(&packets.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn pcapng() -> Vec<u8> {
    let mut blocks: Vec<Vec<u8>> = packets().iter().map(|packet| Block::packet(packet)).collect();
    let names = [&[1, 0, 6, 0, 10, 0, 0, 1, b'a', 0, 0, 0][..], &[0; 4]].concat();
    blocks.insert(1, Block::of(4, &names));
    blocks.insert(2, Block::of(10, b"KSLT\x03\0\0\0abc\0"));
    blocks.insert(3, Block::packet_with(b"with a comment", &Block::option(1, b"comment")));
    blocks.insert(
        4,
        Block::interface(1, 0, &[Block::option(2, b"eth0"), Block::option(13, &[4])].concat()),
    );
    Block::file(&blocks)
}

fn snoop() -> Vec<u8> {
    let mut file = b"snoop\0\0\0\0\0\0\x02\0\0\0\x04".to_vec();
    for (packet, second) in packets().iter().zip(testing::SECOND..) {
        let len = packet.len() as u32;
        let padded = packet.len().next_multiple_of(4);
        for field in [len, len, 24 + padded as u32, 0, second, 7] {
            file.extend(field.to_be_bytes());
        }
        file.extend(packet);
        file.resize(file.len() + padded - packet.len(), 0);
    }
    file
}

fn erf() -> Vec<u8> {
    let mut file = Vec::new();
    for (packet, second) in packets().iter().zip(testing::SECOND..) {
        let len = (18 + packet.len()).next_multiple_of(8);
        file.extend([0; 4]);
        file.extend(second.to_le_bytes());
        file.extend([2, 4]);
        file.extend((len as u16).to_be_bytes());
        file.extend([0, 0]);
        file.extend((packet.len() as u16).to_be_bytes());
        file.extend([0, 0]);
        file.extend(packet);
        file.resize(file.len() + len - 18 - packet.len(), 0);
    }
    file
}

fn plain() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("pcap", pcap()),
        ("pcapng", pcapng()),
        ("snoop", snoop()),
        ("erf", erf()),
    ]
}

fn compressed() -> Vec<(&'static str, Vec<u8>)> {
    let pcap = pcap();
    vec![
        ("gzip", testing::gzip(&pcap)),
        ("zstd", testing::zstd(&pcap)),
        ("bzip2", testing::bzip2(&pcap)),
        ("xz", testing::xz(&pcap)),
        ("lz4", testing::lz4(&pcap)),
    ]
}

fn archives() -> Vec<(&'static str, Vec<u8>)> {
    let (pcap, packed) = (pcap(), testing::gzip(&pcapng()));
    let tar = testing::tar(&[("a", &pcap), ("b.gz", &packed)]);
    let zip = testing::zip(&[
        ZipFile::stored("a", &pcap),
        ZipFile::deflated("b", &pcap, true),
        ZipFile::deflated("c", &pcap, false),
    ]);
    vec![("tar", tar.clone()), ("tar.gz", testing::gzip(&tar)), ("zip", zip)]
}

/// The packets of a capture, and what is known of it.
fn read(bytes: &[u8], window: &mut Window) -> Result<(Vec<Vec<u8>>, CaptureFacts), Error> {
    let stop = AtomicBool::new(false);
    let decoder = Decoder::of(Cursor::new(bytes.to_vec()));
    let input = Input::direct(decoder, Arc::default());
    let mut reader = Reader::open("x".into(), input, false, &stop)?;
    let mut packets = Vec::new();
    while reader.fill(window, &stop) {
        assert!(window.bytes.len() <= WINDOW_MAX);
        for record in &window.records {
            let packet = window.packet(record);
            assert_eq!(packet.len(), record.captured as usize, "a packet lies in its window");
            packets.push(packet.to_vec());
        }
    }
    let facts = reader.finish();
    assert!(facts.frames >= packets.len() as u64);
    Ok((packets, facts))
}

/// What was found in an archive: captures with their bytes, and how many errors.
#[derive(Default)]
struct Found {
    captures: Vec<Vec<u8>>,
    errors: usize,
}

impl Outlet for Found {
    fn capture(
        &mut self,
        _: &Path,
        mut decoder: Decoder<'_>,
        _: Option<&'static str>,
        _: Arc<AtomicU64>,
    ) -> Result<(), Gone> {
        let mut bytes = Vec::new();
        self.errors += usize::from(decoder.read_to_end(&mut bytes).is_err());
        self.captures.push(bytes);
        Ok(())
    }

    fn passed_over(&mut self) -> Result<(), Gone> {
        Ok(())
    }

    fn unreadable(&mut self, _: Error) -> Result<(), Gone> {
        self.errors += 1;
        Ok(())
    }
}

fn take_apart(bytes: &[u8], as_file: bool) -> Found {
    let mut found = Found::default();
    let mut unpacker = Unpacker::new(&mut found, true);
    let _ = if as_file {
        unpacker.zip_file(Path::new("x"), Cursor::new(bytes))
    } else {
        unpacker.source(Path::new("x"), Decoder::of(bytes), Arc::default())
    };
    found
}

#[test]
fn a_capture_that_is_cut_anywhere_gives_the_packets_before_and_tells() {
    let mut window = Window::default();
    for (name, file) in plain() {
        let (whole, facts) = read(&file, &mut window).unwrap();
        assert_eq!(facts.problems, [], "{name}");
        assert!(whole.len() >= 6, "{name}");
        let mut borders = 0;
        for end in 0..file.len() {
            let Ok((packets, facts)) = read(&file[..end], &mut window) else {
                continue;
            };
            assert!(whole.starts_with(&packets), "{name} cut at {end}");
            // Where the cut is between two records nobody can know.
            borders += usize::from(facts.problems.is_empty());
            assert!(facts.problems.iter().all(|problem| problem.offset <= end as u64));
        }
        assert!(borders <= whole.len() + 6, "{name}: {borders} cuts were not told");
    }
}

#[test]
fn compressed_data_that_is_cut_anywhere_is_told() {
    let mut window = Window::default();
    let whole = packets();
    for (name, file) in compressed() {
        for end in 1..file.len() {
            let Ok((packets, facts)) = read(&file[..end], &mut window) else {
                continue;
            };
            assert!(whole.starts_with(&packets), "{name} cut at {end}");
            assert_eq!(facts.problems.len(), 1, "{name} cut at {end}: {:?}", facts.problems);
        }
    }
}

#[test]
fn an_archive_that_is_cut_anywhere_is_told() {
    for (name, file) in archives() {
        let whole = take_apart(&file, false);
        assert_eq!(whole.errors, 0, "{name}");
        for end in 1..file.len() {
            for as_file in [false, name == "zip"] {
                let found = take_apart(&file[..end], as_file);
                let is_prefix = |(got, whole): (&Vec<u8>, &Vec<u8>)| whole.starts_with(got);
                let all = found.captures.len() <= whole.captures.len();
                // What is too short to be taken for an archive is handed on as it is.
                if end >= 512 && name == "tar" || end >= 4 && name == "zip" {
                    assert!(
                        all && found.captures.iter().zip(&whole.captures).all(is_prefix),
                        "{name} cut at {end}"
                    );
                }
                if found.captures == whole.captures {
                    continue;
                }
                // A tar archive may end behind any member, and less than a header is no archive.
                assert!(
                    found.errors > 0 || end % 512 == 0 || end < 512,
                    "{name} cut at {end} is not told"
                );
            }
        }
    }
}

#[test]
fn each_byte_may_be_wrong() {
    let mut window = Window::default();
    let samples = plain().into_iter().map(|sample| (sample, true));
    for ((name, file), is_plain) in samples.chain(compressed().into_iter().map(|sample| (sample, false))) {
        let (whole, _) = read(&file, &mut window).unwrap();
        for at in 0..file.len() {
            // Decompressors are slow where they are not optimised.
            let values = if is_plain { &[0x80, 0x01, 0xff][..] } else { &[0x80] };
            for change in values {
                let mut file = file.clone();
                file[at] ^= change;
                if let Ok((packets, _)) = read(&file, &mut window) {
                    let count = packets.len();
                    assert!(
                        count <= whole.len() + 4,
                        "{name}: {count} packets with {change} at {at}"
                    );
                }
            }
        }
    }
    for (_, file) in archives() {
        for at in 0..file.len() {
            let mut file = file.clone();
            file[at] ^= 0xff;
            take_apart(&file, false);
            take_apart(&file, true);
        }
    }
}

/// Bytes whose lengths lie take no time and no memory: a gigabyte that is claimed has to be there.
#[test]
fn what_is_claimed_is_not_reserved() {
    let mut window = Window::default();
    // A zstd frame with a window of 3.5 GiB, and one that claims to be that long.
    let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xaf, 0x01, 0, 0];
    assert!(read(&zstd, &mut window).is_err());
    let mut zip = testing::zip(&[ZipFile::stored("a", &pcap())]);
    let end = zip.len() - 22;
    zip[end + 12..end + 16].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(take_apart(&zip, true).captures.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_change_is_survived(
        which in 0..9_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        end in any::<prop::sample::Index>(),
    ) {
        let samples: Vec<_> = plain().into_iter().chain(compressed()).collect();
        let mut file = samples[which].1.clone();
        for (at, value) in changes {
            let at = at.index(file.len());
            file[at] = value;
        }
        file.truncate(file.len() - end.index(file.len()) / 4);
        let mut window = Window::default();
        if let Ok((_, facts)) = read(&file, &mut window) {
            for pair in facts.problems.windows(2) {
                prop_assert!(pair[0].offset <= pair[1].offset, "problems are in the order of the file");
            }
        }
    }

    #[test]
    fn any_archive_is_survived(
        which in 0..3_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut file = archives()[which].1.clone();
        for (at, value) in changes {
            let at = at.index(file.len());
            file[at] = value;
        }
        let (stream, as_file) = (take_apart(&file, false), take_apart(&file, true));
        prop_assert!(stream.captures.len() < 20 && as_file.captures.len() < 20);
    }

    #[test]
    fn noise_is_survived(noise in prop::collection::vec(any::<u8>(), 0..3_000), which in 0..12_usize) {
        let samples: Vec<_> = plain().into_iter().chain(compressed()).chain(archives()).collect();
        let mut file = samples[which].1[..40].to_vec();
        file.extend(noise);
        let _ = read(&file, &mut Window::default());
        take_apart(&file, false);
        take_apart(&file, true);
    }
}
