//! Lines between two ends, and what runs over them: PPP by itself, over Ethernet and in L2TP, Cisco's HDLC, frame relay.

use super::layer::Layer;
use super::link::{self, ETHERNET, TYPE_IPV4, TYPE_IPV6, be16, be32};

/// A session stage packet (RFC 2516 §4): version and type 1, code 0, session id, length; then PPP without address and control.
pub(super) fn pppoe(bytes: &[u8]) -> Option<(Layer, usize)> {
    const HEADER: usize = 6;
    let ([0x11, 0, ..], session) = bytes.split_first_chunk::<HEADER>()? else {
        return None;
    };
    let (layer, skipped) = ppp(session)?;
    Some((layer, HEADER + skipped))
}

/// PPP (RFC 1661 §2), with or without the address and control fields of RFC 1662, its protocol field compressed or not. Some
/// routers write Cisco's HDLC on links that are announced as PPP; Wireshark tells them by the address.
pub(super) fn ppp(bytes: &[u8]) -> Option<(Layer, usize)> {
    let at = match bytes {
        [0xff, 0x03, ..] => 2,
        [0x0f | 0x8f, 0x00, ..] => return Some((Layer::CiscoHdlc, 0)),
        _ => 0,
    };
    let first = *bytes.get(at)?;
    let (protocol, at) = if first & 1 == 1 {
        (u16::from(first), at + 1)
    } else {
        (be16(bytes, at)?, at + 2)
    };
    match protocol {
        0x0021 => Some((Layer::Ip(TYPE_IPV4), at)),
        0x0057 => Some((Layer::Ip(TYPE_IPV6), at)),
        0x0281 | 0x0283 => Some((Layer::Mpls, at)),
        _ => None,
    }
}

/// Frame relay: an address (Q.922 §3.2; its last byte has the lowest bit set), then either a control field and a protocol id
/// (RFC 2427 §3), or an EtherType, as Cisco's routers write by default.
pub(super) fn frame_relay(bytes: &[u8]) -> Option<(Layer, usize)> {
    const UNNUMBERED_INFORMATION: u8 = 0x03;
    const BRIDGED_ETHERNET: [u8; 5] = [0x00, 0x80, 0xc2, 0x00, 0x07];

    let address = bytes.iter().take(4).position(|byte| byte & 1 == 1)? + 1;
    let rest = bytes.get(address..)?;
    match *rest {
        [UNNUMBERED_INFORMATION, 0xcc, ..] => Some((Layer::Ip(TYPE_IPV4), address + 2)),
        [UNNUMBERED_INFORMATION, 0x8e, ..] => Some((Layer::Ip(TYPE_IPV6), address + 2)),
        [UNNUMBERED_INFORMATION, ref after @ ..] => {
            // A byte of padding may make the header even.
            let padding = usize::from(after.first() == Some(&0));
            let (0x80, snap) = after.get(padding..)?.split_first()? else {
                return None;
            };
            let (layer, skipped) = if snap.starts_with(&BRIDGED_ETHERNET) {
                (Layer::Link(ETHERNET), BRIDGED_ETHERNET.len())
            } else if snap.starts_with(&[0; 3]) {
                (Layer::typed_elsewhere(be16(snap, 3)?)?, 5)
            } else {
                return None;
            };
            Some((layer, address + padding + 2 + skipped))
        }
        _ => Some((Layer::typed_elsewhere(be16(rest, 0)?)?, address + 2)),
    }
}

/// Flags of L2TP's header (RFC 2661 §3.1).
const CONTROL: u16 = 0x8000;
const LENGTH: u16 = 0x4000;
const SEQUENCE: u16 = 0x0800;
const OFFSET: u16 = 0x0200;

/// A data message of L2TP: of version 2 (RFC 2661 §3.1) with PPP in it, or of version 3 (RFC 3931 §4.1.2.1).
pub(super) fn l2tp(bytes: &[u8]) -> Option<(Layer, usize)> {
    let flags = be16(bytes, 0)?;
    match flags & 0x0f {
        _ if flags & CONTROL != 0 => None,
        2 => {
            let mut at = session_at(flags) + 2;
            if flags & SEQUENCE != 0 {
                at += 4;
            }
            if flags & OFFSET != 0 {
                at += 2 + usize::from(be16(bytes, at)?);
            }
            let (layer, skipped) = ppp(bytes.get(at..)?)?;
            Some((layer, at + skipped))
        }
        3 => l2tp_data(bytes, 8),
        _ => None,
    }
}

/// Where the session's id stands in a header of version 2: behind the flags, the length if there is one, and the tunnel's id.
const fn session_at(flags: u16) -> usize {
    if flags & LENGTH != 0 { 6 } else { 4 }
}

/// The session of a message in UDP.
pub(super) fn l2tp_session(bytes: &[u8]) -> Option<u32> {
    let flags = be16(bytes, 0)?;
    match flags & 0x0f {
        2 => be16(bytes, session_at(flags)).map(u32::from),
        _ => be32(bytes, 4),
    }
}

/// True for a message of version 3.
pub(super) fn is_l2tp_version_3(bytes: &[u8]) -> bool {
    be16(bytes, 0).is_some_and(|flags| flags & 0x0f == 3)
}

