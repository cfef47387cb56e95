use crate::x509::testing::{REVOCATION_PEM, block};

use super::*;

fn certificate(name: &str) -> Certificate {
    Certificate::parse(&block(REVOCATION_PEM, name)).unwrap()
}

fn basic(name: &str) -> BasicResponse {
    match OcspResponse::parse(&block(REVOCATION_PEM, name)).unwrap() {
        OcspResponse::Basic(basic) => *basic,
        OcspResponse::Unsuccessful(status) => panic!("status {status}"),
    }
}

/// What the response says a day after it was made about the certificate.
fn status(response: &str, about: &str) -> StatusReport {
    let at = Time::from_seconds(basic(response).produced_at.seconds() + 86_400);
    ocsp_status(
        &block(REVOCATION_PEM, response),
        &certificate(about),
        Some(&certificate("root")),
        Some(at),
    )
}

fn vouched(response: &str, standing: Standing, signer: Signer) -> StatusReport {
    StatusReport {
        answer: Answer::Says(standing),
        standing: Some(standing),
        made_at: Some(basic(response).produced_at),
        signer,
        signature: Verification::Yes,
    }
}

fn revoked(day: u32, reason: Option<u8>) -> Standing {
    Standing::Revoked(Revocation {
        at: Time::from_civil(2024, 3, day, 12, 0, 0).unwrap(),
        reason: reason.map(RevocationReason),
    })
}

#[test]
fn the_issuer_says_each_status() {
    for (response, about, standing) in [
        ("ocsp-good", "good", Standing::Good),
        ("ocsp-good-sha256", "good", Standing::Good),
        ("ocsp-revoked", "revoked", revoked(1, Some(1))),
        ("ocsp-revoked-without-reason", "held", revoked(2, None)),
        ("ocsp-unknown", "unknown", Standing::Unknown),
    ] {
        assert_eq!(status(response, about), vouched(response, standing, Signer::Issuer));
    }
}

#[test]
fn a_delegate_needs_the_purpose_and_the_signature_of_the_issuer() {
    for (response, signer) in [
        ("ocsp-good-delegated", Signer::Delegate),
        ("ocsp-good-delegated-by-key", Signer::Delegate),
        ("ocsp-good-without-purpose", Signer::Unauthorized),
        ("ocsp-good-by-stranger", Signer::Unauthorized),
    ] {
        assert_eq!(status(response, "good"), vouched(response, Standing::Good, signer));
    }
}

#[test]
fn one_response_may_speak_of_two_certificates() {
    let by_delegate = |standing| vouched("ocsp-two", standing, Signer::Delegate);
    assert_eq!(status("ocsp-two", "good"), by_delegate(Standing::Good));
    assert_eq!(status("ocsp-two", "revoked"), by_delegate(revoked(1, Some(1))));
    assert_eq!(status("ocsp-two", "held").answer, Answer::AboutAnother);
}

#[test]
fn a_serial_number_alone_does_not_make_it_the_same_certificate() {
    assert_eq!(status("ocsp-good", "revoked").answer, Answer::AboutAnother);
    let of_namesake = status("ocsp-namesake", "good");
    assert_eq!(of_namesake.answer, Answer::AboutAnother);
    assert_eq!(of_namesake.standing, None);
}

#[test]
fn time_decides_whether_it_counts() {
    let (leaf, root) = (certificate("good"), certificate("root"));
    let asked = |response: &str, days: i64| {
        let at = Time::from_seconds(basic(response).responses[0].this_update.seconds() + days * 86_400);
        basic(response).status(&leaf, Some(&root), Some(at)).answer
    };
    assert_eq!(asked("ocsp-good", 7), Answer::Says(Standing::Good));
    assert_eq!(asked("ocsp-good", 9), Answer::Expired { by: 2 * 86_400 });
    assert_eq!(asked("ocsp-good", -1), Answer::NotYetValid { by: 86_400 });
    assert_eq!(asked("ocsp-good-without-end", 900), Answer::Says(Standing::Good));
    let timeless = basic("ocsp-good").status(&leaf, Some(&root), None);
    assert_eq!(timeless.answer, Answer::Says(Standing::Good));
}

#[test]
fn without_the_issuer_it_still_says_something() {
    let report = basic("ocsp-revoked").status(&certificate("revoked"), None, None);
    assert_eq!(report.standing, Some(revoked(1, Some(1))));
    assert_eq!(
        (report.signer, report.signature),
        (Signer::Unknown, Verification::Unsupported)
    );
    assert_eq!(report.proves_revocation(), None);
}

#[test]
fn a_refusal_has_its_number() {
    let leaf = certificate("good");
    let asked = |der: &[u8]| ocsp_status(der, &leaf, None, None).answer;
    assert_eq!(asked(&[0x30, 3, 0x0a, 1, 3]), Answer::Unsuccessful(3));
    assert_eq!(
        asked(&[0x30, 3, 0x0a, 1, 0]),
        Answer::Unreadable(Malformed::new(5, "a successful response holds no answer"))
    );
}

#[test]
fn a_changed_answer_is_not_vouched_for() {
    let mut der = block(REVOCATION_PEM, "ocsp-revoked");
    let reason = der.windows(5).position(|bytes| bytes == [0xa0, 3, 0x0a, 1, 1]).unwrap();
    der[reason + 4] = 5;
    let report = ocsp_status(&der, &certificate("revoked"), Some(&certificate("root")), None);
    assert_eq!(report.standing, Some(revoked(1, Some(5))));
    assert_eq!((report.signer, report.signature), (Signer::Issuer, Verification::No));
    assert_eq!(report.proves_revocation(), None);
}

#[test]
fn no_change_of_a_byte_and_no_cut_makes_the_reader_panic() {
    let (leaf, der) = (certificate("good"), block(REVOCATION_PEM, "ocsp-two"));
    let told = |bytes: &[u8]| {
        if let Answer::Unreadable(fault) = ocsp_status(bytes, &leaf, None, None).answer {
            assert!(fault.at <= bytes.len(), "{fault}");
            return true;
        }
        false
    };
    for place in 0..der.len() {
        assert!(told(&der[..place]), "cut at {place}");
        for bit in [1u8, 0x20, 0x80, 0xff] {
            let mut changed = der.clone();
            changed[place] ^= bit;
            told(&changed);
        }
    }
}
