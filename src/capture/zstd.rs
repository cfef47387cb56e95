//! Zstandard data of any number of frames (RFC 8878), read block by block.
//!
//! The decoder holds back as many bytes as later blocks may refer to, which is often the whole of a small capture, and gives them out only once
//! the frame has ended. A file that was cut never ends its frame, so each block is collected here first; where the rest is missing or damaged,
//! the decoder gets an empty last block instead and hands out all that it has. The error comes after these bytes.

use std::io::{self, BufRead, ErrorKind, Read};

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The magic of a frame, as a little-endian number.
const FRAME: u32 = 0xfd2f_b528;

/// The largest content of a block (RFC 8878 §3.1.1.2.3).
const BLOCK_MAX: usize = 128 << 10;

/// Header of a raw block of no bytes that is the frame's last.
const EMPTY_LAST_BLOCK: [u8; 3] = [1, 0, 0];

/// A reader of what lies in zstd frames.
pub(super) struct Zstd<R> {
    source: R,
    decoder: FrameDecoder,
    block: Vec<u8>,
    state: State,
    /// True where the frame ends in a checksum.
    checksum: bool,
    /// What is wrong with the data, to be told after the last bytes.
    error: Option<io::Error>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The next bytes are a frame's header, or the end.
    Between,
    /// The next bytes are a block.
    InFrame,
    /// The frame's last block was decoded; its bytes are being given out.
    LastBlock,
    /// There is nothing more.
    End,
}

impl<R: BufRead> Zstd<R> {
    /// A reader at the start of the data.
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            decoder: FrameDecoder::new(),
            block: Vec::new(),
            state: State::Between,
            checksum: false,
            error: None,
        }
    }

    /// The reader below.
    pub(super) fn get_mut(&mut self) -> &mut R {
        &mut self.source
    }

    /// Reads a frame's header, or passes over a skippable frame.
    fn frame(&mut self) -> io::Result<()> {
        if self.source.fill_buf()?.is_empty() {
            self.state = State::End;
            return Ok(());
        }
        let mut head = [0; 5];
        self.source.read_exact(&mut head)?;
        let [a, b, c, d, descriptor] = head;
        match u32::from_le_bytes([a, b, c, d]) {
            // Skippable frames (RFC 8878 §3.1.2) follow their magic with a length.
            0x184d_2a50..=0x184d_2a5f => {
                let mut rest = [0; 3];
                self.source.read_exact(&mut rest)?;
                let [f, g, h] = rest;
                let len = u64::from(u32::from_le_bytes([descriptor, f, g, h]));
                if io::copy(&mut self.source.by_ref().take(len), &mut io::sink())? < len {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                Ok(())
            }
            FRAME => {
                self.checksum = descriptor & 0x04 != 0;
                // A new decoder for each frame: to reset one reserves as much memory as the header claims.
                self.decoder = FrameDecoder::new();
                self.decoder
                    .init(head.as_slice().chain(&mut self.source))
                    .map_err(damaged)?;
                self.state = State::InFrame;
                Ok(())
            }
            _ => Err(damaged("other data follows the last frame")),
        }
    }

    /// Collects a block, with the checksum behind it if there is one.
    fn collect(&mut self) -> io::Result<()> {
        self.block.clear();
        let mut header = [0; 3];
        self.source.read_exact(&mut header)?;
        self.block.extend_from_slice(&header);
        let [a, b, c] = header;
        let header = u32::from_le_bytes([a, b, c, 0]);
        let (is_last, kind, size) = (header & 1 != 0, header >> 1 & 3, (header >> 3) as usize);
        // A block of type 1 repeats one byte.
        let size = if kind == 1 { 1 } else { size };
        if size > BLOCK_MAX {
            return Err(damaged("a block is larger than the format allows"));
        }
        let size = size + if is_last && self.checksum { 4 } else { 0 };
        if self.source.by_ref().take(size as u64).read_to_end(&mut self.block)? < size {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn block(&mut self) -> io::Result<()> {
        self.collect()?;
        let ended = self
            .decoder
            .decode_blocks(self.block.as_slice(), BlockDecodingStrategy::UptoBlocks(1))
            .map_err(damaged)?;
        if ended {
            self.state = State::LastBlock;
        }
        Ok(())
    }

    /// Ends the frame at hand, so that the decoder gives out what it has, and keeps the error for after that.
    fn give_up(&mut self, error: io::Error) {
        self.error = Some(error);
        let mut ending = EMPTY_LAST_BLOCK.to_vec();
        if self.checksum {
            ending.extend_from_slice(&[0; 4]);
        }
        let in_frame = self.state == State::InFrame;
        self.state = State::End;
        if in_frame
            && self
                .decoder
                .decode_blocks(ending.as_slice(), BlockDecodingStrategy::UptoBlocks(1))
                .is_ok()
        {
            self.state = State::LastBlock;
        }
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if self.state != State::End && self.decoder.can_collect() > 0 {
                return self.decoder.read(buffer);
            }
            let step = match self.state {
                State::Between => self.frame(),
                State::InFrame => self.block(),
                State::LastBlock => {
                    self.state = if self.error.is_some() {
                        State::End
                    } else {
                        State::Between
                    };
                    let promised = self.decoder.get_checksum_from_data();
                    if self.error.is_none() && promised.is_some() && promised != self.decoder.get_calculated_checksum()
                    {
                        Err(damaged("a checksum does not match"))
                    } else {
                        Ok(())
                    }
                }
                State::End => return self.error.take().map_or(Ok(0), Err),
            };
            match step {
                Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
                Err(error) => self.give_up(error),
                Ok(()) => {}
            }
        }
    }
}

fn damaged(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    fn frame(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    fn read(bytes: &[u8]) -> (Vec<u8>, Option<ErrorKind>) {
        let mut out = Vec::new();
        let error = Zstd::new(bytes).read_to_end(&mut out).err();
        (out, error.map(|error| error.kind()))
    }

    #[test]
    fn frames_follow_each_other_and_skippable_ones_are_passed_over() {
        let mut data = frame(b"first ");
        data.extend_from_slice(&[0x52, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9]);
        data.extend_from_slice(&frame(b"second"));
        assert_eq!(read(&data), (b"first second".to_vec(), None));
    }

    #[test]
    fn a_cut_frame_gives_all_blocks_that_are_whole() {
        let plain: Vec<u8> = (0..400_000_u32).flat_map(|n| (n / 3).to_le_bytes()).collect();
        let data = frame(&plain);
        let (out, error) = read(&data[..data.len() - 9]);
        assert_eq!(error, Some(ErrorKind::UnexpectedEof));
        assert!(out.len() >= plain.len() - BLOCK_MAX && plain.starts_with(&out));
    }

    #[test]
    fn data_after_the_last_frame_is_told() {
        let mut data = frame(b"capture");
        data.extend_from_slice(b"and more");
        assert_eq!(read(&data), (b"capture".to_vec(), Some(ErrorKind::InvalidData)));
    }
}
