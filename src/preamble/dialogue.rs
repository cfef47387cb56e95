//! [`Dialogue`]: follows what is spoken before TLS, until TLS begins on both sides or it is clear that it will not.

use super::automaton::{Guess, Heads, Wrapping, recognise};
use super::irc;
use super::layer::{HEARD_MAX, Layer, NotMine, Skip};
use super::notes::{Notes, Preamble};
use crate::evidence::{Pair, Side, Span};
use crate::tls::{ALERT, HANDSHAKE, looks_like_client_hello, looks_like_tls_record};

/// Bytes of a side that are listened to while nothing of TLS is said.
const PATIENCE: u64 = 4 * 1024;
/// Protocols within each other.
pub(super) const LAYERS_MAX: usize = 4;
/// Bytes of a protocol that is not known after which nobody starts TLS any more.
const UPGRADE_WITHIN: u64 = 64 * 1024;

/// Bytes of one side as they are to be read: as they are on the wire, or unwrapped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    /// The bytes.
    pub(crate) bytes: &'a [u8],
    /// Where they stand.
    pub(crate) span: Span,
    /// With them something new begins on this side, within what was spoken before. They may have been handed out already, as words of that.
    pub(crate) begins: bool,
}

/// What is spoken on one connection before TLS. Protocols lie within each other, the outermost first; the two sides pass from one to the
/// next each for itself.
#[derive(Debug, Default)]
pub(crate) struct Dialogue {
    layers: Vec<Layer>,
    innermost: Innermost,
    /// The layer that a side's next bytes belong to; behind the last one, the innermost.
    place: Pair<usize>,
    /// What comes next from a side begins something new.
    begins: Pair<bool>,
    /// Bytes of a message, or of a beginning, that is not whole.
    waiting: Pair<Waiting>,
    /// A side has said something in the innermost.
    spoke: Pair<bool>,
    /// Bytes of a side so far, those that are missing included.
    reached: Pair<u64>,
}

/// What lies within all layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Innermost {
    /// Too little was said to know.
    #[default]
    Unknown,
    /// TLS.
    Tls,
    /// Something in which nothing is looked for but a ClientHello.
    Other,
}

/// Bytes that are no whole message yet, and where they stand.
#[derive(Debug, Default)]
struct Waiting(Option<(Vec<u8>, Span)>);

/// What became of bytes.
enum Step {
    /// So many are done with.
    Taken(usize),
    /// So many are done with, and what follows is within.
    Entered(usize),
    /// So many are TLS in a packet.
    Wrapped(usize),
    /// They wait for more.
    Wait,
    /// A protocol was recognised.
    Recognised,
    /// Nothing before TLS is in them.
    Done,
}

impl Dialogue {
    /// Bytes that wait.
    pub(crate) fn held_bytes(&self) -> usize {
        let waiting = self.waiting.iter().map(Waiting::held_bytes);
        waiting.sum::<usize>() + self.layers.capacity() * size_of::<Layer>()
    }

    /// True where nothing is left to be done: both sides are within, and what comes next is to be read as it is.
    pub(crate) fn is_over(&self) -> bool {
        let within = self.place.iter().all(|place| *place >= self.layers.len());
        let begun = !self.begins.iter().any(|begins| *begins);
        within && begun && self.innermost == Innermost::Tls
    }

    /// The sides that have yet to say the first word of what is within, and the bytes that they said before.
    pub(crate) fn silent_within(&self) -> impl Iterator<Item = (Side, u64)> {
        let sides = [Side::Client, Side::Server].into_iter();
        sides
            .filter(|side| self.begins[*side])
            .map(|side| (side, self.reached[side]))
    }

    /// What was understood, from the outside in.
    pub(crate) fn into_preambles(mut self) -> impl Iterator<Item = Preamble> {
        if self.innermost == Innermost::Unknown
            && self.reached.server == 0
            && let Some((bytes, span)) = self.waiting.client.0.take()
            && let Guess::Yes(protocol, automaton) = irc::recognise_unheard(&bytes)
        {
            self.layers.push(Layer::new(protocol, automaton, &span));
            self.listen(Side::Client, &bytes, span);
        }
        let preambles = self.layers.into_iter().map(|layer| layer.preamble);
        preambles.filter(Preamble::is_of_interest)
    }

