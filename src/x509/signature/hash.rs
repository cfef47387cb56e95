//! A message's hash, for the verifiers that take no message.

use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use crate::x509::key::Digest;

/// The hash of `message`; `None` for the hashes that are not computed here.
pub(super) fn hash(digest: Digest, message: &[u8]) -> Option<Vec<u8>> {
    Some(match digest {
        Digest::Md5 => Md5::digest(message).to_vec(),
        Digest::Sha1 => Sha1::digest(message).to_vec(),
        Digest::Sha224 => Sha224::digest(message).to_vec(),
        Digest::Sha256 => Sha256::digest(message).to_vec(),
        Digest::Sha384 => Sha384::digest(message).to_vec(),
        Digest::Sha512 => Sha512::digest(message).to_vec(),
        Digest::Md2 | Digest::Sm3 => return None,
    })
}
