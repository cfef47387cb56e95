//! Certificate revocation lists (RFC 5280 §5).
//!
//! A list that speaks only for some certificates of its issuer (a delta list, one of a distribution point, an indirect one) revokes what
//! stands on it, but that something is missing from it proves nothing.

use x509_parser::extensions::X509Extension;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::{CertificateRevocationList, RevokedCertificate};

use super::key::SignatureAlgorithm;
use super::revocation::{Answer, Revocation, RevocationReason, Signer, Standing, StatusReport, answer_at};
use super::signature::verify_with_key;
use super::{Certificate, Malformed, Name, Verification};
use crate::evidence::Time;

/// deltaCRLIndicator and issuingDistributionPoint: the list does not speak for all certificates of its issuer.
const SCOPE: [&str; 2] = ["2.5.29.27", "2.5.29.28"];
/// certificateIssuer of an entry: from here on the entries are about certificates of somebody else (RFC 5280 §5.3.3).
const CERTIFICATE_ISSUER: &str = "2.5.29.29";

/// A revocation list that could be read.
#[derive(Clone, Debug)]
pub(crate) struct Crl {
    /// Whose list it is.
    pub(crate) issuer: Name,
    /// When it was made.
    pub(crate) this_update: Time,
    /// By when the next one is there.
    pub(crate) next_update: Option<Time>,
    /// True where it speaks for all certificates of its issuer.
    pub(crate) is_complete: bool,
    /// Serial numbers as they stand in certificates, in ascending order; as many as the bytes hold.
    revoked: Vec<(Box<[u8]>, Revocation)>,
    algorithm: SignatureAlgorithm,
    signed: Box<[u8]>,
    signature: Box<[u8]>,
}

impl Crl {
    /// Reads a list in DER. The input bounds the number of its entries.
    ///
    /// # Errors
    /// [`Malformed`] where it is not one.
    pub(crate) fn parse(der: &[u8]) -> Result<Self, Malformed> {
        let list = match CertificateRevocationList::from_der(der) {
            Ok(([], list)) => list,
            Ok((rest, _)) => {
                let at = der.len().saturating_sub(rest.len());
                return Err(Malformed::new(
                    at,
                    format!("{} bytes follow the revocation list", rest.len()),
                ));
            }
            Err(reason) => return Err(Malformed::new(0, format!("not a revocation list: {reason}"))),
        };
        let own = |entry: &&RevokedCertificate<'_>| !has(entry.extensions(), CERTIFICATE_ISSUER);
        let entries = list.iter_revoked_certificates().take_while(own).filter_map(entry);
        let mut revoked: Vec<_> = entries.collect();
        revoked.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Self {
            issuer: Name::parse(list.issuer().as_raw()),
            this_update: Time::from_seconds(list.last_update().timestamp()),
            next_update: list.next_update().map(|next| Time::from_seconds(next.timestamp())),
            is_complete: !SCOPE.iter().any(|scope| has(list.extensions(), scope)),
            revoked,
            algorithm: SignatureAlgorithm::of(&list.signature_algorithm),
            signed: list.tbs_cert_list.as_ref().into(),
            signature: list.signature_value.data.as_ref().into(),
        })
    }

    /// How many certificates it revokes.
    pub(crate) fn len(&self) -> usize {
        self.revoked.len()
    }

    /// What the list says about `certificate`, issued by `issuer`, at `at`.
    pub(crate) fn status(&self, certificate: &Certificate, issuer: &Certificate, at: Option<Time>) -> StatusReport {
        if !certificate.issuer.matches(&self.issuer) || !issuer.subject.matches(&self.issuer) {
            return StatusReport::without_statement(Answer::AboutAnother);
        }
        self.says(certificate, at, self.verify(issuer))
    }

    /// What it says about a certificate of its issuer, whose signature was looked at already.
    pub(super) fn says(&self, certificate: &Certificate, at: Option<Time>, signature: Verification) -> StatusReport {
        let place = self
            .revoked
            .binary_search_by(|(serial, _)| (**serial).cmp(certificate.serial_bytes()));
        let standing = match place.ok().and_then(|place| self.revoked.get(place)) {
            Some((_, revocation)) => Standing::Revoked(*revocation),
            None if self.is_complete => Standing::Good,
            None => Standing::Unknown,
        };
        StatusReport {
            answer: answer_at(standing, self.this_update, self.next_update, at),
            standing: Some(standing),
            made_at: Some(self.this_update),
            signer: Signer::Issuer,
            signature,
        }
    }

    /// Whether `issuer` signed it.
    pub(super) fn verify(&self, issuer: &Certificate) -> Verification {
        verify_with_key(issuer, self.algorithm.method, &self.signed, &self.signature)
    }
}

