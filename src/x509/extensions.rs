//! The extensions of a certificate (RFC 5280 §4.2), each read on its own: one that is damaged does not hide the others.

use std::fmt;
use std::net::IpAddr;

use x509_parser::extensions::{
    AuthorityInfoAccess, AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage as Purposes, GeneralName,
    KeyIdentifier, KeyUsage as Usage, SubjectAlternativeName, X509Extension,
};
use x509_parser::prelude::FromDer;

use super::constraints::Constraints;
use super::der::{INTEGER, Reader, SEQUENCE, hex};

/// Extensions that validation software knows, beyond those read here; any other that is critical has to be refused (RFC 5280 §4.2).
const ALSO_KNOWN: &[&str] = &[
    "2.5.29.18",          // issuerAltName
    "2.5.29.31",          // cRLDistributionPoints
    "2.5.29.32",          // certificatePolicies
    "2.5.29.33",          // policyMappings
    "2.5.29.36",          // policyConstraints
    "2.5.29.46",          // freshestCRL
    "2.5.29.54",          // inhibitAnyPolicy
    "1.3.6.1.5.5.7.1.11", // subjectInfoAccess
];

/// `status_request` as a TLS feature (RFC 7633 §4.2.3).
const STATUS_REQUEST: &[u8] = &[5];

/// What the key may be used for (RFC 5280 §4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyUsage {
    flags: u16,
}

impl KeyUsage {
    /// To sign what is no certificate: key exchanges of (EC)DHE, and everything in TLS 1.3.
    pub(crate) const fn digital_signature(self) -> bool {
        self.flags & 1 != 0
    }

    /// To encrypt keys: RSA key exchange.
    pub(crate) const fn key_encipherment(self) -> bool {
        self.flags & 1 << 2 != 0
    }

    /// To sign certificates.
    pub(crate) const fn certificate_sign(self) -> bool {
        self.flags & 1 << 5 != 0
    }
}

/// What the certificate may be used for (RFC 5280 §4.2.1.12).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExtendedKeyUsage {
    /// anyExtendedKeyUsage, which the large clients do not take for serverAuth.
    pub(crate) any: bool,
    /// serverAuth.
    pub(crate) server_auth: bool,
    /// clientAuth.
    pub(crate) client_auth: bool,
    /// The other purposes: a short name or a dotted identifier.
    pub(crate) others: Vec<String>,
}

/// The purposes, as RFC 5280 names them.
impl fmt::Display for ExtendedKeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = [
            (self.any, "anyExtendedKeyUsage"),
            (self.server_auth, "serverAuth"),
            (self.client_auth, "clientAuth"),
        ];
        let known = known.iter().filter(|(present, _)| *present).map(|(_, name)| *name);
        let all: Vec<&str> = known.chain(self.others.iter().map(String::as_str)).collect();
        f.write_str(&all.join(", "))
    }
}

/// What the extensions say. Absent ones leave their field empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extensions {
    /// dNSName entries of subjectAltName, as they are written.
    pub(crate) dns_names: Vec<String>,
    /// iPAddress entries of 4 or 16 bytes.
    pub(crate) ip_addresses: Vec<IpAddr>,
    /// uniformResourceIdentifier entries.
    pub(crate) uris: Vec<String>,
    /// rfc822Name entries.
    pub(crate) emails: Vec<String>,
    /// True where there is a subjectAltName at all.
    pub(crate) has_alternative_name: bool,
    /// cA of basicConstraints; `None` without the extension.
    pub(crate) is_ca: Option<bool>,
    /// pathLenConstraint.
    pub(crate) path_len: Option<u32>,
    /// keyUsage; `None` permits everything.
    pub(crate) key_usage: Option<KeyUsage>,
    /// extendedKeyUsage; `None` permits everything.
    pub(crate) extended_key_usage: Option<ExtendedKeyUsage>,
    /// subjectKeyIdentifier, in hexadecimal.
    pub(crate) subject_key_id: Option<String>,
    /// keyIdentifier of authorityKeyIdentifier, in hexadecimal.
    pub(crate) authority_key_id: Option<String>,
    /// Where authorityInfoAccess says that the issuer's certificate can be fetched.
    pub(crate) ca_issuers_urls: Vec<String>,
    /// True where the certificate demands a stapled status (RFC 7633).
    pub(crate) must_staple: bool,
    /// True where it carries timestamps of transparency logs (RFC 6962 §3.3).
    pub(crate) has_scts: bool,
    /// What names the certificates below it may have (RFC 5280 §4.2.1.10).
    pub(crate) name_constraints: Option<Constraints>,
    /// Critical extensions that are not known here, dotted.
    pub(crate) unknown_critical: Vec<String>,
    /// Extensions that could not be read, dotted.
    pub(crate) unreadable: Vec<String>,
    /// Extensions that occur twice, which RFC 5280 §4.2 forbids; the first counts.
    pub(crate) repeated: Vec<String>,
}

