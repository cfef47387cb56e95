//! The little of DER (X.690) that is needed to say *where* a certificate or an OCSP response breaks, and to reach one field without reading
//! all of it.
//!
//! Every position counts bytes from the start of what is read. Lengths that are not minimal are let through: of certificates the strict
//! reader that follows refuses them. Tags above 30 do not occur in either and end the reading.

use std::fmt;
use std::ops::Range;

use crate::evidence::Time;

/// `INTEGER`.
pub(super) const INTEGER: u8 = 0x02;
/// `BIT STRING`.
pub(super) const BIT_STRING: u8 = 0x03;
/// `OCTET STRING`.
pub(super) const OCTET_STRING: u8 = 0x04;
/// `OBJECT IDENTIFIER`.
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
/// `ENUMERATED`.
pub(super) const ENUMERATED: u8 = 0x0a;
/// `GeneralizedTime`.
pub(super) const GENERALIZED_TIME: u8 = 0x18;
/// `SEQUENCE`, constructed.
pub(super) const SEQUENCE: u8 = 0x30;
/// `SET`, constructed.
pub(super) const SET: u8 = 0x31;

/// Why a certificate, an OCSP response or a revocation list could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Bytes from its start.
    pub(crate) at: usize,
    /// What is wrong there, in words.
    pub(crate) what: String,
}

impl Malformed {
    /// The defect `what` at byte `at`.
    pub(super) fn new(at: usize, what: impl Into<String>) -> Self {
        Self { at, what: what.into() }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.what, self.at)
    }
}

/// One tag, length and value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    /// The identifier byte.
    pub(super) tag: u8,
    /// The value's bytes.
    pub(super) body: &'a [u8],
    /// Where the identifier stands.
    pub(super) at: usize,
    /// Where the value begins.
    pub(super) body_at: usize,
}

impl<'a> Element<'a> {
    /// The place of the value.
    pub(super) fn body_range(&self) -> Range<usize> {
        self.body_at..self.body_at.saturating_add(self.body.len())
    }

    /// The place of the whole element.
    pub(super) fn range(&self) -> Range<usize> {
        self.at..self.body_at.saturating_add(self.body.len())
    }

    /// Reads what is inside.
    pub(super) fn inside(&self) -> Reader<'a> {
        Reader {
            bytes: self.body,
            at: self.body_at,
        }
    }

    /// The bytes of a `BIT STRING` whose bits fill whole bytes, and their place.
    pub(super) fn whole_bits(&self) -> Result<Range<usize>, Malformed> {
        match self.body.first() {
            Some(0) => Ok(self.body_at.saturating_add(1)..self.body_range().end),
            _ => Err(Malformed::new(self.at, "a bit string does not fill whole bytes")),
        }
    }
}

impl Element<'_> {
    /// A `GeneralizedTime` in UTC with seconds (RFC 5280 §4.1.2.5.2); a fraction of a second, which some write, is cut off.
    pub(super) fn generalized_time(&self) -> Result<Time, Malformed> {
        let number = |range: Range<usize>| -> Option<u32> {
            let digits = self.body.get(range)?;
            digits.iter().try_fold(0, |number, digit| {
                digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
            })
        };
        let read = || {
            let rest = self.body.get(14..)?.strip_suffix(b"Z")?;
            let is_whole =
                rest.is_empty() || rest.first() == Some(&b'.') && rest.iter().skip(1).all(u8::is_ascii_digit);
            let year = i64::from(number(0..4)?);
            let (month, day) = (number(4..6)?, number(6..8)?);
            let (hour, minute, second) = (number(8..10)?, number(10..12)?, number(12..14)?);
            let time = Time::from_civil(year, month, day, hour, minute, second)?;
            // A 30 February is taken for a day of March otherwise.
            (is_whole && time.civil() == (year, month, day, hour, minute, second)).then_some(time)
        };
        read().ok_or_else(|| {
            let text = String::from_utf8_lossy(self.body);
            Malformed::new(self.at, format!("\"{text}\" is not a time in UTC"))
        })
    }
}

