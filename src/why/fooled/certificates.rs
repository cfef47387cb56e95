//! Certificates that look wrong and are not, or wrong for another reason.

use crate::connection::Observed;
use crate::tls::ClientStack;
use crate::why::testing::*;
use crate::why::{Outcome, Verdict};

/// A client of TLS 1.2 that is content, and sends data.
fn accepted(chain: &[&[u8]]) -> Observed {
    connected()
        .client_hello(Hello::tls12)
        .server_flight(chain)
        .finished_by_both()
        .sealed(Client, &[90])
        .sealed(Server, &[400])
        .fin(Client)
        .seen()
}

/// Nothing is held against a connection; remarks may be made.
fn is_sound(verdict: &Verdict) -> bool {
    name_of(verdict).is_empty() && verdict.outcome == Outcome::Completed
}

#[test]
fn a_resumption_without_a_certificate_is_no_fault_of_the_server() {
    let resumed = connected()
        .client_hello(Hello::tls12)
        .server_hello_with(0x0303, 0xc02f, ServersHello::resumes)
        .finished(Server)
        .finished(Client)
        .sealed(Client, &[90])
        .seen();
    assert!(is_sound(&context().verdict(&resumed)));
    let by_psk = connected()
        .client_hello(|hello| hello)
        .server_hello_with(0x0304, 0x1301, ServersHello::psk)
        .sealed(Server, &[40, 53])
        .sealed(Client, &[53, 120])
        .sealed(Server, &[800])
        .seen();
    assert!(is_sound(&context().verdict(&by_psk)));
}

#[test]
fn a_client_that_names_no_server_is_no_fault_unless_the_server_insists() {
    let chain = Issued::to("shop.example");
    let nameless = || connected().client_hello(|hello| hello.tls12().nameless());
    let served = nameless()
        .server_flight(&chain.whole())
        .finished_by_both()
        .sealed(Client, &[90])
        .seen();
    assert!(is_sound(&context().trusting(&chain.root).verdict(&served)));
    let refused = nameless()
        .server_flight(&[&chain.leaf])
        .alert(Client, 2, 48)
        .fin(Client)
        .seen();
    let world = context().trusting(&chain.root).with_elsewhere(&chain.intermediate);
    assert_eq!(world.chosen(&refused), "missing-intermediate");
}

#[test]
fn a_certificate_that_expired_after_the_capture_was_valid_in_it() {
    let root = Authority::root("Shop Anchor");
    let leaf = Leaf::named("shop.example").with(valid(2026, 2027)).signed_by(&root);
    let seen = turned_down(&[&leaf], 46);
    assert_eq!(context().trusting(&root).chosen(&seen), "server-certificate-rejected");
    // Asked for another day, the same capture says something else.
    let later = crate::evidence::Time::from_civil(2031, 1, 1, 0, 0, 0).unwrap();
    assert_eq!(context().trusting(&root).at(later).chosen(&seen), "certificate-expired");
}

#[test]
fn a_must_staple_flag_is_nothing_to_a_client_that_does_not_look() {
    let root = Authority::root("Shop Anchor");
    let leaf = Leaf::named("shop.example").with(|params| {
        // TLS Feature (RFC 7633): SEQUENCE { INTEGER 5 }.
        let staple = rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 24], vec![0x30, 3, 2, 1, 5]);
        params.custom_extensions = vec![staple];
    });
    let leaf = leaf.signed_by(&root);
    let refused = |stack: ClientStack, alert: u8| {
        let mut seen = connected()
            .client_hello(|hello| hello.tls12().extension(5, &[1, 0, 0, 0, 0]))
            .server_flight(&[&leaf])
            .alert(Client, 2, alert)
            .fin(Client)
            .seen();
        set_stack(&mut seen, stack);
        context().trusting(&root).chosen(&seen)
    };
    assert_eq!(refused(ClientStack::GnuTls, 42), "must-staple-missing");
    assert_eq!(refused(ClientStack::Go, 42), "server-certificate-rejected");
    assert!(is_sound(&context().trusting(&root).verdict(&accepted(&[&leaf]))));
}

