//! Decompressed data up to the place of its damage.
//!
//! The decoders of gzip and bzip2 drop what they made in the call in which they meet damage. Asked for little at a time, they drop little.

use std::io::{self, Read};

/// Bytes that are asked for at a time, and the most that is lost before the place of damage.
const PIECE: usize = 512;

/// Asks `inner` for a few bytes at a time, however many are wanted.
pub(super) struct Piecewise<R> {
    inner: R,
    piece: Box<[u8; PIECE]>,
    /// What of the piece is not given out yet.
    left: std::ops::Range<usize>,
}

impl<R: Read> Piecewise<R> {
    /// A reader of what `inner` has.
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            piece: Box::new([0; PIECE]),
            left: 0..0,
        }
    }

    /// The reader below.
    pub(super) const fn get_mut(&mut self) -> &mut R {
        &mut self.inner
    }
}

impl<R: Read> Read for Piecewise<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.is_empty() {
            self.left = 0..self.inner.read(self.piece.as_mut_slice())?;
        }
        let n = self.piece.get(self.left.clone()).unwrap_or_default().read(buffer)?;
        self.left.start += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use flate2::bufread::GzDecoder;

    use super::*;
    use crate::capture::testing::gzip;

    #[test]
    fn what_lies_before_the_damage_is_read() {
        // What cannot be compressed stands at its own place.
        let mut state = 1_u32;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        let plain: Vec<u8> = noise.take(300_000).collect();
        let mut packed = gzip(&plain);
        let damaged_at = packed.len() / 2;
        packed[damaged_at..damaged_at + 40_000].fill(0xff);
        let mut out = Vec::new();
        assert!(
            Piecewise::new(GzDecoder::new(packed.as_slice()))
                .read_to_end(&mut out)
                .is_err()
        );
        let common = out.iter().zip(&plain).take_while(|(one, other)| one == other).count();
        assert!(common > damaged_at - 1_000 - PIECE, "{common} of {damaged_at}");
    }
}
