//! How a connection ended, and how far its handshake had come.

use crate::connection::{AlertSeen, ClientReply, Observed, RecordSeen, ServerReply};
use crate::evidence::{Mark, Side};
use crate::registry::{AlertDescription, AlertLevel, HandshakeType};
use crate::stream::EndingKind;

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

    /// The first close_notify in the clear.
    pub(crate) fn close_notify(&self) -> Option<&AlertSeen> {
        self.alerts
            .iter()
            .find(|alert| alert.description == AlertDescription::CLOSE_NOTIFY)
    }

    fn says_nothing_after(&self, alert: &AlertSeen) -> bool {
        let (side, frame) = (alert.span.from(), alert.span.mark.frame);
        let message_after = self.messages.iter().any(|message| message.span.mark.frame > frame);
        let record_after = self
            .records
            .iter()
            .flat_map(|log| &log.last)
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
            None => self.completion_of_12(),
        }
    }

    /// TLS ≤ 1.2: ChangeCipherSpec and a hidden handshake record from both sides.
    fn completion_of_12(&self) -> Option<Mark> {
        let finished = |side: Side| {
            self.change_cipher_spec[side.index()]?;
            self.records[side.index()]
                .first
                .iter()
                .find(|record| record.content_type == 22)
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
        let goodbye = self.records[Side::Client.index()].last.is_some_and(|record| {
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
        let log = &self.records[side.index()];
        log.first
            .iter()
            .chain(&log.last)
            .any(|record| record.content_type == 23)
    }

    /// The first hidden record of a side that is an alert: by its type in TLS ≤ 1.2, by its size in TLS 1.3.
    pub(crate) fn hidden_alert(&self) -> Option<(Side, RecordSeen)> {
        if let Some(sealed) = self.sealed() {
            return match (sealed.client, sealed.server) {
                (ClientReply::Refused(record), _) => Some((Side::Client, record)),
                (ClientReply::Accepted { .. }, ServerReply::Refused(record)) => Some((Side::Server, record)),
                _ => None,
            };
        }
        let first = |side: Side| {
            let log = &self.records[side.index()];
            log.first
                .iter()
                .chain(&log.last)
                .find(|record| record.content_type == 21)
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
        let notify = self.close_notify().map(|alert| End {
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
            .unwrap_or(End {
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

    /// True where the server's first flight arrived in full (TLS ≤ 1.2: ServerHelloDone).
    pub(crate) fn server_hello_done(&self) -> bool {
        self.message(Side::Server, HandshakeType::SERVER_HELLO_DONE).is_some()
    }

    /// Seconds of capture that were watched after the last packet of this connection.
    pub(crate) fn silence_watched(&self) -> Option<f64> {
        Some(self.capture_end?.since(self.closing().time?))
    }
}
