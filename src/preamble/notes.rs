//! What was understood of a protocol before TLS.

use std::net::SocketAddr;

use super::protocol::{Kind, Protocol};
use crate::evidence::{Pair, Side, Span};
use crate::registry::is_tls_port;

/// Characters of what is quoted.
pub(super) const WORDS_MAX: usize = 160;

/// What one protocol said before TLS, and what it led to.
#[derive(Clone, Debug)]
pub(crate) struct Preamble {
    /// The protocol.
    pub(crate) protocol: Protocol,
    /// Whom the client asked a proxy for: name or address, and port.
    pub(crate) target: Option<Box<str>>,
    /// Who called, by what a proxy tells.
    pub(crate) client: Option<SocketAddr>,
    /// Who was called, by what a proxy tells.
    pub(crate) server: Option<SocketAddr>,
    /// Whether the server offers TLS, where the protocol has it say so.
    pub(crate) offered: Option<Offered>,
    /// The client's last request for TLS, or for the way to it.
    pub(crate) request: Option<Said>,
    /// The server's answer to that request, and whether it agrees.
    pub(crate) answer: Option<(bool, Said)>,
    /// The server wants TLS, and says so to a client that did not ask for it.
    pub(crate) demanded: Option<Said>,
    /// TLS, or another protocol, began within.
    pub(super) has_within: bool,
    /// What was said in the clear, behind a request that was granted: it may be taken for words of the TLS session.
    pub(crate) injected: Option<Said>,
    /// What was sent without protection that needs it: "a login", "mail".
    pub(crate) exposed: Option<(&'static str, Span)>,
    /// The client went on without TLS.
    pub(crate) went_on: bool,
    /// The client took its leave.
    pub(crate) farewell: Option<Span>,
    /// Bytes of it are not in the capture.
    pub(crate) has_gaps: bool,
    /// The packet in which it begins.
    pub(crate) first_frame: u64,
}

/// Whether a server offers TLS.
#[derive(Clone, Debug)]
pub(crate) struct Offered {
    /// It does.
    pub(crate) tls: bool,
    /// The message that says so, or that would have.
    pub(crate) said: Said,
}

/// Something that was said, in its own words as far as they can be shown.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// The line, or what a message of bytes means.
    pub(crate) words: Box<str>,
    /// Where.
    pub(crate) span: Span,
}

impl Preamble {
    /// Before the first message.
    pub(super) const fn new(protocol: Protocol, first_frame: u64) -> Self {
        Self {
            protocol,
            target: None,
            client: None,
            server: None,
            offered: None,
            request: None,
            answer: None,
            demanded: None,
            has_within: false,
            injected: None,
            exposed: None,
            went_on: false,
            farewell: None,
            has_gaps: false,
            first_frame,
        }
    }

