//! The client turned the server's certificate down, and no other cause explains it by what the packets show.

use super::by_length::Lengths;
use super::policy::Unmet;
use super::{GENERIC, prove_chain, prove_rejection, show_chain, staple, what_is_wrong, why_hidden};
use crate::tls::{ALERT, ClientStack};
use crate::why::fits::looks_alike;
use crate::why::prelude::*;
use crate::x509::{Anchored, ChainReport, NameMatch, covers, served_names};

/// Names of a certificate that are told.
const NAMES_TOLD: usize = 4;

/// No visible defect: hidden by TLS 1.3, a private trust store, a pinned key.
pub(crate) struct ServerCertificateRejected;

impl Cause for ServerCertificateRejected {
    fn id(&self) -> CauseId {
        CauseId("server-certificate-rejected")
    }

    fn page(&self) -> &'static str {
        include_str!("server_certificate_rejected.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC.get(1..).unwrap_or_default()
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let unmet = Unmet::of(seen, context);
        let chain = context.chain(seen, Side::Server);
        let rejection = context.rejection(seen, Side::Server);
        let refuses = rejection.is_some() && chain.is_some_and(ChainReport::is_sound);
        let (demand, aside) = match unmet {
            Some(unmet) if unmet.by_this_client && refuses => (Some(unmet.text), None),
            unmet => (None, unmet),
        };
        findings.extend(aside.map(|unmet| remark(self, seen, &unmet)));
        let Some(rejection) = rejection else {
            // A check, or a connection to spare, has not turned it down, whatever is wrong with it.
            let left = seen.server_certificate_rejection();
            findings.extend(left.map(|left| departure(self, seen, context, &left)));
            return;
        };
        let visible = seen.server_chain.is_seen();
        let raced = || context.lost_to(seen, rejection.mark).is_some();
        let refused_elsewhere = context
            .refused_elsewhere(seen)
            .filter(|_| rejection.sign == Sign::Left && seen.closes_upon_the_flight() && !raced());
        let weight = match rejection.sign {
            Sign::Alert(AlertDescription::INTERNAL_ERROR | AlertDescription::HANDSHAKE_FAILURE) if visible => 45,
            // These speak of a certificate only where something is wrong with it.
            Sign::Alert(
                AlertDescription::DECRYPT_ERROR
                | AlertDescription::DECODE_ERROR
                | AlertDescription::INSUFFICIENT_SECURITY,
            ) => return,
            Sign::Alert(_) if visible => 80,
            Sign::Alert(AlertDescription::INTERNAL_ERROR | AlertDescription::HANDSHAKE_FAILURE) => 55,
            Sign::Alert(_) => 84,
            Sign::HiddenAlert(_) if seen.is_tls13() => 82,
            Sign::HiddenAlert(_) | Sign::CloseNotify => 70,
            Sign::Left if refused_elsewhere.is_some() => 80,
            Sign::Left if seen.leaves_like_a_refusal() && !raced() => 72,
            Sign::LeftAfterCompletion if judges_late(seen) => 62,
            Sign::LeftAfterCompletion => {
                if is_spotless(seen, context) {
                    findings.push(departure(self, seen, context, &rejection));
                }
                return;
            }
            // Without a defect to see, leaving in silence proves nothing.
            Sign::Left => return,
        };
        let server = context.server(seen);
        let mut defects = chain.map(ChainReport::defects).unwrap_or_default();
        defects.extend(demand.map(|demand| format!("it {demand}")));
        let staple = staple(seen, context).and_then(|(status, span)| Some((what_is_wrong(&status)?, span)));
        let sentence = if let Some((wrong, _)) = &staple {
            format!(
                "The client does not accept the certificate of {}: the OCSP response that the server staples {wrong}.",
                server_called(seen)
            )
        } else if !defects.is_empty() {
            format!(
                "The client does not accept the certificate of {}: {}.",
                server_called(seen),
                defects.join("; ")
            )
        } else if visible {
            format!(
                "The client does not accept the certificate of {}, in which no defect is visible: it trusts other authorities, or \
                 expects another key.",
                server_called(seen)
            )
        } else {
            format!(
                "The client broke off right after the certificate of {}, as it does when it does not accept it. {}{}.",
                server_called(seen),
                why_hidden(seen),
                if matches!(rejection.sign, Sign::Alert(_) | Sign::Left) {
                    ""
                } else {
                    ", and the alert"
                }
            )
        };
        let mut finding = Finding::new(self, weight, sentence).at_fault(match visible {
            true if !defects.is_empty() || staple.is_some() => AtFault::Server,
            true => AtFault::Client,
            false => AtFault::Unknown,
        });
        finding = prove_chain(finding, seen, told_chain(seen, context));
        if let Some((wrong, span)) = &staple {
            finding = finding
                .prove_span(span, format!("CertificateStatus: the OCSP response {wrong}"))
                .remedy(
                    AtFault::Server,
                    "have the server fetch a new status, or staple none; nginx",
                    Some("ssl_stapling on; resolver 192.0.2.53;".to_owned()),
                );
        }
        let lengths = Lengths::of(seen, context);
        if let Some(lengths) = &lengths {
            finding = lengths.prove(finding);
        }
        finding = prove_rejection(finding, seen, &rejection);
        if let Some(refused) = refused_elsewhere {
            finding = finding.prove_elsewhere(
                refused,
                "another connection, to the same server and for the same name, refuses the certificate with an alert",
            );
        }
        let by_length = lengths.as_ref().and_then(Lengths::inferred);
        let of_the_name = seen.server_name().and_then(|name| server.names.get(name));
        let served_others = server.carried_data > 0
            && (server.names.is_empty() || of_the_name.is_some_and(|clients| !clients.is_empty()));
        let by_others = || {
            served_others.then(|| {
                format!(
                    "{} other connections to this server were completed and carried data, so its certificate suits other clients: look at \
                     this client's trust store, its clock and the name that it expects.",
                    server.carried_data
                )
            })
        };
        let first = || lengths.as_ref()?.first_to_check();
        if let Some(inferred) = by_length.or_else(by_others).or_else(first) {
            finding = finding.infer(inferred);
        }
        if !visible {
            for (place, (other, name)) in looks_alike(seen, &rejection).enumerate() {
                let why_not = match place {
                    0 => format!("{name} looks the same from outside"),
                    _ => format!("so does {name}"),
                };
                finding = finding.but_not(other, why_not);
            }
        }
        findings.push(
            finding
                .remedy(
                    AtFault::Both,
                    "look at what the server sends, by name and chain",
                    Some(show_chain(seen)),
                )
                .remedy(
                    AtFault::Client,
                    "to see the certificate and the alert in a capture, record a key log at either end (SSLKEYLOGFILE)",
                    None,
                ),
        );
    }
}