/// Reads elements one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`, at whose start positions begin.
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// True where nothing is left.
    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Where the next element begins.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// The tag of the next element.
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.first().copied()
    }

    /// Reads the next element; `what` names it in the reason.
    pub(super) fn next(&mut self, what: &str) -> Result<Element<'a>, Malformed> {
        let short = || Malformed::new(self.at, format!("{what}: the data ends inside it"));
        let (&[tag, first], rest) = self.bytes.split_first_chunk::<2>().ok_or_else(short)?;
        if tag & 0x1f == 0x1f {
            return Err(Malformed::new(
                self.at,
                format!("{what}: tag 0x{tag:02x} has no meaning here"),
            ));
        }
        let (len, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f)).ok_or_else(short)?;
                let len = digits.iter().fold(0u64, |len, &digit| len << 8 | u64::from(digit));
                (usize::try_from(len).unwrap_or(usize::MAX), rest)
            }
            _ => {
                return Err(Malformed::new(
                    self.at,
                    format!("{what}: length byte 0x{first:02x} is not DER"),
                ));
            }
        };
        let header = self.bytes.len() - rest.len();
        let Some((body, rest)) = rest.split_at_checked(len) else {
            return Err(Malformed::new(
                self.at,
                format!("{what}: {len} bytes announced, {} left", rest.len()),
            ));
        };
        let element = Element {
            tag,
            body,
            at: self.at,
            body_at: self.at.saturating_add(header),
        };
        self.at = element.range().end;
        self.bytes = rest;
        Ok(element)
    }

    /// Reads the next element, which has to carry `tag`.
    pub(super) fn expect(&mut self, tag: u8, what: &str) -> Result<Element<'a>, Malformed> {
        let before = *self;
        let element = self.next(what)?;
        if element.tag == tag {
            return Ok(element);
        }
        *self = before;
        Err(Malformed::new(
            element.at,
            format!("{what}: tag 0x{:02x} where 0x{tag:02x} belongs", element.tag),
        ))
    }

    /// Reads the next element if it carries `tag`.
    pub(super) fn optional(&mut self, tag: u8, what: &str) -> Result<Option<Element<'a>>, Malformed> {
        if self.peek() == Some(tag) {
            self.next(what).map(Some)
        } else {
            Ok(None)
        }
    }
}

/// An object identifier's value in dotted form; identifiers that do not end or are too big come out as far as they can be read.
pub(super) fn oid_text(body: &[u8]) -> String {
    let mut text = String::new();
    let mut value = 0u64;
    for &byte in body {
        value = value.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        if text.is_empty() {
            let root = (value / 40).min(2);
            text = format!("{root}.{}", value - root * 40);
        } else {
            text.push('.');
            text.push_str(&value.to_string());
        }
        value = 0;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_tells_its_places() {
        let bytes = [0x30, 0x81, 0x03, 0x02, 0x01, 0x05];
        let outer = Reader::new(&bytes).expect(SEQUENCE, "list").unwrap();
        assert_eq!(outer.range(), 0..6);
        let inner = outer.inside().expect(INTEGER, "number").unwrap();
        assert_eq!((inner.at, inner.body_at, inner.body), (3, 5, &[5u8][..]));
    }

    #[test]
    fn a_length_beyond_the_end_names_what_is_left() {
        let fault = Reader::new(&[0x30, 0x82, 0x01, 0x00, 0x00]).next("list").unwrap_err();
        assert_eq!(fault, Malformed::new(0, "list: 256 bytes announced, 1 left"));
    }

    #[test]
    fn a_wrong_tag_leaves_the_reader_where_it_was() {
        let mut reader = Reader::new(&[0x02, 0x01, 0x05]);
        assert!(reader.expect(SEQUENCE, "list").is_err());
        assert_eq!(reader.at(), 0);
        assert!(reader.expect(INTEGER, "number").is_ok());
        assert!(reader.is_empty());
    }

    #[test]
    fn identifiers_print_dotted() {
        assert_eq!(
            oid_text(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b]),
            "1.2.840.113549.1.1.11"
        );
        assert_eq!(oid_text(&[0x55, 0x1d, 0x11]), "2.5.29.17");
        assert_eq!(oid_text(&[0x88, 0x37, 0x03]), "2.999.3");
    }

    #[test]
    fn times_are_utc_and_dates_of_the_calendar() {
        let read = |text: &str| {
            let bytes = [&[GENERALIZED_TIME, text.len() as u8], text.as_bytes()].concat();
            let element = Reader::new(&bytes).next("time").unwrap();
            element.generalized_time().ok()
        };
        let noon = Time::from_civil(2024, 2, 29, 12, 0, 0);
        assert_eq!(read("20240229120000Z"), noon);
        assert_eq!(read("20240229120000.25Z"), noon);
        for wrong in [
            "20240229120000",
            "20240229120000+0530",
            "202402291200Z",
            "20230229120000Z",
            "2024022912000xZ",
            "",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic() {
        for first in 0..=255u8 {
            for second in 0..=255u8 {
                let _ = Reader::new(&[first, second, 0xff, 0xff, 0xff]).next("x");
            }
        }
    }
}
