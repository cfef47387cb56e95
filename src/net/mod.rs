//! One captured packet → one TCP segment: link types, IP, TCP headers. Pure: bytes in, values out.
//!
//! Two paths lead to the same answer. The short one ([`fast`]) reads what nearly every packet is (IPv4 or IPv6 without options or
//! extension headers, not a fragment, then TCP) at fixed offsets. Everything else goes through `etherparse` ([`general`]), which
//! also tells a cut header from a wrong one. A property test holds the two together. Link layers are peeled by hand ([`link`])
//! for both. Tunnels, and whatever else wraps an IP packet once more, are unwrapped on the general path ([`tunnel`],
//! [`encapsulation`]): the flow of a segment is the one that its innermost IP header tells.
//!
//! Fragments of IP are told as such; a [`Defragmenter`] puts them together, one after the other in the order of the file, and reads
//! the datagram on. A frame of a wireless network may hold several others, each of which is then decoded by itself ([`frames`]).
//!
//! Nothing is dropped for a bad checksum: captures taken on the sender's machine are full of sums that the network card was still
//! to fill in.
//!
//! Of what a capturing device appends to a frame, what says why it reset a connection is read ([`trailer`]).
//!
//! Of an ICMP error that quotes a TCP header, that header is told as a segment, and the error as its payload ([`IcmpError`]).
//!
//! Of UDP, tunnels are read, and with which datagrams DTLS and QUIC begin ([`udp`]): it is not followed.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used))]

mod encapsulation;
mod fast;
mod fragment;
mod fuzz;
mod general;
mod icmp;
mod layer;
mod link;
mod log;
mod segment;
mod serial;
mod tcp;
mod trailer;
mod tunnel;
mod udp;
mod wireless;
mod wrapping;

use crate::evidence::Time;

use fast::Usual;

pub(crate) use fragment::{Defragmenter, Fragment, FragmentLimits, FragmentTally};
pub use fuzz::fuzz_packet;
pub(crate) use icmp::IcmpError;
pub(crate) use segment::{Flags, FlowKey, Role, Segment};
pub(crate) use trailer::DeviceReset;
pub(crate) use udp::{Opening, Secured};
pub(crate) use wrapping::Encapsulations;

/// A packet as the capture holds it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packet<'a> {
    /// Link type of the interface (the LINKTYPE_ registry of tcpdump.org).
    pub(crate) link: u16,
    /// The captured bytes.
    pub(crate) bytes: &'a [u8],
    /// Length on the wire, in bytes.
    pub(crate) original: u32,
    /// Offset of `bytes` in the capture's window; payload offsets count from the window's start.
    pub(crate) at: u32,
    /// `frame.number`, counted from 1.
    pub(crate) frame: u64,
    /// When it was captured, where the format says so.
    pub(crate) time: Option<Time>,
}

/// What a packet turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// A TCP segment; its [`Role`] says whether it is numbered and whether it is followed.
    Tcp(Segment),
    /// TCP, but the snapshot length cut the header before its window field: neither numbered nor followed.
    Cut,
    /// A datagram with which DTLS or QUIC may begin.
    Udp(Opening),
    /// A fragment of an IP datagram that may hold TCP.
    Fragment(Fragment),
    /// Several frames in one, from this offset in the packet on; [`frames`] takes them apart.
    Aggregate(usize),
    /// Nothing that is read here.
    Other,
}

// Nearly all packets are segments: the other answers are not to make theirs larger.
const _: () = assert!(size_of::<Decoded>() == size_of::<Segment>());

/// Reads one packet down to TCP. Never panics, whatever the bytes; never allocates.
///
/// Inlined, so that a segment is written once, where its caller wants it: copying each was measured to cost 50 instructions a packet.
#[inline(always)]
pub(crate) fn decode(packet: &Packet<'_>) -> Decoded {
    if let Some(network) = link::peel(packet.link, packet.bytes)
        && let Some(usual) = fast::read(packet, &network)
    {
        return match usual {
            Usual::Tcp {
                carrier,
                header,
                captured,
            } => Decoded::Tcp(tcp::segment(packet, &carrier, &header, captured)),
            Usual::Udp => Decoded::Other,
        };
    }
    general::decode(packet)
}

