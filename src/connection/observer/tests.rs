//! What the observer writes down of bytes that come through the reassembler.

use crate::connection::books::{ALERTS_KEPT, MESSAGES_KEPT};
use crate::connection::testing::*;
use crate::connection::{First, Observed, RecordLog, Stapled};
use crate::evidence::{Hidden, Pair, Seen, Side};
use crate::registry::{CipherSuite, Group, HandshakeType, ProtocolVersion};

fn kinds(seen: &Observed, from: Side) -> Vec<HandshakeType> {
    let by = seen.messages.iter().filter(|message| message.span.from() == from);
    by.map(|message| message.kind).collect()
}

#[test]
fn a_handshake_of_tls_1_2_is_written_down_with_its_frames() {
    let scene = connected()
        .client_hello(Hello::tls12)
        .server_flight_asking(&[b"leaf", b"issuer"]);
    let seen = scene.finished_by_both().seen();
    let offer = seen.offer.as_ref().seen().expect("an offer");
    assert_eq!(
        (offer.span.mark.frame, offer.value.server_name.as_deref()),
        (4, Some("shop.example"))
    );
    let answer = &seen.answer.as_ref().seen().expect("an answer").value;
    assert_eq!(
        (answer.version, answer.cipher_suite),
        (ProtocolVersion::TLS12, CipherSuite(0xc02f))
    );
    assert_eq!(seen.server_chain.as_ref().seen().expect("a chain").value.len(), 2);
    assert_eq!(
        seen.key_exchange.as_ref().and_then(|exchange| exchange.value.group),
        Some(Group::X25519)
    );
    assert!(seen.certificate_request.is_seen() && matches!(seen.client_chain, Seen::Absent));
    assert_eq!((seen.records.client.count, seen.records.server.count), (1, 1));
    assert!(seen.malformed.is_empty() && seen.lost == Pair::default());
}

#[test]
fn the_offer_holds_what_the_hello_lists() {
    let hello = |hello: Hello| {
        hello
            .schemes(&[0x0403, 0x0201])
            .groups(&[24])
            .alpn(&["h2"])
            .suites(&[0x1302, 0x5600])
    };
    let seen = connected().client_hello(hello).seen();
    let offer = &seen.offer.as_ref().seen().expect("an offer").value;
    let schemes: Vec<u16> = offer.signature_schemes.iter().map(|scheme| scheme.0).collect();
    assert_eq!(
        (schemes, offer.groups.as_slice()),
        (vec![0x0403, 0x0201], &[Group(24)][..])
    );
    assert_eq!((offer.alpn.as_slice(), offer.fallback), (&["h2".to_owned()][..], true));
    assert_eq!(offer.versions, [ProtocolVersion::TLS13, ProtocolVersion::TLS12]);
}

#[test]
fn a_hello_in_two_packets_cites_both() {
    let hello = Scene::hello_bytes(|hello| hello);
    let (first, second) = hello.split_at(90);
    let seen = connected().say(Client, first).say(Client, second).seen();
    let offer = seen.offer.as_ref().seen().expect("an offer");
    assert_eq!((offer.span.first_frame, offer.span.mark.frame), (4, 5));
}

#[test]
fn change_cipher_spec_after_a_retry_request_starts_no_keys() {
    let seen = connected()
        .client_hello(|hello| hello)
        .in_one_packet(Server, |scene| scene.retry_request(0x1301).change_cipher_spec(Server))
        .in_one_packet(Client, |scene| {
            scene
                .change_cipher_spec(Client)
                .client_hello(|hello| hello.groups(&[23, 29]))
        })
        .server_hello(0x0304, 0x1301)
        .sealed(Server, &[40, 2_000, 281, 53])
        .change_cipher_spec(Client)
        .alert(Client, 2, 48)
        .seen();
    assert!(seen.retry.is_some());
    let second = seen.second_offer.as_ref().expect("a second hello");
    assert_eq!(second.value.groups.first(), Some(&Group::SECP256R1));
    assert!(seen.is_tls13());
    assert_eq!(seen.records.server.count, 4);
    assert_eq!(seen.alerts.len(), 1);
}

