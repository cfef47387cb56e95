//! OCSP responses and revocation lists that a server hands out over plain HTTP (RFC 6960 Appendix A, RFC 5280 §4.2.1.13).
//!
//! Of all that is said in the clear only an answer `200` is read whose header fields, or whose first bytes, make it one of the two. Answers
//! that follow on the same connection are read too, but for those behind a chunked one. Bodies with a content coding and lists in PEM are not.

use httparse::{EMPTY_HEADER, Response, Status, parse_chunk_size};

use crate::evidence::Mark;
use crate::x509::StatusKind;

/// What an answer of interest begins with.
const BEGINNING: &[u8] = b"HTTP/1.";
/// Most bytes of a header.
const HEADER_MAX: usize = 8 * 1024;
/// Most fields of a header.
const FIELDS_MAX: usize = 64;
/// Most bytes of the line with a chunk's size.
const CHUNK_LINE_MAX: usize = 128;
/// Bytes of a body of unknown kind after which it is known whether it is a list.
const SNIFFED: usize = 16;

/// A body that was fetched, and is what its header says, or its first bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// What it is.
    pub(crate) kind: StatusKind,
    /// Its bytes as they were before the transfer.
    pub(crate) body: Box<[u8]>,
    /// The packet that completed it.
    pub(crate) mark: Mark,
}

/// Reads the answers of one server.
#[derive(Clone, Debug, Default)]
pub(super) struct Fetching {
    /// The beginning of a header, or of a chunk.
    waiting: Vec<u8>,
    /// The answer whose header was read.
    answer: Option<Answer>,
}

/// An answer whose body is on its way.
#[derive(Clone, Debug)]
struct Answer {
    /// `None` as long as only the first bytes of the body can tell.
    kind: Option<StatusKind>,
    framing: Framing,
    body: Vec<u8>,
    last: Option<Mark>,
}

/// Where a body ends (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// After so many bytes more.
    Length(usize),
    /// With the chunk of no bytes.
    Chunked,
    /// With the connection.
    Close,
}

impl Fetching {
    /// True where a server's first bytes may be the beginning of an HTTP answer.
    pub(super) fn may_begin(bytes: &[u8]) -> bool {
        bytes.iter().zip(BEGINNING).all(|(byte, expected)| byte == expected)
    }

    /// Bytes that wait.
    pub(super) fn held_bytes(&self) -> usize {
        self.waiting.capacity() + self.answer.as_ref().map_or(0, |answer| answer.body.capacity())
    }

    /// Takes the next bytes of the server, and puts the bodies that are whole into `done`. False where nothing more is to be had.
    pub(super) fn take(&mut self, mut bytes: &[u8], mark: Mark, done: &mut Vec<Fetched>) -> bool {
        while !bytes.is_empty() {
            let rest = match self.answer.take() {
                None => self.take_header(bytes),
                Some(answer) => self.take_body(answer, bytes, mark, done),
            };
            match rest {
                Some(rest) => bytes = rest,
                None => return false,
            }
        }
        true
    }

    /// The connection is over; a body may end with it.
    pub(super) fn finish(self, done: &mut Vec<Fetched>) {
        if let Some(answer) = self.answer
            && answer.framing == Framing::Close
        {
            done.extend(answer.finish());
        }
    }

