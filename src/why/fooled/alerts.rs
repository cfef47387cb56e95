//! Alerts whose names mislead.

use crate::tls::ClientStack;
use crate::why::testing::*;
use crate::why::{AbortedBy, AtFault, Outcome};

fn hello() -> Scene {
    connected().client_hello(Hello::tls12)
}

/// As another library would have sent it.
fn by(stack: ClientStack, scene: Scene) -> crate::connection::Observed {
    let mut seen = scene.seen();
    set_stack(&mut seen, stack);
    seen
}

#[test]
fn an_unknown_name_that_is_only_a_warning_fails_nothing() {
    let warned = || hello().alert(Server, 1, 112).server_flight(&[b"leaf"]);
    let verdict = context().verdict(&warned().finished_by_both().sealed(Client, &[80]).seen());
    assert_eq!((name_of(&verdict), verdict.outcome), ("", Outcome::Completed));
    // Java takes no warning in a handshake, and what it then says is not the reason.
    let java = hello()
        .alert(Server, 1, 112)
        .server_hello(0x0303, 0xc02f)
        .alert(Client, 2, 40);
    assert_eq!(chosen(&by(ClientStack::Jsse, java.fin(Client))), "sni-unrecognized");
}

#[test]
fn unknown_ca_is_the_view_of_its_sender_and_not_a_fact_about_the_certificate() {
    let chain = Issued::to("shop.example");
    let seen = turned_down(&chain.whole(), 48);
    let verdict = context().trusting(&chain.root).verdict(&seen);
    let cause = verdict.cause.as_ref().unwrap();
    assert_eq!((name_of(&verdict), cause.at_fault), ("untrusted-root", AtFault::Client));
    // Of the server it is about the client's certificate.
    let by_server = hello()
        .server_flight_asking(&chain.whole())
        .certificate(Client, &[&Leaf::named("user").signed_by(&chain.root)])
        .client_key_exchange()
        .certificate_verify()
        .finished(Client)
        .alert(Server, 2, 48)
        .fin(Server)
        .seen();
    assert!(
        chosen(&by_server).starts_with("client-certificate-"),
        "{}",
        chosen(&by_server)
    );
}

#[test]
fn certificate_unknown_says_of_no_defect_which_it_is() {
    let root = Authority::root("Shop Anchor");
    let chosen = |leaf: Leaf| {
        let seen = turned_down(&[&leaf.signed_by(&root)], 46);
        context().trusting(&root).chosen(&seen)
    };
    assert_eq!(
        chosen(Leaf::named("shop.example").with(valid(2020, 2025))),
        "certificate-expired"
    );
    assert_eq!(chosen(Leaf::named("www.example")), "hostname-mismatch");
    assert_eq!(chosen(Leaf::named("shop.example")), "server-certificate-rejected");
}

#[test]
fn bad_certificate_of_go_and_gnutls_does_not_mean_that_it_is_corrupt() {
    let root = Authority::root("Shop Anchor");
    let leaf = Leaf::named("shop.example").with(valid(2020, 2025)).signed_by(&root);
    for stack in [ClientStack::Go, ClientStack::GnuTls] {
        let seen = by(stack, hello().server_flight(&[&leaf]).alert(Client, 2, 42).fin(Client));
        let verdict = context().trusting(&root).verdict(&seen);
        assert_eq!(name_of(&verdict), "certificate-expired");
        assert!(!mentions(&verdict, "malformed-certificate"));
    }
}

#[test]
fn handshake_failure_and_decode_error_after_an_empty_certificate_are_about_that() {
    for alert in [40, 50] {
        let seen = hello()
            .server_flight_asking(&[b"leaf"])
            .certificate(Client, &[])
            .client_key_exchange()
            .finished(Client)
            .alert(Server, 2, alert)
            .fin(Server)
            .seen();
        let verdict = context().verdict(&seen);
        assert_eq!(name_of(&verdict), "client-certificate-missing", "{alert}");
        assert!(!mentions(&verdict, "no-shared-cipher") && !mentions(&verdict, "decode-error"));
    }
}

