//! Integers of either byte order at an offset, never past the end.

/// The byte order of a capture or a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl Order {
    /// The 16-bit integer at `at`, if it lies within `bytes`.
    pub(super) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let field = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(field),
            Self::Big => u16::from_be_bytes(field),
        })
    }

    /// The 32-bit integer at `at`, if it lies within `bytes`.
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let field = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(field),
            Self::Big => u32::from_be_bytes(field),
        })
    }

    /// The signed 64-bit integer at `at`, if it lies within `bytes`.
    pub(super) fn i64(self, bytes: &[u8], at: usize) -> Option<i64> {
        let field = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => i64::from_le_bytes(field),
            Self::Big => i64::from_be_bytes(field),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_and_no_reading_past_the_end() {
        let bytes = [1, 2, 3, 4, 5];
        assert_eq!(Order::Little.u16(&bytes, 3), Some(0x0504));
        assert_eq!(Order::Big.u32(&bytes, 1), Some(0x0203_0405));
        assert_eq!(Order::Big.u32(&bytes, 2), None);
        assert_eq!(Order::Little.i64(&bytes, usize::MAX), None);
    }
}
