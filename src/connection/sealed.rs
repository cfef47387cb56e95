//! Reading a TLS 1.3 handshake by the lengths, order and direction of its encrypted records.
//!
//! A record's length is content + 1 + padding + tag (RFC 9846 §5.2), and the messages that end a handshake have known sizes: an alert
//! has 2 bytes, Finished 4 + the hash's length, an empty Certificate 8. JSSE pads every record by 16 bytes and Mbed TLS up to a multiple of 16;
//! everybody else pads nothing. What is read so is inferred, never certain.

use crate::connection::{Observed, RecordSeen};
use crate::evidence::Side;
use crate::registry::CipherSuite;

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

/// What the server sent after the client's Finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerReply {
    /// No record.
    Nothing,
    /// One record of an alert's size and nothing else: it refuses what the client sent.
    Refused(RecordSeen),
    /// A larger record: session tickets or data.
    WentOn(RecordSeen),
}

/// The encrypted part of a TLS 1.3 handshake, as its record lengths tell it.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    /// The server's records before the client's reply.
    pub(crate) flight: Vec<RecordSeen>,
    /// The record that holds the server's certificates, where records are sent singly.
    pub(crate) certificate: Option<RecordSeen>,
    /// One more record than usual stands before the certificate: a CertificateRequest.
    pub(crate) asks_for_certificate: bool,
    /// EncryptedExtensions and Finished only: a resumption, no certificate was sent.
    pub(crate) resumed: bool,
    /// What the client said to it.
    pub(crate) client: ClientReply,
    /// What the server said to that.
    pub(crate) server: ServerReply,
    /// Application data of the client after Finished, in records.
    pub(crate) client_data: u64,
}

/// Record lengths of one suite.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    tag: u16,
    hash: u16,
}

impl Sizes {
    /// The sizes under this suite.
    pub(crate) fn of(suite: CipherSuite) -> Self {
        Self {
            tag: suite.tag_len().unwrap_or(16),
            hash: suite.hash_len().unwrap_or(32),
        }
    }

    /// A message of `len` bytes as sent without padding, by JSSE, and by Mbed TLS.
    fn of_message(self, len: u16) -> [u16; 3] {
        let plain = len + 1 + self.tag;
        [plain, plain + 16, (len + 1).next_multiple_of(16) + self.tag]
    }

    /// True for the length of an encrypted alert, by whatever stack.
    pub(crate) fn is_alert(self, len: u16) -> bool {
        self.of_message(2).contains(&len)
    }

    /// The length of an encrypted alert by the stack whose Finished had this length; `None` where that was no Finished alone.
    fn alert_beside(self, finished: u16) -> Option<u16> {
        let place = self.of_message(4 + self.hash).iter().position(|len| *len == finished)?;
        self.of_message(2).get(place).copied()
    }

    /// True for an encrypted alert of a side whose Finished is known: other sizes of alerts are data there.
    pub(crate) fn is_alert_beside(self, finished: Option<u16>, len: u16) -> bool {
        match finished.and_then(|finished| self.alert_beside(finished)) {
            Some(alert) => len == alert,
            None => self.is_alert(len),
        }
    }

    /// True for the length of a Finished alone.
    pub(crate) fn is_finished(self, len: u16) -> bool {
        self.of_message(4 + self.hash).contains(&len)
    }

    /// True where a Finished fits in.
    fn holds_finished(self, len: u16) -> bool {
        len >= 4 + self.hash + 1 + self.tag
    }

    /// True for an empty Certificate alone: context, list length, nothing else (RFC 9846 §4.4.2).
    fn is_empty_certificate(self, len: u16) -> bool {
        // Mbed TLS rounds 9 up to 16, which is an alert's size as well: left out.
        let [plain, padded, _] = self.of_message(8);
        len == plain || len == padded
    }

    /// True for an empty Certificate and Finished in one record.
    fn is_empty_certificate_and_finished(self, len: u16) -> bool {
        len == 8 + 4 + self.hash + 1 + self.tag
    }
}

impl Observed {
    /// What the encrypted records tell; `None` where no TLS 1.3 ServerHello was seen.
    pub(crate) fn sealed(&self) -> Option<Sealed> {
        let answer = self.answer.as_ref().seen()?;
        if !answer.value.version.is_tls13() {
            return None;
        }
        let sizes = Sizes::of(answer.value.cipher_suite);
        let since = answer.span.mark.frame;
        // Records before the answer are 0-RTT data.
        let mut client: Vec<RecordSeen> = self.records[Side::Client.index()]
            .first
            .iter()
            .filter(|record| record.mark.frame > since)
            .copied()
            .collect();
        client.retain(|record| record.content_type == 23);
        let server = &self.records[Side::Server.index()].first;

        let reply = client_reply(&client, sizes);
        let reply_frame = match reply {
            ClientReply::Nothing => u64::MAX,
            ClientReply::Refused(record) => record.mark.frame,
            ClientReply::Accepted { finished, .. } => finished.mark.frame,
        };
        let flight: Vec<RecordSeen> = server
            .iter()
            .filter(|record| record.mark.frame < reply_frame)
            .copied()
            .collect();
        let (certificate, asks_for_certificate, resumed) = read_flight(&flight, sizes);
        let after: Vec<RecordSeen> = server
            .iter()
            .filter(|record| record.mark.frame > reply_frame)
            .copied()
            .collect();
        let server_finished = flight
            .iter()
            .rev()
            .map(|record| record.len)
            .find(|len| sizes.is_finished(*len));
        let server_log = &self.records[Side::Server.index()];
        let last_after = server_log.last.filter(|last| last.mark.frame > reply_frame);
        let server_reply = match (
            after
                .iter()
                .chain(&last_after)
                .find(|record| !sizes.is_alert_beside(server_finished, record.len)),
            last_after,
        ) {
            (Some(record), _) => ServerReply::WentOn(*record),
            (None, Some(alert)) => ServerReply::Refused(after.first().copied().unwrap_or(alert)),
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
                let log = &self.records[Side::Client.index()];
                listed + log.count.saturating_sub(log.first.len() as u64)
            }
            ClientReply::Nothing | ClientReply::Refused(_) => 0,
        };
        Some(Sealed {
            flight,
            certificate,
            asks_for_certificate,
            resumed,
            client: reply,
            server: server_reply,
            client_data,
        })
    }
}

fn client_reply(records: &[RecordSeen], sizes: Sizes) -> ClientReply {
    let Some(first) = records.first() else {
        return ClientReply::Nothing;
    };
    if sizes.is_alert(first.len) {
        return ClientReply::Refused(*first);
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
    if sizes.holds_finished(first.len) {
        return ClientReply::Accepted {
            finished: *first,
            empty_certificate: None,
            certificate: Some(*first),
        };
    }
    // Smaller than Finished and no alert: EndOfEarlyData. What follows it decides.
    client_reply(records.get(1..).unwrap_or_default(), sizes)
}

/// The certificate's record, whether a CertificateRequest stands before it, and whether there is none at all.
fn read_flight(flight: &[RecordSeen], sizes: Sizes) -> (Option<RecordSeen>, bool, bool) {
    let Some(finished) = flight.iter().position(|record| sizes.is_finished(record.len)) else {
        return (None, false, false);
    };
    if finished == 1 && flight.first().is_some_and(|record| record.len < 200) {
        return (None, false, true);
    }
    let certificate = finished.checked_sub(2).and_then(|at| flight.get(at)).copied();
    // EncryptedExtensions, Certificate, CertificateVerify, Finished: a fifth record is the request.
    (certificate.filter(|_| finished >= 3), finished >= 4, false)
}
