//! The server refuses to start TLS within its protocol, does not answer the request, or never offers it.

use super::silence::Silence;
use crate::preamble::{Kind, Preamble, Protocol};
use crate::why::prelude::*;

/// An upgrade to TLS that the client needs and does not get.
pub(crate) struct StarttlsRefused;

impl Cause for StarttlsRefused {
    fn id(&self) -> CauseId {
        CauseId("starttls-refused")
    }

    fn page(&self) -> &'static str {
        include_str!("starttls_refused.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        // The protocol's own words are no words in the wrong place.
        &[CauseId("plaintext-on-tls-port"), CauseId("capture-ended")]
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(spoken) = seen.preambles.last() else { return };
        if seen.spoke_tls() || spoken.protocol.kind() != Kind::Upgrade {
            return;
        }
        let finding = if spoken.refusal().is_some() {
            self.refused(seen, spoken)
        } else if spoken.request.is_some() {
            self.unanswered(seen, spoken)
        } else if spoken.demanded.is_some() {
            self.demanded(seen, spoken)
        } else {
            self.not_offered(seen, spoken)
        };
        findings.extend(finding.map(|finding| match finding.at_fault {
            AtFault::Client => finding,
            _ => remedies(finding, seen, spoken),
        }));
    }
}

impl StarttlsRefused {
    /// The server says no.
    fn refused(&self, seen: &Observed, spoken: &Preamble) -> Option<Finding> {
        let (asked, said) = (spoken.request.as_ref()?, spoken.refusal()?);
        let (name, what) = (spoken.protocol.title(), spoken.protocol.request());
        let mut sentence = format!("{} ({name}) refused {what}: \"{}\".", seen.server, said.words);
        // A client may say it along with the request, without waiting.
        let went_on = spoken.exposed.filter(|(_, span)| span.at > asked.span.at);
        if let Some((what, _)) = went_on {
            sentence.push_str(&format!(
                " The session went on without protection, with {what} in the clear."
            ));
        }
        let mut finding = Finding::new(self, 97, sentence)
            .at_fault(AtFault::Server)
            .aborted_by(AbortedBy::Server)
            .prove_span(&asked.span, format!("the client asks: {}", asked.words))
            .prove_span(&said.span, format!("the server: {}", said.words));
        if let Some((what, span)) = went_on {
            finding = finding.prove_span(&span, format!("{what} in the clear"));
        }
        Some(finding)
    }

    /// The server says nothing, and hangs up or lets the client wait.
    fn unanswered(&self, seen: &Observed, spoken: &Preamble) -> Option<Finding> {
        let asked = spoken.request.as_ref()?;
        let (what, name) = (spoken.protocol.request(), spoken.protocol.title());
        let (weight, how) = match Silence::after_request(seen, spoken)? {
            Silence::HungUp => (90, format!("closed the connection instead of answering {what}")),
            Silence::Waited(seconds) => (
                85,
                format!("never answered {what}: {} of silence", span_of_time(seconds)),
            ),
        };
        let finding = Finding::new(self, weight, format!("{} ({name}) {how}.", seen.server))
            .at_fault(AtFault::Server)
            .aborted_by(AbortedBy::Server)
            .prove_span(&asked.span, format!("the client asks: {}", asked.words));
        Some(finding.prove(seen.end().mark, "the end, without an answer"))
    }

    /// The server does nothing without TLS, and the client does not ask for it.
    fn demanded(&self, seen: &Observed, spoken: &Preamble) -> Option<Finding> {
        let said = spoken.demanded.as_ref()?;
        let (what, name) = (spoken.protocol.request(), spoken.protocol.title());
        let sentence = format!(
            "{} ({name}) does nothing without TLS, and the client did not ask for it with {what}: \"{}\".",
            seen.server, said.words
        );
        let finding = Finding::new(self, 88, sentence)
            .at_fault(AtFault::Client)
            .aborted_by(AbortedBy::Server)
            .prove_span(&said.span, format!("the server: {}", said.words))
            .remedy(AtFault::Client, "let it use TLS: the server demands it", None);
        Some(finding)
    }

