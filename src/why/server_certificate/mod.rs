//! The client turned the server's certificate down: why.
//!
//! Each defect looks at the chain for itself; how well the client's sign fits to it is one table's matter ([`fits`]).

mod certificate_expired;
mod certificate_not_yet_valid;
mod hostname_mismatch;
mod missing_intermediate;
mod self_signed;
mod server_certificate_rejected;
mod untrusted_root;

pub(super) use certificate_expired::CertificateExpired;
pub(super) use certificate_not_yet_valid::CertificateNotYetValid;
pub(super) use hostname_mismatch::HostnameMismatch;
pub(super) use missing_intermediate::MissingIntermediate;
pub(super) use self_signed::SelfSigned;
pub(super) use server_certificate_rejected::ServerCertificateRejected;
pub(super) use untrusted_root::UntrustedRoot;

use crate::evidence::Hidden;
use crate::why::prelude::*;
use crate::x509::{Certificate, ChainReport, Gap};

/// What every defect starts from: the client's sign, and the chain that it turned down.
struct Case<'a> {
    rejection: Rejection,
    chain: &'a ChainReport,
}

/// The case against the server's certificate, where the client turned it down and the chain is in the clear.
fn case<'a>(seen: &Observed, context: &'a Context<'_>) -> Option<Case<'a>> {
    let rejection = seen.server_certificate_rejection()?;
    let chain = context.chain(seen, Side::Server)?;
    Some(Case { rejection, chain })
}

/// The ids of what a visible defect replaces.
const GENERIC: &[CauseId] = &[
    CauseId("server-certificate-rejected"),
    CauseId("client-abandoned"),
    CauseId("server-closed"),
    CauseId("internal-error"),
];

/// The client's sign as evidence.
fn prove_rejection(finding: Finding, seen: &Observed, rejection: &Rejection) -> Finding {
    let text = match rejection.sign {
        Sign::Alert(description) => format!("alert, fatal: {description}"),
        Sign::HiddenAlert(len) => format!("an encrypted alert ({len} bytes)"),
        Sign::CloseNotify => {
            "alert, warning: close_notify (0) in the middle of the handshake: it does not go on".to_owned()
        }
        Sign::Left => "leaves without a word, right after the server's flight".to_owned(),
        Sign::LeftAfterCompletion => {
            "leaves right after the handshake without having sent data: it checks the certificate then".to_owned()
        }
    };
    let alert = seen.fatal_alert().filter(|alert| alert.span.mark == rejection.mark);
    match alert {
        Some(alert) => finding.prove_span(&alert.span, told(alert)),
        None => finding.prove(rejection.mark, text),
    }
}

/// The leaf as evidence, in the Certificate message.
fn prove_chain(finding: Finding, seen: &Observed, text: impl Into<String>) -> Finding {
    match seen.server_chain.as_ref().seen() {
        Some(chain) => finding.prove_span(&chain.span, text),
        None => finding,
    }
}

/// How a certificate that has the name of `child`'s issuer differs from it: by its key.
fn other_key(child: &Certificate, namesake: &Certificate) -> String {
    match (&child.extensions.authority_key_id, &namesake.extensions.subject_key_id) {
        (Some(named), Some(own)) if named != own => {
            format!("has the issuer's name, but another key: its key id is {own}, the certificate names {named}")
        }
        _ => "has the issuer's name, but another key: it did not sign the certificate".to_owned(),
    }
}

/// What is to be said of a trusted certificate that has the missing issuer's name; empty where there is none.
fn namesake_of(gap: &Gap) -> String {
    gap.namesake.as_ref().map_or_else(String::new, |namesake| {
        let name = namesake.display_name();
        format!("; the trusted \"{name}\" {}", other_key(&gap.below, namesake))
    })
}

/// Why the certificates cannot be read.
fn why_hidden(seen: &Observed) -> &'static str {
    match seen.server_chain {
        Seen::Unknown(Hidden::Encrypted) => "TLS 1.3 hides the certificates",
        Seen::Unknown(Hidden::OneSided) => "The certificates are not in the capture, which holds one direction only",
        Seen::Unknown(Hidden::Snaplen) => "The certificates are not in the capture: its packets are cut",
        _ => "The certificates are not in the capture",
    }
}

/// `openssl s_client` with the chain printed.
fn show_chain(seen: &Observed) -> String {
    s_client(seen, "-showcerts")
}
