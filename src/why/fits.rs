//! Which alert each stack sends for each certificate defect, and how far a sign supports a finding.
//!
//! Measured or read in the stacks' sources; a client that checks after the handshake sends nothing at all.

use crate::connection::{Observed, Rejection, Sign};
use crate::registry::AlertDescription;
use crate::tls::ClientStack;
use crate::why::CauseId;

/// Alert numbers by defect: expired, not yet valid, self-signed, unknown root or missing issuer, wrong name.
const MATRIX: &[(ClientStack, [&[u8]; 5])] = &[
    (ClientStack::OpenSsl, [&[45], &[42], &[48], &[48], &[42, 80]]),
    (
        ClientStack::BoringSsl,
        [&[45, 46], &[45, 46], &[48, 46], &[48, 46], &[42, 46]],
    ),
    (ClientStack::Apple, [&[46, 45], &[46], &[46, 48], &[46, 48], &[46]]),
    (ClientStack::Nss, [&[45, 48], &[45, 42], &[42], &[48], &[42]]),
    (ClientStack::GnuTls, [&[42], &[42], &[42], &[42], &[42]]),
    (ClientStack::Jsse, [&[45, 46], &[42, 46], &[46], &[46], &[46]]),
    (ClientStack::Go, [&[42], &[42], &[42], &[42], &[42]]),
    (ClientStack::Rustls, [&[45], &[45], &[48, 46], &[48], &[42]]),
    (ClientStack::MbedTls, [&[45], &[46], &[48], &[48], &[42]]),
    (ClientStack::WolfSsl, [&[45], &[45], &[42, 48], &[48], &[42]]),
    (ClientStack::Schannel, [&[45], &[45], &[48], &[48], &[42, 46]]),
];

/// The least weight of an intermediate that is missing here and was sent elsewhere.
pub(super) const SEEN_ELSEWHERE: u8 = 92;

/// The column of a defect.
fn column(defect: CauseId) -> Option<usize> {
    match defect.0 {
        "certificate-expired" => Some(0),
        "certificate-not-yet-valid" => Some(1),
        "self-signed" => Some(2),
        "untrusted-root" | "missing-intermediate" => Some(3),
        "hostname-mismatch" => Some(4),
        _ => None,
    }
}

/// The weight of a defect that is plainly there (`weight`, 0–100), scaled by how well the client's sign fits to it.
pub(super) fn fits(weight: u8, defect: CauseId, seen: &Observed, rejection: &Rejection) -> u8 {
    let per_cent = match rejection.sign {
        Sign::Alert(description) => of_alert(defect, description, stack(seen)),
        Sign::HiddenAlert(_) => 92,
        Sign::CloseNotify => 90,
        // That a root is unknown here is no defect to everybody: private authorities are, and roots of the year of the capture may
        // be. Leaving without a word does not show that it was one to this client.
        Sign::Left if is_matter_of_the_store(weight, defect) && !seen.leaves_like_a_refusal() => 50,
        Sign::LeftAfterCompletion if is_matter_of_the_store(weight, defect) => 60,
        Sign::Left => 85,
        Sign::LeftAfterCompletion => after_completion(defect),
    };
    (u32::from(weight) * per_cent / 100) as u8
}

/// True for a defect that is one only by the trust store that stands in for the client's; a missing certificate that was seen elsewhere
/// is missing to everybody.
fn is_matter_of_the_store(weight: u8, defect: CauseId) -> bool {
    match defect.0 {
        "untrusted-root" => true,
        "missing-intermediate" => weight < SEEN_ELSEWHERE,
        _ => false,
    }
}

/// The alerts that servers have for a defect of the client's certificate, and for no other; which stack a server runs is not known.
const BY_SERVERS: &[(&str, &[u8])] = &[
    ("client-certificate-expired", &[45]),
    // 42 is OpenSSL's; rustls, BoringSSL, wolfSSL, NSS and Go say 45.
    ("client-certificate-not-yet-valid", &[42, 45]),
    ("client-certificate-wrong-usage", &[43]),
    ("client-certificate-wrong-issuer", &[48]),
    ("client-certificate-untrusted", &[48]),
];

/// What servers say of any defect: Go and GnuTLS 42, Java 46, programs on GnuTLS 49, callbacks 40 and 80.
const GENERAL: &[u8] = &[42, 46, 49, 40, 80];

/// As [`fits`], for a defect of the client's certificate and the server's sign.
pub(super) fn fits_client(weight: u8, defect: CauseId, rejection: &Rejection) -> u8 {
    let own = BY_SERVERS
        .iter()
        .find(|(id, _)| *id == defect.0)
        .map_or(&[][..], |(_, alerts)| alerts);
    let per_cent = match rejection.sign {
        Sign::Alert(AlertDescription(code)) if own.contains(&code) => 100,
        Sign::Alert(AlertDescription(code)) if GENERAL.contains(&code) => 92,
        Sign::Alert(_) => 40,
        Sign::HiddenAlert(_) | Sign::CloseNotify => 90,
        Sign::Left | Sign::LeftAfterCompletion => 80,
    };
    (u32::from(weight) * per_cent / 100) as u8
}

fn stack(seen: &Observed) -> ClientStack {
    seen.offer
        .as_ref()
        .seen()
        .map_or(ClientStack::Unknown, |offer| offer.value.stack)
}

fn of_alert(defect: CauseId, description: AlertDescription, stack: ClientStack) -> u32 {
    let Some(column) = column(defect) else { return 90 };
    let says = |row: &[&[u8]; 5]| row.get(column).is_some_and(|codes| codes.contains(&description.0));
    match MATRIX.iter().find(|(known, _)| *known == stack) {
        Some((_, row)) if says(row) => 100,
        // The guess at the stack may be wrong, so a misfit lowers and does not exclude.
        Some(_) if MATRIX.iter().any(|(_, row)| says(row)) => 60,
        None if MATRIX.iter().any(|(_, row)| says(row)) => 98,
        _ => 40,
    }
}

/// Names are what clients check after the handshake most often.
fn after_completion(defect: CauseId) -> u32 {
    if defect.0 == "hostname-mismatch" { 92 } else { 87 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openssl_says_45_for_expired_and_nothing_else() {
        let expired = CauseId("certificate-expired");
        assert_eq!(
            of_alert(expired, AlertDescription::CERTIFICATE_EXPIRED, ClientStack::OpenSsl),
            100
        );
        assert_eq!(
            of_alert(expired, AlertDescription::UNKNOWN_CA, ClientStack::OpenSsl),
            60
        );
    }

    #[test]
    fn go_says_42_for_everything() {
        for defect in [
            "certificate-expired",
            "hostname-mismatch",
            "self-signed",
            "untrusted-root",
        ] {
            assert_eq!(
                of_alert(CauseId(defect), AlertDescription::BAD_CERTIFICATE, ClientStack::Go),
                100
            );
        }
    }

    #[test]
    fn a_server_that_names_another_defect_speaks_against_this_one() {
        let expired = CauseId("client-certificate-expired");
        let weight = |sign| {
            let mark = crate::connection::testing::connected().seen().opening();
            fits_client(98, expired, &Rejection { sign, mark })
        };
        let alert = |code| weight(Sign::Alert(AlertDescription(code)));
        assert_eq!((alert(45), alert(46), alert(48), weight(Sign::Left)), (98, 90, 39, 78));
    }

    #[test]
    fn no_stack_says_revoked_for_a_wrong_name() {
        let name = CauseId("hostname-mismatch");
        assert_eq!(
            of_alert(name, AlertDescription::CERTIFICATE_REVOKED, ClientStack::Unknown),
            40
        );
    }
}
