//! TLS that came to the TLS port of another protocol.

use crate::why::prelude::*;

/// Ports that are registered for a protocol over TLS, with what people call it. Ports on which all kinds of things are served, 443 above
/// all, say nothing.
const PORTS: &[(u16, &str)] = &[
    (465, "SMTP"),
    (563, "NNTP"),
    (636, "LDAP"),
    (853, "DNS"),
    (990, "FTP"),
    (993, "IMAP"),
    (995, "POP3"),
    (3269, "LDAP"),
    (5061, "SIP"),
    (5223, "XMPP"),
    (5671, "AMQP"),
    (6514, "syslog"),
    (6697, "IRC"),
    (8883, "MQTT"),
];

/// Protocols that clients offer by ALPN (IANA's registry), with what people call them.
const OFFERS: &[(&str, &str)] = &[
    ("h2", "HTTP"),
    ("http/1.1", "HTTP"),
    ("http/1.0", "HTTP"),
    ("imap", "IMAP"),
    ("pop3", "POP3"),
    ("ftp", "FTP"),
    ("nntp", "NNTP"),
    ("dot", "DNS"),
    ("mqtt", "MQTT"),
    ("irc", "IRC"),
    ("sip/2", "SIP"),
    ("xmpp-client", "XMPP"),
    ("xmpp-server", "XMPP"),
    ("postgresql", "PostgreSQL"),
];

/// Adds to a cause that the server hung up on a client which offers one protocol at the port of another. It proves nothing: a port may
/// serve what its owner likes, so it neither is a cause nor makes one weigh more.
pub(in crate::why) fn tell_of_wrong_port(finding: Finding, seen: &Observed) -> Finding {
    let Seen::Seen(offer) = &seen.offer else { return finding };
    let Some((_, expected)) = PORTS.iter().find(|(port, _)| *port == seen.server.port) else {
        return finding;
    };
    let offered = offer.value.alpn.iter().map(|name| {
        let known = OFFERS.iter().find(|(offer, _)| offer == name);
        known.map(|(_, protocol)| *protocol)
    });
    let offered: Option<Vec<&str>> = offered.collect();
    // What is offered has to be known, and none of it may be what belongs there.
    let is_foreign = offered.is_some_and(|all| !all.is_empty() && !all.contains(expected));
    if !is_foreign || seen.completed() || seen.end().by != Some(Side::Server) {
        return finding;
    }
    let names = list(offer.value.alpn.iter().map(|name| format!("\"{name}\"")), 4);
    finding
        .prove_span(
            &offer.span,
            format!(
                "the client offers {names} (ALPN), and port {} is that of {expected} over TLS",
                seen.server.port
            ),
        )
        .remedy(
            AtFault::Client,
            format!(
                "see whether it is to speak to this port at all: {} is for {expected}",
                seen.server.port
            ),
            None,
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    fn tells_of_it(seen: &Observed) -> bool {
        let verdict = context().verdict(seen);
        let evidence = verdict.cause.iter().flat_map(|cause| &cause.evidence);
        evidence
            .into_iter()
            .any(|evidence| evidence.text.contains("(ALPN), and port"))
    }

    #[test]
    fn a_browser_that_ldaps_hangs_up_on_came_to_the_wrong_port() {
        let seen = |port: u16, alpn: &'static [&'static str]| {
            let scene = scene().port(port).connect().client_hello(|hello| hello.alpn(alpn));
            scene.fin(Server).fin(Client).seen()
        };
        let browser = seen(636, &["h2", "http/1.1"]);
        assert_eq!(chosen(&browser), "closed-after-client-hello");
        assert!(tells_of_it(&browser));
        assert!(!tells_of_it(&seen(443, &["h2", "http/1.1"])));
        assert!(!tells_of_it(&seen(8443, &["imap"])));
        assert!(!tells_of_it(&seen(993, &["imap"])));
        assert!(!tells_of_it(&seen(993, &[])));
        assert!(!tells_of_it(&seen(993, &["h2", "x-private"])));
    }

    #[test]
    fn a_client_that_leaves_by_itself_shows_nothing_of_the_port() {
        let scene = scene().port(636).connect().client_hello(|hello| hello.alpn(&["h2"]));
        assert!(!tells_of_it(&scene.fin(Client).fin(Server).seen()));
    }
}
