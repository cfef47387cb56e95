//! Records whose lengths and types mislead.

use crate::why::testing::*;
use crate::why::{AbortedBy, Outcome, Verdict};

/// TLS 1.3 with this suite, up to the ServerHello.
fn hello(suite: u16) -> Scene {
    connected()
        .client_hello(|hello| hello.suites(&[suite]))
        .server_hello(0x0304, suite)
}

/// The whole flight of a server that pads nothing, with TLS_AES_128_GCM_SHA256.
fn flight() -> Scene {
    hello(0x1301).sealed(Server, &[40, 2_000, 281, 53])
}

fn verdict(scene: Scene) -> Verdict {
    context().verdict(&scene.seen())
}

fn cause(scene: Scene) -> &'static str {
    name_of(&verdict(scene))
}

fn is_sound(scene: Scene) -> bool {
    let verdict = verdict(scene);
    name_of(&verdict).is_empty() && verdict.outcome == Outcome::Completed
}

#[test]
fn the_version_field_of_a_server_hello_says_tls_1_2_in_tls_1_3() {
    let seen = flight().seen();
    assert!(seen.is_tls13());
    assert!(is_sound(
        flight().sealed(Client, &[53, 120]).sealed(Server, &[255, 800])
    ));
}

#[test]
fn change_cipher_spec_in_tls_1_3_neither_accepts_nor_means_tls_1_2() {
    // Java, GnuTLS, Go, rustls and Chromium send it before they look at the certificate.
    let seen = flight()
        .change_cipher_spec(Client)
        .sealed(Client, &[19])
        .fin(Client)
        .seen();
    assert!(!seen.completed());
    assert_eq!(chosen(&seen), "server-certificate-rejected");
}

#[test]
fn a_second_hello_of_either_side_is_no_error() {
    let retried = connected()
        .client_hello(|hello| hello.groups(&[29, 23]))
        .retry_request(0x1301)
        .client_hello(|hello| hello.groups(&[23]))
        .server_hello(0x0304, 0x1301)
        .sealed(Server, &[40, 2_000, 281, 53])
        .sealed(Client, &[53, 120])
        .sealed(Server, &[255, 800]);
    assert!(is_sound(retried));
}

#[test]
fn encrypted_client_hello_in_the_offer_is_mostly_grease() {
    let greased = connected()
        .client_hello(|hello| hello.extension(0xfe0d, &[0; 186]))
        .server_hello(0x0304, 0x1301)
        .sealed(Server, &[40, 2_000, 281, 53]);
    assert_eq!(
        cause(greased.sealed(Client, &[19]).fin(Client)),
        "server-certificate-rejected"
    );
}

#[test]
fn early_data_that_the_server_skips_is_no_failure() {
    // Records before EndOfEarlyData, or instead of it where the server did not take them, are no certificate of the client's.
    let early = || {
        connected()
            .client_hello(|hello| hello.extension(42, &[]).extension(41, &[0; 80]))
            .sealed(Client, &[300])
    };
    let skipped = || {
        early()
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 2_000, 281, 53])
            .sealed(Client, &[400])
            .sealed(Client, &[53])
    };
    assert!(is_sound(skipped().sealed(Server, &[255, 255, 800])));
    assert_ne!(
        cause(skipped().sealed(Server, &[19]).fin(Server)),
        "client-certificate-rejected"
    );
    let taken = early()
        .server_hello_with(0x0304, 0x1301, ServersHello::psk)
        .sealed(Server, &[40, 53])
        .sealed(Client, &[500, 21, 53, 120])
        .sealed(Server, &[255, 800]);
    assert!(is_sound(taken));
}

#[test]
fn a_small_flight_is_not_a_leaf_alone_where_certificates_may_be_compressed() {
    let infers = |hello: fn(Hello) -> Hello| {
        let seen = connected()
            .client_hello(hello)
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 960, 281, 53])
            .sealed(Client, &[19])
            .fin(Client)
            .seen();
        let cause = context().verdict(&seen).cause.unwrap();
        cause.inferred.is_some_and(|text| text.contains("one certificate"))
    };
    assert!(infers(|hello| hello));
    assert!(!infers(|hello| hello.extension(27, &[2, 0, 2])));
    // Nor where none was sent.
    let resumed = connected()
        .client_hello(|hello| hello)
        .server_hello_with(0x0304, 0x1301, ServersHello::psk)
        .sealed(Server, &[40, 53]);
    assert_ne!(
        cause(resumed.sealed(Client, &[19]).fin(Client)),
        "server-certificate-rejected"
    );
}

#[test]
fn tls_within_what_a_proxy_tunnels_is_read_where_it_begins() {
    let tunnelled = connected()
        .say(
            Client,
            b"CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\n\r\n",
        )
        .say(Server, b"HTTP/1.1 200 Connection established\r\n\r\n")
        .client_hello(|hello| hello)
        .server_hello(0x0304, 0x1301)
        .sealed(Server, &[40, 2_000, 281, 53]);
    let verdict = verdict(tunnelled.sealed(Client, &[19]).fin(Client));
    assert_eq!(name_of(&verdict), "server-certificate-rejected");
    assert!(!mentions(&verdict, "plaintext-on-tls-port") && !mentions(&verdict, "server-not-tls"));
}