    /// Notes what was said behind a request for TLS, by its first word, or by its length where it is no text: what follows may be anybody's
    /// password.
    pub(super) fn note_injected(&mut self, words: &[u8], span: Span) {
        let is_text = !words
            .iter()
            .any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace());
        let told = if is_text {
            // An empty line says nothing.
            let Some(first) = words.split(u8::is_ascii_whitespace).find(|word| !word.is_empty()) else {
                return;
            };
            shown(first)
        } else {
            format!("{} bytes", words.len()).into()
        };
        self.injected.get_or_insert(Said { words: told, span });
    }

    /// True where something was noted.
    pub(super) fn is_of_interest(&self) -> bool {
        let said = self.request.is_some() || self.offered.is_some() || self.demanded.is_some();
        said || self.exposed.is_some() || self.protocol.kind() == Kind::Header
    }

    /// What was sent in the clear, and could have been protected.
    pub(crate) fn unprotected(&self) -> Option<(&'static str, Span)> {
        let offered = self.offered.as_ref().is_some_and(|offered| offered.tls);
        self.exposed
            .filter(|_| self.is_granted() || offered && self.refusal().is_none())
    }

    /// What may be taken for words of the TLS session.
    pub(crate) fn injection(&self) -> Option<&Said> {
        self.injected.as_ref().filter(|_| self.is_granted())
    }

    /// True where something was sent in the clear that should not have been.
    pub(crate) fn is_careless(&self) -> bool {
        self.unprotected().is_some() || self.injection().is_some()
    }

    /// Where what matters of it stands.
    pub(crate) fn spans(&self) -> impl Iterator<Item = Span> {
        let offered = self.offered.as_ref().map(|offered| offered.said.span);
        let asked = self.request.as_ref().map(|said| said.span);
        let answered = self.answer.as_ref().map(|(_, said)| said.span);
        let demanded = self.demanded.as_ref().map(|said| said.span);
        offered.into_iter().chain(asked).chain(answered).chain(demanded)
    }

    /// The server's refusal.
    pub(crate) fn refusal(&self) -> Option<&Said> {
        let (granted, said) = self.answer.as_ref()?;
        (!granted).then_some(said)
    }

    /// True where the server agreed, by its words or, where there are none to agree with, by going on in TLS.
    pub(crate) const fn is_granted(&self) -> bool {
        match self.answer {
            Some((granted, _)) => granted,
            None => self.request.is_some() && self.has_within,
        }
    }

    /// True where TLS was to come of it: the client asked for it, or for the way to a server of it; or it would have, and was told that the
    /// server has none.
    pub(crate) fn asks_for_tls(&self) -> bool {
        match self.protocol.kind() {
            Kind::Upgrade => self.request.is_some() || self.demanded.is_some() || self.lacks_tls() && !self.went_on,
            // What went through a tunnel speaks for itself.
            Kind::Tunnel => self.request.is_some() && !self.is_granted() && self.leads_to_tls(),
            Kind::Header => false,
        }
    }

    /// True where a proxy was asked for a server of TLS: that is what CONNECT is for; others are asked for all kinds of servers.
    fn leads_to_tls(&self) -> bool {
        if self.protocol == Protocol::HttpConnect {
            return true;
        }
        let port = self
            .target
            .as_deref()
            .and_then(|target| target.rsplit(':').next()?.parse().ok());
        port.is_none_or(|port: u16| is_tls_port(port))
    }

    /// True where the server lets the client know that it has no TLS.
    pub(crate) fn lacks_tls(&self) -> bool {
        self.offered.as_ref().is_some_and(|offered| !offered.tls)
    }
}

/// Takes down what one message means. Its words are the message's first line unless others are given.
#[derive(Debug)]
pub(super) struct Notes<'a> {
    preamble: &'a mut Preamble,
    message: &'a [u8],
    span: Span,
    /// What comes next from these sides is within.
    pub(super) begins: Pair<bool>,
    /// TLS comes next from both sides, in packets of this protocol.
    pub(super) wraps: bool,
    /// Something of TLS was said.
    pub(super) news: bool,
}

impl<'a> Notes<'a> {
    /// Notes on this message.
    pub(super) const fn new(preamble: &'a mut Preamble, message: &'a [u8], span: Span) -> Self {
        Self {
            preamble,
            message,
            span,
            begins: Pair::both(false),
            wraps: false,
            news: false,
        }
    }

    /// It turns out which of several protocols it is.
    pub(super) fn is(&mut self, protocol: Protocol) {
        self.preamble.protocol = protocol;
    }

    /// The client asks for TLS, or for the way to it. An earlier request is forgotten with its answer.
    pub(super) fn asks(&mut self) {
        self.request(None);
    }

    /// The client asks for it, and this is what its message means.
    pub(super) fn asks_as(&mut self, words: &str) {
        self.request(Some(words));
    }

    fn request(&mut self, words: Option<&str>) {
        let said = self.said(words);
        self.news = true;
        self.preamble.answer = None;
        self.preamble.injected = None;
        self.preamble.request = Some(said);
    }

    /// True where the client has asked and has no answer.
    pub(super) fn is_asked(&self) -> bool {
        self.preamble.request.is_some() && self.preamble.answer.is_none()
    }

