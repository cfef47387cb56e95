//! Bytes as a list of certificates: places inside them, the same twice, and what webpki takes for a certificate is one to us.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rustls_pki_types::CertificateDer;
use tlswhy::internal;
use webpki::EndEntityCert;

fuzz_target!(|data: &[u8]| {
    internal::fuzz_certificates(data);
    // The first certificate alone: behind a byte for the moment and two for its length.
    let Some((head, rest)) = data.split_first_chunk::<3>() else { return };
    let len = usize::from(u16::from_be_bytes([head[1], head[2]])).min(rest.len());
    let der = CertificateDer::from(&rest[..len]);
    if EndEntityCert::try_from(&der).is_ok() {
        assert!(internal::reads_certificate(&der), "webpki reads it and we do not");
    }
});