    /// Takes bytes of a header. What is left belongs to the body; `None` where the answer is of no interest.
    fn take_header<'b>(&mut self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let before = self.waiting.len();
        // Nearly always one packet brings the whole header, and nothing has to be copied.
        let header = if before == 0 {
            bytes
        } else {
            self.waiting
                .extend(bytes.iter().take(HEADER_MAX.saturating_sub(before)));
            &self.waiting
        };
        let mut fields = [EMPTY_HEADER; FIELDS_MAX];
        let mut response = Response::new(&mut fields);
        let parsed = response.parse(header).ok()?;
        if response.code.is_some_and(|code| code != 200) {
            return None;
        }
        match parsed {
            Status::Complete(len) => {
                self.answer = Some(Answer::of(&response)?);
                self.waiting = Vec::new();
                bytes.get(len.saturating_sub(before)..)
            }
            Status::Partial if header.len() >= HEADER_MAX => None,
            Status::Partial => {
                if before == 0 {
                    self.waiting = header.to_vec();
                }
                Some(&[])
            }
        }
    }

    /// Takes bytes of a body. What is left belongs to the next answer; `None` where there is no use in going on.
    fn take_body<'b>(
        &mut self,
        mut answer: Answer,
        bytes: &'b [u8],
        mark: Mark,
        done: &mut Vec<Fetched>,
    ) -> Option<&'b [u8]> {
        answer.last = Some(mark);
        let (is_whole, rest) = match &mut answer.framing {
            Framing::Length(left) => {
                let (taken, rest) = bytes.split_at(bytes.len().min(*left));
                answer.body.extend_from_slice(taken);
                *left -= taken.len();
                (*left == 0, rest)
            }
            Framing::Close => {
                answer.body.extend_from_slice(bytes);
                (false, &[][..])
            }
            Framing::Chunked => {
                self.waiting.extend_from_slice(bytes);
                (take_chunks(&mut self.waiting, &mut answer.body)?, &[][..])
            }
        };
        if answer.is_of_no_interest(self.waiting.len()) {
            return None;
        }
        if !is_whole {
            self.answer = Some(answer);
            return Some(rest);
        }
        let goes_on = answer.framing != Framing::Chunked;
        done.extend(answer.finish());
        goes_on.then_some(rest)
    }
}

impl Answer {
    /// The answer with this header, where it may be of interest.
    fn of(response: &Response<'_, '_>) -> Option<Self> {
        let field = |name: &str| {
            let field = response
                .headers
                .iter()
                .find(|field| field.name.eq_ignore_ascii_case(name))?;
            Some(field.value.trim_ascii())
        };
        let is = |name: &str, word: &str| field(name).is_some_and(|value| value.eq_ignore_ascii_case(word.as_bytes()));
        let kind = kind_of(field("Content-Type")?)?;
        if field("Content-Encoding").is_some() && !is("Content-Encoding", "identity") {
            return None;
        }
        let framing = match field("Content-Length") {
            _ if is("Transfer-Encoding", "chunked") => Framing::Chunked,
            _ if field("Transfer-Encoding").is_some() => return None,
            Some(length) => Framing::Length(std::str::from_utf8(length).ok()?.parse().ok()?),
            None => Framing::Close,
        };
        let fits = match framing {
            Framing::Length(length) => 0 < length && length <= longest(kind),
            Framing::Chunked | Framing::Close => true,
        };
        fits.then_some(Self {
            kind,
            framing,
            body: Vec::new(),
            last: None,
        })
    }

    /// True where it is too long, or turns out to be something else; `waiting` bytes of it are still to be read.
    fn is_of_no_interest(&mut self, waiting: usize) -> bool {
        if self.kind.is_none() && self.body.len() >= SNIFFED {
            if !looks_like_list(&self.body) {
                return true;
            }
            self.kind = Some(StatusKind::Crl);
        }
        let longest = longest(self.kind);
        self.body.len() > longest || waiting > longest + CHUNK_LINE_MAX
    }

    fn finish(self) -> Option<Fetched> {
        Some(Fetched {
            kind: self.kind?,
            body: self.body.into(),
            mark: self.last?,
        })
    }
}

/// The most bytes that are kept of a body.
fn longest(kind: Option<StatusKind>) -> usize {
    kind.unwrap_or(StatusKind::Crl).longest()
}

/// What a media type promises; `Some(None)` where it leaves that to the bytes.
fn kind_of(media_type: &[u8]) -> Option<Option<StatusKind>> {
    let name = media_type.split(|&byte| byte == b';').next()?.trim_ascii();
    let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
    if is("application/ocsp-response") {
        Some(Some(StatusKind::Ocsp))
    } else if is("application/pkix-crl") || is("application/x-pkcs7-crl") {
        Some(Some(StatusKind::Crl))
    } else {
        is("application/octet-stream").then_some(None)
    }
}

