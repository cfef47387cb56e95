//! A cursor over the bytes of a message. Each read names its field, so that a failure says which one, where, and why.

use std::fmt;

/// Why a structure could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Malformed {
    /// The field, as the RFC's presentation language names it.
    pub(crate) what: &'static str,
    /// Bytes from the start of the message's body.
    pub(crate) at: u32,
    /// What is wrong with it.
    pub(crate) why: Reason,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reason {
    /// The bytes end before the field does.
    Short {
        /// Bytes that the field takes.
        need: u32,
        /// Bytes that there are.
        have: u32,
    },
    /// Bytes are left where the structure ends.
    Trailing {
        /// How many.
        left: u32,
    },
    /// A list whose length is no multiple of the length of its entries.
    Odd,
    /// A list or string that must not be empty.
    Empty,
    /// Longer than allowed.
    TooLong {
        /// The longest that is allowed, in bytes.
        max: u32,
    },
    /// The same thing twice.
    Duplicate,
    /// A value that this field cannot have.
    Value {
        /// The value.
        found: u32,
    },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, at, why } = self;
        match why {
            Reason::Short { need, have } => write!(f, "{what} at byte {at} needs {need} bytes, {have} are left"),
            Reason::Trailing { left } => write!(f, "{left} bytes follow the end of {what} at byte {at}"),
            Reason::Odd => write!(f, "{what} at byte {at} has a length that does not fit its entries"),
            Reason::Empty => write!(f, "{what} at byte {at} is empty"),
            Reason::TooLong { max } => write!(f, "{what} at byte {at} is longer than {max} bytes"),
            Reason::Duplicate => write!(f, "{what} at byte {at} comes a second time"),
            Reason::Value { found } => write!(f, "{what} at byte {at} has the value {found}"),
        }
    }
}

/// A cursor. It never reads outside its bytes, and stays where it is when a read fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: u32,
}

impl<'a> Reader<'a> {
    /// Over a message's body.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Over bytes that begin at `at` in their message.
    pub(crate) const fn at(bytes: &'a [u8], at: u32) -> Self {
        Self { bytes, at }
    }

    /// Offset of the next byte, from the start of the message's body.
    pub(crate) const fn offset(&self) -> u32 {
        self.at
    }

    /// True where nothing is left.
    pub(crate) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Number of bytes left.
    pub(crate) const fn left(&self) -> usize {
        self.bytes.len()
    }

    /// What is left, which empties the reader.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes;
        self.advance(rest.len());
        rest
    }

    fn advance(&mut self, count: usize) {
        self.bytes = self.bytes.get(count..).unwrap_or_default();
        self.at = self.at.saturating_add(count as u32);
    }

    /// The given number of bytes.
    pub(crate) fn bytes(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], Malformed> {
        let Some(bytes) = self.bytes.get(..count) else {
            return Err(Malformed {
                what,
                at: self.at,
                why: Reason::Short {
                    need: count as u32,
                    have: self.bytes.len() as u32,
                },
            });
        };
        self.advance(count);
        Ok(bytes)
    }

    /// A fixed number of bytes.
    pub(crate) fn array<const N: usize>(&mut self, what: &'static str) -> Result<&'a [u8; N], Malformed> {
        let at = self.at;
        let have = self.bytes.len() as u32;
        self.bytes(N, what)?.first_chunk().ok_or(Malformed {
            what,
            at,
            why: Reason::Short { need: N as u32, have },
        })
    }

    /// One byte.
    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, Malformed> {
        let [byte] = *self.array(what)?;
        Ok(byte)
    }

    /// Two bytes, most significant first.
    pub(crate) fn u16(&mut self, what: &'static str) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(*self.array(what)?))
    }

    /// Three bytes, most significant first.
    pub(crate) fn u24(&mut self, what: &'static str) -> Result<u32, Malformed> {
        let [high, middle, low] = *self.array(what)?;
        Ok(u32::from_be_bytes([0, high, middle, low]))
    }

    /// Four bytes, most significant first.
    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, Malformed> {
        Ok(u32::from_be_bytes(*self.array(what)?))
    }

    /// A vector with a length of one byte.
    pub(crate) fn vec8(&mut self, what: &'static str) -> Result<Self, Malformed> {
        let mut ahead = *self;
        let count = ahead.u8(what)?;
        self.vector(ahead, usize::from(count), what)
    }

    /// A vector with a length of two bytes.
    pub(crate) fn vec16(&mut self, what: &'static str) -> Result<Self, Malformed> {
        let mut ahead = *self;
        let count = ahead.u16(what)?;
        self.vector(ahead, usize::from(count), what)
    }

    /// A vector with a length of three bytes.
    pub(crate) fn vec24(&mut self, what: &'static str) -> Result<Self, Malformed> {
        let mut ahead = *self;
        let count = ahead.u24(what)?;
        self.vector(ahead, count as usize, what)
    }

    fn vector(&mut self, mut ahead: Self, count: usize, what: &'static str) -> Result<Self, Malformed> {
        let at = ahead.at;
        let bytes = ahead.bytes(count, what)?;
        *self = ahead;
        Ok(Self { bytes, at })
    }

    /// Checks that the structure ends here.
    pub(crate) fn end(&self, what: &'static str) -> Result<(), Malformed> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        Err(Malformed {
            what,
            at: self.at,
            why: Reason::Trailing {
                left: self.bytes.len() as u32,
            },
        })
    }

    /// Checks that something is left.
    pub(crate) fn some(&self, what: &'static str) -> Result<(), Malformed> {
        if !self.bytes.is_empty() {
            return Ok(());
        }
        Err(Malformed {
            what,
            at: self.at,
            why: Reason::Empty,
        })
    }

    /// Checks that what is left divides into entries of two bytes.
    pub(crate) fn even(&self, what: &'static str) -> Result<(), Malformed> {
        if self.bytes.len().is_multiple_of(2) {
            return Ok(());
        }
        Err(Malformed {
            what,
            at: self.at,
            why: Reason::Odd,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_field_is_named_with_its_place() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u16("first"), Ok(0x0102));
        let malformed = reader.u32("second").unwrap_err();
        assert_eq!(malformed.to_string(), "second at byte 2 needs 4 bytes, 1 are left");
        assert_eq!(reader.u8("third"), Ok(3));
    }

    #[test]
    fn a_vector_keeps_its_place_in_the_message() {
        let mut reader = Reader::new(&[9, 0, 2, 7, 8, 5]);
        reader.u8("byte").unwrap();
        let mut vector = reader.vec16("list").unwrap();
        assert_eq!((vector.offset(), vector.left()), (3, 2));
        assert_eq!(vector.rest(), [7, 8]);
        assert_eq!(reader.end("message").unwrap_err().why, Reason::Trailing { left: 1 });
    }

    #[test]
    fn a_vector_that_is_too_long_for_its_message_moves_nothing() {
        let mut reader = Reader::new(&[5, 1, 2]);
        assert_eq!(reader.vec8("list").unwrap_err().why, Reason::Short { need: 5, have: 2 });
        assert_eq!(reader.offset(), 0);
        assert_eq!(reader.rest(), [5, 1, 2]);
    }
}
