//! Who still follows a way to a root that has ended, although another one was open.

use super::Case;
use crate::tls::ClientStack;
use crate::why::prelude::*;
use crate::x509::StaleCrossSign;

/// A stale cross-signed certificate of a list that is sound without it, and the weight of the reading that this client followed it.
///
/// Never more than a possibility: that a client knows no better shows in its hello only in so far as it is old. OpenSSL before 1.1.0, GnuTLS
/// and Firefox follow what is sent; OpenSSL and Java since 2015 or so look for another way.
pub(super) fn followed<'a>(seen: &Observed, case: &Case<'a>) -> Option<(&'a StaleCrossSign, u8)> {
    let stale = case.chain.stale.as_ref().filter(|_| case.chain.is_sound())?;
    let offer = seen.offer.as_ref().seen()?;
    let stack = offer.value.stack;
    let follows = matches!(stack, ClientStack::GnuTls | ClientStack::Nss) || !offer.value.offers_tls13();
    let weight = match (case.rejection.sign, follows) {
        (Sign::Alert(AlertDescription::CERTIFICATE_EXPIRED | AlertDescription::UNKNOWN_CA), true) => 70,
        (Sign::Alert(AlertDescription::CERTIFICATE_EXPIRED | AlertDescription::UNKNOWN_CA), false) => 45,
        (Sign::Alert(AlertDescription::BAD_CERTIFICATE), _) if stack == ClientStack::GnuTls => 70,
        (Sign::Alert(AlertDescription::CERTIFICATE_UNKNOWN), true) if stack == ClientStack::Jsse => 60,
        (Sign::Alert(_), _) => return None,
        (Sign::HiddenAlert(_) | Sign::CloseNotify, true) => 60,
        (Sign::Left | Sign::LeftAfterCompletion, true) => 55,
        (_, false) => return None,
    };
    Some((stale, weight))
}

/// The weight of another reading of the same sign, where this client may have followed a stale cross-signed certificate.
pub(super) fn unless_followed(weight: u8, seen: &Observed, case: &Case<'_>) -> u8 {
    followed(seen, case).map_or(weight, |(_, followed)| weight.min(followed.saturating_sub(5)))
}
