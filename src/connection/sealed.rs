//! Reading a TLS 1.3 handshake by the lengths, order and direction of its encrypted records.
//!
//! A record's length is content + 1 + padding + tag (RFC 9846 §5.2), and the messages that end a handshake have known sizes: an alert
//! has 2 bytes, Finished 4 + the hash's length, an empty Certificate 8. JSSE pads every record by 16 bytes and Mbed TLS up to a multiple of 16;
//! everybody else pads nothing. What is read so is inferred, never certain.

use std::ops::RangeInclusive;

use crate::connection::{Observed, RecordSeen, Room};
use crate::evidence::{Mark, Pair};
use crate::registry::CipherSuite;

/// Bytes below which a record of the server holds no certificate.
const SMALL: u16 = 200;
/// Bytes by which messages that share records with the certificates differ between two flights of one server: an extension more in
/// EncryptedExtensions, a byte less in an ECDSA signature.
const SHARED_SLACK: u32 = 16;
/// Bytes that a CertificateVerify has beside its signature (RFC 9846 §4.4.3).
const AROUND_A_SIGNATURE: u32 = 8;

/// Keys by the length of their signatures.
const KEYS: [(RangeInclusive<u32>, &str); 11] = [
    (64..=64, "Ed25519"),
    (69..=72, "ECDSA P-256"),
    (101..=104, "ECDSA P-384"),
    (114..=114, "Ed448"),
    (136..=139, "ECDSA P-521"),
    (128..=128, "RSA 1024"),
    (256..=256, "RSA 2048"),
    (384..=384, "RSA 3072"),
    (512..=512, "RSA 4096"),
    (2_420..=2_420, "ML-DSA-44"),
    (3_309..=3_309, "ML-DSA-65"),
];
/// Lengths of signatures.
const SIGNATURES: [RangeInclusive<u32>; 2] = [60..=1_100, 2_400..=4_700];

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