    /// The server agrees: what comes next from both sides is within.
    pub(super) fn grants(&mut self) {
        self.accepts();
        self.begin_both();
    }

    /// The server agrees, and this is what its message means.
    pub(super) fn grants_as(&mut self, words: &str) {
        self.answer(true, Some(words));
        self.begin_both();
    }

    /// The server agrees, in a message of which more is to come.
    pub(super) fn accepts(&mut self) {
        self.answer(true, None);
    }

    /// True where the server has agreed.
    pub(super) fn is_granted(&self) -> bool {
        self.preamble.is_granted()
    }

    /// True where both sides would go on in TLS with each other.
    pub(super) fn is_upgrade(&self) -> bool {
        self.preamble.protocol.kind() == Kind::Upgrade
    }

    /// What comes next from both sides is within.
    pub(super) fn begin_both(&mut self) {
        self.begins = Pair::both(true);
    }

    /// The server agrees, and this is what its message means. TLS comes next from both sides, in packets of this protocol.
    pub(super) fn wraps(&mut self, words: &str) {
        self.answer(true, Some(words));
        self.wraps = true;
    }

    /// The server refuses.
    pub(super) fn refuses(&mut self) {
        self.answer(false, None);
    }

    /// The server refuses, and this is what its message means.
    pub(super) fn refuses_as(&mut self, words: &str) {
        self.answer(false, Some(words));
    }

    fn answer(&mut self, granted: bool, words: Option<&str>) {
        self.news = true;
        if self.preamble.answer.is_none() {
            self.preamble.answer = Some((granted, self.said(words)));
        }
    }

    /// The server says that it offers TLS, or says all that it offers, and TLS is not among it.
    pub(super) fn offers(&mut self, tls: bool) {
        self.offer(tls, None);
    }

    /// The server says what it offers, and this is what its message means.
    pub(super) fn offers_as(&mut self, tls: bool, words: &str) {
        self.offer(tls, Some(words));
    }

    fn offer(&mut self, tls: bool, words: Option<&str>) {
        let said = self.said(words);
        self.preamble.offered = Some(Offered { tls, said });
    }

    /// The server wants TLS of a client that did not ask for it.
    pub(super) fn demands(&mut self) {
        self.demand(None);
    }

    /// The server wants TLS of a client that did not ask for it, and this is what its message means.
    pub(super) fn demands_as(&mut self, words: &str) {
        self.demand(Some(words));
    }

    fn demand(&mut self, words: Option<&str>) {
        let said = self.said(words);
        self.preamble.demanded.get_or_insert(said);
    }

    /// Something that needs protection is sent without.
    pub(super) fn exposes(&mut self, what: &'static str) {
        let span = self.span;
        self.preamble.exposed.get_or_insert((what, span));
        self.goes_on();
    }

    /// The client does what it came for, without TLS.
    pub(super) const fn goes_on(&mut self) {
        self.preamble.went_on = true;
    }

    /// The client takes its leave.
    pub(super) fn leaves(&mut self) {
        let span = self.span;
        self.preamble.farewell.get_or_insert(span);
    }

    /// Whom the client asks a proxy for: name or address, and port.
    pub(super) fn target(&mut self, target: &str) {
        self.preamble.target = Some(shown(target.as_bytes()));
    }

    /// Who called whom, by what a proxy tells.
    pub(super) fn peers(&mut self, client: SocketAddr, server: SocketAddr) {
        self.preamble.client = Some(client);
        self.preamble.server = Some(server);
    }

    /// What comes next from this side is within.
    pub(super) fn begin(&mut self, side: Side) {
        self.begins[side] = true;
    }

    fn said(&self, words: Option<&str>) -> Said {
        Said {
            words: words.map_or_else(|| shown(self.message), |words| shown(words.as_bytes())),
            span: self.span,
        }
    }
}

/// The first line as it can be printed.
pub(super) fn shown(bytes: &[u8]) -> Box<str> {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let text = String::from_utf8_lossy(line);
    let printable = text.trim().chars().filter(|character| !character.is_control());
    printable.take(WORDS_MAX).collect::<String>().into()
}