    /// The server has no TLS to offer, and the client leaves.
    fn not_offered(&self, seen: &Observed, spoken: &Preamble) -> Option<Finding> {
        let offered = spoken.offered.as_ref().filter(|offered| !offered.tls)?;
        // Behind a farewell the server hangs up first.
        let end = seen.end();
        let left = spoken.farewell.map(|farewell| farewell.mark);
        let left = left.or_else(|| (end.by == Some(Side::Client)).then_some(end.mark))?;
        if spoken.went_on {
            return None;
        }
        let (what, name) = (spoken.protocol.request(), spoken.protocol.title());
        let said = &offered.said;
        let is_crossed_out = said.words.ends_with("XXXX") || said.words.ends_with("XXXA");
        let sentence = if is_crossed_out {
            format!(
                "{} ({name}) seems to offer {what}, but something on the way crosses it out, and the client left.",
                seen.server
            )
        } else {
            format!(
                "{} ({name}) does not offer {what}, and the client left without saying anything else.",
                seen.server
            )
        };
        let finding = Finding::new(self, 85, sentence)
            .at_fault(if is_crossed_out {
                AtFault::Middlebox
            } else {
                AtFault::Server
            })
            .aborted_by(AbortedBy::Client)
            .infer("The client needs TLS here: it says nothing more once it knows that there is none.")
            .prove_span(&said.span, format!("the server's list: {}", said.words));
        Some(finding.prove(left, "the client leaves"))
    }
}