    /// Takes the next bytes of a side, and hands them out as they are to be read.
    pub(crate) fn hear(&mut self, bytes: &[u8], span: Span, out: &mut impl FnMut(Piece<'_>)) {
        let side = span.from();
        self.reached[side] = span.at.saturating_add(bytes.len() as u64);
        if !self.is_wrapped(side) {
            self.hand_out(bytes, span, out);
        }
        self.take(bytes, span, out);
        // What the other side has said meanwhile may turn out to be within.
        let other = side.peer();
        if self.begins[other]
            && let Some((bytes, said)) = self.waiting[other].0.take()
        {
            // What comes in packets is handed out when it is taken out of them.
            if !self.is_wrapped(other) {
                self.hand_out(&bytes, said, out);
            }
            self.take(&bytes, said, out);
        }
    }

    /// Bytes of this side are missing.
    pub(crate) fn gap(&mut self, side: Side, len: u64) {
        self.reached[side] = self.reached[side].saturating_add(len);
        self.waiting[side] = Waiting::default();
        let place = self.place[side];
        if let Some(layer) = self.layers.get_mut(place) {
            layer.preamble.has_gaps = true;
            layer.wrapped[side] = layer.wrapped[side].saturating_sub(len);
            layer.skip[side] = match layer.skip[side] {
                Skip::Bytes(left) if left > len => Skip::Bytes(left - len),
                _ => Skip::Nothing,
            };
        }
    }

    fn is_wrapped(&self, side: Side) -> bool {
        self.layers.get(self.place[side]).is_some_and(|layer| layer.wraps)
    }

    fn hand_out(&mut self, bytes: &[u8], span: Span, out: &mut impl FnMut(Piece<'_>)) {
        let begins = std::mem::take(&mut self.begins[span.from()]);
        out(Piece { bytes, span, begins });
    }

    fn take(&mut self, bytes: &[u8], span: Span, out: &mut impl FnMut(Piece<'_>)) {
        let side = span.from();
        self.stop_waiting(side, bytes);
        let (joined, span) = self.waiting[side].join(bytes, span);
        let bytes = joined.as_deref().unwrap_or(bytes);
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let here = part(span, at, rest.len());
            let step = if self.place[side] < self.layers.len() {
                self.listen(side, rest, here)
            } else {
                self.look_within(side, rest, here)
            };
            match step {
                Step::Taken(taken) => at += taken,
                Step::Entered(taken) => {
                    at += taken;
                    if let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
                        let here = part(span, at, rest.len());
                        self.note_words_behind_consent(side, rest, here);
                        self.hand_out(rest, here, out);
                    }
                }
                Step::Wrapped(taken) => {
                    let within = rest.get(..taken).unwrap_or_default();
                    self.hand_out(within, part(span, at, taken), out);
                    at += taken;
                }
                Step::Recognised => {
                    let other = side.peer();
                    if let Some((greeting, said)) = self.waiting[other].0.take() {
                        self.take(&greeting, said, out);
                    }
                }
                Step::Wait => {
                    self.waiting[side] = Waiting(Some((rest.to_vec(), here)));
                    return;
                }
                Step::Done => return,
            }
        }
    }

    /// Forgets what waits for bytes of a side where they cannot be what it waits for.
    fn stop_waiting(&mut self, side: Side, bytes: &[u8]) {
        if self.place[side] < self.layers.len() || self.waiting[side].0.is_none() {
            return;
        }
        // No protocol was known by what the client said so far, and none will be.
        if self.innermost == Innermost::Unknown && side == Side::Client && looks_like_client_hello(bytes) {
            self.innermost = Innermost::Other;
        }
        if self.innermost != Innermost::Unknown {
            self.waiting[side] = Waiting::default();
        }
    }

    /// Hears what a side says in the layer that it is in.
    fn listen(&mut self, side: Side, bytes: &[u8], span: Span) -> Step {
        let place = self.place[side];
        let client_within = self.place.client > place;
        let Some(layer) = self.layers.get_mut(place) else {
            return Step::Done;
        };
        if let Some(passed) = layer.pass_over(side, bytes) {
            return Step::Taken(passed);
        }
        if layer.wraps {
            return self.unwrap(side, bytes);
        }
        let refused = layer.preamble.refusal().is_some();
        let asked = layer.preamble.request.is_some() && !refused;
        // An alert in answer to words comes from a server that speaks nothing but TLS.
        let is_due = client_within || asked && (side == Side::Client || bytes.first() != Some(&ALERT));
        match begins_tls(side, bytes) {
            Some(true) if is_due => return self.enter(side, 0, Innermost::Tls),
            // Some clients do not listen: what they say is still not what the server understands.
            Some(true) if refused => return self.close(),
            // A hello where nobody asked for one, or an alert that answers words: no dialogue before TLS.
            Some(true) => return self.dismiss(place, Innermost::Tls),
            None if is_due || layer.heard[side] == 0 => return Step::Wait,
            _ => {}
        }
        let (message, skip) = match layer.message(side, bytes) {
            Ok(Some(message)) => message,
            Ok(None) => return Step::Wait,
            Err(NotMine) if layer.preamble.is_of_interest() => return self.close(),
            Err(NotMine) => return self.dismiss(place, Innermost::Other),
        };
        layer.skip[side] = skip;
        let said = part(span, 0, message.len());
        let was_asked = layer.preamble.request.is_some() && layer.preamble.answer.is_none();
        if side == Side::Client && was_asked && layer.preamble.protocol.waits_for_answer() {
            layer.preamble.note_injected(message, said);
        }
        let mut notes = Notes::new(&mut layer.preamble, message, said);
        layer.automaton.hear(side, message, &mut notes);
        let Notes {
            begins, wraps, news, ..
        } = notes;
        layer.wraps = wraps;
        if news {
            layer.heard = Pair::default();
        }
        layer.heard[side] = layer.heard[side].saturating_add(message.len() as u64);
        let tired = layer.heard[side] > PATIENCE;
        let taken = message.len();
        if wraps {
            self.begins = Pair::both(true);
        }
        if begins[side.peer()] && self.place[side.peer()] == place {
            self.enter(side.peer(), 0, Innermost::Unknown);
        }
        if begins[side] {
            return self.enter(side, taken, Innermost::Unknown);
        }
        if tired {
            return self.close();
        }
        Step::Taken(taken)
    }

    /// Takes TLS out of packets.
    fn unwrap(&mut self, side: Side, bytes: &[u8]) -> Step {
        let place = self.place[side];
        let Some(layer) = self.layers.get_mut(place) else {
            return Step::Done;
        };
        let left = layer.wrapped[side];
        if left > 0 {
            let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            layer.wrapped[side] = left.saturating_sub(taken as u64);
            return Step::Wrapped(taken);
        }
        match layer.automaton.wrapping(side, bytes) {
            Wrapping::Packet { header, contents } if bytes.len() >= header => {
                layer.wrapped[side] = contents;
                Step::Taken(header)
            }
            Wrapping::More | Wrapping::Packet { .. } => Step::Wait,
            Wrapping::Over => {
                layer.skip[side] = Skip::Bytes(u64::MAX);
                Step::Taken(0)
            }
            Wrapping::None => {
                // The same TLS goes on: nothing begins.
                self.place[side] = place + 1;
                self.innermost = Innermost::Tls;
                Step::Wrapped(bytes.len())
            }
        }
    }

    /// Looks at what a side says within all layers.
    fn look_within(&mut self, side: Side, bytes: &[u8], span: Span) -> Step {
        let spoke_before = std::mem::replace(&mut self.spoke[side], true);
        match self.innermost {
            Innermost::Tls => Step::Done,
            Innermost::Unknown => self.recognise(side, bytes, span),
            Innermost::Other => {
                let begins = side == Side::Client && span.at < UPGRADE_WITHIN && looks_like_client_hello(bytes);
                let refused = self.layers.iter().any(|layer| layer.preamble.refusal().is_some());
                if !begins || refused {
                    return Step::Done;
                }
                self.innermost = Innermost::Tls;
                // As the client's first words a hello begins nothing new: it is what was spoken before that is not TLS.
                if spoke_before {
                    self.begins = Pair::both(true);
                    return Step::Entered(0);
                }
                Step::Done
            }
        }
    }

    /// Finds out what is spoken within all layers.
    fn recognise(&mut self, side: Side, bytes: &[u8], span: Span) -> Step {
        match begins_tls(side, bytes) {
            Some(true) => {
                self.innermost = Innermost::Tls;
                return Step::Done;
            }
            None => return Step::Wait,
            Some(false) => {}
        }
        let other = side.peer();
        let mut heads = Heads::default();
        heads[side] = bytes;
        if self.place[other] == self.place[side] {
            heads[other] = self.waiting[other].bytes();
        }
        match recognise(&heads) {
            Guess::Yes(protocol, automaton) if self.layers.len() < LAYERS_MAX => {
                self.layers.push(Layer::new(protocol, automaton, &span));
                self.spoke = Pair::default();
                Step::Recognised
            }
            Guess::Maybe if bytes.len() < HEARD_MAX => Step::Wait,
            _ => {
                self.innermost = Innermost::Other;
                Step::Done
            }
        }
    }

    /// What a side says next, after so many bytes, is within the layer that it is in.
    fn enter(&mut self, side: Side, taken: usize, within: Innermost) -> Step {
        let place = self.place[side];
        if let Some(layer) = self.layers.get_mut(place) {
            layer.preamble.has_within = true;
        }
        self.place[side] = place + 1;
        self.begins[side] = true;
        self.spoke[side] = false;
        if self.innermost == Innermost::Unknown && self.place[side] == self.layers.len() {
            self.innermost = within;
        }
        Step::Entered(taken)
    }

    /// What was taken for a protocol is none that leads to TLS.
    fn dismiss(&mut self, place: usize, innermost: Innermost) -> Step {
        self.layers.truncate(place);
        self.innermost = innermost;
        self.place = Pair::both(place);
        Step::Done
    }

    /// Enough was heard: nothing but a ClientHello is looked for.
    fn close(&mut self) -> Step {
        let place = self.layers.len();
        self.innermost = Innermost::Other;
        self.place = Pair::both(place);
        self.spoke = Pair::both(true);
        Step::Done
    }

    /// Words of the server between its consent and TLS: the client may take them for words of the TLS session (CVE-2021-38371 and others).
    fn note_words_behind_consent(&mut self, side: Side, rest: &[u8], span: Span) {
        let outer = self.place[side].checked_sub(1);
        if side == Side::Server
            && begins_tls(side, rest) == Some(false)
            && let Some(layer) = outer.and_then(|outer| self.layers.get_mut(outer))
            && layer.preamble.protocol.waits_for_answer()
        {
            layer.preamble.note_injected(rest, span);
        }
    }
}

impl Waiting {
    fn bytes(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |(bytes, _)| bytes)
    }

