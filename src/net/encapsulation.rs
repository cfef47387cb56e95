//! Headers that wrap an IP packet, or a whole Ethernet frame, once more on its way through a network. Each reader tells what follows
//! its header, and how long the header is.
//!
//! A reader looks at what it needs to find the next layer, and at nothing else: checksums and sequence numbers are no reason to leave
//! a packet out.

use super::layer::Layer;
use super::link::{self, ETHERNET, TYPE_IPV4, TYPE_IPV6, be16, be32};
use super::wireless::Form;

/// Types that occur in GRE only: PPP, Cisco's mirrored frames, the packets that WCCP redirects, and the frames of MikroTik's EoIP.
const TYPE_PPP: u16 = 0x880b;
const TYPE_ERSPAN: u16 = 0x88be;
const TYPE_ERSPAN_3: u16 = 0x22eb;
const TYPE_WCCP: u16 = 0x883e;
const TYPE_EOIP: u16 = 0x6400;

/// Flags of GRE (RFC 2784 §2.1, RFC 2890 §2, RFC 1701, RFC 2637 §4.1).
const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGEMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

/// A stack of labels (RFC 3032 §2.1), to the one whose bottom bit is set. What follows is not announced; its first four bits tell
/// (RFC 4928 §3): IP, or a pseudowire's control word (RFC 4385 §3) and an Ethernet frame, or such a frame alone.
pub(super) fn mpls(bytes: &[u8]) -> Option<(Layer, usize)> {
    let at = stack(bytes)?;
    let rest = bytes.get(at..)?;
    match rest.first()? >> 4 {
        4 => Some((Layer::Ip(TYPE_IPV4), at)),
        6 => Some((Layer::Ip(TYPE_IPV6), at)),
        0 if link::peel(ETHERNET, rest.get(4..)?).is_some() => Some((Layer::Link(ETHERNET), at + 4)),
        _ => Some((Layer::Link(ETHERNET), at)),
    }
}

/// Length of a stack of labels.
fn stack(bytes: &[u8]) -> Option<usize> {
    let labels = bytes.as_chunks::<4>().0;
    Some((labels.iter().position(|label| label[2] & 1 == 1)? + 1) * 4)
}

/// The label at the bottom of a stack: the one that names the customer or the pseudowire.
pub(super) fn bottom_label(bytes: &[u8]) -> Option<u32> {
    Some(be32(bytes, stack(bytes)?.checked_sub(4)?)? >> 12)
}

/// GRE (RFC 2784 §2.1) with the key and the sequence number of RFC 2890, and the acknowledgement number of RFC 2637 §4.1. The source
/// routes of RFC 1701 end with an empty one.
pub(super) fn gre(bytes: &[u8]) -> Option<(Layer, usize)> {
    let flags = be16(bytes, 0)?;
    let protocol = be16(bytes, 2)?;
    let mut at = 4;
    for flag in [CHECKSUM | ROUTING, KEY, SEQUENCE] {
        at += if flags & flag != 0 { 4 } else { 0 };
    }
    let mut more_routes = flags & ROUTING != 0;
    while more_routes {
        let length = usize::from(*bytes.get(at + 3)?);
        at += 4 + length;
        more_routes = length != 0;
    }
    match protocol {
        TYPE_PPP => Some((Layer::Ppp, at + if flags & ACKNOWLEDGEMENT != 0 { 4 } else { 0 })),
        // The first version of ERSPAN has neither a header nor a sequence number.
        TYPE_ERSPAN if flags & SEQUENCE == 0 => Some((Layer::Link(ETHERNET), at)),
        TYPE_ERSPAN | TYPE_ERSPAN_3 => Some((Layer::Link(ETHERNET), at + erspan(bytes.get(at..)?)?)),
        // The second version of WCCP has a header of four bytes, which begins with anything but IPv4's version.
        TYPE_WCCP if bytes.get(at)? >> 4 != 4 => Some((Layer::Ip(TYPE_IPV4), at + 4)),
        TYPE_WCCP => Some((Layer::Ip(TYPE_IPV4), at)),
        TYPE_EOIP => Some((Layer::Link(ETHERNET), at)),
        _ => Some((Layer::typed_elsewhere(protocol)?, at)),
    }
}

