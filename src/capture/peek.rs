//! A reader whose first bytes can be looked at before they are read.

use std::io::{self, ErrorKind, Read};

/// A reader, and what was read ahead of it.
pub(super) struct Peek<R> {
    inner: R,
    ahead: Vec<u8>,
    /// How many of the bytes ahead were given out.
    given: usize,
    /// Why no more could be read ahead; told once the bytes ahead are given out.
    error: Option<io::Error>,
    ended: bool,
}

impl<R: Read> Peek<R> {
    /// A reader of which nothing was looked at yet.
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            ahead: Vec::new(),
            given: 0,
            error: None,
            ended: false,
        }
    }

    /// The first bytes: as many as asked for, fewer where the reader ends or fails before. To be called before anything was read.
    pub(super) fn peek(&mut self, wanted: usize) -> &[u8] {
        while self.ahead.len() < wanted && !self.ended && self.error.is_none() {
            let mut bytes = [0; 1024];
            let missing = (wanted - self.ahead.len()).min(bytes.len());
            match self.inner.read(bytes.get_mut(..missing).unwrap_or_default()) {
                Ok(0) => self.ended = true,
                Ok(n) => self.ahead.extend(bytes.iter().take(n)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.error = Some(error),
            }
        }
        self.ahead.get(..wanted).unwrap_or(&self.ahead)
    }

    /// Why there are fewer bytes ahead than were asked for, if the reader failed.
    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// The reader below.
    pub(super) fn get_mut(&mut self) -> &mut R {
        &mut self.inner
    }
}

impl<R: Read> Read for Peek<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut rest = self.ahead.get(self.given..).unwrap_or_default();
        if rest.is_empty() {
            return match self.error.take() {
                Some(error) => Err(error),
                None => self.inner.read(buffer),
            };
        }
        let n = rest.read(buffer)?;
        self.given += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives three bytes and fails.
    struct Failing(&'static [u8]);

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer) {
                Ok(0) => Err(ErrorKind::TimedOut.into()),
                other => other,
            }
        }
    }

    #[test]
    fn what_was_looked_at_is_read_again_and_an_error_comes_after_it() {
        let mut peek = Peek::new(Failing(b"abc"));
        assert_eq!(peek.peek(2), b"ab");
        assert_eq!(peek.peek(9), b"abc");
        let mut read = Vec::new();
        assert_eq!(peek.read_to_end(&mut read).unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(read, b"abc");
    }
}
