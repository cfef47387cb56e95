//! What [`examine`] says of each way to serve a chain.

use rcgen::{BasicConstraints, CustomExtension, GeneralSubtree, IsCa, NameConstraints};

use super::super::path::Flaw;
use super::super::testing::{Authority, Leaf, interned, issuer_at, mark, summer, valid};
use super::super::{Forbidden, TrustStore};
use super::*;

fn trusting(roots: &[&Authority]) -> Trust {
    let stores = roots
        .iter()
        .map(|root| TrustStore::from_file("roots", &root.der).unwrap());
    Trust::new(stores)
}

fn look(sent: &[&[u8]], pool: &[&[u8]], trust: &Trust) -> ChainReport {
    let mut index = CertificateIndex::default();
    for (frame, der) in (41..).zip(pool) {
        index.add(&interned(der), mark(frame));
    }
    let sent: Vec<_> = sent.iter().map(|der| interned(der)).collect();
    examine(&sent, &index, trust, &CertificateStore::default(), Some(summer(2026)))
}

/// Root, intermediate and leaf, all sound.
fn tree() -> (Authority, Authority, Vec<u8>) {
    let root = Authority::root("Root");
    let middle = root.below("Middle");
    let leaf = Leaf::named("shop.example").signed_by(&middle);
    (root, middle, leaf)
}

#[test]
fn leaf_and_intermediate_are_complete() {
    let (root, middle, leaf) = tree();
    let report = look(&[&leaf, &middle.der], &[], &trusting(&[&root]));
    assert!(matches!(&report.anchored, Anchored::Yes { by } if by.to_string() == "roots"));
    assert!(matches!(report.shape, ChainShape::Complete));
    assert_eq!(report.path_text(), "shop.example < Middle < Root");
    assert!(report.is_sound() && report.gap.is_none() && !report.unordered && !report.cut);
    assert_eq!(report.path.last().map(|link| link.origin), Some(Origin::Trusted));
}

#[test]
fn a_root_that_is_sent_along_is_needless() {
    let (root, middle, leaf) = tree();
    let report = look(&[&leaf, &middle.der, &root.der], &[], &trusting(&[&root]));
    assert!(report.is_sound());
    assert_eq!((report.superfluous_root, report.unused.len()), (Some(2), 0));
}

#[test]
fn order_and_repetition_do_not_break_a_path() {
    let (root, middle, leaf) = tree();
    let lower = middle.below("Lower");
    let deep = Leaf::named("deep.example").signed_by(&lower);
    let report = look(
        &[&deep, &middle.der, &lower.der, &deep, &leaf],
        &[],
        &trusting(&[&root]),
    );
    assert!(report.is_sound() && report.unordered);
    assert_eq!(report.unused, [4]);
}

#[test]
fn a_missing_intermediate_that_was_seen_elsewhere_closes_the_gap() {
    let (root, middle, leaf) = tree();
    let report = look(&[&leaf], &[&middle.der], &trusting(&[&root]));
    let Anchored::ViaPool { missing, by } = &report.anchored else {
        panic!("{report:?}")
    };
    assert_eq!(
        (missing.len(), missing[0].first.unwrap().frame, by.to_string()),
        (1, 41, "roots".to_owned())
    );
    assert_eq!(missing[0].certificate.display_name(), "Middle");
    assert!(matches!(report.shape, ChainShape::LeafOnly));
    assert_eq!(report.path_text(), "shop.example < Middle < Root");
}

#[test]
fn an_upper_intermediate_can_be_the_missing_one() {
    let (root, middle, _) = tree();
    let lower = middle.below("Lower");
    let deep = Leaf::named("deep.example").signed_by(&lower);
    let report = look(&[&deep, &lower.der], &[&middle.der], &trusting(&[&root]));
    assert!(
        matches!(&report.anchored, Anchored::ViaPool { missing, .. } if missing[0].certificate.display_name() == "Middle")
    );
    assert!(matches!(report.shape, ChainShape::EndsAtUnknownIssuer));
    assert_eq!(report.gap.unwrap().issuer.text, "CN=Middle");
}

