//! Any bytes as one side of a connection: for the fuzzer.

use super::header::{HANDSHAKE, HEADER_LEN, Header, LENGTH_MAX};
use super::{Flow, Item, RecordReader};
use crate::evidence::{CaptureId, Mark, Side, Span};

/// Reads the bytes behind the first four as the stream of one side: at once, in pieces, and in pieces with a hole.
///
/// Of the four the first two are the sizes of the first piece and of the others. The third is the place of the hole in hundredths, and the
/// last the size of it; its lowest bit says whether a ChangeCipherSpec starts the keys.
///
/// # Panics
/// Where the pieces make a difference, an item lies outside of the stream or ends before the one before it, the bytes of a message are not
/// those of the records it lies in, or a record passes without a word.
pub fn fuzz_tls_stream(data: &[u8]) {
    let Some(([first, step, place, hole], stream)) = data.split_first_chunk() else {
        return;
    };
    let protects = hole & 1 == 1;
    let whole = read(&[stream], None, protects);
    check_places(&whole, stream.len() as u64);
    check_records(&whole, stream);

    let (head, rest) = stream.split_at(usize::from(*first).min(stream.len()));
    let pieces: Vec<&[u8]> = std::iter::once(head)
        .chain(rest.chunks(usize::from(*step).max(1)))
        .filter(|piece| !piece.is_empty())
        .collect();
    let in_pieces = read(&pieces, None, protects);
    assert!(whole == in_pieces, "at once {whole:?}, in pieces {in_pieces:?}");

    let (before, hole) = (pieces.len() * usize::from(*place) / 100, u64::from(*hole) * 97);
    let with_hole = read(&pieces, Some((before, hole)), protects);
    check_places(&with_hole, stream.len() as u64 + hole);
}

/// An item without the packets that brought it.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    what: String,
    body: Vec<u8>,
    at: u64,
    end: u64,
}

impl Told {
    fn new(item: &Item<'_>) -> Self {
        let told = |what: String, body: &[u8], span: &Span| Self {
            what,
            body: body.to_vec(),
            at: span.at,
            end: span.at + u64::from(span.len),
        };
        match item {
            Item::Handshake { kind, body, span } => told(format!("message {kind}"), body, span),
            Item::Alert {
                level,
                description,
                record_version,
                span,
            } => told(format!("alert {level} {description} {record_version:?}"), &[], span),
            Item::ChangeCipherSpec { span } => told("change_cipher_spec".to_owned(), &[], span),
            Item::Opaque {
                content_type,
                length,
                span,
            } => told(format!("opaque {content_type} {length}"), &[], span),
            Item::Sslv2ClientHello { body, span } => told("sslv2".to_owned(), body, span),
            // How much is at hand depends on the pieces; five bytes are always, but for the end of the stream.
            Item::NotTls { head, span } => {
                let head = head.get(..HEADER_LEN).unwrap_or(head);
                let len = u32::try_from(head.len()).unwrap_or_default();
                told("not TLS".to_owned(), head, &Span { len, ..*span })
            }
            Item::Oversized { length, span } => told(format!("oversized {length}"), &[], span),
            Item::Malformed { malformed, span } => told(format!("malformed {malformed}"), &[], span),
            Item::Lost {
                at,
                len,
                content_type,
                message,
            } => Self {
                what: format!("lost {content_type:?} {message:?}"),
                body: Vec::new(),
                at: *at,
                end: at + len,
            },
            Item::Partial(partial) => {
                let what = format!(
                    "partial {} {:?} {} {:?}",
                    partial.content_type, partial.length, partial.have, partial.message
                );
                told(what, &[], &partial.span)
            }
        }
    }
}

/// Feeds pieces; before the piece with this number so many bytes are missing.
fn read(pieces: &[&[u8]], hole: Option<(usize, u64)>, protects: bool) -> Vec<Told> {
    let (mut reader, mut items, mut at) = (RecordReader::new(), Vec::new(), 0);
    let mut take = |item: Item<'_>| {
        items.push(Told::new(&item));
        match item {
            Item::ChangeCipherSpec { .. } if protects => Flow::Protect,
            _ => Flow::Go,
        }
    };
    for (number, piece) in pieces.iter().enumerate() {
        if let Some((before, len)) = hole
            && before == number
        {
            reader.gap(len, &mut take);
            at += len;
        }
        let mark = Mark {
            capture: CaptureId(0),
            frame: number as u64 + 1,
            time: None,
            from: Side::Client,
        };
        let span = Span {
            mark,
            first_frame: mark.frame,
            at,
            len: u32::try_from(piece.len()).unwrap_or(u32::MAX),
        };
        reader.feed(piece, span, &mut take);
        at += piece.len() as u64;
    }
    reader.finish(&mut take);
    items
}

fn check_places(items: &[Told], len: u64) {
    let mut last = 0;
    for item in items {
        assert!(item.at <= item.end && item.end <= len, "{item:?} in a stream of {len}");
        assert!(item.end >= last, "{item:?} ends before {last}");
        last = item.end;
    }
}

/// A record as its header tells: where it begins, its type, and its contents as far as they are there.
struct Plain<'a> {
    at: usize,
    header: Header,
    contents: &'a [u8],
}

/// The records of a stream from `at` on by their headers alone, up to the first bytes that are none.
fn walk(stream: &[u8], mut at: usize) -> Vec<Plain<'_>> {
    let mut records = Vec::new();
    while let Some(header) = stream
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .and_then(|bytes| Header::parse(*bytes))
    {
        let rest = stream.get(at + HEADER_LEN..).unwrap_or_default();
        let contents = rest.get(..usize::from(header.length)).unwrap_or(rest);
        records.push(Plain { at, header, contents });
        at += HEADER_LEN + usize::from(header.length);
    }
    records
}

/// The bytes of messages are those of the handshake records, and of every whole record of another type something is said.
fn check_records(items: &[Told], stream: &[u8]) {
    // A hello in the format of SSL 2.0 may come before all records.
    let old = items.first().filter(|item| item.what == "sslv2");
    let records = walk(stream, old.map_or(0, |old| old.end as usize));
    for message in items.iter().filter(|item| item.what.starts_with("message ")) {
        let mut bytes = Vec::new();
        for record in records.iter().filter(|record| record.header.content_type == HANDSHAKE) {
            let at = (record.at + HEADER_LEN) as u64;
            let from = message.at.saturating_sub(at) as usize;
            let to = (message.end.saturating_sub(at) as usize).min(record.contents.len());
            bytes.extend_from_slice(record.contents.get(from..to).unwrap_or_default());
        }
        let body = bytes.get(4..).unwrap_or_default();
        assert!(body == message.body, "{message:?} is not in the records, {body:?} is");
    }
    for record in &records {
        let Header {
            content_type, length, ..
        } = record.header;
        let is_whole = record.contents.len() == usize::from(length);
        if content_type != HANDSHAKE && length <= LENGTH_MAX && is_whole {
            let is_told = items.iter().any(|item| item.at == record.at as u64);
            assert!(is_told, "nothing is said of the record at {}", record.at);
        }
    }
}
