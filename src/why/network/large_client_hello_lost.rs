//! A ClientHello that takes more than one packet does not get through, or is not understood.

use super::path_mtu;
use crate::registry::is_tls_port;
use crate::why::prelude::*;

/// What the names of post-quantum groups contain, whose key shares take a thousand bytes.
const POST_QUANTUM: [&str; 2] = ["MLKEM", "Kyber"];

/// Long segments of the hello are lost; or servers that answer shorter hellos fail with this one.
pub(crate) struct LargeClientHelloLost;

impl Cause for LargeClientHelloLost {
    fn id(&self) -> CauseId {
        CauseId("large-client-hello-lost")
    }

    fn page(&self) -> &'static str {
        include_str!("large_client_hello_lost.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[
            CauseId("no-server-response"),
            CauseId("reset-after-client-hello"),
            CauseId("closed-after-client-hello"),
            CauseId("stalled-by-client"),
            CauseId("client-abandoned"),
            CauseId("capture-gap"),
            CauseId("capture-ended"),
        ]
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let (client, server) = (seen.tcp.side(Side::Client), seen.tcp.side(Side::Server));
        let answered = server.sent_to.max(server.payload_bytes) > seen.before_tls[Side::Server];
        if answered || seen.tcp.one_sided().is_some() || seen.tcp.started_midway() || seen.fatal_alert().is_some() {
            return;
        }
        let found = lost_behind_us(seen)
            .or_else(|| lost_before_us(seen, context))
            .or_else(|| not_understood(seen, context));
        let Some(mut finding) = found else { return };
        if let Seen::Seen(offer) = &seen.offer {
            let names = offer.value.key_shares.iter().map(ToString::to_string);
            let shares: Vec<_> = names
                .filter(|name| POST_QUANTUM.iter().any(|long| name.contains(long)))
                .collect();
            let why = if shares.is_empty() {
                String::new()
            } else {
                format!(", with a key share for {}", list(shares, 2))
            };
            finding = finding.prove_span(&offer.span, format!("ClientHello, {} bytes{why}", offer.value.len));
        }
        let took = context.server(seen).longest_hello;
        if took > 0 && u64::from(took) < client.sent_to {
            finding = finding.infer(format!("Hellos of up to {took} bytes were answered by this server."));
        }
        findings.push(finding.remedy(
            AtFault::Client,
            "to get by until then, offer no post-quantum group",
            Some(format!("{} -groups X25519:P-256", s_client(seen, ""))),
        ));
    }
}

/// Captured before the place of the loss: the client repeats a long segment, or what is behind the first, in vain.
fn lost_behind_us(seen: &Observed) -> Option<Finding> {
    let (client, server) = (seen.tcp.side(Side::Client), seen.tcp.side(Side::Server));
    let again = client.unacked_retransmission().filter(|again| again.times >= 2)?;
    let began = seen.before_tls[Side::Client];
    let in_pieces = client.sent_to.saturating_sub(began) > u64::from(again.len);
    let tail = again.offset > began;
    let first = client.first_payload()?;
    // Something got through: the server acknowledges what it has, again and again. Else everything is lost, whatever its size.
    let is_alive = server.last_packet().is_some_and(|last| last.frame > first.frame);
    let told_so = client.too_big().is_some();
    if !in_pieces || !(again.full_size || tail) || !is_alive && !told_so {
        return None;
    }
    let total = client.sent_to.saturating_sub(began);
    let sentence = format!(
        "The first message for {} has {total} bytes and takes several packets; {} of them were sent {} times in {} and never \
         acknowledged, though shorter packets arrive: the path drops long ones (path MTU).",
        server_called(seen),
        again.len,
        again.times + 1,
        span_of_time(seen.waited_since(first)),
    );
    let finding = Finding::new(&LargeClientHelloLost, 90, sentence)
        .prove(first, "the client's first data")
        .prove(again.last, path_mtu::told_again(&again));
    Some(path_mtu::finish(finding, seen, Side::Client))
}

