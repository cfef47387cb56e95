//! Did a side turn the other's certificate down? The signs of it, told apart by how much each proves.

use crate::connection::sealed::Sizes;
use crate::connection::{Act, ClientReply, Observed, ServerReply};
use crate::evidence::{Mark, Seen, Side};
use crate::registry::{AlertDescription, HandshakeType};
use crate::tls::{ALERT, ClientStack};

/// Seconds after completion within which a client that only wanted to check the certificate is gone.
const LEAVES_WITHIN: f64 = 2.0;

/// Seconds after the flight within which a program closes that refuses the certificate in silence: it needs milliseconds, and one way back.
const CLOSES_WITHIN: f64 = 1.0;

/// How a side showed that it does not take the peer's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// A clear alert that is about certificates.
    Alert(AlertDescription),
    /// An encrypted record that is an alert, by its type or its size.
    HiddenAlert(u16),
    /// A close_notify in mid-handshake, in the clear.
    CloseNotify,
    /// It closed or reset right after the peer's flight, without a word.
    Left,
    /// It completed the handshake and left at once, without sending data.
    LeftAfterCompletion,
}

/// What the client's other connections, and other clients, say for a sign that may mean something else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Support {
    /// Nothing.
    #[default]
    None,
    /// The client does so again and again.
    Repeated,
    /// Others go on, and send data.
    OthersGoOn,
    /// The client does so at regular intervals and never sends data, as a check does.
    Against,
}

/// A side turned the peer's certificate down, or may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rejection {
    /// By what sign.
    pub(crate) sign: Sign,
    /// What others say for it; looked at for [`Sign::LeftAfterCompletion`] only.
    pub(crate) support: Support,
    /// The packet that shows it.
    pub(crate) mark: Mark,
}

impl Rejection {
    /// A sign in this packet.
    pub(crate) const fn new(sign: Sign, mark: Mark) -> Self {
        Self {
            sign,
            support: Support::None,
            mark,
        }
    }

    /// True where an alert says in clear that it is the certificate that is not taken.
    pub(crate) fn names_a_certificate(&self) -> bool {
        matches!(self.sign, Sign::Alert(description) if is_about_certificates(description))
    }
}

/// The alerts that speak of the peer's certificate (RFC 9846 §6.2).
pub(crate) const fn is_about_certificates(description: AlertDescription) -> bool {
    matches!(
        description,
        AlertDescription::BAD_CERTIFICATE
            | AlertDescription::UNSUPPORTED_CERTIFICATE
            | AlertDescription::CERTIFICATE_REVOKED
            | AlertDescription::CERTIFICATE_EXPIRED
            | AlertDescription::CERTIFICATE_UNKNOWN
            | AlertDescription::UNKNOWN_CA
            | AlertDescription::ACCESS_DENIED
            | AlertDescription::BAD_CERTIFICATE_STATUS_RESPONSE
    )
}

/// The alerts that may speak of a certificate where they come between it and the client's keys: Perl and HAProxy say internal_error for a
/// name, OpenSSL and rustls decrypt_error for a signature, Go and wolfSSL decode_error for what they cannot read, NSS insufficient_security
/// for a short key, OpenSSL's callbacks handshake_failure.
fn is_of_many_meanings(description: AlertDescription) -> bool {
    matches!(
        description,
        AlertDescription::INTERNAL_ERROR
            | AlertDescription::HANDSHAKE_FAILURE
            | AlertDescription::DECRYPT_ERROR
            | AlertDescription::DECODE_ERROR
            | AlertDescription::INSUFFICIENT_SECURITY
    )
}

