//! Conversations for tests.

use super::automaton::{Guess, Heads};
use super::{Dialogue, Preamble};
use crate::evidence::{CaptureId, Mark, Pair, Side, Span};

/// The beginning of a ClientHello, as a client's first record.
pub(super) const HELLO: &[u8] = &[22, 3, 1, 0, 5, 1, 0, 0, 1, 0];
/// The beginning of a ServerHello, as a server's first record.
pub(super) const ANSWER: &[u8] = &[22, 3, 3, 0, 5, 2, 0, 0, 1, 0];

/// What one side says in one packet.
pub(super) type Said<'a> = (Side, &'a [u8]);

/// The client says this.
pub(super) const fn client(bytes: &[u8]) -> Said<'_> {
    (Side::Client, bytes)
}

/// The server says this.
pub(super) const fn server(bytes: &[u8]) -> Said<'_> {
    (Side::Server, bytes)
}

/// Whether first bytes of client and server are taken for a protocol's; `None` where more will tell.
pub(super) fn recognised(recognise: fn(&Heads<'_>) -> Guess, client: &[u8], server: &[u8]) -> Option<bool> {
    match recognise(&Heads { client, server }) {
        Guess::Yes(..) => Some(true),
        Guess::Maybe => None,
        Guess::No => Some(false),
    }
}

/// What was understood of a conversation.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) preambles: Vec<Preamble>,
    within: Pair<Vec<u8>>,
}

impl Talk {
    /// Hears a conversation, whose packets are numbered from 1; asserts that the same is understood where every byte comes by itself.
    pub(super) fn of(script: &[Said<'_>]) -> Self {
        let whole = Self::of_packets(script);
        let bytes = |((side, bytes), frame): (Said<'_>, u64)| {
            let single: Vec<_> = bytes.chunks(1).map(|byte| ((side, byte.to_vec()), frame)).collect();
            single
        };
        let single: Vec<_> = script
            .iter()
            .zip(1..)
            .flat_map(|(said, frame)| bytes((*said, frame)))
            .collect();
        let single = Self::hear(
            single
                .iter()
                .map(|((side, byte), frame)| ((*side, byte.as_slice()), *frame)),
        );
        assert_eq!(whole.within, single.within, "by single bytes");
        let words = |talk: &Self| {
            let of = |preamble: &Preamble| {
                let answer = preamble
                    .answer
                    .as_ref()
                    .map(|(granted, said)| (*granted, said.words.clone()));
                let request = preamble.request.as_ref().map(|said| said.words.clone());
                (preamble.protocol, request, answer, preamble.lacks_tls())
            };
            talk.preambles.iter().map(of).collect::<Vec<_>>()
        };
        assert_eq!(words(&whole), words(&single), "by single bytes");
        whole
    }

    /// Hears a conversation, whose packets are numbered from 1, as it is: where nothing but a hello is looked for, it has to begin a packet.
    pub(super) fn of_packets(script: &[Said<'_>]) -> Self {
        Self::hear(script.iter().zip(1..).map(|(said, frame)| (*said, frame)))
    }

    fn hear<'a>(script: impl Iterator<Item = (Said<'a>, u64)>) -> Self {
        let mut dialogue = Dialogue::default();
        let mut within: Pair<Vec<u8>> = Pair::default();
        let mut at = Pair::<u64>::default();
        for ((side, bytes), frame) in script {
            let mark = Mark {
                capture: CaptureId::default(),
                frame,
                time: None,
                from: side,
            };
            let span = Span {
                mark,
                first_frame: frame,
                at: at[side],
                len: bytes.len() as u32,
            };
            at[side] += bytes.len() as u64;
            dialogue.hear(bytes, span, &mut |piece| {
                // What the other side had said before may be handed out only now.
                let side = piece.span.from();
                if piece.begins {
                    within[side].clear();
                }
                within[side].extend_from_slice(piece.bytes);
            });
        }
        Self {
            preambles: dialogue.into_preambles().collect(),
            within,
        }
    }

    /// The one protocol that was spoken before.
    pub(super) fn only(&self) -> &Preamble {
        assert_eq!(self.preambles.len(), 1, "{:?}", self.preambles);
        &self.preambles[0]
    }

    /// What client and server said within; without anything to be within, all that they said.
    pub(super) fn within(&self) -> (&[u8], &[u8]) {
        (&self.within.client, &self.within.server)
    }
}