impl Extensions {
    /// Reads the extensions.
    pub(super) fn of(list: &[X509Extension<'_>]) -> Self {
        let mut all = Self::default();
        let mut met: Vec<String> = Vec::with_capacity(list.len());
        for extension in list {
            let oid = extension.oid.to_id_string();
            if met.contains(&oid) {
                all.repeated.push(oid);
                continue;
            }
            if all.take(&oid, extension).is_none() {
                all.unreadable.push(oid.clone());
            }
            met.push(oid);
        }
        all
    }

    /// Reads one; `None` where its value is damaged.
    fn take(&mut self, oid: &str, extension: &X509Extension<'_>) -> Option<()> {
        let value = extension.value;
        match oid {
            "2.5.29.14" => self.subject_key_id = Some(hex(read::<KeyIdentifier<'_>>(value)?.0)),
            "2.5.29.15" => {
                self.key_usage = Some(KeyUsage {
                    flags: read::<Usage>(value)?.flags,
                })
            }
            "2.5.29.17" => {
                self.has_alternative_name = true;
                return self.take_names(&read::<SubjectAlternativeName<'_>>(value)?.general_names);
            }
            "2.5.29.19" => {
                let constraints = read::<BasicConstraints>(value)?;
                self.is_ca = Some(constraints.ca);
                self.path_len = constraints.path_len_constraint;
            }
            "2.5.29.30" => self.name_constraints = Some(Constraints::of(&read(value)?)),
            "2.5.29.35" => {
                let authority = read::<AuthorityKeyIdentifier<'_>>(value)?;
                self.authority_key_id = authority.key_identifier.map(|id| hex(id.0));
            }
            "2.5.29.37" => self.extended_key_usage = Some(purposes(&read(value)?)),
            "1.3.6.1.5.5.7.1.1" => {
                let access = read::<AuthorityInfoAccess<'_>>(value)?;
                let fetched = access
                    .iter()
                    .filter(|entry| entry.access_method.to_id_string() == "1.3.6.1.5.5.7.48.2");
                self.ca_issuers_urls = fetched
                    .filter_map(|entry| match &entry.access_location {
                        GeneralName::URI(url) => Some((*url).to_owned()),
                        _ => None,
                    })
                    .collect();
            }
            "1.3.6.1.5.5.7.1.24" => {
                let mut features = Reader::new(value).expect(SEQUENCE, "features").ok()?.inside();
                while !features.is_empty() {
                    self.must_staple |= features.expect(INTEGER, "feature").ok()?.body == STATUS_REQUEST;
                }
            }
            "1.3.6.1.4.1.11129.2.4.2" => self.has_scts = true,
            _ if extension.critical && !ALSO_KNOWN.contains(&oid) => self.unknown_critical.push(oid.to_owned()),
            _ => {}
        }
        Some(())
    }

    fn take_names(&mut self, names: &[GeneralName<'_>]) -> Option<()> {
        let mut sound = Some(());
        for name in names {
            match name {
                GeneralName::DNSName(name) => self.dns_names.push((*name).to_owned()),
                GeneralName::URI(uri) => self.uris.push((*uri).to_owned()),
                GeneralName::RFC822Name(email) => self.emails.push((*email).to_owned()),
                GeneralName::IPAddress(bytes) => match address(bytes) {
                    Some(address) => self.ip_addresses.push(address),
                    None => sound = None,
                },
                GeneralName::Invalid(..) => sound = None,
                _ => {}
            }
        }
        sound
    }
}

/// Reads a value that fills its bytes.
fn read<'a, T: FromDer<'a, x509_parser::error::X509Error>>(value: &'a [u8]) -> Option<T> {
    T::from_der(value)
        .ok()
        .filter(|(rest, _)| rest.is_empty())
        .map(|(_, value)| value)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

fn purposes(purposes: &Purposes<'_>) -> ExtendedKeyUsage {
    let named = [
        (purposes.code_signing, "codeSigning"),
        (purposes.email_protection, "emailProtection"),
        (purposes.time_stamping, "timeStamping"),
        (purposes.ocsp_signing, "OCSPSigning"),
    ];
    let named = named
        .iter()
        .filter(|(present, _)| *present)
        .map(|(_, name)| (*name).to_owned());
    ExtendedKeyUsage {
        any: purposes.any,
        server_auth: purposes.server_auth,
        client_auth: purposes.client_auth,
        others: named
            .chain(purposes.other.iter().map(|oid| oid.to_id_string()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Authority, odd};

    #[test]
    fn each_extension_fills_its_field() {
        let certificate = odd("every-extension");
        let said = &certificate.extensions;
        assert_eq!(said.dns_names, ["staple.example", "*.staple.example"]);
        assert_eq!(
            said.ip_addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["192.0.2.7", "2001:db8::7"]
        );
        assert_eq!(
            (&said.uris[..], &said.emails[..]),
            (
                &["spiffe://example/x".to_owned()][..],
                &["a@staple.example".to_owned()][..]
            )
        );
        assert_eq!(
            (said.is_ca, said.path_len, said.must_staple, said.has_scts),
            (Some(true), Some(2), true, false)
        );
        assert!(said.key_usage.unwrap().certificate_sign());
        let purposes = said.extended_key_usage.as_ref().unwrap();
        assert!(purposes.server_auth && purposes.client_auth && !purposes.any);
        assert_eq!(purposes.others, ["1.2.3.4"]);
        assert_eq!(purposes.to_string(), "serverAuth, clientAuth, 1.2.3.4");
        assert_eq!(said.ca_issuers_urls, ["http://ca.example/i.cer"]);
        assert_eq!(said.subject_key_id.as_ref().map(String::len), Some(40));
    }

    #[test]
    fn a_certificate_names_the_key_of_its_issuer() {
        let root = Authority::root("Root");
        let below = root.below("Below").certificate();
        assert!(below.extensions.authority_key_id.is_some());
        assert_eq!(
            below.extensions.authority_key_id,
            root.certificate().extensions.subject_key_id
        );
    }

    #[test]
    fn an_unknown_critical_extension_is_named() {
        assert_eq!(odd("every-extension").extensions.unknown_critical, ["1.2.3.4.5"]);
    }

    #[test]
    fn a_version_1_certificate_has_none() {
        assert_eq!(odd("version-1").extensions, super::Extensions::default());
    }
}