#[test]
fn change_cipher_spec_before_early_data_starts_no_keys() {
    let seen = connected()
        .in_one_packet(Client, |scene| {
            scene
                .client_hello(|hello| hello.extension(42, &[]))
                .change_cipher_spec(Client)
                .sealed(Client, &[200])
        })
        .alert(Server, 2, 70)
        .seen();
    assert!(seen.offer.is_seen());
    assert_eq!(seen.alerts.len(), 1);
}

#[test]
fn in_tls_1_2_everything_after_change_cipher_spec_is_hidden() {
    let seen = connected()
        .client_hello(Hello::tls12)
        .server_flight(&[b"leaf"])
        .client_key_exchange()
        .change_cipher_spec(Client)
        .record(Client, ALERT, &[2, 48])
        .seen();
    assert!(seen.alerts.is_empty());
    assert_eq!(
        seen.records.client.first().first().map(|record| record.content_type),
        Some(ALERT)
    );
}

#[test]
fn what_tls_1_3_hides_is_not_absent() {
    let seen = connected()
        .client_hello(|hello| hello)
        .server_hello(0x0304, 0x1301)
        .sealed(Server, &[40, 2_000])
        .seen();
    for hidden in [&seen.server_chain, &seen.client_chain] {
        assert!(matches!(hidden, Seen::Unknown(Hidden::Encrypted)));
    }
    assert!(matches!(seen.certificate_request, Seen::Unknown(Hidden::Encrypted)));
}

#[test]
fn what_a_server_did_not_send_is_absent() {
    let seen = connected().client_hello(Hello::tls12).alert(Server, 2, 40).seen();
    assert!(matches!(seen.answer, Seen::Absent) && matches!(seen.server_chain, Seen::Absent));
}

#[test]
fn what_a_hole_swallowed_is_not_visible() {
    let seen = connected()
        .client_hello(Hello::tls12)
        .off_camera(|scene| scene.server_flight(&[&[0xce; 900]]))
        .ack(Client)
        .fin(Client)
        .seen();
    assert!(matches!(seen.answer, Seen::Unknown(Hidden::Gap)), "{:?}", seen.lost);
    assert!(matches!(seen.server_chain, Seen::Unknown(Hidden::Gap)));
}

#[test]
fn what_the_snapshot_length_cut_is_not_visible() {
    let seen = connected()
        .cut_to(60)
        .client_hello(Hello::tls12)
        .server_flight(&[&[0xce; 900]])
        .seen();
    assert!(matches!(seen.offer, Seen::Unknown(Hidden::Snaplen)));
    assert!(matches!(seen.server_chain, Seen::Unknown(Hidden::Snaplen)));
}

#[test]
fn the_side_that_was_not_captured_is_not_visible() {
    let seen = scene()
        .syn()
        .off_camera(Scene::syn_ack)
        .ack(Client)
        .client_hello(Hello::tls12)
        .off_camera(|scene| scene.server_flight(&[&[0xce; 900]]))
        .ack(Client)
        .fin(Client)
        .seen();
    assert!(matches!(seen.answer, Seen::Unknown(_)));
}

#[test]
fn tls_within_another_protocol_begins_with_the_hello() {
    let seen = connected()
        .say(Server, b"220 mail.example ESMTP\r\n")
        .say(Client, b"EHLO shop.example\r\n")
        .say(Server, b"250 STARTTLS\r\n")
        .say(Client, b"STARTTLS\r\n")
        .say(Server, b"220 go ahead\r\n")
        .client_hello(Hello::tls12)
        .server_flight(&[b"leaf"])
        .alert(Client, 2, 48)
        .seen();
    assert!(seen.offer.is_seen() && seen.answer.is_seen() && seen.server_chain.is_seen());
    assert!(seen.first.iter().all(First::is_tls));
    let before = seen.first_before.as_deref().expect("what was spoken before");
    assert!(
        before
            .iter()
            .all(|first| matches!(first, First::Other(Some(spoken), _) if spoken.protocol == "SMTP"))
    );
    assert_eq!(seen.before_tls, Pair { client: 29, server: 52 });
    assert!(seen.asked_for_tls());
}

