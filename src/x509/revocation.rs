//! What an OCSP response or a revocation list says about a certificate.

use std::fmt;

use super::{Malformed, Verification};
use crate::evidence::Time;

/// Seconds by which clocks may differ before a statement counts as too old or too new; OpenSSL's programs allow as much.
const SKEW: i64 = 300;

/// Why a certificate was revoked (CRLReason, RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RevocationReason(pub(crate) u8);

impl RevocationReason {
    /// The reason of a certificate that is only suspended.
    pub(crate) const CERTIFICATE_HOLD: Self = Self(6);
    /// The entry of a delta list that takes a revocation back.
    pub(super) const REMOVE_FROM_CRL: Self = Self(8);
}

/// The name in RFC 5280, else the number.
impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0 => "unspecified",
            1 => "keyCompromise",
            2 => "cACompromise",
            3 => "affiliationChanged",
            4 => "superseded",
            5 => "cessationOfOperation",
            6 => "certificateHold",
            8 => "removeFromCRL",
            9 => "privilegeWithdrawn",
            10 => "aACompromise",
            number => return write!(f, "reason {number}"),
        })
    }
}

/// When and why a certificate was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Revocation {
    /// The moment from which on it does not count.
    pub(crate) at: Time,
    /// The reason, where one is given.
    pub(crate) reason: Option<RevocationReason>,
}

/// What its authority says of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is not revoked.
    Good,
    /// It is revoked.
    Revoked(Revocation),
    /// The source does not know it, or does not speak for all of its kind.
    Unknown,
}

/// How a statement answers the question for one certificate at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// In time, and about this certificate.
    Says(Standing),
    /// About this certificate, but its nextUpdate had passed by these seconds.
    Expired {
        /// Seconds since nextUpdate.
        by: i64,
    },
    /// About this certificate, but its thisUpdate lay these seconds ahead.
    NotYetValid {
        /// Seconds until thisUpdate.
        by: i64,
    },
    /// It is about other certificates.
    AboutAnother,
    /// The responder answered with an error (OCSPResponseStatus, RFC 6960 §4.2.1).
    Unsuccessful(u8),
    /// It cannot be read.
    Unreadable(Malformed),
}

/// Who vouches for a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signer {
    /// The issuer of the certificate.
    Issuer,
    /// A responder whose certificate the issuer signed for that purpose (RFC 6960 §4.2.2.2).
    Delegate,
    /// A key that the issuer did not charge with it.
    Unauthorized,
    /// Nobody that could be found.
    Unknown,
}

/// An answer, and what it is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatusReport {
    /// The answer at the moment that was asked for.
    pub(crate) answer: Answer,
    /// What it says of the certificate, be it in time or not; `None` where it is not about it.
    pub(crate) standing: Option<Standing>,
    /// When it was made; after the moment that was asked for, one of the two clocks is wrong.
    pub(crate) made_at: Option<Time>,
    /// Who signed it, as far as it says so.
    pub(crate) signer: Signer,
    /// Whether that signature fits; [`Verification::Unsupported`] also where nothing is there to check it with.
    pub(crate) signature: Verification,
}

impl StatusReport {
    /// An answer without a statement in it.
    pub(super) const fn without_statement(answer: Answer) -> Self {
        Self {
            answer,
            standing: None,
            made_at: None,
            signer: Signer::Unknown,
            signature: Verification::Unsupported,
        }
    }

    /// True where the issuer or its delegate signed it.
    pub(crate) fn is_vouched_for(&self) -> bool {
        matches!(self.signer, Signer::Issuer | Signer::Delegate) && self.signature == Verification::Yes
    }

    /// True where the issuer or its delegate says, with a signature that fits, that the certificate is revoked; be that in time or
    /// not, since revocations stay, but for those that only suspend.
    pub(crate) fn proves_revocation(&self) -> Option<Revocation> {
        let Some(Standing::Revoked(revocation)) = self.standing else {
            return None;
        };
        let stays = revocation.reason != Some(RevocationReason::CERTIFICATE_HOLD);
        (self.is_vouched_for() && (stays || matches!(self.answer, Answer::Says(_)))).then_some(revocation)
    }
}

/// The answer at `at` of a statement that counts from `this_update` to `next_update`. Without a moment, nothing is out of time.
pub(super) fn answer_at(standing: Standing, this_update: Time, next_update: Option<Time>, at: Option<Time>) -> Answer {
    let Some(at) = at else { return Answer::Says(standing) };
    let early = this_update.seconds().saturating_sub(at.seconds());
    let late = next_update.map_or(0, |end| at.seconds().saturating_sub(end.seconds()));
    if early > SKEW {
        Answer::NotYetValid { by: early }
    } else if late > SKEW {
        Answer::Expired { by: late }
    } else {
        Answer::Says(standing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_differ_by_five_minutes() {
        let [begin, end] = [1_000_000, 2_000_000].map(Time::from_seconds);
        let answer = |seconds| answer_at(Standing::Good, begin, Some(end), Some(Time::from_seconds(seconds)));
        assert_eq!(answer(999_700), Answer::Says(Standing::Good));
        assert_eq!(answer(999_699), Answer::NotYetValid { by: 301 });
        assert_eq!(answer(2_000_300), Answer::Says(Standing::Good));
        assert_eq!(answer(2_000_301), Answer::Expired { by: 301 });
        assert_eq!(
            answer_at(Standing::Good, begin, None, Some(Time::from_seconds(9_000_000))),
            Answer::Says(Standing::Good)
        );
    }

    #[test]
    fn an_old_revocation_counts_and_an_old_suspension_does_not() {
        let report = |reason, answer| StatusReport {
            answer,
            standing: Some(Standing::Revoked(Revocation {
                at: Time::from_seconds(1),
                reason,
            })),
            made_at: None,
            signer: Signer::Delegate,
            signature: Verification::Yes,
        };
        let old = Answer::Expired { by: 1_000 };
        let hold = Some(RevocationReason::CERTIFICATE_HOLD);
        assert!(report(None, old.clone()).proves_revocation().is_some());
        assert!(report(hold, old.clone()).proves_revocation().is_none());
        let forged = StatusReport {
            signature: Verification::No,
            ..report(None, old)
        };
        assert!(forged.proves_revocation().is_none());
    }

    #[test]
    fn reasons_have_the_names_of_the_standard() {
        assert_eq!(RevocationReason(1).to_string(), "keyCompromise");
        assert_eq!(RevocationReason(7).to_string(), "reason 7");
    }
}
