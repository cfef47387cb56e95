//! The extensions of a certificate (RFC 5280 §4.2), each read on its own: one that is damaged does not hide the others.

use std::fmt;
use std::net::IpAddr;

use data_encoding::HEXLOWER;
use x509_parser::extensions::{
    AuthorityInfoAccess, AuthorityKeyIdentifier, BasicConstraints, CRLDistributionPoints, DistributionPointName,
    ExtendedKeyUsage as Purposes, GeneralName, KeyIdentifier, KeyUsage as Usage, SubjectAlternativeName, X509Extension,
};
use x509_parser::prelude::FromDer;

use super::constraints::Constraints;
use super::der::{INTEGER, OCTET_STRING, Reader, SEQUENCE};
use crate::evidence::Time;

/// Extensions that validation software knows, beyond those read here; any other that is critical has to be refused (RFC 5280 §4.2).
const ALSO_KNOWN: &[&str] = &[
    "2.5.29.18",          // issuerAltName
    "2.5.29.32",          // certificatePolicies
    "2.5.29.33",          // policyMappings
    "2.5.29.36",          // policyConstraints
    "2.5.29.46",          // freshestCRL
    "2.5.29.54",          // inhibitAnyPolicy
    "1.3.6.1.5.5.7.1.11", // subjectInfoAccess
];

/// `status_request` and `status_request_v2` as TLS features (RFC 7633 §4.2.3).
const STATUS_REQUEST: [&[u8]; 2] = [&[5], &[17]];

/// What the key may be used for (RFC 5280 §4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyUsage {
    flags: u16,
}

impl KeyUsage {
    /// To sign what is neither a certificate nor a revocation list: handshakes.
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

/// The timestamps of transparency logs that a certificate carries (RFC 6962 §3.3); their signatures are not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogTimestamps {
    /// How many there are.
    pub(crate) count: usize,
    /// The ids of the logs, each once.
    pub(crate) logs: Vec<[u8; 32]>,
    /// The earliest of them.
    pub(crate) earliest: Time,
    /// The latest of them.
    pub(crate) latest: Time,
}

impl LogTimestamps {
    /// Reads the extension's value; `None` where it is damaged or empty.
    fn read(value: &[u8]) -> Option<Self> {
        let mut outer = Reader::new(value);
        let list = outer.expect(OCTET_STRING, "timestamps").ok()?.body;
        let mut list = vector(list).filter(|(_, rest)| rest.is_empty() && outer.is_empty())?.0;
        let (mut count, mut logs, mut times) = (0usize, Vec::new(), Vec::new());
        while !list.is_empty() {
            let timestamp;
            (timestamp, list) = vector(list)?;
            count += 1;
            // Of versions that are not known the length is all that is.
            if let [0, fields @ ..] = timestamp {
                let (log, fields) = fields.split_first_chunk::<32>()?;
                let millis = u64::from_be_bytes(*fields.first_chunk::<8>()?);
                logs.push(*log);
                times.push(Time::from_seconds(i64::try_from(millis / 1000).ok()?));
            }
        }
        logs.sort_unstable();
        logs.dedup();
        let (earliest, latest) = (*times.iter().min()?, *times.iter().max()?);
        Some(Self {
            count,
            logs,
            earliest,
            latest,
        })
    }
}

/// A vector of TLS with a length of two bytes, and what follows it.
fn vector(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))
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
    /// Where authorityInfoAccess says that an OCSP responder answers.
    pub(crate) ocsp_urls: Vec<String>,
    /// Where the revocation list can be fetched (RFC 5280 §4.2.1.13).
    pub(crate) crl_urls: Vec<String>,
    /// True where the certificate demands a stapled status (RFC 7633).
    pub(crate) must_staple: bool,
    /// The timestamps of transparency logs that it carries (RFC 6962 §3.3).
    pub(crate) timestamps: Option<Box<LogTimestamps>>,
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
            "2.5.29.14" => self.subject_key_id = Some(HEXLOWER.encode(read::<KeyIdentifier<'_>>(value)?.0)),
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
                self.authority_key_id = authority.key_identifier.map(|id| HEXLOWER.encode(id.0));
            }
            "2.5.29.37" => self.extended_key_usage = Some(purposes(&read(value)?)),
            "1.3.6.1.5.5.7.1.1" => {
                let access = read::<AuthorityInfoAccess<'_>>(value)?;
                for entry in access.iter() {
                    let urls = match entry.access_method.to_id_string().as_str() {
                        "1.3.6.1.5.5.7.48.1" => &mut self.ocsp_urls,
                        "1.3.6.1.5.5.7.48.2" => &mut self.ca_issuers_urls,
                        _ => continue,
                    };
                    urls.extend(url(&entry.access_location));
                }
            }
            "2.5.29.31" => {
                for point in read::<CRLDistributionPoints<'_>>(value)?.iter() {
                    if let Some(DistributionPointName::FullName(names)) = &point.distribution_point {
                        self.crl_urls.extend(names.iter().filter_map(url));
                    }
                }
            }
            "1.3.6.1.5.5.7.1.24" => {
                let mut features = Reader::new(value).expect(SEQUENCE, "features").ok()?.inside();
                while !features.is_empty() {
                    let feature = features.expect(INTEGER, "feature").ok()?.body;
                    self.must_staple |= STATUS_REQUEST.contains(&feature);
                }
            }
            "1.3.6.1.4.1.11129.2.4.2" => self.timestamps = Some(Box::new(LogTimestamps::read(value)?)),
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

