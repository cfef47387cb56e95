//! For the tests of these causes: a client that shows a certificate.

use rcgen::ExtendedKeyUsagePurpose;

use crate::why::testing::*;

/// A certificate for a client of this name.
pub(super) fn client_leaf(name: &str) -> Leaf {
    Leaf::named(name).with(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth])
}

/// TLS 1.2: the server names these authorities, and the client shows this chain and goes on.
pub(super) fn shown(chain: &[&[u8]], authorities: &[&Authority]) -> Scene {
    let names: Vec<&[u8]> = authorities.iter().map(|authority| authority.name()).collect();
    connected()
        .client_hello(Hello::tls12)
        .server_flight_naming(&[b"leaf"], &names)
        .certificate(Client, chain)
        .client_key_exchange()
        .certificate_verify()
        .finished(Client)
}

/// The same for an authority's own certificate, with what `sign` makes of the handshake in CertificateVerify.
pub(super) fn shown_by(client: &Authority, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Scene {
    let scene = connected()
        .client_hello(Hello::tls12)
        .server_flight_asking(&[b"leaf"])
        .certificate(Client, &[&client.der])
        .client_key_exchange();
    let signature = sign(scene.handshake());
    scene.certificate_verify_of(&signature).finished(Client)
}
