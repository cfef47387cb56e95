//! Reading a TLS 1.3 handshake by the lengths, order and direction of its encrypted records.
//!
//! A record's length is content + 1 + padding + tag (RFC 9846 §5.2), and the messages that end a handshake have known sizes: an alert
//! has 2 bytes, Finished 4 + the hash's length, an empty Certificate 8. JSSE pads every record by 16 bytes and Mbed TLS up to a multiple of 16;
//! everybody else pads nothing. What is read so is inferred, never certain.

mod flight;
mod sizes;

use crate::connection::{Observed, RecordSeen, Room};
use crate::evidence::{Mark, Pair};
use flight::{SMALL, read_flight};
pub(crate) use sizes::Sizes;

/// What the client sent under keys after the server's flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientReply {
    /// No record.
    Nothing,
    /// First of all a record of an alert's size: it refuses what the server sent.
    Refused(RecordSeen),
    /// Something of Finished's size or more: it accepts the server's flight. `empty_certificate`: a Certificate without certificates came with it.
    Accepted {
        /// The record that holds Finished, as far as sizes tell.
        finished: RecordSeen,
        /// An empty Certificate came before it: the server had asked for one.
        empty_certificate: Option<RecordSeen>,
        /// A larger record came before it: a certificate, by its size.
        certificate: Option<RecordSeen>,
    },
}

impl ClientReply {
    /// The packet with which it begins: that of the client's Certificate, be it empty, where there is one. Some clients send it ahead of
    /// Finished in a packet of its own.
    pub(crate) fn begins(&self) -> Option<Mark> {
        match self {
            Self::Nothing => None,
            Self::Refused(record) => Some(record.mark),
            Self::Accepted {
                finished,
                empty_certificate,
                certificate,
            } => Some(empty_certificate.or(*certificate).unwrap_or(*finished).mark),
        }
    }
}

/// What the server sent after the client's reply had begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerReply {
    /// No record.
    Nothing,
    /// A record of an alert's size and nothing else: it refuses what the client sent, be it before it has read Finished.
    Refused(RecordSeen),
    /// A larger record: session tickets or data.
    WentOn(RecordSeen),
}

/// The encrypted part of a TLS 1.3 handshake, as its record lengths tell it.
#[derive(Clone, Debug)]
pub(crate) struct Sealed<'a> {
    /// The server's records before the client's reply.
    pub(crate) flight: &'a [RecordSeen],
    /// The record that holds the server's certificates, where records are sent singly.
    pub(crate) certificate: Option<RecordSeen>,
    /// The room that they take, be it with other messages.
    pub(crate) room: Option<Room>,
    /// The server's key, by the length of its signature (CertificateVerify).
    pub(crate) key: Option<&'static str>,
    /// One more record than usual stands before the certificate: a CertificateRequest.
    pub(crate) asks_for_certificate: bool,
    /// EncryptedExtensions and Finished only: a resumption, no certificate was sent.
    pub(crate) resumed: bool,
    /// The server broke its flight off before it showed a certificate: a record that can hardly be anything but an alert ends it.
    pub(crate) broken_off: Option<RecordSeen>,
    /// The last record of the flight has the length of a Finished: it is whole.
    pub(crate) ends_with_finished: bool,
    /// What the client said to it.
    pub(crate) client: ClientReply,
    /// What the server said to that.
    pub(crate) server: ServerReply,
    /// Application data of the client after Finished, in records.
    pub(crate) client_data: u64,
}

