//! Extensions of hellos, and the lists inside them.

use std::marker::PhantomData;

use super::{Malformed, Reader};
use crate::registry::{ExtensionType, Group, is_grease};

/// The extensions of a hello, in wire order.
///
/// Yields the type of each and its bytes, or why they could not be read: an extension that is longer than what is left, which also ends the
/// walk. Less than a whole type and length at the end is not yielded; [`Extensions::fault`] tells it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extensions<'a> {
    reader: Reader<'a>,
}

impl<'a> Extensions<'a> {
    pub(super) const fn new(reader: Reader<'a>) -> Self {
        Self { reader }
    }

    /// The bytes of the first extension of this type, as a reader that knows its place in the message.
    pub(super) fn reader(self, kind: ExtensionType) -> Option<Reader<'a>> {
        let mut reader = self.reader;
        loop {
            let found = reader.u16(FIELD).ok()?;
            let body = reader.vec16(FIELD).ok()?;
            if found == kind.0 {
                return Some(body);
            }
        }
    }

    /// The bytes of the first extension of this type.
    pub(crate) fn find(self, kind: ExtensionType) -> Option<&'a [u8]> {
        self.reader(kind).map(|mut reader| reader.rest())
    }

    /// The first thing wrong with the list itself: an entry that ends early, or a type that comes twice (RFC 9846 §4.3).
    pub(crate) fn fault(self) -> Option<Malformed> {
        let mut reader = self.reader;
        let mut places = Vec::new();
        while !reader.is_empty() {
            let at = reader.offset();
            let kind = match reader.u16(FIELD) {
                Ok(kind) => kind,
                Err(malformed) => return Some(malformed),
            };
            if let Err(malformed) = reader.vec16(FIELD) {
                return Some(malformed);
            }
            places.push((kind, at));
        }
        places.sort_unstable();
        let again = places
            .iter()
            .zip(places.iter().skip(1))
            .find(|(one, other)| one.0 == other.0)?
            .1;
        Some(Malformed {
            what: FIELD,
            at: again.1,
            why: super::Reason::Duplicate,
        })
    }
}

const FIELD: &str = "extension";

impl<'a> Iterator for Extensions<'a> {
    type Item = (ExtensionType, Result<&'a [u8], Malformed>);

    fn next(&mut self) -> Option<Self::Item> {
        let kind = ExtensionType(self.reader.u16(FIELD).ok()?);
        let body = self.reader.vec16(FIELD).map(|mut body| body.rest());
        if body.is_err() {
            self.reader.rest();
        }
        Some((kind, body))
    }
}

/// A list of 16-bit code points, in wire order. GREASE values are left out unless [`Codes::with_grease`] asks for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Codes<'a, T> {
    bytes: &'a [u8],
    grease: bool,
    of: PhantomData<T>,
}

impl<'a, T> Codes<'a, T> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            grease: false,
            of: PhantomData,
        }
    }

    /// The same list, GREASE values included.
    pub(crate) const fn with_grease(self) -> Self {
        Self { grease: true, ..self }
    }
}

impl<T: From<u16>> Iterator for Codes<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        while let Some((code, rest)) = self.bytes.split_first_chunk() {
            self.bytes = rest;
            let code = u16::from_be_bytes(*code);
            if self.grease || !is_grease(code) {
                return Some(T::from(code));
            }
        }
        None
    }
}

/// A list of strings of up to 255 bytes, such as the protocols of ALPN.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    reader: Reader<'a>,
}

impl<'a> Iterator for Names<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.reader.vec8("name").ok().map(|mut name| name.rest())
    }
}

/// The key shares of a ClientHello, GREASE entries left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyShares<'a> {
    reader: Reader<'a>,
}

impl<'a> Iterator for KeyShares<'a> {
    type Item = (Group, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let group = self.reader.u16("group").ok()?;
            let key = self.reader.vec16("key_exchange").ok()?.rest();
            if !is_grease(group) {
                return Some((Group(group), key));
            }
        }
    }
}

/// The whole of a list of code points that has a length of two bytes before it.
pub(super) fn codes16<'a, T>(mut body: Reader<'a>, what: &'static str) -> Result<Codes<'a, T>, Malformed> {
    let mut list = body.vec16(what)?;
    body.end(what)?;
    list.some(what)?;
    list.even(what)?;
    Ok(Codes::new(list.rest()))
}

