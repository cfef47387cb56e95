//! The two sides' settings do not meet.

mod access_denied;
mod alpn_mismatch;
mod downgrade_detected;
mod ech_rejected;
mod habits;
mod inappropriate_fallback;
mod insufficient_security;
mod missing_extension;
mod no_shared_cipher;
mod no_shared_group;
mod no_shared_signature_algorithm;
mod psk_unknown_identity;
mod server_key;
mod sni_missing;
mod sni_unrecognized;
mod unsupported_extension;
mod version_mismatch;
mod weak_dh;

pub(super) use access_denied::AccessDenied;
pub(super) use alpn_mismatch::AlpnMismatch;
pub(super) use downgrade_detected::DowngradeDetected;
pub(super) use ech_rejected::EchRejected;
pub(super) use inappropriate_fallback::InappropriateFallback;
pub(super) use insufficient_security::InsufficientSecurity;
pub(super) use missing_extension::MissingExtension;
pub(super) use no_shared_cipher::NoSharedCipher;
pub(super) use no_shared_group::NoSharedGroup;
pub(super) use no_shared_signature_algorithm::NoSharedSignatureAlgorithm;
pub(super) use psk_unknown_identity::PskUnknownIdentity;
pub(super) use sni_missing::SniMissing;
pub(super) use sni_unrecognized::SniUnrecognized;
pub(super) use unsupported_extension::UnsupportedExtension;
pub(super) use version_mismatch::VersionMismatch;
pub(super) use weak_dh::WeakDh;
