//! The ClientHello was sent, and nothing ever came back.

use crate::why::prelude::*;

/// Seconds of silence after which a server counts as mute.
const PATIENCE: f64 = 3.0;

/// Delivered or not, the hello got no answer.
pub(crate) struct NoServerResponse;

impl Cause for NoServerResponse {
    fn id(&self) -> CauseId {
        CauseId("no-server-response")
    }

    fn page(&self) -> &'static str {
        include_str!("no_server_response.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[CauseId("client-abandoned"), CauseId("capture-ended")]
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let (client, server) = (&seen.tcp.side(Side::Client), &seen.tcp.side(Side::Server));
        // A hello whose first segment never arrived cannot be read; that something was sent is enough.
        let Some(sent) = seen
            .offer
            .as_ref()
            .seen()
            .map(|offer| offer.span.mark)
            .or(client.first_payload())
        else {
            return;
        };
        if matches!(seen.first[Side::Client.index()], First::Other(..))
            || seen.tcp.one_sided().is_some()
            || seen.tcp.started_midway()
        {
            return;
        }
        if server.payload_bytes > seen.before_tls[Side::Server.index()]
            || server.first_ending().is_some_and(|ending| {
                client
                    .first_ending()
                    .is_none_or(|left| ending.mark.frame < left.mark.frame)
            })
        {
            return;
        }
        let left = client.first_ending().map(|ending| ending.mark);
        let until = left.unwrap_or(seen.closing());
        let waited = between(&sent, &until).unwrap_or_default()
            + if left.is_none() {
                seen.silence_watched().unwrap_or_default()
            } else {
                0.0
            };
        let repeated = client
            .unacked_retransmission()
            .map_or(0, |retransmission| retransmission.times);
        let delivered = client.acked >= client.payload_bytes && client.payload_bytes > 0;
        if waited < PATIENCE && repeated < 2 {
            return;
        }
        let (sentence, party, aborted_by) = if delivered {
            (
                format!(
                    "{} received the ClientHello and never answered it: {} of silence.",
                    server_called(seen),
                    span_of_time(waited)
                ),
                AtFault::Server,
                if left.is_some() {
                    AbortedBy::Client
                } else {
                    AbortedBy::Server
                },
            )
        } else {
            (
                format!(
                    "The ClientHello for {} was sent {} times in {} and never acknowledged: it is dropped on the way, or its answers are.",
                    server_called(seen),
                    repeated + 1,
                    span_of_time(waited)
                ),
                AtFault::Network,
                AbortedBy::Network,
            )
        };
        let mut finding = Finding::new(self, 86, sentence).at_fault(party).aborted_by(aborted_by);
        if let Seen::Seen(offer) = &seen.offer {
            finding = finding.prove_span(&offer.span, format!("ClientHello, {} bytes", offer.value.len));
        } else {
            finding = finding.prove(sent, "the client's first data");
        }
        finding = if delivered {
            finding.remedy(
                AtFault::Server,
                "the service accepts connections and does not speak: look at its workers, its backlog, and what it waits for",
                None,
            )
        } else {
            finding.remedy(
                AtFault::Network,
                "capture on both sides of the firewall; a device that drops by server name passes another name",
                Some(s_client(seen, "")),
            )
        };
        findings.push(finding.prove(
            until,
            if left.is_some() {
                "the client gives up"
            } else {
                "the last packet"
            },
        ));
    }
}