impl Observed {
    /// The client's sign of not taking the server's certificate, if there is one.
    pub(crate) fn server_certificate_rejection(&self) -> Option<Rejection> {
        let end = self.end();
        let sealed = self.sealed();
        let sent_certificate = match (&sealed, &self.server_chain) {
            (Some(sealed), _) => !sealed.flight.is_empty() && !sealed.resumed && !self.resumed(),
            (None, Seen::Seen(chain)) => !chain.value.is_empty(),
            (None, Seen::Absent) => false,
            // A hole in the capture: only an alert about certificates shows that there was one.
            (None, Seen::Unknown(_)) => {
                matches!(end.act, Act::Alert(alert) if is_about_certificates(alert.description))
            }
        };
        if !sent_certificate {
            return None;
        }
        if end.by != Some(Side::Client) {
            // The server's own alert or close in answer to what the client did is not the client's word.
            return self.left_after_completion();
        }
        let rejection = |sign| Some(Rejection::new(sign, end.mark));
        match end.act {
            Act::Alert(alert) if alert.description == AlertDescription::CLOSE_NOTIFY => rejection(Sign::CloseNotify),
            Act::Alert(alert) if is_about_certificates(alert.description) => rejection(Sign::Alert(alert.description)),
            Act::Alert(alert)
                if is_of_many_meanings(alert.description)
                    && (sealed.is_some()
                        || self.server_hello_done() && self.change_cipher_spec[Side::Client].is_none()) =>
            {
                rejection(Sign::Alert(alert.description))
            }
            Act::Alert(_) => None,
            Act::HiddenAlert(record) if sealed.is_some() => rejection(Sign::HiddenAlert(record.len)),
            Act::HiddenAlert(record) => {
                // TLS ≤ 1.2: Firefox judges while it goes on and says so after both Finished; a close_notify looks the same.
                if self.client_sent_data() {
                    None
                } else if self.completed() {
                    self.left_after_completion()
                } else {
                    rejection(Sign::HiddenAlert(record.len))
                }
            }
            Act::Fin | Act::Reset if self.completed() => self.left_after_completion(),
            Act::Fin | Act::Reset => (self.answered_before(end.mark) && !self.asks_its_user())
                .then(|| rejection(Sign::Left))
                .flatten(),
            Act::Silence => None,
        }
    }

    /// True for a hello of a browser, as far as its shape tells. Browsers judge certificates in the handshake, and hold connections to spare.
    pub(crate) fn is_by_a_browser(&self) -> bool {
        let stack = self.offer.as_ref().seen().map(|offer| offer.value.stack);
        matches!(
            stack,
            Some(ClientStack::BoringSsl | ClientStack::Apple | ClientStack::Nss)
        )
    }

    /// A browser on BoringSSL that left in silence when the server asked for a certificate: it asks its user for one, and comes back with
    /// another connection. What it does not like about the server's certificate, it says.
    pub(crate) fn asks_its_user(&self) -> bool {
        let by_browser = self
            .offer
            .as_ref()
            .seen()
            .is_some_and(|offer| offer.value.stack == ClientStack::BoringSsl);
        let end = self.end();
        by_browser
            && end.by == Some(Side::Client)
            && matches!(end.act, Act::Fin | Act::Reset)
            && match self.sealed() {
                Some(sealed) => sealed.asks_for_certificate && sealed.client == ClientReply::Nothing,
                None => {
                    self.message(Side::Server, HandshakeType::CERTIFICATE_REQUEST).is_some()
                        && self.message(Side::Client, HandshakeType::CLIENT_KEY_EXCHANGE).is_none()
                }
            }
    }

    /// A client on OpenSSL that closes at once upon the whole flight of TLS 1.3, without a record: Node.js and aiohttp refuse a certificate
    /// so, as others leave for reasons of their own.
    pub(crate) fn closes_upon_the_flight(&self) -> bool {
        let stack = self.offer.as_ref().seen().map(|offer| offer.value.stack);
        let end = self.end();
        let closes = end.by == Some(Side::Client) && matches!(end.act, Act::Fin);
        let Some(sealed) = self.sealed().filter(|_| closes && stack == Some(ClientStack::OpenSsl)) else {
            return false;
        };
        // The server may answer the close with its own goodbye.
        let read = sealed.flight.iter().rfind(|record| record.mark.frame < end.mark.frame);
        let sizes = self
            .answer
            .as_ref()
            .seen()
            .map(|answer| Sizes::of(answer.value.cipher_suite));
        let (Some(last), Some(sizes), false) = (read, sizes, sealed.resumed) else {
            return false;
        };
        let soon = match (last.mark.time, end.mark.time) {
            (Some(last), Some(left)) => left.since(last) <= CLOSES_WITHIN,
            _ => true,
        };
        sealed.client == ClientReply::Nothing && sizes.is_finished(last.len) && soon
    }

