//! What browsers demand of a certificate beyond a valid path, and whether this client is one that does.

use crate::registry::{Demand, ExtensionType, Policy, Programme};
use crate::tls::ClientStack;
use crate::why::prelude::*;
use crate::x509::{Anchored, Certificate, unmet};

/// The programme by whose rules the client judges, where its hello shows a browser: libraries do not look at them.
fn browser(seen: &Observed) -> Option<Programme> {
    let offer = &seen.offer.as_ref().seen()?.value;
    let settings = [
        ExtensionType::APPLICATION_SETTINGS,
        ExtensionType::APPLICATION_SETTINGS_OLD,
    ];
    let is_chrome = || settings.into_iter().any(|settings| offer.has(settings)) || offer.compresses_certificates;
    match offer.stack {
        ClientStack::Apple => Some(Programme::Apple),
        ClientStack::BoringSsl if is_chrome() => Some(Programme::Chrome),
        ClientStack::Nss if offer.has(ExtensionType::DELEGATED_CREDENTIAL) => Some(Programme::Mozilla),
        _ => None,
    }
}

/// What of the leaf some browser does not take.
pub(super) struct Unmet {
    /// True where the client's own programme is among those that do not take it.
    pub(super) by_this_client: bool,
    /// What it is, as said of the certificate: `is valid for 730 days: …`.
    pub(super) text: String,
}

impl Unmet {
    /// The demands that the leaf does not meet: of this client's programme where there are any, else of all.
    pub(super) fn of(seen: &Observed, context: &Context<'_>) -> Option<Self> {
        let chain = context.chain(seen, Side::Server)?;
        // Who vouches for itself has no issuer who could do better.
        let leaf = chain.leaf.as_deref().filter(|leaf| !leaf.is_self_issued())?;
        // A stapled status may carry timestamps too.
        let answer = seen.answer.as_ref().seen();
        let beside = answer
            .filter(|_| !seen.stapled.is_seen())
            .map(|answer| answer.value.timestamps());
        let of = |programme| unmet(leaf, programme, chain.is_public(), beside, context.time(seen));
        let own = browser(seen).map(of).unwrap_or_default();
        let by_this_client = !own.is_empty();
        // Of authorities that nobody here knows, others than this client need not be spoken of.
        if !by_this_client && matches!(chain.anchored, Anchored::No { .. }) {
            return None;
        }
        let policies = if by_this_client {
            own
        } else {
            let all = [Programme::Apple, Programme::Chrome, Programme::Mozilla]
                .into_iter()
                .flat_map(of);
            // Certificates of private authorities seldom have it, and seldom meet Apple's clients.
            all.filter(|policy| policy.demand != Demand::Purpose).collect()
        };
        let text = told(leaf, &policies)?;
        Some(Self { by_this_client, text })
    }
}

/// The demands by kind: what the leaf has, and what who wants; `None` where there are none.
fn told(leaf: &Certificate, policies: &[&Policy]) -> Option<String> {
    let wanted_by = |limit: &dyn Fn(&Policy) -> Option<String>| {
        let all: Vec<String> = policies.iter().filter_map(|policy| limit(policy)).collect();
        (!all.is_empty()).then(|| list(all, 3))
    };
    let days = wanted_by(&|policy| match policy.demand {
        Demand::ValidFor(days) => Some(format!(
            "{} takes no more than {days} where it begins on {} or later",
            policy.programme.name(),
            policy.issued_from
        )),
        _ => None,
    });
    let logs = wanted_by(&|policy| match policy.demand {
        Demand::Logged { logs, .. } => Some(format!(
            "{} wants those of {logs} transparency logs",
            policy.programme.name()
        )),
        _ => None,
    });
    let purpose = wanted_by(&|policy| {
        (policy.demand == Demand::Purpose).then(|| format!("{} wants one with serverAuth", policy.programme.name()))
    });
    let carried = match leaf.logs() {
        0 => "no timestamp".to_owned(),
        1 => "the timestamp of one log".to_owned(),
        several => format!("the timestamps of {several} logs"),
    };
    let parts = [
        days.map(|days| format!("is valid for {} days: {days}", leaf.days_of_validity())),
        logs.map(|logs| format!("carries {carried}: {logs}")),
        purpose.map(|purpose| format!("has no extendedKeyUsage: {purpose}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; it "))
}

#[cfg(test)]
mod tests {
    use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};

    use super::super::ServerCertificateRejected;
    use super::*;
    use crate::why::Finding;
    use crate::why::testing::*;
    use crate::x509::TrustStore;

    /// What is said of a leaf from 1 January 2026 that is valid for so long, where a client with this library refuses it. The root is one of
    /// a browser's list, or a private one.
    fn said(years: i32, stack: ClientStack, is_public: bool) -> Option<Finding> {
        let chain = Issued::of(&Leaf::named("shop.example").with(|params| {
            params.not_before = date_time_ymd(2026, 1, 1);
            params.not_after = date_time_ymd(2026 + years, 1, 1);
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        }));
        // Compresses certificates as Chrome does.
        let mut seen = connected()
            .client_hello(|hello| hello.tls12().extension(27, &[2, 0, 2]))
            .server_flight(&chain.whole())
            .alert(Client, 2, 46)
            .fin(Client)
            .seen();
        set_stack(&mut seen, stack);
        let store = TrustStore::from_file("list", &chain.root.der).unwrap();
        let store = if is_public { store.built_in() } else { store };
        let findings = context().with_store(store).in_context(&seen, |context| {
            let mut findings = Vec::new();
            ServerCertificateRejected.judge(&seen, context, &mut findings);
            findings
        });
        findings
            .into_iter()
            .find(|finding| finding.sentence.contains("is valid for") || finding.sentence.contains("carries"))
    }

    #[test]
    fn a_validity_that_the_clients_programme_does_not_take_is_the_cause() {
        let finding = said(3, ClientStack::Apple, false).unwrap();
        assert!(!finding.is_remark() && finding.at_fault == AtFault::Server);
        assert!(
            finding.sentence.ends_with(
                "it is valid for 1096 days: Apple takes no more than 825 where it begins on 2019-07-02 or later."
            ),
            "{}",
            finding.sentence
        );
        assert!(said(2, ClientStack::Apple, false).is_none());
    }

    #[test]
    fn what_this_client_does_not_look_at_is_a_remark() {
        let finding = said(3, ClientStack::OpenSsl, false).unwrap();
        assert!(finding.is_remark(), "{}", finding.sentence);
        assert!(said(2, ClientStack::OpenSsl, false).is_none());
    }

    #[test]
    fn timestamps_are_wanted_below_public_roots_by_browsers() {
        let finding = said(1, ClientStack::BoringSsl, true).unwrap();
        assert!(!finding.is_remark());
        assert!(
            finding
                .sentence
                .ends_with("it carries no timestamp: Chrome wants those of 3 transparency logs."),
            "{}",
            finding.sentence
        );
        assert!(said(1, ClientStack::Go, true).is_some_and(|finding| finding.is_remark()));
        assert!(said(1, ClientStack::BoringSsl, false).is_none());
    }
}
