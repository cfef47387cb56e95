//! What looks like one thing and is another: the readings that a capture suggests and that are wrong. One test for each.
//!
//! What takes a capture to show (copies, ports used again, cut packets, checksums) is in `tests/fooled.rs`. Not here, since nothing of it
//! is read yet: self-signed certificates of WebRTC and other DTLS, which are known by their fingerprint; HTTP/3 that loses the race against
//! TCP; TLS within EAP; an alert that DTLS lost, and its acknowledgements and connection ids (record types 25 and 26).

mod alerts;
mod certificates;
mod encrypted;
mod endings;
