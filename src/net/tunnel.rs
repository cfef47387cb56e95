//! From the start of a frame, or from the payload of an IP packet, to the IP header inside whatever encapsulations there are.
//!
//! Tunnels nest: VXLAN over PPPoE, GRE in IP in MPLS. The walk stops where [`Encapsulations`] is full, so that a packet made for the
//! purpose costs no more than an ordinary one.

use super::layer::Layer;
use super::{Encapsulations, link};

/// The most datagrams within each other that are put together from fragments.
const DEEPEST_FRAGMENTS: u8 = 4;

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
    /// Fragmented datagrams around this place.
    fragmented: u8,
}

impl Path {
    /// The start of a frame.
    pub(super) const START: Self = Self {
        vlan: 0,
        numbered: true,
        quotes: 0,
        encapsulations: Encapsulations::NONE,
        fragmented: 0,
    };

    /// Notes the tags of a link layer. A frame without a tag leaves the id of the frame around it.
    const fn tagged(&mut self, vlan: u16, numbered: bool) {
        if vlan != 0 {
            self.vlan = vlan;
        }
        self.numbered &= numbered;
    }

    /// Notes an encapsulation that begins with these bytes; `None` where it is one too many.
    fn enter(&mut self, layer: Layer, bytes: &[u8]) -> Option<()> {
        if let Some(kind) = layer.kind(bytes) {
            self.encapsulations = self.encapsulations.with(kind, layer.id(bytes))?;
        }
        self.numbered &= layer.numbered(bytes);
        Some(())
    }

    /// The path into a datagram that is put together from fragments; `None` where it is one too many.
    pub(super) fn into_fragments(self) -> Option<Self> {
        let fragmented = self.fragmented.checked_add(1)?;
        (fragmented <= DEEPEST_FRAGMENTS).then_some(Self { fragmented, ..self })
    }
}

