use std::io::Cursor;

use super::*;
use crate::capture::testing::{ZipFile, gzip, pcap, pcapng, tar, xz, zip, zstd};

/// Keeps what is found, as `path: what`.
#[derive(Default)]
struct Kept {
    found: Vec<String>,
    passed_over: usize,
}

impl Outlet for Kept {
    fn capture(
        &mut self,
        path: &Path,
        mut decoder: Decoder<'_>,
        archive: Option<&'static str>,
        read: Arc<AtomicU64>,
    ) -> Result<(), Gone> {
        let mut bytes = Vec::new();
        let result = decoder.read_to_end(&mut bytes);
        let error = result
            .err()
            .map_or_else(String::new, |error| format!(", {:?}", error.kind()));
        let archive = archive.unwrap_or("no archive");
        let read = read.load(std::sync::atomic::Ordering::Relaxed);
        self.found.push(format!(
            "{}: {} of {read} bytes in {archive}{error}",
            path.display(),
            bytes.len()
        ));
        Ok(())
    }

    fn passed_over(&mut self) -> Result<(), Gone> {
        self.passed_over += 1;
        Ok(())
    }

    fn unreadable(&mut self, error: Error) -> Result<(), Gone> {
        self.found.push(error.to_string());
        Ok(())
    }
}

/// What is found in a stream of these bytes.
fn stream(bytes: &[u8]) -> Kept {
    let mut kept = Kept::default();
    let read = Arc::new(AtomicU64::new(0));
    let decoder = Decoder::new(Tap::new(Box::new(bytes), false, Arc::clone(&read)));
    let _ = Unpacker::new(&mut kept, false).source(Path::new("x"), decoder, read);
    kept
}

/// What is found in a zip archive that is a file.
fn file(bytes: &[u8]) -> Kept {
    let mut kept = Kept::default();
    let _ = Unpacker::new(&mut kept, false).zip_file(Path::new("x"), Cursor::new(bytes));
    kept
}

#[test]
fn a_source_that_is_no_archive_is_handed_on_whatever_it_is() {
    assert_eq!(stream(&pcap(&[])).found, ["x: 24 of 24 bytes in no archive"]);
    assert_eq!(stream(b"text").found, ["x: 4 of 4 bytes in no archive"]);
    assert_eq!(stream(&[]).found, ["x: 0 of 0 bytes in no archive"]);
}

#[test]
fn members_are_looked_at_one_by_one_each_with_its_own_compression() {
    let (one, two) = (pcap(&[b"packet"]), pcapng(&[]));
    let packed = gzip(&two);
    let archive = tar(&[
        ("./a.pcap", &one),
        ("folder/b.pcapng.gz", &packed),
        ("notes.txt", b"no capture"),
        ("folder/.hidden", &one),
        ("/../c\n.pcap", &one),
    ]);
    let expected = [
        "x/a.pcap: 46 of 46 bytes in tar archive".to_owned(),
        format!(
            "x/folder/b.pcapng.gz: {} of {} bytes in tar archive",
            two.len(),
            packed.len()
        ),
        "x/c\u{fffd}.pcap: 46 of 46 bytes in tar archive".to_owned(),
    ];
    for source in [archive.clone(), gzip(&archive), zstd(&archive), xz(&archive)] {
        let kept = stream(&source);
        assert_eq!((kept.found.as_slice(), kept.passed_over), (&expected[..], 1));
    }
}

#[test]
fn a_zip_archive_is_the_same_from_a_file_and_from_a_stream() {
    let (one, packed) = (pcap(&[b"packet"]), gzip(&pcapng(&[])));
    let archive = zip(&[
        ZipFile::stored("folder/", b""),
        ZipFile::deflated("folder/a.pcap", &one, false),
        ZipFile::deflated("b.pcap", &one, true),
        ZipFile::stored("c.gz", &packed),
        ZipFile::stored("notes", b"no capture"),
    ]);
    for kept in [file(&archive), stream(&archive), stream(&gzip(&archive))] {
        assert_eq!(kept.passed_over, 1);
        let expected = ["x/folder/a.pcap", "x/b.pcap"].map(|path| format!("{path}: 46 of 46 bytes in zip archive"));
        assert_eq!(kept.found[..2], expected);
        assert!(kept.found[2].starts_with("x/c.gz: "), "{:?}", kept.found);
    }
}

