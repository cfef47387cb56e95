//! What an authority told somebody of a certificate, over plain HTTP in the same input.
//!
//! Most clients and servers that look whether a certificate is revoked fetch that themselves: an OCSP response, or a list. Only what the
//! issuer or its delegate signed counts here.

use super::prelude::*;
use crate::x509::{Answer, Certificate, ChainReport, Revocation, Standing, Statement, StatusKind};

/// A certificate of a path that its authority revoked before it was shown.
pub(super) struct FetchedRevocation<'a> {
    /// Its place in the path; 0 is the leaf.
    pub(super) depth: usize,
    /// The certificate.
    pub(super) certificate: &'a Certificate,
    /// Since when, and why.
    pub(super) revocation: Revocation,
    /// Who says so.
    pub(super) statement: &'a Statement,
}

impl FetchedRevocation<'_> {
    /// `the OCSP response that was fetched from 10.0.0.9`.
    pub(super) fn source(&self) -> String {
        format!(
            "the {} that was fetched from {}",
            form(self.statement),
            self.statement.source.server
        )
    }

    /// The statement as proof.
    pub(super) fn prove(&self, finding: Finding) -> Finding {
        tell(
            finding,
            self.statement,
            self.certificate,
            &format!("revoked {}", when(&self.revocation)),
        )
    }
}

/// The certificate of this path that was revoked when it was shown, as far as what was fetched says so; of several the lowest.
pub(super) fn fetched_revocation<'a>(
    seen: &Observed,
    context: &'a Context<'_>,
    chain: &'a ChainReport,
) -> Option<FetchedRevocation<'a>> {
    let at = context.time(seen);
    (0..chain.path.len()).find_map(|depth| {
        let certificate = &*chain.path.get(depth)?.certificate;
        context.fetched_about(chain, depth, at).find_map(|(statement, report)| {
            let revocation = report.proves_revocation()?;
            let was_revoked = at.is_none_or(|at| revocation.at <= at);
            was_revoked.then_some(FetchedRevocation {
                depth,
                certificate,
                revocation,
                statement,
            })
        })
    })
}

/// What says that the leaf of this path was good when it was shown: of several statements the one that was made last.
pub(super) fn fetched_as_good<'a>(
    seen: &Observed,
    context: &'a Context<'_>,
    chain: &'a ChainReport,
) -> Option<&'a Statement> {
    let about = context.fetched_about(chain, 0, context.time(seen));
    let good = about.filter(|(_, report)| report.answer == Answer::Says(Standing::Good));
    good.max_by_key(|(_, report)| report.made_at)
        .map(|(statement, _)| statement)
}

/// A statement about a certificate as proof, with what it says.
pub(super) fn tell(finding: Finding, statement: &Statement, certificate: &Certificate, says: &str) -> Finding {
    let text = format!(
        "{} for serial number {}: {says}, fetched from {}",
        form(statement),
        certificate.serial,
        statement.source.server
    );
    finding.prove_elsewhere(statement.source.mark, text)
}

/// Since when, and why: `2026-11-11 (keyCompromise)`.
pub(super) fn when(revocation: &Revocation) -> String {
    let reason = revocation.reason.map(|reason| format!(" ({reason})"));
    format!("{}{}", revocation.at.date(), reason.unwrap_or_default())
}

/// What people call such a statement.
fn form(statement: &Statement) -> &'static str {
    match statement.kind() {
        StatusKind::Ocsp => "OCSP response",
        StatusKind::Crl => "revocation list (CRL)",
    }
}
