//! Headers that wrap an IP packet, or a whole Ethernet frame, once more. Each reader tells what follows its header, and how long the
//! header is; [`super::tunnel`] walks from one to the next.
//!
//! A reader looks at what it needs to find the next layer, and at nothing else: checksums, sequence numbers and tunnel ids are no
//! reason to leave a packet out. Where implementations differ from the standard, what Wireshark 4.0 makes of a header decides, since
//! its stream numbers are to come out the same.

use super::Encapsulations;
use super::link::{self, ETHERNET, TYPE_IPV4, TYPE_IPV6, be16};

/// What begins at a place in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// A frame of a link type of its own; inside tunnels, Ethernet.
    Link(u16),
    /// VLAN tags, of which the EtherType announces the first.
    Tags(u16),
    /// IP; the EtherType says which version is expected.
    Ip(u16),
    /// IP again, directly behind an IP header.
    IpInIp(u16),
    /// A PPP session over Ethernet.
    Pppoe,
    /// PPP.
    Ppp,
    /// Cisco's HDLC.
    CiscoHdlc,
    /// Cisco's metadata header.
    CiscoMetadata,
    /// A stack of MPLS labels.
    Mpls,
    /// GRE.
    Gre,
    /// VXLAN.
    Vxlan,
    /// VXLAN with a field for the next protocol.
    VxlanGpe,
    /// Geneve.
    Geneve,
    /// The user plane of GTP.
    Gtp,
    /// IPv6 in UDP.
    Teredo,
    /// A packet from Linux' netfilter.
    Nflog,
}

/// Link types of the LINKTYPE_ registry.
const PPP: u16 = 9;
const PPP_HDLC: u16 = 50;
const PPPOE: u16 = 51;
const CISCO_HDLC: u16 = 104;
const NFLOG: u16 = 239;

/// EtherTypes (IANA's registry of IEEE 802 numbers).
const TYPE_ETHERNET: u16 = 0x6558;
const TYPE_PPP: u16 = 0x880b;
const TYPE_MPLS: u16 = 0x8847;
const TYPE_MPLS_MULTICAST: u16 = 0x8848;
const TYPE_PPPOE_SESSION: u16 = 0x8864;
const TYPE_CISCO_METADATA: u16 = 0x8909;

/// Types that occur in GRE only: Cisco's mirrored frames, the packets that WCCP redirects, and the frames of MikroTik's EoIP.
const TYPE_ERSPAN: u16 = 0x88be;
const TYPE_ERSPAN_3: u16 = 0x22eb;
const TYPE_WCCP: u16 = 0x883e;
const TYPE_EOIP: u16 = 0x6400;

impl Layer {
    /// What a link type holds that [`super::link`] does not read.
    pub(super) const fn in_link(link: u16) -> Option<Self> {
        match link {
            PPP | PPP_HDLC => Some(Self::Ppp),
            PPPOE => Some(Self::Pppoe),
            CISCO_HDLC => Some(Self::CiscoHdlc),
            NFLOG => Some(Self::Nflog),
            _ => None,
        }
    }

    /// What an EtherType announces.
    pub(super) const fn typed(protocol: u16) -> Option<Self> {
        match protocol {
            0x8100 | 0x88a8 | 0x9100 => Some(Self::Tags(protocol)),
            TYPE_PPPOE_SESSION => Some(Self::Pppoe),
            TYPE_CISCO_METADATA => Some(Self::CiscoMetadata),
            _ => Self::typed_elsewhere(protocol),
        }
    }

    /// What an EtherType announces where it stands in GRE or Cisco's HDLC, for which Wireshark has shorter lists.
    const fn typed_elsewhere(protocol: u16) -> Option<Self> {
        match protocol {
            TYPE_IPV4 | TYPE_IPV6 => Some(Self::Ip(protocol)),
            TYPE_MPLS | TYPE_MPLS_MULTICAST => Some(Self::Mpls),
            TYPE_ETHERNET => Some(Self::Link(ETHERNET)),
            _ => None,
        }
    }

    /// What a protocol number of IP announces, beside TCP, UDP and ICMP.
    pub(super) const fn in_ip(protocol: u8) -> Option<Self> {
        match protocol {
            4 => Some(Self::IpInIp(TYPE_IPV4)),
            41 => Some(Self::IpInIp(TYPE_IPV6)),
            47 => Some(Self::Gre),
            137 => Some(Self::Mpls),
            _ => None,
        }
    }

    /// What is expected behind UDP at a port, and whether Wireshark 4.0 expects it there too.
    pub(super) const fn in_udp(port: u16) -> Option<(Self, bool)> {
        match port {
            2152 => Some((Self::Gtp, true)),
            3544 => Some((Self::Teredo, true)),
            4754 => Some((Self::Gre, true)),
            4789 => Some((Self::Vxlan, true)),
            4790 => Some((Self::VxlanGpe, true)),
            6081 => Some((Self::Geneve, true)),
            6635 => Some((Self::Mpls, true)),
            // What the Linux kernel and Flannel use by default.
            8472 => Some((Self::Vxlan, false)),
            _ => None,
        }
    }

