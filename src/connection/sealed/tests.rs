use super::flight::SHARED_SLACK;
use super::*;
use crate::connection::testing::*;
use crate::registry::CipherSuite;

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
