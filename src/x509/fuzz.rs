//! Any bytes as a list of certificates, and as what an authority says of one: for the fuzzer.

use std::sync::{Arc, LazyLock};

use super::skeleton::Skeleton;
use super::{
    Answer, Certificate, CertificateIndex, CertificateStore, Crl, Interned, Method, Trust, TrustStore, Verification,
    covers, describe_broken, examine, ocsp_status, verify_with_key,
};
use crate::evidence::{CaptureId, Mark, Side, Time};
use crate::registry::SignatureScheme;

/// Certificates that are looked at: a chain has no more than a handful.
const MOST: usize = 6;

/// Reads a list of certificates, each behind the two bytes of its length, examines it as a chain at a moment that its first byte chooses, and
/// does so once more.
///
/// # Panics
/// Where a place lies outside of its certificate or its list, or the second time gives something else.
pub fn fuzz_certificates(data: &[u8]) {
    let Some((moment, mut rest)) = data.split_first() else {
        return;
    };
    let mut list = Vec::new();
    while let Some((len, behind)) = rest.split_first_chunk()
        && list.len() < MOST
    {
        let len = usize::from(u16::from_be_bytes(*len)).min(behind.len());
        let (der, behind) = behind.split_at(len);
        check(der);
        list.push(der);
        rest = behind;
    }
    // 0 stands for a capture without a clock.
    let at = (*moment > 0).then(|| moment_of(*moment));
    assert_eq!(
        examined(&list, at),
        examined(&list, at),
        "the same list, examined twice"
    );
}

/// Reads bytes as an OCSP response and as a revocation list about a root that everybody knows, asks both for its standing at a moment that
/// the first byte chooses, and takes them for a signature of each scheme that the second byte names.
///
/// # Panics
/// Where a place lies outside of the bytes.
pub fn fuzz_revocation(data: &[u8]) {
    static ROOT: LazyLock<Option<Certificate>> = LazyLock::new(|| {
        let root = webpki_root_certs::TLS_SERVER_ROOT_CERTS.first()?;
        Certificate::parse(root).ok()
    });
    let (Some((&[moment, scheme], der)), Some(root)) = (data.split_first_chunk(), ROOT.as_ref()) else {
        return;
    };
    let at = Some(moment_of(moment));
    if let Answer::Unreadable(fault) = ocsp_status(der, root, Some(root), at).answer {
        assert!(fault.at <= der.len(), "{fault} in {} bytes", der.len());
    }
    match Crl::parse(der) {
        Ok(list) => {
            let report = list.status(root, root, at);
            assert_eq!(report.proves_revocation(), None, "{} entries", list.len());
        }
        Err(fault) => assert!(fault.at <= der.len(), "{fault} in {} bytes", der.len()),
    }
    for method in [
        Method::of_tls(SignatureScheme(u16::from(scheme))),
        Method::of_tls(SignatureScheme(u16::from(scheme) << 8 | 1)),
        Method::before_tls12(&root.key),
    ] {
        assert_ne!(verify_with_key(root, method, data, der), Verification::Yes, "{method}");
    }
}

/// A moment in a year from 2000 on.
fn moment_of(byte: u8) -> Time {
    Time::from_seconds(946_684_800 + i64::from(byte) * 31_557_600)
}

fn check(der: &[u8]) {
    let read = Certificate::parse(der);
    assert_eq!(format!("{read:?}"), format!("{:?}", Certificate::parse(der)));
    match read {
        Ok(certificate) => {
            covers(&certificate, "www.shop.example");
            covers(&certificate, "192.0.2.7");
        }
        Err(fault) => assert!(fault.at <= der.len(), "{fault} in {} bytes", der.len()),
    }
    describe_broken(der);
    match Skeleton::walk(der) {
        Ok(skeleton) => {
            for range in [
                &skeleton.signed,
                &skeleton.serial,
                &skeleton.issuer,
                &skeleton.validity,
                &skeleton.not_before,
                &skeleton.not_after,
                &skeleton.subject,
                &skeleton.key_info,
                &skeleton.key,
                &skeleton.extensions,
                &skeleton.algorithm,
                &skeleton.signature,
            ] {
                let inside = range.start <= range.end && range.end <= der.len();
                assert!(inside, "{range:?} in {} bytes", der.len());
            }
        }
        Err(fault) => assert!(fault.at <= der.len(), "{fault} in {} bytes", der.len()),
    }
}

/// Everything that can be said about the list, as text.
fn examined(list: &[&[u8]], at: Option<Time>) -> String {
    static TRUST: LazyLock<Trust> = LazyLock::new(|| Trust::new([TrustStore::mozilla()]));
    let store = CertificateStore::default();
    let sent: Vec<Arc<Interned>> = list.iter().map(|der| store.intern(der)).collect();
    let mut pool = CertificateIndex::default();
    // The last one was seen elsewhere, and not sent.
    let (seen, sent) = match sent.split_last() {
        Some((seen, others)) if !others.is_empty() => (Some(seen), others),
        _ => (None, sent.as_slice()),
    };
    if let Some(seen) = seen {
        let mark = Mark {
            capture: CaptureId(0),
            frame: 1,
            time: None,
            from: Side::Server,
        };
        pool.add(seen, mark);
    }
    let report = examine(sent, &pool, &TRUST, &store, at);
    let places = report
        .unused
        .iter()
        .chain(&report.end_entity_at)
        .chain(&report.superfluous_root);
    let unread = report.unparsed.iter().map(|(place, _)| place);
    assert!(places.chain(unread).all(|place| *place < sent.len()), "{report:?}");
    let depths = report.flaws.iter().map(|flaw| flaw.depth);
    let out_of_time = report.expired.iter().chain(&report.not_yet_valid).map(|one| one.depth);
    assert!(
        depths.chain(out_of_time).all(|depth| depth < report.path.len()),
        "{report:?}"
    );
    format!("{report:?} {:?} {}", report.defects(), report.path_text())
}
