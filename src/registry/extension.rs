//! Extension types (IANA "TLS ExtensionType Values"), and the few that software uses without registration.

use std::fmt;

use super::{Row, code_point, print, row};

code_point! {
    /// The type field of an extension.
    ExtensionType, EXTENSIONS
}

#[allow(dead_code, reason = "a registry names every code point it knows, asked for or not")]
impl ExtensionType {
    pub(crate) const SERVER_NAME: Self = Self(0);
    pub(crate) const MAX_FRAGMENT_LENGTH: Self = Self(1);
    pub(crate) const STATUS_REQUEST: Self = Self(5);
    pub(crate) const SUPPORTED_GROUPS: Self = Self(10);
    pub(crate) const EC_POINT_FORMATS: Self = Self(11);
    pub(crate) const SIGNATURE_ALGORITHMS: Self = Self(13);
    pub(crate) const ALPN: Self = Self(16);
    pub(crate) const STATUS_REQUEST_V2: Self = Self(17);
    pub(crate) const SIGNED_CERTIFICATE_TIMESTAMP: Self = Self(18);
    pub(crate) const PADDING: Self = Self(21);
    pub(crate) const ENCRYPT_THEN_MAC: Self = Self(22);
    pub(crate) const EXTENDED_MASTER_SECRET: Self = Self(23);
    pub(crate) const COMPRESS_CERTIFICATE: Self = Self(27);
    pub(crate) const RECORD_SIZE_LIMIT: Self = Self(28);
    pub(crate) const DELEGATED_CREDENTIAL: Self = Self(34);
    pub(crate) const SESSION_TICKET: Self = Self(35);
    pub(crate) const PRE_SHARED_KEY: Self = Self(41);
    pub(crate) const EARLY_DATA: Self = Self(42);
    pub(crate) const SUPPORTED_VERSIONS: Self = Self(43);
    pub(crate) const COOKIE: Self = Self(44);
    pub(crate) const PSK_KEY_EXCHANGE_MODES: Self = Self(45);
    pub(crate) const CERTIFICATE_AUTHORITIES: Self = Self(47);
    pub(crate) const POST_HANDSHAKE_AUTH: Self = Self(49);
    pub(crate) const SIGNATURE_ALGORITHMS_CERT: Self = Self(50);
    pub(crate) const KEY_SHARE: Self = Self(51);
    pub(crate) const QUIC_TRANSPORT_PARAMETERS: Self = Self(57);
    pub(crate) const NEXT_PROTOCOL_NEGOTIATION: Self = Self(0x3374);
    pub(crate) const APPLICATION_SETTINGS_OLD: Self = Self(0x4469);
    pub(crate) const APPLICATION_SETTINGS: Self = Self(0x44cd);
    pub(crate) const ENCRYPTED_CLIENT_HELLO: Self = Self(0xfe0d);
    pub(crate) const RENEGOTIATION_INFO: Self = Self(0xff01);
}

impl fmt::Display for ExtensionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, self.0, self.name())
    }
}

