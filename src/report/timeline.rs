//! What happened when: every event of a connection that the packets show, in their order.

use super::contract::TimelineEvent;
use super::render::moment;
use crate::connection::{Answer, Hole, MessageSeen, Observed, Offer, RecordSeen};
use crate::evidence::{Hidden, Mark, Seen, Side};
use crate::registry::HandshakeType;
use crate::stream::{Reset, ResetWords};
use crate::tls::{Downgrade, Partial};
use crate::why::list;

/// Signature schemes that the text of a request names.
const SCHEMES_TOLD: usize = 4;

/// The events of a connection in the order of their frames.
pub(super) fn timeline(seen: &Observed, capture: &str) -> Vec<TimelineEvent> {
    let mut events = Vec::new();
    let mut add = |mark: Mark, what: &str, text: String| {
        let (frame, time) = moment(&mark);
        events.push(TimelineEvent {
            capture: capture.to_owned(),
            frame,
            time,
            from: mark.from.into(),
            what: what.to_owned(),
            text,
        });
    };
    for side in [Side::Client, Side::Server] {
        let facts = seen.tcp.side(side);
        if let Some(syn) = facts.syn() {
            let what = if side == seen.tcp.opener() { "syn" } else { "syn-ack" };
            add(syn, what, what.to_ascii_uppercase());
        }
        if let Some(fin) = facts.first_fin() {
            add(fin, "fin", "FIN".to_owned());
        }
        if let Some(reset) = facts.first_rst() {
            add(reset.mark, "rst", reset_text(&reset, facts.rst_words()));
        }
        if let Some(difference) = facts.contradiction() {
            add(difference.second, "overlap", difference.to_string());
        }
        if let Some(urgent) = facts.urgent() {
            let text = "urgent data; some receivers take a byte of them out of the stream".to_owned();
            add(urgent, "urgent", text);
        }
        if let Some(span) = &seen.change_cipher_spec[side] {
            add(span.mark, "change-cipher-spec", "ChangeCipherSpec".to_owned());
        }
        for record in seen.records[side].first() {
            add(record.mark, "record", record_text(record));
        }
    }
    for spoken in &seen.preambles {
        let name = spoken.protocol.title();
        if let Some(offered) = &spoken.offered {
            let has = if offered.tls { "offers TLS" } else { "offers no TLS" };
            add(
                offered.said.span.mark,
                "preamble",
                format!("{name}: {has}: {}", offered.said.words),
            );
        }
        if let Some(said) = &spoken.request {
            add(said.span.mark, "preamble", format!("{name}: asks: {}", said.words));
        }
        if let Some((granted, said)) = &spoken.answer {
            let what = if *granted { "agrees" } else { "refuses" };
            add(said.span.mark, "preamble", format!("{name}: {what}: {}", said.words));
        }
        if let Some((what, span)) = &spoken.exposed {
            add(span.mark, "preamble", format!("{name}: {what} in the clear"));
        }
    }
    for stretch in &seen.translated {
        let text = format!(
            "the same packets under other addresses: {} to {}",
            stretch.client, stretch.server
        );
        add(stretch.first, "translated", text);
    }
    if let Seen::Seen(offer) = &seen.offer
        && offer.value.sslv2
    {
        let text = format!("client_hello in the format of SSL 2.0, {} bytes", offer.value.len);
        add(offer.span.mark, "client-hello", text);
    }
    for message in &seen.messages {
        let what = message
            .kind
            .name()
            .map_or_else(|| "handshake".to_owned(), |name| name.replace('_', "-"));
        add(message.span.mark, &what, message_text(seen, message));
    }
    for alert in &seen.alerts {
        add(
            alert.span.mark,
            "alert",
            format!("alert, {}: {}", alert.level, alert.description),
        );
    }
    for hole in &seen.holes {
        let mark = Mark {
            from: hole.from,
            ..hole.mark
        };
        add(mark, "gap", hole_text(hole));
    }
    for partial in &seen.unfinished {
        add(partial.span.mark, "unfinished", partial_text(partial));
    }
    if let Some((len, span)) = seen.oversized.as_deref() {
        let text = format!("record of {len} bytes, longer than any version allows");
        add(span.mark, "record", text);
    }
    // Within a frame the order of the sides' lists stays: the sort is stable.
    events.sort_by_key(|event| event.frame);
    events
}

