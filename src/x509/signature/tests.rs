use crate::registry::SignatureScheme;
use crate::x509::testing::{Authority, Leaf, SIGNATURES_PEM, block, odd};

use super::*;

const HASHES: [&str; 5] = ["sha1", "sha224", "sha256", "sha384", "sha512"];

fn read(name: &str) -> Certificate {
    Certificate::parse(&block(SIGNATURES_PEM, name)).unwrap()
}

/// The certificate's signature by its own key, as it is and after its last bit was changed.
fn own(name: &str) -> [Verification; 2] {
    let certificate = read(name);
    let mut signature = certificate.signature().to_vec();
    *signature.last_mut().unwrap() ^= 1;
    let method = certificate.signature_algorithm.method;
    let check = |signature| verify_with_key(&certificate, method, certificate.signed_bytes(), signature);
    [check(certificate.signature()), check(&signature)]
}

fn assert_checked(name: &str) {
    assert_eq!(own(name), [Verification::Yes, Verification::No], "{name}");
}

#[test]
fn rsa_of_any_size_is_checked_with_any_hash() {
    for hash in ["md5", "sha1", "sha224", "sha256"] {
        assert_checked(&format!("rsa-512-{hash}"));
    }
    for bits in [1024, 2047, 2048] {
        for hash in ["md5"].iter().chain(&HASHES) {
            assert_checked(&format!("rsa-{bits}-{hash}"));
        }
    }
    assert_checked("rsa-16384-sha256");
}

#[test]
fn exponents_are_bounded() {
    assert_checked("rsa-exponent-3");
    assert_checked("rsa-exponent-33-bits");
    assert_eq!(own("rsa-exponent-34-bits"), [Verification::Unsupported; 2]);
}

#[test]
fn pss_is_checked_with_any_hash_and_salt() {
    for hash in HASHES {
        assert_checked(&format!("pss-2048-{hash}"));
    }
    for name in [
        "pss-2048-sha256-salt-0",
        "pss-2048-sha256-salt-20",
        "pss-2048-sha256-salt-max",
        "pss-1024-sha256",
        "pss-2047-sha256",
        "pss-only-2048-sha256",
    ] {
        assert_checked(name);
    }
}

#[test]
fn the_salt_that_is_announced_is_the_salt_that_counts() {
    let certificate = read("pss-2048-sha256-salt-20");
    let with_salt = |salt| Method {
        scheme: Scheme::RsaPss { salt: Some(salt) },
        ..certificate.signature_algorithm.method
    };
    let check = |salt| {
        verify_with_key(
            &certificate,
            with_salt(salt),
            certificate.signed_bytes(),
            certificate.signature(),
        )
    };
    assert_eq!(check(20), Verification::Yes);
    for salt in [0, 19, 32, 5_000, u32::MAX] {
        assert_eq!(check(salt), Verification::No, "{salt}");
    }
}

#[test]
fn ecdsa_is_checked_on_each_curve_with_each_hash() {
    for curve in ["p256", "p384", "p521"] {
        for hash in HASHES {
            assert_checked(&format!("{curve}-{hash}"));
        }
    }
    assert_checked("p256-compressed-sha256");
}

#[test]
fn ed25519_is_checked() {
    assert_checked("ed25519");
}

#[test]
fn what_cannot_be_checked_is_named_and_not_called_wrong() {
    for (name, said) in [
        ("ed448", "Ed448, signed by Ed448"),
        ("dsa-sha1", "DSA 1024, signed by DSA with SHA-1"),
        ("dsa-sha256", "DSA 1024, signed by DSA with SHA-256"),
        ("sm2", "EC SM2, signed by SM2 with SM3"),
        ("brainpool-sha256", "EC brainpoolP256r1, signed by ECDSA with SHA-256"),
        ("secp256k1-sha256", "EC secp256k1, signed by ECDSA with SHA-256"),
        ("p224-sha256", "EC P-224, signed by ECDSA with SHA-256"),
        ("pss-2048-sha256-mask-sha1", "RSA 2048, signed by RSA-PSS with SHA-256"),
    ] {
        assert_eq!(own(name), [Verification::Unsupported; 2], "{name}");
        let certificate = read(name);
        assert_eq!(
            format!("{}, signed by {}", certificate.key, certificate.signature_algorithm),
            said
        );
    }
    let explicit = odd("explicit-curve");
    assert_eq!(verifies(&explicit, &explicit), Verification::Unsupported);
}