    /// What a layer adds to the set of encapsulations; `None` for those that are link layers, or IP itself.
    pub(super) const fn kind(self) -> Option<Encapsulations> {
        match self {
            // A session over Ethernet counts by the PPP that follows its header.
            Self::Link(_) | Self::Tags(_) | Self::Ip(_) | Self::CiscoHdlc | Self::Nflog | Self::Pppoe => None,
            Self::IpInIp(_) | Self::Teredo => Some(Encapsulations::IP),
            Self::Ppp => Some(Encapsulations::PPP),
            Self::CiscoMetadata => Some(Encapsulations::CISCO_METADATA),
            Self::Mpls => Some(Encapsulations::MPLS),
            Self::Gre => Some(Encapsulations::GRE),
            Self::Vxlan | Self::VxlanGpe => Some(Encapsulations::VXLAN),
            Self::Geneve => Some(Encapsulations::GENEVE),
            Self::Gtp => Some(Encapsulations::GTP),
        }
    }

    /// Reads the header of a layer: what follows it, and how many bytes it takes. `None` where it cannot be one, or leads to nothing
    /// that is read here.
    pub(super) fn read(self, bytes: &[u8]) -> Option<(Self, usize)> {
        match self {
            Self::IpInIp(announced) => Some((Self::Ip(announced), 0)),
            Self::Pppoe => pppoe(bytes),
            Self::Ppp => ppp(bytes),
            Self::CiscoHdlc => Some((Self::typed_elsewhere(be16(bytes, 2)?)?, 4)),
            Self::CiscoMetadata => Some((Self::typed(be16(bytes, 6)?)?, 8)),
            Self::Mpls => mpls(bytes),
            Self::Gre => gre(bytes),
            // The flags and the network id (RFC 7348 §5) do not matter for what follows.
            Self::Vxlan => Some((Self::Link(ETHERNET), 8)),
            Self::VxlanGpe => vxlan_gpe(bytes),
            Self::Geneve => geneve(bytes),
            Self::Gtp => gtp(bytes),
            Self::Teredo => teredo(bytes),
            Self::Nflog => nflog(bytes),
            Self::Link(_) | Self::Tags(_) | Self::Ip(_) => None,
        }
    }
}

/// True where a tunnel is expected at a UDP port.
#[inline(always)]
pub(super) const fn has_port(port: u16) -> bool {
    Layer::in_udp(port).is_some()
}

/// A session stage packet (RFC 2516 §4): version and type 1, code 0, session id, length.
fn pppoe(bytes: &[u8]) -> Option<(Layer, usize)> {
    match *bytes.first_chunk::<6>()? {
        [0x11, 0, ..] => Some((Layer::Ppp, 6)),
        _ => None,
    }
}

