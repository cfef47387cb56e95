//! Any conversation of two ends before TLS: for the fuzzer.

use super::dialogue::{Dialogue, LAYERS_MAX};
use super::layer::HEARD_MAX;
use super::notes::{Preamble, WORDS_MAX};
use crate::evidence::{CaptureId, Mark, Pair, Side, Span};

/// Lets two ends talk as the bytes say. Each piece has two bytes before it: the side in the lowest bit and, in the next, whether the piece is
/// missing in the capture; then its length.
///
/// # Panics
/// Where a piece that is handed out has other bytes than the stream at its place, a piece goes back though nothing begins with it, bytes of
/// a side that has no gap are not handed out though nothing wraps them, more is held than can be waited for, or what was understood cites
/// bytes that are not there.
pub fn fuzz_preamble(data: &[u8]) {
    let mut ends = Ends::default();
    let mut rest = data;
    while let Some((&[kind, len], behind)) = rest.split_first_chunk() {
        let (piece, behind) = behind.split_at(usize::from(len).min(behind.len()));
        rest = behind;
        let side = if kind & 1 == 0 { Side::Client } else { Side::Server };
        if kind & 2 == 0 {
            ends.say(side, piece);
        } else {
            ends.lose(side, piece);
        }
    }
    let said = ends.said;
    for preamble in ends.dialogue.into_preambles() {
        check(&preamble, &said);
    }
}

/// Two ends, and who listens.
#[derive(Debug, Default)]
struct Ends {
    dialogue: Dialogue,
    said: Pair<Vec<u8>>,
    /// Up to where a side was handed out.
    reached: Pair<u64>,
    frame: u64,
}

impl Ends {
    fn say(&mut self, side: Side, piece: &[u8]) {
        if piece.is_empty() {
            return;
        }
        self.frame += 1;
        let mark = Mark {
            capture: CaptureId::default(),
            frame: self.frame,
            time: None,
            from: side,
        };
        let at = self.said[side].len() as u64;
        let span = Span {
            mark,
            first_frame: self.frame,
            at,
            len: piece.len() as u32,
        };
        self.said[side].extend_from_slice(piece);
        let Self {
            dialogue,
            said,
            reached,
            ..
        } = self;
        dialogue.hear(piece, span, &mut |piece| {
            let side = piece.span.from();
            let end = piece.span.at + u64::from(piece.span.len);
            assert_eq!(bytes_of(said, &piece.span), Some(piece.bytes), "what is there");
            assert!(
                piece.begins || piece.span.at >= reached[side],
                "back to {}",
                piece.span.at
            );
            reached[side] = end;
        });
        let held = dialogue.held_bytes();
        assert!(
            held <= 2 * (HEARD_MAX + 255) * 2 + LAYERS_MAX * 1_024,
            "{held} bytes held"
        );
    }

    fn lose(&mut self, side: Side, piece: &[u8]) {
        self.said[side].extend_from_slice(piece);
        self.dialogue.gap(side, piece.len() as u64);
    }
}

fn bytes_of<'s>(said: &'s Pair<Vec<u8>>, span: &Span) -> Option<&'s [u8]> {
    let at = usize::try_from(span.at).ok()?;
    said[span.from()].get(at..at + span.len as usize)
}

fn check(preamble: &Preamble, said: &Pair<Vec<u8>>) {
    let injected = preamble.injected.iter().map(|injected| injected.span);
    let exposed = preamble.exposed.iter().map(|(_, span)| *span);
    for span in preamble.spans().chain(injected).chain(exposed) {
        assert!(bytes_of(said, &span).is_some_and(|bytes| !bytes.is_empty()), "{span:?}");
    }
    let answer = preamble.answer.iter().map(|(_, answer)| answer);
    for words in preamble.request.iter().chain(answer).map(|said| &said.words) {
        assert!(
            words.chars().count() <= WORDS_MAX && !words.contains(char::is_control),
            "{words:?}"
        );
    }
    if let (Some(asked), Some((_, answered))) = (&preamble.request, &preamble.answer) {
        assert_eq!((asked.span.from(), answered.span.from()), (Side::Client, Side::Server));
    }
}
