//! Endings that look like somebody's fault.

use crate::connection::Observed;
use crate::tls::ClientStack;
use crate::why::testing::*;
use crate::why::{AbortedBy, Outcome};

/// TLS 1.2 up to both Finished.
fn complete(chain: &[&[u8]]) -> Scene {
    connected()
        .client_hello(Hello::tls12)
        .server_flight(chain)
        .finished_by_both()
}

/// A goodbye under the keys of TLS 1.2.
fn goodbye(scene: Scene) -> Scene {
    scene.record(Client, ALERT, &[7; 26]).fin(Client)
}

fn is_completed(world: World, seen: &Observed) -> bool {
    let verdict = world.verdict(seen);
    name_of(&verdict).is_empty() && verdict.outcome == Outcome::Completed
}

#[test]
fn a_goodbye_right_after_finished_is_a_refusal_only_where_something_is_wrong() {
    let chain = Issued::to("shop.example");
    let trusting = || context().trusting(&chain.root);
    assert!(is_completed(trusting(), &goodbye(complete(&chain.whole())).seen()));
    let idle = goodbye(complete(&chain.whole()).wait(60.0)).seen();
    assert!(is_completed(trusting(), &idle));
    let other = Issued::to("www.example");
    let left = goodbye(complete(&other.whole())).seen();
    let verdict = context().trusting(&other.root).verdict(&left);
    assert_eq!(
        (name_of(&verdict), verdict.aborted_by),
        ("hostname-mismatch", AbortedBy::Client)
    );
}

#[test]
fn a_reset_after_an_alert_or_a_close_is_the_kernel_that_cleans_up() {
    let hello = || connected().client_hello(Hello::tls12);
    let refused = hello()
        .alert(Server, 2, 70)
        .fin(Server)
        .reset(Client)
        .reset(Client)
        .seen();
    let verdict = context().verdict(&refused);
    assert_eq!(
        (name_of(&verdict), verdict.aborted_by),
        ("version-mismatch", AbortedBy::Server)
    );
    let closed = hello().fin(Server).reset(Client).reset(Server).seen();
    let verdict = context().verdict(&closed);
    assert_eq!(
        (name_of(&verdict), verdict.aborted_by),
        ("closed-after-client-hello", AbortedBy::Server)
    );
}

#[test]
fn a_connection_without_a_byte_is_a_check_and_no_failed_handshake() {
    let checked = connected().fin(Client).fin(Server).seen();
    let verdict = context().verdict(&checked);
    assert_eq!(
        (name_of(&verdict), verdict.outcome),
        ("tcp-probe", Outcome::NotAttempted)
    );
}

#[test]
fn a_load_balancers_check_counts_as_no_failure() {
    let chain = Issued::to("shop.example");
    let checked = connected()
        .client_hello(|hello| hello.nameless())
        .server_hello(0x0304, 0x1301)
        .sealed(Server, &[40, 2_000, 281, 53])
        .sealed(Client, &[53])
        .reset(Client)
        .seen();
    assert!(is_completed(context().trusting(&chain.root), &checked));
}

#[test]
fn a_check_that_breaks_off_counts_as_no_failure_either() {
    let check = |at: f64| {
        let hello = scene().wait(at).connect().client_hello(|hello| hello.nameless());
        let flight = hello.server_hello(0x0304, 0x1301).sealed(Server, &[40, 2_000, 281, 53]);
        flight.reset(Client).seen()
    };
    let checks = [0.0, 5.0, 10.0, 15.0].map(check);
    let verdict = context().beside(&checks.each_ref()).verdict(&checks[0]);
    assert_eq!(verdict.outcome, Outcome::NotAttempted);
    assert_eq!(
        context().beside(&[&checks[0]]).verdict(&checks[0]).outcome,
        Outcome::Failed
    );
}

#[test]
fn of_two_connections_that_race_the_one_that_loses_has_not_failed() {
    let begun = |frame: u64, server: &str| {
        let scene = scene().hosts("10.0.0.1", server).behind_frame(frame).connect();
        let hello = scene.client_hello(|hello| hello).server_hello(0x0304, 0x1301);
        hello.sealed(Server, &[40, 2_000, 281, 53])
    };
    let kept = |server: &str| {
        let through = begun(0, server).sealed(Client, &[53, 120]);
        through.sealed(Server, &[255, 800]).closed()
    };
    let lost = begun(90, "10.0.0.2").wait(0.05).reset(Client).seen();
    let world = context().beside_elsewhere(&[kept("10.0.0.3")]);
    assert_eq!(world.verdict(&lost).outcome, Outcome::NotAttempted);
    // Nothing came through: it has failed.
    assert_eq!(context().verdict(&lost).outcome, Outcome::Failed);
}

#[test]
fn a_balancer_that_checks_says_nothing_of_the_clients_behind_it() {
    // Both legs are in the capture: the one is sound, the other is the one to be explained.
    let chain = Issued::to("shop.example");
    let clients = complete(&chain.whole())
        .sealed(Client, &[90])
        .sealed(Server, &[502])
        .seen();
    assert!(is_completed(context().trusting(&chain.root), &clients));
    let own = Leaf::named("shop.example").self_signed();
    let onwards = turned_down(&[&own], 48);
    assert_eq!(context().trusting(&chain.root).chosen(&onwards), "self-signed");
}

#[test]
fn a_browser_that_leaves_at_a_certificate_request_asks_its_user() {
    let private = Issued::to("shop.example");
    // Without a signature that could be wrong.
    let mut left = connected()
        .client_hello(|hello| hello.tls12().suites(&[0x002f]))
        .server_hello(0x0303, 0x002f)
        .certificate(Server, &private.whole())
        .certificate_request()
        .server_hello_done()
        .fin(Client)
        .seen();
    set_stack(&mut left, ClientStack::BoringSsl);
    // A browser says what it does not like about a certificate, so the unknown root is not why it left.
    let verdict = context().trusting(&Authority::root("Public Root")).verdict(&left);
    assert_eq!(name_of(&verdict), "client-abandoned");
    // It comes back with no certificate, and is refused: that is the reason for both.
    let returned = connected()
        .client_hello(Hello::tls12)
        .server_flight_asking(&private.whole())
        .certificate(Client, &[])
        .client_key_exchange()
        .finished(Client)
        .alert(Server, 2, 40)
        .fin(Server)
        .seen();
    let world = context().beside(&[&left, &returned]);
    assert_eq!(world.chosen(&left), "client-certificate-missing");
}
