//! The client turned the server's certificate down: why.
//!
//! Each defect looks at the chain for itself; how well the client's sign fits to it is one table's matter ([`fits`]).

mod by_length;
mod captive_portal;
mod certificate_expired;
mod certificate_not_yet_valid;
mod certificate_revoked;
mod client_clock_skew;
mod cross_sign;
mod hostname_mismatch;
mod list;
mod malformed_certificate;
mod missing_intermediate;
mod must_staple_missing;
mod name_constraints;
mod policy;
mod pool;
mod self_signed;
mod server_certificate_rejected;
mod tls_interception;
mod untrusted_root;
mod weak_key;
mod weak_signature;
mod wrong_intermediate;
mod wrong_usage;

pub(super) use captive_portal::CaptivePortal;
pub(super) use certificate_expired::CertificateExpired;
pub(super) use certificate_not_yet_valid::CertificateNotYetValid;
pub(super) use certificate_revoked::CertificateRevoked;
pub(super) use client_clock_skew::ClientClockSkew;
pub(super) use hostname_mismatch::HostnameMismatch;
pub(super) use malformed_certificate::MalformedCertificate;
pub(super) use missing_intermediate::MissingIntermediate;
pub(super) use must_staple_missing::MustStapleMissing;
pub(super) use name_constraints::NameConstraints;
pub(super) use pool::tell as tell_of_pool;
pub(super) use self_signed::SelfSigned;
pub(super) use server_certificate_rejected::ServerCertificateRejected;
pub(super) use tls_interception::TlsInterception;
pub(super) use untrusted_root::UntrustedRoot;
pub(super) use weak_key::WeakKey;
pub(super) use weak_signature::WeakSignature;
pub(super) use wrong_intermediate::WrongIntermediate;
pub(super) use wrong_usage::WrongUsage;

use crate::connection::Support;
use crate::evidence::{Hidden, Span};
use crate::registry::placeholder_called;
use crate::why::fits::fits;
use crate::why::prelude::*;
use crate::x509::{
    Anchored, Answer, Certificate, ChainReport, Gap, Signer, Standing, StatusReport, Verification, ocsp_status,
};

/// What every defect starts from: the client's sign, and the chain that it turned down.
struct Case<'a> {
    rejection: Rejection,
    chain: &'a ChainReport,
}

/// The case against the server's certificate, where the client turned it down and the chain is in the clear, be it in another connection.
fn case<'a>(seen: &Observed, context: &'a Context<'_>) -> Option<Case<'a>> {
    let rejection = context.rejection(seen, Side::Server)?;
    let chain = context.chain(seen, Side::Server)?;
    Some(Case { rejection, chain })
}

/// The client's refusal with this alert, where no certificate can be seen that would show the defect.
fn refusal_of_hidden(seen: &Observed, context: &Context<'_>, description: AlertDescription) -> Option<Rejection> {
    let rejection = context.rejection(seen, Side::Server)?;
    (rejection.sign == Sign::Alert(description) && seen.shown_server_chain().is_none()).then_some(rejection)
}

/// A finding of a defect that the client refused: the chain as `shown`, then the client's sign.
fn refused(
    cause: &dyn Cause,
    weight: u8,
    seen: &Observed,
    rejection: &Rejection,
    sentence: String,
    shown: String,
) -> Finding {
    let finding = Finding::new(cause, fits(weight, cause.id(), seen, rejection), sentence)
        .at_fault(AtFault::Server)
        .aborted_by(AbortedBy::Client);
    prove_rejection(prove_chain(finding, seen, shown), seen, rejection)
}

/// A certificate of the path by its place and name: `The certificate "a.example"`, or `The issuer's certificate "CA" (number 2)`.
fn called(depth: usize, certificate: &Certificate) -> String {
    let name = certificate.display_name();
    if depth == 0 {
        format!("The certificate \"{name}\"")
    } else {
        format!(
            "The issuer's certificate \"{name}\" (number {} of the chain)",
            depth + 1
        )
    }
}

/// The certificates that clients judge by their strength: all but the root, which is trusted as it is, and but those that vouch for
/// themselves.
fn judged_by_strength(chain: &ChainReport) -> impl Iterator<Item = (usize, &Certificate)> {
    let links = chain.path.iter().enumerate();
    links
        .map(|(depth, link)| (depth, &*link.certificate))
        .filter(|(depth, certificate)| *depth == 0 || !certificate.is_self_issued())
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
            let others = match rejection.support {
                Support::None | Support::Against => "",
                Support::Repeated => ", and does so again and again",
                Support::OthersGoOn => ", where others go on",
            };
            format!("leaves right after the handshake without having sent data{others}: it checks the certificate then")
        }
    };
    let alert = seen.fatal_alert().filter(|alert| alert.span.mark == rejection.mark);
    match alert {
        Some(alert) => finding.prove_span(&alert.span, told(alert)),
        None => finding.prove(rejection.mark, text),
    }
}

