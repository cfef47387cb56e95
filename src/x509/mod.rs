//! Certificates: read, named, matched, checked against each other, and followed to a trust anchor.
//!
//! A certificate is interned by its bytes ([`CertificateStore`]), read at most once ([`Certificate`]) and only when a question needs it.
//! [`covers`] answers whether it names a host (RFC 9525), [`TrustStore`] holds the roots of a client, [`CertificateIndex`] the
//! authorities that were seen anywhere in the input or given, and [`examine`] walks from the leaf towards a root and tells, as values, where the
//! walk ends and why (RFC 5280 §6, RFC 4158). Nothing here judges a connection: that is the business of the causes.
//!
//! [`verify_with_key`] is the one check of signatures, [`ocsp_status`] and [`Crl::status`] tell what an authority says of a certificate,
//! [`Statuses`] what it said to anybody in the input.
//!
//! [`unmet`] tells what browsers demand of a leaf beyond a valid path.
//!
//! Not done here: certificate policies, and the proofs of transparency logs.

mod certificate;
mod chain;
mod constraints;
mod crl;
mod cross_sign;
mod der;
mod distinguished_name;
mod distrust;
mod extensions;
mod fuzz;
mod index;
mod key;
mod keystore;
mod mozilla;
mod names;
mod ocsp;
mod path;
mod pem;
mod policy;
mod pool;
mod revocation;
mod signature;
mod skeleton;
mod statuses;
#[cfg(test)]
pub(crate) mod testing;
mod trust;

pub(crate) use certificate::Certificate;
pub(crate) use chain::{Anchored, ChainReport, ChainShape, Gap, Misfit, OutOfTime, Withdrawn, examine, is_public_name};
pub(crate) use constraints::Forbidden;
pub(crate) use crl::Crl;
pub(crate) use cross_sign::StaleCrossSign;
pub(crate) use der::Malformed;
pub(crate) use distinguished_name::Name;
pub(crate) use distrust::distrusted;
pub use fuzz::{fuzz_certificates, fuzz_revocation};
pub(crate) use index::{CertificateIndex, Issued, Sighting};
pub(crate) use key::{Curve, Digest, Key, Method};
pub(crate) use names::{NameMatch, covers, served_names, site, why_not_covered};
pub(crate) use ocsp::ocsp_status;
pub(crate) use path::{Flaw, Origin};
pub(crate) use policy::unmet;
pub(crate) use pool::{CertificateStore, Interned};
pub(crate) use revocation::{Answer, Revocation, Signer, Standing, StatusReport};
pub(crate) use signature::{Verification, verifies, verify_with_key};
pub(crate) use skeleton::describe_broken;
pub(crate) use statuses::{FetchedStatuses, Statement, StatusKind, StatusSource, Statuses};
pub(crate) use trust::{SYSTEM_TRUST_FILES, Trust, TrustStore};
