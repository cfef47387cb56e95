//! One side speaks something else.

mod plaintext_on_tls_port;
mod remedies;
mod server_not_tls;
mod wrong_port;

pub(super) use plaintext_on_tls_port::PlaintextOnTlsPort;
pub(crate) use plaintext_on_tls_port::is_tls_port;
pub(super) use server_not_tls::ServerNotTls;
pub(super) use wrong_port::tell_of_wrong_port;