/// Captured behind the place of the loss: the long segments never come, a short one behind them does, and the server acknowledges nothing.
fn lost_before_us(seen: &Observed, context: &Context<'_>) -> Option<Finding> {
    let (client, server) = (seen.tcp.side(Side::Client), seen.tcp.side(Side::Server));
    let missing = client.lost_on_the_way();
    let came = client.first_payload()?;
    let speaks_tls = seen.spoke_tls() || is_tls_port(seen.server.port) || context.server(seen).answered > 0;
    let acknowledges = server.last_packet().is_some_and(|last| last.frame > came.frame);
    let waited = seen.waited_since(came);
    if missing < path_mtu::LONG || seen.offer.is_seen() || !speaks_tls || !acknowledges || waited < path_mtu::PATIENCE {
        return None;
    }
    let sentence = format!(
        "Of the first message for {} only the end arrived: {missing} bytes before it never came in {}, though short packets do: \
         the path drops long ones (path MTU).",
        server_called(seen),
        span_of_time(waited),
    );
    let finding = Finding::new(&LargeClientHelloLost, 85, sentence)
        .prove(
            came,
            format!("the client's first data that arrived, behind {missing} bytes that did not"),
        )
        .prove(
            server.last_packet().unwrap_or(came),
            path_mtu::told_acknowledged(seen, Side::Client),
        )
        .but_not(
            CauseId("capture-gap"),
            "the server acknowledges none of what is missing",
        );
    Some(path_mtu::finish(finding, seen, Side::Client))
}

