//! How a connection ended, and how far its handshake had come.

use crate::connection::{AlertSeen, ClientReply, Observed, RecordLog, RecordSeen, ServerReply};
use crate::evidence::{Mark, Side};
use crate::registry::{AlertDescription, AlertLevel, HandshakeType};
use crate::stream::EndingKind;
use crate::tls::{ALERT, APPLICATION_DATA, HANDSHAKE};

/// The act that ended an attempt for good.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// An alert in the clear that ends the handshake.
    Alert(AlertSeen),
    /// A record that can only be an alert, or has an alert's size where one would stand.
    HiddenAlert(RecordSeen),
    /// The side closed.
    Fin,
    /// The side reset.
    Reset,
    /// Nothing ended it: silence until the capture's end.
    Silence,
}

/// Who ended a connection, how, and where that stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    /// The side whose act it was; `None` for silence.
    pub(crate) by: Option<Side>,
    /// What it did.
    pub(crate) act: Act,
    /// The packet; for silence the last packet.
    pub(crate) mark: Mark,
}

impl Observed {
    /// The first clear alert that ends the handshake: fatal by its level, or by what follows.
    ///
    /// A warning (TLS ≤ 1.2) lets the handshake go on, so it counts only where its sender then leaves without another message.
    /// In TLS 1.3 the level means nothing, and every alert but close_notify and user_canceled is fatal (RFC 9846 §6).
    pub(crate) fn fatal_alert(&self) -> Option<&AlertSeen> {
        self.alerts.iter().find(|alert| {
            let quiet = matches!(
                alert.description,
                AlertDescription::CLOSE_NOTIFY | AlertDescription::USER_CANCELED
            );
            if alert.level == AlertLevel::FATAL {
                return !quiet;
            }
            !quiet && self.says_nothing_after(alert)
        })
    }

    /// The first close_notify or user_canceled in the clear.
    pub(crate) fn goodbye(&self) -> Option<&AlertSeen> {
        let is_goodbye = |alert: &&AlertSeen| {
            matches!(
                alert.description,
                AlertDescription::CLOSE_NOTIFY | AlertDescription::USER_CANCELED
            )
        };
        self.alerts.iter().find(is_goodbye)
    }

    fn says_nothing_after(&self, alert: &AlertSeen) -> bool {
        let (side, frame) = (alert.span.from(), alert.span.mark.frame);
        let message_after = self.messages.iter().any(|message| message.span.mark.frame > frame);
        let record_after = self
            .records
            .iter()
            .filter_map(RecordLog::last)
            .any(|record| record.mark.frame > frame);
        !message_after && !record_after && self.tcp.side(side).first_ending().is_some()
    }

    /// True where the handshake was completed, as far as the packets tell (RFC 5246 §7.3, RFC 9846 §2).
    pub(crate) fn completed(&self) -> bool {
        self.completion().is_some()
    }

    /// The packet with which the handshake was complete.
    pub(crate) fn completion(&self) -> Option<Mark> {
        if self.answer.as_ref().seen().is_none() && self.lost.iter().all(Option::is_none) && !self.tcp.started_midway()
        {
            return None;
        }
        match self.sealed() {
            Some(sealed) => {
                let ClientReply::Accepted { finished, .. } = sealed.client else {
                    return None;
                };
                match sealed.server {
                    ServerReply::WentOn(record) => Some(record.mark),
                    // The server's alert is an orderly close where the client had said goodbye before.
                    ServerReply::Refused(alert) => self.client_left_before(alert.mark.frame).then_some(finished.mark),
                    ServerReply::Nothing => {
                        let by_server = self
                            .tcp
                            .first_ending()
                            .is_some_and(|ending| ending.from == Side::Server);
                        (!by_server && self.tcp.first_ending().is_some()).then_some(finished.mark)
                    }
                }
            }
            None => self.completion_of_12().or_else(|| self.completion_before_the_capture()),
        }
    }