/// A message with what of it matters to somebody who looks for a fault, and is told nowhere else in the report.
fn message_text(seen: &Observed, message: &MessageSeen) -> String {
    let mut text = format!("{}, {} bytes", message.kind, message.span.len);
    let mut add = |note: &str| {
        text.push_str("; ");
        text.push_str(note);
    };
    match (message.span.from(), message.kind) {
        (Side::Client, HandshakeType::CLIENT_HELLO) => {
            let offers = seen
                .offer
                .as_ref()
                .seen()
                .into_iter()
                .chain(seen.second_offer.as_deref());
            if let Some(offer) = offers.into_iter().find(|offer| offer.span == message.span) {
                offer_notes(&offer.value, add);
            }
        }
        (Side::Server, HandshakeType::SERVER_HELLO) => {
            let answers = seen.retry.as_ref().into_iter().chain(seen.answer.as_ref().seen());
            if let Some(answer) = answers.into_iter().find(|answer| answer.span == message.span) {
                answer_notes(&answer.value, add);
            }
        }
        (Side::Server, HandshakeType::SERVER_KEY_EXCHANGE) => {
            let exchange = seen
                .key_exchange
                .as_ref()
                .map(|exchange| exchange.value)
                .unwrap_or_default();
            if let Some(group) = exchange.group {
                add(&group.to_string());
            }
            if let Some(bits) = exchange.dh_bits {
                add(&format!("DH {bits} bits"));
            }
            if let Some(scheme) = exchange.scheme {
                add(&format!("signed with {scheme}"));
            }
        }
        (Side::Server, HandshakeType::CERTIFICATE_REQUEST) => {
            if let Seen::Seen(request) = &seen.certificate_request {
                let request = &request.value;
                add(&match request.authority_count() {
                    0 => "from any authority".to_owned(),
                    1 => "from one authority".to_owned(),
                    count => format!("from {count} authorities"),
                });
                if !request.schemes.is_empty() {
                    add(&format!("signed with {}", list(&request.schemes, SCHEMES_TOLD)));
                }
            }
        }
        (Side::Server, HandshakeType::CERTIFICATE_STATUS) => match &seen.stapled {
            Seen::Seen(stapled) if stapled.value.len == 0 => add("no OCSP response in it"),
            Seen::Seen(stapled) => add(&format!("OCSP response of {} bytes", stapled.value.len)),
            Seen::Absent | Seen::Unknown(_) => {}
        },
        (Side::Server, HandshakeType::NEW_SESSION_TICKET) => match seen.ticket_lifetime {
            Some(0) => add("lifetime left open"),
            Some(seconds) => add(&format!("lifetime {seconds} s")),
            None => {}
        },
        _ => {}
    }
    for (fault, _) in seen.malformed.iter().filter(|(_, span)| *span == message.span) {
        text.push_str(&format!("; malformed: {fault}"));
    }
    text
}

fn offer_notes(offer: &Offer, mut add: impl FnMut(&str)) {
    let flags = [
        (offer.fallback, "fallback SCSV"),
        (offer.resumption, "resumption offered"),
        (offer.early_data, "early data"),
        (offer.compresses_certificates, "takes compressed certificates"),
    ];
    for (_, note) in flags.into_iter().filter(|(applies, _)| *applies) {
        add(note);
    }
    if let Some(name) = offer.stack.name() {
        add(&format!("looks like {name}"));
    }
    if let Some(fault) = &offer.fault {
        add(&format!("malformed: {fault}"));
    }
}

fn answer_notes(answer: &Answer, mut add: impl FnMut(&str)) {
    if answer.is_retry {
        add("a HelloRetryRequest");
    }
    match answer.downgrade {
        Some(Downgrade::ToTls12) => add("downgrade sentinel: the server can do TLS 1.3"),
        Some(Downgrade::ToTls11OrBelow) => add("downgrade sentinel: the server can do TLS 1.2 or later"),
        None => {}
    }
    if answer.encrypt_then_mac {
        add("encrypt-then-MAC");
    }
    match answer.timestamps() {
        0 => {}
        1 => add("one certificate timestamp"),
        count => add(&format!("{count} certificate timestamps")),
    }
}

