//! One side speaks something else, or something else comes first.

mod plaintext_on_tls_port;
mod proxy_connect_refused;
mod remedies;
mod server_not_tls;
mod silence;
mod starttls_injection;
mod starttls_refused;
mod unprotected_session;
mod wrong_port;

pub(super) use plaintext_on_tls_port::PlaintextOnTlsPort;
pub(super) use proxy_connect_refused::ProxyConnectRefused;
pub(super) use server_not_tls::ServerNotTls;
pub(super) use starttls_injection::StarttlsInjection;
pub(super) use starttls_refused::StarttlsRefused;
pub(super) use unprotected_session::UnprotectedSession;
pub(super) use wrong_port::tell_of_wrong_port;
