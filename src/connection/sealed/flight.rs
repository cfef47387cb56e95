//! What the lengths of the records in a server's flight tell.

use std::ops::RangeInclusive;

use super::sizes::{Padding, Sizes};
use crate::connection::{RecordSeen, Room};

/// Bytes below which a record of the server holds no certificate.
pub(super) const SMALL: u16 = 200;
/// Bytes by which messages that share records with the certificates differ between two flights of one server: an extension more in
/// EncryptedExtensions, a byte less in an ECDSA signature.
pub(super) const SHARED_SLACK: u32 = 16;
/// Bytes that a CertificateVerify has beside its signature (RFC 9846 §4.4.3).
const AROUND_A_SIGNATURE: u32 = 8;

/// Keys by the length of their signatures.
const KEYS: [(RangeInclusive<u32>, &str); 11] = [
    (64..=64, "Ed25519"),
    (69..=72, "ECDSA P-256"),
    (101..=104, "ECDSA P-384"),
    (114..=114, "Ed448"),
    (136..=139, "ECDSA P-521"),
    (128..=128, "RSA 1024"),
    (256..=256, "RSA 2048"),
    (384..=384, "RSA 3072"),
    (512..=512, "RSA 4096"),
    (2_420..=2_420, "ML-DSA-44"),
    (3_309..=3_309, "ML-DSA-65"),
];
/// Lengths of signatures.
const SIGNATURES: [RangeInclusive<u32>; 2] = [60..=1_100, 2_400..=4_700];

/// What the records of a server's flight hold.
#[derive(Default)]
pub(super) struct Flight {
    pub(super) certificate: Option<RecordSeen>,
    pub(super) room: Option<Room>,
    pub(super) key: Option<&'static str>,
    pub(super) asks_for_certificate: bool,
    pub(super) resumed: bool,
}

/// EncryptedExtensions, CertificateRequest where one is sent, Certificate, CertificateVerify, Finished; tickets may follow.
pub(super) fn read_flight(flight: &[RecordSeen], sizes: Sizes) -> Flight {
    let finished_at = |place: usize| {
        let record = flight.get(place)?;
        sizes.padding_beside(record.len)
    };
    // EncryptedExtensions may be as long as Finished, so that a signature has to stand before it.
    for place in [3, 4] {
        let (Some(padding), Some(certificate), Some(signed)) =
            (finished_at(place), flight.get(place - 2), flight.get(place - 1))
        else {
            continue;
        };
        let signed = sizes.content(signed.len, padding);
        let signature =
            signed.start().saturating_sub(AROUND_A_SIGNATURE)..=signed.end().saturating_sub(AROUND_A_SIGNATURE);
        let meets = |lengths: &RangeInclusive<u32>| {
            lengths.start().max(signature.start()) <= lengths.end().min(signature.end())
        };
        if !SIGNATURES.iter().any(meets) {
            continue;
        }
        let message = sizes.content(certificate.len, padding);
        return Flight {
            certificate: Some(*certificate),
            room: Some(Room {
                shared: false,
                bytes: *message.end(),
                slack: message.end() - message.start(),
            }),
            key: KEYS.iter().find(|(lengths, _)| meets(lengths)).map(|(_, key)| *key),
            asks_for_certificate: place == 4,
            resumed: false,
        };
    }
    let first_is_small = flight.first().is_some_and(|record| record.len < SMALL);
    if finished_at(1).is_some() && first_is_small {
        return Flight {
            resumed: true,
            ..Flight::default()
        };
    }
    // Other stacks fill records with as many messages as there are. What is in between is fragments, or not all of it.
    let is_whole = flight.len() <= 2 && flight.iter().any(|record| record.len >= SMALL);
    let contents = flight
        .iter()
        .map(|record| *sizes.content(record.len, Padding::None).end());
    let bytes = contents.sum::<u32>().checked_sub(u32::from(sizes.finished()));
    Flight {
        room: bytes.filter(|_| is_whole && !first_is_small).map(|bytes| Room {
            shared: true,
            bytes,
            slack: SHARED_SLACK,
        }),
        ..Flight::default()
    }
}