/// The whole hello arrived, and the server that answers shorter ones for this name has no answer to it.
fn not_understood(seen: &Observed, context: &Context<'_>) -> Option<Finding> {
    let offer = seen.offer.as_ref().seen()?;
    let client = seen.tcp.side(Side::Client);
    let mss = seen
        .tcp
        .sides
        .iter()
        .filter_map(|side| side.mss())
        .min()
        .unwrap_or(1_460);
    let history = context.server(seen);
    let served = match seen.server_name() {
        Some(name) => history.names.contains_key(name),
        None => history.completed > 0,
    };
    let longer = offer.value.len > u32::from(mss) && history.longest_hello < u32::from(mss);
    let arrived = client.acked >= client.payload_bytes;
    let waited = seen.waited_since(offer.span.mark);
    let end = seen.end();
    let how = match (end.by, end.act) {
        (Some(Side::Server), Act::Reset) => "reset the connection",
        (Some(Side::Server), Act::Fin) => "closed the connection",
        (Some(Side::Client), Act::Fin | Act::Reset) | (None, _) if arrived && waited >= 3.0 => "never answered",
        _ => return None,
    };
    if !served || !longer || history.longest_hello == 0 {
        return None;
    }
    let sentence = format!(
        "{} {how} after a ClientHello of {} bytes in several packets; to hellos of up to {} bytes for the same name it does answer.",
        server_called(seen),
        offer.value.len,
        history.longest_hello
    );
    Some(
        Finding::new(&LargeClientHelloLost, 85, sentence)
            .at_fault(AtFault::Server)
            .aborted_by(end.by.map_or(AbortedBy::Network, AbortedBy::from))
            .prove(end.mark, format!("the server {how}"))
            .infer("The server, or a device in front of it, reads the first packet of a hello only.")
            .but_not(
                CauseId("reset-after-client-hello"),
                "the same server answers shorter hellos for the same name",
            )
            .remedy(
                AtFault::Server,
                "bring the server, and what stands in front of it, to a version that reads a hello in several packets (tldr.fail)",
                None,
            ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    /// A hello with a key share of 1,216 bytes: X25519MLKEM768.
    fn large() -> Vec<u8> {
        Scene::hello_bytes(post_quantum)
    }

    fn post_quantum(hello: Hello) -> Hello {
        let share = [&[0x11, 0xec, 0x04, 0xc0][..], &[7; 1_216]].concat();
        hello
            .groups(&[0x11ec, 29])
            .extension(51, &[&(share.len() as u16).to_be_bytes()[..], &share].concat())
            .extension(21, &[0; 300])
    }

    /// Sent by the client in a full segment and a short one.
    fn sent() -> Scene {
        let hello = large();
        connected().say(Client, &hello[..1_448]).say(Client, &hello[1_448..])
    }

    #[test]
    fn a_full_segment_that_never_arrives_is_too_long_for_the_path() {
        let hello = large();
        let again = |scene: Scene| scene.wait(0.4).repeat_from(Client, 0, &hello[..1_448]);
        let seen = again(again(again(sent().ack_only(Server, 0))))
            .wait(6.0)
            .fin(Client)
            .seen();
        let finding = judged(&LargeClientHelloLost, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (90, AtFault::Network));
        assert!(finding.sentence.contains("MTU"), "{}", finding.sentence);
        assert!(
            finding
                .evidence
                .iter()
                .any(|proof| proof.text.contains("X25519MLKEM768"))
        );
        let verdict = context().verdict(&seen);
        assert_eq!(
            (name_of(&verdict), verdict.aborted_by),
            ("large-client-hello-lost", AbortedBy::Network)
        );
    }

    #[test]
    fn where_nothing_arrives_it_is_not_the_length() {
        let hello = large();
        let again = |scene: Scene| scene.wait(0.4).repeat_from(Client, 0, &hello[..1_448]);
        let seen = again(again(again(sent()))).wait(6.0).seen();
        assert!(judged(&LargeClientHelloLost, &seen).is_none());
        assert_eq!(chosen(&seen), "no-server-response");
    }

    #[test]
    fn a_router_that_says_so_makes_it_certain() {
        let hello = large();
        let again = |scene: Scene| scene.wait(0.4).repeat_from(Client, 0, &hello[..1_448]);
        let seen = again(again(again(sent().icmp(Client, 3, 4, hello.len() as i64))))
            .wait(6.0)
            .seen();
        let finding = judged(&LargeClientHelloLost, &seen).unwrap();
        assert_eq!(finding.weight, 96);
        assert!(
            finding
                .evidence
                .iter()
                .any(|proof| proof.by_path && proof.text.contains("MTU 1400"))
        );
    }

    #[test]
    fn seen_from_the_server_only_the_tail_comes() {
        let hello = large();
        let lost = || {
            connected()
                .off_camera(|scene| scene.say(Client, &hello[..1_448]))
                .say(Client, &hello[1_448..])
        };
        let seen = lost()
            .ack_only(Server, 0)
            .wait(8.0)
            .fin(Client)
            .ack_only(Server, 0)
            .seen();
        let finding = judged(&LargeClientHelloLost, &seen).unwrap();
        assert!(finding.sentence.contains("1448 bytes"), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "large-client-hello-lost");
        // The server acknowledges it all: the capture lost it.
        let seen = lost().ack(Server).wait(8.0).fin(Client).seen();
        assert!(judged(&LargeClientHelloLost, &seen).is_none());
    }

    #[test]
    fn a_server_that_answers_shorter_hellos_does_not_understand_this_one() {
        let seen = sent().ack(Server).reset(Server).seen();
        let short = || {
            connected()
                .client_hello(|hello| hello.tls12().name("shop.example"))
                .server_flight(&[b"leaf"])
                .finished_by_both()
                .closed()
        };
        let world = || context().beside_at_the_server(&[short()]);
        assert_eq!(world().chosen(&seen), "large-client-hello-lost");
        assert_eq!(chosen(&seen), "reset-after-client-hello");
    }

    #[test]
    fn a_short_hello_that_is_lost_is_another_matter() {
        let hello = Scene::hello_bytes(|hello| hello);
        let again = |scene: Scene| scene.wait(0.4).repeat(Client, &hello);
        let seen = again(again(connected().say(Client, &hello))).wait(6.0).seen();
        assert!(judged(&LargeClientHelloLost, &seen).is_none());
    }
}