/// Where a walk ends.
pub(super) enum Found<'a> {
    /// An IP packet.
    Ip(Part<'a>),
    /// Several frames of a wireless network in one.
    Aggregate(Part<'a>),
}

/// Walks from a layer to the next IP header, and notes in `path` what it passes.
pub(super) fn unwrap<'a>(mut layer: Layer, mut part: Part<'a>, path: &mut Path) -> Option<Found<'a>> {
    // What is not counted takes at least four bytes each time, or is followed by something that does: the walk ends.
    loop {
        let (next, skipped) = match layer {
            Layer::Ip(announced) => return link::ip(part.bytes, 0, announced).map(|_| Found::Ip(part)),
            Layer::Aggregate => return Some(Found::Aggregate(part)),
            Layer::Link(kind) => {
                if let Some(network) = link::peel(kind, part.bytes) {
                    path.tagged(network.vlan, network.numbered);
                    return part.after(network.at).map(Found::Ip);
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
                path.enter(layer, part.bytes)?;
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

    /// What the frame is wrapped in, with the number of the innermost kind that has one.
    fn kinds(link: u16, frame: &[u8]) -> String {
        let segment = segment(link, frame);
        assert_eq!(segment.role, Role::Whole);
        told(&segment)
    }

    fn told(segment: &Segment) -> String {
        let word = |(kind, id): (&str, Option<u32>)| id.map_or_else(|| kind.to_owned(), |id| format!("{kind} {id}"));
        segment.encapsulations.told().map(word).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_session_over_ethernet_is_unwrapped_and_keeps_its_vlan() {
        let session = on(&[0x11, 0, 0, 1, 0, 47, 0x00, 0x21], &v4(6, &TCP));
        let frame = ethernet(&[0x81, 0x00, 0, 7, 0x88, 0x64], &session);
        assert_eq!(kinds(ETHERNET, &frame), "pppoe 1");
        assert_eq!(segment(ETHERNET, &frame).vlan, 7);
        assert_eq!(kinds(51, &session), "pppoe 1");
    }

    #[test]
    fn serial_links_and_netfilter_logs_are_unwrapped() {
        assert_eq!(kinds(9, &on(&[0xff, 3, 0, 0x57], &v6(6, &TCP))), "ppp");
        assert_eq!(kinds(50, &on(&[0x21], &v4(6, &TCP))), "ppp");
        assert_eq!(kinds(104, &on(&[0x0f, 0, 8, 0], &v4(6, &TCP))), "");
        assert_eq!(kinds(107, &on(&[0x18, 0x41, 3, 0xcc], &v4(6, &TCP))), "");
        assert_eq!(kinds(100, &on(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &v4(6, &TCP))), "");
        let log = [2, 0, 0, 0, 5, 0, 10, 0, 0, 0, 0, 0, 49, 0, 9, 0];
        assert_eq!(kinds(239, &on(&log, &v4(6, &TCP))), "");
    }

    #[test]
    fn labels_and_metadata_are_unwrapped() {
        let labels = [0, 1, 0x00, 64, 0, 2, 0x01, 64];
        for kind in [[0x88, 0x47], [0x88, 0x48]] {
            assert_eq!(kinds(ETHERNET, &ethernet(&kind, &on(&labels, &v6(6, &TCP)))), "mpls 32");
        }
        let metadata = [1, 1, 0, 1, 0, 2, 0x08, 0x00];
        assert_eq!(
            kinds(ETHERNET, &ethernet(&[0x89, 0x09], &on(&metadata, &v4(6, &TCP)))),
            "cisco-metadata"
        );
    }

    #[test]
    fn either_ip_goes_in_either() {
        for inner in [(4, v4(6, &TCP)), (41, v6(6, &TCP))] {
            assert_eq!(kinds(RAW, &v4(inner.0, &inner.1)), "ip");
            assert_eq!(kinds(RAW, &v6(inner.0, &inner.1)), "ip");
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
        assert_eq!(kinds(RAW, &v4(47, &on(&[0, 0, 8, 0], &v4(6, &TCP)))), "gre");
        let frame = ethernet(&[0x81, 0x00, 0, 9, 0x86, 0xdd], &v6(6, &TCP));
        let keyed = on(&[0x20, 0, 0x65, 0x58, 0, 0, 0, 5], &frame);
        assert_eq!(kinds(RAW, &v6(47, &keyed)), "gre 5");
        assert_eq!(segment(RAW, &v6(47, &keyed)).vlan, 9);
    }

    #[test]
    fn tunnels_in_udp_are_told_by_either_port() {
        let frame = ethernet(&[8, 0], &v4(6, &TCP));
        let vxlan = on(&[8, 0, 0, 0, 0, 0, 42, 0], &frame);
        let geneve = on(&[0, 0, 0x65, 0x58, 0, 0, 42, 0], &frame);
        let gtp = on(&[0x30, 0xff, 0, 45, 0, 0, 0, 1], &v4(6, &TCP));
        for (port, payload, kind) in [
            (4789, &vxlan, "vxlan 42"),
            (6081, &geneve, "geneve 42"),
            (2152, &gtp, "gtp 1"),
            (3544, &v6(6, &TCP), "teredo"),
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
    fn sessions_of_either_version_of_l2tp_are_unwrapped() {
        let second = on(&[0, 2, 0, 5, 0, 6, 0xff, 3, 0, 0x21], &v4(6, &TCP));
        assert_eq!(kinds(RAW, &v4(17, &udp(1701, &second))), "l2tp 6");
        let third = on(&[0, 3, 0, 0, 0, 0, 0, 7], &ethernet(&[8, 0], &v4(6, &TCP)));
        for frame in [v4(17, &udp(1701, &third)), v6(115, &third[4..])] {
            let segment = segment(RAW, &frame);
            assert_eq!((told(&segment).as_str(), segment.role), ("l2tp 7", Role::Unnumbered));
        }
    }

    #[test]
    fn mirrored_frames_tell_their_session() {
        let mirrored = on(&[0x10, 7, 0, 42, 0, 0, 0, 0], &ethernet(&[8, 0], &v4(6, &TCP)));
        let gre = on(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1], &mirrored);
        assert_eq!(kinds(RAW, &v4(47, &gre)), "erspan 42");
    }

    #[test]
    fn frames_of_wireless_networks_are_unwrapped_whatever_stands_before_them() {
        let wifi = [
            &[0x08, 0x01][..],
            &[0; 22],
            &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0],
            &v4(6, &TCP),
        ]
        .concat();
        assert_eq!(kinds(105, &wifi), "");
        assert_eq!(kinds(127, &on(&[0, 0, 8, 0, 0, 0, 0, 0], &wifi)), "");
        assert_eq!(kinds(192, &on(&[0, 0, 8, 0, 105, 0, 0, 0], &wifi)), "");
        assert_eq!(kinds(119, &on(&[0; 144], &wifi)), "");
        let pktap = on(&[12, 0, 0, 0, 1, 0, 0, 0, 127, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0], &wifi);
        assert_eq!(kinds(258, &pktap), "");
        let mut capwap = on(&[0, 0x10, 0x03, 0, 0, 0, 0, 0], &wifi);
        let in_udp = |capwap: &[u8]| segment(RAW, &v4(17, &udp(5247, capwap)));
        assert_eq!(in_udp(&capwap).role, Role::Unnumbered);
        capwap.swap(8, 9);
        assert_eq!(
            (told(&in_udp(&capwap)).as_str(), in_udp(&capwap).role),
            ("capwap", Role::Whole)
        );
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
    fn a_segment_quoted_in_a_tunnel_is_known_as_such() {
        let error = on(&[3, 4, 0, 0, 0, 0, 5, 0], &v4(6, &TCP));
        let Decoded::Tcp(segment) = decode(&packet(RAW, &v4(4, &v4(1, &error)), 500)) else {
            panic!("not a segment");
        };
        assert_eq!((segment.role, segment.payload_len), (Role::Quoted, 28));
    }

    #[test]
    fn eight_encapsulations_are_unwrapped_and_nine_are_not() {
        let mut frame = v4(6, &TCP);
        for _ in 0..8 {
            frame = v4(4, &frame);
        }
        assert_eq!(kinds(RAW, &frame), ["ip"; 8].join(", "));
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