#[test]
fn a_record_of_an_alerts_size_is_a_refusal_before_finished_and_a_goodbye_after_it() {
    for (suite, finished, alert) in [(0x1301, 53, 19), (0x1302, 85, 35), (0x1301, 64, 32), (0x1305, 45, 11)] {
        let flight = || hello(suite).sealed(Server, &[56, 2_000, 300, finished]);
        assert_eq!(
            cause(flight().sealed(Client, &[alert]).fin(Client)),
            "server-certificate-rejected",
            "{alert}"
        );
        let says_goodbye = flight()
            .sealed(Client, &[finished, 200])
            .sealed(Server, &[255, 900])
            .sealed(Client, &[alert])
            .fin(Client);
        assert!(is_sound(says_goodbye), "{alert}");
    }
}

#[test]
fn finished_of_69_bytes_is_sha_384_or_java() {
    // A Java client with SHA-256 pads to what others send with SHA-384; neither has sent a certificate.
    for suite in [0x1301, 0x1302] {
        let seen = hello(suite)
            .sealed(Server, &[40, 2_000, 281, if suite == 0x1301 { 53 } else { 69 }])
            .sealed(Client, &[69])
            .seen();
        let sealed = seen.sealed().unwrap();
        assert!(
            matches!(
                sealed.client,
                crate::connection::ClientReply::Accepted {
                    certificate: None,
                    empty_certificate: None,
                    ..
                }
            ),
            "{suite:#x}"
        );
    }
}

#[test]
fn a_ticket_before_the_clients_finished_completes_nothing() {
    // Go sends it with its flight.
    let with_ticket = || hello(0x1301).sealed(Server, &[27, 2_000, 281, 53, 139]);
    assert_eq!(
        cause(with_ticket().sealed(Client, &[19]).fin(Client)),
        "server-certificate-rejected"
    );
    assert!(!with_ticket().sealed(Client, &[53]).seen().completed());
}

#[test]
fn data_of_a_client_that_shows_a_certificate_is_no_sign_that_it_was_taken() {
    let asked = || hello(0x1301).sealed(Server, &[40, 90, 2_000, 281, 53]);
    let refused = asked()
        .sealed(Client, &[1_100, 281, 53, 120])
        .sealed(Server, &[19])
        .fin(Server);
    let verdict = verdict(refused);
    assert_eq!(
        (name_of(&verdict), verdict.aborted_by),
        ("client-certificate-rejected", AbortedBy::Server)
    );
    assert!(is_sound(
        asked()
            .sealed(Client, &[1_100, 281, 53, 120])
            .sealed(Server, &[800, 19])
    ));
}

#[test]
fn an_empty_certificate_is_a_failure_only_where_the_server_ends_it() {
    let empty = |reply: &[usize]| {
        hello(0x1301)
            .sealed(Server, &[40, 90, 2_000, 281, 53])
            .sealed(Client, reply)
    };
    for reply in [&[25, 53, 120][..], &[61, 120], &[41, 69, 120]] {
        assert!(is_sound(
            empty(reply)
                .sealed(Server, &[255, 255, 800])
                .sealed(Server, &[19])
                .fin(Server)
        ));
        assert_eq!(
            cause(empty(reply).sealed(Server, &[19]).fin(Server)),
            "client-certificate-missing"
        );
    }
    let before_13 = connected()
        .client_hello(Hello::tls12)
        .server_flight_asking(&[b"leaf"])
        .certificate(Client, &[])
        .finished_by_both()
        .sealed(Client, &[120]);
    assert!(is_sound(before_13.sealed(Server, &[700])));
}

#[test]
fn a_web_server_that_answers_400_for_want_of_a_certificate_has_completed_tls() {
    // nginx judges in HTTP: an answer of a few hundred bytes, and a goodbye.
    let answered = hello(0x1302)
        .sealed(Server, &[40, 90, 2_000, 281, 69])
        .sealed(Client, &[25, 69])
        .sealed(Server, &[250, 250])
        .sealed(Client, &[110])
        .sealed(Server, &[413, 19])
        .fin(Server);
    assert!(is_sound(answered));
}

#[test]
fn handshake_records_after_completion_are_a_renegotiation_and_no_failed_handshake() {
    let renegotiates = connected()
        .client_hello(Hello::tls12)
        .server_flight(&[b"leaf"])
        .finished_by_both()
        .sealed(Client, &[120])
        .record(Server, HANDSHAKE, &[7; 28])
        .record(Client, HANDSHAKE, &[7; 260])
        .record(Server, HANDSHAKE, &[7; 1_500])
        .sealed(Server, &[900]);
    assert!(is_sound(renegotiates));
}

#[test]
fn heartbeats_are_no_errors() {
    let beats = connected()
        .client_hello(Hello::tls12)
        .server_flight(&[b"leaf"])
        .finished_by_both()
        .record(Client, 24, &[7; 61])
        .record(Server, 24, &[7; 61])
        .sealed(Client, &[120])
        .sealed(Server, &[900]);
    assert!(is_sound(beats));
}

#[test]
fn the_downgrade_sentinel_is_no_attack_on_a_client_that_can_do_no_more() {
    let settled = |hello: fn(Hello) -> Hello| {
        connected()
            .client_hello(hello)
            .server_hello_with(0x0303, 0xc02f, ServersHello::downgraded)
            .certificate(Server, &[b"leaf"])
            .server_key_exchange(29)
            .server_hello_done()
            .finished_by_both()
            .sealed(Client, &[120])
    };
    assert!(is_sound(settled(Hello::tls12)));
}