#[test]
fn the_gap_tells_whether_its_issuer_looks_public() {
    let (root, middle, _) = tree();
    let with_url = |url: &str| {
        let leaf = Leaf::named("a.example")
            .with(|params| params.custom_extensions.push(issuer_at(url)))
            .signed_by(&middle);
        look(&[&leaf], &[], &trusting(&[&root])).gap.unwrap()
    };
    assert!(with_url("http://ca.northwind.example/g2.cer").looks_public());
    for private in [
        "http://pki.corp/ca.crt",
        "http://10.1.2.3/ca.crt",
        "ldap:///CN=CA",
        "http://adcs.office.local:8080/ca.crt",
    ] {
        let gap = with_url(private);
        assert!(!gap.looks_public(), "{private}");
        assert_eq!(gap.ca_issuers_urls, [private]);
    }
}

#[test]
fn an_untrusted_private_authority_is_carried_on_as_far_as_it_was_seen() {
    let (root, middle, leaf) = tree();
    let report = look(&[&leaf], &[&root.der, &middle.der], &Trust::default());
    let Anchored::No { carried_on_by } = &report.anchored else {
        panic!()
    };
    let names: Vec<_> = carried_on_by
        .iter()
        .map(|seen| seen.certificate.display_name())
        .collect();
    assert_eq!(names, ["Middle", "Root"]);
    assert_eq!(report.path_text(), "shop.example");
}

#[test]
fn a_root_that_is_not_trusted_is_named() {
    let (_, middle, leaf) = tree();
    let (root, other) = (Authority::root("Mine"), Authority::root("Other"));
    let own = Leaf::named("a.example").signed_by(&root);
    let report = look(&[&own, &root.der], &[], &trusting(&[&other]));
    assert!(matches!(&report.shape, ChainShape::EndsAtSelfSignedRoot { root } if root.display_name() == "Mine"));
    assert!(report.gap.is_none());
    let report = look(&[&leaf, &middle.der], &[], &trusting(&[&other]));
    assert!(matches!(report.shape, ChainShape::EndsAtUnknownIssuer));
}

#[test]
fn an_intermediate_of_another_name_is_unrelated() {
    let (root, _, leaf) = tree();
    let old = root.below("Old Middle");
    let report = look(&[&leaf, &old.der], &[], &trusting(&[&root]));
    assert!(matches!(
        report.shape,
        ChainShape::BrokenAt {
            index: 1,
            misfit: Misfit::Unrelated
        }
    ));
    assert_eq!(report.unused, [1]);
    let report = look(&[&leaf, &root.der], &[], &trusting(&[&root]));
    assert!(matches!(
        report.shape,
        ChainShape::BrokenAt {
            index: 1,
            misfit: Misfit::Unrelated
        }
    ));
    assert_eq!(report.superfluous_root, Some(1));
}

#[test]
fn an_intermediate_of_the_name_but_another_key_is_told_apart() {
    let (root, _, leaf) = tree();
    let rekeyed = root.below("Middle");
    let report = look(&[&leaf, &rekeyed.der], &[], &trusting(&[&root]));
    assert!(matches!(
        report.shape,
        ChainShape::BrokenAt {
            index: 1,
            misfit: Misfit::WrongKey
        }
    ));
}

#[test]
fn an_anchor_of_the_name_but_another_key_is_a_namesake() {
    let (_, middle, leaf) = tree();
    let impostor = Authority::root("Root");
    let report = look(&[&leaf, &middle.der], &[], &trusting(&[&impostor]));
    assert!(matches!(report.shape, ChainShape::EndsAtUnknownIssuer));
    assert_eq!(report.gap.unwrap().namesake.unwrap().der[..], impostor.der[..]);
}

#[test]
fn self_signed_and_merely_self_issued_leaves_differ() {
    let trust = trusting(&[&Authority::root("Root")]);
    let own = Leaf::named("box.example").self_signed();
    assert!(matches!(look(&[&own], &[], &trust).shape, ChainShape::SelfSignedLeaf));
    let authority = Authority::root("box.example");
    let issued = Leaf::named("box.example").signed_by(&authority);
    assert!(matches!(
        look(&[&issued], &[], &trust).shape,
        ChainShape::SelfIssuedLeaf
    ));
    let with_issuer = look(&[&issued, &authority.der], &[], &trust).shape;
    assert!(matches!(with_issuer, ChainShape::EndsAtSelfSignedRoot { .. }));
}

