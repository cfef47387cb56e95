//! XZ data of any number of streams, decoded symbol by symbol.
//!
//! A block's header says how large a dictionary it needs, up to 4 GiB; more than [`DICTIONARY_MAX`] is refused before it is reserved. What the
//! decoder has made out before the data ends or turns bad is given out first, but for the few bytes of the call that failed.

use std::io::{self, BufRead, ErrorKind, Read};

use lzma_rust2::{Action, Status, XzStream};

/// The largest dictionary in KiB. `xz -9` asks for 64 MiB; the decoder counts some of its own on top.
const DICTIONARY_MAX: u32 = 66 << 10;

/// Bytes asked of the decoder at once: those of a call that fails are lost.
const STEP: usize = 512;

/// Bytes given to it at once: where damage lies among them, it gives out nothing that it made of them.
const BITE: usize = 64;

/// A reader of what lies in XZ streams.
pub(super) struct Xz<R> {
    source: R,
    stream: XzStream,
    done: bool,
}

impl<R: BufRead> Xz<R> {
    /// A reader at the start of the data.
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            stream: XzStream::new_mem_limit(true, DICTIONARY_MAX),
            done: false,
        }
    }

    /// The reader below.
    pub(super) fn get_mut(&mut self) -> &mut R {
        &mut self.source
    }
}

impl<R: BufRead> Read for Xz<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.done && !buffer.is_empty() {
            let input = self.source.fill_buf()?;
            let input = input.get(..BITE).unwrap_or(input);
            // Where the data was cut, the call that finds out fails and takes what it had decoded with it, so it is asked for one byte at a time.
            let (action, step) = if input.is_empty() {
                (Action::Finish, 1)
            } else {
                (Action::Run, STEP)
            };
            let step = step.min(buffer.len());
            let output = buffer.get_mut(..step).unwrap_or_default();
            let result = match self.stream.process(input, output, action) {
                Ok(result) => result,
                Err(error) => {
                    self.done = true;
                    return Err(told(error));
                }
            };
            let at_end = input.is_empty();
            self.source.consume(result.bytes_consumed);
            if result.status == Status::StreamEnd {
                self.done = true;
            } else if result.bytes_produced == 0 && result.bytes_consumed == 0 {
                self.done = true;
                return Err(if at_end {
                    ErrorKind::UnexpectedEof.into()
                } else {
                    io::Error::new(ErrorKind::InvalidData, "the decoder makes no progress")
                });
            }
            if result.bytes_produced > 0 {
                return Ok(result.bytes_produced);
            }
        }
        Ok(0)
    }
}

/// The decoder's error in the words of this program.
fn told(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::OutOfMemory => io::Error::new(
            ErrorKind::InvalidData,
            "it needs a dictionary of more than 64 MiB to be decompressed",
        ),
        ErrorKind::InvalidInput => io::Error::new(ErrorKind::InvalidData, error),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::testing::xz;

    fn read(bytes: &[u8]) -> (Vec<u8>, Option<ErrorKind>) {
        let mut out = Vec::new();
        let error = Xz::new(bytes).read_to_end(&mut out).err();
        (out, error.map(|error| error.kind()))
    }

    /// Bytes that are neither random nor repeat themselves.
    fn plain() -> Vec<u8> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8 & 0x1f
        };
        (0..4_000).map(|_| next()).collect()
    }

    #[test]
    fn streams_follow_each_other_with_padding_between_them() {
        let data = [xz(b"first "), vec![0; 8], xz(b"second")].concat();
        assert_eq!(read(&data), (b"first second".to_vec(), None));
    }

    #[test]
    fn a_cut_stream_gives_what_it_has() {
        let (plain, data) = (plain(), xz(&plain()));
        let (out, error) = read(&data[..data.len() / 2]);
        assert_eq!(error, Some(ErrorKind::UnexpectedEof));
        assert!(out.len() > plain.len() / 4 && plain.starts_with(&out), "{}", out.len());
    }

    #[test]
    fn damage_takes_little_of_what_lies_before_it() {
        let (plain, mut data) = (plain(), xz(&plain()));
        let damaged_at = data.len() * 3 / 4;
        data[damaged_at..].fill(0xff);
        let (out, error) = read(&data);
        assert!(error.is_some());
        let sound = out.iter().zip(&plain).take_while(|(one, other)| one == other).count();
        assert!(sound > plain.len() * 3 / 4 - 2 * STEP, "{sound} of {}", plain.len());
    }

    #[test]
    fn a_cut_anywhere_is_no_end() {
        let data = xz(b"some bytes");
        for end in 1..data.len() {
            assert_eq!(read(&data[..end]).1, Some(ErrorKind::UnexpectedEof), "{end}");
        }
    }

    #[test]
    fn a_dictionary_beyond_measure_is_refused() {
        let mut data = xz(b"some bytes");
        assert_eq!(data[12..16], [2, 0, 0x21, 1], "a block header with the filter LZMA2");
        // Its property 40 stands for 4 GiB less one byte. The header's checksum follows.
        data[16] = 40;
        let mut crc = flate2::Crc::new();
        crc.update(&data[12..20]);
        data[20..24].copy_from_slice(&crc.sum().to_le_bytes());
        let error = Xz::new(data.as_slice()).read(&mut [0; 10]).unwrap_err();
        assert!(error.to_string().contains("64 MiB"), "{error}");
    }
}
