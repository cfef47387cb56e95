//! What the two causes of packets that are too long for the path have in common.

use crate::stream::Retransmission;
use crate::why::prelude::*;

/// Seconds without what is missing after which no repetition of it comes any more: the first ones come within half a second.
pub(super) const PATIENCE: f64 = 0.9;
/// Bytes of a hole below which it holds no segment that a path could find too long.
pub(super) const LONG: u64 = 500;

/// What was sent again and again.
pub(super) fn told_again(again: &Retransmission) -> String {
    let full = if again.full_size {
        ", as long as the maximum segment size allows: what a path with a smaller MTU drops"
    } else {
        ""
    };
    format!(
        "{} bytes from offset {} were sent again {} times since frame {} and never acknowledged{full}",
        again.len, again.offset, again.times, again.first.frame
    )
}

/// What the peer of a side still acknowledges of it.
pub(super) fn told_acknowledged(seen: &Observed, of: Side) -> String {
    let who = of.peer().as_str();
    match seen.tcp.side(of).acked {
        0 => format!("the {who} still acknowledges nothing of it"),
        acked => format!("the {who} still acknowledges the first {acked} bytes only"),
    }
}

/// Adds what the long segments of a side met on the way, and what to do about it.
pub(super) fn finish(mut finding: Finding, seen: &Observed, side: Side) -> Finding {
    let facts = seen.tcp.side(side);
    // Segments are as long as their receiver allows.
    let receiver = seen.tcp.side(side.peer());
    if let (Some(syn), Some(mss)) = (receiver.syn(), receiver.mss()) {
        finding = finding.prove(
            syn,
            format!("the {} takes segments of up to {mss} bytes (MSS)", side.peer().as_str()),
        );
    }
    if let Some(told) = facts.too_big() {
        finding.weight = 96;
        finding = finding.prove_by_path(
            told.mark,
            format!(
                "{} from {}: the {} sends segments as long as before, the message does not reach it",
                told.error,
                told.error.from,
                side.as_str()
            ),
        );
    }
    finding
        .at_fault(AtFault::Network)
        .aborted_by(AbortedBy::Network)
        .remedy(
            AtFault::Network,
            "clamp the segment size to the path's MTU at the router before the tunnel",
            Some("iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu".to_owned()),
        )
        .remedy(
            AtFault::Network,
            "let ICMP 3/4 (fragmentation needed) and ICMPv6 type 2 (packet too big) through to both ends, and measure the MTU",
            Some(format!("ping -M do -s 1472 {}", seen.server.address)),
        )
}
