//! Which library a ClientHello looks like.

use super::ClientHello;

/// A family of TLS client libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ClientStack {
    /// None that is known.
    Unknown,
}

/// Guesses.
pub(crate) fn guess_client(hello: &ClientHello<'_>) -> ClientStack {
    let _ = hello;
    ClientStack::Unknown
}