    /// The client finished the handshake, sent nothing, and was gone at once.
    fn left_after_completion(&self) -> Option<Rejection> {
        let completion = self.completion()?;
        if self.client_sent_data() {
            return None;
        }
        let closed = self.tcp.side(Side::Client).first_ending()?.mark;
        let goodbye = self.records[Side::Client]
            .last()
            .filter(|last| last.content_type == ALERT);
        let left = goodbye.map_or(closed, |alert| alert.mark);
        let server_left = self.tcp.side(Side::Server).first_ending();
        if server_left.is_some_and(|ending| ending.mark.frame < left.frame) {
            return None;
        }
        let soon = match (left.time, completion.time) {
            (Some(left), Some(completion)) => left.since(completion) <= LEAVES_WITHIN,
            _ => true,
        };
        soon.then_some(Rejection::new(Sign::LeftAfterCompletion, left))
    }

    /// The server's sign of not taking what the client showed for a certificate, be it none at all.
    pub(crate) fn client_certificate_rejection(&self) -> Option<Rejection> {
        let end = self.end();
        if end.by != Some(Side::Server) {
            return None;
        }
        let rejection = |sign| Some(Rejection::new(sign, end.mark));
        if let Some(sealed) = self.sealed() {
            let began = match sealed.client {
                ClientReply::Accepted { .. } => sealed.client.begins()?,
                ClientReply::Nothing | ClientReply::Refused(_) => return None,
            };
            if end.mark.frame < began.frame || self.completed() {
                return None;
            }
            return match (sealed.server, end.act) {
                (ServerReply::Refused(record), _) => rejection(Sign::HiddenAlert(record.len)),
                (ServerReply::Nothing, Act::Fin | Act::Reset) => rejection(Sign::Left),
                _ => None,
            };
        }
        let certificate = self.message(Side::Client, HandshakeType::CERTIFICATE)?;
        if end.mark.frame < certificate.span.mark.frame {
            return None;
        }
        match end.act {
            Act::Alert(alert) if alert.description == AlertDescription::CLOSE_NOTIFY => rejection(Sign::CloseNotify),
            Act::Alert(alert) => rejection(Sign::Alert(alert.description)),
            Act::HiddenAlert(record) if !self.sent_data(Side::Server) => rejection(Sign::HiddenAlert(record.len)),
            Act::Fin | Act::Reset if !self.completed() => rejection(Sign::Left),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::testing::*;

    fn flight() -> Scene {
        connected().client_hello(Hello::tls12).server_flight(&[b"leaf"])
    }

    fn sealed() -> Scene {
        connected()
            .client_hello(|hello| hello)
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 2_000, 281, 53])
    }

    fn by_client(scene: Scene) -> Option<Sign> {
        scene
            .seen()
            .server_certificate_rejection()
            .map(|rejection| rejection.sign)
    }

    fn by_server(scene: Scene) -> Option<Sign> {
        scene
            .seen()
            .client_certificate_rejection()
            .map(|rejection| rejection.sign)
    }

    #[test]
    fn an_alert_about_certificates_is_the_plainest_sign() {
        for description in [42, 43, 44, 45, 46, 48, 49, 113] {
            assert_eq!(
                by_client(flight().alert(Client, 2, description)),
                Some(Sign::Alert(AlertDescription(description)))
            );
        }
    }

    #[test]
    fn vague_alerts_count_between_the_certificate_and_the_clients_keys() {
        assert_eq!(
            by_client(flight().alert(Client, 2, 80)),
            Some(Sign::Alert(AlertDescription::INTERNAL_ERROR))
        );
        let unfinished = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .certificate(Server, &[b"leaf"]);
        assert_eq!(by_client(unfinished.alert(Client, 2, 40)), None);
        assert_eq!(by_client(flight().alert(Client, 2, 47)), None);
    }

    #[test]
    fn without_a_certificate_none_was_refused() {
        assert_eq!(
            by_client(
                connected()
                    .client_hello(Hello::tls12)
                    .server_hello(0x0303, 0xc02f)
                    .alert(Client, 2, 48)
            ),
            None
        );
        assert_eq!(
            by_client(connected().client_hello(Hello::tls12).alert(Client, 2, 48)),
            None
        );
    }