#[test]
fn archives_in_archives_are_read_to_a_depth_of_two() {
    let inner = zip(&[ZipFile::stored("a.pcap", &pcap(&[]))]);
    let middle = gzip(&tar(&[("inner.zip", &inner), ("b.pcap", &pcap(&[]))]));
    let found = stream(&middle).found;
    assert_eq!(
        found,
        [
            "x/inner.zip/a.pcap: 24 of 24 bytes in zip archive",
            "x/b.pcap: 24 of 24 bytes in tar archive"
        ]
    );
    let outer = tar(&[("middle.tgz", &middle)]);
    let found = stream(&outer).found;
    assert_eq!(found.len(), 2);
    assert!(
        found[0].contains("x/middle.tgz/inner.zip: not a capture: an archive in an archive in an archive"),
        "{found:?}"
    );
    assert!(found[1].starts_with("x/middle.tgz/b.pcap: 24"), "{found:?}");
}

#[test]
fn a_damaged_member_is_told_and_the_others_are_read() {
    let one = pcap(&[&[7; 200]]);
    let mut packed = gzip(&one);
    packed[20] ^= 0xff;
    let mut archive = tar(&[("a.gz", &packed), ("b", &one), ("c", &one), ("d", &one)]);
    let header_of_c = 1024 + 1024;
    archive[header_of_c] ^= 1;
    let found = stream(&archive).found;
    assert!(found[0].starts_with("x/a.gz: "), "{found:?}");
    assert_eq!(found[1], "x/b: 240 of 240 bytes in tar archive");
    assert!(
        found[2].starts_with("x: cannot read at byte 2048: 1024 bytes of the tar archive are damaged"),
        "{found:?}"
    );
    assert_eq!(found[3], "x/d: 240 of 240 bytes in tar archive");
}

#[test]
fn an_archive_that_is_cut_gives_what_it_has() {
    let one = pcap(&[&[7; 200]]);
    let archive = tar(&[("a", &one), ("b", &one)]);
    let found = stream(&archive[..1024 + 512 + 100]).found;
    assert_eq!(found[0], "x/a: 240 of 240 bytes in tar archive");
    assert_eq!(found[1], "x/b: 100 of 100 bytes in tar archive, UnexpectedEof");
    assert!(found[2].contains("the tar archive ends before its time"), "{found:?}");

    let archive = zip(&[ZipFile::stored("a", &one), ZipFile::stored("b", &one)]);
    let kept = file(&archive[..31 + 240 + 31 + 100]);
    assert_eq!(kept.found[0], "x/a: 240 of 240 bytes in zip archive");
    assert_eq!(kept.found[1], "x/b: 100 of 100 bytes in zip archive, UnexpectedEof");
    assert!(
        kept.found[2].contains("the zip archive ends before its time"),
        "{:?}",
        kept.found
    );
}

#[test]
fn nothing_more_is_sent_once_nobody_listens() {
    struct Deaf(usize);
    impl Outlet for Deaf {
        fn capture(
            &mut self,
            _: &Path,
            _: Decoder<'_>,
            _: Option<&'static str>,
            _: Arc<AtomicU64>,
        ) -> Result<(), Gone> {
            self.0 += 1;
            Err(Gone)
        }
        fn passed_over(&mut self) -> Result<(), Gone> {
            Ok(())
        }
        fn unreadable(&mut self, _: Error) -> Result<(), Gone> {
            Ok(())
        }
    }
    let mut deaf = Deaf(0);
    let archive = tar(&[("a", &pcap(&[])), ("b", &pcap(&[]))]);
    let result =
        Unpacker::new(&mut deaf, false).source(Path::new("x"), Decoder::of(archive.as_slice()), Arc::default());
    assert!(result.is_err());
    assert_eq!(deaf.0, 1);
}
