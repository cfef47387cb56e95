//! What happened when: every event of a connection that the packets show, in their order.

use super::contract::TimelineEvent;
use super::render::moment;
use crate::connection::{Observed, RecordSeen};
use crate::evidence::{Mark, Side};

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
            let what = if side == Side::Client { "syn" } else { "syn-ack" };
            add(syn, what, what.to_ascii_uppercase());
        }
        if let Some(fin) = facts.first_fin() {
            add(fin, "fin", "FIN".to_owned());
        }
        if let Some(reset) = facts.first_rst() {
            add(reset.mark, "rst", format!("RST, TTL {}", reset.ttl));
        }
        if let Some(span) = &seen.change_cipher_spec[side.index()] {
            add(span.mark, "change-cipher-spec", "ChangeCipherSpec".to_owned());
        }
        for record in &seen.records[side.index()].first {
            add(record.mark, "record", record_text(record));
        }
    }
    for message in &seen.messages {
        let what = message
            .kind
            .name()
            .map_or_else(|| "handshake".to_owned(), |name| name.replace('_', "-"));
        add(
            message.span.mark,
            &what,
            format!("{}, {} bytes", message.kind, message.span.len),
        );
    }
    for alert in &seen.alerts {
        add(
            alert.span.mark,
            "alert",
            format!("alert, {}: {}", alert.level, alert.description),
        );
    }
    // Within a frame the order of the sides' lists stays: the sort is stable.
    events.sort_by_key(|event| event.frame);
    events
}

fn record_text(record: &RecordSeen) -> String {
    let kind = match record.content_type {
        21 => "encrypted alert",
        22 => "encrypted handshake message",
        _ => "encrypted record",
    };
    format!("{kind}, {} bytes", record.len)
}
