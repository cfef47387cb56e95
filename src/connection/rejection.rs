//! Did a side turn the other's certificate down? The signs of it, told apart by how much each proves.

use crate::connection::{Act, ClientReply, Observed, ServerReply};
use crate::evidence::{Mark, Seen, Side};
use crate::registry::{AlertDescription, HandshakeType};

/// Seconds after completion within which a client that only wanted to check the certificate is gone.
const LEAVES_WITHIN: f64 = 2.0;

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

/// A side turned the peer's certificate down, or may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rejection {
    /// By what sign.
    pub(crate) sign: Sign,
    /// The packet that shows it.
    pub(crate) mark: Mark,
}

/// The alerts that speak of the peer's certificate (RFC 9846 §6.2).
fn is_about_certificates(description: AlertDescription) -> bool {
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
        let rejection = |sign| Some(Rejection { sign, mark: end.mark });
        match end.act {
            Act::Alert(alert) if alert.description == AlertDescription::CLOSE_NOTIFY => rejection(Sign::CloseNotify),
            Act::Alert(alert) if is_about_certificates(alert.description) => rejection(Sign::Alert(alert.description)),
            // Perl and HAProxy say internal_error for a name, OpenSSL and rustls decrypt_error for a weak signature,
            // OpenSSL's callbacks handshake_failure: a clear alert between Certificate and the client's keys.
            Act::Alert(alert)
                if matches!(
                    alert.description,
                    AlertDescription::INTERNAL_ERROR | AlertDescription::HANDSHAKE_FAILURE
                ) && (sealed.is_some() || self.server_hello_done() && self.change_cipher_spec[0].is_none()) =>
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
            Act::Fin | Act::Reset => {
                let saw_flight = sealed.is_some() || self.server_hello_done();
                if saw_flight { rejection(Sign::Left) } else { None }
            }
            Act::Silence => None,
        }
    }

    /// The client finished the handshake, sent nothing, and was gone at once.
    fn left_after_completion(&self) -> Option<Rejection> {
        let completion = self.completion()?;
        if self.client_sent_data() {
            return None;
        }
        let sides = &self.tcp.side(Side::Client);
        let left = sides.first_ending()?.mark;
        let soon = match (left.time, completion.time) {
            (Some(left), Some(completion)) => left.since(completion) <= LEAVES_WITHIN,
            _ => true,
        };
        soon.then_some(Rejection {
            sign: Sign::LeftAfterCompletion,
            mark: left,
        })
    }

    /// The server's sign of not taking what the client showed for a certificate, be it none at all.
    pub(crate) fn client_certificate_rejection(&self) -> Option<Rejection> {
        let end = self.end();
        if end.by != Some(Side::Server) {
            return None;
        }
        let rejection = |sign| Some(Rejection { sign, mark: end.mark });
        if let Some(sealed) = self.sealed() {
            let ClientReply::Accepted { finished, .. } = sealed.client else {
                return None;
            };
            if end.mark.frame < finished.mark.frame || self.completed() {
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