    /// Data both ways in a connection without a beginning: its handshake was completed before the capture.
    fn completion_before_the_capture(&self) -> Option<Mark> {
        if !self.tcp.started_midway() || self.offer.is_seen() {
            return None;
        }
        let data = |side: Side| {
            let records = self.records[side].first();
            records
                .iter()
                .find(|record| record.content_type == APPLICATION_DATA)
                .map(|record| record.mark)
        };
        let (client, server) = (data(Side::Client)?, data(Side::Server)?);
        Some(if client.frame > server.frame { client } else { server })
    }

    /// TLS ≤ 1.2: ChangeCipherSpec and a hidden handshake record from both sides.
    fn completion_of_12(&self) -> Option<Mark> {
        let finished = |side: Side| {
            self.change_cipher_spec[side].as_ref()?;
            self.records[side]
                .first()
                .iter()
                .find(|record| record.content_type == HANDSHAKE)
                .map(|record| record.mark)
        };
        let (client, server) = (finished(Side::Client)?, finished(Side::Server)?);
        Some(if client.frame > server.frame { client } else { server })
    }

    /// True where the client sent FIN, RST or an alert before this frame.
    fn client_left_before(&self, frame: u64) -> bool {
        let ended = self
            .tcp
            .side(Side::Client)
            .first_ending()
            .is_some_and(|ending| ending.mark.frame < frame);
        let Some(sealed) = self.sealed() else { return ended };
        let ClientReply::Accepted { finished, .. } = sealed.client else {
            return ended;
        };
        let sizes = self
            .answer
            .as_ref()
            .seen()
            .map(|answer| super::sealed::Sizes::of(answer.value.cipher_suite));
        let goodbye = self.records[Side::Client].last().is_some_and(|record| {
            record.mark.frame > finished.mark.frame
                && record.mark.frame < frame
                && sizes.is_some_and(|sizes| sizes.is_alert_beside(Some(finished.len), record.len))
        });
        ended || goodbye
    }

    /// True where the client sent application data of its own.
    pub(crate) fn client_sent_data(&self) -> bool {
        match self.sealed() {
            Some(sealed) => sealed.client_data > 0,
            None => self.sent_data(Side::Client),
        }
    }

    /// TLS ≤ 1.2: an application data record of this side.
    pub(crate) fn sent_data(&self, side: Side) -> bool {
        self.records[side]
            .kept()
            .iter()
            .any(|record| record.content_type == APPLICATION_DATA)
    }

    /// The first hidden record of a side that is an alert: by its type in TLS ≤ 1.2, by its size in TLS 1.3.
    pub(crate) fn hidden_alert(&self) -> Option<(Side, RecordSeen)> {
        if let Some(sealed) = self.sealed() {
            return match (sealed.client, sealed.server) {
                (ClientReply::Refused(record), _) => Some((Side::Client, record)),
                (ClientReply::Accepted { .. }, ServerReply::Refused(record)) => Some((Side::Server, record)),
                (ClientReply::Nothing, _) => sealed.broken_off.map(|record| (Side::Server, record)),
                _ => None,
            };
        }
        let first = |side: Side| {
            self.records[side]
                .kept()
                .iter()
                .find(|record| record.content_type == ALERT)
                .map(|record| (side, *record))
        };
        [first(Side::Client), first(Side::Server)]
            .into_iter()
            .flatten()
            .min_by_key(|(_, record)| record.mark.frame)
    }

    /// What ended the connection: an alert before a close, a close before silence, and the first of each. A reset after an alert
    /// or a close is the kernel's cleaning up and ends nothing.
    pub(crate) fn end(&self) -> End {
        let clear = self.fatal_alert().map(|alert| End {
            by: Some(alert.span.from()),
            act: Act::Alert(*alert),
            mark: alert.span.mark,
        });
        let hidden = self.hidden_alert().map(|(side, record)| End {
            by: Some(side),
            act: Act::HiddenAlert(record),
            mark: record.mark,
        });
        let notify = self.goodbye().map(|alert| End {
            by: Some(alert.span.from()),
            act: Act::Alert(*alert),
            mark: alert.span.mark,
        });
        let closed = self.tcp.first_ending().map(|ending| End {
            by: Some(ending.from),
            act: if ending.kind == EndingKind::Rst {
                Act::Reset
            } else {
                Act::Fin
            },
            mark: ending.mark,
        });
        // Of one packet the alert counts, not the FIN with it: the first of equals is taken.
        [clear, hidden, notify, closed]
            .into_iter()
            .flatten()
            .min_by_key(|end| end.mark.frame)
            .unwrap_or_else(|| End {
                by: None,
                act: Act::Silence,
                mark: self.closing(),
            })
    }

