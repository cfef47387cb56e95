use super::*;
use crate::connection::testing::*;

fn complete(name: &str) -> Scene {
    connected()
        .client_hello(|hello| hello.tls12().name(name))
        .server_flight(&[b"leaf"])
        .finished_by_both()
}

#[test]
fn what_a_server_took_is_remembered() {
    let mut history = ServerHistory::default();
    history.add(&complete("shop.example").sealed(Client, &[80]).closed());
    assert_eq!(
        (
            history.hellos,
            history.answered,
            history.completed,
            history.carried_data
        ),
        (1, 1, 1, 1)
    );
    assert!(history.versions.contains(&ProtocolVersion::TLS12));
    assert!(history.cipher_suites.contains(&CipherSuite(0xc02f)));
    assert!(history.groups.contains(&Group::X25519));
    assert_eq!(history.served_names().collect::<Vec<_>>(), ["shop.example"]);
    assert!(history.without_master_secret && history.without_renegotiation_info);
    assert!(!history.takes_master_secret && !history.passes_over_master_secret);
}

#[test]
fn who_got_through_later_is_remembered_with_the_packet() {
    let mut history = ServerHistory::default();
    let through = |frame| {
        scene()
            .behind_frame(frame)
            .connect()
            .client_hello(|hello| hello.tls12().name("shop.example"))
            .server_flight(&[b"leaf"])
            .finished_by_both()
            .sealed(Client, &[80])
            .closed()
    };
    history.add(&through(100));
    history.add(&through(200));
    let seen = connected().client_hello(Hello::tls12).alert(Server, 2, 40).seen();
    let after = |frame| {
        let mark = Mark {
            frame,
            ..seen.opening()
        };
        history.got_through(Some("shop.example"), seen.client.address, mark)
    };
    assert!(after(5).unwrap().frame < 200);
    assert!(after(150).unwrap().frame > 200);
    assert!(after(900).is_none());
    let elsewhere = history.got_through(Some("www.example"), seen.client.address, seen.opening());
    let anywhere = history.got_through(None, seen.client.address, seen.opening());
    assert!(elsewhere.is_none() && anywhere.is_some());
}

#[test]
fn who_completed_and_sent_nothing_did_not_get_through() {
    let mut history = ServerHistory::default();
    history.add(&complete("shop.example").closed());
    let seen = connected().client_hello(Hello::tls12).alert(Server, 2, 40).seen();
    let through = history.got_through(Some("shop.example"), seen.client.address, seen.opening());
    assert!(through.is_none() && history.served_names().count() == 1);
}

#[test]
fn a_client_without_a_name_is_served_without_one() {
    let mut history = ServerHistory::default();
    history.add(
        &connected()
            .client_hello(|hello| hello.tls12().nameless())
            .server_flight(&[b"leaf"])
            .finished_by_both()
            .closed(),
    );
    assert!(history.serves_nameless() && history.served_names().next().is_none());
}

#[test]
fn the_longest_hello_that_was_answered_is_remembered() {
    let long = |hello: Hello| hello.tls12().extension(21, &[0; 900]);
    let refused = connected().client_hello(long).alert(Server, 2, 40).closed();
    let short = complete("shop.example").closed();
    let mut history = ServerHistory::default();
    history.add(&refused);
    assert_eq!(history.longest_hello, 0);
    history.add(&short);
    assert_eq!(history.longest_hello, short.hello_len());
    assert!(refused.hello_len() > short.hello_len());
}

#[test]
fn leaves_are_counted_by_the_name_that_was_asked_for() {
    let mut history = ServerHistory::default();
    history.add(&complete("shop.example").sealed(Client, &[80]).closed());
    history.add(&complete("shop.example").closed());
    history.add(&complete("www.example").closed());
    let counts = |name: &str| {
        let leaves = history.sent[name].leaves.iter();
        leaves
            .map(|count| (count.connections, count.carried_data))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (counts("shop.example"), counts("www.example")),
        (vec![(2, 1)], vec![(1, 0)])
    );
}

#[test]
fn a_name_counts_only_where_the_handshake_was_completed() {
    let mut history = ServerHistory::default();
    history.add(&connected().client_hello(Hello::tls12).alert(Server, 2, 112).closed());
    assert_eq!((history.hellos, history.answered, history.completed), (1, 1, 0));
    assert!(history.names.is_empty() && history.versions.is_empty());
}

#[test]
fn a_server_without_a_word_of_tls_has_not_answered() {
    let mut history = ServerHistory::default();
    history.add(&connected().client_hello(Hello::tls12).reset(Server).closed());
    assert_eq!((history.hellos, history.answered), (1, 0));
}

