//! The client's clock is wrong: to it, valid certificates are out of their time.

use super::cross_sign::unless_followed;
use super::{GENERIC, case, refused};
use crate::evidence::Time;
use crate::why::fits::says_of_time;
use crate::why::prelude::*;
use crate::x509::{Certificate, NameMatch, covers};

/// The client complains about the time, and every certificate is valid by the capture's clock.
pub(crate) struct ClientClockSkew;

/// Seconds of a day: closer to a limit than this, the capture's own clock may be what is wrong.
const DAY: i64 = 86_400;
/// A certificate that began so many days ago is new to a clock that is only a little behind.
const NEW_DAYS: i64 = 7;

impl Cause for ClientClockSkew {
    fn id(&self) -> CauseId {
        CauseId("client-clock-skew")
    }

    fn page(&self) -> &'static str {
        include_str!("client_clock_skew.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let (Some(case), Some(at)) = (case(seen, context), context.time(seen)) else {
            return;
        };
        let Sign::Alert(description) = case.rejection.sign else {
            return;
        };
        let named = description == AlertDescription::CERTIFICATE_EXPIRED;
        let (over, early) = (
            says_of_time(description, true, seen),
            says_of_time(description, false, seen),
        );
        if !named && !early {
            return;
        }
        let certificates: Vec<&Certificate> = case.chain.path.iter().map(|link| &*link.certificate).collect();
        let Some((oldest, youngest)) = limits(&certificates) else {
            return;
        };
        let (since, left) = (
            at.seconds().saturating_sub(youngest.not_before.seconds()),
            oldest.not_after.seconds().saturating_sub(at.seconds()),
        );
        if since < DAY || left < DAY || !case.chain.unparsed.is_empty() || !case.chain.flaws.is_empty() {
            return;
        }
        let covered = match (case.chain.leaf.as_deref(), seen.server_name()) {
            (Some(leaf), Some(name)) => covers(leaf, name) == NameMatch::Yes,
            _ => true,
        };
        // certificate_expired speaks of time whatever else there is; the vaguer alerts only where nothing else is wrong.
        let weight = match (named, covered && case.chain.is_sound()) {
            (true, true) => 90,
            (true, false) => 82,
            (false, true) => 55,
            (false, false) => return,
        };
        let weight = match context.client_clock(seen) {
            Some(_) => weight,
            None => unless_followed(weight, seen, &case),
        };
        let behind = youngest_is_new(since) && early || !over;
        let direction = if behind {
            format!(
                "The client's clock is likely behind: it would have to stand before {}, the first day of \"{}\"",
                youngest.not_before.date(),
                youngest.display_name()
            )
        } else {
            format!(
                "The client's clock is likely ahead: it would have to stand after {}, the last day of \"{}\"",
                oldest.not_after.date(),
                oldest.display_name()
            )
        };
        let sentence = format!(
            "Every certificate of {} is valid at the time of the capture, {}, and yet the client says {description}: its clock is wrong.",
            server_called(seen),
            at.date()
        );
        let shown = format!(
            "Certificate: {}; valid together from {} to {}",
            case.chain.path_text(),
            youngest.not_before.date(),
            oldest.not_after.date()
        );
        let finding = refused(self, weight, seen, &case.rejection, sentence, shown).at_fault(AtFault::Client);
        let mut finding = finding.infer(format!("{direction}."));
        if let Some(offset) = context.client_clock(seen) {
            finding = by_its_own_word(finding, seen, at, offset);
        }
        findings.push(
            finding
                .but_not(
                    CauseId("server-certificate-rejected"),
                    "a certificate of the client's own store, or a list of revocations, that has expired would look the same",
                )
                .remedy(
                    AtFault::Client,
                    "set the clock, and see that it is set before the first connection: time service, battery, order of start",
                    Some("timedatectl".to_owned()),
                ),
        );
    }
}

/// The certificates that end first and begin last.
fn limits<'a>(certificates: &[&'a Certificate]) -> Option<(&'a Certificate, &'a Certificate)> {
    let ends_first = certificates.iter().min_by_key(|certificate| certificate.not_after)?;
    let begins_last = certificates.iter().max_by_key(|certificate| certificate.not_before)?;
    Some((ends_first, begins_last))
}

fn youngest_is_new(since: i64) -> bool {
    since < NEW_DAYS * DAY
}

/// The client's hellos carry its clock: no doubt is left where that is off by more than a day.
fn by_its_own_word(mut finding: Finding, seen: &Observed, at: Time, offset: i64) -> Finding {
    if offset.abs() <= DAY {
        return finding;
    }
    let clock = Time::from_seconds(at.seconds().saturating_add(offset));
    let way = if offset < 0 { "behind" } else { "ahead" };
    finding.weight = 95;
    finding = finding.infer(format!(
        "The client's clock is {way}: by the first four bytes of the randoms of its hellos it is {} there.",
        clock.date_and_time()
    ));
    finding.prove_offer(
        seen,
        format!(
            "ClientHello: the random begins with {}, {} {way}",
            clock.date_and_time(),
            span_of_time(offset as f64)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn turned_down(chain: &Issued, alert: u8) -> Observed {
        connected()
            .client_hello(|hello| hello.tls12().name("shop.example"))
            .server_flight(&chain.whole())
            .alert(Client, 2, alert)
            .fin(Client)
            .seen()
    }

    #[test]
    fn certificate_expired_for_a_valid_chain_speaks_of_the_clients_clock() {
        let chain = Issued::to("shop.example");
        let seen = turned_down(&chain, 45);
        let world = || context().trusting(&chain.root);
        let finding = world().judged(&ClientClockSkew, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(
            finding
                .inferred
                .as_ref()
                .is_some_and(|text| text.contains("likely ahead"))
        );
        assert_eq!(
            (finding.at_fault, world().chosen(&seen)),
            (AtFault::Client, "client-clock-skew")
        );
    }

    #[test]
    fn an_expired_certificate_has_expired_whatever_the_clock() {
        let chain = Issued::of(&Leaf::named("shop.example").with(valid(2024, 2026)));
        let seen = turned_down(&chain, 45);
        assert!(
            context()
                .trusting(&chain.root)
                .judged(&ClientClockSkew, &seen)
                .is_none()
        );
    }

    #[test]
    fn bad_certificate_of_who_is_not_known_does_not_speak_of_time() {
        let chain = Issued::to("shop.example");
        let seen = turned_down(&chain, 42);
        assert!(
            context()
                .trusting(&chain.root)
                .judged(&ClientClockSkew, &seen)
                .is_none()
        );
    }
}