    /// The alert with which `side` refused the ClientHello: a clear fatal one before any ServerHello of its own.
    pub(crate) fn refusal_of_the_hello(&self) -> Option<&AlertSeen> {
        let alert = self.fatal_alert()?;
        let before_answer = match self.answer.as_ref().seen() {
            Some(answer) => alert.span.mark.frame < answer.span.mark.frame,
            None => true,
        };
        (alert.span.from() == Side::Server && before_answer && self.offer.is_seen()).then_some(alert)
    }

    /// The close_notify that is the server's only word to the ClientHello: s2n-tls says so for nearly everything that it refuses.
    pub(crate) fn goodbye_to_the_hello(&self) -> Option<&AlertSeen> {
        let goodbye = self.goodbye().filter(|alert| alert.span.from() == Side::Server)?;
        let is_only_word =
            self.answer.as_ref().seen().is_none() && self.retry.is_none() && self.fatal_alert().is_none();
        (is_only_word && self.offer.is_seen()).then_some(goodbye)
    }

    /// True where the server's first flight arrived in full (TLS ≤ 1.2: ServerHelloDone).
    pub(crate) fn server_hello_done(&self) -> bool {
        self.message(Side::Server, HandshakeType::SERVER_HELLO_DONE).is_some()
    }

    /// True where the server's first flight, as far as it shows (TLS 1.3: its first record), came before this packet. Who leaves without it
    /// has not read it, though the server may send it all the same.
    pub(crate) fn answered_before(&self, packet: Mark) -> bool {
        let flight = match self.sealed() {
            Some(sealed) => sealed.flight.first().map(|record| record.mark),
            None => self
                .message(Side::Server, HandshakeType::SERVER_HELLO_DONE)
                .map(|done| done.span.mark),
        };
        flight.is_some_and(|flight| flight.frame < packet.frame)
    }

    /// Seconds from a packet to what ended the connection; where nothing did, as long as it was watched.
    pub(crate) fn waited_since(&self, mark: Mark) -> f64 {
        let end = self.end();
        let since = |later: Mark| Some(later.time?.since(mark.time?));
        let watched = if matches!(end.act, Act::Silence) {
            self.silence_watched()
        } else {
            None
        };
        since(end.mark).unwrap_or_default() + watched.unwrap_or_default()
    }

