//! Groups of the key exchange (IANA "TLS Supported Groups").

use std::fmt;

use super::{Row, code_point, print, row};

code_point! {
    /// A named group: an elliptic curve, a finite field, or a key encapsulation mechanism.
    Group, GROUPS
}

impl Group {
    /// NIST P-256.
    pub(crate) const SECP256R1: Self = Self(0x0017);
    /// secp384r1.
    pub(crate) const SECP384R1: Self = Self(0x0018);
    /// secp521r1.
    pub(crate) const SECP521R1: Self = Self(0x0019);
    /// X25519.
    pub(crate) const X25519: Self = Self(0x001d);

    /// Bytes of the client's and of the server's public key (RFC 9846 §4.3.8; points uncompressed); `None` where that is not known. They
    /// differ where the server sends a ciphertext.
    pub(crate) const fn share_lens(self) -> Option<(u16, u16)> {
        Some(match self.0 {
            0x0017 | 0x001a | 0x001f | 0x0029 => (65, 65),
            0x0018 | 0x001b | 0x0020 => (97, 97),
            0x0019 => (133, 133),
            0x001c | 0x0021 => (129, 129),
            0x001d => (32, 32),
            0x001e => (56, 56),
            0x0100 => (256, 256),
            0x0101 => (384, 384),
            0x0102 => (512, 512),
            0x0103 => (768, 768),
            0x0104 => (1_024, 1_024),
            0x0200 => (800, 768),
            0x0201 => (1_184, 1_088),
            0x0202 => (1_568, 1_568),
            0x11eb => (1_249, 1_153),
            0x11ec | 0x6399 => (1_216, 1_120),
            0x11ed => (1_665, 1_665),
            _ => return None,
        })
    }

    /// True where public keys are points, of which 4 is the first byte (RFC 8422 §5.4.1).
    pub(crate) const fn has_points(self) -> bool {
        matches!(self.0, 0x0017..=0x001c | 0x001f..=0x0021 | 0x0029)
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, self.0, self.name())
    }
}

const GROUPS: &[Row<u16>] = &[
    row(0x0001, "sect163k1", "RFC 8422 §5.1.1"),
    row(0x0002, "sect163r1", "RFC 8422 §5.1.1"),
    row(0x0003, "sect163r2", "RFC 8422 §5.1.1"),
    row(0x0004, "sect193r1", "RFC 8422 §5.1.1"),
    row(0x0005, "sect193r2", "RFC 8422 §5.1.1"),
    row(0x0006, "sect233k1", "RFC 8422 §5.1.1"),
    row(0x0007, "sect233r1", "RFC 8422 §5.1.1"),
    row(0x0008, "sect239k1", "RFC 8422 §5.1.1"),
    row(0x0009, "sect283k1", "RFC 8422 §5.1.1"),
    row(0x000a, "sect283r1", "RFC 8422 §5.1.1"),
    row(0x000b, "sect409k1", "RFC 8422 §5.1.1"),
    row(0x000c, "sect409r1", "RFC 8422 §5.1.1"),
    row(0x000d, "sect571k1", "RFC 8422 §5.1.1"),
    row(0x000e, "sect571r1", "RFC 8422 §5.1.1"),
    row(0x000f, "secp160k1", "RFC 8422 §5.1.1"),
    row(0x0010, "secp160r1", "RFC 8422 §5.1.1"),
    row(0x0011, "secp160r2", "RFC 8422 §5.1.1"),
    row(0x0012, "secp192k1", "RFC 8422 §5.1.1"),
    row(0x0013, "secp192r1", "RFC 8422 §5.1.1"),
    row(0x0014, "secp224k1", "RFC 8422 §5.1.1"),
    row(0x0015, "secp224r1", "RFC 8422 §5.1.1"),
    row(0x0016, "secp256k1", "RFC 8422 §5.1.1"),
    row(0x0017, "secp256r1", "RFC 8422 §5.1.1"),
    row(0x0018, "secp384r1", "RFC 8422 §5.1.1"),
    row(0x0019, "secp521r1", "RFC 8422 §5.1.1"),
    row(0x001a, "brainpoolP256r1", "RFC 7027 §2"),
    row(0x001b, "brainpoolP384r1", "RFC 7027 §2"),
    row(0x001c, "brainpoolP512r1", "RFC 7027 §2"),
    row(0x001d, "x25519", "RFC 8422 §5.1.1"),
    row(0x001e, "x448", "RFC 8422 §5.1.1"),
    row(0x001f, "brainpoolP256r1tls13", "RFC 8734 §2"),
    row(0x0020, "brainpoolP384r1tls13", "RFC 8734 §2"),
    row(0x0021, "brainpoolP512r1tls13", "RFC 8734 §2"),
    row(0x0022, "GC256A", "RFC 9189 §6"),
    row(0x0023, "GC256B", "RFC 9189 §6"),
    row(0x0024, "GC256C", "RFC 9189 §6"),
    row(0x0025, "GC256D", "RFC 9189 §6"),
    row(0x0026, "GC512A", "RFC 9189 §6"),
    row(0x0027, "GC512B", "RFC 9189 §6"),
    row(0x0028, "GC512C", "RFC 9189 §6"),
    row(0x0029, "curveSM2", "RFC 8998 §2"),
    row(0x0100, "ffdhe2048", "RFC 7919 §2"),
    row(0x0101, "ffdhe3072", "RFC 7919 §2"),
    row(0x0102, "ffdhe4096", "RFC 7919 §2"),
    row(0x0103, "ffdhe6144", "RFC 7919 §2"),
    row(0x0104, "ffdhe8192", "RFC 7919 §2"),
    row(0x0200, "MLKEM512", "draft-ietf-tls-mlkem"),
    row(0x0201, "MLKEM768", "draft-ietf-tls-mlkem"),
    row(0x0202, "MLKEM1024", "draft-ietf-tls-mlkem"),
    row(0x11eb, "SecP256r1MLKEM768", "draft-ietf-tls-ecdhe-mlkem"),
    row(0x11ec, "X25519MLKEM768", "draft-ietf-tls-ecdhe-mlkem"),
    row(0x11ed, "SecP384r1MLKEM1024", "draft-ietf-tls-ecdhe-mlkem"),
    row(0x11ee, "curveSM2MLKEM768", "draft-yang-tls-hybrid-sm2-mlkem"),
    row(0x6399, "X25519Kyber768Draft00", "draft-tls-westerbaan-xyber768d00"),
    row(0x639a, "SecP256r1Kyber768Draft00", "draft-kwiatkowski-tls-ecdhe-kyber"),
    row(0xff01, "arbitrary_explicit_prime_curves", "RFC 8422 §5.1.1"),
    row(0xff02, "arbitrary_explicit_char2_curves", "RFC 8422 §5.1.1"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::assert_sound;

    #[test]
    fn the_table_is_sorted_and_complete() {
        assert_sound(GROUPS);
    }
}