/// A data message of version 3 behind its session id, at `after`. How long its cookie is, and whether a sublayer header follows
/// (RFC 3931 §4.1 and §4.6), was agreed when the session was set up: tried is what there can be, until an Ethernet frame with IP in
/// it is found. Other pseudowires are not read.
pub(super) fn l2tp_data(bytes: &[u8], after: usize) -> Option<(Layer, usize)> {
    let frame = |skipped: &usize| {
        let frame = bytes.get(after + skipped..);
        frame.is_some_and(|frame| link::peel(ETHERNET, frame).is_some())
    };
    // A session's id of 0 is a control message.
    let 1.. = be32(bytes, after.checked_sub(4)?)? else {
        return None;
    };
    let skipped = [0, 4, 8, 12].into_iter().find(frame)?;
    Some((Layer::Link(ETHERNET), after + skipped))
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: Layer = Layer::Ip(TYPE_IPV4);
    const V6: Layer = Layer::Ip(TYPE_IPV6);
    const FRAME: Layer = Layer::Link(ETHERNET);

    #[test]
    fn a_session_packet_of_pppoe_holds_ppp_and_a_discovery_packet_does_not() {
        assert_eq!(Layer::Pppoe.read(&[0x11, 0, 0, 1, 0, 40, 0x00, 0x21]), Some((V4, 8)));
        assert_eq!(Layer::Pppoe.read(&[0x11, 0, 0, 1, 0, 40, 0xc0, 0x21]), None);
        assert_eq!(Layer::Pppoe.read(&[0x11, 0x09, 0, 0, 0, 40, 0x00, 0x21]), None);
    }

    #[test]
    fn ppp_is_read_with_and_without_its_compressions() {
        assert_eq!(Layer::Ppp.read(&[0x00, 0x21]), Some((V4, 2)));
        assert_eq!(Layer::Ppp.read(&[0xff, 0x03, 0x00, 0x57]), Some((V6, 4)));
        assert_eq!(Layer::Ppp.read(&[0x21]), Some((V4, 1)));
        assert_eq!(Layer::Ppp.read(&[0xff, 0x03, 0x57]), Some((V6, 3)));
        assert_eq!(Layer::Ppp.read(&[0xff, 0x03, 0xc0, 0x21]), None);
        assert_eq!(Layer::Ppp.read(&[0x02, 0x81]), Some((Layer::Mpls, 2)));
    }

    #[test]
    fn cisco_hdlc_has_an_ethertype_even_where_ppp_is_announced() {
        assert_eq!(Layer::CiscoHdlc.read(&[0x0f, 0, 0x08, 0x00]), Some((V4, 4)));
        assert_eq!(Layer::CiscoHdlc.read(&[0x8f, 0, 0x20, 0x00]), None);
        assert_eq!(Layer::Ppp.read(&[0x0f, 0, 0x08, 0x00]), Some((Layer::CiscoHdlc, 0)));
    }

    #[test]
    fn frame_relay_is_read_as_the_standard_and_as_cisco_write_it() {
        for (rest, read) in [
            (&[0x03, 0xcc][..], Some((V4, 4))),
            (&[0x03, 0x8e], Some((V6, 4))),
            (&[0x08, 0x00], Some((V4, 4))),
            (&[0x03, 0x80, 0, 0, 0, 0x08, 0x00], Some((V4, 9))),
            (&[0x03, 0x00, 0x80, 0, 0, 0, 0x86, 0xdd], Some((V6, 10))),
            (&[0x03, 0x00, 0x80, 0x00, 0x80, 0xc2, 0x00, 0x07], Some((FRAME, 10))),
            (&[0x03, 0x00, 0x80, 0x00, 0x80, 0xc2, 0x00, 0x0e], None),
            (&[0x03, 0x08], None),
        ] {
            assert_eq!(frame_relay(&[&[0x18, 0x41], rest].concat()), read, "{rest:02x?}");
        }
        assert_eq!(frame_relay(&[0x18, 0x40, 0x02, 0x41, 0x03, 0xcc]), Some((V4, 6)));
        assert_eq!(frame_relay(&[0x18, 0x40, 0x02, 0x40, 0x41, 0x03, 0xcc]), None);
    }

    #[test]
    fn every_flag_of_l2tp_makes_its_header_longer() {
        let ppp = [0xff, 0x03, 0x00, 0x21];
        for (header, session, length) in [
            (&[0x00, 0x02, 0, 5, 0, 6][..], 6, 10),
            (&[0x40, 0x02, 0, 99, 0, 5, 0, 6], 6, 12),
            (&[0x08, 0x02, 0, 5, 0, 6, 0, 1, 0, 2], 6, 14),
            (&[0x02, 0x02, 0, 5, 0, 6, 0, 1, 0], 6, 13),
        ] {
            let message = [header, &ppp].concat();
            assert_eq!(l2tp(&message), Some((V4, length)), "{header:02x?}");
            assert_eq!(l2tp_session(&message), Some(session));
        }
        assert_eq!(l2tp(&[0xc8, 0x02, 0, 12, 0, 5, 0, 6, 0, 1, 0, 2, 0x21]), None);
    }

    #[test]
    fn the_third_version_of_l2tp_holds_a_frame_behind_what_was_agreed() {
        let frame = [&[2_u8; 12][..], &[0x08, 0x00, 0x45]].concat();
        for agreed in [0, 4, 8, 12] {
            let message = [&[0, 3, 0, 0, 0, 1, 0, 2], &vec![0; agreed][..], &frame].concat();
            assert_eq!(l2tp(&message), Some((FRAME, 8 + agreed)));
            assert_eq!(l2tp_session(&message), Some(0x1_0002));
            assert_eq!(Layer::L2tpSession.read(&message[4..]), Some((FRAME, 4 + agreed)));
        }
        assert_eq!(l2tp(&[&[0, 3, 0, 0, 0, 0, 0, 0], &frame[..]].concat()), None);
        assert_eq!(l2tp(&[&[0, 3, 0, 0, 0, 1, 0, 2], &frame[4..]].concat()), None);
    }
}