impl Observed {
    /// What the encrypted records tell; `None` where no TLS 1.3 ServerHello was seen.
    pub(crate) fn sealed(&self) -> Option<Sealed<'_>> {
        let answer = self.answer.as_ref().seen()?;
        if !answer.value.version.is_tls13() {
            return None;
        }
        let sizes = Sizes::of(answer.value.cipher_suite);
        let since = answer.span.mark.frame;
        let Pair {
            client: client_log,
            server: server_log,
        } = &self.records;
        // Logs are in the order of the frames. What the client sent before the answer is 0-RTT data, and more of it may follow.
        let first = client_log.first();
        let (early, mut client) = first.split_at(first.partition_point(|record| record.mark.frame <= since));
        if !early.is_empty() || self.offer.as_ref().seen().is_some_and(|offer| offer.value.early_data) {
            client = behind_early_data(client, sizes);
        }
        let reply = client_reply(client, sizes);
        let reply_frame = reply.begins().map_or(u64::MAX, |begins| begins.frame);
        let finished_frame = match reply {
            ClientReply::Accepted { finished, .. } => finished.mark.frame,
            ClientReply::Nothing | ClientReply::Refused(_) => reply_frame,
        };
        let flight = part(server_log.first(), 0, reply_frame);
        let after = part(server_log.first(), reply_frame.saturating_add(1), u64::MAX);
        let read = read_flight(flight, sizes);
        // Behind nothing larger than EncryptedExtensions or a request: after its certificate such a record may as well say goodbye.
        let broken_off = flight
            .split_last()
            .filter(|(last, before)| {
                !read.resumed
                    && sizes.ends_a_flight(last.len, before.is_empty())
                    && before.iter().all(|record| record.len < SMALL)
            })
            .map(|(last, _)| *last);
        let server_finished = flight
            .iter()
            .rev()
            .map(|record| record.len)
            .find(|len| sizes.is_finished(*len));
        let last_after = server_log.last().filter(|last| last.mark.frame > reply_frame);
        let is_alert = |record: &&RecordSeen| sizes.is_alert_beside(server_finished, record.len);
        let said = || after.iter().chain(&last_after);
        // A server may refuse as soon as it has read the client's Certificate, but goes on only behind Finished: tickets and data that
        // come before are part of its flight.
        let went_on = said().find(|record| !is_alert(record) && record.mark.frame > finished_frame);
        let server_reply = match (went_on, said().find(is_alert)) {
            (Some(record), _) => ServerReply::WentOn(*record),
            (None, Some(alert)) => ServerReply::Refused(*alert),
            (None, None) => ServerReply::Nothing,
        };
        let client_data = match reply {
            ClientReply::Accepted { finished, .. } => {
                let listed = client
                    .iter()
                    .skip_while(|record| **record != finished)
                    .skip(1)
                    .filter(|record| !sizes.is_alert_beside(Some(finished.len), record.len))
                    .count() as u64;
                listed + client_log.count.saturating_sub(first.len() as u64)
            }
            ClientReply::Nothing | ClientReply::Refused(_) => 0,
        };
        Some(Sealed {
            flight,
            certificate: read.certificate,
            room: read.room,
            key: read.key,
            asks_for_certificate: read.asks_for_certificate,
            resumed: read.resumed,
            broken_off,
            ends_with_finished: flight.last().is_some_and(|last| sizes.is_finished(last.len)),
            client: reply,
            server: server_reply,
            client_data,
        })
    }
}

/// The records of frames from `from` up to, but not including, `to`.
fn part(records: &[RecordSeen], from: u64, to: u64) -> &[RecordSeen] {
    let begin = records.partition_point(|record| record.mark.frame < from);
    let end = records.partition_point(|record| record.mark.frame < to);
    records.get(begin..end).unwrap_or_default()
}

/// The client's records from its reply on: 0-RTT data are of any size, and a reply ends with Finished or is an alert.
fn behind_early_data(records: &[RecordSeen], sizes: Sizes) -> &[RecordSeen] {
    let is_reply = |record: &RecordSeen| sizes.is_finished(record.len) || sizes.is_alert(record.len);
    let reply = records.iter().position(is_reply).unwrap_or(records.len());
    records.get(reply..).unwrap_or_default()
}

fn client_reply(records: &[RecordSeen], sizes: Sizes) -> ClientReply {
    let Some(first) = records.first() else {
        return ClientReply::Nothing;
    };
    if sizes.is_alert(first.len) {
        // Mbed TLS pads an empty Certificate to an alert's size; after a refusal nobody sends Finished.
        return match records.get(1).filter(|second| sizes.is_finished(second.len)) {
            Some(finished) => ClientReply::Accepted {
                finished: *finished,
                empty_certificate: Some(*first),
                certificate: None,
            },
            None => ClientReply::Refused(*first),
        };
    }
    if sizes.is_empty_certificate_and_finished(first.len) {
        return ClientReply::Accepted {
            finished: *first,
            empty_certificate: Some(*first),
            certificate: None,
        };
    }
    if sizes.is_empty_certificate(first.len) {
        let finished = records.get(1).copied().unwrap_or(*first);
        return ClientReply::Accepted {
            finished,
            empty_certificate: Some(*first),
            certificate: None,
        };
    }
    if sizes.is_finished(first.len) {
        return ClientReply::Accepted {
            finished: *first,
            empty_certificate: None,
            certificate: None,
        };
    }
    // Smaller than Finished and no alert: EndOfEarlyData. What follows it decides.
    if !sizes.holds_finished(first.len) {
        return client_reply(records.get(1..).unwrap_or_default(), sizes);
    }
    // Certificate, CertificateVerify, Finished, singly or in one record; or Finished with data behind it.
    if let Some(finished) = records
        .iter()
        .take(5)
        .skip(1)
        .find(|record| sizes.is_finished(record.len))
    {
        return ClientReply::Accepted {
            finished: *finished,
            empty_certificate: None,
            certificate: Some(*first),
        };
    }
    ClientReply::Accepted {
        finished: *first,
        empty_certificate: None,
        certificate: Some(*first),
    }
}

#[cfg(test)]
mod tests;