/// True where an alert under the keys of TLS ≤ 1.2 ends a handshake of NSS: it judges the certificate while the handshake goes on, and says
/// so after Finished.
fn judges_late(seen: &Observed) -> bool {
    let stack = seen.offer.as_ref().seen().map(|offer| offer.value.stack);
    let last = seen.records[Side::Client].last();
    !seen.is_tls13() && stack == Some(ClientStack::Nss) && last.is_some_and(|record| record.content_type == ALERT)
}

/// True where nothing wrong is to be seen of the certificates, and nothing is missing.
fn is_spotless(seen: &Observed, context: &Context<'_>) -> bool {
    let is_sound = context.chain(seen, Side::Server).is_none_or(ChainReport::is_sound);
    let is_named = match (seen.leaf(), seen.server_name()) {
        (Some(leaf), Some(name)) => covers(leaf, name) == NameMatch::Yes,
        _ => true,
    };
    let is_whole = Lengths::of(seen, context).is_none_or(|lengths| lengths.shortfall(seen, context).is_none());
    is_sound && is_named && is_whole
}

/// A client that left right after the handshake.
fn departure(
    cause: &ServerCertificateRejected,
    seen: &Observed,
    context: &Context<'_>,
    rejection: &Rejection,
) -> Finding {
    let soon = seen
        .completion()
        .and_then(|completion| between(&completion, &rejection.mark))
        .map_or_else(String::new, |seconds| format!(" {} later", span_of_time(seconds)));
    let mut sentence = format!(
        "{} completed the handshake with {} and left{soon} without having sent data",
        seen.client.address,
        server_called(seen)
    );
    let winner = context.lost_to(seen, rejection.mark);
    let reason = match (&winner, context.leaves_every(seen)) {
        (Some(_), _) => "Of connections that it began side by side it kept the other one.",
        (None, Some((seconds, times))) => {
            sentence.push_str(&format!(
                ", as it does once in {}, {times} times here",
                span_of_time(seconds)
            ));
            if seen.server_name().is_none() {
                "A check comes so regularly."
            } else {
                "A check comes so regularly, and so does a program that tries again and again and judges the certificate only then."
            }
        }
        (None, None) => {
            "A check, a connection to spare, or a program that judges the certificate only then: curl does so with the name, Node.js and \
             programs on GnuTLS with all of it."
        }
    };
    let finding = Finding::new(cause, 50, sentence + ".")
        .at_fault(AtFault::Unknown)
        .prove(rejection.mark, "the client leaves, and has sent no data")
        .infer(reason);
    match winner {
        Some(winner) => prove_winner(finding, seen, &winner),
        None => finding,
    }
    .into_remark()
}

