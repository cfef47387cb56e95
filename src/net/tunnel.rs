//! From the start of a frame, or from the payload of an IP packet, to the IP header inside whatever encapsulations there are.
//!
//! Tunnels nest: VXLAN over PPPoE, GRE in IP in MPLS. The walk stops at [`DEEPEST`] of them, far more than any network stacks up, so
//! that a packet made for the purpose costs no more than an ordinary one.

use super::encapsulation::Layer;
use super::{Encapsulations, link};

/// The most encapsulations that are unwrapped.
const DEEPEST: u8 = 8;

const UDP_HEADER: usize = 8;

/// Bytes that stand in a packet: the captured ones, where they begin in the frame, and how many they were on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) on_wire: usize,
}

impl<'a> Part<'a> {
    /// What remains after `skipped` bytes.
    pub(super) fn after(self, skipped: usize) -> Option<Self> {
        Some(Self {
            bytes: self.bytes.get(skipped..)?,
            at: self.at + skipped,
            on_wire: self.on_wire.saturating_sub(skipped),
        })
    }

    /// The first `length` bytes, or fewer where there are fewer.
    fn first(self, length: usize) -> Self {
        Self {
            bytes: self.bytes.get(..length).unwrap_or(self.bytes),
            at: self.at,
            on_wire: self.on_wire.min(length),
        }
    }
}

/// What was met on the way to a place in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// Innermost VLAN id so far; 0 where there was no tag.
    pub(super) vlan: u16,
    /// True where Wireshark reads as far.
    pub(super) numbered: bool,
    /// ICMP errors around this place.
    pub(super) quotes: u8,
    /// What was unwrapped.
    pub(super) encapsulations: Encapsulations,
    /// How often.
    depth: u8,
}

impl Path {
    /// The start of a frame.
    pub(super) const START: Self = Self {
        vlan: 0,
        numbered: true,
        quotes: 0,
        encapsulations: Encapsulations::NONE,
        depth: 0,
    };

    /// Notes the tags of a link layer. A frame without a tag leaves the id of the frame around it.
    const fn tagged(&mut self, vlan: u16, numbered: bool) {
        if vlan != 0 {
            self.vlan = vlan;
        }
        self.numbered &= numbered;
    }

    /// Notes an encapsulation; `None` where it is one too many.
    fn enter(&mut self, kind: Encapsulations) -> Option<()> {
        self.depth = self.depth.checked_add(1).filter(|depth| *depth <= DEEPEST)?;
        self.encapsulations = self.encapsulations.with(kind);
        Some(())
    }
}

/// Walks from a layer to the next IP header, and notes in `path` what it passes.
pub(super) fn unwrap<'a>(mut layer: Layer, mut part: Part<'a>, path: &mut Path) -> Option<Part<'a>> {
    // Past the frame's own link layer, what `enter` does not count takes at least four bytes each time: the walk ends.
    loop {
        let (next, skipped) = match layer {
            Layer::Ip(announced) => return link::ip(part.bytes, 0, announced).map(|_| part),
            Layer::Link(kind) => {
                if let Some(network) = link::peel(kind, part.bytes) {
                    path.tagged(network.vlan, network.numbered);
                    return part.after(network.at);
                }
                match link::type_field(kind, part.bytes) {
                    Some(typed) => {
                        path.tagged(typed.vlan, typed.numbered);
                        (Layer::typed(typed.protocol)?, typed.at)
                    }
                    None => (Layer::in_link(kind)?, 0),
                }
            }
            Layer::Tags(protocol) => {
                let typed = link::tags(part.bytes, 0, protocol)?;
                path.tagged(typed.vlan, typed.numbered);
                (Layer::typed(typed.protocol)?, typed.at)
            }
            layer => {
                if let Some(kind) = layer.kind() {
                    path.enter(kind)?;
                }
                layer.read(part.bytes)?
            }
        };
        part = part.after(skipped)?;
        layer = next;
    }
}

