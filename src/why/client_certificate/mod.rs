//! The server turned the client's certificate down, or missed it.
//!
//! Each defect looks at the chain for itself; how well the server's sign fits to it is one table's matter ([`fits_client`]). What the server
//! trusts is not in the packets. The names in its CertificateRequest are the best image of it: see [`Standing`].
//!
//! [`fits_client`]: crate::why::fits::fits_client

mod client_certificate_expired;
mod client_certificate_missing;
mod client_certificate_not_yet_valid;
mod client_certificate_rejected;
mod client_certificate_revoked;
mod client_certificate_untrusted;
mod client_certificate_wrong_issuer;
mod client_certificate_wrong_usage;
mod client_key_proof_failed;
mod standing;
#[cfg(test)]
mod testing;

pub(super) use client_certificate_expired::ClientCertificateExpired;
pub(super) use client_certificate_missing::ClientCertificateMissing;
pub(super) use client_certificate_not_yet_valid::ClientCertificateNotYetValid;
pub(super) use client_certificate_rejected::ClientCertificateRejected;
pub(super) use client_certificate_revoked::ClientCertificateRevoked;
pub(super) use client_certificate_untrusted::ClientCertificateUntrusted;
pub(super) use client_certificate_wrong_issuer::ClientCertificateWrongIssuer;
pub(super) use client_certificate_wrong_usage::ClientCertificateWrongUsage;
pub(super) use client_key_proof_failed::ClientKeyProofFailed;

use crate::connection::CertificateRequestSeen;
use crate::why::prelude::*;
use crate::x509::{Certificate, ChainReport, OutOfTime};

/// Authorities of a request that are told by name.
const NAMES_TOLD: usize = 4;

/// What a visible defect replaces.
const GENERIC: &[CauseId] = &[
    CauseId("client-certificate-rejected"),
    CauseId("server-closed"),
    CauseId("decode-error"),
    CauseId("internal-error"),
];

/// What every defect starts from: the server's sign, and the chain that it turned down.
struct Case<'a> {
    rejection: Rejection,
    chain: &'a ChainReport,
    leaf: &'a Certificate,
}

/// The case against the client's certificate, where the server turned it down and the chain is in the clear.
fn case<'a>(seen: &Observed, context: &'a Context<'_>) -> Option<Case<'a>> {
    let rejection = context.rejection(seen, Side::Client)?;
    let chain = context.chain(seen, Side::Client)?;
    let leaf = chain.leaf.as_deref()?;
    Some(Case { rejection, chain, leaf })
}

/// What the server asks for, where that was seen.
fn request(seen: &Observed) -> Option<&CertificateRequestSeen> {
    Some(&seen.certificate_request.as_ref().seen()?.value)
}

/// The request as evidence, where it was seen.
fn prove_request(finding: Finding, seen: &Observed) -> Finding {
    let Seen::Seen(seen) = &seen.certificate_request else {
        return finding;
    };
    let text = match seen.value.authority_count() {
        0 => "CertificateRequest; any authority will do".to_owned(),
        _ => format!("CertificateRequest, naming {}", authorities(&seen.value)),
    };
    finding.prove_span(&seen.span, text)
}

/// The first authorities of a request by name, and how many more there are.
fn authorities(request: &CertificateRequestSeen) -> String {
    let told = request.authorities.iter().take(NAMES_TOLD);
    let told: Vec<String> = told.map(|name| format!("\"{}\"", name.display())).collect();
    match request.authority_count() - told.len() {
        0 => list(told, NAMES_TOLD),
        more => format!("{} and {more} more", told.join(", ")),
    }
}

/// The client's Certificate message as evidence: the leaf, and `more` about it.
fn prove_certificate(finding: Finding, seen: &Observed, leaf: &Certificate, more: &str) -> Finding {
    let Seen::Seen(chain) = &seen.client_chain else {
        return finding;
    };
    let others = match chain.value.len() {
        0 | 1 => String::new(),
        sent => format!("; {} more sent with it", sent - 1),
    };
    let text = format!(
        "Certificate: \"{}\", issued by \"{}\"{more}{others}",
        leaf.display_name(),
        leaf.issuer.display()
    );
    finding.prove_span(&chain.span, text)
}

/// The server's refusal as evidence.
fn prove_refusal(finding: Finding, seen: &Observed, rejection: &Rejection) -> Finding {
    finding.prove(rejection.mark, refusal(seen, rejection))
}

/// The server's refusal in words.
fn refusal(seen: &Observed, rejection: &Rejection) -> String {
    match rejection.sign {
        Sign::Alert(_) => seen.fatal_alert().map(told).unwrap_or_default(),
        Sign::HiddenAlert(len) => format!("an encrypted record of {len} bytes, an alert's size, and nothing else"),
        Sign::CloseNotify => "alert, warning: close_notify (0) instead of an answer".to_owned(),
        Sign::Left | Sign::LeftAfterCompletion => "the server closes without a word".to_owned(),
    }
}

/// `The client's certificate "alice"`, or its issuer's, by the place in the path.
fn called(out: &OutOfTime) -> String {
    let name = out.certificate.display_name();
    if out.depth == 0 {
        format!("The client's certificate \"{name}\"")
    } else {
        format!("The certificate \"{name}\" above the client's")
    }
}

/// What a certificate file holds that matters to a server.
fn show_certificate() -> Option<String> {
    Some("openssl x509 -in client.pem -noout -subject -issuer -dates -ext extendedKeyUsage".to_owned())
}
