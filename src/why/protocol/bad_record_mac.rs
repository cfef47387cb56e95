//! One side could not decrypt what the other sent.

use super::{is_contradictory, loses_master_secret, signs_of_alteration};
use crate::connection::AlertSeen;
use crate::registry::{Authentication, HandshakeType, KeyExchange};
use crate::why::prelude::*;

/// bad_record_mac, or the decryption_failed of old stacks.
pub(crate) struct BadRecordMac;

impl Cause for BadRecordMac {
    fn id(&self) -> CauseId {
        CauseId("bad-record-mac")
    }

    fn page(&self) -> &'static str {
        include_str!("bad_record_mac.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        const VAGUER: &[CauseId] = &[CauseId("server-certificate-rejected"), CauseId("client-abandoned")];
        VAGUER
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        if seen.completed() {
            return;
        }
        match seen.end().act {
            Act::Alert(alert) if says_so(seen, &alert) => findings.push(said(self, seen, context, &alert)),
            Act::HiddenAlert(record) if record.mark.from == Side::Client => {
                findings.extend(as_others_say(self, seen, context, record.mark));
            }
            Act::HiddenAlert(record) => findings.extend(hidden(self, seen, record.mark)),
            _ => {}
        }
    }
}

/// True for the alerts that are made for it, and for what Java says where the padding of a block cipher is wrong: handshake_failure, to a
/// client that it asked for nothing else.
fn says_so(seen: &Observed, alert: &AlertSeen) -> bool {
    match alert.description {
        AlertDescription::BAD_RECORD_MAC | AlertDescription::DECRYPTION_FAILED => true,
        AlertDescription::HANDSHAKE_FAILURE => {
            let answer = seen.answer.as_ref().seen().map(|answer| &answer.value);
            let by_blocks = answer.is_some_and(|answer| !answer.version.is_tls13() && !answer.cipher_suite.is_aead());
            let asked = seen.message(Side::Server, HandshakeType::CERTIFICATE_REQUEST).is_some();
            alert.span.from() == Side::Server
                && by_blocks
                && !asked
                && seen.change_cipher_spec[Side::Client]
                    .as_ref()
                    .is_some_and(|span| span.mark.frame < alert.span.mark.frame)
        }
        _ => false,
    }
}

fn said(cause: &BadRecordMac, seen: &Observed, context: &Context<'_>, alert: &AlertSeen) -> Finding {
    let (by, peer) = (alert.span.from(), alert.span.from().peer());
    let suite = seen.answer.as_ref().seen().map(|answer| answer.value.cipher_suite);
    let keyed = seen.change_cipher_spec[peer].is_some() || seen.records[peer].count > 0;
    let shares_a_key = suite.is_some_and(|suite| suite.authentication() == Authentication::Psk);
    let by_private_key = suite.is_some_and(|suite| suite.key_exchange() == KeyExchange::Rsa);
    let contradictory = is_contradictory(seen);
    let altered = loses_master_secret(seen, context);
    let weight = match () {
        () if contradictory || altered && keyed => 90,
        () if alert.description == AlertDescription::HANDSHAKE_FAILURE => 50,
        () if !keyed => 45,
        // A wrong shared key, or a wrong private key, is found out here only.
        () if shares_a_key => 58,
        () if by_private_key => 70,
        () => 85,
    };
    let what = if keyed { "first encrypted message" } else { "record" };
    let sentence = format!(
        "The {} could not decrypt the {}'s {what}: {}. The two sides did not come to the same keys, or the bytes changed on their way.",
        by.as_str(),
        peer.as_str(),
        alert.description
    );
    let mut finding = Finding::new(cause, weight, sentence).at_fault(match () {
        () if contradictory => AtFault::Network,
        () if altered => AtFault::Middlebox,
        () => AtFault::Unknown,
    });
    if let Seen::Seen(answer) = &seen.answer {
        let text = format!("ServerHello: {}, {}", answer.value.version, answer.value.cipher_suite);
        finding = finding.prove_span(&answer.span, text);
    }
    for sign in signs_of_alteration(seen, context) {
        if let Seen::Seen(answer) = &seen.answer {
            finding = finding.prove_span(&answer.span, sign);
        }
    }
    if let Some(span) = &seen.change_cipher_spec[peer] {
        finding = finding.prove_span(span, "ChangeCipherSpec: what follows is encrypted");
    }
    finding = finding.prove_span(&alert.span, told(alert)).but_not(
        CauseId("finished-mismatch"),
        "with keys that agree, and hellos that do not, decrypt_error would say so",
    );
    if by_private_key {
        finding = finding.but_not(
            CauseId("server-key-proof-failed"),
            "with RSA key exchange a private key that does not fit the certificate shows in the same way",
        );
    }
    if shares_a_key {
        finding = finding.but_not(
            CauseId("psk-unknown-identity"),
            "a shared key that differs on the two sides shows in the same way",
        );
    }
    finding
        .remedy(
            AtFault::Middlebox,
            "record at both ends and compare: every difference in the hellos or in the encrypted message is the culprit's",
            Some("tshark -r FILE -Y tls.handshake -T fields -e frame.number -e tcp.payload".to_owned()),
        )
        .remedy(
            AtFault::Server,
            "several machines behind one address: all have to have the same certificate and key, and the same ticket keys",
            None,
        )
}