#[test]
fn a_self_signed_leaf_that_is_trusted_is_complete() {
    let own = Leaf::named("box.example").self_signed();
    let trust = Trust::new(vec![TrustStore::from_file("pinned", &own).unwrap()]);
    let report = look(&[&own], &[], &trust);
    assert!(report.is_sound() && report.path.len() == 1);
}

#[test]
fn what_has_ended_or_not_begun_is_told_with_its_depth() {
    let root = Authority::root("Root");
    let middle = root.below_with("Middle", valid(2020, 2025));
    let leaf = Leaf::named("a.example").with(valid(2027, 2030)).signed_by(&middle);
    let report = look(&[&leaf, &middle.der], &[], &trusting(&[&root]));
    assert_eq!((report.expired.len(), report.expired[0].depth), (1, 1));
    assert_eq!(report.expired[0].by_seconds, summer(2026).seconds() - 1_735_689_600);
    assert_eq!((report.not_yet_valid.len(), report.not_yet_valid[0].depth), (1, 0));
    assert!(!report.is_sound() && matches!(report.anchored, Anchored::Yes { .. }));
}

#[test]
fn without_a_moment_nothing_is_judged_by_time() {
    let root = Authority::root("Root");
    let leaf = interned(&Leaf::named("a.example").with(valid(1999, 2000)).signed_by(&root));
    let report = examine(
        &[leaf],
        &CertificateIndex::default(),
        &trusting(&[&root]),
        &CertificateStore::default(),
        None,
    );
    assert!(report.is_sound());
}

#[test]
fn an_expired_cross_signature_beside_a_good_path_is_a_remark() {
    let (old, new) = (Authority::root("Old"), Authority::root("New"));
    let middle = new.below("Middle");
    let leaf = Leaf::named("a.example").signed_by(&middle);
    let cross = new.cross_signed_by(&old, valid(2020, 2024));
    let good = look(&[&leaf, &middle.der, &cross], &[], &trusting(&[&old, &new]));
    assert!(good.is_sound());
    assert_eq!(good.path_text(), "a.example < Middle < New");
    assert_eq!((good.expired_aside.len(), good.expired_aside[0].depth), (1, 2));
    let bad = look(&[&leaf, &middle.der, &cross], &[], &trusting(&[&old]));
    assert_eq!((bad.path.len(), bad.expired.len(), bad.expired[0].depth), (4, 1, 2));
}

#[test]
fn a_valid_path_is_preferred_to_an_expired_one_of_the_same_key() {
    let root = Authority::root("Root");
    let middle = root.below_with("Middle", valid(2020, 2025));
    let renewed = middle.cross_signed_by(&root, valid(2025, 2035));
    let leaf = Leaf::named("a.example").signed_by(&middle);
    let report = look(&[&leaf, &middle.der, &renewed], &[], &trusting(&[&root]));
    assert!(report.is_sound());
    assert_eq!((&report.unused[..], report.expired_aside.len()), (&[1][..], 1));
}

#[test]
fn issuers_that_may_not_issue_are_flaws() {
    let root = Authority::root_with("Root", |_| ());
    let narrow = root.below_with("Narrow", |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0))
    });
    let lower = narrow.below("Lower");
    let leaf = Leaf::named("a.example").signed_by(&lower);
    let report = look(&[&leaf, &lower.der, &narrow.der], &[], &trusting(&[&root]));
    assert_eq!(
        report.flaws,
        [PathFlaw {
            depth: 2,
            flaw: Flaw::TooManyBelow { allowed: 0, found: 1 }
        }]
    );

    assert_eq!(
        report.defects(),
        ["\"Narrow\" allows 0 authorities below it (pathLenConstraint), and 1 are there"]
    );

    let nobody = root.below_with("Nobody", |params| params.is_ca = IsCa::ExplicitNoCa);
    let leaf = Leaf::named("a.example").signed_by(&nobody);
    let report = look(&[&leaf, &nobody.der], &[], &trusting(&[&root]));
    assert!(report.flaws.contains(&PathFlaw {
        depth: 1,
        flaw: Flaw::NotAnAuthority
    }));
}

