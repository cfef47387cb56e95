//! Alert levels and descriptions (IANA "TLS Alerts", RFC 9846 §6).

use std::fmt;

use super::{Row, find, row};

/// How severe the sender calls an alert. TLS 1.3 receivers ignore it (RFC 9846 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct AlertLevel(pub(crate) u8);

impl AlertLevel {
    /// The connection may go on.
    pub(crate) const WARNING: Self = Self(1);
    /// The connection ends.
    pub(crate) const FATAL: Self = Self(2);

    /// `warning` or `fatal`.
    pub(crate) const fn name(self) -> Option<&'static str> {
        match self {
            Self::WARNING => Some("warning"),
            Self::FATAL => Some("fatal"),
            _ => None,
        }
    }
}

impl fmt::Display for AlertLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "level {}", self.0),
        }
    }
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct AlertDescription(pub(crate) u8);

#[allow(dead_code, reason = "a registry names every code point it knows, asked for or not")]
impl AlertDescription {
    pub(crate) const CLOSE_NOTIFY: Self = Self(0);
    pub(crate) const UNEXPECTED_MESSAGE: Self = Self(10);
    pub(crate) const BAD_RECORD_MAC: Self = Self(20);
    pub(crate) const DECRYPTION_FAILED: Self = Self(21);
    pub(crate) const RECORD_OVERFLOW: Self = Self(22);
    pub(crate) const HANDSHAKE_FAILURE: Self = Self(40);
    pub(crate) const NO_CERTIFICATE: Self = Self(41);
    pub(crate) const BAD_CERTIFICATE: Self = Self(42);
    pub(crate) const UNSUPPORTED_CERTIFICATE: Self = Self(43);
    pub(crate) const CERTIFICATE_REVOKED: Self = Self(44);
    pub(crate) const CERTIFICATE_EXPIRED: Self = Self(45);
    pub(crate) const CERTIFICATE_UNKNOWN: Self = Self(46);
    pub(crate) const ILLEGAL_PARAMETER: Self = Self(47);
    pub(crate) const UNKNOWN_CA: Self = Self(48);
    pub(crate) const ACCESS_DENIED: Self = Self(49);
    pub(crate) const DECODE_ERROR: Self = Self(50);
    pub(crate) const DECRYPT_ERROR: Self = Self(51);
    pub(crate) const EXPORT_RESTRICTION: Self = Self(60);
    pub(crate) const PROTOCOL_VERSION: Self = Self(70);
    pub(crate) const INSUFFICIENT_SECURITY: Self = Self(71);
    pub(crate) const INTERNAL_ERROR: Self = Self(80);
    pub(crate) const INAPPROPRIATE_FALLBACK: Self = Self(86);
    pub(crate) const USER_CANCELED: Self = Self(90);
    pub(crate) const NO_RENEGOTIATION: Self = Self(100);
    pub(crate) const MISSING_EXTENSION: Self = Self(109);
    pub(crate) const UNSUPPORTED_EXTENSION: Self = Self(110);
    pub(crate) const UNRECOGNIZED_NAME: Self = Self(112);
    pub(crate) const BAD_CERTIFICATE_STATUS_RESPONSE: Self = Self(113);
    pub(crate) const UNKNOWN_PSK_IDENTITY: Self = Self(115);
    pub(crate) const CERTIFICATE_REQUIRED: Self = Self(116);
    pub(crate) const GENERAL_ERROR: Self = Self(117);
    pub(crate) const NO_APPLICATION_PROTOCOL: Self = Self(120);
    pub(crate) const ECH_REQUIRED: Self = Self(121);
}

impl AlertDescription {
    /// The registered name.
    pub(crate) fn name(self) -> Option<&'static str> {
        find(ALERTS, self.0).map(|row| row.name)
    }
}

/// `unknown_ca (48)`, or `alert 99` where the number is not registered.
impl fmt::Display for AlertDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "alert {}", self.0),
        }
    }
}

const ALERTS: &[Row<u8>] = &[
    row(0, "close_notify", "RFC 9846 §6.1"),
    row(10, "unexpected_message", "RFC 9846 §6.2"),
    row(20, "bad_record_mac", "RFC 9846 §6.2"),
    row(21, "decryption_failed", "RFC 5246 §7.2.2"),
    row(22, "record_overflow", "RFC 9846 §6.2"),
    row(30, "decompression_failure", "RFC 5246 §7.2.2"),
    row(40, "handshake_failure", "RFC 9846 §6.2"),
    row(41, "no_certificate", "RFC 6101 §5.4.2"),
    row(42, "bad_certificate", "RFC 9846 §6.2"),
    row(43, "unsupported_certificate", "RFC 9846 §6.2"),
    row(44, "certificate_revoked", "RFC 9846 §6.2"),
    row(45, "certificate_expired", "RFC 9846 §6.2"),
    row(46, "certificate_unknown", "RFC 9846 §6.2"),
    row(47, "illegal_parameter", "RFC 9846 §6.2"),
    row(48, "unknown_ca", "RFC 9846 §6.2"),
    row(49, "access_denied", "RFC 9846 §6.2"),
    row(50, "decode_error", "RFC 9846 §6.2"),
    row(51, "decrypt_error", "RFC 9846 §6.2"),
    row(52, "too_many_cids_requested", "RFC 9147 §10"),
    row(60, "export_restriction", "RFC 5246 §7.2.2"),
    row(70, "protocol_version", "RFC 9846 §6.2"),
    row(71, "insufficient_security", "RFC 9846 §6.2"),
    row(80, "internal_error", "RFC 9846 §6.2"),
    row(86, "inappropriate_fallback", "RFC 7507 §3"),
    row(90, "user_canceled", "RFC 9846 §6.1"),
    row(100, "no_renegotiation", "RFC 5246 §7.2.2"),
    row(109, "missing_extension", "RFC 9846 §6.2"),
    row(110, "unsupported_extension", "RFC 9846 §6.2"),
    row(111, "certificate_unobtainable", "RFC 6066 §9"),
    row(112, "unrecognized_name", "RFC 6066 §9"),
    row(113, "bad_certificate_status_response", "RFC 6066 §9"),
    row(114, "bad_certificate_hash_value", "RFC 6066 §9"),
    row(115, "unknown_psk_identity", "RFC 4279 §6"),
    row(116, "certificate_required", "RFC 9846 §6.2"),
    row(117, "general_error", "RFC 9846 §6.2"),
    row(120, "no_application_protocol", "RFC 7301 §3.2"),
    row(121, "ech_required", "RFC 9849 §11.2"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::assert_sound;

    #[test]
    fn the_table_is_sorted_and_complete() {
        assert_sound(ALERTS);
    }

    #[test]
    fn names_and_numbers_are_printed_together() {
        assert_eq!(AlertDescription::UNKNOWN_CA.to_string(), "unknown_ca (48)");
        assert_eq!(AlertDescription(117).name(), Some("general_error"));
        assert_eq!(AlertDescription(99).to_string(), "alert 99");
        assert_eq!(AlertLevel(7).to_string(), "level 7");
    }

    #[test]
    fn alerts_agree_with_tls_parser() {
        use tls_parser::TlsAlertDescription;
        // Two lists made apart from each other; tls-parser lacks four, and spells four others in its own way.
        for row in ALERTS
            .iter()
            .filter(|row| !matches!(row.code, 41 | 52 | 90 | 111 | 113 | 114 | 117 | 121))
        {
            let theirs = TlsAlertDescription(row.code).to_string();
            assert_eq!(theirs.to_lowercase(), row.name.replace('_', ""), "{}", row.code);
        }
    }
}
