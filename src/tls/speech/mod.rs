//! What is spoken where TLS was expected: the first bytes of other protocols, from either side.
//!
//! Text protocols are known by how a line begins, binary ones by fields that must hold certain values. A few bytes rarely prove a protocol,
//! so each rule asks for all that the captured bytes can show; what fits none has no name. Whether a protocol is named is decided by its
//! first 64 bytes; what is quoted, and which words stand in an HTTP answer, may come from as many as are at hand.

mod binary;
mod database;
mod http;
mod noise;
mod quote;
mod text;

pub(crate) use noise::{NOISE, name_noise};

use crate::evidence::Time;
use crate::tls::header::{may_be_header, sslv2_length};

/// Speech that is not TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plaintext {
    /// The protocol, as people call it.
    pub(crate) protocol: &'static str,
    /// The first line where it is text, or the message that a binary answer holds, at most 80 characters; else the first bytes in
    /// hexadecimal. Never what stands where a password may stand: its length is there instead.
    pub(crate) quote: String,
    /// What an HTTP answer says of TLS: that this port wants it.
    pub(crate) complaint: Option<&'static str>,
    /// The `Date` of an HTTP answer (RFC 9110 §6.6.1).
    pub(crate) date: Option<Time>,
}

/// Bytes by which a protocol is named.
const NAMED_WITHIN: usize = 64;

/// Names the protocol that a stream begins with, where it is not TLS. Both sides' first bytes are known.
pub(crate) fn name_plaintext(head: &[u8]) -> Option<Plaintext> {
    if may_be_tls(head) {
        return None;
    }
    let (protocol, quote) = if let Some(protocol) = database::name(head).or_else(|| binary::name(head)) {
        (protocol, quote::of_bytes(protocol, head))
    } else {
        (text::name(head)?, quote::of_line(head))
    };
    let is_http_answer = head.starts_with(b"HTTP/");
    Some(Plaintext {
        protocol,
        quote,
        complaint: is_http_answer.then(|| http::complaint(head)).flatten(),
        date: is_http_answer.then(|| http::date(head)).flatten(),
    })
}

/// True where the bytes may be a record of TLS or DTLS, or the hello of SSL 2.0: some rules leave room for their headers.
fn may_be_tls(head: &[u8]) -> bool {
    match *head {
        // Of DTLS all versions begin so (RFC 9147 §5.3); 25 and 26 are its records with a connection id and its acknowledgements.
        [20..=26, 0xfe, 0xfc..=0xff, ..] => true,
        [_, _, _, _, _, ..] => head
            .first_chunk()
            .is_some_and(|bytes| may_be_header(bytes) || sslv2_length(*bytes).is_some()),
        _ => false,
    }
}

/// True where the bytes begin with this word, in either case.
pub(crate) fn begins(bytes: &[u8], word: &str) -> bool {
    bytes
        .get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
}

/// Where the words stand in the bytes, as they are.
fn find(bytes: &[u8], words: &[u8]) -> Option<usize> {
    bytes.windows(words.len()).position(|window| window == words)
}

/// True where the words stand somewhere in the bytes, as they are; there has to be at least one byte of them.
pub(crate) fn contains(bytes: &[u8], words: impl AsRef<[u8]>) -> bool {
    find(bytes, words.as_ref()).is_some()
}

fn first_line(head: &[u8]) -> &[u8] {
    head.split(|&byte| matches!(byte, b'\r' | b'\n'))
        .next()
        .unwrap_or_default()
}

const fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t')
}

/// The big-endian number of 16 bits at this place.
fn u16_at(head: &[u8], at: usize) -> Option<usize> {
    let bytes = head.get(at..)?.first_chunk()?;
    Some(usize::from(u16::from_be_bytes(*bytes)))
}

/// The big-endian number of 32 bits at this place.
fn u32_at(head: &[u8], at: usize) -> Option<usize> {
    let bytes = head.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_be_bytes(*bytes)).ok()
}

#[cfg(test)]
mod tests;