/// True where bytes begin like a CertificateList of version 2 in DER: two SEQUENCEs, the INTEGER 1, a third (RFC 5280 §5.1).
fn looks_like_list(bytes: &[u8]) -> bool {
    fn inside(bytes: &[u8]) -> Option<&[u8]> {
        match bytes {
            [0x30, ..=0x7f, rest @ ..] | [0x30, 0x81, _, rest @ ..] | [0x30, 0x82, _, _, rest @ ..] => Some(rest),
            [0x30, 0x83, _, _, _, rest @ ..] => Some(rest),
            _ => None,
        }
    }
    matches!(inside(bytes).and_then(inside), Some([0x02, 0x01, 0x01, 0x30, ..]))
}

/// Moves whole chunks to the body (RFC 9112 §7.1). True with the last one; `None` where these are no chunks.
fn take_chunks(waiting: &mut Vec<u8>, body: &mut Vec<u8>) -> Option<bool> {
    let mut at = 0;
    let is_whole = loop {
        let rest = waiting.get(at..)?;
        let line = rest.get(..CHUNK_LINE_MAX).unwrap_or(rest);
        match parse_chunk_size(line).ok()? {
            Status::Complete((_, 0)) => break true,
            Status::Complete((len, size)) => {
                let end = len.checked_add(usize::try_from(size).ok()?)?;
                let next = end.checked_add(2)?;
                match (rest.get(len..end), rest.get(end..next)) {
                    (Some(chunk), Some(b"\r\n")) => body.extend_from_slice(chunk),
                    (_, Some(_)) => return None,
                    (_, None) => break false,
                }
                at += next;
            }
            Status::Partial if line.len() == CHUNK_LINE_MAX => return None,
            Status::Partial => break false,
        }
    };
    waiting.drain(..at);
    Some(is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::testing::{REVOCATION_PEM, block, mark};

    /// What is kept of an answer that comes in these pieces; the connection ends then.
    fn kept<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Fetched> {
        let (mut fetching, mut done, mut goes_on) = (Fetching::default(), Vec::new(), true);
        for (piece, frame) in pieces.into_iter().zip(1..) {
            goes_on = goes_on && fetching.take(piece, mark(frame), &mut done);
        }
        if goes_on {
            fetching.finish(&mut done);
        }
        done
    }

    fn answer(fields: &str, body: &[u8]) -> Vec<u8> {
        [format!("HTTP/1.1 200 OK\r\nServer: x\r\n{fields}\r\n").as_bytes(), body].concat()
    }

    fn bodies(answer: &[u8]) -> Vec<(StatusKind, Vec<u8>)> {
        let kept = kept([answer]);
        kept.into_iter().map(|one| (one.kind, one.body.into())).collect()
    }

    /// A body in chunks of this many bytes.
    fn chunked(body: &[u8], size: usize) -> Vec<u8> {
        let mut coded = Vec::new();
        for chunk in body.chunks(size) {
            coded.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
            coded.extend(chunk);
            coded.extend(b"\r\n");
        }
        coded.extend(b"0\r\n\r\n");
        coded
    }

    const OCSP: &str = "Content-Type: application/ocsp-response\r\n";

    #[test]
    fn every_framing_gives_the_same_body_wherever_it_is_cut() {
        let body = block(REVOCATION_PEM, "ocsp-good-sha256");
        for (framing, coded) in [
            (format!("content-length: {}\r\n", body.len()), body.clone()),
            ("Transfer-Encoding: chunked\r\n".to_owned(), chunked(&body, 100)),
            ("Connection: close\r\n".to_owned(), body.clone()),
        ] {
            let whole = answer(&format!("{OCSP}{framing}"), &coded);
            for cut in 0..=whole.len() {
                let (head, tail) = whole.split_at(cut);
                let kept = kept([head, tail].into_iter().filter(|piece| !piece.is_empty()));
                assert_eq!(kept.len(), 1, "{framing} cut at {cut}");
                assert_eq!(*kept[0].body, *body, "{framing} cut at {cut}");
            }
            let by_byte = kept(whole.chunks(1));
            assert_eq!(*by_byte[0].body, *body, "{framing}");
            assert_eq!(by_byte[0].kind, StatusKind::Ocsp);
        }
    }

    #[test]
    fn the_packet_that_completes_a_body_is_its_mark() {
        let whole = answer(&format!("{OCSP}Content-Length: 4\r\n"), b"0123");
        let (head, tail) = whole.split_at(whole.len() - 2);
        assert_eq!(kept([head, tail, b"HTTP/1.1"])[0].mark.frame, 2);
    }

    #[test]
    fn what_no_whole_body_came_of_is_not_kept() {
        for framing in ["Content-Length: 9\r\n", "Transfer-Encoding: chunked\r\n"] {
            assert!(
                bodies(&answer(&format!("{OCSP}{framing}"), b"8\r\n01234")).is_empty(),
                "{framing}"
            );
        }
        assert!(
            bodies(&answer(
                &format!("{OCSP}Transfer-Encoding: chunked\r\n"),
                b"no size\r\n"
            ))
            .is_empty()
        );
        assert!(
            bodies(&answer(
                &format!("{OCSP}Transfer-Encoding: chunked\r\n"),
                b"1\r\n0123\r\n0\r\n"
            ))
            .is_empty()
        );
    }

    #[test]
    fn only_statuses_are_kept() {
        let list = block(REVOCATION_PEM, "crl");
        let length = format!("Content-Length: {}\r\n", list.len());
        let of_type = |media_type: &str, body: &[u8]| {
            bodies(&answer(&format!("Content-Type: {media_type}\r\n{length}"), body))
                .first()
                .map(|(kind, _)| *kind)
        };
        assert_eq!(of_type("Application/PKIX-CRL; x=y", &list), Some(StatusKind::Crl));
        assert_eq!(of_type("application/x-pkcs7-crl", &list), Some(StatusKind::Crl));
        assert_eq!(of_type("application/octet-stream", &list), Some(StatusKind::Crl));
        let certificate = block(REVOCATION_PEM, "root");
        assert_eq!(of_type("application/octet-stream", &certificate), None);
        assert_eq!(of_type("application/octet-stream", b"0123456789abcdef"), None);
        assert_eq!(of_type("text/html", &list), None);
        assert!(bodies(&answer(&length, &list)).is_empty());
        let coded = format!("{OCSP}Content-Encoding: gzip\r\n{length}");
        assert!(bodies(&answer(&coded, &list)).is_empty());
    }

    #[test]
    fn other_answers_are_given_up_at_once() {
        let mut done = Vec::new();
        for other in [
            &b"HTTP/1.1 404 Not Found\r\n"[..],
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
            b"HTTP/1.1 200 Connection established\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length: 16385\r\n\r\n",
        ] {
            assert!(!Fetching::default().take(other, mark(1), &mut done));
        }
        let endless = [b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &[b'x'; HEADER_MAX]].concat();
        assert!(!Fetching::default().take(&endless, mark(1), &mut done));
        assert!(done.is_empty());
        assert!(Fetching::may_begin(b"HT") && Fetching::may_begin(b"HTTP/1.0 "));
        assert!(!Fetching::may_begin(&[22, 3, 1]));
    }

    #[test]
    fn no_more_is_held_than_a_body_may_have() {
        for (framing, piece) in [
            ("Connection: close\r\n", &[b'0'; 1000][..]),
            ("Transfer-Encoding: chunked\r\n", b"1\r\n0\r\n"),
            ("Transfer-Encoding: chunked\r\n", &[b'f'; 10]),
        ] {
            let (mut fetching, mut done) = (Fetching::default(), Vec::new());
            let header = answer(&format!("{OCSP}{framing}"), b"");
            assert!(fetching.take(&header, mark(1), &mut done));
            let ends = (0..20_000).any(|_| !fetching.take(piece, mark(2), &mut done));
            assert!(
                ends && fetching.held_bytes() < 64 * 1024,
                "{framing} {}",
                fetching.held_bytes()
            );
        }
    }

    #[test]
    fn a_connection_may_carry_several() {
        let one = answer(&format!("{OCSP}Content-Length: 3\r\n"), b"one");
        let two = answer(&format!("{OCSP}Content-Length: 3\r\n"), b"two");
        let both = [one, two].concat();
        let whole: Vec<_> = bodies(&both).into_iter().map(|(_, body)| body).collect();
        assert_eq!(whole, [b"one", b"two"]);
        let by_byte: Vec<_> = kept(both.chunks(1)).into_iter().map(|one| one.body).collect();
        assert_eq!(by_byte, [(*b"one").into(), (*b"two").into()]);
    }
}