/// The leaf as evidence, in the Certificate message, or in that of another connection where TLS 1.3 hides this one's.
fn prove_chain(finding: Finding, seen: &Observed, text: impl Into<String>) -> Finding {
    match (&seen.server_chain, &seen.borrowed) {
        (Seen::Seen(chain), _) => finding.prove_span(&chain.span, text),
        (_, Some(sent)) => finding
            .prove_elsewhere(
                sent.mark,
                format!(
                    "what the server sent to another connection for the same name: {}",
                    text.into()
                ),
            )
            .infer(format!(
                "{}; that this connection was sent the same is likely, and not seen.",
                why_hidden(seen)
            )),
        _ => finding,
    }
}

/// What the server staples about its own certificate, and where; `None` where it staples nothing or nobody can see it.
fn staple<'a>(seen: &'a Observed, context: &Context<'_>) -> Option<(StatusReport, &'a Span)> {
    let stapled = seen.stapled.as_ref().seen()?;
    let response = stapled
        .value
        .responses
        .first()
        .filter(|response| !response.is_empty())?;
    let issuer = context.chain(seen, Side::Server).and_then(|chain| chain.path.get(1));
    let issuer = issuer.map(|link| &*link.certificate);
    Some((
        ocsp_status(response, seen.leaf()?, issuer, context.time(seen)),
        &stapled.span,
    ))
}

/// What is wrong with a stapled status that does not speak against the certificate itself.
fn what_is_wrong(status: &StatusReport) -> Option<String> {
    Some(match &status.answer {
        Answer::Expired { by } => format!(
            "is out of date: its nextUpdate passed {} before",
            span_of_time(*by as f64)
        ),
        Answer::NotYetValid { by } => format!("is of a time to come, by {}", span_of_time(*by as f64)),
        Answer::AboutAnother => "is about another certificate".to_owned(),
        Answer::Unsuccessful(code) => format!("holds no status, but the responder's error {code}"),
        Answer::Unreadable(fault) => format!("cannot be read ({fault})"),
        Answer::Says(Standing::Unknown) => "says that the authority does not know the certificate".to_owned(),
        Answer::Says(Standing::Good) if status.signer == Signer::Unauthorized => {
            "is signed by a key that the issuer did not charge with it".to_owned()
        }
        Answer::Says(Standing::Good) if status.signature == Verification::No => {
            "has a signature that does not verify".to_owned()
        }
        Answer::Says(Standing::Good | Standing::Revoked(_)) => return None,
    })
}

/// A certificate of the list that was sent.
fn sent(seen: &Observed, index: usize) -> Option<&Certificate> {
    seen.listed_certificate(index)
}

/// True where `issuer` has the key id that `child` names: a signature of `child` that is not its was not made over these bytes.
fn is_altered(child: &Certificate, issuer: &Certificate) -> bool {
    let named = &child.extensions.authority_key_id;
    named.is_some() && *named == issuer.extensions.subject_key_id
}

/// True where what was sent in the place of the issuer stands above it: a root, or the issuer of what was found elsewhere to be missing.
fn is_skipped_level(chain: &ChainReport, stray: &Certificate) -> bool {
    let found = match &chain.anchored {
        Anchored::ViaPool { missing, .. } => missing,
        Anchored::No { carried_on_by } => carried_on_by,
        Anchored::Yes { .. } => return false,
    };
    let is_above = found
        .iter()
        .any(|sighting| sighting.certificate.issuer.matches(&stray.subject));
    let names_the_gap = chain.gap.as_ref().is_some_and(|gap| gap.issuer.matches(&stray.subject));
    is_above || stray.is_self_issued() && !names_the_gap
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

/// What a certificate proves by its mere presence, where software makes it for itself.
fn as_placeholder(leaf: &Certificate) -> Option<&'static str> {
    let (subject, issuer) = (&leaf.subject, &leaf.issuer);
    let names = [
        &subject.common_name,
        &subject.organization,
        &issuer.common_name,
        &issuer.organization,
    ];
    placeholder_called(names.into_iter().flatten().map(String::as_str)).map(|row| row.proves)
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
