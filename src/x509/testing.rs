//! Certificates for the tests of this layer: small trees made by rcgen, and rare kinds from a file.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SigningKey, date_time_ymd,
};

use super::{Certificate, Interned, pem, skeleton};
use crate::evidence::{CaptureId, Mark, Side, Time};

/// Certificates of rare kinds; the file tells how they were made.
pub(crate) const ODD_PEM: &str = include_str!("odd.pem");

/// Certificates that a server should not have; the file tells how they were made.
const ODD_LEAVES_PEM: &str = include_str!("odd_leaves.pem");

/// Self-signed certificates of each kind of key with each hash; `fixtures/make/certificates.py` makes them.
pub(crate) const SIGNATURES_PEM: &str = include_str!("testing/signatures.pem");

/// An authority and what it says about its certificates; `fixtures/make/certificates.py` makes it.
pub(crate) const REVOCATION_PEM: &str = include_str!("testing/revocation.pem");

/// The block of a PEM file that stands under the line `name`, decoded.
pub(crate) fn block(file: &str, name: &str) -> Vec<u8> {
    let (_, after) = file
        .split_once(&format!("\n{name}\n-----BEGIN "))
        .expect("a name from the file");
    let lines = after.lines().skip(1).take_while(|line| !line.starts_with("-----END "));
    data_encoding::BASE64
        .decode(lines.collect::<String>().as_bytes())
        .expect("base64")
}

/// The certificate of [`ODD_PEM`] or [`ODD_LEAVES_PEM`] that stands under this line.
pub(crate) fn odd(name: &str) -> Certificate {
    let line = format!("\n{name}\n");
    let found = [ODD_PEM, ODD_LEAVES_PEM]
        .into_iter()
        .find_map(|file| file.split_once(&line));
    let (_, after) = found.expect("a name from the files");
    let contents = pem::read(after.as_bytes()).expect("certificates");
    Certificate::parse(&contents.certificates[0]).expect("a certificate")
}

pub(crate) fn interned(der: &[u8]) -> Arc<Interned> {
    Arc::new(Interned::new(der))
}

pub(crate) fn mark(frame: u64) -> Mark {
    Mark {
        capture: CaptureId(0),
        frame,
        time: None,
        from: Side::Server,
    }
}

/// Noon of 1 July of a year.
pub(crate) fn summer(year: i64) -> Time {
    Time::from_civil(year, 7, 1, 12, 0, 0).expect("a date")
}

/// A certificate authority with its key.
pub(crate) struct Authority {
    pub(crate) der: Vec<u8>,
    params: CertificateParams,
    key: KeyPair,
}

fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

fn authority(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}

impl Authority {
    pub(crate) fn root(common_name: &str) -> Self {
        Self::root_with(common_name, |_| ())
    }

    pub(crate) fn root_with(common_name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let (mut params, key) = (authority(common_name), KeyPair::generate().expect("a key"));
        change(&mut params);
        let der = params.self_signed(&key).expect("a root").der().to_vec();
        Self { der, params, key }
    }

    /// An authority below this one.
    pub(crate) fn below(&self, common_name: &str) -> Self {
        self.below_with(common_name, |_| ())
    }

    pub(crate) fn below_with(&self, common_name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let (mut params, key) = (authority(common_name), KeyPair::generate().expect("a key"));
        change(&mut params);
        let der = params
            .signed_by(&key, &self.issuer())
            .expect("an intermediate")
            .der()
            .to_vec();
        Self { der, params, key }
    }

    /// Another certificate of the same name and key, signed by `other`.
    pub(crate) fn cross_signed_by(&self, other: &Self, change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let mut params = self.params.clone();
        change(&mut params);
        params
            .signed_by(&self.key, &other.issuer())
            .expect("a cross-signed certificate")
            .der()
            .to_vec()
    }

    pub(crate) fn certificate(&self) -> Certificate {
        Certificate::parse(&self.der).expect("a certificate")
    }

    /// Its name, in DER.
    pub(crate) fn name(&self) -> &[u8] {
        skeleton::subject(&self.der).expect("a subject")
    }

    /// An ECDSA signature with SHA-256.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(message).expect("a signature")
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
}

/// A place to fetch the issuer's certificate (authorityInfoAccess, RFC 5280 §4.2.2.1).
pub(crate) fn issuer_at(url: &str) -> CustomExtension {
    let wrap = |tag: u8, body: &[u8]| [&[tag, u8::try_from(body.len()).expect("a short body")], body].concat();
    let entry = [wrap(0x06, &[0x2b, 6, 1, 5, 5, 7, 0x30, 2]), wrap(0x86, url.as_bytes())].concat();
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], wrap(0x30, &wrap(0x30, &entry)))
}

/// Validity from 1 January of one year to 1 January of another.
pub(crate) fn valid(from: i32, to: i32) -> impl Fn(&mut CertificateParams) {
    move |params| {
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
    }
}

/// An end-entity certificate to be.
pub(crate) struct Leaf {
    pub(crate) params: CertificateParams,
}

impl Leaf {
    /// With one DNS name, which is the common name too.
    pub(crate) fn named(host: &str) -> Self {
        Self::of(&[host]).common_name(host)
    }

    /// With these alternative names and no subject.
    pub(crate) fn of(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name = DistinguishedName::new();
        params.use_authority_key_identifier_extension = true;
        Self { params }
    }

    pub(crate) fn common_name(mut self, common_name: &str) -> Self {
        self.params.distinguished_name = name(common_name);
        self
    }

    pub(crate) fn without_subject(mut self) -> Self {
        self.params.distinguished_name = DistinguishedName::new();
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut CertificateParams)) -> Self {
        change(&mut self.params);
        self
    }

    pub(crate) fn signed_by(&self, issuer: &Authority) -> Vec<u8> {
        let key = KeyPair::generate().expect("a key");
        self.params
            .signed_by(&key, &issuer.issuer())
            .expect("a leaf")
            .der()
            .to_vec()
    }

    pub(crate) fn self_signed(&self) -> Vec<u8> {
        self.params
            .self_signed(&KeyPair::generate().expect("a key"))
            .expect("a leaf")
            .der()
            .to_vec()
    }
}
