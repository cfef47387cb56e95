//! The server turned the client's certificate down, or missed it.

mod client_certificate_missing;
mod client_certificate_rejected;

pub(super) use client_certificate_missing::ClientCertificateMissing;
pub(super) use client_certificate_rejected::ClientCertificateRejected;