/// TLS 1.3: the server's first answer to the client's Finished is an alert, and no certificate was in play.
fn hidden(cause: &BadRecordMac, seen: &Observed, mark: Mark) -> Option<Finding> {
    let sealed = seen.sealed()?;
    let ClientReply::Accepted {
        finished,
        empty_certificate: None,
        certificate: None,
    } = sealed.client
    else {
        return None;
    };
    if seen.message(Side::Client, HandshakeType::CERTIFICATE).is_some() {
        return None;
    }
    let sentence = format!(
        "{} answered the client's Finished with an encrypted alert: it may not have been able to decrypt or verify it.",
        server_called(seen)
    );
    Some(
        Finding::new(cause, 50, sentence)
            .prove(
                finished.mark,
                format!("encrypted: {} bytes, the size of Finished", finished.len),
            )
            .prove(mark, "encrypted: an alert's size, and nothing else")
            .infer("Read from the sizes of encrypted records.")
            .remedy(AtFault::Server, "its log of that second has the alert's name", None),
    )
}

/// TLS 1.3: the client answers the server's flight with an encrypted alert, and what others say in the clear to the same flights is that they
/// cannot be decrypted. Nobody gets through to this server, whatever its certificate is.
fn as_others_say(cause: &BadRecordMac, seen: &Observed, context: &Context<'_>, mark: Mark) -> Option<Finding> {
    let other = context.unreadable_to_others(seen)?;
    let answer = seen.answer.as_ref().seen()?;
    let sentence = format!(
        "{} answered the first encrypted records of {} with an encrypted alert; to others of its clients they cannot be decrypted, and none \
         got through. Something between changes the hellos, or what follows them.",
        seen.client.address,
        server_called(seen)
    );
    Some(
        Finding::new(cause, 80, sentence)
            .at_fault(AtFault::Middlebox)
            .prove_span(&answer.span, format!("ServerHello, {}", answer.value.version))
            .prove(mark, "encrypted: an alert's size, and nothing else")
            .prove_elsewhere(other, "in another connection to the same server: bad_record_mac (20), in the clear")
            .infer("The alert is encrypted; what it says is taken from the other connection.")
            .but_not(
                CauseId("server-certificate-rejected"),
                "who cannot decrypt what the server sends has not seen its certificate",
            )
            .remedy(
                AtFault::Middlebox,
                "record at both ends and compare: every difference in the hellos or in the encrypted message is the culprit's",
                Some("tshark -r FILE -Y tls.handshake -T fields -e frame.number -e tcp.payload".to_owned()),
            ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    /// TLS 1.2 with this suite up to the client's Finished.
    fn keyed(suite: u16) -> Scene {
        connected()
            .client_hello(|hello| hello.tls12().suites(&[suite]))
            .server_hello(0x0303, suite)
            .certificate(Server, &[b"leaf"])
            .server_hello_done()
            .client_key_exchange()
            .finished(Client)
    }

    #[test]
    fn the_alert_after_the_first_keys_is_likely_what_it_says() {
        let seen = keyed(0xc02f).alert(Server, 2, 20).fin(Server).seen();
        let finding = judged(&BadRecordMac, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(finding.sentence.contains("bad_record_mac (20)"), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "bad-record-mac");
    }

    #[test]
    fn keys_that_rest_on_a_secret_may_be_wrong_by_it() {
        let of = |suite| {
            let seen = keyed(suite).alert(Server, 2, 20).seen();
            let finding = judged(&BadRecordMac, &seen).unwrap();
            let others: Vec<_> = finding.alternatives.iter().map(|other| other.cause.0).collect();
            (Confidence::of_weight(finding.weight), others)
        };
        let (confidence, others) = of(0x009c);
        assert!(confidence == Some(Confidence::Possible) && others.contains(&"server-key-proof-failed"));
        let (confidence, others) = of(0x00a8);
        assert!(confidence == Some(Confidence::Possible) && others.contains(&"psk-unknown-identity"));
    }

    #[test]
    fn java_has_another_word_for_wrong_padding() {
        let said = |suite| confidence(&BadRecordMac, &keyed(suite).alert(Server, 2, 40).seen());
        assert_eq!(said(0xc013), Some(Confidence::Possible));
        assert_eq!(said(0xc02f), None);
        let asked = connected()
            .client_hello(|hello| hello.tls12().suites(&[0xc013]))
            .server_hello(0x0303, 0xc013)
            .certificate(Server, &[b"leaf"])
            .certificate_request()
            .server_hello_done()
            .certificate(Client, &[])
            .client_key_exchange()
            .finished(Client)
            .alert(Server, 2, 40);
        assert!(judged(&BadRecordMac, &asked.seen()).is_none());
    }

    #[test]
    fn an_extension_that_got_lost_is_told() {
        let seen = connected()
            .client_hello(|hello| hello.tls12().extension(23, &[]))
            .server_flight(&[b"leaf"])
            .client_key_exchange()
            .finished(Client)
            .alert(Server, 2, 20)
            .seen();
        let finding = judged(&BadRecordMac, &seen).unwrap();
        assert!(
            finding
                .evidence
                .iter()
                .any(|proof| proof.text.contains("lacks extended_master_secret"))
        );
    }

    #[test]
    fn an_answer_to_an_alert_in_the_clear_is_a_consequence() {
        let seen = connected()
            .client_hello(|hello| hello)
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 2_000, 281, 53])
            .alert(Client, 2, 48)
            .alert(Server, 2, 20)
            .seen();
        assert!(judged(&BadRecordMac, &seen).is_none());
    }

    #[test]
    fn an_alert_after_finished_may_hide_it() {
        let replied = |lengths: &[usize]| {
            connected()
                .client_hello(|hello| hello)
                .server_hello(0x0304, 0x1301)
                .sealed(Server, &[40, 2_000, 281, 53])
                .sealed(Client, lengths)
                .sealed(Server, &[19])
                .fin(Server)
                .seen()
        };
        assert_eq!(confidence(&BadRecordMac, &replied(&[53])), Some(Confidence::Possible));
        assert!(judged(&BadRecordMac, &replied(&[25, 53])).is_none());
    }

    #[test]
    fn an_extension_that_others_get_is_taken_out_on_the_way() {
        let ems = |hello: Hello| hello.tls12().suites(&[0x009c]).extension(23, &[]);
        let finished = |scene: Scene| scene.client_key_exchange().finished(Client);
        let flight = |scene: Scene| scene.certificate(Server, &[b"leaf"]).server_hello_done();
        let stripped = || finished(flight(connected().client_hello(ems).server_hello(0x0303, 0x009c)));
        let seen = stripped().alert(Server, 2, 20).seen();
        let granted = |hello: ServersHello| hello.extension(23, &[]);
        let other = || {
            let answered = connected().client_hello(ems).server_hello_with(0x0303, 0x009c, granted);
            finished(flight(answered))
                .finished(Server)
                .sealed(Client, &[90])
                .closed()
        };
        let passed_over = || stripped().finished(Server).sealed(Client, &[90]).closed();
        let judged_beside = |others: &[crate::connection::Closed]| {
            let finding = context()
                .beside_at_the_server(others)
                .judged(&BadRecordMac, &seen)
                .unwrap();
            let texts = finding.evidence.iter().map(|evidence| evidence.text.as_str());
            let sign = texts
                .clone()
                .find_map(|text| text.split_once("lacks extended_master_secret, "));
            (finding.weight, finding.at_fault, sign.map(|(_, who)| who.to_owned()))
        };
        let (weight, at_fault, sign) = judged_beside(&[other()]);
        assert_eq!((weight, at_fault), (90, AtFault::Middlebox));
        assert_eq!(
            sign.as_deref(),
            Some("which the client offers and the same server takes from others")
        );
        // Alone it is a sign; beside others who go without it, none.
        let (weight, _, sign) = judged_beside(&[]);
        assert!(weight == 70 && sign.is_some());
        let (weight, _, sign) = judged_beside(&[other(), passed_over()]);
        assert!(weight == 70 && sign.is_none());
    }

    #[test]
    fn of_clients_that_cannot_decrypt_the_one_that_says_so_speaks_for_all() {
        let flight = || {
            let hello = connected().client_hello(|hello| hello).server_hello(0x0304, 0x1301);
            hello.sealed(Server, &[40, 2_000, 281, 53])
        };
        let hidden = flight().sealed(Client, &[19]).fin(Client).seen();
        assert_eq!(chosen(&hidden), "server-certificate-rejected");
        let says = |code: u8| {
            scene()
                .behind_frame(90)
                .connect()
                .client_hello(|hello| hello)
                .server_hello(0x0304, 0x1301)
                .sealed(Server, &[40, 2_000, 281, 53])
                .alert(Client, 2, code)
                .fin(Client)
                .seen()
        };
        let beside = |code: u8| context().beside(&[&hidden, &says(code)]);
        let verdict = beside(20).verdict(&hidden);
        assert_eq!(name_of(&verdict), "bad-record-mac");
        assert_eq!(verdict.cause.unwrap().evidence[2].mark.frame, 97);
        // What others say of the certificate, or where somebody gets through, is another matter.
        assert_eq!(beside(48).chosen(&hidden), "server-certificate-rejected");
        assert_eq!(
            beside(20).serves_others().chosen(&hidden),
            "server-certificate-rejected"
        );
    }
}