/// A reset, and what speaks for or against it.
fn reset_text(reset: &Reset, words: Option<&ResetWords>) -> String {
    let mut text = format!("RST, TTL {}", reset.ttl);
    if !reset.believed {
        text.push_str("; its receiver passed it over");
    }
    if let Some(words) = words {
        text.push_str(&format!("; it says {words}"));
    }
    text
}

/// Which bytes are missing, and of what.
fn hole_text(hole: &Hole) -> String {
    let whose = hole.from.as_str();
    let last = hole.at.saturating_add(hole.len).saturating_sub(1);
    let why = if hole.why == Hidden::Snaplen {
        "cut by the snapshot length"
    } else {
        "not in the capture"
    };
    let of = match (hole.message, hole.content_type) {
        (Some(message), _) => format!(", within {message}"),
        (None, Some(kind)) => format!(", within {}", record_name(kind)),
        (None, None) => String::new(),
    };
    format!("bytes {} to {last} of the {whose}'s stream are {why}{of}", hole.at)
}

/// What began, and how much of it is there.
fn partial_text(partial: &Partial) -> String {
    let record = record_name(partial.content_type);
    match (partial.message, partial.length) {
        (Some((message, length, have)), _) => format!("{message} ends after {have} of {length} bytes"),
        (None, Some(length)) => format!("{record} ends after {} of {length} bytes", partial.have),
        (None, None) => format!("{record} ends within its header"),
    }
}

fn record_name(content_type: u8) -> &'static str {
    match content_type {
        20 => "a ChangeCipherSpec record",
        21 => "an alert record",
        22 => "a handshake record",
        23 => "an application data record",
        _ => "a record",
    }
}

