//! Any bytes as a list of certificates: for the fuzzer.

use std::sync::{Arc, LazyLock};

use super::skeleton::Skeleton;
use super::{
    Certificate, CertificateIndex, CertificateStore, Interned, Trust, TrustStore, covers, describe_broken, examine,
};
use crate::evidence::{CaptureId, Mark, Side, Time};

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
    // Years from 2000 on; 0 stands for a capture without a clock.
    let at = (*moment > 0).then(|| Time::from_seconds(946_684_800 + i64::from(*moment) * 31_557_600));
    assert_eq!(
        examined(&list, at),
        examined(&list, at),
        "the same list, examined twice"
    );
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
