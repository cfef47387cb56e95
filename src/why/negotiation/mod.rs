//! The two sides' settings do not meet.

mod alpn_mismatch;
mod downgrade_detected;
mod ech_rejected;
mod inappropriate_fallback;
mod no_shared_cipher;
mod no_shared_group;
mod sni_unrecognized;
mod version_mismatch;

pub(super) use alpn_mismatch::AlpnMismatch;
pub(super) use downgrade_detected::DowngradeDetected;
pub(super) use ech_rejected::EchRejected;
pub(super) use inappropriate_fallback::InappropriateFallback;
pub(super) use no_shared_cipher::NoSharedCipher;
pub(super) use no_shared_group::NoSharedGroup;
pub(super) use sni_unrecognized::SniUnrecognized;
pub(super) use version_mismatch::VersionMismatch;
