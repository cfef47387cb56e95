//! One side speaks something else.

mod plaintext_on_tls_port;
mod server_not_tls;

pub(super) use plaintext_on_tls_port::PlaintextOnTlsPort;
pub(super) use server_not_tls::ServerNotTls;
