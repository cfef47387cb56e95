//! The server answers the ClientHello in another protocol.

use crate::why::prelude::*;

/// A ClientHello, and bytes from the server that are no TLS.
pub(crate) struct ServerNotTls;

impl Cause for ServerNotTls {
    fn id(&self) -> CauseId {
        CauseId("server-not-tls")
    }

    fn page(&self) -> &'static str {
        include_str!("server_not_tls.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        // Clients answer such bytes with unexpected_message, record_overflow, decode_error or protocol_version: none of it is the cause.
        &[
            CauseId("version-mismatch"),
            CauseId("decode-error"),
            CauseId("client-abandoned"),
            CauseId("server-closed"),
            CauseId("no-server-response"),
        ]
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let (Seen::Seen(offer), First::Other(plaintext, span)) = (&seen.offer, &seen.first[Side::Server.index()])
        else {
            return;
        };
        if seen.answer.is_seen() || matches!(seen.first[Side::Client.index()], First::Other(..)) {
            return;
        }
        let (protocol, quote) = match plaintext {
            Some(plaintext) => (plaintext.protocol, format!("\"{}\"", plaintext.quote)),
            None => ("something that is not TLS", "bytes that are no TLS record".to_owned()),
        };
        let greeted = span.mark.frame < offer.span.mark.frame;
        let sentence = if greeted {
            format!(
                "{} greets with {protocol} before the client has said anything: it does not speak TLS there.",
                seen.server
            )
        } else {
            format!(
                "{} answered the ClientHello with {protocol}: it does not speak TLS there.",
                seen.server
            )
        };
        let remedy = if greeted {
            "the port speaks its protocol in the clear first: use STARTTLS, or the protocol's TLS port"
        } else {
            "check scheme and port: this one serves plaintext"
        };
        let mut finding = Finding::new(self, 97, sentence)
            .at_fault(AtFault::Client)
            .aborted_by(AbortedBy::Client)
            .prove_span(&offer.span, "ClientHello")
            .prove_span(span, format!("the server: {quote}"));
        if let Some(alert) = seen.fatal_alert() {
            finding = finding.prove_span(
                &alert.span,
                format!("{}: how this client reports bytes that are no TLS", told(alert)),
            );
        }
        findings.push(finding.remedy(AtFault::Client, remedy, None).remedy(
            AtFault::Server,
            "or switch TLS on there; nginx: `listen 443 ssl;`, Apache: `SSLEngine on`",
            Some(format!("openssl s_client -connect {}", seen.server)),
        ));
    }
}
