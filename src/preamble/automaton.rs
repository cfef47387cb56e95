//! What a protocol has to know: its messages, and what they mean for TLS.

use super::notes::Notes;
use super::protocol::Protocol;
use super::{
    amqp, ftp, http, imap, irc, ldap, mysql, nntp, pop3, postgresql, proxy_header, rdp, sieve, smtp, socks4, socks5,
    tds, xmpp,
};
use crate::evidence::{Pair, Side};

/// The first bytes of both sides, of which a protocol is to be known. A side that has said nothing yet has none.
pub(super) type Heads<'a> = Pair<&'a [u8]>;

/// Whether the first bytes are a protocol's.
#[derive(Debug)]
pub(super) enum Guess {
    /// They are.
    Yes(Protocol, Box<dyn Automaton>),
    /// More will tell: nothing contradicts it yet.
    Maybe,
    /// They are not.
    No,
}

impl Guess {
    /// They are this protocol's, which this automaton knows.
    pub(super) fn yes(protocol: Protocol, automaton: impl Automaton + 'static) -> Self {
        Self::Yes(protocol, Box::new(automaton))
    }
}

/// Where a message ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// With a line feed.
    Line,
    /// After so many bytes; at least one.
    Bytes(u64),
    /// The bytes so far do not tell.
    More,
    /// These bytes are none of this protocol: nothing that follows can be understood.
    NotMine,
}

/// How one protocol comes to TLS. Hears whole messages of both sides in the order of the capture; of a long one the first
/// [`HEARD_MAX`](super::layer::HEARD_MAX) bytes.
pub(super) trait Automaton: std::fmt::Debug + Send {
    /// Where the message ends that begins with these bytes, at least one.
    fn frame(&self, _side: Side, _bytes: &[u8]) -> Frame {
        Frame::Line
    }

    /// Takes the next message of a side, and notes what it means. Lines come with their end.
    fn hear(&mut self, side: Side, message: &[u8], notes: &mut Notes<'_>) {
        match side {
            _ if !self.minds(side, message) => {}
            Side::Client => self.client(message, notes),
            Side::Server => self.server(message, notes),
        }
    }

    /// False for a message that means nothing, such as the middle of a line.
    fn minds(&mut self, _side: Side, _message: &[u8]) -> bool {
        true
    }

    /// Takes the next message of the client. Those who tell sides and messages apart at once have [`Self::hear`] instead.
    fn client(&mut self, _message: &[u8], _notes: &mut Notes<'_>) {}

    /// Takes the next message of the server.
    fn server(&mut self, _message: &[u8], _notes: &mut Notes<'_>) {}

    /// How TLS is wrapped where these bytes of a side begin, at least one; asked once it was noted that it is ([`Notes::wraps`]).
    fn wrapping(&self, _side: Side, _bytes: &[u8]) -> Wrapping {
        Wrapping::None
    }
}

/// How TLS is wrapped by a protocol that goes on while TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrapping {
    /// It is not, or not any more: TLS goes on without.
    None,
    /// More bytes are needed to tell.
    More,
    /// A header of so many bytes, then a piece of TLS of so many.
    Packet {
        /// Bytes of the header; 0 where TLS is no longer wrapped, but may yet be over.
        header: usize,
        /// Bytes of TLS behind it.
        contents: u64,
    },
    /// TLS is over: what follows from this side is in the clear.
    Over,
}

/// Asks a protocol whether first bytes are its own.
type Recognise = fn(&Heads<'_>) -> Guess;

/// All protocols. Whoever says yes first has it, so the stricter ones stand first.
const PROTOCOLS: &[Recognise] = &[
    proxy_header::recognise,
    http::recognise,
    postgresql::recognise,
    tds::recognise,
    rdp::recognise,
    amqp::recognise,
    ldap::recognise,
    mysql::recognise,
    socks5::recognise,
    socks4::recognise,
    imap::recognise,
    sieve::recognise,
    xmpp::recognise,
    smtp::recognise,
    ftp::recognise,
    pop3::recognise,
    nntp::recognise,
    irc::recognise,
];

/// The protocol that a conversation begins with.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    let mut maybe = false;
    for guess in PROTOCOLS.iter().map(|recognise| recognise(heads)) {
        match guess {
            Guess::Yes(..) => return guess,
            Guess::Maybe => maybe = true,
            Guess::No => {}
        }
    }
    if maybe { Guess::Maybe } else { Guess::No }
}