fn url(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::URI(url) => Some((*url).to_owned()),
        _ => None,
    }
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
    use rcgen::{CrlDistributionPoint, CustomExtension};

    use super::super::Certificate;
    use super::super::testing::{Authority, Leaf, odd};
    use super::*;

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
            (said.is_ca, said.path_len, said.must_staple),
            (Some(true), Some(2), true)
        );
        assert!(said.key_usage.unwrap().certificate_sign());
        let purposes = said.extended_key_usage.as_ref().unwrap();
        assert!(purposes.server_auth && purposes.client_auth && !purposes.any);
        assert_eq!(purposes.others, ["1.2.3.4"]);
        assert_eq!(purposes.to_string(), "serverAuth, clientAuth, 1.2.3.4");
        assert_eq!(said.ca_issuers_urls, ["http://ca.example/i.cer"]);
        assert_eq!(said.subject_key_id.as_ref().map(String::len), Some(40));
    }

    fn with(extension: CustomExtension) -> Extensions {
        let leaf = Leaf::named("a.example").with(|params| params.custom_extensions.push(extension));
        Certificate::parse(&leaf.signed_by(&Authority::root("Root")))
            .unwrap()
            .extensions
    }

    #[test]
    fn either_kind_of_status_request_demands_a_staple() {
        let features = |list: &[u8]| {
            with(CustomExtension::from_oid_content(
                &[1, 3, 6, 1, 5, 5, 7, 1, 24],
                list.to_vec(),
            ))
        };
        assert!(features(&[0x30, 3, 2, 1, 5]).must_staple);
        assert!(features(&[0x30, 6, 2, 1, 3, 2, 1, 17]).must_staple);
        assert!(!features(&[0x30, 3, 2, 1, 3]).must_staple);
        assert_eq!(features(&[0x30, 3, 2, 9, 5]).unreadable, ["1.3.6.1.5.5.7.1.24"]);
    }

    #[test]
    fn urls_of_responders_and_lists_are_kept() {
        let entry = |method: u8, url: &[u8]| {
            let place = [
                &[0x06, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, method, 0x86, url.len() as u8][..],
                url,
            ]
            .concat();
            [&[0x30, place.len() as u8][..], &place].concat()
        };
        let entries = [
            entry(1, b"http://o.example"),
            entry(2, b"http://i.example"),
            entry(3, b"http://t.example"),
        ]
        .concat();
        let access = [&[0x30, entries.len() as u8][..], &entries].concat();
        let said = with(CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], access));
        assert_eq!(
            (&said.ocsp_urls[..], &said.ca_issuers_urls[..]),
            (
                &["http://o.example".to_owned()][..],
                &["http://i.example".to_owned()][..]
            )
        );

        let point = CrlDistributionPoint {
            uris: vec!["http://c.example/1.crl".to_owned()],
        };
        let leaf = Leaf::named("a.example").with(|params| params.crl_distribution_points.push(point));
        let leaf = Certificate::parse(&leaf.signed_by(&Authority::root("Root"))).unwrap();
        assert_eq!(leaf.extensions.crl_urls, ["http://c.example/1.crl"]);
    }

    #[test]
    fn timestamps_of_logs_are_counted_and_dated() {
        let timestamp = |log: u8, seconds: u64| {
            let body = [
                &[0][..],
                &[log; 32],
                &(seconds * 1000 + 7).to_be_bytes(),
                &[0, 0, 4, 3, 0, 0],
            ]
            .concat();
            [&[0, body.len() as u8][..], &body].concat()
        };
        let extension = |list: &[u8]| {
            let value = [&[0x04, list.len() as u8 + 2, 0, list.len() as u8][..], list].concat();
            with(CustomExtension::from_oid_content(
                &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2],
                value,
            ))
        };
        let list = [timestamp(2, 300), timestamp(1, 100)].concat();
        assert_eq!(
            extension(&list).timestamps.as_deref(),
            Some(&LogTimestamps {
                count: 2,
                logs: vec![[1; 32], [2; 32]],
                earliest: Time::from_seconds(100),
                latest: Time::from_seconds(300),
            })
        );
        let twice = [timestamp(2, 300), timestamp(2, 100)].concat();
        assert_eq!(
            extension(&twice).timestamps.map(|timestamps| timestamps.logs.len()),
            Some(1)
        );
        let damaged = extension(&list[..list.len() - 1]);
        assert_eq!((damaged.timestamps, damaged.unreadable.len()), (None, 1));
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
        assert_eq!(odd("version-1").extensions, Extensions::default());
    }
}
