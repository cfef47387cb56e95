//! Bytes as a list of certificates: places inside them, the same twice, and the parts of what webpki takes for a certificate are found.
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
        // It reads times and names only when they are asked for, so that it takes more than we do.
        assert!(internal::finds_parts(&der), "webpki reads it and we do not");
    }
});