#[test]
fn names_outside_the_constraints_are_a_flaw_of_the_authority_that_has_them() {
    let root = Authority::root_with("Root", |params| {
        let permitted_subtrees = vec![GeneralSubtree::DnsName("shop.example".into())];
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees,
            excluded_subtrees: Vec::new(),
        });
    });
    let middle = root.below("Middle");
    let flaws_of = |host: &str| {
        look(
            &[&Leaf::named(host).signed_by(&middle), &middle.der],
            &[],
            &trusting(&[&root]),
        )
        .flaws
    };
    assert_eq!(flaws_of("www.shop.example"), []);
    let forbidden = Forbidden {
        name: "shop.test".into(),
        excluded: false,
    };
    assert_eq!(
        flaws_of("shop.test"),
        [PathFlaw {
            depth: 2,
            flaw: Flaw::NameForbidden(forbidden)
        }]
    );
}

#[test]
fn a_critical_extension_that_nobody_knows_is_a_flaw_of_its_certificate() {
    let root = Authority::root("Root");
    let mut unknown = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
    unknown.set_criticality(true);
    let leaf = Leaf::named("a.example")
        .with(|params| params.custom_extensions.push(unknown))
        .signed_by(&root);
    let report = look(&[&leaf], &[], &trusting(&[&root]));
    assert_eq!(
        report.flaws,
        [PathFlaw {
            depth: 0,
            flaw: Flaw::UnknownCriticalExtension
        }]
    );
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    let (root, middle, leaf) = tree();
    let report = look(&[&leaf, b"rubbish", &middle.der], &[], &trusting(&[&root]));
    assert!(report.is_sound());
    assert_eq!(report.unparsed.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1]);
    let report = look(&[b"rubbish", &middle.der], &[], &trusting(&[&root]));
    assert!(report.leaf.is_none() && matches!(report.shape, ChainShape::LeafUnreadable));
    assert!(matches!(look(&[], &[], &trusting(&[&root])).shape, ChainShape::Empty));
}

#[test]
fn a_list_that_begins_with_an_authority_tells_where_the_leaf_is() {
    let (root, middle, leaf) = tree();
    assert_eq!(
        look(&[&middle.der, &leaf], &[], &trusting(&[&root])).end_entity_at,
        Some(1)
    );
    assert_eq!(
        look(&[&leaf, &middle.der], &[], &trusting(&[&root])).end_entity_at,
        None
    );
}

#[test]
fn a_hundred_namesakes_end_the_search_and_that_is_told() {
    let (root, _, leaf) = tree();
    let namesakes: Vec<_> = (0..120)
        .map(|_| root.below_with("Middle", |params| params.key_usages.clear()).der)
        .collect();
    let mut sent: Vec<&[u8]> = vec![&leaf];
    sent.extend(namesakes.iter().map(Vec::as_slice));
    let report = look(&sent, &[], &trusting(&[&root]));
    assert!(report.cut && matches!(report.anchored, Anchored::No { .. }));
}

/// Stores that stand each by itself: a name and the root that it holds.
fn stores(stores: &[(&str, &Authority)]) -> Trust {
    Trust::new(
        stores
            .iter()
            .map(|(name, root)| TrustStore::from_file(*name, &root.der).unwrap()),
    )
}

#[test]
fn the_stores_that_accept_a_chain_are_told_apart_from_those_that_do_not() {
    let (root, middle, leaf) = tree();
    let other = Authority::root("Other");
    let accepted = |trust: &Trust, sent: &[&[u8]]| match look(sent, &[&middle.der], trust).anchored {
        Anchored::Yes { by } | Anchored::ViaPool { by, .. } => by.to_string(),
        Anchored::No { .. } => "none".to_owned(),
    };
    let whole: &[&[u8]] = &[&leaf, &middle.der];
    let both = stores(&[("java", &other), ("mozilla", &root), ("system", &root)]);
    assert_eq!(accepted(&both, whole), "mozilla and system, not by java");
    assert_eq!(accepted(&both, &[&leaf]), "mozilla and system, not by java");
    assert_eq!(accepted(&stores(&[("java", &other), ("old", &other)]), whole), "none");
}

#[test]
fn a_root_that_is_added_to_every_store_makes_all_accept() {
    let (root, middle, leaf) = tree();
    let mut trust = stores(&[("java", &Authority::root("Other"))]);
    trust
        .added
        .push(Arc::new(TrustStore::from_file("own.pem", &root.der).unwrap()));
    let report = look(&[&leaf, &middle.der], &[], &trust);
    assert!(matches!(&report.anchored, Anchored::Yes { by } if by.to_string() == "own.pem"));
}

