//! The causes, and the choice between them.
//!
//! One cause is two files side by side: its logic with its tests, and its page. Each reads facts and writes [`Finding`]s; none knows
//! another. [`choose()`] is the only arbiter.

mod capture;
mod choose;
mod client_certificate;
mod context;
mod fetched;
mod finding;
mod fits;
#[cfg(test)]
mod fooled;
mod negotiation;
mod network;
mod not_tls;
mod prelude;
mod protocol;
mod recovery;
mod server_certificate;
#[cfg(test)]
pub(crate) mod testing;
mod words;

pub(crate) use choose::{Verdict, choose};
pub(crate) use context::{Context, Surroundings};
pub(crate) use finding::{Alternative, Evidence, Finding};
pub(crate) use prelude::list;
pub(crate) use words::words;
pub use words::{AbortedBy, AtFault, Confidence, Outcome, Severity, Step};

use crate::connection::Observed;

/// The stable name of a cause: kebab-case, part of the JSON contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CauseId(pub(crate) &'static str);

/// One reason for which a handshake fails.
pub(crate) trait Cause: Sync {
    /// Its name.
    fn id(&self) -> CauseId;

    /// Its page: what `tlswhy explain` shows.
    fn page(&self) -> &'static str;

    /// Vaguer causes that this one replaces where both are found.
    fn outranks(&self) -> &'static [CauseId] {
        &[]
    }

    /// Looks for itself in one connection.
    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>);
}

/// Every cause, in the order of the documentation. Where two weigh the same, the earlier one is chosen.
pub(crate) static CAUSES: &[&dyn Cause] = &[
    &network::TcpRefused,
    &network::TcpUnanswered,
    &network::IcmpUnreachable,
    &network::TcpProbe,
    &network::ContradictoryCopies,
    &not_tls::StarttlsRefused,
    &not_tls::ProxyConnectRefused,
    &not_tls::StarttlsInjection,
    &not_tls::UnprotectedSession,
    &not_tls::PlaintextOnTlsPort,
    &not_tls::ServerNotTls,
    &negotiation::VersionMismatch,
    &negotiation::InappropriateFallback,
    &negotiation::NoSharedCipher,
    &negotiation::NoSharedGroup,
    &negotiation::NoSharedSignatureAlgorithm,
    &negotiation::SniUnrecognized,
    &negotiation::SniMissing,
    &negotiation::AlpnMismatch,
    &negotiation::DowngradeDetected,
    &negotiation::EchRejected,
    &negotiation::MissingExtension,
    &negotiation::UnsupportedExtension,
    &negotiation::PskUnknownIdentity,
    &negotiation::WeakDh,
    &negotiation::InsufficientSecurity,
    &negotiation::AccessDenied,
    &server_certificate::CaptivePortal,
    &server_certificate::TlsInterception,
    &server_certificate::SelfSigned,
    &server_certificate::CertificateExpired,
    &server_certificate::CertificateNotYetValid,
    &server_certificate::HostnameMismatch,
    &server_certificate::MissingIntermediate,
    &server_certificate::WrongIntermediate,
    &server_certificate::UntrustedRoot,
    &server_certificate::CertificateRevoked,
    &server_certificate::WrongUsage,
    &server_certificate::WeakSignature,
    &server_certificate::WeakKey,
    &server_certificate::NameConstraints,
    &server_certificate::MustStapleMissing,
    &server_certificate::MalformedCertificate,
    &server_certificate::ClientClockSkew,
    &server_certificate::ServerCertificateRejected,
    &client_certificate::ClientCertificateMissing,
    &client_certificate::ClientCertificateExpired,
    &client_certificate::ClientCertificateNotYetValid,
    &client_certificate::ClientCertificateRevoked,
    &client_certificate::ClientCertificateWrongUsage,
    &client_certificate::ClientCertificateWrongIssuer,
    &client_certificate::ClientCertificateUntrusted,
    &client_certificate::ClientKeyProofFailed,
    &client_certificate::ClientCertificateRejected,
    &protocol::BadRecordMac,
    &protocol::FinishedMismatch,
    &protocol::ServerKeyProofFailed,
    &protocol::DecodeError,
    &protocol::IllegalParameter,
    &protocol::UnexpectedMessage,
    &protocol::RecordOverflow,
    &protocol::InternalError,
    &protocol::UserCanceled,
    &protocol::RenegotiationRefused,
    &network::InjectedReset,
    &network::LargeClientHelloLost,
    &network::ServerFlightLost,
    &network::ResetAfterClientHello,
    &network::ClosedAfterClientHello,
    &network::NoServerResponse,
    &network::StalledByClient,
    &network::StalledByServer,
    &network::ClientAbandoned,
    &network::ServerClosed,
    &capture::CaptureTruncated,
    &capture::CaptureGap,
    &capture::CaptureEnded,
    &capture::StartedMidConnection,
    &capture::OneSidedCapture,
];

/// The cause of this name.
pub(crate) fn cause(id: CauseId) -> Option<&'static dyn Cause> {
    CAUSES.iter().copied().find(|cause| cause.id() == id)
}

/// The title of a page: its first line without the mark.
pub(crate) fn title(page: &'static str) -> &'static str {
    page.lines().next().unwrap_or_default().trim_start_matches('#').trim()
}

/// Judges one connection: every cause looks, one is chosen.
pub(crate) fn judge(seen: &Observed, context: &Context<'_>) -> Verdict {
    let mut findings = Vec::new();
    for cause in CAUSES {
        cause.judge(seen, context, &mut findings);
    }
    let mut verdict = choose(seen, findings);
    verdict.cause = verdict
        .cause
        .map(|cause| server_certificate::tell_of_pool(cause, seen, context))
        .map(|cause| not_tls::tell_of_wrong_port(cause, seen))
        .map(|cause| recovery::tell(cause, seen, context));
    verdict
}

#[cfg(test)]
mod tests;