/// The key of a GRE header. In the version of PPTP (RFC 2637 §4.1) its upper half is a length, and the lower one the call's id.
pub(super) fn gre_key(bytes: &[u8]) -> Option<u32> {
    match be16(bytes, 0)? {
        flags if flags & KEY == 0 => None,
        flags if flags & VERSION == 1 => be16(bytes, 6).map(u32::from),
        flags if flags & (CHECKSUM | ROUTING) != 0 => be32(bytes, 8),
        _ => be32(bytes, 4),
    }
}

/// True for a mirrored frame of any type of ERSPAN.
pub(super) fn is_mirror(gre: &[u8]) -> bool {
    matches!(be16(gre, 2), Some(TYPE_ERSPAN | TYPE_ERSPAN_3))
}

/// The session of a mirrored frame, which the types with a header have in one place, behind GRE's sequence number.
pub(super) fn mirror_session(gre: &[u8]) -> Option<u32> {
    let has_header = be16(gre, 0)? & SEQUENCE != 0;
    let session = be16(gre, 10).filter(|_| has_header)?;
    Some(u32::from(session & 0x3ff))
}

/// Length of an ERSPAN header of type II or III (draft-foschiano-erspan-03 §4.2 and §4.3) before an Ethernet frame.
fn erspan(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? >> 4 {
        1 => Some(8),
        2 => {
            let flags = be16(bytes, 10)?;
            let frame_type = flags >> 10 & 0x1f;
            (frame_type == 0).then_some(if flags & 1 == 0 { 12 } else { 20 })
        }
        _ => None,
    }
}

/// VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe §3): the last byte before the network id names the next protocol.
pub(super) fn vxlan_gpe(bytes: &[u8]) -> Option<(Layer, usize)> {
    let next = match bytes.get(3)? {
        1 => Layer::Ip(TYPE_IPV4),
        2 => Layer::Ip(TYPE_IPV6),
        3 => Layer::Link(ETHERNET),
        5 => Layer::Mpls,
        _ => return None,
    };
    Some((next, 8))
}

/// Geneve (RFC 8926 §3.4): the length of its options counts words of four bytes.
pub(super) fn geneve(bytes: &[u8]) -> Option<(Layer, usize)> {
    let options = usize::from(bytes.first()? & 0x3f) * 4;
    Some((Layer::typed(be16(bytes, 2)?)?, 8 + options))
}

/// A G-PDU of GTP version 1 (3GPP TS 29.281 §5): any of the three lowest flags brings four bytes more, which may lead to extension
/// headers; those count words of four bytes, and end with the type of the next.
pub(super) fn gtp(bytes: &[u8]) -> Option<(Layer, usize)> {
    const G_PDU: u8 = 0xff;
    let [flags, G_PDU, ..] = *bytes else { return None };
    if flags & 0xf0 != 0x30 {
        return None;
    }
    let mut at = 8;
    if flags & 0x07 != 0 {
        let mut next = if flags & 0x04 != 0 { *bytes.get(11)? } else { 0 };
        at = 12;
        while next != 0 {
            let words = usize::from(*bytes.get(at)?);
            if words == 0 {
                return None;
            }
            at += words * 4;
            next = *bytes.get(at - 1)?;
        }
    }
    match bytes.get(at)? >> 4 {
        4 => Some((Layer::Ip(TYPE_IPV4), at)),
        6 => Some((Layer::Ip(TYPE_IPV6), at)),
        _ => None,
    }
}

/// Teredo (RFC 4380 §5.1.1): an authentication header and the sender's origin may precede the IPv6 packet.
pub(super) fn teredo(bytes: &[u8]) -> Option<(Layer, usize)> {
    let mut at = 0;
    if let [0, 1, id, authentication, ..] = *bytes {
        at = 4 + usize::from(id) + usize::from(authentication) + 9;
    }
    if be16(bytes, at)? == 0 {
        at += 8;
    }
    Some((Layer::Ip(TYPE_IPV6), at))
}