    #[test]
    fn leaving_right_after_the_flight_is_a_sign_that_may_mislead() {
        assert_eq!(by_client(flight().fin(Client)), Some(Sign::Left));
        assert_eq!(by_client(flight().reset(Client)), Some(Sign::Left));
        assert_eq!(
            by_client(flight().alert(Client, 1, 0).fin(Client)),
            Some(Sign::CloseNotify)
        );
    }

    #[test]
    fn a_browser_that_asks_its_user_for_a_certificate_refuses_none() {
        let asked = |sealed: bool, stack: ClientStack| {
            let scene = if sealed {
                connected()
                    .client_hello(|hello| hello)
                    .server_hello(0x0304, 0x1301)
                    .sealed(Server, &[40, 90, 2_000, 281, 53])
            } else {
                connected().client_hello(Hello::tls12).server_flight_asking(&[b"leaf"])
            };
            let mut seen = scene.fin(Client).seen();
            if let Seen::Seen(offer) = &mut seen.offer {
                std::sync::Arc::make_mut(&mut offer.value).stack = stack;
            }
            (seen.asks_its_user(), seen.server_certificate_rejection().is_some())
        };
        for sealed in [false, true] {
            assert_eq!(asked(sealed, ClientStack::BoringSsl), (true, false));
            assert_eq!(asked(sealed, ClientStack::OpenSsl), (false, true));
        }
    }

