//! Over generated trees: we call a chain sound for a name exactly where rustls-webpki accepts it.

use proptest::prelude::*;
use rcgen::{BasicConstraints, GeneralSubtree, IsCa, NameConstraints};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::super::testing::{Authority, Leaf, interned, summer, valid};
use super::super::{NameMatch, TrustStore, covers};
use super::*;

/// One way to set up and to serve a tree of two roots, two levels of intermediates and a leaf.
#[derive(Clone, Debug)]
struct Case {
    /// Of leaf, lower, upper, root: 0 valid, 1 ended, 2 yet to begin; roots are always valid.
    times: [u8; 3],
    upper_path_len: Option<u8>,
    lower_is_authority: bool,
    /// Domain that upper may name.
    upper_domain: Option<&'static str>,
    /// Order and presence: indices into lower, upper, namesake of lower, cross-signed new root, stranger.
    sent: Vec<usize>,
    trust_new: bool,
    trust_old: bool,
    host: &'static str,
}

fn case() -> impl Strategy<Value = Case> {
    let time = || prop_oneof![9 => Just(0u8), 1 => Just(1), 1 => Just(2)];
    let sent = Just(vec![0usize, 1, 2, 3, 4])
        .prop_shuffle()
        .prop_flat_map(|order| (Just(order), 3usize..=5));
    let host = prop_oneof![
        8 => Just("shop.example"),
        1 => Just("www.shop.example"),
        1 => Just("a.b.shop.example"),
        1 => Just("SHOP.example"),
        1 => Just("other.example"),
    ];
    let path_len = prop_oneof![1 => Just(None), 1 => (0u8..2).prop_map(Some)];
    let domain = prop_oneof![4 => Just(None), 1 => Just(Some("shop.example")), 1 => Just(Some("north.example"))];
    (
        ([time(), time(), time()], path_len, domain),
        prop::bool::weighted(0.9),
        sent,
        prop::bool::weighted(0.7),
        any::<bool>(),
        host,
    )
        .prop_map(
            |(
                (times, upper_path_len, upper_domain),
                lower_is_authority,
                (order, count),
                trust_new,
                trust_old,
                host,
            )| Case {
                times,
                upper_path_len,
                upper_domain,
                lower_is_authority,
                sent: order.into_iter().take(count).collect(),
                trust_new,
                trust_old,
                host,
            },
        )
}

fn years(time: u8) -> impl Fn(&mut rcgen::CertificateParams) {
    match time {
        0 => valid(2020, 2030),
        1 => valid(2020, 2025),
        _ => valid(2028, 2035),
    }
}

struct Tree {
    old: Authority,
    new: Authority,
    leaf: Vec<u8>,
    sent: Vec<Vec<u8>>,
}

fn grow(case: &Case) -> Tree {
    let (old, new) = (Authority::root("Old"), Authority::root("New"));
    let upper = new.below_with("Upper", |params| {
        years(case.times[2])(params);
        if let Some(limit) = case.upper_path_len {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(limit));
        }
        if let Some(domain) = case.upper_domain {
            let permitted_subtrees = vec![GeneralSubtree::DnsName(domain.into())];
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees,
                excluded_subtrees: Vec::new(),
            });
        }
    });
    let lower = upper.below_with("Lower", |params| {
        years(case.times[1])(params);
        if !case.lower_is_authority {
            params.is_ca = IsCa::ExplicitNoCa;
        }
    });
    let leaf = Leaf::of(&["shop.example", "*.shop.example"])
        .with(years(case.times[0]))
        .signed_by(&lower);
    let choices = [
        lower.der,
        upper.der.clone(),
        upper.below("Lower").der,
        new.cross_signed_by(&old, |_| ()),
        Authority::root("Stranger").der,
    ];
    Tree {
        leaf,
        sent: case.sent.iter().map(|&choice| choices[choice].clone()).collect(),
        old,
        new,
    }
}

fn ours(case: &Case, tree: &Tree) -> bool {
    let store = |root: &Authority| TrustStore::from_file("roots", &root.der).unwrap();
    let roots = [(case.trust_old, &tree.old), (case.trust_new, &tree.new)];
    let trust = Trust::new(
        roots
            .iter()
            .filter(|(trusted, _)| *trusted)
            .map(|(_, root)| store(root)),
    );
    let sent: Vec<_> = std::iter::once(&tree.leaf)
        .chain(&tree.sent)
        .map(|der| interned(der))
        .collect();
    let report = examine(
        &sent,
        &CertificateIndex::default(),
        &trust,
        &CertificateStore::default(),
        Some(summer(2026)),
    );
    report.is_sound()
        && report
            .leaf
            .is_some_and(|leaf| covers(&leaf, case.host) == NameMatch::Yes)
}

fn webpkis(case: &Case, tree: &Tree) -> bool {
    let roots = [
        (case.trust_old, CertificateDer::from(&*tree.old.der)),
        (case.trust_new, CertificateDer::from(&*tree.new.der)),
    ];
    let trusted = roots.iter().filter(|(trusted, _)| *trusted);
    let anchors: Vec<_> = trusted
        .map(|(_, root)| anchor_from_trusted_cert(root).unwrap())
        .collect();
    let sent: Vec<_> = tree.sent.iter().map(|der| CertificateDer::from(&**der)).collect();
    let leaf = CertificateDer::from(&*tree.leaf);
    let leaf = EndEntityCert::try_from(&leaf).unwrap();
    let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(
        u64::try_from(summer(2026).seconds()).unwrap(),
    ));
    let path = leaf.verify_for_usage(
        ALL_VERIFICATION_ALGS,
        &anchors,
        &sent,
        at,
        KeyUsage::server_auth(),
        None,
        None,
    );
    let host = ServerName::try_from(case.host).unwrap();
    path.is_ok() && leaf.verify_is_valid_for_subject_name(&host).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sound_is_what_webpki_accepts(case in case()) {
        let tree = grow(&case);
        prop_assert_eq!(ours(&case, &tree), webpkis(&case, &tree));
    }
}

#[test]
fn both_outcomes_occur() {
    let sound = Case {
        times: [0; 3],
        upper_path_len: None,
        upper_domain: None,
        lower_is_authority: true,
        sent: vec![1, 0],
        trust_new: true,
        trust_old: false,
        host: "www.shop.example",
    };
    let tree = grow(&sound);
    assert!(ours(&sound, &tree) && webpkis(&sound, &tree));
    let untrusted = Case {
        trust_new: false,
        ..sound
    };
    assert!(!ours(&untrusted, &tree) && !webpkis(&untrusted, &tree));
}