#[test]
fn another_store_may_accept_by_another_way_but_not_by_an_expired_one() {
    let (new, old) = (Authority::root("New"), Authority::root("Old"));
    let middle = new.below("Middle");
    let leaf = Leaf::named("shop.example").signed_by(&middle);
    let trust = stores(&[("new", &new), ("old", &old)]);
    let accepted = |cross: &[u8]| match look(&[&leaf, &middle.der, cross], &[], &trust).anchored {
        Anchored::Yes { by } => by.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(accepted(&new.cross_signed_by(&old, |_| ())), "new and old");
    assert_eq!(
        accepted(&new.cross_signed_by(&old, valid(2020, 2025))),
        "new, not by old"
    );
}

#[test]
fn a_root_counts_until_its_removal_and_is_told_of_after_it() {
    let (root, middle, leaf) = tree();
    let removed = |year| {
        let store = TrustStore::from_file("list", &root.der).unwrap();
        look(&[&leaf, &middle.der], &[], &Trust::new([store.emptied(summer(year))]))
    };
    let before = removed(2027);
    assert!(before.is_sound() && before.withdrawn.is_none());
    assert!(matches!(&before.anchored, Anchored::Yes { by } if by.to_string() == "list as of 2026-07"));
    let after = removed(2025);
    assert!(matches!(after.anchored, Anchored::No { .. }));
    let gone = after.withdrawn.unwrap();
    assert_eq!(
        (gone.root.display_name(), gone.store.as_str(), gone.since),
        ("Root", "list", summer(2025))
    );
    assert!(
        look(&[&leaf, &middle.der], &[], &trusting(&[&middle.below("X")]))
            .withdrawn
            .is_none()
    );
}

#[test]
fn copies_are_told_by_their_places() {
    let (root, middle, leaf) = tree();
    let report = look(&[&leaf, &middle.der, &leaf, &middle.der], &[], &trusting(&[&root]));
    assert_eq!(report.duplicates, [2, 3]);
    assert!(report.is_sound() && !report.unordered && report.unused.is_empty());
    let plain = look(&[&leaf, &middle.der], &[], &trusting(&[&root]));
    assert_eq!(plain.duplicates, [0usize; 0]);
}

#[test]
fn a_cross_sign_is_stale_by_its_own_end_or_by_that_of_the_root_above_it() {
    let old = Authority::root_with("Old Root", valid(2000, 2024));
    let (root, middle, leaf) = tree();
    let stale = |until: i32, roots: &[&Authority]| {
        let cross = root.cross_signed_by(&old, valid(2010, until));
        look(&[&leaf, &middle.der, &cross], &[], &trusting(roots)).stale
    };
    let own = stale(2025, &[&root, &old]).unwrap();
    assert_eq!(
        (own.index, own.root.is_some(), own.ended()),
        (2, false, own.certificate.not_after)
    );
    let above = stale(2030, &[&root, &old]).unwrap();
    assert_eq!(above.root.as_ref().map(|root| root.display_name()), Some("Old Root"));
    assert_eq!(above.ended().date(), "2024-01-01");
    // Nobody knows the older root, or it has not ended.
    assert!(stale(2030, &[&root]).is_none());
    let living = Authority::root_with("Living Root", valid(2000, 2040));
    let cross = root.cross_signed_by(&living, valid(2010, 2030));
    let report = look(&[&leaf, &middle.der, &cross], &[], &trusting(&[&root, &living]));
    assert!(report.stale.is_none() && report.is_sound());
}

#[test]
fn a_stray_certificate_that_had_ended_is_no_cross_sign() {
    let (root, middle, leaf) = tree();
    let stray = Authority::root("Elsewhere").below_with("Stray", valid(2010, 2020));
    let report = look(&[&leaf, &middle.der, &stray.der], &[], &trusting(&[&root]));
    assert!(report.stale.is_none() && report.expired_aside.len() == 1);
}

#[test]
fn a_built_in_list_makes_a_chain_public() {
    let (root, middle, leaf) = tree();
    let store = || TrustStore::from_file("roots", &root.der).unwrap();
    let public = |store| look(&[&leaf, &middle.der], &[], &Trust::new([store])).is_public();
    assert!(public(store().built_in()) && !public(store()));
}