/// PPP (RFC 1661 §2), with or without the address and control fields of RFC 1662, its protocol field compressed or not. Some
/// routers write Cisco's HDLC on links that are announced as PPP; Wireshark tells them by the address.
fn ppp(bytes: &[u8]) -> Option<(Layer, usize)> {
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

/// A stack of labels (RFC 3032 §2.1), to the one whose bottom bit is set. What follows is not announced; its first four bits tell
/// (RFC 4928 §3): IP, or a pseudowire's control word (RFC 4385 §3) and an Ethernet frame, or such a frame alone.
fn mpls(bytes: &[u8]) -> Option<(Layer, usize)> {
    let labels = bytes.as_chunks::<4>().0;
    let at = (labels.iter().position(|label| label[2] & 1 == 1)? + 1) * 4;
    let rest = bytes.get(at..)?;
    match rest.first()? >> 4 {
        4 => Some((Layer::Ip(TYPE_IPV4), at)),
        6 => Some((Layer::Ip(TYPE_IPV6), at)),
        0 if link::peel(ETHERNET, rest.get(4..)?).is_some() => Some((Layer::Link(ETHERNET), at + 4)),
        _ => Some((Layer::Link(ETHERNET), at)),
    }
}

/// GRE (RFC 2784 §2.1) with the key and the sequence number of RFC 2890, and the acknowledgement number of RFC 2637 §4.1. The source
/// routes of RFC 1701 end with an empty one.
fn gre(bytes: &[u8]) -> Option<(Layer, usize)> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    const ACKNOWLEDGEMENT: u16 = 0x0080;

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
fn vxlan_gpe(bytes: &[u8]) -> Option<(Layer, usize)> {
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
fn geneve(bytes: &[u8]) -> Option<(Layer, usize)> {
    let options = usize::from(bytes.first()? & 0x3f) * 4;
    Some((Layer::typed(be16(bytes, 2)?)?, 8 + options))
}

/// A G-PDU of GTP version 1 (3GPP TS 29.281 §5): any of the three lowest flags brings four bytes more, which may lead to extension
/// headers; those count words of four bytes, and end with the type of the next.
fn gtp(bytes: &[u8]) -> Option<(Layer, usize)> {
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
fn teredo(bytes: &[u8]) -> Option<(Layer, usize)> {
    let mut at = 0;
    if let [0, 1, id, authentication, ..] = *bytes {
        at = 4 + usize::from(id) + usize::from(authentication) + 9;
    }
    if be16(bytes, at)? == 0 {
        at += 8;
    }
    Some((Layer::Ip(TYPE_IPV6), at))
}

/// Linux' netfilter log (LINKTYPE_NFLOG): an address family, then attributes, of which one is the packet. Their numbers are in the
/// byte order of the machine that wrote them, which nothing tells: the order in which a packet is found is the one.
fn nflog(bytes: &[u8]) -> Option<(Layer, usize)> {
    let protocol = match *bytes.first_chunk::<4>()? {
        [2, 0, ..] => TYPE_IPV4,
        [10, 0, ..] => TYPE_IPV6,
        _ => return None,
    };
    let at = nflog_payload(bytes, u16::from_le_bytes).or_else(|| nflog_payload(bytes, u16::from_be_bytes))?;
    Some((Layer::Ip(protocol), at))
}

/// Offset of the packet among the attributes, each of which is padded to four bytes.
fn nflog_payload(bytes: &[u8], number: fn([u8; 2]) -> u16) -> Option<usize> {
    const PACKET: u16 = 9;
    let mut at = 4;
    loop {
        let [a, b, c, d] = *bytes.get(at..)?.first_chunk()?;
        let length = usize::from(number([a, b]));
        match number([c, d]) {
            _ if length < 4 => return None,
            PACKET => return Some(at + 4),
            _ => at += length.next_multiple_of(4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: Layer = Layer::Ip(TYPE_IPV4);
    const V6: Layer = Layer::Ip(TYPE_IPV6);
    const FRAME: Layer = Layer::Link(ETHERNET);

    #[test]
    fn a_session_packet_of_pppoe_holds_ppp_and_a_discovery_packet_does_not() {
        assert_eq!(Layer::Pppoe.read(&[0x11, 0, 0, 1, 0, 40]), Some((Layer::Ppp, 6)));
        assert_eq!(Layer::Pppoe.read(&[0x11, 0x09, 0, 0, 0, 40]), None);
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
    fn cisco_metadata_ends_with_an_ethertype() {
        assert_eq!(
            Layer::CiscoMetadata.read(&[1, 1, 0, 1, 0, 2, 0x08, 0x00]),
            Some((V4, 8))
        );
        let tags = Some((Layer::Tags(0x8100), 8));
        assert_eq!(Layer::CiscoMetadata.read(&[1, 1, 0, 1, 0, 2, 0x81, 0x00]), tags);
    }

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
    fn mirrored_frames_have_a_header_by_their_version() {
        let with = |flags: u8, protocol: [u8; 2], header: &[u8]| {
            let gre = [flags, 0, protocol[0], protocol[1]];
            let sequence: &[u8] = if flags == 0x10 { &[0; 4] } else { &[] };
            Layer::Gre.read(&[&gre[..], sequence, header].concat())
        };
        assert_eq!(with(0x00, [0x88, 0xbe], &[]), Some((FRAME, 4)));
        assert_eq!(with(0x10, [0x88, 0xbe], &[0x10]), Some((FRAME, 16)));
        let mut third = [0; 12];
        third[0] = 0x20;
        assert_eq!(with(0x10, [0x22, 0xeb], &third), Some((FRAME, 20)));
        third[11] = 1;
        assert_eq!(with(0x10, [0x22, 0xeb], &third), Some((FRAME, 28)));
        third[10] = 2 << 2;
        assert_eq!(with(0x10, [0x22, 0xeb], &third), None);
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
    fn the_packet_of_a_netfilter_log_is_found_in_both_byte_orders() {
        let little = [2, 0, 0, 0, 5, 0, 10, 0, 0, 0, 0, 0, 44, 0, 9, 0, 0x45];
        assert_eq!(Layer::Nflog.read(&little), Some((V4, 16)));
        let big = [10, 0, 0, 0, 0, 5, 0, 10, 0, 0, 0, 0, 0, 44, 0, 9, 0x60];
        assert_eq!(Layer::Nflog.read(&big), Some((V6, 16)));
        assert_eq!(Layer::Nflog.read(&[2, 0, 0, 0, 0, 0, 10, 0]), None);
    }
}
