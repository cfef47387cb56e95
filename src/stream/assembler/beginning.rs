//! The first bytes of a stream: a later copy of them is held against these.
//!
//! A receiver keeps the first copy of a byte, or the last, and a device on the path may keep the other one. That two copies differ is worth
//! telling: somebody injects data, hides from the device, or changes what passes. It is told for the beginning of a stream, where the hellos
//! are; further on nobody looks, and nothing is kept.

/// Bytes from the beginning of a stream among which copies are compared.
const WATCHED: usize = 1024;
/// As many are enough for most clients.
const FEW: usize = 512;
/// A stream that has come so far has passed its handshake, and nothing is compared any more.
const OVER: u64 = 16 * 1024;

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

/// The first bytes of a stream, up to its first gap.
#[derive(Clone, Debug, Default)]
pub(super) struct Beginning(Vec<u8>);

impl Beginning {
    /// Takes bytes that went up; `at` is their offset.
    #[inline]
    pub(super) fn add(&mut self, at: u64, bytes: &[u8]) {
        if at == self.0.len() as u64 && at < WATCHED as u64 {
            self.keep(bytes);
        } else if at >= OVER && self.0.capacity() > 0 {
            self.0 = Vec::new();
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = WATCHED.saturating_sub(self.0.len());
        let part = bytes.get(..room).unwrap_or(bytes);
        let len = self.0.len() + part.len();
        if len > self.0.capacity() {
            let wanted = if len <= FEW { FEW } else { WATCHED };
            self.0.reserve_exact(wanted.saturating_sub(self.0.len()));
        }
        self.0.extend_from_slice(part);
    }

    /// Bytes that are taken.
    pub(super) const fn held_bytes(&self) -> usize {
        self.0.capacity()
    }

    /// Holds a later copy of the bytes from offset `at` on against the first.
    pub(super) fn compare(&self, at: u64, bytes: &[u8]) -> Option<Difference> {
        let kept = self.0.get(usize::try_from(at).ok()?..)?;
        Difference::between(at, kept, bytes)
    }
}
