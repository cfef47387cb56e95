//! LZ4 data of any number of frames (the LZ4 frame format, version 1.6).
//!
//! The decoder stops at the end of each frame, and also where the data ends between two blocks; only the first is an end. So what it reads
//! passes through [`Watched`], which knows whether the source gave out.

use std::io::{self, BufRead, ErrorKind, Read};

use lz4_flex::frame::FrameDecoder;

/// A reader of what lies in LZ4 frames.
pub(super) struct Lz4<R: BufRead> {
    decoder: FrameDecoder<Watched<R>>,
    done: bool,
}

impl<R: BufRead> Lz4<R> {
    /// A reader at the start of the data.
    pub(super) fn new(source: R) -> Self {
        Self {
            decoder: FrameDecoder::new(Watched { source, ended: false }),
            done: false,
        }
    }

    /// The reader below.
    pub(super) fn get_mut(&mut self) -> &mut R {
        &mut self.decoder.get_mut().source
    }

    /// Goes to the next frame, past those that are to be skipped; false where there is none.
    fn next_frame(&mut self) -> io::Result<bool> {
        let watched = self.decoder.get_mut();
        if watched.ended {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(!watched.source.fill_buf()?.is_empty())
    }
}

impl<R: BufRead> Read for Lz4<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.done && !buffer.is_empty() {
            let result = match self.decoder.read(buffer) {
                Ok(0) => self.next_frame(),
                Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
                other => {
                    self.done = other.is_err();
                    return other;
                }
            };
            match result {
                Ok(true) => {}
                Ok(false) => self.done = true,
                Err(error) => {
                    self.done = true;
                    return Err(error);
                }
            }
        }
        Ok(0)
    }
}

/// A reader that remembers having come to its end.
struct Watched<R> {
    source: R,
    ended: bool,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(buffer)?;
        self.ended |= n == 0 && !buffer.is_empty();
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use lz4_flex::frame::{FrameEncoder, FrameInfo};

    use super::*;

    fn frame(bytes: &[u8]) -> Vec<u8> {
        let mut info = FrameInfo::new();
        info.content_checksum = true;
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        // A block for each write.
        for part in bytes.chunks(70_000) {
            encoder.write_all(part).unwrap();
            encoder.flush().unwrap();
        }
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> (Vec<u8>, Option<ErrorKind>) {
        let mut out = Vec::new();
        let error = Lz4::new(bytes).read_to_end(&mut out).err();
        (out, error.map(|error| error.kind()))
    }

    #[test]
    fn frames_follow_each_other() {
        let data = [frame(b"first "), frame(b"second")].concat();
        assert_eq!(read(&data), (b"first second".to_vec(), None));
    }

    #[test]
    fn a_cut_anywhere_is_no_end_and_gives_all_blocks_that_are_whole() {
        let data = frame(b"capture");
        for end in 1..data.len() {
            assert_eq!(read(&data[..end]).1, Some(ErrorKind::UnexpectedEof), "{end}");
        }
        let plain: Vec<u8> = (0..70_000_u32).flat_map(|n| (n / 3).to_le_bytes()).collect();
        let data = frame(&plain);
        let (out, error) = read(&data[..data.len() - 9]);
        assert_eq!(error, Some(ErrorKind::UnexpectedEof));
        assert!(
            out.len() >= plain.len() - 70_000 && plain.starts_with(&out),
            "{}",
            out.len()
        );
    }

    #[test]
    fn damage_is_no_end() {
        let mut data = frame(&[7; 500]);
        let at = data.len() - 2;
        data[at] ^= 1;
        assert_eq!(read(&data).0, [7; 500]);
        assert!(
            matches!(read(&data).1, Some(ErrorKind::InvalidData | ErrorKind::Other)),
            "{:?}",
            read(&data).1
        );
    }
}