#[test]
fn unexpected_message_to_plain_http_or_to_a_group_is_no_slip_of_the_protocol() {
    let http = connected()
        .say(Client, b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
        .alert(Server, 2, 10)
        .fin(Server)
        .seen();
    assert_eq!(chosen(&http), "plaintext-on-tls-port");
    let group = connected()
        .client_hello(|hello| hello.groups(&[30]).versions(&[0x0304]).suites(&[0x1301, 0x1302]))
        .alert(Server, 2, 10)
        .fin(Server)
        .seen();
    assert_eq!(chosen(&group), "no-shared-group");
}

#[test]
fn protocol_version_of_a_client_that_met_plain_text_is_not_about_versions() {
    // OpenSSL and Go say nothing, GnuTLS and Java 10, rustls 50, NSS 22, BoringSSL 70.
    for alert in [10, 22, 50, 70] {
        let seen = hello()
            .say(Server, b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            .alert(Client, 2, alert)
            .fin(Client)
            .seen();
        assert_eq!(chosen(&seen), "server-not-tls", "{alert}");
    }
}

#[test]
fn internal_error_right_after_the_hello_is_no_crash_where_other_names_are_served() {
    let seen = hello().alert(Server, 2, 80).fin(Server).seen();
    let world = context().server_serves(&["www.example", "api.example"]);
    assert_eq!(world.chosen(&seen), "sni-unrecognized");
}

#[test]
fn certificate_expired_of_a_valid_certificate_is_about_a_clock_or_a_day_to_come() {
    let root = Authority::root("Shop Anchor");
    let refused = |leaf: Leaf| {
        let seen = turned_down(&[&leaf.signed_by(&root)], 45);
        context().trusting(&root).chosen(&seen)
    };
    assert_eq!(refused(Leaf::named("shop.example")), "client-clock-skew");
    // rustls and BoringSSL have one alert for both ends of the validity.
    assert_eq!(
        refused(Leaf::named("shop.example").with(valid(2027, 2030))),
        "certificate-not-yet-valid"
    );
}

#[test]
fn certificate_revoked_of_windows_may_be_a_list_that_nobody_could_fetch() {
    let chain = Issued::to("shop.example");
    let refused = hello().server_flight(&chain.whole()).alert(Client, 2, 44).fin(Client);
    let seen = by(ClientStack::Schannel, refused);
    let verdict = context().trusting(&chain.root).verdict(&seen);
    let cause = verdict.cause.as_ref().unwrap();
    assert_eq!(name_of(&verdict), "certificate-revoked");
    assert_ne!(sure(Some(cause.clone())), Some(crate::why::Confidence::Certain));
    let others = &cause.alternatives;
    assert!(
        others
            .iter()
            .any(|other| other.why_not.contains("could not be reached"))
    );
}

#[test]
fn a_fallback_that_is_refused_is_not_what_went_wrong_first() {
    let seen = connected()
        .client_hello(|hello| hello.tls12().suites(&[0xc02f, 0x5600]))
        .alert(Server, 2, 86)
        .fin(Server)
        .seen();
    let verdict = context().verdict(&seen);
    let cause = verdict.cause.as_ref().unwrap();
    assert_eq!(name_of(&verdict), "inappropriate-fallback");
    assert!(
        cause
            .sentence
            .ends_with("The attempt before this one is what really failed.")
    );
}

#[test]
fn close_notify_of_a_server_after_a_long_silence_is_its_refusal() {
    // s2n waits at random before it says close_notify for nearly every error.
    let to_hello = hello().wait(17.0).alert(Server, 1, 0).fin(Server).fin(Client).seen();
    let verdict = context().verdict(&to_hello);
    assert_eq!(
        (verdict.outcome, verdict.aborted_by),
        (Outcome::Failed, AbortedBy::Server)
    );
    let to_certificate = hello()
        .server_flight_asking(&[b"leaf"])
        .certificate(Client, &[])
        .client_key_exchange()
        .finished(Client)
        .wait(17.0)
        .alert(Server, 1, 0)
        .fin(Server)
        .seen();
    assert_eq!(chosen(&to_certificate), "client-certificate-missing");
}

#[test]
fn an_alert_to_a_client_that_said_nothing_answers_no_hello() {
    let seen = connected().alert(Server, 2, 40).fin(Server).fin(Client).seen();
    let verdict = context().verdict(&seen);
    assert_ne!(verdict.aborted_by, AbortedBy::Client);
    for negotiation in [
        "no-shared-cipher",
        "no-shared-group",
        "version-mismatch",
        "sni-unrecognized",
    ] {
        assert!(!mentions(&verdict, negotiation), "{negotiation}");
    }
}
