use super::*;
use crate::capture::testing::{ZipFile, bzip2, xz, zip, zstd};

/// The content of a member, or why it cannot be read.
fn content<R: BufRead + Send>(zip: &mut Zip<R>, entry: &Entry) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    zip.content(entry)?
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

type Read1 = (String, Result<Vec<u8>, String>);

/// Every member, read by the directory.
fn by_directory(archive: &[u8]) -> Vec<Read1> {
    let mut zip = Zip::new(io::Cursor::new(archive));
    let (entries, are_all) = zip.directory().unwrap();
    assert!(are_all);
    let read = |entry: &Entry| {
        zip.go_to(entry).unwrap();
        (entry.name.clone(), content(&mut zip, entry))
    };
    entries.iter().map(read).collect()
}

/// Every member, read as a stream; damage as a name of its own. Then why the stream ended, if not at its end.
fn as_stream(archive: &[u8]) -> (Vec<Read1>, Option<ErrorKind>) {
    let (mut zip, mut members) = (Zip::new(archive), Vec::new());
    loop {
        match zip.next() {
            Ok(Some(Item::Member(entry))) => {
                let content = content(&mut zip, &entry);
                members.push((entry.name, content));
            }
            Ok(Some(Item::Damaged { at, skipped })) => {
                members.push((format!("damaged {at} {skipped}"), Ok(Vec::new())))
            }
            Ok(None) => return (members, None),
            Err(error) => return (members, Some(error.kind())),
        }
    }
}

fn sound(name: &str, content: &[u8]) -> Read1 {
    (name.into(), Ok(content.to_vec()))
}

#[test]
fn directory_and_stream_give_the_same_members() {
    let long = b"many bytes ".repeat(300);
    let packed = |name, method, packed| ZipFile {
        name,
        method,
        flags: 0,
        content: &long,
        packed,
    };
    let archive = zip(&[
        ZipFile::stored("a", b"one"),
        ZipFile::deflated("folder/b", &long, false),
        ZipFile::deflated("c", &long, true),
        packed("d", 12, bzip2(&long)),
        packed("e", 93, zstd(&long)),
        packed("f", 95, xz(&long)),
    ]);
    let expected = vec![
        sound("a", b"one"),
        sound("folder/b", &long),
        sound("c", &long),
        sound("d", &long),
        sound("e", &long),
        sound("f", &long),
    ];
    assert_eq!(by_directory(&archive), expected);
    assert_eq!(as_stream(&archive), (expected, None));
}

#[test]
fn what_cannot_be_read_is_said_and_the_others_are_read() {
    let mut encrypted = ZipFile::stored("a", b"secret");
    encrypted.flags = 1;
    let mut unusual = ZipFile::stored("b", b"imploded");
    unusual.method = 6;
    let archive = zip(&[encrypted, unusual, ZipFile::stored("c", b"three")]);
    for members in [by_directory(&archive), as_stream(&archive).0] {
        assert!(members[0].1.as_ref().unwrap_err().contains("encrypted"), "{members:?}");
        assert!(members[1].1.as_ref().unwrap_err().contains("method 6"), "{members:?}");
        assert_eq!(members[2], sound("c", b"three"));
    }
}

#[test]
fn a_stored_member_whose_length_follows_needs_the_directory() {
    let mut streamed = ZipFile::stored("a", b"one");
    streamed.flags = 8;
    let archive = zip(&[streamed, ZipFile::stored("b", b"two")]);
    assert_eq!(by_directory(&archive), [sound("a", b"one"), sound("b", b"two")]);
    let (members, error) = as_stream(&archive);
    assert!(
        members[0].1.as_ref().unwrap_err().contains("not through a pipe"),
        "{members:?}"
    );
    assert_eq!((members.last(), error), (Some(&sound("b", b"two")), None));
}

#[test]
fn damage_within_a_member_is_told_by_its_checksum() {
    let mut archive = zip(&[ZipFile::stored("a", b"one"), ZipFile::stored("b", b"two")]);
    archive[31] ^= 1;
    for members in [by_directory(&archive), as_stream(&archive).0] {
        assert!(members[0].1.as_ref().unwrap_err().contains("checksum"), "{members:?}");
        assert_eq!(members[1], sound("b", b"two"));
    }
}

#[test]
fn a_stream_goes_on_behind_a_damaged_header() {
    let mut archive = zip(&[
        ZipFile::stored("a", b"one"),
        ZipFile::stored("b", b"two"),
        ZipFile::stored("c", b"three"),
    ]);
    archive[34] ^= 1;
    let expected = vec![sound("a", b"one"), sound("damaged 34 34", b""), sound("c", b"three")];
    assert_eq!(as_stream(&archive), (expected, None));
}

#[test]
fn a_stream_that_is_cut_gives_what_it_has() {
    let archive = zip(&[ZipFile::stored("a", b"one"), ZipFile::deflated("b", &[7; 900], false)]);
    for end in 35..archive.len() - 100 {
        let (members, error) = as_stream(&archive[..end]);
        assert_eq!(members.first(), Some(&sound("a", b"one")));
        assert!(
            error == Some(ErrorKind::UnexpectedEof) || members.len() == 2,
            "{end}: {members:?} {error:?}"
        );
    }
    assert!(Zip::new(io::Cursor::new(&archive[..90])).directory().is_err());
}

#[test]
fn zip64_lengths_are_read() {
    let mut archive = b"PK\x03\x04\x2d\0\0\0\0\0\0\0\0\0".to_vec();
    archive.extend([0; 4]);
    archive.extend([0xff; 8]);
    archive.extend([
        1, 0, 20, 0, b'a', 1, 0, 16, 0, 3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0,
    ]);
    archive.extend(b"one");
    let (members, error) = as_stream(&archive);
    assert_eq!(members[0].0, "a");
    assert_eq!(error, Some(ErrorKind::UnexpectedEof));
    assert!(
        members[0].1.as_ref().unwrap_err().contains("checksum"),
        "no checksum was written: {members:?}"
    );
}