#[test]
fn a_tunnel_through_a_proxy_holds_tls() {
    let seen = connected()
        .say(Client, b"CONNECT shop.example:443 HTTP/1.1\r\n\r\n")
        .say(Server, b"HTTP/1.1 200 Connection established\r\n\r\n")
        .client_hello(Hello::tls12)
        .server_hello(0x0303, 0xc02f)
        .seen();
    assert!(seen.offer.is_seen() && seen.answer.is_seen());
}

#[test]
fn a_proxy_that_refuses_starts_no_tls() {
    let seen = connected()
        .say(Client, b"CONNECT shop.example:443 HTTP/1.1\r\n\r\n")
        .say(Server, b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
        .client_hello(Hello::tls12)
        .seen();
    assert!(seen.first_before.is_none() && !seen.spoke_tls());
}

#[test]
fn speech_that_is_no_tls_is_named() {
    let seen = connected()
        .say(Client, b"GET / HTTP/1.1\r\n\r\n")
        .say(Server, b"HTTP/1.1 200 OK\r\n\r\n")
        .seen();
    assert_eq!(
        (seen.plain_protocol(), seen.plain_answer()),
        (Some("HTTP"), Some("HTTP/1.1 200 OK"))
    );
    assert!(!seen.spoke_tls() && matches!(seen.offer, Seen::Absent));
}

#[test]
fn a_hello_that_cannot_be_read_is_kept_as_a_fault() {
    let seen = connected().client_hello(Hello::garbled).seen();
    let fault = seen.offer.as_ref().seen().and_then(|offer| offer.value.fault);
    assert!(fault.is_some() || !seen.malformed.is_empty());
}

#[test]
fn a_second_certificate_message_does_not_replace_the_first() {
    let scene = connected()
        .client_hello(Hello::tls12)
        .server_flight(&[b"leaf"])
        .certificate(Server, &[b"x", b"y"]);
    let seen = scene.seen();
    assert_eq!(
        seen.server_chain.as_ref().seen().map(|chain| chain.value.len()),
        Some(1)
    );
    assert_eq!(
        kinds(&seen, Server)
            .iter()
            .filter(|kind| **kind == HandshakeType::CERTIFICATE)
            .count(),
        2
    );
}

#[test]
fn lists_stop_growing() {
    let mut scene = connected().client_hello(Hello::tls12);
    for _ in 0..40 {
        scene = scene.alert(Server, 1, 112).message(Server, 0, &[]);
    }
    let seen = scene.seen();
    assert_eq!((seen.alerts.len(), seen.messages.len()), (ALERTS_KEPT, MESSAGES_KEPT));
}

#[test]
fn the_first_records_are_kept_and_the_rest_are_counted() {
    let mut scene = connected()
        .client_hello(Hello::tls12)
        .server_flight(&[b"leaf"])
        .finished_by_both();
    for len in 100..130 {
        scene = scene.sealed(Client, &[len]);
    }
    let seen = scene.seen();
    let log = &seen.records.client;
    assert_eq!((log.first().len(), log.count), (RecordLog::KEPT, 31));
    assert_eq!(log.last().map(|record| record.len), Some(129));
}

#[test]
fn what_begins_within_a_record_is_no_other_protocol() {
    let seen = scene()
        .off_camera(|scene| scene.connect().client_hello(Hello::tls12))
        .say(Server, &[0xe5; 700])
        .sealed(Server, &[300])
        .sealed(Client, &[90])
        .seen();
    assert!(seen.first.iter().all(First::is_tls) && seen.spoke_tls());
    assert_eq!((seen.records.client.count, seen.records.server.count), (1, 1));
    assert!(matches!(seen.offer, Seen::Unknown(Hidden::Truncated)));
}

#[test]
fn words_of_another_protocol_are_known_without_their_beginning() {
    let seen = scene()
        .off_camera(Scene::connect)
        .say(Client, b"GET / HTTP/1.1\r\n\r\n")
        .say(Server, &[0xe5; 700])
        .seen();
    assert_eq!(seen.plain_protocol(), Some("HTTP"));
    assert!(matches!(seen.first.server, First::Nothing));
}

#[test]
fn a_fault_behind_the_fields_of_a_servers_hello_is_kept() {
    let body = [
        &[3, 3][..],
        &[0x5f; 32],
        &[0],
        &[0xc0, 0x2f],
        &[0],
        &[0, 9, 0, 23, 0, 0],
    ]
    .concat();
    let seen = connected().client_hello(Hello::tls12).message(Server, 2, &body).seen();
    assert!(seen.answer.is_seen());
    assert_eq!(
        seen.malformed.iter().map(|(fault, _)| fault.what).collect::<Vec<_>>(),
        ["extensions"]
    );
}

#[test]
fn a_status_is_absent_hidden_empty_or_too_long_to_be_kept() {
    let hello = || connected().client_hello(Hello::tls12).server_hello(0x0303, 0xc02f);
    assert!(matches!(hello().seen().stapled, Seen::Absent));
    let tls13 = connected()
        .client_hello(|hello| hello)
        .server_hello(0x0304, 0x1301)
        .seen();
    assert!(matches!(tls13.stapled, Seen::Unknown(Hidden::Encrypted)));
    let empty = hello()
        .message(Server, 22, &[1, 0, 0, 0])
        .seen()
        .stapled
        .seen()
        .unwrap()
        .value;
    assert_eq!((empty.responses.concat().len(), empty.len), (0, 0));
    let len = Stapled::KEPT as u32;
    let long = [&[1][..], &len.to_be_bytes()[1..], &vec![7; Stapled::KEPT]].concat();
    let long = hello().message(Server, 22, &long).seen().stapled.seen().unwrap().value;
    assert_eq!((long.responses.len(), long.len), (0, len));
}

#[test]
fn status_and_ticket_are_written_down() {
    let seen = connected()
        .client_hello(Hello::tls12)
        .server_hello(0x0303, 0xc02f)
        .message(Server, 22, &[1, 0, 0, 2, 7, 7])
        .message(Server, 4, &[0, 0, 0, 9, 0, 1, 8])
        .message(Server, 4, &[0, 0, 0, 9, 0, 5, 8])
        .seen();
    let stapled = seen.stapled.seen().unwrap().value;
    assert_eq!((&*stapled.responses[0], stapled.len), (&[7, 7][..], 2));
    assert_eq!(seen.ticket_lifetime, Some(9));
    assert_eq!(
        seen.malformed.iter().map(|(fault, _)| fault.what).collect::<Vec<_>>(),
        ["ticket"]
    );
}

#[test]
fn a_status_that_is_fetched_is_written_down_where_nothing_of_it_is_missing() {
    const HEADER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length: 6\r\n\r\n";
    let asked = || {
        connected()
            .port(80)
            .say(Client, b"GET /x HTTP/1.1\r\n\r\n")
            .say(Server, HEADER)
    };
    let closed = asked().say(Server, b"abc").say(Server, b"def").fin(Server).closed();
    let fetched: Vec<_> = closed.fetched.iter().map(|one| (&*one.body, one.mark.frame)).collect();
    assert_eq!(fetched, [(&b"abcdef"[..], 7)]);
    assert!(closed.observed.http_date().is_none() && !closed.observed.spoke_tls());

    let with_a_gap = asked()
        .off_camera(|scene| scene.say(Server, b"abc"))
        .say(Server, b"def")
        .say(Server, b"def")
        .fin(Server);
    assert!(with_a_gap.closed().fetched.is_empty());
    let page = connected()
        .port(80)
        .say(Server, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nabc");
    assert!(page.fin(Server).closed().fetched.is_empty());
}