    fn held_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |(bytes, _)| bytes.capacity())
    }

    /// What waits together with what follows it; `None` where nothing waits, and what follows stands for itself.
    fn join(&mut self, bytes: &[u8], span: Span) -> (Option<Vec<u8>>, Span) {
        let Some((mut joined, waited)) = self.0.take() else {
            return (None, span);
        };
        joined.extend_from_slice(bytes);
        let len = u32::try_from(joined.len()).unwrap_or(u32::MAX);
        let Span { at, first_frame, .. } = waited;
        let mark = span.mark;
        (
            Some(joined),
            Span {
                mark,
                first_frame,
                at,
                len,
            },
        )
    }
}

/// Whether TLS begins with these bytes of a side, at least one; `None` where more are needed to tell. No protocol before TLS has messages
/// that begin with a record's type and version.
fn begins_tls(side: Side, bytes: &[u8]) -> Option<bool> {
    let kinds: &[u8] = match side {
        Side::Client => &[HANDSHAKE],
        Side::Server => &[ALERT, HANDSHAKE],
    };
    let may = match bytes {
        [kind] => kinds.contains(kind),
        [kind, major, ..] => kinds.contains(kind) && *major == 3,
        [] => false,
    };
    let begins = match side {
        Side::Client => looks_like_client_hello(bytes),
        Side::Server => may && looks_like_tls_record(bytes),
    };
    let enough = bytes.len() > 5;
    (begins || enough || !may).then_some(begins)
}

/// A part of a span.
fn part(span: Span, offset: usize, len: usize) -> Span {
    Span {
        at: span.at.saturating_add(offset as u64),
        len: u32::try_from(len).unwrap_or(u32::MAX),
        ..span
    }
}
