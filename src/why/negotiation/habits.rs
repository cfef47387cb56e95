//! What libraries put into their hellos by default, as far as it tells that somebody took something out, and what they insist on.

use crate::connection::Offer;
use crate::registry::{ExtensionType, Group};
use crate::tls::ClientStack;

/// Stacks that break off where a server knows nothing of secure renegotiation (RFC 5746): OpenSSL since 3.0. The others let it pass unless
/// they are told not to (Java's `allowLegacyHelloMessages`, GnuTLS' `%SAFE_RENEGOTIATION`, NSS' `SSL_REQUIRE_SAFE_NEGOTIATION`).
pub(super) const INSISTS_ON_RENEGOTIATION_INFO: &[ClientStack] = &[ClientStack::OpenSsl, ClientStack::Unknown];

/// Stacks that can be told to insist on `extended_master_secret`, or do in their FIPS builds: rustls, Go, Java.
pub(super) const MAY_INSIST_ON_MASTER_SECRET: &[ClientStack] = &[
    ClientStack::Rustls,
    ClientStack::Go,
    ClientStack::Jsse,
    ClientStack::Unknown,
];

/// True where the hello lacks `extended_master_secret` and has what its library learnt later or together with it, so that somebody took it
/// out: `encrypt_then_mac` in OpenSSL, GnuTLS and Mbed TLS, `signature_algorithms_cert` in Java.
pub(super) fn left_out_master_secret(offer: &Offer) -> bool {
    !offer.has(ExtensionType::EXTENDED_MASTER_SECRET)
        && (offer.has(ExtensionType::ENCRYPT_THEN_MAC) || offer.has(ExtensionType::SIGNATURE_ALGORITHMS_CERT))
}

/// True for a list of X25519 and P-256 alone that no library sends by itself: Envoy's BoringSSL does.
pub(super) fn is_cut_to_two_groups(offer: &Offer) -> bool {
    offer.groups.len() == 2
        && offer.groups.contains(&Group::X25519)
        && offer.groups.contains(&Group::SECP256R1)
        && offer.stack != ClientStack::BoringSsl
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_later_tells_that_the_master_secret_was_left_out() {
        let with = |extensions: &[ExtensionType]| Offer {
            extensions: extensions.to_vec(),
            ..Offer::default()
        };
        let (master, mac) = (ExtensionType::EXTENDED_MASTER_SECRET, ExtensionType::ENCRYPT_THEN_MAC);
        assert!(left_out_master_secret(&with(&[mac])));
        assert!(!left_out_master_secret(&with(&[mac, master])));
        assert!(!left_out_master_secret(&with(&[])));
    }

    #[test]
    fn two_groups_are_a_choice_that_only_envoy_makes_by_itself() {
        let with = |groups: &[u16], stack| Offer {
            groups: groups.iter().copied().map(Group).collect(),
            stack,
            ..Offer::default()
        };
        assert!(is_cut_to_two_groups(&with(&[29, 23], ClientStack::Jsse)));
        assert!(!is_cut_to_two_groups(&with(&[29, 23], ClientStack::BoringSsl)));
        assert!(!is_cut_to_two_groups(&with(&[29, 23, 24], ClientStack::Jsse)));
    }
}