const EXTENSIONS: &[Row<u16>] = &[
    row(0, "server_name", "RFC 6066 §3"),
    row(1, "max_fragment_length", "RFC 6066 §4"),
    row(2, "client_certificate_url", "RFC 6066 §5"),
    row(3, "trusted_ca_keys", "RFC 6066 §6"),
    row(4, "truncated_hmac", "RFC 6066 §7"),
    row(5, "status_request", "RFC 6066 §8"),
    row(6, "user_mapping", "RFC 4681 §3"),
    row(7, "client_authz", "RFC 5878 §2.1"),
    row(8, "server_authz", "RFC 5878 §2.1"),
    row(9, "cert_type", "RFC 6091 §3.1"),
    row(10, "supported_groups", "RFC 9846 §4.3.7"),
    row(11, "ec_point_formats", "RFC 8422 §5.1.2"),
    row(12, "srp", "RFC 5054 §2.8.1"),
    row(13, "signature_algorithms", "RFC 9846 §4.3.3"),
    row(14, "use_srtp", "RFC 5764 §4.1"),
    row(15, "heartbeat", "RFC 6520 §2"),
    row(16, "application_layer_protocol_negotiation", "RFC 7301 §3.1"),
    row(17, "status_request_v2", "RFC 6961 §2.2"),
    row(18, "signed_certificate_timestamp", "RFC 6962 §3.3.1"),
    row(19, "client_certificate_type", "RFC 7250 §3"),
    row(20, "server_certificate_type", "RFC 7250 §3"),
    row(21, "padding", "RFC 7685 §3"),
    row(22, "encrypt_then_mac", "RFC 7366 §2"),
    row(23, "extended_master_secret", "RFC 7627 §5.1"),
    row(24, "token_binding", "RFC 8472 §2"),
    row(25, "cached_info", "RFC 7924 §3"),
    row(26, "tls_lts", "draft-gutmann-tls-lts"),
    row(27, "compress_certificate", "RFC 8879 §3"),
    row(28, "record_size_limit", "RFC 8449 §4"),
    row(29, "pwd_protect", "RFC 8492 §4.3.1"),
    row(30, "pwd_clear", "RFC 8492 §4.3.2"),
    row(31, "password_salt", "RFC 8492 §4.4.3"),
    row(32, "ticket_pinning", "RFC 8672 §4.1"),
    row(33, "tls_cert_with_extern_psk", "RFC 8773 §4"),
    row(34, "delegated_credential", "RFC 9345 §4.1.1"),
    row(35, "session_ticket", "RFC 5077 §3.2"),
    row(36, "TLMSP", "ETSI TS 103 523-2"),
    row(37, "TLMSP_proxying", "ETSI TS 103 523-2"),
    row(38, "TLMSP_delegate", "ETSI TS 103 523-2"),
    row(39, "supported_ekt_ciphers", "RFC 8870 §5.2"),
    row(41, "pre_shared_key", "RFC 9846 §4.3.11"),
    row(42, "early_data", "RFC 9846 §4.3.10"),
    row(43, "supported_versions", "RFC 9846 §4.3.1"),
    row(44, "cookie", "RFC 9846 §4.3.2"),
    row(45, "psk_key_exchange_modes", "RFC 9846 §4.3.9"),
    row(47, "certificate_authorities", "RFC 9846 §4.3.4"),
    row(48, "oid_filters", "RFC 9846 §4.3.5"),
    row(49, "post_handshake_auth", "RFC 9846 §4.3.6"),
    row(50, "signature_algorithms_cert", "RFC 9846 §4.3.3"),
    row(51, "key_share", "RFC 9846 §4.3.8"),
    row(52, "transparency_info", "RFC 9162 §6.5"),
    row(53, "connection_id (deprecated)", "RFC 9146 §3"),
    row(54, "connection_id", "RFC 9146 §3"),
    row(55, "external_id_hash", "RFC 8844 §3.2"),
    row(56, "external_session_id", "RFC 8844 §4.3"),
    row(57, "quic_transport_parameters", "RFC 9001 §8.2"),
    row(58, "ticket_request", "RFC 9149 §3"),
    row(59, "dnssec_chain", "RFC 9102 §2"),
    row(
        60,
        "sequence_number_encryption_algorithms",
        "draft-pismenny-tls-dtls-plaintext-sequence-number",
    ),
    row(61, "rrc", "RFC 9853"),
    row(62, "tls_flags", "draft-ietf-tls-tlsflags"),
    row(0x3374, "next_protocol_negotiation", "draft-agl-tls-nextprotoneg-04 §3"),
    row(0x4469, "application_settings (old)", "draft-vvv-tls-alps, before 2024"),
    row(0x44cd, "application_settings", "draft-vvv-tls-alps"),
    row(0x754f, "channel_id (old)", "draft-balfanz-tls-channelid-00"),
    row(0x7550, "channel_id", "draft-balfanz-tls-channelid-01 §3"),
    row(0xfd00, "ech_outer_extensions", "RFC 9849 §5.1"),
    row(0xfe0d, "encrypted_client_hello", "RFC 9849 §5"),
    row(0xff01, "renegotiation_info", "RFC 5746 §3.2"),
    row(
        0xffa5,
        "quic_transport_parameters (drafts)",
        "draft-ietf-quic-tls-32 §8.2",
    ),
    row(0xffce, "encrypted_server_name", "draft-ietf-tls-esni-02 §8.1"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::assert_sound;

    #[test]
    fn the_table_is_sorted_and_complete() {
        assert_sound(EXTENSIONS);
    }

    #[test]
    fn constants_are_rows_of_the_table() {
        assert_eq!(ExtensionType::ENCRYPT_THEN_MAC.name(), Some("encrypt_then_mac"));
        assert_eq!(
            ExtensionType::ENCRYPTED_CLIENT_HELLO.name(),
            Some("encrypted_client_hello")
        );
        assert_eq!(ExtensionType(0xbaba).to_string(), "GREASE (0xbaba)");
    }
}
