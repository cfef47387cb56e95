//! A proxy does not connect the client to the server that it asked for.

use super::silence::Silence;
use crate::preamble::{Kind, Preamble, Protocol};
use crate::why::prelude::*;

/// CONNECT or SOCKS, refused or without an answer.
pub(crate) struct ProxyConnectRefused;

impl Cause for ProxyConnectRefused {
    fn id(&self) -> CauseId {
        CauseId("proxy-connect-refused")
    }

    fn page(&self) -> &'static str {
        include_str!("proxy_connect_refused.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        // A request to a proxy is no plaintext in the wrong place.
        &[CauseId("plaintext-on-tls-port"), CauseId("capture-ended")]
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(spoken) = seen.preambles.last() else { return };
        if seen.spoke_tls() || spoken.protocol.kind() != Kind::Tunnel || !spoken.asks_for_tls() {
            return;
        }
        let finding = match spoken.refusal() {
            Some(_) => self.refused(seen, spoken),
            None => self.unanswered(seen, spoken),
        };
        findings.extend(finding);
    }
}

impl ProxyConnectRefused {
    fn refused(&self, seen: &Observed, spoken: &Preamble) -> Option<Finding> {
        let (asked, said) = (spoken.request.as_ref()?, spoken.refusal()?);
        let sentence = format!(
            "The proxy {} ({}) did not connect to {}: \"{}\".",
            seen.server,
            spoken.protocol.title(),
            target(spoken),
            said.words
        );
        let (party, advice) = advice(spoken.protocol, &said.words);
        let finding = Finding::new(self, 97, sentence)
            .at_fault(party)
            .aborted_by(AbortedBy::Server)
            .prove_span(&asked.span, format!("the client asks for {}", target(spoken)))
            .prove_span(&said.span, format!("the proxy: {}", said.words))
            .remedy(party, advice, command(seen, spoken));
        Some(finding)
    }

    fn unanswered(&self, seen: &Observed, spoken: &Preamble) -> Option<Finding> {
        let asked = spoken.request.as_ref()?;
        let what = match Silence::after_request(seen, spoken)? {
            Silence::HungUp => "closed the connection instead of an answer".to_owned(),
            Silence::Waited(seconds) => format!("never answered: {} of silence", span_of_time(seconds)),
        };
        let sentence = format!(
            "The proxy {} ({}) was asked for {} and {what}.",
            seen.server,
            spoken.protocol.title(),
            target(spoken)
        );
        let finding = Finding::new(self, 85, sentence)
            .at_fault(AtFault::Middlebox)
            .aborted_by(AbortedBy::Server)
            .prove_span(&asked.span, format!("the client asks for {}", target(spoken)))
            .prove(seen.end().mark, "the end, without an answer")
            .remedy(
                AtFault::Middlebox,
                "the proxy's log of that second: it may not reach the target, or not be a proxy at all",
                command(seen, spoken),
            );
        Some(finding)
    }
}

/// Whom the proxy was asked for.
fn target(spoken: &Preamble) -> &str {
    spoken.target.as_deref().unwrap_or("its target")
}

/// Whose side it is on, and what to do, by the proxy's words.
fn advice(protocol: Protocol, words: &str) -> (AtFault, &'static str) {
    if protocol != Protocol::HttpConnect {
        return (
            AtFault::Middlebox,
            "credentials, the proxy's rules, and whether it reaches the target: the code says which",
        );
    }
    let status = words.split(' ').nth(1).unwrap_or_default();
    match status {
        "407" => (AtFault::Client, "give the client credentials for the proxy"),
        "400" | "404" | "405" | "501" => (
            AtFault::Client,
            "that server is no forward proxy, or does not allow CONNECT: check the client's proxy setting",
        ),
        "403" | "451" => (
            AtFault::Middlebox,
            "the proxy's policy forbids this target or port: Squid allows CONNECT to `SSL_ports` only",
        ),
        _ => (
            AtFault::Middlebox,
            "the proxy could not reach the target: its name service, its routes, the target itself",
        ),
    }
}

/// The line that lets a person try the same.
fn command(seen: &Observed, spoken: &Preamble) -> Option<String> {
    let scheme = match spoken.protocol {
        Protocol::HttpConnect => "http",
        Protocol::Socks4 => "socks4",
        Protocol::Socks4a => "socks4a",
        _ => "socks5h",
    };
    let target = spoken.target.as_deref()?;
    Some(format!(
        "curl -v -x {scheme}://{} {}",
        seen.server,
        shell(&format!("https://{target}/"))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    fn asked() -> Scene {
        connected().say(
            Client,
            b"CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\n\r\n",
        )
    }

    #[test]
    fn the_status_line_and_the_target_are_told() {
        let seen = asked()
            .say(
                Server,
                b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
            )
            .fin(Client)
            .seen();
        let verdict = context().verdict(&seen);
        assert_eq!(
            (name_of(&verdict), verdict.aborted_by, verdict.outcome),
            ("proxy-connect-refused", AbortedBy::Server, Outcome::Failed)
        );
        let finding = verdict.cause.unwrap();
        assert!(finding.sentence.contains("shop.example:443") && finding.sentence.contains("407 Proxy"));
        assert_eq!(finding.at_fault, AtFault::Client);
        let forbidden = asked().say(Server, b"HTTP/1.1 403 Forbidden\r\n\r\n").seen();
        assert_eq!(
            judged(&ProxyConnectRefused, &forbidden).unwrap().at_fault,
            AtFault::Middlebox
        );
    }

    #[test]
    fn a_second_try_that_succeeds_is_no_refusal() {
        let seen = asked()
            .say(
                Server,
                b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
            )
            .say(
                Client,
                b"CONNECT shop.example:443 HTTP/1.1\r\nProxy-Authorization: Basic YQ==\r\n\r\n",
            )
            .say(Server, b"HTTP/1.1 200 OK\r\n\r\n")
            .client_hello(Hello::tls12)
            .alert(Server, 2, 40)
            .seen();
        assert!(judged(&ProxyConnectRefused, &seen).is_none());
        assert!(seen.offer.is_seen());
    }

    #[test]
    fn a_proxy_that_hangs_up_or_keeps_silent_did_not_connect() {
        let hung_up = judged(&ProxyConnectRefused, &asked().fin(Server).seen()).unwrap();
        assert!(hung_up.sentence.contains("closed the connection instead"));
        assert!(judged(&ProxyConnectRefused, &asked().wait(20.0).fin(Client).seen()).is_some());
        assert!(judged(&ProxyConnectRefused, &asked().seen()).is_none());
    }
}