/// How a side pads its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Padding {
    None,
    Sixteen,
    UpToSixteen,
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

    /// True for the length of an encrypted alert without padding: no message of a handshake is as short.
    fn is_bare_alert(self, len: u16) -> bool {
        len == 2 + 1 + self.tag
    }

    /// True for the length of an alert that breaks a flight off. JSSE pads its own to a size that EncryptedExtensions may have, which come
    /// first; a CertificateRequest is longer.
    fn ends_a_flight(self, len: u16, is_first: bool) -> bool {
        self.is_bare_alert(len) || !is_first && self.is_padded_alert(len)
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

    /// True for the length of an encrypted alert by JSSE.
    pub(crate) fn is_padded_alert(self, len: u16) -> bool {
        let [_, padded, _] = self.of_message(2);
        len == padded
    }

    /// True for the length of a Finished alone.
    pub(crate) fn is_finished(self, len: u16) -> bool {
        self.of_message(4 + self.hash).contains(&len)
    }

    /// How a side pads that has sent a Finished of this length.
    fn padding_beside(self, finished: u16) -> Option<Padding> {
        let place = self.of_message(4 + self.hash).iter().position(|len| *len == finished)?;
        [Padding::None, Padding::Sixteen, Padding::UpToSixteen]
            .get(place)
            .copied()
    }

    /// The least and the most bytes of a message in a record of this length.
    fn content(self, len: u16, padding: Padding) -> RangeInclusive<u32> {
        let most = u32::from(len).saturating_sub(1 + u32::from(self.tag));
        match padding {
            Padding::None => most..=most,
            Padding::Sixteen => most.saturating_sub(16)..=most.saturating_sub(16),
            Padding::UpToSixteen => most.saturating_sub(15)..=most,
        }
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

/// What the records of a server's flight hold.
#[derive(Default)]
struct Flight {
    certificate: Option<RecordSeen>,
    room: Option<Room>,
    key: Option<&'static str>,
    asks_for_certificate: bool,
    resumed: bool,
}

/// EncryptedExtensions, CertificateRequest where one is sent, Certificate, CertificateVerify, Finished; tickets may follow.
fn read_flight(flight: &[RecordSeen], sizes: Sizes) -> Flight {
    let finished_at = |place: usize| {
        let record = flight.get(place)?;
        sizes.padding_beside(record.len)
    };
    // EncryptedExtensions may be as long as Finished, so that a signature has to stand before it.
    for place in [3, 4] {
        let (Some(padding), Some(certificate), Some(signed)) =
            (finished_at(place), flight.get(place - 2), flight.get(place - 1))
        else {
            continue;
        };
        let signed = sizes.content(signed.len, padding);
        let signature =
            signed.start().saturating_sub(AROUND_A_SIGNATURE)..=signed.end().saturating_sub(AROUND_A_SIGNATURE);
        let meets = |lengths: &RangeInclusive<u32>| {
            lengths.start().max(signature.start()) <= lengths.end().min(signature.end())
        };
        if !SIGNATURES.iter().any(meets) {
            continue;
        }
        let message = sizes.content(certificate.len, padding);
        return Flight {
            certificate: Some(*certificate),
            room: Some(Room {
                shared: false,
                bytes: *message.end(),
                slack: message.end() - message.start(),
            }),
            key: KEYS.iter().find(|(lengths, _)| meets(lengths)).map(|(_, key)| *key),
            asks_for_certificate: place == 4,
            resumed: false,
        };
    }
    let first_is_small = flight.first().is_some_and(|record| record.len < SMALL);
    if finished_at(1).is_some() && first_is_small {
        return Flight {
            resumed: true,
            ..Flight::default()
        };
    }
    // Other stacks fill records with as many messages as there are. What is in between is fragments, or not all of it.
    let is_whole = flight.len() <= 2 && flight.iter().any(|record| record.len >= SMALL);
    let contents = flight
        .iter()
        .map(|record| *sizes.content(record.len, Padding::None).end());
    let bytes = contents.sum::<u32>().checked_sub(4 + u32::from(sizes.hash));
    Flight {
        room: bytes.filter(|_| is_whole && !first_is_small).map(|bytes| Room {
            shared: true,
            bytes,
            slack: SHARED_SLACK,
        }),
        ..Flight::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::testing::*;

    /// TLS 1.3 with this suite, after the ServerHello.
    fn hello(suite: u16) -> Scene {
        connected().client_hello(|hello| hello).server_hello(0x0304, suite)
    }

    /// The same with TLS_AES_128_GCM_SHA256 after an unpadded flight: EncryptedExtensions, Certificate, CertificateVerify, Finished.
    fn flight() -> Scene {
        hello(0x1301).sealed(Server, &[40, 2_000, 281, 53])
    }

    fn sealed(scene: Scene) -> Sealed<'static> {
        // What is asked of it borrows from it, and a test is short.
        Box::leak(Box::new(scene.seen())).sealed().expect("TLS 1.3")
    }

    fn accepted(reply: ClientReply) -> (u16, Option<u16>, Option<u16>) {
        let ClientReply::Accepted {
            finished,
            empty_certificate,
            certificate,
        } = reply
        else {
            panic!("{reply:?}")
        };
        (
            finished.len,
            empty_certificate.map(|record| record.len),
            certificate.map(|record| record.len),
        )
    }

    #[test]
    fn an_alert_has_the_size_of_its_stack() {
        for (suite, plain) in [(0x1301, 19), (0x1302, 19), (0x1303, 19), (0x1304, 19), (0x1305, 11)] {
            let sizes = Sizes::of(CipherSuite(suite));
            // JSSE adds 16 bytes, Mbed TLS fills up to 16.
            assert!(
                [plain, plain + 16, plain + 13]
                    .into_iter()
                    .all(|len| sizes.is_alert(len)),
                "{suite:#x}"
            );
            assert!(!sizes.is_alert(plain + 1) && !sizes.is_alert(plain - 1), "{suite:#x}");
        }
    }

    #[test]
    fn finished_has_the_size_of_its_hash_and_stack() {
        for (suite, plain, jsse, mbed) in [
            (0x1301, 53, 69, 64),
            (0x1302, 69, 85, 80),
            (0x1303, 53, 69, 64),
            (0x1305, 45, 61, 56),
        ] {
            let sizes = Sizes::of(CipherSuite(suite));
            assert!(
                [plain, jsse, mbed].into_iter().all(|len| sizes.is_finished(len)),
                "{suite:#x}"
            );
            assert!(!sizes.is_finished(plain + 1), "{suite:#x}");
        }
    }

    #[test]
    fn a_side_that_pads_its_finished_pads_its_alerts() {
        let sizes = Sizes::of(CipherSuite(0x1301));
        assert!(sizes.is_alert_beside(Some(53), 19) && !sizes.is_alert_beside(Some(53), 35));
        assert!(sizes.is_alert_beside(Some(69), 35) && !sizes.is_alert_beside(Some(69), 19));
        assert!(sizes.is_alert_beside(Some(64), 32) && !sizes.is_alert_beside(Some(64), 35));
        assert!(sizes.is_alert_beside(None, 19) && sizes.is_alert_beside(Some(900), 35));
    }

    #[test]
    fn there_is_nothing_to_read_before_tls_1_3() {
        assert!(
            connected()
                .client_hello(Hello::tls12)
                .server_hello(0x0303, 0xc02f)
                .seen()
                .sealed()
                .is_none()
        );
    }

    #[test]
    fn the_certificate_is_the_second_record_before_finished() {
        let sealed = sealed(flight());
        assert_eq!(sealed.certificate.map(|record| record.len), Some(2_000));
        assert!(!sealed.asks_for_certificate && !sealed.resumed);
        assert_eq!(
            (sealed.client, sealed.server),
            (ClientReply::Nothing, ServerReply::Nothing)
        );
    }

    #[test]
    fn one_record_more_is_a_request_for_the_clients_certificate() {
        let sealed = sealed(hello(0x1301).sealed(Server, &[40, 65, 2_000, 281, 53]));
        assert!(sealed.asks_for_certificate);
        assert_eq!(sealed.certificate.map(|record| record.len), Some(2_000));
    }

    #[test]
    fn extensions_as_long_as_finished_end_no_flight() {
        let sealed = sealed(hello(0x1301).sealed(Server, &[53, 960, 281, 53]));
        assert_eq!(sealed.certificate.map(|record| record.len), Some(960));
        assert!(!sealed.resumed);
    }

    #[test]
    fn what_stands_before_finished_and_is_no_signature_makes_no_certificate() {
        let sealed = sealed(hello(0x1301).sealed(Server, &[40, 531, 531, 531, 531, 53]));
        assert_eq!((sealed.certificate, sealed.room), (None, None));
        assert!(!sealed.asks_for_certificate);
    }

    #[test]
    fn room_is_the_message_without_what_the_stack_pads() {
        let room = |suite, flight: &[usize]| {
            let sealed = sealed(hello(suite).sealed(Server, flight));
            let room = sealed.room.unwrap();
            (room.bytes, room.slack, sealed.key)
        };
        let rsa = Some("RSA 2048");
        assert_eq!(room(0x1301, &[40, 1_119, 281, 53]), (1_102, 0, rsa));
        assert_eq!(room(0x1305, &[32, 1_111, 273, 45]), (1_102, 0, rsa));
        assert_eq!(room(0x1301, &[56, 1_135, 297, 69]), (1_102, 0, rsa));
        // 1,103 bytes with the type are filled up to 1,104.
        assert_eq!(room(0x1301, &[48, 1_120, 288, 64]), (1_103, 15, rsa));
        assert_eq!(room(0x1301, &[40, 90, 555, 95, 53]), (538, 0, Some("ECDSA P-256")));
        assert_eq!(room(0x1302, &[40, 3_000, 2_445, 69]).2, Some("ML-DSA-44"));
    }

    #[test]
    fn where_messages_share_records_room_is_told_with_what_may_vary() {
        // rustls with SHA-256 and SHA-384: the same list.
        let room = |suite, flight: &[usize]| sealed(hello(suite).sealed(Server, flight)).room;
        let shared = |bytes| {
            Some(Room {
                shared: true,
                bytes,
                slack: SHARED_SLACK,
            })
        };
        assert_eq!(room(0x1301, &[1_361]), shared(1_308));
        assert_eq!(room(0x1302, &[1_377]), shared(1_308));
        assert_eq!(room(0x1301, &[40, 53]), None);
        assert_eq!(room(0x1301, &[40]), None);
    }

    #[test]
    fn two_small_records_are_a_resumption() {
        let sealed = sealed(hello(0x1301).sealed(Server, &[40, 53]));
        assert!(sealed.resumed && sealed.certificate.is_none());
    }

    #[test]
    fn a_flight_in_a_single_record_keeps_its_certificate_to_itself() {
        let sealed = sealed(hello(0x1301).sealed(Server, &[2_400]));
        assert!(sealed.certificate.is_none() && !sealed.resumed);
        assert_eq!(sealed.flight.len(), 1);
    }

    #[test]
    fn the_clients_first_record_tells_whether_it_goes_on() {
        assert!(matches!(
            sealed(flight().sealed(Client, &[19])).client,
            ClientReply::Refused(_)
        ));
        assert_eq!(
            accepted(sealed(flight().sealed(Client, &[53])).client),
            (53, None, None)
        );
        assert_eq!(
            accepted(sealed(flight().sealed(Client, &[25, 53])).client),
            (53, Some(25), None)
        );
        assert_eq!(
            accepted(sealed(flight().sealed(Client, &[61])).client),
            (61, Some(61), None)
        );
        assert_eq!(
            accepted(sealed(flight().sealed(Client, &[1_100, 281, 53])).client),
            (53, None, Some(1_100))
        );
    }

    #[test]
    fn change_cipher_spec_is_no_reply() {
        let scene = flight().change_cipher_spec(Client).sealed(Client, &[53]);
        assert_eq!(accepted(sealed(scene).client), (53, None, None));
    }

    #[test]
    fn finished_is_found_behind_the_end_of_early_data() {
        let scene = connected()
            .client_hello(|hello| hello.extension(42, &[]))
            .sealed(Client, &[300])
            .server_hello_with(0x0304, 0x1301, ServersHello::psk)
            .sealed(Server, &[40, 53])
            .sealed(Client, &[21, 53]);
        assert_eq!(accepted(sealed(scene).client).0, 53);
    }

    #[test]
    fn early_data_that_follows_the_answer_is_no_certificate() {
        let early = || {
            connected()
                .client_hello(|hello| hello.extension(42, &[]))
                .sealed(Client, &[300])
                .server_hello(0x0304, 0x1301)
                .sealed(Server, &[40, 2_000, 281, 53])
                .sealed(Client, &[400])
        };
        assert_eq!(accepted(sealed(early().sealed(Client, &[53])).client), (53, None, None));
        assert!(matches!(
            sealed(early().sealed(Client, &[19])).client,
            ClientReply::Refused(_)
        ));
        assert_eq!(sealed(early()).client, ClientReply::Nothing);
        // Without early data it is one.
        let reply = flight().sealed(Client, &[400, 53]);
        assert_eq!(accepted(sealed(reply).client), (53, None, Some(400)));
    }

    #[test]
    fn padded_records_of_jsse_are_understood() {
        let padded = || hello(0x1302).sealed(Server, &[56, 2_000, 300, 85]);
        assert!(matches!(
            sealed(padded().sealed(Client, &[35])).client,
            ClientReply::Refused(_)
        ));
        let empty = sealed(padded().sealed(Client, &[41, 85]).sealed(Server, &[35]));
        assert_eq!(accepted(empty.client), (85, Some(41), None));
        assert!(matches!(empty.server, ServerReply::Refused(_)));
    }

    #[test]
    fn the_server_refuses_with_an_alert_and_goes_on_with_more() {
        let scene = || flight().sealed(Client, &[53]);
        assert_eq!(sealed(scene()).server, ServerReply::Nothing);
        assert!(matches!(sealed(scene().sealed(Server, &[19])).server, ServerReply::Refused(alert) if alert.len == 19));
        assert!(
            matches!(sealed(scene().sealed(Server, &[255, 19])).server, ServerReply::WentOn(ticket) if ticket.len == 255)
        );
    }

    #[test]
    fn the_reply_begins_with_the_clients_certificate() {
        // The server refuses the empty list before Finished has come.
        let early = sealed(
            flight()
                .sealed(Client, &[25])
                .sealed(Server, &[19])
                .sealed(Client, &[53]),
        );
        assert!(matches!(early.server, ServerReply::Refused(alert) if alert.len == 19));
        assert_eq!((early.flight.len(), early.ends_with_finished), (4, true));
        // What is no alert and comes before Finished is not the server's going on.
        let ticket = || {
            flight()
                .sealed(Client, &[25])
                .sealed(Server, &[255])
                .sealed(Client, &[53])
        };
        assert_eq!(sealed(ticket()).server, ServerReply::Nothing);
        assert!(matches!(
            sealed(ticket().sealed(Server, &[90])).server,
            ServerReply::WentOn(data) if data.len == 90
        ));
    }

    #[test]
    fn an_alert_behind_small_records_breaks_the_flight_off() {
        let broken_off = |flight: &[usize]| {
            let broken_off = sealed(hello(0x1302).sealed(Server, flight)).broken_off;
            broken_off.map(|record| record.len)
        };
        assert_eq!(broken_off(&[40, 19]), Some(19));
        assert_eq!(broken_off(&[19]), Some(19));
        // JSSE's is padded; alone it may as well be EncryptedExtensions, and behind a certificate it says goodbye.
        assert_eq!(broken_off(&[65, 35]), Some(35));
        assert_eq!(broken_off(&[35]), None);
        assert_eq!(broken_off(&[65, 2_000, 35]), None);
        assert_eq!(broken_off(&[65, 36]), None);
    }

    #[test]
    fn what_the_client_sends_after_finished_is_data_unless_it_is_an_alert() {
        assert_eq!(sealed(flight().sealed(Client, &[53])).client_data, 0);
        assert_eq!(sealed(flight().sealed(Client, &[53, 19])).client_data, 0);
        assert_eq!(sealed(flight().sealed(Client, &[53, 120, 35, 19])).client_data, 2);
    }
}
