//! The certificates of one side, as far as they are known.

use serde::Serialize;

use super::words::CertificateVisibility;

/// The certificates that one side sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Certificates {
    /// How they are known, or why they are not.
    pub visibility: CertificateVisibility,
    /// Where they were read; `None` where they were not. Another stream than the connection's own where they are borrowed.
    pub from: Option<CertificateOrigin>,
    /// The certificates in the order in which they were sent.
    pub chain: Vec<CertificateInfo>,
}

/// The message that certificates were read from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CertificateOrigin {
    /// The capture's path.
    pub capture: String,
    /// The stream's number in it; `None` where they are borrowed, as `frame` says it, and past the cap on flows.
    pub stream: Option<u64>,
    /// The frame that completed the message.
    pub frame: u64,
}

/// One certificate. A field is `None` where the certificate does not have it, or cannot be read that far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CertificateInfo {
    /// The subject's distinguished name.
    pub subject: Option<String>,
    /// The issuer's distinguished name.
    pub issuer: Option<String>,
    /// The serial number in hex.
    pub serial: Option<String>,
    /// Valid from, RFC 3339. A text, because certificates go beyond the years that nanoseconds reach.
    pub not_before: Option<String>,
    /// Valid until, RFC 3339.
    pub not_after: Option<String>,
    /// The DNS names of subjectAltName.
    pub dns_names: Vec<String>,
    /// The IP addresses of subjectAltName.
    pub ip_addresses: Vec<String>,
    /// The URIs of subjectAltName.
    pub uris: Vec<String>,
    /// The mail addresses of subjectAltName.
    pub emails: Vec<String>,
    /// The key's kind and size: `RSA 2048`, `ECDSA P-256`.
    pub key: Option<String>,
    /// The algorithm of the issuer's signature.
    pub signature: Option<String>,
    /// The subject key identifier in hex.
    pub subject_key_id: Option<String>,
    /// The authority key identifier in hex.
    pub authority_key_id: Option<String>,
    /// SHA-256 of the public key, as pins use it.
    pub spki_sha256: Option<String>,
    /// SHA-256 of the whole certificate.
    pub sha256: String,
    /// Whether it is signed with its own key; `None` where that was not checked.
    pub self_signed: Option<bool>,
    /// How many transparency logs have signed a timestamp that it carries (RFC 6962 §3.3); `None` where it carries none. Whether the
    /// signatures hold is not checked.
    pub transparency_logs: Option<u64>,
}