#[test]
fn a_self_signed_certificate_that_the_client_takes_is_no_defect() {
    // Pinned or trusted on first use, as appliances and clusters do.
    let own = Leaf::named("shop.example").self_signed();
    assert!(is_sound(&context().verdict(&accepted(&[&own]))));
}

#[test]
fn a_private_root_is_no_defect_to_a_client_that_goes_on() {
    let (private, public) = (Issued::to("shop.example"), Authority::root("Public Root"));
    assert!(is_sound(
        &context().trusting(&public).verdict(&accepted(&private.whole()))
    ));
    let refused = turned_down(&private.whole(), 48);
    assert_eq!(context().trusting(&public).chosen(&refused), "untrusted-root");
}

#[test]
fn a_list_with_its_root_twice_or_out_of_order_is_untidy_and_no_failure() {
    let chain = Issued::to("shop.example");
    let (leaf, intermediate, root) = (&chain.leaf[..], &chain.intermediate.der[..], &chain.root.der[..]);
    for list in [
        vec![leaf, intermediate, root],
        vec![leaf, intermediate, intermediate],
        vec![leaf, root, intermediate],
    ] {
        assert!(is_sound(&context().trusting(&chain.root).verdict(&accepted(&list))));
    }
}

#[test]
fn an_expired_cross_certificate_breaks_no_chain_that_has_another_way() {
    let (old, new) = (Authority::root("Old Anchor"), Authority::root("Shop Anchor"));
    let intermediate = new.below("Shop Issuing CA");
    let leaf = Leaf::named("shop.example").signed_by(&intermediate);
    let cross = new.cross_signed_by(&old, valid(2020, 2025));
    let list: [&[u8]; 3] = [&leaf, &intermediate.der, &cross];
    assert!(is_sound(&context().trusting(&new).verdict(&accepted(&list))));
    let mut seen = turned_down(&list, 46);
    set_stack(&mut seen, ClientStack::BoringSsl);
    assert_ne!(context().trusting(&new).chosen(&seen), "certificate-expired");
}

#[test]
fn a_wildcard_covers_one_label_and_a_common_name_nothing_beside_other_names() {
    let root = Authority::root("Shop Anchor");
    let refused = |leaf: Leaf, asked: &str| {
        let seen = connected()
            .client_hello(|hello| hello.tls12().name(asked))
            .server_flight(&[&leaf.signed_by(&root)])
            .alert(Client, 2, 42)
            .fin(Client)
            .seen();
        context().trusting(&root).chosen(&seen)
    };
    assert_eq!(
        refused(Leaf::named("*.a.example"), "x.y.a.example"),
        "hostname-mismatch"
    );
    assert_eq!(
        refused(Leaf::of(&["www.example"]).common_name("shop.example"), "shop.example"),
        "hostname-mismatch"
    );
    assert_ne!(refused(Leaf::named("*.a.example"), "x.a.example"), "hostname-mismatch");
}

#[test]
fn the_second_certificate_of_tlcp_is_not_a_wrong_intermediate() {
    // GB/T 38636: one certificate to sign with, one to encrypt with, both from the same authority.
    let root = Authority::root("Shop Anchor");
    let [signs, encrypts] = ["shop.example", "shop.example"].map(|name| Leaf::named(name).signed_by(&root));
    let flight = || {
        connected()
            .client_hello(|hello| hello.versions(&[0x0101]).suites(&[0xe013, 0xe011]))
            .server_hello(0x0101, 0xe013)
            .certificate(Server, &[&signs, &encrypts])
            .server_hello_done()
    };
    let taken = flight().finished_by_both().sealed(Client, &[90]).seen();
    let verdict = context().trusting(&root).verdict(&taken);
    assert!(!mentions(&verdict, "wrong-intermediate"));
    let refused = flight().alert(Client, 2, 46).fin(Client).seen();
    let verdict = context().trusting(&root).verdict(&refused);
    assert_eq!(name_of(&verdict), "server-certificate-rejected");
    assert!(!mentions(&verdict, "wrong-intermediate"));
}
