//! [`Closed`]: what is left of a connection when it has ended, before its hellos are read.

use crate::connection::{Observed, Offer, Offers, Spanned};
use crate::evidence::{Seen, Side, Span};
use crate::tls::{ClientHello, Sslv2ClientHello};

/// A handshake message kept as bytes until its connection turns out to be worth a closer look.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) body: Box<[u8]>,
    pub(super) span: Span,
}

/// A connection whose books are closed, with its ClientHellos still as bytes.
#[derive(Debug)]
pub(crate) struct Closed {
    /// Everything but the offers.
    pub(crate) observed: Box<Observed>,
    pub(super) hellos: Vec<Kept>,
    pub(super) sslv2: Option<Kept>,
}

impl Closed {
    /// True where the client sent a ClientHello.
    pub(crate) fn has_hello(&self) -> bool {
        !self.hellos.is_empty() || self.sslv2.is_some()
    }

    /// True where the client began a record and nothing else was said: not even a ClientHello came whole, and the server kept silent.
    pub(crate) fn is_begun_only(&self) -> bool {
        let seen = &self.observed;
        let begun = seen.unfinished.iter().any(|part| part.span.from() == Side::Client);
        begun && !seen.spoke_tls() && !self.has_hello() && !seen.tcp.side(Side::Server).sent_payload()
    }

    /// The name that the first ClientHello asks for, where that is text.
    pub(crate) fn server_name(&self) -> Option<&str> {
        let hello = ClientHello::parse(&self.hellos.first()?.body).ok()?;
        std::str::from_utf8(hello.server_name()?).ok()
    }

    /// Reads the ClientHellos. Those that offer the same are kept once.
    pub(crate) fn read(self, known: &mut Offers) -> Box<Observed> {
        let mut observed = self.observed;
        let mut offers = Vec::new();
        for kept in self.hellos {
            match ClientHello::parse(&kept.body) {
                Ok(hello) => {
                    observed.hello_time = observed.hello_time.or(Some(hello.time()));
                    offers.push(Spanned {
                        value: known.intern(Offer::from_hello(&hello, kept.span.len)),
                        span: kept.span,
                    });
                }
                Err(error) => observed.malformed.push((error, kept.span)),
            }
        }
        let old = self.sslv2.and_then(|kept| {
            let hello = Sslv2ClientHello::parse(&kept.body).ok()?;
            Some(Spanned {
                value: known.intern(Offer::from_sslv2(&hello, kept.span.len)),
                span: kept.span,
            })
        });
        let mut offers = offers.into_iter();
        if let Some(offer) = offers.next().or(old) {
            observed.offer = Seen::Seen(offer);
        }
        observed.second_offer = offers.next().map(Box::new);
        observed.messages.shrink_to_fit();
        observed.alerts.shrink_to_fit();
        observed.malformed.shrink_to_fit();
        observed.records.client.first.shrink_to_fit();
        observed.records.server.first.shrink_to_fit();
        observed
    }
}