/// What other clients than this one do not take, or this one where something worse is wrong.
fn remark(cause: &ServerCertificateRejected, seen: &Observed, unmet: &Unmet) -> Finding {
    let text = &unmet.text;
    let sentence = format!("The certificate of {} {text}.", server_called(seen));
    let finding = Finding::new(cause, 90, sentence).at_fault(AtFault::Server);
    prove_chain(finding, seen, format!("Certificate 1 {text}")).into_remark()
}

/// The chain, and the store that it leads to where it is sound.
fn told_chain(seen: &Observed, context: &Context<'_>) -> String {
    let chain = context.chain(seen, Side::Server).filter(|chain| !chain.path.is_empty());
    let Some(chain) = chain else {
        return "Certificate".to_owned();
    };
    let trusted = match &chain.anchored {
        Anchored::Yes { by } if chain.is_sound() => format!("; valid, and trusted by {by}"),
        _ => String::new(),
    };
    format!("Certificate: {}{trusted}{}", chain.path_text(), served_instead(seen))
}

/// Where the client named no server: whom the certificate is for. A client that expects another name says so to itself only.
fn served_instead(seen: &Observed) -> String {
    let (None, Some(leaf)) = (seen.server_name(), seen.leaf()) else {
        return String::new();
    };
    let names = served_names(leaf);
    match names.as_slice() {
        [] => "; the client named no server, and the certificate names none".to_owned(),
        names => {
            let more = names.len().saturating_sub(NAMES_TOLD);
            let told: Vec<&str> = names.iter().take(NAMES_TOLD).map(String::as_str).collect();
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            format!(
                "; the client named no server, and the certificate is for {}{more}",
                told.join(", ")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    /// TLS 1.3: everything up to the server's Finished.
    fn sealed() -> Scene {
        connected()
            .client_hello(|hello| hello)
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 2_000, 281, 53])
    }

    #[test]
    fn a_small_sealed_certificate_points_at_the_intermediate() {
        let refused = |certificate: usize| {
            let seen = connected()
                .client_hello(|hello| hello)
                .server_hello(0x0304, 0x1301)
                .sealed(Server, &[40, certificate, 281, 53])
                .sealed(Client, &[19])
                .fin(Client)
                .seen();
            judged(&ServerCertificateRejected, &seen).and_then(|finding| finding.inferred)
        };
        assert!(refused(960).is_some_and(|text| text.contains("one certificate only")));
        assert_eq!(refused(2_400), None);
    }

    #[test]
    fn who_closes_in_silence_refuses_what_another_refused_with_an_alert() {
        let closes = || {
            let mut seen = sealed().fin(Client).seen();
            set_stack(&mut seen, ClientStack::OpenSsl);
            seen
        };
        let refused = |hello: fn(Hello) -> Hello| {
            let flight = scene().behind_frame(900).connect().client_hello(hello);
            let flight = flight
                .server_hello(0x0304, 0x1301)
                .sealed(Server, &[40, 2_000, 281, 53]);
            flight.sealed(Client, &[19]).fin(Client).seen()
        };
        let said = |other: &Observed, seen: &Observed| context().beside(&[other, seen]).verdict(seen);
        let seen = closes();
        let verdict = said(&refused(|hello| hello), &seen);
        assert_eq!(name_of(&verdict), "server-certificate-rejected");
        let finding = verdict.cause.unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(finding.evidence.iter().any(|evidence| evidence.elsewhere));
        assert!(!finding.sentence.contains("and the alert"), "{}", finding.sentence);
        // Alone, or where another name was refused, it is one of several reasons to leave.
        for other in [closes(), refused(|hello| hello.name("other.example"))] {
            let verdict = said(&other, &seen);
            assert_eq!(name_of(&verdict), "client-abandoned");
            let finding = verdict.cause.unwrap();
            assert_eq!(finding.alternatives[0].cause, CauseId("server-certificate-rejected"));
            assert!(finding.inferred.unwrap().contains("Node.js"));
        }
    }

    #[test]
    fn to_a_client_that_named_no_server_the_certificates_names_are_told() {
        let chain = Issued::to("shop.example");
        let refused = |hello: fn(Hello) -> Hello| {
            let seen = connected()
                .client_hello(hello)
                .server_flight(&chain.whole())
                .alert(Client, 2, 46)
                .fin(Client)
                .seen();
            let finding = context()
                .trusting(&chain.root)
                .judged(&ServerCertificateRejected, &seen)
                .unwrap();
            finding
                .evidence
                .iter()
                .any(|evidence| evidence.text.contains("the certificate is for shop.example"))
        };
        assert!(refused(|hello| hello.tls12().nameless()));
        assert!(!refused(|hello| hello.tls12().name("shop.example")));
    }

    #[test]
    fn a_refused_chain_without_a_visible_defect_points_at_the_client() {
        let chain = Issued::to("shop.example");
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&chain.whole())
            .alert(Client, 2, 46)
            .fin(Client)
            .seen();
        let world = || context().trusting(&chain.root);
        let finding = world().judged(&ServerCertificateRejected, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(
            finding
                .evidence
                .iter()
                .any(|evidence| evidence.text.ends_with("; valid, and trusted by test"))
        );
        assert_eq!(
            (finding.at_fault, world().chosen(&seen)),
            (AtFault::Client, "server-certificate-rejected")
        );
    }

    #[test]
    fn a_certificate_that_is_not_for_servers_is_the_servers_fault() {
        let root = Authority::root("Root");
        let leaf = Leaf::named("shop.example").with(|params| {
            params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        });
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&[&leaf.signed_by(&root)])
            .alert(Client, 2, 43)
            .fin(Client)
            .seen();
        let finding = context()
            .trusting(&root)
            .judged(&ServerCertificateRejected, &seen)
            .unwrap();
        assert!(
            finding.sentence.contains("holds clientAuth, and not serverAuth"),
            "{}",
            finding.sentence
        );
        assert_eq!(finding.at_fault, AtFault::Server);
    }

    #[test]
    fn a_record_of_an_alerts_size_after_the_hidden_flight_is_likely_a_refusal() {
        let seen = sealed().sealed(Client, &[19]).fin(Client).seen();
        let finding = judged(&ServerCertificateRejected, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert_eq!(finding.at_fault, AtFault::Unknown);
        assert!(
            finding
                .evidence
                .iter()
                .any(|evidence| evidence.text.contains("2000 bytes"))
        );
        assert_eq!(chosen(&seen), "server-certificate-rejected");
    }

    #[test]
    fn others_that_were_served_are_told() {
        let seen = sealed().sealed(Client, &[19]).fin(Client).seen();
        let finding = context()
            .serves_others()
            .judged(&ServerCertificateRejected, &seen)
            .unwrap();
        assert!(finding.inferred.is_some_and(|text| text.starts_with("1 other")));
    }

    #[test]
    fn a_resumption_sends_no_certificate_that_could_be_refused() {
        let seen = connected()
            .client_hello(|hello| hello)
            .server_hello_with(0x0304, 0x1301, ServersHello::psk)
            .sealed(Server, &[40, 53])
            .sealed(Client, &[19])
            .fin(Client)
            .seen();
        assert!(judged(&ServerCertificateRejected, &seen).is_none());
    }

    #[test]
    fn a_client_that_finishes_has_taken_the_certificate() {
        let seen = sealed()
            .sealed(Client, &[53, 120])
            .sealed(Server, &[255, 800])
            .sealed(Client, &[19])
            .fin(Client)
            .seen();
        assert!(judged(&ServerCertificateRejected, &seen).is_none());
        assert_eq!(chosen(&seen), "");
    }

    /// A client of TLS 1.2 that completes the handshake, says goodbye and leaves.
    fn left_after(chain: &[&[u8]], hello: fn(Hello) -> Hello) -> Observed {
        connected()
            .client_hello(hello)
            .server_flight(chain)
            .finished_by_both()
            .record(Client, 21, &[7; 26])
            .fin(Client)
            .seen()
    }

    #[test]
    fn leaving_right_after_a_sound_handshake_is_a_remark() {
        let chain = Issued::to("shop.example");
        let seen = left_after(&chain.whole(), Hello::tls12);
        let world = || context().trusting(&chain.root);
        let finding = world().judged(&ServerCertificateRejected, &seen).unwrap();
        assert!(finding.is_remark());
        assert!(
            finding.sentence.contains("left 10.0 ms later without having sent data"),
            "{}",
            finding.sentence
        );
        let verdict = world().verdict(&seen);
        assert_eq!((name_of(&verdict), verdict.outcome), ("", Outcome::Completed));
    }

    #[test]
    fn nss_says_after_the_handshake_that_it_does_not_take_the_certificate() {
        let chain = Issued::to("shop.example");
        let mut seen = left_after(&chain.whole(), Hello::tls12);
        set_stack(&mut seen, ClientStack::Nss);
        let world = || context().trusting(&chain.root);
        let finding = world().judged(&ServerCertificateRejected, &seen).unwrap();
        assert!(!finding.is_remark());
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Possible));
        assert_eq!(world().chosen(&seen), "server-certificate-rejected");
    }

    #[test]
    fn a_browser_with_a_connection_to_spare_refuses_nothing() {
        let other = Issued::to("www.example");
        let mut seen = left_after(&other.whole(), Hello::tls12);
        set_stack(&mut seen, ClientStack::Nss);
        let used = |wait: f64| {
            connected()
                .wait(wait)
                .client_hello(Hello::tls12)
                .server_flight(&other.whole())
                .finished_by_both()
                .sealed(Client, &[90])
                .closed()
        };
        let world = |wait: f64| context().trusting(&other.root).beside_at_the_server(&[used(wait)]);
        assert_eq!(world(0.3).chosen(&seen), "");
        // Whoever is let in by hand later was refused before.
        assert_eq!(world(8.0).chosen(&seen), "hostname-mismatch");
        set_stack(&mut seen, ClientStack::OpenSsl);
        assert_eq!(world(0.3).chosen(&seen), "hostname-mismatch");
    }

    #[test]
    fn who_leaves_at_regular_intervals_checks() {
        let own = Leaf::named("shop.example").self_signed();
        let left = |wait: f64, hello: fn(Hello) -> Hello| {
            connected()
                .wait(wait)
                .client_hello(hello)
                .server_flight(&[&own])
                .finished_by_both()
                .fin(Client)
                .seen()
        };
        let checks = |hello: fn(Hello) -> Hello| {
            let all = [0.0, 5.0, 10.0, 15.0].map(|wait| left(wait, hello));
            context().beside(&all.each_ref()).verdict(&all[0])
        };
        let nameless = checks(|hello| hello.tls12().nameless());
        assert_eq!(name_of(&nameless), "");
        let note = &nameless.findings[0].sentence;
        assert!(note.ends_with(", as it does once in 5.0 s, 4 times here."), "{note}");
        let named = checks(Hello::tls12);
        assert_eq!(
            (name_of(&named), sure(named.cause.clone())),
            ("self-signed", Some(Confidence::Possible))
        );
        // Once is no check.
        let once = left(0.0, |hello| hello.tls12().nameless());
        assert_eq!(
            sure(context().beside(&[&once]).verdict(&once).cause),
            Some(Confidence::Likely)
        );
    }

    #[test]
    fn a_connection_that_was_completed_and_not_needed_names_the_one_that_was() {
        let chain = Issued::to("shop.example");
        let seen = left_after(&chain.whole(), Hello::tls12);
        let kept = |wait: f64| {
            scene()
                .wait(wait)
                .connect()
                .client_hello(Hello::tls12)
                .server_flight(&chain.whole())
                .finished_by_both()
                .sealed(Client, &[90])
                .closed()
        };
        let told = |wait: f64| {
            let world = context().trusting(&chain.root).beside_at_the_server(&[kept(wait)]);
            let remark = world.judged(&ServerCertificateRejected, &seen).unwrap();
            assert!(remark.is_remark());
            remark.evidence.iter().any(|evidence| evidence.elsewhere)
        };
        assert!(told(-0.02));
        assert!(!told(0.5));
    }

    #[test]
    fn leaving_in_silence_proves_nothing() {
        let seen = sealed().fin(Client).seen();
        assert!(judged(&ServerCertificateRejected, &seen).is_none());
        assert_eq!(chosen(&seen), "client-abandoned");
    }
}