/// What to do, by protocol.
fn remedies(finding: Finding, seen: &Observed, spoken: &Preamble) -> Finding {
    use Protocol::{
        Amqp, Ftp, HttpUpgrade, Imap, Irc, Ldap, Lmtp, ManageSieve, Mysql, Nntp, Pop3, Postgresql, Rdp, Smtp, Tds, Xmpp,
    };
    let (server, starttls) = match spoken.protocol {
        Smtp => (
            "give it a certificate and switch TLS on; Postfix: `smtpd_tls_chain_files`, `smtpd_tls_security_level = may`; Exim: `tls_certificate`, `tls_advertise_hosts = *`",
            "smtp",
        ),
        Lmtp => ("Dovecot: `ssl = yes` with `ssl_cert` and `ssl_key`", "lmtp"),
        Imap => (
            "Dovecot: `ssl = yes` with `ssl_cert` and `ssl_key`; Cyrus: `tls_server_cert`",
            "imap",
        ),
        Pop3 => (
            "Dovecot: `ssl = yes` with `ssl_cert` and `ssl_key`; Cyrus: `tls_server_cert`",
            "pop3",
        ),
        ManageSieve => ("Dovecot: `ssl = yes` with `ssl_cert` and `ssl_key`", "sieve"),
        Nntp => (
            "INN: `tlscertfile` and `tlskeyfile` in inn.conf, then restart nnrpd",
            "nntp",
        ),
        Ftp => (
            "vsftpd: `ssl_enable=YES` with `rsa_cert_file`; ProFTPD: `TLSEngine on`; FileZilla Server: FTP over TLS",
            "ftp",
        ),
        Ldap => (
            "slapd: `olcTLSCertificateFile` and `olcTLSCertificateKeyFile`; Active Directory: a certificate with serverAuth in the machine's store",
            "ldap",
        ),
        Xmpp => (
            "Prosody: `certificates`, `c2s_require_encryption`; ejabberd: `certfiles`, `starttls: true`",
            "xmpp",
        ),
        Irc => ("use the server's TLS port, or give it a certificate", "irc"),
        Postgresql => (
            "`ssl = on` with server.crt and server.key in the data directory; a pooler needs it too: PgBouncer `client_tls_sslmode`",
            "postgres",
        ),
        Mysql => (
            "`ssl_cert`, `ssl_key` and `ssl_ca` in my.cnf; a proxy in front needs its own",
            "mysql",
        ),
        Tds => (
            "SQL Server Configuration Manager: a certificate that the service account can read, Force Encryption as the clients need it",
            "",
        ),
        Rdp => (
            "the host's RDP security layer and its certificate (`wmic /namespace:\\\\root\\cimv2\\TerminalServices path Win32_TSGeneralSetting`); xrdp: `security_layer=negotiate`",
            "",
        ),
        Amqp => ("give the broker a certificate, or use its amqps port (5671)", ""),
        HttpUpgrade => (
            "use https:// on its own port; the upgrade within HTTP is rarely supported",
            "",
        ),
        Protocol::HttpConnect
        | Protocol::Socks4
        | Protocol::Socks4a
        | Protocol::Socks5
        | Protocol::ProxyV1
        | Protocol::ProxyV2 => return finding,
    };
    let command = (!starttls.is_empty() && starttls != "irc")
        .then(|| format!("openssl s_client -connect {} -starttls {starttls}", seen.server));
    let finding = finding.remedy(AtFault::Server, server, command);
    if spoken.offered.as_ref().is_some_and(|offered| offered.tls) || spoken.protocol != Smtp {
        return finding;
    }
    finding.remedy(
        AtFault::Middlebox,
        "a firewall that inspects SMTP may take STARTTLS out of the list; Cisco ASA: `no inspect esmtp`",
        None,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    fn greeted(list: &'static [u8]) -> Scene {
        connected()
            .say(Server, b"220 mx.example ESMTP\r\n")
            .say(Client, b"EHLO me\r\n")
            .say(Server, list)
    }

    fn asked() -> Scene {
        greeted(b"250-mx.example\r\n250 STARTTLS\r\n").say(Client, b"STARTTLS\r\n")
    }

    #[test]
    fn a_refusal_is_quoted_and_the_servers() {
        let seen = asked()
            .say(Server, b"454 4.7.0 TLS not available\r\n")
            .say(Client, b"QUIT\r\n")
            .fin(Client)
            .seen();
        let verdict = context().verdict(&seen);
        assert_eq!(
            (name_of(&verdict), verdict.aborted_by, verdict.outcome),
            ("starttls-refused", AbortedBy::Server, Outcome::Failed)
        );
        let finding = verdict.cause.unwrap();
        assert!(
            finding.sentence.contains("454 4.7.0 TLS not available"),
            "{}",
            finding.sentence
        );
        assert!(!finding.sentence.contains("in the clear"));
    }

    #[test]
    fn going_on_after_a_refusal_is_told() {
        let seen = asked()
            .say(Server, b"454 4.7.0 TLS not available\r\n")
            .say(Client, b"AUTH PLAIN AG1pcmEAc2VjcmV0\r\n")
            .say(Server, b"235 fine\r\n")
            .seen();
        let finding = judged(&StarttlsRefused, &seen).unwrap();
        assert!(
            finding.sentence.ends_with("with a login in the clear."),
            "{}",
            finding.sentence
        );
        assert!(!format!("{finding:?}").contains("AG1pcmEAc2VjcmV0"));
    }

    #[test]
    fn what_is_not_offered_makes_a_client_leave() {
        let plain = b"250-mx.example\r\n250 SIZE\r\n";
        let seen = greeted(plain).say(Client, b"QUIT\r\n").fin(Client).seen();
        let verdict = context().verdict(&seen);
        assert_eq!(
            (name_of(&verdict), verdict.aborted_by),
            ("starttls-refused", AbortedBy::Client)
        );
        let masked = greeted(b"250-mx.example\r\n250-XXXXXXXA\r\n250 SIZE\r\n")
            .fin(Client)
            .seen();
        let finding = judged(&StarttlsRefused, &masked).unwrap();
        assert_eq!(finding.at_fault, AtFault::Middlebox);
        // It did what it came for, or the server hung up on it.
        let served = greeted(plain).say(Client, b"AUTH LOGIN\r\n").fin(Client).seen();
        assert!(judged(&StarttlsRefused, &served).is_none());
        assert!(judged(&StarttlsRefused, &greeted(plain).fin(Server).seen()).is_none());
    }

    #[test]
    fn a_request_without_an_answer_is_told_from_one_that_still_waits() {
        let hung_up = judged(&StarttlsRefused, &asked().fin(Server).seen()).unwrap();
        assert!(hung_up.sentence.contains("closed the connection instead"));
        let waited = asked().wait(30.0).fin(Client).seen();
        let verdict = context().verdict(&waited);
        assert_eq!(
            (name_of(&verdict), verdict.aborted_by),
            ("starttls-refused", AbortedBy::Server)
        );
        assert!(judged(&StarttlsRefused, &asked().seen()).is_none());
    }

    #[test]
    fn a_server_that_demands_tls_is_told_from_one_that_refuses_it() {
        let seen = greeted(b"250-mx.example\r\n250 STARTTLS\r\n")
            .say(Client, b"MAIL FROM:<a@b>\r\n")
            .say(Server, b"530 5.7.0 Must issue a STARTTLS command first\r\n");
        let finding = judged(&StarttlsRefused, &seen.fin(Client).seen()).unwrap();
        assert_eq!(finding.at_fault, AtFault::Client);
        assert!(
            finding.sentence.contains("530 5.7.0 Must issue"),
            "{}",
            finding.sentence
        );
        let later = greeted(b"250-mx.example\r\n250 STARTTLS\r\n")
            .say(Client, b"MAIL FROM:<a@b>\r\n")
            .say(Server, b"530 5.7.0 Must issue a STARTTLS command first\r\n")
            .say(Client, b"STARTTLS\r\n")
            .say(Server, b"220 ready\r\n")
            .client_hello(Hello::tls12)
            .seen();
        assert!(judged(&StarttlsRefused, &later).is_none());
    }

    #[test]
    fn consent_is_no_refusal() {
        let seen = asked()
            .say(Server, b"220 ready\r\n")
            .client_hello(Hello::tls12)
            .alert(Server, 2, 40)
            .seen();
        assert!(judged(&StarttlsRefused, &seen).is_none());
    }
}