    #[test]
    fn a_flight_that_comes_when_the_client_has_left_was_not_refused() {
        let left = || connected().client_hello(Hello::tls12).fin(Client);
        assert_eq!(by_client(left().server_flight(&[b"leaf"])), None);
        let sealed = connected().client_hello(|hello| hello).fin(Client);
        let sealed = sealed
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 2_000, 281, 53]);
        assert_eq!(by_client(sealed), None);
    }

    #[test]
    fn who_closes_upon_the_flight_of_tls_1_3_closes_at_once_and_says_nothing() {
        let closes = |scene: Scene, stack| {
            let mut seen = scene.seen();
            if let Seen::Seen(offer) = &mut seen.offer {
                std::sync::Arc::make_mut(&mut offer.value).stack = stack;
            }
            seen.closes_upon_the_flight()
        };
        assert!(closes(sealed().fin(Client), ClientStack::OpenSsl));
        let answered = sealed().fin(Client).sealed(Server, &[19]);
        assert!(closes(answered, ClientStack::OpenSsl));
        assert!(!closes(sealed().fin(Client), ClientStack::Go));
        for other in [
            sealed().wait(5.0).fin(Client),
            sealed().reset(Client),
            sealed().sealed(Client, &[19]).fin(Client),
            flight().fin(Client),
        ] {
            assert!(!closes(other, ClientStack::OpenSsl));
        }
    }

    #[test]
    fn leaving_before_the_flight_is_whole_is_no_sign() {
        let scene = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .certificate(Server, &[b"leaf"]);
        assert_eq!(by_client(scene.fin(Client)), None);
    }

    #[test]
    fn a_client_that_finishes_and_leaves_at_once_checks_afterwards() {
        assert_eq!(
            by_client(flight().finished_by_both().fin(Client)),
            Some(Sign::LeftAfterCompletion)
        );
        assert_eq!(by_client(flight().finished_by_both().wait(5.0).fin(Client)), None);
        assert_eq!(
            by_client(flight().finished_by_both().sealed(Client, &[80]).fin(Client)),
            None
        );
    }

    #[test]
    fn leaving_after_completion_has_many_forms() {
        let left = Some(Sign::LeftAfterCompletion);
        // GnuTLS programs: close with Finished, or reset behind it; the server may not have heard, and sends tickets or its goodbye.
        let with_finished = || sealed().in_one_packet(Client, |scene| scene.sealed(Client, &[53]).fin(Client));
        assert_eq!(by_client(with_finished()), left);
        assert_eq!(by_client(with_finished().sealed(Server, &[255, 255])), left);
        assert_eq!(by_client(with_finished().sealed(Server, &[19]).reset(Client)), left);
        assert_eq!(by_client(sealed().sealed(Client, &[53]).reset(Client)), left);
        // curl says goodbye.
        assert_eq!(by_client(sealed().sealed(Client, &[53, 19]).fin(Client)), left);
        // Where the server speaks first, its greeting is not what the client waits for.
        let greeted = flight().finished_by_both().sealed(Server, &[90]);
        assert_eq!(by_client(greeted.record(Client, ALERT, &[7; 26]).fin(Client)), left);
        // Who asks something has no doubts.
        assert_eq!(by_client(sealed().sealed(Client, &[53, 90, 19]).fin(Client)), None);
    }

    #[test]
    fn an_encrypted_alert_without_data_before_it_is_a_sign() {
        let scene = flight()
            .client_key_exchange()
            .finished(Client)
            .record(Client, ALERT, &[7; 26]);
        assert_eq!(by_client(scene), Some(Sign::HiddenAlert(26)));
        let after_data = flight()
            .finished_by_both()
            .sealed(Client, &[80])
            .record(Client, ALERT, &[7; 26])
            .fin(Client);
        assert_eq!(by_client(after_data), None);
    }

    #[test]
    fn under_the_keys_of_tls_1_3_an_alerts_size_is_a_sign() {
        assert_eq!(by_client(sealed().sealed(Client, &[19])), Some(Sign::HiddenAlert(19)));
        assert_eq!(by_client(sealed().fin(Client)), Some(Sign::Left));
        assert_eq!(by_client(sealed().sealed(Client, &[53]).sealed(Server, &[255])), None);
    }

    #[test]
    fn a_server_that_gives_up_is_not_the_clients_sign() {
        assert_eq!(by_client(flight().alert(Server, 2, 80).fin(Client)), None);
        assert_eq!(by_client(flight().fin(Server).fin(Client)), None);
    }

    #[test]
    fn a_hole_hides_the_certificate_and_an_alert_about_it_shows_it() {
        let holed = || {
            connected()
                .client_hello(Hello::tls12)
                .off_camera(|scene| scene.server_hello(0x0303, 0xc02f).certificate(Server, &[&[0xce; 900]]))
                .server_hello_done()
        };
        assert_eq!(
            by_client(holed().alert(Client, 2, 48)),
            Some(Sign::Alert(AlertDescription::UNKNOWN_CA))
        );
        assert_eq!(by_client(holed().fin(Client)), None);
    }

    #[test]
    fn a_server_refuses_a_clients_certificate_after_it_was_shown() {
        let shown = || {
            connected()
                .client_hello(Hello::tls12)
                .server_flight_asking(&[b"leaf"])
                .certificate(Client, &[])
                .client_key_exchange()
                .finished(Client)
        };
        assert_eq!(
            by_server(shown().alert(Server, 2, 40)),
            Some(Sign::Alert(AlertDescription::HANDSHAKE_FAILURE))
        );
        assert_eq!(by_server(shown().fin(Server)), Some(Sign::Left));
        assert_eq!(by_server(shown().finished(Server).fin(Server)), None);
        assert_eq!(by_server(shown().fin(Client)), None);
        assert_eq!(
            by_server(flight().client_key_exchange().finished(Client).alert(Server, 2, 40)),
            None
        );
    }

    #[test]
    fn in_tls_1_3_a_server_may_refuse_before_the_clients_finished() {
        let shown = || sealed().sealed(Client, &[25]);
        let alert = shown().sealed(Server, &[19]).sealed(Client, &[53]);
        assert_eq!(by_server(alert), Some(Sign::HiddenAlert(19)));
        assert_eq!(by_server(shown().fin(Server).sealed(Client, &[53])), Some(Sign::Left));
        assert_eq!(by_server(sealed().fin(Server).sealed(Client, &[25, 53])), None);
    }

    #[test]
    fn in_tls_1_3_a_server_refuses_after_the_clients_finished() {
        let replied = || sealed().sealed(Client, &[25, 53]);
        assert_eq!(by_server(replied().sealed(Server, &[19])), Some(Sign::HiddenAlert(19)));
        assert_eq!(by_server(replied().fin(Server)), Some(Sign::Left));
        assert_eq!(by_server(replied().sealed(Server, &[255]).fin(Server)), None);
        assert_eq!(by_server(sealed().fin(Server)), None);
    }
}
