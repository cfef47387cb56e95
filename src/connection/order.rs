//! Whether the readable messages of a handshake came in the order that the protocol prescribes (RFC 5246 §7.3, RFC 9846 §2).

use crate::connection::{Breach, First, Observed};
use crate::evidence::{Side, Span};
use crate::registry::{Authentication, ExtensionType, HandshakeType};
use crate::tls::APPLICATION_DATA;

/// The place of a message in the handshake of TLS ≤ 1.2, among those of its side; `None` for one that may come at any time, or is not known.
const fn place(side: Side, kind: HandshakeType) -> Option<u8> {
    Some(match (side, kind) {
        (Side::Server, HandshakeType::SERVER_HELLO) | (Side::Client, HandshakeType::CLIENT_HELLO) => 1,
        (_, HandshakeType::SUPPLEMENTAL_DATA) => 2,
        (_, HandshakeType::CERTIFICATE) => 3,
        (Side::Server, HandshakeType::CERTIFICATE_STATUS) | (Side::Client, HandshakeType::CLIENT_KEY_EXCHANGE) => 4,
        (Side::Server, HandshakeType::SERVER_KEY_EXCHANGE) | (Side::Client, HandshakeType::CERTIFICATE_VERIFY) => 5,
        (Side::Server, HandshakeType::CERTIFICATE_REQUEST) => 6,
        (Side::Server, HandshakeType::SERVER_HELLO_DONE) => 7,
        (Side::Server, HandshakeType::NEW_SESSION_TICKET) => 8,
        _ => return None,
    })
}

impl Observed {
    /// The first thing of this side that does not belong where it stands: a message twice, before its time, or one that is skipped. Nothing
    /// is said of a handshake of which a part is missing.
    pub(crate) fn disorder(&self, side: Side) -> Option<Breach> {
        if self.lost.iter().any(Option::is_some) || self.tcp.started_midway() {
            return None;
        }
        self.data_before_hello(side)
            .or_else(|| self.message_out_of_place(side))
            .or_else(|| self.skipped(side))
            .or_else(|| self.unannounced(side))
    }

    /// The server answers the ClientHello with a record that is encrypted already.
    fn data_before_hello(&self, side: Side) -> Option<Breach> {
        let First::Tls(span) = &self.first[Side::Server] else {
            return None;
        };
        let record = self.records[Side::Server].first().first()?;
        let is_first = record.mark.frame <= span.mark.frame && record.content_type == APPLICATION_DATA;
        let nothing_before = !self.messages.iter().any(|message| message.span.from() == Side::Server);
        (side == Side::Server && self.offer.is_seen() && is_first && nothing_before).then(|| {
            let what = format!(
                "answers the ClientHello with application data ({} bytes) instead of a ServerHello",
                record.len
            );
            Breach::new(*span, what, "RFC 9846 §2")
        })
    }

    fn message_out_of_place(&self, side: Side) -> Option<Breach> {
        let mut reached = None;
        // A HelloRetryRequest is a ServerHello, and asks for another ClientHello.
        let mut hellos_left = 1 + usize::from(self.retry.is_some());
        for message in self.messages.iter().filter(|message| message.span.from() == side) {
            let Some(here) = place(side, message.kind) else {
                continue;
            };
            if here == 1 && hellos_left > 0 {
                hellos_left -= 1;
                if reached.is_none_or(|reached| reached == 1) {
                    reached = Some(1);
                    continue;
                }
            }
            if let Some(reached) = reached.filter(|reached| here <= *reached) {
                let what = if here == reached || self.count(side, message.kind) > 1 {
                    format!("sends {} twice", message.kind)
                } else {
                    format!("sends {} too late, after messages that follow it", message.kind)
                };
                return Some(found(what, message.span));
            }
            reached = Some(here);
        }
        None
    }

    fn count(&self, side: Side, kind: HandshakeType) -> usize {
        let same = self.messages.iter().filter(|message| message.kind == kind);
        same.filter(|message| message.span.from() == side).count()
    }

    /// TLS ≤ 1.2: a message that has to be there is not.
    fn skipped(&self, side: Side) -> Option<Breach> {
        let answer = self.answer.as_ref().seen().filter(|_| !self.is_tls13())?;
        let done = self.message(Side::Server, HandshakeType::SERVER_HELLO_DONE)?;
        let first = self.change_cipher_spec[side].as_deref().copied();
        match side {
            Side::Server => {
                let is_certified = matches!(
                    answer.value.cipher_suite.authentication(),
                    Authentication::Rsa | Authentication::Ecdsa
                );
                if is_certified && self.message(Side::Server, HandshakeType::CERTIFICATE).is_none() {
                    return Some(found(
                        "sends no Certificate, which its suite needs".to_owned(),
                        done.span,
                    ));
                }
                let clients = self.change_cipher_spec[Side::Client].as_ref();
                first
                    .filter(|span| clients.is_none_or(|clients| clients.mark.frame > span.mark.frame))
                    .map(|span| found("sends ChangeCipherSpec before the client's".to_owned(), span))
            }
            Side::Client => {
                let key = self.message(Side::Client, HandshakeType::CLIENT_KEY_EXCHANGE);
                first
                    .filter(|span| key.is_none_or(|key| key.span.at > span.at))
                    .map(|span| found("sends ChangeCipherSpec before ClientKeyExchange".to_owned(), span))
            }
        }
    }