#[test]
fn a_key_of_another_kind_did_not_sign() {
    for (child, issuer) in [
        ("rsa-2048-sha256", "p256-sha256"),
        ("p256-sha256", "ed25519"),
        ("ed25519", "rsa-2048-sha256"),
        ("rsa-2048-sha256", "pss-only-2048-sha256"),
    ] {
        assert_eq!(
            verifies(&read(child), &read(issuer)),
            Verification::No,
            "{child} by {issuer}"
        );
    }
}

#[test]
fn both_hashes_of_tls_1_0_are_checked() {
    let (signer, signature) = (read("rsa-2048-sha256"), block(SIGNATURES_PEM, "md5-and-sha1"));
    let method = Method::before_tls12(&signer.key);
    assert_eq!(
        verify_with_key(&signer, method, b"tlswhy", &signature),
        Verification::Yes
    );
    assert_eq!(
        verify_with_key(&signer, method, b"tlsWhy", &signature),
        Verification::No
    );
    let as_sha1 = Method::of_tls(SignatureScheme(0x0201));
    assert_eq!(
        verify_with_key(&signer, as_sha1, b"tlswhy", &signature),
        Verification::No
    );
}

#[test]
fn a_scheme_of_tls_checks_what_a_certificate_holds() {
    for (name, scheme) in [
        ("rsa-2048-sha1", 0x0201),
        ("rsa-2048-sha512", 0x0601),
        ("pss-2048-sha384", 0x0805),
        ("pss-2048-sha256", 0x0809),
        ("p256-sha512", 0x0603),
        ("p521-sha256", 0x0403),
        ("ed25519", 0x0807),
    ] {
        let certificate = read(name);
        let method = Method::of_tls(SignatureScheme(scheme));
        let verdict = verify_with_key(
            &certificate,
            method,
            certificate.signed_bytes(),
            certificate.signature(),
        );
        assert_eq!(verdict, Verification::Yes, "{name}");
    }
}

#[test]
fn every_root_of_mozilla_signed_itself() {
    for der in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        let root = Certificate::parse(der).unwrap();
        assert_eq!(verifies(&root, &root), Verification::Yes, "{}", root.display_name());
    }
}

#[test]
fn another_key_of_the_same_name_did_not_sign() {
    let (one, other) = (Authority::root("Root"), Authority::root("Root"));
    let leaf = Certificate::parse(&Leaf::named("a.example").signed_by(&one)).unwrap();
    assert_eq!(verifies(&leaf, &one.certificate()), Verification::Yes);
    assert_eq!(verifies(&leaf, &other.certificate()), Verification::No);
    assert_eq!(verifies(&leaf, &odd("rsa-sha1")), Verification::No);
}

#[test]
fn a_changed_byte_of_what_is_signed_breaks_the_signature() {
    let mut der = odd("version-1").der.to_vec();
    let place = der.windows(9).position(|bytes| bytes == b"version-1").unwrap();
    der[place] = b'V';
    let changed = Certificate::parse(&der).unwrap();
    assert_eq!(verifies(&changed, &changed), Verification::No);
}

#[test]
fn no_change_of_a_key_makes_a_check_panic() {
    for name in [
        "rsa-512-md5",
        "p521-sha256",
        "p256-compressed-sha256",
        "pss-1024-sha256",
    ] {
        let certificate = read(name);
        let key = certificate.key_bytes().as_ptr() as usize - certificate.der.as_ptr() as usize;
        for place in key..key + certificate.key_bytes().len() {
            let mut der = certificate.der.to_vec();
            der[place] ^= 0x81;
            if let Ok(changed) = Certificate::parse(&der) {
                assert_ne!(verifies(&certificate, &changed), Verification::Yes, "{name} at {place}");
            }
        }
    }
}