fn record_text(record: &RecordSeen) -> String {
    let kind = match record.content_type {
        21 => "encrypted alert",
        22 => "encrypted handshake message",
        _ => "encrypted record",
    };
    format!("{kind}, {} bytes", record.len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::testing::*;

    fn told(scene: Scene) -> Vec<String> {
        let events = timeline(&scene.seen(), "a.pcap");
        events.into_iter().map(|event| event.text).collect()
    }

    /// The only text that begins so.
    fn text(scene: Scene, begin: &str) -> String {
        let texts = told(scene);
        let mut found = texts.iter().filter(|text| text.starts_with(begin));
        match (found.next(), found.next()) {
            (Some(text), None) => text.clone(),
            _ => panic!("not one text begins with {begin}: {texts:?}"),
        }
    }

    #[test]
    fn a_hello_tells_what_else_the_client_wants() {
        let hello = |hello: Hello| {
            hello
                .suites(&[0x1301, 0x5600])
                .extension(27, &[2, 0, 2])
                .extension(41, &[0, 0])
                .extension(42, &[])
        };
        let text = text(connected().client_hello(hello), "client_hello");
        assert!(
            text.ends_with("; fallback SCSV; resumption offered; early data; takes compressed certificates"),
            "{text}"
        );
    }

    #[test]
    fn a_hello_of_ssl_2_is_told_as_such() {
        let hello = [
            0x80, 0x11, 1, 3, 1, 0, 6, 0, 0, 0, 2, 0x00, 0x00, 0x2f, 0x01, 0x00, 0x80, 5, 6,
        ];
        assert_eq!(
            text(connected().say(Client, &hello), "client_hello"),
            "client_hello in the format of SSL 2.0, 19 bytes"
        );
    }

    #[test]
    fn a_retry_and_a_downgrade_are_told_with_the_servers_hello() {
        let retry = connected().client_hello(|hello| hello).retry_request(0x1301);
        assert!(text(retry, "server_hello").ends_with("; a HelloRetryRequest"));
        let lower = connected()
            .client_hello(|hello| hello)
            .server_hello_with(0x0303, 0xc02f, ServersHello::downgraded);
        assert!(text(lower, "server_hello").ends_with("; downgrade sentinel: the server can do TLS 1.3"));
    }

    #[test]
    fn messages_of_the_servers_flight_tell_what_they_hold() {
        let flight = || connected().client_hello(Hello::tls12).server_flight_asking(&[b"leaf"]);
        assert!(text(flight(), "server_key_exchange").ends_with("; x25519; signed with ecdsa_secp256r1_sha256"));
        assert!(
            text(flight(), "certificate_request")
                .ends_with("; from any authority; signed with ecdsa_secp256r1_sha256 and rsa_pss_rsae_sha256")
        );
        let finite = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0x009e)
            .message(
                Server,
                12,
                &[&[0, 2, 0x80, 1, 0, 1, 2, 0, 1, 4][..], &[4, 1, 0, 1, 7]].concat(),
            );
        assert!(text(finite, "server_key_exchange").ends_with("; DH 16 bits; signed with rsa_pkcs1_sha256"));
    }

    #[test]
    fn a_stapled_response_and_a_ticket_are_told() {
        let scene = || connected().client_hello(Hello::tls12).server_hello(0x0303, 0xc02f);
        let stapled = scene().message(Server, 22, &[1, 0, 0, 3, 7, 7, 7]);
        assert!(text(stapled, "certificate_status").ends_with("; OCSP response of 3 bytes"));
        let ticket = scene().message(Server, 4, &[0, 0, 1, 44, 0, 2, 8, 9]);
        assert!(text(ticket, "new_session_ticket").ends_with("; lifetime 300 s"));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_message() {
        let scene = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .message(Server, 22, &[9]);
        assert!(text(scene, "certificate_status").contains("; malformed: status_type"));
        let garbled = connected().client_hello(Hello::garbled);
        assert!(text(garbled, "client_hello").contains("; malformed: cipher_suites"));
    }

    #[test]
    fn a_hole_is_told_with_the_message_that_it_is_in() {
        let body = [0x5f; 400];
        let lost = connected()
            .client_hello(Hello::tls12)
            .cut_to(100)
            .message(Server, 11, &body);
        assert_eq!(
            text(lost, "bytes"),
            "bytes 100 to 408 of the server's stream are cut by the snapshot length, within certificate"
        );
    }

    #[test]
    fn a_copy_that_differs_is_told_with_both_frames() {
        let hello = Scene::hello_bytes(|hello| hello);
        let mut other = hello.clone();
        other[20..24].copy_from_slice(b"evil");
        let scene = connected().say(Client, &hello).repeat(Client, &other);
        assert_eq!(
            text(scene, "bytes"),
            "bytes 20 to 23 of the client's stream once more, and not the same: they count as in frame 4"
        );
    }

    #[test]
    fn a_reset_that_nobody_believes_is_told_as_such() {
        let scene = connected()
            .client_hello(Hello::tls12)
            .reset(Server)
            .server_hello(0x0303, 0xc02f)
            .ack(Client);
        assert_eq!(text(scene, "RST"), "RST, TTL 52; its receiver passed it over");
    }

    #[test]
    fn a_message_whose_end_is_missing_is_told_by_how_far_it_goes() {
        let hello = Scene::hello_bytes(|hello| hello);
        let scene = || connected().say(Client, &hello[..60]);
        assert_eq!(
            text(scene(), "client_hello"),
            format!("client_hello ends after 51 of {} bytes", hello.len() - 9)
        );
        let alert = connected().client_hello(Hello::tls12).say(Server, &[21, 3, 3, 0, 2, 2]);
        assert_eq!(
            text(alert, "an alert record"),
            "an alert record ends after 1 of 2 bytes"
        );
        let header = connected().client_hello(Hello::tls12).say(Server, &[22, 3, 3]);
        assert_eq!(text(header, "a handshake"), "a handshake record ends within its header");
    }

    #[test]
    fn a_record_that_is_too_long_is_told_by_its_length() {
        let scene = connected()
            .client_hello(Hello::tls12)
            .say(Server, &[22, 3, 3, 0x60, 0, 1]);
        assert!(told(scene).contains(&"record of 24576 bytes, longer than any version allows".to_owned()));
    }
}
