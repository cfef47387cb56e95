//! Which library a ClientHello looks like.

use super::ClientHello;

/// A family of TLS client libraries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum ClientStack {
    #[default]
    Unknown,
    OpenSsl, BoringSsl, Apple, Nss, GnuTls, Jsse, Go, Rustls, MbedTls, WolfSsl, Schannel,
}

/// Guesses.
pub(crate) fn guess_client(hello: &ClientHello<'_>) -> ClientStack {
    let _ = hello;
    ClientStack::Unknown
}
