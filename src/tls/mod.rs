//! TLS and SSL as bytes: records, messages, extensions. Bytes in, values out; no judgement.
//!
//! [`RecordReader`] takes one side's stream piece by piece and yields handshake messages, alerts and the lengths of what is encrypted.
//! The views ([`ClientHello`], [`ServerHello`] and the others) read one message: `parse` checks what the accessors rely on, then nothing
//! can fail. What is wrong with a message is a [`Malformed`], never an error of the program; extensions are read one by one, so that a
//! bad one does not hide the rest.
//!
//! Also here, because only bytes are needed: fingerprints of hellos, the library that a ClientHello looks like, and the name of what is
//! spoken where TLS was expected.

mod certificate;
mod client_hello;
mod extension;
mod fingerprint;
mod fuzz;
mod header;
mod item;
mod key_exchange;
mod reader;
mod record;
mod server_hello;
mod speech;
mod sslv2;
mod stack;

pub(crate) use certificate::{Certificate, CertificateRequest, CertificateStatus, CertificateVerify, NewSessionTicket};
pub(crate) use client_hello::ClientHello;
pub(crate) use fingerprint::{ja3, ja3s, ja4};
pub use fuzz::fuzz_tls_stream;
pub(crate) use header::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, looks_like_client_hello, looks_like_server_hello,
    looks_like_tls_record, may_begin_record,
};
pub(crate) use item::{Flow, Item, Partial};
pub(crate) use key_exchange::{ServerKeyExchange, client_psk_identity};
pub(crate) use reader::{Malformed, Reader, Reason};
pub(crate) use record::RecordReader;
pub(crate) use server_hello::{Downgrade, ServerHello};
pub(crate) use speech::{NOISE, Plaintext, begins, contains, name_noise, name_plaintext};
pub(crate) use sslv2::Sslv2ClientHello;
pub(crate) use stack::{ClientStack, guess_client};