/// The tunnel that the ports of a UDP header announce, and what the header holds. As in Wireshark, the lower port is asked first,
/// and the other one where that is answered by nothing.
pub(super) fn in_udp<'a>(part: Part<'a>, path: &mut Path) -> Option<(Layer, Part<'a>)> {
    let source = link::be16(part.bytes, 0)?;
    let destination = link::be16(part.bytes, 2)?;
    let length = usize::from(link::be16(part.bytes, 4)?);
    // A length of 0 is left by segmentation offload: the rest of the packet. Wireshark does not read on there.
    let datagram = if length == 0 { part } else { part.first(length) };
    let payload = datagram.after(UDP_HEADER)?;
    let (layer, numbered) = [source.min(destination), source.max(destination)]
        .into_iter()
        .filter_map(Layer::in_udp)
        .find(|(layer, _)| layer.read(payload.bytes).is_some())?;
    path.numbered &= numbered && length != 0;
    Some((layer, payload))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Decoded, Packet, Role, Segment, decode};
    use super::*;

    const TCP: [u8; 25] = [
        0xc0, 0x01, 0x01, 0xbb, 0, 0, 0, 100, 0, 0, 0, 9, 0x50, 0x18, 0x10, 0, 0, 0, 0, 0, b'i', b'n', b'n', b'e', b'r',
    ];

    const ETHERNET: u16 = 1;
    const RAW: u16 = 101;

    fn v4(protocol: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x45, 0];
        bytes.extend((20 + payload.len() as u16).to_be_bytes());
        bytes.extend([0x12, 0x34, 0x40, 0, 61, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        [&bytes[..], payload].concat()
    }

    fn v6(next: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x60, 0, 0, 0];
        bytes.extend((payload.len() as u16).to_be_bytes());
        bytes.extend([next, 62]);
        bytes.extend([0x20; 16]);
        bytes.extend([0x21; 16]);
        [&bytes[..], payload].concat()
    }

    fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xd0, 0x00];
        bytes.extend(port.to_be_bytes());
        bytes.extend((8 + payload.len() as u16).to_be_bytes());
        bytes.extend([0, 0]);
        [&bytes[..], payload].concat()
    }

    /// `kind` is the type field with the tags before it.
    fn ethernet(kind: &[u8], payload: &[u8]) -> Vec<u8> {
        [&[2; 12], kind, payload].concat()
    }

    fn on(header: &[u8], payload: &[u8]) -> Vec<u8> {
        [header, payload].concat()
    }

    fn packet(link: u16, bytes: &[u8], original: usize) -> Packet<'_> {
        Packet {
            link,
            bytes,
            original: original as u32,
            at: 500,
            frame: 3,
            time: None,
        }
    }

    /// The segment of a frame, which must hold the payload at its very end.
    fn segment(link: u16, frame: &[u8]) -> Segment {
        let Decoded::Tcp(segment) = decode(&packet(link, frame, frame.len())) else {
            panic!("not a segment: {frame:02x?}");
        };
        assert_eq!((segment.payload_len, segment.payload_cut, segment.seq), (5, 0, 100));
        assert_eq!((segment.payload_at - 500) as usize, frame.len() - 5);
        segment
    }

    fn kinds(link: u16, frame: &[u8]) -> Encapsulations {
        let segment = segment(link, frame);
        assert_eq!(segment.role, Role::Whole);
        segment.encapsulations
    }

    #[test]
    fn a_session_over_ethernet_is_unwrapped_and_keeps_its_vlan() {
        let session = on(&[0x11, 0, 0, 1, 0, 47, 0x00, 0x21], &v4(6, &TCP));
        let frame = ethernet(&[0x81, 0x00, 0, 7, 0x88, 0x64], &session);
        assert_eq!(kinds(ETHERNET, &frame), Encapsulations::PPP);
        assert_eq!(segment(ETHERNET, &frame).vlan, 7);
        assert_eq!(kinds(51, &session), Encapsulations::PPP);
    }

    #[test]
    fn serial_links_and_netfilter_logs_are_unwrapped() {
        assert_eq!(kinds(9, &on(&[0xff, 3, 0, 0x57], &v6(6, &TCP))), Encapsulations::PPP);
        assert_eq!(kinds(50, &on(&[0x21], &v4(6, &TCP))), Encapsulations::PPP);
        assert_eq!(kinds(104, &on(&[0x0f, 0, 8, 0], &v4(6, &TCP))), Encapsulations::NONE);
        let log = [2, 0, 0, 0, 5, 0, 10, 0, 0, 0, 0, 0, 49, 0, 9, 0];
        assert_eq!(kinds(239, &on(&log, &v4(6, &TCP))), Encapsulations::NONE);
    }

    #[test]
    fn labels_and_metadata_are_unwrapped() {
        let labels = [0, 1, 0x00, 64, 0, 2, 0x01, 64];
        for kind in [[0x88, 0x47], [0x88, 0x48]] {
            assert_eq!(
                kinds(ETHERNET, &ethernet(&kind, &on(&labels, &v6(6, &TCP)))),
                Encapsulations::MPLS
            );
        }
        let metadata = [1, 1, 0, 1, 0, 2, 0x08, 0x00];
        assert_eq!(
            kinds(ETHERNET, &ethernet(&[0x89, 0x09], &on(&metadata, &v4(6, &TCP)))),
            Encapsulations::CISCO_METADATA
        );
    }

    #[test]
    fn either_ip_goes_in_either() {
        for inner in [(4, v4(6, &TCP)), (41, v6(6, &TCP))] {
            assert_eq!(kinds(RAW, &v4(inner.0, &inner.1)), Encapsulations::IP);
            assert_eq!(kinds(RAW, &v6(inner.0, &inner.1)), Encapsulations::IP);
        }
    }

    #[test]
    fn the_innermost_addresses_and_hop_limit_count() {
        let segment = segment(RAW, &v4(41, &v6(6, &TCP)));
        assert_eq!(segment.key.low().0, std::net::Ipv6Addr::from([0x20; 16]));
        assert_eq!((segment.ttl, segment.ip_id), (62, 0));
    }

    #[test]
    fn gre_holds_packets_and_frames() {
        assert_eq!(
            kinds(RAW, &v4(47, &on(&[0, 0, 8, 0], &v4(6, &TCP)))),
            Encapsulations::GRE
        );
        let frame = ethernet(&[0x81, 0x00, 0, 9, 0x86, 0xdd], &v6(6, &TCP));
        let keyed = on(&[0x20, 0, 0x65, 0x58, 0, 0, 0, 5], &frame);
        assert_eq!(kinds(RAW, &v6(47, &keyed)), Encapsulations::GRE);
        assert_eq!(segment(RAW, &v6(47, &keyed)).vlan, 9);
    }

    #[test]
    fn tunnels_in_udp_are_told_by_either_port() {
        let frame = ethernet(&[8, 0], &v4(6, &TCP));
        let vxlan = on(&[8, 0, 0, 0, 0, 0, 42, 0], &frame);
        let geneve = on(&[0, 0, 0x65, 0x58, 0, 0, 42, 0], &frame);
        let gtp = on(&[0x30, 0xff, 0, 45, 0, 0, 0, 1], &v4(6, &TCP));
        for (port, payload, kind) in [
            (4789, &vxlan, Encapsulations::VXLAN),
            (6081, &geneve, Encapsulations::GENEVE),
            (2152, &gtp, Encapsulations::GTP),
            (3544, &v6(6, &TCP), Encapsulations::IP),
        ] {
            let mut there = v4(17, &udp(port, payload));
            assert_eq!(kinds(RAW, &there), kind);
            assert_eq!(kinds(RAW, &v6(17, &udp(port, payload))), kind);
            there[20..24].rotate_left(2);
            assert_eq!(kinds(RAW, &there), kind);
        }
        assert_eq!(decode(&packet(RAW, &v4(17, &udp(4788, &vxlan)), 500)), Decoded::Other);
    }

    #[test]
    fn vxlan_at_the_port_of_linux_is_followed_and_not_numbered() {
        let vxlan = on(&[8, 0, 0, 0, 0, 0, 42, 0], &ethernet(&[8, 0], &v4(6, &TCP)));
        assert_eq!(segment(RAW, &v4(17, &udp(8472, &vxlan))).role, Role::Unnumbered);
    }

    #[test]
    fn a_cut_payload_in_a_tunnel_says_how_much_is_missing() {
        let whole = v4(47, &on(&[0, 0, 8, 0], &v4(6, &TCP)));
        let Decoded::Tcp(segment) = decode(&packet(RAW, &whole[..whole.len() - 2], whole.len())) else {
            panic!("not a segment");
        };
        assert_eq!((segment.payload_len, segment.payload_cut), (3, 2));
    }

    #[test]
    fn padding_behind_a_tunnel_is_no_payload() {
        let inner = on(&v4(6, &TCP), &[0; 9]);
        let Decoded::Tcp(segment) = decode(&packet(RAW, &v4(4, &inner), 500)) else {
            panic!("not a segment");
        };
        assert_eq!((segment.payload_len, segment.payload_cut), (5, 0));
    }

    #[test]
    fn a_segment_quoted_in_a_tunnel_is_a_glimpse() {
        let error = on(&[3, 4, 0, 0, 0, 0, 5, 0], &v4(6, &TCP));
        let Decoded::Tcp(segment) = decode(&packet(RAW, &v4(4, &v4(1, &error)), 500)) else {
            panic!("not a segment");
        };
        assert_eq!((segment.role, segment.payload_len), (Role::Glimpse, 0));
    }

    #[test]
    fn eight_encapsulations_are_unwrapped_and_nine_are_not() {
        let mut frame = v4(6, &TCP);
        for _ in 0..8 {
            frame = v4(4, &frame);
        }
        assert_eq!(kinds(RAW, &frame), Encapsulations::IP);
        frame = v4(4, &frame);
        assert_eq!(decode(&packet(RAW, &frame, frame.len())), Decoded::Other);
    }

    /// One more encapsulation around an IP packet, of the kind that a number stands for.
    fn wrapped(kind: u8, inner: Vec<u8>) -> Vec<u8> {
        let is_v6 = inner[0] >> 4 == 6;
        let (protocol, kind_of) = if is_v6 { (41, [0x86, 0xdd]) } else { (4, [8, 0]) };
        let frame = || ethernet(&kind_of, &inner);
        match kind % 9 {
            0 => v4(protocol, &inner),
            1 => v6(protocol, &inner),
            2 => v4(
                47,
                &on(&[0x30, 0, kind_of[0], kind_of[1], 0, 0, 0, 1, 0, 0, 0, 2], &inner),
            ),
            3 => v6(47, &on(&[0, 0, 0x65, 0x58], &frame())),
            4 => v4(17, &udp(4789, &on(&[8, 0, 0, 0, 0, 0, 42, 0], &frame()))),
            5 => v6(
                17,
                &udp(
                    6081,
                    &on(&[1, 0, kind_of[0], kind_of[1], 0, 0, 42, 0, 1, 1, 0, 0], &inner),
                ),
            ),
            6 => v4(
                17,
                &udp(
                    2152,
                    &on(&[0x34, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 9, 0], &inner),
                ),
            ),
            7 => v4(137, &on(&[0, 1, 1, 64], &inner)),
            _ => v4(
                47,
                &on(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 0, 0, 0, 0, 0], &frame()),
            ),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn any_nesting_leads_to_the_segment(nesting in prop::collection::vec(any::<u8>(), 0..=8)) {
            let frame = nesting.into_iter().fold(v4(6, &TCP), |inner, kind| wrapped(kind, inner));
            prop_assert_eq!(segment(RAW, &frame).role, Role::Whole);
        }

        #[test]
        fn a_damaged_tunnel_is_read_without_a_panic_and_within_its_frame(
            nesting in prop::collection::vec(any::<u8>(), 0..6),
            outer in any::<bool>(),
            mutations in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 0..5),
            cut in prop_oneof![2 => Just(0_usize), 1 => 0..60_usize],
            missing in 0..3000_usize,
        ) {
            let mut frame = nesting.into_iter().fold(v4(6, &TCP), |inner, kind| wrapped(kind, inner));
            if outer {
                frame = on(&[0xff, 3, 0, if frame[0] >> 4 == 6 { 0x57 } else { 0x21 }], &frame);
            }
            for (place, value) in mutations {
                *place.get_mut(&mut frame) = value;
            }
            frame.truncate(frame.len() - cut.min(frame.len()));
            let packet = packet(if outer { 9 } else { RAW }, &frame, frame.len() + missing);
            if let Decoded::Tcp(segment) = decode(&packet) {
                let end = (segment.payload_at - 500) as usize + segment.payload_len as usize;
                prop_assert!(end <= frame.len());
            }
        }
    }
}
