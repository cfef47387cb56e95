//! [`Observer`]: follows one live connection, byte by byte.

use std::sync::Arc;

use crate::connection::books::Books;
use crate::connection::{Closed, Endpoint, Hole};
use crate::evidence::{CaptureId, Hidden, Mark, Pair, Side, Span};
use crate::net::Encapsulations;
use crate::preamble::{Dialogue, Piece};
use crate::stream::{GapCause, Sink, TcpFacts};
use crate::tls::{Flow, Item, RecordReader, may_begin_record};
use crate::x509::CertificateStore;

/// Follows one connection. Fed through [`Sink`] with the bytes of both sides in order; closed by [`Observer::close`].
#[derive(Debug)]
pub(crate) struct Observer {
    readers: Pair<RecordReader>,
    /// The capture begins inside the connection.
    midway: bool,
    talk: Talk,
    books: Books,
}

/// Whether something is spoken before TLS.
#[derive(Debug, Default)]
enum Talk {
    /// Nothing was said.
    #[default]
    Nothing,
    /// Words that are no TLS, which may lead to it.
    Before(Box<Dialogue>),
    /// What comes is to be read as it is.
    Tls,
}

/// What is known of a connection apart from its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    /// The client's address and port.
    pub(crate) client: Endpoint,
    /// The server's address and port.
    pub(crate) server: Endpoint,
    /// The capture that holds it.
    pub(crate) capture: CaptureId,
    /// Sequence number of the caller's SYN, or of its first segment.
    pub(crate) client_isn: u32,
    /// Innermost VLAN id, or 0.
    pub(crate) vlan: u16,
    /// What the first packet was wrapped in, VLAN tags apart.
    pub(crate) encapsulations: Encapsulations,
}

impl Observer {
    /// An observer of a connection that has carried no byte yet.
    pub(crate) fn new(certificates: Arc<CertificateStore>) -> Self {
        Self {
            readers: Pair::default(),
            midway: false,
            talk: Talk::Nothing,
            books: Books::new(certificates),
        }
    }

    /// An observer of a connection whose beginning is not in the capture: its first bytes may stand anywhere in a record.
    pub(crate) fn midway(certificates: Arc<CertificateStore>) -> Self {
        let mut observer = Self::new(certificates);
        observer.midway = true;
        observer.readers.client.desync();
        observer.readers.server.desync();
        observer
    }

    /// Bytes that wait for the rest of their message, or to be read later.
    pub(crate) fn held_bytes(&self) -> usize {
        let talk = match &self.talk {
            Talk::Before(dialogue) => dialogue.held_bytes() + size_of::<Dialogue>(),
            Talk::Nothing | Talk::Tls => 0,
        };
        self.readers.iter().map(RecordReader::held_bytes).sum::<usize>() + self.books.held_bytes() + talk
    }

    /// A copy of what was seen so far; `None` while something else than TLS is spoken.
    pub(crate) fn snapshot(&self) -> Option<Self> {
        matches!(self.talk, Talk::Tls).then(|| Self {
            readers: self.readers.clone(),
            midway: self.midway,
            talk: Talk::Tls,
            books: self.books.clone(),
        })
    }

    /// The random of the first ClientHello, once that came whole.
    pub(crate) fn client_random(&self) -> Option<[u8; 32]> {
        self.books.client_random()
    }

    /// How many records of this side were hidden so far.
    pub(crate) fn hidden_records(&self, side: Side) -> u64 {
        self.books.hidden_records(side)
    }

    /// Closes the books. The ClientHello is read only where somebody asks for it: most connections are sound, and nobody does.
    pub(crate) fn close(self, identity: Identity, tcp: TcpFacts) -> Closed {
        let Self {
            mut readers,
            mut books,
            talk,
            ..
        } = self;
        if let Talk::Before(dialogue) = talk {
            books.note_preambles(*dialogue);
        }
        for side in [Side::Client, Side::Server] {
            readers[side].finish(&mut |item| books.take(side, item));
        }
        books.close(identity, tcp)
    }
}

impl Sink for Observer {
    fn data(&mut self, bytes: &[u8], span: Span) {
        let Self {
            readers,
            midway,
            talk,
            books,
        } = self;
        books.note_bytes(bytes, &span);
        let mut read = |piece: Piece<'_>| {
            let Piece { bytes, span, begins } = piece;
            let side = span.from();
            if begins {
                readers[side] = RecordReader::default();
                books.begin_within(side, span.at);
            }
            readers[side].feed(bytes, span, &mut |item| books.take(side, item));
            // A reader that waits for a record says nothing of what passes by. Words that are known are another protocol even so.
            if *midway {
                books.note_words(bytes, span);
            }
        };
        if let Talk::Nothing = talk {
            *talk = if may_begin_record(bytes) {
                Talk::Tls
            } else {
                Talk::Before(Box::default())
            };
        }
        let Talk::Before(dialogue) = talk else {
            return read(Piece {
                bytes,
                span,
                begins: false,
            });
        };
        dialogue.hear(bytes, span, &mut read);
        if dialogue.is_over()
            && let Talk::Before(dialogue) = std::mem::replace(talk, Talk::Tls)
        {
            books.note_preambles(*dialogue);
        }
    }

    fn gap(&mut self, from: Side, _at: u64, len: u64, cause: GapCause, mark: Mark) {
        let why = match cause {
            GapCause::Snaplen => Hidden::Snaplen,
            GapCause::CaptureLoss | GapCause::NetworkLoss => Hidden::Gap,
        };
        let Self {
            readers, books, talk, ..
        } = self;
        books.note_gap(from);
        if let Talk::Before(dialogue) = talk {
            dialogue.gap(from, len);
        }
        readers[from].gap(len, &mut |item| match item {
            Item::Lost {
                at,
                len,
                content_type,
                message,
            } => {
                books.note_hole(Hole {
                    from,
                    at,
                    len,
                    content_type,
                    message,
                    why,
                    mark,
                });
                Flow::Go
            }
            // A record whose contents do not matter is as good as whole.
            item => books.take(from, item),
        });
    }
}

#[cfg(test)]
mod tests;