    /// TLS ≤ 1.2: a message that the ServerHello did not announce. Most clients take it.
    fn unannounced(&self, side: Side) -> Option<Breach> {
        let answer = self
            .answer
            .as_ref()
            .seen()
            .filter(|_| side == Side::Server && !self.is_tls13())?;
        let extensions = answer.value.extensions();
        let announced = |all: &[ExtensionType]| all.iter().any(|one| extensions.contains(one));
        let message = [
            (
                HandshakeType::CERTIFICATE_STATUS,
                &[ExtensionType::STATUS_REQUEST, ExtensionType::STATUS_REQUEST_V2][..],
            ),
            (HandshakeType::NEW_SESSION_TICKET, &[ExtensionType::SESSION_TICKET]),
        ]
        .into_iter()
        .filter(|(_, by)| !announced(by))
        .find_map(|(kind, _)| self.message(Side::Server, kind))?;
        Some(Breach {
            is_minor: true,
            ..found(
                format!("sends {}, which its ServerHello does not announce", message.kind),
                message.span,
            )
        })
    }
}

fn found(what: String, span: Span) -> Breach {
    Breach::new(span, what, "RFC 5246 §7.3")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::testing::*;

    fn told(scene: Scene, side: Side) -> Option<String> {
        scene.seen().disorder(side).map(|breach| breach.what)
    }

    fn hello() -> Scene {
        connected().client_hello(Hello::tls12)
    }

    #[test]
    fn ordinary_handshakes_are_in_order() {
        for scene in [
            || hello().server_flight(&[b"leaf"]).finished_by_both(),
            || {
                hello()
                    .server_flight_asking(&[b"leaf"])
                    .certificate(Client, &[])
                    .client_key_exchange()
                    .finished(Client)
            },
            || {
                hello()
                    .server_hello_with(0x0303, 0xc02f, ServersHello::resumes)
                    .finished(Server)
                    .finished(Client)
            },
            || {
                connected()
                    .client_hello(|hello| hello)
                    .retry_request(0x1301)
                    .client_hello(|hello| hello.groups(&[23]))
                    .server_hello(0x0304, 0x1301)
                    .sealed(Server, &[40, 2_000, 281, 53])
            },
            || hello().alert(Server, 2, 40),
        ] as [fn() -> Scene; 5]
        {
            for side in [Client, Server] {
                assert_eq!(told(scene(), side), None);
            }
        }
    }

    #[test]
    fn a_message_comes_once() {
        let twice = hello()
            .server_hello(0x0303, 0xc02f)
            .certificate(Server, &[b"leaf"])
            .certificate(Server, &[b"leaf"])
            .server_key_exchange(29);
        assert_eq!(told(twice, Server).as_deref(), Some("sends certificate twice"));
        let hellos = connected().client_hello(Hello::tls12).client_hello(Hello::tls12);
        assert_eq!(told(hellos, Client).as_deref(), Some("sends client_hello twice"));
    }

    #[test]
    fn a_message_comes_in_its_turn() {
        let late = hello()
            .server_hello(0x0303, 0xc02f)
            .server_key_exchange(29)
            .certificate(Server, &[b"leaf"]);
        assert!(told(late, Server).is_some_and(|what| what.contains("certificate too late")));
    }

    #[test]
    fn a_second_retry_request_is_one_hello_too_many() {
        let scene = connected()
            .client_hello(|hello| hello)
            .retry_request(0x1301)
            .client_hello(|hello| hello.groups(&[23]))
            .retry_request(0x1301)
            .retry_request(0x1301);
        assert_eq!(told(scene, Server).as_deref(), Some("sends server_hello twice"));
    }

    #[test]
    fn keys_do_not_begin_before_they_are_made() {
        let early = hello().server_flight(&[b"leaf"]).finished(Client);
        assert!(told(early, Client).is_some_and(|what| what.contains("before ClientKeyExchange")));
        let early = hello().server_flight(&[b"leaf"]).finished(Server);
        assert!(told(early, Server).is_some_and(|what| what.contains("before the client's")));
    }

    #[test]
    fn a_server_that_has_to_show_a_certificate_does() {
        let flight = |suite| hello().server_hello(0x0303, suite).server_hello_done();
        assert!(told(flight(0xc02f), Server).is_some_and(|what| what.contains("no Certificate")));
        assert_eq!(told(flight(0x00a8), Server), None);
    }

    #[test]
    fn application_data_is_no_answer_to_a_hello() {
        let scene = hello().sealed(Server, &[64]);
        assert!(told(scene, Server).is_some_and(|what| what.contains("instead of a ServerHello")));
        let hidden = hello()
            .off_camera(|scene| scene.server_hello(0x0303, 0xc02f))
            .sealed(Server, &[64]);
        assert_eq!(told(hidden, Server), None);
    }

    #[test]
    fn a_status_that_nobody_announced_is_minor() {
        let scene = hello()
            .server_hello(0x0303, 0xc02f)
            .certificate(Server, &[b"leaf"])
            .certificate_status(b"status")
            .server_key_exchange(29);
        let breach = scene.seen().disorder(Server).unwrap();
        assert!(
            breach.is_minor && breach.what.contains("does not announce"),
            "{}",
            breach.what
        );
    }
}