/// The whole of a list of code points that has a length of one byte before it.
pub(super) fn codes8<'a, T>(mut body: Reader<'a>, what: &'static str) -> Result<Codes<'a, T>, Malformed> {
    let mut list = body.vec8(what)?;
    body.end(what)?;
    list.some(what)?;
    list.even(what)?;
    Ok(Codes::new(list.rest()))
}

/// One code point and nothing else.
pub(super) fn code(mut body: Reader<'_>, what: &'static str) -> Result<u16, Malformed> {
    let code = body.u16(what)?;
    body.end(what)?;
    Ok(code)
}

/// The protocols of ALPN (RFC 7301 §3.1).
pub(super) fn names(mut body: Reader<'_>) -> Result<Names<'_>, Malformed> {
    let list = body.vec16("protocol_name_list")?;
    body.end("protocol_name_list")?;
    list.some("protocol_name_list")?;
    let mut walk = list;
    while !walk.is_empty() {
        walk.vec8("protocol_name")?.some("protocol_name")?;
    }
    Ok(Names { reader: list })
}

/// The key shares that a client offers (RFC 9846 §4.3.8). The list may be empty: the client waits for the server's choice.
pub(super) fn key_shares(mut body: Reader<'_>) -> Result<KeyShares<'_>, Malformed> {
    let list = body.vec16("client_shares")?;
    body.end("client_shares")?;
    let mut walk = list;
    while !walk.is_empty() {
        walk.u16("group")?;
        walk.vec16("key_exchange")?.some("key_exchange")?;
    }
    Ok(KeyShares { reader: list })
}

/// The host name that a client asks for (RFC 6066 §3), as bytes: nothing says that they are ASCII. An entry of another type is passed over.
pub(super) fn server_name(mut body: Reader<'_>) -> Result<&[u8], Malformed> {
    let mut list = body.vec16("server_name_list")?;
    body.end("server_name_list")?;
    list.some("server_name_list")?;
    loop {
        let kind = list.u8("name_type")?;
        let mut name = list.vec16("host_name")?;
        if kind == 0 {
            name.some("host_name")?;
            return Ok(name.rest());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::Reason;

    fn kinds(bytes: &[u8]) -> Vec<(u16, bool)> {
        Extensions::new(Reader::new(bytes))
            .map(|(kind, body)| (kind.0, body.is_ok()))
            .collect()
    }

    #[test]
    fn a_bad_extension_does_not_hide_the_ones_before_it() {
        let bytes = [0, 23, 0, 0, 0, 10, 0, 9, 1, 2];
        assert_eq!(kinds(&bytes), [(23, true), (10, false)]);
        let fault = Extensions::new(Reader::new(&bytes)).fault().unwrap();
        assert_eq!((fault.at, fault.why), (8, Reason::Short { need: 9, have: 2 }));
    }

    #[test]
    fn an_extension_that_comes_twice_is_told() {
        let bytes = [0, 23, 0, 0, 0, 22, 0, 0, 0, 23, 0, 0];
        let fault = Extensions::new(Reader::new(&bytes)).fault().unwrap();
        assert_eq!((fault.at, fault.why), (8, Reason::Duplicate));
        assert_eq!(kinds(&bytes).len(), 3);
    }

    #[test]
    fn lists_leave_grease_out_unless_asked() {
        let list = codes16::<u16>(Reader::new(&[0, 6, 0x1a, 0x1a, 0, 29, 0, 23]), "groups").unwrap();
        assert_eq!(list.collect::<Vec<_>>(), [29, 23]);
        assert_eq!(list.with_grease().collect::<Vec<_>>(), [0x1a1a, 29, 23]);
    }

    #[test]
    fn names_of_servers_are_taken_as_they_are() {
        assert_eq!(
            server_name(Reader::new(&[0, 6, 0, 0, 3, b'a', 0xff, b'.'])),
            Ok(&b"a\xff."[..])
        );
        assert_eq!(
            server_name(Reader::new(&[0, 3, 0, 0, 0])).unwrap_err().why,
            Reason::Empty
        );
        assert!(server_name(Reader::new(&[])).is_err());
    }

    #[test]
    fn an_odd_list_is_refused() {
        let odd = codes16::<u16>(Reader::new(&[0, 3, 0, 29, 0]), "groups").unwrap_err();
        assert_eq!((odd.what, odd.at, odd.why), ("groups", 2, Reason::Odd));
    }
}
