//! What is spoken before TLS, or around it: STARTTLS and its likes, HTTP's CONNECT, SOCKS, the PROXY header, TDS. Pure: the bytes of both sides
//! in, what was asked and answered out, and where the TLS within begins.
//!
//! Each protocol has a file and in it an automaton that is known by content, on any port. [`Dialogue`] cuts the bytes of both sides into the
//! protocol's messages and lets the automaton hear them; what it notes becomes a [`Preamble`]. Behind each one, another may begin: a mail
//! server's STARTTLS behind a PROXY header.

mod automaton;
mod code;
mod dialogue;
mod fuzz;
mod layer;
mod line;
mod notes;
mod protocol;
#[cfg(test)]
mod testing;

mod amqp;
mod ftp;
mod http;
mod imap;
mod irc;
mod ldap;
mod mysql;
mod nntp;
mod pop3;
mod postgresql;
mod proxy_header;
mod rdp;
mod sieve;
mod smtp;
mod socks4;
mod socks5;
mod tds;
mod xmpp;

pub(crate) use dialogue::{Dialogue, Piece};
pub use fuzz::fuzz_preamble;
pub(crate) use notes::{Preamble, Said};
pub(crate) use protocol::{Kind, Protocol};
