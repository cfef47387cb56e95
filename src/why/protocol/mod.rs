//! A side calls the other's messages wrong, or itself unable.

mod bad_record_mac;
mod decode_error;
mod finished_mismatch;
mod illegal_parameter;
mod internal_error;
mod reaction;
mod record_overflow;
mod renegotiation_refused;
mod server_key_proof_failed;
mod unexpected_message;
mod user_canceled;

pub(super) use bad_record_mac::BadRecordMac;
pub(super) use decode_error::DecodeError;
pub(super) use finished_mismatch::FinishedMismatch;
pub(super) use illegal_parameter::IllegalParameter;
pub(super) use internal_error::InternalError;
pub(super) use record_overflow::RecordOverflow;
pub(super) use renegotiation_refused::RenegotiationRefused;
pub(super) use server_key_proof_failed::ServerKeyProofFailed;
pub(super) use unexpected_message::UnexpectedMessage;
pub(super) use user_canceled::UserCanceled;

use crate::connection::{Answer, Offer};
use crate::registry::{CipherSuite, ExtensionType};
use crate::why::prelude::*;

/// The ids of what a fault of the protocol replaces.
const GENERIC: &[CauseId] = &[
    CauseId("server-certificate-rejected"),
    CauseId("client-abandoned"),
    CauseId("server-closed"),
];

/// This side as the one that has to change something.
const fn fault_of(side: Side) -> AtFault {
    match side {
        Side::Client => AtFault::Client,
        Side::Server => AtFault::Server,
    }
}

/// What shows that a device between changes the hellos: each side then counts another handshake than the other.
fn signs_of_alteration(seen: &Observed, context: &Context<'_>) -> Vec<String> {
    let (Seen::Seen(offer), Seen::Seen(answer)) = (&seen.offer, &seen.answer) else {
        return Vec::new();
    };
    let (offer, answer) = (&offer.value, &answer.value);
    if answer.version.is_tls13() {
        return Vec::new();
    }
    let extensions = answer.extensions();
    let mut signs = Vec::new();
    // The signal among the suites asks for that extension as well (RFC 5746 §3.3).
    let asks_to_renegotiate = offer
        .cipher_suites
        .contains(&CipherSuite::EMPTY_RENEGOTIATION_INFO_SCSV);
    let is_asked =
        |kind: ExtensionType| offer.has(kind) || kind == ExtensionType::RENEGOTIATION_INFO && asks_to_renegotiate;
    let unasked = extensions.iter().filter(|kind| !is_asked(**kind));
    signs.extend(unasked.map(|kind| format!("ServerHello carries {kind}, which the client does not offer")));
    if passes_over_master_secret(offer, answer) && !context.server(seen).passes_over_master_secret {
        let who = if loses_master_secret(seen, context) {
            "which the client offers and the same server takes from others"
        } else {
            "which the client offers and up-to-date servers take"
        };
        signs.push(format!("ServerHello lacks extended_master_secret, {who}"));
    }
    signs
}

/// True where the ServerHello lacks extended_master_secret, and the same server takes it from everybody else who offers it: both sides then
/// derive other keys (RFC 7627 §4).
fn loses_master_secret(seen: &Observed, context: &Context<'_>) -> bool {
    let (Seen::Seen(offer), Seen::Seen(answer)) = (&seen.offer, &seen.answer) else {
        return false;
    };
    let server = context.server(seen);
    passes_over_master_secret(&offer.value, &answer.value)
        && server.takes_master_secret
        && !server.passes_over_master_secret
}

fn passes_over_master_secret(offer: &Offer, answer: &Answer) -> bool {
    let extension = ExtensionType::EXTENDED_MASTER_SECRET;
    !answer.version.is_tls13() && offer.has(extension) && !answer.has(extension)
}

/// The copies of one side that differ, as evidence that bytes change on their way.
fn is_contradictory(seen: &Observed) -> bool {
    seen.tcp.sides.iter().any(|side| side.contradiction().is_some())
}
