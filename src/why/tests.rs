//! What holds for every cause: its name, its page, and its place among the others.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

/// Every name that a cause may have. A name is part of the contract: it is added here, and never changed.
const VOCABULARY: &[&str] = &[
    "tcp-refused",
    "tcp-unanswered",
    "icmp-unreachable",
    "reset-after-client-hello",
    "injected-reset",
    "closed-after-client-hello",
    "no-server-response",
    "large-client-hello-lost",
    "server-flight-lost",
    "stalled-by-client",
    "stalled-by-server",
    "client-abandoned",
    "server-closed",
    "tcp-probe",
    "contradictory-copies",
    "plaintext-on-tls-port",
    "server-not-tls",
    "starttls-refused",
    "proxy-connect-refused",
    "starttls-injection",
    "unprotected-session",
    "version-mismatch",
    "inappropriate-fallback",
    "no-shared-cipher",
    "no-shared-group",
    "no-shared-signature-algorithm",
    "sni-unrecognized",
    "sni-missing",
    "alpn-mismatch",
    "missing-extension",
    "unsupported-extension",
    "psk-unknown-identity",
    "weak-dh",
    "insufficient-security",
    "downgrade-detected",
    "ech-rejected",
    "access-denied",
    "certificate-expired",
    "certificate-not-yet-valid",
    "hostname-mismatch",
    "self-signed",
    "untrusted-root",
    "missing-intermediate",
    "wrong-intermediate",
    "certificate-revoked",
    "weak-signature",
    "weak-key",
    "wrong-usage",
    "name-constraints",
    "must-staple-missing",
    "tls-interception",
    "captive-portal",
    "malformed-certificate",
    "client-clock-skew",
    "server-certificate-rejected",
    "client-certificate-missing",
    "client-certificate-untrusted",
    "client-certificate-expired",
    "client-certificate-not-yet-valid",
    "client-certificate-revoked",
    "client-certificate-wrong-usage",
    "client-certificate-wrong-issuer",
    "client-certificate-rejected",
    "client-key-proof-failed",
    "bad-record-mac",
    "finished-mismatch",
    "server-key-proof-failed",
    "decode-error",
    "illegal-parameter",
    "unexpected-message",
    "record-overflow",
    "internal-error",
    "user-canceled",
    "renegotiation-refused",
    "capture-gap",
    "capture-truncated",
    "started-mid-connection",
    "capture-ended",
    "one-sided-capture",
];

/// Columns of a title.
const TITLE_MAX: usize = 70;
/// The sections of a page, in their order.
const SECTIONS: [&str; 5] = [
    "## What happened",
    "## How to tell",
    "## Fix",
    "## In the logs",
    "## Sources",
];

fn ids() -> impl Iterator<Item = &'static str> {
    CAUSES.iter().map(|cause| cause.id().0)
}

#[test]
fn names_are_unique() {
    let unique: BTreeSet<_> = ids().collect();
    assert_eq!(unique.len(), CAUSES.len());
}

#[test]
fn names_are_lower_case_words_joined_by_hyphens() {
    for id in ids() {
        let word = |word: &str| {
            !word.is_empty()
                && word
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
        };
        assert!(id.split('-').all(word), "{id}");
    }
}

#[test]
fn names_are_of_the_vocabulary() {
    for id in ids() {
        assert!(VOCABULARY.contains(&id), "{id}");
    }
}

#[test]
fn the_page_of_a_cause_is_the_file_of_its_name() {
    let why = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/why");
    let folders: Vec<_> = why.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    for cause in CAUSES {
        let file = format!("{}.md", cause.id().0.replace('-', "_"));
        let pages: Vec<_> = folders
            .iter()
            .map(|folder| folder.join(&file))
            .filter(|page| page.exists())
            .collect();
        let [page] = pages.as_slice() else {
            panic!("{} pages are called {file}", pages.len())
        };
        assert!(page.with_extension("rs").exists(), "the logic is not beside {file}");
        assert_eq!(std::fs::read_to_string(page).unwrap(), cause.page(), "{file}");
    }
}

#[test]
fn titles_fit_a_line() {
    for cause in CAUSES {
        let title = title(cause.page());
        assert!(
            !title.is_empty() && title.chars().count() <= TITLE_MAX,
            "{}: {title}",
            cause.id().0
        );
        assert!(!title.ends_with('.'), "{}: {title}", cause.id().0);
    }
}

#[test]
fn pages_have_their_sections_in_order() {
    for cause in CAUSES {
        let found: Vec<&str> = cause.page().lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(found, SECTIONS, "{}", cause.id().0);
    }
}

#[test]
fn pages_name_their_sources() {
    for cause in CAUSES {
        let (_, sources) = cause.page().split_once("## Sources").unwrap();
        assert!(sources.lines().any(|line| line.starts_with("- ")), "{}", cause.id().0);
    }
}

#[test]
fn what_is_outranked_exists() {
    for cause_ in CAUSES {
        for lower in cause_.outranks() {
            assert!(cause(*lower).is_some(), "{} outranks {}", cause_.id().0, lower.0);
            assert_ne!(*lower, cause_.id(), "{} outranks itself", lower.0);
        }
    }
}

#[test]
fn no_cause_is_outranked_by_what_it_outranks() {
    // Causes that stand above nothing are taken away until none is left; in a circle none would stand above nothing.
    let mut left: BTreeSet<&str> = ids().collect();
    loop {
        let lowest: Vec<&str> = CAUSES
            .iter()
            .filter(|cause| left.contains(cause.id().0) && !cause.outranks().iter().any(|lower| left.contains(lower.0)))
            .map(|cause| cause.id().0)
            .collect();
        if lowest.is_empty() {
            break;
        }
        for id in lowest {
            left.remove(id);
        }
    }
    assert!(left.is_empty(), "a circle among {left:?}");
}