fn has(extensions: &[X509Extension<'_>], oid: &str) -> bool {
    extensions.iter().any(|extension| extension.oid.to_id_string() == oid)
}

/// One entry; `None` where it takes a revocation back.
fn entry(entry: &RevokedCertificate<'_>) -> Option<(Box<[u8]>, Revocation)> {
    let revocation = Revocation {
        at: Time::from_seconds(entry.revocation_date.timestamp()),
        reason: entry.reason_code().map(|(_, reason)| RevocationReason(reason.0)),
    };
    let stands = revocation.reason != Some(RevocationReason::REMOVE_FROM_CRL);
    stands.then(|| (entry.raw_serial().into(), revocation))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{REVOCATION_PEM, block};
    use super::*;

    fn certificate(name: &str) -> Certificate {
        Certificate::parse(&block(REVOCATION_PEM, name)).unwrap()
    }

    fn list() -> Crl {
        Crl::parse(&block(REVOCATION_PEM, "crl")).unwrap()
    }

    fn status(name: &str) -> StatusReport {
        let list = list();
        list.status(&certificate(name), &certificate("root"), Some(list.this_update))
    }

    #[test]
    fn what_stands_on_the_list_is_revoked() {
        assert_eq!((list().len(), list().is_complete), (2, true));
        let revocation = |day, reason: Option<u8>| Revocation {
            at: Time::from_civil(2024, 3, day, 12, 0, 0).unwrap(),
            reason: reason.map(RevocationReason),
        };
        assert_eq!(status("revoked").proves_revocation(), Some(revocation(1, Some(1))));
        assert_eq!(status("held").proves_revocation(), Some(revocation(2, None)));
        assert_eq!(
            status("good"),
            StatusReport {
                answer: Answer::Says(Standing::Good),
                standing: Some(Standing::Good),
                made_at: Some(list().this_update),
                signer: Signer::Issuer,
                signature: Verification::Yes,
            }
        );
    }

    #[test]
    fn a_list_that_is_not_complete_says_nothing_of_what_is_missing() {
        let partial = Crl {
            is_complete: false,
            ..list()
        };
        let asked = |name| partial.status(&certificate(name), &certificate("root"), None).standing;
        assert_eq!(asked("good"), Some(Standing::Unknown));
        assert!(matches!(asked("revoked"), Some(Standing::Revoked(_))));
    }

    #[test]
    fn the_namesake_of_an_authority_did_not_sign_its_list() {
        let report = list().status(&certificate("revoked"), &certificate("namesake"), None);
        assert_eq!(report.signature, Verification::No);
        assert_eq!(report.proves_revocation(), None);
    }

    #[test]
    fn a_list_is_about_certificates_of_its_issuer() {
        let below = certificate("stranger");
        let report = list().status(&below, &certificate("good"), None);
        assert_eq!(report.answer, Answer::AboutAnother);
    }

    #[test]
    fn a_list_ends() {
        let list = list();
        let at = Time::from_seconds(list.this_update.seconds() + 8 * 86_400);
        let report = list.status(&certificate("good"), &certificate("root"), Some(at));
        assert_eq!(report.answer, Answer::Expired { by: 86_400 });
    }

    #[test]
    fn no_change_of_a_byte_and_no_cut_makes_the_reader_panic() {
        let (der, leaf, root) = (block(REVOCATION_PEM, "crl"), certificate("good"), certificate("root"));
        for place in 0..der.len() {
            assert!(Crl::parse(&der[..place]).is_err(), "cut at {place}");
            for bit in [1u8, 0x20, 0x80, 0xff] {
                let mut changed = der.clone();
                changed[place] ^= bit;
                let Ok(list) = Crl::parse(&changed) else { continue };
                // Signatures cost more than all the rest.
                if bit == 0xff {
                    assert_ne!(list.status(&leaf, &root, None).signature, Verification::Yes, "{place}");
                }
            }
        }
        assert_eq!(
            Crl::parse(&[&der[..], &[0]].concat()).unwrap_err(),
            Malformed::new(der.len(), "1 bytes follow the revocation list")
        );
    }
}