/// The frames in a packet that holds several, as packets of their own.
pub(crate) fn frames<'a>(packet: &Packet<'a>, at: usize) -> impl Iterator<Item = Packet<'a>> {
    let packet = *packet;
    let mut rest = packet.bytes.get(at..).unwrap_or_default();
    std::iter::from_fn(move || {
        let skipped = packet.bytes.len() - rest.len() + wireless::FRAME_HEADER;
        let (bytes, behind) = wireless::next_frame(rest)?;
        rest = behind;
        Some(Packet {
            link: layer::LLC,
            bytes,
            original: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            at: packet.at.saturating_add(u32::try_from(skipped).unwrap_or(u32::MAX)),
            ..packet
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Fields of a generated packet; `mutations` then overwrite bytes anywhere.
    #[derive(Clone, Debug)]
    struct Recipe {
        tags: Vec<u16>,
        v6: bool,
        ihl: u8,
        length_error: i16,
        protocol: u8,
        fragment: u16,
        data_offset: u8,
        flags: u8,
        options: Vec<u8>,
        payload: usize,
        padding: usize,
        cut: usize,
        mutations: Vec<(usize, u8)>,
    }

    impl Recipe {
        fn bytes(&self) -> (Vec<u8>, u32) {
            let mut bytes = vec![0x02; 12];
            for tag in &self.tags {
                bytes.extend([0x81, 0x00]);
                bytes.extend(tag.to_be_bytes());
            }
            let mut tcp = vec![0xc0, 0x01, 0x01, 0xbb, 1, 2, 3, 4, 5, 6, 7, 8];
            tcp.extend([self.data_offset << 4, self.flags, 0x10, 0x20, 0, 0, 0, 0]);
            tcp.extend(&self.options);
            tcp.extend(vec![0xaa; self.payload]);
            if self.v6 {
                bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
                bytes.extend((tcp.len() as u16).wrapping_add_signed(self.length_error).to_be_bytes());
                bytes.extend([self.protocol, 63]);
                bytes.extend([0x20; 16]);
                bytes.extend([0x21; 16]);
            } else {
                bytes.extend([0x08, 0x00, 0x40 | self.ihl, 0]);
                let total = usize::from(self.ihl) * 4 + tcp.len();
                bytes.extend((total as u16).wrapping_add_signed(self.length_error).to_be_bytes());
                bytes.extend([0x12, 0x34]);
                bytes.extend(self.fragment.to_be_bytes());
                bytes.extend([64, self.protocol, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1]);
                bytes.extend(vec![1; usize::from(self.ihl).saturating_sub(5) * 4]);
            }
            bytes.extend(tcp);
            bytes.extend(vec![0; self.padding]);
            for (place, value) in &self.mutations {
                let len = bytes.len();
                bytes[place % len] = *value;
            }
            let original = bytes.len() as u32;
            bytes.truncate(bytes.len().saturating_sub(self.cut));
            (bytes, original)
        }
    }

    fn recipe() -> impl Strategy<Value = Recipe> {
        let network = (
            prop::collection::vec(any::<u16>(), 0..3),
            any::<bool>(),
            prop_oneof![8 => Just(5_u8), 1 => 0..16_u8],
            prop_oneof![8 => Just(0_i16), 1 => -80..80_i16, 1 => any::<i16>()],
            prop_oneof![8 => Just(6_u8), 1 => any::<u8>()],
            prop_oneof![4 => Just(0_u16), 4 => Just(0x4000), 1 => any::<u16>()],
        );
        let transport = (
            prop_oneof![8 => 5..8_u8, 1 => 0..16_u8],
            prop_oneof![2 => Just(0x02_u8), 1 => any::<u8>()],
            prop_oneof![1 => Just(vec![2, 4, 5, 0xb4]), 1 => Just(vec![1, 1, 4, 2, 2, 4, 5, 0x78]), 2 => prop::collection::vec(0..6_u8, 0..44)],
            0..40_usize,
            0..20_usize,
            prop_oneof![4 => Just(0_usize), 2 => 0..70_usize],
            prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(any::<(usize, u8)>(), 0..4)],
        );
        (network, transport).prop_map(|(network, transport)| {
            let (tags, v6, ihl, length_error, protocol, fragment) = network;
            let (data_offset, flags, options, payload, padding, cut, mutations) = transport;
            Recipe {
                tags,
                v6,
                ihl,
                length_error,
                protocol,
                fragment,
                data_offset,
                flags,
                options,
                payload,
                padding,
                cut,
                mutations,
            }
        })
    }

    fn packet(link: u16, bytes: &[u8], original: u32) -> Packet<'_> {
        Packet {
            link,
            bytes,
            original,
            at: 1000,
            frame: 7,
            time: None,
        }
    }

    /// Every link type that is read, and one that is not.
    const LINKS: [u16; 27] = [
        0, 1, 8, 9, 12, 14, 50, 51, 100, 101, 104, 105, 107, 108, 109, 113, 117, 119, 127, 149, 163, 192, 228, 229,
        239, 276, 500,
    ];

    #[test]
    fn every_frame_of_an_aggregate_is_a_packet_at_its_place() {
        let part = |port: u8| {
            let mut frame = vec![2; 12];
            frame.extend([
                0, 48, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0, 0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0,
            ]);
            frame.extend([
                10, 0, 0, 1, 10, 0, 0, 2, 0, port, 1, 0xbb, 0, 0, 0, 9, 0, 0, 0, 0, 0x50, 2, 0, 9, 0, 0, 0, 0,
            ]);
            frame
        };
        let header = [&[0x88, 0x01][..], &[0; 22], &[0x80, 0]].concat();
        let bytes = [&header[..], &part(7), &[0, 0], &part(8)].concat();
        let whole = packet(105, &bytes, bytes.len() as u32);
        let Decoded::Aggregate(at) = decode(&whole) else {
            panic!("no aggregate")
        };
        let decoded: Vec<_> = frames(&whole, at)
            .map(|frame| match decode(&frame) {
                Decoded::Tcp(segment) => (segment.frame, segment.key.low_port, segment.payload_at),
                other => panic!("not a segment: {other:?}"),
            })
            .collect();
        assert_eq!(decoded, [(7, 7, 1000 + 26 + 62), (7, 8, 1000 + 26 + 64 + 62)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn the_short_path_and_the_general_one_agree(recipe in recipe()) {
            let (bytes, original) = recipe.bytes();
            let packet = packet(1, &bytes, original);
            prop_assert_eq!(decode(&packet), general::decode(&packet));
        }

        #[test]
        fn a_payload_lies_inside_its_packet(recipe in recipe()) {
            let (bytes, original) = recipe.bytes();
            if let Decoded::Tcp(segment) = decode(&packet(1, &bytes, original)) {
                let end = (segment.payload_at - 1000) as usize + segment.payload_len as usize;
                prop_assert!(end <= bytes.len());
            }
        }

        #[test]
        fn any_bytes_of_any_link_type_are_read_without_a_panic(
            link in prop::sample::select(&LINKS[..]),
            bytes in prop::collection::vec(any::<u8>(), 0..120),
            original in any::<u32>(),
        ) {
            let packet = packet(link, &bytes, original);
            if let Decoded::Aggregate(at) = decode(&packet) {
                for frame in frames(&packet, at) {
                    decode(&frame);
                }
            }
        }
    }
}
