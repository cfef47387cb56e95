//! Who still follows a way to a root that has ended, although another one was open.

use super::Case;
use crate::tls::ClientStack;
use crate::why::prelude::*;
use crate::x509::StaleCrossSign;

/// The weight from which the client is taken for one that follows what is sent.
const LIKELY_OLD: u8 = 55;

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
    match followed(seen, case) {
        Some((_, followed @ LIKELY_OLD..)) => weight.min(followed - 1),
        _ => weight,
    }
}

#[cfg(test)]
mod tests {
    use super::super::case;
    use super::*;
    use crate::why::testing::*;

    /// How much speaks for it that a client with this library, which says this, followed a living cross-sign to a root that has expired.
    fn weight(stack: ClientStack, description: u8) -> Option<u8> {
        let old = Authority::root_with("Old Root", valid(2000, 2024));
        let root = Authority::root("Shop Anchor");
        let cross = root.cross_signed_by(&old, valid(2010, 2030));
        let leaf = Leaf::named("shop.example").signed_by(&root);
        let mut seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&[&leaf, &cross])
            .alert(Client, 2, description)
            .fin(Client)
            .seen();
        set_stack(&mut seen, stack);
        let world = context().trusting(&root).trusting(&old);
        world.in_context(&seen, |context| {
            let (stale, weight) = followed(&seen, &case(&seen, context)?)?;
            assert_eq!((stale.index, stale.ended().date().as_str()), (1, "2024-01-01"));
            Some(weight)
        })
    }

    #[test]
    fn a_client_is_believed_to_have_followed_it_where_its_alert_is_the_one_for_that() {
        assert_eq!(weight(ClientStack::GnuTls, 42), Some(70));
        assert_eq!(weight(ClientStack::Jsse, 46), Some(60));
        assert_eq!(weight(ClientStack::Unknown, 45), Some(70));
        assert_eq!(weight(ClientStack::Unknown, 42), None);
        assert_eq!(weight(ClientStack::Unknown, 46), None);
    }
}
