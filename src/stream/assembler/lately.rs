//! The last bytes of a stream that went up, as long as a handshake lasts: a later copy of them is held against these.
//!
//! A receiver keeps the first copy of a byte, or the last, and a device on the path may keep the other one. That two copies differ is worth
//! telling: somebody injects data, hides from the device, or changes what passes. Further on in a stream nobody looks, and nothing is kept.

/// Bytes from the beginning of a stream among which copies are compared.
const WATCHED: u64 = 16 * 1024;
/// Bytes that are kept.
const KEPT: usize = 2 * 1024;
/// Room is taken in steps of so many bytes.
const STEP: usize = 512;

/// Where two copies differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stream) struct Difference {
    /// Offset of the first byte that differs.
    pub(in crate::stream) at: u64,
    /// From there to the last byte that differs.
    pub(in crate::stream) len: u32,
}

impl Difference {
    /// Compares two copies of the bytes from offset `at` on, as far as both go.
    pub(super) fn between(at: u64, one: &[u8], other: &[u8]) -> Option<Self> {
        let differs = |(one, other): (&u8, &u8)| one != other;
        let first = one.iter().zip(other).position(differs)?;
        let common = one.len().min(other.len());
        let (one, other) = (one.get(first..common)?, other.get(first..common)?);
        let last = one.iter().zip(other).rposition(differs)?;
        Some(Self {
            at: at + first as u64,
            len: u32::try_from(last + 1).unwrap_or(u32::MAX),
        })
    }

    /// From the first byte of either to the last of either.
    pub(super) fn joined(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let (Some(a), Some(b)) = (one, other) else {
            return one.or(other);
        };
        let at = a.at.min(b.at);
        let end = (a.at + u64::from(a.len)).max(b.at + u64::from(b.len));
        Some(Self {
            at,
            len: u32::try_from(end - at).unwrap_or(u32::MAX),
        })
    }
}

/// The bytes before the place that the stream has reached.
#[derive(Clone, Debug, Default)]
pub(super) struct Lately(Vec<u8>);

impl Lately {
    /// Adds bytes that went up, the next ones of the stream; `at` is their offset.
    #[inline]
    pub(super) fn add(&mut self, at: u64, bytes: &[u8]) {
        if at < WATCHED {
            self.keep(bytes);
        } else {
            self.forget();
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let last = bytes.get(bytes.len().saturating_sub(KEPT)..).unwrap_or_default();
        let len = self.0.len() + last.len();
        if len > KEPT {
            self.0.drain(..len - KEPT);
        }
        let len = self.0.len() + last.len();
        if len > self.0.capacity() {
            self.0.reserve_exact(len.next_multiple_of(STEP) - self.0.len());
        }
        self.0.extend_from_slice(last);
    }

    /// Bytes that are taken.
    pub(super) const fn held_bytes(&self) -> usize {
        self.0.capacity()
    }

    /// Bytes are missing between these and the next, or nobody looks any more.
    #[inline]
    pub(super) fn forget(&mut self) {
        if self.0.capacity() > 0 {
            self.0 = Vec::new();
        }
    }

    /// Holds a later copy of the bytes from offset `at` on against the first, where the stream has reached `next`.
    pub(super) fn compare(&self, next: u64, at: u64, bytes: &[u8]) -> Option<Difference> {
        let begin = next.checked_sub(self.0.len() as u64)?;
        let from = at.max(begin);
        let kept = self.0.get(usize::try_from(from - begin).ok()?..)?;
        let copy = bytes.get(usize::try_from(from - at).ok()?..)?;
        Difference::between(from, kept, copy)
    }
}