    /// Seconds of capture that were watched after the last packet of this connection.
    pub(crate) fn silence_watched(&self) -> Option<f64> {
        Some(self.capture_end?.since(self.closing().time?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::testing::*;

    fn hello() -> Scene {
        connected().client_hello(Hello::tls12)
    }

    /// TLS 1.3, up to the server's Finished.
    fn sealed() -> Scene {
        connected()
            .client_hello(|hello| hello)
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 2_000, 281, 53])
    }

    fn completion(scene: Scene) -> Option<(Side, u64)> {
        scene.seen().completion().map(|mark| (mark.from, mark.frame))
    }

    #[test]
    fn tls_1_2_is_complete_with_the_servers_finished() {
        let scene = hello().server_flight(&[b"leaf"]).client_key_exchange().finished(Client);
        let frame = scene.frame() + 1;
        assert_eq!(completion(scene.finished(Server)), Some((Server, frame)));
        assert_eq!(
            completion(hello().server_flight(&[b"leaf"]).client_key_exchange().finished(Client)),
            None
        );
    }

    #[test]
    fn a_resumption_of_tls_1_2_is_complete_with_the_clients_finished() {
        let scene = hello()
            .server_hello_with(0x0303, 0xc02f, ServersHello::resumes)
            .finished(Server);
        let frame = scene.frame() + 1;
        assert_eq!(completion(scene.finished(Client)), Some((Client, frame)));
    }

    #[test]
    fn change_cipher_spec_alone_completes_nothing() {
        let scene = hello()
            .server_flight(&[b"leaf"])
            .client_key_exchange()
            .finished(Client)
            .change_cipher_spec(Server);
        assert_eq!(completion(scene), None);
    }

    #[test]
    fn tls_1_3_is_complete_when_the_server_goes_on_after_the_clients_finished() {
        assert_eq!(completion(sealed()), None);
        assert_eq!(completion(sealed().sealed(Client, &[53])), None);
        let scene = sealed().sealed(Client, &[53]);
        let frame = scene.frame() + 1;
        assert_eq!(completion(scene.sealed(Server, &[255])), Some((Server, frame)));
    }

    #[test]
    fn tls_1_3_is_not_complete_where_the_server_answers_finished_with_an_alert() {
        assert_eq!(
            completion(sealed().sealed(Client, &[53]).sealed(Server, &[19]).fin(Server)),
            None
        );
        assert_eq!(completion(sealed().sealed(Client, &[53]).fin(Server)), None);
    }

    #[test]
    fn a_client_that_finishes_and_leaves_first_has_completed_tls_1_3() {
        let scene = sealed().sealed(Client, &[53]);
        let frame = scene.frame();
        assert_eq!(completion(scene.fin(Client).fin(Server)), Some((Client, frame)));
        // Its goodbye is answered by the server's: no refusal.
        let goodbyes = sealed()
            .sealed(Client, &[53, 19])
            .fin(Client)
            .sealed(Server, &[19])
            .fin(Server);
        assert_eq!(completion(goodbyes), Some((Client, frame)));
    }

    #[test]
    fn a_fatal_alert_counts_before_what_follows_it() {
        let seen = hello().alert(Server, 2, 40).fin(Server).reset(Client).seen();
        let end = seen.end();
        assert_eq!((end.by, end.mark.frame), (Some(Server), 5));
        assert!(matches!(end.act, Act::Alert(alert) if alert.description == AlertDescription::HANDSHAKE_FAILURE));
    }

    #[test]
    fn of_one_packet_the_alert_counts_and_not_the_fin_with_it() {
        let seen = hello()
            .in_one_packet(Server, |scene| scene.alert(Server, 2, 40).fin(Server))
            .seen();
        assert!(matches!(seen.end().act, Act::Alert(_)));
    }

    #[test]
    fn what_comes_first_ended_it() {
        let ended = |scene: Scene| {
            let end = scene.seen().end();
            (end.by, end.act)
        };
        assert!(matches!(
            ended(hello().fin(Client).alert(Server, 2, 40)),
            (Some(Client), Act::Fin)
        ));
        assert!(matches!(
            ended(hello().fin(Client).reset(Server)),
            (Some(Client), Act::Fin)
        ));
        assert!(matches!(
            ended(hello().reset(Server).fin(Client)),
            (Some(Server), Act::Reset)
        ));
        assert!(matches!(ended(hello()), (None, Act::Silence)));
    }

    #[test]
    fn a_warning_ends_nothing_while_its_sender_goes_on() {
        let seen = hello().alert(Server, 1, 112).server_flight(&[b"leaf"]).seen();
        assert!(seen.fatal_alert().is_none());
    }

    #[test]
    fn a_warning_whose_sender_leaves_is_fatal() {
        let seen = hello()
            .server_flight(&[b"leaf"])
            .alert(Client, 1, 46)
            .fin(Client)
            .seen();
        assert_eq!(
            seen.fatal_alert().map(|alert| alert.description),
            Some(AlertDescription::CERTIFICATE_UNKNOWN)
        );
    }

    #[test]
    fn close_notify_is_no_fatal_alert_and_ends_the_connection() {
        let seen = hello()
            .server_hello(0x0303, 0xc02f)
            .alert(Client, 1, 0)
            .fin(Client)
            .seen();
        assert!(seen.fatal_alert().is_none());
        assert_eq!(seen.end().by, Some(Client));
        assert!(matches!(seen.end().act, Act::Alert(alert) if alert.description == AlertDescription::CLOSE_NOTIFY));
    }

    #[test]
    fn an_encrypted_alert_of_tls_1_2_keeps_its_type() {
        let seen = hello()
            .server_flight(&[b"leaf"])
            .finished_by_both()
            .record(Client, ALERT, &[7; 26])
            .seen();
        assert!(matches!(seen.end().act, Act::HiddenAlert(record) if record.len == 26));
        assert_eq!(seen.hidden_alert().map(|(side, _)| side), Some(Client));
    }

    #[test]
    fn an_encrypted_alert_of_tls_1_3_is_known_by_its_size() {
        let seen = sealed().sealed(Client, &[19]).fin(Client).seen();
        assert!(matches!(seen.end().act, Act::HiddenAlert(record) if record.len == 19));
        assert_eq!(seen.end().by, Some(Client));
    }

    #[test]
    fn a_refusal_of_the_hello_comes_from_the_server_and_before_its_answer() {
        assert!(hello().alert(Server, 2, 40).seen().refusal_of_the_hello().is_some());
        assert!(hello().alert(Client, 2, 40).seen().refusal_of_the_hello().is_none());
        assert!(
            hello()
                .server_hello(0x0303, 0xc02f)
                .alert(Server, 2, 40)
                .seen()
                .refusal_of_the_hello()
                .is_none()
        );
    }

    #[test]
    fn a_goodbye_to_the_hello_is_the_servers_only_word() {
        assert!(
            hello()
                .alert(Server, 1, 0)
                .fin(Server)
                .seen()
                .goodbye_to_the_hello()
                .is_some()
        );
        assert!(
            hello()
                .alert(Client, 1, 0)
                .fin(Client)
                .seen()
                .goodbye_to_the_hello()
                .is_none()
        );
        let later = hello().server_hello(0x0303, 0xc02f).alert(Server, 1, 0).fin(Server);
        assert!(later.seen().goodbye_to_the_hello().is_none());
    }

    #[test]
    fn an_alert_right_behind_the_servers_hello_is_the_servers() {
        let hello = || connected().client_hello(|hello| hello).server_hello(0x0304, 0x1301);
        let seen = hello().sealed(Server, &[19]).fin(Client).fin(Server).seen();
        assert_eq!((seen.end().by, seen.end().mark.frame), (Some(Server), 6));
        let seen = hello().sealed(Server, &[40, 19]).fin(Client).seen();
        assert_eq!(seen.end().by, Some(Server));
        // A certificate came first: that may be a goodbye, or the answer to the client's.
        let seen = hello().sealed(Server, &[1_200, 19]).fin(Client).seen();
        assert_eq!(seen.end().by, Some(Client));
        // EncryptedExtensions with "h2" has the size of an alert by Mbed TLS.
        let seen = hello().sealed(Server, &[32]).fin(Client).fin(Server).seen();
        assert_eq!(seen.end().by, Some(Client));
    }

    #[test]
    fn one_waits_until_the_end_or_as_long_as_somebody_watches() {
        let waited = |scene: Scene| {
            let seen = scene.seen();
            seen.waited_since(seen.offer.as_ref().seen().unwrap().span.mark)
        };
        assert!((waited(hello().wait(7.5)) - 7.5).abs() < 0.001);
        assert!((waited(hello().wait(7.5).fin(Server).wait(20.0)) - 7.51).abs() < 0.001);
    }

    #[test]
    fn silence_is_what_the_capture_watched_after_the_last_packet() {
        let seen = hello().wait(7.5).seen();
        assert_eq!(seen.silence_watched(), Some(7.5));
    }

    #[test]
    fn application_data_is_told_from_the_handshake() {
        let complete = || hello().server_flight(&[b"leaf"]).finished_by_both();
        assert!(!complete().seen().client_sent_data());
        assert!(complete().sealed(Client, &[80]).seen().client_sent_data());
        assert!(!complete().sealed(Server, &[80]).seen().client_sent_data());
        assert!(complete().sealed(Server, &[80]).seen().sent_data(Server));
    }
}