#[test]
fn the_order_of_adding_does_not_show() {
    let mut seen: Vec<Closed> = (0..60)
        .map(|number| complete(&format!("host{number:02}.example")).closed())
        .collect();
    let of = |all: &[Closed]| {
        let mut history = ServerHistory::default();
        all.iter().for_each(|seen| history.add(seen));
        history
    };
    let forwards = of(&seen);
    seen.reverse();
    assert_eq!(format!("{forwards:?}"), format!("{:?}", of(&seen)));
    assert_eq!((forwards.names.len(), forwards.completed), (KEPT, 60));
}

/// As long as a list with the certificate b"leaf" is, and no longer.
fn hidden() -> Observed {
    connected()
        .client_hello(|hello| hello.name("shop.example"))
        .server_hello(0x0304, 0x1301)
        .sealed(Server, &[40, 34, 281, 53])
        .seen()
}

/// What a server is known for that sent this leaf to a client that asked for this name.
fn sent(name: &str, leaf: &[u8]) -> ServerHistory {
    let closed = connected()
        .client_hello(|hello| hello.tls12().name(name))
        .server_flight(&[leaf])
        .finished_by_both()
        .closed();
    let mut history = ServerHistory::default();
    history.add(&closed);
    history
}

/// The connection with what is lent to it.
fn lent(mut seen: Observed, captures: &[ServerHistory]) -> Observed {
    let mut chains = SentChains::default();
    captures.iter().for_each(|history| chains.add(seen.server, history));
    chains.lend(&mut seen);
    seen
}

#[test]
fn a_hidden_certificate_is_borrowed_from_who_asked_for_the_same_name() {
    let seen = lent(hidden(), &[sent("shop.example", b"leaf")]);
    assert_eq!(seen.shown_server_chain().map(Vec::len), Some(1));
    assert!(!seen.server_chain.is_seen());
}

#[test]
fn nothing_is_borrowed_for_another_name_or_by_who_can_see() {
    assert!(lent(hidden(), &[sent("www.example", b"leaf")]).borrowed.is_none());
    let clear = complete("shop.example").seen();
    assert!(lent(clear, &[sent("shop.example", b"leaf")]).borrowed.is_none());
}

#[test]
fn what_is_as_long_as_what_is_hidden_may_be_that() {
    // The hidden list has 1,983 bytes and 8 around it; an entry has 5 around its certificate.
    let borrows = |der: &[u8], hello: fn(Hello) -> Hello| {
        let seen = connected()
            .client_hello(hello)
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 2_000, 281, 53])
            .seen();
        lent(seen, &[sent("shop.example", der)]).borrowed.is_some()
    };
    assert!(borrows(&[0; 1_970], |hello| hello));
    assert!(!borrows(&[0; 1_969], |hello| hello));
    assert!(!borrows(&[0; 1_971], |hello| hello));
    // A staple takes room too, and compression makes room.
    assert!(borrows(&[0; 900], |hello| hello.extension(5, &[1, 0, 0, 0, 0])));
    assert!(!borrows(&[0; 2_900], |hello| hello.extension(5, &[1, 0, 0, 0, 0])));
    assert!(borrows(&[0; 2_900], |hello| hello.extension(27, &[2, 0, 2])));
}

#[test]
fn the_room_of_hidden_certificates_is_remembered_by_name() {
    let mut history = ServerHistory::default();
    let flight = || {
        connected()
            .client_hello(|hello| hello)
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 2_000, 281, 53])
    };
    history.add(&flight().sealed(Client, &[19]).fin(Client).closed());
    history.add(&flight().sealed(Client, &[53, 120]).sealed(Server, &[255, 800]).closed());
    let flights = &history.flights["shop.example"];
    let (room, fared) = flights.iter().next().unwrap();
    assert_eq!((room.bytes, fared.went_on, fared.uncompressed), (1_983, 1, true));
    let here = connected().client_hello(|hello| hello).seen().server;
    let places = Places::of([(&here, &history)]);
    assert_eq!(places.asked_for("shop.example"), [here]);
    assert!(places.asked_for("www.example").is_empty());
    let many: Vec<Endpoint> = (0..40).map(|port| Endpoint { port, ..here }).collect();
    let places = Places::of(many.iter().rev().map(|place| (place, &history)));
    assert_eq!(places.asked_for("shop.example"), &many[..PLACES_KEPT]);
}

#[test]
fn a_certificate_of_another_day_is_not_borrowed() {
    let mut history = sent("shop.example", b"leaf");
    for sighting in history.sent.values_mut().flat_map(|sent| &mut sent.ends) {
        sighting.mark.time = sighting.mark.time.map(|time| time.plus_seconds(-90_000));
    }
    assert!(lent(hidden(), &[history]).borrowed.is_none());
}

#[test]
fn of_a_server_that_sends_now_this_and_now_that_nothing_is_borrowed() {
    let captures = [sent("shop.example", b"leaf"), sent("shop.example", b"another leaf")];
    assert!(lent(hidden(), &captures).borrowed.is_none());
}