/// CAPWAP's data channel (RFC 5415 §4.3): the header tells its own length in words of four bytes, and whether an Ethernet frame
/// follows or one of the wireless network (RFC 5416 §2). Fragments and keep-alives are left out.
pub(super) fn capwap(bytes: &[u8]) -> Option<(Layer, usize)> {
    const NATIVE: u32 = 0x100;
    const FRAGMENT: u32 = 0x80;
    const KEEP_ALIVE: u32 = 0x08;
    const IEEE_802_11: u32 = 1;

    let header = be32(bytes, 0)?;
    // The first byte is 0: this version, and no DTLS.
    if header >> 24 != 0 || header & (FRAGMENT | KEEP_ALIVE) != 0 {
        return None;
    }
    let length = (header >> 19 & 0x1f) as usize * 4;
    match header >> 9 & 0x1f {
        _ if length < 8 => None,
        _ if header & NATIVE == 0 => Some((Layer::Link(ETHERNET), length)),
        IEEE_802_11 => Some((Layer::Wifi(Form::InCapwap), length)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: Layer = Layer::Ip(TYPE_IPV4);
    const V6: Layer = Layer::Ip(TYPE_IPV6);
    const FRAME: Layer = Layer::Link(ETHERNET);

    #[test]
    fn labels_end_at_the_bottom_of_their_stack() {
        assert_eq!(Layer::Mpls.read(&[0, 1, 0x01, 64, 0x45]), Some((V4, 4)));
        assert_eq!(Layer::Mpls.read(&[0, 1, 0x00, 64, 0, 2, 0x01, 64, 0x60]), Some((V6, 8)));
        assert_eq!(Layer::Mpls.read(&[0, 1, 0x00, 64, 0, 2, 0x00, 64, 0x45]), None);
    }

    #[test]
    fn a_pseudowire_has_a_control_word_or_none() {
        let frame = [&[2_u8; 12][..], &[0x08, 0x00, 0x45]].concat();
        let label = [0, 1, 0x01, 64];
        assert_eq!(Layer::Mpls.read(&[&label[..], &frame].concat()), Some((FRAME, 4)));
        let with_control_word = [&label[..], &[0, 0, 0, 9], &frame].concat();
        assert_eq!(Layer::Mpls.read(&with_control_word), Some((FRAME, 8)));
    }

    #[test]
    fn every_flag_of_gre_makes_its_header_longer() {
        for (flags, length) in [(0x00, 4), (0x80, 8), (0x20, 8), (0x10, 8), (0x30, 12), (0xb0, 16)] {
            assert_eq!(Layer::Gre.read(&[flags, 0, 0x08, 0x00]), Some((V4, length)));
            assert_eq!(Layer::Gre.read(&[flags, 0, 0x65, 0x58]), Some((FRAME, length)));
        }
        assert_eq!(Layer::Gre.read(&[0x00, 0, 0x86, 0xdd]), Some((V6, 4)));
        assert_eq!(Layer::Gre.read(&[0x20, 1, 0x64, 0x00]), Some((FRAME, 8)));
        assert_eq!(Layer::Gre.read(&[0x00, 0, 0x81, 0x00]), None);
    }

    #[test]
    fn source_routes_in_gre_are_stepped_over() {
        let route = [0x08, 0x00, 0, 4, 10, 0, 0, 3];
        let routed = [&[0x40, 0, 0x08, 0x00, 0, 0, 0, 0][..], &route, &[0; 4]].concat();
        assert_eq!(Layer::Gre.read(&routed), Some((V4, 20)));
        assert_eq!(Layer::Gre.read(&routed[..16]), None);
    }

    #[test]
    fn the_gre_of_pptp_may_acknowledge() {
        assert_eq!(Layer::Gre.read(&[0x30, 0x81, 0x88, 0x0b]), Some((Layer::Ppp, 16)));
        assert_eq!(Layer::Gre.read(&[0x30, 0x01, 0x88, 0x0b]), Some((Layer::Ppp, 12)));
    }

    #[test]
    fn the_bottom_label_and_the_key_are_numbers() {
        assert_eq!(bottom_label(&[0, 1, 0x00, 64, 0xff, 2, 0xf1, 64, 0x45]), Some(0xff02f));
        assert_eq!(bottom_label(&[0, 1, 0x00, 64]), None);
        assert_eq!(gre_key(&[0x20, 0, 0x08, 0x00, 0, 0, 0, 5]), Some(5));
        assert_eq!(gre_key(&[0xa0, 0, 0x08, 0x00, 9, 9, 0, 0, 0, 0, 0, 5]), Some(5));
        assert_eq!(gre_key(&[0x10, 0, 0x08, 0x00, 0, 0, 0, 5]), None);
        assert_eq!(gre_key(&[0x30, 1, 0x88, 0x0b, 0, 61, 0, 5]), Some(5));
    }

    #[test]
    fn mirrored_frames_have_a_header_by_their_version() {
        let with = |flags: u8, protocol: [u8; 2], header: &[u8]| {
            let sequence: &[u8] = if flags == 0x10 { &[0; 4] } else { &[] };
            let bytes = [&[flags, 0][..], &protocol, sequence, header].concat();
            assert!(is_mirror(&bytes));
            (Layer::Gre.read(&bytes), mirror_session(&bytes))
        };
        assert_eq!(with(0x00, [0x88, 0xbe], &[0x10, 7, 0, 9]), (Some((FRAME, 4)), None));
        assert_eq!(
            with(0x10, [0x88, 0xbe], &[0x10, 7, 0xfc, 9]),
            (Some((FRAME, 16)), Some(9))
        );
        let mut third = [0; 12];
        third[0] = 0x20;
        third[3] = 7;
        assert_eq!(with(0x10, [0x22, 0xeb], &third), (Some((FRAME, 20)), Some(7)));
        third[11] = 1;
        assert_eq!(with(0x10, [0x22, 0xeb], &third).0, Some((FRAME, 28)));
        third[10] = 2 << 2;
        assert_eq!(with(0x10, [0x22, 0xeb], &third).0, None);
    }

    #[test]
    fn both_versions_of_wccp_lead_to_ip() {
        assert_eq!(Layer::Gre.read(&[0, 0, 0x88, 0x3e, 0x45]), Some((V4, 4)));
        assert_eq!(Layer::Gre.read(&[0, 0, 0x88, 0x3e, 0x00]), Some((V4, 8)));
    }

    #[test]
    fn vxlan_holds_a_frame_and_its_extension_tells_what() {
        assert_eq!(Layer::Vxlan.read(&[0x08, 0, 0, 0, 0, 0, 42, 0]), Some((FRAME, 8)));
        assert_eq!(Layer::VxlanGpe.read(&[0x0c, 0, 0, 1]), Some((V4, 8)));
        assert_eq!(Layer::VxlanGpe.read(&[0x0c, 0, 0, 3]), Some((FRAME, 8)));
    }

    #[test]
    fn the_options_of_geneve_are_stepped_over() {
        assert_eq!(Layer::Geneve.read(&[0x00, 0, 0x65, 0x58]), Some((FRAME, 8)));
        assert_eq!(Layer::Geneve.read(&[0x02, 0, 0x08, 0x00]), Some((V4, 16)));
        assert_eq!(Layer::Geneve.read(&[0x00, 0, 0x08, 0x06]), None);
    }

    #[test]
    fn the_extension_headers_of_gtp_are_stepped_over() {
        let plain = [0x30, 0xff, 0, 20, 0, 0, 0, 1, 0x45];
        assert_eq!(Layer::Gtp.read(&plain), Some((V4, 8)));
        let sequence = [0x32, 0xff, 0, 20, 0, 0, 0, 1, 0, 7, 0, 0, 0x60];
        assert_eq!(Layer::Gtp.read(&sequence), Some((V6, 12)));
        let extended = [0x34, 0xff, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 9, 0, 0x45];
        assert_eq!(Layer::Gtp.read(&extended), Some((V4, 16)));
        let endless = [0x34, 0xff, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0x85, 0, 0, 9, 0x85, 0x45];
        assert_eq!(Layer::Gtp.read(&endless), None);
        let echo = [0x32, 0x01, 0, 4, 0, 0, 0, 0, 0, 7, 0, 0, 0x45];
        assert_eq!(Layer::Gtp.read(&echo), None);
    }

    #[test]
    fn what_teredo_puts_before_ipv6_is_stepped_over() {
        assert_eq!(Layer::Teredo.read(&[0x60, 0]), Some((V6, 0)));
        let origin = [0, 0, 1, 2, 3, 4, 5, 6, 0x60];
        assert_eq!(Layer::Teredo.read(&origin), Some((V6, 8)));
        let both = [&[0, 1, 0, 0][..], &[7; 9], &origin].concat();
        assert_eq!(Layer::Teredo.read(&both), Some((V6, 21)));
    }

    #[test]
    fn an_access_point_hands_over_frames_of_either_kind() {
        let header = |length: u32, binding: u32, flags: u32| (length << 19 | binding << 9 | flags).to_be_bytes();
        let wifi = Layer::Wifi(Form::InCapwap);
        for (header, read) in [
            (header(2, 1, 0x100), Some((wifi, 8))),
            (header(4, 1, 0x110), Some((wifi, 16))),
            (header(2, 1, 0), Some((FRAME, 8))),
            (header(2, 3, 0x100), None),
            (header(2, 1, 0x180), None),
            (header(2, 1, 0x108), None),
            (header(1, 1, 0), None),
            ([1, 0, 0, 0], None),
        ] {
            assert_eq!(capwap(&header), read, "{header:02x?}");
        }
    }
}
